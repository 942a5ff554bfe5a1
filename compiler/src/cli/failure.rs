//! What goes wrong on the command line, as a person reads it: what, where, what to do, and the exit code.

mod convert;

use std::{borrow::Cow, path::Path};

use miette::{GraphicalReportHandler, GraphicalTheme};

use super::screen::{self, harmless};
use crate::{data::DataError, exit::Exit, task::TaskError};

/// Something that ends a command.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    told: Told,
}

#[derive(Debug)]
enum Told {
    Report(Box<miette::Report>),
    Words { message: String, hint: Option<String> },
}

impl Failure {
    /// A failure in words.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, told: Told::Words { message: message.into(), hint: None } }
    }

    /// The same failure with something to do about it.
    #[must_use]
    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        if let Told::Words { hint, .. } = &mut self.told {
            *hint = Some(text.into());
        }
        self
    }

    /// A file that could not be read or written.
    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::new(Exit::Invalid, format!("cannot use {}: {error}", path.display()))
    }

    /// A file that could not be written: the fault of a disk, not of the input.
    pub(crate) fn unwritable(path: &Path, error: &std::io::Error) -> Self {
        Self::new(Exit::Internal, format!("cannot write {}: {error}", path.display())).hint(
            "make room, or let the folder be written; the same command goes on and pays for no call twice",
        )
    }

    /// What the process tells its caller.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The failure as text for stderr. Whatever is quoted in it, nothing but colours steers the terminal.
    pub fn render(&self, colour: bool) -> String {
        let plain = self.text(GraphicalTheme::unicode_nocolor());
        match harmless(&plain) {
            Cow::Borrowed(_) if colour => self.text(GraphicalTheme::unicode()),
            harmless => harmless.into_owned(),
        }
    }

    fn text(&self, theme: GraphicalTheme) -> String {
        match &self.told {
            Told::Words { message, hint } => {
                let hint = hint.as_ref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
                format!("error: {message}{hint}\n")
            }
            Told::Report(report) => {
                let mut text = String::new();
                let handler = GraphicalReportHandler::new_themed(theme).with_width(110);
                match handler.render_report(&mut text, report.as_ref().as_ref()) {
                    Ok(()) => text,
                    Err(_) => format!("error: {report}\n"),
                }
            }
        }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        let failure = Self::new(Exit::Invalid, error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Unreadable { path, source } => missing_task(&path, &source),
            TaskError::Broken(errors) => Self {
                exit: Exit::Invalid,
                told: Told::Report(Box::new(miette::Report::new(errors.into_report()))),
            },
        }
    }
}

/// A task that is not there.
pub(crate) fn missing_task(path: &Path, source: &std::io::Error) -> Failure {
    Failure::new(Exit::Invalid, format!("cannot read the task file {}: {source}", path.display()))
        .hint(format!("name a folder with a task.toml, or make one with `{} init FOLDER`", screen::program()))
}

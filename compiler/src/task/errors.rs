//! All mistakes of one task file, as plain lines or with excerpts of the file.
//!
//! **Invariant:** a file with several mistakes gives several problems, in the order of the file.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use miette::{Diagnostic, NamedSource, SourceCode};

use crate::config::Problem;

/// All mistakes of one task file, in the order of the file. `Display` gives one line per problem;
/// [`TaskErrors::into_report`] gives excerpts with the spans underlined.
#[derive(Debug)]
pub struct TaskErrors {
    path: PathBuf,
    source: NamedSource<String>,
    problems: Vec<Problem>,
}

impl TaskErrors {
    /// Collects the problems of a file, at least one.
    pub(crate) fn new(path: PathBuf, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
        let source = NamedSource::new(path.display().to_string(), text.to_owned()).with_language("toml");
        Self { path, source, problems }
    }

    /// The task file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The problems, in the order of the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The line of a problem, counted from 1.
    pub fn line(&self, problem: &Problem) -> usize {
        let text = self.source.inner();
        text.as_bytes()[..problem.span.start.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
            + 1
    }
}

/// `task.toml:3: message (hint)`, one line per problem.
impl fmt::Display for TaskErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{}:{}: {}", self.path.display(), self.line(problem), problem.message)?;
            if let Some(hint) = &problem.hint {
                write!(f, " ({hint})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for TaskErrors {}

/// Task errors for miette: a heading, then every problem with an excerpt of the file.
#[derive(Debug)]
pub struct TaskReport(TaskErrors);

impl TaskErrors {
    /// Turns them into a report with excerpts.
    pub fn into_report(self) -> TaskReport {
        TaskReport(self)
    }
}

impl fmt::Display for TaskReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.problems.len() {
            1 => write!(f, "{} has a mistake", self.0.path.display()),
            count => write!(f, "{} has {count} mistakes", self.0.path.display()),
        }
    }
}

impl std::error::Error for TaskReport {}

impl Diagnostic for TaskReport {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.0.source)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.0.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

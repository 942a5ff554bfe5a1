//! What is wrong with a task file, and where.
//!
//! **Invariant:** every problem points into the text that was read; a file with several mistakes gives several problems.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// One mistake in a task file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which bytes of the file it is about.
    pub span: Range<usize>,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// What stands at the span, in a few words; nothing if the mistake is in a file that is named there.
    pub label: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// All mistakes in one task file, in the order of the file. `Display` gives one line per problem;
/// [`TaskErrors::into_report`] gives excerpts with the spans underlined.
#[derive(Debug)]
pub struct TaskErrors {
    path: PathBuf,
    source: NamedSource<String>,
    problems: Vec<Problem>,
}

impl Problem {
    /// A problem without a hint; the label repeats what the message says in short.
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { span, message: message.into(), label: Some(label.into()), hint: None }
    }

    /// A problem in a file that is named at the span; the message says where in it.
    pub(crate) fn within(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), label: None, hint: None }
    }

    /// The same problem with something to do about it.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl TaskErrors {
    /// The problems of a file, at least one.
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

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = self.label.clone()?;
        let label = LabeledSpan::new_with_span(Some(label), self.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// Task errors as miette renders them: a heading, then every problem with an excerpt of the file.
#[derive(Debug)]
pub struct TaskReport(TaskErrors);

impl TaskErrors {
    /// For display with excerpts.
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

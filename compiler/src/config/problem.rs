//! A mistake in a task file, with its place.
//!
//! **Invariant:** every problem points into the text that was read.

use std::{fmt, ops::Range};

use miette::{Diagnostic, LabeledSpan};

/// One mistake in a task file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The bytes of the file that it is about.
    pub span: Range<usize>,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// A few words for the underlined span; none if the mistake is in a file that the span names.
    pub label: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// Makes a problem without a hint. The label says in short what the message says.
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { span, message: message.into(), label: Some(label.into()), hint: None }
    }

    /// Makes a problem in a file that the span names. The message says where in that file.
    pub(crate) fn within(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), label: None, hint: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

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

//! Writing a text token by token.

use std::fmt;

/// Chooses the tokens of a text.
pub(crate) trait Writer: Send + fmt::Debug {
    /// Takes the logits of all words and chooses what comes next.
    fn next(&mut self, logits: Vec<f32>) -> Next;
}

/// What comes next.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// This token, and then more.
    Token(u32),
    /// Nothing: the text is finished.
    End(Text),
}

/// A finished text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    /// The text, without stop texts.
    pub(crate) text: String,
    /// Why it ended.
    pub(crate) finish: crate::model::Finish,
    /// Natural-log probability of each token.
    pub(crate) logprobs: Vec<f64>,
}

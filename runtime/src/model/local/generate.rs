//! Writing a text token by token: sampling, grammar, stop texts, the end.
//!
//! **Invariant:** a text follows from the request and the logits of its own rows alone.

use std::{fmt, sync::Arc};

use super::{
    grammar::Grammar,
    sample::Sampler,
    tokenizer::{TextStream, Tokenizer},
};
use crate::model::{Finish, Request};

/// A chooser of a text's tokens.
pub(crate) trait TokenWriter: Send + fmt::Debug {
    /// Chooses the next token by the logits of all words.
    fn next(&mut self, logits: &[f32]) -> Next;
}

/// The next step of a text.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// A token, with more to follow.
    Token(u32),
    /// The end: the text is finished.
    End(Text),
}

/// A finished text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    /// The text, without stop texts.
    pub(crate) text: String,
    /// The reason why it ended.
    pub(crate) finish: Finish,
    /// Natural-log probability of each token, the end included.
    pub(crate) logprobs: Vec<f64>,
}

/// The writer of the reply to one request.
pub(crate) struct ReplyWriter {
    tokenizer: Arc<Tokenizer>,
    sampler: Sampler,
    grammar: Option<Grammar>,
    stops: Vec<String>,
    most: usize,
    stream: TextStream,
    text: String,
    logprobs: Vec<f64>,
}

impl ReplyWriter {
    /// A writer for a request, constrained by a grammar if one is given.
    pub(crate) fn new(tokenizer: Arc<Tokenizer>, request: &Request, grammar: Option<Grammar>) -> Self {
        Self {
            tokenizer,
            sampler: Sampler::new(request),
            grammar,
            stops: request.sampling.stop.iter().filter(|stop| !stop.is_empty()).cloned().collect(),
            most: request.sampling.max_tokens as usize,
            stream: TextStream::default(),
            text: String::new(),
            logprobs: vec![],
        }
    }

    fn end(&mut self, finish: Finish) -> Next {
        self.text += &self.stream.finish();
        Next::End(Text {
            text: std::mem::take(&mut self.text),
            finish,
            logprobs: std::mem::take(&mut self.logprobs),
        })
    }

    /// Adds a token's bytes. Returns whether a stop text has appeared; it is then cut off.
    fn add(&mut self, token: u32) -> bool {
        let new = self.stream.push(self.tokenizer.bytes(token));
        // A stop text can begin in the text so far.
        let longest = self.stops.iter().map(String::len).max().unwrap_or(0);
        let mut from = self.text.len().saturating_sub(longest);
        while !self.text.is_char_boundary(from) {
            from -= 1;
        }
        self.text += &new;
        let first = self.stops.iter().filter_map(|stop| self.text[from..].find(stop.as_str())).min();
        if let Some(at) = first {
            self.text.truncate(from + at);
            self.stream = TextStream::default();
        }
        first.is_some()
    }
}

impl TokenWriter for ReplyWriter {
    fn next(&mut self, logits: &[f32]) -> Next {
        // A grammar that cannot be followed any further ends the reply as cut, because it is not complete.
        let Ok(allowed) = self.grammar.as_mut().map(Grammar::mask).transpose() else {
            return self.end(Finish::Length);
        };
        let Some(drawn) = self.sampler.draw(logits, allowed.as_ref()) else {
            return self.end(Finish::Length);
        };
        self.logprobs.push(drawn.logprob);
        if self.tokenizer.ends().contains(&drawn.token) {
            return self.end(Finish::Stop);
        }
        if self.add(drawn.token) {
            return self.end(Finish::Stop);
        }
        if let Some(grammar) = &mut self.grammar {
            match grammar.accept(drawn.token) {
                Ok(()) if grammar.is_done() => return self.end(Finish::Stop),
                Ok(()) => {}
                Err(_) => return self.end(Finish::Length),
            }
        }
        if self.logprobs.len() >= self.most {
            return self.end(Finish::Length);
        }
        Next::Token(drawn.token)
    }
}

impl fmt::Debug for ReplyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyWriter").field("text", &self.text).finish_non_exhaustive()
    }
}

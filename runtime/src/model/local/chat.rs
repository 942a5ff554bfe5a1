//! Tokens of a conversation, by the chat template in the model file.
//!
//! **Invariant:** the content of a message reaches neither the template engine nor the search for control tokens. The
//! template is rendered with placeholders. The text around them is trusted, the contents are plain text ([`Part`]).
//!
//! ChatML is used for a file without a template, and for conversations for which the template fails.

mod template;

use std::sync::Arc;

use self::template::Template;
use super::{
    gguf::Gguf,
    tokenizer::{Part, Tokenizer},
};
use crate::model::{Message, Role};

/// The writer of conversations for one model.
#[derive(Debug)]
pub struct Chat {
    template: Option<Template>,
    tokenizer: Arc<Tokenizer>,
}

/// A piece of a conversation with the contents kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TemplatePiece {
    /// Text of the template.
    Template(String),
    /// The content of the message at this place.
    Content { message: usize, trimmed_start: bool, trimmed_end: bool },
}

impl Chat {
    /// The chat of a file. A template that cannot be compiled counts as none.
    pub fn from_gguf(gguf: &Gguf, tokenizer: Arc<Tokenizer>) -> Self {
        let source = gguf.find::<&str>("tokenizer.chat_template").ok().flatten();
        let template = source.and_then(|source| Template::new(source, &tokenizer).ok());
        Self { template, tokenizer }
    }

    /// The tokens of a conversation, up to the beginning of the model's next message.
    pub fn encode(&self, messages: &[Message]) -> Vec<u32> {
        let pieces = self.pieces(messages, true);
        let ids = self.tokenizer.encode_parts(&parts(&pieces, messages));
        match self.tokenizer.bos() {
            Some((bos, true)) if ids.first() != Some(&bos) => [&[bos], &ids[..]].concat(),
            _ => ids,
        }
    }

    /// The tokens of `reply` as they follow the conversation's, for scoring a known reply.
    pub fn encode_reply(&self, messages: &[Message], reply: &str) -> Vec<u32> {
        let pieces = self.pieces(messages, true);
        self.tokenizer.encode_after(&parts(&pieces, messages), reply)
    }

    /// The token that ends the model's message.
    pub fn end_of_turn(&self) -> u32 {
        let turn = [Message::new(Role::User, "a"), Message::new(Role::Assistant, "b")];
        let pieces = self.pieces(&turn, false);
        let after = pieces
            .iter()
            .skip_while(|piece| !matches!(piece, TemplatePiece::Content { message: 1, .. }))
            .nth(1);
        let Some(TemplatePiece::Template(after)) = after else { return self.tokenizer.eos() };
        let ids = self.tokenizer.encode_parts(&[Part::Trusted(after)]);
        ids.into_iter().find(|id| self.tokenizer.ends().contains(id)).unwrap_or_else(|| self.tokenizer.eos())
    }

    fn pieces(&self, messages: &[Message], ask: bool) -> Vec<TemplatePiece> {
        self.template
            .as_ref()
            .and_then(|template| template.render(messages, ask).ok())
            .unwrap_or_else(|| chat_ml(messages, ask))
    }
}

fn parts<'a>(pieces: &'a [TemplatePiece], messages: &'a [Message]) -> Vec<Part<'a>> {
    pieces.iter().map(|piece| part(piece, messages)).collect()
}

fn part<'a>(piece: &'a TemplatePiece, messages: &'a [Message]) -> Part<'a> {
    match *piece {
        TemplatePiece::Template(ref text) => Part::Trusted(text),
        TemplatePiece::Content { message, trimmed_start, trimmed_end } => {
            let mut content = messages[message].content.as_str();
            if trimmed_start {
                content = content.trim_start();
            }
            if trimmed_end {
                content = content.trim_end();
            }
            Part::Plain(content)
        }
    }
}

/// The conversation in ChatML, which most open models know.
fn chat_ml(messages: &[Message], ask: bool) -> Vec<TemplatePiece> {
    let mut pieces = Vec::new();
    for (message, Message { role, .. }) in messages.iter().enumerate() {
        pieces.push(TemplatePiece::Template(format!("<|im_start|>{role}\n")));
        pieces.push(TemplatePiece::Content { message, trimmed_start: false, trimmed_end: false });
        pieces.push(TemplatePiece::Template("<|im_end|>\n".to_owned()));
    }
    if ask {
        pieces.push(TemplatePiece::Template("<|im_start|>assistant\n".to_owned()));
    }
    pieces
}

#[cfg(test)]
mod tests;

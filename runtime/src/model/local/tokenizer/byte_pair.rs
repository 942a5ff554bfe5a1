//! Byte-level BPE (Sennrich et al. 2016; over bytes as in GPT-2): text is cut into words, a word's bytes are merged
//! pair by pair in the order in which the merges were learned.

use std::collections::HashMap;

use super::{
    Token, TokenKind, TokenizerError,
    letters::byte,
    merge::{Merge, merge},
    split::Splitter,
};
use crate::model::local::gguf::Gguf;

#[derive(Debug)]
pub(super) struct BytePair {
    splitter: Splitter,
    /// The token of each byte. Some vocabularies lack bytes that did not occur in their training text. Such a byte is left
    /// out, as in the models' own tokenizers.
    bytes: Vec<Option<u32>>,
    /// The result of merging two neighbours, with its place in the order.
    merges: HashMap<(u32, u32), Merge>,
    /// Whole words that need no merging, for vocabularies that are not closed under their merges.
    words: HashMap<Vec<u8>, u32>,
}

impl BytePair {
    /// The scheme and the tokens of a file.
    pub(super) fn read(gguf: &Gguf, kinds: &[TokenKind]) -> Result<(Self, Vec<Token>), TokenizerError> {
        let names = gguf.get::<&[String]>("tokenizer.ggml.tokens")?;
        let splitter = Splitter::named(gguf.find("tokenizer.ggml.pre")?.unwrap_or("default"))?;
        let tokens: Vec<Token> = names.iter().zip(kinds).map(|(name, &kind)| token(name, kind)).collect();

        let normal = || (0_u32..).zip(&tokens).filter(|(_, token)| token.kind == TokenKind::Normal);
        let by_name: HashMap<&str, u32> = normal().map(|(id, token)| (token.name.as_str(), id)).collect();
        let by_bytes: HashMap<&[u8], u32> = normal().map(|(id, token)| (&token.bytes[..], id)).collect();
        let bytes: Vec<_> = (0..=255_u8).map(|byte| by_bytes.get(&[byte][..]).copied()).collect();
        if bytes[0x20..0x7f].contains(&None) {
            return Err(TokenizerError::Broken("it lacks tokens for single letters".to_owned()));
        }

        let listed = gguf.get::<&[String]>("tokenizer.ggml.merges")?;
        let merges = (0_u32..).zip(listed).filter_map(|(rank, line)| {
            let (left, right) = line.split_once(' ')?;
            let token = *by_name.get(format!("{left}{right}").as_str())?;
            Some(((*by_name.get(left)?, *by_name.get(right)?), Merge { rank, token }))
        });
        // Of a pair that is listed twice the first line counts, so the lines are collected from the end.
        let merges = merges.collect::<Vec<_>>().into_iter().rev().collect();
        let words = if splitter.keeps_known_words() {
            by_bytes.iter().map(|(bytes, &id)| (bytes.to_vec(), id)).collect()
        } else {
            HashMap::new()
        };
        Ok((Self { splitter, bytes, merges, words }, tokens))
    }

    pub(super) fn adds_bos(&self) -> bool {
        self.splitter.adds_bos()
    }

    pub(super) fn encode(&self, text: &str, ids: &mut Vec<u32>) {
        for word in self.splitter.split(text) {
            if let Some(&id) = self.words.get(word.as_bytes()) {
                ids.push(id);
                continue;
            }
            let symbols = word.bytes().filter_map(|byte| self.bytes[usize::from(byte)]).collect();
            ids.extend(merge(symbols, |left, right| self.merges.get(&(left, right)).copied()));
        }
    }
}

fn token(name: &str, kind: TokenKind) -> Token {
    let bytes = match kind {
        TokenKind::Control | TokenKind::Unknown | TokenKind::Unused => vec![],
        TokenKind::UserDefined => name.as_bytes().to_vec(),
        // A name outside of the alphabet stands for itself.
        TokenKind::Normal | TokenKind::Byte => {
            name.chars().map(byte).collect::<Option<_>>().unwrap_or_else(|| name.as_bytes().to_vec())
        }
    };
    Token { bytes, name: name.to_owned(), kind }
}

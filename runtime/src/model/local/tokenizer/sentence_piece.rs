//! SentencePiece-style BPE (Kudo and Richardson 2018) as llama.cpp reads it: characters are merged into the neighbour
//! pair whose token has the best score; a character without a token becomes its UTF-8 bytes.

use std::collections::HashMap;

use super::{
    Token, TokenKind, TokenizerError,
    merge::{Merge, merge},
};
use crate::model::local::gguf::Gguf;

/// The character for a space in the vocabulary.
const SPACE: char = '▁';

#[derive(Debug)]
pub(super) struct SentencePiece {
    /// The token of each character that has one.
    characters: HashMap<char, u32>,
    /// The result of merging two neighbours; the best score has rank 0.
    merges: HashMap<(u32, u32), Merge>,
    /// The token of each byte.
    bytes: Vec<u32>,
    adds_space: bool,
}

impl SentencePiece {
    /// The scheme and the tokens of a file.
    pub(super) fn read(gguf: &Gguf, kinds: &[TokenKind]) -> Result<(Self, Vec<Token>), TokenizerError> {
        let names = gguf.get::<&[String]>("tokenizer.ggml.tokens")?;
        let scores = gguf.get::<&[f64]>("tokenizer.ggml.scores")?;
        if scores.len() != names.len() {
            return Err(TokenizerError::Broken(format!(
                "{} tokens have {} scores",
                names.len(),
                scores.len()
            )));
        }
        let tokens =
            names.iter().zip(kinds).map(|(name, &kind)| token(name, kind)).collect::<Result<Vec<_>, _>>()?;
        let normal: HashMap<&str, u32> = (0_u32..)
            .zip(&tokens)
            .filter(|(_, token)| token.kind == TokenKind::Normal)
            .map(|(id, token)| (token.name.as_str(), id))
            .collect();

        let characters = (0_u32..).zip(&tokens).filter(|(_, token)| token.kind == TokenKind::Normal);
        let characters = characters.filter_map(|(id, token)| {
            let mut characters = token.name.chars();
            Some((characters.next()?, id)).filter(|_| characters.next().is_none())
        });
        let scheme = Self {
            characters: characters.collect(),
            merges: merges(&normal, scores),
            bytes: byte_tokens(gguf, &tokens)?,
            adds_space: gguf.find("tokenizer.ggml.add_space_prefix")?.unwrap_or(true),
        };
        Ok((scheme, tokens))
    }

    pub(super) fn encode(&self, text: &str, ids: &mut Vec<u32>) {
        let prefix = self.adds_space.then_some(' ');
        // Bytes are never merged: no merge has their tokens.
        let mut symbols = Vec::new();
        for character in prefix.into_iter().chain(text.chars()) {
            let character = if character == ' ' { SPACE } else { character };
            match self.characters.get(&character) {
                Some(&id) => symbols.push(id),
                None => {
                    let mut utf8 = [0; 4];
                    symbols.extend(
                        character.encode_utf8(&mut utf8).bytes().map(|byte| self.bytes[usize::from(byte)]),
                    );
                }
            }
        }
        ids.extend(merge(symbols, |left, right| self.merges.get(&(left, right)).copied()));
    }
}

/// All pairs of tokens that make a third one.
fn merges(normal: &HashMap<&str, u32>, scores: &[f64]) -> HashMap<(u32, u32), Merge> {
    let mut better: Vec<f64> = scores.to_vec();
    better.sort_unstable_by(|a, b| b.total_cmp(a));
    better.dedup_by(|a, b| a.total_cmp(b).is_eq());
    let rank = |score: f64| better.partition_point(|other| other.total_cmp(&score).is_gt()) as u32;
    let ways = normal.iter().flat_map(|(name, &token)| {
        let rank = rank(scores[token as usize]);
        name.char_indices().skip(1).filter_map(move |(at, _)| {
            let (left, right) = name.split_at(at);
            Some(((*normal.get(left)?, *normal.get(right)?), Merge { rank, token }))
        })
    });
    ways.collect()
}

/// The token of each byte, or the unknown token if the vocabulary has none.
fn byte_tokens(gguf: &Gguf, tokens: &[Token]) -> Result<Vec<u32>, TokenizerError> {
    let unknown = super::find_id(gguf, "tokenizer.ggml.unknown_token_id", tokens)?;
    let mut ids = vec![unknown; 256];
    for (id, token) in (0_u32..).zip(tokens).filter(|(_, token)| token.kind == TokenKind::Byte) {
        ids[usize::from(token.bytes[0])] = Some(id);
    }
    ids.into_iter()
        .collect::<Option<_>>()
        .ok_or_else(|| TokenizerError::Broken("it lacks tokens for single bytes".to_owned()))
}

fn token(name: &str, kind: TokenKind) -> Result<Token, TokenizerError> {
    let bytes = match kind {
        TokenKind::Control | TokenKind::Unknown | TokenKind::Unused => vec![],
        TokenKind::Normal | TokenKind::UserDefined => name.replace(SPACE, " ").into_bytes(),
        TokenKind::Byte => name
            .strip_prefix("<0x")
            .and_then(|name| u8::from_str_radix(name.strip_suffix('>')?, 16).ok())
            .map(|byte| vec![byte])
            .ok_or_else(|| TokenizerError::Broken(format!("`{name}` is not a byte")))?,
    };
    Ok(Token { bytes, name: name.to_owned(), kind })
}

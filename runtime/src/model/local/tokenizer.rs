//! Conversion of text to tokens and back, by the vocabulary of a GGUF file.
//!
//! Two families: byte-level BPE (`gpt2` in the file) and SentencePiece-style BPE (`llama`).
//!
//! **Invariant:** only [`Part::Trusted`] text can become a control token. The content of a message becomes ordinary tokens,
//! even `<|im_end|>`, so a message can neither end its turn nor speak in another role.

mod byte_pair;
mod letters;
mod merge;
mod sentence_piece;
mod split;
mod stream;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

use self::{byte_pair::BytePair, sentence_piece::SentencePiece};
pub use self::{letters::letter, stream::TextStream};
use super::gguf::{Gguf, GgufError};

/// A model's vocabulary and the rules that cut text into its tokens.
#[derive(Debug)]
pub struct Tokenizer {
    scheme: Scheme,
    tokens: Vec<Token>,
    /// Finds control and user-defined tokens in trusted text: the longest of the leftmost.
    markers: AhoCorasick,
    /// The token of each pattern in `markers`.
    marker_ids: Vec<u32>,
    bos: Option<u32>,
    add_bos: bool,
    eos: u32,
    ends: Vec<u32>,
}

/// A piece of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Text of the chat template: control tokens in it count.
    Trusted(&'a str),
    /// All other text, in which control tokens are ordinary text.
    Plain(&'a str),
}

/// The reason why a vocabulary cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The metadata cannot be read.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The vocabulary contradicts itself.
    #[error("the vocabulary is broken: {0}")]
    Broken(String),
    /// A kind of tokenizer or pre-tokenizer that is not known.
    #[error(
        "the tokenizer `{0}` is not known to the embedded engine; serve the file with llama.cpp or Ollama and name \
         that server as the model"
    )]
    Unknown(String),
}

#[derive(Debug)]
enum Scheme {
    BytePair(BytePair),
    SentencePiece(SentencePiece),
}

#[derive(Debug)]
struct Token {
    /// The bytes that the token adds to a text; none for a control token.
    bytes: Vec<u8>,
    /// Its name in the vocabulary.
    name: String,
    kind: TokenKind,
}

/// `tokenizer.ggml.token_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenKind {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

/// Control tokens that end a turn in models whose metadata names only one of several ends.
const ENDS: &[&str] = &["<|im_end|>", "<|eot_id|>", "<|end|>", "<|endoftext|>", "<|end_of_text|>", "</s>"];

/// Most bytes of a token's name. Published vocabularies stay below 300; the time to read a vocabulary of pieces grows with
/// the square of the longest name.
const LONGEST_NAME: usize = 1024;

impl Tokenizer {
    /// Builds the tokenizer that a file describes.
    ///
    /// # Errors
    /// The description is incomplete, contradicts itself, or names a tokenizer that is not known.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self, TokenizerError> {
        let kinds = kinds(gguf)?;
        let (scheme, tokens) = match gguf.get("tokenizer.ggml.model")? {
            "gpt2" => {
                let (scheme, tokens) = BytePair::read(gguf, &kinds)?;
                (Scheme::BytePair(scheme), tokens)
            }
            "llama" => {
                let (scheme, tokens) = SentencePiece::read(gguf, &kinds)?;
                (Scheme::SentencePiece(scheme), tokens)
            }
            other => return Err(TokenizerError::Unknown(other.to_owned())),
        };
        let (markers, marker_ids) = markers(&tokens).map_err(|error| {
            TokenizerError::Broken(format!("its control tokens cannot be matched: {error}"))
        })?;

        let bos = find_id(gguf, "tokenizer.ggml.bos_token_id", &tokens)?;
        let add_bos = gguf.find("tokenizer.ggml.add_bos_token")?.unwrap_or(match &scheme {
            Scheme::BytePair(scheme) => scheme.adds_bos(),
            Scheme::SentencePiece(_) => true,
        });
        let eos = find_id(gguf, "tokenizer.ggml.eos_token_id", &tokens)?
            .ok_or_else(|| TokenizerError::Broken("it has no end token".to_owned()))?;
        let eot = find_id(gguf, "tokenizer.ggml.eot_token_id", &tokens)?;
        let ends = (0_u32..)
            .zip(&tokens)
            .filter(|&(id, token)| {
                let by_name = token.kind == TokenKind::Control && ENDS.contains(&token.name.as_str());
                id == eos || Some(id) == eot || by_name
            })
            .map(|(id, _)| id)
            .collect();
        Ok(Self { scheme, tokens, markers, marker_ids, bos, add_bos, eos, ends })
    }

    /// The tokens of ordinary text; never a control token.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.encode_parts(&[Part::Plain(text)])
    }

    /// The tokens of a prompt, without a token for its beginning. Neighbouring parts count as one text; only control tokens
    /// separate texts.
    pub fn encode_parts(&self, parts: &[Part<'_>]) -> Vec<u32> {
        let mut ids = Vec::new();
        let mut run = String::new();
        for part in parts {
            match *part {
                Part::Plain(text) => run.push_str(text),
                Part::Trusted(text) => self.encode_trusted(text, &mut run, &mut ids),
            }
        }
        self.encode_run(&mut run, &mut ids);
        ids
    }

    /// The tokens of `text` after a prompt. They depend only on the part of the prompt after its last control token. If they
    /// would change the tokens of that part, `text` is encoded on its own.
    pub fn encode_after(&self, parts: &[Part<'_>], text: &str) -> Vec<u32> {
        let mut run = String::new();
        for part in parts {
            match *part {
                Part::Plain(text) => run.push_str(text),
                Part::Trusted(text) => match self.markers.find_iter(text).last() {
                    Some(marker) => text[marker.end()..].clone_into(&mut run),
                    None => run.push_str(text),
                },
            }
        }
        let before = self.encode(&run);
        let mut both = self.encode(&(run + text));
        if both.starts_with(&before) { both.split_off(before.len()) } else { self.encode(text) }
    }

    /// The number of tokens. Ids are below it.
    pub fn vocabulary_size(&self) -> usize {
        self.tokens.len()
    }

    /// The bytes that a token adds to a text; none for a control token or an unknown id.
    pub fn bytes(&self, id: u32) -> &[u8] {
        self.tokens.get(id as usize).map_or(&[], |token| &token.bytes)
    }

    /// The name of a token in the vocabulary.
    pub fn name(&self, id: u32) -> &str {
        self.tokens.get(id as usize).map_or("", |token| &token.name)
    }

    /// The text of tokens; bytes that are not UTF-8 become U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids.iter().flat_map(|&id| self.bytes(id)).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The token that begins a text, and whether prompts start with it.
    pub fn bos(&self) -> Option<(u32, bool)> {
        self.bos.map(|bos| (bos, self.add_bos))
    }

    /// The token that ends a text.
    pub fn eos(&self) -> u32 {
        self.eos
    }

    /// Every token that ends a reply, in ascending order; [`Tokenizer::eos`] is among them.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// Whether a token is a control token.
    pub fn is_control(&self, id: u32) -> bool {
        self.tokens.get(id as usize).is_some_and(|token| token.kind == TokenKind::Control)
    }

    fn encode_trusted(&self, text: &str, run: &mut String, ids: &mut Vec<u32>) {
        let mut start = 0;
        for marker in self.markers.find_iter(text) {
            run.push_str(&text[start..marker.start()]);
            self.encode_run(run, ids);
            ids.push(self.marker_ids[marker.pattern().as_usize()]);
            start = marker.end();
        }
        run.push_str(&text[start..]);
    }

    /// Encodes the text collected so far, and empties it.
    fn encode_run(&self, run: &mut String, ids: &mut Vec<u32>) {
        if !run.is_empty() {
            match &self.scheme {
                Scheme::BytePair(scheme) => scheme.encode(run, ids),
                Scheme::SentencePiece(scheme) => scheme.encode(run, ids),
            }
        }
        run.clear();
    }
}

/// The kind of every token.
fn kinds(gguf: &Gguf) -> Result<Vec<TokenKind>, TokenizerError> {
    let names = gguf.get::<&[String]>("tokenizer.ggml.tokens")?;
    let count = names.len();
    if count == 0 || u32::try_from(count).is_err() {
        return Err(TokenizerError::Broken(format!("it has {count} tokens")));
    }
    if let Some(long) = names.iter().find(|name| name.len() > LONGEST_NAME) {
        return Err(TokenizerError::Broken(format!("a token has {} bytes", long.len())));
    }
    let Some(kinds) = gguf.find::<&[i128]>("tokenizer.ggml.token_type")? else {
        return Ok(vec![TokenKind::Normal; count]);
    };
    if kinds.len() != count {
        return Err(TokenizerError::Broken(format!("{count} tokens have {} types", kinds.len())));
    }
    Ok(kinds
        .iter()
        .map(|kind| match kind {
            2 => TokenKind::Unknown,
            3 => TokenKind::Control,
            4 => TokenKind::UserDefined,
            5 => TokenKind::Unused,
            6 => TokenKind::Byte,
            _ => TokenKind::Normal,
        })
        .collect())
}

/// The matcher of the tokens that trusted text can contain by name, and their ids.
fn markers(tokens: &[Token]) -> Result<(AhoCorasick, Vec<u32>), BuildError> {
    let named: Vec<(u32, &Token)> = (0_u32..)
        .zip(tokens)
        .filter(|(_, token)| {
            matches!(token.kind, TokenKind::Control | TokenKind::UserDefined) && !token.name.is_empty()
        })
        .collect();
    let matcher = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        // A table of all states and bytes would take 1,000 times the memory of the names.
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(named.iter().map(|(_, token)| &token.name))?;
    Ok((matcher, named.iter().map(|&(id, _)| id).collect()))
}

/// The token that a key names, if it is in the vocabulary.
fn find_id(gguf: &Gguf, key: &str, tokens: &[Token]) -> Result<Option<u32>, TokenizerError> {
    match gguf.find::<u32>(key)? {
        Some(id) if id as usize >= tokens.len() => {
            Err(TokenizerError::Broken(format!("`{key}` is {id}, but there are {} tokens", tokens.len())))
        }
        id => Ok(id),
    }
}

#[cfg(test)]
mod tests;

//! Constrained decoding: the tokens that may come next so that the reply has the required form (llguidance).
//!
//! **Invariant:** the bytes that a [`Grammar`] accepted are always the beginning of a text of its language. No control token
//! is allowed except an end.

use std::sync::Arc;

use llguidance::{
    Matcher, ParserFactory,
    api::TopLevelGrammar,
    toktrie::{ApproximateTokEnv, SimpleVob, TokEnv, TokRxInfo, TokTrie},
};
use serde_json::{Value as Json, json};

use super::tokenizer::Tokenizer;

/// The maker of grammars over one model's vocabulary.
pub struct Grammars {
    factory: ParserFactory,
}

/// The state of a reply that is being written, and its possible continuations. Cloning is cheap.
#[derive(Clone)]
pub struct Grammar {
    matcher: Matcher,
}

/// A set of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSet(SimpleVob);

/// The reason why there is no grammar, or no continuation.
#[derive(Clone, Debug, thiserror::Error)]
pub enum GrammarError {
    /// The schema or the expression cannot be enforced.
    #[error("failed to constrain the reply: {0}")]
    Unsupported(String),
    /// A token that the grammar does not allow, or a grammar too large to follow.
    #[error("failed to follow the reply's grammar: {0}")]
    Stuck(String),
}

/// The longest token in grammars, in bytes. Published vocabularies have no longer ones, and a deeper trie would exhaust the
/// stack.
const LONGEST_TOKEN: usize = 255;

impl Grammars {
    /// Prepares a vocabulary. This takes about 100 ms for 49,152 tokens, so do it once and only if it is needed.
    ///
    /// # Errors
    /// The vocabulary cannot be used.
    pub fn new(tokenizer: &Tokenizer) -> Result<Self, GrammarError> {
        let ids = 0..tokenizer.vocabulary_size() as u32;
        let words: Vec<Vec<u8>> = ids.clone().map(|id| word(tokenizer.bytes(id)).to_vec()).collect();
        let trie = TokTrie::from(&TokRxInfo::new(ids.end, tokenizer.eos()), &words);
        let trie = trie.with_eos_tokens(tokenizer.ends());
        let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut factory = ParserFactory::new_simple(&environment)
            .map_err(|error| GrammarError::Unsupported(error.to_string()))?;
        factory.quiet().limits_mut().verbose_errors = false;
        Ok(Self { factory })
    }

    /// JSON that satisfies a schema, written without white space between its parts.
    ///
    /// # Errors
    /// It is no schema, or it uses something that cannot be enforced.
    pub fn schema(&self, schema: &Json) -> Result<Grammar, GrammarError> {
        let Json::Object(mut schema) = schema.clone() else {
            return Err(GrammarError::Unsupported("a JSON schema is an object".to_owned()));
        };
        // With free white space a weak model writes line breaks until it runs out of tokens.
        schema.insert("x-guidance".to_owned(), json!({ "whitespace_flexible": false }));
        self.grammar(TopLevelGrammar::from_json_schema(schema.into()))
    }

    /// Text that a regular expression matches from beginning to end.
    ///
    /// # Errors
    /// The expression is malformed, or it uses something that cannot be enforced.
    pub fn regex(&self, expression: &str) -> Result<Grammar, GrammarError> {
        self.grammar(TopLevelGrammar::from_regex(expression))
    }

    /// One of these texts.
    ///
    /// # Errors
    /// There are none.
    pub fn choices(&self, choices: &[String]) -> Result<Grammar, GrammarError> {
        if choices.is_empty() {
            return Err(GrammarError::Unsupported("there is nothing to choose from".to_owned()));
        }
        let escaped: Vec<String> = choices.iter().map(|choice| regex::escape(choice)).collect();
        self.regex(&format!("({})", escaped.join("|")))
    }

    fn grammar(&self, grammar: TopLevelGrammar) -> Result<Grammar, GrammarError> {
        let matcher = Matcher::new(self.factory.create_parser(grammar));
        match matcher.get_error() {
            Some(error) => Err(GrammarError::Unsupported(error)),
            None => Ok(Grammar { matcher }),
        }
    }
}

impl Grammar {
    /// The tokens that may come next. The ends are among them where the reply may end, and are the only ones once it is
    /// complete.
    ///
    /// # Errors
    /// The grammar has become too large to follow.
    pub fn mask(&mut self) -> Result<TokenSet, GrammarError> {
        self.matcher.compute_mask_or_eos().map(TokenSet).map_err(stuck)
    }

    /// Takes the next token.
    ///
    /// # Errors
    /// The token is not allowed here.
    pub fn accept(&mut self, token: u32) -> Result<(), GrammarError> {
        self.matcher.consume_token(token).map_err(stuck)
    }

    /// Whether the reply is complete.
    pub fn is_done(&self) -> bool {
        self.matcher.is_stopped()
    }
}

impl TokenSet {
    /// Whether a token is in the set.
    pub fn contains(&self, token: u32) -> bool {
        (token as usize) < self.0.len() && self.0.is_allowed(token)
    }

    /// The tokens, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter()
    }

    /// The set as bits: token `i` is bit `i % 32` of word `i / 32`.
    pub fn words(&self) -> &[u32] {
        self.0.as_slice()
    }
}

impl FromIterator<u32> for TokenSet {
    fn from_iter<I: IntoIterator<Item = u32>>(tokens: I) -> Self {
        let tokens: Vec<u32> = tokens.into_iter().collect();
        let size = tokens.iter().max().map_or(0, |&last| last as usize + 1);
        let mut set = SimpleVob::alloc(size);
        tokens.into_iter().for_each(|token| set.allow_token(token));
        Self(set)
    }
}

/// A token's bytes for the trie of llguidance. It uses the byte 0xff for its own markers, and no text has that byte.
fn word(bytes: &[u8]) -> &[u8] {
    if bytes.contains(&0xff) || bytes.len() > LONGEST_TOKEN { &[] } else { bytes }
}

fn stuck(error: impl std::fmt::Display) -> GrammarError {
    GrammarError::Stuck(error.to_string())
}

#[cfg(test)]
mod tests;

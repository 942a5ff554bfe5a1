//! Cutting text into words before byte-level BPE. `tokenizer.ggml.pre` names the rule of a vocabulary.
//!
//! **Invariant:** the words joined are the text, and cutting takes linear time. The published patterns end in
//! `\s+(?!\S)|\s+`, which leaves the last space of a run to the word behind it; a look-ahead needs a backtracking
//! engine, so here the pattern ends in `\s+` and the last character of the run is given back by hand.

use regex::Regex;

use super::TokenizerError;

#[derive(Debug)]
pub(super) struct Splitter {
    family: &'static Family,
    stages: Vec<Regex>,
}

/// The rules of a family of vocabularies.
#[derive(Debug)]
struct Family {
    names: &'static [&'static str],
    /// The patterns. Each cuts the words of the one before it; the text between matches is a word as well.
    stages: &'static [&'static str],
    /// A run of white space that ends in a line break is kept whole.
    keeps_line_breaks: bool,
    /// A word that is in the vocabulary is that token, whatever the merges say.
    keeps_known_words: bool,
    /// Prompts start with the beginning token, unless the file says otherwise.
    adds_bos: bool,
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
const TEKKEN: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|",
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+"
);

const PLAIN: Family =
    Family { names: &[], stages: &[], keeps_line_breaks: false, keeps_known_words: false, adds_bos: false };

static FAMILIES: &[Family] = &[
    Family { names: &["gpt-2", "phi-2", "olmo", "jais"], stages: &[GPT2], ..PLAIN },
    Family {
        names: &["smollm", "starcoder", "refact", "codeshell", "command-r"],
        stages: &[r"\p{N}", GPT2],
        ..PLAIN
    },
    Family {
        names: &["llama-bpe", "llama3", "llama-v3", "falcon3"],
        stages: &[LLAMA3],
        keeps_line_breaks: true,
        keeps_known_words: true,
        adds_bos: true,
    },
    Family {
        names: &["qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan"],
        stages: &[QWEN2],
        keeps_line_breaks: true,
        ..PLAIN
    },
    Family {
        names: &["tekken"],
        stages: &[TEKKEN],
        keeps_line_breaks: true,
        keeps_known_words: true,
        adds_bos: true,
    },
    Family {
        names: &["default"],
        stages: &[r"[\p{P}$+<=>^~|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
        ..PLAIN
    },
];

impl Splitter {
    pub(super) fn named(name: &str) -> Result<Self, TokenizerError> {
        let family = FAMILIES
            .iter()
            .find(|family| family.names.contains(&name))
            .ok_or_else(|| TokenizerError::Unknown(format!("gpt2 / {name}")))?;
        let stages = family.stages.iter().map(|pattern| Regex::new(pattern)).collect::<Result<_, _>>();
        let stages = stages.map_err(|error| TokenizerError::Broken(error.to_string()))?;
        Ok(Self { family, stages })
    }

    pub(super) fn keeps_known_words(&self) -> bool {
        self.family.keeps_known_words
    }

    pub(super) fn adds_bos(&self) -> bool {
        self.family.adds_bos
    }

    /// The words of a text, in order.
    pub(super) fn split<'t>(&self, text: &'t str) -> Vec<&'t str> {
        self.stages.iter().fold(vec![text], |words, stage| {
            let mut finer = Vec::with_capacity(words.len());
            words.into_iter().for_each(|word| self.cut(stage, word, &mut finer));
            finer
        })
    }

    fn cut<'t>(&self, stage: &Regex, text: &'t str, words: &mut Vec<&'t str>) {
        let mut done = 0;
        while let Some(found) = stage.find_at(text, done) {
            let end = self.end_of_word(text, found.start(), found.end());
            words.extend(
                [&text[done..found.start()], &text[found.start()..end]]
                    .iter()
                    .filter(|word| !word.is_empty()),
            );
            done = end;
        }
        words.extend(Some(&text[done..]).filter(|rest| !rest.is_empty()));
    }

    /// The end of a match, after a run of white space has given its last character to the word after it.
    fn end_of_word(&self, text: &str, start: usize, end: usize) -> usize {
        let run = &text[start..end];
        let kept = self.family.keeps_line_breaks && run.ends_with(['\r', '\n']);
        if end == text.len() || kept || !run.chars().all(char::is_whitespace) {
            return end;
        }
        match run.char_indices().next_back() {
            Some((last, _)) if last > 0 => start + last,
            _ => end,
        }
    }
}

#[cfg(test)]
mod tests;

//! Copying: whether a text quotes a visible row. A proposer that is shown rows often puts them into its instruction. There
//! they act as demonstrations, and the rule that no candidate is scored on its own demonstrations would not see them.
//!
//! **Invariant:** a quotation is a run of [`RUN`] words of a row, or a whole shorter value of at least [`SHORT`] words. Runs
//! that the task's own texts contain, or more than [`SHARED`] rows, are no quotations.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use proofmark_runtime::{Example, Program};

/// The number of consecutive words that make a quotation.
const RUN: usize = 6;
/// The least number of words of a shorter value that makes a quotation as a whole.
const SHORT: usize = 3;
/// A run that more rows than this contain is a common phrase.
const SHARED: usize = 5;

/// The runs of words of all visible rows, eight bytes each, so that large tables need little memory.
pub(super) struct RowText {
    /// Sorted hashes.
    runs: Vec<u64>,
}

impl RowText {
    /// The runs of these rows, without those of the task's own texts.
    pub(super) fn new<'r>(program: &Program, rows: impl Iterator<Item = &'r Example>) -> Self {
        let mut all: Vec<u64> = Vec::new();
        for row in rows {
            let values = row.inputs.iter().chain(row.outputs.iter());
            let mut mine: Vec<u64> = values.flat_map(|(_, value)| runs(&value.to_string())).collect();
            mine.sort_unstable();
            mine.dedup();
            all.extend(mine);
        }
        all.sort_unstable();
        let own: BTreeSet<u64> = task_texts(program).iter().flat_map(|text| windows(text)).collect();
        let rare = all.chunk_by(|a, b| a == b).filter(|same| same.len() <= SHARED && !own.contains(&same[0]));
        Self { runs: rare.map(|same| same[0]).collect() }
    }

    /// Whether a text quotes a row.
    pub(super) fn quoted_in(&self, text: &str) -> bool {
        windows(text).iter().any(|run| self.runs.binary_search(run).is_ok())
    }
}

/// All texts of the task: instructions, descriptions and types of fields.
fn task_texts(program: &Program) -> Vec<String> {
    let signatures = program.modules().iter().map(|module| &module.signature);
    let texts = signatures.flat_map(|signature| {
        let fields = signature.inputs.iter().chain(&signature.outputs);
        let about = fields.flat_map(|field| [field.about.clone(), field.ty.phrase()]);
        std::iter::once(signature.instructions.clone()).chain(about).collect::<Vec<_>>()
    });
    texts.collect()
}

/// The runs of a value: every [`RUN`] consecutive words, or all words if they are fewer.
fn runs(value: &str) -> Vec<u64> {
    let words = words(value);
    let length = words.len().min(RUN);
    if length < SHORT { Vec::new() } else { words.windows(length).map(hash).collect() }
}

/// Every run of words of a text that could be a quotation.
fn windows(text: &str) -> Vec<u64> {
    let words = words(text);
    (SHORT..=RUN).flat_map(|length| words.windows(length).map(hash).collect::<Vec<_>>()).collect()
}

/// The words in lower case, without punctuation and spaces.
fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn hash(words: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landscape::Landscape;
    use proofmark_runtime::{ExampleId, Record};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn rows(texts: &[&str]) -> Vec<Example> {
        let rows = texts.iter().enumerate().map(|(i, text)| Example {
            id: ExampleId(i.to_string()),
            inputs: Record::new().with("message", *text),
            outputs: Record::new().with("team", "billing"),
            slices: BTreeMap::new(),
        });
        rows.collect()
    }

    fn quotes(texts: &[&str], instruction: &str) -> bool {
        let landscape = Landscape::flat(0).unwrap();
        RowText::new(&landscape.program, rows(texts).iter()).quoted_in(instruction)
    }

    #[test]
    fn six_consecutive_words_are_a_quotation() {
        let row = ["My parcel has been in Leeds since Monday"];
        assert!(quotes(&row, "If they say \u{201c}parcel has been in Leeds, since\u{201d}: shipping."));
        assert!(!quotes(&row, "If a parcel has been in one place for days: shipping."));
    }

    #[test]
    fn short_values_are_quoted_as_a_whole() {
        assert!(quotes(&["Where is Leeds"], "For example, where is Leeds? goes to sales."));
        assert!(!quotes(&["Where is Leeds"], "Questions that ask where is something go to sales."));
        assert!(
            !quotes(&["refund", "my refund"], "Send my refund to returns."),
            "one or two words are no quotation"
        );
    }

    #[test]
    fn task_texts_and_common_phrases_are_no_quotations() {
        assert!(!quotes(&["please Route the message to a team now"], "Route the message to a team."));
        let polite: Vec<String> =
            (0..9).map(|i| format!("I would like to know about my number {i}")).collect();
        let polite: Vec<&str> = polite.iter().map(String::as_str).collect();
        assert!(!quotes(&polite, "Most start: I would like to know about something."));
    }

    proptest! {
        #[test]
        fn the_index_equals_a_full_search(
            row in prop::collection::vec("[ab]", 6..12), text in prop::collection::vec("[ab]", 0..12)
        ) {
            let quoted = text.windows(RUN).any(|run| row.windows(RUN).any(|other| run == other));
            prop_assert_eq!(quotes(&[&row.join(" ")], &text.join(", ")), quoted);
        }
    }
}

//! Telling words: the words that distinguish the inputs of one answer from all others, by log-odds with an informative
//! Dirichlet prior (Monroe, Colaresi and Quinn 2008, "Fightin' Words", Political Analysis 16:4, equations 15 to 22),
//! over rows that contain a word or not.
//!
//! **Invariant:** a word counts once per row, so that one long row has no more weight than others, and is in at least two rows
//! of its answer. Rows come from the pool, never from the common rows.

use std::collections::{BTreeMap, BTreeSet};

/// The least number of rows of an answer that contain the word.
const LEAST_ROWS: usize = 2;
/// The least z-score: one in twenty uninformative words passes.
const LEAST_Z: f64 = 1.645;
/// The least number of characters of a word: shorter ones are mostly grammar.
const SHORTEST: usize = 3;

/// For each answer, the words that distinguish it from the others, strongest first, at most `most`. `rows` are pairs of a text
/// and its answer.
pub fn telling(rows: &[(String, String)], most: usize) -> BTreeMap<String, Vec<String>> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let mut everywhere: BTreeMap<String, usize> = BTreeMap::new();
    for (text, answer) in rows {
        *sizes.entry(answer).or_default() += 1;
        for word in words(text) {
            *everywhere.entry(word.clone()).or_default() += 1;
            *counts.entry((answer, word)).or_default() += 1;
        }
    }
    // The prior counts as many rows as the average answer has.
    let prior = ratio(rows.len(), sizes.len());
    let mut scored: BTreeMap<&str, Vec<(f64, String)>> = BTreeMap::new();
    for ((answer, word), with) in counts {
        let size = sizes[answer];
        let total = everywhere[&word];
        let weight = prior * ratio(total, rows.len());
        let here = Side::new(with, size, weight, prior);
        let elsewhere = Side::new(total - with, rows.len() - size, weight, prior);
        let z = (here.log_odds - elsewhere.log_odds) / (here.variance + elsewhere.variance).sqrt();
        if with >= LEAST_ROWS && z >= LEAST_Z {
            scored.entry(answer).or_default().push((z, word));
        }
    }
    let mut strongest = BTreeMap::new();
    for (answer, mut scored) in scored {
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let words: Vec<String> = scored.into_iter().take(most).map(|(_, word)| word).collect();
        strongest.insert(answer.to_owned(), words);
    }
    strongest
}

/// The odds that a row contains a word, on one side of a comparison.
struct Side {
    log_odds: f64,
    variance: f64,
}

impl Side {
    /// Makes the odds from `with` of `size` rows and a prior of `weight` of `prior` rows. The variance has both terms of a
    /// log-odds, because these words are not rare.
    fn new(with: usize, size: usize, weight: f64, prior: f64) -> Self {
        let yes = ratio(with, 1) + weight;
        let no = ratio(size, 1) + prior - yes;
        Self { log_odds: (yes / no).ln(), variance: 1.0 / yes + 1.0 / no }
    }
}

/// The different words of a text in lower case, without numbers.
fn words(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase();
    let parts = lower.split(|c: char| !c.is_alphanumeric());
    let wordy = |word: &&str| word.chars().count() >= SHORTEST && word.chars().all(char::is_alphabetic);
    parts.filter(wordy).map(str::to_owned).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of words are far below 2^53")]
/// `a / b`, or 0 if `b` is 0.
fn ratio(a: usize, b: usize) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(text, answer)| ((*text).to_owned(), (*answer).to_owned())).collect()
    }

    #[test]
    fn telling_words_are_found_and_common_ones_are_not() {
        let mut pairs = Vec::new();
        for _ in 0..6 {
            pairs.push(("please refund the invoice 12345", "billing"));
            pairs.push(("please say where the parcel is", "shipping"));
        }
        let telling = telling(&rows(&pairs), 2);
        assert_eq!(telling["billing"], ["invoice", "refund"]);
        assert_eq!(telling["shipping"], ["parcel", "say"]);
    }

    #[test]
    fn one_row_is_not_enough() {
        let found = telling(&rows(&[("refund refund refund", "billing"), ("parcel", "shipping")]), 3);
        assert!(found.is_empty(), "{found:?}");
        assert!(telling(&[], 3).is_empty());
    }

    #[test]
    fn the_score_is_the_papers() {
        // Four rows of each answer; `www` in three of `a` and in one of `b`, `the` in all of both.
        let texts = [("www the", "a"), ("www the", "a"), ("www the", "a"), ("the", "a")];
        let others = [("www the", "b"), ("the", "b"), ("the", "b"), ("the", "b")];
        let times = |k: usize| telling(&rows(&[texts, others].concat().repeat(k)), 3);
        // By hand: prior 4, weight 4 * 4 / 8 = 2; odds (3 + 2) / 3 and (1 + 2) / 5; z = ln(25 / 9) over
        // sqrt(1/5 + 1/3 + 1/3 + 1/5) = 0.989: not telling. k times the rows give sqrt(k) times that.
        assert!(times(2).is_empty());
        assert_eq!(times(3), BTreeMap::from([("a".into(), vec!["www".into()])]));
    }
}

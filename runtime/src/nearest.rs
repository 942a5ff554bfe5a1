//! Nearest demonstrations: the input decides which of many are shown.
//!
//! Demonstrations are ranked by BM25 (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework", equation 3.15)
//! over the words of their inputs. The nearest are shown, the very nearest last, next to the input of the request
//! (Liu et al. 2022, arXiv:2101.06804, on retrieving demonstrations). Words need no model and no download, and on short
//! texts about a few topics they rank about as well as embeddings.
//!
//! **Invariant:** the order depends on the texts alone; equally near demonstrations keep the order in which they are given.

use std::collections::BTreeMap;

use crate::{candidate::Demonstration, value::Record};

/// BM25's k1: the larger, the longer further occurrences of a word count.
const SATURATION: f64 = 1.2;
/// BM25's b: the discount of long texts, from 0 to 1.
const LENGTH: f64 = 0.75;

/// An index over the inputs of demonstrations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nearest {
    /// For every word, the demonstrations that have it and its weight in each.
    weights: BTreeMap<String, Vec<(usize, f64)>>,
    size: usize,
}

impl Nearest {
    /// Indexes demonstrations.
    pub(crate) fn new(demonstrations: &[Demonstration]) -> Self {
        let texts: Vec<Vec<String>> = demonstrations.iter().map(|shown| words(&shown.inputs)).collect();
        let mean = texts.iter().map(Vec::len).sum::<usize>().max(1) as f64 / texts.len().max(1) as f64;
        let mut counts: BTreeMap<&str, BTreeMap<usize, f64>> = BTreeMap::new();
        for (place, text) in texts.iter().enumerate() {
            for word in text {
                *counts.entry(word).or_default().entry(place).or_insert(0.0) += 1.0;
            }
        }
        let mut weights = BTreeMap::new();
        for (word, places) in counts {
            let rarity = rarity(texts.len() as f64, places.len() as f64);
            let mut weighted = Vec::with_capacity(places.len());
            for (place, count) in places {
                weighted.push((place, weight(rarity, count, texts[place].len() as f64, mean)));
            }
            weights.insert(word.to_owned(), weighted);
        }
        Self { weights, size: texts.len() }
    }

    /// The places of the `count` demonstrations that are nearest to these inputs, the nearest last.
    pub(crate) fn to(&self, inputs: &Record, count: usize) -> Vec<usize> {
        let mut scores = vec![0.0; self.size];
        let mut asked = words(inputs);
        asked.sort_unstable();
        asked.dedup();
        for (place, weight) in asked.iter().filter_map(|word| self.weights.get(word)).flatten() {
            scores[*place] += weight;
        }
        let mut order: Vec<usize> = (0..self.size).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
        order.truncate(count);
        order.reverse();
        order
    }
}

/// The inverse document frequency of a word that `with` of `all` texts have.
fn rarity(all: f64, with: f64) -> f64 {
    (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
}

/// The weight of `count` occurrences of a word in a text of `length` words, where texts have `mean` words on average.
fn weight(rarity: f64, count: f64, length: f64, mean: f64) -> f64 {
    let norm = 1.0 - LENGTH + LENGTH * length / mean;
    rarity * count * (SATURATION + 1.0) / (count + SATURATION * norm)
}

/// The words of all inputs, in lower case.
fn words(inputs: &Record) -> Vec<String> {
    let texts = inputs.iter().map(|(_, value)| value.to_string().to_lowercase());
    let split = |text: String| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    texts.flat_map(split).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::candidate::Origin;

    fn index(texts: &[&str]) -> Nearest {
        let shown = |text: &&str| Demonstration {
            origin: Origin::Task,
            inputs: asked(text),
            outputs: Record::new().with("a", "x"),
        };
        Nearest::new(&texts.iter().map(shown).collect::<Vec<_>>())
    }

    fn asked(text: &str) -> Record {
        Record::new().with("q", text)
    }

    #[test]
    fn the_nearest_come_last_and_rare_words_count_most() {
        let index =
            index(&["the bill is wrong", "the parcel is late", "the app is slow", "a parcel, a parcel!"]);
        assert_eq!(index.to(&asked("Where is the PARCEL?"), 2), [3, 1]);
        assert_eq!(index.to(&asked("slow"), 1), [2]);
        assert_eq!(index.to(&asked("the parcel is late"), 4).last(), Some(&1));
    }

    #[test]
    fn without_a_common_word_the_first_are_shown() {
        assert_eq!(index(&["a", "b", "c"]).to(&asked("{{q}}"), 2), [1, 0]);
        assert!(index(&[]).to(&asked("x"), 3).is_empty());
    }

    /// BM25 by the equation, word by word.
    fn by_the_equation(texts: &[Vec<&str>], place: usize, asked: &[&str]) -> f64 {
        let mean = texts.iter().map(Vec::len).sum::<usize>().max(1) as f64 / texts.len() as f64;
        let mut asked = asked.to_vec();
        asked.sort_unstable();
        asked.dedup();
        let word = |word: &&str| {
            let with = texts.iter().filter(|text| text.contains(word)).count() as f64;
            let count = texts[place].iter().filter(|other| *other == word).count() as f64;
            let idf = (1.0 + (texts.len() as f64 - with + 0.5) / (with + 0.5)).ln();
            let norm = 1.2 * (0.25 + 0.75 * texts[place].len() as f64 / mean);
            idf * count * 2.2 / (count + norm)
        };
        asked.iter().map(word).sum()
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_equation(
            texts in prop::collection::vec(prop::collection::vec("[abcd]", 1..8), 1..9),
            query in prop::collection::vec("[abcde]", 0..5),
        ) {
            let joined: Vec<String> = texts.iter().map(|text| text.join(" ")).collect();
            let nearest = index(&joined.iter().map(String::as_str).collect::<Vec<_>>());
            let order = nearest.to(&asked(&query.join(" ")), texts.len());
            let plain: Vec<Vec<&str>> = texts.iter().map(|text| text.iter().map(String::as_str).collect()).collect();
            let query: Vec<&str> = query.iter().map(String::as_str).collect();
            let scores: Vec<f64> = order.iter().map(|place| by_the_equation(&plain, *place, &query)).collect();
            prop_assert!(scores.windows(2).all(|pair| pair[0] <= pair[1] + 1e-9), "{scores:?}");
            let mut all = order.clone();
            all.sort_unstable();
            prop_assert_eq!(all, (0..texts.len()).collect::<Vec<_>>());
        }
    }
}

//! `options`: the options of a multiple-choice question in another order, with the new right letter. A prompt that learned
//! "mostly B" instead of the task fails here.
//!
//! Options are lines that begin with `A)`, `(A)`, `A.`, `A:`, `1)` and so on, or the items of a list. The right answer is a
//! letter, a number, or the text of an option. Rows whose options refer to each other ("both A and B", "all of the above")
//! are skipped, and so are lists whose answer is a position, because the row does not say whether it counts from 0 or 1.
//!
//! **Invariant:** the variant has the same options, and the new answer names the same option as the old one.

use std::sync::LazyLock;

use proofmark_runtime::{Example, Value};
use rand::{rngs::ChaCha8Rng, seq::SliceRandom};
use regex_lite::Regex;

use super::{Family, Guarantee, Miss, Scene};

/// See the [module](self).
pub(super) struct Options;

static LINE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*[\(\[]?([A-Za-z]|[1-9])[\)\]\.:]\s+(\S.*?)\s*$").ok());
/// Words in options that refer to the order or to other options.
static REFERRING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i:\b(above|below|both|neither|either|former|latter|preceding|previous)\b)|\b[B-HJ]\b").ok()
});
/// Words in a question that name an option.
static NAMING: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(options?|choices?|answers?|statements?) \(?([a-j]|[1-9])\b").ok());

/// A text with marked options.
struct MultipleChoice<'t> {
    /// All lines, with the options cut out.
    lines: Vec<TextLine<'t>>,
    /// The marks of the options, in order: A, B, C.
    marks: Vec<&'t str>,
    options: Vec<&'t str>,
}

#[derive(PartialEq)]
enum TextLine<'t> {
    Plain(&'t str),
    /// The text before and after the option's own text.
    Option {
        before: &'t str,
        after: &'t str,
    },
}

impl Family for Options {
    fn name(&self) -> &str {
        "options"
    }

    fn about(&self) -> &str {
        "the options of a multiple-choice question in another order, with the new right letter"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Permutes(same_options)
    }

    fn perturb(&self, text: &str, _: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        let question = MultipleChoice::read(text).filter(MultipleChoice::stands_alone)?;
        Some(question.write(&shuffled(&question.options, rng)?))
    }

    fn apply(
        &self,
        row: &Example,
        field: &str,
        scene: &Scene<'_>,
        rng: &mut ChaCha8Rng,
    ) -> Result<Example, Miss> {
        let mut answers = row.outputs.iter();
        let (Some((output, answer)), None) = (answers.next(), answers.next()) else { return Err(Miss::Idle) };
        let mut changed = row.clone();
        let text = row.inputs.get(field).and_then(Value::as_text).ok_or(Miss::Idle)?;
        if let Some(permuted) = self.perturb(text, scene, rng) {
            self.guarantee().check(text, &permuted, scene.protected)?;
            let new = relabelled(text, &permuted, answer).ok_or(Miss::Idle)?;
            // If the task lists the labels, the new label must be one of them.
            if scene.protected.mentions(&answer.to_string()) && !scene.protected.mentions(&new.to_string()) {
                return Err(Miss::Idle);
            }
            changed.inputs.insert(field, permuted);
            changed.outputs.insert(output, new);
            return Ok(changed);
        }
        let lists = row.inputs.iter().filter_map(|(name, value)| match value {
            Value::List(items) if items.contains(answer) => Some((name, items)),
            _ => None,
        });
        let (name, items) = lists.last().ok_or(Miss::Idle)?;
        let permuted = shuffled(items, rng).ok_or(Miss::Idle)?;
        changed.inputs.insert(name, Value::List(permuted));
        Ok(changed)
    }
}

impl<'t> MultipleChoice<'t> {
    /// Reads a text with at least two options on consecutive lines, with consecutive marks from A, a or 1 on.
    fn read(text: &'t str) -> Option<Self> {
        let line = LINE.as_ref()?;
        let mut question = Self { lines: vec![], marks: vec![], options: vec![] };
        let mut ended = false;
        for whole in text.split('\n') {
            let found = line.captures(whole).and_then(|found| Some((found.get(1)?, found.get(2)?)));
            match found.filter(|(mark, _)| !ended && question.is_next(mark.as_str())) {
                Some((mark, option)) => {
                    question.lines.push(TextLine::Option {
                        before: &whole[..option.start()],
                        after: &whole[option.end()..],
                    });
                    question.marks.push(mark.as_str());
                    question.options.push(option.as_str());
                }
                None => {
                    ended |= !question.options.is_empty() && !whole.trim().is_empty();
                    question.lines.push(TextLine::Plain(whole));
                }
            }
        }
        (question.options.len() >= 2).then_some(question)
    }

    fn is_next(&self, mark: &str) -> bool {
        let first = |mark: &str| matches!(mark, "A" | "a" | "1");
        match (self.marks.last().and_then(|last| last.bytes().next()), mark.bytes().next()) {
            (Some(last), Some(next)) => next == last + 1,
            _ => first(mark),
        }
    }

    /// Whether neither the options nor the question refer to the order or to single options.
    fn stands_alone(&self) -> bool {
        let refers = |text: &str| REFERRING.as_ref().is_none_or(|pattern| pattern.is_match(text));
        let naming = |line: &TextLine<'_>| match line {
            TextLine::Plain(text) => NAMING.as_ref().is_none_or(|pattern| pattern.is_match(text)),
            TextLine::Option { .. } => false,
        };
        !self.options.iter().any(|option| refers(option)) && !self.lines.iter().any(naming)
    }

    fn write(&self, options: &[&str]) -> String {
        let mut options = options.iter();
        let lines = self.lines.iter().map(|line| match line {
            TextLine::Plain(text) => (*text).to_owned(),
            TextLine::Option { before, after } => {
                format!("{before}{}{after}", options.next().copied().unwrap_or_default())
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// The items in another order; none if two items are equal.
fn shuffled<T: Clone + PartialEq>(items: &[T], rng: &mut ChaCha8Rng) -> Option<Vec<T>> {
    let repeated = (0..items.len()).any(|i| items[..i].contains(&items[i]));
    let mut shuffled = items.to_vec();
    shuffled.shuffle(rng);
    if shuffled == items {
        shuffled.rotate_left(1);
    }
    (items.len() >= 2 && !repeated).then_some(shuffled)
}

/// Whether two texts are the same question except for the order of its options.
pub(super) fn same_options(original: &str, variant: &str) -> bool {
    let (Some(a), Some(b)) = (MultipleChoice::read(original), MultipleChoice::read(variant)) else {
        return false;
    };
    let sorted = |question: &MultipleChoice<'_>| {
        let mut options: Vec<_> = question.options.iter().map(|option| (*option).to_owned()).collect();
        options.sort();
        options
    };
    a.lines == b.lines && a.marks == b.marks && sorted(&a) == sorted(&b)
}

/// The answer that names the same option in the variant as the old answer in the original.
fn relabelled(original: &str, variant: &str, answer: &Value) -> Option<Value> {
    let old = MultipleChoice::read(original)?;
    let new = MultipleChoice::read(variant)?;
    let named = answer.to_string();
    if old.options.contains(&named.as_str()) {
        return Some(answer.clone());
    }
    let option = old.options[old.marks.iter().position(|mark| *mark == named)?];
    let mark = new.marks[new.options.iter().position(|other| *other == option)?];
    Some(match answer {
        Value::Integer(_) => Value::Integer(mark.parse().ok()?),
        _ => Value::from(mark),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proofmark_runtime::{ExampleId, Record};
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;
    use crate::attack::Protected;

    fn row(text: &str, answer: impl Into<Value>) -> Example {
        Example {
            id: ExampleId("r".into()),
            inputs: Record::new().with("question", text),
            outputs: Record::new().with("answer", answer),
            slices: BTreeMap::new(),
        }
    }

    fn apply(row: &Example, seed: u64) -> Result<Example, Miss> {
        let scene = Scene { protected: &Protected::default(), wrong_answer: None };
        Options.apply(row, "question", &scene, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    const CAPITAL: &str =
        "Which town is the capital?\n\nA) Oslo\nB) Bergen\n(C) Ålesund\nD. Bodø \nAnswer with a letter.";

    /// The text of the option that an answer names, read independently of the code above.
    fn option<'t>(text: &'t str, letter: &str) -> &'t str {
        let line = text.lines().find(|line| line.trim_start_matches('(').starts_with(letter)).unwrap();
        line.split_once(' ').unwrap().1.trim()
    }

    #[test]
    fn the_new_letter_names_the_same_option() {
        let mut letters = BTreeMap::new();
        for seed in 0..40 {
            let changed = apply(&row(CAPITAL, "C"), seed).unwrap();
            let text = changed.inputs.get("question").unwrap().as_text().unwrap();
            let answer = changed.outputs.get("answer").unwrap().as_text().unwrap().to_owned();
            assert_eq!(option(text, &answer), "Ålesund", "{text}");
            assert!(text.ends_with("\nAnswer with a letter.") && text != CAPITAL, "{text}");
            *letters.entry(answer).or_insert(0) += 1;
        }
        assert_eq!(letters.len(), 4, "{letters:?}");
    }

    #[test]
    fn the_answer_may_be_a_number_or_a_text() {
        let numbered = "Pick one:\n1. red\n2. green\n3. blue";
        let changed = apply(&row(numbered, Value::Integer(2)), 1).unwrap();
        let text = changed.inputs.get("question").unwrap().as_text().unwrap();
        assert_eq!(option(text, &changed.outputs.get("answer").unwrap().to_string()), "green");
        let changed = apply(&row(numbered, "blue"), 1).unwrap();
        assert_eq!(changed.outputs.get("answer").unwrap().as_text(), Some("blue"));

        let mut listed = row("Pick one", "blue");
        let colours = ["red", "green", "blue"].map(Value::from).to_vec();
        listed.inputs.insert("options", Value::List(colours.clone()));
        let changed = apply(&listed, 1).unwrap();
        let Some(Value::List(items)) = changed.inputs.get("options") else { panic!("{changed:?}") };
        assert!(*items != colours && colours.iter().all(|colour| items.contains(colour)));
        assert_eq!(changed.outputs, listed.outputs);
    }

    #[test]
    fn options_that_refer_to_each_other_are_skipped() {
        let leaning = [
            ("Q\nA) one\nB) two\nC) all of the above", "A"),
            ("Q\nA) one\nB) two\nC) A and B", "A"),
            ("Is option B right?\nA) yes\nB) no", "A"),
            ("Q\nA) one\nB) one", "A"),
            ("Q\nA) one\nsomething else\nB) two", "A"),
            ("Q\nA) one\nB) two", "C"),
            ("no options at all", "A"),
        ];
        for (text, answer) in leaning {
            assert_eq!(apply(&row(text, answer), 3).unwrap_err(), Miss::Idle, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_right_option_stays_right(options in prop::collection::btree_set("[a-z]{3,9}( [a-z]{3,9})?", 2..8), gold in 0usize..8, seed in 0u64..99) {
            let options: Vec<_> = options.into_iter().collect();
            let gold = gold % options.len();
            let letter = |i: usize| char::from(b'A' + u8::try_from(i).unwrap()).to_string();
            let lines: Vec<_> = options.iter().enumerate().map(|(i, option)| format!("{}) {option}", letter(i))).collect();
            let text = format!("What is it?\n{}", lines.join("\n"));
            if let Ok(changed) = apply(&row(&text, letter(gold).as_str()), seed) {
                let text = changed.inputs.get("question").unwrap().as_text().unwrap();
                let answer = changed.outputs.get("answer").unwrap().to_string();
                prop_assert_eq!(option(text, &answer), options[gold].as_str());
            }
        }
    }
}

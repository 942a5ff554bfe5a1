//! Guarantees: the reasons why the right answer stays, checked on each perturbed text (docs/gate.md, "How rows are attacked").

use proofmark_runtime::{Example, Value};

use super::{
    Class,
    protect::{Protected, denies, meaning},
    rewrite::{self, Fault, Rewriting},
    templates::Templates,
};

/// Writes every spelling of the same thing in one way.
pub trait Normalizer: Sync {
    /// The text in its one way.
    fn normal(&self, text: &str) -> String;
}

/// A checkable reason why the right answer stays.
#[derive(Clone, Copy)]
pub enum Guarantee<'a> {
    /// The normalizer gives the same for both texts.
    Normalizes(fn(&str) -> String),
    /// A lexicon that writes every spelling in one way gives the same for both texts.
    Respells(&'a dyn Normalizer),
    /// Few characters differ, and none inside a protected span, a number or a negation.
    EditsLightly,
    /// The whole original stands unchanged inside the variant.
    Surrounds,
    /// [`Self::EditsLightly`] or [`Self::Surrounds`], for a family that is not trusted: number words are kept too, and the
    /// added text has no negation.
    EditsOrSurrounds,
    /// The texts are the same question except for the order of its options; the answer was computed again.
    Permutes(fn(&str, &str) -> bool),
    /// The same template fits both texts; it gave the right answer to the row, and the answer was computed again.
    Recomputes(&'a Templates),
    /// All votes accepted it, and it breaks no rule.
    Rewrites(&'a Rewriting),
}

/// How a variant breaks its family's guarantee.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The normalizer gives different texts.
    #[error("the normalized texts differ")]
    Normalizer,
    /// A protected span changed.
    #[error("a protected span was changed")]
    Protected,
    /// Too many characters changed.
    #[error("{percent} % of the characters changed, more than {limit} %")]
    TooMuch {
        /// Share that changed.
        percent: usize,
        /// Share allowed.
        limit: usize,
    },
    /// More than the order of options changed.
    #[error("more than the order of the options was changed")]
    Permutation,
    /// A template has another answer to its row than the row's label.
    #[error("the template answers {says} to the unchanged row, but the label is {label}")]
    Answer {
        /// The answer of the template.
        says: String,
        /// The label.
        label: String,
    },
    /// More than the holes of a template changed.
    #[error("the template does not fit the variant")]
    Template,
    /// Not all votes accepted it.
    #[error("not all votes accepted it when it was written")]
    Outvoted,
    /// A rewriting breaks a rule.
    #[error(transparent)]
    Rewritten(#[from] Fault),
    /// The original is not contained.
    #[error("the original text is not contained unchanged")]
    NotContained,
    /// The text around the original has a negation.
    #[error("the added text has a negation")]
    Denied,
    /// Another input than the perturbed text changed.
    #[error("another input than the perturbed text was changed")]
    OtherInput,
    /// The labels changed, although the guarantee promises that they stay.
    #[error("the right answer was changed")]
    Relabelled,
}

/// The largest edit distance, as percent of the original's characters.
const EDIT_LIMIT: usize = 15;

impl Guarantee<'_> {
    /// Its class.
    pub fn class(&self) -> Class {
        match self {
            Self::Normalizes(_) => Class::G0,
            Self::Respells(_) | Self::EditsLightly | Self::Surrounds | Self::EditsOrSurrounds => Class::G1,
            Self::Rewrites(_) => Class::G2,
            Self::Permutes(_) | Self::Recomputes(_) => Class::G3,
        }
    }

    /// Checks it on one pair of texts.
    ///
    /// # Errors
    /// How it is broken.
    pub fn check(&self, original: &str, variant: &str, protected: &Protected) -> Result<(), Broken> {
        let around = variant.split_once(original);
        match self {
            Self::Normalizes(normalize) if normalize(original) == normalize(variant) => Ok(()),
            Self::Respells(lexicon) if lexicon.normal(original) == lexicon.normal(variant) => Ok(()),
            Self::Normalizes(_) | Self::Respells(_) => Err(Broken::Normalizer),
            Self::Permutes(same) if same(original, variant) => Ok(()),
            Self::Permutes(_) => Err(Broken::Permutation),
            Self::Recomputes(templates) if templates.read_alike(original, variant) => Ok(()),
            Self::Recomputes(_) => Err(Broken::Template),
            Self::Rewrites(way) => Ok(rewrite::check(way, original, variant, protected)?),
            Self::Surrounds if around.is_some() => Ok(()),
            Self::Surrounds => Err(Broken::NotContained),
            Self::EditsOrSurrounds
                if around.is_some_and(|(before, after)| denies(before) || denies(after)) =>
            {
                Err(Broken::Denied)
            }
            Self::EditsOrSurrounds if around.is_some() => Ok(()),
            Self::EditsOrSurrounds if meaning(original) != meaning(variant) => Err(Broken::Protected),
            Self::EditsLightly | Self::EditsOrSurrounds => {
                if protected.untouchable(original) != protected.untouchable(variant) {
                    return Err(Broken::Protected);
                }
                let length = original.chars().count().max(1);
                let percent = 100 * word_edits(original, variant) / length;
                if percent > EDIT_LIMIT {
                    Err(Broken::TooMuch { percent, limit: EDIT_LIMIT })
                } else {
                    Ok(())
                }
            }
        }
    }
}

/// A guarantee with everything that its check on a row needs: the perturbed input, and the words that must stay.
pub(super) struct OnField<'a> {
    pub(super) guarantee: Guarantee<'a>,
    pub(super) field: &'a str,
    pub(super) protected: &'a Protected,
}

impl crate::gate::variant::Guarantee for OnField<'_> {
    type Broken = Broken;

    fn class(&self) -> Class {
        self.guarantee.class()
    }

    /// Contrast rows have a new label that the votes accepted.
    fn may_relabel(&self) -> bool {
        match self.guarantee {
            Guarantee::Rewrites(way) => way.changes_answer(),
            _ => self.class() >= Class::G3,
        }
    }

    fn check(&self, original: &Example, changed: &Example) -> Result<(), Broken> {
        if original.inputs.len() != changed.inputs.len() {
            return Err(Broken::OtherInput);
        }
        let mut permuted_list = false;
        for (name, before) in original.inputs.iter().filter(|(name, _)| *name != self.field) {
            let after = changed.inputs.get(name).ok_or(Broken::OtherInput)?;
            if before != after {
                permuted_list = self.permits_order(before, after);
                if !permuted_list {
                    return Err(Broken::OtherInput);
                }
            }
        }
        let text = |row: &Example| row.inputs.get(self.field).and_then(Value::as_text).map(str::to_owned);
        match (text(original), text(changed)) {
            // The options are a list of their own, in another order.
            (Some(before), Some(after)) if permuted_list && before == after => Ok(()),
            (Some(before), Some(after)) => self.guarantee.check(&before, &after, self.protected),
            _ => Err(Broken::OtherInput),
        }
    }
}

impl OnField<'_> {
    /// Whether the guarantee permits another order of the items of a list.
    fn permits_order(&self, before: &Value, after: &Value) -> bool {
        let (Guarantee::Permutes(_), Value::List(before), Value::List(after)) =
            (self.guarantee, before, after)
        else {
            return false;
        };
        before.len() == after.len() && before.iter().all(|item| after.contains(item))
    }
}

/// The sum of the edit distances of the words, which light edits keep in number and order; all characters if the numbers of
/// words differ.
fn word_edits(a: &str, b: &str) -> usize {
    let words_a: Vec<_> = a.split_whitespace().collect();
    let words_b: Vec<_> = b.split_whitespace().collect();
    if words_a.len() != words_b.len() {
        return a.chars().count();
    }
    words_a.iter().zip(&words_b).filter(|(a, b)| a != b).map(|(a, b)| levenshtein(a, b)).sum()
}

fn levenshtein(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_of_protected_spans_are_found() {
        let protected = Protected::new(["billing".to_owned()].into());
        let check = |a, b| Guarantee::EditsLightly.check(a, b, &protected);
        assert_eq!(check("please check my invoice soon", "please chekc my invoice soon"), Ok(()));
        assert_eq!(
            check("please pay 120 euros to them", "please pay 210 euros to them"),
            Err(Broken::Protected)
        );
        assert_eq!(
            check("this is not what I wanted", "this is what not I wanted"),
            Err(Broken::TooMuch { percent: 24, limit: 15 })
        );
        assert_eq!(check("send it to billing please", "send it to biling please"), Err(Broken::Protected));
        assert_eq!(check("do not send it to anyone", "do nto send it to anyone"), Err(Broken::Protected));
    }

    #[test]
    fn own_programs_add_no_negation_and_keep_numbers() {
        let row = "two of the eight parcels are not there";
        let check = |variant: &str| Guarantee::EditsOrSurrounds.check(row, variant, &Protected::default());
        assert_eq!(check("two of the eight parcles are not there"), Ok(()));
        assert_eq!(check("two of the seven parcels are not there"), Err(Broken::Protected));
        assert_eq!(check(&format!("Hello, {row}. Please look.")), Ok(()));
        for denial in [format!("It is NOT true that {row}"), format!("{row}? That isn\u{2019}t so.")] {
            assert_eq!(check(&denial), Err(Broken::Denied), "{denial}");
        }
        let known = Guarantee::Surrounds.check(row, &format!("Nobody knows. {row}"), &Protected::default());
        assert_eq!(known, Ok(()), "the built-in families are trusted");
    }

    #[test]
    fn distances_are_right() {
        assert_eq!(levenshtein("kitten", "sitting"), 3);
        assert_eq!(levenshtein("", "abc"), 3);
    }
}

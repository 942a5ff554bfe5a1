//! The result of a manual review of perturbed rows: the number of them whose right answer changed.

use serde::{Deserialize, Serialize};

use super::statistics::exact::upper_rate;

/// The level of the bound.
const LEVEL: f64 = 0.05;

/// A larger share of wrong perturbed rows should be corrected: such rows measure the test, not the prompt.
const TOO_MANY: f64 = 0.05;

/// The share of perturbed rows whose right answer is not that of their row, from a manual review of a sample of
/// perturbed visible rows. Such rows make a gain smaller; they do not favour a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audited {
    /// Variants that were reviewed.
    pub read: usize,
    /// Those of them whose right answer changed.
    pub invalid: usize,
    /// The upper 95 % bound of their share among all variants (Clopper and Pearson).
    pub upper95: f64,
}

impl Audited {
    /// The review of `read` perturbed rows, `invalid` of which are wrong.
    pub fn new(read: usize, invalid: usize) -> Self {
        Self { read, invalid, upper95: upper_rate(invalid, read, LEVEL) }
    }

    /// A sentence for people.
    pub fn sentence(&self) -> String {
        let Self { read, invalid, upper95 } = self;
        let wrong = match invalid {
            0 => "none has another right answer than its row".to_owned(),
            1 => "1 has another right answer than its row".to_owned(),
            _ => format!("{invalid} have another right answer than their rows"),
        };
        let variants = if *read == 1 { "1 variant" } else { &format!("{read} variants") };
        let advice = match *invalid > 0 && *upper95 > TOO_MANY {
            true => ": leave out the families that made them, or what is judged are mistakes of the test",
            false => "",
        };
        format!(
            "a person read {variants}: {wrong}; of all variants at most {:.1} % do (95 %){advice}",
            100.0 * upper95
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_review_is_put_into_words() {
        let clean = Audited::new(60, 0).sentence();
        assert!(
            clean.contains("60 variants: none has") && clean.ends_with("at most 4.9 % do (95 %)"),
            "{clean}"
        );
        assert!(Audited::new(60, 3).sentence().contains("leave out the families"));
        assert!(Audited::new(1, 1).sentence().contains("1 variant: 1 has another"));
    }
}

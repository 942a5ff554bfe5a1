//! The pass rate: does a prompt that was accepted also reach the rate that the task demands?
//!
//! Asked once, of all sealed rows as they are: where the trial ended early, the rest is answered for this. One question of a
//! fixed size needs no correction for looks, and that a prompt was accepted first cannot make a false claim more frequent:
//! being accepted *and* wrongly called met is no likelier than being called met. Every unit counts the same.
//!
//! **Invariant:** a rate below the target is called met, and one that reaches it missed, with probability at most .05 each,
//! over all finalists together.

use serde::{Deserialize, Serialize};

use super::{
    contrast::is_binary,
    diagnosis::two_digits,
    policy::{CLAIM_ALPHA, LEAST_GAIN},
    scores::Pair,
    statistics::{bounded::Scale, interval::Bounds},
};

/// A pass rate against its target, on sealed rows as they are. Rates are 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassRate {
    /// What the task demands.
    pub target: f64,
    /// Units that it is a mean of.
    #[serde(rename = "seeds")]
    pub units: usize,
    /// As observed; 0 without units.
    pub rate: f64,
    /// Not below this, at the level.
    pub lower: f64,
    /// Not above this, at the level.
    pub upper: f64,
    /// The level of each bound: .05, or this finalist's part of it.
    pub level: f64,
    /// What the bounds rest on.
    pub scale: Scale,
    /// What that says about the target.
    #[serde(flatten)]
    pub reached: Reached,
}

/// Whether a target is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Reached {
    /// Disclosed: the lower bound reaches it.
    Met,
    /// Out of reach: the upper bound is below it.
    Missed,
    /// Neither.
    Undecided {
        /// How many units in all would decide it four times out of five if the rate is as observed (or two points from the
        /// target, if it is nearer); two leading digits.
        n_needed: usize,
    },
}

impl PassRate {
    /// Of the finalist's scores on clean rows, by unit, at its part of .05.
    pub(crate) fn of(target: f64, units: &[Vec<Pair>], share: f64) -> Self {
        let units: Vec<_> = units.iter().filter(|rows| !rows.is_empty()).collect();
        let mean =
            |rows: &&Vec<Pair>| rows.iter().map(|(_, finalist)| finalist).sum::<f64>() / rows.len() as f64;
        let means: Vec<_> = units.iter().map(mean).collect();
        let single = units.iter().all(|rows| rows.len() == 1 && is_binary(rows[0].1));
        let scale = if single { Scale::Binary } else { Scale::Graded };
        let (n, level) = (means.len(), CLAIM_ALPHA * share);
        let rate = means.iter().sum::<f64>() / n.max(1) as f64;
        let Bounds { lower, upper } = scale.bounds(&means, level);
        let needed = || two_digits(scale.units_to_decide(rate, target, level, LEAST_GAIN).max(n + 1));
        let reached = if lower >= target {
            Reached::Met
        } else if upper < target {
            Reached::Missed
        } else {
            Reached::Undecided { n_needed: needed() }
        };
        Self { target, units: n, rate, lower, upper, level, scale, reached }
    }

    /// A sentence for readers without statistics.
    pub fn sentence(&self) -> String {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let Self { target, units, rate, lower, upper, reached, .. } = *self;
        let (target, rate, lower, upper) = (percent(target), percent(rate), percent(lower), percent(upper));
        match reached {
            Reached::Met => {
                format!("The target of {target} is met: {rate} of {units} sealed rows, at least {lower}.")
            }
            Reached::Missed => {
                format!("The target of {target} is missed: {rate} of {units} sealed rows, at most {upper}.")
            }
            Reached::Undecided { n_needed } => format!(
                "The target of {target} is not shown: {rate} of {units} sealed rows, with bounds of {lower} and {upper}. \
                 Needs about {n_needed} test rows to decide."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(target: f64, right: usize, n: usize) -> PassRate {
        let units: Vec<_> = (0..n).map(|i| vec![(0.0, f64::from(u8::from(i < right)))]).collect();
        PassRate::of(target, &units, 1.0)
    }

    #[test]
    fn a_target_is_met_missed_or_not_shown() {
        assert_eq!(rate(0.9, 190, 200).reached, Reached::Met);
        assert_eq!(rate(0.9, 165, 200).reached, Reached::Missed);
        let open = rate(0.9, 184, 200);
        let Reached::Undecided { n_needed } = open.reached else { panic!("{open:?}") };
        assert!((1_000..2_000).contains(&n_needed), "{n_needed}");
        let sentence = open.sentence();
        assert!(
            sentence.starts_with("The target of 90.0 % is not shown: 92.0 % of 200 sealed rows"),
            "{sentence}"
        );
    }

    #[test]
    fn without_clean_rows_nothing_is_shown() {
        let none = PassRate::of(0.9, &[vec![], vec![]], 1.0);
        assert!(none.units == 0 && matches!(none.reached, Reached::Undecided { .. }), "{none:?}");
    }

    /// Five rows that belong together and are answered alike are one, not five.
    #[test]
    fn rows_of_one_unit_count_once() {
        let rows = |n: usize, each: usize| vec![vec![(0.0, 1.0); each]; n];
        assert!(matches!(PassRate::of(0.9, &rows(40, 1), 1.0).reached, Reached::Met));
        let few = PassRate::of(0.9, &rows(8, 5), 1.0);
        assert!(few.units == 8 && matches!(few.reached, Reached::Undecided { .. }), "{few:?}");
    }

    #[test]
    fn it_is_written_and_read_again() {
        for right in [165, 184, 190] {
            let rate = rate(0.9, right, 200);
            let json = serde_json::to_string(&rate).unwrap();
            assert_eq!(serde_json::from_str::<PassRate>(&json).unwrap(), rate, "{json}");
        }
    }
}

//! Slices: does a prompt that gains on the whole harm some of its rows?
//!
//! All slices with enough units are tested together for harm (Holm). A trial that ends early has seen few rows of each, and the
//! fewer were seen the less is noticed. So a slice that merely looks harmed, by itself and without regard to how many there
//! are, holds acceptance back as long as it has rows out: then the trial goes on, and they are seen.
//!
//! **Invariant:** nothing is accepted while a slice that all units would allow to test looks harmed and has rows out.

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use serde::{Deserialize, Serialize};

use super::{
    contrast::Contrast,
    policy::{LEAST_UNITS, SUSPICION},
    scores::{Answers, Scores, score},
    sealed::Sealed,
    statistics::{
        holm, power,
        shrinkage::{Part, shrunk},
    },
};

/// A slice of the primary test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// Its name: `column=value`, or a perturbation family.
    pub name: String,
    /// Units with a row in it.
    #[serde(rename = "seeds")]
    pub units: usize,
    /// The mean difference.
    pub estimate: f64,
    /// Standard error.
    pub se: f64,
    /// The mean difference without the part that is the chance of being one of many; for display.
    pub shrunk: f64,
    /// The p-value of harm, one-sided.
    pub p_harm: f64,
    /// The same adjusted for the number of slices (Holm).
    pub p_adjusted: f64,
    /// How often each unit score occurs: what the p-value is computed from.
    pub scores: Scores,
}

/// A slice as far as it was seen.
struct Seen {
    slice: Slice,
    /// Its units in all.
    of: usize,
}

impl Slice {
    /// The harm that would be noticed with probability .8 where `slices` are tested together at .05:
    /// (z_{.05 / slices} + z_.20) se.
    pub fn noticeable(&self, slices: usize) -> f64 {
        self.se * power::noticeable(slices)
    }
}

/// What the units so far say about all slices.
pub(crate) struct Tested {
    /// Slices with enough units to be tested, together.
    pub(crate) slices: Vec<Slice>,
    /// Slices that have enough units in all, and too few so far.
    pub(crate) untested: Vec<String>,
    /// The slice that looks harmed most and has rows out.
    pub(crate) suspected: Option<String>,
}

/// Tests all slices, beside a gain of this size on all rows.
pub(crate) fn test(sealed: &Sealed, answers: Answers<'_>, gain: f64) -> Tested {
    let seen: Vec<_> =
        sealed.slices.par_iter().map(|(name, rows)| Seen::of(name, rows, sealed, answers)).collect();
    let name = |seen: &Seen| seen.slice.name.clone();
    let large = || seen.iter().filter(|seen| seen.of >= LEAST_UNITS);
    let untested = large().filter(|seen| seen.slice.units < LEAST_UNITS).map(name).collect();
    let looks_harmed = large().filter(|seen| seen.slice.units < seen.of && seen.slice.p_harm <= SUSPICION);
    let suspected = looks_harmed.min_by(|a, b| a.slice.p_harm.total_cmp(&b.slice.p_harm)).map(name);
    let slices = seen.into_iter().map(|seen| seen.slice).filter(|slice| slice.units >= LEAST_UNITS);
    Tested { slices: adjusted(slices.collect(), gain), untested, suspected }
}

impl Seen {
    fn of(name: &str, rows: &[usize], sealed: &Sealed, answers: Answers<'_>) -> Self {
        let unit = |row: &usize| sealed.rows[*row].unit;
        // Rows are filed unit by unit, so rows of one unit are neighbours. Those that are out have no answer yet.
        let units: Vec<_> = rows.chunk_by(|a, b| unit(a) == unit(b)).map(<[_]>::to_vec).collect();
        let contrast = Contrast::of(&answers.pairs(&units, score));
        let spread = contrast.spread();
        let slice = Slice {
            name: name.to_owned(),
            units: spread.n,
            estimate: spread.mean,
            se: spread.se(),
            shrunk: spread.mean,
            p_harm: contrast.p_worse(),
            p_adjusted: 1.0,
            scores: contrast.unit_scores(),
        };
        Self { slice, of: units.len() }
    }
}

/// Slices that are tested together; `gain` is that of all rows.
fn adjusted(mut slices: Vec<Slice>, gain: f64) -> Vec<Slice> {
    let p_values = holm::adjust(&slices.iter().map(|slice| slice.p_harm).collect::<Vec<_>>());
    slices.iter_mut().zip(p_values).for_each(|(slice, p)| slice.p_adjusted = p);
    let parts: Vec<_> = slices.iter().map(|slice| Part { gain: slice.estimate, se: slice.se }).collect();
    slices.iter_mut().zip(shrunk(&parts, gain)).for_each(|(slice, gain)| slice.shrunk = gain);
    slices
}

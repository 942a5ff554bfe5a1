//! Slices: does a prompt that leads on the whole harm some of its rows?
//!
//! All slices with enough seeds are tested together for harm (Holm). A trial that ends early has seen few rows of each, and the
//! fewer were seen the less is noticed. So a slice that merely looks harmed, by itself and without regard to how many there
//! are, holds acceptance back as long as it has rows out: then the trial goes on, and they are seen.
//!
//! **Invariant:** nothing is accepted while a slice that all seeds would allow to test looks harmed and has rows out.

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use serde::{Deserialize, Serialize};

use super::{
    contrast::{Contrast, pairs_of},
    look::{Answers, LookRecord, Position, Scores, score},
    policy::{LEAST_SEEDS, SUSPICION},
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
    /// Seeds with a row in it.
    pub seeds: usize,
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
    /// How often each seed score occurs: what the p-value is computed from.
    pub scores: Scores,
}

/// A slice as far as it was seen.
struct Seen {
    slice: Slice,
    /// Its seeds in all.
    of: usize,
}

impl Slice {
    /// The harm that would be noticed with probability .8 where `slices` are tested together at .05:
    /// (z_{.05 / slices} + z_.20) se.
    pub fn noticeable(&self, slices: usize) -> f64 {
        self.se * power::noticeable(slices)
    }
}

impl Position<'_> {
    /// Asks about the slices as well.
    pub(crate) fn with_slices(&self, look: LookRecord, answers: Answers<'_>) -> LookRecord {
        let seen: Vec<_> = self.sealed.slices.par_iter().map(|slice| self.seen(slice, answers)).collect();
        let name = |seen: &Seen| seen.slice.name.clone();
        let large = || seen.iter().filter(|seen| seen.of >= LEAST_SEEDS);
        let untested = large().filter(|seen| seen.slice.seeds < LEAST_SEEDS).map(name).collect();
        let looks_harmed =
            large().filter(|seen| seen.slice.seeds < seen.of && seen.slice.p_harm <= SUSPICION);
        let suspected = looks_harmed.min_by(|a, b| a.slice.p_harm.total_cmp(&b.slice.p_harm)).map(name);
        let slices = seen.into_iter().map(|seen| seen.slice).filter(|slice| slice.seeds >= LEAST_SEEDS);
        LookRecord { untested, suspected, slices: tested(slices.collect(), look.lead), ..look }
    }

    fn seen(&self, (name, rows): (&String, &Vec<usize>), answers: Answers<'_>) -> Seen {
        let seed = |row: &usize| self.sealed.rows[*row].seed;
        // Rows are filed seed by seed, so rows of one seed are neighbours. Those that are out have no answer yet.
        let seeds: Vec<_> = rows.chunk_by(|a, b| seed(a) == seed(b)).map(<[_]>::to_vec).collect();
        let contrast = Contrast::of(&pairs_of(seeds.iter(), score, answers));
        let spread = contrast.spread();
        let slice = Slice {
            name: name.clone(),
            seeds: spread.n,
            estimate: spread.mean,
            se: spread.se(),
            shrunk: spread.mean,
            p_harm: contrast.p_worse(),
            p_adjusted: 1.0,
            scores: contrast.seed_scores(),
        };
        Seen { slice, of: seeds.len() }
    }
}

/// Slices that are tested together, beside a lead of so much on the whole.
fn tested(mut slices: Vec<Slice>, lead: f64) -> Vec<Slice> {
    let adjusted = holm::adjust(&slices.iter().map(|slice| slice.p_harm).collect::<Vec<_>>());
    slices.iter_mut().zip(adjusted).for_each(|(slice, p)| slice.p_adjusted = p);
    let parts: Vec<_> = slices.iter().map(|slice| Part { lead: slice.estimate, se: slice.se }).collect();
    slices.iter_mut().zip(shrunk(&parts, lead)).for_each(|(slice, lead)| slice.shrunk = lead);
    slices
}

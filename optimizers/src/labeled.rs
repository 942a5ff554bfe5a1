//! `labeled`: demonstrations drawn from the labelled training rows, in sets of several sizes, raced against each other.
//! With one set and no race this is DSPy's `LabeledFewShot`; which rows are drawn matters more than how many, so here
//! several draws compete.
//!
//! Cost: a race of at most 24 candidates. Use it when labels are all there is and calls are few.

use proofmark_runtime::Candidate;

use crate::{
    Optimizer,
    demos::{Shelf, furnished},
    effects::{Event, Stop},
    lab::Lab,
};

/// Most sets that compete.
const SETS: usize = 24;
/// Sets that are measured on all common rows.
const KEEP: usize = 3;

/// See the [module](self).
pub struct Labeled;

impl Optimizer for Labeled {
    fn name(&self) -> &'static str {
        "labeled"
    }

    fn about(&self) -> &'static str {
        "draws sets of labelled training rows as demonstrations and races them"
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        lab.born(&Candidate::baseline(), &[], "the task as written")?;
        let examples = lab.pool().iter().filter_map(|id| lab.example(id));
        let shelves = Shelf::labelled(lab.program(), examples);
        let sets =
            if shelves.is_empty() { 0 } else { lab.affordable((&[], SETS), KEEP, lab.remaining_calls()) };
        lab.note(Event::Stage { name: format!("racing {sets} sets of labelled demonstrations") });
        let mut rng = lab.rng("labeled");
        let mut candidates = Vec::new();
        for draw in 1..=sets {
            let (candidate, how) = furnished(Candidate::baseline(), &shelves, draw - 1, &mut rng);
            lab.born(&candidate, &[], format!("{how}, draw {draw}"))?;
            candidates.push(candidate);
        }
        lab.race(&candidates, KEEP).map(|_| ())
    }
}

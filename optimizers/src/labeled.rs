//! `labeled`: draws sets of labelled training rows as demonstrations, in several sizes, and races them. With one set and no
//! race this is DSPy's `LabeledFewShot`. The choice of rows matters more than their number, so several draws compete.
//!
//! Cost: a race of at most 24 candidates. Use it if there are labels and few calls.

use proofmark_runtime::Candidate;

use crate::{
    Optimizer,
    demos::{ExamplePool, with_drawn_demonstrations},
    effects::{Event, Stop},
    lab::Lab,
};

/// The greatest number of sets in the race.
const SETS: usize = 24;
/// The number of sets that are measured on all common rows.
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
        lab.register(&Candidate::baseline(), &[], "the task as written")?;
        let examples = lab.pool().iter().filter_map(|id| lab.example(id));
        let pools = ExamplePool::labelled(lab.program(), examples);
        let sets = if pools.is_empty() { 0 } else { lab.affordable(&[], SETS, KEEP, lab.remaining_calls()) };
        lab.note(Event::Stage { name: format!("racing {sets} sets of labelled demonstrations") });
        let mut rng = lab.rng("labeled");
        let mut candidates = Vec::new();
        for draw in 1..=sets {
            let (candidate, how) =
                with_drawn_demonstrations(Candidate::baseline(), &pools, draw - 1, &mut rng);
            lab.register(&candidate, &[], format!("{how}, draw {draw}"))?;
            candidates.push(candidate);
        }
        lab.race(&candidates, KEEP).map(|_| ())
    }
}

//! `knn`: shows each input the demonstrations nearest to it, chosen for every input at run time
//! (Liu et al. 2022, "What Makes Good In-Context Examples for GPT-3?", arXiv:2101.06804; DSPy's `KNNFewShot`).
//!
//! The labelled rows of the pool (at most 300) go into the candidate, and with it into the artifact. At run time the nearest
//! ones are found by their words. The search varies the number of demonstrations shown, with wording, format and calibration.
//!
//! Cost: a race of at most 20 candidates. Prompts of different inputs have little in common, so an embedded model or a
//! provider's prompt cache saves nothing. Use it if inputs repeat each other and labels are many.

use proofmark_runtime::{Candidate, Demonstration, Param, ParamPath, Slot};
use rand::Rng;

use crate::{
    Optimizer,
    demos::{ExamplePool, showing},
    effects::{Event, Stop},
    lab::Lab,
    space::Space,
};

/// The numbers of demonstrations shown.
const COUNTS: [u32; 4] = [4, 8, 2, 12];
/// The greatest number of demonstrations to choose from: every candidate and the artifact hold all of them.
const OFFERED: usize = 300;
/// The greatest number of candidates in the race.
const CANDIDATES: usize = 20;
/// The number of candidates that are measured on all common rows.
const KEEP: usize = 3;

/// See the [module](self).
pub struct Knn;

impl Optimizer for Knn {
    fn name(&self) -> &'static str {
        "knn"
    }

    fn about(&self) -> &'static str {
        "shows each input the labelled rows that are nearest to it"
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        lab.register(&Candidate::baseline(), &[], "the task as written")?;
        let rows = lab.pool().iter().filter_map(|id| lab.example(id));
        let pools = ExamplePool::labelled(lab.program(), rows);
        let wanted = if pools.is_empty() { 0 } else { CANDIDATES };
        let count = lab.affordable(&[], wanted, KEEP, lab.remaining_calls());
        lab.note(Event::Stage { name: format!("racing {count} ways to show the nearest demonstrations") });
        let mut rng = lab.rng("knn");
        let pools: Vec<(&str, Vec<Demonstration>)> =
            pools.iter().map(|pool| (pool.module.as_str(), offered(pool, &mut rng))).collect();
        let space = Space::new(lab.program(), lab.abilities(), vec![]);
        let mut candidates = Vec::new();
        for (number, point) in space.spread(count, &mut rng).iter().enumerate() {
            let shown = COUNTS[number % COUNTS.len()];
            let (mut candidate, how) = space.realize(lab.program(), point, &mut rng);
            for (module, all) in &pools {
                let slot = ParamPath::new(*module, Slot::Nearest);
                candidate = showing(candidate, module, all.clone()).with(slot, Param::Nearest(shown));
            }
            let offered: usize = pools.iter().map(|(_, all)| all.len()).sum();
            lab.register(&candidate, &[], format!("the {shown} nearest of {offered} demonstrations; {how}"))?;
            candidates.push(candidate);
        }
        lab.race(&candidates, KEEP).map(|_| ())
    }
}

/// All demonstrations of a pool, or [`OFFERED`] of them, balanced over answers.
fn offered(pool: &ExamplePool, rng: &mut impl Rng) -> Vec<Demonstration> {
    if pool.len() > OFFERED { pool.draw(OFFERED, rng) } else { pool.demonstrations().cloned().collect() }
}

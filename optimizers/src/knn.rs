//! `knn`: shows each input the demonstrations that are nearest to it, chosen anew for every input
//! (Liu et al. 2022, "What Makes Good In-Context Examples for GPT-3?", arXiv:2101.06804; DSPy's `KNNFewShot`).
//!
//! The labelled rows of the pool (300 at most) go into the candidate, and with it into the artifact; which of them a prompt shows is found
//! by words when it is asked. What is searched is how many are shown, together with wording, format and calibration.
//!
//! Cost: a race of at most 20 candidates. Prompts of different inputs have little in common, so an embedded model or a
//! provider's prompt cache saves nothing; each call is worth its tokens where inputs repeat each other and labels are many.

use proofmark_runtime::{Candidate, Demonstration, Param, ParamPath, Slot};
use rand::Rng;

use crate::{
    Optimizer,
    demos::{Shelf, showing},
    effects::{Event, Stop},
    lab::Lab,
    space::Space,
};

/// How many demonstrations are shown.
const COUNTS: [u32; 4] = [4, 8, 2, 12];
/// Most demonstrations to choose from: every candidate holds them all, and the artifact does.
const OFFERED: usize = 300;
/// Most candidates that compete.
const CANDIDATES: usize = 20;
/// Candidates that are measured on all common rows.
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
        lab.born(&Candidate::baseline(), &[], "the task as written")?;
        let rows = lab.pool().iter().filter_map(|id| lab.example(id));
        let shelves = Shelf::labelled(lab.program(), rows);
        let wanted = if shelves.is_empty() { 0 } else { CANDIDATES };
        let count = lab.affordable((&[], wanted), KEEP, lab.remaining_calls());
        lab.note(Event::Stage { name: format!("racing {count} ways to show the nearest demonstrations") });
        let mut rng = lab.rng("knn");
        let shelves: Vec<(&str, Vec<Demonstration>)> =
            shelves.iter().map(|shelf| (shelf.module.as_str(), offered(shelf, &mut rng))).collect();
        let space = Space::new(lab.program(), lab.abilities(), vec![]);
        let mut candidates = Vec::new();
        for (number, point) in space.spread(count, &mut rng).iter().enumerate() {
            let shown = COUNTS[number % COUNTS.len()];
            let (mut candidate, how) = space.realize(lab.program(), point, &mut rng);
            for (module, all) in &shelves {
                let slot = ParamPath::new(*module, Slot::Nearest);
                candidate = showing(candidate, module, all.clone()).with(slot, Param::Nearest(shown));
            }
            let offered: usize = shelves.iter().map(|(_, all)| all.len()).sum();
            lab.born(&candidate, &[], format!("the {shown} nearest of {offered} demonstrations; {how}"))?;
            candidates.push(candidate);
        }
        lab.race(&candidates, KEEP).map(|_| ())
    }
}

/// All demonstrations of a shelf, or as many as may be offered, balanced over answers.
fn offered(shelf: &Shelf, rng: &mut impl Rng) -> Vec<Demonstration> {
    if shelf.len() > OFFERED { shelf.draw(OFFERED, rng) } else { shelf.demonstrations().cloned().collect() }
}

//! `edits`: instruction search without any language model.
//!
//! First a screening: points that delete some phrases and add some [building blocks](crate::blocks), and a race of the
//! best. Then the rounds of GrIPS (Prasad et al. 2023, arXiv:2203.07281, algorithm 1): a few random steps from the best
//! wording so far (delete, swap, add, put back), until two rounds in a row bring nothing. Where GrIPS scores on balanced
//! accuracy and entropy, the task's own metric is used, and a step is taken only if it beats the best wording on the same
//! rows by more than chance would in one case of four.
//!
//! Cost: all the calls it is given, as long as there is something to gain. Use it when the instruction is long or
//! demonstrations are not wanted.

use proofmark_runtime::{Candidate, Module, Slot};
use rand::{Rng, RngExt, rngs::ChaCha8Rng, seq::IndexedRandom};

use crate::{
    Optimizer,
    blocks::Block,
    bootstrap::Shelves,
    climb::climb,
    effects::Stop,
    lab::Lab,
    screen::{SPREAD, Screen},
    space::Space,
    wording::Wording,
};

/// Most steps from the best wording to a candidate.
const STRIDE: usize = 2;
/// See the [module](self).
pub struct Edits;

impl Optimizer for Edits {
    fn name(&self) -> &'static str {
        "edits"
    }

    fn about(&self) -> &'static str {
        "deletes, swaps and adds phrases of the instruction, without any language model"
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        lab.born(&Candidate::baseline(), &[], "the task as written")?;
        let shelves = Shelves::labelled(lab).named();
        let mut space = Space::new(lab.program(), lab.abilities(), shelves);
        space.dimensions.retain(|dimension| dimension.slot == Slot::Instruction);
        let mut rng = lab.rng("edits");
        let finalists = Screen::spread(lab, (&space, SPREAD), &mut rng)?.race(lab, &mut rng)?;
        let program = lab.program();
        let step = |best: &Candidate, rng: &mut ChaCha8Rng| {
            let module = program.modules().choose(rng)?;
            stride((best, module), &space.blocks[&module.name], rng.random_range(1..=STRIDE), rng)
        };
        climb(lab, &finalists, &step, &mut rng)
    }
}

/// A candidate so many random steps from `best` in one module's wording, with what was done.
pub(crate) fn stride(
    (best, module): (&Candidate, &Module),
    blocks: &[Block],
    steps: usize,
    rng: &mut impl Rng,
) -> Option<(Candidate, String)> {
    let mut now = Wording::of(best, module, blocks);
    let mut done = Vec::new();
    for _ in 0..steps {
        let (next, how) = now.random_step(rng)?;
        now = next;
        done.push(how);
    }
    Some((now.on(best.clone(), module), done.join(", ")))
}

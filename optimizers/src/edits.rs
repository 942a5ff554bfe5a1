//! `edits`: instruction search without any language model.
//!
//! First comes a screening: points that delete some phrases and add some [building blocks](crate::blocks), and a race of the
//! best. Then come the rounds of GrIPS (Prasad et al. 2023, arXiv:2203.07281, algorithm 1): a few random steps from the
//! best wording so far (delete, swap, add, put back), until two rounds in a row bring no gain. GrIPS scores by balanced
//! accuracy and entropy; here the task's own metric counts, and a step is taken only if it beats the best wording on the
//! same rows with a paired p below 0.25.
//!
//! Cost: all calls, as long as there is a gain. Use it if the instruction is long or demonstrations are not wanted.

use proofmark_runtime::{Candidate, Module, Slot};
use rand::{Rng, RngExt, rngs::ChaCha8Rng, seq::IndexedRandom};

use crate::{
    Optimizer,
    blocks::Block,
    bootstrap::ExamplePools,
    climb::climb,
    effects::Stop,
    lab::Lab,
    screen::{SPREAD, Screen},
    space::Space,
    wording::Wording,
};

/// The greatest number of steps from the best wording to a candidate.
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
        lab.register(&Candidate::baseline(), &[], "the task as written")?;
        let pools = ExamplePools::labelled(lab).named();
        let mut space = Space::new(lab.program(), lab.abilities(), pools);
        space.dimensions.retain(|dimension| dimension.slot == Slot::Instruction);
        let mut rng = lab.rng("edits");
        let finalists = Screen::spread(lab, &space, SPREAD, &mut rng)?.race(lab, &mut rng)?;
        let program = lab.program();
        let step = |best: &Candidate, rng: &mut ChaCha8Rng| {
            let module = program.modules().choose(rng)?;
            let steps = rng.random_range(1..=STRIDE);
            stride(best, module, &space.blocks[&module.name], steps, rng)
        };
        climb(lab, &finalists, &step, &mut rng)
    }
}

/// Takes random steps from `best` in one module's wording; returns the new candidate and a description.
pub(crate) fn stride(
    best: &Candidate,
    module: &Module,
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

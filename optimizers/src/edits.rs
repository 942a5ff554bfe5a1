//! `edits`: instruction search without any language model (GrIPS, Prasad et al. 2023, arXiv:2203.07281, algorithm 1).
//!
//! First every single deletion and every single building block is tried; then rounds of a few random steps from the best
//! wording so far, until two rounds in a row bring nothing. Where GrIPS scores on balanced accuracy and entropy, the
//! task's own metric is used, and a step is taken only if it beats the best wording on the same rows by more than chance
//! would in one case of four.
//!
//! Cost: one race over all single steps, then about 250 calls a round. Use it when the instruction is long or
//! demonstrations are not wanted.

use proofmark_runtime::{Candidate, Module};
use rand::{Rng, RngExt, seq::IndexedRandom};

use crate::{
    Optimizer,
    demos::Shelf,
    effects::{Event, Stop},
    lab::Lab,
    wording::Wording,
};

/// Most single steps that are tried at first.
const SINGLE: usize = 24;
/// Candidates of a round.
const PER_ROUND: usize = 6;
/// Rounds without a gain after which the search ends.
const PATIENCE: usize = 2;
/// Most steps from the best wording to a candidate.
const STRIDE: usize = 2;
/// Candidates that are measured on all common rows.
const KEEP: usize = 2;

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
        let mut best = Candidate::baseline();
        lab.born(&best, &[], "the task as written")?;
        lab.note(Event::Stage { name: "trying single edits".into() });
        let shelves = Shelf::labelled(lab.program(), lab.pool().iter().filter_map(|id| lab.example(id)));
        let mut batch = Vec::new();
        for module in lab.program().modules() {
            for (wording, how) in wording(&best, module, &shelves).steps() {
                batch.push((wording.on(best.clone(), module), how));
            }
        }
        lab.note(Event::Remark { text: format!("{} single edits", batch.len()) });
        batch.truncate(lab.affordable(SINGLE, KEEP, lab.remaining_calls()));
        best = round(lab, best, batch)?;
        let mut rng = lab.rng("edits");
        let mut patience = PATIENCE;
        while patience > 0 {
            let room = lab.affordable(PER_ROUND, KEEP, lab.remaining_calls());
            let batch = neighbours(lab, (&best, &shelves), room, &mut rng);
            if batch.is_empty() {
                break;
            }
            lab.note(Event::Stage { name: "editing the best instruction".into() });
            let next = round(lab, best.clone(), batch)?;
            patience = if next == best { patience - 1 } else { PATIENCE };
            best = next;
        }
        Ok(())
    }
}

/// Races the batch and gives the best of it, if it beats `best`.
fn round(lab: &mut Lab<'_>, best: Candidate, batch: Vec<(Candidate, String)>) -> Result<Candidate, Stop> {
    for (candidate, how) in &batch {
        lab.born(candidate, &[&best], how.clone())?;
    }
    let rivals: Vec<Candidate> = batch.into_iter().map(|(candidate, _)| candidate).collect();
    let standings = lab.race(&rivals, KEEP)?;
    lab.race(std::slice::from_ref(&best), 1)?;
    let first = standings.into_iter().map(|standing| standing.candidate).next();
    Ok(first.filter(|first| lab.board().beats(first.id(), best.id())).unwrap_or(best))
}

/// Up to `count` candidates that nobody measured, each one or two random steps from `best`.
fn neighbours(
    lab: &Lab<'_>,
    (best, shelves): (&Candidate, &[Shelf]),
    count: usize,
    rng: &mut impl Rng,
) -> Vec<(Candidate, String)> {
    let mut found: Vec<(Candidate, String)> = Vec::new();
    for _ in 0..count * 10 {
        if found.len() == count {
            break;
        }
        let Some(module) = lab.program().modules().choose(rng) else { break };
        let strides = rng.random_range(1..=STRIDE);
        let Some((candidate, how)) = stride((best, module), shelves, strides, rng) else { continue };
        let known =
            lab.board().get(candidate.id()).is_some() || found.iter().any(|(other, _)| *other == candidate);
        if !known {
            found.push((candidate, how));
        }
    }
    found
}

/// A candidate so many random steps from `best` in one module's wording.
pub(crate) fn stride(
    (best, module): (&Candidate, &Module),
    shelves: &[Shelf],
    steps: usize,
    rng: &mut impl Rng,
) -> Option<(Candidate, String)> {
    let mut now = wording(best, module, shelves);
    let mut done = Vec::new();
    for _ in 0..steps {
        let (next, how) = now.random_step(rng)?;
        now = next;
        done.push(how);
    }
    Some((now.on(best.clone(), module), done.join(", ")))
}

fn wording(candidate: &Candidate, module: &Module, shelves: &[Shelf]) -> Wording {
    Wording::of(candidate, module, shelves.iter().find(|shelf| shelf.module == module.name))
}

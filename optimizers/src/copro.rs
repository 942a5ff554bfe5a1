//! `copro`: coordinate ascent over the modules' instructions (Khattab et al. 2023, arXiv:2310.03714; DSPy's COPRO).
//!
//! For one module after the other, the proposer writes ten instructions from its best one. The prompt shows the instructions
//! tried for the module so far with their scores, worst first. The best stays, and the next module builds on it. Rounds over
//! all modules go on until two in a row bring no gain (DSPy stops after three), or the calls are spent.
//!
//! Cost: per round and module ten times one question and twenty rows; a third of the calls for the race at the end. Use it if
//! the written instruction is poor and the program has several modules. Like [`opro`](crate::opro), it shows the proposer
//! scores and no mistakes.

use proofmark_runtime::{Candidate, Module};

use crate::{
    Optimizer,
    effects::{Event, Stop},
    lab::Lab,
    proposer::{Proposer, Query, Rewrite, instruction, prompt::Prompt},
    rounds::{self, Rounds},
};

/// The number of instructions that are written for one module in one round.
const BREADTH: usize = 10;
/// The number of rounds in a row without a better candidate that end the search.
const PATIENCE: usize = 2;

/// See the [module](self).
pub struct Copro;

impl Optimizer for Copro {
    fn name(&self) -> &'static str {
        "copro"
    }

    fn about(&self) -> &'static str {
        "a proposer rewrites the instruction of one module after the other, shown what was tried and how it scored"
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        Proposer::run(lab, |lab, proposer| {
            let rounds = Rounds::new(lab);
            let mut candidates = vec![Candidate::baseline()];
            let mut best = Candidate::baseline();
            let mut tried: Vec<Vec<Candidate>> = vec![Vec::new(); lab.program().modules().len()];
            let mut round = 0;
            let mut idle = 0;
            while idle < PATIENCE && rounds.room(lab, BREADTH, 1, 0) > 0 {
                round += 1;
                let before = best.clone();
                for (module, tried) in lab.program().modules().iter().zip(&mut tried) {
                    let breadth = rounds.room(lab, BREADTH, 1, 0);
                    let name = format!("round {round}: {breadth} instructions for {}", module.name);
                    lab.note(Event::Stage { name });
                    let rewrite = Rewrite {
                        query: query(lab, &rounds, module, &best, tried),
                        base: &best,
                        module,
                        parents: vec![&best],
                        how: format!("round {round}"),
                    };
                    let drafts = proposer.rewrite(lab, &vec![rewrite; breadth])?;
                    let new: Vec<Candidate> = drafts.into_iter().map(|draft| draft.candidate).collect();
                    tried.extend_from_slice(&new);
                    best = rounds.add(lab, &mut candidates, new, 1)?.remove(0);
                }
                idle = if best == before { idle + 1 } else { 0 };
            }
            rounds.finish(lab, &candidates).map(|_| ())
        })
    }
}

/// The question for an instruction of a module, with the instructions tried so far and their scores.
fn query(lab: &Lab<'_>, rounds: &Rounds, module: &Module, best: &Candidate, tried: &[Candidate]) -> Query {
    let mut ranked = rounds.ranked(lab, tried);
    ranked.truncate(BREADTH);
    ranked.reverse();
    let mut attempts: Vec<(&str, f64)> = ranked
        .iter()
        .map(|candidate| (instruction(candidate, module), rounds::score(lab, candidate)))
        .collect();
    attempts.push((instruction(best, module), rounds::score(lab, best)));
    let task = "Write a better instruction for this step. Learn from what made the better ones better; do not repeat any.";
    Query {
        purpose: "instruction",
        prompt: Prompt::on(lab.program(), module)
            .scored("Instructions tried so far, the one in use last", &attempts)
            .wants_instruction(task),
        temperature: 1.0,
        most: 1,
    }
}

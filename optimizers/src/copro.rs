//! `copro`: coordinate ascent over the modules' instructions (Khattab et al. 2023, arXiv:2310.03714; DSPy's COPRO).
//!
//! For one module after the other, ten instructions are written from its best one; those tried for it so far are shown
//! with their scores, worst first, so that the next ten go further. The best stays, and the next module is written upon
//! it. Rounds over all modules go on until two in a row bring nothing better (DSPy stops after three), or the calls end.
//!
//! Cost: per round and module ten times one question and twenty rows; a third of the calls for the race at the end. Use it where the written
//! instruction is poor and the program has several steps. It sees scores and no mistakes, as [`opro`](crate::opro).

use proofmark_runtime::{Candidate, Module};

use crate::{
    Optimizer,
    effects::{Event, Stop},
    lab::Lab,
    proposer::{Proposer, Question, Rewrite, instruction, prompt::Prompt},
    rounds::{self, Rounds},
};

/// Instructions written for one module in one round.
const BREADTH: usize = 10;
/// Rounds in a row without a better candidate that end the search.
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
            let mut pool = vec![Candidate::baseline()];
            let mut best = Candidate::baseline();
            let mut tried: Vec<Vec<Candidate>> = vec![Vec::new(); lab.program().modules().len()];
            let (mut round, mut idle) = (0, 0);
            while idle < PATIENCE && rounds.room(lab, BREADTH, (1, 0)) > 0 {
                round += 1;
                let before = best.clone();
                for (module, tried) in lab.program().modules().iter().zip(&mut tried) {
                    let breadth = rounds.room(lab, BREADTH, (1, 0));
                    let name = format!("round {round}: {breadth} instructions for {}", module.name);
                    lab.note(Event::Stage { name });
                    let rewrite = Rewrite {
                        question: question((lab, &rounds), module, (&best, tried)),
                        base: &best,
                        module,
                        parents: vec![&best],
                        how: format!("round {round}"),
                    };
                    let drafts = proposer.rewrite(lab, &vec![rewrite; breadth])?;
                    let new: Vec<Candidate> = drafts.into_iter().map(|draft| draft.candidate).collect();
                    tried.extend_from_slice(&new);
                    best = rounds.take_in(lab, &mut pool, (new, 1))?.remove(0);
                }
                idle = if best == before { idle + 1 } else { 0 };
            }
            rounds.finish(lab, &pool).map(|_| ())
        })
    }
}

fn question(
    (lab, rounds): (&Lab<'_>, &Rounds),
    module: &Module,
    (best, tried): (&Candidate, &[Candidate]),
) -> Question {
    let mut ranked = rounds.ranked(lab, tried);
    ranked.truncate(BREADTH);
    ranked.reverse();
    let mut attempts: Vec<(&str, f64)> = ranked
        .iter()
        .map(|candidate| (instruction(candidate, module), rounds::score(lab, candidate)))
        .collect();
    attempts.push((instruction(best, module), rounds::score(lab, best)));
    let task = "Write a better instruction for this step. Learn from what made the better ones better; do not repeat any.";
    Question {
        purpose: "instruction",
        prompt: Prompt::on(lab.program(), module)
            .scored("Instructions tried so far, the one in use last", &attempts)
            .wants_instruction(task),
        temperature: 1.0,
        most: 1,
    }
}

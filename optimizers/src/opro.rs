//! `opro`: the proposer as optimizer (Yang et al. 2023, "Large Language Models as Optimizers", arXiv:2309.03409).
//!
//! The prompt shows the instructions tried so far with their scores, the best last, and a few labelled examples. It asks for
//! an instruction with a higher score: eight draws at temperature 1 per step. The prompt shows no mistakes and no remarks, so
//! the proposer learns from scores alone. The scores are shrunk, so that luck does not mislead it. With several modules, each
//! step writes one of them, in turn, upon the best candidate so far.
//!
//! Cost: per step eight questions and eight times twenty rows; a third of the calls for the race at the end. Use it with
//! a strong proposer if the metric gives no remarks; [`gepa`](crate::gepa) reads remarks. On the planted landscape of rules,
//! which it can only guess, it scores below all optimizers that reflect.

use proofmark_runtime::{Candidate, Example, Module};

use crate::{
    Optimizer,
    effects::{Event, Stop},
    lab::Lab,
    proposer::{
        Proposer, Query, Rewrite,
        cases::{RowSampler, labelled},
        instruction,
        prompt::Prompt,
    },
    rounds::{self, Rounds},
};

/// The number of draws of one step.
const PER_STEP: usize = 8;
/// The greatest number of instructions that a prompt shows.
const SHOWN: usize = 20;
/// The number of labelled examples that a prompt shows.
const EXAMPLES: usize = 3;
/// The number of steps in a row without a better candidate that end the search.
const PATIENCE: usize = 6;

/// See the [module](self).
pub struct Opro;

impl Optimizer for Opro {
    fn name(&self) -> &'static str {
        "opro"
    }

    fn about(&self) -> &'static str {
        "a proposer extends the list of instructions tried so far and their scores"
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        Proposer::run(lab, |lab, proposer| {
            let rounds = Rounds::new(lab);
            let mut sampler = RowSampler::new(lab, "opro");
            let mut candidates = vec![Candidate::baseline()];
            let mut best = Candidate::baseline();
            let mut step = 0;
            let mut idle = 0;
            while idle < PATIENCE {
                let draws = rounds.room(lab, PER_STEP, 1, 0);
                if draws == 0 {
                    break;
                }
                let modules = lab.program().modules();
                let module = &modules[step % modules.len()];
                step += 1;
                lab.note(Event::Stage { name: format!("step {step}: {draws} instructions") });
                let examples: Vec<&Example> =
                    sampler.next_rows(EXAMPLES).iter().filter_map(|id| lab.example(id)).collect();
                let rewrite = Rewrite {
                    query: query(lab, &rounds, module, &candidates, &examples),
                    base: &best,
                    module,
                    parents: vec![&best],
                    how: format!("step {step}"),
                };
                let drafts = proposer.rewrite(lab, &vec![rewrite; draws])?;
                let new: Vec<Candidate> = drafts.into_iter().map(|draft| draft.candidate).collect();
                let first = rounds.add(lab, &mut candidates, new, 1)?.remove(0);
                idle = if first == best { idle + 1 } else { 0 };
                best = first;
            }
            rounds.finish(lab, &candidates).map(|_| ())
        })
    }
}

/// The question for an instruction of a module, with the instructions tried so far and labelled examples.
fn query(
    lab: &Lab<'_>,
    rounds: &Rounds,
    module: &Module,
    candidates: &[Candidate],
    examples: &[&Example],
) -> Query {
    let ranked = rounds.ranked(lab, candidates);
    let mut tried: Vec<(&str, f64)> = Vec::new();
    for candidate in &ranked {
        let text = instruction(candidate, module);
        if tried.len() < SHOWN && tried.iter().all(|(other, _)| *other != text) {
            tried.push((text, rounds::score(lab, candidate)));
        }
    }
    tried.reverse();
    let task =
        "Write an instruction that scores higher than all of these. It should differ from each of them.";
    Query {
        purpose: "instruction",
        prompt: Prompt::on(lab.program(), module)
            .section("Some examples of what the program should do", &labelled(examples))
            .scored("Instructions tried so far, the best one last", &tried)
            .wants_instruction(task),
        temperature: 1.0,
        most: 1,
    }
}

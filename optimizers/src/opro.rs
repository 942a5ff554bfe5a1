//! `opro`: the proposer as optimizer (Yang et al. 2023, "Large Language Models as Optimizers", arXiv:2309.03409).
//!
//! The proposer sees the instructions tried so far with their scores, the best last, and a few labelled examples, and is
//! asked for one that scores higher: eight draws at temperature 1 per step. It sees no mistakes and no remarks; all that
//! it learns is which wording did better; the scores are shrunk, so that a lucky one does not lead it astray. Of several modules one is written per step, in turn, upon the best candidate so far.
//!
//! Cost: per step eight questions and eight times twenty rows; a third of the calls for the race at the end. Use it with
//! a strong proposer where the metric gives no remarks; where it does, [`gepa`](crate::gepa) reads them. On the planted
//! landscape of rules, which it can only guess, it is behind all that reflect.

use proofmark_runtime::{Candidate, Example, Module};

use crate::{
    Optimizer,
    effects::{Event, Stop},
    lab::Lab,
    proposer::{
        Proposer, Question, Rewrite,
        cases::{Deck, labelled},
        instruction,
        prompt::Prompt,
    },
    rounds::{self, Rounds},
};

/// Draws of one step.
const PER_STEP: usize = 8;
/// Most instructions that are shown.
const SHOWN: usize = 20;
/// Labelled examples that are shown.
const EXAMPLES: usize = 3;
/// Steps in a row without a better candidate that end the search.
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
            let mut deck = Deck::new(lab, "opro");
            let mut pool = vec![Candidate::baseline()];
            let mut best = Candidate::baseline();
            let (mut step, mut idle) = (0, 0);
            while idle < PATIENCE {
                let draws = rounds.room(lab, PER_STEP, (1, 0));
                if draws == 0 {
                    break;
                }
                let modules = lab.program().modules();
                let module = &modules[step % modules.len()];
                step += 1;
                lab.note(Event::Stage { name: format!("step {step}: {draws} instructions") });
                let examples: Vec<&Example> =
                    deck.deal(EXAMPLES).iter().filter_map(|id| lab.example(id)).collect();
                let rewrite = Rewrite {
                    question: question((lab, &rounds), module, &pool, &examples),
                    base: &best,
                    module,
                    parents: vec![&best],
                    how: format!("step {step}"),
                };
                let drafts = proposer.rewrite(lab, &vec![rewrite; draws])?;
                let new: Vec<Candidate> = drafts.into_iter().map(|draft| draft.candidate).collect();
                let first = rounds.take_in(lab, &mut pool, (new, 1))?.remove(0);
                idle = if first == best { idle + 1 } else { 0 };
                best = first;
            }
            rounds.finish(lab, &pool).map(|_| ())
        })
    }
}

fn question(
    (lab, rounds): (&Lab<'_>, &Rounds),
    module: &Module,
    pool: &[Candidate],
    examples: &[&Example],
) -> Question {
    let ranked = rounds.ranked(lab, pool);
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
    Question {
        purpose: "instruction",
        prompt: Prompt::on(lab.program(), module)
            .section("Some examples of what the program should do", &labelled(examples))
            .scored("Instructions tried so far, the best one last", &tried)
            .wants_instruction(task),
        temperature: 1.0,
        most: 1,
    }
}

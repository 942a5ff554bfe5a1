//! `protegi`: textual gradients and a beam (Pryzant et al. 2023, arXiv:2305.03495; the step is TextGrad's, Yuksekgonul et
//! al. 2024, arXiv:2406.07496).
//!
//! Every member of the beam is run on a few rows of the pool. The proposer is shown its mistakes and lists reasons; for
//! each reason it edits the instruction; each edit is also said in other words. Reasons that led to nothing are shown as
//! tried (TextGrad's momentum). The beam keeps the best four of parents and children, so a step that does harm is undone.
//! In place of the paper's bandit, children are screened on the same rows as their parents, and the best race in the end.
//!
//! Cost: per member and step eight rows, one question for reasons, and at most three edits and three rewordings, each a
//! question and twenty rows. Use it where mistakes can be explained.

use proofmark_runtime::{Candidate, Module};

use crate::{
    Optimizer,
    board::Standing,
    effects::{Event, Stop},
    lab::Lab,
    proposer::{
        Draft, Proposer, Question, Rewrite,
        cases::{Deck, study, worst},
        prompt::Prompt,
    },
    resolution::is_enough,
    rounds::{self, Rounds},
};

/// Members of the beam.
pub(crate) const BEAM: usize = 4;
/// Rows that a member is run on per step.
const BATCH: usize = 8;
/// Mistakes that are shown.
const MISTAKES: usize = 4;
/// Reasons per member and step.
const REASONS: usize = 3;
/// Reasons that led to nothing and are shown.
const TRIED: usize = 5;
/// Steps in a row without a new member that end the search.
pub(crate) const PATIENCE: usize = 4;

/// See the [module](self).
pub struct Protegi;

impl Optimizer for Protegi {
    fn name(&self) -> &'static str {
        "protegi"
    }

    fn about(&self) -> &'static str {
        "a proposer finds reasons for mistakes and edits by them, in a beam"
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        Proposer::run(lab, |lab, proposer| {
            let mut descent = Descent::new(lab, "protegi");
            descent.run(lab, proposer, (PATIENCE, BEAM))?;
            descent.finish(lab).map(|_| ())
        })
    }
}

/// A beam on its way.
pub(crate) struct Descent {
    rounds: Rounds,
    deck: Deck,
    /// Reasons whose edits were no better than what they were made from.
    tried: Vec<String>,
    /// All candidates so far.
    pool: Vec<Candidate>,
    /// The best of them, best first.
    beam: Vec<Candidate>,
    steps: usize,
}

impl Descent {
    /// From the task as written; `purpose` names the random stream of the rows.
    pub(crate) fn new(lab: &Lab<'_>, purpose: &str) -> Self {
        let (pool, beam) = (vec![Candidate::baseline()], vec![Candidate::baseline()]);
        let (rounds, deck) = (Rounds::new(lab), Deck::new(lab, purpose));
        Self { rounds, deck, tried: Vec::new(), pool, beam, steps: 0 }
    }

    /// Takes in candidates that were measured elsewhere.
    pub(crate) fn join(&mut self, lab: &Lab<'_>, others: impl IntoIterator<Item = Candidate>) {
        self.pool.extend(others);
        self.beam = self.rounds.ranked(lab, &self.pool);
        self.beam.truncate(BEAM);
    }

    /// The candidate that is likely the best.
    pub(crate) fn best(&self) -> Candidate {
        self.beam.first().cloned().unwrap_or_default()
    }

    /// Steps of the best `width` candidates until so many in a row bring nothing, no further gain could be shown, or the calls
    /// are spent.
    ///
    /// # Errors
    /// [`Stop`].
    pub(crate) fn run<'a>(
        &mut self,
        lab: &mut Lab<'a>,
        proposer: &mut Proposer,
        (patience, width): (usize, usize),
    ) -> Result<(), Stop> {
        let mut idle = 0;
        while idle < patience && !is_enough(lab, &self.best())? {
            let spare = self.rounds.spare(lab);
            idle = if self.step(lab, proposer, width)? { 0 } else { idle + 1 };
            if self.rounds.spare(lab) == spare {
                break;
            }
        }
        Ok(())
    }

    /// One step; whether a child is among the best.
    fn step<'a>(&mut self, lab: &mut Lab<'a>, proposer: &mut Proposer, width: usize) -> Result<bool, Stop> {
        let modules = lab.program().modules();
        let module = &modules[self.steps % modules.len()];
        self.steps += 1;
        self.beam.truncate(width);
        lab.note(Event::Stage { name: format!("step {}: a beam of {}", self.steps, self.beam.len()) });
        let mut new = Vec::new();
        for member in self.beam.clone() {
            new.extend(self.children(lab, proposer, (&member, module))?);
        }
        if new.is_empty() {
            return Ok(false);
        }
        self.beam = self.rounds.take_in(lab, &mut self.pool, (new.clone(), BEAM))?;
        Ok(self.beam.iter().take(width).any(|member| new.contains(member)))
    }

    /// Races the best.
    ///
    /// # Errors
    /// [`Stop`].
    pub(crate) fn finish(&self, lab: &mut Lab<'_>) -> Result<Vec<Standing>, Stop> {
        self.rounds.finish(lab, &self.pool)
    }

    /// The screened children of a member of the beam, as far as the calls allow.
    fn children<'a>(
        &mut self,
        lab: &mut Lab<'a>,
        proposer: &mut Proposer,
        (member, module): (&Candidate, &'a Module),
    ) -> Result<Vec<Candidate>, Stop> {
        let other = (BATCH * lab.program().calls_per_record() + 1) as u64;
        if self.rounds.room(lab, REASONS, (1, other)) == 0 {
            return Ok(Vec::new());
        }
        let cases = study(lab, member, &self.deck.deal(BATCH))?;
        let mistakes = worst(&cases, MISTAKES);
        if mistakes.is_empty() {
            return Ok(Vec::new());
        }
        let shown = Prompt::on(lab.program(), module).instruction("Its instruction", member, module).cases(
            "Where it goes wrong",
            (lab, module),
            &mistakes,
        );
        let critique = self.critique(shown.clone());
        let mut reasons = proposer.consult(lab, &[critique])?.concat();
        reasons.truncate(self.rounds.room(lab, REASONS, (1, 0)));
        let edit = |reason: &String| Rewrite {
            question: edit(shown.clone().section("What is wrong with the instruction", reason)),
            base: member,
            module,
            parents: vec![member],
            how: "edited for a reason".to_owned(),
        };
        let drafts = proposer.rewrite(lab, &reasons.iter().map(edit).collect::<Vec<_>>())?;
        let edited: Vec<Candidate> = drafts.iter().map(|draft| draft.candidate.clone()).collect();
        rounds::screen(lab, &edited)?;
        self.remember(lab, member, (&reasons, &drafts));
        let room = self.rounds.room(lab, REASONS, (1, 0));
        let reworded: Vec<Rewrite<'_>> =
            edited.iter().take(room).map(|edit| reword(lab, edit, module)).collect();
        let reworded: Vec<Candidate> =
            proposer.rewrite(lab, &reworded)?.into_iter().map(|draft| draft.candidate).collect();
        rounds::screen(lab, &reworded)?;
        Ok(edited.into_iter().chain(reworded).collect())
    }

    fn critique(&self, shown: Prompt) -> Question {
        let tried = self.tried.iter().rev().take(TRIED).map(|reason| format!("- {reason}"));
        let tried: Vec<String> = tried.collect();
        let prompt = if tried.is_empty() {
            shown
        } else {
            shown.section("Reasons that were acted upon and did not help", &tried.join("\n"))
        };
        let task = "Give different reasons why this instruction led to these mistakes: what does it leave out, get wrong \
                    or say unclearly? Speak of kinds of inputs, not of single ones.";
        Question {
            purpose: "critique",
            prompt: prompt.wants_list(task, REASONS),
            temperature: 0.7,
            most: REASONS,
        }
    }

    fn remember(&mut self, lab: &Lab<'_>, member: &Candidate, (reasons, drafts): (&[String], &[Draft])) {
        let before = rounds::score(lab, member);
        for draft in drafts.iter().filter(|draft| rounds::score(lab, &draft.candidate) <= before) {
            self.tried.push(reasons[draft.of].clone());
        }
    }
}

fn edit(prompt: Prompt) -> Question {
    let task = "Rewrite the instruction so that this is put right. Keep what is good about it.";
    Question { purpose: "edit", prompt: prompt.wants_instruction(task), temperature: 0.7, most: 1 }
}

fn reword<'r>(lab: &Lab<'_>, edit: &'r Candidate, module: &'r Module) -> Rewrite<'r> {
    let task = "Say the same in other words. Keep every point that it makes.";
    let prompt = Prompt::on(lab.program(), module).instruction("Its instruction", edit, module);
    Rewrite {
        question: Question {
            purpose: "reword",
            prompt: prompt.wants_instruction(task),
            temperature: 1.0,
            most: 1,
        },
        base: edit,
        module,
        parents: vec![edit],
        how: "in other words".to_owned(),
    }
}

//! `protegi`: textual gradients and a beam (Pryzant et al. 2023, arXiv:2305.03495; the step is TextGrad's, Yuksekgonul et
//! al. 2024, arXiv:2406.07496).
//!
//! Every member of the beam runs on a few rows of the pool. The proposer reads its mistakes and lists reasons. For each reason
//! it edits the instruction, and each edit is also reworded. Reasons without a gain are shown as tried (TextGrad's momentum).
//! The beam keeps the best four of parents and children, so a harmful step is undone. Instead of the paper's bandit, children
//! are screened on the same rows as their parents, and the best race in the end.
//!
//! Cost: per member and step eight rows, one question for reasons, and at most three edits and three rewordings, each a
//! question and twenty rows. Use it if mistakes can be explained.

use proofmark_runtime::{Candidate, Module};

use crate::{
    Optimizer,
    board::Standing,
    effects::{Event, Stop},
    lab::Lab,
    proposer::{
        Draft, Proposer, Query, Rewrite,
        cases::{RowSampler, study, worst},
        prompt::Prompt,
    },
    resolution::is_enough,
    rounds::{self, Rounds},
};

/// The number of members of the beam.
pub(crate) const BEAM: usize = 4;
/// The number of rows that a member runs on per step.
const BATCH: usize = 8;
/// The number of mistakes that a prompt shows.
const MISTAKES: usize = 4;
/// The number of reasons per member and step.
const REASONS: usize = 3;
/// The number of reasons without a gain that a prompt shows.
const TRIED: usize = 5;
/// The number of steps in a row without a new member that end the search.
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
            let mut beam_search = BeamSearch::new(lab, "protegi");
            beam_search.run(lab, proposer, PATIENCE, BEAM)?;
            beam_search.finish(lab).map(|_| ())
        })
    }
}

/// The state of a beam search.
pub(crate) struct BeamSearch {
    rounds: Rounds,
    sampler: RowSampler,
    /// The reasons whose edits scored no higher than their parents.
    tried: Vec<String>,
    /// All candidates so far.
    candidates: Vec<Candidate>,
    /// The best of them, best first.
    beam: Vec<Candidate>,
    steps: usize,
}

impl BeamSearch {
    /// Starts from the task as written; `purpose` names the random stream of the rows.
    pub(crate) fn new(lab: &Lab<'_>, purpose: &str) -> Self {
        Self {
            rounds: Rounds::new(lab),
            sampler: RowSampler::new(lab, purpose),
            tried: Vec::new(),
            candidates: vec![Candidate::baseline()],
            beam: vec![Candidate::baseline()],
            steps: 0,
        }
    }

    /// Adds candidates that were measured outside this search.
    pub(crate) fn join(&mut self, lab: &Lab<'_>, others: impl IntoIterator<Item = Candidate>) {
        self.candidates.extend(others);
        self.beam = self.rounds.ranked(lab, &self.candidates);
        self.beam.truncate(BEAM);
    }

    /// The best candidate of the beam.
    pub(crate) fn best(&self) -> Candidate {
        self.beam.first().cloned().unwrap_or_default()
    }

    /// Takes steps from the best `width` candidates, until `patience` steps in a row bring no gain, the sealed rows could
    /// show no further gain, or the calls are spent.
    ///
    /// # Errors
    /// [`Stop`].
    pub(crate) fn run<'a>(
        &mut self,
        lab: &mut Lab<'a>,
        proposer: &mut Proposer,
        patience: usize,
        width: usize,
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

    /// Takes one step; returns whether a child is among the best `width`.
    fn step<'a>(&mut self, lab: &mut Lab<'a>, proposer: &mut Proposer, width: usize) -> Result<bool, Stop> {
        let modules = lab.program().modules();
        let module = &modules[self.steps % modules.len()];
        self.steps += 1;
        self.beam.truncate(width);
        lab.note(Event::Stage { name: format!("step {}: a beam of {}", self.steps, self.beam.len()) });
        let mut new = Vec::new();
        for member in self.beam.clone() {
            new.extend(self.children(lab, proposer, &member, module)?);
        }
        if new.is_empty() {
            return Ok(false);
        }
        self.beam = self.rounds.add(lab, &mut self.candidates, new.clone(), BEAM)?;
        Ok(self.beam.iter().take(width).any(|member| new.contains(member)))
    }

    /// Races the best candidates on all common rows.
    ///
    /// # Errors
    /// [`Stop`].
    pub(crate) fn finish(&self, lab: &mut Lab<'_>) -> Result<Vec<Standing>, Stop> {
        self.rounds.finish(lab, &self.candidates)
    }

    /// Makes and screens children of a member of the beam, as many as the calls allow.
    fn children<'a>(
        &mut self,
        lab: &mut Lab<'a>,
        proposer: &mut Proposer,
        member: &Candidate,
        module: &'a Module,
    ) -> Result<Vec<Candidate>, Stop> {
        let other = (BATCH * lab.program().calls_per_record() + 1) as u64;
        if self.rounds.room(lab, REASONS, 1, other) == 0 {
            return Ok(Vec::new());
        }
        let cases = study(lab, member, &self.sampler.next_rows(BATCH))?;
        let mistakes = worst(&cases, MISTAKES);
        if mistakes.is_empty() {
            return Ok(Vec::new());
        }
        let shown = Prompt::on(lab.program(), module).instruction("Its instruction", member, module).cases(
            "Where it goes wrong",
            lab.program(),
            module,
            &mistakes,
        );
        let critique = self.critique(shown.clone());
        let mut reasons = proposer.consult(lab, &[critique])?.concat();
        reasons.truncate(self.rounds.room(lab, REASONS, 1, 0));
        let mut edits = Vec::with_capacity(reasons.len());
        for reason in &reasons {
            edits.push(Rewrite {
                query: edit(shown.clone().section("What is wrong with the instruction", reason)),
                base: member,
                module,
                parents: vec![member],
                how: "edited for a reason".to_owned(),
            });
        }
        let drafts = proposer.rewrite(lab, &edits)?;
        let edited: Vec<Candidate> = drafts.iter().map(|draft| draft.candidate.clone()).collect();
        rounds::screen(lab, &edited)?;
        self.remember(lab, member, &reasons, &drafts);
        let room = self.rounds.room(lab, REASONS, 1, 0);
        let reworded: Vec<Rewrite<'_>> =
            edited.iter().take(room).map(|edit| reword(lab, edit, module)).collect();
        let reworded: Vec<Candidate> =
            proposer.rewrite(lab, &reworded)?.into_iter().map(|draft| draft.candidate).collect();
        rounds::screen(lab, &reworded)?;
        Ok(edited.into_iter().chain(reworded).collect())
    }

    /// The question for reasons, with the reasons that were tried before.
    fn critique(&self, shown: Prompt) -> Query {
        let tried = self.tried.iter().rev().take(TRIED).map(|reason| format!("- {reason}"));
        let tried: Vec<String> = tried.collect();
        let prompt = if tried.is_empty() {
            shown
        } else {
            shown.section("Reasons that were acted upon and did not help", &tried.join("\n"))
        };
        let task = "Give different reasons why this instruction led to these mistakes: what does it leave out, get wrong \
                    or say unclearly? Speak of kinds of inputs, not of single ones.";
        Query {
            purpose: "critique",
            prompt: prompt.wants_list(task, REASONS),
            temperature: 0.7,
            most: REASONS,
        }
    }

    /// Remembers the reasons of drafts that score no higher than the member that they were made from.
    fn remember(&mut self, lab: &Lab<'_>, member: &Candidate, reasons: &[String], drafts: &[Draft]) {
        let before = rounds::score(lab, member);
        for draft in drafts.iter().filter(|draft| rounds::score(lab, &draft.candidate) <= before) {
            self.tried.push(reasons[draft.of].clone());
        }
    }
}

fn edit(prompt: Prompt) -> Query {
    let task = "Rewrite the instruction so that this is put right. Keep what is good about it.";
    Query { purpose: "edit", prompt: prompt.wants_instruction(task), temperature: 0.7, most: 1 }
}

fn reword<'r>(lab: &Lab<'_>, edit: &'r Candidate, module: &'r Module) -> Rewrite<'r> {
    let task = "Say the same in other words. Keep every point that it makes.";
    let prompt = Prompt::on(lab.program(), module).instruction("Its instruction", edit, module);
    Rewrite {
        query: Query { purpose: "reword", prompt: prompt.wants_instruction(task), temperature: 1.0, most: 1 },
        base: edit,
        module,
        parents: vec![edit],
        how: "in other words".to_owned(),
    }
}

//! `gepa`: reflective evolution on an instance-wise Pareto front (Agrawal et al. 2025, arXiv:2507.19457, algorithms 1
//! to 4).
//!
//! A parent is drawn from the candidates that are best on at least one row, in proportion to the number of these rows. It
//! runs on a few rows of the pool. The proposer reads the mistakes with the metric's remarks and rewrites one module's
//! instruction, the modules in turn. A child that beats its parent on the first rows is measured on all rows and joins the
//! population. After a success, two candidates that changed different modules since a common ancestor may be merged.
//!
//! Three points differ from the paper. Rows of reflection are never scored on. A child must beat its parent by the paired
//! margin of [`Board::beats`](crate::Board::beats), not by one row (a quarter of all edits without any effect pass the
//! paper's test). And the copy check drops texts with quoted rows, while the paper's prompt asks for them.
//!
//! Cost: per step eight rows for the parent (once each), one question and twenty rows; all common rows for each child that
//! passes. Use it with a capable proposer, above all if the metric explains mistakes.

mod front;
mod merge;

use proofmark_runtime::{Candidate, Module};
use rand::rngs::ChaCha8Rng;

use crate::{
    Optimizer,
    board::mean,
    effects::{Event, Stop, Trial},
    lab::Lab,
    proposer::{
        Proposer, Query, Rewrite,
        cases::{RowSampler, study, worst},
        prompt::Prompt,
    },
    rounds,
};

/// The number of rows that a parent runs on.
const BATCH: usize = 8;
/// The number of cases that a prompt shows.
const SHOWN: usize = 6;
/// The number of steps in a row without a new member that end the search.
const PATIENCE: usize = 24;

/// See the [module](self).
pub struct Gepa;

impl Optimizer for Gepa {
    fn name(&self) -> &'static str {
        "gepa"
    }

    fn about(&self) -> &'static str {
        "a proposer reflects on mistakes; parents come from the front of those best on some row"
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        Proposer::run(lab, |lab, proposer| {
            let mut population = Population::new(lab)?;
            let mut sampler = RowSampler::new(lab, "gepa rows");
            let mut rng = lab.rng("gepa");
            let mut idle = 0;
            let mut merge_due = false;
            while idle < PATIENCE && population.affords(lab, BATCH) {
                let merged = if merge_due { population.merge(lab, &mut rng)? } else { None };
                merge_due = false;
                let child = match merged {
                    Some(child) => Some(child),
                    None => population.reflect(lab, proposer, &mut sampler, &mut rng)?,
                };
                let joined = child.is_some();
                idle = if joined { 0 } else { idle + 1 };
                if let Some(child) = child {
                    merge_due = child.parents.len() == 1;
                    population.join(lab, child)?;
                }
            }
            Ok(())
        })
    }
}

/// The candidates that passed, each measured on all common rows.
struct Population {
    members: Vec<Member>,
}

/// One candidate of the population.
#[derive(Clone, Debug)]
struct Member {
    candidate: Candidate,
    /// The places of its parents.
    parents: Vec<usize>,
    /// Its score on every common row.
    scores: Vec<f64>,
    /// The number of its next reflection, which selects the module.
    turn: usize,
}

impl Population {
    /// Makes a population of the task as written, measured on all common rows.
    fn new(lab: &mut Lab<'_>) -> Result<Self, Stop> {
        let mut population = Self { members: Vec::new() };
        let written =
            Member { candidate: Candidate::baseline(), parents: Vec::new(), scores: Vec::new(), turn: 0 };
        population.join(lab, written)?;
        Ok(population)
    }

    /// Whether the calls allow a whole step with a child that passes.
    fn affords(&self, lab: &Lab<'_>, batch: usize) -> bool {
        let calls = (lab.rows().len() + batch) * lab.program().calls_per_record() + 1;
        lab.remaining_calls() >= calls as u64
    }

    /// Measures a candidate on all common rows and adds it.
    fn join(&mut self, lab: &mut Lab<'_>, mut member: Member) -> Result<(), Stop> {
        let rows = lab.rows().to_vec();
        lab.measure(&[Trial { candidate: member.candidate.clone(), rows }])?;
        member.scores = lab.board().scores(member.candidate.id(), lab.rows().len());
        let name = format!(
            "{} candidates, the latest at {:.1} %",
            self.members.len() + 1,
            100.0 * mean(&member.scores)
        );
        lab.note(Event::Stage { name });
        self.members.push(member);
        Ok(())
    }

    /// Takes one step of reflection; returns the child if it beats its parent on the first rows.
    fn reflect<'a>(
        &mut self,
        lab: &mut Lab<'a>,
        proposer: &mut Proposer,
        sampler: &mut RowSampler,
        rng: &mut ChaCha8Rng,
    ) -> Result<Option<Member>, Stop> {
        let scores: Vec<&[f64]> = self.members.iter().map(|member| member.scores.as_slice()).collect();
        let place = front::choose(&scores, rng);
        let parent = &mut self.members[place];
        let modules = lab.program().modules();
        let module: &'a Module = &modules[parent.turn % modules.len()];
        parent.turn += 1;
        let parent = &self.members[place];
        let cases = study(lab, &parent.candidate, &sampler.next_rows(BATCH))?;
        let shown = worst(&cases, SHOWN);
        if shown.is_empty() {
            return Ok(None);
        }
        let prompt = Prompt::on(lab.program(), module)
            .instruction("Its instruction", &parent.candidate, module)
            .cases("What came of it", lab.program(), module, &shown);
        let rewrite = Rewrite {
            query: reflection(prompt),
            base: &parent.candidate,
            module,
            parents: vec![&parent.candidate],
            how: format!("reflection on {} mistakes", shown.len()),
        };
        let Some(draft) = proposer.rewrite(lab, &[rewrite])?.pop() else { return Ok(None) };
        rounds::screen(lab, std::slice::from_ref(&draft.candidate))?;
        if !lab.board().beats(draft.candidate.id(), parent.candidate.id()) {
            return Ok(None);
        }
        let turn = parent.turn;
        Ok(Some(Member { candidate: draft.candidate, parents: vec![place], scores: Vec::new(), turn }))
    }
}

fn reflection(prompt: Prompt) -> Query {
    let task = "Work out what the step needs to know that its instruction does not say: the format, facts of the field, a \
                way to decide. Take it from the remarks and from what was wanted. Then write a better instruction that \
                keeps what works and adds what was missing, as rules that hold for inputs of that kind.";
    Query { purpose: "reflection", prompt: prompt.wants_instruction(task), temperature: 1.0, most: 1 }
}

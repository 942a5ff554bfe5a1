//! `gepa`: reflective evolution on an instance-wise Pareto front (Agrawal et al. 2025, arXiv:2507.19457, algorithms 1
//! to 4).
//!
//! A parent is drawn from the candidates that are best on at least one row, in proportion to the rows they lead; it is
//! run on a few rows of the pool; the proposer reads what went wrong, with the metric's remarks, and rewrites one module's
//! instruction, the modules in turn. A child that beats its parent on the first rows is measured on all of them and joins.
//! After a success, two candidates that each changed another module since a common ancestor may be merged.
//!
//! Three things differ from the paper: rows that are reflected on are never scored on; a child must beat its parent by the
//! paired margin of [`Board::beats`](crate::Board::beats) and not by one row (a quarter of all edits without any effect
//! pass the paper's test); and the copy check keeps quoted rows out, which the paper's prompt asks for.
//!
//! Cost: per step eight rows for the parent (once each), one question and twenty rows; for each child that passes, all
//! common rows. Use it with a capable proposer, above all where the metric says what was wrong.

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
        Proposer, Question, Rewrite,
        cases::{Deck, study, worst},
        prompt::Prompt,
    },
    rounds,
};

/// Rows that a parent is run on.
const BATCH: usize = 8;
/// Cases that the proposer is shown.
const SHOWN: usize = 6;
/// Steps in a row without a new member that end the search.
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
            let mut pool = Pool::new(lab)?;
            let mut deck = Deck::new(lab, "gepa rows");
            let mut rng = lab.rng("gepa");
            let mut idle = 0;
            let mut merge_due = false;
            while idle < PATIENCE && pool.affords(lab, BATCH) {
                let merged = if merge_due { pool.merge(lab, &mut rng)? } else { None };
                merge_due = false;
                let child = match merged {
                    Some(child) => Some(child),
                    None => pool.reflect(lab, proposer, (&mut deck, &mut rng))?,
                };
                let joined = child.is_some();
                idle = if joined { 0 } else { idle + 1 };
                if let Some(child) = child {
                    merge_due = child.parents.len() == 1;
                    pool.join(lab, child)?;
                }
            }
            Ok(())
        })
    }
}

/// The candidates that passed, all measured on all common rows.
struct Pool {
    members: Vec<Member>,
}

/// One candidate of the pool.
#[derive(Clone, Debug)]
struct Member {
    candidate: Candidate,
    /// Places of what it was made from.
    parents: Vec<usize>,
    /// Score on every common row.
    scores: Vec<f64>,
    /// The module whose turn it is.
    turn: usize,
}

impl Pool {
    /// The task as written, measured on all common rows.
    fn new(lab: &mut Lab<'_>) -> Result<Self, Stop> {
        let mut pool = Self { members: Vec::new() };
        let written =
            Member { candidate: Candidate::baseline(), parents: Vec::new(), scores: Vec::new(), turn: 0 };
        pool.join(lab, written)?;
        Ok(pool)
    }

    /// Whether a whole step with a success fits.
    fn affords(&self, lab: &Lab<'_>, batch: usize) -> bool {
        let calls = (lab.rows().len() + batch) * lab.program().calls_per_record() + 1;
        lab.remaining_calls() >= calls as u64
    }

    /// Measures a candidate on all common rows and takes it in.
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

    /// One step of reflection: a child that beats its parent on the first rows, if one came of it.
    fn reflect<'a>(
        &mut self,
        lab: &mut Lab<'a>,
        proposer: &mut Proposer,
        (deck, rng): (&mut Deck, &mut ChaCha8Rng),
    ) -> Result<Option<Member>, Stop> {
        let scores: Vec<&[f64]> = self.members.iter().map(|member| member.scores.as_slice()).collect();
        let place = front::choose(&scores, rng);
        let parent = &mut self.members[place];
        let modules = lab.program().modules();
        let module: &'a Module = &modules[parent.turn % modules.len()];
        parent.turn += 1;
        let parent = &self.members[place];
        let cases = study(lab, &parent.candidate, &deck.deal(BATCH))?;
        let shown = worst(&cases, SHOWN);
        if shown.is_empty() {
            return Ok(None);
        }
        let prompt = Prompt::on(lab.program(), module)
            .instruction("Its instruction", &parent.candidate, module)
            .cases("What came of it", (lab, module), &shown);
        let rewrite = Rewrite {
            question: reflection(prompt),
            base: &parent.candidate,
            module,
            parents: vec![&parent.candidate],
            how: format!("reflection on {} mistakes", shown.len()),
        };
        let Some(draft) = proposer.rewrite(lab, &[rewrite])?.pop() else { return Ok(None) };
        rounds::screen(lab, std::slice::from_ref(&draft.candidate))?;
        let passes = lab.board().beats(draft.candidate.id(), parent.candidate.id());
        let child = || Member {
            candidate: draft.candidate,
            parents: vec![place],
            scores: Vec::new(),
            turn: parent.turn,
        };
        Ok(passes.then(child))
    }
}

fn reflection(prompt: Prompt) -> Question {
    let task = "Work out what the step needs to know that its instruction does not say: the format, facts of the field, a \
                way to decide. Take it from the remarks and from what was wanted. Then write a better instruction that \
                keeps what works and adds what was missing, as rules that hold for inputs of that kind.";
    Question { purpose: "reflection", prompt: prompt.wants_instruction(task), temperature: 1.0, most: 1 }
}

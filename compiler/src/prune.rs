//! Pruning: which of a finalist's edits do anything, and can it do without the others? Between search and gate, on visible rows.
//!
//! Each answer is asked with a random half of the edits on, so every answer tells about every edit; least squares takes them
//! apart (gate.md, section 7.2). The masks are random, so an effect is caused by its edit, for this model on these rows, with
//! the other edits on half of the time. With masks of one half, it is the edit's Banzhaf value (Banzhaf 1965).
//!
//! Edits that are harmful or do nothing that could be shown are taken away together, if the rest is not worse on all rows;
//! else the largest effect comes back, and so on. What is left goes before the gate: what is emitted is what was judged.
//!
//! **Invariant:** nothing here reads a sealed row; all calls are made within the budget that is given; the same question has the same
//! masks.
//!
//! [`edits`] takes a candidate apart, [`weighing`] holds what was found.

pub mod edits;
pub mod weighing;

use proofmark_optimizers::{Outcome, Stop};
use proofmark_runtime::{Candidate, Digest, Example, Program, digest};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};

pub use self::{
    edits::{Edit, Edits},
    weighing::{Class, Effect, Fewer, Pruning, Weighed, Weighing},
};
use crate::{
    answer,
    gate::statistics::{interval::student, regression::least_squares, spread::Spread},
};

/// With fewer edits there is nothing to tell apart.
const LEAST_EDITS: usize = 3;
/// Answers that are asked at most.
const MOST_ANSWERS: usize = 800;
/// Answers for each edit that are asked at most.
const PER_EDIT: usize = 100;
/// With fewer answers for each edit, hardly any effect could be told from none.
const LEAST_PER_EDIT: usize = 10;
/// What is taken away may cost less than this.
const MARGIN: f64 = 0.02;
/// The level of the bound that says so, one-sided.
const MARGIN_LEVEL: f64 = 0.10;

/// A finalist whose edits are to be weighed.
pub struct Question<'a> {
    /// The program that it is laid over.
    pub program: &'a Program,
    /// The finalist.
    pub candidate: &'a Candidate,
    /// Rows that it and the baseline were measured on, and that it does not show.
    pub rows: Vec<Known<'a>>,
    /// Names the masks, together with the candidate.
    pub seed: u64,
    /// Model calls that may be spent.
    pub budget: u64,
}

/// What is known about a visible row.
pub struct Known<'a> {
    /// The row.
    pub example: &'a Example,
    /// The row rewritten, if it can be.
    pub variants: Vec<Example>,
    /// The finalist's score on it.
    pub full: f64,
    /// The baseline's.
    pub base: f64,
}

/// A finalist without the edits that it does not need.
pub struct Pruned {
    /// What is left.
    pub candidate: Candidate,
    /// What was done, in words.
    pub how: String,
    /// Its outcomes on the rows, in their order.
    pub outcomes: Vec<Outcome>,
}

/// Who has candidates answer rows, in order.
pub type Ask<'a> = dyn FnMut(&[(&Candidate, &Example)]) -> Result<Vec<Outcome>, Stop> + 'a;

/// One answer with some of the edits on.
struct Answer {
    on: Vec<bool>,
    row: usize,
    score: f64,
    valid: bool,
    print: Option<Digest>,
}

/// Weighs the edits of a finalist and takes away what it can do without.
///
/// # Errors
/// [`Stop`].
pub fn prune(question: &Question<'_>, ask: &mut Ask<'_>) -> Result<(Pruning, Option<Pruned>), Stop> {
    let edits = Edits::of(question.program, question.candidate);
    let answers = match plan(question, edits.list().len()) {
        Ok(answers) => answers,
        Err(why) => return Ok((Pruning::Skipped { why }, None)),
    };
    let answers = answered(question, &edits, answers, ask)?;
    let mut weighing = weighed(question, &edits, &answers);
    let left = question.budget - (answers.len() * question.program.calls_per_record()) as u64;
    let pruned = taken_away(question, (&edits, left), &mut weighing, ask)?;
    weighing.pruned = pruned.as_ref().map(|pruned| pruned.candidate.id());
    Ok((Pruning::Weighed(Box::new(weighing)), pruned))
}

/// How many answers to ask, with enough left to try the pruned prompt once; or why none.
fn plan(question: &Question<'_>, edits: usize) -> Result<usize, String> {
    let rows = question.rows.len();
    if edits < LEAST_EDITS {
        return Err(format!("too few parts to tell apart: {edits}"));
    }
    let affordable = question.budget / question.program.calls_per_record().max(1) as u64;
    let affordable = usize::try_from(affordable).unwrap_or(usize::MAX);
    let answers = affordable.saturating_sub(rows).min(MOST_ANSWERS).min(PER_EDIT * edits) / 2 * 2;
    let least = LEAST_PER_EDIT * edits;
    if rows < 2 || answers < least {
        let calls = (least + rows) * question.program.calls_per_record();
        return Err(format!(
            "{edits} parts take {} answers, {affordable} are allowed; [optimizer] budget = {{ pruning = {calls} }} allows them",
            least + rows
        ));
    }
    Ok(answers)
}

/// Asks each row as it is and rewritten with the same random half of the edits on, over and over.
fn answered(
    question: &Question<'_>,
    edits: &Edits,
    answers: usize,
    ask: &mut Ask<'_>,
) -> Result<Vec<Answer>, Stop> {
    let stream = digest(&("masks of edits", question.seed, question.candidate.id()));
    let mut rng = ChaCha8Rng::from_seed(*stream.as_bytes());
    let mut order: Vec<usize> = (0..question.rows.len()).collect();
    order.shuffle(&mut rng);
    let mut cells: Vec<(Vec<bool>, usize, &Example)> = Vec::with_capacity(answers + 1);
    for turn in 0.. {
        if cells.len() >= answers {
            break;
        }
        let (row, pass) = (order[turn % order.len()], turn / order.len());
        let Known { example, variants, .. } = &question.rows[row];
        let on: Vec<bool> = edits.list().iter().map(|_| rng.random()).collect();
        // Every row again with another variant of it.
        let variant = (!variants.is_empty()).then(|| &variants[pass % variants.len()]);
        cells.extend(
            [Some(*example), variant].into_iter().flatten().map(|example| (on.clone(), row, example)),
        );
    }
    cells.truncate(answers);
    // Prompts that begin alike are asked one after the other: whoever keeps what they share computes it once.
    cells.sort_by(|(a, ..), (b, ..)| b.cmp(a));
    let candidates: Vec<_> = cells.iter().map(|(on, ..)| edits.candidate(on)).collect();
    let asked: Vec<_> = candidates.iter().zip(&cells).map(|(candidate, cell)| (candidate, cell.2)).collect();
    let outcomes = ask(&asked)?;
    let answer = |((on, row, example), outcome): ((Vec<bool>, usize, &Example), &Outcome)| Answer {
        on,
        row,
        score: outcome.worth().get(),
        valid: outcome.is_valid(),
        print: answer::of(question.program, example, outcome).map(|given| answer::fingerprint(Some(&given))),
    };
    Ok(cells.into_iter().zip(&outcomes).map(answer).collect())
}

/// What each edit does to the score, to the share of usable answers, and to how often a row and its rewriting get the same
/// answer.
fn weighed(question: &Question<'_>, edits: &Edits, answers: &[Answer]) -> Weighing {
    let all: Vec<&Answer> = answers.iter().collect();
    let score = effects(question, &all, |answer| answer.score);
    let validity = effects(question, &all, |answer| f64::from(answer.valid));
    // Both answers to a row under one mask stand side by side: the sort kept their order.
    let pairs: Vec<_> = answers
        .chunk_by(|a, b| a.row == b.row && a.on == b.on)
        .filter_map(|pair| match pair {
            [a, b] => Some((a, f64::from(a.print.is_some() && a.print == b.print))),
            _ => None,
        })
        .collect();
    let mut same = pairs.iter().map(|(_, same)| *same);
    let firsts: Vec<&Answer> = pairs.iter().map(|(first, _)| *first).collect();
    let agreement = effects(question, &firsts, |_| same.next().unwrap_or_default());
    let weighed = |(i, edit): (usize, &Edit)| Weighed {
        path: edit.path.to_string(),
        what: edit.what.clone(),
        score: score[i],
        validity: validity[i],
        agreement: agreement.get(i).copied().flatten(),
        class: Class::of(score[i]),
        kept: true,
    };
    let rows = &question.rows;
    Weighing {
        candidate: question.candidate.id(),
        pruned: None,
        rows: rows.len(),
        answers: answers.len(),
        lead: rows.iter().map(|row| row.full - row.base).sum::<f64>() / rows.len() as f64,
        edits: edits.list().iter().enumerate().map(weighed).collect(),
        tried: vec![],
    }
}

/// The effect of every edit on an outcome: least squares on the masks, with what the finalist and the baseline did on the same
/// row as covariates, errors clustered by row.
fn effects(
    question: &Question<'_>,
    answers: &[&Answer],
    mut outcome: impl FnMut(&Answer) -> f64,
) -> Vec<Option<Effect>> {
    let design = |answer: &&Answer| {
        let Known { full, base, .. } = question.rows[answer.row];
        let switches = answer.on.iter().map(|on| f64::from(*on) - 0.5);
        [1.0].into_iter().chain(switches).chain([full, base]).collect::<Vec<f64>>()
    };
    let rows: Vec<_> = answers.iter().map(design).collect();
    let outcomes: Vec<_> = answers.iter().map(|answer| outcome(answer)).collect();
    let mut known: Vec<_> = answers.iter().map(|answer| answer.row).collect();
    known.sort_unstable();
    known.dedup();
    let cluster = |answer: &&Answer| known.binary_search(&answer.row).unwrap_or_default();
    let clusters: Vec<_> = answers.iter().map(cluster).collect();
    let fit = least_squares(&rows, &outcomes, &clusters);
    let edits = answers.first().map_or(0, |answer| answer.on.len());
    let found = fit.coefficients.iter().skip(1).take(edits);
    found.map(|found| found.map(|found| Effect::of(found, fit.clusters))).collect()
}

/// Tries the finalist without its harmful and unsupported edits, taking the largest effects back until it is not worse.
fn taken_away(
    question: &Question<'_>,
    (edits, mut left): (&Edits, u64),
    weighing: &mut Weighing,
    ask: &mut Ask<'_>,
) -> Result<Option<Pruned>, Stop> {
    let estimate = |i: &usize| weighing.edits[*i].score.map_or(0.0, |score| score.estimate);
    let mut off: Vec<usize> =
        (0..weighing.edits.len()).filter(|i| weighing.edits[*i].class != Class::Supported).collect();
    off.sort_by(|a, b| estimate(a).total_cmp(&estimate(b)));
    if off.len() == weighing.edits.len() {
        off.pop();
    }
    let calls = (question.rows.len() * question.program.calls_per_record()) as u64;
    while !off.is_empty() && left >= calls {
        left -= calls;
        let on: Vec<_> = (0..weighing.edits.len()).map(|i| !off.contains(&i)).collect();
        let candidate = edits.candidate(&on);
        let cells: Vec<_> = question.rows.iter().map(|row| (&candidate, row.example)).collect();
        let outcomes = ask(&cells)?;
        let differences =
            question.rows.iter().zip(&outcomes).map(|(row, outcome)| outcome.worth().get() - row.full);
        let spread = Spread::of(&differences.collect::<Vec<_>>());
        let lower = student(spread, MARGIN_LEVEL, MARGIN_LEVEL).lower;
        let passes = lower > -MARGIN;
        weighing.tried.push(Fewer { without: off.len(), lead: spread.mean, lower, passes });
        if passes {
            off.iter().for_each(|i| weighing.edits[*i].kept = false);
            let how = format!("without {} of its {} parts", off.len(), weighing.edits.len());
            return Ok(Some(Pruned { candidate, how, outcomes }));
        }
        off.pop();
    }
    Ok(None)
}

#[cfg(test)]
mod tests;

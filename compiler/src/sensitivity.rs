//! Sensitivity: what happens to a prompt's score when the prompt itself is changed in ways that should not matter.
//!
//! A prompt that was found by search may hang on the order of its demonstrations, on one of them, or on a turn of phrase (Lu
//! et al. 2022, arXiv:2104.08786, on order; Sclar et al. 2024, arXiv:2310.11324, on format). The gate perturbs rows; this
//! perturbs the prompt. It is a report, not a verdict: rows are visible ones, and what is emitted is the prompt as it is.
//!
//! **Invariant:** every variation keeps instruction, demonstrations and fields as to what they say, but for a demonstration
//! that is left out; the same prompt and seed give the same variations.

use std::collections::BTreeSet;

use proofmark_runtime::{
    Candidate, Demonstration, Param, ParamPath, Program, Slot, digest,
    prompt::{self, find},
};
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};
use serde::Serialize;

use crate::{
    attack::{self, Family, Scene, words_of},
    gate::statistics::{
        holm,
        interval::student,
        signflip::{p_greater, p_less},
        spread::Spread,
    },
};

/// Other orders of the demonstrations that are tried.
const ORDERS: usize = 4;
/// Demonstrations that are left out, one at a time, of two or more: without its only one, a prompt shows nothing.
const LEFT_OUT: usize = 6;
/// Families of the rows' perturbations that leave alone what an instruction asks for.
const REWORDINGS: [&str; 4] = ["whitespace", "contraction", "number", "synonym"];
/// A shift is told apart from chance at this level, over all variations together.
const LEVEL: f64 = 0.05;
/// Steps that differences are rounded to.
const STEPS: f64 = 1200.0;

/// What was changed about a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The demonstrations stand in another order.
    Order,
    /// A demonstration is left out.
    LeftOut,
    /// The messages are laid out in another format.
    Format,
    /// The instruction says the same in other words or with other spacing.
    Wording,
}

/// A prompt that should do the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Variation {
    /// What was changed.
    pub change: Change,
    /// The same, in a few words.
    pub about: String,
    /// The changed prompt.
    pub candidate: Candidate,
}

/// What a variation does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shift {
    /// What was changed.
    pub change: Change,
    /// The same, in a few words.
    pub about: String,
    /// The mean score with it.
    pub score: f64,
    /// The mean difference to the prompt as it is, and its 95 % interval.
    pub shift: f64,
    /// Its lower limit.
    pub lower: f64,
    /// Its upper limit.
    pub upper: f64,
    /// Whether the difference is more than chance: exact sign-flip test on rows, two-sided, over all variations together
    /// (Holm, 5 %).
    pub proven: bool,
    /// The share of rows that get another answer.
    pub changed: f64,
}

/// What all variations do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sensitivity {
    /// Rows that were asked.
    pub rows: usize,
    /// The mean score of the prompt as it is.
    pub score: f64,
    /// Every variation, the worst first.
    pub shifts: Vec<Shift>,
}

/// Scores and answers of one prompt on the same rows.
#[derive(Clone, Debug)]
pub struct Answers {
    /// A score for each row.
    pub scores: Vec<f64>,
    /// Something that is equal for equal answers.
    pub answers: Vec<proofmark_runtime::Digest>,
}

/// The variations of a candidate over a program, none of them twice and none equal to it.
pub fn variations(program: &Program, candidate: &Candidate, seed: u64) -> Vec<Variation> {
    let rng = |name: &str| ChaCha8Rng::from_seed(*digest(&("sensitivity", name, seed)).as_bytes());
    let mut seen = BTreeSet::from([candidate.id()]);
    let all = [
        orders(program, candidate, &mut rng("orders")),
        left_out(program, candidate, &mut rng("left out")),
        formats(program, candidate),
        wordings(program, candidate, &mut rng("wordings")),
    ];
    all.into_iter().flatten().filter(|variation| seen.insert(variation.candidate.id())).collect()
}

/// Changes one parameter of every module of every member that has it, where there is something to change.
fn each(
    (program, candidate): (&Program, &Candidate),
    slot: &Slot,
    mut change: impl FnMut(&Param) -> Option<Param>,
) -> Option<Candidate> {
    let mut any = false;
    let members = candidate.members().into_iter().map(|member| {
        let Ok(applied) = program.apply(&member) else { return member };
        let values = applied.modules().iter().flat_map(|module| {
            let of_slot = module.values().into_iter().filter(|(other, _)| other == slot);
            of_slot.map(|(slot, value)| (ParamPath::new(&module.name, slot), value))
        });
        values.fold(member, |member, (path, value)| match change(&value) {
            Some(changed) => {
                any = true;
                member.with(path, changed)
            }
            None => member,
        })
    });
    let members: Vec<_> = members.collect();
    any.then(|| Candidate::vote(&members))
}

fn demonstrations(param: &Param) -> Option<&Vec<Demonstration>> {
    match param {
        Param::Demonstrations(all) => Some(all),
        _ => None,
    }
}

fn orders(program: &Program, candidate: &Candidate, rng: &mut ChaCha8Rng) -> Vec<Variation> {
    let order = |reversed: bool, rng: &mut ChaCha8Rng| {
        each((program, candidate), &Slot::Demonstrations, |param| {
            let mut all = demonstrations(param).filter(|all| all.len() > 1)?.clone();
            if reversed {
                all.reverse()
            } else {
                all.shuffle(rng)
            }
            Some(Param::Demonstrations(all))
        })
    };
    let variation = |i: usize| {
        let about = if i == 0 { "reversed".to_owned() } else { format!("shuffled, {i}") };
        let candidate = order(i == 0, rng)?;
        Some(Variation { change: Change::Order, about, candidate })
    };
    (0..ORDERS).filter_map(variation).collect()
}

fn left_out(program: &Program, candidate: &Candidate, rng: &mut ChaCha8Rng) -> Vec<Variation> {
    let mut most = 0;
    each((program, candidate), &Slot::Demonstrations, |param| {
        most = most.max(demonstrations(param).map_or(0, Vec::len));
        None
    });
    let mut which: Vec<_> = (0..most).collect();
    which.shuffle(rng);
    which.truncate(LEFT_OUT);
    which.sort_unstable();
    let without = |at: usize| {
        let candidate = each((program, candidate), &Slot::Demonstrations, |param| {
            let mut all = demonstrations(param).filter(|all| all.len() > 1 && at < all.len())?.clone();
            all.remove(at);
            Some(Param::Demonstrations(all))
        })?;
        Some(Variation { change: Change::LeftOut, about: format!("without the {}", nth(at + 1)), candidate })
    };
    which.into_iter().filter_map(without).collect()
}

fn nth(n: usize) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

fn formats(program: &Program, candidate: &Candidate) -> Vec<Variation> {
    let fits = |name: &str| {
        let format = find(name);
        program.modules().iter().all(|module| format.is_some_and(|format| format.fits(&module.effective())))
    };
    let is_used = |name: &str| {
        let applied = candidate.members().iter().map(|member| program.apply(member)).collect::<Vec<_>>();
        let mut modules = applied.iter().flatten().flat_map(Program::modules);
        modules.all(|module| module.format.as_deref() == Some(name))
    };
    let names = prompt::ALL.iter().map(|format| format.name()).filter(|name| fits(name) && !is_used(name));
    let laid_out = |name: &'static str| {
        let paths = program.modules().iter().map(|module| ParamPath::new(&module.name, Slot::Format));
        let laid_out = |member: Candidate| {
            paths.clone().fold(member, |member, path| member.with(path, Param::Format(name.to_owned())))
        };
        let members: Vec<_> = candidate.members().into_iter().map(laid_out).collect();
        Variation { change: Change::Format, about: format!("`{name}`"), candidate: Candidate::vote(&members) }
    };
    names.map(laid_out).collect()
}

fn wordings(program: &Program, candidate: &Candidate, rng: &mut ChaCha8Rng) -> Vec<Variation> {
    let protected = words_of(program);
    let scene = Scene { protected: &protected, wrong_answer: None };
    let families = attack::ALL.iter().filter(|family| REWORDINGS.contains(&family.name()));
    let reworded = |family: &&dyn Family| {
        let candidate = each((program, candidate), &Slot::Instruction, |param| {
            let Param::Instruction(text) = param else { return None };
            let changed = family.perturb(text, &scene, rng)?;
            family.guarantee().check(text, &changed, &protected).ok()?;
            Some(Param::Instruction(changed))
        })?;
        Some(Variation { change: Change::Wording, about: family.name().to_owned(), candidate })
    };
    families.filter_map(reworded).collect()
}

/// What variations do, from the answers of the prompt as it is and of each of them, in order.
pub fn sensitivity(own: &Answers, variations: &[Variation], varied: &[Answers]) -> Sensitivity {
    let shift = |(variation, answers): (&Variation, &Answers)| {
        let differences: Vec<_> =
            answers.scores.iter().zip(&own.scores).map(|(now, was)| now - was).collect();
        let spread = Spread::of(&differences);
        let bounds = student(spread, LEVEL / 2.0, LEVEL / 2.0);
        let differs = answers.answers.iter().zip(&own.answers).filter(|(now, was)| now != was).count();
        let steps: Vec<_> =
            differences.iter().map(|difference| (difference * STEPS).round() as i64).collect();
        let p = (2.0 * p_greater(&steps).min(p_less(&steps))).min(1.0);
        let shift = Shift {
            change: variation.change,
            about: variation.about.clone(),
            score: Spread::of(&answers.scores).mean,
            shift: spread.mean,
            lower: bounds.lower,
            upper: bounds.upper,
            proven: false,
            changed: differs as f64 / own.answers.len().max(1) as f64,
        };
        (shift, p)
    };
    let (mut shifts, p): (Vec<_>, Vec<_>) = variations.iter().zip(varied).map(shift).unzip();
    shifts.iter_mut().zip(holm::adjust(&p)).for_each(|(shift, p)| shift.proven = p <= LEVEL);
    shifts.sort_by(|a, b| a.shift.total_cmp(&b.shift));
    Sensitivity { rows: own.scores.len(), score: Spread::of(&own.scores).mean, shifts }
}

impl Sensitivity {
    /// The lowest and the highest mean score, the prompt as it is included.
    pub fn range(&self) -> (f64, f64) {
        let scores = self.shifts.iter().map(|shift| shift.score);
        scores.fold((self.score, self.score), |(low, high), score| (low.min(score), high.max(score)))
    }

    /// The variations that do something for sure.
    pub fn proven(&self) -> impl Iterator<Item = &Shift> {
        self.shifts.iter().filter(|shift| shift.proven)
    }
}

#[cfg(test)]
mod tests;

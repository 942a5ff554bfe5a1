//! `ensemble`: a majority vote of several prompts, for tasks where one prompt is not good enough and calls are cheap. The answer
//! is the one that most prompts give, as in DSPy's `Ensemble`. (Self-consistency, Wang et al. 2022, arXiv:2203.11171, takes the
//! majority of several drafts of one prompt.)
//!
//! It searches as [`auto`](crate::auto) does, with some calls kept back. Then it grows a set from the best candidate, two
//! members at a time: those with which the majority is right on the most rows (forward selection; Caruana et al. 2004,
//! "Ensemble selection from libraries of models", ICML). The selection takes no call. A vote scores above its best member only
//! if its members have about the same score and err on different rows, and a search drops such members early. So members that
//! were measured on few rows are measured on all, and the set is chosen again. If no set has enough gain over the best
//! candidate, there is no vote; else the vote of the best set is measured.
//!
//! **A row takes one call per member of the vote**, as long as the prompt is in use. So a vote needs a gain of one point per
//! further member ([`Board`](crate::board::Board)), and the calls per row are reported.
//!
//! Cost: five times all common rows for members and vote, the rest as `auto`.

use proofmark_runtime::Candidate;

use crate::{
    Optimizer,
    auto::Auto,
    board::CALL_WORTH,
    effects::{Event, Stop, Trial},
    lab::Lab,
    rounds,
};

/// The greatest number of members of a vote. The number is always odd, so that two answers never tie.
const MOST: usize = 5;
/// The calls that are kept back, in multiples of all common rows: enough for a vote of three and two members that were measured
/// on few rows, or for a vote of five that were measured on all.
const KEPT_BACK: u64 = 5;
/// The number of candidates that members are chosen from.
const FIELD: usize = 100;
/// A score above this counts as right.
const RIGHT: f64 = 0.5;

/// See the [module](self).
pub struct Ensemble;

impl Optimizer for Ensemble {
    fn name(&self) -> &'static str {
        "ensemble"
    }

    fn about(&self) -> &'static str {
        "as auto, then a vote of three or five prompts where that pays: as many times the calls per row"
    }

    fn votes(&self) -> usize {
        MOST
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        lab.keep_back((KEPT_BACK * full(lab)).min(lab.remaining_calls() / 2));
        let ended = Auto.search(lab);
        lab.keep_back(0);
        match ended {
            Ok(()) | Err(Stop::Budget) if !lab.board().finalists(1).is_empty() => elect(lab),
            ended => ended,
        }
    }
}

/// The number of calls that all common rows take with one prompt.
fn full(lab: &Lab<'_>) -> u64 {
    (lab.rows().len() * lab.program().calls_per_record()) as u64
}

/// Measures the vote of the best set of candidates, if a set is worth more than the best candidate.
fn elect(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let all = lab.rows().to_vec();
    loop {
        let members = best_set(lab);
        let size = members.len();
        if size <= 1 {
            let text =
                "no vote is worth its calls: the prompts that were found are wrong on mostly the same rows"
                    .into();
            lab.note(Event::Remark { text });
            return Ok(());
        }
        let trial = |candidate: Candidate| Trial { candidate, rows: all.clone() };
        if members.iter().all(|member| lab.board().depth(member.id()) == all.len()) {
            let vote = Candidate::vote(&members);
            lab.register(&vote, &members.iter().collect::<Vec<_>>(), format!("a vote of {size}"))?;
            lab.note(Event::Stage { name: format!("a vote of {size}, at {size} times the calls per row") });
            return lab.measure(&[trial(vote)]);
        }
        lab.measure(&members.into_iter().map(trial).collect::<Vec<_>>())?;
    }
}

/// The best candidate, alone or in a set. The set grows from the best candidate by the pair that makes it worth the most. Skips
/// sets whose full measurement and vote exceed the remaining calls.
fn best_set(lab: &Lab<'_>) -> Vec<Candidate> {
    let mut all = ranked(lab);
    all.truncate(FIELD);
    let rows = lab.rows().len();
    let mut right: Vec<Vec<bool>> = Vec::with_capacity(all.len());
    for candidate in &all {
        let scores = lab.board().scores(candidate.id(), rows);
        right.push(scores.iter().map(|score| *score > RIGHT).collect());
    }
    let is_affordable = |set: &[usize]| {
        let missing: usize = set.iter().map(|&member| rows - right[member].len()).sum();
        let calls = (missing + rows * set.len()) * lab.program().calls_per_record();
        calls as u64 <= lab.remaining_calls()
    };
    let mut best = ValuedSet { value: 0.0, members: vec![0] };
    let mut grown = vec![0];
    while grown.len() < MOST {
        let pairs =
            (0..all.len()).flat_map(|first| (first + 1..all.len()).map(move |second| [first, second]));
        let larger = pairs
            .filter(|pair| pair.iter().all(|member| !grown.contains(member)))
            .map(|pair| [&grown[..], &pair].concat())
            .filter(|set| is_affordable(set))
            .map(|members| ValuedSet { value: value(&members, &right), members });
        // Of equal sets the first: it has the better candidates.
        let Some(next) = larger.reduce(|best, next| if next.value > best.value { next } else { best }) else {
            break;
        };
        grown.clone_from(&next.members);
        best = if next.value > best.value { next } else { best };
    }
    best.members.into_iter().map(|member| all[member].clone()).collect()
}

/// A set of candidates, by their places, and its value.
struct ValuedSet {
    value: f64,
    members: Vec<usize>,
}

/// All candidates that were measured, by their estimated score, best first.
fn ranked<'l>(lab: &'l Lab<'_>) -> Vec<&'l Candidate> {
    let measured = lab.board().entries().filter(|entry| entry.depth() > 0);
    let mut valued: Vec<(f64, &Candidate)> =
        measured.map(|entry| (rounds::score(lab, entry.candidate()), entry.candidate())).collect();
    valued.sort_by(|a, b| b.0.total_cmp(&a.0));
    valued.into_iter().map(|(_, candidate)| candidate).collect()
}

/// The value of a set over the first candidate: the gain of its majority on the rows that all were measured on, shrunk
/// ([`rounds::shrunk`]), less the price of the calls.
#[expect(clippy::cast_precision_loss, reason = "counts of rows and prompts")]
fn value(set: &[usize], right: &[Vec<bool>]) -> f64 {
    let rows = set.iter().chain(&[0]).map(|&member| right[member].len()).min().unwrap_or(0);
    let votes = |row: usize| set.iter().filter(|&&member| right[member][row]).count();
    let won = (0..rows).filter(|&row| 2 * votes(row) > set.len()).count();
    let alone = right[0][..rows].iter().filter(|right| **right).count();
    let gain = (won as f64 - alone as f64) / rows.max(1) as f64;
    rounds::shrunk(gain, rows) - CALL_WORTH * (set.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first two are right on the same rows, the third and fourth on others each.
    #[test]
    fn the_value_of_a_set_is_its_majoritys_gain() {
        let right = |rows: &str| rows.chars().map(|row| row == '1').collect::<Vec<_>>();
        let right = ["1111000011", "1111000011", "1100110011", "0011110011", "111"].map(right);
        let close = |set: &[usize], gain: f64, rows: usize, more: f64| {
            assert!(
                (value(set, &right) - (rounds::shrunk(gain, rows) - CALL_WORTH * more)).abs() < 1e-12,
                "{set:?}"
            );
        };
        close(&[0], 0.0, 10, 0.0);
        close(&[0, 1, 2], 0.0, 10, 2.0);
        close(&[0, 2, 3], 0.2, 10, 2.0);
        close(&[2, 3, 4], 0.0, 3, 2.0);
    }
}

//! `ensemble`: a vote of several prompts, where one is not good enough and calls are cheap. What most of them answer is the
//! answer: self-consistency (Wang et al. 2022, arXiv:2203.11171) takes the majority of several drafts of one prompt, this of
//! several prompts, as DSPy's `Ensemble` does.
//!
//! It searches as [`auto`](crate::auto) does, with calls kept back. Then the best candidate is joined by the two, and those by
//! the two more, with whom most were right on the most rows (forward selection: Caruana et al. 2004, Ensemble selection from
//! libraries of models, ICML); that takes no call, and what the others answered cannot change it. A vote is worth more than
//! its best member only where its members are of about the same worth and err on different rows, and a search drops what is
//! hardly worse but different. So members that were measured on few rows are measured on all, and chosen again. If no set is
//! ahead of the best candidate by enough, nobody votes; else the best set is measured itself.
//!
//! **A row costs as many times the calls as prompts vote**, for as long as the prompt is used. So a vote must be a point ahead
//! for every prompt more ([`Board`](crate::board::Board)), and what a row takes is told.
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

/// Most prompts that vote. It is always an odd number, so that two answers never tie.
const MOST: usize = 5;
/// So many times all common rows are kept back: for a vote of three and two members that were measured on few rows, or for a
/// vote of five that were measured on all.
const KEPT_BACK: u64 = 5;
/// Candidates that may be chosen to vote.
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

/// Calls that all common rows take with one prompt.
fn full(lab: &Lab<'_>) -> u64 {
    (lab.rows().len() * lab.program().calls_per_record()) as u64
}

/// Has the best set of candidates vote, if one is worth more than the best candidate.
fn elect(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let all = lab.rows().to_vec();
    loop {
        let members = best_set(lab);
        let size = members.len();
        if size <= 1 {
            let text =
                "no vote is worth its calls: the prompts that were found are wrong on much the same rows"
                    .into();
            lab.note(Event::Remark { text });
            return Ok(());
        }
        let trial = |candidate: Candidate| Trial { candidate, rows: all.clone() };
        if members.iter().all(|member| lab.board().depth(member.id()) == all.len()) {
            let vote = Candidate::vote(&members);
            lab.born(&vote, &members.iter().collect::<Vec<_>>(), format!("a vote of {size}"))?;
            lab.note(Event::Stage { name: format!("a vote of {size}, at {size} times the calls per row") });
            return lab.measure(&[trial(vote)]);
        }
        lab.measure(&members.into_iter().map(trial).collect::<Vec<_>>())?;
    }
}

/// The best candidate, alone or with others: the set is grown by the two that are worth the most with it, from the best
/// that were measured. Those are left out who cannot be measured on all common rows any more, and vote after that.
fn best_set(lab: &Lab<'_>) -> Vec<Candidate> {
    let mut all = ranked(lab);
    all.truncate(FIELD);
    let rows = lab.rows().len();
    let right = |candidate: &&Candidate| -> Vec<bool> {
        lab.board().scores(candidate.id(), rows).iter().map(|score| *score > RIGHT).collect()
    };
    let right: Vec<Vec<bool>> = all.iter().map(right).collect();
    let is_affordable = |set: &[usize]| {
        let missing: usize = set.iter().map(|&member| rows - right[member].len()).sum();
        let calls = (missing + rows * set.len()) * lab.program().calls_per_record();
        calls as u64 <= lab.remaining_calls()
    };
    let (mut best, mut grown) = ((0.0, vec![0]), vec![0]);
    while grown.len() < MOST {
        let pairs =
            (0..all.len()).flat_map(|first| (first + 1..all.len()).map(move |second| [first, second]));
        let larger = pairs
            .filter(|pair| pair.iter().all(|member| !grown.contains(member)))
            .map(|pair| [&grown[..], &pair].concat())
            .filter(|set| is_affordable(set))
            .map(|set| (value(&set, &right), set));
        // Of equal ones the first: it holds the better candidates.
        let Some(next) = larger.reduce(|best, next| if next.0 > best.0 { next } else { best }) else { break };
        grown.clone_from(&next.1);
        best = if next.0 > best.0 { next } else { best };
    }
    best.1.into_iter().map(|member| all[member].clone()).collect()
}

/// All candidates that were measured, by what they are likely worth, best first.
fn ranked<'l>(lab: &'l Lab<'_>) -> Vec<&'l Candidate> {
    let measured = lab.board().entries().filter(|entry| entry.depth() > 0);
    let mut valued: Vec<(f64, &Candidate)> =
        measured.map(|entry| (rounds::score(lab, entry.candidate()), entry.candidate())).collect();
    valued.sort_by(|a, b| b.0.total_cmp(&a.0));
    valued.into_iter().map(|(_, candidate)| candidate).collect()
}

/// What a set is worth more than the first candidate: on how many more rows more than half were right, of those that all were
/// measured on, shrunk by how few these are ([`rounds::shrunk`]) and less what the calls are worth.
#[expect(clippy::cast_precision_loss, reason = "counts of rows and prompts")]
fn value(set: &[usize], right: &[Vec<bool>]) -> f64 {
    let rows = set.iter().chain(&[0]).map(|&member| right[member].len()).min().unwrap_or(0);
    let votes = |row: usize| set.iter().filter(|&&member| right[member][row]).count();
    let won = (0..rows).filter(|&row| 2 * votes(row) > set.len()).count();
    let alone = right[0][..rows].iter().filter(|right| **right).count();
    let lead = (won as f64 - alone as f64) / rows.max(1) as f64;
    rounds::shrunk(lead, rows) - CALL_WORTH * (set.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first two are right on the same rows, the third and fourth on others each.
    #[test]
    fn a_set_is_worth_what_most_of_it_are_right_on() {
        let right = |rows: &str| rows.chars().map(|row| row == '1').collect::<Vec<_>>();
        let right = ["1111000011", "1111000011", "1100110011", "0011110011", "111"].map(right);
        let close = |set: &[usize], lead: f64, rows: usize, more: f64| {
            assert!(
                (value(set, &right) - (rounds::shrunk(lead, rows) - CALL_WORTH * more)).abs() < 1e-12,
                "{set:?}"
            );
        };
        close(&[0], 0.0, 10, 0.0);
        close(&[0, 1, 2], 0.0, 10, 2.0);
        close(&[0, 2, 3], 0.2, 10, 2.0);
        close(&[2, 3, 4], 0.0, 3, 2.0);
    }
}

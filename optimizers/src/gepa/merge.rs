//! Merging: one candidate with the changes of two others since a common ancestor (arXiv:2507.19457, algorithms 3 and 4).
//!
//! **Invariant:** a merged candidate takes every module's instruction from one of its parents, and is new.

use proofmark_runtime::Candidate;
use rand::{
    RngExt,
    rngs::ChaCha8Rng,
    seq::{IndexedRandom, SliceRandom},
};

use super::{Member, Population, front};
use crate::{
    board::mean,
    effects::Stop,
    lab::Lab,
    proposer::{instruction, worded},
    rounds,
};

/// The greatest number of pairs that are tried.
const ATTEMPTS: usize = 10;

impl Population {
    /// Merges a random pair; returns the new candidate if its score on the first rows is at least that of both parents.
    pub(super) fn merge(&self, lab: &mut Lab<'_>, rng: &mut ChaCha8Rng) -> Result<Option<Member>, Stop> {
        let scores: Vec<&[f64]> = self.members.iter().map(|member| member.scores.as_slice()).collect();
        let wins = front::wins(&scores);
        let mut winning: Vec<usize> = (0..wins.len()).filter(|&place| wins[place] > 0).collect();
        for _ in 0..ATTEMPTS {
            winning.shuffle(rng);
            let [a, b, ..] = winning.as_slice() else { return Ok(None) };
            let a_place = *a.min(b);
            let b_place = *a.max(b);
            let Some(candidate) = self.merged(lab, a_place, b_place, rng) else { continue };
            if lab.board().get(candidate.id()).is_some() {
                continue;
            }
            let first = &self.members[a_place].candidate;
            let second = &self.members[b_place].candidate;
            lab.register(&candidate, &[first, second], "merged")?;
            rounds::screen(lab, std::slice::from_ref(&candidate))?;
            let bar = rounds::score(lab, first).max(rounds::score(lab, second));
            let passes = rounds::score(lab, &candidate) >= bar;
            let parents = vec![a_place, b_place];
            let member = Member { candidate, parents, scores: Vec::new(), turn: 0 };
            return Ok(passes.then_some(member));
        }
        Ok(None)
    }

    /// The candidate with the changes of two others since one of their common ancestors. None if one is an ancestor of the
    /// other, or no common ancestor is suitable.
    fn merged(&self, lab: &Lab<'_>, a: usize, b: usize, rng: &mut ChaCha8Rng) -> Option<Candidate> {
        let of_a = self.ancestors(a);
        let of_b = self.ancestors(b);
        if of_a.contains(&b) || of_b.contains(&a) {
            return None;
        }
        let score = |place: usize| mean(&self.members[place].scores);
        let bar = score(a).min(score(b));
        let common: Vec<usize> = of_a
            .into_iter()
            .filter(|&place| {
                of_b.contains(&place) && score(place) <= bar && self.complement(lab, a, b, place)
            })
            .collect();
        let root = *common.choose_weighted(rng, |&place| score(place).max(f64::MIN_POSITIVE)).ok()?;
        let mut merged = Candidate::baseline();
        for module in lab.program().modules() {
            let text = |place: usize| instruction(&self.members[place].candidate, module);
            let better = if score(a) > score(b) || (score(a) >= score(b) && rng.random()) { a } else { b };
            let from = match (text(a) == text(root), text(b) == text(root)) {
                (true, false) => b,
                (false, true) => a,
                _ => better,
            };
            merged = worded(&merged, module, text(from));
        }
        Some(merged)
    }

    /// Whether exactly one of the two changed some module since the ancestor.
    fn complement(&self, lab: &Lab<'_>, a: usize, b: usize, root: usize) -> bool {
        lab.program().modules().iter().any(|module| {
            let text = |place: usize| instruction(&self.members[place].candidate, module);
            (text(a) == text(root)) != (text(b) == text(root))
        })
    }

    /// The places of all ancestors of a member.
    fn ancestors(&self, place: usize) -> Vec<usize> {
        let mut found: Vec<usize> = self.members[place].parents.clone();
        let mut next = 0;
        while let Some(&one) = found.get(next) {
            let new: Vec<usize> =
                self.members[one].parents.iter().copied().filter(|parent| !found.contains(parent)).collect();
            found.extend(new);
            next += 1;
        }
        found
    }
}

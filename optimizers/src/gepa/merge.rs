//! Merging: one candidate of what two others changed since a common ancestor (arXiv:2507.19457, algorithms 3 and 4).
//!
//! **Invariant:** a merged candidate takes every module's instruction from one of its parents, and is new.

use proofmark_runtime::Candidate;
use rand::{
    RngExt,
    rngs::ChaCha8Rng,
    seq::{IndexedRandom, SliceRandom},
};

use super::{Member, Pool, front};
use crate::{
    board::mean,
    effects::Stop,
    lab::Lab,
    proposer::{instruction, worded},
    rounds,
};

/// Pairs that are looked at.
const ATTEMPTS: usize = 10;

impl Pool {
    /// A merged candidate that is, on the first rows, no worse than the better of its parents; if there is one to be had.
    pub(super) fn merge(&self, lab: &mut Lab<'_>, rng: &mut ChaCha8Rng) -> Result<Option<Member>, Stop> {
        let scores: Vec<&[f64]> = self.members.iter().map(|member| member.scores.as_slice()).collect();
        let leads = front::leads(&scores);
        let mut leading: Vec<usize> = (0..leads.len()).filter(|&place| leads[place] > 0).collect();
        for _ in 0..ATTEMPTS {
            leading.shuffle(rng);
            let [a, b, ..] = leading.as_slice() else { return Ok(None) };
            let pair = (*a.min(b), *a.max(b));
            let Some(candidate) = self.joined(lab, pair, rng) else { continue };
            if lab.board().get(candidate.id()).is_some() {
                continue;
            }
            let (first, second) = (&self.members[pair.0].candidate, &self.members[pair.1].candidate);
            lab.born(&candidate, &[first, second], "merged")?;
            rounds::screen(lab, std::slice::from_ref(&candidate))?;
            let bar = rounds::score(lab, first).max(rounds::score(lab, second));
            let passes = rounds::score(lab, &candidate) >= bar;
            let member = Member { candidate, parents: vec![pair.0, pair.1], scores: Vec::new(), turn: 0 };
            return Ok(passes.then_some(member));
        }
        Ok(None)
    }

    /// What two candidates changed since one of their common ancestors, put together.
    fn joined(&self, lab: &Lab<'_>, (a, b): (usize, usize), rng: &mut ChaCha8Rng) -> Option<Candidate> {
        let (of_a, of_b) = (self.ancestors(a), self.ancestors(b));
        if of_a.contains(&b) || of_b.contains(&a) {
            return None;
        }
        let score = |place: usize| mean(&self.members[place].scores);
        let common: Vec<usize> = of_a.into_iter().filter(|place| of_b.contains(place)).collect();
        let common: Vec<usize> = common
            .into_iter()
            .filter(|&place| score(place) <= score(a).min(score(b)) && self.complement(lab, (a, b), place))
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
    fn complement(&self, lab: &Lab<'_>, (a, b): (usize, usize), root: usize) -> bool {
        lab.program().modules().iter().any(|module| {
            let text = |place: usize| instruction(&self.members[place].candidate, module);
            (text(a) == text(root)) != (text(b) == text(root))
        })
    }

    /// All that a member comes from.
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

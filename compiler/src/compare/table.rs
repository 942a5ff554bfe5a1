//! The numbers of a comparison: per optimizer what it claims, what it is worth, and how sure that is.
//!
//! The unit of the intervals is a group of rows that belong together: what an optimizer's prompts gain there over the task
//! as written, averaged over the seeds in which the group was held. The intervals of all optimizers hold together
//! ([`simultaneous`]). They say how the prompts that were found do on other rows like these; how much another seed would
//! find is told by the spread over seeds.
//!
//! **Invariant:** optimizers are in the order of their honest lead, and equal ones in the order in which they were named.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Trial;
use crate::gate::{
    Verdict,
    statistics::{interval::Bounds, simultaneous, spread::Spread},
};

/// How sure all intervals together are.
pub const CONFIDENCE: f64 = 0.95;

/// All optimizers, the best first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// The mean score of the task as written on held rows, 0..=1.
    pub baseline: f64,
    /// Different groups of rows that were held in any seed.
    pub groups: usize,
    /// One line per optimizer.
    pub lines: Vec<Line>,
}

/// One optimizer over all seeds. Scores are shares, means over seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Its name.
    pub name: &'static str,
    /// What its searches claim.
    pub claimed: f64,
    /// What that is worth on held rows.
    pub honest: f64,
    /// Claimed less honest.
    pub optimism: f64,
    /// The lead over the task as written on held rows, every group of rows counted once.
    pub lead: Interval,
    /// The standard deviation of the honest lead over seeds; 0 with one seed.
    pub spread: f64,
    /// Seeds whose prompt the gate accepts.
    pub accepted: usize,
    /// Seeds whose prompt the gate rejects, or that found nothing.
    pub rejected: usize,
    /// Seeds for which there were too few rows to tell.
    pub inconclusive: usize,
    /// Prompts that vote in what was found: a row takes as many times the calls.
    pub votes: f64,
    /// Calls per search, those to a proposer included.
    pub calls: f64,
    /// Tokens per search, in and out.
    pub tokens: f64,
    /// Seconds per search.
    pub seconds: f64,
}

/// A lead and where the true one lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The observed one.
    pub estimate: f64,
    /// Not below this.
    pub lower95: f64,
    /// Not above this.
    pub upper95: f64,
}

impl Table {
    /// Of trials in the order of their optimizers.
    pub(super) fn of(trials: &[Trial]) -> Self {
        let runs: Vec<&[Trial]> = trials.chunk_by(|a, b| a.optimizer == b.optimizer).collect();
        let leads: Vec<_> = runs.iter().map(|runs| by_group(runs)).collect();
        let intervals = simultaneous::intervals(&leads, CONFIDENCE);
        let mut lines: Vec<_> =
            runs.iter().zip(intervals).map(|(runs, interval)| Line::of(runs, interval)).collect();
        lines.sort_by(|a, b| b.lead.estimate.total_cmp(&a.lead.estimate));
        let first = runs.first().copied().unwrap_or_default();
        Self {
            baseline: over(first, |trial| trial.baseline),
            groups: leads.first().map_or(0, Vec::len),
            lines,
        }
    }
}

impl Line {
    fn of(runs: &[Trial], (estimate, Bounds { lower, upper }): (f64, Bounds)) -> Self {
        let (claimed, honest) = (over(runs, |trial| trial.claimed), over(runs, |trial| trial.honest));
        let leads: Vec<_> = runs.iter().map(|trial| trial.honest - trial.baseline).collect();
        let verdicts =
            |wanted: fn(&Option<Verdict>) -> bool| runs.iter().filter(|trial| wanted(&trial.verdict)).count();
        Self {
            name: runs.first().map_or("", |trial| trial.optimizer),
            claimed,
            honest,
            optimism: claimed - honest,
            lead: Interval { estimate, lower95: lower, upper95: upper },
            spread: Spread::of(&leads).sd,
            accepted: verdicts(|verdict| *verdict == Some(Verdict::Accept)),
            rejected: verdicts(|verdict| matches!(verdict, None | Some(Verdict::Reject { .. }))),
            inconclusive: verdicts(|verdict| matches!(verdict, Some(Verdict::Inconclusive { .. }))),
            votes: over(runs, |trial| trial.votes as f64),
            calls: over(runs, |trial| (trial.spent.task + trial.spent.proposer) as f64),
            tokens: over(runs, |trial| (trial.spent.usage.input + trial.spent.usage.output) as f64),
            seconds: over(runs, |trial| trial.time.as_secs_f64()),
        }
    }
}

/// What the prompts of one optimizer gain on each group of rows, averaged over the seeds in which it was held.
fn by_group(runs: &[Trial]) -> Vec<f64> {
    let mut groups: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (group, lead) in runs.iter().flat_map(|trial| &trial.leads) {
        groups.entry(group).or_default().push(*lead);
    }
    groups.into_values().map(|leads| mean(&leads)).collect()
}

fn over(runs: &[Trial], value: impl Fn(&Trial) -> f64) -> f64 {
    mean(&runs.iter().map(value).collect::<Vec<_>>())
}

pub(super) fn mean(values: &[f64]) -> f64 {
    Spread::of(values).mean
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{engine::Spent, gate::Verdict};

    fn trial(optimizer: &'static str, seed: u64, leads: &[(&str, f64)]) -> Trial {
        let mean = leads.iter().map(|(_, lead)| lead).sum::<f64>() / leads.len() as f64;
        Trial {
            optimizer,
            seed,
            found: String::new(),
            votes: 1,
            claimed: 0.9,
            honest: 0.5 + mean,
            baseline: 0.5,
            leads: leads.iter().map(|(group, lead)| ((*group).to_owned(), *lead)).collect(),
            verdict: (mean > 0.2).then_some(Verdict::Accept),
            spent: Spent { task: 10 * seed, ..Spent::default() },
            time: Duration::ZERO,
            curve: vec![],
        }
    }

    #[test]
    fn a_group_that_is_held_twice_counts_once() {
        let trials = [
            trial("a", 1, &[("x", 1.0), ("y", 0.0)]),
            trial("a", 2, &[("x", 0.0), ("z", -1.0)]),
            trial("b", 1, &[("x", 1.0), ("y", 1.0)]),
            trial("b", 2, &[("x", 1.0), ("z", 0.0)]),
        ];
        assert_eq!(by_group(&trials[..2]), [0.5, 0.0, -1.0]);
        let table = Table::of(&trials);
        assert_eq!((table.baseline, table.groups), (0.5, 3));
        let [best, other] = &table.lines[..] else { panic!("two lines") };
        assert_eq!((best.name, best.accepted, best.rejected, best.calls), ("b", 2, 0, 15.0));
        assert_eq!((other.name, other.accepted, other.rejected), ("a", 1, 1));
        assert!((best.lead.estimate - 2.0 / 3.0).abs() < 1e-12 && (best.optimism + 0.35).abs() < 1e-12);
        assert!(best.lead.lower95 < 2.0 / 3.0 && best.lead.upper95 >= 2.0 / 3.0);
    }
}

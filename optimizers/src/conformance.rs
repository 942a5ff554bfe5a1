//! Conformance: the rules that every optimizer has to keep. [`check`] tests one optimizer against all of them on planted
//! landscapes; call it from a test of your own optimizer.
//!
//! The rules: the same seed gives the same search. The budget is kept, and no row is paid for twice. Every candidate fits the
//! program and is never scored on its own demonstrations. Only visible rows are used. A cancelled search stops at once. The
//! baseline is measured on all rows that other candidates are measured on. Every measured candidate is registered with its
//! lineage. A search ends if the proposer gives no replies.

use std::collections::BTreeSet;

use proofmark_runtime::{Candidate, CandidateId, ExampleId};

use crate::{
    Optimizer, Stop, Trial,
    board::Board,
    lab::shown,
    landscape::{Landscape, World},
};

/// The greatest number of questions to a proposer that never replies.
const MOST_SILENT: u64 = 400;

/// A rule that an optimizer breaks.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("optimizer `{optimizer}` on the landscape `{landscape}`: {problem}")]
pub struct Violation {
    /// The name of the optimizer.
    pub optimizer: String,
    /// The name of the landscape.
    pub landscape: String,
    /// The rule that is broken.
    pub problem: String,
}

/// A rule: checks an optimizer on one landscape and describes the problem if it breaks the rule.
type Rule = fn(&dyn Optimizer, &Landscape) -> Result<(), String>;

/// All rules.
const RULES: [Rule; 8] = [
    same_seed_same_search,
    budget_is_kept,
    own_demonstrations_are_not_scored,
    only_visible_rows_are_used,
    cancelling_stops_at_once,
    baseline_is_measured,
    lineage_is_registered,
    silent_proposer_ends_the_search,
];

/// Checks that an optimizer keeps all rules, with small budgets and large ones. It takes a few seconds in a debug build.
///
/// # Errors
/// The first [`Violation`].
pub fn check(optimizer: &dyn Optimizer) -> Result<(), Violation> {
    RULES.iter().try_for_each(|rule| check_rule(*rule, optimizer))
}

/// Checks one rule on all landscapes.
fn check_rule(rule: Rule, optimizer: &dyn Optimizer) -> Result<(), Violation> {
    let violation = |landscape: &str, problem: String| Violation {
        optimizer: optimizer.name().to_owned(),
        landscape: landscape.to_owned(),
        problem,
    };
    let landscapes = [
        Landscape::demonstrations(90),
        Landscape::instruction(90),
        Landscape::joint(90),
        Landscape::modules(90),
        Landscape::rules(90),
        Landscape::rules_in_two(90),
        Landscape::flat(90),
        Landscape::wordy(90),
        Landscape::joint(4),
        Landscape::joint(0),
    ];
    for landscape in landscapes {
        let landscape = landscape.map_err(|problems| violation("", format!("{problems:?}")))?;
        rule(optimizer, &landscape).map_err(|problem| violation(landscape.name, problem))?;
    }
    Ok(())
}

/// A search that ended.
struct Finished<'a> {
    result: Result<(), Stop>,
    board: Board,
    world: World<'a>,
}

fn search<'a>(optimizer: &dyn Optimizer, landscape: &'a Landscape, mut world: World<'a>) -> Finished<'a> {
    let mut lab = landscape.lab(11, &mut world);
    let result = optimizer.search(&mut lab);
    let board = lab.into_board();
    Finished { result, board, world }
}

/// An error with this text, unless the rule is kept.
fn require(kept: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if kept { Ok(()) } else { Err(problem()) }
}

fn same_seed_same_search(optimizer: &dyn Optimizer, landscape: &Landscape) -> Result<(), String> {
    let first = search(optimizer, landscape, landscape.world(5, 900));
    let second = search(optimizer, landscape, landscape.world(5, 900));
    let same = first.result == second.result
        && first.board.finalists(3) == second.board.finalists(3)
        && first.world.trials() == second.world.trials()
        && first.world.events() == second.world.events();
    require(same, || "two searches with the same seed differ".into())
}

fn budget_is_kept(optimizer: &dyn Optimizer, landscape: &Landscape) -> Result<(), String> {
    for calls in [0, 1, 7, 60, 150, 333, 1200] {
        let Finished { result, board, world } = search(optimizer, landscape, landscape.world(5, calls));
        let fine = matches!(result, Ok(()) | Err(Stop::Budget));
        require(fine, || format!("with {calls} calls the search ends with {result:?}"))?;
        let rows: usize = world.trials().iter().map(|trial| trial.rows.len()).sum();
        let runs: usize = world.trials().iter().map(Trial::runs).sum();
        let kept: usize = board.entries().map(|entry| entry.outcomes().len()).sum();
        let spent = (runs * landscape.program.calls_per_record()) as u64 + world.asked();
        require(spent <= calls, || format!("it spends {spent} of {calls} calls"))?;
        require(rows == kept, || format!("it pays for {rows} rows, and {kept} are on the board"))?;
    }
    Ok(())
}

fn own_demonstrations_are_not_scored(optimizer: &dyn Optimizer, landscape: &Landscape) -> Result<(), String> {
    let Finished { result, world, .. } = search(optimizer, landscape, landscape.world(5, 1200));
    require(!matches!(result, Err(Stop::Broken { .. })), || format!("the search ends with {result:?}"))?;
    for trial in world.trials() {
        let id = trial.candidate.id();
        let fits = landscape.program.apply(&trial.candidate).is_ok();
        require(fits, || format!("candidate {id} does not fit the program"))?;
        let own = shown(&trial.candidate);
        let clean = trial.rows.iter().all(|row| !own.contains(row));
        require(clean, || format!("candidate {id} is scored on its own demonstrations"))?;
    }
    Ok(())
}

fn only_visible_rows_are_used(optimizer: &dyn Optimizer, landscape: &Landscape) -> Result<(), String> {
    let rows = landscape.train.examples().iter().chain(landscape.val.examples());
    let visible: BTreeSet<&ExampleId> = rows.map(|row| &row.id).collect();
    let Finished { world, .. } = search(optimizer, landscape, landscape.world(5, 1200));
    for trial in world.trials() {
        let stray = trial.rows.iter().chain(shown(&trial.candidate)).find(|row| !visible.contains(row));
        require(stray.is_none(), || format!("it uses a row that is not visible: {stray:?}"))?;
    }
    Ok(())
}

fn cancelling_stops_at_once(optimizer: &dyn Optimizer, landscape: &Landscape) -> Result<(), String> {
    let whole = search(optimizer, landscape, landscape.world(5, 1200));
    for batches in 0..4 {
        let world = landscape.world(5, 1200).cancelled_after(batches);
        let Finished { result, world, .. } = search(optimizer, landscape, world);
        let cut_short = world.trials().len() < whole.world.trials().len();
        require((result == Err(Stop::Cancelled)) == cut_short, || {
            format!("cancelled after {batches} batches it ends with {result:?}")
        })?;
    }
    Ok(())
}

fn baseline_is_measured(optimizer: &dyn Optimizer, landscape: &Landscape) -> Result<(), String> {
    let Finished { board, .. } = search(optimizer, landscape, landscape.world(5, 1200));
    let baseline = board.depth(Candidate::baseline().id());
    let deeper = board.entries().find(|entry| entry.depth() > baseline);
    require(deeper.is_none(), || "a candidate is measured on rows without the baseline".into())?;
    require(board.common().is_empty() || baseline > 0, || "the baseline is not measured".into())
}

fn lineage_is_registered(optimizer: &dyn Optimizer, landscape: &Landscape) -> Result<(), String> {
    let Finished { board, .. } = search(optimizer, landscape, landscape.world(5, 1200));
    let known: BTreeSet<CandidateId> = board.entries().map(|entry| entry.candidate().id()).collect();
    for entry in board.entries() {
        let id = entry.candidate().id();
        let lineage = entry.lineage().ok_or_else(|| format!("candidate {id} is not registered"))?;
        let parents = lineage.parents.iter().all(|parent| known.contains(parent));
        require(parents, || format!("candidate {id} has a parent that is not on the board"))?;
        require(!lineage.how.is_empty(), || format!("candidate {id} does not say how it was made"))?;
    }
    Ok(())
}

fn silent_proposer_ends_the_search(optimizer: &dyn Optimizer, landscape: &Landscape) -> Result<(), String> {
    let world = landscape.world(5, 4000).with_silent_proposer();
    let Finished { result, world, .. } = search(optimizer, landscape, world);
    let fine = matches!(result, Ok(()) | Err(Stop::Budget));
    require(fine, || format!("with a silent proposer the search ends with {result:?}"))?;
    let asked = world.asked();
    require(asked < MOST_SILENT, || format!("it asks a silent proposer {asked} times"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ALL;

    fn all_keep(rule: Rule) {
        for optimizer in ALL {
            check_rule(rule, *optimizer).unwrap();
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_search() {
        all_keep(same_seed_same_search);
    }

    #[test]
    fn budgets_are_kept_and_outcomes_stay() {
        all_keep(budget_is_kept);
    }

    #[test]
    fn candidates_fit_and_never_see_their_own_demonstrations() {
        all_keep(own_demonstrations_are_not_scored);
    }

    #[test]
    fn all_optimizers_use_only_visible_rows() {
        all_keep(only_visible_rows_are_used);
    }

    #[test]
    fn all_optimizers_stop_at_once_if_cancelled() {
        all_keep(cancelling_stops_at_once);
    }

    #[test]
    fn the_baseline_is_measured_with_the_others() {
        all_keep(baseline_is_measured);
    }

    #[test]
    fn every_measured_candidate_has_a_lineage() {
        all_keep(lineage_is_registered);
    }

    #[test]
    fn a_silent_proposer_ends_the_search() {
        all_keep(silent_proposer_ends_the_search);
    }

    /// Measures a candidate without registering it.
    struct Unregistered;

    impl Optimizer for Unregistered {
        fn name(&self) -> &'static str {
            "unregistered"
        }
        fn about(&self) -> &'static str {
            "breaks a rule"
        }
        fn search(&self, lab: &mut crate::Lab<'_>) -> Result<(), Stop> {
            lab.race(&[], 1).map(|_| ())
        }
    }

    #[test]
    fn a_violation_names_optimizer_landscape_and_problem() {
        let text = check(&Unregistered).unwrap_err().to_string();
        assert!(
            text.starts_with("optimizer `unregistered` on the landscape `demonstrations`: candidate"),
            "{text}"
        );
        assert!(text.ends_with("is not registered"), "{text}");
    }

    #[test]
    fn names_are_unique_and_found() {
        let names: BTreeSet<_> = ALL.iter().map(|optimizer| optimizer.name()).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(names.iter().all(|name| crate::find(name).is_some()));
    }
}

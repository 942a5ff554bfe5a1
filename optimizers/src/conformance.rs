//! What every optimizer has to hold, over all of [`ALL`].

use std::collections::BTreeSet;

use proofmark_runtime::{Candidate, CandidateId};

use crate::{
    ALL, Lab, Optimizer, Stop, Trial,
    board::Board,
    lab::shown,
    landscape::{Landscape, World},
};

fn landscapes() -> Vec<Landscape> {
    let all = [
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
    all.into_iter().map(Result::unwrap).collect()
}

fn search<'a>(
    optimizer: &dyn Optimizer,
    landscape: &'a Landscape,
    mut world: World<'a>,
) -> (Result<(), Stop>, Board, World<'a>) {
    let mut lab = Lab::new(&landscape.program, (&landscape.train, &landscape.val), 11, &mut world);
    let result = optimizer.search(&mut lab);
    let board = lab.into_board();
    (result, board, world)
}

fn every(mut check: impl FnMut(&dyn Optimizer, &Landscape)) {
    for optimizer in ALL {
        for landscape in &landscapes() {
            check(*optimizer, landscape);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_search() {
    every(|optimizer, landscape| {
        let run = || {
            let (result, board, world) = search(optimizer, landscape, landscape.world(5, 900));
            (result, board.finalists(3), world.trials().to_vec(), world.events().to_vec())
        };
        assert!(run() == run(), "{} on {}", optimizer.name(), landscape.name);
    });
}

#[test]
fn budgets_are_kept_and_what_is_measured_stays() {
    every(|optimizer, landscape| {
        for calls in [0, 1, 7, 60, 150, 333, 1200] {
            let (result, board, world) = search(optimizer, landscape, landscape.world(5, calls));
            assert!(matches!(result, Ok(()) | Err(Stop::Budget)), "{}: {result:?}", optimizer.name());
            let rows: usize = world.trials().iter().map(|trial| trial.rows.len()).sum();
            let runs: usize = world.trials().iter().map(Trial::runs).sum();
            let kept: usize = board.entries().map(|entry| entry.outcomes().len()).sum();
            let scored = runs as u64 * landscape.program.calls_per_record() as u64;
            assert!(scored + world.asked() <= calls, "{}", optimizer.name());
            assert_eq!(rows, kept, "{} paid for a row twice or lost one", optimizer.name());
        }
    });
}

#[test]
fn candidates_fit_the_program_and_never_see_their_own_demonstrations() {
    every(|optimizer, landscape| {
        let (result, _, world) = search(optimizer, landscape, landscape.world(5, 1200));
        assert!(!matches!(result, Err(Stop::Broken { .. })), "{}: {result:?}", optimizer.name());
        for trial in world.trials() {
            assert!(landscape.program.apply(&trial.candidate).is_ok());
            let own = shown(&trial.candidate);
            assert!(trial.rows.iter().all(|row| !own.contains(row)), "{}", optimizer.name());
        }
    });
}

#[test]
fn only_visible_rows_are_asked_for() {
    every(|optimizer, landscape| {
        let visible: BTreeSet<_> =
            landscape.train.examples().iter().chain(landscape.val.examples()).map(|row| &row.id).collect();
        let (_, _, world) = search(optimizer, landscape, landscape.world(5, 1200));
        let asked = world.trials().iter().flat_map(|trial| &trial.rows);
        let shown = world.trials().iter().flat_map(|trial| shown(&trial.candidate));
        assert!(asked.chain(shown).all(|row| visible.contains(row)), "{}", optimizer.name());
    });
}

#[test]
fn cancelling_stops_at_once() {
    every(|optimizer, landscape| {
        let (_, _, whole) = search(optimizer, landscape, landscape.world(5, 1200));
        for batches in 0..4 {
            let world = landscape.world(5, 1200).cancelled_after(batches);
            let (result, _, world) = search(optimizer, landscape, world);
            let cut_short = world.trials().len() < whole.trials().len();
            assert_eq!(
                result == Err(Stop::Cancelled),
                cut_short,
                "{} on {}",
                optimizer.name(),
                landscape.name
            );
        }
    });
}

#[test]
fn the_baseline_is_always_measured_where_the_others_are() {
    every(|optimizer, landscape| {
        let (_, board, _) = search(optimizer, landscape, landscape.world(5, 1200));
        let baseline = board.depth(Candidate::baseline().id());
        assert!(board.entries().all(|entry| entry.depth() <= baseline), "{}", optimizer.name());
        if !board.common().is_empty() {
            assert!(baseline > 0, "{} on {}", optimizer.name(), landscape.name);
        }
    });
}

#[test]
fn every_measured_candidate_says_where_it_comes_from() {
    every(|optimizer, landscape| {
        let (_, board, _) = search(optimizer, landscape, landscape.world(5, 1200));
        let known: BTreeSet<CandidateId> = board.entries().map(|entry| entry.candidate().id()).collect();
        for entry in board.entries() {
            let lineage = entry.lineage().unwrap_or_else(|| panic!("{}", optimizer.name()));
            assert!(lineage.parents.iter().all(|parent| known.contains(parent)));
            assert!(!lineage.how.is_empty());
        }
    });
}

#[test]
fn a_proposer_without_answers_ends_the_search() {
    every(|optimizer, landscape| {
        let world = landscape.world(5, 4000).with_silent_proposer();
        let (result, _, world) = search(optimizer, landscape, world);
        assert!(matches!(result, Ok(()) | Err(Stop::Budget)), "{}: {result:?}", optimizer.name());
        assert!(
            world.asked() < 400,
            "{} asked {} times on {}",
            optimizer.name(),
            world.asked(),
            landscape.name
        );
    });
}

#[test]
fn names_are_unique_and_found() {
    let names: BTreeSet<_> = ALL.iter().map(|optimizer| optimizer.name()).collect();
    assert_eq!(names.len(), ALL.len());
    assert!(names.iter().all(|name| crate::find(name).is_some()));
}

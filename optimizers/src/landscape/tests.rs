use super::*;
use crate::{Lab, Optimizer, bootstrap::Bootstrap, labeled::Labeled};

/// The true worth of the best finalist, or of the baseline if nothing leads, averaged over seeds.
fn found(optimizer: &dyn Optimizer, landscape: &Landscape, calls: u64) -> f64 {
    let seeds = 12u32;
    let worth = |seed: u64| {
        let mut world = landscape.world(seed, calls);
        let mut lab = Lab::new(&landscape.program, (&landscape.train, &landscape.val), seed, &mut world);
        let _ = optimizer.search(&mut lab);
        let best = lab.board().finalists(1).pop();
        landscape.worth(&best.map_or_else(Candidate::baseline, |standing| standing.candidate))
    };
    (0..u64::from(seeds)).map(worth).sum::<f64>() / f64::from(seeds)
}

#[test]
fn the_planted_chance_is_kept() {
    let landscape = Landscape::flat(4000).unwrap();
    let mut world = landscape.world(1, 10_000);
    let rows = landscape.train.examples().iter().map(|row| row.id.clone()).collect();
    let outcomes = world.evaluate(&[Trial { candidate: Candidate::baseline(), rows }]).unwrap().remove(0);
    #[expect(clippy::cast_precision_loss)]
    let mean = outcomes.iter().map(|outcome| outcome.worth().get()).sum::<f64>() / outcomes.len() as f64;
    assert!((mean - 0.5).abs() < 0.03, "{mean}");
}

#[test]
fn demonstrations_are_found_by_drawing() {
    let landscape = Landscape::demonstrations(120).unwrap();
    let start = landscape.worth(&Candidate::baseline());
    for optimizer in [&Labeled as &dyn Optimizer, &Bootstrap] {
        let found = found(optimizer, &landscape, 1200);
        assert!(found > start + 0.3, "{} went from {start} to {found}", optimizer.name());
    }
}

#[test]
fn inner_modules_are_served_by_traces() {
    let landscape = Landscape::modules(120).unwrap();
    let start = landscape.worth(&Candidate::baseline());
    assert!((found(&Labeled, &landscape, 2400) - start).abs() < 1e-9, "labels alone reach no module here");
    let bootstrapped = found(&Bootstrap, &landscape, 2400);
    assert!(bootstrapped > start + 0.25, "{bootstrapped}");
}

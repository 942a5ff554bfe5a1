use super::*;
use crate::landscape::Landscape;

/// Measures random points of the same options on all common rows.
struct RandomPoints;

impl Optimizer for RandomPoints {
    fn name(&self) -> &'static str {
        "random-points"
    }
    fn about(&self) -> &'static str {
        "measures random combinations in full"
    }
    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        Proposer::run(lab, |lab, proposer| {
            let kinds = ExamplePools::with_traces(lab, TEACHER_SHARE)?.kinds();
            let mut rng = lab.rng("mipro");
            let options = Options::propose(lab, proposer, &kinds, &mut rng)?;
            lab.race(&[], 1)?;
            loop {
                let point = options.point(rng.random_range(..options.points()));
                let candidate = options.candidate(lab.program(), &point);
                lab.register(&candidate, &[], "random")?;
                lab.measure(&[Trial { candidate, rows: lab.rows().to_vec() }])?;
            }
        })
    }
}

/// The true score of the best finalist, averaged over seeds.
fn found(optimizer: &dyn Optimizer, landscape: &Landscape, calls: u64) -> f64 {
    let worth = |seed: u64| {
        let mut world = landscape.world(seed, calls);
        let mut lab = landscape.lab(seed, &mut world);
        let _ = optimizer.search(&mut lab);
        let best = lab.board().finalists(1).pop();
        landscape.worth(&best.map_or_else(Candidate::baseline, |standing| standing.candidate))
    };
    (0..20).map(worth).sum::<f64>() / 20.0
}

#[test]
fn suggestions_beat_random_points() {
    let landscape = Landscape::joint(200).unwrap();
    let (mipro, random) = (found(&Mipro, &landscape, 2000), found(&RandomPoints, &landscape, 2000));
    assert!(mipro > random + 0.01, "mipro {mipro:.3}, random points {random:.3}");
}

#[test]
fn a_small_space_is_raced_whole() {
    let landscape = Landscape::joint(200).unwrap();
    let mut world = landscape.world(1, 20_000);
    let mut lab = landscape.lab(1, &mut world);
    Mipro.search(&mut lab).unwrap();
    let depths: Vec<usize> =
        lab.board().entries().map(crate::board::Entry::depth).filter(|depth| *depth > 0).collect();
    assert!(depths.len() > 20 && depths.iter().all(|depth| *depth >= BATCH), "{depths:?}");
    assert!(
        world
            .events()
            .iter()
            .any(|event| matches!(event, Event::Stage { name } if name.starts_with("racing all")))
    );
}

use super::*;
use crate::landscape::Landscape;
use proptest::prelude::*;
use rand::{SeedableRng, rngs::ChaCha8Rng};

fn space(scores_choices: bool) -> (Landscape, Space) {
    let landscape = Landscape::joint(60).unwrap();
    let pools = ExamplePool::labelled(&landscape.program, landscape.train.examples().iter());
    let pools = pools.into_iter().map(|pool| ("labelled", pool)).collect();
    let abilities = Abilities { scores_choices, enforces_schema: false };
    let space = Space::new(&landscape.program, abilities, pools);
    (landscape, space)
}

#[test]
fn calibration_needs_label_scores() {
    let calibrates =
        |space: &Space| space.dimensions.iter().any(|dimension| dimension.slot == Slot::Calibration);
    assert!(calibrates(&space(true).1));
    assert!(!calibrates(&space(false).1));
}

#[test]
fn scored_choices_admit_only_formats_that_score_them() {
    let formats = |space: &Space| -> Vec<&'static str> {
        let options = space.dimensions.iter().flat_map(|dimension| &dimension.options);
        options
            .filter_map(|(choice, _)| if let Choice::Format(name) = choice { Some(*name) } else { None })
            .collect()
    };
    assert_eq!(formats(&space(true).1), ["bare"]);
    assert!(formats(&space(false).1).contains(&"json"));
}

#[test]
fn every_point_fits_the_program_and_has_a_description() {
    let (landscape, space) = space(true);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for point in space.spread(100, &mut rng) {
        let (candidate, how) = space.realize(&landscape.program, &point, &mut rng);
        assert!(landscape.program.apply(&candidate).is_ok());
        assert_eq!(how == "as written", candidate.is_baseline());
    }
}

#[test]
fn written_demonstrations_stay_or_go_or_get_more() {
    let (landscape, _) = space(true);
    let module = &landscape.program.modules()[0];
    let pool = ExamplePool::labelled(&landscape.program, landscape.train.examples().iter()).remove(0);
    let mut mine = pool.draw(2, &mut ChaCha8Rng::seed_from_u64(1));
    mine.iter_mut().for_each(|demonstration| demonstration.origin = Origin::Task);
    let program = Program::single("route", "predict", module.signature.clone(), mine.clone()).unwrap();
    let space = Space::new(&program, Abilities::default(), vec![("labelled", pool)]);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut counts = std::collections::BTreeSet::new();
    for (choice, _) in &space.dimensions[0].options {
        let candidate = space.lay(Candidate::baseline(), &program.modules()[0], choice, &mut rng);
        let applied = program.apply(&candidate).unwrap();
        let list = &applied.modules()[0].demonstrations;
        let kept = list.iter().filter(|demonstration| demonstration.origin == Origin::Task).count();
        assert!(kept == 0 || list[..2] == mine[..]);
        counts.insert((kept, list.len()));
    }
    assert_eq!(
        counts.into_iter().collect::<Vec<_>>(),
        [(0, 0), (0, 3), (0, 6), (0, 12), (2, 2), (2, 5), (2, 8)]
    );
}

proptest! {
    #[test]
    fn every_option_gets_its_share(
        raw in prop::collection::vec(0.01f64..1.0, 1..8), count in 0usize..60, start in 0.0f64..1.0
    ) {
        let total: f64 = raw.iter().sum();
        let weights: Vec<f64> = raw.iter().map(|weight| weight / total).collect();
        let picks = apportion(&weights, count, start);
        prop_assert_eq!(picks.len(), count);
        for (option, weight) in weights.iter().enumerate() {
            #[expect(clippy::cast_precision_loss)]
            let (got, due) = (picks.iter().filter(|&&pick| pick == option).count() as f64, weight * count as f64);
            prop_assert!((got - due).abs() < 1.0 + 1e-6, "{got} for {due}");
        }
    }
}

use proptest::prelude::*;

use super::*;

fn contrast(units: &[&[Pair]]) -> Contrast {
    Contrast::of(&units.iter().map(|rows| rows.to_vec()).collect::<Vec<_>>())
}

#[test]
fn binary_scores_of_equal_units_are_plain_sums() {
    let found =
        contrast(&[&[(0.0, 1.0), (0.0, 1.0), (1.0, 1.0)], &[(1.0, 0.0), (0.0, 0.0), (1.0, 1.0)], &[]]);
    assert_eq!((found.scores.as_slice(), found.steps), ([2, -1].as_slice(), 3));
}

#[test]
fn every_unit_counts_the_same_whatever_its_rows() {
    let found = contrast(&[&[(0.0, 1.0)], &[(0.0, 1.0), (0.0, 0.0)], &[(0.0, 1.0), (1.0, 0.0), (1.0, 0.0)]]);
    assert_eq!((found.scores.as_slice(), found.steps), ([6, 3, -2].as_slice(), 6));
    for (score, mean) in found.scores.iter().zip(&found.means) {
        assert!((*score as f64 / 6.0 - mean).abs() < 1e-12);
    }
}

#[test]
fn graded_scores_count_in_twelve_hundredths() {
    let found = contrast(&[&[(0.25, 0.5), (0.5, 0.5)], &[(0.333, 0.0), (0.0, 0.0)]]);
    assert_eq!((found.scores.as_slice(), found.steps), ([150, -200].as_slice(), 1200));
}

#[test]
fn a_margin_shifts_the_test() {
    let ties = contrast(&[[(1.0, 1.0)].as_slice(); 40]);
    assert!((ties.p_better(0.0) - 0.5).abs() < 1e-12);
    // Forty rows on which nothing differs do not show that three of a hundred are not lost; a hundred do.
    assert!((ties.p_better(0.03) - 0.97_f64.powi(40)).abs() < 1e-12 && ties.p_better(0.03) > 0.25);
    let more = contrast(&[[(1.0, 1.0)].as_slice(); 100]);
    assert!(more.p_better(0.03) < 0.05 && more.bounds(0.05, 0.05).lower > -0.03);
    let with = |one: &'static [Pair]| {
        let rows: Vec<&[Pair]> = (0..40).map(|i| if i == 0 { one } else { &[(1.0, 1.0)] }).collect();
        contrast(&rows).p_better(0.03)
    };
    let (win, loss) = (with(&[(0.0, 1.0)]), with(&[(1.0, 0.0)]));
    assert!(win > 0.05 && win < ties.p_better(0.03) && loss > win, "{win} {loss}");
    let worse = contrast(&[[(1.0, 0.0)].as_slice(); 40]);
    assert!(worse.p_better(0.03) > 0.999 && worse.p_worse() < 1e-9);
}

#[test]
fn equal_units_still_leave_room_for_others() {
    let ties = contrast(&[[(1.0, 1.0)].as_slice(); 40]);
    let bounds = ties.bounds(0.05, 0.05);
    assert!((bounds.upper - 0.0722).abs() < 1e-3 && (bounds.lower + 0.0722).abs() < 1e-3, "{bounds:?}");
}

#[test]
fn many_different_sizes_stay_within_bounds() {
    let rows: Vec<Vec<Pair>> = (1..=29).map(|m| vec![(0.0, 1.0); m]).collect();
    let found = Contrast::of(&rows);
    assert!(found.steps <= MOST_STEPS && found.scores.iter().all(|score| *score == found.steps));
}

proptest! {
    #[test]
    fn rounding_moves_a_unit_by_half_a_step_and_keeps_symmetry(
        units in prop::collection::vec(prop::collection::vec((0.0..=1.0_f64, 0.0..=1.0_f64), 1..9), 1..20),
    ) {
        let found = Contrast::of(&units);
        let mirrored = units.iter().map(|rows| rows.iter().map(|(b, c)| (*c, *b)).collect()).collect::<Vec<_>>();
        for ((score, mean), other) in found.scores.iter().zip(&found.means).zip(Contrast::of(&mirrored).scores) {
            prop_assert!((*score as f64 / found.steps as f64 - mean).abs() <= 0.5 / found.steps as f64 + 1e-12);
            prop_assert_eq!(*score, -other);
        }
    }

    /// The shifted test against the enumeration of all signs of `difference + margin`, at any number of rows per unit.
    #[test]
    fn a_margin_shifts_exactly(
        units in prop::collection::vec((prop::sample::select(vec![1_usize, 2, 3, 4, 5, 6]), -3_i32..=3), 1..12), hundredths in 1_u8..=20,
    ) {
        let rows = |(m, wins): &(usize, i32)| (0..*m).map(|i| match (i as i32) < wins.abs() {
            true if *wins > 0 => (0.0, 1.0),
            true => (1.0, 0.0),
            false => (1.0, 1.0),
        }).collect::<Vec<_>>();
        let found = Contrast::of(&units.iter().map(rows).collect::<Vec<_>>());
        prop_assume!(!found.loses_nowhere());
        let margin = f64::from(hundredths) / 100.0;
        let shifted: Vec<_> = found.means.iter().map(|mean| mean + margin).collect();
        let sum = |pattern: u32| -> f64 {
            shifted.iter().enumerate().map(|(i, x)| if pattern >> i & 1 == 1 { -x } else { *x }).sum()
        };
        let weight = |pattern| {
            let more = sum(pattern) - sum(0);
            if more.abs() < 1e-9 { 0.5 } else { f64::from(more > 0.0) }
        };
        let patterns = 1_u32 << shifted.len();
        let p = (0..patterns).map(weight).sum::<f64>() / f64::from(patterns);
        prop_assert!((found.p_better(margin) - p).abs() < 1e-9);
    }
}

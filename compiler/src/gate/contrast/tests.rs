use super::*;

fn contrast(seeds: &[&[Pair]]) -> Contrast {
    Contrast::of(&seeds.iter().map(|rows| rows.to_vec()).collect::<Vec<_>>())
}

#[test]
fn binary_scores_of_equal_seeds_are_plain_sums() {
    let found =
        contrast(&[&[(0.0, 1.0), (0.0, 1.0), (1.0, 1.0)], &[(1.0, 0.0), (0.0, 0.0), (1.0, 1.0)], &[]]);
    assert_eq!((found.scores.as_slice(), found.unit), ([2, -1].as_slice(), 3));
}

#[test]
fn every_seed_counts_the_same_whatever_its_rows() {
    let found = contrast(&[&[(0.0, 1.0)], &[(0.0, 1.0), (0.0, 0.0)], &[(0.0, 1.0), (1.0, 0.0), (1.0, 0.0)]]);
    assert_eq!((found.scores.as_slice(), found.unit), ([6, 3, -2].as_slice(), 6));
    for (score, mean) in found.scores.iter().zip(&found.means) {
        assert!((*score as f64 / 6.0 - mean).abs() < 1e-12);
    }
}

#[test]
fn graded_scores_count_in_hundredths() {
    let found = contrast(&[&[(0.25, 0.5), (0.5, 0.5)], &[(0.333, 0.0), (0.0, 0.0)]]);
    assert_eq!((found.scores.as_slice(), found.unit), ([25, -33].as_slice(), 200));
}

#[test]
fn a_margin_shifts_the_test() {
    let ties = contrast(&[[(1.0, 1.0)].as_slice(); 40]);
    assert!((ties.p_better(0.0) - 0.5).abs() < 1e-12);
    assert!(ties.p_better(0.03) < 1e-9);
    let worse = contrast(&[[(1.0, 0.0)].as_slice(); 40]);
    assert!(worse.p_better(0.03) > 0.999 && worse.p_worse() < 1e-9);
}

#[test]
fn equal_seeds_still_leave_room_for_others() {
    let ties = contrast(&[[(1.0, 1.0)].as_slice(); 40]);
    let bounds = ties.bounds(0.05, 0.05);
    assert!((bounds.upper - 0.0722).abs() < 1e-3 && (bounds.lower + 0.0722).abs() < 1e-3, "{bounds:?}");
}

#[test]
fn many_different_sizes_stay_within_bounds() {
    let rows: Vec<Vec<Pair>> = (1..=29).map(|m| vec![(0.0, 1.0); m]).collect();
    let found = Contrast::of(&rows);
    assert!(found.unit <= MOST_ROWS && found.scores.iter().all(|score| *score == found.unit));
}

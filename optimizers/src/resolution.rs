//! Decides when a search stops because the gate could not show any further gain.
//!
//! A search knows one number about the sealed rows: their resolution. If the scores of two prompts differ by `d` on a row, the
//! gate shows the difference with 80 % power if `mean(d)^2 / mean(d^2)` is at least the resolution. (Connor 1987,
//! Biometrics 43:207: `(z_alpha + z_power)^2` divided by the number of independent pairs, without the term that helps large
//! gains a little.)
//!
//! A perfect prompt is always right. More calls cannot change the verdict in two cases. First, the gain of the best over the
//! task as written is large enough to be shown, and the gate could not show that a perfect prompt beats the best. Second, it
//! could not even show that a perfect prompt beats the task as written.
//!
//! **Invariant:** the decision uses all common rows, and it only ends a search. The finalists go to the gate as usual.

use proofmark_runtime::Candidate;

use crate::{
    board::mean,
    effects::{Stop, Trial},
    lab::Lab,
};

/// Whether the search can end because the gate could show no further gain; reports the reason if so. It measures the best and
/// the baseline on all common rows only if fewer rows suggest the end.
///
/// # Errors
/// [`Stop`].
pub(crate) fn is_enough(lab: &mut Lab<'_>, best: &Candidate) -> Result<bool, Stop> {
    let rows = lab.rows().to_vec();
    let both = [Candidate::baseline(), best.clone()];
    let missing: usize = both.iter().map(|one| rows.len() - lab.board().depth(one.id())).sum();
    let calls = (missing * lab.program().calls_per_record()) as u64;
    if reason(lab, best).is_none() || calls > lab.remaining_calls() {
        return Ok(false);
    }
    lab.measure(&both.map(|candidate| Trial { candidate, rows: rows.clone() }))?;
    let reason = reason(lab, best);
    let is_enough = reason.is_some();
    if let Some(reason) = reason {
        lab.note_end(&reason);
    }
    Ok(is_enough)
}

/// The reason why the gate could show no further gain, by the rows that the best and the baseline were measured on.
fn reason(lab: &Lab<'_>, best: &Candidate) -> Option<String> {
    let resolution = lab.resolution()?;
    let written = Candidate::baseline().id();
    let rows = lab.board().depth(best.id()).min(lab.board().depth(written));
    if rows == 0 {
        return None;
    }
    let new = lab.board().scores(best.id(), rows);
    let old = lab.board().scores(written, rows);
    let left: Vec<f64> = new.iter().map(|score| 1.0 - score).collect();
    if resolves(&left, resolution) {
        return None;
    }
    let gain: Vec<f64> = new.iter().zip(&old).map(|(new, old)| new - old).collect();
    if resolves(&gain, resolution) {
        return Some(format!(
            "the gain of {:.1} points is large enough for the sealed rows to show, and the {:.1} points up to a perfect score \
             are too few",
            100.0 * mean(&gain),
            100.0 * mean(&left)
        ));
    }
    let left_of_old: Vec<f64> = old.iter().map(|score| 1.0 - score).collect();
    if resolves(&left_of_old, resolution) {
        return None;
    }
    Some(format!(
        "the old prompt is right on {:.1} %, and the sealed rows are too few to show that another one is better",
        100.0 * mean(&old)
    ))
}

/// Whether the gate would show a gain with these differences.
fn resolves(differences: &[f64], resolution: f64) -> bool {
    let squares: Vec<f64> = differences.iter().map(|d| d * d).collect();
    mean(differences) > 0.0 && mean(differences).powi(2) >= resolution * mean(&squares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Optimizer, auto::Auto, landscape::Landscape};

    #[test]
    fn power_depends_on_the_number_of_differing_rows() {
        let differences = |wins: usize, losses: usize| {
            [vec![1.0; wins], vec![-1.0; losses], vec![0.0; 100 - wins - losses]].concat()
        };
        assert!(resolves(&differences(5, 0), 0.05) && !resolves(&differences(4, 0), 0.05));
        assert!(!resolves(&differences(8, 3), 0.05), "25 / 11 is below 5");
        assert!(resolves(&differences(11, 2), 0.05), "81 / 13 is above 5");
        assert!(!resolves(&differences(0, 40), 0.05) && !resolves(&[], 0.05));
        assert!(resolves(&[0.01; 100], 0.9), "the same small gain on every row");
    }

    /// Runs a search where any demonstration makes the program right on the share `most` of all rows. Returns the calls, the
    /// true score of the best, and whether the search reported an early end.
    fn searched(most: f64, resolution: Option<f64>) -> (u64, f64, bool) {
        let landscape = Landscape::made_of("nearly solved", 120, move |program| {
            if program.modules()[0].demonstrations.is_empty() { 0.6 } else { most }
        });
        let landscape = landscape.unwrap();
        let mut world = landscape.world(1, 2000).without_proposer();
        let mut lab = landscape.lab(1, &mut world).with_resolution(resolution);
        Auto.search(&mut lab).unwrap();
        let calls = 2000 - lab.remaining_calls();
        let best = lab.board().finalists(1).remove(0).candidate;
        let ends =
            |event: &Event| matches!(event, Event::Remark { text } if text.contains("the search ends here"));
        (calls, landscape.worth(&best), world.events().iter().any(ends))
    }

    #[test]
    fn auto_stops_only_if_no_further_gain_could_be_shown() {
        let (all, ..) = searched(1.0, None);
        let (few, worth, ended) = searched(1.0, Some(0.03));
        println!("{few} calls instead of {all}");
        assert!(ended && few < all / 2, "{few} of {all} calls");
        assert!((worth - 1.0).abs() < 1e-9, "{worth}");
        // If the gate could show a further gain, the search is the same with and without the resolution.
        let without = searched(0.8, None);
        let with = searched(0.8, Some(0.03));
        assert!(!with.2);
        assert_eq!(without, with);
    }

    #[test]
    fn auto_stops_if_the_sealed_rows_could_show_no_gain() {
        let landscape = Landscape::made_of("solved", 120, |_| 0.98).unwrap();
        let mut world = landscape.world(1, 2000).without_proposer();
        let mut lab = landscape.lab(1, &mut world).with_resolution(Some(0.1));
        Auto.search(&mut lab).unwrap();
        assert!(lab.remaining_calls() > 1200, "{}", lab.remaining_calls());
        let Some(Event::Remark { text }) = world.events().last() else {
            panic!("{:?}", world.events().last())
        };
        assert!(text.contains("the sealed rows are too few"), "{text}");
    }
}

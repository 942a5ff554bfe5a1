//! When to stop because the gate could not tell the difference. A search may know one number about the sealed rows: what they
//! tell apart. Two prompts whose scores differ by `d` on a row are shown to differ, four times out of five, where
//! `mean(d)^2 / mean(d^2)` is at least the resolution. (Connor 1987, Biometrics 43:207, without the term that makes it a little
//! easier for large leads: `(z_alpha + z_power)^2` over the independent pairs that the rows are worth.)
//!
//! No prompt is better than one that is always right. So where the lead of the best over the task as written is large enough
//! to be shown, and a prompt that is always right could not be told from the best, more calls cannot change what can be
//! claimed. Neither can they where it could not even be told from the task as written.
//!
//! **Invariant:** it is decided on all common rows, and only ends a search; whatever was found goes to the gate as ever.

use proofmark_runtime::Candidate;

use crate::{
    board::mean,
    effects::{Stop, Trial},
    lab::Lab,
};

/// Whether the search may end because no further gain could be shown; says why if so. Measures the best and the baseline on
/// all common rows if it looks like it on fewer; nothing else is paid for.
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
        lab.end(&reason);
    }
    Ok(is_enough)
}

/// Why no further gain could be shown, by the rows that the best and the baseline were measured on.
fn reason(lab: &Lab<'_>, best: &Candidate) -> Option<String> {
    let resolution = lab.resolution()?;
    let written = Candidate::baseline().id();
    let rows = lab.board().depth(best.id()).min(lab.board().depth(written));
    if rows == 0 {
        return None;
    }
    let (best, old) = (lab.board().scores(best.id(), rows), lab.board().scores(written, rows));
    let is_shown = |differences: &[f64]| resolves(differences, resolution);
    let missing = |scores: &[f64]| scores.iter().map(|score| 1.0 - score).collect::<Vec<_>>();
    if is_shown(&missing(&best)) {
        return None;
    }
    let lead: Vec<f64> = best.iter().zip(&old).map(|(best, old)| best - old).collect();
    if is_shown(&lead) {
        return Some(format!(
            "the lead of {:.1} points is large enough to be shown, and the {:.1} that are left to gain are less than the sealed \
             rows tell apart",
            100.0 * mean(&lead),
            100.0 * mean(&missing(&best))
        ));
    }
    (!is_shown(&missing(&old))).then(|| {
        format!(
            "the old prompt is right on {:.1} %, and the sealed rows are too few to show that another one is better",
            100.0 * mean(&old)
        )
    })
}

/// Whether differences like these would be shown.
fn resolves(differences: &[f64], resolution: f64) -> bool {
    let squares: Vec<f64> = differences.iter().map(|d| d * d).collect();
    mean(differences) > 0.0 && mean(differences).powi(2) >= resolution * mean(&squares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Optimizer, auto::Auto, landscape::Landscape};

    #[test]
    fn what_is_shown_depends_on_how_many_rows_differ_not_only_on_the_lead() {
        let differences = |wins: usize, losses: usize| {
            [vec![1.0; wins], vec![-1.0; losses], vec![0.0; 100 - wins - losses]].concat()
        };
        assert!(resolves(&differences(5, 0), 0.05) && !resolves(&differences(4, 0), 0.05));
        assert!(!resolves(&differences(8, 3), 0.05), "25 / 11 of 100 rows are not five");
        assert!(resolves(&differences(11, 2), 0.05), "81 / 13 are");
        assert!(!resolves(&differences(0, 40), 0.05) && !resolves(&[], 0.05));
        assert!(resolves(&[0.01; 100], 0.9), "a little on every row is no chance");
    }

    /// Calls, the best found, and whether it was said that the search ends, where a demonstration makes the program right on
    /// `most` of all rows and the sealed rows tell so much apart.
    fn searched(most: f64, resolution: Option<f64>) -> (u64, f64, bool) {
        let landscape = Landscape::made_of("nearly solved", 120, move |program| {
            if program.modules()[0].demonstrations.is_empty() { 0.6 } else { most }
        });
        let landscape = landscape.unwrap();
        let mut world = landscape.world(1, 2000).without_proposer();
        let rows = (&landscape.train, &landscape.val);
        let mut lab = Lab::new(&landscape.program, rows, 1, &mut world).with_resolution(resolution);
        Auto.search(&mut lab).unwrap();
        let calls = 2000 - lab.remaining_calls();
        let best = lab.board().finalists(1).remove(0).candidate;
        let ends =
            |event: &Event| matches!(event, Event::Remark { text } if text.contains("the search ends here"));
        (calls, landscape.worth(&best), world.events().iter().any(ends))
    }

    #[test]
    fn auto_stops_where_no_further_gain_could_be_shown_and_only_there() {
        let (all, ..) = searched(1.0, None);
        let (few, worth, ended) = searched(1.0, Some(0.03));
        println!("{few} calls instead of {all}");
        assert!(ended && few < all / 2, "{few} of {all} calls");
        assert!((worth - 1.0).abs() < 1e-9, "{worth}");
        // Where a better one could still be told apart, nothing changes.
        let (as_ever, told) = (searched(0.8, None), searched(0.8, Some(0.03)));
        assert!(!told.2);
        assert_eq!(as_ever, told);
    }

    #[test]
    fn auto_stops_where_sealed_rows_could_not_show_anything() {
        let landscape = Landscape::made_of("solved", 120, |_| 0.98).unwrap();
        let mut world = landscape.world(1, 2000).without_proposer();
        let rows = (&landscape.train, &landscape.val);
        let mut lab = Lab::new(&landscape.program, rows, 1, &mut world).with_resolution(Some(0.1));
        Auto.search(&mut lab).unwrap();
        assert!(lab.remaining_calls() > 1200, "{}", lab.remaining_calls());
        let Some(Event::Remark { text }) = world.events().last() else {
            panic!("{:?}", world.events().last())
        };
        assert!(text.contains("the sealed rows are too few"), "{text}");
    }
}

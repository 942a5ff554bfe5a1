//! What else an accepted prompt had to show beside its lead: guards, limits, rows that must pass, groups of rows.

use super::{
    data::Held,
    number::{points, thousands},
};
use crate::gate::{CertificateRecord, Guard, Limit, LookRecord};

/// Of the look that accepted.
pub(super) fn held(record: &CertificateRecord) -> Vec<Held> {
    let Some(look) = record.looks.last() else { return vec![] };
    let guards = look.guards().map(|(name, guard)| of_guard(name, guard));
    let limits = look.limits.iter().map(of_limit);
    let must_pass = (record.must_pass > 0).then(|| Held {
        what: "rows that must pass".into(),
        demand: "none newly failed".into(),
        observed: format!("{} of {}", look.newly_failed, record.must_pass),
        bound: "each was asked".into(),
    });
    guards.chain(limits).chain(must_pass).chain(of_slices(look)).collect()
}

fn of_guard(name: &str, guard: &Guard) -> Held {
    Held {
        what: name.to_owned(),
        demand: format!("at most {} points worse", points(guard.margin).trim_start_matches('+')),
        observed: format!("{} points", points(guard.estimate)),
        bound: format!("at least {} points ({})", points(guard.lower), certainty(guard.lower_level)),
    }
}

fn of_limit(limit: &Limit) -> Held {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a mean number of tokens")]
    let tokens = |tokens: f64| thousands(tokens.max(0.0).round() as u64);
    Held {
        what: limit.name.clone(),
        demand: format!("at most {} tokens a row", tokens(limit.most)),
        observed: tokens(limit.observed),
        bound: format!("at most {} ({})", tokens(limit.upper), certainty(limit.upper_level)),
    }
}

/// The test of all groups for harm, and how much harm would have been noticed.
fn of_slices(look: &LookRecord) -> Option<Held> {
    let count = look.slices.len();
    let noticeable = look.slices.iter().map(|slice| slice.noticeable(count));
    let (least, most) =
        noticeable.fold((f64::MAX, 0.0_f64), |(least, most), harm| (least.min(harm), most.max(harm)));
    let unsigned = |harm: f64| points(harm).trim_start_matches('+').to_owned();
    (count > 0).then(|| Held {
        what: "groups of rows".into(),
        demand: "none shown to be harmed".into(),
        observed: format!("0 of {count}"),
        bound: format!(
            "harm of {} to {} points is noticed four times out of five",
            unsigned(least),
            unsigned(most)
        ),
    })
}

/// How sure a bound is at this look, as a whole percentage, rounded down.
fn certainty(level: f64) -> String {
    match 100.0 * (1.0 - level) {
        sure if sure >= 99.9 => "99.9\u{a0}%".into(),
        sure => format!("{:.1}\u{a0}%", (10.0 * sure).floor() / 10.0),
    }
}

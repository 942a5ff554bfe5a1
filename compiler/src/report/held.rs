//! What else an accepted prompt had to show beside its lead: guards, limits, rows that must pass, groups of rows.

use super::{
    data::Held,
    number::{points, thousands},
};
use crate::gate::{CertificateRecord, Guard, Limit, LookRecord, USABLE};

/// How sure bounds are, over all looks together.
const FIRM: &str = "95\u{a0}%";
const LENIENT: &str = "80\u{a0}%";

/// Of the look that accepted.
pub(super) fn held(record: &CertificateRecord) -> Vec<Held> {
    let Some(look) = record.looks.last() else { return vec![] };
    // Usable answers have the firm bound of limits; other guards have to let a true lead pass where rows are few.
    let certainty = |name: &str| if name == USABLE { FIRM } else { LENIENT };
    let guards = look.guards().map(|(name, guard)| of_guard((name, certainty(name)), guard));
    let limits = look.limits.iter().map(of_limit);
    let must_pass = (record.must_pass > 0).then(|| Held {
        what: "rows that must pass".into(),
        demand: "none newly failed".into(),
        observed: format!("{} of {}", look.newly_failed, record.must_pass),
        bound: "each was asked".into(),
    });
    guards.chain(limits).chain(must_pass).chain(of_slices(look)).collect()
}

fn of_guard((name, certainty): (&str, &str), guard: &Guard) -> Held {
    Held {
        what: name.to_owned(),
        demand: format!("at most {} points worse", points(guard.margin).trim_start_matches('+')),
        observed: format!("{} points", points(guard.bounded.estimate)),
        bound: format!("at least {} points ({certainty})", points(guard.bounded.lower)),
    }
}

fn of_limit(limit: &Limit) -> Held {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a mean number of tokens")]
    let tokens = |tokens: f64| thousands(tokens.max(0.0).round() as u64);
    Held {
        what: limit.name.clone(),
        demand: format!("at most {} tokens a row", tokens(limit.most)),
        observed: tokens(limit.observed.estimate),
        bound: format!("at most {} ({FIRM})", tokens(limit.observed.upper.ceil())),
    }
}

/// The test of all groups for harm, and how much harm would have been noticed.
fn of_slices(look: &LookRecord) -> Option<Held> {
    let count = look.slices.len();
    // Of a slice on whose rows nothing differs, nothing is known of how much could.
    let spread = look.slices.iter().filter(|slice| slice.se > 0.0);
    let noticeable = spread.map(|slice| slice.noticeable(count));
    let (least, most) =
        noticeable.fold((f64::MAX, 0.0_f64), |(least, most), harm| (least.min(harm), most.max(harm)));
    let unsigned = |harm: f64| points(harm).trim_start_matches('+').to_owned();
    (count > 0 && most > 0.0).then(|| Held {
        what: "groups of rows".into(),
        demand: "none shown to be harmed".into(),
        observed: match look.untested.len() {
            0 => format!("0 of {count}"),
            untested => format!("0 of {count}; {untested} not tested, too few of their rows were used"),
        },
        bound: format!(
            "harm of {} to {} points is noticed four times out of five",
            unsigned(least),
            unsigned(most)
        ),
    })
}

//! Planning: the gain that sealed rows can show, from what is known before one of them is measured.

use super::{
    policy::{CLAIM_ALPHA, SHARES},
    sealed::Sealed,
    statistics::power::{self, effective_pairs},
    trial::last_level,
};

/// The probability with which a true gain should be shown.
pub const POWER: f64 = 0.80;
/// The discordance assumed where nothing was measured: the share of rows on which exactly one of two prompts is right.
pub const ASSUMED_DISCORDANCE: f64 = 0.20;
/// The correlation assumed among the variants of one row.
pub const ASSUMED_ICC: f64 = 0.45;

/// The power that early stopping and the guard on clean rows cost, from `simulation::size`.
const TAKEN: f64 = 0.06;

/// The smallest gain that is shown with probability [`POWER`], as a share. It is that of the first of three finalists, in a question with
/// the error `alpha`. A unit has `rows` rows of the primary test in the mean, whose differences correlate by `icc`.
pub fn detectable(units: usize, rows: f64, discordance: f64, icc: f64, alpha: f64) -> f64 {
    let [.., [share, ..]] = SHARES else { return 1.0 };
    let level = last_level(alpha * share, units);
    power::detectable(effective_pairs(units, rows, icc), discordance, level, POWER + TAKEN)
}

/// The gain that the rows tell apart ([`power::resolution`]) with this number of variants each. It is the only fact about the sealed rows
/// that a search may know. It rests on assumptions, not on earlier runs, so that a repeated run is the same run.
pub fn resolution(sealed: &Sealed, variants: usize) -> f64 {
    let pairs = effective_pairs(sealed.units(), variants as f64, ASSUMED_ICC);
    power::resolution(pairs, CLAIM_ALPHA, POWER)
}

//! Planning: what sealed rows can show, by what is known before one of them is measured.

use super::{
    policy::{CLAIM_ALPHA, SHARES},
    sealed::Sealed,
    statistics::power::{self, effective_pairs},
    trial::last_level,
};

/// The chance wanted of showing a gain that is there.
pub const POWER: f64 = 0.80;
/// The discordance assumed where nothing was measured: the share of rows on which exactly one of two prompts is right.
pub const ASSUMED_DISCORDANCE: f64 = 0.20;
/// The correlation assumed among the variants of one row.
pub const ASSUMED_ICC: f64 = 0.45;

/// The power that giving up early and the guard on clean rows take, by the simulations.
const TAKEN: f64 = 0.06;

/// The smallest gain that so many units, with so many rows of the primary test in the mean, show with probability [`POWER`], as a share: of the first
/// of three finalists, by a question that is granted the error `alpha`.
pub fn detectable((units, rows): (usize, f64), (discordance, icc): (f64, f64), alpha: f64) -> f64 {
    let [.., [share, ..]] = SHARES else { return 1.0 };
    let level = last_level(alpha * share, units);
    power::detectable(effective_pairs(units, rows, icc), discordance, level, POWER + TAKEN)
}

/// What the rows tell apart ([`power::resolution`]), with so many variants of each; what a search may know of them. By what is
/// assumed, not by what earlier runs measured, so that a run repeated is the same run.
pub fn resolution(sealed: &Sealed, variants: usize) -> f64 {
    let pairs = effective_pairs(sealed.units(), variants as f64, ASSUMED_ICC);
    power::resolution(pairs, CLAIM_ALPHA, POWER)
}

//! Planning: what sealed rows can show, by what is known before one of them is measured.

use super::{
    policy::CLAIM_ALPHA,
    sealed::Sealed,
    statistics::power::{self, effective_pairs},
};

/// The chance wanted of showing a lead that is there.
pub const POWER: f64 = 0.80;
/// The discordance assumed where nothing was measured: the share of rows on which exactly one of two prompts is right.
pub const ASSUMED_DISCORDANCE: f64 = 0.20;
/// The correlation assumed among the variants of one row.
pub const ASSUMED_ICC: f64 = 0.45;

/// What the rows tell apart ([`power::resolution`]), with so many variants of each; what a search may know of them. By what is
/// assumed, not by what earlier runs measured, so that a run repeated is the same run.
pub(crate) fn resolution(sealed: &Sealed, variants: usize) -> f64 {
    let pairs = effective_pairs(sealed.seeds(), variants, ASSUMED_ICC);
    power::resolution(pairs, CLAIM_ALPHA, POWER)
}

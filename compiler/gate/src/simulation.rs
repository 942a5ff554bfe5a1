//! Simulations of the whole gate, through its own code, with drawn scores in place of a model.
//!
//! `PROOFMARK_SIMULATIONS=10000 cargo test --release -p proofmark-gate --lib simulation -- --nocapture` prints the tables
//! of size and power with that many runs per cell; without it every test is small enough for daily use.

mod continuation;
mod demands;
mod planted;
mod policies;
pub(crate) mod probit;
mod replay;
mod size;
mod target;

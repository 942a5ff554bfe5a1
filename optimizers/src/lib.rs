//! Pure prompt search. An optimizer is a plain synchronous function over a [`Lab`]: it reads top to bottom like its
//! paper's pseudo-code. Every effect (a scored batch, a question to a model) goes through [`Effects`], which the compiler
//! serves and [`landscape`] imitates for tests.
//!
//! Read in this order: [`effects`] and [`outcome`] (the seam to the world), [`lab`] (what an optimizer works with),
//! [`division`] (which rows may be shown and which are scored on), [`board`] and [`race`] (who is best), [`demos`] (the
//! material), `proposer` and `rounds` (what optimizers that have instructions written share), then one file per
//! optimizer, all of them in [`ALL`].
//!
//! **Invariant:** no clock, no randomness of the operating system, no async, no network: the same seed and the same
//! outcomes give the same search, so a killed run is resumed by running it again.

pub mod additive;
pub mod auto;
pub mod baseline;
pub mod blocks;
pub mod board;
pub mod bootstrap;
pub mod capo;
mod climb;
pub mod compress;
pub mod copro;
pub mod demos;
pub mod division;
pub mod edits;
pub mod effects;
pub mod ensemble;
pub mod evolve;
pub mod gepa;
pub mod knn;
pub mod lab;
pub mod labeled;
pub mod landscape;
pub mod mipro;
mod moves;
pub mod opro;
pub mod outcome;
pub mod paired;
pub mod phrases;
mod proposer;
pub mod protegi;
pub mod race;
mod resolution;
mod rounds;
pub mod rules;
mod screen;
pub mod simba;
pub mod space;
mod terse;
pub mod tpe;
pub mod visible;
pub mod wording;
pub mod words;

pub use board::{Aim, Board, Standing};
pub use effects::{Ask, Culprit, Effects, Event, Lineage, Stop, Trial};
pub use lab::Lab;
pub use outcome::{Failure, Outcome, Score, Step, Trace};
pub use visible::Visible;

/// A search procedure.
pub trait Optimizer: Sync {
    /// The name used in task files and on the command line.
    fn name(&self) -> &'static str;
    /// One line for help and docs.
    fn about(&self) -> &'static str;
    /// What it is after; says which proof the gate has to ask for.
    fn aim(&self) -> Aim {
        Aim::Score
    }
    /// Most prompts that vote in what it finds: a row then takes as many times the calls.
    fn votes(&self) -> usize {
        1
    }
    /// Searches until it is done or stopped. What it measured stays on the lab's board either way.
    ///
    /// # Errors
    /// Why it had to stop early; passing it on with `?` is all that an optimizer does about it.
    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop>;
}

/// Every optimizer, the default first.
pub const ALL: &[&dyn Optimizer] = &[
    &auto::Auto,
    &baseline::Baseline,
    &labeled::Labeled,
    &bootstrap::Bootstrap,
    &knn::Knn,
    &edits::Edits,
    &copro::Copro,
    &opro::Opro,
    &protegi::Protegi,
    &gepa::Gepa,
    &evolve::Evolve(evolve::Variant::Genetic),
    &evolve::Evolve(evolve::Variant::Differential),
    &rules::Rules,
    &capo::Capo,
    &mipro::Mipro,
    &simba::Simba,
    &compress::Compress,
    &ensemble::Ensemble,
];

/// The optimizer of that name.
pub fn find(name: &str) -> Option<&'static dyn Optimizer> {
    ALL.iter().copied().find(|optimizer| optimizer.name() == name)
}

#[cfg(test)]
mod conformance;

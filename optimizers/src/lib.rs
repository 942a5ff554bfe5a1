//! Prompt search as pure functions. An optimizer is a synchronous function over a [`Lab`] that reads like its paper's
//! pseudo-code. It has effects (a scored batch, a question to a model) only through [`Effects`], which the compiler implements
//! with models, and [`landscape`] with a planted truth for tests.
//!
//! Read in this order: [`effects`] and [`outcome`] (the interface to the outside world), [`lab`] (the interface for an
//! optimizer), [`division`] (which rows may be shown and which are scored on), [`board`] and [`race`] (which candidate is
//! best), [`demos`] (the demonstrations), [`proposer`], [`rounds`] and [`moves`] (the shared parts of optimizers), then one
//! file per optimizer, all of them in [`ALL`].
//!
//! **Invariant:** no clock, no randomness of the operating system, no async, no network. The same seed and the same outcomes
//! give the same search, so a killed run resumes by running again.
//!
//! # An optimizer of your own
//!
//! Implement [`Optimizer`], register every candidate with its lineage, and race the candidates. [`conformance::check`] tests
//! the rules that every optimizer has to keep.
//!
//! ```
//! use proofmark_optimizers::{Lab, Optimizer, Stop, conformance, phrases, proposer::worded};
//! use proofmark_runtime::Candidate;
//!
//! struct AnswerOnly;
//!
//! impl Optimizer for AnswerOnly {
//!     fn name(&self) -> &'static str {
//!         "answer-only"
//!     }
//!     fn about(&self) -> &'static str {
//!         "asks every module for nothing but its answer"
//!     }
//!     fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
//!         let written = Candidate::baseline();
//!         lab.register(&written, &[], "the task as written")?;
//!         let mut candidates = Vec::new();
//!         for module in lab.program().modules() {
//!             let text = phrases::with_sentence(&module.signature.instructions, "Give the answer only.");
//!             let candidate = worded(&written, module, &text);
//!             lab.register(&candidate, &[&written], format!("a sentence more for {}", module.name))?;
//!             candidates.push(candidate);
//!         }
//!         lab.race(&candidates, 1).map(|_| ())
//!     }
//! }
//!
//! conformance::check(&AnswerOnly)?;
//! # Ok::<(), conformance::Violation>(())
//! ```

pub mod additive;
pub mod auto;
pub mod baseline;
pub mod blocks;
pub mod board;
pub mod bootstrap;
pub mod capo;
pub mod climb;
pub mod compress;
pub mod conformance;
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
pub mod moves;
pub mod opro;
pub mod outcome;
pub mod paired;
pub mod phrases;
pub mod proposer;
pub mod protegi;
pub mod race;
mod resolution;
pub mod rounds;
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
    /// The name in task files and on the command line.
    fn name(&self) -> &'static str;
    /// One line for help and docs.
    fn about(&self) -> &'static str;
    /// The aim of the search; it decides which proof the gate requires.
    fn aim(&self) -> Aim {
        Aim::Score
    }
    /// The greatest number of members of a vote among its finalists; a row takes one run per member.
    fn votes(&self) -> usize {
        1
    }
    /// Searches until it is done or stopped. The outcomes stay on the lab's board in both cases.
    ///
    /// # Errors
    /// The reason why it stopped early. An optimizer passes every [`Stop`] on with `?`.
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

/// The optimizer with this name.
pub fn find(name: &str) -> Option<&'static dyn Optimizer> {
    ALL.iter().copied().find(|optimizer| optimizer.name() == name)
}

//! Pure prompt search. An optimizer is a plain synchronous function over a [`Lab`]: it reads top to bottom like its
//! paper's pseudo-code. Every effect (a scored batch, a question to a model) goes through [`Effects`], which the compiler
//! serves and [`landscape`](crate) tests imitate.
//!
//! **Invariant:** no clock, no randomness of the operating system, no async, no network: the same seed and the same
//! outcomes give the same search, so a killed run is resumed by running it again.

pub mod effects;
pub mod lab;
pub mod outcome;
pub mod visible;

pub use effects::{Ask, Effects, Event, Lineage, Stop, Trial};
pub use lab::Lab;
pub use outcome::{Failure, Outcome, Score, Trace};
pub use visible::Visible;

/// A search procedure.
pub trait Optimizer: Sync {
    /// The name used in task files and on the command line.
    fn name(&self) -> &'static str;
    /// One line for help and docs.
    fn about(&self) -> &'static str;
    /// Searches until it is done or stopped. What it measured stays on the lab's board either way.
    ///
    /// # Errors
    /// Why it had to stop early; passing it on with `?` is all that an optimizer does about it.
    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop>;
}

//! Kinds of modules: how a module queries its model. One file per kind, one line in [`ALL`].
//!
//! **Invariant:** a kind may add outputs in front (such as reasoning) but never removes or renames one, so a module's
//! declared outputs are always there.

mod chain_of_thought;
mod predict;

pub use chain_of_thought::{ChainOfThought, REASONING};
pub use predict::Predict;

use crate::signature::Signature;

/// A way in which a module queries its model.
pub trait Kind: Sync {
    /// The name used in task files.
    fn name(&self) -> &'static str;
    /// One line for help and docs.
    fn about(&self) -> &'static str;
    /// The signature that is sent for a module that declares `declared`.
    fn effective(&self, declared: &Signature) -> Signature;
}

/// Every kind.
pub const ALL: &[&dyn Kind] = &[&Predict, &ChainOfThought];

/// The kind of that name.
pub fn find(name: &str) -> Option<&'static dyn Kind> {
    ALL.iter().copied().find(|kind| kind.name() == name)
}

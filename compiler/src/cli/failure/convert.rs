//! The failure of a command that each error of the library makes: its exit code and what to do about it.

use proofmark_optimizers::{Culprit, Stop};
use proofmark_runtime::{artifact::ArtifactError, model::providers::OpenError, store::StoreError};

use super::Failure;
#[cfg(feature = "local")]
use crate::models::EmbeddedError;
use crate::{
    compile::CompileError,
    exit::Exit,
    gate::{GateError, table::NoTable},
    models::ModelError,
};

impl From<&Stop> for Failure {
    fn from(stop: &Stop) -> Self {
        match stop {
            Stop::Cancelled => Self::new(Exit::Interrupted, "stopped; nothing is lost")
                .hint("the same command goes on where it stopped and pays for no call twice"),
            Stop::Budget => Self::new(Exit::Budget, "the budget was spent before anything could be measured")
                .hint("raise [optimizer] budget.calls or --budget-calls"),
            Stop::Failed { culprit, message } => {
                let exit = match culprit {
                    Culprit::Model => Exit::Provider,
                    Culprit::Metric => Exit::Invalid,
                    Culprit::Store => Exit::Internal,
                };
                Self::new(exit, message.clone())
                    .hint("every answered call is kept; the same command goes on from there")
            }
            Stop::Broken { message } => Self::new(Exit::Internal, message.clone())
                .hint("this is a mistake in Proofmark: please report it with the command that led to it"),
        }
    }
}

impl<E> From<GateError<E>> for Failure
where
    E: std::fmt::Display,
    Self: From<E>,
{
    fn from(error: GateError<E>) -> Self {
        let exit = match error {
            GateError::Measure(error) => return Self::from(error),
            GateError::TokensNotCounted { .. } => Exit::Provider,
            GateError::NoUnits | GateError::Miscounted { .. } | GateError::Ledger(_) => Exit::Internal,
            GateError::Finalists { .. }
            | GateError::Unsealed { .. }
            | GateError::NeverAsked
            | GateError::Decided { .. }
            | GateError::NotFresh { .. } => Exit::Invalid,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Self::from(&stop)
    }
}

impl From<NoTable> for Failure {
    fn from(error: NoTable) -> Self {
        Self::new(Exit::Internal, error.to_string())
    }
}

#[cfg(feature = "local")]
impl From<EmbeddedError> for Failure {
    fn from(error: EmbeddedError) -> Self {
        Self::from(ModelError::from(error))
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        let exit = match &error {
            #[cfg(feature = "local")]
            ModelError::Embedded(EmbeddedError::Name(_)) => Exit::Usage,
            ModelError::Open(OpenError::UnknownProvider { .. }) => Exit::Usage,
            _ => Exit::Provider,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(Exit::Internal, error.to_string())
    }
}

impl From<ArtifactError> for Failure {
    fn from(error: ArtifactError) -> Self {
        Self::new(Exit::Invalid, error.to_string())
    }
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        match error {
            CompileError::Stopped(stop) => Self::from(stop),
            CompileError::Gate(error) => Self::from(error),
            CompileError::Attack(error) => Self::new(Exit::Invalid, error.to_string()),
            CompileError::Store(error) => Self::from(error),
            CompileError::Artifact(error) => Self::new(Exit::Internal, error.to_string()),
            CompileError::Stamp(error) => Self::new(Exit::Internal, error.to_string()),
        }
    }
}

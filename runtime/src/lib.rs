//! All that a compiled prompt needs to run in production: typed signatures, programs of modules, prompts,
//! replies, models and artifacts. Nothing here searches or judges.
//!
//! Read in this order: [`value`] and [`signature`] (what goes in and out), [`program`] (modules wired by name),
//! [`candidate`] (a sparse overlay over a program's parameters), [`prompt`] and [`reply`] (messages out, values
//! back), [`model`] (what answers), [`run`] (one record through a program), [`artifact`] (the file that ships).

pub mod artifact;
pub mod candidate;
pub mod digest;
pub mod example;
#[cfg(test)]
mod fuzz;
pub mod kind;
#[cfg(any(feature = "http", feature = "store"))]
pub mod layer;
pub mod model;
mod nearest;
pub mod program;
pub mod prompt;
pub mod reply;
pub mod run;
pub mod score;
pub mod signature;
pub mod stamp;
#[cfg(feature = "store")]
pub mod store;
#[cfg(any(feature = "http", feature = "local"))]
mod tls;
#[cfg(feature = "derive")]
pub mod typed;
pub mod value;

pub use artifact::{Artifact, ArtifactError};
pub use candidate::{Calibration, Candidate, CandidateId, Demonstration, Origin, Param, ParamPath, Slot};
pub use digest::{Digest, canonical_json, digest};
pub use example::{Example, ExampleId};
pub use program::{Module, Output, Program, Source};
#[cfg(feature = "derive")]
pub use proofmark_derive::{Choice, Record, Signature};
pub use run::{Run, RunError, Runner};
pub use score::Score;
pub use signature::{Constraints, Field, Signature, Type};
pub use stamp::{Stamp, Verdict};
pub use value::{Record, Value};

//! The gate: accepts a prompt only if it is shown to beat the baseline on sealed, perturbed test rows that the search never saw.
//!
//! Two lists of scores are compared with one call; row `i` of both is the same test row:
//!
//! ```
//! let old: Vec<f64> = (0..100).map(|row| f64::from(row % 3 == 0)).collect();
//! let new: Vec<f64> = (0..100).map(|row| f64::from(row % 3 != 1)).collect();
//! let compared = proofmark_gate::compare(&old, &new)?.policy(proofmark_gate::Policy::Strict).judge()?;
//! assert_eq!(compared.verdict, proofmark_gate::Verdict::Accept);
//! println!("p = {}, gain {} (at least {})", compared.p, compared.gain.estimate, compared.gain.lower);
//! # Ok::<(), proofmark_gate::CompareError>(())
//! ```
//!
//! Read in this order: [`sealed`] (the rows and their units), [`measure`] (how they are answered), `judge` (the chain of
//! finalists), [`reading`] (what a finalist's prompt says), `trial` (one finalist, look by look), `look` (what the units
//! so far say), `guard` (what must not get worse), `slices` (the groups of rows that it harms), `diagnosis` (the name of the overfit), `demands` and
//! `pass_rate` (what the task asks for beyond that), [`ledger`] (the price of the same rows in another question), `continuation` (a
//! trial that goes on with fresh rows), `certificate` and `judgement` (what leaves the gate). What rows can show before one
//! is measured is in [`planning`]. The mathematics is in [`statistics`].
//!
//! **Invariant:** sealed rows leave one bit per question: accepted or not.

pub mod ledger;
pub mod measure;
pub mod planning;
pub mod policy;
pub mod reading;
pub mod sealed;
pub mod statistics;
pub mod table;
pub mod text;
pub mod variant;

mod accepted;
mod audited;
mod bounds;
mod certificate;
mod compare;
mod continuation;
mod contrast;
mod demands;
mod diagnosis;
mod error;
mod guard;
mod judge;
mod judgement;
mod look;
mod pass_rate;
mod scores;
mod slices;
mod trial;
mod verdict;

pub use accepted::Accepted;
pub use audited::Audited;
pub use bounds::{Bounded, Gain};
pub use certificate::{Certificate, CertificateRecord, Earlier, Named, Rate, Stage, Tally};
pub use compare::{CompareError, Compared, Comparison, compare};
pub use continuation::{Continuation, UndecidedTrial};
pub use demands::{Demands, Margin, RowTokens};
pub use diagnosis::{Evidence, SearchGain};
pub use error::GateError;
pub use guard::{Guard, Limit};
pub use judge::{Finalist, Gate, Subject, ensure_sealed};
pub use judgement::{Disclosed, Judgement, TrialResult};
pub use ledger::{Ledger, LedgerError, Look, MemoryLedger};
pub use look::{CLEAN_ROWS, LookRecord, USABLE};
pub use measure::{Cell, Contender, Measure, Measured};
pub use pass_rate::{PassRate, Reached};
pub use policy::Policy;
pub use reading::{Finding, Flaw, Read, Reading};
pub use scores::Scores;
pub use sealed::{CONTENDERS, GateRow, Holdout, SealError, Sealed};
pub use slices::Slice;
pub use verdict::{Kind, Verdict};

#[cfg(test)]
mod simulation;

//! `baseline`: measures the task as written and searches nothing. Every other optimizer has to beat it.
//!
//! Cost: one pass over the common rows.

use proofmark_runtime::Candidate;

use crate::{Optimizer, effects::Stop, lab::Lab};

/// See the [module](self).
pub struct Baseline;

impl Optimizer for Baseline {
    fn name(&self) -> &'static str {
        "baseline"
    }

    fn about(&self) -> &'static str {
        "measures the task as written, without any search"
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        lab.register(&Candidate::baseline(), &[], "the task as written")?;
        lab.race(&[], 1).map(|_| ())
    }
}

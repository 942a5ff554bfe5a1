//! The gate's questions, answered by a bench: each cell of the gate becomes one row asked of one candidate.

use proofmark_optimizers::Stop;
use proofmark_runtime::Candidate;

use super::{Answered, Asked, Bench};
use crate::gate::{self, Cell, Contender, Measure, Measured};

/// Why a gate whose rows are answered by a bench gives no judgement.
pub type GateError = gate::GateError<Stop>;

/// Has a bench answer the gate's cells.
pub(crate) struct GateAdapter<'s> {
    bench: &'s mut dyn Bench,
    baseline: Candidate,
    finalists: Vec<Candidate>,
}

impl<'s> GateAdapter<'s> {
    /// Answers for a baseline and finalists, all of them candidates over the bench's program.
    pub(crate) fn new(bench: &'s mut dyn Bench, baseline: Candidate, finalists: Vec<Candidate>) -> Self {
        Self { bench, baseline, finalists }
    }
}

impl Measure for GateAdapter<'_> {
    type Error = Stop;

    fn measure(&mut self, contender: Contender, cells: &[Cell<'_>]) -> Result<Vec<Measured>, Stop> {
        let candidate = match contender {
            Contender::Baseline => &self.baseline,
            Contender::Finalist(position) => &self.finalists[position],
        };
        let jobs: Vec<_> = cells
            .iter()
            .map(|cell| Asked { candidate, example: cell.example, listing: cell.listing })
            .collect();
        let measured = |answered: Answered| Measured {
            score: answered.outcome.worth(),
            valid: answered.outcome.is_valid(),
            usage: answered.usage,
            guards: answered.guards,
        };
        Ok(self.bench.measure(&jobs)?.into_iter().map(measured).collect())
    }
}

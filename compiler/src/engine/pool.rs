//! The pool: calls in flight, at most so many at a time.
//!
//! **Invariant:** what comes back stands in the order of what was asked, whatever order the calls finish in. The first
//! failure that is nobody's answer ends the batch.

use std::sync::Arc;

use proofmark_optimizers::{Culprit, Stop};
use proofmark_runtime::{
    Record,
    model::CallError,
    run::{Run, RunError, Runner},
};
use tokio::{runtime::Handle, task::JoinSet};

use crate::cancel::Cancel;

/// Where calls are awaited, who stops them, and how many are in flight.
pub(crate) struct Pool<'p> {
    pub(crate) runtime: &'p Handle,
    pub(crate) cancel: &'p Cancel,
    /// Calls in flight at most.
    pub(crate) parallel: usize,
}

/// An input for a runner, and which of several answers to it is wanted.
pub(crate) type Work = (Arc<Runner>, Record, u32);

impl Pool<'_> {
    /// Awaits all runs and gives them in order. What was answered before a failure is in the store.
    pub(crate) fn runs(&self, work: Vec<Work>, done: impl Fn()) -> Result<Vec<Result<Run, RunError>>, Stop> {
        let work = work
            .into_iter()
            .map(|(runner, inputs, replicate)| async move { runner.run(&inputs, replicate).await });
        let check = |run: &Result<Run, RunError>| match run {
            Err(RunError::Call { module, error }) if !is_answer(error) => {
                Err(failed(error, format!("module `{module}`: {error}")))
            }
            _ => Ok(()),
        };
        self.all(work, check, done)
    }

    /// The same, failures of the provider among the results: for records whose results are shown one by one.
    pub(crate) fn each(&self, work: Vec<Work>) -> Result<Vec<Result<Run, RunError>>, Stop> {
        let work = work
            .into_iter()
            .map(|(runner, inputs, replicate)| async move { runner.run(&inputs, replicate).await });
        self.all(work, |_| Ok(()), || ())
    }

    /// Awaits all work and gives what came of it in order, unless `check` ends it. `done` hears of every piece.
    pub(super) fn all<T: Send + 'static>(
        &self,
        work: impl ExactSizeIterator<Item = impl Future<Output = T> + Send + 'static>,
        check: impl Fn(&T) -> Result<(), Stop>,
        done: impl Fn(),
    ) -> Result<Vec<T>, Stop> {
        let mut results: Vec<Option<T>> = (0..work.len()).map(|_| None).collect();
        let mut waiting = work.enumerate();
        self.runtime.block_on(async {
            let mut running = JoinSet::new();
            loop {
                while running.len() < self.parallel
                    && let Some((index, call)) = waiting.next()
                {
                    running.spawn(async move { (index, call.await) });
                }
                let joined = tokio::select! {
                    biased;
                    () = self.cancel.cancelled() => return Err(Stop::Cancelled),
                    joined = running.join_next() => joined,
                };
                let Some(joined) = joined else { return Ok(()) };
                let broken = |panic| Stop::Broken { message: format!("a call broke off: {panic}") };
                let (index, result) = joined.map_err(broken)?;
                check(&result)?;
                results[index] = Some(result);
                done();
            }
        })?;
        results.into_iter().map(|result| result.ok_or(Stop::Cancelled)).collect()
    }
}

/// The end of a batch whose call failed for good.
pub(super) fn failed(error: &CallError, message: String) -> Stop {
    let culprit =
        if matches!(error, CallError::StoreFailed { .. }) { Culprit::Store } else { Culprit::Model };
    Stop::Failed { culprit, message }
}

/// Whether an error is the asker's own doing, so that it counts as an answer.
pub(super) fn is_answer(error: &CallError) -> bool {
    matches!(error, CallError::TooLong { .. })
}

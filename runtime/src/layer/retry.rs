//! Repeating a call after a transient failure.
//!
//! **Invariant:** only [transient](CallError::is_transient) failures are repeated. A wait is never shorter than the
//! provider asked for. Attempts and time are bounded, and the last failure is returned unchanged.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::{
    digest::digest,
    model::{Abilities, CallError, Identity, Model, Pending, Reply, Request},
};

/// How often and how long a call is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The largest number of attempts, the first included.
    pub attempts: u32,
    /// The wait after the first failure; it doubles with each further one.
    pub first: Duration,
    /// The longest wait, unless the provider asks for a longer one.
    pub longest: Duration,
    /// No attempt starts later than this after the first.
    pub total: Duration,
}

impl Default for Patience {
    /// Eight attempts within ten minutes, waiting about 0.5, 1, 2, ... at most 60 seconds.
    fn default() -> Self {
        Self {
            attempts: 8,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(60),
            total: Duration::from_secs(600),
        }
    }
}

/// A function that is called with each failure that is waited out and the length of the wait.
pub type OnRetry = Arc<dyn Fn(&CallError, Duration) + Send + Sync>;

/// A model whose calls are repeated after a transient failure.
pub struct Retry<M> {
    model: M,
    patience: Patience,
    on_retry: OnRetry,
    /// Consecutive failures that were reported. Calls that fail together are reported once.
    reported: AtomicU32,
}

impl<M: Model> Retry<M> {
    /// Repeats the calls of a model.
    pub fn new(model: M, patience: Patience, on_retry: OnRetry) -> Self {
        Self { model, patience, on_retry, reported: AtomicU32::new(0) }
    }

    async fn repeat(&self, request: &Request) -> Result<Reply, CallError> {
        let start = Instant::now();
        let mut failures = 0;
        loop {
            let error = match self.model.complete(request).await {
                Err(error) if error.is_transient() => error,
                other => {
                    self.reported.store(0, Ordering::Relaxed);
                    return other;
                }
            };
            failures += 1;
            let wait = self.wait(request, failures).max(asked_wait(&error));
            if failures >= self.patience.attempts || start.elapsed() + wait > self.patience.total {
                return Err(error);
            }
            if self.reported.fetch_max(failures, Ordering::Relaxed) < failures {
                (self.on_retry)(&error, wait);
            }
            sleep(wait).await;
        }
    }

    /// The wait after a number of failures: exponential backoff with equal jitter, between half and all of the doubled
    /// wait, so that requests that failed together are not repeated together. The draw depends on the request alone.
    fn wait(&self, request: &Request, failures: u32) -> Duration {
        let doubled = self.patience.first.saturating_mul(2u32.saturating_pow(failures - 1));
        let most = doubled.min(self.patience.longest);
        let draw = digest(&("retry", request, failures)).as_bytes()[0];
        most.mul_f64(0.5 + f64::from(draw) / 510.0)
    }
}

/// The wait that the provider asked for.
fn asked_wait(error: &CallError) -> Duration {
    match error {
        CallError::RateLimited { retry_after: Some(wait), .. } => *wait,
        _ => Duration::ZERO,
    }
}

impl<M: Model> Model for Retry<M> {
    fn identity(&self) -> &Identity {
        self.model.identity()
    }

    fn abilities(&self) -> Abilities {
        self.model.abilities()
    }

    fn complete<'a>(&'a self, request: &'a Request) -> Pending<'a, Result<Reply, CallError>> {
        Box::pin(self.repeat(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::tests::{TestModel, request};

    fn down() -> CallError {
        CallError::Unavailable { model: "test".into(), message: "down".into() }
    }

    fn slow_down(seconds: u64) -> CallError {
        let retry_after = Some(Duration::from_secs(seconds));
        CallError::RateLimited { model: "test".into(), message: "busy".into(), retry_after }
    }

    fn retry(failures: Vec<CallError>) -> Retry<TestModel> {
        Retry::new(TestModel::failing(failures), Patience::default(), Arc::new(|_, _| {}))
    }

    /// The result, the number of calls to the model, and the time that passed.
    async fn outcome(failures: Vec<CallError>) -> (Result<Reply, CallError>, usize, Duration) {
        let retry = retry(failures);
        let start = Instant::now();
        let result = retry.complete(&request()).await;
        (result, retry.model.asked(), start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn transient_failures_are_waited_out() {
        let (result, asked, took) = outcome(vec![down(), down(), down()]).await;
        assert!(result.is_ok());
        assert_eq!(asked, 4);
        let (least, most) = (Duration::from_millis(1750), Duration::from_millis(3510));
        assert!((least..most).contains(&took), "0.5 + 1 + 2 s, jittered: {took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_may_ask_for_a_longer_wait() {
        let (result, asked, took) = outcome(vec![slow_down(90)]).await;
        assert!(result.is_ok() && took >= Duration::from_secs(90), "{took:?}");
        assert_eq!(asked, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_and_time_are_bounded() {
        let (result, asked, _) = outcome(vec![down(); 100]).await;
        assert_eq!((result, asked), (Err(down()), 8));
        let (result, asked, took) = outcome(vec![slow_down(3600)]).await;
        assert_eq!((result, asked), (Err(slow_down(3600)), 1));
        assert_eq!(took, Duration::ZERO, "a wait beyond the total time does not start");
    }

    #[tokio::test(start_paused = true)]
    async fn permanent_failures_are_not_repeated() {
        let refused = CallError::Refused { model: "test".into(), message: "no".into() };
        let (result, asked, took) = outcome(vec![refused.clone()]).await;
        assert_eq!((result, asked, took), (Err(refused), 1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_fail_together_are_reported_once() {
        let waits = Arc::new(AtomicU32::new(0));
        let mut retry = retry(vec![down(); 6]);
        let count = Arc::clone(&waits);
        retry.on_retry = Arc::new(move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let request = request();
        let (one, two) = tokio::join!(retry.complete(&request), retry.complete(&request));
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(waits.load(Ordering::Relaxed), 3, "each failed three times, at the same times");
    }
}

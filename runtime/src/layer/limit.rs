//! A limit on the number of calls at the same time.

use tokio::sync::Semaphore;

use crate::model::{Abilities, CallError, Identity, Model, Pending, Reply, Request};

/// A model that answers a limited number of requests at once; the others wait in order of arrival.
pub struct Limit<M> {
    model: M,
    permits: Semaphore,
}

impl<M: Model> Limit<M> {
    /// Lets at most `at_once` requests through; 0 counts as 1.
    pub fn new(model: M, at_once: usize) -> Self {
        Self { model, permits: Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS)) }
    }
}

impl<M: Model> Model for Limit<M> {
    fn identity(&self) -> &Identity {
        self.model.identity()
    }

    fn abilities(&self) -> Abilities {
        self.model.abilities()
    }

    fn complete<'a>(&'a self, request: &'a Request) -> Pending<'a, Result<Reply, CallError>> {
        Box::pin(async move {
            // Only a closed semaphore refuses, and this one is never closed.
            let _permit = self.permits.acquire().await.ok();
            self.model.complete(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::layer::tests::{TestModel, request};

    #[tokio::test(start_paused = true)]
    async fn no_more_than_allowed_run_at_once() {
        let model = Arc::new(TestModel::slow(Duration::from_secs(1)));
        let limit = Arc::new(Limit::new(Arc::clone(&model), 3));
        let calls: Vec<_> = (0..10)
            .map(|_| {
                let limit = Arc::clone(&limit);
                tokio::spawn(async move { limit.complete(&request()).await })
            })
            .collect();
        let start = tokio::time::Instant::now();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!((model.most_at_once(), model.asked()), (3, 10));
        assert_eq!(start.elapsed().as_secs(), 4, "ten calls of a second, three at once");
    }
}

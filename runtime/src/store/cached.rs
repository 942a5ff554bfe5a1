//! The caching layer: a model whose answers are stored.
//!
//! **Invariant:** a reply is on disk before it is returned, and all requests with one key get the same reply. Failures are
//! never stored: transient ones may pass, permanent ones are cheap to repeat.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use super::{Call, Store};
use crate::{
    digest::Digest,
    model::{Abilities, CallError, Identity, Model, Pending, Reply, Request},
};

/// A model with a [`Store`] in front of it.
pub struct Cached<M> {
    model: M,
    store: Store,
    made: AtomicU64,
    replayed: AtomicU64,
}

impl<M: Model> Cached<M> {
    /// Stores the answers of a model.
    pub fn new(model: M, store: Store) -> Self {
        Self { model, store, made: AtomicU64::new(0), replayed: AtomicU64::new(0) }
    }

    /// Calls that the model answered.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Calls that the store answered.
    pub fn replayed(&self) -> u64 {
        self.replayed.load(Ordering::Relaxed)
    }

    async fn find_or_ask(&self, key: Digest, request: &Request) -> Result<Reply, CallError> {
        if let Some(reply) = self.store.get(&key)? {
            self.replayed.fetch_add(1, Ordering::Relaxed);
            return Ok(reply);
        }
        let start = Instant::now();
        let reply = self.model.complete(request).await?;
        self.made.fetch_add(1, Ordering::Relaxed);
        let call = Call {
            identity: self.model.identity().clone(),
            request: request.clone(),
            reply,
            latency: start.elapsed(),
        };
        Ok(self.store.put(call).await?)
    }
}

impl<M: Model> Model for Cached<M> {
    fn identity(&self) -> &Identity {
        self.model.identity()
    }

    fn abilities(&self) -> Abilities {
        self.model.abilities()
    }

    fn complete<'a>(&'a self, request: &'a Request) -> Pending<'a, Result<Reply, CallError>> {
        let key = request.key(self.model.identity());
        Box::pin(self.store.flights().alone(key, self.find_or_ask(key, request)))
    }
}

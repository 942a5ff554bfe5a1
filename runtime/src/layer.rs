//! Layers: models that wrap another model. Each does one thing and leaves the request as it is.
//!
//! **Invariant:** a layer never changes a request or a reply. The usual order, from the outside:
//! `Cached<Retry<Limit<provider>>>`. A replayed call needs no permit and no retry, and a call that waits for its next
//! attempt holds no permit. A layer for rate limits belongs where [`Limit`] is.

mod limit;
mod retry;

#[cfg(test)]
mod tests;

pub use limit::Limit;
pub use retry::{OnRetry, Patience, Retry};

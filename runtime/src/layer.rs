//! Layers: models around models. Each does one thing and leaves the request as it is.
//!
//! **Invariant:** a layer never changes a request or a reply. The usual order, from the outside:
//! `Cached<Retry<Limit<provider>>>`. A replay costs neither a permit nor a retry, and a call that waits for its next
//! attempt holds no permit. A layer for rate limits will go where [`Limit`] is.

mod limit;
mod retry;

#[cfg(test)]
mod tests;

pub use limit::Limit;
pub use retry::{OnRetry, Patience, Retry};

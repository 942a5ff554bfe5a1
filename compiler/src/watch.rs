//! Watching a run: what the engine tells while it works. Never changes a result.

use std::sync::Arc;

/// Calls of a run so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Calls that reached the model.
    pub made: u64,
    /// Calls answered from the call store.
    pub replayed: u64,
}

/// Someone who wants to know how a run goes.
pub trait Watch: Send + Sync {
    /// The run enters a stage, such as "Searching" or "Judging on sealed rows".
    fn stage(&self, name: &str);
    /// A batch of `calls` calls was started, of `left` that the stage may still spend.
    fn batch(&self, calls: u64, left: Option<u64>);
    /// One record of the batch is done.
    fn done(&self, calls: Calls);
    /// The best candidate so far, in words.
    fn best(&self, text: &str);
    /// A remark in words.
    fn remark(&self, text: &str);
}

/// Someone who watches.
pub type Watcher = Arc<dyn Watch>;

/// Watches and says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Watch for Silent {
    fn stage(&self, _: &str) {}
    fn batch(&self, _: u64, _: Option<u64>) {}
    fn done(&self, _: Calls) {}
    fn best(&self, _: &str) {}
    fn remark(&self, _: &str) {}
}

//! Calls in flight: identical requests that run at the same time wait for one another.
//!
//! **Invariant:** at most one call per key runs. When it ends, by success, failure or cancellation, the next one starts and
//! looks into the store again, so none waits for ever.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Mutex as Turn;

use crate::digest::Digest;

/// The keys of calls that are running.
#[derive(Default)]
pub(super) struct Flights(Mutex<Table>);

type Table = HashMap<Digest, Flight>;

#[derive(Default)]
struct Flight {
    /// The number of calls that hold the turn or wait for it.
    interested: usize,
    turn: Arc<Turn<()>>,
}

impl Flights {
    /// Runs `work` while no other work on the same key runs.
    pub(super) async fn alone<T>(&self, key: Digest, work: impl Future<Output = T>) -> T {
        let ticket = Ticket::take(self, key);
        let _turn = ticket.turn.lock().await;
        work.await
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table().len()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call's entry for its key. The last one to be dropped removes the key from the table.
struct Ticket<'a> {
    flights: &'a Flights,
    key: Digest,
    turn: Arc<Turn<()>>,
}

impl<'a> Ticket<'a> {
    fn take(flights: &'a Flights, key: Digest) -> Self {
        let mut table = flights.table();
        let flight = table.entry(key).or_default();
        flight.interested += 1;
        Self { flights, key, turn: Arc::clone(&flight.turn) }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.flights.table().entry(self.key) {
            entry.get_mut().interested -= 1;
            if entry.get().interested == 0 {
                entry.remove();
            }
        }
    }
}

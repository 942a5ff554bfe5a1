//! Calls in flight: identical requests that run at the same time wait for one another.
//!
//! **Invariant:** at most one holder per key. A holder that is dropped, finished or cancelled lets the next one in, who
//! looks into the store again; so no waiter is ever stuck.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Mutex as Turn;

use crate::digest::Digest;

/// The keys that somebody is working on.
#[derive(Default)]
pub(super) struct Flights(Mutex<Table>);

type Table = HashMap<Digest, Flight>;

#[derive(Default)]
struct Flight {
    /// How many hold the turn or wait for it.
    interested: usize,
    turn: Arc<Turn<()>>,
}

impl Flights {
    /// Runs `work` when nobody else works on the same key.
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

/// Interest in a key; the last one out removes it from the table.
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

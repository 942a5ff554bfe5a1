//! Calibrations that are known or being computed, shared by all rows of a prompt.
//!
//! **Invariant:** a calibration depends on its content-free prompts and labels alone, so removing one changes no answer.

use std::sync::Arc;

use indexmap::IndexMap;

use super::super::choice;
use crate::digest::{Digest, digest};

/// The number of calibrations that are kept, a few hundred bytes each.
const KEPT: usize = 1024;

/// Calibrations by the hash of their prompts and labels, oldest first.
#[derive(Debug, Default)]
pub(super) struct Calibrations(IndexMap<Digest, CalibrationState>);

#[derive(Debug)]
enum CalibrationState {
    /// The scores after each content-free prompt that have arrived.
    Running(Vec<Option<Vec<f64>>>),
    Ready(Arc<[f64]>),
}

impl Calibrations {
    /// The key of a calibration, and whether it is new. The caller has to start the prompts of a new one.
    pub(super) fn find(&mut self, prompts: &[Vec<u32>], labels: &[Vec<u32>]) -> (Digest, bool) {
        let key = digest(&(prompts, labels));
        let is_new = !self.0.contains_key(&key);
        if is_new {
            self.forget_oldest();
            self.0.insert(key, CalibrationState::Running(vec![None; prompts.len()]));
        }
        (key, is_new)
    }

    /// The correction of each label's score, once it is known.
    pub(super) fn corrections(&self, key: Digest) -> Option<Arc<[f64]>> {
        match self.0.get(&key)? {
            CalibrationState::Running(_) => None,
            CalibrationState::Ready(corrections) => Some(Arc::clone(corrections)),
        }
    }

    /// Takes the scores of all labels after one of the prompts.
    pub(super) fn put(&mut self, key: Digest, index: usize, scores: Vec<f64>) {
        let Some(state) = self.0.get_mut(&key) else { return };
        if let CalibrationState::Running(parts) = state {
            parts[index] = Some(scores);
            if let Some(all) = parts.iter().cloned().collect::<Option<Vec<_>>>() {
                *state = CalibrationState::Ready(choice::calibration(&all));
            }
        }
    }

    /// Makes room by removing the oldest finished calibration. A calibration that is being computed stays, because rows wait
    /// for it. One that was just finished is taken by the waiting rows before the next order is admitted.
    fn forget_oldest(&mut self) {
        if self.0.len() >= KEPT
            && let Some(oldest) =
                self.0.values().position(|state| matches!(state, CalibrationState::Ready(_)))
        {
            self.0.shift_remove_index(oldest);
        }
    }
}

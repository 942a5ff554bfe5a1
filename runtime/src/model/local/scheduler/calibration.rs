//! Calibrations that are known or being computed, shared by all rows of the same prompt.
//!
//! **Invariant:** a calibration depends on its content-free prompts and labels alone, so forgetting one changes no answer.

use std::sync::Arc;

use indexmap::IndexMap;

use super::super::choice;
use crate::digest::{Digest, digest};

/// Calibrations that are kept; a few hundred bytes each.
const KEPT: usize = 1024;

/// Calibrations by what they are made from, oldest first.
#[derive(Debug, Default)]
pub(super) struct Calibrations(IndexMap<Digest, CalibrationState>);

#[derive(Debug)]
enum CalibrationState {
    /// Scores of each content-free prompt, as far as they have come in.
    Running(Vec<Option<Vec<f64>>>),
    Ready(Arc<[f64]>),
}

impl Calibrations {
    /// The key of a calibration, and whether it is new: then the caller has to start its prompts.
    pub(super) fn find(&mut self, prompts: &[Vec<u32>], labels: &[Vec<u32>]) -> (Digest, bool) {
        let key = digest(&(prompts, labels));
        let is_new = !self.0.contains_key(&key);
        if is_new {
            self.forget_oldest();
            self.0.insert(key, CalibrationState::Running(vec![None; prompts.len()]));
        }
        (key, is_new)
    }

    /// What is added to each label's score, once it is known.
    pub(super) fn gains(&self, key: Digest) -> Option<Arc<[f64]>> {
        match self.0.get(&key)? {
            CalibrationState::Running(_) => None,
            CalibrationState::Ready(gains) => Some(Arc::clone(gains)),
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

    /// Makes room: a row that waits has its key, so what is being computed stays, and so does what was just finished,
    /// because waiting rows take it before the next order is admitted.
    fn forget_oldest(&mut self) {
        if self.0.len() >= KEPT
            && let Some(oldest) =
                self.0.values().position(|state| matches!(state, CalibrationState::Ready(_)))
        {
            self.0.shift_remove_index(oldest);
        }
    }
}

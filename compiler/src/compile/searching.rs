//! One search on visible rows, the same for a compile and for every trial of a comparison.

use proofmark_optimizers::{Board, Effects, Lab, Optimizer, Stop, Visible};
use proofmark_runtime::Program;

use super::policy;
use crate::{
    gate::{Policy, Sealed, planning, reading},
    task::Task,
};

/// What a search works with.
pub(crate) struct Search<'s> {
    /// The task.
    pub(crate) task: &'s Task,
    /// The program that is to be beaten.
    pub(crate) program: &'s Program,
    /// Rows that candidates are made from.
    pub(crate) train: &'s Visible,
    /// Rows that candidates are ranked on.
    pub(crate) val: &'s Visible,
    /// The rows that judge afterwards. A search knows one number about them: what they can tell apart.
    pub(crate) sealed: &'s Sealed,
    /// The optimizer.
    pub(crate) optimizer: &'static dyn Optimizer,
    /// The seed of its random streams.
    pub(crate) seed: u64,
}

impl Search<'_> {
    /// Searches. Returns all candidates with their scores, and why the search stopped early, if it did.
    pub(crate) fn run(&self, effects: &mut dyn Effects) -> (Board, Option<Stop>) {
        let refuses = |after: &Program| reading::is_refused(self.program, after);
        let mut lab = Lab::new(self.program, self.train, self.val, self.seed, effects)
            .with_text_check(&refuses)
            .with_resolution(self.resolution());
        let stopped = self.optimizer.search(&mut lab).err();
        (lab.into_board(), stopped)
    }

    /// The smallest gain that the sealed rows can show, where a better prompt has to be shown to be better and nothing else is
    /// asked of it.
    fn resolution(&self) -> Option<f64> {
        let gate = &self.task.gate;
        match policy(self.task, self.optimizer)? {
            Policy::Strict | Policy::Balanced if gate.demands.target.is_none() => {
                Some(planning::resolution(self.sealed, gate.variants))
            }
            _ => None,
        }
    }
}

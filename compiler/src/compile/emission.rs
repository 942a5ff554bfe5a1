//! Emitting a prompt that was accepted outside of a run: somebody's own, or one that a run had left undecided.
//!
//! **Invariant:** without a certificate there is no artifact, and the certificate is on what is emitted.

use std::collections::BTreeSet;

use proofmark_runtime::{
    Candidate, Example, Program,
    artifact::{Artifact, Cost, Parts, Split},
};

use super::{CompileError, recording, split};
use crate::{
    data::Splits,
    engine::{Bench as _, Engine},
    gate::Accepted,
};

/// What was judged.
pub(crate) struct Judged<'a> {
    /// The name of the task.
    pub(crate) name: &'a str,
    /// The program that was to be beaten.
    pub(crate) program: &'a Program,
    /// What was laid over it.
    pub(crate) candidate: &'a Candidate,
    /// The seed that decided the order of sealed rows.
    pub(crate) seed: u64,
    /// What it was made of in the run that found it, if one did.
    pub(crate) origin: Option<&'a Parts>,
}

impl Judged<'_> {
    /// The artifact of what was accepted. What it does on visible rows is recorded, all of which may have chosen it.
    ///
    /// # Errors
    /// [`CompileError`].
    pub(crate) fn emit(
        &self,
        accepted: &Accepted,
        splits: &Splits,
        engine: &mut Engine<'_>,
    ) -> Result<Artifact, CompileError> {
        let visible: Vec<&Example> = splits.train.examples().iter().chain(splits.val.examples()).collect();
        let chose: BTreeSet<_> = visible.iter().map(|row| &row.id).collect();
        let recorded = recording::record((self.program, self.candidate), (&visible, &chose), engine)?;
        engine.backend().finish()?;
        let record = accepted.certificate().record();
        let sealed =
            Split { name: "gate".to_owned(), rows: record.units as u64, fingerprint: record.holdout };
        let (before, spent) = (self.origin.map(|parts| parts.cost).unwrap_or_default(), engine.spent());
        let mut usage = before.usage;
        usage += spent.usage;
        let parts = Parts {
            name: self.name.to_owned(),
            program: self.program.clone(),
            candidate: self.candidate.clone(),
            lineage: self.origin.map(|parts| parts.lineage.clone()).unwrap_or_default(),
            sampling: engine.backend().sampling.clone(),
            data: vec![split("train", splits.train.examples()), split("val", splits.val.examples()), sealed],
            cost: Cost {
                task: before.task + spent.task,
                proposer: before.proposer,
                gate: before.gate + spent.gate,
                usage,
            },
            seed: self.seed,
            edits: self.origin.and_then(|parts| parts.edits.clone()),
            recorded: serde_json::to_value(&recorded).ok(),
            approval: self.origin.and_then(|parts| parts.approval.clone()),
        };
        Ok(Artifact::emit(parts, engine.backend().model.as_ref(), accepted.stamp()?)?)
    }
}

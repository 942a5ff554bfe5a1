//! `proofmark gate --task TASK --more ROWS`: a trial that ended undecided goes on with fresh rows.

use std::path::Path;

use proofmark_optimizers::Effects as _;
use proofmark_runtime::{
    Candidate, Digest, Program, Stamp,
    artifact::{Artifact, Parts},
    digest,
    stamp::AskedBy,
};

use super::{Gate, prompts::laid};
use crate::{
    cli::{
        Failure, compile, say,
        session::{TaskSession, visible},
    },
    compile::{Judged, reading, subject},
    data::{Fresh, Splits, fresh},
    engine::{GateAdapter, GateError},
    exit::Exit,
    gate::{Continuation, Finalist, Gate as Judge, Judgement, Sealed, Subject, TrialResult, UndecidedTrial},
    task::Task,
};

/// The trial that goes on, as it was asked.
struct Trial {
    /// The program that calls are made with.
    program: Program,
    baseline: Candidate,
    candidate: Candidate,
    begun: UndecidedTrial,
    seed: u64,
    /// What a run made the candidate of, if one did.
    origin: Option<Parts>,
}

impl Gate {
    /// Goes on.
    pub(super) fn go_on(&self, path: &Path) -> Result<(Judgement, Vec<TrialResult>), Failure> {
        let task = Task::load(path)?;
        let trial = self.trial(&task)?;
        let (splits, _) = Splits::load(&task)?;
        let fresh = fresh(&task, &splits.train, &self.more)?;
        let visible = visible(&splits);
        let reading =
            reading(&trial.program, &trial.candidate, &visible).map_err(|stop| Failure::from(&stop))?;
        let finalist = Finalist {
            name: self.candidates[0].display().to_string(),
            id: trial.begun.finalists[trial.begun.position],
            reading,
        };
        let session = TaskSession::open(&task, path, &trial.program, &visible, &self.common)?;
        let run = digest(&("gate", trial.baseline.id(), trial.seed)).short();
        let mut engine = session.engine(&trial.program, &run);
        let before = trial.program.apply(&trial.baseline);
        let before = before.map_err(|error| Failure::new(Exit::Invalid, error.to_string()))?;
        let subject = subject(&task, &before, engine.abilities(), AskedBy::Continuation)?;
        let judge = self.judge_of(&task, &trial, engine.context(), subject);
        if !self.common.quiet {
            fresh.iter().zip(&self.more).for_each(|(fresh, path)| say(&told(fresh, path)));
        }
        let mut stand = GateAdapter::new(&mut engine, trial.baseline.clone(), vec![trial.candidate.clone()]);
        let ledger = &mut session.ledger(&run);
        let rows: Vec<Sealed> = fresh.into_iter().map(|fresh| fresh.sealed).collect();
        let continuation =
            Continuation { trial: &trial.begun, finalist: &finalist, first: &splits.gate, fresh: &rows };
        let judgement = judge.go_on(continuation, &mut stand, ledger);
        let judgement = judgement.map_err(explained)?;
        session.backend().finish()?;
        let unsealed = self.unsealed(&judgement, ledger)?;
        let judged = Judged {
            name: &task.name,
            program: &trial.program,
            candidate: &trial.candidate,
            seed: trial.seed,
            origin: trial.origin.as_ref(),
        };
        self.emit(&judged, &judgement, &splits, &mut engine)?;
        Ok((judgement, unsealed))
    }

    /// The trial that the first candidate was left undecided in: that of a run, or one of `gate` with the same candidates.
    fn trial(&self, task: &Task) -> Result<Trial, Failure> {
        let path = &self.candidates[0];
        // What is no artifact of a run is read like any other candidate, and refused there if it is none.
        let artifact = Artifact::read(path).ok();
        if let Some((parts, begun)) = artifact.as_ref().and_then(of_run) {
            return Ok(Trial {
                // Not the artifact's own: in an artifact every format is written out.
                program: compile::program(task, self.baseline.as_deref())?,
                baseline: Candidate::baseline(),
                candidate: parts.candidate.clone(),
                begun,
                seed: parts.seed,
                origin: Some(parts.clone()),
            });
        }
        self.refuse_false_stamp()?;
        let candidates = self.candidates.iter().map(|path| Ok(laid(&task.program, path)?.0));
        let candidates = candidates.collect::<Result<Vec<_>, Failure>>()?;
        let finalists = candidates.iter().map(|candidate| candidate.id().0).collect();
        Ok(Trial {
            program: task.program.clone(),
            baseline: self.old(task)?,
            begun: UndecidedTrial { finalists, position: 0 },
            candidate: candidates.into_iter().next().unwrap_or_default(),
            seed: self.seed,
            origin: None,
        })
    }

    /// The gate as it was asked then.
    fn judge_of(&self, task: &Task, trial: &Trial, context: Digest, subject: Subject) -> Judge {
        let context = match trial.origin {
            Some(_) => context,
            None => digest(&(context, trial.baseline.id())),
        };
        let judge = self.judge(self.policy(task.gate.policy), task.demands(), context, subject);
        Judge { seed: trial.seed, ..judge }
    }
}

/// What stands in the way, with what to do about it.
fn explained(error: GateError) -> Failure {
    let hint = match &error {
        GateError::NeverAsked => Some(
            "it must be the same task, rows, model and metric as then, and the same --policy, --seed and --target if there \
             were any",
        ),
        GateError::Decided { .. } => {
            Some("with more rows for the search, or another prompt, a new trial can be asked for")
        }
        _ => None,
    };
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// What a run left undecided, and what it had asked.
fn of_run(artifact: &Artifact) -> Option<(&Parts, UndecidedTrial)> {
    let Stamp::Unverified { undecided, .. } = artifact.stamp() else { return None };
    let parts = artifact.parts();
    let position = undecided.iter().position(|id| *id == parts.candidate.id())?;
    Some((parts, UndecidedTrial { finalists: undecided.iter().map(|id| id.0).collect(), position }))
}

fn told(fresh: &Fresh, path: &Path) -> String {
    let known = match fresh.known {
        0 => String::new(),
        known => format!(", of which the task knows {known} already"),
    };
    format!(
        "{}: {} rows{known}; {} fresh seeds, {} rows with their rewritten variants",
        path.display(),
        fresh.read,
        fresh.sealed.units(),
        fresh.sealed.calls()
    )
}

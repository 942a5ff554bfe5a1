//! `proofmark gate --task TASK`: prompts, answered on the task's sealed rows.

use std::path::{Path, PathBuf};

use proofmark_optimizers::Effects as _;
use proofmark_runtime::{Candidate, Param, ParamPath, Program, Slot, digest, stamp::AskedBy};

use serde_json::Value as Json;

use super::{Gate, dspy};
use crate::{
    cli::{
        Failure, artifacts, say,
        session::{TaskSession, visible},
    },
    compile::{Judged, subject},
    data::Splits,
    engine::{Engine, GateAdapter},
    exit::Exit,
    gate::{Finalist, Judgement, Reading, TrialResult},
    task::Task,
};

impl Gate {
    /// Judges prompts on the sealed rows of a task.
    pub(super) fn prompts(&self, path: &Path) -> Result<(Judgement, Vec<TrialResult>), Failure> {
        self.refuse_false_stamp()?;
        let task = Task::load(path)?;
        let baseline = self.old(&task)?;
        let before = task.program.apply(&baseline);
        let before = before.map_err(|error| Failure::new(Exit::Invalid, error.to_string()))?;
        let candidates = self.candidates.iter().map(|path| Ok((path, laid(&task.program, path)?)));
        let candidates = candidates.collect::<Result<Vec<_>, Failure>>()?;
        refuse_no_question(&baseline, &candidates)?;
        let (splits, report) = Splits::load(&task)?;
        if !self.common.quiet {
            report.unmapped().for_each(|warning| say(&format!("warning: {warning}")));
        }
        let visible = visible(&splits);
        let finalist = |(path, (candidate, members)): &(&PathBuf, Laid)| Finalist {
            name: path.display().to_string(),
            id: candidate.id().0,
            reading: Reading::of_each(&before, members, &visible),
        };
        let finalists: Vec<_> = candidates.iter().map(finalist).collect();
        let session = TaskSession::open(&task, path, &task.program, &visible, &self.common)?;
        let run = digest(&("gate", baseline.id(), self.seed)).short();
        let mut engine = session.engine(&task.program, &run);
        let context = digest(&(engine.context(), baseline.id()));
        let subject = subject(&task, &before, engine.abilities(), AskedBy::Gate)?;
        let judge = self.judge(self.policy(task.gate.policy), task.demands(), context, subject);
        let candidates: Vec<_> = candidates.into_iter().map(|(_, (candidate, _))| candidate).collect();
        let mut stand = GateAdapter::new(&mut engine, baseline, candidates.clone());
        let ledger = &mut session.ledger(&run);
        let judgement = judge.judge(&splits.gate, &finalists, &mut stand, ledger)?;
        session.backend().finish()?;
        let unsealed = self.unsealed(&judgement, ledger)?;
        if let Some(accepted) = judgement.accepted() {
            let judged = Judged {
                name: &task.name,
                program: &task.program,
                candidate: &candidates[accepted.position()],
                seed: self.seed,
                origin: None,
            };
            self.emit(&judged, &judgement, &splits, &mut engine)?;
        }
        Ok((judgement, unsealed))
    }

    /// Refuses to write an artifact of what beats another prompt than the task as written: an artifact holds the task's
    /// program, and its stamp says that this was beaten.
    pub(super) fn refuse_false_stamp(&self) -> Result<(), Failure> {
        if self.out.is_some() && self.baseline.is_some() {
            return Err(Failure::new(
                Exit::Usage,
                "an artifact is stamped against the task as written, so --out and --baseline do not go together",
            )
            .hint("leave out --baseline to gate against the task as written, or leave out --out"));
        }
        Ok(())
    }

    /// What is to be beaten: what was named, or the task as written.
    pub(super) fn old(&self, task: &Task) -> Result<Candidate, Failure> {
        let Some(path) = &self.baseline else { return Ok(overlay(&task.program)) };
        Ok(laid(&task.program, path)?.0)
    }

    /// Writes what was accepted, if that was asked for.
    pub(super) fn emit(
        &self,
        judged: &Judged<'_>,
        judgement: &Judgement,
        splits: &Splits,
        engine: &mut Engine<'_>,
    ) -> Result<(), Failure> {
        let Some((out, accepted)) = self.out.as_ref().zip(judgement.accepted()) else { return Ok(()) };
        let artifact = judged.emit(accepted, splits, engine)?;
        artifact.write(out)?;
        if !self.common.quiet {
            say(&format!("wrote {}", out.display()));
        }
        Ok(())
    }
}

/// Refuses a candidate that nothing could be shown of, which would cost a question all the same.
fn refuse_no_question(baseline: &Candidate, candidates: &[(&PathBuf, Laid)]) -> Result<(), Failure> {
    for (i, (path, (candidate, _))) in candidates.iter().enumerate() {
        if candidate.id() == baseline.id() {
            let message = format!("{} is the prompt that is to be beaten, word by word", path.display());
            return Err(Failure::new(Exit::Invalid, message).hint("name a prompt that differs from it"));
        }
        let earlier = candidates[..i].iter().find(|(_, (earlier, _))| earlier.id() == candidate.id());
        if let Some((earlier, _)) = earlier {
            let message = format!("{} is the same prompt as {}", path.display(), earlier.display());
            return Err(Failure::new(Exit::Usage, message)
                .hint("name it once: each candidate costs a part of the error"));
        }
    }
    Ok(())
}

/// A candidate over the task's program, with that program for each of its members.
pub(super) type Laid = (Candidate, Vec<Program>);

/// What a file stands for: all that an artifact or the state of a DSPy program says, or the task with another instruction.
pub(super) fn laid(program: &Program, path: &Path) -> Result<Laid, Failure> {
    let invalid = |message: String| Failure::new(Exit::Invalid, message);
    if path.extension().is_some_and(|suffix| suffix == "json") {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        let json = serde_json::from_str(&text).unwrap_or_default();
        if dspy::is_state(&json) {
            return of_dspy(program, path, &json);
        }
        if dspy::is_outdated(&json) {
            let message =
                format!("{} is a state that DSPy saved before 2.5.3: it has no `signature`", path.display());
            return Err(invalid(message).hint(
                "states of later versions are read; save the program again with one, or put its instruction into a .txt file",
            ));
        }
        let artifact = artifacts::read(path)?;
        let own = &artifact.parts().program;
        let members = artifact.parts().candidate.members();
        let members = members.iter().map(|member| own.apply(member).map(|applied| overlay(&applied)));
        let members = members.collect::<Result<Vec<_>, _>>().map_err(|error| invalid(error.to_string()))?;
        // Every parameter of the artifact must be one of the task's program, or it answers another question.
        let applied = members.iter().map(|member| program.apply(member)).collect::<Result<_, _>>();
        let applied = applied.map_err(|error| {
            invalid(format!("{} does not belong to this task: {error}", path.display()))
                .hint("the artifact must come from a task with the same modules and fields")
        })?;
        return Ok((Candidate::vote(&members), applied));
    }
    if !path.extension().is_some_and(|suffix| suffix == "txt" || suffix == "md") {
        let message = format!("{} is neither an artifact nor a prompt file", path.display());
        return Err(Failure::new(Exit::Usage, message).hint(
            "artifacts and states of DSPy programs end in .json, instructions in .txt or .md; score tables are judged without \
             --task",
        ));
    }
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let [module] = program.modules() else {
        return Err(invalid(format!(
            "{} holds one instruction, but the task has several modules",
            path.display()
        ))
        .hint("judge an artifact instead"));
    };
    let (text, own) = (text.trim(), &module.signature.instructions);
    if text.is_empty() {
        return Err(invalid(format!("{} is empty", path.display())).hint("write the instruction into it"));
    }
    // White space around it makes no other prompt.
    let text = if own.trim() == text { own } else { text };
    let instruction = ParamPath::new(&module.name, Slot::Instruction);
    let candidate = Candidate::baseline().with(instruction, Param::Instruction(text.to_owned()));
    let applied = program.apply(&candidate).map_err(|error| invalid(error.to_string()))?;
    Ok((overlay(&applied), vec![applied]))
}

/// What the state of a DSPy program says.
fn of_dspy(program: &Program, path: &Path, state: &Json) -> Result<Laid, Failure> {
    let invalid = |message: String| Failure::new(Exit::Invalid, message);
    let candidate = dspy::candidate(program, state);
    let candidate = candidate.map_err(|problem| {
        invalid(format!("{} does not belong to this task: {problem}", path.display())).hint(
            "it is the state of a DSPy program; its predictors must be the task's modules, with the same fields in the same \
             order",
        )
    })?;
    let applied = program.apply(&candidate).map_err(|error| invalid(error.to_string()))?;
    Ok((overlay(&applied), vec![applied]))
}

/// Everything that a program's parameters say, as one candidate.
fn overlay(program: &Program) -> Candidate {
    let mut candidate = Candidate::baseline();
    for module in program.modules() {
        for (slot, param) in module.values() {
            candidate = candidate.with(ParamPath::new(&module.name, slot), param);
        }
    }
    candidate
}

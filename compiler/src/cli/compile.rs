//! `proofmark compile TASK`: search, judge on sealed rows, emit.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use proofmark_optimizers::{Aim, Optimizer};
use proofmark_runtime::{Program, Verdict, digest, model::Model, store::RunState};

use super::{
    Common, Failure, TaskArg, artifacts, check, gate, outcome, say, screen,
    session::{Closed, TaskSession, visible},
};
use crate::{
    compile::{Compiled, Setting, compile},
    data::Splits,
    engine::{Backend, GateError},
    exit::Exit,
    gate::Policy,
    ledger::StoredLedger,
    task::{ModelConfig, PROPOSAL_TOKENS, Task},
};

/// Search, judge on sealed rows, emit the compiled prompt.
#[derive(Debug, Args)]
pub(crate) struct Compile {
    #[command(flatten)]
    task: TaskArg,
    /// Seed of every random choice of the run
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Calls that the search may spend, instead of the task's budget; the gate's calls come on top
    #[arg(long, value_name = "N")]
    budget_calls: Option<u64>,
    /// Optimizer to use instead of the task's
    #[arg(long)]
    optimizer: Option<String>,
    /// Model to use instead of the task's
    #[arg(long)]
    model: Option<String>,
    /// Stronger model that writes instructions, instead of the task's
    #[arg(long)]
    proposer: Option<String>,
    /// Share of right answers that an accepted prompt has to reach on sealed rows as they are, instead of the task's
    #[arg(long, value_name = "SHARE", value_parser = gate::target)]
    target: Option<f64>,
    /// Beat this artifact instead of the task as written
    #[arg(long, value_name = "ARTIFACT")]
    baseline: Option<PathBuf>,
    /// Let nobody run the prompt before somebody approved it (`proofmark approve`)
    #[arg(long)]
    require_approval: bool,
    /// Write everything measured on the sealed rows to a file; they prove nothing any more, for ever
    #[arg(long)]
    unseal: bool,
    #[command(flatten)]
    common: Common,
}

impl Compile {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let begun = Instant::now();
        let task = self.task()?;
        let optimizer = find(&task.optimizer.name)?;
        let program = program(&task, self.baseline.as_deref())?;
        let (splits, report) = Splits::load(&task)?;
        if !self.common.quiet {
            say(&format!("{}: {}", task.name, check::told(&report)));
            if optimizer.aim() == Aim::Brevity && task.gate.policy != Some(Policy::Noninferior) {
                let name = optimizer.name();
                say(&format!(
                    "`{name}` looks for a shorter prompt, not for a better one: the gate's policy is `noninferior`"
                ));
            }
            for warning in check::stale_rewritings(&report).into_iter().chain(report.unmapped()) {
                say(&format!("warning: {warning}"));
            }
            if let Some(warning) = task.gate.policy.and_then(|_| check::too_few(splits.gate.units())) {
                say(&format!("warning: {warning}"));
            }
        }
        let session = TaskSession::open(&task, &self.task.task, &program, &visible(&splits), &self.common)?;
        let id = self.id(&task, &program, &splits, session.backend());
        let run = session.begin(&task, &id, self.seed)?;
        let setting = Setting {
            task: &task,
            program,
            optimizer,
            budget: task.optimizer.budget.calls,
            seed: self.seed,
            run: &id,
            approval: self.require_approval,
        };
        let compiled = run.watch(compile(&setting, splits, session.backend(), session.store()))?;
        let Closed { store, place } = session.close();
        let result = outcome::Outcome::new(&task, &compiled, begun.elapsed());
        let folder = place.run(&id);
        let files = match result.write(&folder) {
            Ok(files) => files,
            Err(failure) => {
                run.fail(RunState::Failed, "its files could not be written");
                return Err(failure);
            }
        };
        run.end(RunState::Done, &result.summary())?;
        if self.unseal {
            unseal(&compiled, &mut StoredLedger::new(&store, &id), &folder)?;
        }
        if self.common.json {
            screen::document(&result.json(&files))?;
        } else if !self.common.quiet {
            result.tell(&files);
        }
        Ok(exit(&compiled))
    }

    /// The task with the flags laid over it.
    fn task(&self) -> Result<Task, Failure> {
        let mut task = Task::load(&self.task.task)?;
        if let Some(calls) = self.budget_calls {
            task.optimizer.budget.calls = calls;
        }
        if let Some(target) = self.target {
            if task.gate.policy.is_none() {
                return Err(Failure::new(Exit::Usage, "`explore` tests nothing, so no target can be held")
                    .hint("leave out --target, or take another policy in the task file"));
            }
            task.gate.demands.target = Some(target);
        }
        if let Some(name) = &self.optimizer {
            task.optimizer.name.clone_from(name);
        }
        if let Some(name) = &self.model {
            task.model = ModelConfig { name: name.clone(), ..task.model };
        }
        if let Some(name) = &self.proposer {
            let unsaid = || ModelConfig { max_tokens: PROPOSAL_TOKENS, ..task.model.clone() };
            let like = task.proposer.take().unwrap_or_else(unsaid);
            task.proposer = Some(ModelConfig { name: name.clone(), ..like });
        }
        Ok(task)
    }

    /// The name of the run: the same inputs give the same name, so that the same command goes on where it stopped.
    fn id(&self, task: &Task, program: &Program, splits: &Splits, backend: &Backend) -> String {
        let rows = (splits.train.examples(), splits.val.examples(), splits.gate.design());
        let proposer = backend.proposer.as_ref().map(|proposer| proposer.model.identity().clone());
        let models = (backend.model.identity(), proposer, &backend.sampling);
        let inputs = (&task.text, program, rows, models, self.seed, task.demands());
        digest(&("run", inputs, &task.optimizer.name, task.optimizer.budget.calls)).short()
    }
}

/// The program that is to be beaten: the task as written, or as an artifact has it.
pub(crate) fn program(task: &Task, baseline: Option<&Path>) -> Result<Program, Failure> {
    let Some(path) = baseline else { return Ok(task.program.clone()) };
    let artifact = artifacts::read(path)?;
    let (fits, candidate) = (&artifact.parts().program, &artifact.parts().candidate);
    if fits.inputs() != task.program.inputs() || fits.output_fields() != task.program.output_fields() {
        return Err(Failure::new(
            Exit::Invalid,
            format!("{} is for other inputs or outputs than this task", path.display()),
        )
        .hint("a baseline must answer the same records with the same kinds of answers"));
    }
    fits.apply(candidate).map_err(|error| Failure::new(Exit::Invalid, error.to_string()))
}

/// Writes everything measured on the sealed rows beside the artifact, which the ledger remembers for ever.
fn unseal(compiled: &Compiled, ledger: &mut StoredLedger<'_>, folder: &Path) -> Result<(), Failure> {
    let Some(judgement) = &compiled.judgement else { return Ok(()) };
    let heard = judgement.unseal(ledger).map_err(GateError::Ledger)?;
    let path = folder.join("unsealed.json");
    let text = serde_json::to_string_pretty(heard)
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    std::fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
    say(&format!("sealed rows were shown in {}: they prove nothing any more", path.display()));
    Ok(())
}

/// The optimizer of that name.
pub(crate) fn find(name: &str) -> Result<&'static dyn Optimizer, Failure> {
    proofmark_optimizers::find(name).ok_or_else(|| {
        let known: Vec<_> = proofmark_optimizers::ALL.iter().map(|optimizer| optimizer.name()).collect();
        Failure::new(Exit::Usage, format!("there is no optimizer `{name}`"))
            .hint(format!("there are {}", known.join(", ")))
    })
}

fn exit(compiled: &Compiled) -> Exit {
    match outcome::verdict(compiled) {
        Some(Verdict::Accept) | None => Exit::Ok,
        Some(Verdict::Reject) => Exit::Rejected,
        Some(Verdict::Inconclusive) => Exit::Inconclusive,
    }
}

//! `proofmark gate`: judge any candidates against any baseline: score tables of other tools, artifacts, or prompt files.
//!
//! Score tables are judged as they are. Artifacts and prompt files are answered on the sealed rows of a task, with the
//! task's model, metric and ledger.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use proofmark_runtime::{Candidate, Digest, Param, ParamPath, Program, Slot, digest};
use serde_json::json;

use super::{Common, Failure, artifacts, opening, say, screen};
use crate::{
    compile::Stand,
    data::Splits,
    engine::Engine,
    exit::Exit,
    gate::{
        Demands, Evidence, Finalist, Gate as Judge, GateError, Heard, Judgement, Ledger, LookRecord,
        MemoryLedger, Policy, Read, Reading, Shown, Verdict,
        table::{Paired, Table, TableError},
    },
    ledger::StoredLedger,
    task::Task,
    workplace::Workplace,
};

/// Judge candidates against a baseline.
#[derive(Debug, Args)]
pub(crate) struct Gate {
    /// What is to be beaten: a score table (.jsonl, .csv), an artifact (.json), or an instruction (.txt, .md)
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// A candidate of the same sort; up to three, the most promising first
    #[arg(long = "candidate", value_name = "FILE", required = true)]
    candidates: Vec<PathBuf>,
    /// Task whose sealed rows, model and metric are used; not for score tables. Its program is the default baseline
    #[arg(long)]
    task: Option<PathBuf>,
    /// How strict
    #[arg(long, value_enum)]
    policy: Option<PolicyArg>,
    /// Share of right answers that an accepted candidate has to reach on the clean rows, instead of the task's
    #[arg(long, value_name = "SHARE", value_parser = target)]
    target: Option<f64>,
    /// Seed of the order in which sealed seeds are used
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Show everything measured on the sealed rows; they prove nothing any more, for ever
    #[arg(long)]
    unseal: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PolicyArg {
    Strict,
    Balanced,
    Noninferior,
}

impl Gate {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        if self.candidates.len() > 3 {
            return Err(Failure::new(Exit::Usage, "the gate tries one to three candidates")
                .hint("each one costs a part of the error; rank them on other rows first"));
        }
        let (judgement, unsealed) = match (&self.task, &self.baseline) {
            (Some(task), _) => self.prompts(task)?,
            (None, Some(baseline)) => self.tables(baseline)?,
            (None, None) => {
                return Err(Failure::new(Exit::Usage, "there is nothing to beat").hint(
                    "name --baseline TABLE for score tables, or --task FOLDER to judge prompts on its sealed rows",
                ));
            }
        };
        self.tell(&judgement, &unsealed)
    }

    fn tables(&self, baseline: &Path) -> Result<(Judgement, Vec<Heard>), Failure> {
        let table = |path: &Path| match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("jsonl" | "ndjson" | "csv") => Ok(Table::open(path)?),
            _ => Err(Failure::new(Exit::Usage, format!("{} is no score table", path.display()))
                .hint("score tables end in .jsonl or .csv; artifacts and prompt files need --task FOLDER")),
        };
        let baseline = table(baseline)?;
        let candidates = self.candidates.iter().map(|path| table(path)).collect::<Result<Vec<_>, _>>()?;
        let mut paired = Paired::new(&baseline, &candidates)?;
        let finalist = |table: &Table| Finalist {
            name: table.name().to_owned(),
            id: digest(table.name()),
            reading: Reading::default(),
        };
        let finalists: Vec<_> = candidates.iter().map(finalist).collect();
        let (sealed, mut scores) = paired.parts();
        let judge = self.judge(self.policy(None), Demands::default(), digest("score tables"));
        let ledger = &mut MemoryLedger::default();
        let judgement = judge.judge(sealed, &finalists, &mut scores, ledger)?;
        let unsealed = self.unsealed(&judgement, ledger)?;
        Ok((judgement, unsealed))
    }

    fn prompts(&self, path: &Path) -> Result<(Judgement, Vec<Heard>), Failure> {
        let task = Task::load(path)?;
        let laid = |path: &Path| laid(&task.program, path);
        let written = || Ok((overlay(&task.program), vec![task.program.clone()]));
        let (baseline, _) = self.baseline.as_deref().map_or_else(written, laid)?;
        let before = task.program.apply(&baseline);
        let before = before.map_err(|error| Failure::new(Exit::Invalid, error.to_string()))?;
        let candidates = self.candidates.iter().map(|path| Ok((path, laid(path)?)));
        let candidates = candidates.collect::<Result<Vec<_>, Failure>>()?;
        let (splits, _) = Splits::load(&task)?;
        let visible: Vec<_> = splits.train.examples().iter().chain(splits.val.examples()).collect();
        let finalist = |(path, (candidate, members)): &(&PathBuf, Laid)| Finalist {
            name: path.display().to_string(),
            id: candidate.id().0,
            reading: Reading::of_each(&before, members, &visible),
        };
        let finalists: Vec<_> = candidates.iter().map(finalist).collect();
        let runtime = artifacts::runtime()?;
        let store = opening::store(&Workplace::of(path).calls())?;
        let (crew, cancel) = opening::crew(&task, &store, runtime.handle(), &self.common)?;
        cancel.on_ctrl_c(runtime.handle());

        let run = digest(&("gate", baseline.id(), self.seed)).short();
        let mut engine = Engine::new(crew, &task.program, [], (store.clone(), run.clone(), 0));
        let context = digest(&(engine.context(), baseline.id()));
        let judge = self.judge(self.policy(task.gate.policy), task.gate.demands, context);
        let candidates = candidates.into_iter().map(|(_, (candidate, _))| candidate).collect();
        let mut stand = Stand::new(&mut engine, baseline, candidates);
        let ledger = &mut StoredLedger::new(&store, &run);
        let judgement = judge.judge(&splits.gate, &finalists, &mut stand, ledger)?;
        let unsealed = self.unsealed(&judgement, ledger)?;
        Ok((judgement, unsealed))
    }

    /// Everything that was measured, if that was asked for.
    fn unsealed(&self, judgement: &Judgement, ledger: &mut dyn Ledger) -> Result<Vec<Heard>, Failure> {
        if !self.unseal {
            return Ok(vec![]);
        }
        Ok(judgement.unseal(ledger).map_err(GateError::from)?.to_vec())
    }

    fn policy(&self, of_task: Option<Policy>) -> Policy {
        match self.policy {
            Some(PolicyArg::Strict) => Policy::Strict,
            Some(PolicyArg::Balanced) => Policy::Balanced,
            Some(PolicyArg::Noninferior) => Policy::Noninferior,
            None => of_task.unwrap_or_default(),
        }
    }

    fn judge(&self, policy: Policy, of_task: Demands, context: Digest) -> Judge {
        let demands = Demands { target: self.target.or(of_task.target), ..of_task };
        Judge { policy, demands, context, seed: self.seed, evidence: Evidence::default() }
    }

    fn tell(&self, judgement: &Judgement, unsealed: &[Heard]) -> Result<Exit, Failure> {
        let (verdict, shown) = (judgement.verdict(), judgement.shown());
        if self.common.json {
            let mut document = json!({
                "verdict": word(&verdict), "alpha": judgement.look().alpha, "look": judgement.look().t,
                "candidates": shown.iter().map(candidate).collect::<Vec<_>>(),
            });
            if self.unseal {
                document["unsealed"] = json!(unsealed);
            }
            screen::document(&document)?;
        } else {
            for shown in &shown {
                let lead = match (shown.lead, shown.lower95) {
                    (Some(lead), Some(lower)) => {
                        format!(
                            ", lead {} points, at least {} (95 %)",
                            screen::points(lead),
                            screen::points(lower)
                        )
                    }
                    (Some(lead), None) => format!(", lead about {} points", screen::points(lead)),
                    _ => String::new(),
                };
                let p = shown.p.map(|p| format!(", p = {p:.2e}")).unwrap_or_default();
                screen::line(&format!("{}: {}{lead}{p}", shown.finalist.name, word(&shown.verdict)))?;
                screen::line(&format!("  {}", shown.sentence))?;
                if let Some(rate) = &shown.target {
                    screen::line(&format!("  {}", rate.sentence()))?;
                }
                for line in shown.read.iter().flat_map(Read::told) {
                    screen::line(&format!("  read: {line}"))?;
                }
            }
            for look in unsealed.iter().flat_map(|heard| &heard.looks) {
                screen::line(&unsealed_line(look))?;
            }
            if !self.common.quiet {
                let look = judgement.look();
                let percent = 100.0 * look.alpha;
                say(&format!(
                    "question {} at these rows: a prompt that is no better passes with a chance of at most {percent:.2} %",
                    look.t
                ));
            }
        }
        Ok(match verdict {
            Verdict::Accept => Exit::Ok,
            Verdict::Reject { .. } => Exit::Rejected,
            Verdict::Inconclusive { .. } => Exit::Inconclusive,
        })
    }
}

/// One look at sealed rows, in full.
fn unsealed_line(look: &LookRecord) -> String {
    let worst = look.slices.iter().min_by(|a, b| a.p_harm.total_cmp(&b.p_harm));
    let worst = worst.map(|slice| format!(", weakest {} ({})", slice.name, screen::points(slice.estimate)));
    format!(
        "  unsealed: {} seeds, lead {} points (standard error {}), p = {:.2e} against {:.2e}{}",
        look.seeds,
        screen::points(look.lead),
        screen::points(look.lead_se),
        look.p,
        look.level,
        worst.unwrap_or_default()
    )
}

/// Reads a target.
pub(crate) fn target(text: &str) -> Result<f64, String> {
    let (least, most) = Demands::TARGETS;
    let share = text.parse().ok().filter(|share| (least..=most).contains(share));
    share.ok_or_else(|| format!("a target is a share from {least} to {most}, such as 0.90"))
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "accept",
        Verdict::Reject { .. } => "reject",
        Verdict::Inconclusive { .. } => "inconclusive",
    }
}

/// A candidate as JSON documents tell of it.
pub(crate) fn candidate(shown: &Shown) -> serde_json::Value {
    let (kind, needed) = match &shown.verdict {
        Verdict::Accept => (None, None),
        Verdict::Reject { kind } => (Some(kind.name()), None),
        Verdict::Inconclusive { kind, n_needed } => (Some(kind.name()), Some(*n_needed)),
    };
    json!({
        "name": shown.finalist.name, "id": shown.finalist.id, "verdict": word(&shown.verdict), "kind": kind,
        "p": shown.p, "lead": {"estimate": shown.lead, "lower95": shown.lower95}, "n_needed": needed,
        "target": shown.target, "read": shown.read,
    })
}

/// A candidate over the task's program, with that program for each of its members.
type Laid = (Candidate, Vec<Program>);

/// What a file stands for: all that an artifact says, or the task with another instruction.
fn laid(program: &Program, path: &Path) -> Result<Laid, Failure> {
    let invalid = |message: String| Failure::new(Exit::Invalid, message);
    if path.extension().is_some_and(|suffix| suffix == "json") {
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
            "artifacts end in .json, instructions in .txt or .md; score tables are judged without --task",
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
    let instruction = ParamPath::new(&module.name, Slot::Instruction);
    let candidate = Candidate::baseline().with(instruction, Param::Instruction(text.trim().to_owned()));
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

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        Self::new(Exit::Invalid, error.to_string())
    }
}

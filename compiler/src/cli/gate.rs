//! `proofmark gate`: judge any candidates against any baseline: score tables of other tools, artifacts, prompt files, or saved
//! states of DSPy programs (`dspy`).
//!
//! Score tables are judged as they are. Artifacts and prompt files are answered on the sealed rows of a task, with the
//! task's model, metric and ledger. `prompts` does the latter, `more` goes on with a trial that was left undecided.

mod dspy;
mod more;
mod prompts;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use proofmark_runtime::{Digest, digest, stamp::AskedBy};
use serde_json::json;

use super::{Common, Failure, say, screen};
use crate::{
    engine::GateError,
    exit::Exit,
    gate::{
        Demands, Disclosed, Evidence, Finalist, Gate as Judge, Judgement, Kind, Ledger, LookRecord,
        MemoryLedger, Policy, Read, Reading, Subject, TrialResult, Verdict,
        table::{Format, Paired, Table, TableError},
    },
};

/// Judge candidates against a baseline.
#[derive(Debug, Args)]
pub(crate) struct Gate {
    /// What is to be beaten: a score table (.jsonl, .csv), an artifact or a DSPy state (.json), or an instruction (.txt, .md)
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
    /// Go on with a trial that ended INCONCLUSIVE: labelled rows that the task does not have. Repeated for further files, in order
    #[arg(long, value_name = "ROWS", requires = "task")]
    more: Vec<PathBuf>,
    /// Write the accepted prompt to this file, as an artifact with its stamp
    #[arg(long, value_name = "ARTIFACT", requires = "task")]
    out: Option<PathBuf>,
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
            (Some(task), _) if self.more.is_empty() => self.prompts(task)?,
            (Some(task), _) => self.go_on(task)?,
            (None, Some(baseline)) => self.tables(baseline)?,
            (None, None) => {
                return Err(Failure::new(Exit::Usage, "there is nothing to beat").hint(
                    "name --baseline TABLE for score tables, or --task FOLDER to judge prompts on its sealed rows",
                ));
            }
        };
        self.tell(&judgement, &unsealed)
    }

    fn tables(&self, baseline: &Path) -> Result<(Judgement, Vec<TrialResult>), Failure> {
        let table = |path: &Path| match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("jsonl" | "ndjson" | "csv") => read_table(path),
            _ => Err(Failure::new(Exit::Usage, format!("{} is no score table", path.display()))
                .hint("score tables end in .jsonl or .csv; artifacts and prompt files need --task FOLDER")),
        };
        let baseline = table(baseline)?;
        let candidates = self.candidates.iter().map(|path| table(path)).collect::<Result<Vec<_>, _>>()?;
        let mut paired = Paired::new(&baseline, &candidates)?;
        if !paired.has_clean_rows() {
            if self.target.is_some() {
                return Err(Failure::new(
                    Exit::Invalid,
                    "no row of the tables is `clean`, and a target is held on those",
                )
                .hint("leave out `variant` for rows as they are, or leave out --target"));
            }
            if !self.common.quiet {
                say("no row of the tables is `clean`, so nothing is said about rows as they are");
            }
        }
        let finalist = |table: &Table| Finalist {
            name: table.name().to_owned(),
            id: table.fingerprint(),
            reading: Reading::default(),
        };
        let finalists: Vec<_> = candidates.iter().map(finalist).collect();
        let (sealed, mut scores) = paired.parts();
        let subject = Subject { baseline: baseline.fingerprint(), task: None, asked: AskedBy::Table };
        let judge = self.judge(self.policy(None), Demands::default(), digest("score tables"), subject);
        let ledger = &mut MemoryLedger::default();
        let judgement = judge.judge(sealed, &finalists, &mut scores, ledger)?;
        let unsealed = self.unsealed(&judgement, ledger)?;
        Ok((judgement, unsealed))
    }

    /// Everything that was measured, if that was asked for.
    fn unsealed(&self, judgement: &Judgement, ledger: &mut dyn Ledger) -> Result<Vec<TrialResult>, Failure> {
        if !self.unseal {
            return Ok(vec![]);
        }
        Ok(judgement.unseal(ledger).map_err(GateError::Ledger)?.to_vec())
    }

    fn policy(&self, of_task: Option<Policy>) -> Policy {
        match self.policy {
            Some(PolicyArg::Strict) => Policy::Strict,
            Some(PolicyArg::Balanced) => Policy::Balanced,
            Some(PolicyArg::Noninferior) => Policy::Noninferior,
            None => of_task.unwrap_or_default(),
        }
    }

    fn judge(&self, policy: Policy, of_task: Demands, context: Digest, subject: Subject) -> Judge {
        let demands = Demands { target: self.target.or(of_task.target), ..of_task };
        Judge { policy, demands, context, seed: self.seed, evidence: Evidence::default(), subject }
    }

    fn tell(&self, judgement: &Judgement, unsealed: &[TrialResult]) -> Result<Exit, Failure> {
        let (verdict, shown) = (judgement.verdict(), judgement.disclosed());
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
                let lead = match (shown.gain, shown.lower95) {
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
                let (worthless, chance) = (judgement.policy().worthless(), screen::chance(look.alpha));
                say(&match self.task {
                    Some(_) => format!(
                        "question {} at these rows: a prompt {worthless} passes with a chance of at most {chance}",
                        look.t
                    ),
                    None => format!(
                        "a prompt {worthless} passes with a chance of at most {chance}, if this is the first question to these \
                         rows and nobody tuned to them: tables of scores have no ledger"
                    ),
                });
            }
        }
        let undecided = matches!(verdict, Verdict::Inconclusive { .. });
        if undecided && self.task.is_some() && !self.unseal && !self.common.quiet {
            let flag = if self.more.is_empty() { "--more ROWS" } else { "one more --more ROWS" };
            say(&format!(
                "it goes on, at no new price for these rows, when more rows are labelled: the same command with {flag}"
            ));
        }
        Ok(match verdict {
            Verdict::Accept => Exit::Ok,
            Verdict::Reject { .. } => Exit::Rejected,
            Verdict::Inconclusive { .. } => Exit::Inconclusive,
        })
    }
}

/// Reads a score table: CSV by its suffix, otherwise JSON lines.
fn read_table(path: &Path) -> Result<Table, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let is_csv = path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("csv"));
    let format = if is_csv { Format::Csv } else { Format::JsonLines };
    Ok(Table::parse(&path.display().to_string(), &text, format)?)
}

/// One look at sealed rows, in full.
fn unsealed_line(look: &LookRecord) -> String {
    let worst = look.slices.iter().min_by(|a, b| a.p_harm.total_cmp(&b.p_harm));
    let worst = worst.map(|slice| format!(", weakest {} ({})", slice.name, screen::points(slice.estimate)));
    format!(
        "  unsealed: {} seeds, lead {} points (standard error {}), p = {:.2e} against {:.2e}{}",
        look.units,
        screen::points(look.gain),
        screen::points(look.gain_se),
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
pub(crate) fn candidate(shown: &Disclosed) -> serde_json::Value {
    let (kind, needed) = match &shown.verdict {
        Verdict::Accept => (None, None),
        Verdict::Reject { kind } => (Some(kind), None),
        Verdict::Inconclusive { kind, n_needed } => (Some(kind), Some(*n_needed)),
    };
    json!({
        "name": shown.finalist.name, "id": shown.finalist.id, "verdict": word(&shown.verdict),
        "kind": kind.map(Kind::name), "about": kind.and_then(Kind::subject),
        "p": shown.p, "lead": {"estimate": shown.gain, "lower95": shown.lower95}, "n_needed": needed,
        "target": shown.target, "read": shown.read,
    })
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        Self::new(Exit::Invalid, error.to_string())
    }
}

//! `proofmark check TASK`: everything that can be known without a call.

use clap::Args;
use proofmark_runtime::store::Store;
use serde_json::json;

use super::{Common, Failure, TaskArg, compile, screen};
use crate::{
    data::{Counts, SplitReport, Splits},
    exit::Exit,
    gate::{
        GateError, Ledger,
        ledger::next_price,
        policy::{CLAIM_ALPHA, LEAST_SEEDS},
        statistics::power,
    },
    ledger::StoredLedger,
    task::Task,
    workplace::Workplace,
};

/// The discordance assumed where nothing was measured: the share of rows on which exactly one of two prompts is right.
const ASSUMED_DISCORDANCE: f64 = 0.20;
/// The correlation assumed among the variants of one row.
const ASSUMED_ICC: f64 = 0.45;
/// Below this level a question costs twice the rows of the first one (gate.md, section 1).
const TOO_STRICT: f64 = 0.005;
/// The chance wanted of showing a lead that is there.
const POWER: f64 = 0.80;

/// Check a task without a call.
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    task: TaskArg,
    #[command(flatten)]
    common: Common,
}

impl Check {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let task = Task::load(&self.task.task)?;
        compile::find(&task.optimizer.name)?;
        let (splits, report) = Splits::load(&task)?;
        let visible = (splits.train.len(), splits.val.len());
        let sealed = splits.gate;
        let pairs = power::effective_pairs(sealed.seeds(), task.gate.variants, ASSUMED_ICC);
        let detectable = power::detectable(pairs, ASSUMED_DISCORDANCE, CLAIM_ALPHA, POWER);
        let per_record = task.program.calls_per_record();
        let gate_calls = sealed.calls() * per_record;
        let place = Workplace::of(&self.task.task);
        let taken = match place.calls().exists() {
            true => StoredLedger::new(&Store::open(place.calls())?, "check").looks(sealed.holdout()),
            false => Ok(vec![]),
        };
        let taken = taken.map_err(GateError::from)?;
        let (looks, spoiled) = (taken.len(), taken.iter().any(|look| look.unsealed));
        let alpha = task.gate.policy.unwrap_or_default().alpha();
        let next = (!spoiled).then(|| next_price(alpha, &taken));
        if self.common.json {
            return screen::document(&json!({
                "task": task.name, "rows": report.rows, "splits": report, "seeds": sealed.seeds(),
                "detectable_lead": detectable, "assumed": {"discordance": ASSUMED_DISCORDANCE, "icc": ASSUMED_ICC},
                "calls": {"search": task.optimizer.budget.calls, "gate_per_prompt": gate_calls},
                "looks_taken": looks, "next_alpha": next,
                "slices": sealed.slices().collect::<std::collections::BTreeMap<_, _>>(),
            }));
        }
        let line = |text: String| screen::line(&text);
        line(format!("{}: {}", task.name, told(&report)))?;
        findings(&report)?;
        line(format!(
            "gate      {} seeds, {} rows with their perturbed variants",
            sealed.seeds(),
            sealed.calls()
        ))?;
        line(if sealed.seeds() < LEAST_SEEDS {
            format!("claim     none possible: at least {LEAST_SEEDS} seeds are needed")
        } else {
            format!(
                "claim     a lead of {} points would be shown four times out of five (assumed: prompts differ on {} of rows)",
                screen::points(detectable),
                screen::percent(ASSUMED_DISCORDANCE)
            )
        })?;
        line(match next {
            Some(next) => format!(
                "looks     these sealed rows were asked {looks} times; the next question is tested at {next:.4}{}",
                if next < TOO_STRICT { ": fresh rows would show more" } else { "" }
            ),
            None => "looks     details of these sealed rows were shown, so they prove nothing any more: use fresh rows".into(),
        })?;
        line(format!(
            "cost      at most {} calls for the search ({} train and {} val rows), at most {gate_calls} for each prompt at the gate",
            task.optimizer.budget.calls, visible.0, visible.1
        ))?;
        line(format!("model     {}", task.model.name))?;
        Ok(Exit::Ok)
    }
}

/// The split in one line.
pub(crate) fn told(report: &SplitReport) -> String {
    let Counts { train, val, gate } = report.rows;
    let joined = report.duplicates.count + report.near_duplicates.count;
    let joined = if joined == 0 {
        String::new()
    } else {
        format!("; {joined} pairs of near-duplicates kept together")
    };
    format!("{train} rows to learn from, {val} to rank on, {gate} sealed{joined}")
}

fn findings(report: &SplitReport) -> Result<(), Failure> {
    for contradiction in &report.contradictions {
        let rows: Vec<_> =
            contradiction.rows.iter().map(|(place, label)| format!("{place} says {label}")).collect();
        screen::line(&format!("warning   the same text has different labels: {}", rows.join(", ")))?;
    }
    for moved in &report.moved_out {
        screen::line(&format!(
            "warning   {} is left out: nearly the same as {}",
            moved.place, moved.because_of
        ))?;
    }
    for output in &report.unlabelled {
        screen::line(&format!("warning   no row labels `{output}`, so it is not judged"))?;
    }
    Ok(())
}

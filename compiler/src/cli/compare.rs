//! `proofmark compare TASK`: optimizers against each other at equal budget, honestly scored.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use proofmark_optimizers::{ALL, Optimizer};
use proofmark_runtime::{digest, model::Model, store::RunState};
use serde_json::{Value as Json, json};

use super::{
    Common, Failure, TaskArg, compile, say,
    screen::{self, percent, points},
    session::{Closed, TaskSession, command_line},
};
use crate::{
    compare::{Comparison, Setting, Trial, compare},
    data::rehearsal::Stage,
    engine::Backend,
    exit::Exit,
    gate::Verdict,
    report::{self, comparison::ComparisonPage},
    task::Task,
};

/// Compare optimizers at equal budget on rows that none of them saw.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    #[command(flatten)]
    task: TaskArg,
    /// Optimizers to compare, separated by commas; all if left out
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    optimizers: Vec<String>,
    /// Searches per optimizer, each on another split of the visible rows
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Calls that each search may spend, instead of the task's budget
    #[arg(long, value_name = "N")]
    budget_calls: Option<u64>,
    /// Flip coins for scores: nothing is to be found, and every claim above 50 % is a phantom
    #[arg(long)]
    phantom: bool,
    #[command(flatten)]
    common: Common,
}

/// The files of a comparison.
struct Files {
    page: PathBuf,
    csv: PathBuf,
    json: PathBuf,
}

impl Compare {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let begun = Instant::now();
        let mut task = Task::load(&self.task.task)?;
        if let Some(calls) = self.budget_calls {
            task.optimizer.budget.calls = calls;
        }
        let optimizers = self.optimizers()?;
        let stage = Stage::load(&task)?;
        let rehearsals =
            (1..=self.seeds).map(|number| stage.rehearsal(number)).collect::<Result<Vec<_>, _>>()?;
        if !self.common.quiet
            && let Some(first) = rehearsals.first()
        {
            say(&format!(
                "{}: {} rows to learn from, {} to rank on, {} to compare on for each of {} seeds; sealed rows stay sealed",
                task.name,
                first.train.len(),
                first.val.len(),
                first.held.len(),
                self.seeds
            ));
        }
        let visible: Vec<_> = rehearsals.iter().flat_map(|rehearsal| rehearsal.train.examples()).collect();
        let session = TaskSession::open(&task, &self.task.task, &task.program, &visible, &self.common)?;
        // Nothing is put before a gate with guards here, so none is asked.
        let session = session.without_guards();
        let id = self.id(&task, &optimizers, session.backend());
        let run = session.begin(&task, &id, 1)?;
        let command = command_line();
        let budget = task.optimizer.budget.calls;
        let setting = Setting { task: &task, optimizers, budget, phantom: self.phantom, run: &id };
        let comparison = run.watch(compare(&setting, &rehearsals, session.backend(), session.store()))?;
        let calls = session.backend().calls();
        let Closed { place, .. } = session.close();
        let mut document = document(&comparison);
        document["task"] = json!(task.name);
        document["phantom"] = json!(self.phantom);
        document["seeds"] = json!(self.seeds);
        document["budget_calls"] = json!(budget);
        let page = ComparisonPage::new(&comparison, (&task.name, &command), (budget, self.phantom));
        let page =
            report::comparison(&page).map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
        let files = write(&place.run(&id), [&page, &csv(&comparison)?, &format!("{document:#}\n")])?;
        let best = comparison.table.lines.first();
        let summary =
            best.map(|line| format!("best {}, lead {} points", line.name, points(line.lead.estimate)));
        run.end(RunState::Done, &summary.unwrap_or_default())?;
        if self.common.json {
            document["page"] = json!(files.page);
            document["csv"] = json!(files.csv);
            document["calls"] = json!({"made": calls.made, "replayed": calls.replayed});
            document["seconds"] = json!(begun.elapsed().as_secs_f64());
            return screen::document(&document);
        }
        self.tell(&comparison)?;
        if !self.common.quiet {
            say("");
            say(&format!(
                "  {} calls made, {} replayed, {:.0} s",
                calls.made,
                calls.replayed,
                begun.elapsed().as_secs_f64()
            ));
            for (name, path) in [("page", &files.page), ("csv", &files.csv), ("json", &files.json)] {
                say(&format!("  {name:<8} {}", path.display()));
            }
        }
        Ok(Exit::Ok)
    }

    fn optimizers(&self) -> Result<Vec<&'static dyn Optimizer>, Failure> {
        let mut found: Vec<&'static dyn Optimizer> = Vec::new();
        for name in &self.optimizers {
            let optimizer = compile::find(name)?;
            if found.iter().any(|other| other.name() == optimizer.name()) {
                return Err(Failure::new(Exit::Usage, format!("`{name}` is named twice in --optimizers")));
            }
            found.push(optimizer);
        }
        Ok(if found.is_empty() { ALL.to_vec() } else { found })
    }

    /// The name of the run: the same inputs give the same name.
    fn id(&self, task: &Task, optimizers: &[&dyn Optimizer], backend: &Backend) -> String {
        let names: Vec<_> = optimizers.iter().map(|optimizer| optimizer.name()).collect();
        let inputs = (&task.text, backend.model.identity(), &backend.sampling, task.optimizer.budget.calls);
        digest(&("compare", inputs, names, self.seeds, self.phantom)).short()
    }

    fn tell(&self, comparison: &Comparison) -> Result<(), Failure> {
        let table = &comparison.table;
        let width = table.lines.iter().map(|line| line.name.len()).max().unwrap_or(0).max("optimizer".len());
        screen::line(&format!(
            "{:<width$}  {:>7}  {:>7}  {:>8}  {:>6}  {:>16}  {:>6}  {:>9}  {:>6}  {:>7}",
            "optimizer",
            "claimed",
            "honest",
            "optimism",
            "lead",
            "between",
            "spread",
            "acc/rej/?",
            "calls",
            "seconds"
        ))?;
        for line in &table.lines {
            let between = format!("{} and {}", points(line.lead.lower95), points(line.lead.upper95));
            let verdicts = format!("{}/{}/{}", line.accepted, line.rejected, line.inconclusive);
            screen::line(&format!(
                "{:<width$}  {:>7}  {:>7}  {:>8}  {:>6}  {between:>16}  {:>6}  {verdicts:>9}  {:>6.0}  {:>7.0}",
                line.name,
                percent(line.claimed),
                percent(line.honest),
                points(line.optimism),
                points(line.lead.estimate),
                format!("{:.1}", 100.0 * line.spread),
                line.calls,
                line.seconds
            ))?;
        }
        if !self.common.quiet {
            say("");
            say(&format!(
                "  The task as written scores {}. claimed: on the rows of the search; honest: on {} groups of rows that it",
                percent(table.baseline),
                table.groups
            ));
            say(
                "  did not see; optimism: the difference; lead: over the task as written, in points, with intervals that all hold",
            );
            say(
                "  together with 95 % confidence; spread: of the lead over seeds; acc/rej/?: what the gate says of each seed's prompt.",
            );
            for line in table.lines.iter().filter(|line| line.votes > 1.0) {
                say(&format!(
                    "  {}: a row takes {:.1} times the calls with what it found, where several prompts vote.",
                    line.name, line.votes
                ));
            }
            if self.phantom {
                say("  Scores were coin flips: whatever is claimed above 50 % is a phantom.");
            }
        }
        Ok(())
    }
}

fn document(comparison: &Comparison) -> Json {
    let trials = comparison.trials.iter().map(|trial| {
        json!({
            "optimizer": trial.optimizer, "seed": trial.seed, "found": trial.found, "votes": trial.votes, "claimed": trial.claimed,
            "honest": trial.honest, "baseline": trial.baseline, "verdict": verdict(trial),
            "calls": {
                "task": trial.spent.task, "proposer": trial.spent.proposer,
            },
            "tokens": {"input": trial.spent.usage.input, "output": trial.spent.usage.output},
            "seconds": trial.time.as_secs_f64(), "curve": trial.curve,
        })
    });
    json!({
        "baseline": comparison.table.baseline,
        "groups": comparison.table.groups,
        "optimizers": comparison.table.lines,
        "trials": trials.collect::<Vec<_>>(),
    })
}

/// One line per search.
fn csv(comparison: &Comparison) -> Result<String, Failure> {
    let broken = |error: String| Failure::new(Exit::Internal, format!("cannot write the table: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = [
        "optimizer",
        "seed",
        "claimed",
        "honest",
        "baseline",
        "verdict",
        "calls",
        "tokens",
        "seconds",
        "votes",
        "found",
    ];
    writer.write_record(head).map_err(|error| broken(error.to_string()))?;
    for trial in &comparison.trials {
        let usage = trial.spent.usage;
        let record = [
            trial.optimizer.to_owned(),
            trial.seed.to_string(),
            trial.claimed.to_string(),
            trial.honest.to_string(),
            trial.baseline.to_string(),
            verdict(trial).to_owned(),
            (trial.spent.task + trial.spent.proposer).to_string(),
            (usage.input + usage.output).to_string(),
            format!("{:.1}", trial.time.as_secs_f64()),
            trial.votes.to_string(),
            trial.found.clone(),
        ];
        writer.write_record(&record).map_err(|error| broken(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| broken(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| broken(error.to_string()))
}

fn verdict(trial: &Trial) -> &'static str {
    match &trial.verdict {
        None => "nothing_found",
        Some(Verdict::Accept) => "accept",
        Some(Verdict::Reject { kind }) => kind.name(),
        Some(Verdict::Inconclusive { .. }) => "inconclusive",
    }
}

fn write(folder: &Path, [page, csv, json]: [&str; 3]) -> Result<Files, Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::unwritable(folder, &error))?;
    let at = |name: &str| folder.join(name);
    let files = Files { page: at("comparison.html"), csv: at("comparison.csv"), json: at("comparison.json") };
    for (path, text) in [(&files.page, page), (&files.csv, csv), (&files.json, json)] {
        fs::write(path, text).map_err(|error| Failure::unwritable(path, &error))?;
    }
    Ok(files)
}

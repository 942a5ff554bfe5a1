//! `proofmark attack TASK --rewrite`: a model rewrites rows, others vouch, and what is kept is written into a file.
//!
//! **Invariant:** nothing that was written of a row is shown, because the row may be a sealed one; numbers are.

use std::{cell::Cell, collections::BTreeMap, path::Path, sync::Arc};

use proofmark_optimizers::Stop;
use proofmark_runtime::{
    Record, Run,
    run::{RunError, Runner},
};
use serde_json::json;

use super::{
    super::{
        Failure, say, screen,
        session::{self, Session},
    },
    Attack,
};
use crate::{
    attack::rewrite::{
        self, DropReason, RewriteError, RewriteJob, RewriteLine, RewriteModel, RewriteOutcome,
        RewriteService, Rewriting, Rewritings, RewritingsError, RunBatch,
    },
    data::{DataError, rewritable_rows},
    engine::pool::Pool,
    exit::Exit,
    task::{RewriterConfig, Task},
    watch::Calls,
    workplace::Workplace,
};

/// What became of the rows in one way of rewriting.
#[derive(Default, serde::Serialize)]
struct Count {
    kept: usize,
    dropped: BTreeMap<DropReason, usize>,
}

impl Attack {
    /// Has rows rewritten.
    pub(super) fn rewrite(&self, task: &Task) -> Result<Exit, Failure> {
        let config = task.rewriter.as_ref().ok_or_else(|| {
            Failure::new(Exit::Usage, "the task names no model that rewrites rows").hint(
                "[rewriter] with name = \"provider/model\" and, if you like, families = [\"paraphrase\", \"formal\"] \
                 in task.toml",
            )
        })?;
        let ways = self.ways(config)?;
        let verifier = config.verifier.as_ref().unwrap_or(&config.model);
        if verifier.name == task.model.name {
            return Err(Failure::new(
                Exit::Invalid,
                format!("{} is judged here, so it cannot vote on what it is judged on", verifier.name),
            )
            .hint(
                "name another model in [rewriter.verifier]: rows that the judged model gets right favour prompts that \
                 are like the voters' own",
            ));
        }
        // A file that cannot be read is told before a call is paid.
        let old = Rewritings::open(&config.file, &task.program).map_err(DataError::from)?;
        let rows = rewritable_rows(task)?;
        let job = RewriteJob { program: &task.program, seed: task.data.seed, config, rows: &rows, ways };
        let count = self.budget_calls.map_or(rows.targets.len(), |budget| job.affordable(budget));
        if count == 0 {
            let least = job.price(1);
            return Err(Failure::new(Exit::Budget, format!("one row alone may take {least} calls")));
        }
        if !self.common.quiet {
            let writer = &config.model.name;
            say(&format!(
                "{count} of {} rows in {} ways: at most {} calls, written by {writer}, voted on by {}",
                rows.targets.len(),
                job.ways.len(),
                job.price(count),
                verifier.name
            ));
        }
        let (written, calls) = self.run_job(&job, count)?;
        let told = counted(&written.lines);
        let gone = rewrite::save(&job, old, written.lines)
            .map_err(|error| Failure::unwritable(&config.file, &error))?;
        if self.common.json {
            return screen::document(&json!({
                "file": config.file, "rows": written.rows, "of": rows.targets.len(), "families": told,
                "questions": written.asked, "calls": {"made": calls.made, "replayed": calls.replayed},
                "verifier_knows": written.known, "stale_lines_taken_out": gone,
            }));
        }
        lines(&told, (written.known, calls, gone), &config.file, &task.folder)
            .iter()
            .try_for_each(|line| screen::line(line))?;
        Ok(Exit::Ok)
    }

    /// The ways that are asked for: those of the task, or the one that is named.
    fn ways(&self, config: &RewriterConfig) -> Result<Vec<&'static Rewriting>, Failure> {
        let wanted =
            config.families.iter().filter(|name| self.family.as_ref().is_none_or(|only| only == *name));
        let ways: Vec<_> = wanted.filter_map(|name| rewrite::find(name)).collect();
        if ways.is_empty() {
            let named = self.family.as_deref().unwrap_or_default();
            let known = config.families.join(", ");
            return Err(Failure::new(Exit::Usage, format!("[rewriter] families does not name `{named}`"))
                .hint(format!("it names {known}; there are {}", rewrite::names().join(", "))));
        }
        Ok(ways)
    }

    /// Opens the models and has them write and vote.
    fn run_job(&self, job: &RewriteJob<'_>, rows: usize) -> Result<(RewriteOutcome, Calls), Failure> {
        let session = Session::open(&self.common)?;
        let store = session::store(&Workplace::of(&self.task.task))?;
        let config = job.config;
        let (writer, parallel) = session.stored(&config.model, &store)?;
        let writer = RewriteModel { model: writer, max_tokens: config.model.max_tokens };
        let verifier = match &config.verifier {
            Some(other) => {
                RewriteModel { model: session.stored(other, &store)?.0, max_tokens: other.max_tokens }
            }
            None => RewriteModel { model: Arc::clone(&writer.model), max_tokens: writer.max_tokens },
        };
        let pool = session.pool(parallel);
        let service =
            RewriteService { writer, verifier, calls: &pool, watch: session.watcher(), asked: Cell::new(0) };
        let written = job.run(rows, &service)?;
        Ok((written, service.calls()))
    }
}

fn counted(lines: &[RewriteLine]) -> BTreeMap<&'static str, Count> {
    let mut told: BTreeMap<&'static str, Count> = BTreeMap::new();
    for line in lines {
        let Some(way) = rewrite::find(&line.family) else { continue };
        let count = told.entry(way.name).or_default();
        match line.dropped {
            None => count.kept += 1,
            Some(why) => *count.dropped.entry(why).or_default() += 1,
        }
    }
    told
}

/// One screen.
fn lines(
    told: &BTreeMap<&str, Count>,
    (known, calls, gone): (Option<f64>, Calls, usize),
    file: &Path,
    folder: &Path,
) -> Vec<String> {
    let mut lines = vec![format!("{:<12} {:>6} {:>8}  why", "family", "kept", "dropped")];
    for (name, Count { kept, dropped }) in told {
        let why = dropped.iter().map(|(why, rows)| format!("{rows} {}", why.phrase()));
        let why = why.collect::<Vec<_>>().join(", ");
        let line = format!("{name:<12} {kept:>6} {:>8}  {why}", dropped.values().sum::<usize>());
        lines.push(line.trim_end().to_owned());
    }
    if let Some(known) = known {
        let share = screen::percent(known);
        lines.push(format!(
            "the verifier gives the right answer to {share} of the rows as they are (mean over answers)"
        ));
    }
    lines.push(format!("{} calls made, {} answered from the store", calls.made, calls.replayed));
    if gone > 0 {
        lines.push(format!(
            "{gone} lines were taken out: their rows are not there any more, or are others now"
        ));
    }
    let program = screen::program();
    lines.push(format!("in {}; next: {program} check {}", file.display(), folder.display()));
    lines
}

impl RunBatch for Pool<'_> {
    fn run_batch(
        &self,
        batch: Vec<(Arc<Runner>, Record)>,
        done: &dyn Fn(),
    ) -> Result<Vec<Result<Run, RunError>>, Stop> {
        self.runs(batch.into_iter().map(|(runner, inputs)| (runner, inputs, 0)).collect(), done)
    }
}

impl From<RewriteError> for Failure {
    fn from(error: RewriteError) -> Self {
        match &error {
            RewriteError::Stopped(stop) => Self::from(stop),
            RewriteError::Nothing => Self::new(Exit::Invalid, error.to_string()),
            RewriteError::Ignorant { .. } | RewriteError::Fooled { .. } => {
                Self::new(Exit::Invalid, error.to_string())
                    .hint("name a better model in [rewriter.verifier]; nothing was rewritten yet")
            }
        }
    }
}

impl From<RewritingsError> for DataError {
    fn from(error: RewritingsError) -> Self {
        Self::Attack(error.into())
    }
}

//! The outcome of `compile`: its files, its JSON document, its last screen.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use proofmark_runtime::{Stamp, Verdict, artifact::ArtifactError};
use serde_json::{Value as Json, json};

use super::{
    Failure, gate, say,
    screen::{self, percent, points},
};
use crate::{
    compile::{Compiled, Tokens},
    exit::Exit,
    gate::{Certificate, LookRecord, PassRate, Reached, Read, Tally},
    prune::{Class, Pruning, Weighing},
    report::{self, data::ReportData},
    task::Task,
};

/// What `compile` tells about a run.
pub(crate) struct Outcome<'a> {
    task: &'a Task,
    compiled: &'a Compiled,
    time: Duration,
}

/// The files of a run.
pub(crate) struct Files {
    artifact: PathBuf,
    report: PathBuf,
}

/// Where a candidate is kept that was not decided.
fn candidate_file(artifact: &Path) -> PathBuf {
    artifact.with_file_name("candidate.json")
}

/// The verdict of a run; none if nothing was judged because the task asks for no judgement.
pub(crate) fn verdict(compiled: &Compiled) -> Option<Verdict> {
    match compiled.artifact.stamp() {
        Stamp::Accepted(_) => Some(Verdict::Accept),
        Stamp::Kept(kept) => Some(kept.verdict),
        Stamp::Unverified { .. } => None,
    }
}

impl<'a> Outcome<'a> {
    pub(crate) fn new(task: &'a Task, compiled: &'a Compiled, time: Duration) -> Self {
        Self { task, compiled, time }
    }

    /// Writes artifact, report and journal into the folder of the run.
    pub(crate) fn write(&self, folder: &Path) -> Result<Files, Failure> {
        fs::create_dir_all(folder).map_err(|error| Failure::unwritable(folder, &error))?;
        let files = Files { artifact: folder.join("artifact.json"), report: folder.join("report.html") };
        self.compiled.artifact.write(&files.artifact).map_err(|error| match error {
            ArtifactError::Io { path, error } => Failure::unwritable(&path, &error),
            error => Failure::from(error),
        })?;
        if self.is_undecided() {
            // What was not decided is not lost: it can be judged again when there are more rows.
            let tried = self.compiled.finalists.iter().map(|standing| standing.candidate.id()).collect();
            let candidate = self.compiled.artifact.with_undecided(self.compiled.best(), tried)?;
            candidate.write(&candidate_file(&files.artifact))?;
        }
        let html = report::html(&ReportData::of(self.compiled)?)
            .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
        let events = self.compiled.events.iter().filter_map(|event| serde_json::to_string(event).ok());
        let events: String = events.map(|event| event + "\n").collect();
        for (path, text) in [
            (&files.report, &html),
            (&folder.join("events.jsonl"), &events),
            (&folder.join("config.toml"), &self.task.text),
        ] {
            fs::write(path, text).map_err(|error| Failure::unwritable(path, &error))?;
        }
        Ok(files)
    }

    /// Whether the best that was found was neither accepted nor rejected.
    fn is_undecided(&self) -> bool {
        verdict(self.compiled) == Some(Verdict::Inconclusive) && !self.compiled.finalists.is_empty()
    }

    /// Calls that a row takes with the old prompt and with what is emitted.
    fn calls_per_row(&self) -> [usize; 2] {
        self.compiled.calls_per_row(&self.compiled.artifact.parts().candidate)
    }

    /// One line for `proofmark runs`.
    pub(crate) fn summary(&self) -> String {
        match self.compiled.artifact.stamp() {
            Stamp::Accepted(accepted) => {
                let lead = format!("accepted, lead at least {} points", points(accepted.lower95()));
                match self.target().map(|rate| rate.reached) {
                    Some(Reached::Met) => format!("{lead}, target met"),
                    Some(_) => format!("{lead}, target not shown"),
                    None => lead,
                }
            }
            Stamp::Kept(kept) => format!("{}: {}", word(kept.verdict), kept.kind),
            Stamp::Unverified { reason, .. } => format!("unverified: {reason}"),
        }
    }

    /// The pass rate of the accepted prompt against the target, if there is one.
    fn target(&self) -> Option<PassRate> {
        self.compiled.judgement.as_ref()?.certificate()?.record().target
    }

    /// The `--json` document.
    pub(crate) fn json(&self, files: &Files) -> Json {
        let Compiled { artifact, judgement, spent, tokens, calls, board, .. } = self.compiled;
        let shown = judgement.as_ref().map(|judgement| judgement.disclosed()).unwrap_or_default();
        let (kind, lead) = match artifact.stamp() {
            Stamp::Accepted(accepted) => (None, (Some(accepted.gain()), Some(accepted.lower95()))),
            Stamp::Kept(kept) => {
                let first = shown.first();
                (Some(&kept.kind), first.map_or((None, None), |first| (first.gain, first.lower95)))
            }
            Stamp::Unverified { .. } => (None, (None, None)),
        };
        let name = |verdict| match verdict {
            Verdict::Accept => "accept",
            Verdict::Reject => "reject",
            Verdict::Inconclusive => "inconclusive",
        };
        let [old, new] = self.calls_per_row();
        json!({
            "verdict": verdict(self.compiled).map_or("unverified", name),
            "kind": kind,
            "artifact": files.artifact,
            "report": files.report,
            "baseline": {"visible": board.mean(proofmark_runtime::Candidate::baseline().id())},
            "lead": {"estimate": lead.0, "lower95": lead.1},
            "target": self.target(),
            "audited": judgement.as_ref().and_then(|judgement| judgement.certificate()?.record().audited),
            "finalists": shown.iter().map(gate::candidate).collect::<Vec<_>>(),
            "calls": {
                "made": calls.made, "replayed": calls.replayed,
                "task": spent.task, "proposer": spent.proposer, "gate": spent.gate,
            },
            "calls_per_row": {"old": old, "new": new},
            "tokens": tokens.map(|tokens| json!({
                "old": tokens.old, "new": tokens.new, "spent": tokens.spent, "break_even": tokens.break_even(),
            })),
            "seconds": self.time.as_secs_f64(),
        })
    }

    /// The last screen: what was found, what was rejected and why, what it means, what to do next.
    pub(crate) fn tell(&self, files: &Files) {
        say("");
        match self.compiled.artifact.stamp() {
            Stamp::Accepted(_) => self.tell_accepted(),
            Stamp::Kept(_) => self.tell_kept(),
            Stamp::Unverified { reason, .. } => say(&format!("UNVERIFIED: {reason}.")),
        }
        let Compiled { calls, spent, .. } = self.compiled;
        say("");
        say(&format!(
            "  {} calls made, {} replayed ({} on visible rows, {} on sealed rows), {:.0} s",
            calls.made,
            calls.replayed,
            spent.task + spent.proposer,
            spent.gate,
            self.time.as_secs_f64()
        ));
        let (artifact, report) = (files.artifact.display(), files.report.display());
        say(&format!("  prompt   {artifact}"));
        say(&format!("  report   {report}"));
        let program = screen::program();
        if self.is_undecided() {
            let candidate = candidate_file(&files.artifact);
            say(&format!(
                "  found    {} (not decided; when there are more labelled rows, it goes on:",
                candidate.display()
            ));
            say(&format!(
                "           {program} gate --task TASK --candidate {} --more ROWS --out artifact.json)",
                candidate.display()
            ));
        }
        say(&format!("  next     {program} show {artifact} --diff"));
        if self.compiled.artifact.is_pending() {
            say(&format!("           {program} approve {artifact} --by NAME    (nobody can run it before)"));
        }
        if let Some(field) = self.task.program.inputs().first() {
            say(&format!("           {program} run {artifact} {}=\"...\"", field.name));
        }
    }

    fn tell_accepted(&self) {
        let certificate = self.compiled.judgement.as_ref().and_then(|judgement| judgement.certificate());
        let Some((certificate, look)) = certificate.and_then(|c| Some((c, c.look()?))) else { return };
        let record = certificate.record();
        say(&format!("ACCEPTED: {}", record.policy.proven().replacen("The", "the", 1)));
        if let Some(rate) = record.target {
            say(&rate.sentence());
        }
        say("");
        say(&format!("  found    {}", record.finalist.name));
        say(&format!(
            "  lead     at least {} points (95 %), observed {}",
            points(record.gain.lower),
            points(record.gain.estimate)
        ));
        if let Some((search, kept)) = record.search.and_then(|s| Some((s, s.kept(record.gain.estimate)?))) {
            say(&format!(
                "  kept     {} of its lead on visible rows: {} points, less {} that the best of many equal prompts has by luck",
                if kept > 1.0 { "all".to_owned() } else { percent(kept) },
                points(search.gain),
                points(search.luck).trim_start_matches('+')
            ));
        }
        let unit = if self.compiled.is_graded() { "mean score" } else { "right answers" };
        for (label, name, rows) in [
            ("attacked", "primary", "rewritten variants of sealed rows"),
            ("clean", "clean", "sealed rows as they are"),
        ] {
            if let Some(tally) = find(certificate, name) {
                let (old, new) = (percent(tally.baseline.mean), percent(tally.finalist.mean));
                say(&format!("  {label:<8} {unit}: old {old}, new {new}, on {} {rows}", tally.rows));
            }
        }
        if let Some(worst) = look.slices.iter().min_by(|a, b| a.shrunk.total_cmp(&b.shrunk)) {
            say(&format!(
                "  weakest  {}: about {} points ({} observed on {} sealed rows; the weakest of {} looks weaker than it is)",
                worst.name,
                points(worst.shrunk),
                points(worst.estimate),
                worst.units,
                look.slices.len()
            ));
        }
        for (name, guard) in look.guards().filter(|(name, _)| look.metrics.contains_key(*name)) {
            say(&format!(
                "  guarded  {name}: {} points, at least {} (80 %); it may lose {}",
                points(guard.bounded.estimate),
                points(guard.bounded.lower),
                points(guard.margin).trim_start_matches('+')
            ));
        }
        for limit in &look.limits {
            say(&format!(
                "  limit    {}: {:.1} tokens a row observed, at most {:.1} (95 %); {:.1} are allowed",
                limit.name, limit.observed.estimate, limit.observed.upper, limit.most
            ));
        }
        if let Some((slice, harm)) = blindest(look) {
            let (count, harm) = (look.slices.len(), points(harm));
            say(&format!(
                "  slices   {count} tested for harm; in {slice} it is noticed four times out of five from {} points on",
                harm.trim_start_matches('+')
            ));
        }
        if let Some(first) = look.untested.first() {
            say(&format!(
                "  untested {} more slices, of which too few rows were used to test them (such as {first}); none looked harmed",
                look.untested.len()
            ));
        }
        let icc = record.intraclass.map(|icc| format!(", variants of a row correlate by {icc:.2}"));
        say(&format!(
            "  measured the two prompts differ on {} of attacked rows{}",
            percent(record.discordance),
            icc.unwrap_or_default()
        ));
        let recorded = &self.compiled.recorded;
        say(&format!(
            "  wavering asked twice, the model changed {} of {} answers",
            recorded.changed, recorded.twice
        ));
        if let Some(Pruning::Weighed(weighing)) = &self.compiled.pruning {
            say(&format!("  parts    {}; `show --why` tells what each does", summary(weighing)));
        }
        say(&format!(
            "  proof    by luck alone p = {:.2e} (at most {:.2e} was allowed), exact sign-flip test",
            look.p, look.level
        ));
        say(&format!(
            "           decided at look {} of {}, after {} of {} sealed rows; near-duplicates count once",
            record.looks.len(),
            record.plan.len(),
            look.units,
            record.units
        ));
        for line in record.read.iter().flat_map(Read::told) {
            say(&format!("  read     {line}"));
        }
        if let Some(audited) = &record.audited {
            say(&format!("  audited  {}", audited.sentence()));
        }
        let [old, new] = self.calls_per_row();
        if old != new {
            say(&format!(
                "  calls    old {old}, new {new} per row: the answer is what most of the prompts say"
            ));
        }
        if let Some(tokens) = &self.compiled.tokens {
            say(&format!("  tokens   {}", told(tokens)));
        }
        for earlier in &record.earlier {
            say(&format!("  refused  {}: {}", earlier.finalist.name, earlier.verdict.sentence()));
        }
    }

    fn tell_kept(&self) {
        let Stamp::Kept(kept) = self.compiled.artifact.stamp() else { return };
        let finalists = &self.compiled.finalists;
        match finalists.is_empty() {
            true => say(&format!("NOTHING FOUND: {}", kept.reason)),
            false => say(&format!("{} ({}): {}", word(kept.verdict).to_uppercase(), kept.kind, kept.reason)),
        }
        say("  The old prompt was kept. Nothing that was not shown to be better is emitted.");
        say("");
        for shown in self.compiled.judgement.iter().flat_map(|judgement| judgement.disclosed()) {
            say(&format!("  tried    {}", shown.finalist.name));
            if let Some(lead) = shown.gain {
                say(&format!(
                    "           lead about {} points on sealed rows, to the nearest five",
                    points(lead)
                ));
            }
            if shown.sentence != kept.reason {
                say(&format!("           {}", shown.sentence));
            }
            let found = shown.read.iter().filter(|read| !read.findings.is_empty());
            for line in found.flat_map(Read::told) {
                say(&format!("  read     {line}"));
            }
        }
        for standing in finalists.iter().take(1) {
            let lead = points(standing.gain);
            say(&format!(
                "  visible  lead {lead} points on the {} rows that the search could see",
                standing.rows
            ));
        }
        match kept.n_needed {
            Some(needed) => say(&format!(
                "  advice   about {needed} sealed rows would settle it, there are {}: label more and go on with `found`",
                self.compiled.sealed.seeds
            )),
            None if finalists.is_empty() => {
                say("  advice   more rows to learn from, a larger budget or a stronger model may find more");
            }
            None => say(&format!("  advice   {}", self.compiled.advice())),
        }
    }
}

/// What is known about the parts of a prompt, in a few words.
fn summary(weighing: &Weighing) -> String {
    let taken = match weighing.taken_away() {
        0 => "none was taken away".to_owned(),
        parts => format!("{parts} were taken away"),
    };
    format!(
        "{} weighed on {} visible rows, {} shown to help, {taken}",
        weighing.edits.len(),
        weighing.rows,
        weighing.count(Class::Supported)
    )
}

/// What a row costs before and after, and when the run is paid back, if ever.
fn told(tokens: &Tokens) -> String {
    let per_row = format!("old {:.0}, new {:.0} per row", tokens.old, tokens.new);
    match tokens.break_even() {
        Some(rows) => format!(
            "{per_row}: {} saved, and the {} of this run after {rows} rows",
            percent(tokens.saved()),
            tokens.spent
        ),
        None => per_row,
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "accepted",
        Verdict::Reject => "rejected",
        Verdict::Inconclusive => "inconclusive",
    }
}

fn find<'c>(certificate: &'c Certificate, name: &str) -> Option<&'c Tally> {
    certificate.record().tables.iter().find(|tally| tally.name == name)
}

/// The tested slice in which harm is noticed last, and how large it would have to be.
fn blindest(look: &LookRecord) -> Option<(&str, f64)> {
    let harm = look.slices.iter().map(|slice| (slice.name.as_str(), slice.noticeable(look.slices.len())));
    harm.max_by(|a, b| a.1.total_cmp(&b.1))
}

//! The outcome of `compile`: its files, its JSON document, its last screen.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use proofmark_runtime::{Stamp, Verdict};
use serde_json::{Value as Json, json};

use super::{
    Failure, say,
    screen::{percent, points},
};
use crate::{
    compile::Compiled,
    exit::Exit,
    gate::{Certificate, Read, Tally},
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
        fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
        let files = Files { artifact: folder.join("artifact.json"), report: folder.join("report.html") };
        self.compiled.artifact.write(&files.artifact)?;
        let html = report::html(&ReportData::of(self.compiled)?)
            .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
        let events = self.compiled.events.iter().filter_map(|event| serde_json::to_string(event).ok());
        let events: String = events.map(|event| event + "\n").collect();
        for (path, text) in [
            (&files.report, &html),
            (&folder.join("events.jsonl"), &events),
            (&folder.join("config.toml"), &self.task.text),
        ] {
            fs::write(path, text).map_err(|error| Failure::file(path, &error))?;
        }
        Ok(files)
    }

    /// One line for `proofmark runs`.
    pub(crate) fn summary(&self) -> String {
        match self.compiled.artifact.stamp() {
            Stamp::Accepted(accepted) => {
                format!("accepted, lead at least {} points", points(accepted.lower95))
            }
            Stamp::Kept(kept) => format!("{}: {}", word(kept.verdict), kept.kind),
            Stamp::Unverified { reason } => format!("unverified: {reason}"),
        }
    }

    /// The `--json` document.
    pub(crate) fn json(&self, files: &Files) -> Json {
        let Compiled { artifact, judgement, spent, calls, board, .. } = self.compiled;
        let (kind, lead) = match artifact.stamp() {
            Stamp::Accepted(accepted) => {
                (Json::Null, json!({"estimate": accepted.lead, "lower95": accepted.lower95}))
            }
            Stamp::Kept(kept) => (json!(kept.kind), self.coarse_lead()),
            Stamp::Unverified { .. } => (Json::Null, Json::Null),
        };
        let name = |verdict| match verdict {
            Verdict::Accept => "accept",
            Verdict::Reject => "reject",
            Verdict::Inconclusive => "inconclusive",
        };
        json!({
            "verdict": verdict(self.compiled).map_or("unverified", name),
            "kind": kind,
            "artifact": files.artifact,
            "report": files.report,
            "baseline": {"visible": board.mean(proofmark_runtime::Candidate::baseline().id())},
            "lead": lead,
            "finalists": judgement.as_ref().map(|judgement| judgement.shown()).unwrap_or_default(),
            "calls": {
                "made": calls.made, "replayed": calls.replayed,
                "task": spent.task, "proposer": spent.proposer, "gate": spent.gate,
            },
            "seconds": self.time.as_secs_f64(),
        })
    }

    fn coarse_lead(&self) -> Json {
        let shown = self.compiled.judgement.as_ref().map(|judgement| judgement.shown()).unwrap_or_default();
        let first = shown.into_iter().next();
        first.map_or(Json::Null, |first| json!({"estimate": first.lead, "lower95": first.lower95}))
    }

    /// The last screen: what was found, what was rejected and why, what it means, what to do next.
    pub(crate) fn tell(&self, files: &Files) {
        say("");
        match self.compiled.artifact.stamp() {
            Stamp::Accepted(_) => self.tell_accepted(),
            Stamp::Kept(_) => self.tell_kept(),
            Stamp::Unverified { reason } => say(&format!("UNVERIFIED: {reason}.")),
        }
        let Compiled { calls, spent, .. } = self.compiled;
        say("");
        say(&format!(
            "  {} calls made, {} replayed ({} in the search, {} on sealed rows), {:.0} s",
            calls.made,
            calls.replayed,
            spent.task + spent.proposer,
            spent.gate,
            self.time.as_secs_f64()
        ));
        let (artifact, report) = (files.artifact.display(), files.report.display());
        say(&format!("  prompt   {artifact}"));
        say(&format!("  report   {report}"));
        say(&format!("  next     proofmark show {artifact} --diff"));
        if let Some(field) = self.task.program.inputs().first() {
            say(&format!("           proofmark run {artifact} {}=\"...\"", field.name));
        }
    }

    fn tell_accepted(&self) {
        let certificate = self.compiled.judgement.as_ref().and_then(|judgement| judgement.certificate());
        let Some((certificate, look)) = certificate.and_then(|c| Some((c, c.look()?))) else { return };
        let record = certificate.record();
        say("ACCEPTED: the new prompt beats the old one on rows that nobody could tune to.");
        say("");
        say(&format!("  found    {}", record.finalist.name));
        say(&format!(
            "  lead     at least {} points (95 %), observed {}",
            points(record.lead.lower),
            points(record.lead.estimate)
        ));
        for (label, name) in [("attacked", "primary"), ("clean", "clean")] {
            if let Some(tally) = find(certificate, name) {
                say(&format!(
                    "  {label:<8} old {}   new {}   ({} rows)",
                    percent(tally.baseline.mean),
                    percent(tally.finalist.mean),
                    tally.rows
                ));
            }
        }
        say(&format!(
            "  proof    exact sign-flip p = {:.2e} <= {:.2e} at look {} of 4, {} of {} sealed seeds used",
            look.p,
            look.level,
            record.looks.len(),
            look.seeds,
            record.seeds
        ));
        if let Some(worst) = worst_slice(certificate) {
            say(&format!("  weakest  {} ({} points, {} rows)", worst.name, points(worst.lead), worst.rows));
        }
        for line in record.read.iter().flat_map(Read::told) {
            say(&format!("  read     {line}"));
        }
        for earlier in &record.earlier {
            say(&format!("  refused  {}: {}", earlier.finalist.name, earlier.verdict.sentence()));
        }
    }

    fn tell_kept(&self) {
        let Stamp::Kept(kept) = self.compiled.artifact.stamp() else { return };
        say(&format!("{} ({}): {}", word(kept.verdict).to_uppercase(), kept.kind, kept.reason));
        say("  The old prompt was kept. Nothing that was not shown to be better is emitted.");
        say("");
        for shown in self.compiled.judgement.iter().flat_map(|judgement| judgement.shown()) {
            let lead =
                shown.lead.map(|lead| format!(", lead about {} points", points(lead))).unwrap_or_default();
            say(&format!("  tried    {}{lead}: {}", shown.finalist.name, shown.sentence));
            let found = shown.read.iter().filter(|read| !read.findings.is_empty());
            for line in found.flat_map(Read::told) {
                say(&format!("  read     {line}"));
            }
        }
        for standing in self.compiled.finalists.iter().take(1) {
            say(&format!(
                "  visible  on the {} rows that the search could see, the best led by {} points",
                standing.rows,
                points(standing.lead)
            ));
        }
        match kept.n_needed {
            Some(needed) => say(&format!(
                "  needed   about {needed} sealed seeds would settle it; there are {}. Label more rows and compile again",
                self.compiled.sealed.seeds
            )),
            None if self.compiled.finalists.is_empty() => {
                say("  advice   a larger budget, a stronger model, or a named proposer may find more");
            }
            None => say("  advice   read the report; more varied training rows are the usual cure"),
        }
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

/// The slice or family with the smallest lead, among those with enough rows to speak of.
fn worst_slice(certificate: &Certificate) -> Option<&Tally> {
    let slices = certificate
        .record()
        .tables
        .iter()
        .filter(|tally| !["clean", "primary"].contains(&tally.name.as_str()));
    slices.filter(|tally| tally.rows >= 15).min_by(|a, b| a.lead.total_cmp(&b.lead))
}

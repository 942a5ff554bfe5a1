//! `proofmark attack TASK`: what the perturbations do, shown on rows that the search can see, and their audit by a person.
//!
//! **Invariant:** no sealed row and no variant of one is shown.

mod ask;
mod marks;
mod page;
mod rewrite;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use clap::Args;
use proofmark_runtime::{Digest, Example, store::Store};
use serde_json::json;

use super::{Common, Failure, TaskArg, say, screen, session};
use crate::{
    attack::{
        self, COMPOSED, PlanError,
        audit::{self, Case},
    },
    data::{DataError, Splits},
    exit::Exit,
    gate::Audited,
    task::Task,
    workplace::Workplace,
};

/// Show how rows are attacked, and audit it.
#[derive(Debug, Args)]
pub(crate) struct Attack {
    #[command(flatten)]
    task: TaskArg,
    /// Show every variant of this family instead of one of each
    #[arg(long, value_name = "NAME")]
    family: Option<String>,
    /// Read 60 variants and say which keep their right answer: here, or from the FILE that the page exports
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "left out, given, or given with a file")]
    audit: Option<Option<PathBuf>>,
    /// Write a page in which the 60 variants can be read and audited
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Have the model of [rewriter] rewrite rows, and keep what all votes are for; with --family in one way only
    #[arg(long, conflicts_with_all = ["audit", "html"])]
    rewrite: bool,
    /// Rewrite as many rows as so many calls allow; all if left out
    #[arg(long, value_name = "CALLS", requires = "rewrite")]
    budget_calls: Option<u64>,
    #[command(flatten)]
    common: Common,
}

/// What one family did to the rows.
struct Family<'c> {
    name: &'c str,
    about: String,
    cases: Vec<&'c Case>,
}

impl Attack {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let task = Task::load(&self.task.task)?;
        if self.rewrite {
            return self.rewrite(&task);
        }
        let (splits, _) = Splits::load(&task)?;
        let visible: Vec<&Example> = splits.train.examples().iter().chain(splits.val.examples()).collect();
        let cases = audit::cases(&task.plan()?, &visible)?;
        let sample = audit::sample(&cases);
        let to_read = self.audit.is_some() || self.html.is_some();
        if cases.is_empty() || to_read && sample.is_empty() {
            return Err(Failure::new(Exit::Invalid, "no family can change any of the visible rows")
                .hint("name other families in [gate] families, or leave that key out"));
        }
        let place = Workplace::of(&self.task.task);
        let calls = place.calls();
        let said = || if calls.exists() { Store::open(&calls)?.audited() } else { Ok(BTreeMap::new()) };
        if let Some(path) = &self.html {
            page::write(path, &task, &sample, &said()?)?;
            if self.common.json {
                return screen::document(&json!({ "sample": sample.len(), "page": path }));
            }
            if !self.common.quiet {
                say(&format!("{} variants to read in {}", sample.len(), path.display()));
                say(&format!(
                    "then: {} attack {} --audit DOWNLOADED-FILE",
                    screen::program(),
                    self.task.task.display()
                ));
            }
            return Ok(Exit::Ok);
        }
        let Some(audit) = &self.audit else { return self.show(&task, &cases, visible.len(), &said()?) };
        let store = session::store(&place)?;
        let holdout = splits.gate.fingerprint();
        match audit {
            Some(path) => {
                let known: BTreeMap<_, _> = sample.iter().map(|case| (case.item, *case)).collect();
                store.audit(&page::read(path, &known)?, &holdout)?;
            }
            None => ask::all(&sample, &store, &holdout)?,
        }
        self.conclude(&sample, &store.audited()?)
    }

    /// What was found so far.
    fn conclude(&self, sample: &[&Case], said: &BTreeMap<Digest, bool>) -> Result<Exit, Failure> {
        let audited = audit::audited(sample, said);
        if self.common.json {
            return screen::document(&json!({ "sample": sample.len(), "audited": audited }));
        }
        let Some(audited) = audited else {
            return screen::line("Nothing was audited yet.").map(|()| Exit::Ok);
        };
        screen::line(&audited.sentence())?;
        let wrong = |case: &&&Case| said.get(&case.item) == Some(&false);
        let mut worst: BTreeMap<&str, usize> = BTreeMap::new();
        sample.iter().filter(wrong).for_each(|case| *worst.entry(&case.family).or_default() += 1);
        for (family, wrong) in &worst {
            screen::line(&format!("  {family}: {wrong} dropped"))?;
        }
        let left = sample.len() - audited.read;
        if left > 0 {
            screen::line(&format!("{left} of {} are left to read; the same command goes on", sample.len()))?;
        }
        if !worst.is_empty() {
            screen::line("A family that often changes the right answer is left out with [gate] families.")?;
        }
        Ok(Exit::Ok)
    }

    fn show(
        &self,
        task: &Task,
        cases: &[Case],
        rows: usize,
        said: &BTreeMap<Digest, bool>,
    ) -> Result<Exit, Failure> {
        let families = families(task, cases);
        let shown: Vec<_> = families
            .iter()
            .filter(|family| self.family.as_ref().is_none_or(|name| name == family.name))
            .collect();
        if let (Some(name), []) = (&self.family, shown.as_slice()) {
            let known: Vec<_> = families.iter().map(|family| family.name).collect();
            return Err(Failure::new(Exit::Usage, format!("no variant was made by a family `{name}`"))
                .hint(format!("there are variants by {}", known.join(", "))));
        }
        let audited = audit::audited(&audit::sample(cases), said);
        if self.common.json {
            return screen::document(&json!({
                "task": task.name, "rows": rows, "audited": audited,
                "families": families.iter().map(Family::json).collect::<Vec<_>>(),
                "variants": shown.iter().flat_map(|family| &family.cases).map(variant).collect::<Vec<_>>(),
            }));
        }
        screen::line(&format!(
            "{}: {} variants of the {rows} rows that the search can see",
            task.name,
            cases.len()
        ))?;
        screen::line(
            "The sealed rows get theirs from the same families in the same way; nobody is shown those.",
        )?;
        if self.family.is_none() {
            screen::line("\nfamily          class  variants  edited")?;
            families.iter().try_for_each(|family| screen::line(&family.line()))?;
        }
        for family in shown {
            let count = if self.family.is_some() { family.cases.len() } else { 1 };
            // The one that is changed as much as usual.
            let middle = (family.cases.len() - count) / 2;
            for case in &family.cases[middle..middle + count] {
                screen::line("")?;
                marks::lines(case).iter().try_for_each(|line| screen::line(line))?;
            }
        }
        self.legend(audited).iter().try_for_each(|line| screen::line(line))?;
        Ok(Exit::Ok)
    }

    /// What the words and marks mean, and what a person found.
    fn legend(&self, audited: Option<Audited>) -> Vec<String> {
        let (program, folder) = (screen::program(), self.task.task.display());
        let audit = match audited {
            Some(audited) => audited.sentence(),
            None => format!("nobody has read any yet: {program} attack {folder} --audit"),
        };
        vec![
            String::new(),
            "edited  characters changed for each character of the row; in the table the median".to_owned(),
            "class   why the right answer stays: G0 proven, G1 guarded by rules, G2 voted on, G3 worked out again"
                .to_owned(),
            "marks   [-taken out-] {+put in+} ⏎ line break ⇥ tab".to_owned(),
            format!("audit   {audit}"),
        ]
    }
}

/// The variants by family, the least changed first.
fn families<'c>(task: &Task, cases: &'c [Case]) -> Vec<Family<'c>> {
    let mut families: Vec<Family<'c>> = vec![];
    for name in task.families() {
        let mut own: Vec<_> = cases.iter().filter(|case| case.family == name).collect();
        own.sort_by(|a, b| a.edit_rate.total_cmp(&b.edit_rate));
        if let Some(first) = own.first() {
            families.push(Family { name: &first.family, about: about(task, &name), cases: own });
        }
    }
    families
}

/// One line about a family.
fn about(task: &Task, name: &str) -> String {
    let own = || task.attacks.iter().find(|own| own.name() == name).map(|own| own.about());
    let written = || attack::rewrite::find(name).map(|way| way.about);
    attack::about(name).or_else(own).or_else(written).unwrap_or("two families at once").to_owned()
}

impl Family<'_> {
    /// The median edit rate.
    fn edited(&self) -> f64 {
        self.cases.get(self.cases.len() / 2).map_or(0.0, |case| case.edit_rate)
    }

    /// The weakest class of its variants.
    fn class(&self) -> Option<attack::Class> {
        self.cases.iter().map(|case| case.class).max()
    }

    /// How many pairs of families were composed.
    fn pairs(&self) -> usize {
        let pair = |case: &&Case| {
            let mut steps = case.steps.clone();
            steps.sort();
            steps
        };
        self.cases.iter().map(pair).collect::<BTreeSet<_>>().len()
    }

    fn line(&self) -> String {
        let class = self.class().map_or_else(String::new, |class| format!("{class:?}"));
        let pairs = match self.name {
            COMPOSED => format!(", {} different pairs", self.pairs()),
            _ => String::new(),
        };
        format!(
            "{:<15} {class:<6} {:>8}  {:>4.0} %  {}{pairs}",
            self.name,
            self.cases.len(),
            100.0 * self.edited(),
            self.about
        )
    }

    fn json(&self) -> serde_json::Value {
        let pairs = (self.name == COMPOSED).then(|| self.pairs());
        json!({
            "name": self.name, "about": self.about, "class": self.class(), "variants": self.cases.len(),
            "median_edit_rate": self.edited(), "pairs": pairs,
        })
    }
}

fn variant(case: &&Case) -> serde_json::Value {
    let (before, after) = case.texts();
    json!({
        "item": case.item, "row": case.row.id, "family": case.family, "steps": case.steps, "class": case.class,
        "edit_rate": case.edit_rate, "before": before, "after": after,
        "answer_before": case.row.label(), "answer_after": case.variant.label(),
    })
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::from(DataError::from(error))
    }
}

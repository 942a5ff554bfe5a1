//! `proofmark check TASK`: everything that can be known without a call.

mod split;
mod variation;

use std::collections::BTreeMap;

use clap::Args;
use proofmark_runtime::store::Store;
use serde_json::json;

pub(crate) use self::split::{stale_rewritings, told};
use self::variation::Variation;
use super::{Common, Failure, TaskArg, compile, screen};
use crate::{
    data::{SplitReport, Splits},
    engine::GateError,
    exit::Exit,
    gate::{
        Demands, Ledger, Margin, Policy, Sealed,
        ledger::next_price,
        planning,
        policy::{CLAIM_ALPHA, LEAST_UNITS},
        statistics::power,
    },
    ledger::StoredLedger,
    models,
    task::Task,
    verify::record::{MOST_ROWS, TWICE},
    workplace::Workplace,
};

/// Below this level a question costs twice the rows of the first one (gate.md, section 1).
const TOO_STRICT: f64 = 0.005;

/// Check a task without a call.
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    task: TaskArg,
    #[command(flatten)]
    common: Common,
}

/// What can be known before a run.
struct Outlook {
    /// Units of the test; near-duplicates are one.
    seeds: usize,
    /// Sealed rows with their variants, for each prompt.
    rows: usize,
    /// The lead that would be shown with a chance of [`POWER`].
    detectable: f64,
    /// How two prompts are taken to differ.
    variation: Variation,
    /// The harm that would be noticed with that chance in each slice with enough rows.
    harms: BTreeMap<String, f64>,
    /// Calls of the gate for each prompt.
    gate_calls: usize,
    /// Most prompts that vote in what is found; a vote takes as many times the calls.
    votes: usize,
    /// Looks that were taken at these rows.
    looks: usize,
    /// Whether details of these rows were shown, so that they prove nothing any more.
    spoilt: bool,
    /// How strict the gate is.
    policy: Policy,
    /// The error that the next look is granted, if there may be one.
    alpha: Option<f64>,
    /// Whether the model can be used, or why not.
    model: Result<String, String>,
}

impl Check {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let task = Task::load(&self.task.task)?;
        let votes = compile::find(&task.optimizer.name)?.votes();
        let (splits, report) = Splits::load(&task)?;
        let outlook = self.outlook(&task, (&splits.gate, votes))?;
        if self.common.json {
            return screen::document(&json!({
                "task": task.name, "rows": report.rows, "splits": report, "seeds": outlook.seeds,
                "detectable_lead": outlook.detectable,
                "assumed": outlook.variation,
                "noticeable_harm": outlook.harms,
                "calls": {
                    "search": task.optimizer.budget.calls, "pruning": task.optimizer.budget.pruning(),
                    "recording": votes * recording(&report, &task), "gate_per_prompt": outlook.gate_calls, "votes": votes,
                },
                "looks_taken": outlook.looks, "next_alpha": outlook.alpha,
                "slices": splits.gate.slices().collect::<BTreeMap<_, _>>(),
                "model": {
                    "name": task.model.name, "ready": outlook.model.is_ok(),
                    "problem": outlook.model.as_ref().err(),
                },
            }));
        }
        lines(&task, &report, &outlook).iter().try_for_each(|line| screen::line(line))?;
        Ok(Exit::Ok)
    }

    fn outlook(&self, task: &Task, (sealed, votes): (&Sealed, usize)) -> Result<Outlook, Failure> {
        let place = Workplace::of(&self.task.task);
        let (calls, variation) = (place.calls(), Variation::of(&place));
        let looks = match calls.exists() {
            true => StoredLedger::new(&Store::open(calls)?, "check").looks(sealed.holdout()),
            false => Ok(vec![]),
        };
        let looks = looks.map_err(GateError::Ledger)?;
        let policy = task.gate.policy.filter(|_| !looks.iter().any(|look| look.unsealed));
        let Variation { discordance, icc, .. } = variation;
        let alpha = policy.map(|policy| next_price(policy.alpha(), &looks));
        Ok(Outlook {
            seeds: sealed.units(),
            rows: sealed.calls(),
            detectable: planning::detectable(
                sealed.units(),
                sealed.variants(),
                discordance,
                icc,
                alpha.unwrap_or(CLAIM_ALPHA),
            ),
            harms: harms(sealed, variation),
            variation,
            gate_calls: sealed.calls() * task.program.calls_per_record(),
            votes,
            looks: looks.len(),
            spoilt: looks.iter().any(|look| look.unsealed),
            policy: task.gate.policy.unwrap_or_default(),
            alpha,
            model: models::ready(&task.model).map_err(|error| error.to_string()),
        })
    }
}

/// Why no claim is possible with so few sealed rows, if it is not.
pub(crate) fn too_few(seeds: usize) -> Option<String> {
    (seeds < LEAST_UNITS).then(|| {
        format!("{seeds} sealed rows cannot show anything: at least {LEAST_UNITS} are needed, 100 are better")
    })
}

/// One screen.
fn lines(task: &Task, report: &SplitReport, outlook: &Outlook) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", task.name, told(report))];
    let mut tell = |name: &str, texts: Vec<String>| {
        lines.extend(texts.into_iter().map(|text| format!("{name:<9} {text}")));
    };
    tell("together", split::joined(report, task.data.columns.group.as_deref()));
    tell("rows", split::provenance(report));
    tell("family", split::families(report, &task.attacks));
    tell("rewritten", split::rewritings(report));
    tell("warning", split::warnings(report, &task.program));
    tell("", split::table(report));
    let Outlook { seeds, rows, gate_calls, .. } = outlook;
    tell("sealed", vec![format!("{seeds} independent rows, {rows} with their rewritten variants")]);
    tell("claim", vec![too_few(*seeds).unwrap_or_else(|| claim(outlook))]);
    tell("slices", harm(outlook).into_iter().collect());
    tell("demands", demands(&task.demands()));
    tell("looks", vec![looks(outlook)]);
    let (budget, pruning) = (task.optimizer.budget.calls, task.optimizer.budget.pruning());
    let recording = outlook.votes * recording(report, task);
    let cost = format!(
        "at most {budget} calls for the search, {pruning} to weigh parts, {recording} to record; then {gate_calls} for each prompt \
         that is judged (the old one and up to 3 new ones)"
    );
    let vote = format!(
        "a vote takes that for each prompt that votes, up to {}, and so does every row from then on",
        outlook.votes
    );
    tell("cost", std::iter::once(cost).chain((outlook.votes > 1).then_some(vote)).collect());
    let (name, model) = (&task.model.name, &outlook.model);
    tell(
        "model",
        vec![model.as_ref().map_or_else(|problem| problem.clone(), |state| format!("{name}: {state}"))],
    );
    lines
}

/// What is demanded beyond beating the old prompt.
fn demands(demands: &Demands) -> Vec<String> {
    let Demands { target, max_tokens, max_reply_tokens, max_token_ratio, guards } = demands;
    let target = target
        .map(|target| format!("the new prompt has to be right on {:.1} % of clean rows", 100.0 * target));
    let tokens = max_tokens.map(|most| format!("a row may take {most} tokens on average"));
    let replies = max_reply_tokens.map(|most| format!("a reply may take {most} tokens on average"));
    let ratio =
        max_token_ratio.map(|times| format!("a row may take {times} times the tokens of the old prompt"));
    let guard = |Margin { name, margin }: &Margin| {
        format!("by `{name}` it may be {:.1} points worse", 100.0 * margin)
    };
    let limits = [target, tokens, replies, ratio].into_iter().flatten();
    limits.chain(guards.iter().map(guard)).collect()
}

fn claim(outlook: &Outlook) -> String {
    let (lead, told) = (100.0 * outlook.detectable, outlook.variation.told());
    format!("if the new prompt is {lead:.1} points better, this is shown four times out of five ({told})")
}

/// The harm that would be noticed in each slice that is tested, if the prompts differ there as anywhere.
fn harms(sealed: &Sealed, Variation { discordance, icc, .. }: Variation) -> BTreeMap<String, f64> {
    let tested: Vec<_> = sealed.slice_units().filter(|(_, units, _)| *units >= LEAST_UNITS).collect();
    let errors = power::noticeable(tested.len());
    let harm = |(name, units, rows): &(&str, usize, usize)| {
        let each = *rows as f64 / *units as f64;
        let pairs = *rows as f64 / (1.0 + (each - 1.0) * icc);
        ((*name).to_owned(), (errors * (discordance / pairs).sqrt()).min(1.0))
    };
    tested.iter().map(harm).collect()
}

/// Calls that record what the emitted prompt does on visible rows.
fn recording(report: &SplitReport, task: &Task) -> usize {
    let visible = report.rows.train + report.rows.val;
    (visible.min(MOST_ROWS) + visible.min(TWICE)) * task.program.calls_per_record()
}

fn harm(outlook: &Outlook) -> Option<String> {
    let (slice, harm) = outlook.harms.iter().max_by(|a, b| a.1.total_cmp(b.1))?;
    Some(format!(
        "{} are tested for harm; in {slice} it is noticed as often from {:.0} points on",
        outlook.harms.len(),
        100.0 * harm
    ))
}

fn looks(outlook: &Outlook) -> String {
    let taken = match outlook.looks {
        0 => "nobody has looked at these sealed rows yet".to_owned(),
        1 => "these sealed rows were looked at once".to_owned(),
        looks => format!("these sealed rows were looked at {looks} times"),
    };
    match outlook.alpha {
        Some(alpha) => {
            let (worthless, chance) = (outlook.policy.worthless(), screen::chance(alpha));
            let strict = if alpha < TOO_STRICT { ": fresh rows would show more" } else { "" };
            format!("{taken}; a new prompt {worthless} passes with a chance of at most {chance}{strict}")
        }
        None if outlook.spoilt => {
            "details of these sealed rows were shown, so they prove nothing any more: use fresh rows"
                .to_owned()
        }
        None => format!("{taken}; the policy `explore` does not look"),
    }
}

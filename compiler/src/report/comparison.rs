//! What the page of a comparison shows: numbers in words, positions in charts.

use serde::Serialize;

use super::number::{at, percent, points, thousands};
use crate::compare::{Comparison, Trial, table::Line};

/// Size of the chart of one optimizer's claims against calls, in its own units.
const CHART: (f64, f64) = (200.0, 100.0);

/// What the template is given.
#[derive(Serialize)]
pub struct ComparisonPage<'a> {
    task: &'a str,
    phantom: bool,
    seeds: usize,
    groups: usize,
    budget: String,
    baseline: String,
    baseline_at: String,
    headline: String,
    lines: Vec<LineRow>,
    curves: Vec<Curves>,
    command: &'a str,
    tool: String,
}

/// One optimizer.
#[derive(Serialize)]
struct LineRow {
    name: &'static str,
    /// How many times the calls a row takes, where prompts vote.
    votes: Option<String>,
    claimed: String,
    claimed_at: String,
    honest: String,
    honest_at: String,
    optimism: String,
    lead: String,
    bounds: [String; 2],
    bounds_at: [String; 2],
    spread: String,
    verdicts: String,
    calls: String,
    tokens: String,
    seconds: String,
}

/// The best visible scores of one optimizer's searches against their calls.
#[derive(Serialize)]
struct Curves {
    name: &'static str,
    searches: Vec<String>,
    /// How opaque one of them is: the more there are, the less.
    opacity: f64,
}

impl<'a> ComparisonPage<'a> {
    /// The page of a comparison; `asked` is the task's name and the command line.
    pub fn new(
        comparison: &Comparison,
        (task, command): (&'a str, &'a str),
        (budget, phantom): (u64, bool),
    ) -> Self {
        let table = &comparison.table;
        let first = comparison.trials.first().map(|trial| trial.optimizer);
        let seeds = comparison.trials.iter().filter(|trial| Some(trial.optimizer) == first).count();
        Self {
            task,
            phantom,
            seeds,
            groups: table.groups,
            budget: thousands(budget),
            baseline: percent(table.baseline),
            baseline_at: at(table.baseline),
            headline: headline(&table.lines, phantom),
            lines: table.lines.iter().map(|line| LineRow::new(line, table.baseline)).collect(),
            curves: curves(comparison, budget),
            command,
            tool: format!("proofmark {}", env!("CARGO_PKG_VERSION")),
        }
    }
}

impl LineRow {
    fn new(line: &Line, baseline: f64) -> Self {
        let Line { lead, .. } = line;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count for people")]
        let count = |number: f64| thousands(number.round() as u64);
        Self {
            name: line.name,
            votes: (line.votes > 1.0).then(|| format!("{:.1}", line.votes)),
            claimed: percent(line.claimed),
            claimed_at: at(line.claimed),
            honest: percent(line.honest),
            honest_at: at(baseline + lead.estimate),
            optimism: points(line.optimism),
            lead: points(lead.estimate),
            bounds: [points(lead.lower95), points(lead.upper95)],
            bounds_at: [at(baseline + lead.lower95), at(baseline + lead.upper95)],
            spread: format!("{:.1}", 100.0 * line.spread),
            verdicts: format!("{} / {} / {}", line.accepted, line.rejected, line.inconclusive),
            calls: count(line.calls),
            tokens: count(line.tokens),
            seconds: format!("{:.0}", line.seconds),
        }
    }
}

fn headline(lines: &[Line], phantom: bool) -> String {
    if phantom {
        let most = lines.iter().map(|line| line.claimed).fold(0.0, f64::max);
        return format!("Nothing is to be found here, and searches claim up to {}", percent(most));
    }
    let shown: Vec<_> = lines.iter().filter(|line| line.lead.lower95 > 0.0).map(|line| line.name).collect();
    match &shown[..] {
        [] => "No optimizer is shown to beat the task as written".to_owned(),
        [only] => format!("Only {only} is shown to beat the task as written"),
        [best, ..] => format!("{best} leads; {} are shown to beat the task as written", shown.len()),
    }
}

/// Best visible scores against calls, one chart per optimizer, all on one scale.
fn curves(comparison: &Comparison, budget: u64) -> Vec<Curves> {
    let (width, height) = CHART;
    let place = |(calls, score): &(u64, f64)| {
        let across = *calls as f64 / budget.max(1) as f64;
        format!("{:.1},{:.1}", width * across.min(1.0), height * (1.0 - score))
    };
    let search = |trial: &Trial| trial.curve.iter().map(place).collect::<Vec<_>>().join(" ");
    let told = |line: &Line| {
        let trials = comparison.trials.iter().filter(|trial| trial.optimizer == line.name);
        let searches: Vec<_> = trials.filter(|trial| trial.curve.len() > 1).map(search).collect();
        let opacity = (3.0 / searches.len().max(1) as f64).clamp(0.08, 0.8);
        Curves { name: line.name, searches, opacity }
    };
    comparison.table.lines.iter().map(told).filter(|curves| !curves.searches.is_empty()).collect()
}

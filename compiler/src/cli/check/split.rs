//! What is known about the rows of a task, as text: how many, what was joined and why, what each split holds.

use std::collections::BTreeMap;

use proofmark_runtime::{Program, Type};

use crate::{
    attack::{Count, LISTING, Own, rewrite},
    data::{Counts, Joins, MovedOut, RewritingReport, SplitReport, TemplateReport},
    gate::CONTENDERS,
};

/// Values of one label or slice that are tabled; the rest are counted.
const VALUES: usize = 8;
/// Labels and slices that are tabled.
const COLUMNS: usize = 4;
/// Examples of one finding.
const EXAMPLES: usize = 3;

/// The split in one line.
pub(crate) fn told(report: &SplitReport) -> String {
    let Counts { train, val, gate } = report.rows;
    let joined = match report.duplicates.count + report.near_duplicates.count {
        0 => String::new(),
        1 => "; 1 pair of near-duplicates kept together".to_owned(),
        joined => format!("; {joined} pairs of near-duplicates kept together"),
    };
    format!("{train} rows to learn from, {val} to rank on, {gate} sealed{joined}")
}

/// What was joined into groups that stay in one split, and why: one line for each reason.
pub(super) fn joined(report: &SplitReport, key: Option<&str>) -> Vec<String> {
    let text = |what: &str, Joins { count, examples }: &Joins| {
        let shown: Vec<_> = examples.iter().take(EXAMPLES).map(|(a, b)| format!("{a} and {b}")).collect();
        let more = if *count > shown.len() { ", ..." } else { "" };
        (*count > 0).then(|| format!("{count} pairs with {what} text: {}{more}", shown.join(", ")))
    };
    let by_key = report.joined_by_key();
    let by_key =
        key.filter(|_| by_key > 0).map(|column| format!("{by_key} rows with others of the same `{column}`"));
    let texts = [text("the same", &report.duplicates), text("nearly the same", &report.near_duplicates)];
    texts.into_iter().flatten().chain(by_key).collect()
}

/// Adversarial and mined rows, and where they went.
pub(super) fn provenance(report: &SplitReport) -> Vec<String> {
    let went = |counts: &Counts| {
        let Counts { train, val, gate } = *counts;
        let parts = [(train, "to learn from"), (val, "to rank on"), (gate, "sealed")];
        let parts = parts.iter().filter(|(rows, _)| *rows > 0).map(|(rows, what)| format!("{rows} {what}"));
        parts.collect::<Vec<_>>().join(", ")
    };
    let hard =
        report.adversarial.iter().map(|(source, rows)| format!("hard rows ({source}): {}", went(rows)));
    let mined = report.mined.iter().map(|(by, rows)| {
        let never = CONTENDERS.contains(&by.as_str()) && rows.gate > 0;
        let must = if never { ", which only must not newly fail" } else { "" };
        format!("rows that {by} failed: {}{must}", went(rows))
    });
    hard.chain(mined).collect()
}

/// What families made of the sealed rows that are there by name, and may find nothing: the user's own, a model's, listings.
pub(super) fn families(report: &SplitReport, own: &[Own]) -> Vec<String> {
    let mine = |name: &str| {
        own.iter().any(|own| own.name() == name) || rewrite::find(name).is_some() || name == LISTING
    };
    let is_templates =
        |name: &str| own.iter().any(|own| own.name() == name && matches!(own, Own::Templates(_)));
    let told = |(name, count): (&String, &Count)| {
        let Count { made, idle, dropped } = *count;
        let drops = match dropped {
            0 => String::new(),
            _ if is_templates(name) => {
                format!(", {dropped} dropped because the template has another answer to the row")
            }
            _ => format!(", {dropped} dropped because the right answer may have changed"),
        };
        if made + dropped == 0 {
            return format!(
                "{name}: no variant, there is nothing that it could change in the {idle} rows tried"
            );
        }
        format!("{name}: {made} variants, {idle} rows that it could not change{drops}")
    };
    report.families.iter().filter(|(name, _)| mine(name)).map(told).collect()
}

/// What a model wrote of all rows, and who vouched for it.
pub(super) fn rewritings(report: &SplitReport) -> Vec<String> {
    let Some(RewritingReport { authors, kept, dropped, .. }) = &report.rewritings else { return vec![] };
    let authors = authors.iter().map(|(writer, verifier)| match writer == verifier {
        true => format!("{writer}, which also voted"),
        false => format!("{writer}, voted on by {verifier}"),
    });
    let why = dropped.iter().map(|(why, rows)| format!("{rows} {}", why.phrase()));
    let why =
        if dropped.is_empty() { String::new() } else { format!(" ({})", why.collect::<Vec<_>>().join(", ")) };
    let authors = authors.collect::<Vec<_>>().join("; ");
    let all = format!("{kept} kept, {} dropped{why}; written by {authors}", dropped.values().sum::<usize>());
    [all].into_iter().chain(stale_rewritings(report)).collect()
}

/// That what a model wrote is of other rows, if it is.
pub(crate) fn stale_rewritings(report: &SplitReport) -> Option<String> {
    let stale = report.rewritings.as_ref()?.stale;
    let told =
        "rewritten rows are not there any more or were changed since; attack TASK --rewrite writes anew";
    (stale > 0).then(|| format!("{stale} {told}"))
}

/// What a user should look at before paying.
pub(super) fn warnings(report: &SplitReport, program: &Program) -> Vec<String> {
    let contradictions = report.contradictions.iter().map(|contradiction| {
        let rows: Vec<_> =
            contradiction.rows.iter().map(|(place, label)| format!("{place} says {label}")).collect();
        format!("the same text has different labels: {}", rows.join(", "))
    });
    let moved = |MovedOut { place, because_of }: &MovedOut| {
        format!("{place} is left out: nearly the same as {because_of}, which is judged on")
    };
    let unlabelled =
        report.unlabelled.iter().map(|output| format!("no row labels `{output}`, so it is not judged"));
    let (wrong, unfit) = templates(report);
    [contradictions.collect(), report.moved_out.iter().map(moved).collect(), wrong, unfit]
        .into_iter()
        .flat_map(shortened)
        .chain(unlabelled)
        .chain(report.unmapped())
        .chain(alike(report))
        .chain(absent(report, program))
        .collect()
}

/// Templates that are wrong about a row, and those that fit none.
fn templates(report: &SplitReport) -> (Vec<String>, Vec<String>) {
    let unused = |TemplateReport { place, unused, .. }: &TemplateReport| {
        unused.iter().map(|(row, why)| format!("{place} is not used on {row}: {why}")).collect::<Vec<_>>()
    };
    let fits_none = report.templates.iter().filter(|template| template.groups.total() == 0);
    let unfit = fits_none.map(|template| {
        format!(
            "{} fits no row: none reads exactly so, or only in two ways, or an earlier template takes it",
            template.place
        )
    });
    (report.templates.iter().flat_map(unused).collect(), unfit.collect())
}

/// That rows count as independent which are of one template, if there are any.
fn alike(report: &SplitReport) -> Option<String> {
    let shared: Vec<_> = report.templates.iter().filter(|template| template.is_shared()).collect();
    let fits = |TemplateReport { place, groups, .. }: &&TemplateReport| {
        format!("{place} fits {} that the search sees and {} sealed", groups.train + groups.val, groups.gate)
    };
    let mut told: Vec<_> = shared.iter().take(EXAMPLES).map(fits).collect();
    if shared.len() > told.len() {
        told.push(format!("and so on, {} templates in all", shared.len()));
    }
    let advice = "a column that names the template, as `group` in [data], keeps them together";
    (!shared.is_empty()).then(|| {
        format!("rows of one template count as independent and are not: {}; {advice}", told.join(", "))
    })
}

fn shortened(mut findings: Vec<String>) -> Vec<String> {
    let more = findings.len().saturating_sub(EXAMPLES);
    findings.truncate(EXAMPLES);
    if more > 0 {
        findings.push(format!("... and {more} more like this; --json lists them"));
    }
    findings
}

/// Choices that a split has no row of.
fn absent(report: &SplitReport, program: &Program) -> Vec<String> {
    let mut found = Vec::new();
    for field in program.output_fields() {
        let (Type::Choice(choices), Some(values)) = (&field.ty, report.labels.get(&field.name)) else {
            continue;
        };
        let without = |rows: fn(&Counts) -> usize, what: &str| {
            let there = |choice: &&String| values.get(*choice).is_some_and(|counts| rows(counts) > 0);
            let missing: Vec<_> =
                choices.iter().filter(|choice| !there(choice)).map(|choice| format!("`{choice}`")).collect();
            let missing = (!missing.is_empty()).then(|| missing.join(", "));
            missing.map(|missing| format!("{missing} of `{}` has no row {what}", field.name))
        };
        found.extend(without(|counts| counts.train, "to learn from: no demonstration can show it"));
        found.extend(without(|counts| counts.gate, "sealed: nothing is proven about it"));
    }
    found
}

/// How often each value of the labels and slices occurs in each split.
pub(super) fn table(report: &SplitReport) -> Vec<String> {
    let columns: Vec<_> = report.labels.iter().chain(&report.slices).collect();
    let names = columns
        .iter()
        .flat_map(|(name, values)| values.keys().map(|value| value.len() + 2).chain([name.len()]));
    let width = names.max().unwrap_or(0).clamp(8, 32);
    let mut lines = vec![format!("{:width$}  {:>6} {:>6} {:>6}", "", "train", "val", "sealed")];
    for (name, values) in columns.iter().take(COLUMNS) {
        lines.push((*name).clone());
        lines.extend(rows(values, width));
    }
    if columns.len() > COLUMNS {
        lines.push(format!("and {} more columns; --json has all", columns.len() - COLUMNS));
    }
    if columns.is_empty() { vec![] } else { lines }
}

fn rows(values: &BTreeMap<String, Counts>, width: usize) -> Vec<String> {
    let mut order: Vec<_> = values.iter().map(|(value, counts)| (value.clone(), *counts)).collect();
    order.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.total()));
    if order.len() > VALUES {
        let rest = order.split_off(VALUES - 1);
        let sum = rest.iter().fold(Counts::default(), |sum, (_, counts)| sum + *counts);
        order.push((format!("{} others", rest.len()), sum));
    }
    let row = |(value, counts): (String, Counts)| {
        let value: String = value.chars().take(width - 2).collect();
        format!("  {value:<0$}  {1:>6} {2:>6} {3:>6}", width - 2, counts.train, counts.val, counts.gate)
    };
    order.into_iter().map(row).collect()
}

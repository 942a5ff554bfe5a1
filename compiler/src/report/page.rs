//! From data to what the template shows: headlines, key figures, positions in charts, parts of tables.

use serde::Serialize;

use super::{
    data::{Case, Contestant, Cost, Effects, Fate, Group, GroupKind, Moment, ReportData, Verdict},
    number::{at, percent, points, thousands},
};

/// Candidates shown before the table is folded.
const SHOWN: usize = 12;

/// The chart of leads reaches at least this far to both sides.
const LEAST_REACH: f64 = 0.1;

/// What the template is given.
#[derive(Serialize)]
pub(super) struct Page<'a> {
    task: &'a str,
    graded: bool,
    word: &'static str,
    headline: String,
    conclusion: &'a super::data::Conclusion,
    figures: Vec<Figure>,
    leads: Vec<LeadRow>,
    sealed: &'a Option<super::data::SealedLead>,
    proof: &'a Option<super::data::Proof>,
    held: &'a [super::data::Held],
    groups: Vec<GroupPart<'a>>,
    prompts: &'a [super::data::PromptDiff],
    effects: &'a Effects,
    cases: [CasePart<'a>; 2],
    course: Vec<MomentRow<'a>>,
    contestants: bool,
    tables: Vec<TablePart<'a>>,
    cost: &'a Cost,
    facts: &'a [super::data::Fact],
    tool: String,
}

/// A number in large type and what it is.
#[derive(Serialize)]
struct Figure {
    value: String,
    name: String,
}

/// A line of the chart of leads.
#[derive(Serialize)]
struct LeadRow {
    name: &'static str,
    about: String,
    told: String,
    limits: String,
    class: &'static str,
    at: String,
    range: Option<[String; 2]>,
}

/// Groups under one title.
#[derive(Serialize)]
struct GroupPart<'a> {
    title: &'static str,
    groups: Vec<GroupRow<'a>>,
}

/// A line of the chart of groups.
#[derive(Serialize)]
struct GroupRow<'a> {
    name: &'a str,
    about: &'a str,
    rows: String,
    baseline: super::data::Rate,
    best: super::data::Rate,
    lead: f64,
    class: &'static str,
}

/// Cases under one title.
#[derive(Serialize)]
struct CasePart<'a> {
    title: &'static str,
    cases: &'a [Case],
    before: &'static str,
    after: &'static str,
}

/// A line of the course of the search.
#[derive(Serialize)]
struct MomentRow<'a> {
    is: &'static str,
    text: &'a str,
    rows: usize,
    candidates: usize,
    kept: usize,
    best: f64,
    width: String,
    kept_width: String,
}

/// A part of the table of candidates.
#[derive(Serialize)]
struct TablePart<'a> {
    folded: bool,
    contestants: Vec<ContestantRow<'a>>,
}

/// A line of the table of candidates.
#[derive(Serialize)]
struct ContestantRow<'a> {
    id: &'a str,
    how: &'a str,
    rows: usize,
    score: String,
    fate: Fate,
    told: &'a str,
}

impl<'a> Page<'a> {
    pub(super) fn new(data: &'a ReportData) -> Self {
        Self {
            task: &data.task,
            graded: data.graded,
            word: word(data),
            headline: headline(data),
            conclusion: &data.conclusion,
            figures: figures(data),
            leads: leads(data),
            sealed: &data.sealed,
            proof: &data.proof,
            held: &data.held,
            groups: parts(&data.groups),
            prompts: &data.prompts,
            effects: &data.effects,
            cases: cases(&data.effects, data.graded),
            course: course(&data.course),
            contestants: !data.contestants.is_empty(),
            tables: tables(&data.contestants),
            cost: &data.cost,
            facts: &data.facts,
            tool: format!("Proofmark {}", env!("CARGO_PKG_VERSION")),
        }
    }
}

fn word(data: &ReportData) -> &'static str {
    match data.conclusion.verdict {
        Verdict::Reject if !data.conclusion.tried => "nothing found",
        Verdict::Accept => "accepted",
        Verdict::Reject => "refused",
        Verdict::Inconclusive => "undecided",
        Verdict::Unverified => "unverified",
    }
}

fn headline(data: &ReportData) -> String {
    let bounds = data.sealed.as_ref().and_then(|sealed| sealed.bounds);
    match (data.conclusion.verdict, bounds) {
        (Verdict::Accept, Some([lower, _])) if lower <= 0.0 => {
            format!("The new prompt loses at most {} points, if any", points(-lower).replace('+', ""))
        }
        (Verdict::Accept, Some([lower, _])) => {
            format!("The new prompt is better, by at least {} points", points(lower).replace('+', ""))
        }
        (Verdict::Accept, None) => "The new prompt is better".into(),
        (Verdict::Reject, _) if !data.conclusion.tried => {
            "Nothing better was found; the old prompt stays".into()
        }
        (Verdict::Reject, _) => "The new prompt was refused; the old one stays".into(),
        (Verdict::Inconclusive, _) => "Not decided; the old prompt stays".into(),
        (Verdict::Unverified, _) => "Nobody has checked whether this prompt is better".into(),
    }
}

fn figures(data: &ReportData) -> Vec<Figure> {
    let figure = |value, name: &str| Figure { value, name: name.to_owned() };
    let mut figures = Vec::new();
    if let Some(attacked) = data.groups.iter().find(|group| group.kind == GroupKind::Whole) {
        let change = format!("{} → {}", percent(attacked.baseline.mean), percent(attacked.best.mean));
        figures.push(figure(
            change,
            match data.graded {
                true => "mean score on sealed rows under attack, old → new",
                false => "right on sealed rows under attack, old → new",
            },
        ));
    } else if let Some(visible) = &data.visible {
        let change = format!("{} → {}", percent(visible.baseline), percent(visible.best));
        figures.push(figure(
            change,
            match data.graded {
                true => "mean score on rows the search could see, old → new",
                false => "right on rows the search could see, old → new",
            },
        ));
    }
    if let Some(sealed) = &data.sealed {
        let lead = match sealed.bounds {
            Some(_) => points(sealed.estimate),
            None => format!("about {}", points(sealed.estimate).replace(".0", "")),
        };
        figures.push(figure(lead, "points of lead on sealed rows, as observed"));
    }
    let Cost { task, proposer, gate, .. } = data.cost;
    figures.push(figure(thousands(task + proposer + gate), "model calls"));
    figures
}

fn leads(data: &ReportData) -> Vec<LeadRow> {
    let visible = data.visible.as_ref().map(|visible| visible.best - visible.baseline);
    let sealed = data.sealed.as_ref();
    let ends = sealed.and_then(|sealed| sealed.bounds).into_iter().flatten();
    let all = visible.into_iter().chain(sealed.map(|sealed| sealed.estimate)).chain(ends);
    let reach = 1.15 * all.map(f64::abs).fold(LEAST_REACH, f64::max);
    let position = |lead: f64| at(0.5 + 0.5 * lead / reach);
    let seen = data.visible.iter().zip(visible).map(|(rows, lead)| LeadRow {
        name: "Rows the search could see",
        about: format!("{} rows; it picked the winner by them", thousands(rows.rows as u64)),
        told: format!("{} points", points(lead)),
        limits: String::new(),
        class: "old",
        at: position(lead),
        range: None,
    });
    let judged = sealed.map(|sealed| LeadRow {
        name: "Sealed rows",
        about: match sealed.bounds {
            Some(_) => format!("{} rows and rewritten variants", thousands(sealed.rows as u64)),
            None => format!("up to {} rows and rewritten variants", thousands(sealed.rows as u64)),
        },
        told: match sealed.bounds {
            Some(_) => format!("{} points", points(sealed.estimate)),
            None => format!("about {} points", points(sealed.estimate).replace(".0", "")),
        },
        limits: sealed.bounds.map_or_else(String::new, |[lower, upper]| {
            format!("95\u{a0}%: {} to {}", points(lower), points(upper))
        }),
        class: if sealed.estimate < 0.0 { "worse" } else { "new" },
        at: position(sealed.estimate),
        // Without bounds the lead is rounded to five points, so it may lie half of that to both sides.
        range: Some(
            sealed.bounds.unwrap_or([sealed.estimate - 0.025, sealed.estimate + 0.025]).map(position),
        ),
    });
    seen.chain(judged).collect()
}

fn parts(groups: &[Group]) -> Vec<GroupPart<'_>> {
    let titles = [
        (GroupKind::Whole, ""),
        (GroupKind::Family, "By what was done to the rows"),
        (GroupKind::Slice, "By kind of row"),
    ];
    let part = |(kind, title)| GroupPart {
        title,
        groups: groups.iter().filter(|group| group.kind == kind).map(GroupRow::new).collect(),
    };
    titles.into_iter().map(part).filter(|part| !part.groups.is_empty()).collect()
}

impl<'a> GroupRow<'a> {
    fn new(group: &'a Group) -> Self {
        Self {
            name: &group.name,
            about: &group.about,
            rows: thousands(group.rows as u64),
            baseline: group.baseline,
            best: group.best,
            lead: group.lead,
            class: if group.lead < 0.0 { "worse" } else { "new" },
        }
    }
}

fn cases(effects: &Effects, graded: bool) -> [CasePart<'_>; 2] {
    let titles = if graded { ["Better", "Worse"] } else { ["Fixed", "Broken"] };
    // A grade that fell is not wrong, so nothing is struck out.
    let [good, bad] = if graded { ["better", "worse"] } else { ["yes", "no"] };
    [
        CasePart { title: titles[0], cases: &effects.fixed_cases, before: bad, after: good },
        CasePart { title: titles[1], cases: &effects.broken_cases, before: good, after: bad },
    ]
}

fn course(moments: &[Moment]) -> Vec<MomentRow<'_>> {
    let entrants = moments.iter().map(|moment| match moment {
        Moment::Rung { candidates, .. } => *candidates,
        Moment::Stage { .. } | Moment::Remark { .. } => 0,
    });
    let most = entrants.max().unwrap_or(0).max(1) as f64;
    let width = |candidates: usize| at(candidates as f64 / most);
    let told = |is, text| MomentRow {
        is,
        text,
        rows: 0,
        candidates: 0,
        kept: 0,
        best: 0.0,
        width: String::new(),
        kept_width: String::new(),
    };
    let row = |moment| match moment {
        &Moment::Rung { rows, candidates, kept, best } => MomentRow {
            is: "rung",
            text: "",
            rows,
            candidates,
            kept,
            best,
            width: width(candidates),
            kept_width: width(kept),
        },
        Moment::Stage { text } => told("stage", text.as_str()),
        Moment::Remark { text } => told("remark", text.as_str()),
    };
    moments.iter().map(row).collect()
}

fn tables(contestants: &[Contestant]) -> Vec<TablePart<'_>> {
    let (shown, rest) = contestants.split_at(contestants.len().min(SHOWN));
    let parts = [(false, shown), (true, rest)].into_iter().filter(|(_, contestants)| !contestants.is_empty());
    parts
        .map(|(folded, contestants)| TablePart {
            folded,
            contestants: contestants.iter().map(ContestantRow::new).collect(),
        })
        .collect()
}

impl<'a> ContestantRow<'a> {
    fn new(contestant: &'a Contestant) -> Self {
        let Contestant { id, how, rows, mean, fate, told } = contestant;
        let score = mean.map_or_else(|| "–".to_owned(), percent);
        Self { id, how, rows: *rows, score, fate: *fate, told }
    }
}

//! What a report shows: plain data, so that the page can be made from any run and looked at without one.
//!
//! Scores and shares are 0..=1; leads are differences of scores (0.05 is five points).

use serde::Serialize;

/// Everything on the page.
#[derive(Clone, Debug, Serialize)]
pub struct ReportData {
    /// The name of the task.
    pub task: String,
    /// Whether answers can be partly right, so that scores are means of grades and not shares of right answers.
    pub graded: bool,
    /// What was concluded.
    pub conclusion: Conclusion,
    /// The lead on the rows that the search could see, of the best candidate.
    pub visible: Option<VisibleLead>,
    /// The lead on sealed rows.
    pub sealed: Option<SealedLead>,
    /// The proof, if a candidate was accepted.
    pub proof: Option<Proof>,
    /// What else the accepted prompt had to show.
    pub held: Vec<Held>,
    /// Old against new on parts of the sealed rows; empty unless they may be shown.
    pub groups: Vec<Group>,
    /// The prompts of all modules with what changed.
    pub prompts: Vec<PromptDiff>,
    /// What the change did to single rows that the search could see.
    pub effects: Effects,
    /// What the search told, in order.
    pub course: Vec<Moment>,
    /// Every candidate and what became of it, the best first.
    pub contestants: Vec<Contestant>,
    /// What the run cost.
    pub cost: Cost,
    /// What is needed to repeat the run.
    pub facts: Vec<Fact>,
}

/// What was concluded.
#[derive(Clone, Debug, Serialize)]
pub struct Conclusion {
    /// The verdict.
    pub verdict: Verdict,
    /// Its name in JSON, such as `memorised`; none for acceptance.
    pub kind: Option<String>,
    /// Whether any candidate came before the gate.
    pub tried: bool,
    /// What it means, in a sentence or two.
    pub sentence: String,
    /// What to do next.
    pub advice: String,
    /// What the new prompt is made of, in words.
    pub how: Option<String>,
}

/// The verdict of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The new prompt was shown to be better and is emitted.
    Accept,
    /// The new prompt was refused; the old one is emitted.
    Reject,
    /// It was not decided; the old prompt is emitted.
    Inconclusive,
    /// Nothing was judged.
    Unverified,
}

/// Old against new on the rows that the search could see.
#[derive(Clone, Debug, Serialize)]
pub struct VisibleLead {
    /// Rows that both were measured on.
    pub rows: usize,
    /// The mean score of the old prompt.
    pub baseline: f64,
    /// The mean score of the new one.
    pub best: f64,
}

/// The lead on sealed rows.
#[derive(Clone, Debug, Serialize)]
pub struct SealedLead {
    /// Rows and variants that were used until it was decided; where that may not be shown, all there are.
    pub rows: usize,
    /// As observed; rounded to five points where `bounds` is absent.
    pub estimate: f64,
    /// 95 % bounds, where they may be shown.
    pub bounds: Option<[f64; 2]>,
    /// The part of the lead on visible rows that was found again, less the luck of having been chosen there; where there is
    /// such a lead and it may be shown.
    pub kept: Option<f64>,
}

/// Something that an accepted prompt had to show beside its lead, in words.
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    /// What was asked about.
    pub what: String,
    /// What was demanded.
    pub demand: String,
    /// What was observed.
    pub observed: String,
    /// What that shows, and how surely.
    pub bound: String,
}

/// Why the acceptance can be believed.
#[derive(Clone, Debug, Serialize)]
pub struct Proof {
    /// Exact one-sided mid-p of the sign-flip test.
    pub p: f64,
    /// What it was compared with.
    pub level: f64,
    /// At which of the planned looks.
    pub look: usize,
    /// How many looks were planned.
    pub looks: usize,
    /// Sealed seeds used until then.
    pub seeds: usize,
    /// Sealed seeds in all.
    pub of: usize,
    /// How often these sealed rows have been asked, this time included.
    pub turn: u32,
    /// The policy.
    pub policy: String,
}

/// What a group of sealed rows has in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// All rows of one sort: clean, or attacked in any way.
    Whole,
    /// Rows attacked by one perturbation family.
    Family,
    /// Rows of one slice.
    Slice,
}

/// Old against new on some rows.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// What they have in common.
    pub kind: GroupKind,
    /// Their name for people.
    pub name: String,
    /// What was done to them, in a few words; may be empty.
    pub about: String,
    /// How many there are.
    pub rows: usize,
    /// The old prompt.
    pub baseline: Rate,
    /// The new one.
    pub best: Rate,
    /// The mean difference over seeds.
    pub lead: f64,
}

/// A mean score with its 95 % interval.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Rate {
    /// The mean.
    pub mean: f64,
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

/// The prompt of one module, old against new.
#[derive(Clone, Debug, Serialize)]
pub struct PromptDiff {
    /// The module.
    pub module: String,
    /// The prompt format of the old prompt and of the new one.
    pub formats: [String; 2],
    /// How many of how many demonstrations the new one shows, if the input decides which.
    pub nearest: Option<[usize; 2]>,
    /// Lines in order.
    pub lines: Vec<Line>,
}

/// One line of a prompt.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What became of it.
    pub change: LineChange,
    /// The text, or the speaker of the message that starts here.
    pub text: String,
    /// Whether a message starts here.
    pub heading: bool,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineChange {
    /// It stands in both.
    Same,
    /// It is gone.
    Removed,
    /// It is new.
    Added,
}

/// What the change did to single rows.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Effects {
    /// Rows that both prompts were measured on.
    pub rows: usize,
    /// Rows that got better.
    pub fixed: usize,
    /// Rows that got worse.
    pub broken: usize,
    /// Some of those that got better.
    pub fixed_cases: Vec<Case>,
    /// Some of those that got worse.
    pub broken_cases: Vec<Case>,
}

/// One row under both prompts.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// The row.
    pub id: String,
    /// What went in.
    pub input: String,
    /// What should come out.
    pub expected: String,
    /// What the old prompt made of it.
    pub before: String,
    /// What the new prompt made of it.
    pub after: String,
}

/// Something that the search told.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Moment {
    /// It entered a stage.
    Stage {
        /// Its name.
        text: String,
    },
    /// It remarked something.
    Remark {
        /// The words.
        text: String,
    },
    /// A rung of a race was over.
    Rung {
        /// Rows that each candidate was measured on so far.
        rows: usize,
        /// Candidates in it.
        candidates: usize,
        /// Candidates that went on.
        kept: usize,
        /// The mean score of the best.
        best: f64,
    },
}

/// A candidate and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Contestant {
    /// The short form of its id.
    pub id: String,
    /// What it is made of, in words.
    pub how: String,
    /// Rows that it was measured on.
    pub rows: usize,
    /// Its mean score on them.
    pub mean: Option<f64>,
    /// What became of it.
    pub fate: Fate,
    /// The same in words.
    pub told: String,
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is what was to be beaten.
    Baseline,
    /// The gate accepted it.
    Accepted,
    /// It came before the gate and was not accepted.
    Refused,
    /// It was a finalist that the gate did not have to try.
    Spare,
    /// The search dropped it.
    Dropped,
}

/// What a run cost.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cost {
    /// Calls in the search.
    pub task: u64,
    /// Calls to the proposer.
    pub proposer: u64,
    /// Calls on sealed rows.
    pub gate: u64,
    /// Tokens of all prompts.
    pub input_tokens: u64,
    /// Tokens of all replies.
    pub output_tokens: u64,
    /// Calls that a row takes with the old prompt and with the new one.
    pub per_row: [usize; 2],
}

/// Something needed to repeat a run.
#[derive(Clone, Debug, Serialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
}

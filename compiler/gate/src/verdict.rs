//! Verdicts and the names of what went wrong.

use serde::{Deserialize, Serialize};

/// What the gate says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// Better than the baseline, shown on rows nobody could tune to.
    Accept,
    /// Not to be used, and why.
    Reject {
        /// Why.
        kind: Kind,
    },
    /// Not decided.
    Inconclusive {
        /// What it looks like.
        kind: Kind,
        /// How many units in all would show a gain like the observed one (or two points, if it is smaller) four times out
        /// of five; two leading digits.
        n_needed: usize,
    },
}

/// What is wrong with a candidate. In order of precedence: the first that holds names the verdict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The prompt contains text of sealed rows.
    Leak,
    /// The prompt holds characters that a reader cannot see, or letters that pose as others.
    HiddenCharacters,
    /// The prompt is not readable text.
    Unreadable,
    /// The prompt gives orders to the machine around it.
    Injection,
    /// The prompt tells which answer is the most common.
    LabelPrior,
    /// The prompt recites rows that it was built from.
    Recited,
    /// A row takes more tokens than the task allows.
    OverLimit {
        /// The limit, by its name in task files.
        limit: String,
    },
    /// It gives fewer usable answers.
    Invalid,
    /// It fails rows that must pass and that the baseline passes.
    MustPass,
    /// Its gain on the rows it was made from is real there and gone elsewhere.
    Memorised,
    /// It gains on clean rows and loses that under perturbation.
    Brittle,
    /// It harms a slice.
    SliceHarm {
        /// The slice harmed most surely.
        slice: String,
    },
    /// It is worse than the baseline.
    Regression,
    /// It is worse than the baseline on clean rows.
    CleanRegression,
    /// Another metric of the task gets worse by more than its margin.
    GuardBroken {
        /// The metric.
        guard: String,
    },
    /// Its gain in the search is what the luckiest of many equal prompts shows.
    SelectionNoise,
    /// Its gain, if any, is too small to matter.
    #[serde(rename = "no_useful_lead")]
    NoUsefulGain,
    /// It passed everything else and still gives fewer right answers than the task demands.
    BelowTarget,
    /// Its gain is shown, but not that something else is safe.
    Unguarded {
        /// What is not shown to be safe.
        guard: String,
    },
    /// There are too few units to tell.
    TooSmallN,
}

impl Verdict {
    /// What it means, for a reader who knows no statistics.
    pub fn sentence(&self) -> String {
        match self {
            Self::Accept => "The new prompt is better than the old one on rows nobody could tune to.".into(),
            Self::Reject { kind } => kind.sentence(),
            Self::Inconclusive { kind: kind @ (Kind::TooSmallN | Kind::Unguarded { .. }), n_needed } => {
                format!("Not decided. {} About {n_needed} would do.", kind.sentence())
            }
            Self::Inconclusive { kind, n_needed } => {
                format!("Not decided, but suspected: {} About {n_needed} rows would tell.", kind.sentence())
            }
        }
    }
}

impl Kind {
    /// The stable name, as in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::HiddenCharacters => "hidden_characters",
            Self::Unreadable => "unreadable",
            Self::Injection => "injection",
            Self::LabelPrior => "label_prior",
            Self::Recited => "recited",
            Self::OverLimit { .. } => "over_limit",
            Self::Invalid => "invalid",
            Self::MustPass => "must_pass",
            Self::Memorised => "memorised",
            Self::Brittle => "brittle",
            Self::SliceHarm { .. } => "slice_harm",
            Self::Regression => "regression",
            Self::CleanRegression => "clean_regression",
            Self::GuardBroken { .. } => "guard_broken",
            Self::SelectionNoise => "selection_noise",
            Self::NoUsefulGain => "no_useful_lead",
            Self::BelowTarget => "below_target",
            Self::Unguarded { .. } => "unguarded",
            Self::TooSmallN => "too_small_n",
        }
    }

    /// What it is about: a slice, a guard or a limit.
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::SliceHarm { slice: subject }
            | Self::OverLimit { limit: subject }
            | Self::GuardBroken { guard: subject }
            | Self::Unguarded { guard: subject } => Some(subject),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::OverLimit { .. } => {
                "search for shorter prompts (--optimizer compress), or allow more if the old prompt takes as much itself"
            }
            Self::GuardBroken { .. } | Self::Invalid => {
                "see which answers changed with `show --diff`; a metric that weighs both would let the search see it"
            }
            Self::MustPass => "rows like those that must pass belong to the rows to learn from as well",
            Self::Leak => "take the quoted rows out of the prompt; they cannot be tested on",
            Self::HiddenCharacters
            | Self::Unreadable
            | Self::Injection
            | Self::LabelPrior
            | Self::Recited => {
                "read what was found; another proposer or a smaller budget writes plainer prompts"
            }
            Self::SliceHarm { .. } => "more rows of that group to learn from are the usual cure",
            Self::BelowTarget => "a stronger model, or more rows to learn from, may reach it",
            _ => "more varied rows to learn from are the usual cure",
        }
    }

    /// What it means, for a reader who knows no statistics.
    pub fn sentence(&self) -> String {
        match self {
            Self::Leak => {
                "The prompt contains text of the rows it is tested on, so its score means nothing.".into()
            }
            Self::HiddenCharacters => {
                "The prompt contains characters that a reader cannot see or that pose as others.".into()
            }
            Self::Unreadable => {
                "The prompt contains text that no person would write; it exploits the model.".into()
            }
            Self::Injection => {
                "The prompt gives orders to the machine around it instead of saying how to do the task.".into()
            }
            Self::LabelPrior => {
                "The prompt tells the model which answer is the most common instead of how to find the right one; \
                 that fails as soon as the mix of inputs changes."
                    .into()
            }
            Self::Recited => {
                "The prompt recites rows that it was built from instead of saying how to answer.".into()
            }
            Self::OverLimit { limit } => {
                format!("The new prompt takes more tokens for a row than the task allows by {limit}.")
            }
            Self::Invalid => "The new prompt gives fewer answers that can be used at all.".into(),
            Self::MustPass => {
                "The new prompt fails at least one row that must pass and that the old prompt passes.".into()
            }
            Self::Memorised => {
                "The new prompt learned the rows it was built from: the gain it has there is gone on rows \
                                it never saw."
                    .into()
            }
            Self::Brittle => {
                "The new prompt is better only on tidy inputs: typos, formatting or extra text take its \
                              gain away."
                    .into()
            }
            Self::SliceHarm { slice } => {
                format!("The new prompt makes things worse for one group of inputs: {slice}.")
            }
            Self::Regression => "The new prompt is worse than the old one on the sealed rows.".into(),
            Self::CleanRegression => "The new prompt is worse than the old one on ordinary inputs.".into(),
            Self::GuardBroken { guard } => {
                format!("The new prompt is worse than the old one by another metric that you guard: {guard}.")
            }
            Self::SelectionNoise => {
                "The best of many equal prompts looks this good by luck alone; on rows it never \
                                     saw, nothing of the gain was shown."
                    .into()
            }
            Self::NoUsefulGain => {
                "If the new prompt is better at all, then by less than is worth having.".into()
            }
            Self::BelowTarget => {
                "The new prompt passed every other test, but it gives fewer right answers than the task demands."
                    .into()
            }
            Self::Unguarded { guard } => {
                format!("The new prompt gains, but there are too few rows to show that this is safe: {guard}.")
            }
            Self::TooSmallN => "There are too few rows to tell the two prompts apart.".into(),
        }
    }
}

//! Verdicts and the names of what went wrong.

use serde::{Deserialize, Serialize};

/// The answer of the gate to a finalist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// Shown to be better than the baseline on test rows that the search never saw.
    Accept,
    /// Refused.
    Reject {
        /// The reason.
        kind: Kind,
    },
    /// Undecided.
    Inconclusive {
        /// The likely reason.
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
    /// The prompt gives orders to the system around the model.
    Injection,
    /// The prompt states which answer is the most common.
    LabelPrior,
    /// The prompt quotes training rows.
    Recited,
    /// A row takes more tokens than the task allows.
    OverLimit {
        /// The limit, by its name in task files.
        limit: String,
    },
    /// It gives fewer usable answers.
    Invalid,
    /// It fails must-pass rows that the baseline passes.
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
    /// It passed every other test and gives fewer right answers than the target of the task.
    BelowTarget,
    /// Its gain is shown, but not that something else is safe.
    Unguarded {
        /// What is not shown to be safe.
        guard: String,
    },
    /// There are too few units to decide.
    TooSmallN,
}

impl Verdict {
    /// A sentence for readers without statistics.
    pub fn sentence(&self) -> String {
        match self {
            Self::Accept => {
                "The new prompt is better than the old one on test rows that the search never saw.".into()
            }
            Self::Reject { kind } => kind.sentence(),
            Self::Inconclusive { kind: kind @ (Kind::TooSmallN | Kind::Unguarded { .. }), n_needed } => {
                format!("Undecided. {} Needs about {n_needed} test rows to decide.", kind.sentence())
            }
            Self::Inconclusive { kind, n_needed } => {
                format!(
                    "Undecided, with a suspicion: {} Needs about {n_needed} test rows to decide.",
                    kind.sentence()
                )
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

    /// The advice to the user.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::OverLimit { .. } => {
                "search for shorter prompts (--optimizer compress), or raise the limit if the old prompt exceeds it, too"
            }
            Self::GuardBroken { .. } | Self::Invalid => {
                "see which answers changed with `show --diff`; a metric that includes both lets the search optimize both"
            }
            Self::MustPass => "add rows like the must-pass rows to the training rows",
            Self::Leak => "remove the quoted rows from the prompt; they cannot be used for testing",
            Self::HiddenCharacters
            | Self::Unreadable
            | Self::Injection
            | Self::LabelPrior
            | Self::Recited => {
                "read the text that was found; another proposer or a smaller budget gives plainer prompts"
            }
            Self::SliceHarm { .. } => "add more training rows of that group",
            Self::BelowTarget => "try a stronger model or more training rows",
            _ => "add more varied training rows",
        }
    }

    /// A sentence for readers without statistics.
    pub fn sentence(&self) -> String {
        let sentence = match self {
            Self::Leak => "The prompt contains text of the test rows, so its score means nothing.",
            Self::HiddenCharacters => {
                "The prompt contains invisible characters, or letters that look like other letters."
            }
            Self::Unreadable => "The prompt contains unreadable text that exploits the model.",
            Self::Injection => {
                "The prompt gives orders to the system around the model instead of describing the task."
            }
            Self::LabelPrior => {
                "The prompt states which answer is the most common instead of how to find the right one. \
                 That fails when the mix of inputs changes."
            }
            Self::Recited => "The prompt quotes training rows instead of describing how to answer.",
            Self::OverLimit { limit } => {
                return format!("The new prompt uses more tokens per row than the task allows ({limit}).");
            }
            Self::Invalid => "The new prompt gives fewer usable answers.",
            Self::MustPass => "The new prompt fails at least one must-pass row that the old prompt passes.",
            Self::Memorised => {
                "The new prompt memorized training rows: its gain there is not found on rows that the search never saw."
            }
            Self::Brittle => {
                "The new prompt is better only on clean inputs: typos, formatting or extra text remove its gain."
            }
            Self::SliceHarm { slice } => {
                return format!("The new prompt is worse for one group of inputs: {slice}.");
            }
            Self::Regression => "The new prompt is worse than the old one on the test rows.",
            Self::CleanRegression => "The new prompt is worse than the old one on clean inputs.",
            Self::GuardBroken { guard } => {
                return format!("The new prompt is worse than the old one by another metric: {guard}.");
            }
            Self::SelectionNoise => {
                "The gain seen during search is what the best of many equal prompts reaches by chance, and no gain was \
                 shown on the test rows."
            }
            Self::NoUsefulGain => "The new prompt has no gain, or one that is too small to be useful.",
            Self::BelowTarget => {
                "The new prompt passed every other test, but gives fewer right answers than the target of the task."
            }
            Self::Unguarded { guard } => {
                return format!(
                    "The new prompt has a gain, but there are too few rows to show that this is safe: {guard}."
                );
            }
            Self::TooSmallN => "There are too few test rows to tell the two prompts apart.",
        };
        sentence.to_owned()
    }
}

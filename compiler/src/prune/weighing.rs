//! What was found about the edits of a finalist: kept in the artifact, shown by `show --why`.

use proofmark_runtime::CandidateId;
use serde::{Deserialize, Serialize};

use crate::gate::statistics::{normal::upper_t_quantile, regression::Coefficient};

/// The level of each bound of an effect: together a 90 % interval.
const LEVEL: f64 = 0.05;

/// What became of weighing the edits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pruning {
    /// They were not weighed.
    Skipped {
        /// Why not, in words.
        why: String,
    },
    /// They were.
    Weighed(Box<Weighing>),
}

/// The edits of a finalist, weighed. Scores and shares are 0 to 1, effects differences of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weighing {
    /// The finalist.
    pub candidate: CandidateId,
    /// What went before the gate in its place, if something was taken away.
    pub pruned: Option<CandidateId>,
    /// Visible rows that were asked.
    pub rows: usize,
    /// Answers with a random half of the edits on.
    pub answers: usize,
    /// The lead of all edits together over the baseline on these rows. The sum of the effects is near it unless edits need
    /// or replace each other.
    pub lead: f64,
    /// Every edit.
    pub edits: Vec<Weighed>,
    /// Every attempt to do without some.
    pub tried: Vec<Fewer>,
}

/// An edit with its effects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weighed {
    /// The parameter that it changes.
    pub path: String,
    /// What it does, in a line.
    pub what: String,
    /// On the score, if it can be told.
    pub score: Option<Effect>,
    /// On the share of usable answers.
    pub validity: Option<Effect>,
    /// On the share of rows that get the same answer as they are and rewritten.
    pub agreement: Option<Effect>,
    /// What its effect on the score shows.
    pub class: Class,
    /// Whether it went before the gate.
    pub kept: bool,
}

/// An effect with its 90 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// As estimated.
    pub estimate: f64,
    /// Not below this.
    pub lower: f64,
    /// Not above this.
    pub upper: f64,
}

/// What an effect shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It is above zero.
    Supported,
    /// It is below zero.
    Harmful,
    /// It may be zero.
    Unsupported,
}

/// A finalist without some of its edits, on all rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fewer {
    /// How many edits were taken away.
    pub without: usize,
    /// Its mean score minus that of the whole finalist.
    pub lead: f64,
    /// Not below this (90 %, one-sided).
    pub lower: f64,
    /// Whether that is close enough.
    pub passes: bool,
}

impl Class {
    pub(super) fn of(effect: Option<Effect>) -> Self {
        match effect {
            Some(effect) if effect.lower > 0.0 => Self::Supported,
            Some(effect) if effect.upper < 0.0 => Self::Harmful,
            _ => Self::Unsupported,
        }
    }

    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Supported => "helps",
            Self::Harmful => "harms",
            Self::Unsupported => "not shown",
        }
    }
}

impl Effect {
    /// By Student's t with one degree of freedom fewer than clusters.
    pub(super) fn of(Coefficient { estimate, se }: Coefficient, clusters: usize) -> Self {
        let reach = se * upper_t_quantile(LEVEL, (clusters - 1) as f64);
        Self { estimate, lower: estimate - reach, upper: estimate + reach }
    }
}

impl Weighing {
    /// The sum of all effects on the score.
    pub fn sum(&self) -> f64 {
        self.edits.iter().filter_map(|edit| edit.score).map(|score| score.estimate).sum()
    }

    /// Whether the edits together do something else than one by one, by more than chance: they need or replace each other, and
    /// an effect with half of the others away says little about the whole. Effects are taken as uncorrelated.
    pub fn is_more_than_its_parts(&self) -> bool {
        let scores = self.edits.iter().filter_map(|edit| edit.score);
        let widths: f64 = scores.map(|score| (score.upper - score.lower).powi(2)).sum();
        // Two standard errors of the sum: half of a 90 % interval is 1.645 of them.
        (self.lead - self.sum()).abs() > widths.sqrt() / 1.645
    }

    /// How many edits have an effect of this class.
    pub fn count(&self, class: Class) -> usize {
        self.edits.iter().filter(|edit| edit.class == class).count()
    }

    /// How many edits were taken away.
    pub fn taken_away(&self) -> usize {
        self.edits.iter().filter(|edit| !edit.kept).count()
    }
}

//! `[optimizer]`: who searches, and for how much.

use super::{
    read::Reader,
    shape::{Key, Section, Shape},
};

/// Who searches, and for how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptimizerConfig {
    /// The name of an optimizer.
    pub name: String,
    /// What it may spend.
    pub budget: Budget,
}

/// What a search may spend. The gate is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most model calls.
    pub calls: u64,
    /// Most model calls after the search, to weigh the parts of the first finalist; an eighth of `calls` if none is said.
    pub pruning: Option<u64>,
}

impl Budget {
    /// Calls to weigh the parts of the first finalist with.
    pub fn pruning(self) -> u64 {
        self.pruning.unwrap_or(self.calls / PRUNING_SHARE)
    }
}

/// Weighing the parts of a finalist costs this part of what the search costs.
const PRUNING_SHARE: u64 = 8;

/// `[optimizer]`
pub(crate) static OPTIMIZER: Section = Section {
    name: "optimizer",
    about: "Who searches, and for how much.",
    keys: &[
        Key::new("name", Shape::Name("optimizer", names), "\"auto\" if left out"),
        Key::new("budget", Shape::Table(&BUDGET), "what the search may spend; the gate is not part of it"),
    ],
    variants: None,
};

const NO_PRICES: &str =
    "the prices of models are not known here; say calls = ..., `proofmark check` tells how many a run makes";

static BUDGET: Section = Section {
    name: "budget",
    about: "What a search may spend.",
    keys: &[
        Key::new("calls", Shape::Integer(1, i64::MAX), "most model calls; 3000 if left out"),
        Key::new(
            "pruning",
            Shape::Integer(0, i64::MAX),
            "calls after the search that weigh the parts of what was found; an eighth of calls if left out, 0 for none",
        ),
        Key::new("usd", Shape::Refused(NO_PRICES), "most US dollars"),
    ],
    variants: None,
};

impl Default for OptimizerConfig {
    /// The optimizer that chooses for itself, with 3000 calls.
    fn default() -> Self {
        Self { name: "auto".into(), budget: Budget { calls: 3000, pruning: None } }
    }
}

fn names() -> Vec<&'static str> {
    proofmark_optimizers::ALL.iter().map(|optimizer| optimizer.name()).collect()
}

/// Reads `[optimizer]`.
pub(crate) fn read(table: Reader<'_>) -> OptimizerConfig {
    let default = OptimizerConfig::default();
    let budget = table.table("budget");
    OptimizerConfig {
        name: table.string("name").unwrap_or(default.name),
        budget: Budget {
            calls: budget.whole("calls").unwrap_or(default.budget.calls),
            pruning: budget.whole("pruning"),
        },
    }
}

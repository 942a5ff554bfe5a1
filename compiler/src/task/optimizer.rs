//! `[optimizer]`: the optimizer that searches, and its budget.

use crate::config::{Key, Section, Shape, TableReader};

/// The optimizer and its budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptimizerConfig {
    /// The name of an optimizer.
    pub name: String,
    /// The calls that it may spend.
    pub budget: Budget,
}

/// The calls that a search may spend. It does not cover the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most model calls.
    pub calls: u64,
    /// Most model calls after the search for the ablation of the first finalist; an eighth of `calls` if none.
    pub pruning: Option<u64>,
}

impl Budget {
    /// Most model calls for the ablation of the first finalist.
    pub fn pruning(self) -> u64 {
        self.pruning.unwrap_or(self.calls / PRUNING_SHARE)
    }
}

/// The default budget of the ablation is the budget of the search divided by this.
const PRUNING_SHARE: u64 = 8;

/// `[optimizer]`
pub(crate) static OPTIMIZER: Section = Section {
    name: "optimizer",
    about: "The optimizer that searches, and its budget.",
    keys: &[
        Key::new("name", Shape::Name("optimizer", names), "\"auto\" if left out"),
        Key::new(
            "budget",
            Shape::Table(&BUDGET),
            "calls that the search may spend; it does not cover the gate",
        ),
    ],
    variants: None,
};

const NO_PRICES: &str = "Proofmark does not know the prices of models; set calls = ..., `proofmark check` shows how many calls a run makes";

static BUDGET: Section = Section {
    name: "budget",
    about: "The calls that a search may spend.",
    keys: &[
        Key::new("calls", Shape::Integer(1, i64::MAX), "most model calls; 3000 if left out"),
        Key::new(
            "pruning",
            Shape::Integer(0, i64::MAX),
            "calls after the search for the ablation of the finalist; an eighth of calls if left out, 0 for no ablation",
        ),
        Key::new("usd", Shape::Refused(NO_PRICES), "most US dollars"),
    ],
    variants: None,
};

impl Default for OptimizerConfig {
    /// The optimizer `auto` with 3000 calls.
    fn default() -> Self {
        Self { name: "auto".into(), budget: Budget { calls: 3000, pruning: None } }
    }
}

fn names() -> Vec<&'static str> {
    proofmark_optimizers::ALL.iter().map(|optimizer| optimizer.name()).collect()
}

/// Reads `[optimizer]`.
pub(crate) fn read(table: TableReader<'_>) -> OptimizerConfig {
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

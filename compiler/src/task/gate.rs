//! `[gate]`: how strictly finalists are judged, and on which perturbations.

use super::{
    read::Reader,
    shape::{Key, Section, Shape},
};
use crate::attack;

/// How finalists are judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateConfig {
    /// How strictly.
    pub policy: Policy,
    /// Perturbation families to draw variants from; all that fit the task if empty.
    pub families: Vec<String>,
    /// Variants per sealed row.
    pub variants: usize,
    /// Whether case carries no meaning in the inputs, so that it may be perturbed.
    pub case_insensitive: bool,
}

/// How strictly finalists are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The lead must be proven at .05.
    #[default]
    Strict,
    /// The lead must be proven at .10: for large search budgets.
    Balanced,
    /// Only not worse by more than 3 points: for prompts whose benefit is elsewhere (shorter, cheaper).
    Noninferior,
    /// The best on val, always stamped UNVERIFIED.
    Explore,
}

/// `[gate]`
pub(crate) static GATE: Section = Section {
    name: "gate",
    about: "How finalists are judged on sealed rows.",
    keys: &[
        Key::new("policy", Shape::Name("policy", policies), "\"strict\" if left out"),
        Key::new("families", Shape::Names("perturbation family", attack::names), "all that fit if left out"),
        Key::new("variants", Shape::Integer(1, 16), "perturbed variants of each sealed row; 3 if left out"),
        Key::new("case_insensitive", Shape::Boolean, "whether the case of the inputs carries no meaning"),
    ],
    variants: None,
};

const POLICIES: [(&str, Policy); 4] = [
    ("strict", Policy::Strict),
    ("balanced", Policy::Balanced),
    ("noninferior", Policy::Noninferior),
    ("explore", Policy::Explore),
];

impl Policy {
    /// As written in a task file.
    pub fn name(self) -> &'static str {
        POLICIES.iter().find(|(_, policy)| *policy == self).map_or("strict", |(name, _)| name)
    }
}

impl Default for GateConfig {
    /// Strict, three variants of all families.
    fn default() -> Self {
        Self { policy: Policy::Strict, families: vec![], variants: 3, case_insensitive: false }
    }
}

fn policies() -> Vec<&'static str> {
    POLICIES.iter().map(|(name, _)| *name).collect()
}

/// Reads `[gate]`.
pub(crate) fn read(table: Reader<'_>) -> GateConfig {
    let default = GateConfig::default();
    let policy = table.text("policy").and_then(|name| POLICIES.iter().find(|(known, _)| *known == name));
    GateConfig {
        policy: policy.map_or(default.policy, |(_, policy)| *policy),
        families: table.texts("families").iter().map(|name| (*name.get_ref()).to_owned()).collect(),
        variants: table.whole("variants").unwrap_or(default.variants),
        case_insensitive: table.boolean("case_insensitive").unwrap_or(default.case_insensitive),
    }
}

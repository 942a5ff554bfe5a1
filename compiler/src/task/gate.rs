//! `[gate]`: how strictly finalists are judged, and on which perturbations.

use super::{
    problem::Problem,
    read::Reader,
    shape::{Key, Section, Shape},
};
use crate::{
    attack::{self, rewrite},
    gate::{Demands, Policy},
};

/// How finalists are judged.
#[derive(Clone, Debug, PartialEq)]
pub struct GateConfig {
    /// How strictly; none under `explore`, which emits the best on val, stamped UNVERIFIED.
    pub policy: Option<Policy>,
    /// What is demanded beyond beating the baseline, but for the guards.
    pub demands: Demands,
    /// Perturbation families to draw variants from, beside the user's own; the default ones that fit the task if left out.
    pub families: Option<Vec<String>>,
    /// Variants per sealed row.
    pub variants: usize,
    /// Whether case carries no meaning in the inputs, so that it may be perturbed.
    pub case_insensitive: bool,
}

/// `[gate]`
pub(crate) static GATE: Section = Section {
    name: "gate",
    about: "How finalists are judged on sealed rows.",
    keys: &[
        Key::new("policy", Shape::Name("policy", policies), "\"strict\" if left out"),
        Key::new(
            "target",
            Shape::Number(Demands::TARGETS.0, Demands::TARGETS.1),
            "share of right answers to reach on sealed rows as they are, such as 0.90; what misses it is refused",
        ),
        Key::new(
            "max_tokens",
            Shape::Integer(1, 1_000_000),
            "most tokens of a sealed row on average, prompt and reply together; what takes more is refused",
        ),
        Key::new(
            "max_reply_tokens",
            Shape::Integer(1, 1_000_000),
            "most tokens of a reply on average: what a prompt can help of how long an answer takes",
        ),
        Key::new(
            "max_token_ratio",
            Shape::Number(0.01, 1000.0),
            "the same as a multiple of what the old prompt takes on the same rows",
        ),
        Key::new(
            "families",
            Shape::Names("perturbation family", families),
            "the usual ones if left out; those of [[attack]] and [rewriter] are always used as well",
        ),
        Key::new("variants", Shape::Integer(1, 16), "perturbed variants of each sealed row; 3 if left out"),
        Key::new("case_insensitive", Shape::Boolean, "whether the case of the inputs carries no meaning"),
    ],
    variants: None,
};

/// Policies by name; the last asks for no proof at all.
const POLICIES: [(&str, Option<Policy>); 4] = [
    ("strict", Some(Policy::Strict)),
    ("balanced", Some(Policy::Balanced)),
    ("noninferior", Some(Policy::Noninferior)),
    ("explore", None),
];

impl Default for GateConfig {
    /// Strict, three variants of all families.
    fn default() -> Self {
        Self {
            policy: Some(Policy::Strict),
            demands: Demands::default(),
            families: None,
            variants: 3,
            case_insensitive: false,
        }
    }
}

impl GateConfig {
    /// The names of the families to draw from.
    pub fn families(&self) -> Vec<String> {
        self.families.clone().unwrap_or_else(|| attack::default_families(self.case_insensitive))
    }
}

/// All families, those that a model writes among them: they are known here, to say where they belong.
fn families() -> Vec<&'static str> {
    attack::names().into_iter().chain(rewrite::names()).collect()
}

fn policies() -> Vec<&'static str> {
    POLICIES.iter().map(|(name, _)| *name).collect()
}

/// Reads `[gate]`.
pub(crate) fn read(root: Reader<'_>, problems: &mut Vec<Problem>) -> GateConfig {
    let table = root.table("gate");
    let default = GateConfig::default();
    let policy = table.text("policy").and_then(|name| POLICIES.iter().find(|(known, _)| *known == name));
    let case_insensitive = table.boolean("case_insensitive").unwrap_or(default.case_insensitive);
    let families = table.texts("families");
    for name in families.iter().filter(|_| !case_insensitive) {
        let family = attack::ALL.iter().find(|family| family.name() == *name.get_ref());
        if family.is_some_and(|family| family.needs_case_insensitive()) {
            let message =
                format!("`{}` changes the case of inputs, which may carry meaning here", name.get_ref());
            let problem = Problem::new(name.span(), message, "changes case");
            problems.push(problem.hint("leave it out, or say case_insensitive = true"));
        }
    }
    for name in families.iter().filter(|name| rewrite::find(name.get_ref()).is_some()) {
        let message = format!("`{}` is written by a model, which [rewriter] has to name", name.get_ref());
        let problem = Problem::new(name.span(), message, "not here");
        problems.push(problem.hint(format!(
            "[rewriter] with name = \"provider/model\" and families = [\"{}\"]; then: proofmark attack TASK --rewrite",
            name.get_ref()
        )));
    }
    let policy = policy.map_or(default.policy, |(_, policy)| *policy);
    let demands = ["target", "max_tokens", "max_reply_tokens", "max_token_ratio"].map(|name| (name, table));
    for (name, table) in demands.into_iter().chain([("guard", root)]).filter(|_| policy.is_none()) {
        if let Some(span) = table.key_span(name) {
            let message = format!("`explore` tests nothing, so no `{name}` can be held");
            let problem = Problem::new(span, message, "is not tested");
            problems.push(problem.hint("take another policy, such as policy = \"strict\""));
        }
    }
    GateConfig {
        policy,
        demands: Demands {
            target: table.number("target"),
            max_tokens: table.whole("max_tokens"),
            max_reply_tokens: table.whole("max_reply_tokens"),
            max_token_ratio: table.number("max_token_ratio"),
            guards: vec![],
        },
        families: table
            .get("families")
            .map(|_| families.iter().map(|name| (*name.get_ref()).to_owned()).collect()),
        variants: table.whole("variants").unwrap_or(default.variants),
        case_insensitive,
    }
}

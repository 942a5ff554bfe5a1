//! `[gate]`: the policy of the gate, its demands, and the perturbations of test rows.

use std::ops::Range;

use crate::{
    attack::{self, rewrite},
    config::{Key, Problem, Section, Shape, TableReader},
    gate::{Demands, Policy},
};

/// The settings of the gate.
#[derive(Clone, Debug, PartialEq)]
pub struct GateConfig {
    /// The policy; none for `explore`, which emits the best candidate on validation rows, stamped UNVERIFIED.
    pub policy: Option<Policy>,
    /// The demands beside beating the baseline, without the guards.
    pub demands: Demands,
    /// The perturbation families beside the user's own; the default families that fit the task if none.
    pub families: Option<Vec<String>>,
    /// The number of variants of each test row.
    pub variants: usize,
    /// Whether the case of the inputs has no meaning, so that it may be perturbed.
    pub case_insensitive: bool,
}

/// `[gate]`
pub(crate) static GATE: Section = Section {
    name: "gate",
    about: "How finalists are tested on sealed rows.",
    keys: &[
        Key::new("policy", Shape::Name("policy", policies), "\"strict\" if left out"),
        Key::new(
            "target",
            Shape::Number(Demands::TARGETS.0, Demands::TARGETS.1),
            "share of right answers that is needed on unperturbed test rows, such as 0.90",
        ),
        Key::new(
            "max_tokens",
            Shape::Integer(1, 1_000_000),
            "most tokens of a test row on average, prompt and reply together",
        ),
        Key::new(
            "max_reply_tokens",
            Shape::Integer(1, 1_000_000),
            "most tokens of a reply on average; a prompt influences response time mostly through it",
        ),
        Key::new(
            "max_token_ratio",
            Shape::Number(0.01, 1000.0),
            "most tokens of a test row, as a multiple of the baseline's on the same rows",
        ),
        Key::new(
            "families",
            Shape::Names("perturbation family", families),
            "the default ones if left out; those of [[attack]] and [rewriter] are always used too",
        ),
        Key::new("variants", Shape::Integer(1, 16), "perturbed variants of each test row; 3 if left out"),
        Key::new("case_insensitive", Shape::Boolean, "whether the case of the inputs has no meaning"),
    ],
    variants: None,
};

/// The policies by name; the last one tests nothing.
const POLICIES: [(&str, Option<Policy>); 4] = [
    ("strict", Some(Policy::Strict)),
    ("balanced", Some(Policy::Balanced)),
    ("noninferior", Some(Policy::Noninferior)),
    ("explore", None),
];

impl Default for GateConfig {
    /// The policy `strict` with three variants of the default families.
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

/// All families, including those that a model writes, so that a message can say where these belong.
fn families() -> Vec<&'static str> {
    attack::names().into_iter().chain(rewrite::names()).collect()
}

fn policies() -> Vec<&'static str> {
    POLICIES.iter().map(|(name, _)| *name).collect()
}

/// Reads `[gate]`.
pub(crate) fn read(root: TableReader<'_>, problems: &mut Vec<Problem>) -> GateConfig {
    let table = root.table("gate");
    let default = GateConfig::default();
    let policy = table.text("policy").and_then(|name| POLICIES.iter().find(|(known, _)| *known == name));
    let policy = policy.map_or(default.policy, |(_, policy)| *policy);
    let case_insensitive = table.boolean("case_insensitive").unwrap_or(default.case_insensitive);
    check_families(table, case_insensitive, problems);
    if policy.is_none() {
        for demand in ["target", "max_tokens", "max_reply_tokens", "max_token_ratio"] {
            problems.extend(table.key_span(demand).map(|span| untested(demand, span)));
        }
        problems.extend(root.key_span("guard").map(|span| untested("guard", span)));
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
        families: table.get("families").map(|_| table.strings("families")),
        variants: table.whole("variants").unwrap_or(default.variants),
        case_insensitive,
    }
}

/// Reports families that do not fit the task, or that belong to another section.
fn check_families(table: TableReader<'_>, case_insensitive: bool, problems: &mut Vec<Problem>) {
    for name in table.texts("families") {
        let family = attack::ALL.iter().find(|family| family.name() == *name.get_ref());
        if !case_insensitive && family.is_some_and(|family| family.needs_case_insensitive()) {
            let message =
                format!("`{}` changes the case of inputs, which may have a meaning here", name.get_ref());
            let problem = Problem::new(name.span(), message, "changes case");
            problems.push(problem.hint("remove it, or set case_insensitive = true"));
        }
        if rewrite::find(name.get_ref()).is_some() {
            let message = format!("`{}` needs a model, so it belongs in [rewriter]", name.get_ref());
            let problem = Problem::new(name.span(), message, "wrong section");
            problems.push(problem.hint(format!(
                "[rewriter] with name = \"provider/model\" and families = [\"{}\"]; then: proofmark attack TASK --rewrite",
                name.get_ref()
            )));
        }
    }
}

/// The problem of a demand under a policy that tests nothing.
fn untested(demand: &str, span: Range<usize>) -> Problem {
    let message = format!("policy `explore` tests nothing, so `{demand}` has no effect");
    Problem::new(span, message, "not tested").hint("use another policy, such as policy = \"strict\"")
}

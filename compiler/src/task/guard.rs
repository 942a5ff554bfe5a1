//! `[[guard]]`: metrics that must not get worse while the task's own metric gets better.

use std::{path::Path, sync::Arc};

use proofmark_runtime::Program;

use crate::{
    config::{Key, Problem, Section, Shape, TableReader},
    metric::{self, Metric},
};

/// The default loss that a guard allows.
const MARGIN: f64 = 0.03;

/// Names that the gate itself uses in reports.
const RESERVED: [&str; 5] =
    ["clean rows", "usable answers", "max_tokens", "max_reply_tokens", "max_token_ratio"];

/// A metric that must not get worse.
#[derive(Clone, Debug)]
pub struct GuardConfig {
    /// Its name in reports.
    pub name: String,
    /// The loss of the mean score that it allows, 0 to 1.
    pub margin: f64,
    /// The metric.
    pub metric: Arc<Metric>,
}

/// `[[guard]]`
pub(crate) static GUARD: Section = Section {
    name: "guard",
    about: "A metric that must not get worse on the test rows, while the task's own metric gets better.",
    keys: &[
        Key::required("name", Shape::Text, "its name in reports"),
        Key::new(
            "margin",
            Shape::Number(0.001, 1.0),
            "loss of the mean score that is allowed; 0.03 if left out",
        ),
        metric::KIND,
    ],
    variants: Some(metric::KINDS),
};

/// Reads all `[[guard]]`; skips those with a mistake (reported).
pub(crate) fn read(
    root: TableReader<'_>,
    program: &Program,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Vec<GuardConfig> {
    let mut guards: Vec<GuardConfig> = vec![];
    for item in root.items("guard") {
        let table = TableReader::of(item);
        let Some((name, span)) = table.text("name").zip(table.span("name")) else { continue };
        let mistake = if name.trim().is_empty() {
            Some(("a guard needs a name".to_owned(), "such as name = \"tone\""))
        } else if guards.iter().any(|other| other.name == name) {
            Some((format!("another guard is named `{name}`"), "give this guard another name"))
        } else if RESERVED.contains(&name) {
            Some((format!("the gate uses the name `{name}` itself"), "give this guard another name"))
        } else {
            None
        };
        if let Some((message, hint)) = mistake {
            problems.push(Problem::new(span, message, "this name").hint(hint));
            continue;
        }
        let role = format!("guard `{name}`, the command");
        let Some(metric) = metric::read(table, &role, program, folder, problems) else { continue };
        let margin = table.number("margin").unwrap_or(MARGIN);
        guards.push(GuardConfig { name: name.to_owned(), margin, metric: Arc::new(metric) });
    }
    guards
}

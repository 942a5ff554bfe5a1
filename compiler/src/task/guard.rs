//! `[[guard]]`: metrics that must not get worse while the task's own metric gets better.

use std::{path::Path, sync::Arc};

use proofmark_runtime::Program;

use super::{
    problem::Problem,
    read::Reader,
    shape::{Key, Section, Shape},
};
use crate::metric::{self, Metric};

/// What a guarded metric may lose if the task file does not say.
const MARGIN: f64 = 0.03;

/// What the gate reports beside guards, by the same kind of name.
const TAKEN: [&str; 5] =
    ["clean rows", "usable answers", "max_tokens", "max_reply_tokens", "max_token_ratio"];

/// A metric that must not get worse.
#[derive(Clone, Debug)]
pub struct GuardConfig {
    /// Its name in reports.
    pub name: String,
    /// What its mean may lose, 0 to 1.
    pub margin: f64,
    /// How answers are scored by it.
    pub metric: Arc<Metric>,
}

/// `[[guard]]`
pub(crate) static GUARD: Section = Section {
    name: "guard",
    about: "A metric that must not get worse, asked on sealed rows beside the one that has to get better.",
    keys: &[
        Key::required("name", Shape::Text, "its name in reports"),
        Key::new("margin", Shape::Number(0.001, 1.0), "what its mean may lose; 0.03 if left out"),
        metric::KIND,
    ],
    variants: Some(metric::KINDS),
};

/// Reads all `[[guard]]`; those with something wrong (reported) are left out.
pub(crate) fn read(
    root: Reader<'_>,
    program: &Program,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Vec<GuardConfig> {
    let mut guards: Vec<GuardConfig> = vec![];
    for item in root.items("guard") {
        let table = Reader::of(item);
        let Some((name, span)) = table.text("name").zip(table.span("name")) else { continue };
        let mistake = if name.trim().is_empty() {
            Some(("a guard needs a name".to_owned(), "such as name = \"tone\""))
        } else if guards.iter().any(|other| other.name == name) {
            Some((format!("there is a guard `{name}` already"), "give this one another name"))
        } else if TAKEN.contains(&name) {
            Some((format!("`{name}` is what the gate itself reports"), "give the guard another name"))
        } else {
            None
        };
        if let Some((message, hint)) = mistake {
            problems.push(Problem::new(span, message, "not a name of its own").hint(hint));
            continue;
        }
        let who = format!("guard `{name}`, the command");
        let Some(metric) = metric::read((table, &who), program, folder, problems) else { continue };
        let margin = table.number("margin").unwrap_or(MARGIN);
        guards.push(GuardConfig { name: name.to_owned(), margin, metric: Arc::new(metric) });
    }
    guards
}

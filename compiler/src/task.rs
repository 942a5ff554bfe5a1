//! Task files: `task.toml` read into a [`Task`], every mistake with its place.
//!
//! **Invariant:** a [`Task`] that exists is sound: its program is wired and typed, its files exist, its names are known.
//! All mistakes of a file are reported together.
//!
//! `shape` checks the file against one table of keys per section (the JSON schema is made from the same tables),
//! `program`, `fields` and `demos` check what only makes sense together, one file per remaining section reads it.

mod data;
mod demos;
mod fields;
mod gate;
mod guard;
mod model;
mod nearest;
mod optimizer;
mod problem;
mod program;
mod read;
mod rewriter;
mod schema;
mod shape;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use proofmark_runtime::Program;
use toml::de::DeTable;

pub(crate) use self::{
    data::path,
    nearest::suggest,
    read::Reader,
    shape::{Key, Section, Shape, Variants},
};
pub use self::{
    data::{Columns, DataConfig, DataFiles},
    gate::GateConfig,
    guard::GuardConfig,
    model::{DEFAULT_MODEL, ModelConfig, PROPOSAL_TOKENS},
    optimizer::{Budget, OptimizerConfig},
    problem::{Problem, TaskErrors, TaskReport},
    program::SOLE_MODULE,
    rewriter::RewriterConfig,
    schema::schema,
};
use crate::{
    attack::{self, Own},
    gate::{Demands, Margin},
    metric::{self, Metric},
};

/// The name of a task file in its folder.
pub const TASK_FILE: &str = "task.toml";

/// What is to be compiled: a program, its data, and how it is measured, searched and judged.
#[derive(Debug)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// The folder of the task file; relative paths start here.
    pub folder: PathBuf,
    /// The text of the task file.
    pub text: String,
    /// The program as written: the baseline.
    pub program: Program,
    /// Where the rows are.
    pub data: DataConfig,
    /// How answers are scored.
    pub metric: Arc<Metric>,
    /// Who answers.
    pub model: ModelConfig,
    /// Who writes instructions, if not the model itself.
    pub proposer: Option<ModelConfig>,
    /// Who searches, and for how much.
    pub optimizer: OptimizerConfig,
    /// How finalists are judged.
    pub gate: GateConfig,
    /// Metrics that must not get worse.
    pub guards: Vec<GuardConfig>,
    /// Perturbation families of the user's.
    pub attacks: Vec<Own>,
    /// Who rewrites rows for the families that need a model, if anybody does.
    pub rewriter: Option<RewriterConfig>,
}

/// Why there is no task.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The file cannot be read.
    #[error("cannot read the task file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file has mistakes.
    #[error(transparent)]
    Broken(#[from] TaskErrors),
}

/// A whole task file.
pub(crate) static FILE: Section = Section {
    name: "task",
    about: "A Proofmark task: a prompt program, its data, and how it is measured, searched and judged.",
    keys: &[
        Key::required("format", Shape::Integer(1, 1), "the version of this file format"),
        Key::new("name", Shape::Text, "its name; that of the folder if left out"),
        Key::new("signature", Shape::Table(&program::SIGNATURE), "a program of one module"),
        Key::new("inputs", Shape::Map(&fields::FIELD), "what a program of several modules gets"),
        Key::new("module", Shape::Tables(&program::MODULE), "a module of a program of several"),
        Key::new(
            "outputs",
            Shape::Map(&Shape::Text),
            "what it gives: name = \"module.field\"; the last module's outputs if left out",
        ),
        Key::new("demos", Shape::Frees, "worked examples for [signature], part of the baseline"),
        Key::required("data", Shape::Table(&data::DATA), "where the rows are"),
        Key::new("metric", Shape::Table(&metric::METRIC), "how answers are scored; exact if left out"),
        Key::new("model", Shape::Table(&model::MODEL), "who answers; the embedded model if left out"),
        Key::new("proposer", Shape::Table(&model::PROPOSER), "a stronger model that writes instructions"),
        Key::new("optimizer", Shape::Table(&optimizer::OPTIMIZER), "who searches, and for how much"),
        Key::new("gate", Shape::Table(&gate::GATE), "how finalists are judged"),
        Key::new("guard", Shape::Tables(&guard::GUARD), "a metric that must not get worse"),
        Key::new("attack", Shape::Tables(&attack::ATTACK), "a perturbation family of your own"),
        Key::new(
            "rewriter",
            Shape::Table(&rewriter::REWRITER),
            "a model that rewrites rows for families that need one",
        ),
    ],
    variants: None,
};

impl Task {
    /// Reads a task file, or the one in a folder.
    ///
    /// # Errors
    /// If the file cannot be read, or has mistakes (all of them).
    pub fn load(path: &Path) -> Result<Self, TaskError> {
        let path = if path.is_dir() { path.join(TASK_FILE) } else { path.to_owned() };
        let bytes =
            std::fs::read(&path).map_err(|source| TaskError::Unreadable { path: path.clone(), source })?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::parse(text, &path)?),
            Err(error) => {
                let end = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let problem = Problem::new(end..end, "the task file is not UTF-8", "this byte");
                Err(TaskErrors::new(path, &text, vec![problem.hint("save it as UTF-8")]).into())
            }
        }
    }

    /// What is demanded of a prompt beyond beating the baseline.
    pub fn demands(&self) -> Demands {
        let margin = |guard: &GuardConfig| Margin { name: guard.name.clone(), margin: guard.margin };
        Demands { guards: self.guards.iter().map(margin).collect(), ..self.gate.demands.clone() }
    }

    /// Reads the text of a task file at `path`.
    ///
    /// # Errors
    /// All mistakes.
    pub fn parse(text: String, path: &Path) -> Result<Self, TaskErrors> {
        let (document, errors) = DeTable::parse_recoverable(&text);
        let mut problems: Vec<_> = errors.iter().map(syntax).collect();
        if problems.is_empty() {
            shape::check_table(&FILE, document.get_ref(), ("", 0..0), &mut problems);
            let root = Reader::new(document.get_ref());
            let folder = path.parent().unwrap_or(Path::new(""));
            if let Some(task) = read_all(root, folder, &mut problems)
                && problems.is_empty()
            {
                drop(document);
                return Ok(Self { text, ..task });
            }
        }
        Err(TaskErrors::new(path.to_owned(), &text, problems))
    }
}

/// The task without its text; nothing if a part that it cannot be without is broken (reported).
fn read_all(root: Reader<'_>, folder: &Path, problems: &mut Vec<Problem>) -> Option<Task> {
    let program = program::read(root, problems);
    let data = data::read(root.table("data"), program.as_ref(), folder, problems);
    let metric = program
        .as_ref()
        .and_then(|program| metric::read((root.table("metric"), metric::ROLE), program, folder, problems));
    let guards =
        program.as_ref().map(|program| guard::read(root, program, folder, problems)).unwrap_or_default();
    let model = model::read(root.table("model"), model::REPLY_TOKENS, problems);
    let proposer = model::read(root.table("proposer"), model::PROPOSAL_TOKENS, problems);
    let gate = gate::read(root, problems);
    let attacks = attack::read(root, program.as_ref(), folder, problems);
    let rewriter = rewriter::read(root.table("rewriter"), program.as_ref(), folder, problems);
    let called = || folder.canonicalize().ok()?.file_name()?.to_str().map(str::to_owned);
    Some(Task {
        name: root.string("name").or_else(called).unwrap_or_else(|| "task".into()),
        folder: folder.to_owned(),
        text: String::new(),
        program: program?,
        data: data?,
        metric: Arc::new(metric?),
        model: model.unwrap_or_default(),
        proposer,
        optimizer: optimizer::read(root.table("optimizer")),
        gate,
        guards,
        attacks,
        rewriter,
    })
}

fn syntax(error: &toml::de::Error) -> Problem {
    Problem::new(error.span().unwrap_or_default(), error.message().to_owned(), "not TOML")
}

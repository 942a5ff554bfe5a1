//! Task files: `task.toml` read into a [`Task`], every mistake with its place.
//!
//! **Invariant:** a [`Task`] that exists is sound: its program is wired and typed, its files exist, its names are known.
//! All mistakes of a file are reported together.
//!
//! [`crate::config`] checks the file against one table of keys per section; `schema` makes the JSON schema from the same tables.
//! `program`, `fields` and `demos` read the program and check rules across its sections; one file reads each other section.

mod data;
mod demos;
mod errors;
mod fields;
mod gate;
mod guard;
mod optimizer;
mod program;
mod schema;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use proofmark_runtime::Program;
use toml::de::DeTable;

pub use self::{
    data::{Columns, DataConfig, DataFiles},
    errors::{TaskErrors, TaskReport},
    gate::GateConfig,
    guard::GuardConfig,
    optimizer::{Budget, OptimizerConfig},
    program::SOLE_MODULE,
    schema::schema,
};
pub use crate::{
    attack::rewrite::RewriterConfig,
    config::{DEFAULT_MODEL, ModelConfig, PROPOSAL_TOKENS, Problem},
};
use crate::{
    attack::{
        self, Own, Plan, PlanError,
        rewrite::{self, Rewritings},
    },
    config::{self, Key, Section, Shape, TableReader, check_table},
    gate::{Demands, Margin},
    metric::{self, Metric},
};

/// The name of a task file in its folder.
pub const TASK_FILE: &str = "task.toml";

/// A task: a program, its data, its metric, and the settings of search and gate.
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
    /// The files of rows.
    pub data: DataConfig,
    /// The metric.
    pub metric: Arc<Metric>,
    /// The model under test.
    pub model: ModelConfig,
    /// The model that writes instructions, if it is not the model under test.
    pub proposer: Option<ModelConfig>,
    /// The optimizer and its budget.
    pub optimizer: OptimizerConfig,
    /// The settings of the gate.
    pub gate: GateConfig,
    /// Metrics that must not get worse.
    pub guards: Vec<GuardConfig>,
    /// The user's own perturbation families.
    pub attacks: Vec<Own>,
    /// The model that rewrites rows, for the families that need one.
    pub rewriter: Option<RewriterConfig>,
}

/// Why a task file gives no task.
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
    about: "A Proofmark task: a prompt program, its data, its metric, and the settings of search and gate.",
    keys: &[
        Key::required("format", Shape::Integer(1, 1), "the version of this file format"),
        Key::new("name", Shape::Text, "its name; that of the folder if left out"),
        Key::new("signature", Shape::Table(&program::SIGNATURE), "a program of one module"),
        Key::new("inputs", Shape::Map(&fields::FIELD), "inputs of a program of several modules"),
        Key::new("module", Shape::Tables(&program::MODULE), "a module of a program of several"),
        Key::new(
            "outputs",
            Shape::Map(&Shape::Text),
            "outputs of the program: name = \"module.field\"; those of the last module if left out",
        ),
        Key::new("demos", Shape::Frees, "demonstrations for [signature], part of the baseline"),
        Key::required("data", Shape::Table(&data::DATA), "the files of rows"),
        Key::new("metric", Shape::Table(&metric::METRIC), "how answers are scored; exact if left out"),
        Key::new(
            "model",
            Shape::Table(&config::MODEL),
            "the model under test; the embedded model if left out",
        ),
        Key::new("proposer", Shape::Table(&config::PROPOSER), "a stronger model that writes instructions"),
        Key::new("optimizer", Shape::Table(&optimizer::OPTIMIZER), "the optimizer and its budget"),
        Key::new("gate", Shape::Table(&gate::GATE), "how finalists are tested"),
        Key::new("guard", Shape::Tables(&guard::GUARD), "a metric that must not get worse"),
        Key::new("attack", Shape::Tables(&attack::ATTACK), "a perturbation family of your own"),
        Key::new(
            "rewriter",
            Shape::Table(&rewrite::REWRITER),
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

    /// The demands on a candidate beside beating the baseline.
    pub fn demands(&self) -> Demands {
        let margin = |guard: &GuardConfig| Margin { name: guard.name.clone(), margin: guard.margin };
        Demands { guards: self.guards.iter().map(margin).collect(), ..self.gate.demands.clone() }
    }

    /// The names of the perturbation families of the task: those of `[gate]`, `[[attack]]` and `[rewriter]`.
    pub fn families(&self) -> Vec<String> {
        let own = self.attacks.iter().map(|own| own.name().to_owned());
        let rewritten = self.rewriter.iter().flat_map(|config| config.families.clone());
        self.gate.families().into_iter().chain(own).chain(rewritten).collect()
    }

    /// The plan that perturbs the rows of the task.
    ///
    /// # Errors
    /// If the file of rewritings cannot be used.
    pub fn plan(&self) -> Result<Plan<'_>, PlanError> {
        let rewritings = match &self.rewriter {
            Some(config) => Rewritings::read(config, &self.program, &self.model.name)?,
            None => Rewritings::default(),
        };
        Ok(Plan {
            families: self.families(),
            own: &self.attacks,
            rewritings,
            variants: self.gate.variants,
            seed: self.data.seed,
            protected: attack::words_of(&self.program),
            choices: attack::choices_of(&self.program),
        })
    }

    /// Reads the text of a task file at `path`.
    ///
    /// # Errors
    /// All mistakes.
    pub fn parse(text: String, path: &Path) -> Result<Self, TaskErrors> {
        let (document, errors) = DeTable::parse_recoverable(&text);
        let mut problems: Vec<_> = errors.iter().map(syntax).collect();
        if problems.is_empty() {
            check_table(&FILE, document.get_ref(), "", 0..0, &mut problems);
            let root = TableReader::new(document.get_ref());
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

/// The task without its text; none if a required part has a mistake (reported).
fn read_all(root: TableReader<'_>, folder: &Path, problems: &mut Vec<Problem>) -> Option<Task> {
    let program = program::read(root, problems);
    let data = data::read(root.table("data"), program.as_ref(), folder, problems);
    let metric = program
        .as_ref()
        .and_then(|program| metric::read(root.table("metric"), metric::ROLE, program, folder, problems));
    let guards =
        program.as_ref().map(|program| guard::read(root, program, folder, problems)).unwrap_or_default();
    let model = config::read_model(root.table("model"), config::REPLY_TOKENS, problems);
    let proposer = config::read_model(root.table("proposer"), config::PROPOSAL_TOKENS, problems);
    let gate = gate::read(root, problems);
    let attacks = attack::read(root, program.as_ref(), folder, problems);
    let rewriter = rewrite::read(root.table("rewriter"), program.as_ref(), folder, problems);
    Some(Task {
        name: root.string("name").or_else(|| folder_name(folder)).unwrap_or_else(|| "task".into()),
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

fn folder_name(folder: &Path) -> Option<String> {
    folder.canonicalize().ok()?.file_name()?.to_str().map(str::to_owned)
}

fn syntax(error: &toml::de::Error) -> Problem {
    Problem::new(error.span().unwrap_or_default(), error.message().to_owned(), "not TOML")
}

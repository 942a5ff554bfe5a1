//! Programs: modules wired by name.
//!
//! **Invariant:** every [`Program`] is sound: each module comes after the modules that feed it, names are unique, wired
//! types are equal, written demonstrations fit. [`Program::new`] checks this, and there is no other constructor.
//!
//! `sound` has the checks, `overlay` applies candidates to programs, `vote` joins several programs into one that votes,
//! `listing` reorders choices.

mod listing;
mod overlay;
mod sound;
mod vote;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::{overlay::BadCandidate, sound::Unsound};
use crate::{
    candidate::{Calibration, Demonstration},
    kind,
    signature::{Field, Signature},
};

/// Modules wired by name into one function from inputs to outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Program {
    parts: Parts,
}

/// The parts of a program; [`Program::new`] checks them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// The inputs of the program.
    pub inputs: Vec<Field>,
    /// Its modules, in any order.
    pub modules: Vec<Module>,
    /// The outputs of the program.
    pub outputs: Vec<Output>,
}

/// One call to a model with a signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// The name of its [`kind`].
    pub kind: String,
    /// Its inputs and outputs.
    pub signature: Signature,
    /// The source of each of its inputs.
    pub wiring: BTreeMap<String, Source>,
    /// Demonstrations as written or as overlaid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demonstrations: Vec<Demonstration>,
    /// The number of demonstrations that are shown: those nearest to the input, the very nearest last. 0 shows all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nearest: u32,
    /// The prompt format; if absent, [`crate::prompt::default_format`] chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The correction of label scores.
    #[serde(default, skip_serializing_if = "is_default")]
    pub calibration: Calibration,
}

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// An input of the program.
    Input(String),
    /// An output of a module.
    Output {
        /// The module.
        module: String,
        /// Its output field.
        field: String,
    },
}

/// One output of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its source.
    pub source: Source,
    /// The sources of the other members, if it is a vote; see [`Output::value`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub voters: Vec<Source>,
}

impl Program {
    /// Checks the parts and puts the modules in running order.
    ///
    /// # Errors
    /// All problems, not only the first.
    pub fn new(mut parts: Parts) -> Result<Self, Vec<Unsound>> {
        let problems = sound::problems(&parts);
        if !problems.is_empty() {
            return Err(problems);
        }
        parts.modules = sound::running_order(&parts.modules).map_err(|circle| vec![circle])?;
        Ok(Self { parts })
    }

    /// A program of one module called `name` with the same inputs and outputs.
    ///
    /// # Errors
    /// All problems, not only the first.
    pub fn single(
        name: &str,
        kind: &str,
        signature: Signature,
        demonstrations: Vec<Demonstration>,
    ) -> Result<Self, Vec<Unsound>> {
        let input = |field: &Field| (field.name.clone(), Source::Input(field.name.clone()));
        let output = |field: &Field| Output {
            name: field.name.clone(),
            source: Source::Output { module: name.to_owned(), field: field.name.clone() },
            voters: Vec::new(),
        };
        Self::new(Parts {
            inputs: signature.inputs.clone(),
            outputs: signature.outputs.iter().map(output).collect(),
            modules: vec![Module {
                name: name.to_owned(),
                kind: kind.to_owned(),
                wiring: signature.inputs.iter().map(input).collect(),
                signature,
                demonstrations,
                nearest: 0,
                format: None,
                calibration: Calibration::None,
            }],
        })
    }

    /// The modules in running order.
    pub fn modules(&self) -> &[Module] {
        &self.parts.modules
    }

    /// The module of that name.
    pub fn module(&self, name: &str) -> Option<&Module> {
        self.parts.modules.iter().find(|module| module.name == name)
    }

    /// The inputs of the program.
    pub fn inputs(&self) -> &[Field] {
        &self.parts.inputs
    }

    /// The outputs of the program and their sources.
    pub fn outputs(&self) -> &[Output] {
        &self.parts.outputs
    }

    /// The typed outputs under their public names.
    pub fn output_fields(&self) -> Vec<Field> {
        let fields = self.parts.outputs.iter();
        fields
            .filter_map(|output| {
                let field = sound::source_field(&self.parts, &output.source).ok()?;
                Some(Field { name: output.name.clone(), ..field.clone() })
            })
            .collect()
    }

    /// Whether several modules vote on its outputs.
    pub fn is_vote(&self) -> bool {
        self.parts.outputs.iter().any(|output| !output.voters.is_empty())
    }

    /// The model calls for one record.
    pub fn calls_per_record(&self) -> usize {
        self.parts.modules.len()
    }
}

impl Module {
    /// The signature that is sent; see [`kind::Kind::effective`].
    pub fn effective(&self) -> Signature {
        kind::find(&self.kind).map_or_else(|| self.signature.clone(), |kind| kind.effective(&self.signature))
    }
}

impl Source {
    /// The source as a task file writes it: `message` or `extract.summary`.
    pub fn written(&self) -> String {
        match self {
            Self::Input(name) => name.clone(),
            Self::Output { module, field } => format!("{module}.{field}"),
        }
    }
}

impl TryFrom<Parts> for Program {
    type Error = String;

    fn try_from(parts: Parts) -> Result<Self, String> {
        let join =
            |problems: Vec<Unsound>| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Self::new(parts).map_err(join)
    }
}

impl From<Program> for Parts {
    fn from(program: Program) -> Self {
        program.parts
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

fn is_default(calibration: &Calibration) -> bool {
    *calibration == Calibration::None
}

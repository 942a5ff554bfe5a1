//! Families of the user's: a table of find/replace rules, a program, or templates (see [`super::templates`]).
//!
//! **Invariant:** what they make is held to a guarantee like everybody else's. Rules change whole words outside of quotes
//! and never numbers, negations or words of the task, which is checked when the task file is read. Of what a program makes,
//! only light edits that leave protected spans alone and additions around the unchanged text are kept; the rest is dropped
//! and counted.

use std::sync::{Mutex, PoisonError};

use proofmark_runtime::{Example, ExampleId, Value};
use rand::rngs::ChaCha8Rng;
use serde_json::{Value as Json, json};

use super::{Family, Guarantee, Miss, Normalizer, Protected, Scene, Templates, lexicon};
use crate::command::{Command, CommandError};

/// A family of the user's.
#[derive(Debug)]
pub enum Own {
    /// Find/replace rules.
    Rules(Rules),
    /// A program.
    Program(Box<OwnProgram>),
    /// Texts with holes.
    Templates(Templates),
}

/// A table of find/replace rules.
#[derive(Debug)]
pub struct Rules {
    name: String,
    about: String,
    /// What is found, and what is put there.
    rules: Vec<(String, String)>,
    /// The same in lower case.
    lower: Vec<(String, String)>,
}

/// A program: a line `{"id": ..., "text": ..., "seed": ...}` in, a line `{"text": ...}` out; null if it cannot change it.
#[derive(Debug)]
pub struct OwnProgram {
    name: String,
    command: Command,
    /// Its first question and answer, to ask it again in the end.
    first: Mutex<Option<(Json, Option<String>)>>,
}

impl Own {
    /// The name used in reports.
    pub fn name(&self) -> &str {
        match self {
            Self::Rules(rules) => &rules.name,
            Self::Program(program) => &program.name,
            Self::Templates(templates) => templates.name(),
        }
    }

    /// One line for reports.
    pub fn about(&self) -> &str {
        match self {
            Self::Rules(rules) => &rules.about,
            Self::Program(_) => "what your own program makes of the text",
            Self::Templates(templates) => templates.about(),
        }
    }

    /// Ends what runs.
    ///
    /// # Errors
    /// If a program did not keep to one answer for each line.
    pub(super) fn finish(&self) -> Result<(), CommandError> {
        match self {
            Self::Rules(_) | Self::Templates(_) => Ok(()),
            Self::Program(program) => program.finish(),
        }
    }
}

impl Rules {
    /// Rules in order; nothing is found twice, and nothing that is put in is found.
    pub(super) fn new(name: &str, rules: Vec<(String, String)>) -> Self {
        let lower = rules.iter().map(|(find, put)| (find.to_lowercase(), put.to_lowercase())).collect();
        let about = match rules.first() {
            Some((find, put)) => format!("your own rules, such as {put} for {find}"),
            None => "your own rules".to_owned(),
        };
        Self { name: name.to_owned(), about, rules, lower }
    }
}

impl Family for Rules {
    fn name(&self) -> &str {
        &self.name
    }

    fn about(&self) -> &str {
        &self.about
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Respells(self)
    }

    fn perturb(&self, text: &str, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        lexicon::swap(text, &pairs(&self.rules), scene, rng)
    }
}

impl Normalizer for Rules {
    fn normal(&self, text: &str) -> String {
        lexicon::replaced(text, &pairs(&self.lower))
    }
}

fn pairs(rules: &[(String, String)]) -> Vec<lexicon::Rule<'_>> {
    rules.iter().map(|(find, put)| (find.as_str(), put.as_str())).collect()
}

impl OwnProgram {
    /// A program.
    pub(super) fn new(name: &str, command: Command) -> Self {
        Self { name: name.to_owned(), command, first: Mutex::default() }
    }

    /// The name used in reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its work is held to.
    pub(super) fn guarantee(&self) -> Guarantee<'static> {
        Guarantee::EditsOrSurrounds
    }

    /// The row with what the program makes of its text.
    ///
    /// # Errors
    /// If the program fails; within, why there is no such row.
    pub(super) fn apply(
        &self,
        row: &Example,
        field: &str,
        (protected, seed): (&Protected, u64),
    ) -> Result<Result<Example, Miss>, CommandError> {
        let Some(text) = row.inputs.get(field).and_then(Value::as_text) else { return Ok(Err(Miss::Idle)) };
        let Some(changed) = self.ask(&row.id, text, seed)?.filter(|changed| changed != text) else {
            return Ok(Err(Miss::Idle));
        };
        Ok(self.guarantee().check(text, &changed, protected).map_err(Miss::from).map(|()| {
            let mut row = row.clone();
            row.inputs.insert(field, changed);
            row
        }))
    }

    fn ask(&self, id: &ExampleId, text: &str, seed: u64) -> Result<Option<String>, CommandError> {
        let question = json!({ "id": id, "text": text, "seed": seed });
        let answer = self.command.ask(&question, EXPECTED, parse)?;
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| (question, answer.clone()));
        Ok(answer)
    }

    /// Asks the first question again, because variants must be the same in every run, and ends the program.
    fn finish(&self) -> Result<(), CommandError> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((question, answer)) = first
            && self.command.ask(&question, EXPECTED, parse)? != answer
        {
            return Err(self.command.fickle());
        }
        self.command.finish()
    }
}

const EXPECTED: &str = "{\"text\": \"...\"}, or null for a text that it cannot change";

fn parse(line: &str) -> Result<Option<String>, String> {
    let json: Json = serde_json::from_str(line).map_err(|error| error.to_string())?;
    match json.get("text") {
        Some(Json::Null) => Ok(None),
        Some(Json::String(text)) if text.contains('\0') => Err("`text` contains a NUL character".into()),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err("`text` is no text".into()),
        None => Err("`text` is missing".into()),
    }
}

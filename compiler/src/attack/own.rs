//! The user's own families: a table of find/replace rules, a program, or templates (see [`super::templates`]).
//!
//! **Invariant:** their variants must keep a guarantee like those of other families. Rules change whole words outside of quotes
//! and never numbers, negations or words of the task, which is checked when the task file is read. Variants of a program are
//! kept only if they are light edits outside of protected spans, or additions around the unchanged text; others are dropped
//! and counted.

use std::sync::{Mutex, PoisonError};

use proofmark_runtime::{Example, ExampleId, Value};
use rand::rngs::ChaCha8Rng;
use serde_json::{Value as Json, json};

use super::{Family, Guarantee, Miss, Normalizer, Protected, Scene, Templates, lexicon};
use crate::command::{Command, CommandError};

/// An own family of the user.
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
    rules: Vec<Rule>,
    /// The same rules in lower case.
    lower: Vec<Rule>,
}

/// A find/replace rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) find: String,
    pub(super) put: String,
}

/// A program that reads a line `{"id": .., "text": .., "seed": ..}` and answers a line `{"text": ..}`, with null for a text that
/// it cannot change.
#[derive(Debug)]
pub struct OwnProgram {
    name: String,
    command: Command,
    /// Its first question and answer, which is repeated at the end.
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
            Self::Program(_) => "the text as your own program changes it",
            Self::Templates(templates) => templates.about(),
        }
    }

    /// Ends a running program.
    ///
    /// # Errors
    /// If the program did not give one answer for each line, or gave two answers to one line.
    pub(super) fn finish(&self) -> Result<(), CommandError> {
        match self {
            Self::Rules(_) | Self::Templates(_) => Ok(()),
            Self::Program(program) => program.finish(),
        }
    }
}

impl Rules {
    /// Makes a family of rules. No word is found twice, and no replacement is itself found.
    pub(super) fn new(name: &str, rules: Vec<Rule>) -> Self {
        let lower =
            rules.iter().map(|rule| Rule { find: rule.find.to_lowercase(), put: rule.put.to_lowercase() });
        let lower = lower.collect();
        let about = match rules.first() {
            Some(Rule { find, put }) => format!("your own rules, such as {put} for {find}"),
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

fn pairs(rules: &[Rule]) -> Vec<lexicon::Spelling<'_>> {
    rules.iter().map(|rule| (rule.find.as_str(), rule.put.as_str())).collect()
}

impl OwnProgram {
    /// Makes a family of a program.
    pub(super) fn new(name: &str, command: Command) -> Self {
        Self { name: name.to_owned(), command, first: Mutex::default() }
    }

    /// The name used in reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The guarantee of its variants.
    pub(super) fn guarantee(&self) -> Guarantee<'static> {
        Guarantee::EditsOrSurrounds
    }

    /// The row with the text as the program changes it.
    ///
    /// # Errors
    /// If the program fails. The inner error says why there is no such row.
    pub(super) fn apply(
        &self,
        row: &Example,
        field: &str,
        protected: &Protected,
        seed: u64,
    ) -> Result<Result<Example, Miss>, CommandError> {
        let Some(text) = row.inputs.get(field).and_then(Value::as_text) else { return Ok(Err(Miss::Idle)) };
        let Some(changed) = self.ask(&row.id, text, seed)?.filter(|changed| changed != text) else {
            return Ok(Err(Miss::Idle));
        };
        if let Err(broken) = self.guarantee().check(text, &changed, protected) {
            return Ok(Err(broken.into()));
        }
        let mut row = row.clone();
        row.inputs.insert(field, changed);
        Ok(Ok(row))
    }

    fn ask(&self, id: &ExampleId, text: &str, seed: u64) -> Result<Option<String>, CommandError> {
        let question = json!({ "id": id, "text": text, "seed": seed });
        let answer = self.command.ask(&question, EXPECTED, parse)?;
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| (question, answer.clone()));
        Ok(answer)
    }

    /// Repeats the first question, because variants must be the same in every run, and ends the program.
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
        Some(_) => Err("`text` is not a text".into()),
        None => Err("`text` is missing".into()),
    }
}

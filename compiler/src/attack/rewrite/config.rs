//! `[rewriter]` of a task file: the models that rewrite rows and vote, the families, and the file of rewritings.

use std::path::{Path, PathBuf};

use proofmark_runtime::{Program, Type};

use super::{find, names};
use crate::config::{
    BASE_URL, KEY_ENV, Key, ModelConfig, NAME, Problem, Section, Shape, TableReader, read_model,
};

/// How rows are rewritten.
#[derive(Clone, Debug, PartialEq)]
pub struct RewriterConfig {
    /// The model that writes.
    pub model: ModelConfig,
    /// The model that votes, if it is not the writer. It must not be the model that the gate tests.
    pub verifier: Option<ModelConfig>,
    /// The families, each one way of rewriting.
    pub families: Vec<String>,
    /// The language of the rows.
    pub language: String,
    /// The languages to translate into and to mix in.
    pub foreign: Vec<String>,
    /// The file of rewritings.
    pub file: PathBuf,
}

const TOKENS: Key = Key::new(
    "max_tokens",
    Shape::Integer(1, 1_000_000),
    "most tokens of a reply, thoughts included; 1024 if left out",
);

/// `[rewriter]`
pub(crate) static REWRITER: Section = Section {
    name: "rewriter",
    about: "A language model that rewrites rows, run by `attack TASK --rewrite`. A rewriting is used if all votes accept it.",
    keys: &[
        NAME,
        BASE_URL,
        KEY_ENV,
        TOKENS,
        Key::new(
            "families",
            Shape::Names("way of rewriting", names),
            "used beside those of [gate] families; \"paraphrase\" if left out",
        ),
        Key::new("language", Shape::Text, "the language of the rows; English if left out"),
        Key::new("foreign", Shape::Texts, "languages to translate into and to mix in; German if left out"),
        Key::new("file", Shape::Text, "the file of rewritings; rewrites.jsonl if left out"),
        Key::new(
            "verifier",
            Shape::Table(&VERIFIER),
            "the model that votes; the writer if left out; must not be the model under test",
        ),
    ],
    variants: None,
};

/// `[rewriter.verifier]`
static VERIFIER: Section = Section {
    name: "verifier",
    about: "A language model that votes on whether the right answer stays right.",
    keys: &[NAME, BASE_URL, KEY_ENV, TOKENS],
    variants: None,
};

/// The default limit for the tokens of a reply.
const REWRITING_TOKENS: u32 = 1_024;
/// The default file.
const FILE: &str = "rewrites.jsonl";

/// Reads `[rewriter]`; none if it is absent.
pub(crate) fn read(
    table: TableReader<'_>,
    program: Option<&Program>,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Option<RewriterConfig> {
    let verifier = read_model(table.table("verifier"), REWRITING_TOKENS, problems);
    let model = read_model(table, REWRITING_TOKENS, problems)?;
    if let Some(program) = program {
        check_contrast(table, program, problems);
    }
    Some(RewriterConfig {
        model,
        verifier,
        families: list_or(table, "families", "paraphrase", problems),
        language: table.string("language").unwrap_or_else(|| "English".to_owned()),
        foreign: list_or(table, "foreign", "German", problems),
        file: folder.join(table.text("file").unwrap_or(FILE)),
    })
}

/// Reports a family that changes the right answer, if the task has no single output with a known set of other answers.
fn check_contrast(table: TableReader<'_>, program: &Program, problems: &mut Vec<Problem>) {
    let families = table.texts("families");
    let changes_answer = |name: &str| find(name).is_some_and(|way| way.changes_answer());
    let Some(name) = families.iter().find(|name| changes_answer(name.get_ref())) else { return };
    let outputs = program.output_fields();
    if !matches!(outputs.as_slice(), [only] if matches!(only.ty, Type::Choice(_) | Type::Boolean)) {
        let message = format!("`{}` needs exactly one output, of type choice or boolean", name.get_ref());
        let problem = Problem::new(name.span(), message, "no set of answers");
        problems.push(
            problem.hint("it picks another answer from the possible ones and rewrites the row to fit it"),
        );
    }
}

/// A list of texts; `default` if the key is absent. Reports an empty list.
fn list_or(table: TableReader<'_>, key: &str, default: &str, problems: &mut Vec<Problem>) -> Vec<String> {
    let texts = table.strings(key);
    if !texts.is_empty() {
        return texts;
    }
    if let Some(span) = table.span(key) {
        let problem = Problem::new(span, format!("`rewriter.{key}` is empty"), "empty");
        problems.push(problem.hint(format!("such as [\"{default}\"], or remove the key")));
    }
    vec![default.to_owned()]
}

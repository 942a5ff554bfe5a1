//! `[rewriter]`: a model that rewrites rows for the families that need one, in which ways, and where it is written to.

use std::path::{Path, PathBuf};

use proofmark_runtime::{Program, Type};

use super::{
    model::{self, BASE_URL, KEY_ENV, ModelConfig, NAME},
    problem::Problem,
    read::Reader,
    shape::{Key, Section, Shape},
};
use crate::attack::rewrite;

/// Who rewrites rows, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct RewriterConfig {
    /// Who writes.
    pub model: ModelConfig,
    /// Who votes, if not the same. Never the model that is judged.
    pub verifier: Option<ModelConfig>,
    /// The ways of rewriting, each a family of variants.
    pub families: Vec<String>,
    /// The language of the rows.
    pub language: String,
    /// Languages to translate into and to mix in.
    pub foreign: Vec<String>,
    /// The file with what was written.
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
    about: "A language model that rewrites rows: `attack TASK --rewrite` has it write, what all votes are for is used.",
    keys: &[
        NAME,
        BASE_URL,
        KEY_ENV,
        TOKENS,
        Key::new(
            "families",
            Shape::Names("way of rewriting", rewrite::names),
            "used beside those of [gate] families; \"paraphrase\" if left out",
        ),
        Key::new("language", Shape::Text, "the language of the rows; English if left out"),
        Key::new("foreign", Shape::Texts, "languages to translate into and to mix in; German if left out"),
        Key::new("file", Shape::Text, "where it is written to and read from; rewrites.jsonl if left out"),
        Key::new(
            "verifier",
            Shape::Table(&VERIFIER),
            "who votes; the writer, asked in other words, if left out; never the model that is judged",
        ),
    ],
    variants: None,
};

/// `[rewriter.verifier]`
static VERIFIER: Section = Section {
    name: "verifier",
    about: "A language model that says whether right answers stay.",
    keys: &[NAME, BASE_URL, KEY_ENV, TOKENS],
    variants: None,
};

/// Most tokens of a reply, if nothing is said.
const REWRITING_TOKENS: u32 = 1_024;
/// The file, if nothing is said.
const FILE: &str = "rewrites.jsonl";

/// Reads `[rewriter]`; nothing where it is absent.
pub(super) fn read(
    table: Reader<'_>,
    program: Option<&Program>,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Option<RewriterConfig> {
    let verifier = model::read(table.table("verifier"), REWRITING_TOKENS, problems);
    let model = model::read(table, REWRITING_TOKENS, problems)?;
    let families = table.texts("families");
    for key in ["families", "foreign"].into_iter().filter(|key| table.get(key).is_some()) {
        if let (true, Some(span)) = (table.texts(key).is_empty(), table.span(key)) {
            problems.push(Problem::new(span, format!("`rewriter.{key}` is empty"), "nothing to do"));
        }
    }
    let turns = families.iter().find(|name| rewrite::find(name.get_ref()).is_some_and(|way| way.turns()));
    if let (Some(name), Some(program)) = (turns, program) {
        let outputs = program.output_fields();
        let closed = |ty: &Type| matches!(ty, Type::Choice(_) | Type::Boolean);
        if !matches!(outputs.as_slice(), [only] if closed(&only.ty)) {
            let message = format!("`{}` needs one output that is a choice or true or false", name.get_ref());
            let problem = Problem::new(name.span(), message, "which other answer?");
            problems
                .push(problem.hint("the other answer is declared before the row is rewritten, and voted on"));
        }
    }
    let own = |names: &[toml::Spanned<&str>]| names.iter().map(|name| (*name.get_ref()).to_owned()).collect();
    let some =
        |names: Vec<String>, default: &str| if names.is_empty() { vec![default.to_owned()] } else { names };
    Some(RewriterConfig {
        model,
        verifier,
        families: some(own(&families), "paraphrase"),
        language: table.string("language").unwrap_or_else(|| "English".to_owned()),
        foreign: some(own(&table.texts("foreign")), "German"),
        file: folder.join(table.text("file").unwrap_or(FILE)),
    })
}

//! Prompts for the proposer: titled sections and a request that says how to reply.
//!
//! **Invariant:** what stands between fences in a prompt is an instruction and nothing else is, so that a reader, or a
//! test, can tell them apart.

use std::fmt::Write;

use proofmark_runtime::{Candidate, Field, Module, Program, prompt::label};

use super::{cases::Case, instruction};
use crate::lab::Lab;

/// Who the proposer is.
const SYSTEM: &str = "You write instructions for a language model that does one step of a program. A good instruction \
                      says in plain words what to do, what to watch for and how to decide in doubt. It holds for \
                      inputs that nobody has seen yet: it never quotes an example and never names one.";

/// The two messages of a question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prompt {
    pub(crate) system: String,
    pub(crate) user: String,
}

impl Prompt {
    /// A prompt without any section.
    pub(crate) fn new() -> Self {
        Self { system: SYSTEM.to_owned(), user: String::new() }
    }

    /// A prompt about one step: what it takes and gives, and what the other steps do.
    pub(crate) fn on(program: &Program, module: &Module) -> Self {
        let signature = &module.signature;
        let step =
            format!("It takes:\n{}\nIt gives:\n{}", fields(&signature.inputs), fields(&signature.outputs));
        let others = program.modules().iter().filter(|other| other.name != module.name);
        let others: Vec<String> =
            others.map(|other| format!("- {}: {}", other.name, other.signature.instructions)).collect();
        let prompt = Self::new().section("The step", &step);
        if others.is_empty() {
            prompt
        } else {
            prompt.section("Other steps of the program", &others.join("\n"))
        }
    }

    /// With a titled section.
    #[must_use]
    pub(crate) fn section(mut self, title: &str, body: &str) -> Self {
        let _ = write!(self.user, "# {title}\n{}\n\n", body.trim());
        self
    }

    /// With the instruction that a candidate gives a module.
    #[must_use]
    pub(crate) fn instruction(self, title: &str, candidate: &Candidate, module: &Module) -> Self {
        self.section(title, &fenced(instruction(candidate, module)))
    }

    /// With instructions and what they scored, in percent, in the order given.
    #[must_use]
    pub(crate) fn scored(self, title: &str, list: &[(&str, f64)]) -> Self {
        let one = |(text, score): &(&str, f64)| format!("Score {:.0}:\n{}", 100.0 * score, fenced(text));
        self.section(title, &list.iter().map(one).collect::<Vec<_>>().join("\n"))
    }

    /// With rows and what came of them, as one module saw them.
    #[must_use]
    pub(crate) fn cases(self, title: &str, (lab, module): (&Lab<'_>, &Module), cases: &[&Case<'_>]) -> Self {
        let told: Vec<String> = cases
            .iter()
            .enumerate()
            .map(|(i, case)| format!("## Example {}\n{}", i + 1, case.told(lab.program(), module)))
            .collect();
        self.section(title, &told.join("\n"))
    }

    /// With what is to be done, and one instruction as the reply.
    #[must_use]
    pub(crate) fn wants_instruction(self, task: &str) -> Self {
        self.section(
            "Your task",
            &format!(
                "{task}\nReply with the complete instruction, all of it and nothing else, between a line of three \
                 backticks before it and one after it."
            ),
        )
    }

    /// With what is to be done, and a list as the reply.
    #[must_use]
    pub(crate) fn wants_list(self, task: &str, most: usize) -> Self {
        let reply = format!(
            "{task}\nReply with a numbered list of at most {most} items, one sentence each, and nothing else."
        );
        self.section("Your task", &reply)
    }

    /// With what is to be done, and plain words as the reply.
    #[must_use]
    pub(crate) fn wants_words(self, task: &str) -> Self {
        self.section("Your task", &format!("{task}\nReply with these words and nothing else."))
    }
}

/// A text between fences.
pub(crate) fn fenced(text: &str) -> String {
    format!("```\n{}\n```", text.trim())
}

fn fields(fields: &[Field]) -> String {
    let line = |field: &Field| {
        let about = if field.about.is_empty() { String::new() } else { format!(": {}", field.about) };
        format!("- {} ({}){about}", label(&field.name), field.ty.phrase())
    };
    fields.iter().map(line).collect::<Vec<_>>().join("\n")
}

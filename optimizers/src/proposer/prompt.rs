//! Prompts for the proposer: titled sections and a request that says how to reply.
//!
//! **Invariant:** a prompt puts instructions between fences, and nothing else, so that a model and a test can find them.

use std::fmt::Write;

use proofmark_runtime::{Candidate, Field, Module, Program, prompt::label};

use super::{cases::Case, instruction};

/// The system message of all questions.
const SYSTEM: &str = "You write instructions for a language model that does one step of a program. A good instruction \
                      says in plain words what to do, what to watch for and how to decide in doubt. It holds for \
                      inputs that nobody has seen yet: it never quotes an example and never names one.";

/// The two messages of a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// The system message.
    pub system: String,
    /// The user message.
    pub user: String,
}

impl Default for Prompt {
    fn default() -> Self {
        Self::new()
    }
}

impl Prompt {
    /// Makes a prompt without any section.
    pub fn new() -> Self {
        Self { system: SYSTEM.to_owned(), user: String::new() }
    }

    /// Makes a prompt about one module: its fields, and the instructions of the other modules.
    pub fn on(program: &Program, module: &Module) -> Self {
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

    /// Adds a titled section.
    #[must_use]
    pub fn section(mut self, title: &str, body: &str) -> Self {
        let _ = write!(self.user, "# {title}\n{}\n\n", body.trim());
        self
    }

    /// Adds the instruction that a candidate gives a module.
    #[must_use]
    pub fn instruction(self, title: &str, candidate: &Candidate, module: &Module) -> Self {
        self.section(title, &fenced(instruction(candidate, module)))
    }

    /// Adds instructions with their scores (0..=1, shown in percent) in the order given.
    #[must_use]
    pub fn scored(self, title: &str, list: &[(&str, f64)]) -> Self {
        let mut blocks = Vec::with_capacity(list.len());
        for (text, score) in list {
            blocks.push(format!("Score {:.0}:\n{}", 100.0 * score, fenced(text)));
        }
        self.section(title, &blocks.join("\n"))
    }

    /// Adds cases from the view of one module.
    #[must_use]
    pub fn cases(self, title: &str, program: &Program, module: &Module, cases: &[&Case<'_>]) -> Self {
        let mut blocks = Vec::with_capacity(cases.len());
        for (i, case) in cases.iter().enumerate() {
            blocks.push(format!("## Example {}\n{}", i + 1, case.rendered(program, module)));
        }
        self.section(title, &blocks.join("\n"))
    }

    /// Adds the task, and asks for one instruction as the reply.
    #[must_use]
    pub fn wants_instruction(self, task: &str) -> Self {
        self.section(
            "Your task",
            &format!(
                "{task}\nReply with the complete instruction, all of it and nothing else, between a line of three \
                 backticks before it and one after it."
            ),
        )
    }

    /// Adds the task, and asks for a list of at most `most` items as the reply.
    #[must_use]
    pub fn wants_list(self, task: &str, most: usize) -> Self {
        let reply = format!(
            "{task}\nReply with a numbered list of at most {most} items, one sentence each, and nothing else."
        );
        self.section("Your task", &reply)
    }

    /// Adds the task, and asks for plain text as the reply.
    #[must_use]
    pub fn wants_words(self, task: &str) -> Self {
        self.section("Your task", &format!("{task}\nReply with these words and nothing else."))
    }
}

/// A text between fences.
fn fenced(text: &str) -> String {
    format!("```\n{}\n```", text.trim())
}

/// Renders fields, one line each.
fn fields(fields: &[Field]) -> String {
    let line = |field: &Field| {
        let about = if field.about.is_empty() { String::new() } else { format!(": {}", field.about) };
        format!("- {} ({}){about}", label(&field.name), field.ty.phrase())
    };
    fields.iter().map(line).collect::<Vec<_>>().join("\n")
}

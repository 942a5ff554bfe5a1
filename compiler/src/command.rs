//! The user's own programs, which answer lines of JSON with lines of JSON: a metric, a perturbation family.
//!
//! A program is started once and kept open. Its standard error is shown if it fails.
//!
//! **Invariant:** a program that does not answer, answers something else or ends gives no value. The first failure is final, so
//! that later questions do not wait for the same time limit.

mod process;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use proofmark_runtime::{Digest, digest};
use serde_json::Value as Json;

use self::process::Process;
use crate::config::{Key, Problem, Shape, TableReader};

/// The keys of a program in a task file.
pub(crate) static OPTIONS: [Key; 2] = [
    Key::required("command", Shape::Texts, "the program and its arguments, run in the folder of the task"),
    Key::new(
        "timeout_seconds",
        Shape::Number(0.001, 86_400.0),
        "longest wait for one answer; 30 if left out",
    ),
];

/// A program of the user's.
#[derive(Debug)]
pub struct Command {
    name: String,
    words: Vec<String>,
    folder: PathBuf,
    timeout: Duration,
    state: Mutex<CommandState>,
}

#[derive(Debug)]
enum CommandState {
    Idle,
    Running(Process),
    Failed(CommandError),
}

/// Why a program gave no answer. `program` names it, as in "metric command `python3 judge.py`".
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// It cannot be started.
    #[error("the {program} cannot be started: {message}")]
    Start {
        /// The program.
        program: String,
        /// The message of the operating system.
        message: String,
    },
    /// It ended.
    #[error("the {program} ended {how}{}", stderr_suffix(stderr))]
    Ended {
        /// The program.
        program: String,
        /// Such as "with exit status: 1".
        how: String,
        /// The end of its standard error.
        stderr: String,
    },
    /// It did not answer in time.
    #[error(
        "the {program} gave no answer within {seconds} s{}; make it flush every line, or raise `timeout_seconds`",
        stderr_suffix(stderr)
    )]
    Timeout {
        /// The program.
        program: String,
        /// The limit.
        seconds: f64,
        /// The end of its standard error.
        stderr: String,
    },
    /// It gave an answer that cannot be used.
    #[error("the {program} answered {line:?}, which is not {expected}: {problem}")]
    Unusable {
        /// The program.
        program: String,
        /// The line, shortened.
        line: String,
        /// The form of an answer.
        expected: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// It wrote more lines than it got questions, so it is not known which answer belongs to which question.
    #[error(
        "the {program} wrote an additional line, {line:?}; it must write one line for each question, and everything else to \
         standard error"
    )]
    TooMany {
        /// The program.
        program: String,
        /// The line, shortened.
        line: String,
    },
    /// It gave two different answers to the same question.
    #[error(
        "the {program} gave two different answers to the same line; use a random generator seeded with `id` and `seed`"
    )]
    Fickle {
        /// The program.
        program: String,
    },
}

impl Command {
    /// Makes a program with its arguments, run in a folder. Messages name it "the `role` `words`".
    pub fn new(role: &str, words: Vec<String>, folder: &Path, timeout: Duration) -> Self {
        let name = format!("{role} `{}`", words.join(" "));
        Self { name, words, folder: folder.to_owned(), timeout, state: Mutex::new(CommandState::Idle) }
    }

    /// Reads [`OPTIONS`] of a task file; none if the command is empty (reported).
    pub(crate) fn read(
        role: &str,
        table: TableReader<'_>,
        folder: &Path,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let words = table.strings("command");
        let Some(program) = words.first() else {
            let span = table.span("command")?;
            problems.push(Problem::new(span, "`command` is empty", "no program"));
            return None;
        };
        if program.contains(std::path::is_separator) && !folder.join(program).is_file() {
            let span = table.texts("command").first()?.span();
            problems.push(Problem::new(span, format!("there is no file `{program}`"), "not a file"));
        }
        let timeout = Duration::from_secs_f64(table.number("timeout_seconds").unwrap_or(30.0));
        Some(Self::new(role, words, folder, timeout))
    }

    /// The digest of everything known that decides its answers: its words, and the contents of those that are files in its
    /// folder. It does not depend on the place of the folder, or on whether the program runs.
    pub(crate) fn identity(&self) -> Digest {
        let contents = |word: &String| fs::read(self.folder.join(word)).ok().map(|bytes| digest(&bytes));
        let words: Vec<_> = self.words.iter().map(|word| (word, contents(word))).collect();
        digest(&words)
    }

    /// Asks one question at a time. `parse` reads the answer or says what is wrong; `expected` is the form of an answer.
    ///
    /// # Errors
    /// [`CommandError`], and the same one for all later questions.
    pub(crate) fn ask<T>(
        &self,
        question: &Json,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, CommandError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = self.line(&mut state, format!("{question}\n")).and_then(|line| {
            parse(&line).map_err(|problem| CommandError::Unusable {
                program: self.name.clone(),
                line: shortened(&line),
                expected,
                problem,
            })
        });
        if let Err(error) = &answer {
            *state = CommandState::Failed(error.clone());
        }
        answer
    }

    /// Ends the program; the next question starts it again.
    ///
    /// # Errors
    /// If it wrote more lines than it got questions, or failed before.
    pub(crate) fn finish(&self) -> Result<(), CommandError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, CommandState::Idle) {
            CommandState::Idle => Ok(()),
            CommandState::Running(process) => process.finish(),
            CommandState::Failed(error) => {
                *state = CommandState::Failed(error.clone());
                Err(error)
            }
        }
    }

    /// The error of a program that gave two different answers to one question.
    pub(crate) fn fickle(&self) -> CommandError {
        CommandError::Fickle { program: self.name.clone() }
    }

    /// Sends a line and returns the line of the answer. Starts the program if it does not run.
    fn line(&self, state: &mut CommandState, question: String) -> Result<String, CommandError> {
        if let CommandState::Failed(error) = state {
            return Err(error.clone());
        }
        let mut process = match std::mem::replace(state, CommandState::Idle) {
            CommandState::Running(process) => process,
            _ => Process::start(&self.name, &self.words, &self.folder)?,
        };
        let answer = process.ask(question, self.timeout);
        *state = CommandState::Running(process);
        answer
    }
}

fn shortened(line: &str) -> String {
    line.trim_end().chars().take(200).collect()
}

/// The end of a message that quotes standard error.
fn stderr_suffix(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!("; its standard error: {stderr}") }
}

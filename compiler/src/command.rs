//! A program of the user's that answers lines of JSON with lines of JSON: a metric, a perturbation family.
//!
//! It is started once and kept open. What it writes to standard error is shown if it fails.
//!
//! **Invariant:** a program that does not answer, answers rubbish or dies gives no value: the first failure is final, so
//! that questions that wait for it do not each run into the same time limit.

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
use crate::task::{Key, Problem, Reader, Shape};

/// What a task file says about a program.
pub(crate) static OPTIONS: [Key; 2] = [
    Key::required("command", Shape::Texts, "the program and its arguments, run in the task's folder"),
    Key::new(
        "timeout_seconds",
        Shape::Number(0.001, 86_400.0),
        "longest wait for one answer; 30 if left out",
    ),
];

/// A program of the user's.
#[derive(Debug)]
pub struct Command {
    who: String,
    words: Vec<String>,
    folder: PathBuf,
    timeout: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Idle,
    Running(Process),
    Failed(CommandError),
}

/// Why a program of the user's gave no answer. `who` says which program, as in "metric command `python3 judge.py`".
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// It cannot be started.
    #[error("the {who} cannot be started: {message}")]
    Start {
        /// Which program.
        who: String,
        /// What the system says.
        message: String,
    },
    /// It ended.
    #[error("the {who} ended {how}{}", said(stderr))]
    Ended {
        /// Which program.
        who: String,
        /// "with exit status: 1", ...
        how: String,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// It did not answer in time.
    #[error(
        "the {who} gave no answer within {seconds} s{}; does it flush every line? Else raise `timeout_seconds`",
        said(stderr)
    )]
    Timeout {
        /// Which program.
        who: String,
        /// The limit.
        seconds: f64,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// It answered something else than it should.
    #[error("the {who} answered {line:?}, which is not {expected}: {problem}")]
    Rubbish {
        /// Which program.
        who: String,
        /// The line, shortened.
        line: String,
        /// What an answer looks like.
        expected: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// It gave more lines than it was asked for, so nobody knows which answer belongs to which question.
    #[error(
        "the {who} gave more lines than it was asked for, such as {line:?}; it must give one for each question, and write \
         everything else to standard error"
    )]
    TooMany {
        /// Which program.
        who: String,
        /// The line, shortened.
        line: String,
    },
    /// It gave two answers to the same question.
    #[error(
        "the {who} answered the same line twice in different ways; draw from a generator seeded with `id` and `seed`"
    )]
    Fickle {
        /// Which program.
        who: String,
    },
}

impl Command {
    /// A program with its arguments, run in a folder; messages call it "the `role` `words`".
    pub fn new(role: &str, words: Vec<String>, folder: &Path, timeout: Duration) -> Self {
        let who = format!("{role} `{}`", words.join(" "));
        Self { who, words, folder: folder.to_owned(), timeout, state: Mutex::new(State::Idle) }
    }

    /// Reads [`OPTIONS`] of a task file.
    pub(crate) fn read(
        role: &str,
        table: Reader<'_>,
        folder: &Path,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let words: Vec<_> = table.texts("command").iter().map(|word| (*word.get_ref()).to_owned()).collect();
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

    /// What decides its answers, as far as that can be known: its words, and the contents of those that are files in its
    /// folder. Where the folder is, and whether the program runs, changes nothing.
    pub(crate) fn identity(&self) -> Digest {
        let contents = |word: &String| fs::read(self.folder.join(word)).ok().map(|bytes| digest(&bytes));
        digest(&self.words.iter().map(|word| (word, contents(word))).collect::<Vec<_>>())
    }

    /// Asks, one question at a time. `parse` reads the answer or says what is wrong with it, `expected` what it looks like.
    ///
    /// # Errors
    /// [`CommandError`], and the same one from then on.
    pub(crate) fn ask<T>(
        &self,
        question: &Json,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, CommandError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rubbish = |line: &str, problem| CommandError::Rubbish {
            who: self.who.clone(),
            line: shortened(line),
            expected,
            problem,
        };
        let answer = self
            .line(&mut state, format!("{question}\n"))
            .and_then(|line| parse(&line).map_err(|problem| rubbish(&line, problem)));
        if let Err(error) = &answer {
            *state = State::Failed(error.clone());
        }
        answer
    }

    /// Ends the program; the next question starts it again.
    ///
    /// # Errors
    /// If it gave more lines than it was asked for, or failed before.
    pub(crate) fn finish(&self) -> Result<(), CommandError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Idle) {
            State::Idle => Ok(()),
            State::Running(process) => process.finish(),
            State::Failed(error) => {
                *state = State::Failed(error.clone());
                Err(error)
            }
        }
    }

    /// The error of a program that gave two answers to one question.
    pub(crate) fn fickle(&self) -> CommandError {
        CommandError::Fickle { who: self.who.clone() }
    }

    fn line(&self, state: &mut State, question: String) -> Result<String, CommandError> {
        if let State::Failed(error) = state {
            return Err(error.clone());
        }
        let mut process = match std::mem::replace(state, State::Idle) {
            State::Running(process) => process,
            _ => Process::start(&self.who, &self.words, &self.folder)?,
        };
        let answer = process.ask(question, self.timeout);
        *state = State::Running(process);
        answer
    }
}

fn shortened(line: &str) -> String {
    line.trim_end().chars().take(200).collect()
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!("; it said: {stderr}") }
}

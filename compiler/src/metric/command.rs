//! `command`: the user's own program judges.
//!
//! The program is started once and kept open. For every answer it gets one line of JSON on its standard input,
//! `{"id": ..., "inputs": {...}, "gold": {...}, "outputs": {...}}`, and gives one line on its standard output,
//! `{"score": 0.5, "feedback": "..."}` (feedback may be left out). What it writes to standard error is shown if it fails.
//!
//! **Invariant:** a program that does not answer, answers rubbish or dies never scores anything: the first failure is
//! final, so that rows that wait for it do not each run into the same time limit.

mod process;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use proofmark_optimizers::Score;
use proofmark_runtime::{Example, Record};
use serde::Deserialize;
use serde_json::json;

use self::process::Process;
use super::Judged;
use crate::task::{Key, Problem, Reader, Shape};

pub(super) const NAME: &str = "command";
pub(super) const ABOUT: &str =
    "your own program: a line of JSON in, {\"score\": 0.5, \"feedback\": \"...\"} out";

pub(super) static OPTIONS: [Key; 2] = [
    Key::required("command", Shape::Texts, "the program and its arguments, run in the task's folder"),
    Key::new(
        "timeout_seconds",
        Shape::Number(0.001, 86_400.0),
        "longest wait for one answer; 30 if left out",
    ),
];

/// The user's own program.
#[derive(Debug)]
pub struct Command {
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

/// Why the user's own program gave no verdict.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// It cannot be started.
    #[error("the metric command `{command}` cannot be started: {message}")]
    Start {
        /// The command.
        command: String,
        /// What the system says.
        message: String,
    },
    /// It ended.
    #[error("the metric command `{command}` ended {how}{}", said(stderr))]
    Ended {
        /// The command.
        command: String,
        /// "with exit status: 1", ...
        how: String,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// It did not answer in time.
    #[error(
        "the metric command `{command}` gave no answer within {seconds} s{}; raise `timeout_seconds`?",
        said(stderr)
    )]
    Timeout {
        /// The command.
        command: String,
        /// The limit.
        seconds: f64,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// It answered something else than a verdict.
    #[error(
        "the metric command `{command}` answered {line:?}, which is not {{\"score\": 0 to 1}}: {problem}"
    )]
    Rubbish {
        /// The command.
        command: String,
        /// The line, shortened.
        line: String,
        /// What is wrong with it.
        problem: String,
    },
}

#[derive(Deserialize)]
struct Verdict {
    score: Score,
    feedback: Option<String>,
}

impl Command {
    /// A program with its arguments, run in a folder.
    pub fn new(words: Vec<String>, folder: &Path, timeout: Duration) -> Self {
        Self { words, folder: folder.to_owned(), timeout, state: Mutex::new(State::Idle) }
    }

    /// Reads the options of a task file.
    pub(super) fn read(table: Reader<'_>, folder: &Path, problems: &mut Vec<Problem>) -> Option<Self> {
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
        Some(Self::new(words, folder, timeout))
    }

    /// Asks for a verdict, one row at a time.
    pub(super) fn judge(&self, example: &Example, outputs: &Record) -> Result<Judged, CommandError> {
        let question = json!({
            "id": example.id, "inputs": example.inputs, "gold": example.outputs, "outputs": outputs,
        });
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = self.ask(&mut state, format!("{question}\n")).and_then(|line| self.parse(&line));
        if let Err(error) = &verdict {
            *state = State::Failed(error.clone());
        }
        verdict
    }

    fn ask(&self, state: &mut State, question: String) -> Result<String, CommandError> {
        if let State::Failed(error) = state {
            return Err(error.clone());
        }
        let mut process = match std::mem::replace(state, State::Idle) {
            State::Running(process) => process,
            _ => Process::start(&self.words, &self.folder)?,
        };
        let answer = process.ask(question, self.timeout);
        *state = State::Running(process);
        answer
    }

    fn parse(&self, line: &str) -> Result<Judged, CommandError> {
        let verdict: Verdict = serde_json::from_str(line).map_err(|error| CommandError::Rubbish {
            command: self.words.join(" "),
            line: line.trim_end().chars().take(200).collect(),
            problem: error.to_string(),
        })?;
        Ok(Judged { score: verdict.score, feedback: verdict.feedback })
    }
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!("; it said: {stderr}") }
}

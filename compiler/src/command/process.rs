//! A running program that answers lines with lines, with a time limit on each.
//!
//! **Invariant:** a program that stops reading or writing cannot block the caller beyond the limit, because threads of their own
//! serve both pipes. Dropping the process ends the program.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use super::{CommandError, shortened};

/// The longest line that is read as an answer, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// The number of bytes of standard error that are kept.
const KEPT_STDERR: usize = 2000;

/// The time that a program has to end after it closed its output.
const GRACE: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Process {
    program: String,
    child: Child,
    questions: Option<Sender<String>>,
    answers: Receiver<String>,
    stderr: Tail,
}

/// The end of the standard error of a program.
#[derive(Debug)]
struct Tail {
    kept: Arc<Mutex<Vec<u8>>>,
    /// Closed when standard error is closed.
    open: Receiver<()>,
}

impl Process {
    /// Starts a program, which messages name `program`.
    pub(super) fn start(program: &str, words: &[String], folder: &Path) -> Result<Self, CommandError> {
        let program = program.to_owned();
        let failed = |message: String| CommandError::Start { program: program.clone(), message };
        let mut child = launch(words, folder).map_err(|error| failed(error.to_string()))?;
        let no_pipe = || failed("it has no pipe for standard input, output or error".into());
        let questions = Some(writer(child.stdin.take().ok_or_else(no_pipe)?));
        let answers = reader(child.stdout.take().ok_or_else(no_pipe)?);
        let stderr = Tail::of(child.stderr.take().ok_or_else(no_pipe)?);
        Ok(Self { program, child, questions, answers, stderr })
    }

    /// Sends a line and waits for one. A line that is already there is an error: it would be taken for the answer, and every later
    /// line for the answer to the question before.
    pub(super) fn ask(&mut self, line: String, timeout: Duration) -> Result<String, CommandError> {
        if let Ok(surplus) = self.answers.try_recv() {
            return Err(self.too_many(&surplus));
        }
        if let Some(questions) = &self.questions {
            // An error means that the program has ended. The wait below reports how.
            let _ = questions.send(line);
        }
        match self.answers.recv_timeout(timeout) {
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Timeout) => {
                let stderr = self.end();
                let seconds = timeout.as_secs_f64();
                Err(CommandError::Timeout { program: self.program.clone(), seconds, stderr })
            }
            Err(RecvTimeoutError::Disconnected) => {
                let how = self.how_it_ended();
                let stderr = self.end();
                Err(CommandError::Ended { program: self.program.clone(), how, stderr })
            }
        }
    }

    /// Closes its standard input and waits a moment for its end, or for an additional line.
    pub(super) fn finish(mut self) -> Result<(), CommandError> {
        self.questions = None;
        match self.answers.recv_timeout(GRACE) {
            Ok(surplus) => Err(self.too_many(&surplus)),
            Err(_) => Ok(()),
        }
    }

    fn too_many(&self, surplus: &str) -> CommandError {
        CommandError::TooMany { program: self.program.clone(), line: shortened(surplus) }
    }

    /// How a program ended that closed its standard output. It usually ends at once, but it may go on.
    fn how_it_ended(&mut self) -> String {
        self.questions = None;
        for _ in 0..GRACE.as_millis() / TICK.as_millis() {
            match self.child.try_wait() {
                Ok(Some(status)) => return format!("with {status}"),
                Ok(None) => thread::sleep(TICK),
                Err(error) => return format!("in an unknown way: {error}"),
            }
        }
        "its output without ending itself".into()
    }

    /// Ends the program and returns the end of its standard error.
    fn end(&mut self) -> String {
        self.questions = None;
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.stderr.text()
    }
}

fn launch(words: &[String], folder: &Path) -> io::Result<Child> {
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let program = if program.contains(std::path::is_separator) {
        // Some systems look up a relative program from the new working folder, others from the old one.
        folder.join(program).canonicalize()?
    } else {
        program.into()
    };
    let mut launch = std::process::Command::new(program);
    if !folder.as_os_str().is_empty() {
        launch.current_dir(folder);
    }
    let launch = launch.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    launch.spawn()
}

/// Starts a thread that writes lines to a program.
fn writer(mut stdin: ChildStdin) -> Sender<String> {
    let (questions, waiting) = mpsc::channel::<String>();
    thread::spawn(move || {
        while let Ok(line) = waiting.recv() {
            if stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()).is_err() {
                break;
            }
        }
    });
    questions
}

/// Starts a thread that reads the lines of a program.
fn reader(stdout: ChildStdout) -> Receiver<String> {
    let (arrived, answers) = mpsc::channel();
    thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        let mut line = Vec::new();
        while (&mut stdout).take(MAX_LINE).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            if arrived.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
            line.clear();
        }
    });
    answers
}

impl Drop for Process {
    fn drop(&mut self) {
        self.questions = None;
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Tail {
    fn of(mut stderr: ChildStderr) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (closes, open) = mpsc::channel();
        let shared = Arc::clone(&kept);
        thread::spawn(move || {
            let _closes: Sender<()> = closes;
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stderr.read(&mut buffer) {
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&buffer[..read]);
                let surplus = kept.len().saturating_sub(KEPT_STDERR);
                kept.drain(..surplus);
            }
        });
        Self { kept, open }
    }

    /// The text when standard error is closed, or after a moment, because a child of the program may keep it open.
    fn text(&self) -> String {
        let _ = self.open.recv_timeout(GRACE);
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).trim().to_owned()
    }
}

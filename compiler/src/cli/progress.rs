//! Progress on stderr: a bar on a terminal, plain lines elsewhere, nothing with `--quiet`.

use std::{
    io::{IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Common, screen::harmless};
use crate::watch::{Calls, Silent, Watch, Watcher};

/// Time between two plain lines of one stage.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// The watcher that suits the flags and the terminal.
pub(crate) fn watcher(common: &Common) -> Watcher {
    if common.quiet {
        return Arc::new(Silent);
    }
    let bar = std::io::stderr().is_terminal().then(live_line);
    Arc::new(Progress { bar, state: Mutex::default() })
}

/// What is known about the stage that goes on.
#[derive(Default)]
struct State {
    stage: String,
    best: String,
    started: Option<Instant>,
    told: Option<Instant>,
    at_start: Calls,
    calls: Calls,
    done: u64,
    wanted: u64,
    left: Option<u64>,
}

impl State {
    fn enter(&mut self, stage: &str) {
        *self = Self {
            stage: stage.to_owned(),
            best: std::mem::take(&mut self.best),
            started: Some(Instant::now()),
            at_start: self.calls,
            calls: self.calls,
            ..Self::default()
        };
    }

    fn line(&self) -> String {
        let seconds = self.started.map_or(0.0, |start| start.elapsed().as_secs_f64());
        let made = self.calls.made - self.at_start.made;
        let mut line = format!("{} of {} calls", self.done, self.wanted);
        if let Some(left) = self.left {
            line += &format!(", {left} left in the budget");
        }
        line += &format!(" · {made} made, {} replayed", self.calls.replayed - self.at_start.replayed);
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        if made > 0 && seconds > 1.0 {
            let rate = made as f64 / seconds;
            line += &format!(" · {rate:.1}/s");
            let waiting = self.wanted.saturating_sub(self.done);
            if waiting > 0 {
                line += &format!(" · about {:.0} s for this batch", waiting as f64 / rate);
            }
        }
        if !self.best.is_empty() {
            line += &format!(" · {}", self.best);
        }
        line
    }
}

/// Tells how a run goes.
struct Progress {
    /// The live line on a terminal; elsewhere a line is said now and then.
    bar: Option<ProgressBar>,
    state: Mutex<State>,
}

impl Progress {
    fn update(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        if let Some(bar) = &self.bar {
            bar.set_prefix(state.stage.clone());
            bar.set_message(state.line());
        } else if state.told.or(state.started).is_some_and(|last| last.elapsed() >= PLAIN_EVERY) {
            state.told = Some(Instant::now());
            say(&format!("  {}", state.line()));
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text)),
            None => say(text),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Progress {
    fn stage(&self, name: &str) {
        self.say(name);
        self.update(|state| state.enter(name));
    }

    fn batch(&self, calls: u64, left: Option<u64>) {
        self.update(|state| {
            state.wanted += calls;
            state.left = left;
        });
    }

    fn done(&self, calls: Calls) {
        self.update(|state| {
            state.done += 1;
            state.calls = calls;
        });
    }

    fn best(&self, text: &str) {
        self.update(|state| text.clone_into(&mut state.best));
    }

    fn remark(&self, text: &str) {
        self.say(&format!("  {text}"));
    }
}

fn live_line() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// One line on stderr; a closed stderr is no reason to stop.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", harmless(text));
}

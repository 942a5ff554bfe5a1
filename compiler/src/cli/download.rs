//! Progress of a model's download: a bar on a terminal, plain lines elsewhere.

use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Common, say};
use crate::models::Progress;

/// Shows a download: a bar on a terminal, a line per source and per tenth elsewhere.
pub(crate) struct Download {
    bar: Option<ProgressBar>,
    quiet: bool,
    tenths: Mutex<u64>,
}

impl Download {
    pub(crate) fn new(common: &Common) -> Self {
        let bar = (!common.quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            if let Ok(style) =
                ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
            {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, quiet: common.quiet, tenths: Mutex::new(0) }
    }

    pub(crate) fn tell(&self, progress: Progress<'_>) {
        match progress {
            Progress::Waiting => self.say("Another process is fetching the model; waiting for it"),
            Progress::Asking { source } => self.say(&format!("Fetching the model from {source} (once)")),
            Progress::Verifying => self.say("Verifying the model's checksum"),
            Progress::Bytes { done, total } => self.bytes(done, total),
        }
    }

    fn bytes(&self, done: u64, total: Option<u64>) {
        if let Some(bar) = &self.bar {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.set_length(total.unwrap_or(done));
            bar.set_position(done);
        } else if let Some(total) = total {
            let mut told = self.tenths.lock().unwrap_or_else(PoisonError::into_inner);
            let tenth = 10 * done / total.max(1);
            if tenth > *told {
                *told = tenth;
                self.say(&format!("  {} of {} MB", done / 1_000_000, total / 1_000_000));
            }
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text)),
            None if !self.quiet => say(text),
            None => {}
        }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

//! Writing results to stdout. A reader that went away (`| head`) is no error.

use std::io::{ErrorKind, Write};

use super::Failure;
use crate::exit::Exit;

/// One line of result.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Internal, format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// One JSON document, then success.
pub(crate) fn document(json: &serde_json::Value) -> Result<Exit, Failure> {
    line(&format!("{json:#}")).map(|()| Exit::Ok)
}

/// How this program was called, so that a command which is suggested works when it is copied, also under `cargo run`.
pub(crate) fn program() -> String {
    std::env::args_os().next().map_or_else(|| "proofmark".into(), |word| word.to_string_lossy().into_owned())
}

/// A share as percent with one decimal: `61.3 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A small chance as percent: `1.67 %`, `0.0042 %`.
pub(crate) fn chance(share: f64) -> String {
    match 100.0 * share {
        percent if percent >= 0.01 => format!("{percent:.2} %"),
        percent => format!("{percent:.1e} %"),
    }
}

/// A difference of shares as signed points: `+12.4`.
pub(crate) fn points(difference: f64) -> String {
    format!("{:+.1}", 100.0 * difference)
}

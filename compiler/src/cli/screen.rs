//! Writing results to stdout. A reader that went away (`| head`) is no error.

use std::{
    borrow::Cow,
    io::{ErrorKind, IsTerminal, Write},
};

use super::Failure;
use crate::exit::Exit;

/// One line of result, byte for byte unless somebody looks at it.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let text = if std::io::stdout().is_terminal() { harmless(text) } else { text.into() };
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

/// The text with nothing in it that steers a terminal: control characters but for line ends and tabs are spelled out.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    let shown = |c: char| if steers(c) { format!("<U+{:04X}>", u32::from(c)) } else { c.to_string() };
    if text.contains(steers) { text.chars().map(shown).collect() } else { text.into() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_said_steers_a_terminal() {
        assert_eq!(harmless("naïve – ok\n\tdone"), "naïve – ok\n\tdone");
        assert_eq!(harmless("a\u{1b}[2Jb\u{7}\u{9b}m\r\n"), "a<U+001B>[2Jb<U+0007><U+009B>m<U+000D>\n");
    }
}

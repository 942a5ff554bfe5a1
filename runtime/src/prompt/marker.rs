//! Neutralizing markers. A line of a value that looks like a marker gets a backslash in front, and a line that looks like
//! a neutralized marker gets one more, so that the value can be restored.
//!
//! **Invariant:** [`unguard`] reverses [`guard`]. Both skip the same mix of white space and backslashes before a marker.

/// A value with the lines that look like markers neutralized.
pub(super) fn guard(text: &str, is_marker: impl Fn(&str) -> bool) -> String {
    let mut guarded = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if is_marker(bare(line)) {
            guarded.push('\\');
        }
        guarded.push_str(line);
    }
    guarded
}

/// The value that [`guard`] was given.
pub(super) fn unguard(text: &str, is_marker: impl Fn(&str) -> bool) -> String {
    let lines = text.split_inclusive('\n').map(|line| match line.strip_prefix('\\') {
        Some(rest) if is_marker(bare(rest)) => rest,
        _ => line,
    });
    lines.collect()
}

/// A line without the white space and backslashes that may stand before a marker.
fn bare(line: &str) -> &str {
    line.trim_start_matches(|c: char| c == '\\' || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_marker(line: &str) -> bool {
        line.starts_with("Message:")
    }

    /// A backslash and a space before a label counted as a neutralized label for the reader, but not for the writer.
    #[test]
    fn a_backslash_and_a_space_before_a_marker_count() {
        assert_eq!(guard("\\ Message: hi", is_marker), "\\\\ Message: hi");
    }

    proptest! {
        #[test]
        fn unguarding_reverses_guarding(pieces in prop::collection::vec(prop::sample::select(vec!["\\", " ", "\t", "Message:", "x", "\n"]), 0..12)) {
            let text = pieces.concat();
            prop_assert_eq!(unguard(&guard(&text, is_marker), is_marker), text);
        }
    }
}

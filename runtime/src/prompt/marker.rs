//! Neutralizing markers: a line of a value that looks like a marker gets a backslash in front, and a line that looks like
//! a neutralized marker gets one more, so that nothing is lost.
//!
//! **Invariant:** what [`guard`] wrote, [`unguard`] reads: both look behind the same mix of white space and backslashes.

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

/// A line without what may stand before a marker.
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

    /// A backslash and a space before a label were taken for a neutralized label by who reads, and not by who writes.
    #[test]
    fn a_backslash_with_a_space_behind_it_is_neutralized_as_well() {
        assert_eq!(guard("\\ Message: hi", is_marker), "\\\\ Message: hi");
    }

    proptest! {
        #[test]
        fn what_is_guarded_reads_back(pieces in prop::collection::vec(prop::sample::select(vec!["\\", " ", "\t", "Message:", "x", "\n"]), 0..12)) {
            let text = pieces.concat();
            prop_assert_eq!(unguard(&guard(&text, is_marker), is_marker), text);
        }
    }
}

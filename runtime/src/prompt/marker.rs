//! Neutralizing markers: a line of a value that looks like a marker gets a backslash in front, and a line that looks like
//! a neutralized marker gets one more, so that nothing is lost.

/// A value with the lines that look like markers neutralized.
pub(super) fn guard(text: &str, is_marker: impl Fn(&str) -> bool) -> String {
    let mut guarded = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if is_marker(line.trim_start().trim_start_matches('\\')) {
            guarded.push('\\');
        }
        guarded.push_str(line);
    }
    guarded
}

/// The value that [`guard`] was given.
pub(super) fn unguard(text: &str, is_marker: impl Fn(&str) -> bool) -> String {
    let lines = text.split_inclusive('\n').map(|line| match line.strip_prefix('\\') {
        Some(rest) if is_marker(rest.trim_start().trim_start_matches('\\')) => rest,
        _ => line,
    });
    lines.collect()
}

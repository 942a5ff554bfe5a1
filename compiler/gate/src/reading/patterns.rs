//! Patterns that are compiled once and tried on lower case.

use std::sync::LazyLock;

use regex_lite::Regex;

/// Several patterns, of which any may match.
pub(super) struct Patterns(LazyLock<Vec<Regex>>);

impl Patterns {
    /// Patterns made by `compiled` at their first use.
    pub(super) const fn new(make: fn() -> Vec<Regex>) -> Self {
        Self(LazyLock::new(make))
    }

    /// Whether one of them matches.
    pub(super) fn hit(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| pattern.is_match(&text.to_lowercase()))
    }

    /// How many there are, so that a test can tell that every one compiles.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Compiles patterns; one that cannot be compiled matches nothing, which a test rules out.
pub(super) fn compiled(patterns: &[&str]) -> Vec<Regex> {
    patterns.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect()
}

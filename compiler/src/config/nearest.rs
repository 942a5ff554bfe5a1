//! The known name that a mistyped name probably means.

/// Returns the known name most similar to `name`, if at most a third of the letters differ (Damerau-Levenshtein distance, case
/// ignored).
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let near = known.into_iter().filter_map(|candidate| {
        let lower = candidate.to_lowercase();
        let distance = strsim::damerau_levenshtein(&name, &lower);
        let longest = name.chars().count().max(lower.chars().count());
        (distance * 3 <= longest).then_some((distance, candidate))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// A hint for an unknown name: the most similar known name, else all known names (at most twelve).
pub(crate) fn suggest<S: AsRef<str>>(name: &str, known: &[S]) -> String {
    if let Some(meant) = nearest(name, known.iter().map(AsRef::as_ref)) {
        return format!("did you mean `{meant}`?");
    }
    if known.is_empty() {
        return "no name is known here".into();
    }
    let listed: Vec<_> = known.iter().take(12).map(|name| format!("`{}`", name.as_ref())).collect();
    let more = if known.len() > 12 { format!(" and {} more", known.len() - 12) } else { String::new() };
    format!("known: {}{more}", listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_are_suggested_and_others_listed() {
        let known = ["file", "train", "slices"];
        assert_eq!(nearest("flie", known), Some("file"));
        assert_eq!(nearest("Slice", known), Some("slices"));
        assert_eq!(nearest("optimizer", known), None);
        assert_eq!(nearest("d", ["a", "b"]), None);
        assert_eq!(suggest("optimizer", &known), "known: `file`, `train`, `slices`");
    }
}

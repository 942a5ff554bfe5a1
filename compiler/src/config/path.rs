//! Paths in a task file.

use std::path::{Path, PathBuf};

use super::{Problem, TableReader, nearest};

/// The file that a key names, relative to `folder`. Reports a path that is not a file.
pub(crate) fn existing_file(
    table: TableReader<'_>,
    key: &str,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Option<PathBuf> {
    let name = table.text(key)?;
    let span = table.span(key)?;
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    let message =
        if path.is_dir() { format!("`{name}` is a folder") } else { format!("there is no file `{name}`") };
    let hint = similar_file(&path).unwrap_or_else(|| format!("looked for {}", path.display()));
    problems.push(Problem::new(span, message, "not a file").hint(hint));
    None
}

/// A hint that names the file in the same folder with the most similar name.
fn similar_file(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let entries = std::fs::read_dir(path.parent()?).ok()?;
    let files = entries.flatten().filter(|entry| entry.path().is_file());
    let mut names: Vec<_> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    nearest(wanted, names.iter().map(String::as_str)).map(|meant| format!("did you mean `{meant}`?"))
}

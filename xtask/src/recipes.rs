//! The recipes of CONTRIBUTING.md, followed word by word in a copy of the repository, and tried there.
//!
//! A recipe is a section of the guide. A block of code under ``New file `PATH`:`` is written to that file; one under
//! ``In `PATH`, below `LINE`:`` is inserted below the first line that contains LINE; one under ``In `PATH`, instead of `LINE`:``
//! replaces that line. An indented line that begins with `cargo` is run once all recipes are followed.

use std::{fs, io, path::Path, process::Command};

const GUIDE: &str = "CONTRIBUTING.md";

/// One step of a recipe.
#[derive(Debug, PartialEq)]
enum Step {
    /// Write a new file.
    Write { path: String, text: String },
    /// Insert lines below a line of a file.
    Insert { path: String, below: String, text: String },
    /// Replace a line of a file.
    Replace { path: String, line: String, text: String },
}

/// Follows all recipes in a copy and tries them there. Returns whether they work.
pub fn run() -> bool {
    follow().unwrap_or_else(|error| {
        eprintln!("{error}");
        false
    })
}

fn follow() -> io::Result<bool> {
    let (steps, commands) = read(&fs::read_to_string(GUIDE)?)?;
    let copy = Path::new("target/recipes");
    copy_repository(copy)?;
    for step in &steps {
        apply(copy, step)?;
    }
    eprintln!("{} steps followed in {}", steps.len(), copy.display());
    // The copy builds into one folder with the other development commands, so that dependencies are built once.
    let target = std::path::absolute(copy)?.join("target");
    for command in &commands {
        eprintln!("{command}");
        let words: Vec<&str> = command.split(' ').collect();
        let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| target.clone().into());
        let status = Command::new("cargo")
            .args(&words[1..])
            .current_dir(copy)
            .env("CARGO_TARGET_DIR", target)
            .status()?;
        if !status.success() {
            eprintln!("a recipe of {GUIDE} does not work");
            return Ok(false);
        }
    }
    Ok(!steps.is_empty() && !commands.is_empty())
}

/// The steps and the commands of the guide.
fn read(guide: &str) -> io::Result<(Vec<Step>, Vec<String>)> {
    let (_, recipes) = guide
        .split_once("\n## Recipes\n")
        .ok_or_else(|| io::Error::other(format!("{GUIDE} has no section of recipes")))?;
    let recipes = recipes.split("\n## ").next().unwrap_or_default();
    let (mut steps, mut commands) = (vec![], vec![]);
    let mut lines = recipes.lines();
    let (mut named, mut replaces): (Vec<&str>, bool) = (vec![], false);
    while let Some(line) = lines.next() {
        if line.starts_with("New file `") || line.starts_with("In `") {
            named = line.split('`').skip(1).step_by(2).collect();
            replaces = line.contains("`, instead of `");
        } else if line.starts_with("```rust") {
            let text: String =
                lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            match named.as_slice() {
                [path] => steps.push(Step::Write { path: (*path).to_owned(), text }),
                [path, line] if replaces => {
                    steps.push(Step::Replace { path: (*path).to_owned(), line: (*line).to_owned(), text });
                }
                [path, below] => {
                    steps.push(Step::Insert { path: (*path).to_owned(), below: (*below).to_owned(), text });
                }
                _ => return Err(io::Error::other(format!("no line says where this belongs:\n{text}"))),
            }
            named.clear();
        } else if let Some(command) = line.strip_prefix("    ").filter(|line| line.starts_with("cargo ")) {
            commands.push(command.split(" # ").next().unwrap_or_default().trim().to_owned());
        }
    }
    Ok((steps, commands))
}

fn copy_repository(copy: &Path) -> io::Result<()> {
    let listed =
        Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]).output()?;
    for path in String::from_utf8_lossy(&listed.stdout).lines() {
        let Ok(new) = fs::read(path) else { continue };
        write_if_new(&copy.join(path), &new)?;
    }
    Ok(())
}

/// Writes a file unless it has this content already, so that what has not changed is not built again.
fn write_if_new(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)
}

fn apply(copy: &Path, step: &Step) -> io::Result<()> {
    let (path, line, text, keeps) = match step {
        Step::Write { path, text } => return write_if_new(&copy.join(path), text.as_bytes()),
        Step::Insert { path, below, text } => (path, below, text, true),
        Step::Replace { path, line, text } => (path, line, text, false),
    };
    let old = fs::read_to_string(copy.join(path))?;
    let missing = || io::Error::other(format!("{path} has no line with `{line}`"));
    let anchor = old.lines().find(|found| found.contains(line.as_str())).ok_or_else(missing)?;
    let new = if keeps { format!("{anchor}\n{text}") } else { text.clone() };
    write_if_new(&copy.join(path), old.replacen(&format!("{anchor}\n"), &new, 1).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_is_read_step_by_step() {
        let guide = "# Guide\n\n## Recipes\n\n### One\n\nNew file `a.rs`:\n\n```rust\nfn a() {}\n```\n\n\
                     In `lib.rs`, below `mod b;`:\n\n```rust\nmod a;\n```\n\n    cargo check # quick\n\n## Next\n\n    cargo doc\n";
        let (steps, commands) = read(guide).unwrap();
        let written = Step::Write { path: "a.rs".to_owned(), text: "fn a() {}\n".to_owned() };
        let (path, below) = ("lib.rs".to_owned(), "mod b;".to_owned());
        assert_eq!(steps, [written, Step::Insert { path, below, text: "mod a;\n".to_owned() }]);
        assert_eq!(commands, ["cargo check"]);
    }
}

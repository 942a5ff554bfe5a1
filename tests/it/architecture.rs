//! The arrows between the crates, and between the modules of a crate.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Path, PathBuf},
    process::Command,
};

/// The crates that a crate really builds, with its default features or without.
fn tree(package: &str, features: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}"])
        .args(features)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn optimizers_are_pure() {
    let crates = tree("proofmark-optimizers", &[]);
    assert!(crates.contains(&"proofmark-runtime".to_owned()));
    for banned in ["tokio", "reqwest", "rusqlite", "proofmark"] {
        assert!(!crates.contains(&banned.to_owned()), "optimizers depend on {banned}");
    }
}

#[test]
fn the_gate_stands_alone() {
    let crates = tree("proofmark-gate", &[]);
    assert!(crates.contains(&"proofmark-runtime".to_owned()));
    for banned in ["tokio", "reqwest", "rusqlite", "proofmark-optimizers", "proofmark"] {
        assert!(!crates.contains(&banned.to_owned()), "the gate depends on {banned}");
    }
}

#[test]
fn arrows_point_one_way() {
    let runtime = tree("proofmark-runtime", &["--all-features"]);
    for banned in ["proofmark", "proofmark-gate", "proofmark-optimizers"] {
        assert!(!runtime.contains(&banned.to_owned()), "the runtime depends on {banned}");
    }
    assert!(!tree("proofmark-optimizers", &[]).contains(&"proofmark-gate".to_owned()));
    assert!(tree("proofmark", &[]).contains(&"proofmark-optimizers".to_owned()));
}

#[test]
fn a_service_without_features_needs_no_network_and_no_database() {
    let crates = tree("proofmark-runtime", &["--no-default-features"]);
    for banned in ["tokio", "reqwest", "rusqlite", "rayon"] {
        assert!(!crates.contains(&banned.to_owned()), "the bare runtime depends on {banned}");
    }
}

/// The arrows between the top-level modules of a crate, each with one file that has it.
type Arrows = BTreeMap<String, BTreeMap<String, PathBuf>>;

/// The Rust files of production code below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name == "tests" || name == "testing" {
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|suffix| suffix == "rs") {
            files.push(path);
        }
    }
    files
}

/// The names behind every `crate::` of a text, such as `a` and `b` of `crate::{a::X, b}`.
fn crate_paths(text: &str) -> Vec<String> {
    let mut names = vec![];
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let Some(group) = rest.strip_prefix('{') else {
            names.push(rest.split(|c| !is_word(c)).next().unwrap().to_owned());
            continue;
        };
        let mut depth = 0;
        let mut starts_item = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => starts_item = true,
                c if starts_item && depth == 0 && is_word(c) => {
                    names.push(group[at..].split(|c| !is_word(c)).next().unwrap().to_owned());
                    starts_item = false;
                }
                _ => {}
            }
        }
    }
    names
}

/// The text of a file without comments and without its test modules, which stand at its end.
fn production_code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let is_comment = |line: &&str| line.trim_start().starts_with("//");
    let code: String =
        text.lines().filter(|line| !is_comment(line)).map(|line| format!("{line}\n")).collect();
    let tests = code
        .find("#[cfg(test)]\nmod tests {")
        .or_else(|| code.find("#[cfg(test)]\npub(crate) mod testing {"));
    code[..tests.unwrap_or(code.len())].to_owned()
}

/// The modules that the names of the crate root come from, by name: `pub use sealed::{Sealed, Slice};` gives two.
fn reexports(folder: &Path) -> BTreeMap<String, String> {
    let root = production_code(&folder.join("lib.rs"));
    let mut names = BTreeMap::new();
    for statement in root.split(';').filter_map(|statement| statement.split("use ").nth(1)) {
        let statement = statement.trim_start_matches("self::").trim_start_matches("crate::");
        let Some((module, items)) = statement.split_once("::") else { continue };
        for name in items.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|name| !name.is_empty()) {
            names.insert(name.to_owned(), module.trim().to_owned());
        }
    }
    names
}

/// The arrows of a crate with its sources in a folder.
fn arrows(folder: &Path) -> Arrows {
    let reexports = reexports(folder);
    let mut arrows = Arrows::new();
    for path in sources(folder) {
        let inside = path.strip_prefix(folder).unwrap();
        let module = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if module == "lib" || module == "main" {
            continue;
        }
        let mut code = production_code(&path);
        if inside.parent() == Some(Path::new("")) {
            code = code.replace("super::", "crate::");
        }
        for name in crate_paths(&code) {
            let target = reexports.get(&name).unwrap_or(&name);
            if *target != module && folder.join(format!("{target}.rs")).exists() {
                arrows.entry(module.clone()).or_default().entry(target.clone()).or_insert(inside.to_owned());
            }
        }
    }
    arrows
}

/// A shortest circle through a module, as a list of modules.
fn circle(arrows: &Arrows, start: &str) -> Option<Vec<String>> {
    let mut paths = VecDeque::from([vec![start.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop_front() {
        for next in arrows.get(path.last().unwrap()).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                return Some(path);
            }
            if seen.insert(next.clone()) {
                paths.push_back(path.iter().cloned().chain([next.clone()]).collect());
            }
        }
    }
    None
}

/// A circle in words, with a file for each arrow.
fn in_words(arrows: &Arrows, circle: &[String]) -> String {
    let next = circle.iter().cycle().skip(1);
    let arrow = |(from, to): (&String, &String)| format!("{from} -> {to} ({})", arrows[from][to].display());
    circle.iter().zip(next).map(arrow).collect::<Vec<_>>().join(", ")
}

/// Circles that are not cut yet, by crate and modules in alphabetical order. A new circle fails the test, and so does an entry
/// here that is no circle any more.
const KNOWN_CIRCLES: &[(&str, &[&str])] = &[
    ("compiler", &["compare", "compile", "report"]),
    ("compiler", &["compile", "report"]),
    ("runtime", &["model", "store"]),
];

#[test]
fn no_circle_between_modules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut circles = BTreeMap::new();
    for name in ["runtime", "optimizers", "compiler/gate", "compiler"] {
        let arrows = arrows(&root.join(name).join("src"));
        for module in arrows.keys() {
            if let Some(mut circle) = circle(&arrows, module) {
                let words = in_words(&arrows, &circle);
                circle.sort();
                circles.insert((name, circle), words);
            }
        }
    }
    for (name, modules) in KNOWN_CIRCLES {
        let key = (*name, modules.iter().map(|module| (*module).to_owned()).collect());
        assert!(
            circles.remove(&key).is_some(),
            "{key:?} is no circle any more: remove it from KNOWN_CIRCLES"
        );
    }
    let new: Vec<_> = circles.iter().map(|((name, _), words)| format!("{name}: {words}")).collect();
    assert!(new.is_empty(), "{}", new.join("\n"));
}

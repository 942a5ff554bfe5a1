//! The production code of the workspace: the files of the published crates without their tests.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use quote::ToTokens as _;
use syn::{Attribute, Item, spanned::Spanned as _, visit_mut::VisitMut};

/// The crates that are measured, and their source folders.
pub const CRATES: [(&str, &str); 5] = [
    ("proofmark-derive", "runtime/derive/src"),
    ("proofmark-runtime", "runtime/src"),
    ("proofmark-optimizers", "optimizers/src"),
    ("proofmark-gate", "compiler/gate/src"),
    ("proofmark", "compiler/src"),
];

/// A file of production code.
pub struct Source {
    pub path: PathBuf,
    /// The modules from the crate's root to the file; empty for the root itself.
    pub module: Vec<String>,
    /// The syntax tree without tests.
    pub tree: syn::File,
    /// The lines that hold production code: neither empty, nor comments, nor tests.
    pub lines: Vec<String>,
    /// The number of lines of the file, with everything.
    pub length: usize,
}

/// Reads all production files below a folder, in the order of their paths.
pub fn read(folder: &Path) -> io::Result<Vec<Source>> {
    let mut paths = vec![];
    list(folder, &mut paths)?;
    paths.sort();
    paths.iter().map(|path| parse(folder, path)).collect()
}

fn list(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if stem == "tests" || stem == "testing" {
            continue;
        }
        if path.is_dir() {
            list(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}

fn parse(folder: &Path, path: &Path) -> io::Result<Source> {
    let text = fs::read_to_string(path)?;
    let mut tree = syn::parse_file(&text)
        .map_err(|error| io::Error::other(format!("failed to parse {}: {error}", path.display())))?;
    let mut tests = Tests::default();
    tests.visit_file_mut(&mut tree);
    let lines = text
        .lines()
        .enumerate()
        .filter(|(index, _)| !tests.lines.contains(&(index + 1)))
        .map(|(_, line)| line.trim())
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .map(str::to_owned)
        .collect();
    let inside = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    let mut module: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module == ["lib"] || module == ["main"] {
        module.clear();
    }
    if module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    Ok(Source { path: path.to_owned(), module, tree, lines, length: text.lines().count() })
}

/// Takes tests out of a syntax tree, and remembers their lines.
#[derive(Default)]
struct Tests {
    lines: BTreeSet<usize>,
}

impl Tests {
    fn keep(&mut self, item: &Item) -> bool {
        let test = attributes(item).iter().any(|attribute| {
            let tokens = attribute.meta.to_token_stream().to_string();
            tokens == "test" || tokens.replace(' ', "").starts_with("cfg(test")
        });
        if test {
            self.lines.extend(item.span().start().line..=item.span().end().line);
        }
        !test
    }
}

impl VisitMut for Tests {
    fn visit_file_mut(&mut self, file: &mut syn::File) {
        file.items.retain(|item| self.keep(item));
        syn::visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if let Some((_, items)) = &mut module.content {
            items.retain(|item| self.keep(item));
        }
        syn::visit_mut::visit_item_mod_mut(self, module);
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

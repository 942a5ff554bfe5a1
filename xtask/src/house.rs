//! The counts of CONTRIBUTING.md's table, measured in the syntax trees of the production code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Expr, FnArg, Pat, Signature, Type, spanned::Spanned as _, visit::Visit};

use crate::source::{self, CRATES, Source};

const GUIDE: &str = "CONTRIBUTING.md";
const BEGIN: &str = "<!-- measured by `cargo xtask house`, written by `cargo xtask house --write` -->\n";
const END: &str = "<!-- end of what is measured -->\n";
/// Tuple parameters that may be left, each for a pair that is one thing.
const TUPLE_PARAMETERS: usize = 10;
/// The size of a block of lines that counts as a copy when it stands elsewhere, too.
const BLOCK: usize = 6;

#[derive(Default)]
struct Counts {
    lines: usize,
    functions: usize,
    tuple_parameters: Vec<String>,
    closures: usize,
    tuple_lets: usize,
    long_functions: Vec<String>,
    long_files: Vec<String>,
    circles: Vec<String>,
    copies: Vec<String>,
}

/// Prints the table; `--write` puts it into the guide, `--check` compares it with the guide. Returns whether all is well.
pub fn run(options: &[&str]) -> bool {
    let done = measure().and_then(|counts| match options {
        [] => {
            print!("{}", table(&counts));
            details(&counts);
            Ok(true)
        }
        ["--write"] => write(&table(&counts)).map(|()| true),
        ["--check"] => check(&counts),
        _ => Err(io::Error::other("`house` takes `--write` or `--check`")),
    });
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        false
    })
}

fn measure() -> io::Result<Counts> {
    let mut counts = Counts::default();
    let mut sources = vec![];
    for (name, folder) in CRATES {
        let of_crate = source::read(Path::new(folder))?;
        counts.circles.extend(circles(name, &of_crate));
        sources.extend(of_crate);
    }
    for source in &sources {
        counts.lines += source.lines.len();
        if source.length > 400 {
            counts.long_files.push(format!("{}: {} lines", source.path.display(), source.length));
        }
        Reader { counts: &mut counts, path: &source.path }.visit_file(&source.tree);
    }
    counts.copies = copies(&sources);
    Ok(counts)
}

/// Counts what stands in one file.
struct Reader<'a> {
    counts: &'a mut Counts,
    path: &'a Path,
}

impl Reader<'_> {
    /// A function with its body, if it has one.
    fn function(&mut self, signature: &Signature, body: Option<&syn::Block>) {
        self.counts.functions += 1;
        let name = format!("{}: {}", self.path.display(), signature.ident);
        for input in &signature.inputs {
            if let FnArg::Typed(input) = input
                && (is_tuple(&input.ty) || matches!(*input.pat, Pat::Tuple(_)))
            {
                self.counts.tuple_parameters.push(format!("{name}({})", input.to_token_stream()));
            }
        }
        if let Some(body) = body {
            let lines = body.span().end().line + 1 - signature.span().start().line;
            if lines > 50 {
                self.counts.long_functions.push(format!("{name}: {lines} lines"));
            }
        }
    }
}

/// A tuple of two or more, or a reference to one.
fn is_tuple(found: &Type) -> bool {
    match found {
        Type::Tuple(tuple) => tuple.elems.len() > 1,
        Type::Reference(reference) => is_tuple(&reference.elem),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, Some(&item.block));
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, Some(&item.block));
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.function(&item.sig, item.default.as_ref());
        syn::visit::visit_trait_item_fn(self, item);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let Some(init) = &local.init {
            self.counts.closures += usize::from(matches!(*init.expr, Expr::Closure(_)));
            let pair = matches!(local.pat, Pat::Tuple(_)) && matches!(*init.expr, Expr::Tuple(_));
            self.counts.tuple_lets += usize::from(pair);
        }
        syn::visit::visit_local(self, local);
    }
}

/// The groups of top-level modules of a crate that need each other, one line each.
fn circles(name: &str, sources: &[Source]) -> Vec<String> {
    let modules: BTreeSet<&str> =
        sources.iter().filter_map(|source| source.module.first()).map(String::as_str).collect();
    let mut needs: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        let Some(own) = source.module.first() else { continue };
        let mut paths = BTreeSet::new();
        named(source.tree.to_token_stream(), source.module.len(), &mut paths);
        paths.retain(|path| path != own && modules.contains(path.as_str()));
        needs.entry(own).or_default().append(&mut paths);
    }
    let reaches = |from: &str| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from.to_owned()];
        while let Some(module) = open.pop() {
            for next in needs.get(module.as_str()).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<String>> =
        modules.iter().map(|&module| (module, reaches(module))).collect();
    let mut groups: BTreeSet<Vec<&str>> = BTreeSet::new();
    for &module in &modules {
        let group: Vec<&str> = (modules.iter().copied())
            .filter(|&other| reached[module].contains(other) && reached[other].contains(module))
            .collect();
        if group.len() > 1 {
            groups.insert(group);
        }
    }
    groups.iter().map(|group| format!("{name}: {}", group.join(", "))).collect()
}

/// The names that follow `crate::`, or as many `super::` as lead from a module at this depth to the crate's root.
fn named(tokens: TokenStream, depth: usize, paths: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_colons = |at: usize| {
        matches!((tokens.get(at), tokens.get(at + 1)), (Some(TokenTree::Punct(a)), Some(TokenTree::Punct(b)))
            if a.as_char() == ':' && b.as_char() == ':')
    };
    let is = |at: usize, word: &str| matches!(tokens.get(at), Some(TokenTree::Ident(ident)) if ident == word);
    for at in 0..tokens.len() {
        if let TokenTree::Group(group) = &tokens[at] {
            named(group.stream(), depth, paths);
        }
        let starts = at < 2 || !is_colons(at - 2);
        let mut next = at;
        if is(at, "crate") && is_colons(at + 1) {
            next = at + 3;
        } else if is(at, "super") && starts {
            let mut up = 0;
            while is(next, "super") && is_colons(next + 1) {
                up += 1;
                next += 3;
            }
            if up != depth {
                continue;
            }
        }
        if next == at {
            continue;
        }
        match tokens.get(next) {
            Some(TokenTree::Ident(ident)) => drop(paths.insert(ident.to_string())),
            Some(TokenTree::Group(group)) => paths.extend(heads(group.stream())),
            _ => {}
        }
    }
}

/// The first name of every path in `{a::b, c}`.
fn heads(tokens: TokenStream) -> Vec<String> {
    let mut found = vec![];
    let mut first = true;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if first => found.push(ident.to_string()),
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                first = true;
                continue;
            }
            _ => {}
        }
        first = false;
    }
    found
}

/// Blocks of six lines that stand in two places, imports and lines of brackets alone not counted. A longer copy counts once.
fn copies(sources: &[Source]) -> Vec<String> {
    let mut seen: BTreeMap<Vec<&str>, (usize, usize)> = BTreeMap::new();
    let mut found = vec![];
    for (file, source) in sources.iter().enumerate() {
        let lines: Vec<&str> = (source.lines.iter().map(String::as_str))
            .filter(|line| line.chars().any(char::is_alphanumeric))
            .filter(|line| !line.starts_with("use ") && !line.starts_with("#["))
            .collect();
        let mut inside = None;
        for (at, block) in lines.windows(BLOCK).enumerate() {
            let Some(&(other, line)) = seen.get(block) else {
                seen.insert(block.to_vec(), (file, at));
                inside = None;
                continue;
            };
            if inside != Some((other, line)) {
                let (here, there) = (source.path.display(), sources[other].path.display());
                found.push(format!("{here} and {there}: {}", block[0]));
            }
            inside = Some((other, line + 1));
        }
    }
    found
}

fn table(counts: &Counts) -> String {
    let per_thousand = |count: usize| format!("{:.1}", 1000.0 * count as f64 / counts.lines as f64);
    let share = |count: usize| format!("{:.1} %", 100.0 * count as f64 / counts.functions as f64);
    let rows = [
        ("lines of production code", counts.lines.to_string(), ""),
        ("functions", counts.functions.to_string(), ""),
        ("tuple parameters", counts.tuple_parameters.len().to_string(), "at most 10"),
        ("circles between top-level modules of a crate", counts.circles.len().to_string(), "none"),
        ("named closures per 1,000 lines", per_thousand(counts.closures), ""),
        ("`let (a, b) = (x, y)` per 1,000 lines", per_thousand(counts.tuple_lets), ""),
        ("functions over 50 lines", share(counts.long_functions.len()), ""),
        ("files over 400 lines", counts.long_files.len().to_string(), ""),
        ("blocks of six lines that stand twice", counts.copies.len().to_string(), ""),
    ];
    let mut text = "| measured | count | limit |\n|---|---|---|\n".to_owned();
    for (name, count, limit) in rows {
        text += &format!("| {name} | {count} | {limit} |\n");
    }
    text
}

fn details(counts: &Counts) {
    let lists = [
        ("tuple parameters", &counts.tuple_parameters),
        ("circles", &counts.circles),
        ("functions over 50 lines", &counts.long_functions),
        ("files over 400 lines", &counts.long_files),
        ("copies", &counts.copies),
    ];
    for (name, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
        println!("\n{name}");
        list.iter().for_each(|line| println!("  {line}"));
    }
}

/// The guide, cut around the table.
fn guide() -> io::Result<(String, String, String)> {
    let text = fs::read_to_string(GUIDE)?;
    let cut = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?)));
    let (before, (table, after)) =
        cut.ok_or_else(|| io::Error::other(format!("{GUIDE} has no place for the table")))?;
    Ok((before.to_owned(), table.to_owned(), after.to_owned()))
}

fn write(table: &str) -> io::Result<()> {
    let (before, _, after) = guide()?;
    fs::write(GUIDE, format!("{before}{BEGIN}{table}{END}{after}"))
}

/// Whether the limits are kept and stand in the guide as they are measured. The other counts move with every commit, and
/// may be old there.
fn check(counts: &Counts) -> io::Result<bool> {
    let (_, written, _) = guide()?;
    let mut problems = vec![];
    if counts.tuple_parameters.len() > TUPLE_PARAMETERS {
        problems.push(format!("at most {TUPLE_PARAMETERS} tuple parameters may be left; there are more:"));
        problems.extend_from_slice(&counts.tuple_parameters);
    }
    if !counts.circles.is_empty() {
        problems.push("modules need each other in a circle:".to_owned());
        problems.extend_from_slice(&counts.circles);
    }
    let limited = |table: &str| {
        let rows = table.lines().filter(|row| !row.ends_with("|  |") && row.starts_with("| "));
        rows.map(str::to_owned).collect::<Vec<_>>()
    };
    if limited(&written) != limited(&table(counts)) {
        problems.push(format!("the table in {GUIDE} is old: run `cargo xtask house --write`"));
    }
    problems.iter().for_each(|line| eprintln!("{line}"));
    Ok(problems.is_empty())
}

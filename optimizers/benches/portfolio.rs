//! The results of each optimizer on each planted landscape with the same calls: the mean true accuracy of its first finalist,
//! with the standard error. `auto` runs with a proposer and without. Run with
//! `cargo bench -p proofmark-optimizers --bench portfolio`; names of optimizers or landscapes after `--` select these.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]
#![expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]

use std::env;

use proofmark_optimizers::{ALL, Optimizer, landscape::Landscape};
use proofmark_runtime::Candidate;

/// The budget in rows; a row takes one call per module.
const RECORDS: u64 = 1500;
const SEEDS: u64 = 24;

fn main() {
    let wanted: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let named = |names: &[&str], name: &str| {
        let some = wanted.iter().any(|word| names.contains(&word.as_str()));
        !some || wanted.iter().any(|word| word == name)
    };
    let landscapes = [
        Landscape::demonstrations(120),
        Landscape::instruction(120),
        Landscape::joint(120),
        Landscape::modules(120),
        Landscape::rules(120),
        Landscape::rules_in_two(120),
    ];
    let landscapes: Vec<Landscape> = landscapes.into_iter().flatten().collect();
    let names: Vec<&str> = landscapes.iter().map(|landscape| landscape.name).collect();
    let optimizers: Vec<&str> = ALL.iter().map(|optimizer| optimizer.name()).collect();
    let landscapes: Vec<&Landscape> =
        landscapes.iter().filter(|landscape| named(&names, landscape.name)).collect();
    println!("| optimizer | {} |", landscapes.iter().map(|l| l.name).collect::<Vec<_>>().join(" | "));
    println!("|---|{}", "---|".repeat(landscapes.len()));
    for optimizer in ALL.iter().filter(|optimizer| named(&optimizers, optimizer.name())) {
        let kinds: &[bool] = if optimizer.name() == "auto" { &[true, false] } else { &[true] };
        for &proposer in kinds {
            let cells: Vec<String> =
                landscapes.iter().map(|landscape| cell(*optimizer, landscape, proposer)).collect();
            let name = optimizer.name();
            let how = if proposer { "" } else { ", no proposer" };
            println!("| `{name}`{how} | {} |", cells.join(" | "));
        }
    }
}

fn cell(optimizer: &dyn Optimizer, landscape: &Landscape, proposer: bool) -> String {
    let calls = RECORDS * landscape.program.calls_per_record() as u64;
    let found: Vec<f64> = (100..100 + SEEDS)
        .map(|seed| {
            let world = landscape.world(seed, calls);
            let mut world = if proposer { world } else { world.without_proposer() };
            let mut lab = landscape.lab(seed, &mut world);
            // Most searches end when the calls are spent.
            let _ = optimizer.search(&mut lab);
            let best = lab.board().finalists(1).pop();
            100.0 * landscape.worth(&best.map_or_else(Candidate::baseline, |standing| standing.candidate))
        })
        .collect();
    let mean = found.iter().sum::<f64>() / SEEDS as f64;
    let variance = found.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (SEEDS - 1) as f64;
    format!("{mean:.1} ({:.1})", (variance / SEEDS as f64).sqrt())
}

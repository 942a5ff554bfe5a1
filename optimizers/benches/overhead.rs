//! The cost of a search besides its calls: the time per call for every optimizer, the time of a suggestion with 1,000 trials,
//! and the memory for a large table. Run with `cargo bench -p proofmark-optimizers --bench overhead` on Linux. Times are
//! processor times, so other work on the machine does not count.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::{fs, hint::black_box, time::Duration};

use proofmark_optimizers::{
    ALL, Ask, Effects, Event, Outcome, Stop, Trial,
    landscape::{Landscape, World},
    tpe,
};
use proofmark_runtime::model::Abilities;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

/// A world that measures the time that it takes itself.
struct Timed<'a> {
    world: World<'a>,
    inside: Duration,
}

impl Timed<'_> {
    fn time<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let start = on_processor();
        let result = work(self);
        self.inside += on_processor() - start;
        result
    }
}

impl Effects for Timed<'_> {
    fn evaluate(&mut self, batch: &[Trial]) -> Result<Vec<Vec<Outcome>>, Stop> {
        self.time(|timed| timed.world.evaluate(batch))
    }
    fn ask(&mut self, asks: &[Ask]) -> Result<Vec<Option<String>>, Stop> {
        self.time(|timed| timed.world.ask(asks))
    }
    fn abilities(&self) -> Abilities {
        self.world.abilities()
    }
    fn has_proposer(&self) -> bool {
        self.world.has_proposer()
    }
    fn remaining_calls(&self) -> u64 {
        self.world.remaining_calls()
    }
    fn note(&mut self, event: Event) {
        self.world.note(event);
    }
}

fn main() {
    println!("| optimizer | calls | search, us per call | share at 1 ms per call |\n|---|---|---|---|");
    if let Ok(landscape) = Landscape::joint(200) {
        ALL.iter().for_each(|optimizer| overhead(&landscape, optimizer.name()));
    }
    suggestion();
    println!(
        "\n| optimizer, 100,000 training rows | seconds on the processor, world included | peak memory, MB |\n|---|---|---|"
    );
    if let Ok(landscape) = Landscape::joint(100_000) {
        ALL.iter().for_each(|optimizer| large(&landscape, optimizer.name()));
    }
}

fn overhead(landscape: &Landscape, name: &str) {
    const CALLS: u64 = 3000;
    const SEEDS: u64 = 5;
    let Some(optimizer) = proofmark_optimizers::find(name) else { return };
    let mut calls = 0;
    let mut outside = Duration::ZERO;
    for seed in 0..SEEDS {
        let mut timed = Timed { world: landscape.world(seed, CALLS), inside: Duration::ZERO };
        let start = on_processor();
        let mut lab = landscape.lab(seed, &mut timed);
        // Most searches end when the calls are spent.
        let _ = optimizer.search(&mut lab);
        drop(lab);
        outside += (on_processor() - start).saturating_sub(timed.inside);
        calls += CALLS - timed.remaining_calls();
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
    let per_call = outside.as_secs_f64() * 1e6 / calls.max(1) as f64;
    println!("| {name} | {} | {per_call:.1} | {:.2} % |", calls / SEEDS, per_call / 10.0);
}

fn suggestion() {
    const SIZES: [usize; 6] = [8, 8, 8, 8, 8, 8];
    const SUGGESTIONS: u32 = 200;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let trial = |rng: &mut ChaCha8Rng| (SIZES.map(|size| rng.random_range(..size)).to_vec(), rng.random());
    let trials: Vec<_> = (0..1000).map(|_| trial(&mut rng)).collect();
    let start = on_processor();
    for _ in 0..SUGGESTIONS {
        black_box(tpe::suggest(&SIZES, &trials, &mut rng));
    }
    let each = (on_processor() - start) / SUGGESTIONS;
    println!("\nA suggestion with 1,000 trials in 6 dimensions of 8 options: {each:.0?}");
}

fn large(landscape: &Landscape, name: &str) {
    let Some(optimizer) = proofmark_optimizers::find(name) else { return };
    // Resets the peak.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let mut world = landscape.world(1, 600);
    let start = on_processor();
    let mut lab = landscape.lab(1, &mut world);
    let _ = optimizer.search(&mut lab);
    println!("| {name} | {:.1} | {} |", (on_processor() - start).as_secs_f64(), peak_megabytes());
}

/// The processor time of this thread so far.
fn on_processor() -> Duration {
    let line = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = line.split_whitespace().next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// The peak memory of this process since the last reset, or "unknown".
fn peak_megabytes() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.map_or_else(|| "unknown".into(), |kilobytes| (kilobytes / 1024).to_string())
}

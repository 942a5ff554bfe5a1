//! The quality and the cost of a race, against full measurement and fixed subsets: K candidates with true gains that are normal
//! around -1 point, on 200 rows that are hard or easy for all together. Run with
//! `cargo bench -p proofmark-optimizers --bench race`.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]
#![expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]

use std::collections::BTreeMap;

use proofmark_optimizers::{Ask, Effects, Event, Lab, Outcome, Score, Stop, Trial, Visible};
use proofmark_runtime::{
    Candidate, CandidateId, Example, ExampleId, Field, Param, ParamPath, Program, Record, Signature, Slot,
    Type, model::Abilities,
};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

const ROWS: usize = 200;
const REPETITIONS: u64 = 400;
/// The baseline's true accuracy.
const BASELINE: f64 = 0.65;
/// The standard deviation of a row's difficulty for all candidates. The squares of [`SHARED`] and [`OWN`] sum to 1, so the
/// probability of a right answer is the normal distribution function of the candidate's level.
const SHARED: f64 = 0.883_176;
/// The standard deviation of a row's difficulty for one candidate.
const OWN: f64 = 0.469_042;

/// One drawn world: for the baseline and each candidate, the rows that it gets right.
struct Drawn {
    gains: Vec<f64>,
    right: Vec<Vec<bool>>,
}

impl Drawn {
    fn new(candidates: usize, spread: f64, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let gains: Vec<f64> = (0..candidates).map(|_| -0.01 + spread * normal(&mut rng)).collect();
        let shared: Vec<f64> = (0..ROWS).map(|_| SHARED * normal(&mut rng)).collect();
        let accuracies =
            std::iter::once(BASELINE).chain(gains.iter().map(|gain| (BASELINE + gain).clamp(0.02, 0.98)));
        let right = accuracies
            .map(|accuracy| {
                let level = quantile(accuracy);
                shared.iter().map(|shared| level + shared + OWN * normal(&mut rng) > 0.0).collect()
            })
            .collect();
        Self { gains, right }
    }

    /// The candidate, from 0, with the most right answers on the first rows.
    fn best_on(&self, rows: usize) -> usize {
        let count = |place: &usize| self.right[place + 1][..rows].iter().filter(|right| **right).count();
        (0..self.gains.len()).max_by_key(|place| (count(place), usize::MAX - place)).unwrap_or(0)
    }
}

/// The effects of a drawn world.
struct Served<'a> {
    drawn: &'a Drawn,
    lines: BTreeMap<CandidateId, usize>,
    paid: usize,
}

impl Effects for Served<'_> {
    fn evaluate(&mut self, batch: &[Trial]) -> Result<Vec<Vec<Outcome>>, Stop> {
        let unknown = || Stop::Broken { message: "not drawn".into() };
        let outcomes = |trial: &Trial| {
            let line = self.lines.get(&trial.candidate.id()).ok_or_else(unknown)?;
            let outcome = |row: &ExampleId| {
                let row: usize = row.0.parse().map_err(|_| unknown())?;
                let score = if self.drawn.right[*line][row] { Score::ONE } else { Score::ZERO };
                Ok(Outcome::Scored { score, feedback: None, trace: Vec::new() })
            };
            trial.rows.iter().map(outcome).collect()
        };
        let results = batch.iter().map(outcomes).collect();
        self.paid += batch.iter().map(|trial| trial.rows.len()).sum::<usize>();
        results
    }
    fn ask(&mut self, _: &[Ask]) -> Result<Vec<Option<String>>, Stop> {
        Ok(Vec::new())
    }
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }
    fn has_proposer(&self) -> bool {
        false
    }
    fn remaining_calls(&self) -> u64 {
        u64::MAX
    }
    fn note(&mut self, _: Event) {}
}

/// A choice of a method in one world.
struct Chosen {
    /// The candidate, from 0.
    place: usize,
    /// The number of calls.
    calls: usize,
}

/// The sums of a method over all repetitions.
#[derive(Default)]
struct Sums {
    calls: f64,
    best: f64,
    top: f64,
    gain: f64,
    shortfall: f64,
}

impl Sums {
    fn add(&mut self, drawn: &Drawn, chosen: &Chosen) {
        let gain = drawn.gains[chosen.place];
        let better = drawn.gains.iter().filter(|other| **other > gain).count();
        let best = drawn.gains.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.calls += chosen.calls as f64;
        self.best += f64::from(u8::from(better == 0));
        self.top += f64::from(u8::from(better < 3));
        self.gain += 100.0 * gain;
        self.shortfall += 100.0 * (best - gain);
    }

    fn line(&self, name: &str, full: usize) -> String {
        let n = REPETITIONS as f64;
        let Self { calls, best, top, gain, shortfall } = self;
        format!(
            "| {name} | {:.0} | {:.0} % | {:.0} % | {:.0} % | {:+.1} | {:.1} |",
            calls / n,
            100.0 * calls / n / full as f64,
            100.0 * best / n,
            100.0 * top / n,
            gain / n,
            shortfall / n
        )
    }
}

fn main() {
    let Some(setting) = Setting::new() else { return };
    for spread in [0.04, 0.08] {
        for candidates in [20, 50, 100] {
            let mut sums: [Sums; 5] = Default::default();
            for repetition in 0..REPETITIONS {
                let drawn = Drawn::new(candidates, spread, 1000 * candidates as u64 + repetition);
                let subset = |rows: usize| Chosen { place: drawn.best_on(rows), calls: candidates * rows };
                let chosen =
                    [subset(ROWS), subset(50), subset(25), setting.race(&drawn, 1), setting.race(&drawn, 3)];
                sums.iter_mut().zip(&chosen).for_each(|(sums, chosen)| sums.add(&drawn, chosen));
            }
            println!("\n{candidates} candidates, spread of true gains {:.0} points\n", 100.0 * spread);
            println!(
                "| method | calls | of full | finds the best | one of the best 3 | gain, points | shortfall, points |"
            );
            println!("|---|---|---|---|---|---|---|");
            let names = [
                "full measurement",
                "50 rows for all",
                "25 rows for all",
                "race, one to the end",
                "race, three to the end",
            ];
            for (name, sums) in names.iter().zip(&sums) {
                println!("{}", sums.line(name, candidates * ROWS));
            }
        }
    }
}

/// The program and rows of all worlds.
struct Setting {
    program: Program,
    rows: Visible,
}

impl Setting {
    fn new() -> Option<Self> {
        let signature = Signature {
            instructions: "Answer.".into(),
            inputs: vec![Field::new("question", Type::Text)],
            outputs: vec![Field::new("answer", Type::Text)],
        };
        let program = Program::single("answer", "predict", signature, vec![]).ok()?;
        let example = |row: usize| Example {
            id: ExampleId(row.to_string()),
            inputs: Record::new().with("question", format!("number {row}")),
            outputs: Record::new().with("answer", "yes"),
            slices: BTreeMap::new(),
        };
        Some(Self { program, rows: Visible::new((0..ROWS).map(example).collect()) })
    }

    /// The choice of a race; the baseline's calls do not count.
    fn race(&self, drawn: &Drawn, keep: usize) -> Chosen {
        let saying = |place: usize| {
            let text = Param::Instruction(format!("Answer in way {place}."));
            Candidate::baseline().with(ParamPath::new("answer", Slot::Instruction), text)
        };
        let candidates: Vec<Candidate> = (0..drawn.gains.len()).map(saying).collect();
        let ids = std::iter::once(Candidate::baseline().id()).chain(candidates.iter().map(Candidate::id));
        let lines: BTreeMap<CandidateId, usize> = ids.enumerate().map(|(line, id)| (id, line)).collect();
        let mut served = Served { drawn, lines, paid: 0 };
        let nothing = Visible::default();
        let mut lab = Lab::new(&self.program, &nothing, &self.rows, 1, &mut served);
        let winner = lab.race(&candidates, keep).ok().and_then(|standings| standings.into_iter().next());
        let chosen = winner.and_then(|winner| candidates.iter().position(|other| *other == winner.candidate));
        let baseline = lab.board().depth(Candidate::baseline().id());
        drop(lab);
        Chosen { place: chosen.unwrap_or(0), calls: served.paid - baseline }
    }
}

/// A standard normal number (Box and Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let a: f64 = rng.random();
    let b: f64 = rng.random();
    (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// The normal distribution function (Abramowitz and Stegun 1964, 26.2.17; error below 1e-7).
fn distribution(x: f64) -> f64 {
    const B: [f64; 5] = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let sum = B.iter().rev().fold(0.0, |sum, b| t * (b + sum));
    let tail = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt() * sum;
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// The quantile of the normal distribution, by bisection.
fn quantile(p: f64) -> f64 {
    let mut low = -6.0;
    let mut high = 6.0;
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if distribution(middle) < p { low = middle } else { high = middle }
    }
    low
}

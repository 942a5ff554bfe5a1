//! A probit model of prompts answering rows: is `mean + A_i + B_ki + C_iv + D_kiv > 0`? A: how hard row i is, for all
//! prompts; B: how prompt k takes to row i, shared by its variants (this makes pairs discordant and variants correlate);
//! C: how hard variant v of it is, for all prompts; D: decoding. Variances .70, .12, .08, .10 give a discordance of .20 and
//! an intraclass correlation of .28 between two equal prompts at 62 to 68 % right.

use std::{convert::Infallible, f64::consts::TAU};

use proofmark_runtime::{Example, ExampleId, Record, Score, digest, model::Usage, stamp::AskedBy};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::{
    Cell, Contender, Demands, Evidence, Finalist, Gate, GateRow, Measure, Measured, Policy, Reading, Sealed,
    Subject, statistics::normal::upper_quantile, variant::testing::variant,
};

pub(super) const VARIANTS: usize = 3;

/// Scores of all contenders on all rows: the baseline first.
pub(super) struct Drawn {
    pub(super) right: Vec<Vec<bool>>,
    pub(super) calls: usize,
}

impl Drawn {
    /// These answers, and those to rows behind them.
    pub(super) fn and(mut self, fresh: &Self) -> Self {
        self.right.iter_mut().zip(&fresh.right).for_each(|(right, fresh)| right.extend(fresh));
        self
    }
}

impl Measure for Drawn {
    type Error = Infallible;

    fn measure(&mut self, contender: Contender, cells: &[Cell<'_>]) -> Result<Vec<Measured>, Infallible> {
        self.calls += cells.len();
        let right = match contender {
            Contender::Baseline => &self.right[0],
            Contender::Finalist(i) => &self.right[i + 1],
        };
        let score = |right: bool| if right { Score::ONE } else { Score::ZERO };
        let measured = |cell: &Cell<'_>| Measured {
            score: score(right[cell.index]),
            valid: true,
            usage: Usage::default(),
            guards: vec![],
        };
        Ok(cells.iter().map(measured).collect())
    }
}

/// Normal draws.
pub(super) struct Normals {
    rng: ChaCha8Rng,
    spare: Option<f64>,
}

impl Normals {
    pub(super) fn new(name: &str, run: u64) -> Self {
        let seed = digest(&("simulation", name, run));
        Self { rng: ChaCha8Rng::from_seed(*seed.as_bytes()), spare: None }
    }

    /// By Box and Muller, two at a time.
    pub(super) fn next(&mut self, variance: f64) -> f64 {
        let z = self.spare.take().unwrap_or_else(|| {
            let (u, v): (f64, f64) = (1.0 - self.rng.random::<f64>(), self.rng.random());
            let radius = (-2.0 * u.ln()).sqrt();
            self.spare = Some(radius * (TAU * v).sin());
            radius * (TAU * v).cos()
        });
        z * variance.sqrt()
    }

    /// Answers of prompts on `n` rows with `v` variants: `chance(prompt, row, variant)` is how likely each is to be right.
    pub(super) fn answers(
        &mut self,
        prompts: usize,
        n: usize,
        v: usize,
        chance: impl Fn(usize, usize, usize) -> f64,
    ) -> Vec<Vec<bool>> {
        let mut right = vec![vec![false; n * v]; prompts];
        for row in 0..n {
            let hard = self.next(0.70);
            let variant: Vec<_> = (0..v).map(|_| self.next(0.08)).collect();
            for (prompt, right) in right.iter_mut().enumerate() {
                let taste = self.next(0.12);
                for (variant, harder) in variant.iter().enumerate() {
                    let mean = -upper_quantile(chance(prompt, row, variant).clamp(1e-3, 1.0 - 1e-3));
                    right[row * v + variant] = mean + hard + taste + harder + self.next(0.10) > 0.0;
                }
            }
        }
        right
    }
}

/// Sealed units with one clean row and three variants each, rows of a unit in that order; eight slices.
pub(super) struct World {
    pub(super) sealed: Sealed,
    /// The slice of each unit.
    slices: Vec<usize>,
}

impl World {
    pub(super) fn new(n: usize) -> Self {
        Self::of((0..n).map(|i| GateRow::new(example(i, format!("row {i}")))).collect())
    }

    /// The same, and the first rows must pass.
    pub(super) fn with_must_pass(n: usize, must_pass: usize) -> Self {
        let row = |i| GateRow { must_pass: i < must_pass, ..GateRow::new(example(i, format!("row {i}"))) };
        Self::of((0..n).map(row).collect())
    }

    /// The same rows under other names and in another order.
    pub(super) fn renamed(n: usize) -> Self {
        let renamed = |i: usize| {
            let row = example(i, format!("row {i}"));
            GateRow::new(Example { id: ExampleId(format!("copy {i}")), ..row })
        };
        Self::of((0..n).rev().map(renamed).collect())
    }

    /// Other rows.
    pub(super) fn fresh(n: usize) -> Self {
        Self::named("fresh row", n)
    }

    /// Rows of their own.
    pub(super) fn named(name: &str, n: usize) -> Self {
        Self::of((0..n).map(|i| GateRow::new(example(i, format!("{name} {i}")))).collect())
    }

    fn of(rows: Vec<GateRow>) -> Self {
        let variant = |row: &GateRow, v: usize| {
            variant(&row.example, &format!("family {v}"), "text", &format!("{} variant {v}", row.group))
        };
        let variants = rows.iter().map(|row| (1..=VARIANTS).map(|v| variant(row, v)).collect()).collect();
        let sealed = Sealed::freeze(rows, variants).unwrap();
        let slice = |clean: usize| sealed.rows[clean].example.slices["channel"].parse().unwrap();
        let slices = sealed.units.iter().map(|unit| slice(unit.clean[0])).collect();
        Self { sealed, slices }
    }

    /// Scores of the baseline (prompt 0) and of finalists on all rows: `chance(prompt, slice, is clean)`.
    pub(super) fn answers(
        &self,
        normals: &mut Normals,
        prompts: usize,
        chance: impl Fn(usize, usize, bool) -> f64,
    ) -> Drawn {
        let right = normals.answers(prompts, self.slices.len(), VARIANTS + 1, |prompt, row, variant| {
            chance(prompt, self.slices[row], variant == 0)
        });
        Drawn { right, calls: 0 }
    }
}

fn example(i: usize, text: String) -> Example {
    Example {
        id: ExampleId(text.clone()),
        inputs: Record::new().with("text", text),
        outputs: Record::new().with("label", "x"),
        slices: [("channel".to_owned(), format!("{}", i % 8))].into(),
    }
}

pub(super) fn finalists(count: usize) -> Vec<Finalist> {
    let finalist = |i| Finalist {
        name: format!("candidate {i}"),
        id: digest(&("finalist", i)),
        reading: Reading::default(),
    };
    (0..count).map(finalist).collect()
}

pub(crate) fn subject() -> Subject {
    Subject { baseline: digest("baseline"), task: None, asked: AskedBy::Table }
}

pub(super) fn gate(policy: Policy) -> Gate {
    let (context, demands) = (digest("simulation"), Demands::default());
    Gate { policy, demands, context, seed: 0, evidence: Evidence::default(), subject: subject() }
}

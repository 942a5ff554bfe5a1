//! The policies other than `strict`, and guards that stand in the way of a gain.

use std::convert::Infallible;

use proofmark_runtime::{Score, digest};

use super::probit::{Drawn, Normals, World, finalists, gate};
use crate::{Cell, Contender, Kind, Measure, Measured, MemoryLedger, Policy, Sealed, Verdict};

const RUNS: u64 = 100;

fn judge(policy: Policy, sealed: &Sealed, measure: &mut impl Measure<Error = Infallible>) -> Verdict {
    let ledger = &mut MemoryLedger::default();
    gate(policy).judge(sealed, &finalists(1), measure, ledger).unwrap().verdict()
}

/// Verdicts on a prompt with this true gain, on fresh draws per run.
fn verdicts(policy: Policy, units: usize, gain: f64) -> Vec<Verdict> {
    let world = World::new(units);
    let run = |run| {
        let mut normals = Normals::new("policies", run);
        let mut drawn = world.answers(&mut normals, 2, |prompt, _, _| 0.66 + gain * prompt as f64);
        judge(policy, &world.sealed, &mut drawn)
    };
    (0..RUNS).map(run).collect()
}

fn accepted(verdicts: &[Verdict]) -> f64 {
    verdicts.iter().filter(|verdict| **verdict == Verdict::Accept).count() as f64 / verdicts.len() as f64
}

/// Alpha and three standard errors of a share of [`RUNS`].
fn limit(alpha: f64) -> f64 {
    alpha + 3.0 * (alpha * (1.0 - alpha) / RUNS as f64).sqrt()
}

#[test]
fn balanced_accepts_more_and_errs_at_most_one_in_ten() {
    let equal = accepted(&verdicts(Policy::Balanced, 60, 0.0));
    assert!(equal <= limit(0.10), "{equal}");
    let [strict, balanced] =
        [Policy::Strict, Policy::Balanced].map(|policy| accepted(&verdicts(policy, 60, 0.08)));
    assert!(balanced > strict + 0.03, "{balanced} against {strict}");
}

#[test]
fn noninferior_accepts_what_loses_less_than_three_points() {
    let as_good = verdicts(Policy::Noninferior, 150, 0.03);
    let strict = accepted(&verdicts(Policy::Strict, 150, 0.03));
    assert!(accepted(&as_good) > strict + 0.2, "{} against {strict}", accepted(&as_good));
    let at_the_margin = accepted(&verdicts(Policy::Noninferior, 60, -0.03));
    assert!(at_the_margin <= limit(0.05), "{at_the_margin}");
    let worse = verdicts(Policy::Noninferior, 150, -0.15);
    let rejected = worse.iter().filter(|verdict| matches!(verdict, Verdict::Reject { .. })).count();
    assert!(accepted(&worse) <= 0.0 && rejected as u64 >= RUNS * 4 / 10, "{worse:?}");
}

#[test]
fn no_gain_makes_up_for_a_row_that_must_pass() {
    let world = World::with_must_pass(100, 3);
    let drawn = |passes: bool| {
        let mut normals = Normals::new("must pass", 0);
        let mut drawn = world.answers(&mut normals, 2, |prompt, _, _| 0.55 + 0.3 * prompt as f64);
        for row in &world.sealed.must_pass {
            drawn.right[0][*row] = true;
            drawn.right[1][*row] = passes;
        }
        drawn
    };
    let (mut passing, mut failing) = (drawn(true), drawn(false));
    assert_eq!(judge(Policy::Strict, &world.sealed, &mut passing), Verdict::Accept);
    let refused = judge(Policy::Strict, &world.sealed, &mut failing);
    assert_eq!(refused, Verdict::Reject { kind: Kind::MustPass });
    // Rows that the old prompt fails as well are not held against the new one.
    failing.right[0] = failing.right[1].clone();
    let both = judge(Policy::Strict, &world.sealed, &mut failing);
    assert!(!matches!(both, Verdict::Reject { kind: Kind::MustPass }), "{both:?}");
}

/// Answers of which the finalist's are no usable ones on a share of the rows.
struct Unusable {
    drawn: Drawn,
    share: f64,
}

impl Measure for Unusable {
    type Error = Infallible;

    fn measure(&mut self, contender: Contender, cells: &[Cell<'_>]) -> Result<Vec<Measured>, Infallible> {
        let answers = self.drawn.measure(contender, cells)?;
        let spoiled = |cell: &Cell<'_>| {
            let luck = f64::from(digest(&("unusable", cell.index)).as_bytes()[0]) / 256.0;
            contender != Contender::Baseline && luck < self.share
        };
        let spoil = |(answer, cell): (Measured, &Cell<'_>)| match spoiled(cell) {
            true => Measured { score: Score::ZERO, valid: false, ..answer },
            false => answer,
        };
        Ok(answers.into_iter().zip(cells).map(spoil).collect())
    }
}

#[test]
fn no_gain_makes_up_for_answers_that_cannot_be_used() {
    let world = World::new(200);
    let verdict = |share| {
        let mut normals = Normals::new("unusable", 0);
        let drawn = world.answers(&mut normals, 2, |prompt, _, _| 0.5 + 0.4 * prompt as f64);
        judge(Policy::Strict, &world.sealed, &mut Unusable { drawn, share })
    };
    assert_eq!(verdict(0.0), Verdict::Accept);
    assert_eq!(verdict(0.08), Verdict::Reject { kind: Kind::Invalid });
    assert_ne!(verdict(0.03), Verdict::Accept, "two points are not excluded");
}

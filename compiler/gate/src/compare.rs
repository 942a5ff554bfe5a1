//! The comparison of two lists of scores: one look at all units, with the whole error.
//!
//! A comparison needs no order, no random seed and no ledger. It takes the same path as every other trial; only the plan has
//! one look instead of ten. The price of comparing the same rows again is left to the caller.
//!
//! **Invariant:** if the new prompt is no better than the old one, a single comparison accepts it with probability at most
//! the policy's alpha.

use proofmark_runtime::{Score, digest};

use super::{
    bounds::Gain,
    demands::Demands,
    diagnosis::Evidence,
    error::GateError,
    policy::Policy,
    table::{NoTable, Paired, Table, TableError},
    trial::{Contestant, ScoreSheet, TrialPlan},
    verdict::Verdict,
};

/// Two lists of scores that are ready to be judged.
#[derive(Debug)]
pub struct Comparison {
    paired: Paired,
    policy: Policy,
}

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Whether the new prompt is better, and if not, what is wrong.
    pub verdict: Verdict,
    /// The exact one-sided mid-p value of the sign-flip test on the paired differences.
    pub p: f64,
    /// The mean difference, new minus old, with its one-sided 95 % bounds. Scores are 0 to 1, so 0.05 is five points.
    pub gain: Gain,
}

/// Why two lists of scores cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A list is longer than the other.
    #[error(
        "there are {old} old scores and {new} new ones; score both prompts on the same rows, in the same order"
    )]
    Lengths {
        /// The number of old scores.
        old: usize,
        /// The number of new scores.
        new: usize,
    },
    /// There is nothing to compare.
    #[error("there are no scores to compare; score both prompts on at least 15 rows, better 100")]
    Empty,
    /// A number that is no score.
    #[error("the {list} score at position {position} (from 0) is {score}; a score is a number from 0 to 1")]
    NoScore {
        /// The list: `old` or `new`.
        list: &'static str,
        /// The position in the list, from 0.
        position: usize,
        /// The number.
        score: f64,
    },
    /// The rows could not be paired.
    #[error(transparent)]
    Unpaired(#[from] TableError),
    /// The trial failed.
    #[error(transparent)]
    Trial(#[from] GateError<NoTable>),
}

/// Pairs the scores of two prompts by position. Each score is 0 to 1, such as 1 for a right answer. The policy is
/// [`Policy::Strict`] unless another one is set.
///
/// # Errors
/// If the lists have different lengths or are empty, or if a number is no score.
pub fn compare(old: &[f64], new: &[f64]) -> Result<Comparison, CompareError> {
    if old.len() != new.len() {
        return Err(CompareError::Lengths { old: old.len(), new: new.len() });
    }
    if old.is_empty() {
        return Err(CompareError::Empty);
    }
    let old = Table::of_scores("old", scores("old", old)?);
    let new = Table::of_scores("new", scores("new", new)?);
    Ok(Comparison { paired: Paired::new(&old, &[new])?, policy: Policy::default() })
}

fn scores(list: &'static str, numbers: &[f64]) -> Result<Vec<Score>, CompareError> {
    let mut scores = vec![];
    for (position, score) in numbers.iter().enumerate() {
        let no_score = CompareError::NoScore { list, position, score: *score };
        scores.push(Score::new(*score).map_err(|_| no_score)?);
    }
    Ok(scores)
}

impl Comparison {
    /// Sets how strict the test is.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Judges at the policy's full alpha. With fewer than 15 rows nothing is decided.
    ///
    /// # Errors
    /// If the trial fails, which only a mistake in this crate can cause.
    pub fn judge(mut self) -> Result<Compared, CompareError> {
        let (sealed, mut measure) = self.paired.parts();
        let demands = Demands::default();
        let evidence = Evidence::default();
        let order = (0..sealed.units()).collect();
        let plan = TrialPlan::new(sealed, self.policy, &demands, &evidence, order).with_one_look();
        let contestant =
            Contestant { position: 0, id: digest("new"), alpha: self.policy.alpha(), share: 1.0 };
        let trial = plan.run(contestant, &mut ScoreSheet::new(sealed, 1), &mut measure)?;
        match (trial.gain, trial.looks.last()) {
            (Some(gain), Some(look)) => Ok(Compared { verdict: trial.verdict, p: look.p, gain }),
            _ => Err(CompareError::Empty),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};

    use super::*;

    /// Scores with a right answer on every row for which the rule holds.
    fn right(rows: usize, is_right: impl Fn(usize) -> bool) -> Vec<f64> {
        (0..rows).map(|row| f64::from(is_right(row))).collect()
    }

    fn judge(old: &[f64], new: &[f64]) -> Compared {
        compare(old, new).unwrap().judge().unwrap()
    }

    #[test]
    fn a_clear_win_is_accepted() {
        let compared = judge(&right(100, |row| row % 2 == 0), &right(100, |row| row % 4 != 1));
        assert_eq!(compared.verdict, Verdict::Accept);
        assert!(compared.p < 1e-4, "{compared:?}");
        assert!((compared.gain.estimate - 0.25).abs() < 1e-12, "{compared:?}");
        assert!(compared.gain.lower > 0.1 && compared.gain.upper < 0.4, "{compared:?}");
    }

    #[test]
    fn a_tie_decides_nothing() {
        let scores = right(50, |row| row % 2 == 0);
        let compared = judge(&scores, &scores);
        assert!(matches!(compared.verdict, Verdict::Inconclusive { .. }), "{compared:?}");
        assert!(compared.p >= 0.5 && compared.gain.estimate.abs() < 1e-12, "{compared:?}");
    }

    #[test]
    fn a_clear_loss_is_rejected() {
        let compared = judge(&right(100, |row| row % 4 != 1), &right(100, |row| row % 2 == 0));
        assert!(matches!(compared.verdict, Verdict::Reject { .. }), "{compared:?}");
        assert!(compared.p > 0.999 && compared.gain.upper < 0.0, "{compared:?}");
    }

    #[test]
    fn too_few_rows_decide_nothing() {
        let compared = judge(&[0.0; 14], &[1.0; 14]);
        assert!(matches!(compared.verdict, Verdict::Inconclusive { .. }), "{compared:?}");
        assert_eq!(judge(&[0.0; 15], &[1.0; 15]).verdict, Verdict::Accept);
    }

    #[test]
    fn the_policy_sets_the_alpha() {
        // Five rows gained and one lost: the mid-p value of the sign-flip test is 1/64 + 6/128.
        let old = right(60, |row| row == 0);
        let new = right(60, |row| (1..6).contains(&row));
        let strict = compare(&old, &new).unwrap().judge().unwrap();
        assert!((strict.p - 0.0625).abs() < 1e-12 && strict.verdict != Verdict::Accept, "{strict:?}");
        let loose = compare(&old, &new).unwrap().policy(Policy::Balanced).judge().unwrap();
        assert_eq!(loose.verdict, Verdict::Accept);
    }

    #[test]
    fn scores_that_cannot_be_paired_are_named() {
        let message = |old: &[f64], new: &[f64]| compare(old, new).unwrap_err().to_string();
        assert!(message(&[1.0; 3], &[1.0; 4]).contains("3 old scores and 4 new ones"));
        assert!(message(&[], &[]).contains("no scores"));
        assert!(message(&[1.0, 0.0], &[1.0, 1.5]).contains("new score at position 1 (from 0) is 1.5"));
        assert!(message(&[f64::NAN], &[0.0]).contains("old score at position 0 (from 0) is NaN"));
    }

    /// Both prompts are right on the same share of rows, so either is called better in at most alpha of the draws. With 400
    /// draws an error of .05 gives 20, and 34 or more with a chance of .1 %.
    #[test]
    fn equal_prompts_rarely_win_either_way() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut wins = [0, 0];
        for _ in 0..400 {
            let mut draw = || (0..60).map(|_| f64::from(random.random_bool(0.6))).collect::<Vec<_>>();
            let (a, b) = (draw(), draw());
            wins[0] += usize::from(judge(&a, &b).verdict == Verdict::Accept);
            wins[1] += usize::from(judge(&b, &a).verdict == Verdict::Accept);
        }
        assert!(wins.iter().all(|wins| (5..34).contains(wins)), "{wins:?}");
    }
}

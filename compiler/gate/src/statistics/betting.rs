//! Has a model changed since a prompt was accepted, and for the worse? Evidence that may be looked at after every answer.
//!
//! An e-process is what a gambler's fortune would be who starts with 1 and bets against the null hypothesis at odds that are
//! fair under it. Whatever is bet and whenever one stops, the chance that it ever reaches 1 / alpha is at most alpha (Ville
//! 1939; Waudby-Smith and Ramdas 2024, JRSS B 86:1, on bets about means; Richter et al. 2025, arXiv:2410.19406, on models
//! that are updated behind an interface). So rows may come in any order, and the most telling ones first.
//!
//! **Invariant:** the fortune depends on the counts or the sum of products alone, not on the order of the answers; under the
//! null hypothesis its expectation is at most 1 at every time.

use statrs::distribution::{Beta, Binomial, ContinuousCDF, DiscreteCDF};

/// The fortune at which it is believed that answers changed: a false alarm in at most one of a hundred checks.
pub const ALARM: f64 = 100.0;

/// The fortune at which it is believed that answers got worse: at most one false alarm in twenty.
pub const WORSE: f64 = 20.0;

/// A fall of the mean score by no more than this does not matter.
pub const TOLERANCE: f64 = 0.01;

/// Shares of changed answers that are bet on, those above the null's.
const SHARES: [f64; 5] = [0.04, 0.08, 0.15, 0.30, 0.50];

/// How many stakes a fall is bet on with: evenly spread from .05 to .95 of what can be lost.
const STAKES: usize = 19;

/// The certainty of the bound on how often a model changes its own answer.
const BOUND: f64 = 0.90;

/// Evidence that answers change more often than the model changes them by itself: a mixture over shares theta of
/// prod (theta / q)^changed ((1 - theta) / (1 - q))^same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Changes {
    /// The share that is expected without a change of the model, in (0, 1).
    pub expected: f64,
    /// Answers that are others than recorded.
    pub changed: usize,
    /// Answers that are the recorded ones.
    pub same: usize,
}

impl Changes {
    /// Before the first answer.
    pub fn new(expected: f64) -> Self {
        Self { expected, changed: 0, same: 0 }
    }

    /// Takes one answer in.
    pub fn see(&mut self, changed: bool) {
        if changed { self.changed += 1 } else { self.same += 1 }
    }

    /// The fortune. Where answers change in at least half of the cases by themselves, nothing can be said: 1.
    pub fn evidence(&self) -> f64 {
        let shares: Vec<_> = SHARES.into_iter().filter(|theta| *theta > self.expected).collect();
        let fortune = |theta: &f64| {
            let (q, changed, same) = (self.expected, self.changed as f64, self.same as f64);
            (changed * (theta / q).ln() + same * ((1.0 - theta) / (1.0 - q)).ln()).exp()
        };
        if shares.is_empty() { 1.0 } else { shares.iter().map(fortune).sum::<f64>() / shares.len() as f64 }
    }

    /// Whether it is believed that answers changed.
    pub fn is_alarm(&self) -> bool {
        self.evidence() >= ALARM
    }

    /// The chance that `rows` answers of a model that gives another answer with chance `share` end in an alarm; it is a
    /// little higher in truth, as an alarm on the way counts as well.
    pub fn power(expected: f64, rows: usize, share: f64) -> f64 {
        let alarms = |changed: &usize| Self { expected, changed: *changed, same: rows - changed }.is_alarm();
        let Some(least) = (0..=rows).find(alarms) else { return 0.0 };
        let count = Binomial::new(share, rows as u64);
        count.map_or(0.0, |count| if least == 0 { 1.0 } else { count.sf(least as u64 - 1) })
    }
}

/// Evidence that the mean score fell by more than [`TOLERANCE`]: a mixture over stakes of prod (1 + stake * loss).
#[derive(Clone, Debug, PartialEq)]
pub struct Losses {
    fortunes: [f64; STAKES],
}

impl Default for Losses {
    fn default() -> Self {
        Self { fortunes: [1.0; STAKES] }
    }
}

impl Losses {
    /// Takes the fall of one row's score in, from -1 to 1. Rows must not be picked by their scores.
    pub fn see(&mut self, fall: f64) {
        for (k, fortune) in self.fortunes.iter_mut().enumerate() {
            let stake = 0.05 * (k as f64 + 1.0) / (1.0 + TOLERANCE);
            *fortune *= 1.0 + stake * (fall - TOLERANCE);
        }
    }

    /// The fortune.
    pub fn evidence(&self) -> f64 {
        self.fortunes.iter().sum::<f64>() / STAKES as f64
    }

    /// Whether it is believed that answers got worse.
    pub fn is_alarm(&self) -> bool {
        self.evidence() >= WORSE
    }
}

/// How often a model changes its own answer, at most: the 90 % upper bound of the posterior after asking `rows` rows twice,
/// with Jeffreys' prior Beta(1/2, 1/2) (Brown, Cai and DasGupta 2001, Statist. Sci. 16:101).
pub fn own_changes(changed: usize, rows: usize) -> f64 {
    let (changed, rows) = (changed as f64, rows as f64);
    Beta::new(changed + 0.5, rows - changed + 0.5).map_or(1.0, |beta| beta.inverse_cdf(BOUND))
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;

    /// Calls until the alarm, for each of many updates; none within `most`.
    fn calls_to_alarm(expected: f64, share: f64, runs: usize, most: usize) -> Vec<Option<usize>> {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let run = |_| {
            let mut changes = Changes::new(expected);
            (1..=most).find(|_| {
                changes.see(rng.random_bool(share));
                changes.is_alarm()
            })
        };
        (0..runs).map(run).collect()
    }

    fn median(calls: &[Option<usize>]) -> usize {
        let mut calls: Vec<_> = calls.iter().map(|calls| calls.unwrap_or(usize::MAX)).collect();
        calls.sort_unstable();
        calls[calls.len() / 2]
    }

    /// The median number of calls to an alarm, and the rate of false alarms.
    #[test]
    fn changes_raise_an_alarm_in_time() {
        for (expected, share, calls) in [
            (0.01, 0.05, 121),
            (0.01, 0.10, 34),
            (0.01, 0.20, 13),
            (0.01, 0.30, 6),
            (0.03, 0.10, 98),
            (0.03, 0.20, 23),
        ] {
            let found = median(&calls_to_alarm(expected, share, 2000, 400));
            let near = (found as f64 / f64::from(calls) - 1.0).abs();
            assert!(
                near < 0.15 || found.abs_diff(calls as usize) <= 2,
                "{expected} {share}: {found}, not {calls}"
            );
        }
        for expected in [0.01, 0.03] {
            let alarms = calls_to_alarm(expected, expected, 4000, 400).iter().flatten().count();
            assert!(alarms <= 40, "{expected}: {alarms} of 4000 null runs");
            assert!(alarms > 0, "a test that never alarms tests nothing");
        }
    }

    /// A mock update that changes one answer in ten; the model before it changed one in a hundred.
    #[test]
    fn only_a_model_update_alarms_within_a_hundred_calls() {
        let updates = calls_to_alarm(0.01, 0.10, 200, 100);
        let noticed = updates.iter().flatten().count();
        assert!(noticed >= 190, "{noticed} of 200 updates");
        assert_eq!(calls_to_alarm(0.01, 0.01, 200, 400).iter().flatten().count(), 0);
    }

    /// Under the null hypothesis the fortune is 1 on average, whatever is bet: by enumeration of all outcomes.
    #[test]
    fn bets_are_fair() {
        let (q, n) = (0.1_f64, 12_i32);
        let mean: f64 = (0..=n)
            .map(|changed| {
                let ways: f64 = (0..changed).map(|i| f64::from(n - i) / f64::from(i + 1)).product();
                let chance = ways * q.powi(changed) * (1.0 - q).powi(n - changed);
                let [changed, same] = [changed, n - changed].map(|count| count.unsigned_abs() as usize);
                chance * Changes { expected: q, changed, same }.evidence()
            })
            .sum();
        assert!((mean - 1.0).abs() < 1e-9, "{mean}");
        // A fall of TOLERANCE on average: half of the rows lose .21, half gain .19.
        let mut mean = 0.0;
        for pattern in 0..1_u32 << 10 {
            let mut losses = Losses::default();
            (0..10).for_each(|row| losses.see(if pattern >> row & 1 == 1 { 0.21 } else { -0.19 }));
            mean += losses.evidence() / 1024.0;
        }
        assert!((mean - 1.0).abs() < 1e-9, "{mean}");
    }

    /// A net fall of 10 points raises an alarm after 105 calls in the median; a fall at the boundary seldom does.
    #[test]
    fn falls_raise_an_alarm_in_time() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut run = |fixed: f64, broken: f64| {
            let mut losses = Losses::default();
            (1..=400).find(|_| {
                let luck: f64 = rng.random();
                losses.see(if luck < broken { 1.0 } else { -f64::from(luck < broken + fixed) });
                losses.is_alarm()
            })
        };
        let worse: Vec<_> = (0..1000).map(|_| run(0.03, 0.13)).collect();
        assert!(median(&worse).abs_diff(105) <= 10, "{}", median(&worse));
        let within = worse.iter().flatten().filter(|calls| **calls <= 200).count();
        assert!((780..=850).contains(&within), "{within} of 1000 within 200 calls");
        let at_the_boundary = (0..2000).filter(|_| run(0.03, 0.04).is_some()).count();
        assert!((10..=80).contains(&at_the_boundary), "{at_the_boundary} of 2000");
    }

    #[test]
    fn power_is_what_simulation_finds_or_less() {
        let found = Changes::power(0.03, 120, 0.10);
        let alarms = calls_to_alarm(0.03, 0.10, 2000, 120).iter().flatten().count() as f64 / 2000.0;
        assert!(found <= alarms + 0.02 && found > alarms - 0.15, "{found} {alarms}");
        assert!(Changes::power(0.03, 10, 0.01) < 0.01 && Changes::power(0.6, 400, 0.9) < 1e-9);
    }

    #[test]
    fn the_bound_of_own_changes_is_that_of_the_posterior() {
        // scipy.stats.beta.ppf(.9, k + .5, n - k + .5)
        for (changed, rows, expected) in [(0, 60, 0.022_202_10), (3, 60, 0.097_245_92), (0, 0, 0.975_528_26)]
        {
            assert!((own_changes(changed, rows) - expected).abs() < 1e-5, "{}", own_changes(changed, rows));
        }
    }
}

use proptest::prelude::*;

use super::*;
use crate::model::{Message, Role, Sampling, Shape};

fn sampler(sampling: Sampling) -> Sampler {
    let messages = vec![Message::new(Role::User, "hello")];
    Sampler::new(&Request { messages, sampling, shape: Shape::Free, replicate: 0 })
}

fn warm(temperature: f64, top_p: f64, seed: u64) -> Sampler {
    sampler(Sampling { temperature, top_p, seed, ..Sampling::default() })
}

/// Shares of each token in many draws.
fn shares(mut sampler: Sampler, logits: &[f32], allowed: Option<&TokenSet>) -> Vec<f64> {
    let mut shares = vec![0.0; logits.len()];
    for _ in 0..20_000 {
        shares[sampler.draw(logits, allowed).unwrap().token as usize] += 1.0 / 20_000.0;
    }
    shares
}

fn close(found: &[f64], expected: &[f64]) {
    // Five standard errors of a share near one half, in 20,000 draws.
    let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart < 0.018, "{found:?} {expected:?}");
}

#[test]
fn greedy_takes_the_likeliest_and_of_equals_the_first() {
    let mut greedy = sampler(Sampling::default());
    let logits = [0.0, 2.0, -1.0, 2.0, f32::NAN];
    assert_eq!(greedy.draw(&logits, None).unwrap().token, 1);
    let allowed = TokenSet::from_iter([3, 0]);
    assert_eq!(greedy.draw(&logits, Some(&allowed)).unwrap().token, 3);
    assert_eq!(greedy.draw(&[-0.0, 0.0], None).unwrap().token, 1, "zeros are compared by their sign, too");
}

#[test]
fn nothing_is_drawn_from_nothing() {
    let mut greedy = sampler(Sampling::default());
    assert_eq!(greedy.draw(&[], None), None);
    assert_eq!(greedy.draw(&[f32::NAN, f32::NEG_INFINITY], None), None);
    assert_eq!(greedy.draw(&[1.0, 2.0], Some(&TokenSet::from_iter([7]))), None);
    assert_eq!(warm(1.0, 0.5, 0).draw(&[1.0, 2.0], Some(&TokenSet::from_iter([]))), None);
}

#[test]
fn draws_follow_the_probabilities() {
    let logits = [0.5_f32.ln(), 0.3_f32.ln(), 0.15_f32.ln(), 0.05_f32.ln()];
    close(&shares(warm(1.0, 1.0, 1), &logits, None), &[0.5, 0.3, 0.15, 0.05]);
    let squares = [0.25, 0.09, 0.0225, 0.0025].map(|weight: f64| weight / 0.365);
    close(&shares(warm(0.5, 1.0, 2), &logits, None), &squares);
    close(&shares(warm(1.0, 0.7, 3), &logits, None), &[0.625, 0.375, 0.0, 0.0]);
    close(&shares(warm(1.0, 0.5, 4), &logits, None), &[1.0, 0.0, 0.0, 0.0]);
    let allowed = TokenSet::from_iter([1, 3]);
    close(&shares(warm(1.0, 1.0, 5), &logits, Some(&allowed)), &[0.0, 0.857, 0.0, 0.143]);
}

#[test]
fn the_same_request_draws_the_same() {
    let logits: Vec<f32> = (0..1000_u16).map(|i| f32::from(i % 37) / 10.0).collect();
    let draws = |mut sampler: Sampler| -> Vec<u32> {
        (0..20).map(|_| sampler.draw(&logits, None).unwrap().token).collect()
    };
    assert_eq!(draws(warm(1.0, 0.9, 1)), draws(warm(1.0, 0.9, 1)));
    assert_ne!(draws(warm(1.0, 0.9, 1)), draws(warm(1.0, 0.9, 2)));
}

#[test]
fn logprobs_are_those_of_the_model() {
    let logits = [0.5_f32.ln() + 3.0, 0.3_f32.ln() + 3.0, 0.2_f32.ln() + 3.0];
    let only = TokenSet::from_iter([2]);
    let drawn = warm(0.1, 0.5, 1).draw(&logits, Some(&only)).unwrap();
    assert!(drawn.token == 2 && (drawn.logprob - 0.2_f64.ln()).abs() < 1e-6);
}

proptest! {
    /// The definition of the nucleus, by sorting everything.
    #[test]
    fn the_nucleus_is_the_shortest_head_that_reaches_the_share(
        logits in prop::collection::vec(-4.0_f32..4.0, 1..1500),
        top_p in 0.01_f64..0.999,
    ) {
        let weight = |option: &(u32, f32)| f64::from(option.1).exp();
        let mut options: Vec<(u32, f32)> = (0..).zip(logits).collect();
        let mut sorted = options.clone();
        sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let total: f64 = options.iter().map(weight).sum();
        let found = nucleus(&mut options, weight, top_p).to_vec();
        prop_assert_eq!(&found[..], &sorted[..found.len()]);
        let share = |options: &[(u32, f32)]| options.iter().map(weight).sum::<f64>() / total;
        prop_assert!(share(&found) >= top_p - 1e-9);
        prop_assert!(share(&found[..found.len() - 1]) < top_p + 1e-9);
    }
}

//! Sampling: the choice of a token by logits.
//!
//! **Invariant:** the draws of a request depend on the request and its logits alone, so a repeated request gets the same
//! tokens, whatever shares its batch.

use std::cmp::Ordering;

use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};

use super::{
    grammar::TokenSet,
    kernel::{
        simd::{Isa, PANEL},
        vector,
    },
};
use crate::{digest::digest, model::Request};

/// The sampler of one reply's tokens.
#[derive(Debug)]
pub struct Sampler {
    temperature: f64,
    top_p: f64,
    rng: ChaCha8Rng,
}

/// A token that was drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    /// The token.
    pub token: u32,
    /// Its natural-log probability at temperature 1, over the whole vocabulary.
    pub logprob: f64,
}

impl Sampler {
    /// The sampler of a request. Its random seed is the hash of the whole request.
    pub fn new(request: &Request) -> Self {
        let seed = digest(&("sampling", request));
        Self {
            temperature: request.sampling.temperature,
            top_p: request.sampling.top_p,
            rng: ChaCha8Rng::from_seed(*seed.as_bytes()),
        }
    }

    /// Draws the next token among the allowed ones; none if none is allowed. A logit that is not a number counts as minus
    /// infinity. Temperature 0 takes the likeliest, the lowest id of equals.
    pub fn draw(&mut self, logits: &[f32], allowed: Option<&TokenSet>) -> Option<Drawn> {
        let options = || {
            let finite =
                (0_u32..).zip(logits.iter().copied()).filter(|(_, logit)| *logit > f32::NEG_INFINITY);
            finite.filter(|&(id, _)| allowed.is_none_or(|set| set.contains(id)))
        };
        let best = options().min_by(likelier_first)?;
        let token = if self.temperature > 0.0 {
            self.pick(&mut options().collect::<Vec<_>>(), best.1)
        } else {
            best.0
        };
        Some(Drawn { token, logprob: logprob(logits, token) })
    }

    /// Draws from the likeliest options whose probabilities together reach `top_p` (nucleus sampling, Holtzman et al.
    /// 2020); the option that reaches it is kept.
    fn pick(&mut self, options: &mut [(u32, f32)], best: f32) -> u32 {
        let temperature = self.temperature;
        let top_p = self.top_p;
        let weight = |&(_, logit): &(u32, f32)| ((f64::from(logit) - f64::from(best)) / temperature).exp();
        let kept = if top_p < 1.0 { nucleus(options, weight, top_p) } else { options };
        let total: f64 = kept.iter().map(weight).sum();
        let mut left = self.rng.random::<f64>() * total;
        for option in &*kept {
            left -= weight(option);
            if left < 0.0 {
                return option.0;
            }
        }
        // Rounding can leave a small rest after the last option.
        kept[kept.len() - 1].0
    }
}

/// The likeliest options, likeliest first, until their share of the weight reaches `top_p`.
fn nucleus(options: &mut [(u32, f32)], weight: impl Fn(&(u32, f32)) -> f64, top_p: f64) -> &mut [(u32, f32)] {
    let target = options.iter().map(&weight).sum::<f64>() * top_p;
    // The nucleus is usually small, so sort a small head first, and a larger one if that is not enough.
    let mut head = 256;
    loop {
        let len = head.min(options.len());
        if len < options.len() {
            options.select_nth_unstable_by(len, likelier_first);
        }
        options[..len].sort_unstable_by(likelier_first);
        let mut reached = 0.0;
        let enough = options[..len].iter().position(|option| {
            reached += weight(option);
            reached >= target
        });
        match enough {
            Some(last) => return &mut options[..=last],
            None if len == options.len() => return options,
            None => head *= 8,
        }
    }
}

fn likelier_first(a: &(u32, f32), b: &(u32, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// The natural-log probability of a token, over the whole vocabulary.
pub fn logprob(logits: &[f32], token: u32) -> f64 {
    let Some(&logit) = logits.get(token as usize) else { return f64::NEG_INFINITY };
    let isa = Isa::detect();
    let parts = logits.chunks(PANEL).map(|chunk| {
        let mut values = [f32::NEG_INFINITY; PANEL];
        for (value, logit) in values.iter_mut().zip(chunk).filter(|(_, logit)| !logit.is_nan()) {
            *value = *logit;
        }
        isa.run(
            #[inline(always)]
            || vector::log_sum_parts(&values),
        )
    });
    f64::from(logit) - vector::log_sum(&parts.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;

//! The angles of rotary position embeddings.

use super::shape::Shape;

/// Cosines and sines of every position, `head / 2` of each per position.
#[derive(Debug)]
pub(super) struct Rope {
    half: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Rope {
    /// Angle `i` of position `p` is `p / base^(2 i / head)` (Su et al. 2021, arXiv:2104.09864, equation 15), divided by
    /// the file's own factor where it has one.
    pub(super) fn new(shape: &Shape, factors: Option<Vec<f32>>) -> Self {
        let half = shape.head / 2;
        let angle = |position: usize, i: usize| {
            let wavelength = f64::from(shape.rope_base).powf(2.0 * i as f64 / shape.head as f64);
            let factor = factors.as_ref().map_or(1.0, |factors| f64::from(factors[i]));
            position as f64 / (wavelength * factor)
        };
        let angles: Vec<f64> = (0..shape.context)
            .flat_map(|position| (0..half).map(move |i| (position, i)))
            .map(|(p, i)| angle(p, i))
            .collect();
        Self {
            half,
            cos: angles.iter().map(|angle| angle.cos() as f32).collect(),
            sin: angles.iter().map(|angle| angle.sin() as f32).collect(),
        }
    }

    /// Cosines and sines of a position within the context.
    pub(super) fn at(&self, position: usize) -> (&[f32], &[f32]) {
        let range = position * self.half..(position + 1) * self.half;
        (&self.cos[range.clone()], &self.sin[range])
    }
}

//! The angles of rotary position embeddings.

use super::shape::DecoderShape;

/// The wavelengths of the pairs of a head. Angles are computed for the positions of a pass, so no memory grows with the
/// context that a file claims.
#[derive(Debug)]
pub(super) struct Rope {
    wavelengths: Vec<f64>,
}

/// Cosines and sines of some positions, `head / 2` of each per position.
#[derive(Debug)]
pub(super) struct Angles {
    half: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Rope {
    /// Angle `i` of position `p` is `p / base^(2 i / head)` (Su et al. 2021, arXiv:2104.09864, equation 15), divided by
    /// the factor in the file, if any.
    pub(super) fn new(shape: &DecoderShape, factors: Option<Vec<f32>>) -> Self {
        let wavelength = |i: usize| {
            let factor = factors.as_ref().map_or(1.0, |factors| f64::from(factors[i]));
            f64::from(shape.rope_base).powf(2.0 * i as f64 / shape.head as f64) * factor
        };
        Self { wavelengths: (0..shape.head / 2).map(wavelength).collect() }
    }

    /// The angles of some positions, in their order.
    pub(super) fn angles(&self, positions: &[usize]) -> Angles {
        let all = positions.iter().flat_map(|&position| {
            self.wavelengths.iter().map(move |wavelength| (position as f64 / wavelength).sin_cos())
        });
        let (sin, cos) = all.map(|(sin, cos)| (sin as f32, cos as f32)).unzip();
        Angles { half: self.wavelengths.len(), cos, sin }
    }
}

impl Angles {
    /// Cosines and sines of one of the positions.
    pub(super) fn of(&self, row: usize) -> (&[f32], &[f32]) {
        let range = row * self.half..(row + 1) * self.half;
        (&self.cos[range.clone()], &self.sin[range])
    }
}

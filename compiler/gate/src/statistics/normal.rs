//! Tails of the normal and Student's t distribution, accurate far out: a first look asks for levels near 1e-8.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// P(Z > z) for a standard normal Z.
pub fn upper_tail(z: f64) -> f64 {
    Normal::standard().sf(z)
}

/// P(Z <= z) for a standard normal Z.
pub fn below(z: f64) -> f64 {
    Normal::standard().cdf(z)
}

/// The z with P(Z > z) = `p`, for `p` in (0, 1).
pub fn upper_quantile(p: f64) -> f64 {
    // Symmetry keeps the precision of a small p, which 1 - p would lose.
    -Normal::standard().inverse_cdf(p)
}

/// The t with P(T > t) = `p`, for Student's t with `freedom` > 0 degrees and `p` in (0, 1).
pub fn upper_t_quantile(p: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or_else(|_| upper_quantile(p), |t| -t.inverse_cdf(p))
}

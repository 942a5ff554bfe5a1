//! Holm's step-down adjustment (Holm 1979, Scand. J. Statist. 6:65): the chance of any false claim among several tests is
//! held, whatever their dependence.

/// Adjusted p-values in the order given; claim those at or below the level. In rising order of p the j-th of k is
/// multiplied by k - j + 1, then made monotone and capped at 1.
pub fn adjust(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<_> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut floor = 0.0_f64;
    for (rank, &i) in order.iter().enumerate() {
        floor = floor.max(p[i] * (p.len() - rank) as f64).min(1.0);
        adjusted[i] = floor;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// From the definition: go through the sorted p-values and stop at the first that is too large.
    fn claims(p: &[f64], alpha: f64) -> Vec<bool> {
        let mut order: Vec<_> = (0..p.len()).collect();
        order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
        let mut claimed = vec![false; p.len()];
        for (j, &i) in order.iter().enumerate() {
            if p[i] > alpha / (p.len() - j) as f64 {
                break;
            }
            claimed[i] = true;
        }
        claimed
    }

    proptest! {
        #[test]
        fn adjusted_values_claim_what_the_procedure_claims(
            p in prop::collection::vec(0.0..1.0_f64, 0..12),
            alpha in 0.001..0.5_f64,
        ) {
            let by_value: Vec<_> = adjust(&p).iter().map(|p| *p <= alpha).collect();
            prop_assert_eq!(by_value, claims(&p, alpha));
        }
    }
}

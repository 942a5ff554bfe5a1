//! A mean over units with its bounds: the common part of a gain, a guard and a limit.

use serde::{Deserialize, Serialize};

use super::statistics::{interval::Bounds, spread::Spread};

/// A mean over units with two one-sided bounds, each of which holds over all looks together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounded {
    /// The number of units.
    #[serde(rename = "seeds")]
    pub units: usize,
    /// The observed mean.
    pub estimate: f64,
    /// The standard error.
    pub se: f64,
    /// The lower bound.
    pub lower: f64,
    /// The level of the lower bound at this look.
    pub lower_level: f64,
    /// The upper bound.
    pub upper: f64,
    /// The level of the upper bound at this look.
    pub upper_level: f64,
}

/// The mean difference between candidate and baseline, as a share (0.05 is five points). The bounds are 95 % ones, the lower
/// one over all finalists together. Of an accepted candidate the lower bound rests on the look at which the gain was first
/// proven.
pub type Gain = Bounded;

/// One-sided levels of a lower and an upper bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TwoLevels {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

impl Bounded {
    pub(crate) fn new(spread: Spread, bounds: Bounds, levels: TwoLevels) -> Self {
        Self {
            units: spread.n,
            estimate: spread.mean,
            se: spread.se(),
            lower: bounds.lower,
            lower_level: levels.lower,
            upper: bounds.upper,
            upper_level: levels.upper,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Guard, Limit, Scores};

    /// Certificates of earlier versions have these names in this order.
    #[test]
    fn written_names_and_their_order_stay() {
        let bounded = Bounded {
            units: 3,
            estimate: 0.5,
            se: 0.25,
            lower: 0.0,
            lower_level: 0.05,
            upper: 1.0,
            upper_level: 0.1,
        };
        let gain = r#"{"seeds":3,"estimate":0.5,"se":0.25,"lower":0.0,"lower_level":0.05,"upper":1.0,"upper_level":0.1}"#;
        assert_eq!(serde_json::to_string(&bounded).unwrap(), gain);
        assert_eq!(serde_json::from_str::<Gain>(gain).unwrap(), bounded);

        let scores = Scores { steps: 2, counts: [(-1, 1), (2, 2)].into() };
        let guard = Guard { bounded, margin: 0.03, scores, pairs: None };
        let written = r#"{"seeds":3,"estimate":0.5,"se":0.25,"lower":0.0,"lower_level":0.05,"upper":1.0,"upper_level":0.1,"margin":0.03,"scores":{"unit":2,"counts":{"-1":1,"2":2}}}"#;
        assert_eq!(serde_json::to_string(&guard).unwrap(), written);
        assert_eq!(serde_json::from_str::<Guard>(written).unwrap(), guard);

        let limit = Limit { name: "max_tokens".to_owned(), most: 9.5, observed: bounded };
        let written = r#"{"name":"max_tokens","seeds":3,"most":9.5,"observed":0.5,"se":0.25,"lower":0.0,"lower_level":0.05,"upper":1.0,"upper_level":0.1}"#;
        assert_eq!(serde_json::to_string(&limit).unwrap(), written);
        assert_eq!(serde_json::from_str::<Limit>(written).unwrap(), limit);
    }
}

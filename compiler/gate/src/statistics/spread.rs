//! How rows vary: mean and spread over units, discordance and intraclass correlation of the paired differences.

/// Mean and standard deviation of one number per unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// How many units.
    pub n: usize,
    /// Their mean; 0 without units.
    pub mean: f64,
    /// Their standard deviation with divisor n - 1; 0 below two units.
    pub sd: f64,
}

impl Spread {
    /// Of one number per unit.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len();
        let mean = if n == 0 { 0.0 } else { values.iter().sum::<f64>() / n as f64 };
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { n, mean, sd: if n < 2 { 0.0 } else { (squares / (n - 1) as f64).sqrt() } }
    }

    /// The standard error of the mean. With equally many rows per unit this is the cluster-robust (CR1) standard error.
    pub fn se(&self) -> f64 {
        if self.n == 0 { 0.0 } else { self.sd / (self.n as f64).sqrt() }
    }
}

/// Discordance psi: the mean squared difference per row. For scores 0 and 1 this is the share of rows on which exactly one
/// of the two prompts is right. 0 without rows.
pub fn discordance(units: &[Vec<f64>]) -> f64 {
    let rows: usize = units.iter().map(Vec::len).sum();
    let squares: f64 = units.iter().flatten().map(|d| d * d).sum();
    if rows == 0 { 0.0 } else { squares / rows as f64 }
}

/// The intraclass correlation of the differences among the rows of one unit, by the one-way analysis of variance with
/// unequal group sizes (Donner 1986, Int. Statist. Rev. 54:67): (MSB - MSW) / (MSB + (m0 - 1) MSW), where
/// m0 = (N - sum m_i^2 / N) / (k - 1). `None` where it is not defined: fewer than two units, no unit with two rows, or no
/// variation at all.
pub fn intraclass(units: &[Vec<f64>]) -> Option<f64> {
    let units: Vec<_> = units.iter().filter(|rows| !rows.is_empty()).collect();
    let (k, rows) = (units.len() as f64, units.iter().map(|rows| rows.len()).sum::<usize>() as f64);
    if k < 2.0 || rows <= k {
        return None;
    }
    let grand = units.iter().flat_map(|rows| rows.iter()).sum::<f64>() / rows;
    let (mut between, mut within, mut sizes) = (0.0, 0.0, 0.0);
    for rows in &units {
        let spread = Spread::of(rows);
        let m = spread.n as f64;
        between += m * (spread.mean - grand).powi(2);
        within += rows.iter().map(|d| (d - spread.mean).powi(2)).sum::<f64>();
        sizes += m * m;
    }
    let (msb, msw) = (between / (k - 1.0), within / (rows - k));
    let m0 = (rows - sizes / rows) / (k - 1.0);
    let total = msb + (m0 - 1.0) * msw;
    (total > 0.0).then(|| (msb - msw) / total)
}

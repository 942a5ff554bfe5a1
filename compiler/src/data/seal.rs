//! From rows to sealed rows: perturbed once, then out of everybody's sight.

use std::collections::BTreeMap;

use super::error::DataError;
use crate::{
    attack::{Count, Plan},
    gate::{GateRow, Sealed},
};

/// The family of natural adversarial rows.
pub const NATURAL: &str = "natural";

/// Perturbs the rows (natural adversarial ones are hard as they are) and seals them; with what each family did.
pub(super) fn seal(
    plan: &Plan<'_>,
    rows: Vec<GateRow>,
) -> Result<(Sealed, BTreeMap<String, Count>), DataError> {
    let clean: Vec<_> = rows.iter().filter(|row| row.natural.is_none()).map(|row| &row.example).collect();
    let frozen = plan.freeze(&clean)?;
    let mut variants = frozen.variants.into_iter();
    let of_row =
        |row: &GateRow| if row.natural.is_none() { variants.next().unwrap_or_default() } else { vec![] };
    let variants = rows.iter().map(of_row).collect();
    Ok((Sealed::freeze(rows, variants)?, frozen.counts))
}

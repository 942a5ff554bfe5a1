//! From rows to sealed rows: perturbed once, then out of everybody's sight.

use std::collections::BTreeMap;

use super::{error::DataError, row::Row};
use crate::{
    attack::{Count, Plan},
    gate::{GateRow, Sealed},
};

/// The family of natural adversarial rows.
pub const NATURAL: &str = "natural";

/// A row that is to be judged on, of a group.
pub(super) fn gate_row(row: Row, group: String) -> GateRow {
    let source = row.source.filter(|_| row.adversarial);
    GateRow {
        example: row.example,
        group,
        must_pass: row.must_pass,
        mined_by: row.mined_by,
        natural: row.adversarial.then(|| NATURAL.to_owned()),
        shifts: source.map(|source| format!("source={source}")).into_iter().collect(),
    }
}

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

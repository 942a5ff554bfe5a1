//! Sealing: test rows are perturbed once, and then only the gate can read them.

use std::collections::BTreeMap;

use super::{error::DataError, row::DataRow};
use crate::{
    attack::{Count, NATURAL, Plan},
    gate::{GateRow, Sealed},
};

/// A test row of a group.
pub(super) fn gate_row(row: DataRow, group: String) -> GateRow {
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

/// Perturbs the rows, except natural adversarial ones, and seals them. Returns the results of each family too.
pub(super) fn seal(
    plan: &Plan<'_>,
    rows: Vec<GateRow>,
) -> Result<(Sealed, BTreeMap<String, Count>), DataError> {
    let clean: Vec<_> = rows.iter().filter(|row| row.natural.is_none()).map(|row| &row.example).collect();
    let frozen = plan.freeze(&clean)?;
    let mut variants = frozen.variants.into_iter();
    let mut of_rows = Vec::with_capacity(rows.len());
    for row in &rows {
        of_rows.push(if row.natural.is_none() { variants.next().unwrap_or_default() } else { vec![] });
    }
    Ok((Sealed::freeze(rows, of_rows)?, frozen.counts))
}

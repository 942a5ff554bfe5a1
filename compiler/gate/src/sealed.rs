//! Sealed rows: the test rows that finalists are judged on. Neither the search nor the proposer nor the console reads them.
//!
//! The *unit* of the test is all rows with one group key, together with the perturbed variants of each. Variants are made
//! once, before any prompt is asked, so every prompt answers exactly the same rows.
//!
//! **Invariant:** a `Sealed` has no accessor to its rows outside the gate; only counts and hashes leave.
//!
//! ```
//! use proofmark_gate::{GateRow, Sealed};
//! # fn rows() -> Vec<GateRow> { vec![GateRow::from_json(r#"{"id":"1","inputs":{"q":"a"},"outputs":{"t":"x"}}"#).unwrap()] }
//! let sealed = Sealed::freeze(rows(), vec![vec![]]).unwrap();
//! assert_eq!(sealed.units(), 1);
//! ```
//! ```compile_fail,E0616
//! use proofmark_gate::{GateRow, Sealed};
//! # fn rows() -> Vec<GateRow> { vec![GateRow::from_json(r#"{"id":"1","inputs":{"q":"a"},"outputs":{"t":"x"}}"#).unwrap()] }
//! let sealed = Sealed::freeze(rows(), vec![vec![]]).unwrap();
//! assert_eq!(sealed.rows.len(), 1);
//! ```

use std::collections::{BTreeMap, BTreeSet};

use proofmark_runtime::{Digest, Example, ExampleId, digest};

use crate::{
    text::plain,
    variant::{Variant, content},
};

/// The name of the variant that is the row itself.
pub const CLEAN: &str = "clean";

/// A labelled row that is to be sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct GateRow {
    /// The row.
    pub example: Example,
    /// Rows with the same key are one unit.
    pub group: String,
    /// Whether a new prompt must not newly fail it.
    pub must_pass: bool,
    /// The prompt whose failure picked the row, if one did. Rows that the `baseline` failed favour every other prompt by
    /// regression to the mean (an equally good one by up to 30 points), rows that a `candidate` failed hurt it; both are
    /// must-pass rows or nothing. Rows that some third prompt failed are fine.
    pub mined_by: Option<String>,
    /// For a natural adversarial row: the name of its family.
    pub natural: Option<String>,
    /// Slices that it belongs to by what it is, not by a column: `longest inputs`, `rare label`.
    pub shifts: Vec<String>,
}

/// Why rows cannot be sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// There is nothing to judge on.
    #[error("there are no rows to judge on; give the gate at least 15 rows, better 100")]
    Empty,
    /// Rows that a contender failed favour every other prompt.
    #[error(
        "{} rows were picked because the {} failed them (first: `{}`); such rows make every other prompt look better. \
         Move them to the training rows, or mark them must_pass",
        rows.len(),
        by,
        rows.first().map_or("", |id| &id.0)
    )]
    Mined {
        /// The prompt that failed them.
        by: String,
        /// The rows.
        rows: Vec<ExampleId>,
    },
    /// A variant was made of another row.
    #[error("the family `{family}` made a variant of another row than `{row}`")]
    Foreign {
        /// The family.
        family: String,
        /// The row that it was given with.
        row: ExampleId,
    },
    /// Variants do not belong to rows one to one.
    #[error("{lists} lists of variants for {rows} rows: there must be one for each row")]
    Misaligned {
        /// Lists given.
        lists: usize,
        /// Rows given.
        rows: usize,
    },
}

/// Rows that only the gate reads.
#[derive(Clone, Debug)]
pub struct Sealed {
    pub(crate) rows: Vec<Row>,
    pub(crate) units: Vec<Unit>,
    /// Rows of the primary test by slice: `column=value`, and the families.
    pub(crate) slices: BTreeMap<String, Vec<usize>>,
    pub(crate) must_pass: Vec<usize>,
    /// Whether the user has the scores anyway (a score table), so that hiding them protects nothing.
    pub(crate) open: bool,
    /// Whether nothing was perturbed: then the primary test is on the clean rows.
    pub(crate) plain: bool,
    holdout: Holdout,
    design: Digest,
}

/// One row that prompts answer.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) example: Example,
    pub(crate) variant: String,
    /// The unit it belongs to; none for rows that are only must-pass.
    pub(crate) unit: Option<usize>,
    /// Whether a person wrote it rather than a perturbation family.
    pub(crate) original: bool,
    /// The order in which every prompt lists the choices, if it is not that of the task.
    pub(crate) listing: Option<Vec<String>>,
}

/// One unit of the tests, as positions of its rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unit {
    pub(crate) key: String,
    pub(crate) clean: Vec<usize>,
    /// The rows of the primary test: the adversarial ones, or the clean ones where nothing was perturbed at all.
    pub(crate) primary: Vec<usize>,
}

/// What the ledger knows sealed rows by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdout {
    /// The content hash of all rows, whatever their names, their order and their file.
    pub fingerprint: Digest,
    /// The hash of each row's plain text, so that rows which were looked at as part of another set, or were only laid out anew,
    /// are known again.
    pub rows: BTreeSet<Digest>,
}

impl GateRow {
    /// A row that stands for itself.
    pub fn new(example: Example) -> Self {
        let group = example.id.0.clone();
        Self { example, group, must_pass: false, mined_by: None, natural: None, shifts: vec![] }
    }

    /// A row that stands for itself, from the JSON of an [`Example`].
    ///
    /// # Errors
    /// If the text is no example.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text).map(Self::new)
    }
}

impl Sealed {
    /// Seals rows together with the variants of each, in the same order.
    ///
    /// # Errors
    /// If there are no rows, if a row was picked for a contender's failures and is no must-pass row, or if the variants do
    /// not fit the rows.
    pub fn freeze(rows: Vec<GateRow>, variants: Vec<Vec<Variant>>) -> Result<Self, SealError> {
        if variants.len() != rows.len() {
            return Err(SealError::Misaligned { lists: variants.len(), rows: rows.len() });
        }
        refuse_mined(&rows)?;
        let mut plan = Plan::default();
        let mut must_pass = vec![];
        for (row, variants) in rows.into_iter().zip(variants) {
            if is_mined(&row) { must_pass.push(row) } else { plan.add(row, variants)? }
        }
        if plan.units.is_empty() {
            return Err(SealError::Empty);
        }
        Ok(plan.seal(must_pass))
    }

    /// How many units there are.
    pub fn units(&self) -> usize {
        self.units.len()
    }

    /// How many rows of the primary test a unit has in the mean.
    pub fn variants(&self) -> f64 {
        let rows: usize = self.units.iter().map(|unit| unit.primary.len()).sum();
        rows as f64 / self.units.len().max(1) as f64
    }

    /// How many rows a prompt answers if no look ends the trial early.
    pub fn calls(&self) -> usize {
        self.rows.len()
    }

    /// Rows by slice (`column=value`) and by perturbation family.
    pub fn slices(&self) -> impl Iterator<Item = (&str, usize)> {
        self.slices.iter().map(|(name, rows)| (name.as_str(), rows.len()))
    }

    /// Units and rows by slice and family.
    pub fn slice_units(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        let units = |rows: &[usize]| {
            rows.iter().filter_map(|row| self.rows[*row].unit).collect::<BTreeSet<_>>().len()
        };
        self.slices.iter().map(move |(name, rows)| (name.as_str(), units(rows), rows.len()))
    }

    /// The content hash of the rows, whatever their names, their order and their file; variants do not count, so freezing
    /// others makes no new rows.
    pub fn fingerprint(&self) -> Digest {
        self.holdout.fingerprint
    }

    /// What the ledger knows these rows by.
    pub fn holdout(&self) -> &Holdout {
        &self.holdout
    }

    /// The hash of rows, variants and units: everything that the outcome of a trial depends on, but for the slices.
    pub fn design(&self) -> Digest {
        self.design
    }

    /// The hash of what the rows are divided into.
    pub(crate) fn division(&self) -> Digest {
        digest(&("slices", &self.slices, &self.must_pass))
    }
}

/// The prompts whose failures must not pick rows of the primary test.
pub const CONTENDERS: [&str; 2] = ["baseline", "candidate"];

fn is_mined(row: &GateRow) -> bool {
    row.mined_by.as_deref().is_some_and(|by| CONTENDERS.contains(&by))
}

fn refuse_mined(rows: &[GateRow]) -> Result<(), SealError> {
    let refused: Vec<_> = rows.iter().filter(|row| is_mined(row) && !row.must_pass).collect();
    match refused.first().and_then(|row| row.mined_by.clone()) {
        Some(by) => {
            Err(SealError::Mined { by, rows: refused.iter().map(|row| row.example.id.clone()).collect() })
        }
        None => Ok(()),
    }
}

/// What the ledger knows a row by: its plain text and its labels, so that another space or capital makes no new row.
fn known_by(example: &Example) -> Digest {
    let inputs: Vec<_> =
        example.inputs.iter().map(|(name, value)| (name, plain(&value.to_string()))).collect();
    digest(&(inputs, &example.outputs))
}

/// Units in the making, by group key.
#[derive(Default)]
pub(crate) struct Plan {
    units: BTreeMap<String, Vec<Planned>>,
    originals: Vec<Digest>,
}

struct Planned {
    variant: String,
    must_pass: bool,
    original: bool,
    hash: Digest,
    example: Example,
    listing: Option<Vec<String>>,
    shifts: Vec<String>,
}

impl Plan {
    fn add(&mut self, row: GateRow, variants: Vec<Variant>) -> Result<(), SealError> {
        let hash = content(&row.example);
        self.originals.push(known_by(&row.example));
        let unit = self.units.entry(row.group).or_default();
        for variant in variants {
            if !variant.is_of(&row.example) {
                return Err(SealError::Foreign { family: variant.family().to_owned(), row: row.example.id });
            }
            let mut example = variant.example().clone();
            let listing = variant.listing().map(<[String]>::to_vec);
            example.slices.clone_from(&row.example.slices);
            let hash = match &listing {
                None => content(&example),
                Some(choices) => digest(&(content(&example), choices)),
            };
            unit.push(Planned {
                variant: variant.family().to_owned(),
                must_pass: false,
                original: false,
                hash,
                example,
                listing,
                shifts: row.shifts.clone(),
            });
        }
        let variant = row.natural.unwrap_or_else(|| CLEAN.to_owned());
        let GateRow { must_pass, example, shifts, .. } = row;
        unit.push(Planned { variant, must_pass, original: true, hash, example, listing: None, shifts });
        Ok(())
    }

    /// Adds a row of a score table, which has a name and slices but no content.
    pub(crate) fn add_bare(&mut self, unit: &str, variant: &str, example: Example) {
        let hash = digest(&(unit, variant));
        self.originals.push(hash);
        let variant = variant.to_owned();
        let (listing, shifts) = (None, vec![]);
        let planned = Planned { variant, must_pass: false, original: true, hash, example, listing, shifts };
        self.units.entry(unit.to_owned()).or_default().push(planned);
    }

    /// Puts rows into an order that depends on their content alone.
    pub(crate) fn seal(mut self, must_pass: Vec<GateRow>) -> Sealed {
        let order = |row: &Planned| (row.variant.clone(), row.hash, row.example.id.clone());
        self.units.values_mut().for_each(|rows| rows.sort_by_key(order));
        let mut units: Vec<_> = self.units.into_iter().collect();
        units.sort_by_key(|(key, rows)| (rows.iter().map(|row| row.hash).min(), key.clone()));
        self.originals.sort_unstable();
        let holdout = Holdout {
            fingerprint: digest(&("holdout", &self.originals)),
            rows: self.originals.into_iter().collect(),
        };
        let shape: Vec<Vec<_>> =
            units.iter().map(|(_, rows)| rows.iter().map(|row| (&row.variant, row.hash)).collect()).collect();
        let design = digest(&("design", shape));
        let plain = units.iter().flat_map(|(_, rows)| rows).all(|row| row.variant == CLEAN);
        let mut sealed = Sealed {
            rows: vec![],
            units: vec![],
            slices: BTreeMap::new(),
            must_pass: vec![],
            open: false,
            plain,
            holdout,
            design,
        };
        units.into_iter().for_each(|(key, rows)| sealed.push_unit(key, rows));
        must_pass.into_iter().for_each(|row| sealed.push_must_pass(row.example));
        sealed
    }
}

impl Sealed {
    /// These rows and fresh ones behind them, so that the positions of these stay what they are. The ledger knows the result
    /// as both.
    pub(crate) fn with(&self, fresh: &Self) -> Self {
        let (rows, units) = (self.rows.len(), self.units.len());
        let shifted = |at: &Vec<usize>| at.iter().map(|row| row + rows).collect::<Vec<_>>();
        let row = |row: &Row| Row { unit: row.unit.map(|unit| unit + units), ..row.clone() };
        let unit = |unit: &Unit| Unit {
            key: unit.key.clone(),
            clean: shifted(&unit.clean),
            primary: shifted(&unit.primary),
        };
        let mut slices = self.slices.clone();
        for (name, rows) in &fresh.slices {
            slices.entry(name.clone()).or_default().extend(shifted(rows));
        }
        Self {
            rows: self.rows.iter().cloned().chain(fresh.rows.iter().map(row)).collect(),
            units: self.units.iter().cloned().chain(fresh.units.iter().map(unit)).collect(),
            slices,
            must_pass: [self.must_pass.clone(), shifted(&fresh.must_pass)].concat(),
            open: self.open,
            plain: self.plain && fresh.plain,
            holdout: Holdout {
                fingerprint: digest(&("holdouts", self.fingerprint(), fresh.fingerprint())),
                rows: self.holdout.rows.union(&fresh.holdout.rows).copied().collect(),
            },
            design: digest(&("designs", self.design, fresh.design)),
        }
    }

    fn push_unit(&mut self, key: String, rows: Vec<Planned>) {
        let mut unit = Unit { key, ..Unit::default() };
        for Planned { variant, must_pass, original, example, listing, shifts, .. } in rows {
            let index = self.rows.len();
            if must_pass {
                self.must_pass.push(index);
            }
            if variant == CLEAN {
                unit.clean.push(index);
            }
            if variant != CLEAN || self.plain {
                unit.primary.push(index);
                self.slice(index, &variant, &example, shifts);
            }
            self.rows.push(Row { example, variant, unit: Some(self.units.len()), original, listing });
        }
        self.units.push(unit);
    }

    /// Files a row of the primary test under its family, the values of its slice columns, and what else it is.
    fn slice(&mut self, index: usize, variant: &str, example: &Example, shifts: Vec<String>) {
        let columns = example.slices.iter().map(|(column, value)| format!("{column}={value}"));
        let family = (variant != CLEAN).then(|| variant.to_owned());
        for name in columns.chain(family).chain(shifts) {
            self.slices.entry(name).or_default().push(index);
        }
    }

    fn push_must_pass(&mut self, example: Example) {
        self.must_pass.push(self.rows.len());
        let variant = CLEAN.to_owned();
        self.rows.push(Row { example, variant, unit: None, original: true, listing: None });
    }
}

#[cfg(test)]
mod tests;

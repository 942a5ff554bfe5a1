//! Visible rows: the examples that an optimizer may read. Sealed rows have another type in the compiler, and that type has
//! no accessors.

use std::collections::BTreeMap;

use proofmark_runtime::{Example, ExampleId};

/// Examples in a fixed order, found by id.
#[derive(Clone, Debug, Default)]
pub struct Visible {
    examples: Vec<Example>,
    places: BTreeMap<ExampleId, usize>,
}

impl Visible {
    /// Makes a list of visible rows.
    pub fn new(examples: Vec<Example>) -> Self {
        let places =
            examples.iter().enumerate().map(|(place, example)| (example.id.clone(), place)).collect();
        Self { examples, places }
    }

    /// All rows.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// The row with this id.
    pub fn get(&self, id: &ExampleId) -> Option<&Example> {
        self.places.get(id).map(|&place| &self.examples[place])
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.examples.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.examples.is_empty()
    }
}

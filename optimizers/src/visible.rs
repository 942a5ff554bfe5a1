//! Visible rows: the examples that an optimizer may read. Sealed rows have another type, in the compiler, without
//! accessors.

use std::collections::BTreeMap;

use proofmark_runtime::{Example, ExampleId};

/// Examples in a fixed order, found by id.
#[derive(Clone, Debug, Default)]
pub struct Visible {
    examples: Vec<Example>,
    places: BTreeMap<ExampleId, usize>,
}

impl Visible {
    /// Makes rows visible.
    pub fn new(examples: Vec<Example>) -> Self {
        let places =
            examples.iter().enumerate().map(|(place, example)| (example.id.clone(), place)).collect();
        Self { examples, places }
    }

    /// All rows.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// The row of that id.
    pub fn get(&self, id: &ExampleId) -> Option<&Example> {
        self.places.get(id).map(|&place| &self.examples[place])
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.examples.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.examples.is_empty()
    }
}

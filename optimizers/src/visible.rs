//! Visible rows: the examples that an optimizer may read. Sealed rows have another type, in the compiler, without
//! accessors.

use proofmark_runtime::{Example, ExampleId};

/// Examples in a fixed order.
#[derive(Clone, Debug, Default)]
pub struct Visible {
    examples: Vec<Example>,
}

impl Visible {
    /// Makes rows visible.
    pub fn new(examples: Vec<Example>) -> Self {
        Self { examples }
    }

    /// All rows.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// The row of that id.
    pub fn get(&self, id: &ExampleId) -> Option<&Example> {
        self.examples.iter().find(|example| example.id == *id)
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

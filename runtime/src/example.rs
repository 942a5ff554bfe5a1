//! Examples: one labelled row of a data set.
//!
//! **Invariant:** an id is unique in its task and never changes with the order or the name of the file.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{Digest, digest, value::Record};

/// The name of a row of the data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExampleId(pub String);

impl fmt::Display for ExampleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A labelled row: inputs and the right outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// Its name.
    pub id: ExampleId,
    /// The inputs of the program.
    pub inputs: Record,
    /// The right outputs of the program.
    pub outputs: Record,
    /// Values of the slice columns, such as `channel` = `email`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slices: BTreeMap<String, String>,
}

impl Example {
    /// The hash of what the row says: its inputs and labels.
    pub fn content(&self) -> Digest {
        digest(&(&self.inputs, &self.outputs))
    }

    /// The label that splits are stratified by: the outputs as one line of text.
    pub fn label(&self) -> String {
        self.outputs.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(" | ")
    }
}

//! A rewriting in the making: of which row, in which way, what it says so far, and whether it was dropped.

use proofmark_runtime::{Example, Field, Record, Type, Value, digest, model::Identity};

use super::{
    file::{Dropped, Line},
    vote::VOTERS,
    ways::Rewriting,
};
use crate::verify::record::content;

/// A rewriting in the making.
pub(super) struct Draft<'o> {
    /// The position of its row.
    pub(super) row: usize,
    pub(super) example: &'o Example,
    pub(super) way: &'static Rewriting,
    /// The input that is rewritten.
    pub(super) input: &'o str,
    /// What it is at the moment.
    pub(super) text: String,
    /// The other language, where one is needed.
    pub(super) foreign: &'o str,
    /// The answer that is to become right.
    pub(super) wanted: Option<(String, Value)>,
    /// Why it is not used, once that is known.
    pub(super) dropped: Option<Dropped>,
}

impl Draft<'_> {
    /// The text of the row.
    pub(super) fn original(&self) -> &str {
        self.example.inputs.get(self.input).and_then(Value::as_text).unwrap_or_default()
    }

    /// The row's inputs with what was written.
    pub(super) fn inputs(&self) -> Record {
        let mut inputs = self.example.inputs.clone();
        inputs.insert(self.input, self.text.as_str());
        inputs
    }

    /// The right answer.
    pub(super) fn right(&self) -> Record {
        let mut right = self.example.outputs.clone();
        if let Some((output, wanted)) = &self.wanted {
            right.insert(output, wanted.clone());
        }
        right
    }

    /// What becomes of it in the file.
    pub(super) fn line(self, authors: (&Identity, &Identity)) -> Line {
        let mut line = Line::new(content(self.example), self.way.name, authors);
        line.dropped = self.dropped;
        if self.dropped.is_none() {
            line.inputs = Some(Record::new().with(self.input, self.text));
            line.outputs = self.wanted.map(|(output, wanted)| Record::new().with(output, wanted));
            line.votes = VOTERS as u32;
        }
        line.checked()
    }
}

/// The other answers to a closed output; nothing if it is not closed or the row has no label.
pub(super) fn others(output: &Field, row: &Example) -> Option<Vec<Value>> {
    let right = row.outputs.get(&output.name)?;
    let all = match &output.ty {
        Type::Choice(choices) => choices.iter().map(|choice| Value::from(choice.as_str())).collect(),
        Type::Boolean => vec![Value::Boolean(false), Value::Boolean(true)],
        _ => vec![],
    };
    Some(all.into_iter().filter(|value| value != right).collect())
}

/// A number below `among`, from the seed and the row alone.
pub(super) fn drawn(stream: (&str, &str, u64), row: &Example, among: usize) -> usize {
    usize::from(digest(&(stream, &row.inputs)).as_bytes()[0]) % among.max(1)
}

//! A draft: a rewriting in the making.

use proofmark_runtime::{Example, Field, Record, Type, Value, digest, model::Identity};

use super::{
    file::{DropReason, RewriteLine},
    vote::VOTERS,
    ways::Rewriting,
};

/// A rewriting in the making.
pub(super) struct Draft<'j> {
    /// The position of its row.
    pub(super) row: usize,
    pub(super) example: &'j Example,
    pub(super) way: &'static Rewriting,
    /// The input that is rewritten.
    pub(super) input: &'j str,
    /// The current text.
    pub(super) text: String,
    /// The other language, for ways that need one.
    pub(super) foreign: &'j str,
    /// The output and the answer that the rewritten row should have, for ways that change the answer.
    pub(super) wanted: Option<(String, Value)>,
    /// The reason why it is not used, once there is one.
    pub(super) dropped: Option<DropReason>,
}

impl Draft<'_> {
    /// The text of the row.
    pub(super) fn original(&self) -> &str {
        self.example.inputs.get(self.input).and_then(Value::as_text).unwrap_or_default()
    }

    /// The row's inputs with the current text.
    pub(super) fn inputs(&self) -> Record {
        let mut inputs = self.example.inputs.clone();
        inputs.insert(self.input, self.text.as_str());
        inputs
    }

    /// The right answer to the rewritten row.
    pub(super) fn right(&self) -> Record {
        let mut right = self.example.outputs.clone();
        if let Some((output, wanted)) = &self.wanted {
            right.insert(output, wanted.clone());
        }
        right
    }

    /// The line of the file.
    pub(super) fn line(self, writer: &Identity, verifier: &Identity) -> RewriteLine {
        let mut line = RewriteLine::new(self.example.content(), self.way.name, writer, verifier);
        line.dropped = self.dropped;
        if self.dropped.is_none() {
            line.inputs = Some(Record::new().with(self.input, self.text));
            line.outputs = self.wanted.map(|(output, wanted)| Record::new().with(output, wanted));
            line.votes = VOTERS as u32;
        }
        line.checked()
    }
}

/// The other answers of an output; empty if the set of answers is not known, none if the row has no label.
pub(super) fn other_answers(output: &Field, row: &Example) -> Option<Vec<Value>> {
    let right = row.outputs.get(&output.name)?;
    let all = match &output.ty {
        Type::Choice(choices) => choices.iter().map(|choice| Value::from(choice.as_str())).collect(),
        Type::Boolean => vec![Value::Boolean(false), Value::Boolean(true)],
        _ => vec![],
    };
    Some(all.into_iter().filter(|value| value != right).collect())
}

/// A pseudorandom number below `count`. It depends on the row, the seed, the way and the name of the choice alone.
pub(super) fn draw(choice: &str, way: &Rewriting, seed: u64, row: &Example, count: usize) -> usize {
    let stream = (choice, way.name, seed);
    usize::from(digest(&(stream, &row.inputs)).as_bytes()[0]) % count.max(1)
}

//! The vote on whether a rewriting still has the right answer, or has the new one that was chosen for it.
//!
//! There are three voters with different instructions. None of them is a prompt under test, because rows must not be selected
//! by what a contestant gets right or wrong. If all labels of the task are closed (choices, booleans), a voter reads the row and
//! the rewriting separately, without their label, and must find the right answer to both. Demonstrations from train rows show what the
//! labels mean, and every voter sees the choices in another order. If an answer is free text, a voter says whether one text
//! says all that the other says, in both directions.
//!
//! **Invariant:** a rewriting is kept only if all voters accept it. The verifier is tested first: on labels by its answers to
//! the unchanged rows, label by label; on meaning by pairs of unlike rows, which it must not call the same.

use std::collections::BTreeMap;

use proofmark_optimizers::Stop;
use proofmark_runtime::{
    Example, Field, Record, Type, Value,
    candidate::{Demonstration, Origin},
    digest,
};

use super::service::{RewriteQuestion, field, signature};

/// The number of voters.
pub(super) const VOTERS: usize = 3;
/// Most demonstrations in the prompt of a voter.
const SHOWN: usize = 8;

/// The instructions of the voters on labels.
const ON_LABELS: [&str; VOTERS] = [
    "Read what is given and answer. Go by what it means, not by single words that it shares with an answer.",
    "Several careful readers will answer this. Give the answer that nearly all of them would give.",
    "Go through the possible answers one by one, leave out those that do not fit, and give the one that is left.",
];

/// The instructions of the voters on meaning; yes always accepts the rewriting.
const ON_MEANING: [&str; VOTERS] = [
    "Does the second text say all that the first one says, and nothing against it? Other words, another tone or another \
     language do not matter.",
    "Somebody reads only the second text. Would they learn everything that the first one tells, down to numbers and names?",
    "Look for something that the first text says and the second one does not say, or says differently. Is there nothing of \
     the kind?",
];

/// The questions to the voters of a task.
pub(super) struct Ballot<'b> {
    inputs: &'b [Field],
    /// The labelled outputs, if all of them are closed.
    labels: Option<Vec<Field>>,
    /// The train rows that are demonstrations.
    shown: Vec<&'b Example>,
}

impl<'b> Ballot<'b> {
    /// Makes a ballot for rows with these labelled outputs, with demonstrations from the train rows.
    pub(super) fn new(inputs: &'b [Field], outputs: &[Field], train: &[&'b Example]) -> Self {
        let is_closed = |field: &Field| matches!(field.ty, Type::Choice(_) | Type::Boolean);
        let closed = !outputs.is_empty() && outputs.iter().all(is_closed);
        let labels = closed.then(|| outputs.to_vec());
        let is_complete = |row: &&Example| outputs.iter().all(|field| row.outputs.get(&field.name).is_some());
        let complete = train.iter().copied().filter(is_complete);
        let shown = if closed { two_of_each_label(complete.collect()) } else { vec![] };
        Self { inputs, labels, shown }
    }

    /// Whether the votes are on labels, not on meaning.
    pub(super) fn is_on_labels(&self) -> bool {
        self.labels.is_some()
    }

    /// The number of votes on one rewriting.
    pub(super) fn votes_on_rewriting(&self) -> usize {
        if self.is_on_labels() { VOTERS } else { 2 * VOTERS }
    }

    /// The number of votes on one row before it is rewritten.
    pub(super) fn votes_on_row(&self) -> usize {
        if self.is_on_labels() { VOTERS } else { 0 }
    }

    /// The question to a voter for the right answer to some inputs. The row itself is never a demonstration.
    pub(super) fn on_label(
        &self,
        voter: usize,
        row: &Example,
        inputs: &Record,
    ) -> Result<RewriteQuestion, Stop> {
        let labels: Vec<_> =
            self.labels.iter().flatten().map(|field| with_rotated_choices(field, voter)).collect();
        let others = self.shown.iter().filter(|other| other.id != row.id);
        let mut shown: Vec<_> = others.map(|other| demonstration(other, &labels)).collect();
        let by = voter * shown.len() / VOTERS;
        shown.rotate_left(by);
        let signature = signature(ON_LABELS[voter], self.inputs.to_vec(), labels);
        RewriteQuestion::new(signature, shown, inputs.clone())
    }

    /// Whether the answer to this question has all the labels of `right`.
    pub(super) fn is_right(&self, answer: Option<&Record>, right: &Record) -> bool {
        let Some(answer) = answer else { return false };
        let mut labels = self.labels.iter().flatten().filter(|field| right.get(&field.name).is_some());
        labels.all(|field| answer.get(&field.name) == right.get(&field.name))
    }
}

/// The field with its choices in the order of a voter.
fn with_rotated_choices(field: &Field, voter: usize) -> Field {
    let mut field = field.clone();
    if let Type::Choice(choices) = &mut field.ty {
        let by = voter * choices.len() / VOTERS;
        choices.rotate_left(by);
    }
    field
}

/// The question to a voter whether the second text says all that the first one says.
pub(super) fn on_meaning(voter: usize, first: &str, second: &str) -> Result<RewriteQuestion, Stop> {
    let inputs = vec![Field::new("first", Type::Text), Field::new("second", Type::Text)];
    let answer = field("answer", Type::Choice(vec![YES.to_owned(), "no".to_owned()]), "");
    let signature = signature(ON_MEANING[voter], inputs, vec![answer]);
    RewriteQuestion::new(signature, vec![], Record::new().with("first", first).with("second", second))
}

const YES: &str = "yes";

/// Whether the answer to this question is yes.
pub(super) fn is_yes(answer: Option<&Record>) -> bool {
    answer.and_then(|answer| answer.get("answer")).and_then(Value::as_text) == Some(YES)
}

/// Rows of as many labels as possible, at most two of each, in an order that depends on their content alone.
fn two_of_each_label(mut rows: Vec<&Example>) -> Vec<&Example> {
    rows.sort_by_cached_key(|row| digest(&("shown to voters", &row.inputs)));
    let mut counts = BTreeMap::new();
    let mut rounds: Vec<(usize, &Example)> = vec![];
    for row in rows {
        let count = counts.entry(row.label()).or_insert(0);
        rounds.push((*count, row));
        *count += 1;
    }
    rounds.sort_by_key(|(round, _)| *round);
    rounds.into_iter().take_while(|(round, _)| *round < 2).map(|(_, row)| row).take(SHOWN).collect()
}

fn demonstration(row: &Example, labels: &[Field]) -> Demonstration {
    let of_label = |field: &Field| Some((field.name.clone(), row.outputs.get(&field.name)?.clone()));
    Demonstration {
        origin: Origin::Row(row.id.clone()),
        inputs: row.inputs.clone(),
        outputs: labels.iter().filter_map(of_label).collect(),
    }
}

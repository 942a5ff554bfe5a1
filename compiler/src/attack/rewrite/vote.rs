//! The vote: does the right answer stay what it is, or become what was declared? (gate.md, section 5.5, point 3.)
//!
//! Three voters, each in words of its own, none of them a prompt that is judged: rows must not be picked by what a contender
//! gets right or wrong (section 5.4). Where all labels of the task are closed (choices, truth values), a voter reads the row
//! as it is and the rewriting, each alone and not told what is right, and has to find the right answer to both; worked
//! examples from rows that the search learns from say what the labels mean, and every voter has the choices in another
//! order. Where an answer is free text, a voter says whether one text says all that the other says, both ways round.
//!
//! **Invariant:** only what all voters agree on is kept. A verifier that cannot tell is found out first: where labels are
//! closed by its answers to the rows as they are, label by label; elsewhere by pairs of unlike rows that it must not call
//! the same.

use proofmark_optimizers::Stop;
use proofmark_runtime::{
    Example, Field, Record, Signature, Type, Value,
    candidate::{Demonstration, Origin},
    digest,
};

use super::desk::{Question, field, signature};

/// Voters.
pub(super) const VOTERS: usize = 3;
/// Worked examples that a voter is shown at most.
const SHOWN: usize = 8;

/// What the voters on labels are told, each in its own words.
const ON_LABELS: [&str; VOTERS] = [
    "Read what is given and answer. Go by what it means, not by single words that it shares with an answer.",
    "Several careful readers will answer this. Give the answer that nearly all of them would give.",
    "Go through the possible answers one by one, leave out those that do not fit, and give the one that is left.",
];

/// What the voters on meaning are told; yes is always the better.
const ON_MEANING: [&str; VOTERS] = [
    "Does the second text say all that the first one says, and nothing against it? Other words, another tone or another \
     language do not matter.",
    "Somebody reads only the second text. Would they learn everything that the first one tells, down to numbers and names?",
    "Look for something that the first text says and the second one does not say, or says differently. Is there nothing of \
     the kind?",
];

/// How the answers of a task are voted on.
pub(super) struct Ballot<'b> {
    inputs: &'b [Field],
    /// The labelled outputs, if all are closed.
    labels: Option<Vec<Field>>,
    /// Rows that say what the labels mean.
    shown: Vec<&'b Example>,
}

impl<'b> Ballot<'b> {
    /// A ballot on rows whose labels are these outputs, with examples taken from `known`.
    pub(super) fn new(inputs: &'b [Field], outputs: &[Field], known: &[&'b Example]) -> Self {
        let is_closed = |field: &Field| matches!(field.ty, Type::Choice(_) | Type::Boolean);
        let closed = !outputs.is_empty() && outputs.iter().all(is_closed);
        let labels = closed.then(|| outputs.to_vec());
        let complete = |row: &&&Example| outputs.iter().all(|field| row.outputs.get(&field.name).is_some());
        let shown =
            if closed { one_of_each(known.iter().filter(complete).copied().collect()) } else { vec![] };
        Self { inputs, labels, shown }
    }

    /// Whether labels are voted on, rather than meaning.
    pub(super) fn is_on_labels(&self) -> bool {
        self.labels.is_some()
    }

    /// Votes that one rewriting takes, and that its row takes once.
    pub(super) fn price(&self) -> (usize, usize) {
        if self.is_on_labels() { (VOTERS, VOTERS) } else { (2 * VOTERS, 0) }
    }

    /// A voter's question what the right answer to some inputs is. The row itself is never among the examples.
    pub(super) fn on_label(&self, voter: usize, row: &Example, inputs: &Record) -> Result<Question, Stop> {
        let turned = |field: &Field| match &field.ty {
            Type::Choice(choices) => {
                let mut choices = choices.clone();
                let by = voter * choices.len() / VOTERS;
                choices.rotate_left(by);
                Field { ty: Type::Choice(choices), ..field.clone() }
            }
            _ => field.clone(),
        };
        let labels: Vec<_> = self.labels.iter().flatten().map(turned).collect();
        let others = self.shown.iter().filter(|other| other.id != row.id);
        let mut shown: Vec<_> = others.map(|other| demonstration(other, &labels)).collect();
        let by = voter * shown.len() / VOTERS;
        shown.rotate_left(by);
        Question::new(signature(ON_LABELS[voter], self.inputs.to_vec(), labels), shown, inputs.clone())
    }

    /// Whether an answer to that is the right one.
    pub(super) fn is_right(&self, answer: Option<&Record>, right: &Record) -> bool {
        let labels = self.labels.iter().flatten();
        answer.is_some_and(|answer| {
            labels
                .filter(|field| right.get(&field.name).is_some())
                .all(|field| answer.get(&field.name) == right.get(&field.name))
        })
    }
}

/// A voter's question whether the second text says all that the first says.
pub(super) fn on_meaning(voter: usize, first: &str, second: &str) -> Result<Question, Stop> {
    let text = |name| Field::new(name, Type::Text);
    let answer = field("answer", Type::Choice(vec![YES.to_owned(), "no".to_owned()]), "");
    let signature: Signature =
        signature(ON_MEANING[voter], vec![text("first"), text("second")], vec![answer]);
    Question::new(signature, vec![], Record::new().with("first", first).with("second", second))
}

const YES: &str = "yes";

/// Whether the answer to that is yes.
pub(super) fn is_yes(answer: Option<&Record>) -> bool {
    answer.and_then(|answer| answer.get("answer")).and_then(Value::as_text) == Some(YES)
}

/// Rows of as many labels as possible, in an order of their content alone.
fn one_of_each(mut rows: Vec<&Example>) -> Vec<&Example> {
    rows.sort_by_cached_key(|row| digest(&("shown to voters", &row.inputs)));
    let mut counts = std::collections::BTreeMap::new();
    let mut rounds: Vec<(usize, &Example)> = vec![];
    for row in rows {
        let count = counts.entry(row.label()).or_insert(0);
        rounds.push((*count, row));
        *count += 1;
    }
    rounds.sort_by_key(|(round, _)| *round);
    // Two of each label at most.
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

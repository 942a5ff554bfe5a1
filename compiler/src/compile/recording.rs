//! Recording what an emitted prompt does, so that it can be verified later that it still does.

use std::collections::BTreeSet;

use proofmark_optimizers::{Effects as _, Event, Outcome, Stop, lab::shown};
use proofmark_runtime::{Candidate, Digest, Example, ExampleId, Program};

use crate::{
    answer,
    engine::Engine,
    verify::{
        Recorded, Row,
        record::{TWICE, chosen, content},
    },
};

/// Asks visible rows once more with what is emitted, and some of them twice.
///
/// `chose` are the rows whose scores chose it.
pub(super) fn record(
    (program, candidate): (&Program, &Candidate),
    (visible, chose): (&[&Example], &BTreeSet<&ExampleId>),
    engine: &mut Engine<'_>,
) -> Result<Recorded, Stop> {
    engine.note(Event::Stage { name: "Recording what the emitted prompt does".into() });
    let rows = chosen(visible, &shown(candidate), chose);
    let twice = rows.len().min(TWICE);
    let program = program.apply(candidate);
    let program = program.map_err(|error| Stop::Broken { message: error.to_string() })?;
    engine.allow(((rows.len() + twice) * program.calls_per_record()) as u64);
    let cells: Vec<_> = rows.iter().map(|(example, _)| (candidate, *example)).collect();
    let first = engine.try_out(&cells, 0)?;
    let second = engine.try_out(&cells[..twice], 1)?;
    let print = |example: &Example, outcome: &Outcome| -> Digest {
        answer::fingerprint(answer::of(&program, example, outcome).as_ref())
    };
    let row = |((example, chose), outcome): (&(&Example, bool), &Outcome)| Row {
        id: example.id.clone(),
        content: content(example),
        score: outcome.worth().get(),
        answer: print(example, outcome),
        chose: *chose,
    };
    let recorded: Vec<Row> = rows.iter().zip(&first).map(row).collect();
    let changed = |((row, (example, _)), outcome): &((&Row, &(&Example, bool)), &Outcome)| {
        row.answer != print(example, outcome)
    };
    let changed = recorded.iter().zip(&rows).zip(&second).filter(changed).count();
    Ok(Recorded { rows: recorded, twice, changed })
}

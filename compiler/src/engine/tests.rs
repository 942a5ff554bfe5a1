use std::sync::Arc;

use proofmark_runtime::{
    Record,
    model::{CallError, Sampling, scripted::Scripted},
    store::Cached,
};

use super::*;
use crate::{cancel::Cancel, task::Task, watch::Silent};

const TASK: &str = r#"
format = 1
[signature]
instructions = "Route."
inputs = { message = "text" }
outputs = { team = { type = "choice", choices = ["a", "b"] } }
[data]
file = "rows.jsonl"
"#;

fn example(id: &str, message: &str) -> Example {
    Example {
        id: ExampleId(id.into()),
        inputs: Record::new().with("message", message),
        outputs: Record::new().with("team", "a"),
        slices: BTreeMap::default(),
    }
}

/// A model that takes prompts of at most 400 characters and always answers the same.
fn short_of_memory() -> Scripted {
    Scripted::from_fn("small", |request| {
        let tokens = request.messages.iter().map(|message| message.content.len()).sum();
        match tokens {
            0..=400 => Ok("a".to_owned()),
            _ => Err(CallError::TooLong { model: "small".into(), tokens, limit: 400 }),
        }
    })
}

#[test]
fn rows_that_are_too_long_count_as_wrong_and_are_said_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rows.jsonl"), "{}\n").unwrap();
    let task = Task::parse(TASK.into(), &folder.path().join("task.toml")).unwrap();
    let store = Store::open(folder.path().join("calls.db")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let model: Arc<dyn Model> = Arc::new(short_of_memory());
    let workers = Workers {
        model: Arc::new(Cached::new(model, store.clone())),
        sampling: Sampling::default(),
        proposer: None,
        metric: Arc::clone(&task.metric),
        guards: vec![],
        runtime: runtime.handle().clone(),
        watch: Arc::new(Silent),
        cancel: Cancel::default(),
        parallel: 4,
    };
    let backend = Backend::open(workers, &task.program, &[]).unwrap();
    let rows = [example("short", "hi"), example("long", &"word ".repeat(200))];
    let mut engine = Engine::new(backend, &task.program, &rows, (store, "run".into(), 100));

    let rows_of = |engine: &Engine<'_>| {
        let remarks = engine.events().iter().filter_map(|event| match event {
            Event::Remark { text } => Some(text.clone()),
            _ => None,
        });
        remarks.collect::<Vec<_>>()
    };
    let candidate = Candidate::baseline();
    let ids = rows.iter().map(|row| row.id.clone()).collect();
    let trial = Trial { candidate: candidate.clone(), rows: ids };
    for _ in 0..2 {
        let outcomes = engine.evaluate(std::slice::from_ref(&trial)).unwrap();
        assert!(matches!(&outcomes[0][0], Outcome::Scored { score, .. } if score.get() > 0.5));
        assert!(matches!(&outcomes[0][1], Outcome::Failed { failure: Failure::TooLong, .. }));
    }
    let [said] = rows_of(&engine).try_into().unwrap();
    assert!(
        said.starts_with("row long counts as wrong") && said.contains("tokens, but small takes 400"),
        "{said}"
    );

    let sealed = example("secret", &"word ".repeat(200));
    engine.measure(&[Asked::plainly(&candidate, &sealed); 2]).unwrap();
    let said = rows_of(&engine).pop().unwrap();
    assert!(said.contains("1 sealed row") && !said.contains("secret"), "{said}");
}

use std::{cell::Cell, sync::Arc};

use proofmark_optimizers::Stop;
use proofmark_runtime::{
    Record, Run,
    model::{CallError, Model, Request, scripted::Scripted},
    run::{RunError, Runner},
    store::{Cached, Store},
};

use super::*;
use crate::{
    data::rewritable_rows,
    task::{TASK_FILE, Task},
    watch::Silent,
};

/// Runs one call after the other.
struct OneByOne(tokio::runtime::Runtime);

impl RunBatch for OneByOne {
    fn run_batch(
        &self,
        batch: Vec<(Arc<Runner>, Record)>,
        done: &dyn Fn(),
    ) -> Result<Vec<Result<Run, RunError>>, Stop> {
        let run = |(runner, inputs): (Arc<Runner>, Record)| {
            let run = self.0.block_on(runner.run(&inputs, 0));
            done();
            run
        };
        Ok(batch.into_iter().map(run).collect())
    }
}

/// A different name for each row, without a digit.
fn fruit(i: usize) -> String {
    let name = proofmark_runtime::digest(&("fruit", i)).short();
    name.chars().map(|c| c.to_digit(10).map_or(c, |digit| char::from(b'g' + digit as u8))).collect()
}

/// A task over twenty rows and a copy of one; the answer is a choice or free text.
fn task(output: &str, families: &str) -> (tempfile::TempDir, Task) {
    let folder = tempfile::tempdir().unwrap();
    let kinds = ["sour", "sweet"];
    let row = |i: usize| {
        let text = format!("{} tastes {} and weighs {}0 grams", fruit(i), kinds[i % 2], i % 10);
        serde_json::json!({"text": text, "taste": kinds[i % 2]}).to_string()
    };
    let rows: Vec<_> = (0..20).chain([3]).map(row).collect();
    std::fs::write(folder.path().join("rows.jsonl"), rows.join("\n")).unwrap();
    let text = format!(
        "format = 1\n[signature]\ninstructions = \"Taste.\"\ninputs = {{ text = \"text\" }}\n[signature.outputs]\n\
         taste = {output}\n[data]\nfile = \"rows.jsonl\"\n[rewriter]\nname = \"scripted:x\"\nfamilies = {families}\n"
    );
    let task = Task::parse(text, &folder.path().join(TASK_FILE)).unwrap_or_else(|errors| panic!("{errors}"));
    (folder, task)
}

const CHOICE: &str = "{ type = \"choice\", choices = [\"sour\", \"sweet\", \"none\"] }";
const FREE: &str = "\"text\"";

/// Rewrites all rows with models in code: what the writer writes, and what the verifier answers to a last message.
fn write(
    task: &Task,
    writer: impl Fn(&str) -> String + Send + Sync + 'static,
    verifier: impl Fn(&str) -> String + Send + Sync + 'static,
) -> Result<RewriteOutcome, RewriteError> {
    fn last(request: &Request) -> &str {
        &request.messages.last().unwrap().content
    }
    let calls = OneByOne(tokio::runtime::Runtime::new().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("calls.db")).unwrap();
    let model = |model: Scripted| RewriteModel {
        model: Arc::new(Cached::new(Arc::new(model) as Arc<dyn Model>, store.clone())),
        max_tokens: 30,
    };
    let service = RewriteService {
        writer: model(Scripted::from_fn("writer", move |request| Ok::<_, CallError>(writer(last(request))))),
        verifier: model(Scripted::from_fn("verifier", move |request| Ok(verifier(last(request))))),
        calls: &calls,
        watch: Arc::new(Silent),
        asked: Cell::new(0),
    };
    let rows = rewritable_rows(task).unwrap();
    let config = task.rewriter.as_ref().unwrap();
    let ways = config.families.iter().filter_map(|name| find(name)).collect();
    let job = RewriteJob { program: &task.program, seed: task.data.seed, config, rows: &rows, ways };
    assert_eq!(rows.targets.len(), 20, "a copy is not rewritten twice");
    let written = job.run(20, &service);
    if let Ok(written) = &written {
        assert!(written.asked <= job.price(20), "{} of {}", written.asked, job.price(20));
        assert_eq!(job.affordable(job.price(7)), 7);
    }
    written
}

/// The text of a question's field.
fn part<'t>(message: &'t str, label: &str) -> &'t str {
    message.lines().find_map(|line| line.strip_prefix(label)).unwrap_or_default().trim()
}

fn faithful(message: &str) -> String {
    part(message, "Text:").replace("tastes", "is a fruit that is").replace("weighs", "has a weight of")
}

fn knows(message: &str) -> String {
    let kinds: Vec<_> = ["sour", "sweet"].into_iter().filter(|kind| message.contains(kind)).collect();
    if let [kind] = kinds.as_slice() { (*kind).to_owned() } else { "none".to_owned() }
}

fn dropped(written: &RewriteOutcome, why: DropReason) -> usize {
    written.lines.iter().filter(|line| line.dropped == Some(why)).count()
}

#[test]
fn every_way_is_written_and_voted_on() {
    let (_folder, task) = task(CHOICE, "[\"paraphrase\", \"roundtrip\", \"translation\"]");
    let written = write(&task, faithful, knows).unwrap();
    assert_eq!(written.lines.iter().filter(|line| line.votes == 3).count(), 60);
    // Two steps for one of three, three votes for each row and each rewriting.
    assert_eq!(written.asked, 20 * (1 + 2 + 1) + 3 * 20 + 3 * 60);
    assert_eq!(written.known, Some(1.0));
}

#[test]
fn bad_rewritings_are_dropped_with_their_reason() {
    let (_folder, task) = task(CHOICE, "[\"paraphrase\"]");
    let long = |message: &str| faithful(message) + &" and on".repeat(15);
    assert_eq!(dropped(&write(&task, long, knows).unwrap(), DropReason::NoReply), 20);
    let refusal = |_: &str| "I'm sorry, but I cannot do that".to_owned();
    assert_eq!(dropped(&write(&task, refusal, knows).unwrap(), DropReason::Fault), 20);

    // A voter that cannot answer texts with "a fruit" rejects every rewriting, but knows the rows.
    let misled = |message: &str| {
        if part(message, "Text:").contains("a fruit") { "none".into() } else { knows(message) }
    };
    let written = write(&task, faithful, misled).unwrap();
    assert_eq!((dropped(&written, DropReason::Outvoted), written.known), (20, Some(1.0)));

    // A voter that does not know one row in ten accepts the others.
    let unsure = |message: &str| if message.contains("weighs 40") { "none".into() } else { knows(message) };
    let written = write(&task, faithful, unsure).unwrap();
    assert_eq!(dropped(&written, DropReason::RowUnsure), 2);
}

#[test]
fn near_duplicates_of_other_rows_are_dropped() {
    let (_folder, task) = task(CHOICE, "[\"paraphrase\"]");
    // It writes of the other row with the same weight.
    let copies = |message: &str| {
        let text = part(message, "Text:");
        let row = (0..20).find(|i| text.contains(&fruit(*i))).unwrap();
        text.replace(&fruit(row), &fruit((row + 10) % 20))
    };
    assert_eq!(dropped(&write(&task, copies, knows).unwrap(), DropReason::Stray), 20);
}

#[test]
fn a_contrast_row_has_the_wanted_answer_or_is_dropped() {
    let (_folder, task) = task(CHOICE, "[\"contrast\"]");
    let turns = |message: &str| {
        let (text, wanted) = (part(message, "Text:"), part(message, "Wanted:"));
        let now = part(message, "Now:");
        if wanted == "none" {
            text.replace(now, "odd")
        } else {
            text.replace(&format!("tastes {now}"), &format!("tastes {wanted}"))
        }
    };
    let written = write(&task, turns, knows).unwrap();
    for line in &written.lines {
        // The writer may not name the answer.
        let named =
            line.outputs.as_ref().is_none_or(|outputs| outputs.get("taste").unwrap().to_string() == "none");
        assert!(named, "{line:?}");
    }
    let kept = written.lines.iter().filter(|line| line.inputs.is_some()).count();
    assert!(kept > 0 && kept + dropped(&written, DropReason::Fault) == 20, "{kept}");
}

#[test]
fn meaning_is_voted_on_in_both_directions() {
    let (_folder, task) = task(FREE, "[\"paraphrase\"]");
    // The texts are of the same fruit.
    let same = |message: &str| {
        let of = |text: &str| text.split(' ').next().map(str::to_owned);
        let same = of(part(message, "First:")) == of(part(message, "Second:"));
        if same { "yes" } else { "no" }.to_owned()
    };
    let written = write(&task, faithful, same).unwrap();
    assert_eq!(written.lines.iter().filter(|line| line.votes == 3).count(), 20, "{written:?}");
    let yes = |_: &str| "yes".to_owned();
    assert!(matches!(write(&task, faithful, yes), Err(RewriteError::Fooled { fooled: 19, asked: 19, .. })));
    let one_way = move |message: &str| {
        if part(message, "First:").contains("a fruit") { "no".into() } else { same(message) }
    };
    assert_eq!(dropped(&write(&task, faithful, one_way).unwrap(), DropReason::Outvoted), 20);
}

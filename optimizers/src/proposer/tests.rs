use super::*;
use crate::{lab::TextCheck, landscape::Landscape};
use proofmark_runtime::Program;

fn rewrite<'r>(lab: &Lab<'_>, base: &'r Candidate, module: &'r Module, task: &str) -> Rewrite<'r> {
    let prompt = Prompt::on(lab.program(), module).instruction("The instruction", base, module);
    let query = Query { purpose: "test", prompt: prompt.wants_instruction(task), temperature: 1.0, most: 1 };
    Rewrite { query, base, module, parents: vec![base], how: "test".into() }
}

/// Asks many questions in a landscape and returns the drafts, the report and the remaining calls.
fn ask(rows: &str, draws: usize) -> (Vec<Draft>, String, u64) {
    ask_with(&|_: &Program| false, rows, draws)
}

/// The same with a gate that refuses some programs.
fn ask_with(refuses: &TextCheck<'_>, rows: &str, draws: usize) -> (Vec<Draft>, String, u64) {
    let landscape = Landscape::rules(60).unwrap();
    let mut world = landscape.world(3, 1000);
    let mut lab = landscape.lab(3, &mut world).with_text_check(refuses);
    let mut drafts = Vec::new();
    Proposer::run(&mut lab, |lab, proposer| {
        let base = Candidate::baseline();
        let module = &lab.program().modules()[0];
        drafts = proposer.rewrite(lab, &vec![rewrite(lab, &base, module, rows); draws])?;
        Ok(())
    })
    .unwrap();
    let left = lab.remaining_calls();
    let Some(Event::Remark { text }) = world.events().last() else { panic!("no report") };
    (drafts, text.clone(), left)
}

#[test]
fn the_same_question_is_another_draw_each_time() {
    let (drafts, report, left) = ask("Improve it.", 30);
    let different: std::collections::BTreeSet<_> = drafts.iter().map(|draft| draft.candidate.id()).collect();
    assert_eq!(different.len(), drafts.len());
    assert!(drafts.len() > 5);
    assert_eq!(left, 1000 - 20 - 30);
    assert!(
        report.starts_with(&format!("the proposer was asked 30 times: {} new texts", drafts.len())),
        "{report}"
    );
}

#[test]
fn quoted_rows_and_known_texts_are_dropped_and_counted() {
    let landscape = Landscape::rules(60).unwrap();
    let row = landscape.train.examples()[7].inputs.get("message").unwrap().to_string();
    let (drafts, report, _) = ask(&format!("Improve it.\nMessage: {row}"), 60);
    let module = &landscape.program.modules()[0];
    assert!(drafts.iter().all(|draft| !instruction(&draft.candidate, module).contains(&row)));
    let numbers: Vec<usize> =
        report.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
    let [asked, accepted, copied, refused, unchanged, unreadable] = numbers[..] else { panic!("{report}") };
    assert_eq!((asked, accepted, refused), (60, drafts.len(), 0));
    assert_eq!(asked, accepted + copied + unchanged + unreadable, "{report}");
    assert!(copied > 2 && unchanged > 2 && unreadable > 2, "{report}");
}

#[test]
fn texts_that_the_gate_refuses_are_dropped_and_counted() {
    let refuses = |program: &Program| program.modules()[0].signature.instructions.len().is_multiple_of(2);
    let (drafts, report, left) = ask_with(&refuses, "Improve it.", 30);
    let module = &Landscape::rules(0).unwrap().program.modules()[0].clone();
    assert!(drafts.iter().all(|draft| !instruction(&draft.candidate, module).len().is_multiple_of(2)));
    assert!(!drafts.is_empty() && !report.contains(" 0 that the gate would refuse"), "{report}");
    assert_eq!(left, 1000 - 20 - 30, "no row is measured for it");
}

#[test]
fn the_written_text_removes_the_parameter() {
    let landscape = Landscape::rules(0).unwrap();
    let module = &landscape.program.modules()[0];
    let other = worded(&Candidate::baseline(), module, "Route it.");
    assert_eq!(instruction(&other, module), "Route it.");
    assert!(worded(&other, module, &module.signature.instructions).is_baseline());
}

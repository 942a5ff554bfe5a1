use super::*;
use crate::{landscape::Landscape, outcome::Score};
use proofmark_runtime::{Param, ParamPath, Slot};

fn saying(text: &str) -> Candidate {
    Candidate::baseline().with(ParamPath::new("route", Slot::Instruction), Param::Instruction(text.into()))
}

fn outcome(right: bool) -> Outcome {
    let score = if right { Score::ONE } else { Score::ZERO };
    Outcome::Scored { score, feedback: None, trace: vec![] }
}

/// A board with ten common rows; every candidate is measured on as many rows as it has marks.
fn board(candidates: &[(&Candidate, &str)]) -> Board {
    let landscape = Landscape::flat(0).unwrap();
    let rows: Vec<_> = (0..10).map(|i| ExampleId(i.to_string())).collect();
    let mut board = Board::new(rows.clone());
    for (candidate, marks) in candidates {
        let id = board.enter(candidate, &landscape.program.apply(candidate).unwrap());
        for (row, mark) in rows.iter().zip(marks.chars()) {
            board.record(id, row.clone(), outcome(mark == '+'));
        }
    }
    board
}

#[test]
fn only_the_deepest_candidates_compete() {
    let (base, lucky, good, fair) = (Candidate::baseline(), saying("lucky"), saying("good"), saying("fair"));
    let board =
        board(&[(&base, "-+-+-+-+-+"), (&lucky, "++++"), (&good, "++++++-+-+"), (&fair, "++++-+-+-+")]);
    let finalists = board.finalists(5);
    let names: Vec<_> = finalists.iter().map(|standing| &standing.candidate).collect();
    assert_eq!(names, [&good, &fair]);
    assert_eq!((finalists[0].rows, finalists[0].mean, finalists[0].gain), (10, 0.8, 0.3));
    assert!((finalists[0].p - 0.5 / 8.0).abs() < 1e-12);
    assert_eq!(board.finalists(1).len(), 1);
}

#[test]
fn rows_without_the_baseline_do_not_count() {
    let (base, other) = (Candidate::baseline(), saying("other"));
    assert!(board(&[(&other, "+++")]).finalists(3).is_empty());
    assert_eq!(board(&[(&base, "--"), (&other, "+++")]).finalists(3)[0].rows, 2);
    assert!(
        board(&[(&base, "++"), (&other, "++")]).finalists(3).is_empty(),
        "the baseline's score is no gain"
    );
}

#[test]
fn ties_go_to_the_shorter() {
    let (base, long, short) = (Candidate::baseline(), saying("a long instruction"), saying("short"));
    let board = board(&[(&base, "--"), (&long, "+-"), (&short, "-+")]);
    let order: Vec<_> = board.finalists(2).into_iter().map(|standing| standing.candidate).collect();
    assert_eq!(order, [short, long]);
}

#[test]
fn gaps_do_not_count_as_depth() {
    let base = Candidate::baseline();
    let mut board = board(&[(&base, "++")]);
    board.record(base.id(), ExampleId("5".into()), outcome(true));
    assert_eq!(board.depth(base.id()), 2);
    for row in ["3", "2", "4"] {
        board.record(base.id(), ExampleId(row.into()), outcome(true));
    }
    assert_eq!(board.depth(base.id()), 6);
}

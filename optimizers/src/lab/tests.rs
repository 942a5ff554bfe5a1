use super::*;
use crate::{
    demos::{ExamplePool, showing},
    landscape::Landscape,
};
use proofmark_runtime::{ParamPath, Slot};
use rand::RngExt;

fn in_lab<T>(calls: u64, work: impl FnOnce(&mut Lab<'_>) -> T) -> T {
    let landscape = Landscape::demonstrations(60).unwrap();
    let mut world = landscape.world(3, calls);
    work(&mut Lab::new(&landscape.program, &landscape.train, &landscape.val, 3, &mut world))
}

fn trial(candidate: &Candidate, rows: &[ExampleId]) -> Trial {
    Trial { candidate: candidate.clone(), rows: rows.to_vec() }
}

#[test]
fn outcomes_come_back_in_order_and_are_paid_once() {
    in_lab(1000, |lab| {
        let rows = lab.rows()[..5].to_vec();
        let base = Candidate::baseline();
        let first = lab.evaluate(&[trial(&base, &rows), trial(&base, &rows[1..2])]).unwrap();
        assert_eq!(lab.remaining_calls(), 995);
        assert_eq!(first[1], first[0][1..2]);
        let mut backwards = rows.clone();
        backwards.reverse();
        let mut again = lab.evaluate(&[trial(&base, &backwards)]).unwrap();
        again[0].reverse();
        assert_eq!((again[0].clone(), lab.remaining_calls()), (first[0].clone(), 995));
    });
}

#[test]
fn a_candidate_is_never_scored_on_its_own_demonstrations() {
    in_lab(1000, |lab| {
        let pool = lab.pool().to_vec();
        let rows = pool.iter().filter_map(|id| lab.example(id));
        let demonstrations =
            ExamplePool::labelled(lab.program(), rows).remove(0).draw(4, &mut lab.rng("test"));
        let candidate = showing(Candidate::baseline(), "route", demonstrations);
        let own: Vec<_> = shown(&candidate).into_iter().cloned().collect();
        assert_eq!(own.len(), 4);
        assert!(own.iter().all(|row| pool.contains(row) && !lab.rows().contains(row)));
        let refused = lab.evaluate(&[trial(&candidate, &own[..1])]).unwrap_err();
        assert!(refused.to_string().contains("one of its own demonstrations"), "{refused}");
        assert_eq!(lab.remaining_calls(), 1000);
    });
}

#[test]
fn invisible_rows_and_undeclared_parameters_are_refused() {
    in_lab(1000, |lab| {
        let base = Candidate::baseline();
        let refused = lab.evaluate(&[trial(&base, &[ExampleId("gate-1".into())])]).unwrap_err();
        assert!(refused.to_string().contains("not visible"), "{refused}");
        let path = ParamPath::new("elsewhere", Slot::Instruction);
        let stray = base.with(path, Param::Instruction("x".into()));
        assert!(matches!(lab.register(&stray, &[], "stray"), Err(Stop::Broken { .. })));
    });
}

#[test]
fn a_batch_over_budget_is_not_started_and_outcomes_stay() {
    in_lab(12, |lab| {
        let rows = lab.rows()[..10].to_vec();
        let base = Candidate::baseline();
        lab.evaluate(&[trial(&base, &rows)]).unwrap();
        let more = lab.rows()[..20].to_vec();
        assert_eq!(lab.evaluate(&[trial(&base, &more)]), Err(Stop::Budget));
        assert_eq!((lab.board().depth(base.id()), lab.remaining_calls()), (10, 2));
    });
}

#[test]
fn streams_differ_by_purpose_and_seed() {
    let draw = |seed, purpose| stream(seed, purpose).random::<u64>();
    assert_eq!(draw(1, "a"), draw(1, "a"));
    assert!(draw(1, "a") != draw(1, "b") && draw(1, "a") != draw(2, "a"));
}

use proofmark_runtime::{Digest, Origin, Record};

use super::*;
use crate::task::Task;

fn program() -> Program {
    let text = "format = 1\n[signature]\ninstructions = \"Do not guess: it is one of three teams.\"\n\
                inputs = { message = \"text\" }\n[signature.outputs]\n\
                team = { type = \"choice\", choices = [\"a\", \"b\", \"c\"] }\n[data]\nfile = \"rows.jsonl\"\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rows.jsonl"), "").unwrap();
    Task::parse(text.to_owned(), &folder.path().join("task.toml")).unwrap_or_else(|e| panic!("{e}")).program
}

fn with_demonstrations(n: usize) -> Candidate {
    let demonstration = |i: usize| Demonstration {
        origin: Origin::Task,
        inputs: Record::new().with("message", format!("message {i}")),
        outputs: Record::new().with("team", ["a", "b", "c"][i % 3]),
    };
    let path = ParamPath::new(&program().modules()[0].name, Slot::Demonstrations);
    Candidate::baseline().with(path, Param::Demonstrations((0..n).map(demonstration).collect()))
}

fn shown(program: &Program, candidate: &Candidate) -> Vec<Demonstration> {
    program.apply(candidate).unwrap().modules()[0].demonstrations.clone()
}

#[test]
fn variations_keep_what_a_prompt_says() {
    let (program, candidate) = (program(), with_demonstrations(5));
    let found = variations(&program, &candidate, 1);
    let ids: BTreeSet<_> = found.iter().map(|variation| variation.candidate.id()).collect();
    assert!(ids.len() == found.len() && !ids.contains(&candidate.id()), "{found:?}");
    let sorted = |mut all: Vec<Demonstration>| {
        all.sort_by_key(|demonstration| format!("{:?}", demonstration.inputs));
        all
    };
    let own = shown(&program, &candidate);
    for Variation { change, candidate: varied, .. } in &found {
        let now = shown(&program, varied);
        match change {
            Change::Order => {
                assert_ne!(now, own);
                assert_eq!(sorted(now), sorted(own.clone()));
            }
            Change::LeftOut => assert!(now.len() == 4 && now.iter().all(|one| own.contains(one))),
            Change::Format | Change::Wording => assert_eq!(now, own),
        }
    }
    let count = |change| found.iter().filter(|variation| variation.change == change).count();
    assert_eq!((count(Change::Order), count(Change::LeftOut)), (ORDERS, 5));
    assert!(count(Change::Format) >= 3, "{found:?}");
    let wordings = found.iter().filter(|variation| variation.change == Change::Wording);
    let wordings: Vec<_> = wordings.map(|variation| variation.about.as_str()).collect();
    assert!(wordings.contains(&"contraction") && wordings.contains(&"whitespace"), "{wordings:?}");
    assert_eq!(variations(&program, &candidate, 1), found);
}

#[test]
fn what_is_not_there_is_not_changed() {
    let found = variations(&program(), &with_demonstrations(1), 1);
    assert!(found.iter().all(|variation| matches!(variation.change, Change::Format | Change::Wording)));
    let found = variations(&program(), &Candidate::baseline(), 1);
    assert!(found.iter().all(|variation| matches!(variation.change, Change::Format | Change::Wording)));
}

#[test]
fn every_member_of_a_vote_is_changed() {
    let (program, one) = (program(), with_demonstrations(3));
    let vote = Candidate::vote(&[one, with_demonstrations(4)]);
    for variation in variations(&program, &vote, 2) {
        assert_eq!(variation.candidate.votes(), 2, "{variation:?}");
    }
}

fn answers(scores: Vec<f64>) -> Answers {
    let answers = scores.iter().map(|score| digest(&score.to_bits())).collect::<Vec<Digest>>();
    Answers { scores, answers }
}

#[test]
fn what_a_change_does_is_told_apart_from_chance() {
    let candidate = with_demonstrations(2);
    let variation = |about: &str| Variation {
        change: Change::Wording,
        about: about.to_owned(),
        candidate: candidate.clone(),
    };
    let named = ["same", "luck", "harm"].map(variation);
    let of = |right: fn(usize) -> bool| answers((0..60).map(|i| f64::from(u8::from(right(i)))).collect());
    let own = of(|i| i % 4 != 0);
    let found = sensitivity(&own, &named, &[own.clone(), of(|i| i % 4 != 0 || i == 4), of(|i| i % 4 > 1)]);
    let order: Vec<_> = found.shifts.iter().map(|shift| (shift.about.as_str(), shift.proven)).collect();
    assert_eq!(order, [("harm", true), ("same", false), ("luck", false)]);
    let harm = &found.shifts[0];
    assert!((harm.shift + 0.25).abs() < 1e-9 && harm.upper < 0.0 && (harm.changed - 0.25).abs() < 1e-9);
    assert_eq!(found.proven().count(), 1);
    let (low, high) = found.range();
    assert!((low - 0.5).abs() < 1e-9 && (high - 46.0 / 60.0).abs() < 1e-9, "{low} {high}");
}

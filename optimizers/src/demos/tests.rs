use super::*;
use crate::{landscape::Landscape, outcome::Step};
use rand::{SeedableRng, rngs::ChaCha8Rng};

fn pool(rows: usize) -> ExamplePool {
    let landscape = Landscape::demonstrations(rows).unwrap();
    ExamplePool::labelled(&landscape.program, landscape.train.examples().iter()).remove(0)
}

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(1)
}

#[test]
fn sets_are_balanced_and_never_show_a_row_twice() {
    let pool = pool(30);
    for size in 1..=30 {
        let set = pool.draw(size, &mut rng());
        let rows: BTreeSet<_> = set.iter().map(row).collect();
        assert_eq!((set.len(), rows.len()), (size, size));
        let mut counts = BTreeMap::new();
        for demonstration in &set {
            *counts.entry(answer(demonstration)).or_insert(0usize) += 1;
        }
        assert_eq!(counts.len(), size.min(6));
        assert!(counts.values().max().unwrap() - counts.values().min().unwrap() <= 1);
    }
}

#[test]
fn sizes_follow_the_number_of_answers() {
    assert_eq!(pool(30).sizes(), [6, 3, 12]);
    assert_eq!(pool(13).sizes(), [6, 3, 12]);
    assert_eq!(pool(7).sizes(), [4, 2, 7], "sets are not balanced if answers hardly repeat");
    assert_eq!(pool(3).sizes(), [3, 2]);
}

#[test]
fn a_substitute_has_the_same_answer_and_another_row() {
    let pool = pool(30);
    let set = pool.draw(6, &mut rng());
    let other = pool.substitute(&set, 2, &mut rng()).unwrap();
    assert_eq!(answer(&other), answer(&set[2]));
    assert!(set.iter().all(|demonstration| row(demonstration) != row(&other)));
}

#[test]
fn labels_serve_only_modules_with_all_values_in_the_row() {
    let landscape = Landscape::modules(12).unwrap();
    let examples = landscape.train.examples();
    assert!(ExamplePool::labelled(&landscape.program, examples.iter()).is_empty());
    let step = |module: &str, input: &str, output: &str, value: &str| Step {
        module: module.into(),
        inputs: Record::new().with(input, "x"),
        outputs: Record::new().with(output, value),
        remark: None,
    };
    let trace = vec![step("take", "message", "note", "n"), step("route", "note", "team", "sales")];
    let pools = ExamplePool::traced(&landscape.program, &[(examples[0].id.clone(), trace)]);
    let modules: Vec<_> = pools.iter().map(|pool| (pool.module.as_str(), pool.len())).collect();
    assert_eq!(modules, [("take", 1), ("route", 1)]);
}

#[test]
fn topping_up_prefers_own_demonstrations() {
    let labelled = pool(30);
    let mut traced: Vec<_> = labelled.draw(6, &mut rng());
    for demonstration in &mut traced {
        if let Origin::Row(id) = demonstration.origin.clone() {
            demonstration.origin = Origin::Trace(id);
        }
    }
    let both = ExamplePool::new("route", traced).topped_up(&labelled);
    let traces = both.groups.iter().flatten().filter(|d| matches!(d.origin, Origin::Trace(_))).count();
    assert_eq!((both.len(), traces), (30, 6));
}

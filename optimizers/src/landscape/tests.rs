use super::*;
use crate::{
    Lab, Optimizer,
    auto::Auto,
    board::{Standing, characters, mean},
    bootstrap::{Bootstrap, ExamplePools},
    capo::Capo,
    compress::Compress,
    copro::Copro,
    edits::Edits,
    ensemble::Ensemble,
    evolve::{Evolve, Variant},
    gepa::Gepa,
    labeled::Labeled,
    mipro::Mipro,
    opro::Opro,
    proposer::{Proposer, Query, Rewrite, prompt::Prompt},
    protegi::Protegi,
    rules::Rules,
    simba::Simba,
    space::Space,
};
use rand::RngExt;

/// The true score of the best finalist, or of the baseline if there is none, averaged over seeds.
fn found(optimizer: &dyn Optimizer, landscape: &Landscape, calls: u64) -> f64 {
    found_in(optimizer, landscape, |seed| landscape.world(seed, calls))
}

/// The same in these worlds.
fn found_in<'a>(
    optimizer: &dyn Optimizer,
    landscape: &'a Landscape,
    world: impl Fn(u64) -> World<'a>,
) -> f64 {
    let seeds = 12u32;
    let worth = |seed: u64| {
        let mut world = world(seed);
        let mut lab = landscape.lab(seed, &mut world);
        let _ = optimizer.search(&mut lab);
        let best = lab.board().finalists(1).pop();
        landscape.worth(&best.map_or_else(Candidate::baseline, |standing| standing.candidate))
    };
    (0..u64::from(seeds)).map(worth).sum::<f64>() / f64::from(seeds)
}

#[test]
fn the_planted_chance_is_kept() {
    let landscape = Landscape::flat(4000).unwrap();
    let mut world = landscape.world(1, 10_000);
    let rows = landscape.train.examples().iter().map(|row| row.id.clone()).collect();
    let outcomes = world.evaluate(&[Trial { candidate: Candidate::baseline(), rows }]).unwrap().remove(0);
    #[expect(clippy::cast_precision_loss)]
    let mean = outcomes.iter().map(|outcome| outcome.worth().get()).sum::<f64>() / outcomes.len() as f64;
    assert!((mean - 0.5).abs() < 0.03, "{mean}");
}

/// Random search without racing or learning: uniform points of the joint space, each measured on all common rows.
struct RandomSearch;

impl Optimizer for RandomSearch {
    fn name(&self) -> &'static str {
        "random"
    }
    fn about(&self) -> &'static str {
        "measures random points in full"
    }
    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        lab.race(&[], 1)?;
        let pools = ExamplePools::with_traces(lab, 8)?.kinds().into_iter();
        let pools = pools.flat_map(|(kind, list)| list.into_iter().map(move |pool| (kind, pool))).collect();
        let space = Space::new(lab.program(), lab.abilities(), pools);
        let mut rng = lab.rng("random");
        loop {
            let point: Vec<usize> = space
                .dimensions
                .iter()
                .map(|dimension| rng.random_range(..dimension.options.len()))
                .collect();
            let (candidate, how) = space.realize(lab.program(), &point, &mut rng);
            lab.register(&candidate, &[], how)?;
            let rows = lab.rows().to_vec();
            lab.evaluate(&[Trial { candidate, rows }])?;
        }
    }
}

/// Asserts that an optimizer finds a true score of at least `least`, and more than random search with the same calls.
fn check(optimizer: &dyn Optimizer, landscape: &Landscape, calls: u64, least: f64) {
    let (found, random) = (found(optimizer, landscape, calls), found(&RandomSearch, landscape, calls));
    let case = format!("{} on {}: {found:.3}, random search {random:.3}", optimizer.name(), landscape.name);
    println!("{case}");
    assert!(found >= least, "{case}");
    assert!(found > random, "{case}");
}

#[test]
fn labeled_finds_good_demonstrations() {
    check(&Labeled, &Landscape::demonstrations(120).unwrap(), 800, 0.58);
}

#[test]
fn bootstrap_serves_inner_modules() {
    let landscape = Landscape::modules(120).unwrap();
    let written = landscape.worth(&Candidate::baseline());
    assert!((found(&Labeled, &landscape, 1600) - written).abs() < 1e-9, "no module has labels alone");
    check(&Bootstrap, &landscape, 1600, written + 0.3);
}

#[test]
fn edits_finds_the_planted_sentences() {
    check(&Edits, &Landscape::instruction(120).unwrap(), 800, 0.7);
}

/// A landscape with many prompts of the same true score: any demonstration helps, and more do not help more.
fn jury() -> Landscape {
    let worth = |program: &Program| if program.modules()[0].demonstrations.is_empty() { 0.4 } else { 0.65 };
    Landscape::made_of("jury", 120, worth).unwrap()
}

/// If prompts of the same true score err on different rows, a vote scores above each of them (Condorcet's jury theorem). If they
/// err on the same rows, `ensemble` loses little against `auto`, and a vote that goes to the gate first is worth its calls.
#[test]
fn ensemble_votes_where_errors_differ() {
    for (landscape, gain) in [
        (jury().with_independent_errors(), 0.05),
        (jury(), 0.015),
        (Landscape::demonstrations(120).unwrap(), -0.015),
        (Landscape::joint(120).unwrap(), 0.0),
    ] {
        let (ensemble, auto) = (handed_on(&Ensemble, &landscape), handed_on(&Auto, &landscape));
        let (alike, votes) = (100.0 * landscape.alike, ensemble.gains.len());
        let (worth, more, than) = (ensemble.worth, 100.0 * mean(&ensemble.gains), auto.worth);
        let case = format!(
            "{}, {alike:.0} % alike: ensemble {worth:.3}, auto {than:.3}; {votes} of 24 vote, for {more:.1} points more",
            landscape.name
        );
        println!("{case}");
        assert!(worth >= than + gain, "{case}");
        assert!(alike > 0.0 || votes > 20, "{case}");
        assert!(more > 1.5, "{case}");
    }
    check(&Ensemble, &jury().with_independent_errors(), 2000, 0.7);
}

/// The first finalists of 24 searches with 2,000 calls and no proposer.
struct HandedOn {
    /// Their mean true score.
    worth: f64,
    /// For each of them that is a vote, its true gain over the best finalist that is a single prompt.
    gains: Vec<f64>,
}

fn handed_on(optimizer: &dyn Optimizer, landscape: &Landscape) -> HandedOn {
    let (mut worths, mut gains) = (Vec::new(), Vec::new());
    for seed in 0..24 {
        let mut world = landscape.world(seed, 2000).without_proposer();
        let mut lab = landscape.lab(seed, &mut world);
        let _ = optimizer.search(&mut lab);
        let finalists = lab.board().finalists(8);
        let worth = |standing: &Standing| landscape.worth(&standing.candidate);
        let first = finalists.first().map_or_else(|| landscape.worth(&Candidate::baseline()), worth);
        let alone = finalists.iter().position(|standing| standing.candidate.votes() == 1);
        worths.push(first);
        gains.extend(alone.filter(|place| *place > 0).map(|place| first - worth(&finalists[place])));
    }
    HandedOn { worth: mean(&worths), gains }
}

#[test]
fn auto_finds_what_only_works_together() {
    for (landscape, calls) in [
        (Landscape::joint(120).unwrap(), 1000),
        (Landscape::modules(120).unwrap(), 2000),
        (Landscape::instruction(120).unwrap(), 1000),
    ] {
        let auto = found_in(&Auto, &landscape, |seed| landscape.world(seed, calls).without_proposer());
        let random = found(&RandomSearch, &landscape, calls);
        let case = format!("auto on {}: {auto:.3}, random search {random:.3}", landscape.name);
        println!("{case}");
        assert!(auto >= 0.7 && auto > random, "{case}");
    }
}

/// With a proposer, `auto` scores about as high as the best optimizer of each landscape (`cargo bench --bench portfolio` has
/// all optimizers).
#[test]
fn auto_keeps_up_with_the_best_of_each_landscape() {
    let rivals: [(Landscape, &dyn Optimizer); 5] = [
        (Landscape::demonstrations(120).unwrap(), &Bootstrap),
        (Landscape::instruction(120).unwrap(), &Edits),
        (Landscape::joint(120).unwrap(), &Capo),
        (Landscape::modules(120).unwrap(), &Bootstrap),
        (Landscape::rules(120).unwrap(), &Protegi),
    ];
    for (landscape, rival) in rivals {
        let calls = 1500 * landscape.program.calls_per_record() as u64;
        let (auto, best) = (found(&Auto, &landscape, calls), found(rival, &landscape, calls));
        let case = format!("auto on {}: {auto:.3}, {} {best:.3}", landscape.name, rival.name());
        println!("{case}");
        assert!(auto > best - 0.03, "{case}");
    }
}

#[test]
fn auto_gives_up_if_every_change_hurts() {
    let landscape = Landscape::made_of("perfect", 120, |program| {
        let module = &program.modules()[0];
        if module.demonstrations.is_empty() && module.format.is_none() { 0.95 } else { 0.5 }
    });
    let landscape = landscape.unwrap();
    for seed in 0..8 {
        let mut world = landscape.world(seed, 2000).without_proposer();
        let mut lab = landscape.lab(seed, &mut world);
        Auto.search(&mut lab).unwrap();
        let best = lab.board().finalists(1).pop();
        let gave_up = lab.remaining_calls() > 1600;
        assert_eq!(gave_up, best.is_none(), "seed {seed}");
        assert!(best.is_none_or(|best| landscape.worth(&best.candidate) > 0.9), "seed {seed}");
    }
}

#[test]
fn large_tables_are_fast() {
    let landscape = Landscape::joint(20_000).unwrap();
    let mut world = landscape.world(1, 600);
    let mut lab = landscape.lab(1, &mut world);
    Auto.search(&mut lab).unwrap();
    assert_eq!(lab.pool().len(), 8000);
    assert!(landscape.worth(&lab.board().finalists(1)[0].candidate) > 0.5);
}

/// Random search with a proposer: rewrites of the written instruction, each measured on all common rows.
struct RandomProposals;

impl Optimizer for RandomProposals {
    fn name(&self) -> &'static str {
        "random-proposals"
    }
    fn about(&self) -> &'static str {
        "measures rewrites of the written instruction in full"
    }
    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        Proposer::run(lab, |lab, proposer| {
            lab.race(&[], 1)?;
            let modules = lab.program().modules();
            let base = Candidate::baseline();
            for turn in 0.. {
                let module = &modules[turn % modules.len()];
                let prompt = Prompt::on(lab.program(), module).instruction("The instruction", &base, module);
                let prompt = prompt.wants_instruction("Improve it.");
                let query = Query { purpose: "instruction", prompt, temperature: 1.0, most: 1 };
                let rewrite =
                    Rewrite { query, base: &base, module, parents: vec![&base], how: "improved".into() };
                for draft in proposer.rewrite(lab, &[rewrite])? {
                    let rows = lab.rows().to_vec();
                    lab.evaluate(&[Trial { candidate: draft.candidate, rows }])?;
                }
            }
            Ok(())
        })
    }
}

/// Asserts that an optimizer finds a true score this far above random proposals with the same calls.
fn check_writer(optimizer: &dyn Optimizer, landscape: &Landscape, calls: u64, margin: f64) {
    let (found, random) = (found(optimizer, landscape, calls), found(&RandomProposals, landscape, calls));
    let case =
        format!("{} on {}: {found:.3}, random proposals {random:.3}", optimizer.name(), landscape.name);
    println!("{case}");
    assert!(found >= random + margin, "{case}");
}

#[test]
fn reflection_finds_the_rules() {
    for landscape in [Landscape::rules(120).unwrap(), Landscape::rules_in_two(120).unwrap()] {
        let calls = 1500 * landscape.program.calls_per_record() as u64;
        check_writer(&Gepa, &landscape, calls, 0.25);
        check_writer(&Protegi, &landscape, calls, 0.3);
    }
}

#[test]
fn scores_alone_guide_to_better_instructions() {
    let landscape = Landscape::rules(120).unwrap();
    check_writer(&Copro, &landscape, 2000, 0.05);
    check_writer(&Opro, &landscape, 2000, 0.07);
    check_writer(&Evolve(Variant::Genetic), &landscape, 2000, 0.1);
    check_writer(&Evolve(Variant::Differential), &landscape, 2000, 0.08);
}

#[test]
fn rules_are_induced_from_labelled_rows() {
    check_writer(&Rules, &Landscape::rules(120).unwrap(), 2000, 0.12);
}

#[test]
fn capo_evolves_demonstrations_with_the_instruction() {
    check_writer(&Capo, &Landscape::joint(120).unwrap(), 2000, 0.12);
    check_writer(&Capo, &Landscape::rules(120).unwrap(), 2000, 0.06);
}

#[test]
fn mipro_joins_demonstrations_and_instructions() {
    check_writer(&Mipro, &Landscape::joint(120).unwrap(), 2000, 0.1);
}

#[test]
fn simba_learns_from_disagreement() {
    check_writer(&Simba, &Landscape::rules(120).unwrap(), 2000, 0.08);
    check_writer(&Simba, &Landscape::joint(120).unwrap(), 2000, 0.08);
}

/// Random search for a shorter prompt: points that leave out half of it, each measured on all common rows.
struct RandomCuts;

impl Optimizer for RandomCuts {
    fn name(&self) -> &'static str {
        "random-cuts"
    }
    fn about(&self) -> &'static str {
        "measures random cuts in full"
    }
    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        lab.set_aim(crate::Aim::Brevity);
        lab.race(&[], 1)?;
        let space = Space::of_brevity(lab.program());
        let mut rng = lab.rng("random");
        loop {
            let point = space.spread(1, &mut rng).remove(0);
            let (candidate, how) = space.realize(lab.program(), &point, &mut rng);
            lab.register(&candidate, &[], how)?;
            let rows = lab.rows().to_vec();
            lab.evaluate(&[Trial { candidate, rows }])?;
        }
    }
}

/// The true loss of the best finalist and the share of the prompt that it saves, averaged over seeds.
fn cut(optimizer: &dyn Optimizer, calls: u64) -> (f64, f64) {
    let landscape = Landscape::wordy(120).unwrap();
    let written = landscape.worth(&Candidate::baseline());
    let (mut lost, mut saved) = (Vec::new(), Vec::new());
    for seed in 0..24 {
        let mut world = landscape.world(seed, calls);
        let mut lab = landscape.lab(seed, &mut world);
        let _ = optimizer.search(&mut lab);
        let best = lab.board().finalists(1).pop();
        let best = best.map_or_else(Candidate::baseline, |standing| standing.candidate);
        lost.push(written - landscape.worth(&best));
        let shorter = landscape.program.apply(&best).unwrap();
        #[expect(clippy::cast_precision_loss)]
        saved.push(1.0 - characters(&shorter) as f64 / characters(&landscape.program) as f64);
    }
    (mean(&lost), mean(&saved))
}

#[test]
fn compress_leaves_out_useless_parts() {
    let ((lost, saved), (lost_at_random, saved_at_random)) = (cut(&Compress, 2000), cut(&RandomCuts, 2000));
    println!(
        "compress on wordy: loses {lost:.3}, saves {saved:.2}; random cuts: {lost_at_random:.3}, {saved_at_random:.2}"
    );
    assert!(saved > saved_at_random + 0.05, "saves {saved}, at random {saved_at_random}");
    assert!(lost < 0.03, "loses {lost}, at random {lost_at_random}");
}

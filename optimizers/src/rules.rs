//! `rules`: induces rules from labelled rows and puts them after the instruction (DSPy's InferRules; first: Honovich et al.
//! 2022, "Instruction Induction", arXiv:2205.10782).
//!
//! The prompt shows rows of the pool with their labels, and the proposer lists rules that connect the two: sets of three, six
//! and ten rules from different rows. The sets race. Then the best set is improved without the proposer: a rule is dropped or
//! a rule of another set is added, as long as that beats the best.
//!
//! Cost: one question and a place in the race per set, at most 24 sets; then rounds of changes until they bring no gain or
//! the calls are spent. Use it if answers follow a convention that the instruction does not state. Modules in the middle of a
//! program get their rows from traces of teachers, as in [`bootstrap`](crate::bootstrap).

use std::collections::BTreeMap;

use proofmark_runtime::{Candidate, Module, Origin};
use rand::{RngExt, rngs::ChaCha8Rng, seq::IndexedRandom};

use crate::{
    Optimizer,
    bootstrap::ExamplePools,
    climb::climb,
    demos::ExamplePool,
    effects::{Event, Stop},
    lab::Lab,
    proposer::{Proposer, Query, instruction, prompt::Prompt, worded},
};

/// The greatest number of sets of rules in the race.
const SETS: usize = 24;
/// The number of rows that one set is induced from.
const ROWS: usize = 16;
/// The sizes of sets.
const SIZES: [usize; 3] = [6, 3, 10];
/// The number of sets that are measured on all common rows.
const KEEP: usize = 3;
/// Teachers get one call in `TEACHER_SHARE`, if some module needs traces.
const TEACHER_SHARE: u64 = 8;
/// The share of the calls that the race of sets gets, in percent; the changes get the rest.
const RACE_SHARE: u64 = 70;
/// The text before the rules.
const HEADING: &str = "\n\nKeep to these rules:\n";

/// The rules found for each module, by its name.
type Known = BTreeMap<String, Vec<String>>;

/// See the [module](self).
pub struct Rules;

impl Optimizer for Rules {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn about(&self) -> &'static str {
        "a proposer induces rules from labelled rows; sets of them race"
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        Proposer::run(lab, |lab, proposer| {
            let pools = ExamplePools::one_per_module(lab, TEACHER_SHARE)?;
            let mut rng = lab.rng("rules");
            let calls = lab.remaining_calls() * RACE_SHARE / 100;
            let sets = if pools.is_empty() { 0 } else { lab.affordable(&[], SETS, KEEP, calls) };
            lab.note(Event::Stage { name: format!("racing {sets} sets of rules") });
            let (candidates, known) = induced(lab, proposer, &pools, sets, &mut rng)?;
            let finalists = lab.race_within(&candidates, KEEP, calls)?;
            let modules = lab.program().modules();
            let step = |best: &Candidate, rng: &mut ChaCha8Rng| {
                let module = modules.choose(rng)?;
                let known = known.get(&module.name)?;
                change(best, module, known, rng)
            };
            climb(lab, &finalists, &step, &mut rng)
        })
    }
}

/// Asks for sets of rules, the modules in turn; returns a candidate for each set, and all rules by module.
fn induced(
    lab: &mut Lab<'_>,
    proposer: &mut Proposer,
    pools: &[ExamplePool],
    sets: usize,
    rng: &mut ChaCha8Rng,
) -> Result<(Vec<Candidate>, Known), Stop> {
    let program = lab.program();
    let mut modules: Vec<&Module> = Vec::with_capacity(sets);
    let mut queries = Vec::with_capacity(sets);
    for i in 0..sets {
        let pool = &pools[i % pools.len()];
        let size = SIZES[i / pools.len() % SIZES.len()];
        let Some(module) = program.module(&pool.module) else { continue };
        let prompt = Prompt::on(program, module)
            .instruction("Its instruction", &Candidate::baseline(), module)
            .section("What it should give", &shown(pool, rng));
        let task = "Work out the rules by which the outputs follow from the inputs. Only rules that the instruction \
                    does not state already and that hold for all inputs of a kind.";
        let prompt = prompt.wants_list(task, size);
        modules.push(module);
        queries.push(Query { purpose: "rules", prompt, temperature: 1.0, most: size });
    }
    let replies = proposer.consult(lab, &queries)?;
    let mut candidates = Vec::new();
    let mut known = Known::new();
    for (module, rules) in modules.into_iter().zip(replies) {
        let rules = proposer.unquoted(rules);
        let candidate = with_rules(&Candidate::baseline(), module, &rules);
        if !rules.is_empty() && proposer.admits(lab, &candidate, &rules.join("\n")) {
            lab.register(
                &candidate,
                &[&Candidate::baseline()],
                format!("{} rules for {}", rules.len(), module.name),
            )?;
            candidates.push(candidate);
            let list = known.entry(module.name.clone()).or_default();
            let new: Vec<String> = rules.into_iter().filter(|rule| !list.contains(rule)).collect();
            list.extend(new);
        }
    }
    Ok((candidates, known))
}

/// Draws rows of a pool and renders them for a prompt.
fn shown(pool: &ExamplePool, rng: &mut ChaCha8Rng) -> String {
    let mut blocks = Vec::new();
    for (i, row) in pool.draw(ROWS, rng).iter().enumerate() {
        let verb = if matches!(row.origin, Origin::Trace(_)) { "Gave" } else { "Wanted" };
        let inputs = row.inputs.iter().map(|(name, value)| format!("{name}: {value}"));
        let outputs = row.outputs.iter().map(|(name, value)| format!("{verb} {name}: {value}"));
        blocks.push(format!(
            "## Example {}\n{}",
            i + 1,
            inputs.chain(outputs).collect::<Vec<_>>().join("\n")
        ));
    }
    blocks.join("\n")
}

/// The candidate with these rules after its module's written instruction.
fn with_rules(candidate: &Candidate, module: &Module, rules: &[String]) -> Candidate {
    let written = &module.signature.instructions;
    let list: Vec<String> = rules.iter().map(|rule| format!("- {rule}")).collect();
    let text =
        if rules.is_empty() { written.clone() } else { format!("{written}{HEADING}{}", list.join("\n")) };
    worded(candidate, module, &text)
}

/// The rules of a candidate.
fn rules_of(candidate: &Candidate, module: &Module) -> Vec<String> {
    let text = instruction(candidate, module);
    let list = text.split_once(HEADING).map_or("", |(_, list)| list);
    list.lines().filter_map(|line| line.strip_prefix("- ")).map(str::to_owned).collect()
}

/// Drops, adds or replaces a random rule; returns the new candidate and a description.
fn change(
    best: &Candidate,
    module: &Module,
    known: &[String],
    rng: &mut ChaCha8Rng,
) -> Option<(Candidate, String)> {
    let mut rules = rules_of(best, module);
    let others: Vec<&String> = known.iter().filter(|rule| !rules.contains(rule)).collect();
    let dropped = rng.random_range(0..=rules.len());
    let out = (dropped < rules.len()).then(|| rules.remove(dropped));
    let take = out.is_none() || rng.random();
    let new = others.choose(rng).filter(|_| take).map(|&rule| rule.clone());
    rules.extend(new.clone());
    let how = match (out, new) {
        (None, None) => return None,
        (Some(_), None) => "a rule less",
        (None, Some(_)) => "a rule more",
        (Some(_), Some(_)) => "another rule",
    };
    Some((with_rules(best, module, &rules), format!("{}: {how}", module.name)))
}

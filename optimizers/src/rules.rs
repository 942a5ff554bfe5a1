//! `rules`: rules induced from labelled rows and put after the instruction (DSPy's InferRules; the idea is older: Honovich
//! et al. 2022, "Instruction Induction", arXiv:2205.10782).
//!
//! The proposer is shown rows of the pool with what they should give, and lists the rules that connect the two: sets of
//! three, six and ten rules from different rows. The sets race. Then the best is improved without the proposer: a rule is
//! left out, or one of another set is taken in, as long as that beats it.
//!
//! Cost: one question and a place in the race per set, at most 24 sets; then rounds of changes while the calls last and
//! bring something. Use it where answers follow a convention that the instruction leaves out. Modules in the middle of a
//! program get their rows from teachers' traces, as in [`bootstrap`](crate::bootstrap).

use std::collections::BTreeMap;

use proofmark_runtime::{Candidate, Module, Origin};
use rand::{RngExt, rngs::ChaCha8Rng, seq::IndexedRandom};

use crate::{
    Optimizer,
    bootstrap::Shelves,
    climb::climb,
    demos::Shelf,
    effects::{Event, Stop},
    lab::Lab,
    proposer::{Proposer, Question, instruction, prompt::Prompt, worded},
};

/// Most sets of rules that compete.
const SETS: usize = 24;
/// Rows that one set is induced from.
const ROWS: usize = 16;
/// Sizes of sets.
const SIZES: [usize; 3] = [6, 3, 10];
/// Sets that are measured on all common rows.
const KEEP: usize = 3;
/// Teachers get one in so many calls, where labels do not serve every module.
const TEACHER_SHARE: u64 = 8;
/// Sets and their race get so many hundredths of the calls, the changes the rest.
const RACE_SHARE: u64 = 70;
/// What stands before the rules.
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
            let shelves = Shelves::one_each(lab, TEACHER_SHARE)?;
            let mut rng = lab.rng("rules");
            let calls = lab.remaining_calls() * RACE_SHARE / 100;
            let sets = if shelves.is_empty() { 0 } else { lab.affordable((&[], SETS), KEEP, calls) };
            lab.note(Event::Stage { name: format!("racing {sets} sets of rules") });
            let (candidates, known) = induced(lab, proposer, (&shelves, sets), &mut rng)?;
            let finalists = lab.race_within(&candidates, KEEP, calls)?;
            let modules = lab.program().modules();
            let step = |best: &Candidate, rng: &mut ChaCha8Rng| {
                let module = modules.choose(rng)?;
                let known = known.get(&module.name)?;
                change((best, module), known, rng)
            };
            climb(lab, &finalists, &step, &mut rng)
        })
    }
}

/// Candidates with one set of rules each, a module's in turn, and all rules by module.
fn induced(
    lab: &mut Lab<'_>,
    proposer: &mut Proposer,
    (shelves, sets): (&[Shelf], usize),
    rng: &mut ChaCha8Rng,
) -> Result<(Vec<Candidate>, Known), Stop> {
    let program = lab.program();
    let turns: Vec<(&Shelf, usize)> =
        (0..sets).map(|i| (&shelves[i % shelves.len()], SIZES[i / shelves.len() % SIZES.len()])).collect();
    let modules: Vec<&Module> = turns.iter().filter_map(|(shelf, _)| program.module(&shelf.module)).collect();
    let questions: Vec<Question> = turns
        .iter()
        .zip(&modules)
        .map(|(&(shelf, size), module)| {
            let prompt = Prompt::on(program, module)
                .instruction("Its instruction", &Candidate::baseline(), module)
                .section("What it should give", &shown(shelf, rng));
            let task = "Work out the rules by which the outputs follow from the inputs. Only rules that the instruction \
                        does not state already and that hold for all inputs of a kind.";
            Question { purpose: "rules", prompt: prompt.wants_list(task, size), temperature: 1.0, most: size }
        })
        .collect();
    let replies = proposer.consult(lab, &questions)?;
    let mut candidates = Vec::new();
    let mut known = Known::new();
    for (module, rules) in modules.into_iter().zip(replies) {
        let rules = proposer.unquoted(rules);
        let candidate = with_rules(&Candidate::baseline(), module, &rules);
        if !rules.is_empty() && proposer.admits(lab, &candidate, &rules.join("\n")) {
            lab.born(
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

/// Rows of a shelf in words.
fn shown(shelf: &Shelf, rng: &mut ChaCha8Rng) -> String {
    let rows = shelf.draw(ROWS, rng);
    let told = rows.iter().enumerate().map(|(i, row)| {
        let verb = if matches!(row.origin, Origin::Trace(_)) { "Gave" } else { "Wanted" };
        let inputs = row.inputs.iter().map(|(name, value)| format!("{name}: {value}"));
        let outputs = row.outputs.iter().map(|(name, value)| format!("{verb} {name}: {value}"));
        format!("## Example {}\n{}", i + 1, inputs.chain(outputs).collect::<Vec<_>>().join("\n"))
    });
    told.collect::<Vec<_>>().join("\n")
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

/// The candidate with a rule less, a rule more, or a rule in another's place.
fn change(
    (best, module): (&Candidate, &Module),
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

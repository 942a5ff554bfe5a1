//! Options: the instructions and sets of demonstrations that a point selects from.
//!
//! **Invariant:** the first option of every dimension is the task as written, and every dimension has at least one more.

use proofmark_runtime::{Candidate, Demonstration, Example, Module, Program};
use rand::{rngs::ChaCha8Rng, seq::IndexedRandom};

use crate::{
    demos::{ExamplePool, showing},
    effects::{Event, Stop},
    lab::Lab,
    proposer::{
        Proposer, Query, Rewrite,
        cases::{RowSampler, labelled},
        instruction,
        prompt::Prompt,
        worded,
    },
};

/// The number of instructions that are written for each module.
const INSTRUCTIONS: usize = 6;
/// The number of sets that are drawn for each module.
const SETS: usize = 6;
/// The number of rows that a question about the data shows.
const LOOK: usize = 10;
/// The number of questions about the data.
const LOOKS: usize = 2;
/// The number of demonstrations that a question for an instruction shows.
const SHOWN: usize = 3;
/// Questions get at most one call in `QUESTION_SHARE`.
const QUESTION_SHARE: u64 = 8;
/// The tips that questions for instructions end with, in turn.
const TIPS: [&str; 6] = [
    "",
    " Be inventive: say it in a way that has not been tried.",
    " Keep it short and simple.",
    " Be thorough: describe the step and its pitfalls.",
    " Say what is at stake if the answer is wrong.",
    " Begin with the role that the model should take.",
];

/// All options.
pub(super) struct Options {
    dimensions: Vec<OptionList>,
}

/// One dimension: the options of one module's instruction or demonstrations.
struct OptionList {
    module: String,
    /// The options after the first one, the task as written.
    choices: Vec<PromptPart>,
}

/// One option.
enum PromptPart {
    /// An instruction.
    Say(String),
    /// A set of demonstrations, with its description.
    Show { set: Vec<Demonstration>, phrase: String },
}

/// The material for questions about one module.
struct Grounding<'g> {
    module: &'g Module,
    /// A summary of the data; empty if there is none.
    summary: &'g str,
    /// The sets of demonstrations to show some of.
    sets: &'g [PromptPart],
}

impl Options {
    /// Draws sets from pools of each kind, and asks for instructions.
    pub(super) fn propose(
        lab: &mut Lab<'_>,
        proposer: &mut Proposer,
        kinds: &[(&'static str, Vec<ExamplePool>)],
        rng: &mut ChaCha8Rng,
    ) -> Result<Self, Stop> {
        let modules = lab.program().modules();
        let calls = usize::try_from(lab.remaining_calls() / QUESTION_SHARE).unwrap_or(usize::MAX);
        let each = (calls.saturating_sub(LOOKS + 1) / modules.len().max(1)).min(INSTRUCTIONS);
        let summary = if each > 0 { summary(lab, proposer)? } else { String::new() };
        let mut dimensions = Vec::new();
        for module in modules {
            let sets = sets(module, kinds, rng);
            let grounding = Grounding { module, summary: &summary, sets: &sets };
            let written = instructions(lab, proposer, &grounding, each, rng)?;
            for choices in [sets, written] {
                if !choices.is_empty() {
                    dimensions.push(OptionList { module: module.name.clone(), choices });
                }
            }
        }
        Ok(Self { dimensions })
    }

    /// The number of options of each dimension.
    pub(super) fn sizes(&self) -> Vec<usize> {
        self.dimensions.iter().map(|dimension| dimension.choices.len() + 1).collect()
    }

    /// The number of combinations.
    pub(super) fn points(&self) -> usize {
        self.sizes().into_iter().fold(1, usize::saturating_mul)
    }

    /// The combination with this number.
    pub(super) fn point(&self, mut number: usize) -> Vec<usize> {
        let mut point = Vec::with_capacity(self.dimensions.len());
        for size in self.sizes() {
            point.push(number % size);
            number /= size;
        }
        point
    }

    /// The candidate of a combination.
    pub(super) fn candidate(&self, program: &Program, point: &[usize]) -> Candidate {
        let mut candidate = Candidate::baseline();
        for (dimension, choice) in self.chosen(point) {
            candidate = match choice {
                PromptPart::Show { set, .. } => showing(candidate, &dimension.module, set.clone()),
                PromptPart::Say(text) => match program.module(&dimension.module) {
                    Some(module) => worded(&candidate, module, text),
                    None => candidate,
                },
            };
        }
        candidate
    }

    /// A description of a combination.
    pub(super) fn phrase(&self, point: &[usize]) -> String {
        let words = self.chosen(point).map(|(dimension, choice)| match choice {
            PromptPart::Say(_) => format!("another instruction for {}", dimension.module),
            PromptPart::Show { phrase, .. } => format!("{phrase} for {}", dimension.module),
        });
        let words = words.collect::<Vec<_>>().join("; ");
        if words.is_empty() { "as written".into() } else { words }
    }

    /// The options of a combination that are not as written, each with its dimension.
    fn chosen<'o>(&'o self, point: &'o [usize]) -> impl Iterator<Item = (&'o OptionList, &'o PromptPart)> {
        let pairs = self.dimensions.iter().zip(point);
        pairs.filter_map(|(dimension, &option)| {
            Some((dimension, dimension.choices.get(option.checked_sub(1)?)?))
        })
    }
}

/// Asks the proposer to describe some rows of the pool and to sum up; empty if there is no readable reply.
fn summary(lab: &mut Lab<'_>, proposer: &mut Proposer) -> Result<String, Stop> {
    lab.note(Event::Stage { name: "describing the data".into() });
    let mut sampler = RowSampler::new(lab, "mipro rows");
    let look = "Describe what these examples have in common and in what they differ: topics, style, length, how inputs and \
                outputs hang together. Three sentences.";
    let words = |prompt: Prompt| Query { purpose: "summary", prompt, temperature: 0.7, most: 1 };
    let mut queries = Vec::with_capacity(LOOKS);
    for _ in 0..LOOKS {
        let rows: Vec<&Example> = sampler.next_rows(LOOK).iter().filter_map(|id| lab.example(id)).collect();
        queries.push(words(Prompt::new().section("Examples", &labelled(&rows)).wants_words(look)));
    }
    let seen = proposer.consult(lab, &queries)?.concat();
    if seen.is_empty() {
        return Ok(String::new());
    }
    let prompt = Prompt::new().section("Observations", &seen.join("\n\n"));
    let task = "Sum up these observations about the data of one task in two or three sentences.";
    Ok(proposer.consult(lab, &[words(prompt.wants_words(task))])?.concat().pop().unwrap_or_default())
}

/// Draws sets of demonstrations for a module, the kinds in turn and in several sizes.
fn sets(
    module: &Module,
    kinds: &[(&'static str, Vec<ExamplePool>)],
    rng: &mut ChaCha8Rng,
) -> Vec<PromptPart> {
    let pools: Vec<(&str, &ExamplePool)> = kinds
        .iter()
        .flat_map(|(kind, pools)| pools.iter().map(move |pool| (*kind, pool)))
        .filter(|(_, pool)| pool.module == module.name)
        .collect();
    let mut sets = Vec::new();
    for i in 0..SETS {
        let Some((kind, pool)) = pools.get(i % pools.len().max(1)) else { break };
        let sizes = pool.sizes();
        let Some(&size) = sizes.get(i / pools.len() % sizes.len().max(1)) else { continue };
        let set = pool.draw(size, rng);
        let phrase = format!("{} ({kind}, draw {})", pool.phrase(set.len()), i + 1);
        sets.push(PromptPart::Show { set, phrase });
    }
    sets
}

/// Asks for instructions for a module, each with other demonstrations and another tip.
fn instructions(
    lab: &mut Lab<'_>,
    proposer: &mut Proposer,
    grounding: &Grounding<'_>,
    count: usize,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<PromptPart>, Stop> {
    let Grounding { module, summary, sets } = *grounding;
    lab.note(Event::Stage { name: format!("writing {count} instructions for {}", module.name) });
    let written = Candidate::baseline();
    let mut rewrites = Vec::with_capacity(count);
    for i in 0..count {
        let mut prompt = Prompt::on(lab.program(), module);
        if !summary.is_empty() {
            prompt = prompt.section("The data", summary);
        }
        if let Some(PromptPart::Show { set, .. }) = sets.choose(rng) {
            prompt = prompt.section("Examples of this step", &rendered(&set[..set.len().min(SHOWN)]));
        }
        let task = format!("Write a better instruction for this step.{}", TIPS[i % TIPS.len()]);
        let prompt = prompt.instruction("Its instruction", &written, module).wants_instruction(&task);
        rewrites.push(Rewrite {
            query: Query { purpose: "instruction", prompt, temperature: 1.0, most: 1 },
            base: &written,
            module,
            parents: vec![&written],
            how: "a grounded proposal".into(),
        });
    }
    let drafts = proposer.rewrite(lab, &rewrites)?;
    Ok(drafts.iter().map(|draft| PromptPart::Say(instruction(&draft.candidate, module).to_owned())).collect())
}

/// Renders demonstrations for a prompt.
fn rendered(set: &[Demonstration]) -> String {
    let mut blocks = Vec::with_capacity(set.len());
    for (i, demonstration) in set.iter().enumerate() {
        let pairs = demonstration.inputs.iter().chain(demonstration.outputs.iter());
        let lines: Vec<String> = pairs.map(|(name, value)| format!("{name}: {value}")).collect();
        blocks.push(format!("## Example {}\n{}", i + 1, lines.join("\n")));
    }
    blocks.join("\n")
}

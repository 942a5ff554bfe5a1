//! Options: the instructions and sets of demonstrations that a point picks from.
//!
//! **Invariant:** the first option of every dimension is the task as written, and there is no dimension without another.

use proofmark_runtime::{Candidate, Demonstration, Example, Module, Program};
use rand::{rngs::ChaCha8Rng, seq::IndexedRandom};

use crate::{
    demos::{Shelf, showing},
    effects::{Event, Stop},
    lab::Lab,
    proposer::{
        Proposer, Question, Rewrite,
        cases::{Deck, labelled},
        instruction,
        prompt::Prompt,
        worded,
    },
};

/// Instructions written for each module.
const INSTRUCTIONS: usize = 6;
/// Sets drawn for each module.
const SETS: usize = 6;
/// Rows that the proposer looks at at once, to describe the data.
const LOOK: usize = 10;
/// How often it looks.
const LOOKS: usize = 2;
/// Demonstrations that a question shows.
const SHOWN: usize = 3;
/// Questions get at most one in so many calls.
const QUESTION_SHARE: u64 = 8;
/// What a question asks for beside, at random.
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
    dimensions: Vec<Dimension>,
}

/// One choice to be made for one module.
struct Dimension {
    module: String,
    /// Beside the task as written.
    choices: Vec<Choice>,
}

enum Choice {
    Say(String),
    Show { set: Vec<Demonstration>, phrase: String },
}

impl Options {
    /// Draws sets from shelves of each kind, and has instructions written.
    pub(super) fn propose(
        lab: &mut Lab<'_>,
        proposer: &mut Proposer,
        kinds: &[(&'static str, Vec<Shelf>)],
        rng: &mut ChaCha8Rng,
    ) -> Result<Self, Stop> {
        let modules = lab.program().modules();
        let calls = usize::try_from(lab.remaining_calls() / QUESTION_SHARE).unwrap_or(usize::MAX);
        let each = (calls.saturating_sub(LOOKS + 1) / modules.len().max(1)).min(INSTRUCTIONS);
        let summary = if each > 0 { summary(lab, proposer)? } else { String::new() };
        let mut dimensions = Vec::new();
        for module in modules {
            let sets = sets(module, kinds, rng);
            let said = instructions(lab, proposer, (module, &summary, &sets, each), rng)?;
            for choices in [sets, said] {
                if !choices.is_empty() {
                    dimensions.push(Dimension { module: module.name.clone(), choices });
                }
            }
        }
        Ok(Self { dimensions })
    }

    /// How many options each dimension has.
    pub(super) fn sizes(&self) -> Vec<usize> {
        self.dimensions.iter().map(|dimension| dimension.choices.len() + 1).collect()
    }

    /// How many combinations there are.
    pub(super) fn points(&self) -> usize {
        self.sizes().into_iter().fold(1, usize::saturating_mul)
    }

    /// The combination of that number.
    pub(super) fn point(&self, mut number: usize) -> Vec<usize> {
        let mut digit = |size: usize| {
            let digit = number % size;
            number /= size;
            digit
        };
        self.sizes().into_iter().map(&mut digit).collect()
    }

    /// The candidate of a combination.
    pub(super) fn candidate(&self, program: &Program, point: &[usize]) -> Candidate {
        let lay = |candidate: Candidate, (dimension, choice): (&Dimension, &Choice)| match choice {
            Choice::Show { set, .. } => showing(candidate, &dimension.module, set.clone()),
            Choice::Say(text) => match program.module(&dimension.module) {
                Some(module) => worded(&candidate, module, text),
                None => candidate,
            },
        };
        self.chosen(point).fold(Candidate::baseline(), lay)
    }

    /// A combination in words.
    pub(super) fn phrase(&self, point: &[usize]) -> String {
        let words = self.chosen(point).map(|(dimension, choice)| match choice {
            Choice::Say(_) => format!("another instruction for {}", dimension.module),
            Choice::Show { phrase, .. } => format!("{phrase} for {}", dimension.module),
        });
        let words = words.collect::<Vec<_>>().join("; ");
        if words.is_empty() { "as written".into() } else { words }
    }

    fn chosen<'o>(&'o self, point: &'o [usize]) -> impl Iterator<Item = (&'o Dimension, &'o Choice)> {
        let pairs = self.dimensions.iter().zip(point);
        pairs.filter_map(|(dimension, &option)| {
            Some((dimension, dimension.choices.get(option.checked_sub(1)?)?))
        })
    }
}

/// What the data look like, in the proposer's words: it looks at some rows of the pool, then sums up.
fn summary(lab: &mut Lab<'_>, proposer: &mut Proposer) -> Result<String, Stop> {
    lab.note(Event::Stage { name: "describing the data".into() });
    let mut deck = Deck::new(lab, "mipro rows");
    let look = "Describe what these examples have in common and in what they differ: topics, style, length, how inputs and \
                outputs hang together. Three sentences.";
    let words = |prompt: Prompt| Question { purpose: "summary", prompt, temperature: 0.7, most: 1 };
    let questions: Vec<Question> = (0..LOOKS)
        .map(|_| {
            let rows: Vec<&Example> = deck.deal(LOOK).iter().filter_map(|id| lab.example(id)).collect();
            words(Prompt::new().section("Examples", &labelled(&rows)).wants_words(look))
        })
        .collect();
    let seen = proposer.consult(lab, &questions)?.concat();
    if seen.is_empty() {
        return Ok(String::new());
    }
    let prompt = Prompt::new().section("Observations", &seen.join("\n\n"));
    let task = "Sum up these observations about the data of one task in two or three sentences.";
    Ok(proposer.consult(lab, &[words(prompt.wants_words(task))])?.concat().pop().unwrap_or_default())
}

/// Sets of demonstrations for a module, of the kinds in turn and of several sizes.
fn sets(module: &Module, kinds: &[(&'static str, Vec<Shelf>)], rng: &mut ChaCha8Rng) -> Vec<Choice> {
    let shelves: Vec<(&str, &Shelf)> = kinds
        .iter()
        .flat_map(|(kind, shelves)| shelves.iter().map(move |shelf| (*kind, shelf)))
        .filter(|(_, shelf)| shelf.module == module.name)
        .collect();
    let draw = |i: usize| {
        let (kind, shelf) = shelves.get(i % shelves.len().max(1))?;
        let sizes = shelf.sizes();
        let set = shelf.draw(*sizes.get(i / shelves.len() % sizes.len().max(1))?, rng);
        let phrase = format!("{} ({kind}, draw {})", shelf.phrase(set.len()), i + 1);
        Some(Choice::Show { set, phrase })
    };
    (0..SETS).filter_map(draw).collect()
}

/// Instructions for a module, each written with other demonstrations and another tip.
fn instructions(
    lab: &mut Lab<'_>,
    proposer: &mut Proposer,
    (module, summary, sets, count): (&Module, &str, &[Choice], usize),
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Choice>, Stop> {
    lab.note(Event::Stage { name: format!("writing {count} instructions for {}", module.name) });
    let written = Candidate::baseline();
    let rewrites: Vec<Rewrite<'_>> = (0..count)
        .map(|i| {
            let mut prompt = Prompt::on(lab.program(), module);
            if !summary.is_empty() {
                prompt = prompt.section("The data", summary);
            }
            if let Some(Choice::Show { set, .. }) = sets.choose(rng) {
                prompt = prompt.section("Examples of this step", &told(&set[..set.len().min(SHOWN)]));
            }
            let task = format!("Write a better instruction for this step.{}", TIPS[i % TIPS.len()]);
            let prompt = prompt.instruction("Its instruction", &written, module).wants_instruction(&task);
            Rewrite {
                question: Question { purpose: "instruction", prompt, temperature: 1.0, most: 1 },
                base: &written,
                module,
                parents: vec![&written],
                how: "a grounded proposal".into(),
            }
        })
        .collect();
    let drafts = proposer.rewrite(lab, &rewrites)?;
    Ok(drafts.iter().map(|draft| Choice::Say(instruction(&draft.candidate, module).to_owned())).collect())
}

fn told(set: &[Demonstration]) -> String {
    let one = |(i, demonstration): (usize, &Demonstration)| {
        let pairs = demonstration.inputs.iter().chain(demonstration.outputs.iter());
        let lines: Vec<String> = pairs.map(|(name, value)| format!("{name}: {value}")).collect();
        format!("## Example {}\n{}", i + 1, lines.join("\n"))
    };
    set.iter().enumerate().map(one).collect::<Vec<_>>().join("\n")
}

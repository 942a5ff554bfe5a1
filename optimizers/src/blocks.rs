//! Building blocks: sentences for an instruction, made from a module's signature and the pool without any language model.
//!
//! **Invariant:** a block states only facts of the signature or of the pool's rows. It never quotes a row.

use proofmark_runtime::{Demonstration, Field, Module, Type, prompt::label};

use crate::{
    demos::{ExamplePool, answer},
    words,
};

/// The number of telling words per answer.
const WORDS: usize = 4;
/// The greatest number of answers that are listed or described.
const MOST_ANSWERS: usize = 40;
/// The share of the pool's rows, in percent, that must agree before a block states the fact.
const ALMOST_ALL: usize = 90;

/// A sentence that may be added to an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The sentence.
    pub text: String,
    /// Its effect, for the report: "lists the choices".
    pub does: &'static str,
}

/// The blocks for a module; `pool` has its demonstrations.
pub fn blocks(module: &Module, pool: Option<&ExamplePool>) -> Vec<Block> {
    let signature = module.effective();
    let block = |does: &'static str, text: Option<String>| text.map(|text| Block { text, does });
    let [output] = module.signature.outputs.as_slice() else { return Vec::new() };
    let name = label(&output.name).to_lowercase();
    let rows: Vec<&Demonstration> = pool.into_iter().flat_map(ExamplePool::demonstrations).collect();
    let input =
        signature.inputs.first().map_or_else(|| "input".into(), |field| label(&field.name).to_lowercase());
    [
        block("asks for the answer only", Some(format!("Answer with the {name} only."))),
        block("lists the choices", list(output)),
        block("names telling words", telling(&rows)),
        block(
            "asks for the best fit",
            choices(output).map(|_| format!("Choose the {name} that fits the {input} best.")),
        ),
        block(
            "asks to copy",
            copied(&rows).then(|| format!("Copy the {name} from the {input} word for word.")),
        ),
        block("says how long", length(output, &rows).map(|n| format!("Use at most {n} words."))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The shortest whole instruction, made from the names of the fields.
pub fn shortest(module: &Module) -> Option<Block> {
    let [output] = module.signature.outputs.as_slice() else { return None };
    let inputs: Vec<_> =
        module.signature.inputs.iter().map(|field| label(&field.name).to_lowercase()).collect();
    let name = label(&output.name).to_lowercase();
    let text = match output.ty {
        Type::Choice(_) => format!("Which {name} fits this {}?", inputs.join(" and ")),
        _ => format!("Give the {name} for this {}.", inputs.join(" and ")),
    };
    Some(Block { text, does: "says it in one line" })
}

/// The choices of an output, if there are not too many to list.
fn choices(output: &Field) -> Option<&[String]> {
    match &output.ty {
        Type::Choice(choices) if choices.len() <= MOST_ANSWERS => Some(choices),
        _ => None,
    }
}

/// A sentence that lists the choices.
fn list(output: &Field) -> Option<String> {
    let choices = choices(output)?;
    Some(format!("The {} is one of: {}.", label(&output.name).to_lowercase(), choices.join(", ")))
}

/// A sentence with one clause per answer: the words that distinguish it from the others.
fn telling(rows: &[&Demonstration]) -> Option<String> {
    let pairs: Vec<(String, String)> = rows.iter().map(|row| (input(row), answer(row))).collect();
    let telling = words::telling(&pairs, WORDS);
    if telling.is_empty() || telling.len() > MOST_ANSWERS {
        return None;
    }
    let clauses: Vec<_> =
        telling.iter().map(|(answer, words)| format!("{answer}: {}", words.join(", "))).collect();
    Some(format!("Words that tell: {}.", clauses.join("; ")))
}

/// Whether almost all answers are part of their input.
fn copied(rows: &[&Demonstration]) -> bool {
    let stands = |row: &&&Demonstration| {
        let answer = answer(row);
        !answer.is_empty() && input(row).contains(&answer)
    };
    !rows.is_empty() && rows.iter().filter(stands).count() * 100 >= rows.len() * ALMOST_ALL
}

/// The number of words that almost all answers stay within, if the output is text.
fn length(output: &Field, rows: &[&Demonstration]) -> Option<usize> {
    if output.ty != Type::Text || rows.is_empty() {
        return None;
    }
    let mut lengths: Vec<usize> = rows.iter().map(|row| answer(row).split_whitespace().count()).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() * ALMOST_ALL / 100).copied().filter(|&n| n > 0)
}

/// The inputs of a demonstration as one text.
fn input(row: &Demonstration) -> String {
    row.inputs.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landscape::Landscape;
    use proofmark_runtime::{Example, ExampleId, Program, Record, Signature};
    use std::collections::BTreeMap;

    fn texts(blocks: &[Block]) -> Vec<&str> {
        blocks.iter().map(|block| block.text.as_str()).collect()
    }

    #[test]
    fn choices_are_listed_with_telling_words() {
        let landscape = Landscape::instruction(120).unwrap();
        let pool = ExamplePool::labelled(&landscape.program, landscape.train.examples().iter()).remove(0);
        let blocks = blocks(&landscape.program.modules()[0], Some(&pool));
        let texts = texts(&blocks);
        assert_eq!(texts[0], "Answer with the team only.");
        assert_eq!(texts[1], "The team is one of: billing, shipping, returns, account, technical, sales.");
        assert!(
            texts[2].starts_with("Words that tell: account: ") && texts[2].contains("; sales: "),
            "{}",
            texts[2]
        );
        assert_eq!(texts[3], "Choose the team that fits the message best.");
        assert_eq!(texts.len(), 4);
    }

    #[test]
    fn text_outputs_are_described_from_the_rows() {
        let signature = Signature {
            instructions: "Find the name.".into(),
            inputs: vec![Field::new("line", Type::Text)],
            outputs: vec![Field::new("full_name", Type::Text)],
        };
        let program = Program::single("find", "predict", signature, vec![]).unwrap();
        let rows: Vec<Example> = (0..10)
            .map(|i| Example {
                id: ExampleId(i.to_string()),
                inputs: Record::new().with("line", format!("from Ann {i} Lee today")),
                outputs: Record::new().with("full_name", format!("Ann {i} Lee")),
                slices: BTreeMap::new(),
            })
            .collect();
        let pool = ExamplePool::labelled(&program, rows.iter()).remove(0);
        let module = &program.modules()[0];
        assert_eq!(
            texts(&blocks(module, Some(&pool))),
            [
                "Answer with the full name only.",
                "Copy the full name from the line word for word.",
                "Use at most 3 words."
            ]
        );
        assert_eq!(texts(&blocks(module, None)), ["Answer with the full name only."]);
        assert_eq!(shortest(module).unwrap().text, "Give the full name for this line.");
    }
}

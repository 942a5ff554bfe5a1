//! Building blocks: sentences for an instruction that follow from a module's signature and from the pool, written
//! without any language model.
//!
//! **Invariant:** a block says only what the signature or the pool's rows say. It never quotes a row.

use proofmark_runtime::{Demonstration, Field, Module, Type, prompt::label};

use crate::{
    demos::{Shelf, answer},
    words,
};

/// Telling words per answer.
const WORDS: usize = 4;
/// Most answers that are listed or described.
const MOST_ANSWERS: usize = 40;
/// Share of the pool's rows that must agree before a block says so, in parts of 100.
const ALMOST_ALL: usize = 90;

/// A sentence that may be added to an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The sentence.
    pub text: String,
    /// What it does, for the report: "lists the choices".
    pub does: &'static str,
}

/// The blocks for a module; `shelf` is what the pool offers it.
pub fn blocks(module: &Module, shelf: Option<&Shelf>) -> Vec<Block> {
    let signature = module.effective();
    let block = |does: &'static str, text: Option<String>| text.map(|text| Block { text, does });
    let [output] = module.signature.outputs.as_slice() else { return Vec::new() };
    let name = label(&output.name).to_lowercase();
    let rows: Vec<&Demonstration> = shelf.into_iter().flat_map(Shelf::demonstrations).collect();
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

/// A whole instruction in the fewest words, made from the names of the fields.
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

fn choices(output: &Field) -> Option<&[String]> {
    match &output.ty {
        Type::Choice(choices) if choices.len() <= MOST_ANSWERS => Some(choices),
        _ => None,
    }
}

fn list(output: &Field) -> Option<String> {
    let choices = choices(output)?;
    Some(format!("The {} is one of: {}.", label(&output.name).to_lowercase(), choices.join(", ")))
}

/// One clause per answer with the words that tell it from the others.
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

/// Whether almost all answers stand in their input.
fn copied(rows: &[&Demonstration]) -> bool {
    let stands = |row: &&&Demonstration| {
        let answer = answer(row);
        !answer.is_empty() && input(row).contains(&answer)
    };
    !rows.is_empty() && rows.iter().filter(stands).count() * 100 >= rows.len() * ALMOST_ALL
}

/// The length that almost all answers keep, in words, if the output is text.
fn length(output: &Field, rows: &[&Demonstration]) -> Option<usize> {
    if output.ty != Type::Text || rows.is_empty() {
        return None;
    }
    let mut lengths: Vec<usize> = rows.iter().map(|row| answer(row).split_whitespace().count()).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() * ALMOST_ALL / 100).copied().filter(|&n| n > 0)
}

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
    fn a_choice_is_listed_and_told_by_words() {
        let landscape = Landscape::instruction(120).unwrap();
        let shelf = Shelf::labelled(&landscape.program, landscape.train.examples().iter()).remove(0);
        let blocks = blocks(&landscape.program.modules()[0], Some(&shelf));
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
    fn text_outputs_are_described_by_what_the_rows_do() {
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
        let shelf = Shelf::labelled(&program, rows.iter()).remove(0);
        let module = &program.modules()[0];
        assert_eq!(
            texts(&blocks(module, Some(&shelf))),
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

//! The planted landscapes. Their numbers are invented, but follow a small real model that routes messages: the task as
//! written is poor, one demonstration per answer helps much, more of them hurt, and the choice of them matters.

use std::collections::{BTreeMap, BTreeSet};

use proofmark_runtime::{
    Calibration, Demonstration, Example, ExampleId, Field, Module, Origin, Output, Program, Record,
    Signature, Source, Type,
    program::{Parts, Unsound},
};

use super::{ALIKE, Chance, Landscape, Worth, uniform};
use crate::{demos::answer, visible::Visible};

const TEAMS: [&str; 6] = ["billing", "shipping", "returns", "account", "technical", "sales"];
const WORDS: [[&str; 4]; 6] = [
    ["invoice", "charged", "payment", "receipt"],
    ["parcel", "courier", "delivery", "tracking"],
    ["refund", "exchange", "unsuitable", "label"],
    ["password", "login", "profile", "email"],
    ["crash", "error", "update", "screen"],
    ["discount", "quote", "bulk", "upgrade"],
];
const FILLER: [&str; 8] = ["hello", "please", "my", "the", "yesterday", "again", "about", "thanks"];

impl Landscape {
    /// Demonstrations decide: every answer helps by the quality of its best demonstration, and more than one and a half
    /// demonstrations per answer hurt.
    ///
    /// # Errors
    /// None: the program is sound.
    pub fn demonstrations(rows: usize) -> Result<Self, Vec<Unsound>> {
        let worth = |program: &Program| 0.2 + shown_worth(&program.modules()[0].demonstrations);
        Self::routing("demonstrations", rows, worth)
    }

    /// The instruction decides: a sentence of the task as written does harm; a list of the choices helps, and so does a
    /// request for the choice only.
    ///
    /// # Errors
    /// None: the program is sound.
    pub fn instruction(rows: usize) -> Result<Self, Vec<Unsound>> {
        let worth = |program: &Program| 0.4 + instruction_worth(&program.modules()[0].signature.instructions);
        Self::routing("instruction", rows, worth)
    }

    /// Everything decides together: demonstrations, instruction, and calibration, which helps only with demonstrations.
    ///
    /// # Errors
    /// None: the program is sound.
    pub fn joint(rows: usize) -> Result<Self, Vec<Unsound>> {
        let worth = |program: &Program| {
            let module = &program.modules()[0];
            let shown = shown_worth(&module.demonstrations);
            let calibrated = module.calibration == Calibration::Contextual;
            let calibration = if calibrated && shown > 0.0 { 0.12 } else { 0.0 };
            0.2 + 0.7 * shown + 0.5 * instruction_worth(&module.signature.instructions) + calibration
        };
        Self::routing("joint", rows, worth)
    }

    /// Nothing decides: all candidates have the same true score. A gain that a search reports here is noise.
    ///
    /// # Errors
    /// None: the program is sound.
    pub fn flat(rows: usize) -> Result<Self, Vec<Unsound>> {
        Self::routing("flat", rows, |_| 0.5)
    }

    /// Two modules: the first takes a note of the message, the second routes the note. The demonstrations of both modules help;
    /// those of the first can only come from traces.
    ///
    /// # Errors
    /// None: the program is sound.
    pub fn modules(rows: usize) -> Result<Self, Vec<Unsound>> {
        let worth = |program: &Program| {
            let notes = &program.modules()[0].demonstrations;
            #[expect(clippy::cast_precision_loss, reason = "a handful")]
            let noted = 0.08 * notes.len().min(3) as f64;
            0.3 + noted + 0.6 * shown_worth(&program.modules()[1].demonstrations)
        };
        let landscape = Self::routing("modules", rows, worth)?;
        Ok(Self { program: two_modules()?, ..landscape })
    }

    /// Rules decide, one per answer: a row is mostly wrong unless the instruction has the rule of its answer. The metric's
    /// remark on a wrong answer is that rule, so a search that reads remarks finds the rules, and others only by luck.
    ///
    /// # Errors
    /// None: the program is sound.
    pub fn rules(rows: usize) -> Result<Self, Vec<Unsound>> {
        let chances = |program: &Program| {
            let text = &program.modules()[0].signature.instructions;
            by_team(|team| text.contains(&rule(team)), &[text])
        };
        Ok(Self { remark: Some(remark), ..Self::routing("rules", rows, chances)? })
    }

    /// Like [`Landscape::rules`] with two modules: half of the rules belong in the first module's instruction.
    ///
    /// # Errors
    /// None: the program is sound.
    pub fn rules_in_two(rows: usize) -> Result<Self, Vec<Unsound>> {
        let chances = |program: &Program| {
            let texts: Vec<&String> =
                program.modules().iter().map(|module| &module.signature.instructions).collect();
            by_team(|team| texts[usize::from(team >= TEAMS.len() / 2)].contains(&rule(team)), &texts)
        };
        let landscape = Self::routing("rules in two", rows, chances)?;
        Ok(Self { program: two_modules()?, remark: Some(remark), ..landscape })
    }

    /// The prompt is longer than necessary: it has two demonstrations per answer, and one is enough; only one sentence of its
    /// instruction matters. A search can find a shorter prompt here, but no higher score.
    ///
    /// # Errors
    /// None: the program is sound.
    pub fn wordy(rows: usize) -> Result<Self, Vec<Unsound>> {
        let worth = |program: &Program| {
            let module = &program.modules()[0];
            let answers: BTreeSet<String> = module.demonstrations.iter().map(answer).collect();
            let says = module.signature.instructions.contains("whole company");
            0.3 + 0.06 * count(answers.len()) + if says { 0.1 } else { 0.0 }
        };
        let mut signature = signature("message");
        signature.instructions = "Please read the message carefully. It was written by a customer, who may be upset. \
                                  It is important to consider the tone, as well as the words. Teams are those of the whole \
                                  company. Think of what the customer needs. Then decide, in order to help."
            .into();
        signature.inputs[0].about = "what the customer wrote, in any language".into();
        let shown = |i: usize| Demonstration {
            origin: Origin::Task,
            inputs: Record::new().with("message", format!("about my {} again ({i})", WORDS[i % 6][i / 6])),
            outputs: Record::new().with("team", TEAMS[i % 6]),
        };
        let program = Program::single("route", "predict", signature, (0..12).map(shown).collect())?;
        Ok(Self { program, ..Self::routing("wordy", rows, worth)? })
    }

    /// Makes a landscape that routes messages with the caller's own true score; it has half as many validation rows as training
    /// rows.
    ///
    /// # Errors
    /// None: the program is sound.
    pub fn made_of(
        name: &'static str,
        rows: usize,
        worth: impl Fn(&Program) -> f64 + Send + Sync + 'static,
    ) -> Result<Self, Vec<Unsound>> {
        Self::routing(name, rows, worth)
    }

    fn routing<C: Into<Chance>>(
        name: &'static str,
        rows: usize,
        worth: impl Fn(&Program) -> C + Send + Sync + 'static,
    ) -> Result<Self, Vec<Unsound>> {
        let program = Program::single("route", "predict", signature("message"), vec![])?;
        let train = visible("train", rows);
        let val = visible("val", rows / 2);
        let worth: Worth = Box::new(move |program| worth(program).into());
        Ok(Self { name, program, train, val, scores_choices: true, worth, alike: ALIKE, remark: None })
    }
}

fn signature(input: &str) -> Signature {
    let teams = TEAMS.iter().map(|&team| team.to_owned()).collect();
    Signature {
        instructions: "Route the message to a team. Think aloud at great length.".into(),
        inputs: vec![Field::new(input, Type::Text)],
        outputs: vec![Field::new("team", Type::Choice(teams))],
    }
}

fn two_modules() -> Result<Program, Vec<Unsound>> {
    let module = |name: &str, signature: Signature, source: Source| Module {
        name: name.into(),
        kind: "predict".into(),
        wiring: BTreeMap::from([(signature.inputs[0].name.clone(), source)]),
        signature,
        demonstrations: vec![],
        nearest: 0,
        format: None,
        calibration: Calibration::None,
    };
    let take = Signature {
        instructions: "Note what the customer wants.".into(),
        inputs: vec![Field::new("message", Type::Text)],
        outputs: vec![Field::new("note", Type::Text)],
    };
    let output = |module: &str, field: &str| Source::Output { module: module.into(), field: field.into() };
    Program::new(Parts {
        inputs: take.inputs.clone(),
        modules: vec![
            module("take", take, Source::Input("message".into())),
            module("route", signature("note"), output("take", "note")),
        ],
        outputs: vec![Output { name: "team".into(), source: output("route", "team"), voters: vec![] }],
    })
}

/// Makes the rows of a split, named `train` or `val`.
fn visible(split: &str, rows: usize) -> Visible {
    Visible::new((0..rows).map(|row| example(split, row)).collect())
}

/// Makes a row: three filler words and three words of its team, in turn.
fn example(split: &str, row: usize) -> Example {
    let team = row % TEAMS.len();
    let mut words = Vec::new();
    for place in 0..6 {
        let list: &[&str] = if place % 2 == 0 { &FILLER } else { &WORDS[team] };
        words.push(list[below(list.len(), uniform(&(split, row, place)))]);
    }
    Example {
        id: ExampleId(format!("{split}-{row}")),
        inputs: Record::new().with("message", format!("{} ({split} {row})", words.join(" "))),
        outputs: Record::new().with("team", TEAMS[team]),
        slices: BTreeMap::new(),
    }
}

/// The place below `n` that a number in [0, 1) selects.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "below n, which is small"
)]
pub(super) fn below(n: usize, uniform: f64) -> usize {
    (uniform * n as f64) as usize
}

/// The effect of demonstrations, up to 0.6: 0.02 to 0.1 for the best one of each answer, less 0.04 for each beyond nine.
fn shown_worth(demonstrations: &[Demonstration]) -> f64 {
    let answers: BTreeSet<String> = demonstrations.iter().map(answer).collect();
    let quality = |demonstration: &Demonstration| {
        let input = demonstration.inputs.iter().map(|(_, value)| value.to_string()).collect::<String>();
        0.02 + 0.08 * uniform(&("quality", input))
    };
    let best = |wanted: &String| {
        let mine = demonstrations.iter().filter(|demonstration| answer(demonstration) == *wanted);
        mine.map(quality).fold(0.0, f64::max)
    };
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let crowded = 0.04 * demonstrations.len().saturating_sub(9) as f64;
    answers.iter().map(best).sum::<f64>() - crowded
}

/// The effect of an instruction, -0.3 to 0.35; every sentence beyond three hurts.
fn instruction_worth(text: &str) -> f64 {
    let text = text.to_lowercase();
    let named = TEAMS.iter().filter(|team| text.contains(*team)).count() == TEAMS.len();
    let mut worth = 0.0;
    worth += if named { 0.2 } else { 0.0 };
    worth += if text.contains("only") { 0.1 } else { 0.0 };
    worth += if text.contains("invoice") || text.contains("parcel") { 0.05 } else { 0.0 };
    worth -= if text.contains("great length") { 0.15 } else { 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let wordy = 0.05 * text.matches(". ").count().saturating_sub(2) as f64;
    worth - wordy
}

/// The probability of a right answer for every team: 0.3, plus 0.5 if its rule is `followed`; sentences beyond ten hurt all.
fn by_team(followed: impl Fn(usize) -> bool, texts: &[&String]) -> Chance {
    let wordy = |text: &&String| 0.03 * count(text.matches(". ").count().saturating_sub(9));
    let long: f64 = texts.iter().map(wordy).sum();
    let aloud = if texts.iter().any(|text| text.contains("great length")) { 0.1 } else { 0.0 };
    let chance = |team: usize| 0.3 + if followed(team) { 0.5 } else { 0.0 } - long - aloud;
    Chance::ByLabel((0..TEAMS.len()).map(|team| (TEAMS[team].to_owned(), chance(team))).collect())
}

/// The rule of a team, as an instruction must state it.
pub(super) fn rule(team: usize) -> String {
    format!("Whatever concerns {} or {} is for {}.", WORDS[team][0], WORDS[team][1], TEAMS[team])
}

/// The number of rules.
pub(super) const RULES: usize = TEAMS.len();

/// The rule of a row's team.
fn remark(row: &Example) -> String {
    TEAMS.iter().position(|team| *team == row.label()).map_or_else(String::new, rule)
}

#[expect(clippy::cast_precision_loss, reason = "a handful")]
fn count(n: usize) -> f64 {
    n as f64
}

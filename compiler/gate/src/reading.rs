//! The read test and the leak test: what stands in a finalist's prompt that did not stand in the baseline's (see
//! `docs/gate.md`).
//!
//! A search can exploit more than the rows it sees: the model's weak spots (strings that no person would write), the mix of
//! labels, the rows themselves. Such prompts can pass every test on answers. So this module reads them before
//! a row is measured. Only what was added is read, span by span: in a whole prompt a short exploit drowns.
//!
//! `span` finds what was added; `hidden`, `letters`, `repetition`, `phrases`, `constraints` and `recital` each read it for
//! one sort of flaw; `novel` is what the leak test compares with sealed rows.
//!
//! **Invariant:** reading makes no call and sees no answer. What the baseline says, too, is never held against a finalist,
//! and a demonstration is data: only a leak is grave in it.

mod constraints;
mod hidden;
mod letters;
mod novel;
mod patterns;
mod phrases;
mod recital;
mod repetition;
mod span;

use proofmark_runtime::{Example, Program, Value};
use serde::{Deserialize, Serialize};

use self::{letters::Letters, novel::Novel, span::Span};
use super::{sealed::Sealed, verdict::Kind};

/// A finalist's prompt, read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    read: Option<Read>,
    /// Of each prompt.
    novel: Vec<Novel>,
}

/// What was read and found, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Spans (sentences, or parts of long ones) that the baseline does not have.
    pub spans: usize,
    /// Their characters in all.
    pub characters: usize,
    /// What they were read for.
    pub tests: Vec<Flaw>,
    /// What was found; empty is good.
    pub findings: Vec<Finding>,
}

/// Something wrong with added text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub flaw: Flaw,
    /// Whether the finalist is refused for it; otherwise it is worth a look.
    pub grave: bool,
    /// Where: the path of a parameter.
    pub place: String,
    /// The text in question, shortened.
    pub quote: String,
}

/// What added text is read for. In order of precedence: the first that is grave names the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// Text of sealed rows.
    Leak,
    /// Characters that a reader cannot see, or letters that pose as others.
    HiddenCharacters,
    /// Strings that are unlike any text of the task or of the language.
    Gibberish,
    /// The same words over and over.
    Repetition,
    /// Orders to the machine around the prompt: fake turns, "ignore the instructions above".
    Injection,
    /// Which answer is the most common.
    LabelPrior,
    /// Long stretches of training rows.
    Recital,
    /// A whole answer of a training row.
    Answer,
    /// Two constraints that exclude each other.
    Contradiction,
    /// The same constraint twice.
    Duplicate,
    /// A placeholder that was not filled in.
    Placeholder,
    /// The baseline says what the answer shall look like, and this does not.
    NoOutputForm,
    /// More than three times as long as the baseline.
    Long,
}

impl Flaw {
    /// All that is read for.
    pub const ALL: [Self; 13] = [
        Self::Leak,
        Self::HiddenCharacters,
        Self::Gibberish,
        Self::Repetition,
        Self::Injection,
        Self::LabelPrior,
        Self::Recital,
        Self::Answer,
        Self::Contradiction,
        Self::Duplicate,
        Self::Placeholder,
        Self::NoOutputForm,
        Self::Long,
    ];

    /// What a finalist with a grave flaw of this sort is refused as.
    fn kind(self) -> Kind {
        match self {
            Self::Leak => Kind::Leak,
            Self::HiddenCharacters => Kind::HiddenCharacters,
            Self::Injection => Kind::Injection,
            Self::LabelPrior => Kind::LabelPrior,
            Self::Recital | Self::Answer => Kind::Recited,
            _ => Kind::Unreadable,
        }
    }

    /// The flaw in words; the quote follows.
    fn sentence(self) -> &'static str {
        match self {
            Self::Leak => "text of the sealed test rows",
            Self::HiddenCharacters => "invisible characters, or letters that look like other letters",
            Self::Gibberish => "a string that is no language",
            Self::Repetition => "the same words over and over",
            Self::Injection => "orders to the machine, not to the task",
            Self::LabelPrior => "the most common answer, instead of how to find the right one",
            Self::Recital => "long quotes of training rows",
            Self::Answer => "a whole answer of a training row",
            Self::Contradiction => "a constraint that another one excludes",
            Self::Duplicate => "a constraint that is already there",
            Self::Placeholder => "a placeholder that was not filled in",
            Self::NoOutputForm => "no output format any more",
            Self::Long => "more than three times the text of the old prompt",
        }
    }
}

impl Finding {
    /// The flaw, its place and its quote as a sentence.
    pub fn sentence(&self) -> String {
        let Self { flaw, place, quote, .. } = self;
        let quote = if quote.is_empty() { String::new() } else { format!(": \u{201c}{quote}\u{201d}") };
        format!("{place} holds {}{quote}", flaw.sentence())
    }

    fn new(flaw: Flaw, grave: bool, span: &Span) -> Self {
        let grave = grave && (!span.is_data() || flaw == Flaw::Leak);
        Self { flaw, grave, place: span.place.clone(), quote: shortened(&span.text) }
    }
}

/// Both programs, the added text, and the visible rows.
struct Pages<'a> {
    before: &'a Program,
    after: &'a Program,
    added: &'a [Span],
    visible: &'a [&'a Example],
}

impl Reading {
    /// Reads what `after` says and `before` does not. `visible` are the rows that the search could see.
    pub fn of(before: &Program, after: &Program, visible: &[&Example]) -> Self {
        let added = span::added(before, after, visible);
        let pages = Pages { before, after, added: &added, visible };
        let letters = Letters::of(&pages);
        let mut findings: Vec<_> = [
            hidden::read(&added),
            letters.read(&added),
            repetition::read(&pages),
            phrases::read(&pages),
            recital::read(&pages),
            constraints::read(&pages),
        ]
        .concat();
        findings.sort_by_key(|finding| (!finding.grave, finding.flaw));
        let characters = added.iter().map(|span| span.text.chars().count()).sum();
        let read = Read { spans: added.len(), characters, tests: Flaw::ALL.to_vec(), findings };
        Self { read: Some(read), novel: vec![Novel::of(&pages)] }
    }

    /// Reads several programs that vote, each for itself: what two of them say alike is said once to each model call.
    pub fn of_each(before: &Program, members: &[Program], visible: &[&Example]) -> Self {
        let readings = members.iter().map(|after| Self::of(before, after, visible));
        let numbered = readings.enumerate().map(|(place, reading)| match members.len() {
            1 => reading,
            _ => reading.of_prompt(place + 1),
        });
        numbered.reduce(Self::and).unwrap_or_default()
    }

    /// The same with the number of the prompt at every place.
    fn of_prompt(mut self, number: usize) -> Self {
        for finding in self.read.iter_mut().flat_map(|read| &mut read.findings) {
            finding.place = format!("{} of prompt {number}", finding.place);
        }
        self
    }

    fn and(mut self, other: Self) -> Self {
        if let (Some(read), Some(more)) = (&mut self.read, other.read) {
            read.spans += more.spans;
            read.characters += more.characters;
            read.findings.extend(more.findings);
            read.findings.sort_by_key(|finding| (!finding.grave, finding.flaw));
        }
        self.novel.extend(other.novel);
        self
    }

    /// What was found, sealed rows included; none if there is no prompt to read (a score table).
    pub(crate) fn against(&self, sealed: &Sealed) -> Option<Read> {
        let mut read = self.read.clone()?;
        read.findings.splice(0..0, self.novel.iter().flat_map(|novel| novel.leak(sealed)));
        Some(read)
    }
}

/// Whether `after` says something new that is refused whatever the rows are: a quick check for proposers of many texts. What
/// quotes rows, or is no language, is left to the whole [`Reading`].
pub fn is_refused(before: &Program, after: &Program) -> bool {
    let added = span::added(before, after, &[]);
    let pages = Pages { before, after, added: &added, visible: &[] };
    let findings = [hidden::read(&added), repetition::read(&pages), phrases::read(&pages)];
    findings.iter().flatten().any(|finding| finding.grave)
}

impl Read {
    /// What the finalist is refused as, if it is.
    pub(crate) fn objection(&self) -> Option<Kind> {
        let grave = self.findings.iter().filter(|finding| finding.grave);
        grave.min_by_key(|finding| finding.flaw).map(|finding| finding.flaw.kind())
    }

    /// The result of the text check: one sentence, or one for each finding.
    pub fn told(&self) -> Vec<String> {
        match (self.spans, self.findings.is_empty()) {
            (0, true) => vec!["text check: passed (no new text)".to_owned()],
            (spans, true) => vec![format!(
                "text check: passed (new pieces of text: {spans}; no test rows, nothing hidden, no gibberish, no quoted training \
                 rows, no orders to the machine)"
            )],
            _ => self.findings.iter().map(Finding::sentence).collect(),
        }
    }

    /// The same for a finalist with this observed gain: one worth having may be long.
    pub(crate) fn with_gain(mut self, gain: f64) -> Self {
        self.findings.retain(|finding| finding.flaw != Flaw::Long || gain < WORTH_ITS_LENGTH);
        self
    }
}

/// A longer prompt is justified from this gain on.
const WORTH_ITS_LENGTH: f64 = 0.05;

/// All texts inside a value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Text(text) => vec![text],
        Value::List(values) => values.iter().flat_map(texts).collect(),
        Value::Record(record) => record.iter().flat_map(|(_, value)| texts(value)).collect(),
        _ => vec![],
    }
}

/// All texts of a row.
fn texts_of(example: &Example) -> impl Iterator<Item = &str> {
    let values = example.inputs.iter().chain(example.outputs.iter());
    values.flat_map(|(_, value)| texts(value))
}

/// Longest quote, in characters.
const LONGEST_QUOTE: usize = 80;

fn shortened(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("{}\u{2026}", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;

//! Edits: the parts in which a candidate differs from the baseline, each of which can be taken back alone.
//!
//! A changed sentence, a demonstration, any other changed parameter is one edit each. Demonstrations that are chosen by the
//! input are one edit together: no row shows all of them.
//!
//! **Invariant:** with all edits on, [`Edits::candidate`] is the candidate; with none, the baseline.

use std::collections::BTreeMap;

use proofmark_runtime::{Candidate, Demonstration, Param, ParamPath, Program, Slot};

use crate::diff::{Change, align};

/// Characters of an edit that are shown.
const SHOWN: usize = 60;

/// The edits of a candidate, in the order in which they stand in the prompt.
#[derive(Clone, Debug)]
pub struct Edits {
    candidate: Candidate,
    edits: Vec<Edit>,
    texts: BTreeMap<ParamPath, Vec<Piece>>,
    lists: BTreeMap<ParamPath, Vec<Shown>>,
}

/// One part that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The parameter that it changes.
    pub path: ParamPath,
    /// What it does, in a line.
    pub what: String,
}

/// A sentence with the white space behind it.
#[derive(Clone, Debug)]
struct Piece {
    text: String,
    /// Whether it stands there when its edit is on, or when it is off; always without an edit.
    edit: Option<(usize, bool)>,
}

/// A demonstration, and the edit that shows it (or, for one of the baseline's, takes it away).
#[derive(Clone, Debug)]
struct Shown {
    demonstration: Demonstration,
    edit: Option<(usize, bool)>,
}

impl Edits {
    /// What a candidate changes about a program.
    pub fn of(program: &Program, candidate: &Candidate) -> Self {
        let mut edits = Self {
            candidate: candidate.clone(),
            edits: vec![],
            texts: BTreeMap::new(),
            lists: BTreeMap::new(),
        };
        let before: BTreeMap<_, _> = program
            .modules()
            .iter()
            .flat_map(|module| {
                module.values().into_iter().map(|(slot, param)| (ParamPath::new(&module.name, slot), param))
            })
            .collect();
        let param = |module: &str, slot| candidate.get(&ParamPath::new(module, slot));
        let chosen = |module: &str| {
            let own = param(module, Slot::Demonstrations);
            let is_new = own.is_some() && own != before.get(&ParamPath::new(module, Slot::Demonstrations));
            is_new && matches!(param(module, Slot::Nearest), Some(Param::Nearest(1..)))
        };
        for (path, param) in candidate.iter() {
            let old = before.get(path);
            match (old, param) {
                (Some(old), new) if old == new => {}
                (Some(Param::Instruction(old)), Param::Instruction(new))
                | (Some(Param::About(old)), Param::About(new)) => edits.sentences(path, old, new),
                (_, Param::Nearest(_)) if chosen(&path.module) => {}
                (_, Param::Demonstrations(new)) if chosen(&path.module) => {
                    let what = format!("{} demonstrations, those nearest to the input shown", new.len());
                    edits.push(path, what);
                }
                (Some(Param::Demonstrations(old)), Param::Demonstrations(new)) => {
                    edits.demonstrations(path, old, new);
                }
                (_, new) => _ = edits.push(path, described(new)),
            }
        }
        edits
    }

    /// Every edit.
    pub fn list(&self) -> &[Edit] {
        &self.edits
    }

    /// The baseline with the edits laid over it that are on; `on` has one entry for each.
    pub fn candidate(&self, on: &[bool]) -> Candidate {
        if on.iter().all(|on| *on) {
            return self.candidate.clone();
        }
        let is_on = |path: &ParamPath| {
            let mut own = self.edits.iter().zip(on).filter(|(edit, _)| governs(&edit.path, path));
            own.any(|(_, on)| *on)
        };
        let mut candidate = Candidate::baseline();
        for (path, param) in self.candidate.iter().filter(|(path, _)| is_on(path)) {
            let param = match (param, self.texts.get(path), self.lists.get(path)) {
                (Param::Instruction(_), Some(pieces), _) => Param::Instruction(joined(pieces, on)),
                (Param::About(_), Some(pieces), _) => Param::About(joined(pieces, on)),
                (Param::Demonstrations(_), _, Some(list)) => Param::Demonstrations(shown(list, on)),
                (param, ..) => param.clone(),
            };
            candidate = candidate.with(path.clone(), param);
        }
        candidate
    }

    fn push(&mut self, path: &ParamPath, what: String) -> usize {
        self.edits.push(Edit { path: path.clone(), what });
        self.edits.len() - 1
    }

    /// One edit for each sentence that is new; those that are gone go with the next new one.
    fn sentences(&mut self, path: &ParamPath, old: &str, new: &str) {
        let (old, new) = (sentences(old), sentences(new));
        let [before, after] =
            [&old, &new].map(|texts| texts.iter().map(|text| text.trim()).collect::<Vec<_>>());
        let mut pieces: Vec<Piece> = vec![];
        let mut gone: Vec<usize> = vec![];
        let (mut i, mut j) = (0, 0);
        for (change, text) in align(&before, &after) {
            match change {
                Change::Same => {
                    self.take_away(path, &mut gone, &mut pieces);
                    pieces.push(Piece { text: new[j].to_owned(), edit: None });
                    (i, j) = (i + 1, j + 1);
                }
                Change::Removed => {
                    gone.push(pieces.len());
                    pieces.push(Piece { text: old[i].to_owned(), edit: None });
                    i += 1;
                }
                Change::Added => {
                    let instead = if gone.is_empty() { "" } else { "instead of what was there: " };
                    let edit = self.push(path, format!("{instead}\"{}\"", short(text)));
                    gone.drain(..).for_each(|piece| pieces[piece].edit = Some((edit, false)));
                    pieces.push(Piece { text: new[j].to_owned(), edit: Some((edit, true)) });
                    j += 1;
                }
            }
        }
        self.take_away(path, &mut gone, &mut pieces);
        if pieces.iter().all(|piece| piece.edit.is_none()) {
            self.push(path, "other white space".to_owned());
            return;
        }
        self.texts.insert(path.clone(), pieces);
    }

    /// Sentences that are gone without another in their place are one edit.
    fn take_away(&mut self, path: &ParamPath, gone: &mut Vec<usize>, pieces: &mut [Piece]) {
        if let Some(first) = gone.first() {
            let edit = self.push(path, format!("without \"{}\"", short(pieces[*first].text.trim())));
            gone.drain(..).for_each(|piece| pieces[piece].edit = Some((edit, false)));
        }
    }

    fn demonstrations(&mut self, path: &ParamPath, old: &[Demonstration], new: &[Demonstration]) {
        let mut list: Vec<Shown> = vec![];
        let gone: Vec<_> = old.iter().filter(|demonstration| !new.contains(demonstration)).collect();
        if !gone.is_empty() {
            let edit = self.push(path, format!("without {} demonstrations of the task", gone.len()));
            list.extend(gone.into_iter().map(|demonstration| Shown {
                demonstration: demonstration.clone(),
                edit: Some((edit, false)),
            }));
        }
        for demonstration in new {
            let edit =
                (!old.contains(demonstration)).then(|| (self.push(path, example(demonstration)), true));
            list.push(Shown { demonstration: demonstration.clone(), edit });
        }
        self.lists.insert(path.clone(), list);
    }
}

/// Whether an edit of one parameter switches another: the number of nearest demonstrations goes with these.
fn governs(edited: &ParamPath, path: &ParamPath) -> bool {
    edited == path
        || (edited.module == path.module && edited.slot == Slot::Demonstrations && path.slot == Slot::Nearest)
}

fn stands(edit: Option<(usize, bool)>, on: &[bool]) -> bool {
    edit.is_none_or(|(edit, when)| on[edit] == when)
}

fn joined(pieces: &[Piece], on: &[bool]) -> String {
    let mut text = String::new();
    for piece in pieces.iter().filter(|piece| stands(piece.edit, on)) {
        if !text.is_empty() && !text.ends_with(char::is_whitespace) {
            text.push(' ');
        }
        text += &piece.text;
    }
    text.trim_end().to_owned()
}

fn shown(list: &[Shown], on: &[bool]) -> Vec<Demonstration> {
    let shown = list.iter().filter(|shown| stands(shown.edit, on));
    shown.map(|shown| shown.demonstration.clone()).collect()
}

/// The sentences of a text, each with the white space behind it, so that all of them together are the text.
fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let (mut start, mut ended) = (0, false);
    for (at, c) in text.char_indices() {
        if ended && !c.is_whitespace() {
            sentences.push(&text[start..at]);
            (start, ended) = (at, false);
        }
        let blank = text[at + c.len_utf8()..].starts_with(char::is_whitespace);
        ended |= c == '\n' || (matches!(c, '.' | '!' | '?') && blank);
    }
    sentences.push(&text[start..]);
    sentences.retain(|sentence| !sentence.trim().is_empty());
    sentences
}

fn described(param: &Param) -> String {
    match param {
        Param::Instruction(text) | Param::About(text) => format!("\"{}\"", short(text)),
        Param::Demonstrations(list) => format!("{} demonstrations", list.len()),
        Param::Format(name) => format!("the format `{name}`"),
        Param::Nearest(count) => format!("the {count} nearest demonstrations"),
        Param::Calibration(calibration) => format!("calibration: {calibration:?}").to_lowercase(),
    }
}

fn example(demonstration: &Demonstration) -> String {
    let values = |record: &proofmark_runtime::Record| {
        record.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(", ")
    };
    format!("\"{}\" -> {}", short(&values(&demonstration.inputs)), short(&values(&demonstration.outputs)))
}

/// The first line, as far as there is room.
fn short(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} ...", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proofmark_runtime::{Calibration, ExampleId, Field, Origin, Record, Signature, Type};
    use proptest::prelude::*;

    use super::*;

    fn program(instruction: &str, demonstrations: Vec<Demonstration>) -> Program {
        let signature = Signature {
            instructions: instruction.into(),
            inputs: vec![Field::new("q", Type::Text)],
            outputs: vec![Field::new("a", Type::Choice(vec!["x".into(), "y".into()]))],
        };
        Program::single("m", "predict", signature, demonstrations).unwrap()
    }

    fn demonstration(name: &str) -> Demonstration {
        Demonstration {
            origin: Origin::Row(ExampleId(name.into())),
            inputs: Record::new().with("q", name),
            outputs: Record::new().with("a", "x"),
        }
    }

    fn set(candidate: Candidate, path: &str, param: Param) -> Candidate {
        candidate.with(path.parse().unwrap(), param)
    }

    fn instruction(candidate: &Candidate) -> Option<String> {
        match candidate.get(&"m.instruction".parse().unwrap()) {
            Some(Param::Instruction(text)) => Some(text.clone()),
            _ => None,
        }
    }

    #[test]
    fn each_sentence_demonstration_and_parameter_is_one_edit() {
        let program = program("Answer. Be kind.", vec![demonstration("old")]);
        let mut full = Candidate::baseline();
        full = set(full, "m.instruction", Param::Instruction("Answer. Be short.\nThink twice.".into()));
        full = set(full, "m.demonstrations", Param::Demonstrations(["a", "b"].map(demonstration).into()));
        full = set(full, "m.calibration", Param::Calibration(Calibration::Contextual));
        full = set(full, "m.about.q", Param::About(String::new()));
        let edits = Edits::of(&program, &full);
        let what: Vec<_> = edits.list().iter().map(|edit| format!("{} {}", edit.path, edit.what)).collect();
        assert_eq!(
            what,
            [
                "m.instruction instead of what was there: \"Be short.\"",
                "m.instruction \"Think twice.\"",
                "m.demonstrations without 1 demonstrations of the task",
                "m.demonstrations \"a\" -> x",
                "m.demonstrations \"b\" -> x",
                "m.calibration calibration: contextual",
            ],
            "a description that says what it said is no edit"
        );
        let of = |on: [u8; 6]| edits.candidate(&on.map(|on| on == 1));
        assert_eq!(of([1; 6]).id(), full.id());
        assert!(of([0; 6]).is_baseline());
        assert_eq!(instruction(&of([0, 1, 0, 0, 0, 0])).unwrap(), "Answer. Be kind. Think twice.");
        assert_eq!(instruction(&of([1, 0, 0, 0, 0, 0])).unwrap(), "Answer. Be short.");
        let shown = of([0, 0, 0, 0, 1, 0]);
        let Some(Param::Demonstrations(list)) = shown.get(&"m.demonstrations".parse().unwrap()) else {
            panic!()
        };
        assert_eq!(*list, ["old", "b"].map(demonstration));
        assert_eq!(shown.iter().len(), 1);
    }

    #[test]
    fn demonstrations_that_are_chosen_by_the_input_are_one_edit() {
        let mut full = Candidate::baseline();
        full =
            set(full, "m.demonstrations", Param::Demonstrations(["a", "b", "c"].map(demonstration).into()));
        full = set(full, "m.nearest", Param::Nearest(2));
        full = set(full, "m.calibration", Param::Calibration(Calibration::Contextual));
        let edits = Edits::of(&program("Answer.", vec![]), &full);
        assert_eq!(edits.list().len(), 2);
        let (on, off): (Vec<_>, Vec<_>) =
            edits.list().iter().map(|edit| (edit.path.slot == Slot::Demonstrations, false)).unzip();
        assert_eq!(edits.candidate(&on).iter().len(), 2, "how many are shown goes with them");
        assert!(edits.candidate(&off).is_baseline());
    }

    proptest! {
        #[test]
        fn all_is_the_candidate_and_none_the_baseline(old in "([a-c][.!]?[ \n]{1,2}){0,6}", new in "([a-d][.!]?[ \n]{1,2}){0,6}") {
            let program = program(&old, vec![]);
            let full = set(Candidate::baseline(), "m.instruction", Param::Instruction(new));
            let edits = Edits::of(&program, &full);
            let all = |on| vec![on; edits.list().len()];
            prop_assert!(edits.list().is_empty() || edits.candidate(&all(false)).is_baseline());
            prop_assert_eq!(edits.candidate(&all(true)).id(), full.id());
            // What stands between is all that stands, in some order of the two texts.
            for edit in 0..edits.list().len() {
                let mut on = all(false);
                on[edit] = true;
                prop_assert!(program.apply(&edits.candidate(&on)).is_ok());
            }
        }

        #[test]
        fn sentences_put_together_are_the_text(text in "[a-c.!? \n]{0,30}") {
            let joined: String = sentences(&text).concat();
            prop_assert_eq!(joined.trim(), text.trim());
        }
    }
}

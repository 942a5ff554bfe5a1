//! Votes: several programs joined into one that runs all of them and returns the answer of most.
//!
//! **Invariant:** the joint program is an ordinary program. Each of its modules has its own name, prompt and reply, and a
//! record takes as many calls as there are modules.

use std::collections::BTreeSet;

use super::{Output, Program, Source};
use crate::value::Value;

impl Program {
    /// The vote of this program and another one with the same inputs and outputs. The modules of the other get new names:
    /// `route_2` if there is a `route`.
    pub(super) fn joined(mut self, other: Self) -> Self {
        let mut taken: BTreeSet<String> =
            self.parts.modules.iter().map(|module| module.name.clone()).collect();
        let names: Vec<(String, String)> = other
            .parts
            .modules
            .iter()
            .map(|module| (module.name.clone(), fresh(&module.name, &mut taken)))
            .collect();
        for (mut module, (_, name)) in other.parts.modules.into_iter().zip(&names) {
            name.clone_into(&mut module.name);
            module.wiring.values_mut().for_each(|source| rename(source, &names));
            self.parts.modules.push(module);
        }
        for (output, others) in self.parts.outputs.iter_mut().zip(other.parts.outputs) {
            for mut source in std::iter::once(others.source).chain(others.voters) {
                rename(&mut source, &names);
                output.voters.push(source);
            }
        }
        self
    }
}

/// Changes the module of a source to its new name.
fn rename(source: &mut Source, names: &[(String, String)]) {
    if let Source::Output { module, .. } = source
        && let Some((_, new)) = names.iter().find(|(old, _)| old == module)
    {
        new.clone_into(module);
    }
}

/// The first of `name_2`, `name_3`, ... that is not taken. It counts as taken afterwards.
fn fresh(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut number = 2;
    while !taken.insert(format!("{name}_{number}")) {
        number += 1;
    }
    format!("{name}_{number}")
}

impl Output {
    /// Its sources: one, or one for each member of a vote.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        std::iter::once(&self.source).chain(&self.voters)
    }

    /// The value that most sources give, without those that give none. Texts that differ only in white space around them
    /// are equal. Of equally frequent values the first wins. [`Value::Null`] if no source gives a value.
    pub fn value<'v>(&self, at: impl Fn(&Source) -> Option<&'v Value>) -> Value {
        let mut said: Vec<(&Value, usize)> = Vec::new();
        for value in self.sources().filter_map(at) {
            match said.iter_mut().find(|(known, _)| is_same(known, value)) {
                Some((_, votes)) => *votes += 1,
                None => said.push((value, 1)),
            }
        }
        // `max_by_key` returns the last of equals, so the order is reversed.
        said.into_iter().rev().max_by_key(|(_, votes)| *votes).map_or(Value::Null, |(value, _)| value.clone())
    }
}

fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.trim() == b.trim(),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        candidate::{Candidate, Param},
        program::Parts,
        signature::{Field, Signature, Type},
    };

    fn input(name: &str) -> Source {
        Source::Input(name.to_owned())
    }

    #[test]
    fn the_most_frequent_value_wins_and_ties_go_first() {
        let vote = |said: &[&str]| {
            let values: Vec<Value> = said.iter().map(|&text| text.into()).collect();
            let voters = (1..said.len()).map(|place| input(&place.to_string())).collect();
            let output = Output { name: "team".into(), source: input("0"), voters };
            let at = |source: &Source| match source {
                Source::Input(place) => values.get(place.parse::<usize>().unwrap()),
                Source::Output { .. } => None,
            };
            output.value(at)
        };
        assert_eq!(vote(&["a"]), "a".into());
        assert_eq!(vote(&["a", "b", "b"]), "b".into());
        assert_eq!(vote(&["b", "a", "c"]), "b".into());
        assert_eq!(vote(&["c", "a", "b", "b", "a"]), "a".into());
        assert_eq!(vote(&["a", " b\n", "b "]), " b\n".into());
    }

    #[test]
    fn a_missing_value_has_no_vote() {
        let output = Output { name: "x".into(), source: input("a"), voters: vec![input("b"), input("c")] };
        let one = Value::Integer(1);
        assert_eq!(output.value(|source| (*source == input("c")).then_some(&one)), one);
        assert_eq!(output.value(|_| None), Value::Null);
    }

    #[test]
    fn a_vote_is_a_sound_program_that_can_vote_again() {
        let signature = Signature {
            instructions: "Route.".into(),
            inputs: vec![Field::new("message", Type::Text)],
            outputs: vec![Field::new("team", Type::Text)],
        };
        let program = Program::single("route", "predict", signature, vec![]).unwrap();
        let say = |text: &str| {
            Candidate::baseline().with("route.instruction".parse().unwrap(), Param::Instruction(text.into()))
        };
        let joint = program.apply(&Candidate::vote(&[say("One."), say("Two."), say("Three.")])).unwrap();
        let texts: Vec<_> =
            joint.modules().iter().map(|m| (m.name.as_str(), m.signature.instructions.as_str())).collect();
        assert_eq!(texts, [("route", "One."), ("route_2", "Two."), ("route_3", "Three.")]);
        assert_eq!((joint.calls_per_record(), joint.outputs()[0].sources().count()), (3, 3));
        assert_eq!(Program::new(Parts::from(joint.clone())).unwrap(), joint);
        let again = Candidate::vote(&[Candidate::baseline(), Candidate::baseline()]);
        let again = joint.apply(&again).unwrap();
        assert_eq!((again.calls_per_record(), again.outputs()[0].sources().count()), (6, 6));
        assert_eq!(Program::new(Parts::from(again.clone())).unwrap(), again);
        let lost = program.apply(&Candidate::vote(&[
            say("One."),
            Candidate::baseline().with("other.instruction".parse().unwrap(), Param::Instruction("?".into())),
        ]));
        assert!(lost.is_err(), "every member must fit");
    }
}

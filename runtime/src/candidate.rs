//! Candidates: the prompts that a search tries. A candidate is data: a sparse overlay over the parameters of a program.
//!
//! **Invariant:** the empty candidate is the program as written. Equal overlays have equal ids. Nothing here mutates a
//! program; [`crate::program::Program::apply`] makes a new one.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    digest::{Digest, digest},
    example::ExampleId,
    value::Record,
};

/// A sparse overlay over a program's parameters, or a vote of several.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    // Flattened, so that candidates that are no vote keep the files and ids from before there were votes.
    #[serde(flatten)]
    params: BTreeMap<ParamPath, Param>,
    /// The other members of the vote. No parameter has this name: the path of a parameter has a dot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    voters: Vec<Candidate>,
}

/// The content hash of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CandidateId(pub Digest);

/// The path of a parameter of a program: `route.instruction`, `route.about.team`, ...
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamPath {
    /// The module.
    pub module: String,
    /// The parameter of the module.
    pub slot: Slot,
}

/// A parameter of a module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// The instruction.
    Instruction,
    /// The demonstrations.
    Demonstrations,
    /// The prompt format.
    Format,
    /// The description of one field.
    About(String),
    /// The number of demonstrations that are shown, chosen by the input.
    Nearest,
    /// The correction of label scores.
    Calibration,
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Param {
    /// An instruction; data, never compiled as a template.
    Instruction(String),
    /// Demonstrations in the order in which they are shown.
    Demonstrations(Vec<Demonstration>),
    /// The name of a prompt format.
    Format(String),
    /// The description of a field.
    About(String),
    /// The number of demonstrations that are shown: those nearest to the input. 0 shows all of them in their order.
    Nearest(u32),
    /// The correction of label scores.
    Calibration(Calibration),
}

/// The correction of label scores for what the prompt alone makes likely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calibration {
    /// No correction.
    #[default]
    None,
    /// Divided by the mean label probabilities for content-free inputs (Zhao et al. 2021, arXiv:2102.09690, section 5).
    Contextual,
}

/// One worked example inside a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demonstration {
    /// Its source.
    pub origin: Origin,
    /// The inputs of the module.
    pub inputs: Record,
    /// The right outputs of the module.
    pub outputs: Record,
}

/// The source of a demonstration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Origin {
    /// Written by the user in the task file.
    Task,
    /// A labelled training row.
    Row(ExampleId),
    /// The output of a program on a training row, accepted by the metric.
    Trace(ExampleId),
}

impl Candidate {
    /// The program as written.
    pub fn baseline() -> Self {
        Self::default()
    }

    /// The vote of several candidates, whose answer is the answer of most members. The first of equals wins.
    pub fn vote(members: &[Self]) -> Self {
        let mut members = members.iter().flat_map(Self::members);
        let first = members.next().unwrap_or_default();
        Self { params: first.params, voters: members.collect() }
    }

    /// The members of the vote, or the candidate itself if it is no vote.
    pub fn members(&self) -> Vec<Self> {
        let own = Self { params: self.params.clone(), voters: Vec::new() };
        std::iter::once(own).chain(self.voters.iter().flat_map(Self::members)).collect()
    }

    /// The members of the vote after the first, in order; empty if it is no vote.
    pub fn voters(&self) -> &[Self] {
        &self.voters
    }

    /// The number of members. The calls for a record grow in proportion.
    pub fn votes(&self) -> usize {
        1 + self.voters.iter().map(Self::votes).sum::<usize>()
    }

    /// The same candidate with one parameter set; in a vote, a parameter of the first member.
    #[must_use]
    pub fn with(mut self, path: ParamPath, param: Param) -> Self {
        self.params.insert(path, param);
        self
    }

    /// The same candidate with one parameter as written.
    #[must_use]
    pub fn without(mut self, path: &ParamPath) -> Self {
        self.params.remove(path);
        self
    }

    /// The overlaid value of a parameter.
    pub fn get(&self, path: &ParamPath) -> Option<&Param> {
        self.params.get(path)
    }

    /// The overlaid parameters, ordered by path; in a vote, those of the first member.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ParamPath, &Param)> {
        self.params.iter()
    }

    /// Whether this is the program as written.
    pub fn is_baseline(&self) -> bool {
        self.params.is_empty() && self.voters.is_empty()
    }

    /// The content hash.
    pub fn id(&self) -> CandidateId {
        CandidateId(digest(self))
    }
}

impl fmt::Display for CandidateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.short())
    }
}

impl ParamPath {
    /// A parameter of a module.
    pub fn new(module: impl Into<String>, slot: Slot) -> Self {
        Self { module: module.into(), slot }
    }
}

impl Slot {
    /// Whether a value has the kind of this slot.
    pub fn takes(&self, param: &Param) -> bool {
        matches!(
            (self, param),
            (Self::Instruction, Param::Instruction(_))
                | (Self::Demonstrations, Param::Demonstrations(_))
                | (Self::Format, Param::Format(_))
                | (Self::About(_), Param::About(_))
                | (Self::Nearest, Param::Nearest(_))
                | (Self::Calibration, Param::Calibration(_))
        )
    }
}

impl fmt::Display for ParamPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.module)?;
        match &self.slot {
            Slot::Instruction => f.write_str("instruction"),
            Slot::Demonstrations => f.write_str("demonstrations"),
            Slot::Format => f.write_str("format"),
            Slot::About(field) => write!(f, "about.{field}"),
            Slot::Nearest => f.write_str("nearest"),
            Slot::Calibration => f.write_str("calibration"),
        }
    }
}

/// A text that is not the path of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not the path of a parameter; one looks like `module.instruction` or `module.about.field`"
)]
pub struct BadPath {
    /// The text.
    pub text: String,
}

impl FromStr for ParamPath {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        let bad = || BadPath { text: text.to_owned() };
        let (module, rest) = text.split_once('.').ok_or_else(bad)?;
        let slot = match rest {
            "instruction" => Slot::Instruction,
            "demonstrations" => Slot::Demonstrations,
            "format" => Slot::Format,
            "nearest" => Slot::Nearest,
            "calibration" => Slot::Calibration,
            other => Slot::About(other.strip_prefix("about.").ok_or_else(bad)?.to_owned()),
        };
        Ok(Self::new(module, slot))
    }
}

impl Serialize for ParamPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ParamPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::Index};

    use super::*;
    use crate::{
        fuzz,
        program::Program,
        signature::{Field, Signature, Type},
        value::Value,
    };

    /// Candidates for modules of a few names, some of them votes.
    fn candidate() -> impl Strategy<Value = Candidate> {
        let record = || fuzz::json().prop_map(|json| Record::new().with("q", &json));
        let origin = prop_oneof![
            Just(Origin::Task),
            any::<String>().prop_map(|id| Origin::Row(ExampleId(id))),
            any::<String>().prop_map(|id| Origin::Trace(ExampleId(id))),
        ];
        let demonstration = (origin, record(), record())
            .prop_map(|(origin, inputs, outputs)| Demonstration { origin, inputs, outputs });
        let param = prop_oneof![
            any::<String>().prop_map(|text| (Slot::Instruction, Param::Instruction(text))),
            prop::collection::vec(demonstration, 0..3)
                .prop_map(|list| (Slot::Demonstrations, Param::Demonstrations(list))),
            any::<String>().prop_map(|name| (Slot::Format, Param::Format(name))),
            ("[a-z.]{0,4}", any::<String>())
                .prop_map(|(field, text)| (Slot::About(field), Param::About(text))),
            any::<u32>().prop_map(|count| (Slot::Nearest, Param::Nearest(count))),
            Just((Slot::Calibration, Param::Calibration(Calibration::Contextual))),
        ];
        let plain = prop::collection::vec(("main|[a-z]{0,3}", param), 0..4).prop_map(|params| {
            let set = |candidate: Candidate, (module, (slot, param)): (String, (Slot, Param))| {
                candidate.with(ParamPath::new(module, slot), param)
            };
            params.into_iter().fold(Candidate::baseline(), set)
        });
        prop::collection::vec(plain, 1..4).prop_map(|members: Vec<Candidate>| Candidate::vote(&members))
    }

    fn program() -> Program {
        let signature = Signature {
            instructions: "Answer.".into(),
            inputs: vec![Field::new("q", Type::Text)],
            outputs: vec![Field::new("a", Type::Choice(vec!["x".into(), "y".into()]))],
        };
        Program::single("main", "predict", signature, vec![]).unwrap()
    }

    proptest! {
        #![proptest_config(fuzz::cases(200))]

        #[test]
        fn every_candidate_round_trips(candidate in candidate()) {
            let text = serde_json::to_string(&candidate).unwrap();
            let back: Candidate = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back.id(), candidate.id());
            prop_assert_eq!(back.votes(), candidate.members().len());
            prop_assert_eq!(back, candidate);
        }

        #[test]
        fn a_broken_candidate_is_read_or_refused(
            candidate in candidate(),
            place in any::<Index>(),
            value in fuzz::json(),
            changes in fuzz::changes(),
        ) {
            let document = serde_json::to_value(&candidate).unwrap();
            let bytes = fuzz::changed(document.to_string().as_bytes(), &changes);
            let other = fuzz::with_value(document, place, value).to_string();
            for bytes in [bytes, other.into_bytes()] {
                if let Ok(read) = serde_json::from_slice::<Candidate>(&bytes) {
                    let text = serde_json::to_string(&read).unwrap();
                    prop_assert_eq!(serde_json::from_str::<Candidate>(&text).unwrap(), read.clone());
                    let _ = program().apply(&read);
                }
            }
        }

        #[test]
        fn every_path_that_is_read_is_written_the_same(text in "[a-z]{0,3}[.][a-z.]{0,14}|.{0,9}") {
            if let Ok(path) = text.parse::<ParamPath>() {
                prop_assert_eq!(path.to_string(), text);
            }
        }
    }

    #[test]
    fn deeply_nested_votes_are_refused() {
        let deep = format!("{}{}", "{\"voters\":[".repeat(5_000), "]}".repeat(5_000));
        assert!(serde_json::from_str::<Candidate>(&deep).is_err());
        let value = Value::from(&serde_json::json!([[[]]]));
        assert_eq!(serde_json::from_str::<Value>("[[[]]]").unwrap(), value);
    }

    #[test]
    fn a_candidate_round_trips_and_keeps_its_id() {
        let demo = Demonstration {
            origin: Origin::Row(ExampleId("r1".into())),
            inputs: Record::new().with("q", "x"),
            outputs: Record::new().with("a", "y"),
        };
        let candidate = Candidate::baseline()
            .with("m.about.q".parse().unwrap(), Param::About("the question".into()))
            .with("m.demonstrations".parse().unwrap(), Param::Demonstrations(vec![demo]));
        let text = serde_json::to_string(&candidate).unwrap();
        let back: Candidate = serde_json::from_str(&text).unwrap();
        assert_eq!((back.id(), &back), (candidate.id(), &candidate));
        assert_ne!(candidate.id(), Candidate::baseline().id());
    }

    #[test]
    fn a_vote_round_trips_and_holds_its_members_in_order() {
        let say = |text: &str| {
            Candidate::baseline().with("m.instruction".parse().unwrap(), Param::Instruction(text.into()))
        };
        let vote = Candidate::vote(&[say("one"), say("two"), Candidate::baseline()]);
        assert_eq!(vote.members(), [say("one"), say("two"), Candidate::baseline()]);
        assert_eq!((vote.votes(), say("one").votes()), (3, 1));
        let text = serde_json::to_string(&vote).unwrap();
        let back: Candidate = serde_json::from_str(&text).unwrap();
        assert_eq!((back.id(), &back), (vote.id(), &vote));
        assert_ne!(vote.id(), Candidate::vote(&[say("two"), say("one"), Candidate::baseline()]).id());
        assert_eq!(Candidate::vote(&[vote.clone(), say("four")]).votes(), 4);
        assert!(!Candidate::vote(&[Candidate::baseline(), Candidate::baseline()]).is_baseline());
        assert_eq!(Candidate::vote(&[say("one")]), say("one"));
        assert!(serde_json::from_str::<Candidate>(r#"{"elsewhere": []}"#).is_err());
    }

    #[test]
    fn bad_paths_are_refused() {
        for text in ["instruction", "m.", "m.abou.t", ""] {
            assert!(text.parse::<ParamPath>().is_err(), "{text}");
        }
    }
}

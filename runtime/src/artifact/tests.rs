//! Artifacts: round trips, refusals, and the files of every version.

use proptest::{prelude::*, sample::Index};

use super::*;
use crate::{
    candidate::{Calibration, Demonstration, Origin},
    example::ExampleId,
    fuzz,
    model::scripted::Scripted,
    signature::{Field, Signature, Type},
    stamp::Accepted,
};

/// Every format as its first version wrote it. Never change these files; add one per format.
const V1: &str = include_str!("../../tests/golden/artifact-v1.json");
const V2: &str = include_str!("../../tests/golden/artifact-v2.json");

fn model() -> Scripted {
    Scripted::new("scripted:golden", serde_json::from_str(r#"{"default": "billing"}"#).unwrap())
}

fn parts() -> Parts {
    let mut message = Field::new("message", Type::Text);
    message.about = "what the customer wrote".into();
    let signature = Signature {
        instructions: "Route the message.".into(),
        inputs: vec![message],
        outputs: vec![Field::new("team", Type::Choice(vec!["billing".into(), "shipping".into()]))],
    };
    let demonstration = Demonstration {
        origin: Origin::Row(ExampleId("r7".into())),
        inputs: Record::new().with("message", "Where is my parcel?"),
        outputs: Record::new().with("team", "shipping"),
    };
    let set = |candidate: Candidate, path: &str, param| candidate.with(path.parse().unwrap(), param);
    let mut candidate = Candidate::baseline();
    candidate = set(candidate, "route.instruction", Param::Instruction("Which team handles it?".into()));
    candidate = set(candidate, "route.demonstrations", Param::Demonstrations(vec![demonstration]));
    candidate = set(candidate, "route.calibration", Param::Calibration(Calibration::Contextual));
    Parts {
        name: "support-triage".into(),
        program: Program::single("route", "predict", signature, vec![]).unwrap(),
        lineage: vec![Ancestor {
            id: candidate.id(),
            parents: vec![Candidate::baseline().id()],
            how: "1 demonstration, draw 3".into(),
        }],
        candidate,
        sampling: Sampling::default(),
        data: vec![Split { name: "train".into(), rows: 80, fingerprint: crate::digest("train") }],
        cost: Cost { task: 1200, proposer: 0, gate: 640, usage: Usage { input: 9, cached: 3, output: 2 } },
        seed: 7,
        edits: None,
        recorded: None,
        approval: None,
    }
}

/// The stamp of a candidate that was accepted against a program.
fn stamp_of(program: &Program, candidate: &Candidate) -> Stamp {
    let baseline = baseline_digest(program, model().abilities()).unwrap();
    let certificate = serde_json::json!({
        "finalist": {"name": "1 demonstration, draw 3", "id": candidate.id()},
        "policy": "strict",
        "lead": {"estimate": 0.11, "lower": 0.06},
        "looks": [{"seeds": 80, "p": 0.0004, "level": 0.01}],
        "against": {"baseline": baseline, "candidate": candidate.id(), "asked": "compile"},
    });
    Stamp::Accepted(Box::new(Accepted::from_certificate(certificate).unwrap()))
}

fn stamp() -> Stamp {
    stamp_of(&parts().program, &parts().candidate)
}

fn artifact() -> Artifact {
    Artifact::emit(parts(), &model(), stamp()).unwrap()
}

#[test]
fn every_version_ever_written_is_read() {
    for (golden, records_baseline) in [(V1, false), (V2, true)] {
        let read = Artifact::parse(golden).unwrap();
        let Stamp::Accepted(accepted) = read.stamp() else { panic!("{:?}", read.stamp()) };
        assert_eq!(accepted.against().is_some(), records_baseline);
        assert_eq!(read.to_json(), golden);
    }
    assert_eq!(artifact().to_json(), V2);
}

/// A file whose content was changed by hand, with the digest of its new content.
fn redigested(text: &str) -> String {
    let mut json: Json = serde_json::from_str(text).unwrap();
    json["digest"] = Json::Null;
    json["digest"] = serde_json::to_value(crate::digest(&json)).unwrap();
    json.to_string()
}

#[test]
fn a_stamp_against_another_baseline_is_refused() {
    let mut program = parts().program;
    let instruction = Candidate::baseline()
        .with("route.instruction".parse().unwrap(), Param::Instruction("Answer billing.".into()));
    program = program.apply(&instruction).unwrap();
    let stamp = stamp_of(&program, &parts().candidate);
    let error = Artifact::emit(parts(), &model(), stamp).unwrap_err();
    assert!(matches!(error, ArtifactError::OtherBaseline { .. }), "{error}");
}

#[test]
fn a_stamp_of_another_candidate_is_refused() {
    let stamp = stamp_of(&parts().program, &Candidate::baseline());
    let error = Artifact::emit(parts(), &model(), stamp).unwrap_err();
    assert!(matches!(error, ArtifactError::OtherCandidate { .. }), "{error}");
}

#[test]
fn a_forged_stamp_is_refused_with_a_right_digest_as_well() {
    let text = artifact().to_json();
    assert!(Artifact::parse(&redigested(&text)).is_ok(), "nothing was changed");
    for (from, to) in [
        ("\"p\": 0.0004,\n      \"lead\"", "\"p\": 1e-9,\n      \"lead\""),
        ("\"lower95\": 0.06", "\"lower95\": 0.09"),
    ] {
        let forged = text.replacen(from, to, 1);
        assert_ne!(forged, text, "{from}");
        assert!(Artifact::parse(&redigested(&forged)).is_err(), "{to}");
    }
    let mut json: Json = serde_json::from_str(&text).unwrap();
    json["program"]["modules"][0]["signature"]["instructions"] = "Answer billing.".into();
    let forged = Artifact::parse(&redigested(&json.to_string()));
    assert!(matches!(forged, Err(ArtifactError::OtherBaseline { .. })), "{forged:?}");
}

#[test]
fn writing_and_reading_gives_the_same() {
    let (artifact, folder) = (artifact(), tempfile::tempdir().unwrap());
    let path = folder.path().join("artifact.json");
    artifact.write(&path).unwrap();
    artifact.write(&path).unwrap();
    assert_eq!(Artifact::read(&path).unwrap(), artifact);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing temporary is left");
    assert!(matches!(Artifact::read(Path::new("/nowhere")), Err(ArtifactError::Io { .. })));
}

#[test]
fn the_messages_are_the_ones_that_are_sent() {
    let artifact = artifact();
    let runner = artifact.runner(Arc::new(model())).unwrap();
    let sent = runner.request("route", &Record::new().with("message", "{{message}}"), 0).unwrap();
    assert_eq!(artifact.prompts()[0].messages, sent.messages);
    assert_eq!(artifact.prompts()[0].shape, sent.shape);
    assert_eq!(sent.messages.last().unwrap().content, "Message: {{message}}");
}

#[test]
fn a_vote_ships_with_the_prompts_of_all_its_members() {
    let xml = Candidate::baseline().with("route.format".parse().unwrap(), Param::Format("xml".into()));
    let candidate = Candidate::vote(&[xml, parts().candidate, Candidate::baseline()]);
    let stamp = stamp_of(&parts().program, &candidate);
    let made = Artifact::emit(Parts { candidate, ..parts() }, &model(), stamp).unwrap();
    let read = Artifact::parse(&made.to_json()).unwrap();
    let formats: Vec<_> = read.prompts().iter().map(|p| (p.module.as_str(), p.format.as_str())).collect();
    assert_eq!(formats, [("route", "xml"), ("route_2", "plain"), ("route_3", "plain")]);
    let runner = read.runner(Arc::new(model())).unwrap();
    for prompt in read.prompts() {
        let sent = runner.request(&prompt.module, &Record::new().with("message", "{{message}}"), 0).unwrap();
        assert_eq!(prompt.messages, sent.messages, "{}", prompt.module);
    }
}

#[test]
fn another_model_is_refused_unless_asked_for() {
    let other = || Arc::new(Scripted::from_fn("other", |_| Ok(String::new())));
    let error = artifact().runner(other()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("not about other (function)"), "{error}");
    assert!(artifact().runner_on_any(other()).is_ok());
}

#[test]
fn an_artifact_without_its_approval_does_not_run() {
    let pending = artifact().with_approval(Some(Approval::Pending));
    let read = Artifact::parse(&pending.to_json()).unwrap();
    assert!(read.is_pending());
    let error = read.runner(Arc::new(model())).map(|_| ()).unwrap_err();
    assert!(matches!(error, ArtifactError::Pending) && error.to_string().contains("proofmark approve"));
    assert!(read.runner_on_any(Arc::new(model())).is_ok(), "it may be tried before it is approved");
    let given = Approval::Given { by: "Ada".into(), note: String::new() };
    let approved = Artifact::parse(&read.with_approval(Some(given)).to_json()).unwrap();
    assert!(approved.runner(Arc::new(model())).is_ok());
    let forged = pending.to_json().replacen("\"pending\"", "{\"given\": {\"by\": \"Ada\"}}", 1);
    assert!(matches!(Artifact::parse(&forged), Err(ArtifactError::Altered)));
}

#[test]
fn a_changed_artifact_is_refused() {
    let text = artifact().to_json();
    let parse = |from: &str, to: &str| {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        Artifact::parse(&changed).unwrap_err()
    };
    assert!(matches!(parse("Which team", "What team"), ArtifactError::Altered));
    assert!(matches!(parse("\"p\": 0.0004", "\"p\": 0.0001"), ArtifactError::Altered));
    assert!(matches!(parse("\"seed\": 7", "\"sed\": 7"), ArtifactError::Syntax { .. }));
    assert!(matches!(parse("\"format\": 2", "\"format\": 3"), ArtifactError::Newer { found: 3 }));
    assert!(matches!(parse("\"format\": 2", "\"fmt\": 2"), ArtifactError::NoFormat));
    assert!(matches!(Artifact::parse("{"), Err(ArtifactError::Syntax { .. })));
}

proptest! {
    #![proptest_config(fuzz::cases(300))]

    #[test]
    fn a_broken_artifact_is_refused_or_reads_back(
        place in any::<Index>(),
        value in fuzz::json(),
        changes in fuzz::changes(),
    ) {
        for golden in [V1, V2] {
            let bytes = fuzz::changed(golden.as_bytes(), &changes);
            let document = serde_json::from_str(golden).unwrap();
            let other = fuzz::with_value(document, place, value.clone()).to_string();
            let other = if other.contains("\"digest\"") { redigested(&other) } else { other };
            for text in [String::from_utf8_lossy(&bytes).into_owned(), other] {
                let Ok(read) = Artifact::parse(&text) else { continue };
                prop_assert_eq!(&Artifact::parse(&read.to_json()).unwrap(), &read);
                let _ = read.runner(Arc::new(model()));
                prop_assert!(read.runner_on_any(Arc::new(model())).is_ok());
                let _ = read.rendered(&Candidate::baseline());
            }
        }
    }
}

#[test]
fn a_prompt_that_renders_differently_is_refused() {
    let mut artifact = artifact();
    artifact.prompts[0].messages[0].content.push('!');
    artifact.tool = "proofmark 9.9.9".into();
    let error = Artifact::parse(&artifact.to_json()).unwrap_err();
    assert!(matches!(&error, ArtifactError::Drifted { module, .. } if module == "route"));
    assert!(error.to_string().contains("proofmark 9.9.9"));
}

#[test]
fn numbers_that_are_not_finite_never_ship() {
    let sampling = Sampling { temperature: f64::NAN, ..parts().sampling };
    let error = Artifact::emit(Parts { sampling, ..parts() }, &model(), stamp()).unwrap_err();
    assert!(matches!(error, ArtifactError::NotFinite));
}

/// A model that enforces schemas.
struct Strict(Scripted);

impl Model for Strict {
    fn identity(&self) -> &Identity {
        self.0.identity()
    }

    fn abilities(&self) -> Abilities {
        Abilities { enforces_schema: true, ..self.0.abilities() }
    }

    fn complete<'a>(
        &'a self,
        request: &'a crate::model::Request,
    ) -> crate::model::Pending<'a, Result<crate::model::Reply, crate::model::CallError>> {
        self.0.complete(request)
    }
}

#[test]
fn the_default_formats_are_fixed_when_the_artifact_is_made() {
    let mut signature = parts().program.modules()[0].signature.clone();
    signature.outputs.push(Field::new("why", Type::Text));
    let program = Program::single("route", "predict", signature, vec![]).unwrap();
    let as_xml = Candidate::baseline().with("route.format".parse().unwrap(), Param::Format("xml".into()));
    for (model, default) in [(&model() as &dyn Model, "fields"), (&Strict(model()), "json")] {
        let parts = Parts { program: program.clone(), candidate: as_xml.clone(), ..parts() };
        let made =
            Artifact::emit(parts, model, Stamp::Unverified { reason: "a test".into(), undecided: vec![] })
                .unwrap();
        assert_eq!(made.prompts()[0].format, "xml");
        // The baseline, too, is shown as this model was asked.
        let read = Artifact::parse(&made.to_json()).unwrap();
        assert_eq!(read.rendered(&Candidate::baseline()).unwrap()[0].format, default);
        assert_eq!(read.with_candidate(Candidate::baseline()).unwrap().prompts()[0].format, default);
        assert!(!read.stamp().is_verified());
    }
}

//! Runs over scripted models.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use super::*;
use crate::{
    candidate::{Calibration, Demonstration, Origin, Param},
    model::{Shape, scripted::Scripted},
    program::{Module, Output, Parts},
    signature::{Field, Signature, Type},
};

/// Scripted models answer at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a scripted model made its caller wait"),
    }
}

fn choices() -> Type {
    Type::Choice(vec!["billing".into(), "shipping".into()])
}

fn program(kind: &str, output: Type) -> Program {
    let signature = Signature {
        instructions: "Route the message.".into(),
        inputs: vec![Field::new("message", Type::Text)],
        outputs: vec![Field::new("team", output)],
    };
    Program::single("route", kind, signature, vec![]).unwrap()
}

fn runner(program: &Program, candidate: &Candidate, model: Scripted) -> Runner {
    Runner::new(program, candidate, Arc::new(model), Sampling::default()).unwrap()
}

fn with(path: &str, param: Param) -> Candidate {
    Candidate::baseline().with(path.parse().unwrap(), param)
}

fn message(text: &str) -> Record {
    Record::new().with("message", text)
}

#[test]
fn a_choice_is_asked_with_its_shape_and_once() {
    let model = Scripted::from_fn("m", |request| {
        assert!(matches!(&request.shape, Shape::Choice { content_free, .. } if content_free.is_empty()));
        assert_eq!(request.replicate, 3);
        Ok("billing".into())
    });
    let run =
        now(runner(&program("predict", choices()), &Candidate::baseline(), model).run(&message("x"), 3));
    let run = run.unwrap();
    assert_eq!((run.outputs, run.calls), (Record::new().with("team", "billing"), 1));
    assert_eq!(run.usage.output, 1);
}

#[test]
fn calibration_replaces_only_the_last_message() {
    let candidate = with("route.calibration", Param::Calibration(Calibration::Contextual));
    let runner =
        runner(&program("predict", choices()), &candidate, Scripted::from_fn("m", |_| unreachable!()));
    let request = runner.request("route", &message("hello"), 0).unwrap();
    let Shape::Choice { content_free, .. } = &request.shape else { panic!("{:?}", request.shape) };
    assert_eq!(content_free, &["Message: N/A", "Message: [MASK]", "Message:"]);
    assert_eq!(request.messages.last().unwrap().content, "Message: hello");
    assert_eq!(runner.messages("route", &message("hello")).unwrap(), request.messages);
}

#[test]
fn the_nearest_demonstrations_are_shown_to_each_input() {
    let shown = |text: &str, team: &str| Demonstration {
        origin: Origin::Task,
        inputs: message(text),
        outputs: Record::new().with("team", team),
    };
    let list = vec![
        shown("the bill is wrong", "billing"),
        shown("my parcel is late", "shipping"),
        shown("hi", "billing"),
    ];
    let candidate = with("route.demonstrations", Param::Demonstrations(list))
        .with("route.nearest".parse().unwrap(), Param::Nearest(1));
    let runner =
        runner(&program("predict", choices()), &candidate, Scripted::from_fn("m", |_| unreachable!()));
    let texts = |text: &str| -> Vec<String> {
        let messages = runner.messages("route", &message(text)).unwrap();
        messages.into_iter().skip(1).map(|message| message.content).collect()
    };
    assert_eq!(texts("a wrong bill?"), ["Message: the bill is wrong", "billing", "Message: a wrong bill?"]);
    assert_eq!(texts("where is my parcel")[..2], ["Message: my parcel is late", "shipping"]);
}

#[test]
fn an_unreadable_reply_gets_one_more_turn() {
    let answers = |second: &'static str| {
        let model = Scripted::from_fn("m", move |request| {
            let last = &request.messages.last().unwrap().content;
            Ok(if last.contains("cannot be used") { second } else { "forty-two" }.into())
        });
        now(runner(&program("predict", Type::Integer), &Candidate::baseline(), model).run(&message("x"), 0))
    };
    let run = answers("42").unwrap();
    assert_eq!((run.outputs, run.calls), (Record::new().with("team", Value::Integer(42)), 2));
    assert_eq!(run.steps[0].calls, 2);
    let error = answers("no idea").unwrap_err();
    assert_eq!(error.to_string(), "module `route`: `team` is \"no idea\", but must be an integer");
}

#[test]
fn a_free_reply_that_is_no_choice_gets_one_more_turn() {
    let model = Scripted::from_fn("m", |request| {
        let turns = request.messages.len();
        Ok(if turns == 2 { "billing and shipping" } else { "Shipping." }.into())
    });
    let runner = runner(&program("predict", choices()), &Candidate::baseline(), model.writing_freely());
    let run = now(runner.run(&message("x"), 0)).unwrap();
    assert_eq!((run.outputs, run.calls), (Record::new().with("team", "shipping"), 2));
    assert_eq!(run.steps[0].repairs, [Repair::new("team", crate::reply::Action::MatchedChoice)]);
}

#[test]
fn reasoning_is_kept_and_may_be_absent() {
    let ask = |text: &'static str| {
        let runner = runner(
            &program("chain_of_thought", choices()),
            &Candidate::baseline(),
            Scripted::from_fn("m", move |_| Ok(text.into())),
        );
        now(runner.run(&message("x"), 0)).unwrap().steps.remove(0).outputs
    };
    let with = ask("[[reasoning]]\nMoney.\n[[team]]\nbilling");
    assert_eq!(with, Record::new().with("reasoning", "Money.").with("team", "billing"));
    let without = ask("[[team]]\nbilling");
    assert_eq!(without, Record::new().with("reasoning", Value::Null).with("team", "billing"));
}

#[test]
fn a_vote_runs_all_members_and_returns_the_majority() {
    let say = |text: &str| with("route.instruction", Param::Instruction(text.into()));
    let model = Scripted::from_fn("m", |request| {
        Ok(if request.messages[0].content.contains("Bills") { "billing" } else { "shipping" }.into())
    });
    let vote = Candidate::vote(&[say("Bills."), say("Parcels."), say("More parcels.")]);
    let run = now(runner(&program("predict", choices()), &vote, model).run(&message("x"), 0)).unwrap();
    assert_eq!((run.outputs, run.calls), (Record::new().with("team", "shipping"), 3));
    let modules: Vec<_> = run.steps.iter().map(|step| step.module.as_str()).collect();
    assert_eq!((modules, run.usage.output), (vec!["route", "route_2", "route_3"], 3));
}

#[test]
fn a_member_without_an_answer_has_no_vote() {
    let say = |text: &str| with("route.instruction", Param::Instruction(text.into()));
    let vote = Candidate::vote(&[say("Chat."), say("Parcels."), say("Chat more.")]);
    let run = |sober: &'static str| {
        let model = Scripted::from_fn("m", move |request| {
            Ok(if request.messages[0].content.contains(sober) { "shipping" } else { "Well, well." }.into())
        });
        now(runner(&program("predict", choices()), &vote, model.writing_freely()).run(&message("x"), 0))
    };
    let some = run("Parcels.").unwrap();
    assert_eq!(
        (some.outputs, some.calls),
        (Record::new().with("team", "shipping"), 5),
        "two were asked again"
    );
    assert_eq!(some.steps.len(), 1);
    let Err(RunError::Reply { module, .. }) = run("Nobody.") else { panic!("no member has an answer") };
    assert_eq!(module, "route");
}

#[test]
fn values_flow_along_the_wires() {
    let module = |name: &str, source, input: &str, output: &str| Module {
        name: name.into(),
        kind: "predict".into(),
        signature: Signature {
            instructions: format!("Do {name}."),
            inputs: vec![Field::new(input, Type::Text)],
            outputs: vec![Field::new(output, Type::Text)],
        },
        wiring: BTreeMap::from([(input.to_owned(), source)]),
        demonstrations: vec![],
        nearest: 0,
        format: None,
        calibration: Calibration::None,
    };
    let summary = || Source::Output { module: "first".into(), field: "summary".into() };
    let program = Program::new(Parts {
        inputs: vec![Field::new("text", Type::Text)],
        modules: vec![
            module("second", summary(), "summary", "answer"),
            module("first", Source::Input("text".into()), "text", "summary"),
        ],
        outputs: vec![Output {
            name: "reply".into(),
            source: Source::Output { module: "second".into(), field: "answer".into() },
            voters: vec![],
        }],
    })
    .unwrap();
    let echo = Scripted::from_fn("m", |request| {
        Ok(request.messages.last().unwrap().content.rsplit(": ").next().unwrap().to_owned() + "!")
    });
    let run = now(runner(&program, &Candidate::baseline(), echo).run(&Record::new().with("text", "hi"), 0));
    let run = run.unwrap();
    assert_eq!((run.outputs, run.calls), (Record::new().with("reply", "hi!!"), 2));
    assert_eq!(run.steps[1].inputs, Record::new().with("summary", "hi!"));

    // In a vote every member hands on its own values.
    let loud = with("first.instruction", Param::Instruction("Shout.".into()));
    let vote = Candidate::vote(&[Candidate::baseline(), loud.clone(), loud]);
    let echo = Scripted::from_fn("m", |request| {
        let text = request.messages.last().unwrap().content.rsplit(": ").next().unwrap().to_owned();
        Ok(if request.messages[0].content.contains("Shout.") { text.to_uppercase() } else { text + "!" })
    });
    let run = now(runner(&program, &vote, echo).run(&Record::new().with("text", "hi"), 0)).unwrap();
    assert_eq!((run.outputs, run.calls), (Record::new().with("reply", "HI!"), 6));
}

#[test]
fn demonstrations_without_reasoning_are_shown_without_it() {
    let demonstration = Demonstration {
        origin: Origin::Task,
        inputs: message("late"),
        outputs: Record::new().with("team", "shipping"),
    };
    let candidate = with("route.demonstrations", Param::Demonstrations(vec![demonstration]));
    let model = Scripted::from_fn("m", |_| unreachable!());
    let messages =
        runner(&program("chain_of_thought", choices()), &candidate, model).messages("route", &message("x"));
    assert_eq!(messages.unwrap()[2].content, "[[team]]\nshipping");
}

#[test]
fn bad_inputs_formats_and_failures_are_named() {
    let good = program("predict", choices());
    let model = || {
        Scripted::new(
            "m",
            serde_json::from_str(r#"{"rules": [{"then": {"fail": {"error": "filtered"}}}]}"#).unwrap(),
        )
    };
    let error =
        |inputs: Record| now(runner(&good, &Candidate::baseline(), model()).run(&inputs, 0)).unwrap_err();
    assert_eq!(error(Record::new()).to_string(), "the inputs do not fit: `message` is missing");
    assert_eq!(error(message("x")), RunError::Filtered { module: "route".into() });
    let build = |name: &str, program: &Program| {
        let candidate = with("route.format", Param::Format(name.into()));
        Runner::new(program, &candidate, Arc::new(model()), Sampling::default()).map(|_| ()).unwrap_err()
    };
    assert!(build("yaml", &good).to_string().contains("there are plain, bare, fields, json, xml"));
    assert!(build("plain", &program("chain_of_thought", choices())).to_string().contains("cannot carry"));
}

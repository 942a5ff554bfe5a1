//! Properties of reading: total, linear, and the inverse of writing.

use proptest::prelude::*;

use super::*;
use crate::{
    candidate::{Demonstration, Origin},
    fuzz,
    model::Role,
    prompt::{self, Format, Prompt},
    signature::{Field, Type},
    value::Value,
};

fn choices() -> Type {
    Type::Choice(["billing", "new order", "new", "C++", "yes, please"].map(String::from).into())
}

fn signature(outputs: Vec<(&str, Type)>) -> Signature {
    let fields = |list: Vec<(&str, Type)>| list.into_iter().map(|(name, ty)| Field::new(name, ty)).collect();
    Signature {
        instructions: "Do it.".into(),
        inputs: fields(vec![("message", Type::Text), ("order", Type::Text)]),
        outputs: fields(outputs),
    }
}

/// Pieces with a meaning in some format, and some without.
const PIECES: [&str; 44] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    ":",
    ",",
    "\\",
    "\n",
    " ",
    "```json\n",
    "```",
    "//",
    "/*",
    "*/",
    "#",
    "a",
    "answer",
    "message",
    "[[answer]]",
    "[[message]]",
    "\\[[answer]]",
    "<answer>",
    "</answer>",
    "&lt;",
    "&amp;",
    "<",
    "&",
    "<think>",
    "</think>",
    "null",
    "true",
    "1",
    "-2.5",
    "1e999",
    "billing",
    "Message:",
    "Order: 7",
    "not",
    "ü",
    "😀",
    "{{ instructions }}",
    "{% if x %}",
];

fn soup() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..40)
            .prop_map(|parts| parts.concat()),
        any::<String>(),
    ]
}

/// Texts that survive trimming and are no reasoning blocks: what a reply may hold as text.
fn text() -> impl Strategy<Value = String> {
    soup().prop_map(|text| text.replace("think>", "").trim().to_owned())
}

fn scalar() -> impl Strategy<Value = (Type, Value)> {
    prop_oneof![
        text()
            .prop_filter("a reply is not empty", |text| !text.is_empty())
            .prop_map(|t| (Type::Text, t.into())),
        any::<i64>().prop_map(|n| (Type::Integer, Value::Integer(n))),
        (-1e300..1e300).prop_map(|n: f64| (Type::Number, Value::Number(n))),
        any::<bool>().prop_map(|b| (Type::Boolean, Value::Boolean(b))),
        (0..5usize).prop_map(|i| {
            let Type::Choice(list) = choices() else { unreachable!() };
            (choices(), Value::Text(list[i].clone()))
        }),
    ]
}

fn typed() -> impl Strategy<Value = (Type, Value)> {
    let pair = (scalar(), scalar()).prop_map(|((a, x), (b, y))| {
        let fields = vec![Field::new("first", a), Field::new("second", b)];
        (Type::Record(fields), Value::Record(Record::new().with("first", x).with("second", y)))
    });
    let many = (scalar(), 0..4usize)
        .prop_map(|((ty, value), n)| (Type::List(ty.into()), Value::List(vec![value; n])));
    let nothing = scalar().prop_map(|(ty, _)| (Type::Optional(ty.into()), Value::Null));
    let something = scalar()
        .prop_filter("these words mean nothing", |(_, value)| {
            !matches!(value.to_string().to_lowercase().as_str(), "null" | "none" | "n/a" | "nothing")
        })
        .prop_map(|(ty, value)| (Type::Optional(ty.into()), value));
    prop_oneof![3 => scalar(), 1 => pair, 1 => many, 1 => nothing, 1 => something]
}

fn written(
    format: &dyn Format,
    signature: &Signature,
    inputs: &Record,
    outputs: &Record,
) -> (String, String) {
    let (inputs, outputs) = (inputs.clone(), outputs.clone());
    let shown = [Demonstration { origin: Origin::Task, inputs: inputs.clone(), outputs }];
    let messages =
        prompt::render(format, &Prompt { signature, demonstrations: &shown, inputs: &inputs }).unwrap();
    let of = |role| messages.iter().rfind(|message| message.role == role).unwrap().content.clone();
    (of(Role::User), of(Role::Assistant))
}

fn inputs(message: &str, order: &str) -> Record {
    Record::new().with("message", message).with("order", order)
}

proptest! {
    #![proptest_config(fuzz::cases(1500))]

    #[test]
    fn a_format_reads_its_own_writing_without_repairs(
        values in proptest::collection::vec(typed(), 1..4),
    ) {
        let names = ["answer", "reasoning", "b2"];
        let fields = names.iter().zip(&values).map(|(name, (ty, _))| (*name, ty.clone()));
        let signature = signature(fields.collect());
        let outputs: Record =
            names.iter().zip(&values).map(|(name, (_, value))| ((*name).to_owned(), value.clone())).collect();
        for format in prompt::ALL.iter().filter(|format| format.fits(&signature)) {
            let (_, reply) = written(*format, &signature, &inputs("m", "o"), &outputs);
            let reading = format.read(&reply, &signature);
            let expected = Reading { outputs: outputs.clone(), repairs: vec![] };
            prop_assert_eq!(reading, Ok(expected), "{} wrote {}", format.name(), reply);
        }
    }

    #[test]
    fn an_input_cannot_pass_for_another(message in text(), order in text()) {
        let signature = signature(vec![("answer", Type::Text)]);
        let inputs = inputs(&message, &order);
        for format in prompt::ALL {
            let (user, _) = written(*format, &signature, &inputs, &Record::new().with("answer", "x"));
            let found = match format.name() {
                "plain" | "bare" => labelled(&user),
                _ => {
                    let swapped = Signature { inputs: signature.outputs.clone(), outputs: signature.inputs.clone(), ..signature.clone() };
                    format.read(&user, &swapped).unwrap().outputs
                }
            };
            prop_assert_eq!(&found, &inputs, "{} wrote {}", format.name(), user);
        }
    }

    #[test]
    fn reading_never_panics_and_its_result_fits(reply in soup(), (ty, _) in typed()) {
        let one = signature(vec![("answer", ty.clone())]);
        let two = signature(vec![("answer", ty), ("b2", choices())]);
        for signature in [one, two] {
            for format in prompt::ALL.iter().filter(|format| format.fits(&signature)) {
                if let Ok(reading) = format.read(&reply, &signature) {
                    prop_assert_eq!(signature.check_outputs(&reading.outputs), Ok(()));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(fuzz::cases(500))]

    #[test]
    fn broken_replies_are_read_or_refused(
        values in proptest::collection::vec(typed(), 1..4),
        changes in fuzz::changes(),
    ) {
        let names = ["answer", "reasoning", "b2"];
        let fields = names.iter().zip(&values).map(|(name, (ty, _))| (*name, ty.clone()));
        let signature = signature(fields.collect());
        let outputs: Record =
            names.iter().zip(values).map(|(name, (_, value))| ((*name).to_owned(), value)).collect();
        for writer in prompt::ALL.iter().filter(|format| format.fits(&signature)) {
            let (_, reply) = written(*writer, &signature, &inputs("m", "o"), &outputs);
            let reply = fuzz::changed(reply.as_bytes(), &changes);
            let reply = String::from_utf8_lossy(&reply);
            for reader in prompt::ALL.iter().filter(|format| format.fits(&signature)) {
                if let Ok(reading) = reader.read(&reply, &signature) {
                    prop_assert_eq!(signature.check_outputs(&reading.outputs), Ok(()));
                }
            }
        }
    }

    #[test]
    fn a_choice_that_is_read_is_one_of_the_list(
        text in soup(),
        choices in proptest::collection::vec("[a-z #+.'_]{0,6}", 0..5),
    ) {
        if let Some(found) = choice::find(&text, &choices) {
            prop_assert!(choices.iter().any(|choice| choice == found));
        }
        for exact in &choices {
            prop_assert_eq!(choice::find(exact, &choices), Some(exact.as_str()));
        }
    }

    #[test]
    fn numbers_that_are_read_are_finite(text in soup(), number in any::<f64>(), words in "[a-z ]{0,9}") {
        for text in [text, number.to_string(), format!("{words}{number:e}{words}")] {
            match number::find(&text) {
                Some(Value::Number(found)) => prop_assert!(found.is_finite(), "{text}"),
                Some(Value::Integer(_)) | None => {}
                Some(other) => prop_assert!(false, "{text}: {other}"),
            }
            let _ = number::truth(&text);
        }
    }

    #[test]
    fn the_lenient_reader_reads_strict_json(json in fuzz::json()) {
        let text = json.to_string();
        // An empty key and an item `...` are what the lenient reader takes for a gap.
        if (json.is_object() || json.is_array()) && !text.contains("\"\":") && !text.contains("\"...\"") {
            prop_assert_eq!(lenient::parse(&text), Some(json));
        }
    }

    #[test]
    fn the_lenient_reader_reads_or_refuses(text in soup(), json in fuzz::json(), changes in fuzz::changes()) {
        let broken = fuzz::changed(json.to_string().as_bytes(), &changes);
        for text in [text.as_str(), &String::from_utf8_lossy(&broken)] {
            for (start, _) in text.match_indices(['{', '[']).take(8) {
                let read = lenient::parse(&text[start..]);
                prop_assert!(read.is_none_or(|json| json.is_object() || json.is_array()));
            }
        }
    }

    #[test]
    fn what_follows_the_reasoning_is_the_end_of_the_reply(text in soup()) {
        if let Ok((rest, cut)) = without_reasoning(&text, &[]) {
            prop_assert!(!rest.is_empty() && text.trim().ends_with(rest));
            prop_assert_eq!(cut, rest.len() < text.trim().len());
        }
    }

    #[test]
    fn every_prompt_can_be_written(
        name in "[a-z_]{1,6}|.{1,4}",
        about in soup(),
        instructions in soup(),
        value in fuzz::json(),
        (ty, _) in typed(),
    ) {
        let mut field = Field::new(name.clone(), ty);
        field.about = about;
        let signature = Signature {
            instructions,
            inputs: vec![field.clone(), Field::new("order", Type::Text)],
            outputs: vec![Field { name: format!("{name}2"), ..field }],
        };
        let inputs = Record::new().with(name, &value).with("order", &value);
        for format in prompt::ALL {
            let shown = Prompt { signature: &signature, demonstrations: &[], inputs: &inputs };
            prop_assert!(prompt::render(*format, &shown).is_ok());
        }
    }
}

/// Reads `plain` inputs: a line that starts with a label starts that input, and a backslash in front of one goes away.
fn labelled(user: &str) -> Record {
    let labels = [("Message:", "message"), ("Order:", "order")];
    let starts = |line: &str| labels.into_iter().find(|(label, _)| line.starts_with(label));
    let looks = |line: &str| {
        let is_label = |label: &str| {
            let (head, rest) = line.split_at_checked(label.len() - 1)?;
            Some(head.eq_ignore_ascii_case(&label[..label.len() - 1]) && rest.trim_start().starts_with(':'))
        };
        labels.iter().any(|(label, _)| is_label(label) == Some(true))
    };
    let mut texts: Vec<(&str, String)> = Vec::new();
    for line in user.split_inclusive('\n') {
        let rest = match starts(line) {
            Some((label, name)) => {
                texts.push((name, String::new()));
                line[label.len()..].strip_prefix(' ').unwrap_or(&line[label.len()..])
            }
            None => line,
        };
        let is_guarded = looks(rest.trim_start_matches(|c: char| c == '\\' || c.is_whitespace()));
        let rest = rest.strip_prefix('\\').filter(|_| is_guarded).unwrap_or(rest);
        texts.last_mut().unwrap().1.push_str(rest);
    }
    texts.into_iter().map(|(name, text)| (name.to_owned(), text.trim().into())).collect()
}

#[test]
fn a_missing_field_is_never_invented() {
    let signature = signature(vec![("answer", Type::Text), ("b2", Type::List(Type::Text.into()))]);
    let replies = [
        "\"\"",
        "{}",
        "[]",
        "{\"answer\": null, \"b2\": []}",
        "{\"answer\": , \"b2\": []}",
        "[[b2]]\n[]",
        "<b2>[]</b2>",
        "null",
        "{\"answer\": \"x\"}",
    ];
    for reply in replies {
        for format in prompt::ALL.iter().filter(|format| format.fits(&signature)) {
            assert!(format.read(reply, &signature).is_err(), "{}: {reply}", format.name());
        }
    }
}

#[test]
fn hostile_replies_are_read_in_linear_time() {
    let signature = signature(vec![("answer", Type::Text), ("b2", Type::Integer)]);
    let pieces = [
        "[",
        "{",
        "{\"a\":",
        "[[answer]]",
        "<answer>",
        "\"",
        "{\"answer\": \"",
        "```\n",
        "&lt;",
        "<think>",
        "\\",
        "[\"",
        "{a b",
        "\"  ",
        "{'a': 'b' ",
    ];
    for piece in pieces {
        let reply = piece.repeat(200_000 / piece.len());
        for format in prompt::ALL.iter().filter(|format| format.fits(&signature)) {
            assert!(format.read(&reply, &signature).is_err(), "{}: {piece}", format.name());
        }
    }
}

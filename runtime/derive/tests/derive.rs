//! Derived signatures, records and choices, as a user writes them.

use proofmark_runtime::{
    Choice, Record, Signature,
    signature::Misfit,
    typed::{AsSignature, AsValue},
};
use serde_json::json;

/// Read the note.
///
/// Answer with what it says.
#[derive(Signature, Debug, PartialEq)]
struct Read {
    /// The note, as it was
    /// found.
    #[input(max_length = 20)]
    note: String,
    #[input]
    r#type: Option<Kind>,
    /// Where to go.
    #[output]
    places: Vec<Place>,
    #[output(min = -1.5, max = 10)]
    grade: f64,
    #[output]
    sure: bool,
}

#[derive(Choice, Debug, PartialEq, Clone, Copy)]
enum Kind {
    LostAndFound,
    HTTPError,
    #[choice("it's odd")]
    Odd,
}

#[derive(Record, Debug, PartialEq)]
struct Place {
    /// Its name.
    #[field(max_length = 5)]
    name: String,
    floor: Option<i64>,
}

fn example() -> Read {
    let place = |name: &str, floor| Place { name: name.into(), floor };
    Read {
        note: "Go!".into(),
        r#type: Some(Kind::Odd),
        places: vec![place("attic", Some(3)), place("yard", None)],
        grade: 2.0,
        sure: true,
    }
}

#[test]
fn the_signature_is_what_was_written() {
    let expected = json!({
        "instructions": "Read the note.\n\nAnswer with what it says.",
        "inputs": [
            {"name": "note", "type": "text", "about": "The note, as it was found.", "constraints": {"max_length": 20}},
            {"name": "type", "type": {"optional": {"choice": ["lost_and_found", "http_error", "it's odd"]}}},
        ],
        "outputs": [
            {"name": "places", "about": "Where to go.", "type": {"list": {"record": [
                {"name": "name", "type": "text", "about": "Its name.", "constraints": {"max_length": 5}},
                {"name": "floor", "type": {"optional": "integer"}},
            ]}}},
            {"name": "grade", "type": "number", "constraints": {"min": -1.5, "max": 10.0}},
            {"name": "sure", "type": "boolean"},
        ],
    });
    assert_eq!(Read::signature(), serde_json::from_value(expected).unwrap());
}

#[test]
fn examples_round_trip_through_records_and_json() {
    let (inputs, outputs) = example().to_records();
    Read::signature().check_inputs(&inputs).unwrap();
    Read::signature().check_outputs(&outputs).unwrap();
    let outputs: Record = serde_json::from_str(&serde_json::to_string(&outputs).unwrap()).unwrap();
    assert_eq!(Read::from_records(&inputs, &outputs).unwrap(), example());
    assert_eq!(Read::inputs("Go!".into(), Some(Kind::Odd)), inputs);
}

#[test]
fn misfits_are_reported_with_their_path() {
    let (inputs, _) = example().to_records();
    let outputs = json!({"places": [{"name": "cellar", "floor": "x"}], "grade": 11, "extra": 1});
    let outputs: Record = serde_json::from_value(outputs).unwrap();
    let misfits = Read::from_records(&inputs, &outputs).unwrap_err();
    let fields: Vec<_> = misfits.iter().map(Misfit::field).collect();
    assert_eq!(fields, ["places[0].name", "grade", "sure", "extra"]);
}

#[test]
fn values_of_another_type_are_refused_with_their_path() {
    let value = proofmark_runtime::Value::from(&json!([{"name": "yard", "floor": "x"}]));
    let misfit = Vec::<Place>::from_value(&value, "places").unwrap_err();
    assert_eq!(misfit.to_string(), "`places[0].floor` is text, but must be an integer");
    assert!(matches!(String::from_value(&proofmark_runtime::Value::Null, "x"), Err(Misfit::Missing { .. })));
    assert!(Kind::from_value(&"odd".into(), "kind").is_err());
}

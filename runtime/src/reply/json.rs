//! JSON in a reply: the choice among several pieces.
//!
//! Fenced blocks come before the whole text, strict JSON before mended JSON, and later pieces before earlier ones. The first
//! piece in this order that fits the fields wins.

use serde_json::{Map, Value as Json};

use super::{
    Action, Reading, Repair, ReplyError,
    coerce::{FieldPlace, record_from_json},
    lenient,
    spans::{brackets, fenced},
};
use crate::signature::Field;

/// A piece of JSON.
struct FoundJson {
    json: Json,
    mended: bool,
}

/// Reads the JSON object in a text that fits these fields.
///
/// # Errors
/// [`ReplyError::NoObject`], or the misfits of the first piece.
pub(crate) fn read_object(text: &str, fields: &[Field]) -> Result<Reading, ReplyError> {
    let mut error = None;
    for found in pieces(text) {
        let (object, unwrapped) = match &found.json {
            Json::Object(object) => (object, false),
            Json::Array(items) => match items.as_slice() {
                [Json::Object(object)] => (object, true),
                _ => continue,
            },
            _ => continue,
        };
        match read(object, fields) {
            Ok(mut reading) => {
                let whole = is_whole(text, object);
                let actions = [
                    (found.mended, Action::MendedSyntax),
                    (unwrapped, Action::Unwrapped),
                    (!found.mended && !unwrapped && !whole, Action::IgnoredText),
                ];
                let made = actions.into_iter().filter(|(done, _)| *done);
                reading.repairs.splice(0..0, made.map(|(_, action)| Repair::new("", action)));
                return Ok(reading);
            }
            Err(misfit) => error = error.or(Some(misfit)),
        }
    }
    Err(error.unwrap_or(ReplyError::NoObject))
}

/// The last JSON array in a text.
pub(crate) fn find_array(text: &str, place: &mut FieldPlace<'_>) -> Option<Vec<Json>> {
    if let Ok(Json::Array(items)) = serde_json::from_str(text) {
        return Some(items);
    }
    pieces(text).find_map(|found| match found.json {
        Json::Array(items) => {
            let action = if found.mended { Action::MendedSyntax } else { Action::IgnoredText };
            place.repairs.push(Repair::new(&place.path, action));
            Some(items)
        }
        _ => None,
    })
}

fn read(object: &Map<String, Json>, fields: &[Field]) -> Result<Reading, ReplyError> {
    let mut repairs = Vec::new();
    let mut place = FieldPlace { path: String::new(), repairs: &mut repairs };
    match record_from_json(object, fields, &mut place) {
        Ok(outputs) => Ok(Reading { outputs, repairs }),
        Err(misfits) => Err(ReplyError::Misfits(misfits)),
    }
}

/// All pieces of JSON, the best first.
fn pieces(text: &str) -> impl Iterator<Item = FoundJson> {
    let mut places = fenced(text);
    places.reverse();
    places.push(text);
    let strict = places.clone().into_iter().flat_map(strict);
    strict.chain(places.into_iter().flat_map(mended))
}

/// Balanced brackets that are JSON, the last first.
fn strict(text: &str) -> impl Iterator<Item = FoundJson> {
    let found = brackets(text);
    // Brackets inside an object that was cut short are parts of it.
    let cut = found.unclosed.filter(|at| matches!(lenient::parse(&text[*at..]), Some(Json::Object(_))));
    let limit = cut.unwrap_or(text.len());
    let outside = found.balanced.into_iter().rev().filter(move |range| range.start < limit);
    outside.filter_map(|range| {
        serde_json::from_str(&text[range]).ok().map(|json| FoundJson { json, mended: false })
    })
}

/// The open bracket and the balanced ones as the lenient reader reads them, the last first.
fn mended(text: &str) -> impl Iterator<Item = FoundJson> {
    let found = brackets(text);
    let open = found.unclosed.map(|at| at..text.len());
    let spans = open.into_iter().chain(found.balanced.into_iter().rev());
    spans.filter_map(|range| lenient::parse(&text[range]).map(|json| FoundJson { json, mended: true }))
}

fn is_whole(text: &str, object: &Map<String, Json>) -> bool {
    serde_json::from_str::<Map<String, Json>>(text).is_ok_and(|whole| whole == *object)
}

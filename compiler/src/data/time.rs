//! The time of a row: a number, or a date with or without a time of day.

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::Serialize;
use serde_json::Value as Json;

/// A point on the time axis of a data set: seconds for dates, the number itself for numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Moment(f64);

impl Eq for Moment {}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Reads a cell: a finite number, `2026-11-20`, `2026-11-20T10:30:00` or `2026-11-20T10:30:00+01:00`. Times without an offset
/// are in UTC.
pub(super) fn read(cell: Option<&Json>, column: &str) -> Result<Moment, String> {
    match cell {
        Some(Json::Number(number)) => number.as_f64().map(Moment),
        Some(Json::String(text)) => {
            text.trim().parse().ok().filter(|n: &f64| n.is_finite()).map(Moment).or_else(|| date(text.trim()))
        }
        None | Some(Json::Null) => return Err(format!("`{column}` is missing")),
        Some(_) => None,
    }
    .ok_or_else(|| {
        let found = cell.map(ToString::to_string).unwrap_or_default();
        format!(
            "`{column}` is {found}, neither a number nor a date such as 2026-11-20 or 2026-11-20T10:30:00Z"
        )
    })
}

fn date(text: &str) -> Option<Moment> {
    let timestamp = text.parse::<Timestamp>().ok().or_else(|| {
        let civil = text.parse::<civil::DateTime>().ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age are exact in a double")]
    Some(Moment(timestamp.as_millisecond() as f64 / 1000.0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dates_and_numbers_are_ordered() {
        let at = |json: Json| read(Some(&json), "at").unwrap();
        assert!(at(json!("2026-11-20")) < at(json!("2026-11-20T10:30:00Z")));
        assert_eq!(at(json!("2026-11-20T10:30:00+01:00")), at(json!("2026-11-20 09:30:00")));
        assert!(at(json!(2)) < at(json!("10")));
        assert!(read(Some(&json!("yesterday")), "at").unwrap_err().contains("\"yesterday\""));
        assert!(read(Some(&json!("2026-02-30")), "at").is_err());
    }
}

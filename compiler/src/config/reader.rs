//! Getters over a checked table. They report nothing: what is absent or has the wrong shape reads as `None`, because
//! [`super::shape`] has reported it already.

use std::{borrow::Cow, ops::Range};

use proofmark_runtime::{Record, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::shape;

/// A table of a task file, which may be absent.
#[derive(Clone, Copy)]
pub(crate) struct TableReader<'t> {
    table: Option<&'t DeTable<'t>>,
}

impl<'t> TableReader<'t> {
    /// Reads a table.
    pub(crate) fn new(table: &'t DeTable<'t>) -> Self {
        Self { table: Some(table) }
    }

    /// Reads a value as a table; absent if the value is something else.
    pub(crate) fn of(value: &'t Spanned<DeValue<'t>>) -> Self {
        Self { table: value.get_ref().as_table() }
    }

    /// Whether the table is present.
    pub(crate) fn is_present(self) -> bool {
        self.table.is_some()
    }

    /// The value of a key.
    pub(crate) fn get(self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.table?.get(key)
    }

    /// The place of the value of a key.
    pub(crate) fn span(self, key: &str) -> Option<Range<usize>> {
        self.get(key).map(Spanned::span)
    }

    /// The place of a key.
    pub(crate) fn key_span(self, key: &str) -> Option<Range<usize>> {
        self.table?.get_key_value(key).map(|(key, _)| key.span())
    }

    /// A table in this table.
    pub(crate) fn table(self, key: &str) -> Self {
        Self { table: self.get(key).and_then(|value| value.get_ref().as_table()) }
    }

    /// The keys and values, in the order of the file.
    pub(crate) fn entries(
        self,
    ) -> impl Iterator<Item = (&'t Spanned<Cow<'t, str>>, &'t Spanned<DeValue<'t>>)> {
        self.table.into_iter().flatten()
    }

    /// The items of a list.
    pub(crate) fn items(self, key: &str) -> &'t [Spanned<DeValue<'t>>] {
        self.get(key).and_then(|value| value.get_ref().as_array()).map_or(&[], |array| array)
    }

    /// A text.
    pub(crate) fn text(self, key: &str) -> Option<&'t str> {
        self.get(key)?.get_ref().as_str()
    }

    /// A text as an owned string.
    pub(crate) fn string(self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    /// A list of texts, each with its place; skips items that are not texts.
    pub(crate) fn texts(self, key: &str) -> Vec<Spanned<&'t str>> {
        let items = self.items(key).iter();
        items.filter_map(|item| Some(Spanned::new(item.span(), item.get_ref().as_str()?))).collect()
    }

    /// A list of texts as owned strings.
    pub(crate) fn strings(self, key: &str) -> Vec<String> {
        self.texts(key).iter().map(|text| (*text.get_ref()).to_owned()).collect()
    }

    /// A whole number that is not negative.
    pub(crate) fn whole<N: TryFrom<i64>>(self, key: &str) -> Option<N> {
        shape::integer(self.get(key)?.get_ref()).and_then(|number| number.try_into().ok())
    }

    /// A finite number.
    pub(crate) fn number(self, key: &str) -> Option<f64> {
        shape::number(self.get(key)?.get_ref())
    }

    /// True or false.
    pub(crate) fn boolean(self, key: &str) -> Option<bool> {
        self.get(key)?.get_ref().as_bool()
    }
}

/// Turns a TOML value into a value of a record; dates become text.
pub(crate) fn to_value(toml: &DeValue<'_>) -> Value {
    match toml {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Integer(written) => match shape::integer(toml) {
            Some(number) => Value::Integer(number),
            None => Value::Text(written.to_string()),
        },
        DeValue::Float(written) => match shape::number(toml) {
            Some(number) => Value::Number(number),
            None => Value::Text(written.as_str().to_owned()),
        },
        DeValue::Datetime(date) => Value::Text(date.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(|item| to_value(item.get_ref())).collect()),
        DeValue::Table(table) => Value::Record(record(table)),
    }
}

/// Turns a TOML table into a record.
fn record(table: &DeTable<'_>) -> Record {
    table.iter().map(|(key, item)| (key.get_ref().to_string(), to_value(item.get_ref()))).collect()
}

//! Expressions over the values of a template, written as in Jinja: `n * p`, `(a + b) // 2`, `"yes" if n > m else "no"`.
//!
//! **Invariant:** an expression knows the holes of its template and nothing else, ends after so many steps, and gives a
//! number, a text or a truth value. Numbers are rounded as [`number::value`] does.

use std::{fmt, sync::LazyLock};

use minijinja::{
    Environment, Error, UndefinedBehavior,
    value::{Serde, ValueKind},
};
use proofmark_runtime::{Record, Value};

use super::number;
use crate::task::suggest;

/// Steps that an expression may take; one that anybody would write takes some ten.
const FUEL: u64 = 10_000;

static JINJA: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut jinja = Environment::new();
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    jinja.set_fuel(Some(FUEL));
    jinja
});

/// An expression.
pub(super) struct Expression {
    source: String,
    compiled: minijinja::Expression<'static, 'static>,
}

impl Expression {
    /// Compiles an expression over these names.
    ///
    /// # Errors
    /// What is wrong with it, and what to do about it.
    pub(super) fn new(source: &str, holes: &[&str]) -> Result<Self, (String, String)> {
        let compiled = JINJA.compile_expression_owned(source.to_owned()).map_err(|error| {
            (said(&error), "written as in Jinja, such as n * p or (a + b) // 2".to_owned())
        })?;
        // The smallest, so that always the same one is named.
        let unknown =
            compiled.undeclared_variables(false).into_iter().filter(|name| !holes.contains(&name.as_str()));
        if let Some(name) = unknown.min() {
            return Err((format!("`{name}` is no hole of the text"), suggest(&name, holes)));
        }
        Ok(Self { source: source.to_owned(), compiled })
    }

    /// What it gives for these values.
    ///
    /// # Errors
    /// Why it gives nothing that can be used.
    pub(super) fn answer(&self, values: &Record) -> Result<Value, String> {
        let given = self.compiled.eval(Serde(values)).map_err(|error| said(&error))?;
        let kind = given.kind();
        let value = match kind {
            ValueKind::Bool => Some(Value::Boolean(given.is_true())),
            ValueKind::String => given.as_str().map(Value::from),
            ValueKind::Number => f64::try_from(given).ok().and_then(number::value),
            _ => None,
        };
        value.ok_or_else(|| match kind {
            ValueKind::Number => "it gives a number that is infinite or has more than 15 digits".to_owned(),
            _ => format!("it gives a value of type {kind}, not a number, a text or a truth value"),
        })
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

fn said(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(source: &str) -> Result<Value, String> {
        let values = Record::new()
            .with("n", Value::Integer(7))
            .with("p", Value::Number(2.5))
            .with("q", Value::Number(0.1))
            .with("name", "Ann");
        let expression = Expression::new(source, &["n", "p", "q", "name"]).map_err(|(problem, _)| problem)?;
        expression.answer(&values)
    }

    #[test]
    fn expressions_give_numbers_texts_and_truth_values() {
        for (source, expected) in [
            ("n * p", Value::Number(17.5)),
            ("n * 4 / 2", Value::Integer(14)),
            ("n // 2", Value::Integer(3)),
            ("n % 2 == 1", Value::Boolean(true)),
            ("q + 0.2", Value::Number(0.3)),
            ("q * 3 * 10", Value::Integer(3)),
            ("2 ** 10 - n", Value::Integer(1017)),
            ("(p * 100)|int", Value::Integer(250)),
            ("(n / 3)|round(2)", Value::Number(2.33)),
            ("[n, 9]|max", Value::Integer(9)),
            ("\"many\" if n > 5 else \"few\"", Value::from("many")),
            ("name ~ \" pays \" ~ n", Value::from("Ann pays 7")),
        ] {
            assert_eq!(answer(source), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_gives_nothing_is_told() {
        for (source, problem) in [
            ("n *", "unexpected end of input"),
            ("m * 2", "`m` is no hole of the text"),
            ("range(3)", "`range` is no hole of the text"),
            ("n.x", "undefined"),
            ("n - name", "operator on unsupported types"),
            ("n // 0", "unable to calculate 7 // 0"),
            ("n / 0", "unable to calculate 7 / 0"),
            ("10 ** 20", "more than 15 digits"),
            ("n|nothing", "filter nothing is unknown"),
            ("[n]", "a value of type sequence"),
            ("", "unexpected end of input"),
        ] {
            let told = answer(source).unwrap_err();
            assert!(told.contains(problem), "{source}: {told}");
        }
    }
}

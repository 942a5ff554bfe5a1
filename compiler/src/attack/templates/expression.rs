//! Expressions over the values of a template, written as in Jinja: `n * p`, `(a + b) // 2`, `"yes" if n > m else "no"`.
//!
//! **Invariant:** an expression knows the holes of its template and nothing else, ends after at most [`FUEL`] steps, and gives a
//! number, a text or a boolean. Numbers are rounded as by [`number::value`].

use std::{fmt, sync::LazyLock};

use minijinja::{
    Environment, Error, UndefinedBehavior,
    value::{Serde, ValueKind},
};
use proofmark_runtime::{Record, Value};

use super::{file::LineProblem, number};
use crate::config::suggest;

/// Most steps of an expression. A usual expression takes about ten.
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
    /// Compiles an expression over these holes.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub(super) fn new(source: &str, holes: &[&str]) -> Result<Self, LineProblem> {
        let compiled = JINJA.compile_expression_owned(source.to_owned()).map_err(|error| {
            LineProblem::new(message(&error), "write it as in Jinja, such as n * p or (a + b) // 2")
        })?;
        // The first in order, so that the message is always the same.
        let unknown =
            compiled.undeclared_variables(false).into_iter().filter(|name| !holes.contains(&name.as_str()));
        if let Some(name) = unknown.min() {
            return Err(LineProblem::new(format!("the text has no hole `{name}`"), suggest(&name, holes)));
        }
        Ok(Self { source: source.to_owned(), compiled })
    }

    /// The answer for these values.
    ///
    /// # Errors
    /// Why the answer cannot be used.
    pub(super) fn answer(&self, values: &Record) -> Result<Value, String> {
        let given = self.compiled.eval(Serde(values)).map_err(|error| message(&error))?;
        let kind = given.kind();
        let value = match kind {
            ValueKind::Bool => Some(Value::Boolean(given.is_true())),
            ValueKind::String => given.as_str().map(Value::from),
            ValueKind::Number => f64::try_from(given).ok().and_then(number::value),
            _ => None,
        };
        value.ok_or_else(|| match kind {
            ValueKind::Number => "it gives a number that is infinite or has more than 15 digits".to_owned(),
            _ => format!("it gives a value of type {kind}, not a number, a text or a boolean"),
        })
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

fn message(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(source: &str) -> Result<Value, String> {
        let values = Record::new()
            .with("n", Value::Integer(7))
            .with("p", Value::Number(2.5))
            .with("q", Value::Number(0.1))
            .with("name", "Ann");
        let expression =
            Expression::new(source, &["n", "p", "q", "name"]).map_err(|problem| problem.message)?;
        expression.answer(&values)
    }

    #[test]
    fn expressions_give_numbers_texts_and_booleans() {
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
    fn unusable_expressions_are_reported() {
        for (source, problem) in [
            ("n *", "unexpected end of input"),
            ("m * 2", "the text has no hole `m`"),
            ("range(3)", "the text has no hole `range`"),
            ("n.x", "undefined"),
            ("n - name", "operator on unsupported types"),
            ("n // 0", "unable to calculate 7 // 0"),
            ("n / 0", "unable to calculate 7 / 0"),
            ("10 ** 20", "more than 15 digits"),
            ("n|nothing", "filter nothing is unknown"),
            ("[n]", "a value of type sequence"),
            ("", "unexpected end of input"),
        ] {
            let found = answer(source).unwrap_err();
            assert!(found.contains(problem), "{source}: {found}");
        }
    }

    proptest! {
        #[test]
        fn any_expression_gives_an_answer_or_a_problem(
            source in r#"([npq]|name|[0-9]{1,20}|[-+*/%~|().,\[\]{}:<>=!'" ]|if|else|not|in|loop|range|abs|round|join){0,14}|\PC{0,30}"#
        ) {
            match answer(&source) {
                Ok(value) => prop_assert!(matches!(
                    value,
                    Value::Boolean(_) | Value::Integer(_) | Value::Number(_) | Value::Text(_)
                )),
                Err(problem) => prop_assert!(!problem.is_empty()),
            }
        }
    }
}

//! The message for each mistake. The doc tests of the macros show that mistakes do not compile.

use syn::{DeriveInput, Error, parse_str};

use crate::{choice, record, signature};

fn problem(derived: Result<proc_macro2::TokenStream, Error>) -> String {
    derived.map(|code| format!("compiles to {code}")).unwrap_or_else(|error| error.to_string())
}

fn input(text: &str) -> DeriveInput {
    parse_str(text).unwrap()
}

#[test]
fn mistakes_in_signatures_are_reported() {
    let cases = [
        ("struct S { #[output] a: String }", "a signature needs instructions"),
        ("/// Do.\nstruct S { a: String }", "mark it #[input] or #[output]"),
        ("/// Do.\nstruct S { #[input] #[output] a: String }", "one mark is enough"),
        ("/// Do.\nstruct S { #[input] a: String }", "a signature needs an #[output]"),
        ("/// Do.\nstruct S { #[output(longest = 3)] a: String }", "there are min, max and max_length"),
        ("/// Do.\nstruct S { #[output(max_length = -1)] a: String }", "a length is a whole number from 0"),
        ("/// Do.\nstruct S { #[output(min = \"1\")] a: i64 }", "expected floating point literal"),
        ("/// Do.\nstruct S(String);", "its fields need names"),
        ("/// Do.\nenum S { A }", "only a struct"),
        ("/// Do.\nstruct S<T> { #[output] a: T }", "has no parameters"),
    ];
    for (text, expected) in cases {
        let problem = problem(signature::derive(&input(text)));
        assert!(problem.contains(expected), "{text}: {problem}");
    }
}

#[test]
fn mistakes_in_records_and_choices_are_reported() {
    let found = problem(record::derive(&input("struct R {}")));
    assert_eq!(found, "a record needs a field");
    let cases = [
        ("enum C {}", "something to choose from"),
        ("enum C { A, B(String) }", "hold no data"),
        ("enum C { Billing, #[choice(\"billing\")] Invoices }", "written `billing` like `Billing`"),
        ("enum C { #[choice(\" a\")] A }", "without white space around it"),
        ("enum C { #[choice(a)] A }", "expected string literal"),
        ("struct C { a: String }", "only an enum"),
        ("enum C<T> { A(T) }", "has no parameters"),
    ];
    for (text, expected) in cases {
        let problem = problem(choice::derive(&input(text)));
        assert!(problem.contains(expected), "{text}: {problem}");
    }
}

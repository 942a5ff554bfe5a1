//! Derive macros for `proofmark-runtime`: a Rust struct as a signature, a struct as a record, an enum as a choice.
//!
//! **Invariant:** every mistake is a compile error at its place, and derived code never panics.
//!
//! ```
//! use proofmark_runtime::{Choice, Record, Signature, typed::AsSignature};
//!
//! /// Route the customer's message to the team that handles it.
//! #[derive(Signature)]
//! struct Route {
//!     /// What the customer wrote.
//!     #[input(max_length = 4000)]
//!     message: String,
//!     /// Who has to act.
//!     #[output]
//!     team: Team,
//!     /// How urgent it is.
//!     #[output(min = 1, max = 5)]
//!     urgency: i64,
//! }
//!
//! #[derive(Choice, Debug, PartialEq)]
//! enum Team {
//!     Billing,
//!     #[choice("lost & found")]
//!     LostAndFound,
//! }
//!
//! let inputs = Route::inputs("My parcel is gone!".to_owned());
//! let outputs = Record::new().with("team", "lost & found").with("urgency", proofmark_runtime::Value::Integer(4));
//! let route = Route::from_records(&inputs, &outputs).unwrap();
//! assert_eq!(route.team, Team::LostAndFound);
//! assert_eq!(Route::signature().instructions, "Route the customer's message to the team that handles it.");
//! ```

mod attributes;
mod choice;
mod record;
mod signature;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct the signature of a module.
///
/// The struct's doc comment is the instruction. Each field is marked `#[input]` or `#[output]`; its doc comment is its
/// description. Limits go into the mark: `#[output(min = 0, max = 10)]`, `#[input(max_length = 2000)]`. Fields are of
/// type `String`, `i64`, `f64`, `bool`, an enum that derives `Choice`, a struct that derives `Record`, or `Vec` or
/// `Option` of one of these.
///
/// Implements `typed::AsSignature`, and adds `inputs(..)`, which makes the input record from one argument per input.
///
/// A field without a mark does not compile:
/// ```compile_fail
/// /// Answer.
/// #[derive(proofmark_runtime::Signature)]
/// struct Answer {
///     question: String,
///     #[output]
///     answer: String,
/// }
/// ```
/// Nor a type that no field can have:
/// ```compile_fail,E0277
/// /// Answer.
/// #[derive(proofmark_runtime::Signature)]
/// struct Answer {
///     #[output]
///     answer: std::time::Duration,
/// }
/// ```
/// Nor an option of an option:
/// ```compile_fail,E0080
/// /// Answer.
/// #[derive(proofmark_runtime::Signature)]
/// struct Answer {
///     #[output]
///     answer: Option<Option<String>>,
/// }
/// <Answer as proofmark_runtime::typed::AsSignature>::signature();
/// ```
#[proc_macro_derive(Signature, attributes(input, output))]
pub fn derive_signature(tokens: TokenStream) -> TokenStream {
    let input = parse_macro_input!(tokens as DeriveInput);
    signature::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a struct the type of a record field.
///
/// Doc comments of the fields are their descriptions. Limits are written as `#[field(max_length = 80)]`.
/// Implements `typed::AsValue`.
///
/// Only structs with named fields are records:
/// ```compile_fail
/// #[derive(proofmark_runtime::Record)]
/// struct Pair(String, String);
/// ```
#[proc_macro_derive(Record, attributes(field))]
pub fn derive_record(tokens: TokenStream) -> TokenStream {
    let input = parse_macro_input!(tokens as DeriveInput);
    record::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes an enum the type of a choice field.
///
/// The text of a variant is its name in snake case: `LostAndFound` is `lost_and_found`. `#[choice("lost & found")]` sets
/// another text.
/// Implements `typed::AsValue`.
///
/// Variants hold no data:
/// ```compile_fail
/// #[derive(proofmark_runtime::Choice)]
/// enum Team {
///     Billing,
///     Other(String),
/// }
/// ```
#[proc_macro_derive(Choice, attributes(choice))]
pub fn derive_choice(tokens: TokenStream) -> TokenStream {
    let input = parse_macro_input!(tokens as DeriveInput);
    choice::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

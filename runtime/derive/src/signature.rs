//! `#[derive(Signature)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Result};

use crate::attributes::{MarkedField, doc, fields};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let instructions = doc(&input.attrs).join("\n").trim().to_owned();
    if instructions.is_empty() {
        let problem = "a signature needs instructions: write them as a doc comment of the struct";
        return Err(Error::new_spanned(&input.ident, problem));
    }
    let fields = fields(input, &["input", "output"])?;
    fields.iter().try_for_each(marked_once)?;
    let (inputs, outputs): (Vec<_>, Vec<_>) =
        fields.iter().partition(|field| field.marks.iter().any(|mark| mark.path().is_ident("input")));
    if outputs.is_empty() {
        return Err(Error::new_spanned(&input.ident, "a signature needs an #[output]"));
    }
    let conversions = conversions(input, &instructions, &inputs, &outputs);
    let constructor = constructor(input, &inputs);
    Ok(quote!(#conversions #constructor))
}

fn marked_once(field: &MarkedField<'_>) -> Result<()> {
    match field.marks.as_slice() {
        [_] => Ok(()),
        [] => Err(Error::new_spanned(field.ident, "mark it #[input] or #[output]")),
        [_, second, ..] => Err(Error::new_spanned(second, "one mark is enough")),
    }
}

fn conversions(
    input: &DeriveInput,
    instructions: &str,
    inputs: &[&MarkedField<'_>],
    outputs: &[&MarkedField<'_>],
) -> TokenStream {
    let name = &input.ident;
    let input_fields = inputs.iter().map(|field| field.definition());
    let output_fields = outputs.iter().map(|field| field.definition());
    let input_record = record(inputs);
    let output_record = record(outputs);
    let input_values = values(inputs, &quote!(inputs));
    let output_values = values(outputs, &quote!(outputs));
    quote! {
        #[automatically_derived]
        impl ::proofmark_runtime::typed::AsSignature for #name {
            fn signature() -> ::proofmark_runtime::Signature {
                ::proofmark_runtime::Signature {
                    instructions: ::std::string::String::from(#instructions),
                    inputs: ::std::vec![#(#input_fields),*],
                    outputs: ::std::vec![#(#output_fields),*],
                }
            }

            fn to_records(&self) -> (::proofmark_runtime::Record, ::proofmark_runtime::Record) {
                (#input_record, #output_record)
            }

            fn from_records(
                inputs: &::proofmark_runtime::Record,
                outputs: &::proofmark_runtime::Record,
            ) -> ::std::result::Result<Self, ::std::vec::Vec<::proofmark_runtime::signature::Misfit>> {
                let signature = <Self as ::proofmark_runtime::typed::AsSignature>::signature();
                signature.check_inputs(inputs)?;
                signature.check_outputs(outputs)?;
                ::std::result::Result::Ok(Self { #(#input_values,)* #(#output_values,)* })
            }
        }
    }
}

/// An expression for the record of some fields of `self`.
fn record(fields: &[&MarkedField<'_>]) -> TokenStream {
    let inserts = fields.iter().map(|field| {
        let ident = field.ident;
        field.insert(&quote!(&self.#ident))
    });
    quote!({
        let mut record = ::proofmark_runtime::Record::new();
        #(#inserts)*
        record
    })
}

/// Expressions that read some fields from a record, each with its name.
fn values(fields: &[&MarkedField<'_>], record: &TokenStream) -> Vec<TokenStream> {
    let mut values = vec![];
    for field in fields {
        let ident = field.ident;
        let name = field.name();
        values.push(
            quote!(#ident: ::proofmark_runtime::typed::field(#record, #name, "").map_err(|misfit| ::std::vec![misfit])?),
        );
    }
    values
}

/// `inputs(..)`: the input record from one argument per input.
fn constructor(input: &DeriveInput, inputs: &[&MarkedField<'_>]) -> TokenStream {
    let name = &input.ident;
    let visibility = &input.vis;
    let arguments = inputs.iter().map(|field| {
        let ident = field.ident;
        let ty = field.ty;
        quote!(#ident: #ty)
    });
    let inserts = inputs.iter().map(|field| {
        let ident = field.ident;
        field.insert(&quote!(&#ident))
    });
    quote! {
        #[automatically_derived]
        impl #name {
            /// The record of the inputs, in the order of their fields.
            #[allow(dead_code, clippy::too_many_arguments)]
            #visibility fn inputs(#(#arguments),*) -> ::proofmark_runtime::Record {
                let mut record = ::proofmark_runtime::Record::new();
                #(#inserts)*
                record
            }
        }
    }
}

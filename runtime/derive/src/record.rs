//! `#[derive(Record)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Result};

use crate::attributes::fields;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let fields = fields(input, &["field"])?;
    if fields.is_empty() {
        return Err(Error::new_spanned(&input.ident, "a record needs a field"));
    }
    let name = &input.ident;
    let definitions = fields.iter().map(|field| field.definition());
    let inserts = fields.iter().map(|field| {
        let ident = field.ident;
        field.insert(&quote!(&self.#ident))
    });
    let values = fields.iter().map(|field| {
        let ident = field.ident;
        let name = field.name();
        quote!(#ident: ::proofmark_runtime::typed::field(record, #name, path)?)
    });
    Ok(quote! {
        #[automatically_derived]
        impl ::proofmark_runtime::typed::AsValue for #name {
            fn ty() -> ::proofmark_runtime::Type {
                ::proofmark_runtime::Type::Record(::std::vec![#(#definitions),*])
            }

            fn to_value(&self) -> ::proofmark_runtime::Value {
                let mut record = ::proofmark_runtime::Record::new();
                #(#inserts)*
                ::proofmark_runtime::Value::Record(record)
            }

            fn from_value(
                value: &::proofmark_runtime::Value,
                path: &str,
            ) -> ::std::result::Result<Self, ::proofmark_runtime::signature::Misfit> {
                match value {
                    ::proofmark_runtime::Value::Record(record) => ::std::result::Result::Ok(Self { #(#values),* }),
                    other => ::std::result::Result::Err(::proofmark_runtime::typed::misfit::<Self>(other, path)),
                }
            }
        }
    })
}

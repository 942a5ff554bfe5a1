//! `#[derive(Choice)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Ident, LitStr, Result, Variant, ext::IdentExt};

use crate::attributes::concrete;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    concrete(input)?;
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "only an enum can be a choice"));
    };
    let choices = data.variants.iter().map(read).collect::<Result<Vec<_>>>()?;
    if choices.is_empty() {
        return Err(Error::new_spanned(&input.ident, "a choice needs something to choose from"));
    }
    for (i, (variant, text)) in choices.iter().enumerate() {
        if let Some((other, _)) = choices[..i].iter().find(|(_, earlier)| earlier == text) {
            return Err(Error::new_spanned(variant, format!("written `{text}` like `{other}`")));
        }
    }
    Ok(conversions(&input.ident, &choices))
}

/// A variant and its text.
fn read(variant: &Variant) -> Result<(&Ident, String)> {
    if !matches!(variant.fields, Fields::Unit) {
        return Err(Error::new_spanned(variant, "the variants of a choice hold no data"));
    }
    let mut named = variant.attrs.iter().filter(|attribute| attribute.path().is_ident("choice"));
    let text = match named.next() {
        Some(attribute) => attribute.parse_args::<LitStr>()?.value(),
        None => snake_case(&variant.ident.unraw().to_string()),
    };
    if text.trim().is_empty() || text.trim() != text {
        return Err(Error::new_spanned(variant, "a choice is some text without white space around it"));
    }
    Ok((&variant.ident, text))
}

fn conversions(name: &Ident, choices: &[(&Ident, String)]) -> TokenStream {
    let variants: Vec<_> = choices.iter().map(|(variant, _)| variant).collect();
    let texts: Vec<_> = choices.iter().map(|(_, text)| text).collect();
    quote! {
        #[automatically_derived]
        impl ::proofmark_runtime::typed::AsValue for #name {
            fn ty() -> ::proofmark_runtime::Type {
                ::proofmark_runtime::Type::Choice(::std::vec![#(::std::string::String::from(#texts)),*])
            }

            fn to_value(&self) -> ::proofmark_runtime::Value {
                ::proofmark_runtime::Value::from(match self { #(Self::#variants => #texts,)* })
            }

            fn from_value(
                value: &::proofmark_runtime::Value,
                path: &str,
            ) -> ::std::result::Result<Self, ::proofmark_runtime::signature::Misfit> {
                match value.as_text() {
                    #(::std::option::Option::Some(#texts) => ::std::result::Result::Ok(Self::#variants),)*
                    _ => ::std::result::Result::Err(::proofmark_runtime::typed::misfit::<Self>(value, path)),
                }
            }
        }
    }
}

/// `LostAndFound` is `lost_and_found`, `HTTPError` is `http_error`.
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut text = String::new();
    for (i, letter) in letters.iter().enumerate() {
        let after_lower = i > 0 && !letters[i - 1].is_uppercase() && letters[i - 1] != '_';
        let before_lower =
            i > 0 && letters[i - 1] != '_' && letters.get(i + 1).is_some_and(|c| c.is_lowercase());
        if letter.is_uppercase() && (after_lower || before_lower) {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

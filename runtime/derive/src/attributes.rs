//! Reading a struct: its fields, their doc comments and their marks.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, ExprLit, Fields, Ident, Lit, LitFloat, LitInt, Meta, Result,
    Type, ext::IdentExt, meta::ParseNestedMeta, spanned::Spanned,
};

/// One named field.
pub(crate) struct MarkedField<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    /// The marks of the field: attributes with one of the requested names.
    pub(crate) marks: Vec<&'a Attribute>,
    about: String,
    limits: Limits,
}

#[derive(Default)]
struct Limits {
    min: Option<f64>,
    max: Option<f64>,
    max_length: Option<usize>,
}

/// The named fields of a struct without type parameters. Attributes with the names in `marks` are marks.
pub(crate) fn fields<'a>(input: &'a DeriveInput, marks: &[&str]) -> Result<Vec<MarkedField<'a>>> {
    concrete(input)?;
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => named.named.iter().map(|field| MarkedField::read(field, marks)).collect(),
            _ => Err(Error::new_spanned(&input.ident, "its fields need names")),
        },
        _ => Err(Error::new_spanned(&input.ident, "only a struct can be derived here")),
    }
}

/// Refuses lifetimes and type parameters.
pub(crate) fn concrete(input: &DeriveInput) -> Result<()> {
    if input.generics.params.is_empty() {
        return Ok(());
    }
    Err(Error::new_spanned(&input.generics, "a type that models read and write has no parameters"))
}

/// The lines of a doc comment, each without the space that follows `///`.
pub(crate) fn doc(attributes: &[Attribute]) -> Vec<String> {
    let mut lines = vec![];
    for attribute in attributes {
        if let Meta::NameValue(pair) = &attribute.meta
            && pair.path.is_ident("doc")
            && let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value
        {
            for line in text.value().split('\n') {
                lines.push(line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned());
            }
        }
    }
    lines
}

impl<'a> MarkedField<'a> {
    fn read(field: &'a syn::Field, marks: &[&str]) -> Result<Self> {
        let ident = field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "it needs a name"))?;
        let marked = |attribute: &&Attribute| marks.iter().any(|mark| attribute.path().is_ident(mark));
        let marks: Vec<_> = field.attrs.iter().filter(marked).collect();
        let mut limits = Limits::default();
        for mark in &marks {
            if !matches!(mark.meta, Meta::Path(_)) {
                mark.parse_nested_meta(|meta| limits.read(&meta))?;
            }
        }
        Ok(Self { ident, ty: &field.ty, marks, about: doc(&field.attrs).join(" ").trim().to_owned(), limits })
    }

    /// The name in records: `r#type` is `type`.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// An expression of type `proofmark_runtime::Field`.
    pub(crate) fn definition(&self) -> TokenStream {
        let name = self.name();
        let about = &self.about;
        let constraints = self.limits.expression();
        let ty = self.ty;
        let ty = quote_spanned!(ty.span() => <#ty as ::proofmark_runtime::typed::AsValue>::ty());
        quote! {
            ::proofmark_runtime::Field {
                name: ::std::string::String::from(#name),
                ty: #ty,
                about: ::std::string::String::from(#about),
                constraints: #constraints,
            }
        }
    }

    /// A statement that puts the value of an expression into the record `record`.
    pub(crate) fn insert(&self, value: &TokenStream) -> TokenStream {
        let name = self.name();
        let ty = self.ty;
        quote!(record.insert(#name, <#ty as ::proofmark_runtime::typed::AsValue>::to_value(#value));)
    }
}

impl Limits {
    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        if meta.path.is_ident("min") {
            self.min = Some(number(meta)?);
        } else if meta.path.is_ident("max") {
            self.max = Some(number(meta)?);
        } else if meta.path.is_ident("max_length") {
            let length = meta.value()?.parse::<LitInt>()?;
            let problem = |_| Error::new_spanned(&length, "a length is a whole number from 0");
            self.max_length = Some(length.base10_parse().map_err(problem)?);
        } else {
            return Err(meta.error("not a limit; there are min, max and max_length"));
        }
        Ok(())
    }

    fn expression(&self) -> TokenStream {
        let min = option(self.min);
        let max = option(self.max);
        let max_length = option(self.max_length);
        quote!(::proofmark_runtime::Constraints { min: #min, max: #max, max_length: #max_length })
    }
}

/// An expression for an option.
fn option(value: Option<impl ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote!(::std::option::Option::Some(#value)),
        None => quote!(::std::option::Option::None),
    }
}

/// A whole or decimal number, negative ones included.
fn number(meta: &ParseNestedMeta<'_>) -> Result<f64> {
    let value = meta.value()?;
    let negative = value.parse::<Option<syn::Token![-]>>()?.is_some();
    let size: f64 = if value.peek(LitInt) {
        value.parse::<LitInt>()?.base10_parse()?
    } else {
        value.parse::<LitFloat>()?.base10_parse()?
    };
    Ok(if negative { -size } else { size })
}

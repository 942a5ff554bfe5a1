//! `#[derive(Signature)]`.

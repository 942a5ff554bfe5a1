//! The compiler.

pub mod attack;

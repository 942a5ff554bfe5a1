//! gate
pub mod statistics;

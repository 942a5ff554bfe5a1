//! Compiles prompt programs and lets nothing overfit through.

pub mod attack;
pub mod metric;
pub mod task;

//! Compiles prompt programs and lets nothing overfit through.

pub mod attack;
pub mod cancel;
pub mod data;
pub mod engine;
pub mod exit;
pub mod gate;
pub mod metric;
pub mod task;
pub mod watch;
pub mod workplace;

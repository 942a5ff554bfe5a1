//! Compiles prompt programs and lets nothing overfit through.

mod answer;
pub mod attack;
pub mod cancel;
pub mod cli;
pub mod command;
pub mod compare;
pub mod compile;
pub mod config;
pub mod data;
pub mod diff;
pub mod engine;
pub mod exit;
pub use proofmark_gate as gate;
pub mod ledger;
pub mod metric;
pub mod models;
mod near;
pub mod prune;
pub mod report;
pub mod sensitivity;
pub mod task;
pub mod verify;
pub mod watch;
pub mod workplace;

//! Reading of a task file: typed getters over TOML tables, the tables of keys that check them, and mistakes with their place.
//!
//! It lies at the bottom of the crate: the modules that read a section (`command`, `metric`, `attack`, `task`) use it, and it
//! uses none of them.
//!
//! [`check_table`] checks a table against its [`Section`]; a [`TableReader`] then reads it without complaints; a [`Problem`] is one
//! mistake. [`BadRows`] is the same for files of rows. [`ModelConfig`] is read here because several sections name a model.

mod bad_rows;
mod model;
mod nearest;
mod path;
mod problem;
mod reader;
mod shape;

pub use self::{
    bad_rows::{BadRow, BadRows},
    model::{DEFAULT_MODEL, ModelConfig, PROPOSAL_TOKENS},
    problem::Problem,
};
pub(crate) use self::{
    model::{BASE_URL, KEY_ENV, MODEL, NAME, PROPOSER, REPLY_TOKENS, read as read_model},
    nearest::{nearest, suggest},
    path::existing_file,
    reader::{TableReader, to_value},
    shape::{Key, Section, Shape, Variants, check_table},
};

//! The report of a run: one self-contained HTML file.

use crate::{compile::Compiled, task::Task};

/// The report as HTML.
///
/// # Errors
/// If the template fails.
pub fn html(task: &Task, compiled: &Compiled) -> Result<String, tera::Error> {
    let _ = (task, compiled);
    Ok(String::new())
}

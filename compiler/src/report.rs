//! The report of a run: one self-contained HTML file that explains itself to a reader who knows no statistics.
//!
//! [`data`] is what it shows, `page` turns numbers into words and positions, `page.html` and `page.css` are the looks.
//! [`mod@comparison`] and `comparison.html` do the same for a comparison of optimizers, [`mod@audit`] and `audit.html` for perturbed
//! rows that a person is to read.
//!
//! **Invariant:** the file asks for nothing from outside, and every text from people, data or models is escaped.

pub mod audit;
pub mod comparison;
pub mod data;
mod fill;
mod held;
mod number;
mod page;

use std::sync::LazyLock;

use serde::Serialize;
use tera::{Context, Tera};

use self::{audit::AuditPage, comparison::ComparisonPage, data::ReportData, page::Page};

/// The name of the template of a run; the suffix makes Tera escape HTML.
const PAGE: &str = "page.html";
/// The name of the template of a comparison.
const COMPARISON: &str = "comparison.html";
/// The template of an audit.
const AUDIT: &str = "audit.html";

static TEMPLATES: LazyLock<Result<Tera, tera::Error>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    number::register(&mut tera);
    tera.add_raw_template(PAGE, include_str!("report/page.html"))?;
    tera.add_raw_template(COMPARISON, include_str!("report/comparison.html"))?;
    tera.add_raw_template(AUDIT, include_str!("report/audit.html"))?;
    Ok(tera)
});

/// A report that could not be made: a mistake in its template, not in the run.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the report: {message}")]
pub struct ReportError {
    /// What is wrong.
    message: String,
}

/// The report as HTML.
///
/// # Errors
/// If the template fails, which the tests rule out.
pub fn html(data: &ReportData) -> Result<String, ReportError> {
    render(PAGE, &Page::new(data))
}

/// A comparison of optimizers as HTML.
///
/// # Errors
/// If the template fails, which the tests rule out.
pub fn comparison(page: &ComparisonPage<'_>) -> Result<String, ReportError> {
    render(COMPARISON, page)
}

/// Perturbed rows to be audited as HTML.
///
/// # Errors
/// If the template fails, which the tests rule out.
pub fn audit(page: &AuditPage<'_>) -> Result<String, ReportError> {
    render(AUDIT, page)
}

fn render(template: &str, page: &impl Serialize) -> Result<String, ReportError> {
    let tera = TEMPLATES.as_ref().map_err(ReportError::new)?;
    let mut context = Context::from_serialize(page).map_err(|error| ReportError::new(&error))?;
    context.insert("css", include_str!("report/page.css"));
    tera.render(template, &context).map_err(|error| ReportError::new(&error))
}

impl ReportError {
    fn new(error: &tera::Error) -> Self {
        let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        Self { message: causes.map(ToString::to_string).collect::<Vec<_>>().join(": ") }
    }
}

#[cfg(test)]
mod tests;

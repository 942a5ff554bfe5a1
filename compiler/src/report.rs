//! The report of a run: one self-contained HTML file that explains itself to a reader who knows no statistics.
//!
//! [`data`] is what it shows, `page` turns numbers into words and positions, `page.html` and `page.css` are the looks.
//!
//! **Invariant:** the file asks for nothing from outside, and every text from people, data or models is escaped.

pub mod data;
mod fill;
mod number;
mod page;

use std::sync::LazyLock;

use tera::{Context, Tera};

use self::{data::ReportData, page::Page};

/// The name of the template; the suffix makes Tera escape HTML.
const PAGE: &str = "page.html";

static TEMPLATES: LazyLock<Result<Tera, tera::Error>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    number::register(&mut tera);
    tera.add_raw_template(PAGE, include_str!("report/page.html"))?;
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
    let tera = TEMPLATES.as_ref().map_err(ReportError::new)?;
    let mut context = Context::from_serialize(&Page::new(data)).map_err(|error| ReportError::new(&error))?;
    context.insert("css", include_str!("report/page.css"));
    tera.render(PAGE, &context).map_err(|error| ReportError::new(&error))
}

impl ReportError {
    fn new(error: &tera::Error) -> Self {
        let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        Self { message: causes.map(ToString::to_string).collect::<Vec<_>>().join(": ") }
    }
}

#[cfg(test)]
mod tests;

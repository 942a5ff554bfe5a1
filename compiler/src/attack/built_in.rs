//! The built-in families as data: the text families of [`ALL`], the listings, and pairs of families.

use super::{ALL, Family, listing};

/// The name of the family that applies two families at once.
pub const COMPOSED: &str = "composed";

/// A built-in family.
pub(super) struct BuiltIn {
    /// The name used in task files and reports.
    pub(super) name: &'static str,
    /// One line for help and docs.
    pub(super) about: &'static str,
    /// Whether tasks that name no family get it.
    pub(super) is_default: bool,
    pub(super) how: How,
}

/// How a built-in family makes variants.
pub(super) enum How {
    /// It perturbs a text of the row.
    Perturb(&'static dyn Family),
    /// It changes the order in which prompts list the choices.
    List,
    /// It applies two other families of the plan.
    Compose,
}

impl BuiltIn {
    fn needs_case_insensitive(&self) -> bool {
        matches!(self.how, How::Perturb(family) if family.needs_case_insensitive())
    }
}

/// All built-in families.
pub(super) fn all() -> impl Iterator<Item = BuiltIn> {
    let texts = ALL.iter().map(|family| BuiltIn {
        name: family.name(),
        about: family.about(),
        is_default: family.is_default(),
        how: How::Perturb(*family),
    });
    let listing = BuiltIn {
        name: listing::NAME,
        about: "the same row, the choices listed in another order in the prompt",
        is_default: false,
        how: How::List,
    };
    let composed =
        BuiltIn { name: COMPOSED, about: "two families at once", is_default: true, how: How::Compose };
    texts.chain([listing, composed])
}

/// The names of all built-in families.
pub fn names() -> Vec<&'static str> {
    all().map(|family| family.name).collect()
}

/// One line about a built-in family.
pub(crate) fn about(name: &str) -> Option<&'static str> {
    all().find(|family| family.name == name).map(|family| family.about)
}

/// The families of a task that names none: the default ones. Those that change case are left out if case has a meaning.
pub fn default_families(case_insensitive: bool) -> Vec<String> {
    let fitting = all().filter(|family| family.is_default);
    let fitting = fitting.filter(|family| case_insensitive || !family.needs_case_insensitive());
    fitting.map(|family| family.name.to_owned()).collect()
}

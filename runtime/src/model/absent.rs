//! The provider that stands in for embedded models in a build without the feature `local`: it refuses their names and says
//! what is missing.

use std::sync::Arc;

use super::{
    Model,
    providers::{OpenError, Provider, Settings},
};

/// Opens nothing.
pub(super) struct AbsentProvider;

impl Provider for AbsentProvider {
    fn prefixes(&self) -> &'static [&'static str] {
        &["local/", "local:", "hf:"]
    }

    fn about(&self) -> &'static str {
        "embedded models, which this binary was built without"
    }

    fn open(&self, name: &str, _: &Settings) -> Result<Arc<dyn Model>, OpenError> {
        let problem = "it is an embedded model, and this binary was built without them; build it with the feature \
                       `local`, or name another model in [model]";
        Err(OpenError::Failed { name: name.to_owned(), problem: problem.to_owned() })
    }
}

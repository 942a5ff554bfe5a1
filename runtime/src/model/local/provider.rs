//! The provider of embedded models.

use std::sync::Arc;

use super::{
    LocalModel,
    pull::{self, Places},
    registry::ModelName,
};
use crate::model::{
    Model,
    providers::{OpenError, Provider, Settings},
};

/// `local/<name>`, `local:<path>` and `hf:<org>/<repository>:<file>`. The file must be on this machine:
/// [`pull::pull`] fetches it.
pub(in crate::model) struct LocalProvider;

impl Provider for LocalProvider {
    fn prefixes(&self) -> &'static [&'static str] {
        &["local/", "local:", "hf:"]
    }

    fn about(&self) -> &'static str {
        "in this process, no key and no server: a known name, a GGUF file of your own, or one from Hugging Face"
    }

    fn is_local(&self) -> bool {
        true
    }

    fn open(&self, name: &str, settings: &Settings) -> Result<Arc<dyn Model>, OpenError> {
        settings.expect_none(name)?;
        let failed = |problem: String| OpenError::Failed { name: name.to_owned(), problem };
        let file = name.parse::<ModelName>().map_err(|error| failed(error.to_string()))?;
        let found = pull::find(&file, &Places::from_env()).map_err(|error| failed(error.to_string()))?;
        let found = found
            .ok_or_else(|| failed(format!("it is not on this machine; run `proofmark model pull {name}`")))?;
        let model = LocalModel::open(name, &found).map_err(|error| failed(error.to_string()))?;
        Ok(Arc::new(model))
    }
}

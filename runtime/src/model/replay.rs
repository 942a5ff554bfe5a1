//! A model that answers from a call log only.
//!
//! **Invariant:** it makes no calls. It has the identity of the recorded model, so that keys are the same.

use std::{path::Path, sync::Arc};

use super::{
    Abilities, CallError, Identity, Model, Pending, Reply, Request,
    providers::{OpenError, Provider, Settings},
};
use crate::store::{Recorded, Store};

/// A recorded model.
pub struct Replay {
    identity: Identity,
    abilities: Abilities,
    store: Store,
}

impl Replay {
    /// Answers for a recorded model with the calls that the store has on record.
    pub fn new(recorded: Recorded, store: Store) -> Self {
        let Recorded { identity, used } = recorded;
        Self { identity, abilities: used, store }
    }

    /// Opens a call log. `name` chooses one of its models; it may be absent if there is only one.
    ///
    /// # Errors
    /// The problem as a phrase: no such file, or none or several models of this name.
    fn open(file: &Path, name: Option<&str>) -> Result<Self, String> {
        if !file.is_file() {
            return Err(format!("there is no call log {}", file.display()));
        }
        let store = Store::open(file).map_err(|error| error.to_string())?;
        let all = store.recorded().map_err(|error| error.to_string())?;
        let mut named = all.iter().filter(|recorded| name.is_none_or(|name| recorded.identity.name == name));
        match (named.next(), named.next()) {
            (Some(only), None) => Ok(Self::new(only.clone(), store)),
            (only, _) => {
                let names: Vec<_> = all.iter().map(|recorded| recorded.identity.name.as_str()).collect();
                let problem = if only.is_some() { "several models fit" } else { "no model fits" };
                Err(format!("{problem} in {}, which holds: {}", file.display(), names.join(", ")))
            }
        }
    }
}

impl Model for Replay {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn abilities(&self) -> Abilities {
        self.abilities
    }

    fn complete<'a>(&'a self, request: &'a Request) -> Pending<'a, Result<Reply, CallError>> {
        Box::pin(async move {
            let key = request.key(&self.identity);
            let missing = || CallError::NotRecorded { model: self.identity.name.clone(), key: key.short() };
            self.store.get(&key)?.ok_or_else(missing)
        })
    }
}

/// `replay:FILE` or `replay:FILE#MODEL`.
pub(super) struct ReplayProvider;

impl Provider for ReplayProvider {
    fn prefixes(&self) -> &'static [&'static str] {
        &["replay:"]
    }

    fn about(&self) -> &'static str {
        "what a model answered before, and nothing else: `replay:.proofmark/calls.db#openai/gpt-5-mini`"
    }

    fn open(&self, name: &str, settings: &Settings) -> Result<Arc<dyn Model>, OpenError> {
        settings.expect_none(name)?;
        let rest = name.strip_prefix("replay:").unwrap_or(name);
        let (file, model) = rest.split_once('#').map_or((rest, None), |(file, model)| (file, Some(model)));
        let failed = |problem| OpenError::Failed { name: name.to_owned(), problem };
        Ok(Arc::new(Replay::open(Path::new(file), model).map_err(failed)?))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        model::{Finish, Message, Role, Sampling, Shape, Usage, providers},
        store::Call,
    };

    fn request(text: &str) -> Request {
        Request {
            messages: vec![Message::new(Role::User, text)],
            sampling: Sampling::default(),
            shape: Shape::Free,
            replicate: 0,
        }
    }

    async fn recording(file: &Path, fingerprints: &[&str]) {
        let store = Store::open(file).unwrap();
        for fingerprint in fingerprints {
            let reply = Reply {
                text: "recorded".into(),
                finish: Finish::Stop,
                usage: Usage::default(),
                choice_logprob: Some(-0.5),
                logprobs: None,
            };
            let identity = Identity { name: "openai/m".into(), fingerprint: (*fingerprint).to_owned() };
            let call = Call { identity, request: request("known"), reply, latency: Duration::ZERO };
            store.put(call).await.unwrap();
        }
    }

    #[tokio::test]
    async fn only_recorded_calls_are_answered() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calls.db");
        recording(&file, &["https://one"]).await;
        for name in [format!("replay:{}", file.display()), format!("replay:{}#openai/m", file.display())] {
            let model = providers::open(&name, &Settings::default()).unwrap();
            assert_eq!(model.complete(&request("known")).await.unwrap().text, "recorded");
            let missing = model.complete(&request("unknown")).await.unwrap_err();
            assert!(matches!(missing, CallError::NotRecorded { .. }) && !missing.is_transient());
            assert_eq!(model.identity().name, "openai/m");
            assert_eq!(model.abilities(), Abilities { scores_choices: true, enforces_schema: false });
        }
    }

    #[tokio::test]
    async fn an_unclear_recording_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calls.db");
        let problem = |name| Replay::open(&file, name).err().unwrap();
        assert!(problem(None).contains("there is no call log"));
        recording(&file, &["https://one", "https://two"]).await;
        assert!(problem(None).starts_with("several models fit"));
        assert!(problem(Some("openai/m")).starts_with("several models fit"));
        assert!(problem(Some("openai/other")).ends_with("holds: openai/m, openai/m"));
    }
}

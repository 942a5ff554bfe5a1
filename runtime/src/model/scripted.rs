//! `scripted`: deterministic answers from rules, a table or a function, for tests without a model.
//!
//! A script is a JSON file, named as the model by `scripted:path/to/script.json`:
//!
//! ```json
//! {
//!   "rules": [
//!     {"when": {"last_contains": "refund", "min_demonstrations": 1}, "then": {"reply": "billing"}},
//!     {"when": {"last_contains": "boom"}, "then": {"fail": {"error": "unavailable", "message": "try later"}}}
//!   ],
//!   "table": {"Where is my parcel?": "shipping"},
//!   "default": "other"
//! }
//! ```
//!
//! The first rule whose conditions all hold answers; else the longest key of the table that the last message contains;
//! else the default; else the call fails as [`CallError::NotRecorded`].
//!
//! **Invariant:** the answer depends on the request alone, and a [`Shape::Choice`] is answered with one of its choices
//! unless the script sets `"scores_choices": false`.

use std::{collections::BTreeMap, fs, path::Path, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    Abilities, CallError, Finish, Identity, Model, Pending, Reply, Request, Role, Shape, Usage,
    providers::{OpenError, Provider, Settings},
};
use crate::digest::digest;

/// A model that follows a script.
#[derive(Clone)]
pub struct Scripted {
    identity: Identity,
    scores_choices: bool,
    answers: AnswerSource,
}

/// The source of the answers.
#[derive(Clone)]
enum AnswerSource {
    Script(Arc<Script>),
    Function(Arc<Function>),
}

/// Answers in code.
type Function = dyn Fn(&Request) -> Result<String, CallError> + Send + Sync;

/// The content of a script file; see the [module](self).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Rules, tried in order.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Answers by a text that the last message contains. The longest such text wins.
    #[serde(default)]
    pub table: BTreeMap<String, String>,
    /// The answer to all other requests.
    #[serde(default)]
    pub default: Option<String>,
    /// Whether to act as a model that scores choices, whose answers are always among them.
    #[serde(default = "yes")]
    pub scores_choices: bool,
}

/// An answer and its conditions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The conditions, all of which must hold.
    #[serde(default)]
    pub when: When,
    /// The result.
    pub then: Then,
}

/// Conditions on a request; absent ones hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// The last message contains this.
    pub last_contains: Option<String>,
    /// The last message does not contain this.
    pub last_lacks: Option<String>,
    /// Some message contains this.
    pub any_contains: Option<String>,
    /// No message contains this.
    pub any_lacks: Option<String>,
    /// There are at least this many assistant messages.
    pub min_demonstrations: Option<usize>,
    /// There are at most this many assistant messages.
    pub max_demonstrations: Option<usize>,
    /// The request is this replicate.
    pub replicate: Option<u32>,
}

/// The result of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Then {
    /// Answers with this text.
    Reply(String),
    /// Fails.
    Fail {
        /// The kind of error.
        error: Fault,
        /// The message of the provider.
        #[serde(default)]
        message: String,
    },
}

/// The errors that a script can produce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// [`CallError::Unauthorized`].
    Unauthorized,
    /// [`CallError::RateLimited`].
    RateLimited,
    /// [`CallError::Unavailable`].
    Unavailable,
    /// [`CallError::Refused`].
    Refused,
    /// [`CallError::TooLong`].
    TooLong,
    /// [`CallError::Unreadable`].
    Unreadable,
    /// No error, but a reply that the provider withheld.
    Filtered,
}

/// The reason why a script cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("cannot read the script {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file is not a script.
    #[error("{} is not a script: {error}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        error: serde_json::Error,
    },
}

impl Scripted {
    /// A model that follows a script, called `name`.
    pub fn new(name: impl Into<String>, script: Script) -> Self {
        Self {
            identity: Identity { name: name.into(), fingerprint: digest(&script).to_string() },
            scores_choices: script.scores_choices,
            answers: AnswerSource::Script(Arc::new(script)),
        }
    }

    /// A model that follows the script in a file; it is called `scripted:` and the path.
    ///
    /// # Errors
    /// If the file cannot be read or is not a script.
    pub fn open(path: &Path) -> Result<Self, ScriptError> {
        let text = fs::read_to_string(path);
        let text = text.map_err(|error| ScriptError::Io { path: path.to_owned(), error })?;
        let script = serde_json::from_str(&text);
        let script = script.map_err(|error| ScriptError::Syntax { path: path.to_owned(), error })?;
        Ok(Self::new(format!("scripted:{}", path.display()), script))
    }

    /// A model that answers by a function, called `name`. The name stands for the function in cache keys.
    pub fn from_fn(
        name: impl Into<String>,
        answer: impl Fn(&Request) -> Result<String, CallError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            identity: Identity { name: name.into(), fingerprint: "function".into() },
            scores_choices: true,
            answers: AnswerSource::Function(Arc::new(answer)),
        }
    }

    /// The same model without scores of choices: it may answer any text.
    #[must_use]
    pub fn writing_freely(mut self) -> Self {
        self.scores_choices = false;
        self
    }

    fn answer(&self, request: &Request) -> Result<Reply, CallError> {
        let text = match &self.answers {
            AnswerSource::Function(answer) => answer(request)?,
            AnswerSource::Script(script) => match script.find(request) {
                Some(Then::Reply(text)) => text,
                Some(Then::Fail { error: Fault::Filtered, .. }) => {
                    return Ok(reply(request, String::new(), Finish::Filtered));
                }
                Some(Then::Fail { error, message }) => return Err(self.play(error, message, request)),
                None => return Err(self.not_recorded(request)),
            },
        };
        match &request.shape {
            Shape::Choice { choices, .. } if self.scores_choices && !choices.contains(&text) => {
                Err(CallError::Unreadable {
                    model: self.identity.name.clone(),
                    message: format!(
                        "the script answers {text:?}, which is not among the choices {}",
                        choices.join(", ")
                    ),
                })
            }
            _ => Ok(reply(request, text, Finish::Stop)),
        }
    }

    fn play(&self, fault: Fault, message: String, request: &Request) -> CallError {
        let model = self.identity.name.clone();
        match fault {
            Fault::Unauthorized => CallError::Unauthorized { model, message },
            Fault::RateLimited => CallError::RateLimited { model, message, retry_after: None },
            Fault::Unavailable => CallError::Unavailable { model, message },
            Fault::Refused => CallError::Refused { model, message },
            Fault::TooLong => CallError::TooLong { model, tokens: words_of(request), limit: 0 },
            Fault::Unreadable | Fault::Filtered => CallError::Unreadable { model, message },
        }
    }

    fn not_recorded(&self, request: &Request) -> CallError {
        CallError::NotRecorded {
            model: self.identity.name.clone(),
            key: request.key(&self.identity).to_string(),
        }
    }
}

impl Model for Scripted {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn abilities(&self) -> Abilities {
        Abilities { scores_choices: self.scores_choices, enforces_schema: false }
    }

    fn complete<'a>(&'a self, request: &'a Request) -> Pending<'a, Result<Reply, CallError>> {
        Box::pin(async move { self.answer(request) })
    }
}

impl Script {
    fn find(&self, request: &Request) -> Option<Then> {
        if let Some(rule) = self.rules.iter().find(|rule| rule.when.holds(request)) {
            return Some(rule.then.clone());
        }
        let last = last_content(request);
        let known = self.table.iter().filter(|(key, _)| last.contains(key.as_str()));
        let longest = known.max_by_key(|(key, _)| key.len()).map(|(_, text)| text);
        longest.or(self.default.as_ref()).cloned().map(Then::Reply)
    }
}

impl When {
    fn holds(&self, request: &Request) -> bool {
        let last = last_content(request);
        let any = |text: &String| request.messages.iter().any(|message| message.content.contains(text));
        let shown = request.messages.iter().filter(|message| message.role == Role::Assistant).count();
        self.last_contains.as_ref().is_none_or(|text| last.contains(text))
            && self.last_lacks.as_ref().is_none_or(|text| !last.contains(text))
            && self.any_contains.as_ref().is_none_or(any)
            && !self.any_lacks.as_ref().is_some_and(any)
            && self.min_demonstrations.is_none_or(|least| shown >= least)
            && self.max_demonstrations.is_none_or(|most| shown <= most)
            && self.replicate.is_none_or(|replicate| request.replicate == replicate)
    }
}

/// A reply whose tokens are counted as words.
fn reply(request: &Request, text: String, finish: Finish) -> Reply {
    let output = text.split_whitespace().count() as u64;
    let usage = Usage { input: words_of(request) as u64, cached: 0, output };
    Reply { text, finish, usage, choice_logprob: None, logprobs: None }
}

fn words_of(request: &Request) -> usize {
    request.messages.iter().map(|message| message.content.split_whitespace().count()).sum()
}

fn last_content(request: &Request) -> &str {
    request.messages.last().map_or("", |message| message.content.as_str())
}

fn yes() -> bool {
    true
}

/// `scripted:PATH`.
pub(super) struct ScriptedProvider;

impl Provider for ScriptedProvider {
    fn prefixes(&self) -> &'static [&'static str] {
        &["scripted:"]
    }

    fn about(&self) -> &'static str {
        "deterministic answers from a script, for tests: `scripted:answers.json`"
    }

    fn open(&self, name: &str, settings: &Settings) -> Result<Arc<dyn Model>, OpenError> {
        settings.expect_none(name)?;
        let path = name.strip_prefix("scripted:").unwrap_or(name);
        let failed =
            |error: ScriptError| OpenError::Failed { name: name.to_owned(), problem: error.to_string() };
        Ok(Arc::new(Scripted::open(Path::new(path)).map_err(failed)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Message, Sampling};

    fn request(messages: &[(Role, &str)]) -> Request {
        Request {
            messages: messages.iter().map(|(role, text)| Message::new(*role, *text)).collect(),
            sampling: Sampling::default(),
            shape: Shape::Free,
            replicate: 0,
        }
    }

    fn script(text: &str) -> Scripted {
        Scripted::new("test", serde_json::from_str(text).unwrap())
    }

    #[test]
    fn rules_come_before_the_table_and_the_default() {
        let model = script(
            r#"{"rules": [{"when": {"last_contains": "a", "min_demonstrations": 1}, "then": {"reply": "rule"}},
                          {"when": {"any_contains": "boom"}, "then": {"fail": {"error": "unavailable"}}}],
                "table": {"a": "short", "ab": "long"}, "default": "default"}"#,
        );
        let answer = |messages: &[(Role, &str)]| model.answer(&request(messages)).map(|reply| reply.text);
        assert_eq!(answer(&[(Role::Assistant, "x"), (Role::User, "ab")]).unwrap(), "rule");
        assert_eq!(answer(&[(Role::User, "ab")]).unwrap(), "long");
        assert_eq!(answer(&[(Role::User, "z")]).unwrap(), "default");
        assert!(answer(&[(Role::System, "boom"), (Role::User, "z")]).unwrap_err().is_transient());
    }

    #[test]
    fn a_choice_is_answered_with_a_choice() {
        let model = script(r#"{"default": "c"}"#);
        let mut asked = request(&[(Role::User, "x")]);
        asked.shape = Shape::Choice { choices: vec!["a".into(), "b".into()], content_free: vec![] };
        assert!(matches!(model.answer(&asked), Err(CallError::Unreadable { .. })));
        assert_eq!(model.writing_freely().answer(&asked).unwrap().text, "c");
    }

    #[test]
    fn a_gap_in_the_script_is_an_error() {
        let asked = request(&[(Role::User, "x")]);
        assert!(matches!(script("{}").answer(&asked), Err(CallError::NotRecorded { .. })));
    }

    #[test]
    fn a_script_file_is_read_strictly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script.json");
        fs::write(&path, r#"{"defualt": "x"}"#).unwrap();
        let error = Scripted::open(&path).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("defualt") && error.contains("line 1"), "{error}");
        fs::write(&path, r#"{"default": "x"}"#).unwrap();
        assert!(Scripted::open(&path).unwrap().identity().name.starts_with("scripted:"));
        assert!(Scripted::open(Path::new("/nowhere")).is_err());
    }
}

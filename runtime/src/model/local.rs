//! The embedded model: a language model inside the process, no key and no server.
//!
//! [`LocalModel`] turns requests into tokens ([`chat`], [`tokenizer`]) and hands them to one thread that owns the
//! weights ([`scheduler`]). The path of a token: [`gguf`] (the file) and [`quant`] (its numbers), [`decoder`] over
//! [`kernel`] (the arithmetic), [`cache`] (what prompts share), [`choice`] (scoring labels) or [`generate`] with
//! [`sample`] and [`grammar`] (writing text). [`registry`] and [`pull`] find the files.
//!
//! **Invariant:** a reply is bitwise the same whatever shares its batch, whatever was computed before, and on any number of
//! threads. Nothing is cut silently: a prompt that does not fit is refused before anything is computed.

mod cache;
pub mod chat;
mod choice;
mod decoder;
mod generate;
pub mod gguf;
pub mod grammar;
mod kernel;
mod provider;
pub mod pull;
pub mod quant;
pub mod registry;
pub mod sample;
mod scheduler;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tokenizer;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use tokio::sync::oneshot;

pub(super) use provider::LocalProvider;

use self::{
    chat::Chat,
    decoder::Decoder,
    generate::{ReplyWriter, Text},
    gguf::{Gguf, GgufError},
    grammar::{Grammar, GrammarError, Grammars},
    kernel::simd::Isa,
    pull::ModelFile,
    scheduler::{Answer, Order, Scheduler, Want, Work},
    tokenizer::{Tokenizer, TokenizerError},
};
use super::{
    Abilities, CallError, Finish, Identity, Message, Model, Pending, Reply, Request, Role, Shape, Usage,
};

/// The version of the arithmetic. It rises whenever replies of the same file change, so that stored answers of an older
/// program are not used. 1: all products in f32; 2: weights of 4 and 5 bits as whole numbers.
const ARITHMETIC: u32 = 2;

/// The largest number of bytes of keys and values that are kept or in use. With the default model's weights, the process stays well
/// below 1.2 GB.
const KEYS_AND_VALUES: usize = 384 << 20;

/// A model in this process.
///
/// Any number of requests may be in flight; they are computed together. Dropping the model ends its thread.
pub struct LocalModel {
    identity: Identity,
    chat: Chat,
    tokenizer: Arc<Tokenizer>,
    /// Prepared when the first reply has to be constrained, because most tasks never need it.
    grammars: OnceLock<Result<Grammars, GrammarError>>,
    context: usize,
    /// The choices of the latest request and their tokens. The next request usually has the same.
    latest_choices: Mutex<Arc<Choices>>,
    orders: mpsc::Sender<Order>,
    work: Arc<Work>,
}

/// Tokens that a model has computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Computed {
    /// Tokens of prompts without their last tokens; each once, however many requests share it.
    pub prompts: u64,
    /// The last tokens of prompts, and all tokens after prompts: labels and texts.
    pub own: u64,
}

/// Choices and their tokens, each with the end of the turn.
#[derive(Default)]
struct Choices {
    texts: Vec<String>,
    tokens: Vec<Vec<u32>>,
}

/// The reason why a model file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The file is unreadable, broken or of an unsupported kind.
    #[error(transparent)]
    File(#[from] GgufError),
    /// Its vocabulary cannot be used.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Its vocabulary has more tokens than its weights.
    #[error("{} names {tokens} tokens but has weights for {words}; fetch it again", path.display())]
    Vocabulary {
        /// The file.
        path: PathBuf,
        /// Tokens of the vocabulary.
        tokens: usize,
        /// Tokens of the weights.
        words: usize,
    },
    /// The operating system gave no thread.
    #[error("failed to start the model's threads: {0}")]
    Thread(String),
}

impl LocalModel {
    /// Loads a model file. `name` is the user's name for it. The identity's fingerprint is the file's checksum and the
    /// version of the arithmetic.
    ///
    /// # Errors
    /// The file cannot be read, is broken, or holds an unsupported model.
    pub fn open(name: &str, ModelFile { path, sha256 }: &ModelFile) -> Result<Self, LocalError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .thread_name(|index| format!("model-{index}"))
            .build()
            .map_err(|error| LocalError::Thread(error.to_string()))?;
        let file = Gguf::open(path)?;
        let decoder = Arc::new(pool.install(|| Decoder::load(&file, Isa::detect()))?);
        let tokenizer = Arc::new(Tokenizer::from_gguf(&file)?);
        let tokens = tokenizer.vocabulary_size();
        let words = decoder.words();
        if tokens > words {
            return Err(LocalError::Vocabulary { path: path.clone(), tokens, words });
        }
        let (orders, incoming) = mpsc::channel();
        let context = decoder.shape().context;
        let scheduler = Scheduler::new(decoder, KEYS_AND_VALUES);
        let work = scheduler.work();
        thread::Builder::new()
            .name("model".into())
            .spawn(move || pool.install(move || scheduler.serve(incoming)))
            .map_err(|error| LocalError::Thread(error.to_string()))?;
        Ok(Self {
            identity: Identity { name: name.to_owned(), fingerprint: format!("{sha256}/{ARITHMETIC}") },
            chat: Chat::from_gguf(&file, Arc::clone(&tokenizer)),
            grammars: OnceLock::new(),
            tokenizer,
            context,
            latest_choices: Mutex::default(),
            orders,
            work,
        })
    }

    /// The tokens computed so far, for all requests together.
    pub fn computed(&self) -> Computed {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Computed { prompts: read(&self.work.prompts), own: read(&self.work.own) }
    }

    async fn answer(&self, request: &Request) -> Result<Reply, CallError> {
        let prompt = self.prompt(&request.messages)?;
        let input = prompt.len() as u64;
        let (want, choices) = match &request.shape {
            Shape::Choice { choices, content_free } => {
                let choices = self.choices(choices)?;
                (self.choice(request, &prompt, &choices, content_free)?, Some(choices))
            }
            Shape::Free | Shape::Schema(_) => (self.text(request, &prompt)?, None),
        };
        let (answer, receiver) = oneshot::channel();
        self.orders.send(Order { prompt, want, answer }).map_err(|_| self.gone())?;
        let answer = receiver.await.map_err(|_| self.gone())?;
        Ok(reply(input, answer, choices.as_deref()))
    }

    fn prompt(&self, messages: &[Message]) -> Result<Vec<u32>, CallError> {
        let prompt = self.chat.encode(messages);
        if messages.is_empty() || prompt.is_empty() {
            Err(self.refused("it has no message"))
        } else {
            Ok(prompt)
        }
    }

    fn choice(
        &self,
        request: &Request,
        prompt: &[u32],
        choices: &Choices,
        content_free: &[String],
    ) -> Result<Want, CallError> {
        let longest = choices.tokens.iter().map(Vec::len).max().unwrap_or(0);
        self.fits(prompt.len() + longest)?;
        let mut messages = request.messages.clone();
        let mut content_free_prompts = vec![];
        for content in content_free {
            if let Some(last) = messages.last_mut() {
                last.content.clone_from(content);
            }
            let prompt = self.prompt(&messages)?;
            self.fits(prompt.len() + longest)?;
            content_free_prompts.push(prompt);
        }
        Ok(Want::Choice { content_free: content_free_prompts, labels: choices.tokens.clone() })
    }

    fn text(&self, request: &Request, prompt: &[u32]) -> Result<Want, CallError> {
        let most = request.sampling.max_tokens as usize;
        if most == 0 {
            return Err(self.refused("it asks for a reply of 0 tokens"));
        }
        self.fits(prompt.len() + most)?;
        let grammar = match &request.shape {
            Shape::Schema(schema) => {
                Some(self.grammar(schema).map_err(|error| self.refused(&error.to_string()))?)
            }
            _ => None,
        };
        let writer = ReplyWriter::new(Arc::clone(&self.tokenizer), request, grammar);
        Ok(Want::Text { writer: Box::new(writer), most })
    }

    fn grammar(&self, schema: &serde_json::Value) -> Result<Grammar, GrammarError> {
        let grammars = self.grammars.get_or_init(|| Grammars::new(&self.tokenizer));
        grammars.as_ref().map_err(Clone::clone)?.schema(schema)
    }

    /// The tokens of the choices, as they follow a prompt.
    fn choices(&self, texts: &[String]) -> Result<Arc<Choices>, CallError> {
        let latest = || self.latest_choices.lock().unwrap_or_else(PoisonError::into_inner);
        let known = Arc::clone(&latest());
        if known.texts == texts && !texts.is_empty() {
            return Ok(known);
        }
        let conversation = [Message::new(Role::User, "a")];
        let end = self.chat.end_of_turn();
        let tokens: Vec<Vec<u32>> = texts
            .iter()
            .map(|text| [self.chat.encode_reply(&conversation, text), vec![end]].concat())
            .collect();
        if texts.is_empty() {
            return Err(self.refused("it has nothing to choose from"));
        }
        if let Some(twice) = (1..tokens.len()).find(|&index| tokens[..index].contains(&tokens[index])) {
            return Err(self.refused(&format!("the choice `{}` is listed twice", texts[twice])));
        }
        let new = Arc::new(Choices { texts: texts.to_vec(), tokens });
        *latest() = Arc::clone(&new);
        Ok(new)
    }

    fn fits(&self, tokens: usize) -> Result<(), CallError> {
        if tokens <= self.context {
            return Ok(());
        }
        Err(CallError::TooLong { model: self.identity.name.clone(), tokens, limit: self.context })
    }

    fn refused(&self, message: &str) -> CallError {
        CallError::Refused { model: self.identity.name.clone(), message: message.to_owned() }
    }

    fn gone(&self) -> CallError {
        self.refused("its thread has ended; start the program again")
    }
}

impl Model for LocalModel {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn abilities(&self) -> Abilities {
        Abilities { scores_choices: true, enforces_schema: true }
    }

    fn complete<'a>(&'a self, request: &'a Request) -> Pending<'a, Result<Reply, CallError>> {
        Box::pin(self.answer(request))
    }
}

/// Makes the reply. No token counts as cached: nothing is billed, and a reply must not depend on earlier computation.
fn reply(input: u64, answer: Answer, choices: Option<&Choices>) -> Reply {
    match answer {
        Answer::Text(Text { text, finish, logprobs }) => Reply {
            text,
            finish,
            usage: Usage { input, cached: 0, output: logprobs.len() as u64 },
            choice_logprob: None,
            logprobs: Some(logprobs),
        },
        Answer::Choice { label, logprob } => Reply {
            text: choices.map_or_else(String::new, |choices| choices.texts[label].clone()),
            finish: Finish::Stop,
            usage: Usage {
                input,
                cached: 0,
                output: choices.map_or(0, |choices| choices.tokens[label].len() as u64),
            },
            choice_logprob: Some(logprob),
            logprobs: None,
        },
    }
}

#[cfg(test)]
mod tests;

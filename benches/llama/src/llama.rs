//! llama.cpp at work: what many prompts begin with is computed once and copied to the others, labels of a row are one
//! batch, texts are written side by side.

use std::{num::NonZeroU32, path::Path, time::Instant};

use anyhow::{Context as _, Result};
use llama_cpp_2::{
    context::{LlamaContext, params::LlamaContextParams},
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    model::{LlamaModel, params::LlamaModelParams},
    sampling::LlamaSampler,
    token::{LlamaToken, data::LlamaTokenData, data_array::LlamaTokenDataArray},
};

use crate::format::{Frame, Job};

/// Sequences that a context holds at most.
const SEQUENCES: u32 = 128;
/// Tokens that a call of the decoder takes at most.
const BATCH: usize = 2048;
/// Tokens of a text at most.
const MOST: usize = 32;

/// A model and a context over it.
pub struct Llama<'m> {
    model: &'m LlamaModel,
    context: LlamaContext<'m>,
}

/// What some work took, and what came of it.
pub struct Done {
    /// Seconds from the first token to the last.
    pub seconds: f64,
    /// Tokens read, or written, whichever the work is about.
    pub tokens: usize,
    /// The answers, in the order of the questions.
    pub answers: Vec<String>,
}

/// Opens llama.cpp, silent.
pub fn backend() -> Result<LlamaBackend> {
    let mut backend = LlamaBackend::init()?;
    backend.void_logs();
    Ok(backend)
}

/// Loads a model.
pub fn load(backend: &LlamaBackend, path: &Path) -> Result<LlamaModel> {
    Ok(LlamaModel::load_from_file(backend, path, &LlamaModelParams::default())?)
}

impl<'m> Llama<'m> {
    /// A context with as many threads as the machine has.
    pub fn new(backend: &LlamaBackend, model: &'m LlamaModel) -> Result<Self> {
        let threads = i32::try_from(std::thread::available_parallelism()?.get())?;
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(16_384))
            .with_n_batch(BATCH as u32)
            .with_n_ubatch(512)
            .with_n_seq_max(SEQUENCES)
            .with_kv_unified(true)
            .with_n_threads(threads)
            .with_n_threads_batch(threads);
        Ok(Self { model, context: model.new_context(backend, params)? })
    }

    fn tokens(&self, text: &str) -> Vec<LlamaToken> {
        self.model.vocab().tokenize(text.as_bytes(), false, true)
    }

    /// Reads tokens into a sequence; the logits of the last are there afterwards, at the returned place.
    fn read(&mut self, tokens: &[LlamaToken], (sequence, from): (i32, usize)) -> Result<i32> {
        let mut last = 0;
        for (index, part) in tokens.chunks(BATCH).enumerate() {
            let mut batch = LlamaBatch::new(BATCH, 1);
            for (offset, token) in part.iter().enumerate() {
                let place = index * BATCH + offset;
                batch.add(*token, i32::try_from(from + place)?, &[sequence], place + 1 == tokens.len())?;
            }
            self.context.decode(&mut batch)?;
            last = i32::try_from(part.len())? - 1;
        }
        Ok(last)
    }

    /// Makes a sequence a copy of another.
    fn copy(&mut self, from: i32, to: i32) -> Result<()> {
        self.context.clear_kv_cache_seq(Some(to as u32), None, None)?;
        Ok(self.context.copy_kv_cache_seq(from, to, None, None)?)
    }

    /// Reads prompts, one after the other.
    pub fn prefill(&mut self, prompts: &[String]) -> Result<Done> {
        let prompts: Vec<_> = prompts.iter().map(|prompt| self.tokens(prompt)).collect();
        let start = Instant::now();
        for prompt in &prompts {
            self.context.clear_kv_cache();
            self.read(prompt, (0, 0))?;
        }
        let (seconds, tokens) = (start.elapsed().as_secs_f64(), prompts.iter().map(Vec::len).sum());
        Ok(Done { seconds, tokens, answers: vec![] })
    }

    /// Routes every row of a job to the likeliest label.
    pub fn route(&mut self, job: &Job, frame: &Frame) -> Result<Done> {
        let labels: Vec<_> = job.labels.iter().map(|label| self.tokens(label)).collect();
        let start = Instant::now();
        self.context.clear_kv_cache();
        let prefix = self.tokens(&frame.prefix);
        self.read(&prefix, (0, 0))?;
        let mut answers = vec![];
        for item in &job.items {
            let row = self.tokens(&frame.row(&item.text));
            self.copy(0, 1)?;
            let last = self.read(&row, (1, prefix.len()))?;
            let best = self.best(&labels, (last, prefix.len() + row.len()))?;
            answers.push(job.labels[best].clone());
        }
        Ok(Done { seconds: start.elapsed().as_secs_f64(), tokens: 0, answers })
    }

    /// The label with the greatest probability after sequence 1, its end of turn included.
    fn best(&mut self, labels: &[Vec<LlamaToken>], (last, length): (i32, usize)) -> Result<usize> {
        let end = self.model.vocab().eos().0;
        let first = self.context.get_logits_ith(last);
        let mut scores: Vec<f64> = labels.iter().map(|label| logprob(first, label[0].0)).collect();
        let mut batch = LlamaBatch::new(BATCH, 1);
        let mut asked = vec![];
        for (index, label) in labels.iter().enumerate() {
            let sequence = i32::try_from(index + 2)?;
            self.copy(1, sequence)?;
            for (offset, token) in label.iter().enumerate() {
                let next = label.get(offset + 1).map_or(end, |token| token.0);
                asked.push((index, next));
                batch.add(*token, i32::try_from(length + offset)?, &[sequence], true)?;
            }
        }
        self.context.decode(&mut batch)?;
        for (place, (label, next)) in asked.into_iter().enumerate() {
            scores[label] += logprob(self.context.get_logits_ith(i32::try_from(place)?), next);
        }
        let best = (0..labels.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        best.context("a job has labels")
    }

    /// Writes up to 32 tokens after every prompt, `width` texts at a time, the likeliest token each time; with a grammar
    /// (GBNF), the likeliest that it allows.
    pub fn write(&mut self, prompts: &[String], grammar: Option<&str>, width: usize) -> Result<Done> {
        let start = Instant::now();
        self.context.clear_kv_cache();
        let prompts: Vec<_> = prompts.iter().map(|prompt| self.tokens(prompt)).collect();
        let first = prompts.first().context("a job has prompts")?;
        let agree = |other: &Vec<LlamaToken>| first.iter().zip(other).take_while(|(a, b)| a == b).count();
        let shared = prompts.iter().map(agree).min().unwrap_or(0).min(first.len() - 1);
        self.read(&first[..shared], (0, 0))?;
        let (mut answers, mut tokens) = (vec![], 0);
        for group in prompts.chunks(width) {
            let mut texts = vec![];
            for (index, prompt) in group.iter().enumerate() {
                let sequence = i32::try_from(index + 1)?;
                self.copy(0, sequence)?;
                let last = self.read(&prompt[shared..], (sequence, shared))?;
                let mut text = Text::new(self.model, (sequence, prompt.len()), grammar)?;
                text.take(self.model, self.context.get_logits_ith(last));
                texts.push(text);
            }
            self.finish(&mut texts)?;
            for text in texts {
                tokens += text.taken;
                answers.push(String::from_utf8_lossy(&text.bytes).into_owned());
            }
        }
        Ok(Done { seconds: start.elapsed().as_secs_f64(), tokens, answers })
    }

    fn finish(&mut self, texts: &mut [Text]) -> Result<()> {
        while texts.iter().any(|text| text.next.is_some()) {
            let mut batch = LlamaBatch::new(SEQUENCES as usize, 1);
            let mut going = vec![];
            for text in texts.iter_mut() {
                if let Some(token) = text.next {
                    batch.add(token, i32::try_from(text.length)?, &[text.sequence], true)?;
                    text.length += 1;
                    going.push(text);
                }
            }
            self.context.decode(&mut batch)?;
            for (place, text) in going.into_iter().enumerate() {
                text.take(self.model, self.context.get_logits_ith(i32::try_from(place)?));
            }
        }
        Ok(())
    }
}

/// A text in the making.
struct Text {
    sequence: i32,
    /// Tokens of the sequence so far.
    length: usize,
    grammar: Option<LlamaSampler>,
    /// The token that was chosen and not read yet; none when the text is finished.
    next: Option<LlamaToken>,
    taken: usize,
    bytes: Vec<u8>,
}

impl Text {
    fn new(model: &LlamaModel, (sequence, length): (i32, usize), grammar: Option<&str>) -> Result<Self> {
        let grammar = grammar.map(|grammar| LlamaSampler::grammar(model, grammar, "root")).transpose()?;
        Ok(Self { sequence, length, grammar, next: None, taken: 0, bytes: vec![] })
    }

    fn take(&mut self, model: &LlamaModel, logits: &[f32]) {
        let token = self.choose(logits);
        self.taken += 1;
        let vocab = model.vocab();
        self.next = None;
        if vocab.is_eog(token) {
            return;
        }
        self.bytes.extend(vocab.token_to_piece(token, false, None));
        self.next = (self.taken < MOST).then_some(token);
    }

    /// The likeliest token is asked for first; only if the grammar refuses it are all others.
    fn choose(&mut self, logits: &[f32]) -> LlamaToken {
        let all =
            || logits.iter().zip(0..).map(|(logit, id)| LlamaTokenData::new(LlamaToken(id), *logit, 0.0));
        let best = |data: &[LlamaTokenData]| {
            data.iter().copied().reduce(|best, next| if next.logit() > best.logit() { next } else { best })
        };
        let top = logits
            .iter()
            .zip(0..)
            .fold((f32::MIN, 0), |top, (logit, id)| if *logit > top.0 { (*logit, id) } else { top });
        let likeliest = LlamaTokenData::new(LlamaToken(top.1), top.0, 0.0);
        let Some(grammar) = &mut self.grammar else { return likeliest.id() };
        let mut one = LlamaTokenDataArray::new(vec![likeliest], false);
        grammar.apply(&mut one);
        let chosen = match one.data[0].logit().is_finite() {
            true => likeliest.id(),
            false => {
                let mut data = LlamaTokenDataArray::new(all().collect(), false);
                grammar.apply(&mut data);
                best(&data.data).map_or(likeliest.id(), |data| data.id())
            }
        };
        grammar.accept(chosen);
        chosen
    }
}

fn logprob(logits: &[f32], token: i32) -> f64 {
    let top = logits.iter().copied().fold(f32::MIN, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - top).exp()).sum();
    f64::from(logits[token as usize] - top) - sum.ln()
}

#![expect(clippy::float_cmp, reason = "answers are compared bit by bit")]

use std::path::Path;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use super::*;
use crate::model::{
    Finish,
    local::{
        generate::Next,
        gguf::{Architecture, Gguf},
        kernel::simd::Isa,
        testing::{GgufWriter, TinyModel, real_model},
    },
};

/// Writes the likeliest token every time, a given number of tokens.
#[derive(Debug)]
struct Greedy {
    left: usize,
    text: String,
    logprobs: Vec<f64>,
}

impl TokenWriter for Greedy {
    fn next(&mut self, logits: &[f32]) -> Next {
        let (token, top) = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        self.text += &format!("{token} ");
        self.logprobs.push(f64::from(*top));
        self.left -= 1;
        match self.left {
            0 => Next::End(Text {
                text: self.text.clone(),
                finish: Finish::Length,
                logprobs: self.logprobs.clone(),
            }),
            _ => Next::Token(token as u32),
        }
    }
}

#[derive(Clone, Debug)]
struct Ask {
    prompt: Vec<u32>,
    labels: Vec<Vec<u32>>,
    content_free: Vec<Vec<u32>>,
    write: usize,
}

fn decoder() -> Arc<Decoder> {
    decoder_of(&TinyModel { architecture: Architecture::Llama, seed: 3 }.writer())
}

/// The same with weights in whole numbers.
fn narrow_decoder() -> Arc<Decoder> {
    let mut file = TinyModel { architecture: Architecture::Llama, seed: 4 }.writer();
    file.narrow();
    decoder_of(&file)
}

fn decoder_of(file: &GgufWriter) -> Arc<Decoder> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    file.write(&path).unwrap();
    Arc::new(Decoder::load(&Gguf::open(Path::new(&path)).unwrap(), Isa::detect()).unwrap())
}

fn order(ask: &Ask) -> (Order, oneshot::Receiver<Answer>) {
    let (answer, receiver) = oneshot::channel();
    let want = match ask.write {
        0 => Want::Choice { labels: ask.labels.clone(), content_free: ask.content_free.clone() },
        most => {
            let writer = Greedy { left: most, text: String::new(), logprobs: vec![] };
            Want::Text { writer: Box::new(writer), most }
        }
    };
    (Order { prompt: ask.prompt.clone(), want, answer }, receiver)
}

fn finish(scheduler: &mut Scheduler, mut receivers: Vec<oneshot::Receiver<Answer>>) -> Vec<Answer> {
    while !scheduler.is_idle() {
        scheduler.step();
    }
    receivers.iter_mut().map(|receiver| receiver.try_recv().unwrap()).collect()
}

fn alone(decoder: &Arc<Decoder>, ask: &Ask) -> Answer {
    let mut scheduler = Scheduler::new(Arc::clone(decoder), usize::MAX);
    let (order, receiver) = order(ask);
    scheduler.push(order);
    finish(&mut scheduler, vec![receiver]).remove(0)
}

/// Prompts that share much: an instruction, maybe one of some demonstrations, a row.
fn asks(rng: &mut ChaCha8Rng, count: usize) -> Vec<Ask> {
    let mut text = |least: usize, most: usize| -> Vec<u32> {
        (0..rng.random_range(least..=most)).map(|_| rng.random_range(3..300)).collect()
    };
    let instructions = [text(1, 60), text(1, 200)];
    let demonstrations = [vec![], text(1, 40), text(30, 300)];
    let labels = vec![vec![10, 2], vec![10, 11, 2], vec![10, 11, 12, 13, 2], vec![14, 15, 2], vec![16, 2]];
    (0..count)
        .map(|_| {
            let row: Vec<u32> = (0..rng.random_range(1..=40)).map(|_| rng.random_range(3..300)).collect();
            let head = [
                instructions[rng.random_range(0..2)].clone(),
                demonstrations[rng.random_range(0..3)].clone(),
            ]
            .concat();
            let content_free = match rng.random_range(0..3) {
                0 => vec![[&head[..], &[20]].concat(), [&head[..], &[21, 22]].concat()],
                _ => vec![],
            };
            let write = if rng.random_range(0..4) == 0 { rng.random_range(1..=40) } else { 0 };
            Ask { prompt: [head, row].concat(), labels: labels.clone(), content_free, write }
        })
        .collect()
}

#[test]
fn batched_equals_alone() {
    let decoders = [decoder(), narrow_decoder()];
    let pools = [1, 2].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap());
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut compositions = 0;
    for round in 0..25 {
        let (decoder, asks) = (&decoders[round / 4 % 2], asks(&mut rng, 12));
        let wanted: Vec<Answer> = asks.iter().map(|ask| alone(decoder, ask)).collect();
        // From a memory that holds a single order at a time to one that keeps everything.
        let limit = [0, 300_000, 3_000_000, usize::MAX][round % 4];
        let mut scheduler = Scheduler::new(Arc::clone(decoder), limit);
        for _ in 0..20 {
            compositions += 1;
            let picked: Vec<usize> =
                (0..rng.random_range(1..=16)).map(|_| rng.random_range(0..asks.len())).collect();
            let mut receivers = vec![];
            for &index in &picked {
                let (order, receiver) = order(&asks[index]);
                scheduler.push(order);
                receivers.push(receiver);
                if rng.random_range(0..4) == 0 {
                    scheduler.step();
                }
            }
            let found = pools[compositions % 2].install(|| finish(&mut scheduler, receivers));
            for (index, found) in picked.iter().zip(found) {
                assert_eq!(found, wanted[*index], "order {index} in batch {picked:?} of round {round}");
            }
        }
    }
    assert_eq!(compositions, 500);
}

/// A few orders on the default model: real weights, many layers, label words from the whole vocabulary.
#[test]
fn the_default_model_answers_batched_as_alone() {
    let Some(file) = real_model() else { return };
    let decoder = Arc::new(Decoder::load(&Gguf::open(&file.path).unwrap(), Isa::detect()).unwrap());
    let prompt = |seed: u32, len: u32| (0..len).map(move |i| 100 + (i * 7919 + seed * 104_729) % 48_000);
    let labels = vec![vec![4120, 2], vec![4120, 260, 2], vec![30_000, 17, 2]];
    let asks: Vec<Ask> = [(0, 9, 0), (20, 9, 0), (20, 14, 3), (33, 5, 0), (33, 40, 0)]
        .map(|(shared, own, write)| {
            let prompt = prompt(1, shared).chain(prompt(own, own)).collect();
            let content_free = if shared == 33 { vec![vec![20, 21]] } else { vec![] };
            Ask { prompt, labels: labels.clone(), content_free, write }
        })
        .to_vec();
    let wanted: Vec<Answer> = asks.iter().map(|ask| alone(&decoder, ask)).collect();
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        // The later mixes can use what an earlier one has computed.
        let mut scheduler = Scheduler::new(Arc::clone(&decoder), usize::MAX);
        for mix in [&[1, 2][..], &[0, 1, 2, 3, 4], &[4, 3, 3, 0]] {
            let (orders, receivers): (Vec<_>, Vec<_>) = mix.iter().map(|&index| order(&asks[index])).unzip();
            orders.into_iter().for_each(|order| scheduler.push(order));
            let found = pool.install(|| finish(&mut scheduler, receivers));
            for (index, found) in mix.iter().zip(found) {
                assert_eq!(found, wanted[*index], "order {index} of {mix:?} on {threads} threads");
            }
        }
    }
}

#[test]
fn an_abandoned_order_frees_its_memory() {
    let mut scheduler = Scheduler::new(decoder(), usize::MAX);
    let ask = Ask {
        prompt: (3..290).cycle().take(900).collect(),
        labels: vec![],
        content_free: vec![],
        write: 500,
    };
    let (order, receiver) = order(&ask);
    scheduler.push(order);
    scheduler.step();
    assert!(scheduler.memory.used() > 0 && !scheduler.is_idle());
    drop(receiver);
    scheduler.step();
    assert!(scheduler.is_idle());
    assert_eq!(scheduler.memory.used(), 0, "a prompt that was not finished is not kept");
}

#[test]
fn memory_stays_within_its_limit() {
    let decoder = decoder();
    let limit = Memory::new(*decoder.shape()).needed(1500);
    let mut scheduler = Scheduler::new(Arc::clone(&decoder), limit);
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let mut receivers = vec![];
    for ask in asks(&mut rng, 60) {
        let (order, receiver) = order(&ask);
        scheduler.push(order);
        receivers.push(receiver);
    }
    while !scheduler.is_idle() {
        scheduler.step();
        assert!(scheduler.memory.used() <= limit, "{} of {limit} bytes", scheduler.memory.used());
    }
}

fn choose(decoder: &Arc<Decoder>, ask: &Ask) -> (usize, f64) {
    match alone(decoder, ask) {
        Answer::Choice { label, logprob } => (label, logprob),
        Answer::Text(text) => panic!("{text:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_best_label_is_the_best_of_all(seed in any::<u64>()) {
        thread_local!(static DECODER: Arc<Decoder> = decoder());
        let decoder = DECODER.with(Arc::clone);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let ask = Ask { content_free: vec![], write: 0, ..asks(&mut rng, 1).remove(0) };
        // Every label scored on its own, by a request with this label only.
        let scores: Vec<f64> = (0..ask.labels.len())
            .map(|label| choose(&decoder, &Ask { labels: vec![ask.labels[label].clone()], ..ask.clone() }).1)
            .collect();
        let (label, logprob) = choose(&decoder, &ask);
        let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert_eq!(logprob, best);
        prop_assert_eq!(label, scores.iter().position(|&score| score == best).unwrap());
    }

    #[test]
    fn calibration_divides_by_the_mean_share(seed in any::<u64>()) {
        thread_local!(static DECODER: Arc<Decoder> = decoder());
        let decoder = DECODER.with(Arc::clone);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut ask = Ask { write: 0, ..asks(&mut rng, 1).remove(0) };
        ask.content_free = vec![vec![20, 21, 22], vec![23, 24]];
        let scores = |prompt: &[u32]| -> Vec<f64> {
            let one = |label: &Vec<u32>| {
                let ask = Ask { prompt: prompt.to_vec(), labels: vec![label.clone()], content_free: vec![], write: 0 };
                choose(&decoder, &ask).1
            };
            ask.labels.iter().map(one).collect()
        };
        let mut mean = vec![0.0; ask.labels.len()];
        for prompt in &ask.content_free {
            let probabilities: Vec<f64> = scores(prompt).iter().map(|score| score.exp()).collect();
            let sum: f64 = probabilities.iter().sum();
            mean.iter_mut().zip(&probabilities).for_each(|(mean, p)| *mean += p / sum / 2.0);
        }
        let plain = scores(&ask.prompt);
        let value = |label: usize| plain[label].exp() / mean[label];
        let best = (0..mean.len()).max_by(|&a, &b| value(a).total_cmp(&value(b))).unwrap();
        let (label, logprob) = choose(&decoder, &ask);
        prop_assert_eq!(label, best);
        prop_assert_eq!(logprob, plain[label]);
    }
}

//! The decoder against a plain one that computes in f64.

use super::{kv::Memory, pass::PastPiece, *};
use crate::model::local::{
    gguf::{Architecture, Gguf},
    testing::{TinyModel, real_model},
};

fn tiny(architecture: Architecture, narrow: bool) -> (tempfile::TempDir, Gguf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    let mut file = TinyModel { architecture, seed: 1 }.writer();
    if narrow {
        file.narrow();
    }
    file.write(&path).unwrap();
    let file = Gguf::open(&path).unwrap();
    (folder, file)
}

/// Logits of every position, by the textbook.
fn plain_logits(file: &Gguf, tokens: &[u32]) -> Vec<Vec<f64>> {
    let shape = DecoderShape::read(file).unwrap();
    let tensor = |name: &str| -> Option<Vec<f64>> {
        file.tensor(name).ok().map(|tensor| tensor.data.iter().map(|&x| f64::from(x)).collect())
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let times =
        |matrix: &[f64], x: &[f64]| -> Vec<f64> { matrix.chunks(x.len()).map(|row| dot(row, x)).collect() };
    let norm = |x: &[f64], weight: &[f64]| -> Vec<f64> {
        let rms = (dot(x, x) / x.len() as f64 + f64::from(shape.epsilon)).sqrt();
        x.iter().zip(weight).map(|(x, w)| x / rms * w).collect()
    };
    let rotate = |x: &mut [f64], position: usize| {
        let half = shape.head / 2;
        for i in 0..half {
            let angle = position as f64 / f64::from(shape.rope_base).powf(2.0 * i as f64 / shape.head as f64);
            let (a, b) = if shape.neighbours { (2 * i, 2 * i + 1) } else { (i, i + half) };
            (x[a], x[b]) = (x[a] * angle.cos() - x[b] * angle.sin(), x[a] * angle.sin() + x[b] * angle.cos());
        }
    };
    let embeddings = tensor("token_embd.weight").unwrap();
    let mut rows: Vec<Vec<f64>> = tokens
        .iter()
        .map(|&token| embeddings[token as usize * shape.width..][..shape.width].to_vec())
        .collect();
    for layer in 0..shape.layers {
        let part = |name: &str| tensor(&format!("blk.{layer}.{name}"));
        let project = |letter: &str, x: &[f64]| {
            let mut y = times(&part(&format!("attn_{letter}.weight")).unwrap(), x);
            if let Some(bias) = part(&format!("attn_{letter}.bias")) {
                y.iter_mut().zip(bias).for_each(|(y, bias)| *y += bias);
            }
            y
        };
        let (mut keys, mut values) = (vec![], vec![]);
        for (position, x) in rows.iter_mut().enumerate() {
            let normed = norm(x, &part("attn_norm.weight").unwrap());
            let turned = |letter: &str| {
                let mut y = project(letter, &normed);
                for head in y.chunks_mut(shape.head) {
                    if let Some(weight) = part(&format!("attn_{letter}_norm.weight")) {
                        head.copy_from_slice(&norm(head, &weight));
                    }
                    rotate(head, position);
                }
                y
            };
            keys.push(turned("k"));
            values.push(project("v", &normed));
            let queries = turned("q");
            let mut attended = vec![];
            for head in 0..shape.heads {
                let columns = head / shape.group() * shape.head..(head / shape.group() + 1) * shape.head;
                let query = &queries[head * shape.head..(head + 1) * shape.head];
                let scores: Vec<f64> = keys
                    .iter()
                    .map(|key| (dot(query, &key[columns.clone()]) / (shape.head as f64).sqrt()).exp())
                    .collect();
                let total: f64 = scores.iter().sum();
                attended.extend(columns.map(|column| {
                    scores
                        .iter()
                        .zip(&values)
                        .map(|(score, value)| score / total * value[column])
                        .sum::<f64>()
                }));
            }
            let added = times(&part("attn_output.weight").unwrap(), &attended);
            x.iter_mut().zip(added).for_each(|(x, added)| *x += added);
            let normed = norm(x, &part("ffn_norm.weight").unwrap());
            let (gate, up) = (
                times(&part("ffn_gate.weight").unwrap(), &normed),
                times(&part("ffn_up.weight").unwrap(), &normed),
            );
            let hidden: Vec<f64> =
                gate.iter().zip(up).map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up).collect();
            let added = times(&part("ffn_down.weight").unwrap(), &hidden);
            x.iter_mut().zip(added).for_each(|(x, added)| *x += added);
        }
    }
    let output = tensor("output.weight").unwrap_or(embeddings);
    rows.iter().map(|x| times(&output, &norm(x, &tensor("output_norm.weight").unwrap()))).collect()
}

fn run(decoder: &Decoder, past: Vec<PastPiece>, start: usize, tokens: &[u32]) -> TokenRun {
    let segment = Memory::new(*decoder.shape()).segment(start, tokens.len());
    TokenRun { past, segment, tokens: tokens.to_vec() }
}

fn all_of(run: usize, tokens: usize) -> Vec<TokenPlace> {
    (0..tokens).map(|token| TokenPlace { run, token }).collect()
}

#[test]
fn logits_agree_with_the_textbook() {
    let tokens: Vec<u32> = (0..45).map(|i| i * 37 % 300).collect();
    let all = [Architecture::Llama, Architecture::Qwen2, Architecture::Qwen3];
    for (architecture, narrow) in all.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let (_folder, file) = tiny(architecture, narrow);
        let decoder = Decoder::load(&file, Isa::detect()).unwrap();
        let (hidden, _) = decoder.forward(vec![run(&decoder, vec![], 0, &tokens)], &all_of(0, tokens.len()));
        for (found, wanted) in decoder.logits(&hidden).iter().zip(plain_logits(&file, &tokens)) {
            assert_eq!(found.len(), wanted.len());
            for (found, wanted) in found.iter().zip(wanted) {
                assert!((f64::from(*found) - wanted).abs() < 2e-3, "{architecture:?}: {found} {wanted}");
            }
        }
    }
}

/// Its weights have 4 bits, so its activations are rounded, too: decisions stay, scores hardly move.
#[test]
fn the_default_model_agrees_with_the_textbook() {
    let Some(file) = real_model() else { return };
    let file = Gguf::open(&file.path).unwrap();
    // "<|im_start|>system\nYou are a helpful AI assistant named .."
    let tokens = [1, 9690, 198, 2683, 359, 253, 5356, 5646, 11173, 3365, 3511, 308, 34519, 28];
    let decoder = Decoder::load(&file, Isa::detect()).unwrap();
    let (hidden, _) = decoder.forward(vec![run(&decoder, vec![], 0, &tokens)], &all_of(0, tokens.len()));
    let (found, sums) = (decoder.logits(&hidden), decoder.log_sums(&hidden));
    let wanted = plain_logits(&file, &tokens);
    let likeliest = |logits: &[f64]| logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    for (position, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
        let found: Vec<f64> = found.iter().map(|&logit| f64::from(logit)).collect();
        let (top, best) = (wanted[likeliest(wanted)], likeliest(wanted));
        let sum = top + wanted.iter().map(|logit| (logit - top).exp()).sum::<f64>().ln();
        assert_eq!(likeliest(&found), best, "position {position}");
        let next = tokens.get(position + 1).map(|&token| token as usize);
        for token in next.into_iter().chain([best]) {
            let (found, wanted) = (found[token] - sums[position], wanted[token] - sum);
            assert!(
                (found - wanted).abs() < 5e-3,
                "position {position}, token {token}: {found}, not {wanted}"
            );
        }
    }
}

//! Writes GGUF files of version 3 with tensors in `f32` or `Q4_1`.

use std::{fs, io, path::Path};

use half::f16;

use crate::model::local::{gguf::Meta, quant::Quant};

/// A GGUF file that is not yet written. Later values of a key replace earlier ones.
#[derive(Clone, Debug, Default)]
pub struct GgufWriter {
    metadata: Vec<(String, Meta)>,
    tensors: Vec<NewTensor>,
}

#[derive(Clone, Debug)]
struct NewTensor {
    name: String,
    shape: Vec<usize>,
    kind: Quant,
    numbers: Vec<f32>,
}

const ALIGNMENT: usize = 32;

impl GgufWriter {
    /// Sets a key. Integers are written with 64 bits, floats with 32.
    pub fn set(&mut self, key: &str, value: Meta) {
        self.remove(key);
        self.metadata.push((key.to_owned(), value));
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Meta> {
        self.metadata.iter().find(|(other, _)| other == key).map(|(_, value)| value)
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) {
        self.metadata.retain(|(other, _)| other != key);
    }

    /// Adds a tensor: its shape, outermost first, and its numbers.
    pub fn tensor(&mut self, name: &str, shape: Vec<usize>, numbers: Vec<f32>) {
        self.tensors.push(NewTensor { name: name.to_owned(), shape, kind: Quant::F32, numbers });
    }

    /// Stores every matrix so far in `Q4_1`, if its rows consist of whole blocks.
    pub fn narrow(&mut self) {
        for tensor in &mut self.tensors {
            if matches!(tensor.shape[..], [_, columns] if columns % Quant::Q4_1.block_len() == 0) {
                tensor.kind = Quant::Q4_1;
            }
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        fs::write(path, self.to_bytes())
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::from(b"GGUF\x03\0\0\0");
        put(&mut out, self.tensors.len());
        put(&mut out, self.metadata.len());
        for (key, value) in &self.metadata {
            put_text(&mut out, key);
            put_value(&mut out, value);
        }
        let mut offset = 0;
        for NewTensor { name, shape, kind, numbers } in &self.tensors {
            put_text(&mut out, name);
            out.extend((shape.len() as u32).to_le_bytes());
            shape.iter().rev().for_each(|&size| put(&mut out, size));
            out.extend(kind.id().to_le_bytes());
            put(&mut out, offset);
            let bytes = numbers.len() / kind.block_len() * kind.block_bytes();
            offset += bytes.next_multiple_of(ALIGNMENT);
        }
        for NewTensor { kind, numbers, .. } in &self.tensors {
            out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
            match kind {
                Quant::Q4_1 => numbers.chunks(kind.block_len()).for_each(|block| put_block(&mut out, block)),
                _ => out.extend(numbers.iter().flat_map(|number| number.to_le_bytes())),
            }
        }
        out
    }
}

/// A block of `Q4_1`: the scale, the least number, then every number as the nearest multiple of the scale above the
/// least; the first half in the low halves of the bytes.
fn put_block(out: &mut Vec<u8>, numbers: &[f32]) {
    let (least, most) = numbers.iter().fold((f32::MAX, f32::MIN), |(a, b), &x| (a.min(x), b.max(x)));
    let scale = f16::from_f32((most - least) / 15.0);
    let least = f16::from_f32(least);
    out.extend([scale.to_le_bytes(), least.to_le_bytes()].concat());
    let inverse = if scale.to_f32() > 0.0 { 1.0 / scale.to_f32() } else { 0.0 };
    let nibble = |number: f32| ((number - least.to_f32()) * inverse).round().clamp(0.0, 15.0) as u8;
    let (first, second) = numbers.split_at(numbers.len() / 2);
    out.extend(first.iter().zip(second).map(|(&low, &high)| nibble(low) | nibble(high) << 4));
}

fn put(out: &mut Vec<u8>, number: usize) {
    out.extend((number as u64).to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len());
    out.extend(text.as_bytes());
}

fn put_value(out: &mut Vec<u8>, value: &Meta) {
    out.extend(kind(value).to_le_bytes());
    match value {
        Meta::Integer(number) => out.extend((*number as i64).to_le_bytes()),
        Meta::Float(number) => out.extend((*number as f32).to_le_bytes()),
        Meta::Bool(flag) => out.push(u8::from(*flag)),
        Meta::Text(text) => put_text(out, text),
        Meta::Integers(numbers) => {
            put_list(out, 11, numbers, |out, number| out.extend((*number as i64).to_le_bytes()));
        }
        Meta::Floats(numbers) => {
            put_list(out, 6, numbers, |out, number| out.extend((*number as f32).to_le_bytes()));
        }
        Meta::Bools(flags) => put_list(out, 7, flags, |out, flag| out.push(u8::from(*flag))),
        Meta::Texts(texts) => put_list(out, 8, texts, |out, text| put_text(out, text)),
    }
}

fn kind(value: &Meta) -> u32 {
    match value {
        Meta::Integer(_) => 11,
        Meta::Float(_) => 6,
        Meta::Bool(_) => 7,
        Meta::Text(_) => 8,
        Meta::Integers(_) | Meta::Floats(_) | Meta::Bools(_) | Meta::Texts(_) => 9,
    }
}

fn put_list<T>(out: &mut Vec<u8>, kind: u32, values: &[T], put_one: impl Fn(&mut Vec<u8>, &T)) {
    out.extend(kind.to_le_bytes());
    put(out, values.len());
    values.iter().for_each(|value| put_one(out, value));
}

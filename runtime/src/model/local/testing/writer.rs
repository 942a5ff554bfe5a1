//! Writes GGUF files of version 3 with `f32` tensors.

use std::{fs, io, path::Path};

use crate::model::local::gguf::Meta;

/// A file in the making. Later values of a key replace earlier ones.
#[derive(Clone, Debug, Default)]
pub struct GgufWriter {
    metadata: Vec<(String, Meta)>,
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
}

const ALIGNMENT: usize = 32;

impl GgufWriter {
    /// Sets a key. Integers are written with 64 bits, floats with 32.
    pub fn set(&mut self, key: &str, value: Meta) {
        self.remove(key);
        self.metadata.push((key.to_owned(), value));
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) {
        self.metadata.retain(|(other, _)| other != key);
    }

    /// Adds a tensor: its shape, outermost first, and its numbers.
    pub fn tensor(&mut self, name: &str, (shape, numbers): (Vec<usize>, Vec<f32>)) {
        self.tensors.push((name.to_owned(), shape, numbers));
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
        for (name, shape, numbers) in &self.tensors {
            put_text(&mut out, name);
            out.extend((shape.len() as u32).to_le_bytes());
            shape.iter().rev().for_each(|&size| put(&mut out, size));
            out.extend(0_u32.to_le_bytes());
            put(&mut out, offset);
            offset += (numbers.len() * 4).next_multiple_of(ALIGNMENT);
        }
        for (_, _, numbers) in &self.tensors {
            out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
            out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        }
        out
    }
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

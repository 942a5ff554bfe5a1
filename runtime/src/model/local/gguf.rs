//! GGUF files: metadata and tensors of a language model in one file (ggml's `docs/gguf.md`, versions 2 and 3).
//!
//! **Invariant:** a file is not trusted. Every count, length and offset is checked against the size of the file before
//! it is used. A broken file gives an error that names the place, never a panic, and never takes memory out of proportion
//! to its size (`tests/memory.rs`). Tensors neither overlap nor leave the file.
//!
//! [`Meta`] is a value of the metadata, [`crate::model::local::quant`] turns blocks into numbers.

mod meta;
mod reader;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

pub use self::meta::{FromMeta, Meta};
use self::reader::GgufReader;
use super::quant::{Groups, Quant};

/// An open GGUF file of the llama family.
#[derive(Debug)]
pub struct Gguf {
    path: PathBuf,
    file: Mutex<File>,
    metadata: BTreeMap<String, Meta>,
    tensors: BTreeMap<String, TensorInfo>,
    architecture: Architecture,
}

/// The supported decoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Llama, Mistral, SmolLM, SmolLM2: neighbouring dimensions are rotated together.
    Llama,
    /// Qwen2: a bias on queries, keys and values; the two halves of a head are rotated together.
    Qwen2,
    /// Qwen3: normalized queries and keys; the two halves of a head are rotated together.
    Qwen3,
}

/// The place and the format of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its size along each dimension, outermost first: a matrix is `[rows, columns]` with each row contiguous.
    pub shape: Vec<usize>,
    /// The format of its numbers.
    pub kind: Quant,
    /// The first byte, from the start of the file.
    offset: u64,
    /// Bytes in the file.
    bytes: usize,
}

/// A tensor in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its size along each dimension, outermost first.
    pub shape: Vec<usize>,
    /// Its numbers, row by row.
    pub data: Vec<f32>,
}

/// The reason why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// The file cannot be read.
    #[error("failed to read the model {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file breaks the format.
    #[error("{} is not a sound GGUF file: {problem}; fetch it again", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The problem and its place.
        problem: String,
    },
    /// The metadata lacks a key.
    #[error("{} does not say `{key}`; it is not a complete model", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A key has a value of another type.
    #[error("`{key}` in {} is {found}, not {wanted}", path.display())]
    Mistyped {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The type that is needed.
        wanted: &'static str,
        /// The type that was found.
        found: &'static str,
    },
    /// A tensor that the model needs is missing.
    #[error("{} has no tensor `{name}`; it is not a complete model", path.display())]
    NoTensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A sound file with something unsupported.
    #[error(
        "{} holds {what}, which the embedded engine does not compute (it takes llama, mistral, smollm, qwen2 and \
         qwen3 in F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K); serve the file with llama.cpp \
         or Ollama and name that server as the model",
        path.display()
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The unsupported content.
        what: String,
    },
}

/// The largest number of tensors: more than any model of the family has.
const MOST_TENSORS: u64 = 100_000;

impl Gguf {
    /// Opens a file and reads everything but the tensors' numbers.
    ///
    /// # Errors
    /// The file cannot be read, is malformed, or holds a model of another architecture.
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let unreadable = |source| GgufError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let mut reader = GgufReader::new(path, BufReader::new(&mut file), size);

        let tensor_count = reader.preamble()?;
        let metadata = reader.metadata()?;
        let tensors = read_tensors(&mut reader, tensor_count, &metadata)?;

        let architecture = Architecture::of(path, &metadata)?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file), metadata, tensors, architecture })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The kind of decoder.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The value of a key.
    ///
    /// # Errors
    /// There is none, or it has another type.
    pub fn get<'a, T: FromMeta<'a>>(&'a self, key: &str) -> Result<T, GgufError> {
        self.find(key)?.ok_or_else(|| GgufError::Missing { path: self.path.clone(), key: key.to_owned() })
    }

    /// The value of a key that may be absent.
    ///
    /// # Errors
    /// It has another type.
    pub fn find<'a, T: FromMeta<'a>>(&'a self, key: &str) -> Result<Option<T>, GgufError> {
        meta::find(&self.path, &self.metadata, key)
    }

    /// The key of `name` for this architecture: `block_count` is `llama.block_count`, ...
    pub fn key(&self, name: &str) -> String {
        let architecture = self.metadata.get("general.architecture").and_then(<&str>::from_meta);
        format!("{}.{name}", architecture.unwrap_or_default())
    }

    /// The metadata by key.
    pub fn metadata(&self) -> &BTreeMap<String, Meta> {
        &self.metadata
    }

    /// Every tensor by name.
    pub fn tensors(&self) -> &BTreeMap<String, TensorInfo> {
        &self.tensors
    }

    /// Reads a tensor as `f32`, whatever its format.
    ///
    /// # Errors
    /// There is none of that name, or the file cannot be read.
    pub fn tensor(&self, name: &str) -> Result<Tensor, GgufError> {
        let info = self.info(name)?;
        Ok(Tensor { shape: info.shape.clone(), data: info.kind.dequantize(&self.bytes(info)?) })
    }

    /// Reads a tensor in groups as stored; none if its format has no groups.
    ///
    /// # Errors
    /// There is none of that name, or the file cannot be read.
    pub fn groups(&self, name: &str) -> Result<Option<Groups>, GgufError> {
        let info = self.info(name)?;
        match info.kind.has_groups() {
            true => Ok(info.kind.groups(&self.bytes(info)?)),
            false => Ok(None),
        }
    }

    /// The place and the format of a tensor.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn info(&self, name: &str) -> Result<&TensorInfo, GgufError> {
        let none = || GgufError::NoTensor { path: self.path.clone(), name: name.to_owned() };
        self.tensors.get(name).ok_or_else(none)
    }

    fn bytes(&self, info: &TensorInfo) -> Result<Vec<u8>, GgufError> {
        let mut bytes = vec![0; info.bytes];
        // A reader that panicked has moved only the cursor, and this one seeks anew.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(info.offset))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|source| GgufError::Read { path: self.path.clone(), source })?;
        Ok(bytes)
    }
}

impl Architecture {
    fn of(path: &Path, metadata: &BTreeMap<String, Meta>) -> Result<Self, GgufError> {
        let key = "general.architecture";
        let name: &str = meta::find(path, metadata, key)?
            .ok_or_else(|| GgufError::Missing { path: path.to_owned(), key: key.to_owned() })?;
        let unsupported = |what| Err(GgufError::Unsupported { path: path.to_owned(), what });
        if meta::find::<usize>(path, metadata, &format!("{name}.expert_count"))?
            .is_some_and(|count| count > 0)
        {
            return unsupported(format!("a mixture of experts ({name})"));
        }
        match name {
            "llama" | "mistral" | "smollm" => Ok(Self::Llama),
            "qwen2" => Ok(Self::Qwen2),
            "qwen3" => Ok(Self::Qwen3),
            _ => unsupported(format!("a model of the architecture `{name}`")),
        }
    }
}

/// Reads the table of tensors and checks that every tensor lies in the file and overlaps no other.
fn read_tensors(
    reader: &mut GgufReader<'_>,
    count: u64,
    metadata: &BTreeMap<String, Meta>,
) -> Result<BTreeMap<String, TensorInfo>, GgufError> {
    if count > MOST_TENSORS {
        return Err(reader.malformed(format!("it claims {count} tensors")));
    }
    let alignment = meta::find::<usize>(reader.path(), metadata, "general.alignment")?.unwrap_or(32) as u64;
    if !alignment.is_power_of_two() || alignment > 1 << 20 {
        return Err(reader.malformed(format!("an alignment of {alignment} bytes")));
    }
    let mut tensors = BTreeMap::new();
    for _ in 0..count {
        let (name, info) = read_tensor_info(reader)?;
        if info.offset % alignment != 0 {
            return Err(reader.malformed(format!("tensor `{name}` is not aligned to {alignment} bytes")));
        }
        if tensors.insert(name.clone(), info).is_some() {
            return Err(reader.malformed(format!("two tensors are named `{name}`")));
        }
    }
    place(reader, &mut tensors, reader.position().next_multiple_of(alignment))?;
    Ok(tensors)
}

/// Reads one entry of the table. Its offset still counts from the start of the tensors' bytes.
fn read_tensor_info(reader: &mut GgufReader<'_>) -> Result<(String, TensorInfo), GgufError> {
    let name = reader.text("the name of a tensor")?;
    let malformed =
        |reader: &GgufReader<'_>, problem: &str| reader.malformed(format!("tensor `{name}` {problem}"));
    let dimensions = reader.u32("the number of a tensor's dimensions")?;
    if !(1..=4).contains(&dimensions) {
        return Err(malformed(reader, &format!("has {dimensions} dimensions")));
    }
    let mut shape = Vec::new();
    let mut numbers = 1_usize;
    for _ in 0..dimensions {
        let size = usize::try_from(reader.u64("a tensor's size")?).unwrap_or(0);
        numbers = numbers
            .checked_mul(size)
            .filter(|&numbers| numbers > 0)
            .ok_or_else(|| malformed(reader, "has an impossible shape"))?;
        shape.push(size);
    }
    let id = reader.u32("a tensor's type")?;
    let offset = reader.u64("a tensor's offset")?;
    let Some(kind) = Quant::from_id(id) else {
        let what = format!("tensor `{name}` in the ggml type {id}");
        return Err(GgufError::Unsupported { path: reader.path().to_owned(), what });
    };
    if shape[0] % kind.block_len() != 0 {
        return Err(malformed(
            reader,
            &format!("has rows of {} numbers in blocks of {}", shape[0], kind.block_len()),
        ));
    }
    let bytes = (numbers / kind.block_len())
        .checked_mul(kind.block_bytes())
        .ok_or_else(|| malformed(reader, "has an impossible shape"))?;
    // The format lists the innermost dimension first.
    shape.reverse();
    Ok((name, TensorInfo { shape, kind, offset, bytes }))
}

/// Makes all offsets count from the start of the file.
fn place(
    reader: &GgufReader<'_>,
    tensors: &mut BTreeMap<String, TensorInfo>,
    start: u64,
) -> Result<(), GgufError> {
    let mut spans = Vec::new();
    for (name, info) in tensors {
        info.offset = info.offset.saturating_add(start);
        let end = info.offset.checked_add(info.bytes as u64).filter(|&end| end <= reader.size());
        let Some(end) = end else {
            return Err(
                reader.malformed(format!("tensor `{name}` ends after the file's {} bytes", reader.size()))
            );
        };
        spans.push((info.offset, end, name));
    }
    spans.sort_unstable();
    for pair in spans.windows(2) {
        if pair[0].1 > pair[1].0 {
            return Err(reader.malformed(format!("tensors `{}` and `{}` overlap", pair[0].2, pair[1].2)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

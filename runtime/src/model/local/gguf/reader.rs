//! The primitive values of a GGUF file, little-endian, each checked against the rest of the file.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, ErrorKind, Read as _},
    path::Path,
};

use super::{GgufError, meta::Meta};

/// A reader of a file from its start, which knows how many bytes are left.
pub(super) struct GgufReader<'a> {
    path: &'a Path,
    input: BufReader<&'a mut File>,
    position: u64,
    size: u64,
}

/// The longest key or name: the limit for keys in ggml's `docs/gguf.md`.
const LONGEST_KEY: u64 = 65_535;

impl<'a> GgufReader<'a> {
    pub(super) fn new(path: &'a Path, input: BufReader<&'a mut File>, size: u64) -> Self {
        Self { path, input, position: 0, size }
    }

    pub(super) fn path(&self) -> &'a Path {
        self.path
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Bytes of the whole file.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn malformed(&self, problem: String) -> GgufError {
        GgufError::Malformed { path: self.path.to_owned(), problem }
    }

    /// Checks magic and version, and gives the number of tensors.
    pub(super) fn preamble(&mut self) -> Result<u64, GgufError> {
        let magic: [u8; 4] = self.array("the first four bytes")?;
        if &magic != b"GGUF" {
            return Err(self.malformed("it does not start with `GGUF`".to_owned()));
        }
        match self.u32("the version")? {
            2 | 3 => self.u64("the number of tensors"),
            version if version.swap_bytes() <= 3 => {
                Err(self.malformed("its numbers are big-endian".to_owned()))
            }
            version => Err(self.malformed(format!("it has version {version}; versions 2 and 3 are read"))),
        }
    }

    pub(super) fn metadata(&mut self) -> Result<BTreeMap<String, Meta>, GgufError> {
        let count = self.u64("the number of keys")?;
        // A key takes at least 13 bytes: its length, the type, one byte of value.
        self.claim(count, 13, "keys")?;
        let mut metadata = BTreeMap::new();
        for _ in 0..count {
            let key = self.text("a key")?;
            let kind = self.u32("the type of a value")?;
            let value = self.value(&key, kind)?;
            if metadata.insert(key.clone(), value).is_some() {
                return Err(self.malformed(format!("the key `{key}` stands there twice")));
            }
        }
        Ok(metadata)
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, GgufError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, GgufError> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A key or a name.
    pub(super) fn text(&mut self, what: &str) -> Result<String, GgufError> {
        let length = self.u64(what)?;
        if length > LONGEST_KEY {
            return Err(self.malformed(format!("{what} of {length} bytes")));
        }
        self.utf8(length, what)
    }

    fn value(&mut self, key: &str, kind: u32) -> Result<Meta, GgufError> {
        Ok(match kind {
            6 | 12 => Meta::Float(self.float(key, kind)?),
            7 => Meta::Bool(self.flag(key)?),
            8 => Meta::Text(self.long_text(key)?),
            9 => self.list(key)?,
            _ => Meta::Integer(self.integer(key, kind)?),
        })
    }

    fn list(&mut self, key: &str) -> Result<Meta, GgufError> {
        let kind = self.u32(key)?;
        let count = self.u64(key)?;
        self.claim(count, if kind == 8 { 8 } else { 1 }, key)?;
        // `collect` grows with the values, so memory follows the bytes that are there.
        Ok(match kind {
            6 | 12 => Meta::Floats((0..count).map(|_| self.float(key, kind)).collect::<Result<_, _>>()?),
            7 => Meta::Bools((0..count).map(|_| self.flag(key)).collect::<Result<_, _>>()?),
            8 => Meta::Texts((0..count).map(|_| self.long_text(key)).collect::<Result<_, _>>()?),
            // No model of the family nests lists, and refusing them keeps the reader free of recursion.
            9 => return Err(self.malformed(format!("`{key}` is a list of lists"))),
            _ => Meta::Integers((0..count).map(|_| self.integer(key, kind)).collect::<Result<_, _>>()?),
        })
    }

    fn integer(&mut self, key: &str, kind: u32) -> Result<i128, GgufError> {
        Ok(match kind {
            0 => self.array(key).map(u8::from_le_bytes)?.into(),
            1 => self.array(key).map(i8::from_le_bytes)?.into(),
            2 => self.array(key).map(u16::from_le_bytes)?.into(),
            3 => self.array(key).map(i16::from_le_bytes)?.into(),
            4 => self.array(key).map(u32::from_le_bytes)?.into(),
            5 => self.array(key).map(i32::from_le_bytes)?.into(),
            10 => self.array(key).map(u64::from_le_bytes)?.into(),
            11 => self.array(key).map(i64::from_le_bytes)?.into(),
            _ => return Err(self.malformed(format!("`{key}` has the unknown type {kind}"))),
        })
    }

    fn float(&mut self, key: &str, kind: u32) -> Result<f64, GgufError> {
        match kind {
            6 => self.array(key).map(|bytes| f32::from_le_bytes(bytes).into()),
            _ => self.array(key).map(f64::from_le_bytes),
        }
    }

    fn flag(&mut self, key: &str) -> Result<bool, GgufError> {
        Ok(self.array::<1>(key)? != [0])
    }

    fn long_text(&mut self, key: &str) -> Result<String, GgufError> {
        let length = self.u64(key)?;
        self.utf8(length, key)
    }

    /// Refuses a count that the rest of the file cannot hold.
    fn claim(&self, count: u64, least_bytes: u64, what: &str) -> Result<(), GgufError> {
        // The file may have grown since its size was asked for.
        let left = self.size.saturating_sub(self.position);
        match count.checked_mul(least_bytes) {
            Some(bytes) if bytes <= left => Ok(()),
            _ => Err(self.malformed(format!("`{what}` claims {count} entries, but {left} bytes are left"))),
        }
    }

    fn utf8(&mut self, length: u64, what: &str) -> Result<String, GgufError> {
        self.claim(length, 1, what)?;
        let mut bytes = Vec::new();
        (&mut self.input)
            .take(length)
            .read_to_end(&mut bytes)
            .map_err(|source| self.unreadable(source, what))?;
        if bytes.len() as u64 != length {
            return Err(self.ends_within(what));
        }
        self.position += length;
        String::from_utf8(bytes).map_err(|_| self.malformed(format!("`{what}` is not UTF-8")))
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufError> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(|source| self.unreadable(source, what))?;
        self.position += N as u64;
        Ok(bytes)
    }

    fn unreadable(&self, source: std::io::Error, what: &str) -> GgufError {
        match source.kind() {
            ErrorKind::UnexpectedEof => self.ends_within(what),
            _ => GgufError::Read { path: self.path.to_owned(), source },
        }
    }

    fn ends_within(&self, what: &str) -> GgufError {
        self.malformed(format!("it ends within {what}, at byte {}", self.position))
    }
}

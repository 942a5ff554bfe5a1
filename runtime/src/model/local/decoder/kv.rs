//! Keys and values of computed tokens, for the attention of later tokens.
//!
//! **Invariant:** a [`Segment`] behind an `Arc` never changes. [`Memory`] counts the bytes of all its segments, and the
//! count falls when a segment is dropped, wherever that happens.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::{super::kernel::simd::LANES, shape::DecoderShape};

/// The source of segments, which counts the bytes of the live ones.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    shape: DecoderShape,
    bytes: Arc<AtomicUsize>,
}

impl Memory {
    /// Memory for keys and values of such a decoder.
    pub(crate) fn new(shape: DecoderShape) -> Self {
        Self { shape, bytes: Arc::default() }
    }

    /// Bytes that are in use.
    pub(crate) fn used(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes of a segment for `positions` positions.
    pub(crate) fn needed(&self, positions: usize) -> usize {
        Segment::floats(&self.shape, positions) * size_of::<f32>()
    }

    /// An empty segment with room for `capacity` positions from `start` on.
    pub(crate) fn segment(&self, start: usize, capacity: usize) -> Segment {
        let data = vec![0.0; Segment::floats(&self.shape, capacity)];
        self.bytes.fetch_add(size_of_val(data.as_slice()), Ordering::Relaxed);
        Segment { memory: self.clone(), start, len: 0, capacity, data }
    }
}

/// Keys and values of consecutive positions, for all layers.
///
/// Per layer and key-value head: keys as panels of [`LANES`] positions, so that scores of one query are a row of a
/// product; then values, one row of the padded head's columns per position.
#[derive(Debug)]
pub(crate) struct Segment {
    memory: Memory,
    start: usize,
    len: usize,
    capacity: usize,
    data: Vec<f32>,
}

/// A key-value head of a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KvHead {
    pub(crate) layer: usize,
    pub(crate) head: usize,
}

impl Segment {
    fn floats(shape: &DecoderShape, capacity: usize) -> usize {
        shape.layers * shape.kv_heads * Self::of_head(shape, capacity)
    }

    fn of_head(shape: &DecoderShape, capacity: usize) -> usize {
        capacity.next_multiple_of(LANES) * shape.head + capacity * shape.padded_head()
    }

    /// The position of the first token.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// The number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The number of further tokens for which there is room.
    pub(crate) fn room(&self) -> usize {
        self.capacity - self.len
    }

    /// Counts `added` tokens that were written after the last.
    pub(crate) fn grow(&mut self, added: usize) {
        self.len += added;
        debug_assert!(self.len <= self.capacity, "segment written beyond its room");
    }

    fn keys_at(&self, KvHead { layer, head }: KvHead) -> usize {
        (layer * self.memory.shape.kv_heads + head) * Self::of_head(&self.memory.shape, self.capacity)
    }

    fn values_at(&self, of: KvHead) -> usize {
        self.keys_at(of) + self.capacity.next_multiple_of(LANES) * self.memory.shape.head
    }

    /// Keys of the positions `panel * LANES..`: element `(column, position)` lies at `column * LANES + position`.
    pub(crate) fn keys(&self, of: KvHead, panel: usize) -> &[f32] {
        let len = self.memory.shape.head * LANES;
        &self.data[self.keys_at(of) + panel * len..][..len]
    }

    /// Values from position `from` on, one padded head per position.
    pub(crate) fn values(&self, of: KvHead, from: usize) -> &[f32] {
        let start = self.values_at(of);
        let padded = self.memory.shape.padded_head();
        &self.data[start + from * padded..start + self.capacity * padded]
    }

    /// Writes the key and the value of the position `at`.
    pub(crate) fn write(&mut self, of: KvHead, at: usize, key: &[f32], value: &[f32]) {
        let start = self.keys_at(of);
        let panel = start + at / LANES * LANES * self.memory.shape.head + at % LANES;
        for (column, element) in key.iter().enumerate() {
            self.data[panel + column * LANES] = *element;
        }
        let padded = self.memory.shape.padded_head();
        let row = self.values_at(of) + at * padded;
        self.data[row..row + value.len()].copy_from_slice(value);
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.memory.bytes.fetch_sub(size_of_val(self.data.as_slice()), Ordering::Relaxed);
    }
}

/// A part of a segment.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) segment: Arc<Segment>,
    /// First token, from the segment's start.
    pub(crate) from: usize,
    /// One past the last token.
    pub(crate) to: usize,
}

impl View {
    /// All of a segment.
    pub(crate) fn whole(segment: Segment) -> Self {
        Self { from: 0, to: segment.len(), segment: Arc::new(segment) }
    }

    /// The position after the last token.
    pub(crate) fn end(&self) -> usize {
        self.segment.start() + self.to
    }

    /// Cuts after `tokens` tokens.
    pub(crate) fn split(self, tokens: usize) -> (Self, Self) {
        let middle = self.from + tokens;
        let left = Self { segment: Arc::clone(&self.segment), from: self.from, to: middle };
        (left, Self { from: middle, ..self })
    }
}

impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.segment, &other.segment) && (self.from, self.to) == (other.from, other.to)
    }
}

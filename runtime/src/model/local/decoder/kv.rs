//! Keys and values of tokens that were computed: what later tokens attend to.
//!
//! **Invariant:** a [`Segment`] behind an `Arc` never changes. All memory of segments is counted by one [`Gauge`], which
//! falls when a segment is dropped, wherever that happens.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::{super::kernel::simd::LANES, shape::Shape};

/// Counts the bytes of living segments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauge(Arc<AtomicUsize>);

impl Gauge {
    /// Bytes that are in use.
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Keys and values of consecutive positions, for all layers.
///
/// Per layer and key-value head: keys as panels of [`LANES`] positions, so that scores of one query are a row of a
/// product; then values, one row of the padded head's columns per position.
#[derive(Debug)]
pub(crate) struct Segment {
    shape: Shape,
    start: usize,
    len: usize,
    capacity: usize,
    data: Vec<f32>,
    gauge: Gauge,
}

impl Segment {
    /// Room for at least `capacity` positions from `start` on.
    pub(crate) fn new(shape: Shape, start: usize, capacity: usize, gauge: &Gauge) -> Self {
        let capacity = capacity.next_multiple_of(LANES);
        let data = vec![0.0; Self::floats(&shape, capacity)];
        gauge.0.fetch_add(size_of_val(data.as_slice()), Ordering::Relaxed);
        Self { shape, start, len: 0, capacity, data, gauge: gauge.clone() }
    }

    /// Bytes of a segment for `positions` positions.
    pub(crate) fn bytes(shape: &Shape, positions: usize) -> usize {
        Self::floats(shape, positions.next_multiple_of(LANES)) * size_of::<f32>()
    }

    fn floats(shape: &Shape, capacity: usize) -> usize {
        shape.layers * shape.kv_heads * capacity * (shape.head + shape.padded_head())
    }

    /// The position of the first token.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Tokens that are there.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Tokens for which there is room.
    pub(crate) fn room(&self) -> usize {
        self.capacity - self.len
    }

    /// Makes room count: `added` tokens have been written after the last.
    pub(crate) fn grow(&mut self, added: usize) {
        self.len += added;
        debug_assert!(self.len <= self.capacity, "segment written beyond its room");
    }

    fn keys_at(&self, layer: usize, head: usize) -> usize {
        let one = self.capacity * (self.shape.head + self.shape.padded_head());
        (layer * self.shape.kv_heads + head) * one
    }

    /// Keys of the positions `panel * LANES..`: element `(column, position)` lies at `column * LANES + position`.
    pub(crate) fn keys(&self, (layer, head): (usize, usize), panel: usize) -> &[f32] {
        let len = self.shape.head * LANES;
        &self.data[self.keys_at(layer, head) + panel * len..][..len]
    }

    /// Values from position `from` on, one padded head per position.
    pub(crate) fn values(&self, (layer, head): (usize, usize), from: usize) -> &[f32] {
        let start = self.keys_at(layer, head) + self.capacity * self.shape.head;
        let padded = self.shape.padded_head();
        &self.data[start + from * padded..start + self.capacity * padded]
    }

    /// Writes the key and the value of the position `at`.
    pub(crate) fn write(&mut self, (layer, head): (usize, usize), at: usize, (key, value): (&[f32], &[f32])) {
        let start = self.keys_at(layer, head);
        let panel = start + at / LANES * LANES * self.shape.head + at % LANES;
        for (column, element) in key.iter().enumerate() {
            self.data[panel + column * LANES] = *element;
        }
        let padded = self.shape.padded_head();
        let row = start + self.capacity * self.shape.head + at * padded;
        self.data[row..row + value.len()].copy_from_slice(value);
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.gauge.0.fetch_sub(size_of_val(self.data.as_slice()), Ordering::Relaxed);
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

//! The sizes of a decoder, read from the file's metadata and checked.

use super::super::{
    gguf::{Architecture, Gguf, GgufError},
    kernel::simd::PANEL,
};

/// The sizes of a decoder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DecoderShape {
    /// Layers.
    pub(crate) layers: usize,
    /// Columns of the residual stream.
    pub(crate) width: usize,
    /// Columns of the hidden part of a feed-forward network.
    pub(crate) hidden: usize,
    /// Query heads.
    pub(crate) heads: usize,
    /// Key-value heads; divides `heads`.
    pub(crate) kv_heads: usize,
    /// Columns of a head; even.
    pub(crate) head: usize,
    /// Tokens of a context.
    pub(crate) context: usize,
    /// The number that RMSNorm adds to the mean square.
    pub(crate) epsilon: f32,
    /// Base of the rotation's wavelengths.
    pub(crate) rope_base: f32,
    /// Whether neighbouring dimensions are the pairs that are rotated, instead of the halves of a head.
    pub(crate) neighbours: bool,
}

impl DecoderShape {
    /// Reads and checks the sizes.
    ///
    /// # Errors
    /// A size is missing, zero, or does not fit the others.
    pub(crate) fn read(file: &Gguf) -> Result<Self, GgufError> {
        let size = |name: &str| file.get::<usize>(&file.key(name));
        let optional = |name: &str| file.find::<usize>(&file.key(name));
        let width = size("embedding_length")?;
        let heads = size("attention.head_count")?;
        let shape = Self {
            layers: size("block_count")?,
            width,
            hidden: size("feed_forward_length")?,
            heads,
            kv_heads: optional("attention.head_count_kv")?.unwrap_or(heads),
            head: optional("attention.key_length")?.unwrap_or(width / heads.max(1)),
            // Within the window, attention to a sliding window is attention to everything.
            context: size("context_length")?.min(
                optional("attention.sliding_window")?.filter(|&window| window > 0).unwrap_or(usize::MAX),
            ),
            epsilon: file.get(&file.key("attention.layer_norm_rms_epsilon"))?,
            rope_base: file.find(&file.key("rope.freq_base"))?.unwrap_or(10_000.0),
            neighbours: file.architecture() == Architecture::Llama,
        };
        shape.check(file)?;
        Ok(shape)
    }

    fn check(&self, file: &Gguf) -> Result<(), GgufError> {
        let path = || file.path().to_owned();
        let malformed = |problem: String| Err(GgufError::Malformed { path: path(), problem });
        let unsupported = |what: String| Err(GgufError::Unsupported { path: path(), what });
        let sizes =
            [self.layers, self.width, self.hidden, self.heads, self.kv_heads, self.head, self.context];
        // Sizes of the greatest known models, times a hundred: products of sizes stay far from overflow.
        if sizes.iter().any(|&size| size == 0 || size > 10_000_000) {
            return malformed(format!("the decoder's sizes are {sizes:?}"));
        }
        if !self.heads.is_multiple_of(self.kv_heads) || !self.head.is_multiple_of(2) {
            return malformed(format!(
                "{} query heads of {} columns do not share {} key-value heads",
                self.heads, self.head, self.kv_heads
            ));
        }
        if file.find::<usize>(&file.key("rope.dimension_count"))?.is_some_and(|size| size != self.head) {
            return unsupported("heads that are rotated in part".into());
        }
        if file.find::<usize>(&file.key("attention.value_length"))?.is_some_and(|size| size != self.head) {
            return unsupported("values of another size than keys".into());
        }
        match file.find::<&str>(&file.key("rope.scaling.type"))? {
            None | Some("none") => Ok(()),
            Some(other) => unsupported(format!("positions stretched by `{other}`")),
        }
    }

    /// Panels of a head: heads are padded to whole panels in memory.
    pub(crate) fn head_panels(&self) -> usize {
        self.head.div_ceil(PANEL)
    }

    /// Columns of a head in memory.
    pub(crate) fn padded_head(&self) -> usize {
        self.head_panels() * PANEL
    }

    /// Query heads that share a key-value head.
    pub(crate) fn group(&self) -> usize {
        self.heads / self.kv_heads
    }
}

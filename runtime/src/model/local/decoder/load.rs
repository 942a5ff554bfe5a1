//! Reads a decoder's weights from a file and packs them.

use rayon::prelude::*;

use super::{
    super::{
        gguf::{Gguf, GgufError, Tensor},
        kernel::{simd::Isa, weights::Weights},
    },
    Decoder, Embeddings, HeadNorms, Layer,
    rope::Rope,
    shape::Shape,
};

impl Decoder {
    /// Loads the weights, computed with the given instruction set.
    ///
    /// # Errors
    /// A tensor is missing, unreadable, or of another shape than the metadata says.
    pub(crate) fn load(file: &Gguf, isa: Isa) -> Result<Self, GgufError> {
        let shape = Shape::read(file)?;
        let reader = Reader { file, shape };
        let layers =
            (0..shape.layers).into_par_iter().map(|layer| reader.layer(layer)).collect::<Result<_, _>>()?;
        let embeddings = reader.matrix("token_embd.weight", None, shape.width)?;
        let words = embeddings.shape[0];
        let separate = file.tensors().contains_key("output.weight");
        let output =
            if separate { &reader.matrix("output.weight", Some(words), shape.width)? } else { &embeddings };
        let head =
            Weights::pack(words, shape.width, |word| Some(&output.data[word * shape.width..][..shape.width]));
        Ok(Self {
            isa,
            shape,
            rope: Rope::new(&shape, reader.optional_vector("rope_freqs.weight", shape.head / 2)?),
            layers,
            norm: reader.vector("output_norm.weight", shape.width)?,
            embeddings: separate.then_some(Embeddings(embeddings.data)),
            head,
        })
    }
}

struct Reader<'a> {
    file: &'a Gguf,
    shape: Shape,
}

impl Reader<'_> {
    fn layer(&self, layer: usize) -> Result<Layer, GgufError> {
        let Shape { width, hidden, head, .. } = self.shape;
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        let plain = |part: &str, outputs: usize, depth: usize| {
            let rows = self.matrix(&name(part), Some(outputs), depth)?.data;
            Ok(Weights::pack(outputs, depth, |row| Some(&rows[row * depth..][..depth])))
        };
        let head_norm = |part: &str| self.optional_vector(&name(part), head);
        Ok(Layer {
            attention_norm: self.vector(&name("attn_norm"), width)?,
            queries_keys_values: self.queries_keys_values(layer)?,
            head_norms: HeadNorms { queries: head_norm("attn_q_norm")?, keys: head_norm("attn_k_norm")? },
            attention_output: self.attention_output(&name("attn_output"))?,
            feed_norm: self.vector(&name("ffn_norm"), width)?,
            gate: plain("ffn_gate", hidden, width)?,
            up: plain("ffn_up", hidden, width)?,
            down: plain("ffn_down", width, hidden)?,
        })
    }

    /// One matrix for queries, keys and values, every head padded to whole panels. Pairs that are rotated together are
    /// brought to the halves of a head, whatever the file does: scores do not depend on the order of columns.
    fn queries_keys_values(&self, layer: usize) -> Result<Weights, GgufError> {
        let Shape { width, heads, kv_heads, head, .. } = self.shape;
        let padded = self.shape.padded_head();
        let mut sources = vec![];
        let mut bias = vec![];
        for (letter, count) in [("q", heads), ("k", kv_heads), ("v", kv_heads)] {
            let name = format!("blk.{layer}.attn_{letter}");
            let rows = self.matrix(&format!("{name}.weight"), Some(count * head), width)?.data;
            bias.push(self.optional_vector(&format!("{name}.bias"), count * head)?);
            sources.push((rows, letter != "v" && self.shape.neighbours, count));
        }
        // Where an output comes from: which of the three matrices, and which of its rows.
        let source = |output: usize| {
            let (mut index, column) = (output / padded, output % padded);
            let part = sources.iter().position(|&(_, _, count)| {
                let here = index < count;
                index -= if here { 0 } else { count };
                here
            })?;
            let half = head / 2;
            let column = match sources[part].1 {
                true if column < half => 2 * column,
                true if column < head => 2 * (column - half) + 1,
                _ => column,
            };
            (column < head).then_some((part, index * head + column))
        };
        let outputs = (heads + 2 * kv_heads) * padded;
        let packed = Weights::pack(outputs, width, |output| {
            source(output).map(|(part, row)| &sources[part].0[row * width..][..width])
        });
        if bias.iter().all(Option::is_none) {
            return Ok(packed);
        }
        let value = |output| source(output).and_then(|(part, row)| Some(bias[part].as_ref()?[row]));
        Ok(packed.with_bias((0..outputs).map(|output| value(output).unwrap_or(0.0)).collect()))
    }

    /// The output matrix of attention, its inputs padded like the heads.
    fn attention_output(&self, name: &str) -> Result<Weights, GgufError> {
        let Shape { width, heads, head, .. } = self.shape;
        let padded = self.shape.padded_head();
        let rows = self.matrix(name, Some(width), heads * head)?.data;
        let mut wide = vec![0.0; width * heads * padded];
        for (to, from) in wide.chunks_exact_mut(padded).zip(rows.chunks_exact(head)) {
            to[..head].copy_from_slice(from);
        }
        let depth = heads * padded;
        Ok(Weights::pack(width, depth, |row| Some(&wide[row * depth..][..depth])))
    }

    fn matrix(&self, name: &str, rows: Option<usize>, columns: usize) -> Result<Tensor, GgufError> {
        let tensor = self.file.tensor(name)?;
        match tensor.shape[..] {
            [r, c] if c == columns && r > 0 && rows.is_none_or(|rows| rows == r) => Ok(tensor),
            _ => Err(self.misshapen(name, &tensor.shape, &[rows.unwrap_or(0), columns])),
        }
    }

    fn vector(&self, name: &str, len: usize) -> Result<Vec<f32>, GgufError> {
        let tensor = self.file.tensor(name)?;
        if tensor.data.len() == len {
            Ok(tensor.data)
        } else {
            Err(self.misshapen(name, &tensor.shape, &[len]))
        }
    }

    fn optional_vector(&self, name: &str, len: usize) -> Result<Option<Vec<f32>>, GgufError> {
        self.file.tensors().contains_key(name).then(|| self.vector(name, len)).transpose()
    }

    fn misshapen(&self, name: &str, found: &[usize], wanted: &[usize]) -> GgufError {
        GgufError::Malformed {
            path: self.file.path().to_owned(),
            problem: format!("tensor `{name}` is {found:?}, but the metadata says {wanted:?}"),
        }
    }
}

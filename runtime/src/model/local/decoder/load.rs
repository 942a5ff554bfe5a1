//! Reads a decoder's weights from a file and packs them.

use std::borrow::Cow;

use rayon::prelude::*;

use super::{
    super::{
        gguf::{Gguf, GgufError},
        kernel::{
            blocks::BlockRow,
            simd::{BLOCK, Isa},
            weights::Weights,
        },
        quant::Groups,
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
        let embeddings = reader.matrix("token_embd.weight", (None, shape.width))?;
        let words = embeddings.rows;
        let separate = file.tensors().contains_key("output.weight");
        let output = match separate {
            true => &reader.matrix("output.weight", (Some(words), shape.width))?,
            false => &embeddings,
        };
        let head = pack(std::slice::from_ref(output), words, |word| Some((0, word)));
        Ok(Self {
            isa,
            shape,
            rope: Rope::new(&shape, reader.optional_vector("rope_freqs.weight", shape.head / 2)?),
            layers,
            norm: reader.vector("output_norm.weight", shape.width)?,
            embeddings: separate.then(|| Embeddings(embeddings.wide())),
            head,
        })
    }
}

/// A matrix of a file.
struct Matrix {
    rows: usize,
    columns: usize,
    numbers: Numbers,
}

enum Numbers {
    Wide(Vec<f32>),
    Groups(Groups),
}

impl Matrix {
    fn wide(self) -> Vec<f32> {
        match self.numbers {
            Numbers::Wide(numbers) => numbers,
            Numbers::Groups(groups) => groups.numbers(),
        }
    }
}

/// Packs `outputs` rows out of some matrices with the same columns; `source` says which matrix and which of its rows, or
/// none for a row of zeros. They stay in whole numbers if all are.
fn pack(
    matrices: &[Matrix],
    outputs: usize,
    source: impl Fn(usize) -> Option<(usize, usize)> + Sync,
) -> Weights {
    let columns = matrices.first().map_or(0, |matrix| matrix.columns);
    let all = matrices.iter().map(|matrix| match &matrix.numbers {
        Numbers::Groups(groups) => Some(groups),
        Numbers::Wide(_) => None,
    });
    if let Some(all) = all.collect::<Option<Vec<_>>>() {
        let count = columns / BLOCK;
        return Weights::pack_blocks(outputs, count, |output| {
            let (part, row) = source(output)?;
            let Groups { integers, scales, offsets } = all[part];
            Some(BlockRow {
                integers: &integers[row * columns..][..columns],
                scales: &scales[row * count..][..count],
                offsets: &offsets[row * count..][..count],
            })
        });
    }
    let all: Vec<Cow<'_, [f32]>> = (matrices.iter())
        .map(|matrix| match &matrix.numbers {
            Numbers::Wide(numbers) => Cow::Borrowed(&numbers[..]),
            Numbers::Groups(groups) => Cow::Owned(groups.numbers()),
        })
        .collect();
    Weights::pack(outputs, columns, |output| {
        source(output).map(|(part, row)| &all[part][row * columns..][..columns])
    })
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
            let matrix = self.matrix(&name(part), (Some(outputs), depth))?;
            Ok(pack(&[matrix], outputs, |row| Some((0, row))))
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
        let (mut matrices, mut sources, mut bias) = (vec![], vec![], vec![]);
        for (letter, count) in [("q", heads), ("k", kv_heads), ("v", kv_heads)] {
            let name = format!("blk.{layer}.attn_{letter}");
            matrices.push(self.matrix(&format!("{name}.weight"), (Some(count * head), width))?);
            bias.push(self.optional_vector(&format!("{name}.bias"), count * head)?);
            sources.push((letter != "v" && self.shape.neighbours, count));
        }
        // Where an output comes from: which of the three matrices, and which of its rows.
        let source = |output: usize| {
            let (mut index, column) = (output / padded, output % padded);
            let part = sources.iter().position(|&(_, count)| {
                let here = index < count;
                index -= if here { 0 } else { count };
                here
            })?;
            let half = head / 2;
            let column = match sources[part].0 {
                true if column < half => 2 * column,
                true if column < head => 2 * (column - half) + 1,
                _ => column,
            };
            (column < head).then_some((part, index * head + column))
        };
        let outputs = (heads + 2 * kv_heads) * padded;
        let packed = pack(&matrices, outputs, source);
        if bias.iter().all(Option::is_none) {
            return Ok(packed);
        }
        let value = |output| source(output).and_then(|(part, row)| Some(bias[part].as_ref()?[row]));
        Ok(packed.with_bias((0..outputs).map(|output| value(output).unwrap_or(0.0)).collect()))
    }

    /// The output matrix of attention, its inputs padded like the heads.
    fn attention_output(&self, name: &str) -> Result<Weights, GgufError> {
        let Shape { width, heads, head, .. } = self.shape;
        let (padded, matrix) = (self.shape.padded_head(), self.matrix(name, (Some(width), heads * head))?);
        if padded == head {
            return Ok(pack(&[matrix], width, |row| Some((0, row))));
        }
        let mut wide = vec![0.0; width * heads * padded];
        for (to, from) in wide.chunks_exact_mut(padded).zip(matrix.wide().chunks_exact(head)) {
            to[..head].copy_from_slice(from);
        }
        let depth = heads * padded;
        Ok(Weights::pack(width, depth, |row| Some(&wide[row * depth..][..depth])))
    }

    /// A matrix of some columns and, where it is known, some rows.
    fn matrix(&self, name: &str, (rows, columns): (Option<usize>, usize)) -> Result<Matrix, GgufError> {
        let shape = &self.file.info(name)?.shape;
        let [found, across] = shape[..] else { return Err(self.misshapen(name, shape, &[columns])) };
        if across != columns || rows.is_some_and(|rows| rows != found) {
            return Err(self.misshapen(name, shape, &[rows.unwrap_or(found), columns]));
        }
        let numbers = match self.file.groups(name)? {
            Some(groups) => Numbers::Groups(groups),
            None => Numbers::Wide(self.file.tensor(name)?.data),
        };
        Ok(Matrix { rows: found, columns, numbers })
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

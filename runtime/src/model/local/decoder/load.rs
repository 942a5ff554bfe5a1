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
    shape::DecoderShape,
};

impl Decoder {
    /// Loads the weights, computed with the given instruction set.
    ///
    /// # Errors
    /// A tensor is missing, unreadable, or of another shape than the metadata says.
    pub(crate) fn load(file: &Gguf, isa: Isa) -> Result<Self, GgufError> {
        let shape = DecoderShape::read(file)?;
        let reader = WeightReader { file, shape };
        let layers =
            (0..shape.layers).into_par_iter().map(|layer| reader.layer(layer)).collect::<Result<_, _>>()?;
        let embeddings = reader.matrix("token_embd.weight", None, shape.width)?;
        let words = embeddings.rows;
        let separate = file.tensors().contains_key("output.weight");
        let output = match separate {
            true => &reader.matrix("output.weight", Some(words), shape.width)?,
            false => &embeddings,
        };
        let head = pack(std::slice::from_ref(output), words, |word| Some(RowSource { matrix: 0, row: word }));
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
struct FileMatrix {
    rows: usize,
    columns: usize,
    numbers: MatrixNumbers,
}

enum MatrixNumbers {
    Wide(Vec<f32>),
    Groups(Groups),
}

impl FileMatrix {
    fn wide(self) -> Vec<f32> {
        match self.numbers {
            MatrixNumbers::Wide(numbers) => numbers,
            MatrixNumbers::Groups(groups) => groups.numbers(),
        }
    }
}

/// Which of several matrices, and which of its rows.
struct RowSource {
    matrix: usize,
    row: usize,
}

/// Packs `outputs` rows of some matrices with the same columns. `source` gives the row of each output, or none for a row of
/// zeros. The result is in whole numbers if all matrices are.
fn pack(
    matrices: &[FileMatrix],
    outputs: usize,
    source: impl Fn(usize) -> Option<RowSource> + Sync,
) -> Weights {
    let columns = matrices.first().map_or(0, |matrix| matrix.columns);
    let all = matrices.iter().map(|matrix| match &matrix.numbers {
        MatrixNumbers::Groups(groups) => Some(groups),
        MatrixNumbers::Wide(_) => None,
    });
    if let Some(all) = all.collect::<Option<Vec<_>>>() {
        let count = columns / BLOCK;
        return Weights::pack_blocks(outputs, count, |output| {
            let RowSource { matrix, row } = source(output)?;
            let Groups { integers, scales, offsets } = all[matrix];
            Some(BlockRow {
                integers: &integers[row * columns..][..columns],
                scales: &scales[row * count..][..count],
                offsets: &offsets[row * count..][..count],
            })
        });
    }
    let all: Vec<Cow<'_, [f32]>> = (matrices.iter())
        .map(|matrix| match &matrix.numbers {
            MatrixNumbers::Wide(numbers) => Cow::Borrowed(&numbers[..]),
            MatrixNumbers::Groups(groups) => Cow::Owned(groups.numbers()),
        })
        .collect();
    Weights::pack(outputs, columns, |output| {
        source(output).map(|RowSource { matrix, row }| &all[matrix][row * columns..][..columns])
    })
}

/// Queries, keys or values in the joint matrix of the three.
struct JointPart {
    /// The letter in the file's tensor names.
    letter: &'static str,
    heads: usize,
    /// Whether the file keeps the two columns of a rotated pair as neighbours, which packing moves to the halves of a head.
    pairs_apart: bool,
}

/// The row of the file that an output of the joint matrix comes from; none for padding.
fn joint_source(shape: &DecoderShape, parts: &[JointPart], output: usize) -> Option<RowSource> {
    let mut head = output / shape.padded_head();
    let column = output % shape.padded_head();
    if column >= shape.head {
        return None;
    }
    for (matrix, part) in parts.iter().enumerate() {
        if head >= part.heads {
            head -= part.heads;
            continue;
        }
        let half = shape.head / 2;
        let column = match part.pairs_apart {
            true if column < half => 2 * column,
            true => 2 * (column - half) + 1,
            false => column,
        };
        return Some(RowSource { matrix, row: head * shape.head + column });
    }
    None
}

struct WeightReader<'a> {
    file: &'a Gguf,
    shape: DecoderShape,
}

impl WeightReader<'_> {
    fn layer(&self, layer: usize) -> Result<Layer, GgufError> {
        let DecoderShape { width, hidden, head, .. } = self.shape;
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        let plain = |part: &str, outputs: usize, depth: usize| {
            let matrix = self.matrix(&name(part), Some(outputs), depth)?;
            Ok(pack(&[matrix], outputs, |row| Some(RowSource { matrix: 0, row })))
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
    /// brought to the halves of a head whatever their order in the file: scores do not depend on the order of columns.
    fn queries_keys_values(&self, layer: usize) -> Result<Weights, GgufError> {
        let DecoderShape { width, heads, kv_heads, head, neighbours, .. } = self.shape;
        let parts = [
            JointPart { letter: "q", heads, pairs_apart: neighbours },
            JointPart { letter: "k", heads: kv_heads, pairs_apart: neighbours },
            JointPart { letter: "v", heads: kv_heads, pairs_apart: false },
        ];
        let mut matrices = vec![];
        let mut biases = vec![];
        for part in &parts {
            let name = format!("blk.{layer}.attn_{}", part.letter);
            let rows = part.heads * head;
            matrices.push(self.matrix(&format!("{name}.weight"), Some(rows), width)?);
            biases.push(self.optional_vector(&format!("{name}.bias"), rows)?);
        }
        let source = |output: usize| joint_source(&self.shape, &parts, output);
        let outputs = (heads + 2 * kv_heads) * self.shape.padded_head();
        let packed = pack(&matrices, outputs, source);
        if biases.iter().all(Option::is_none) {
            return Ok(packed);
        }
        let mut joint_bias = vec![0.0; outputs];
        for (output, value) in joint_bias.iter_mut().enumerate() {
            if let Some(RowSource { matrix, row }) = source(output)
                && let Some(bias) = &biases[matrix]
            {
                *value = bias[row];
            }
        }
        Ok(packed.with_bias(joint_bias))
    }

    /// The output matrix of attention, its inputs padded like the heads.
    fn attention_output(&self, name: &str) -> Result<Weights, GgufError> {
        let DecoderShape { width, heads, head, .. } = self.shape;
        let padded = self.shape.padded_head();
        let matrix = self.matrix(name, Some(width), heads * head)?;
        if padded == head {
            return Ok(pack(&[matrix], width, |row| Some(RowSource { matrix: 0, row })));
        }
        let mut wide = vec![0.0; width * heads * padded];
        for (to, from) in wide.chunks_exact_mut(padded).zip(matrix.wide().chunks_exact(head)) {
            to[..head].copy_from_slice(from);
        }
        let depth = heads * padded;
        Ok(Weights::pack(width, depth, |row| Some(&wide[row * depth..][..depth])))
    }

    /// Reads a matrix and checks its columns and, where the number is known, its rows.
    fn matrix(&self, name: &str, rows: Option<usize>, columns: usize) -> Result<FileMatrix, GgufError> {
        let shape = &self.file.info(name)?.shape;
        let [found, across] = shape[..] else { return Err(self.misshapen(name, shape, &[columns])) };
        if across != columns || rows.is_some_and(|rows| rows != found) {
            return Err(self.misshapen(name, shape, &[rows.unwrap_or(found), columns]));
        }
        let numbers = match self.file.groups(name)? {
            Some(groups) => MatrixNumbers::Groups(groups),
            None => MatrixNumbers::Wide(self.file.tensor(name)?.data),
        };
        Ok(FileMatrix { rows: found, columns, numbers })
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

use proptest::{prelude::*, sample::Index};

use super::*;
use crate::fuzz;
use crate::model::local::testing::{GgufWriter, TinyModel};

fn tiny() -> GgufWriter {
    TinyModel { architecture: Architecture::Llama, seed: 1 }.writer()
}

/// A file of a few hundred bytes, where a changed byte is likely to hit something that matters.
fn minimal() -> GgufWriter {
    let mut file = GgufWriter::default();
    file.set("general.architecture", Meta::Text("llama".to_owned()));
    file.set("llama.block_count", Meta::Integer(2));
    file.set("words", Meta::Texts(vec!["a".to_owned(), "bc".to_owned()]));
    file.set("scores", Meta::Floats(vec![0.5, -1.0]));
    file.tensor("one", vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    file.tensor("two", vec![2], vec![7.0, 8.0]);
    file
}

fn open(bytes: &[u8]) -> Result<Gguf, GgufError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, bytes).unwrap();
    Gguf::open(&path)
}

fn failure(bytes: &[u8]) -> String {
    open(bytes).unwrap_err().to_string()
}

/// The bytes with `from`, which occurs exactly once, replaced by `to`.
fn patched(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let places: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(from)).collect();
    let [at] = places[..] else { panic!("{} places", places.len()) };
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[test]
fn reads_what_was_written() {
    let file = open(&minimal().to_bytes()).unwrap();
    assert_eq!(file.get::<u32>(&file.key("block_count")).unwrap(), 2);
    assert_eq!(file.get::<&[String]>("words").unwrap(), ["a", "bc"]);
    assert_eq!(file.get::<&[f64]>("scores").unwrap(), [0.5, -1.0]);
    assert_eq!(file.find::<bool>("nothing").unwrap(), None);
    let tensor = file.tensor("one").unwrap();
    assert_eq!((tensor.shape, tensor.data), (vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    assert_eq!(file.tensor("two").unwrap().data, [7.0, 8.0]);
    assert!(file.tensor("three").unwrap_err().to_string().contains("`three`"));
}

#[test]
fn every_tiny_model_opens() {
    for architecture in [Architecture::Llama, Architecture::Qwen2, Architecture::Qwen3] {
        let model = TinyModel { architecture, seed: 7 };
        let file = open(&model.writer().to_bytes()).unwrap();
        assert_eq!(file.architecture(), architecture);
        assert_eq!(file.tensor("blk.1.ffn_down.weight").unwrap().shape, [64, 128]);
        assert_eq!(file.tensors().contains_key("output.weight"), architecture != Architecture::Llama);
    }
}

#[test]
fn errors_name_the_key_and_the_types() {
    let file = open(&minimal().to_bytes()).unwrap();
    let missing = file.get::<u32>("llama.context_length").unwrap_err().to_string();
    assert!(missing.contains("`llama.context_length`"), "{missing}");
    let mistyped = file.get::<u32>("words").unwrap_err().to_string();
    assert!(mistyped.contains("a list of texts, not an integer"), "{mistyped}");
}

#[test]
fn other_architectures_are_unsupported() {
    let mut file = minimal();
    file.set("general.architecture", Meta::Text("mamba".to_owned()));
    let message = failure(&file.to_bytes());
    assert!(message.contains("`mamba`") && message.contains("server"), "{message}");
    let mut file = minimal();
    file.set("llama.expert_count", Meta::Integer(8));
    assert!(failure(&file.to_bytes()).contains("experts"));
    let mut file = minimal();
    file.remove("general.architecture");
    assert!(failure(&file.to_bytes()).contains("general.architecture"));
}

#[test]
fn broken_files_are_refused_with_the_place() {
    let good = minimal().to_bytes();
    let huge = u64::MAX.to_le_bytes();
    let name = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "ends within the first four bytes"),
        (patched(&good, b"GGUF", b"GGML"), "start with `GGUF`"),
        (patched(&good, b"GGUF\x03\0\0\0", b"GGUF\x01\0\0\0"), "version 1"),
        (patched(&good, b"GGUF\x03\0\0\0", b"GGUF\0\0\0\x03"), "big-endian"),
        (good[..good.len() - 1].to_vec(), "ends after the file's"),
        ([&good[..8], &huge, &good[16..]].concat(), "tensors"),
        ([&good[..16], &huge, &good[24..]].concat(), "keys"),
        (patched(&good, &name("words"), &[&huge, &b"words"[..]].concat()), "a key of"),
        (patched(&good, b"bc", &[0xff, 0xfe]), "not UTF-8"),
        (patched(&good, b"scores\x09\0\0\0\x06", b"scores\x09\0\0\0\x09"), "list of lists"),
        (patched(&good, b"scores\x09\0\0\0\x06", b"scores\x09\0\0\0\x63"), "unknown type"),
        (patched(&good, b"block_count\x0b", b"block_count\x6b"), "unknown type"),
        (patched(&good, b"one\x02\0\0\0", b"one\xff\xff\xff\x7f"), "dimensions"),
        (patched(&good, b"one\x02\0\0\0\x03\0", b"one\x02\0\0\0\0\0"), "impossible shape"),
        (
            patched(&good, b"\x03\0\0\0\0\0\0\0\x02\0", b"\x03\0\0\0\0\0\0\xff\x02\0"),
            "impossible shape|ends after",
        ),
        (patched(&good, &name("two"), &name("one")), "two tensors are named `one`"),
    ];
    for (bytes, expected) in cases {
        let message = failure(&bytes);
        assert!(expected.split('|').any(|part| message.contains(part)), "{expected}: {message}");
    }
}

#[test]
fn tensors_may_not_overlap_nor_be_misaligned() {
    // The table's last entry ends with its type and offset: 4 bytes of 0, then the second tensor's offset of 32.
    let (good, entry) = (minimal().to_bytes(), |offset: u64| [&[0; 4][..], &offset.to_le_bytes()].concat());
    assert!(failure(&patched(&good, &entry(32), &entry(0))).contains("overlap"));
    assert!(failure(&patched(&good, &entry(32), &entry(33))).contains("aligned"));
    assert!(failure(&patched(&good, &entry(32), &entry(u64::MAX - 31))).contains("ends after"));
}

#[test]
fn an_unsupported_type_is_named() {
    let mut good = minimal().to_bytes();
    let entry = [&[0; 4][..], &32_u64.to_le_bytes()].concat();
    good = patched(&good, &entry, &[&[10, 0, 0, 0][..], &32_u64.to_le_bytes()].concat());
    assert!(failure(&good).contains("ggml type 10"));
}

proptest! {
    /// Whatever happens to the bytes of a file, opening it and reading its tensors ends in an answer.
    #[test]
    fn mutated_files_never_panic(changes in fuzz::changes()) {
        let bytes = fuzz::changed(&minimal().to_bytes(), &changes);
        if let Ok(file) = open(&bytes) {
            for (name, info) in file.tensors() {
                let tensor = file.tensor(name).unwrap();
                prop_assert_eq!(tensor.data.len(), tensor.shape.iter().product::<usize>());
                prop_assert_eq!(file.groups(name).unwrap().is_some(), info.kind.has_groups());
            }
        }
    }

    /// Fields of the table of tensors take the numbers that break arithmetic.
    #[test]
    fn impossible_sizes_are_refused(
        place in any::<Index>(),
        number in prop_oneof![any::<u64>(), (0..64_u32).prop_map(|bit| 1 << bit), (0..64_u32).prop_map(|bit| u64::MAX >> bit)],
    ) {
        let mut bytes = minimal().to_bytes();
        let place = place.index(bytes.len() - 8);
        bytes[place..place + 8].copy_from_slice(&number.to_le_bytes());
        if let Ok(file) = open(&bytes) {
            for name in file.tensors().keys() {
                prop_assert!(file.tensor(name).is_ok());
            }
        }
    }

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let with_magic = [&b"GGUF\x03\0\0\0"[..], &bytes].concat();
        prop_assert!(open(&bytes).is_err() && open(&with_magic).is_err());
    }
}

#[test]
fn the_tiny_model_is_reproducible() {
    assert_eq!(tiny().to_bytes(), tiny().to_bytes());
    let other = TinyModel { architecture: Architecture::Llama, seed: 2 };
    assert_ne!(tiny().to_bytes(), other.writer().to_bytes());
}

//! What a file claims about sizes costs no memory: readers allocate in proportion to the bytes that are there.
#![cfg(all(feature = "testing", feature = "store"))]
#![expect(unsafe_code, reason = "only an allocator sees every allocation")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::Arc,
};

use proofmark_runtime::{
    Artifact,
    model::local::{
        chat::Chat,
        gguf::{Architecture, Gguf, Meta},
        testing::{GgufWriter, TinyModel},
        tokenizer::Tokenizer,
    },
    store::Store,
};
use proptest::{prelude::*, sample::Index};

/// The system's allocator, which remembers the largest request of each thread.
struct Counting;

thread_local!(static LARGEST: Cell<usize> = const { Cell::new(0) });

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(layout.size()));
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(layout.size()));
        // SAFETY: the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(size));
        // SAFETY: the caller's.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes of the largest allocation while `work` runs.
fn largest(work: impl FnOnce()) -> usize {
    LARGEST.set(0);
    work();
    LARGEST.get()
}

/// The most that reading `bytes` bytes may allocate at once.
fn allowed(bytes: usize) -> usize {
    (8 << 20) + 64 * bytes
}

/// Fewer cases than usual, for what writes to the disk; `PROPTEST_CASES` sets another number.
fn few() -> ProptestConfig {
    let usual = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_some() { usual } else { ProptestConfig { cases: 32, ..usual } }
}

/// Opens a model file and all that is made of its metadata.
fn open_model(bytes: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join("model.gguf");
    let Ok(gguf) = std::fs::write(&path, bytes).map(|()| Gguf::open(&path)) else { return };
    let Ok(gguf) = gguf else { return };
    for name in gguf.tensors().keys() {
        let _ = gguf.tensor(name);
    }
    if let Ok(tokenizer) = Tokenizer::from_gguf(&gguf) {
        let _ = Chat::from_gguf(&gguf, Arc::new(tokenizer)).encode(&[]);
    }
}

fn small_model() -> GgufWriter {
    let mut file = GgufWriter::default();
    file.set("general.architecture", Meta::Text("llama".to_owned()));
    file.set("tokenizer.ggml.tokens", Meta::Texts(vec!["a".to_owned(), "bc".to_owned()]));
    file.set("tokenizer.ggml.scores", Meta::Floats(vec![0.5, -1.0]));
    file.tensor("one", vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    file
}

proptest! {
    #[test]
    fn a_model_file_cannot_claim_memory(
        place in any::<Index>(),
        bit in 0..64_u32,
        fill in any::<bool>(),
    ) {
        let mut bytes = small_model().to_bytes();
        let place = place.index(bytes.len() - 8);
        let number = if fill { u64::MAX >> bit } else { 1 << bit };
        bytes[place..place + 8].copy_from_slice(&number.to_le_bytes());
        prop_assert!(largest(|| open_model(&bytes)) <= allowed(bytes.len()));
    }

    #[test]
    fn an_artifact_cannot_claim_memory(place in any::<Index>(), byte in any::<u8>()) {
        let mut bytes = include_bytes!("golden/artifact-v1.json").to_vec();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(largest(|| drop(Artifact::parse(&text))) <= allowed(bytes.len()));
    }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn a_store_file_cannot_claim_memory(place in 0..8192_usize, byte in any::<u8>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.db");
        drop(Store::open(&path).unwrap());
        let mut bytes = std::fs::read(&path).unwrap();
        let place = place % bytes.len();
        bytes[place] = byte;
        std::fs::write(&path, &bytes).unwrap();
        let read = || drop(Store::open(&path).map(|store| (store.runs(), store.calls())));
        prop_assert!(largest(read) <= allowed(bytes.len()));
    }
}

#[test]
fn long_names_of_control_tokens_stay_small_in_memory() {
    let mut file = TinyModel { architecture: Architecture::Llama, seed: 1 }.writer();
    let Some(Meta::Texts(mut tokens)) = file.get("tokenizer.ggml.tokens").cloned() else { unreachable!() };
    // 40 names of 1,000 bytes that share no beginning.
    let name = |i: u32| (0..1000).map(|at| char::from(33 + ((i * 7919 + at * at) % 90) as u8)).collect();
    tokens.extend((0..40).map(name));
    let kinds = (0..tokens.len()).map(|id| if id < 3 || id >= tokens.len() - 40 { 3 } else { 1 });
    file.set("tokenizer.ggml.token_type", Meta::Integers(kinds.collect()));
    file.set("tokenizer.ggml.tokens", Meta::Texts(tokens));
    assert!(largest(|| open_model(&file.to_bytes())) <= 8 << 20);
}

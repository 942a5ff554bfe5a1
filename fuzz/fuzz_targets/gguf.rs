//! Model files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofmark_runtime::model::local::gguf::Gguf;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, bytes).expect("a file in it");
    if let Ok(gguf) = Gguf::open(&path) {
        for name in gguf.tensors().keys() {
            let _ = gguf.tensor(name);
        }
    }
});

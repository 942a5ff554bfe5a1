//! Rows: the first byte chooses the format.
#![no_main]

#[path = "../task.rs"]
mod task;

use libfuzzer_sys::fuzz_target;
use proofmark::data::read_rows;

fuzz_target!(|input: (u8, &[u8])| {
    let (choice, bytes) = input;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let name = ["rows.jsonl", "rows.json", "rows.csv"][usize::from(choice % 3)];
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("a file in it");
    let task = task::task();
    if let Err(error) = read_rows(&task.program, &task.data.columns, &path) {
        let _ = error.to_string();
    }
});

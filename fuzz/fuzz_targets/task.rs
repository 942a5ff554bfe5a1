//! Task files.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use proofmark::task::Task;

fuzz_target!(|text: String| {
    if let Err(errors) = Task::parse(text, Path::new("task.toml")) {
        let _ = errors.to_string();
    }
});

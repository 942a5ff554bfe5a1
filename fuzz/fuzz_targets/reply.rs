//! Replies of models, in every prompt format.
#![no_main]

#[path = "../task.rs"]
mod task;

use libfuzzer_sys::fuzz_target;
use proofmark_runtime::prompt;

fuzz_target!(|text: &str| {
    let task = task::task();
    for module in task.program.modules() {
        for format in prompt::ALL {
            let _ = format.read(text, &module.signature);
        }
    }
});

//! Score tables of other tools, in both formats.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofmark_gate::table::{Format, Table};

fuzz_target!(|text: &str| {
    for format in [Format::JsonLines, Format::Csv] {
        let _ = Table::parse("table", text, format);
    }
});

//! Artifacts: what can be read is written as what can be read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofmark_runtime::Artifact;

fuzz_target!(|text: &str| {
    if let Ok(artifact) = Artifact::parse(text) {
        let again = Artifact::parse(&artifact.to_json()).expect("what was written can be read");
        assert_eq!(again.to_json(), artifact.to_json());
    }
});

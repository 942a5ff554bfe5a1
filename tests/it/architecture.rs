//! The arrows between the crates.

use std::process::Command;

/// The crates that a crate really builds, with its default features or without.
fn tree(package: &str, features: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}"])
        .args(features)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn optimizers_are_pure() {
    let crates = tree("proofmark-optimizers", &[]);
    assert!(crates.contains(&"proofmark-runtime".to_owned()));
    for banned in ["tokio", "reqwest", "rusqlite", "proofmark"] {
        assert!(!crates.contains(&banned.to_owned()), "optimizers depend on {banned}");
    }
}

#[test]
fn the_gate_stands_alone() {
    let crates = tree("proofmark-gate", &[]);
    assert!(crates.contains(&"proofmark-runtime".to_owned()));
    for banned in ["tokio", "reqwest", "rusqlite", "proofmark-optimizers", "proofmark"] {
        assert!(!crates.contains(&banned.to_owned()), "the gate depends on {banned}");
    }
}

#[test]
fn arrows_point_one_way() {
    let runtime = tree("proofmark-runtime", &["--all-features"]);
    for banned in ["proofmark", "proofmark-gate", "proofmark-optimizers"] {
        assert!(!runtime.contains(&banned.to_owned()), "the runtime depends on {banned}");
    }
    assert!(!tree("proofmark-optimizers", &[]).contains(&"proofmark-gate".to_owned()));
    assert!(tree("proofmark", &[]).contains(&"proofmark-optimizers".to_owned()));
}

#[test]
fn a_service_without_features_needs_no_network_and_no_database() {
    let crates = tree("proofmark-runtime", &["--no-default-features"]);
    for banned in ["tokio", "reqwest", "rusqlite", "rayon"] {
        assert!(!crates.contains(&banned.to_owned()), "the bare runtime depends on {banned}");
    }
}

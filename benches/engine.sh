#!/usr/bin/env bash
# The embedded engine against llama.cpp on the same job, one after the other: rates of both, and the ratio.
# usage: benches/engine.sh [JOB.json [MODEL.gguf]]
#   JOB.json    what to measure; without it, the job that `proofmark model bench` makes (docs/engine.md has the form)
#   MODEL.gguf  without it, the default model
# Needs cmake, clang and libclang for llama.cpp, and six minutes to build it the first time. Leave the machine alone meanwhile.
set -euo pipefail
[ $# -le 2 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
job=${1:+$(realpath "$1")} model=${2:+$(realpath "$2")}
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
cargo build --quiet --release -p proofmark --bin proofmark
RUSTFLAGS="-C target-cpu=native" CARGO_TARGET_DIR="$target/llama" \
    cargo build --quiet --release --manifest-path benches/llama/Cargo.toml
if [ -z "$job" ]; then
    job=$(mktemp)
    trap 'rm -f "$job"' EXIT
    "$target/release/proofmark" model bench --print-job >"$job"
fi
"$target/llama/release/proofmark-llama" "$target/release/proofmark" "${model:-$("$target/release/proofmark" model pull)}" "$job"

#!/usr/bin/env bash
# The embedded engine against llama.cpp on the same routing job, one after the other: rows per second of both, and the ratio.
# usage: benches/engine.sh ANCHOR JOB.json MODEL.gguf
#   ANCHOR    a program over llama.cpp that is called `ANCHOR MODEL.gguf JOB.json` and prints, per variant of the job,
#             a line `NAME acc SHARE (RIGHT/ROWS) SECONDSs ..`
#   JOB.json  the job; docs/engine.md has its form
set -euo pipefail
[ $# -eq 3 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
anchor=$(realpath "$1") job=$(realpath "$2") model=$(realpath "$3")
cd "$(dirname "$0")/.."
cargo build --quiet --release -p proofmark --bin proofmark
ours="${CARGO_TARGET_DIR:-target}/release/proofmark"

theirs=$("$anchor" "$model" "$job")
found=$("$ours" model bench --model "local:$model" --job "$job")
printf '%s\n\n%s\n\n' "$theirs" "$found"
# Both list the variants in the job's order.
paste \
    <(sed -nE 's/^(.*[^ ]) +acc [0-9.]+ \([0-9]+\/([0-9]+)\) +([0-9.]+)s .*/\1\t\2\t\3/p' <<<"$theirs") \
    <(sed -nE 's/^routing .* +([0-9.]+) rows\/s .*/\1/p' <<<"$found") |
    awk -F '\t' '{
        rate = $2 / $3
        printf "%-24s llama.cpp %6.1f rows/s   proofmark %6.1f rows/s   ratio %.2f\n", $1, rate, $4, $4 / rate
    }'

#!/usr/bin/env bash
# How long `proofmark check` takes on 100,000 rows: reading, near-duplicates, splits, variants.
# The rows are messages of the support example with one to six words of others put in, so many are alike and some nearly the same.
#
#   benches/near.sh [ROWS]
set -euo pipefail
cd "$(dirname "$0")/.."
rows=${1:-100000}
cargo build --release -q -p proofmark
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

awk -F'"' -v rows="$rows" '
  { for (i = 1; i < NF; i++) if ($i == "message") { text = $(i + 2); gsub(/\\n/, " ", text); gsub(/[^A-Za-z0-9 ]/, "", text); messages[n++] = text; break }
    split(text, some, " "); for (i in some) words[w++] = some[i] }
  END {
    srand(1)
    for (row = 0; row < rows; row++) {
      count = split(messages[int(rand() * n)], own, " "); line = ""
      if (count > 24) count = 24
      put = 1 + int(rand() * 6)
      for (i = 1; i <= count; i++) line = line (rand() < put / count ? words[int(rand() * w)] " " : "") own[i] " "
      printf "{\"message\": \"%s%d\", \"team\": \"%s\"}\n", line, row % 977, row % 2 ? "a" : "b"
    }
  }' examples/support-triage/messages.jsonl > "$folder/rows.jsonl"

cat > "$folder/task.toml" <<'TOML'
format = 1
name = "near"
[signature]
instructions = "Route."
inputs = { message = "text" }
[signature.outputs]
team = { type = "choice", choices = ["a", "b"] }
[data]
file = "rows.jsonl"
[gate]
families = ["whitespace"]
variants = 1
TOML

time "${CARGO_TARGET_DIR:-target}"/release/proofmark check "$folder"

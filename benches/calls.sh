#!/usr/bin/env bash
# How many calls each optimizer makes where nothing is to be found: a model that always answers "Paris", which is right on
# three rows of five whatever the prompt says, and a proposer that always writes the same; 100 rows to learn from, 100 to
# rank on. Prints a table: calls of the search to the model, and to the proposer.
# usage: benches/calls.sh [CALLS]
#   CALLS  the budget; 3000 if left out
# PROOFMARK names another binary than the one that is built here.
set -euo pipefail
budget=${1:-3000}
cd "$(dirname "$0")/.."
if [ -z "${PROOFMARK:-}" ]; then cargo build --quiet --release -p proofmark --bin proofmark; fi
bin=${PROOFMARK:-$(realpath "${CARGO_TARGET_DIR:-target}")/release/proofmark}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rows() { # rows() NAME COUNT FIRST: questions of eight made-up words, none like another
    awk -v count="$2" -v state="$3" 'function next_number() { state = (state * 16807) % 2147483647; return state }
        BEGIN { for (i = 0; i < count; i++) {
            question = ""
            for (word = 0; word < 8; word++) {
                for (letter = 0; letter < 5; letter++) question = question sprintf("%c", 97 + next_number() % 26)
                question = question " "
            }
            printf "{\"question\": \"%sis where?\", \"answer\": \"%s\"}\n", question, i % 5 < 3 ? "Paris" : "Rome"
        } }' >"$work/$1.jsonl"
}
rows train 100 11; rows val 100 22; rows gate 40 33
echo '{"default": "Paris"}' >"$work/model.json"
cat >"$work/proposer.json" <<'JSON'
{"rules": [{"when": {"last_contains": "numbered list"}, "then": {"reply": "1. Use a single word."}},
           {"when": {"last_contains": "these words"}, "then": {"reply": "Short questions with one-word answers."}}],
 "default": "```\nAnswer the question with a single word.\n```"}
JSON
cat >"$work/task.toml" <<TOML
format = 1
name = "constant"
[signature]
instructions = "Answer the question."
inputs = { question = "text" }
outputs = { answer = "text" }
[data]
train = "train.jsonl"
val = "val.jsonl"
gate = "gate.jsonl"
[model]
name = "scripted:$work/model.json"
[proposer]
name = "scripted:$work/proposer.json"
[gate]
policy = "explore"
TOML

number() { sed -nE "s/.*\"$1\": ?([0-9]+).*/\1/p" | head -1; }
# What the emitted prompt does is recorded in the end, which is no part of the search.
recording=$("$bin" check "$work" --json | number recording)

echo "| optimizer | model | proposer |"
echo "|---|---|---|"
for optimizer in auto labeled bootstrap knn edits copro opro protegi gepa evolve-ga evolve-de rules capo mipro simba ensemble; do
    # Nothing is found, which is an exit code of its own.
    document=$("$bin" compile "$work" --optimizer "$optimizer" --budget-calls "$budget" --json --quiet) || [ $? -eq 10 ]
    task=$(number task <<<"$document")
    echo "| \`$optimizer\` | $((task - recording)) | $(number proposer <<<"$document") |"
done

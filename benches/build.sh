#!/usr/bin/env bash
# What a build from nothing costs: CPU seconds (user and system), and the ten dearest crates. Dependencies are fetched first.
# usage: benches/build.sh [first|tests]
#   first   the first command of README.md (the default); tests: its test command, without running the tests
# Leave the machine alone meanwhile: CPU seconds grow by half where other work shares the cores.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-first} in
first) command=(cargo build --release) ;;
tests) command=(cargo test --workspace --all-features --no-run) ;;
*) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
esac
cargo fetch --locked --quiet
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT
TIMEFORMAT='%U user, %S system, %R wall'
time CARGO_TARGET_DIR=$target "${command[@]}" --locked --quiet --timings
python3 - "$target/cargo-timings/cargo-timing.html" <<'PYTHON'
import collections, json, re, sys
page = open(sys.argv[1]).read()
units = json.loads(re.search(r"const UNIT_DATA = (\[.*?\n\]);", page, re.S).group(1))
seconds = collections.Counter()
for unit in units:
    seconds[unit["name"]] += unit["duration"]
print("seconds of wall time, two crates at a time:")
for name, duration in seconds.most_common(10):
    print(f"{duration:7.1f} {name}")
PYTHON

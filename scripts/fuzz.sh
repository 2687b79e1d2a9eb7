#!/usr/bin/env bash
# Runs every fuzz target for a while (default 20s): scripts/fuzz.sh [TIME]
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-20s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Before 1.27 Go may take the end of the time for a failure of a worker that is
# busy just then (go.dev/issue/75804). Such a run says so, and has no input to
# show; it is done again.
ended_late() {
  grep -q '^ *context deadline exceeded$' "$log" && ! grep -qE 'Failing input written|panic:|process hung|terminated' "$log"
}

fuzz() {
  for attempt in 1 2 3; do
    echo "fuzz $1 $2"
    go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" "./$1" </dev/null 2>&1 | tee "$log" && return
    ended_late || return 1
    echo "fuzz.sh: $2 ran for its time and Go took its end for a failure (attempt $attempt)" >&2
  done
  return 1
}

grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' cmd internal | xargs -r -n1 dirname | sort -u | while read -r dir; do
  go test -list '^Fuzz' "./$dir" | { grep '^Fuzz' || true; } | while read -r target; do
    fuzz "$dir" "$target" || exit 1
  done || exit 1
done

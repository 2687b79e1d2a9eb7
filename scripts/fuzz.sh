#!/usr/bin/env bash
# Runs every fuzz target for a while (default 20s): scripts/fuzz.sh [TIME]
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-20s}

grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' cmd internal | xargs -r -n1 dirname | sort -u | while read -r dir; do
  go test -list '^Fuzz' "./$dir" | { grep '^Fuzz' || true; } | while read -r target; do
    echo "fuzz $dir $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "./$dir" </dev/null
  done
done

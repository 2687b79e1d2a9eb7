#!/usr/bin/env bash
# Fails when go generate changes a file of the repository.
set -euo pipefail
cd "$(dirname "$0")/.."

state() { git ls-files -z --cached --others --exclude-standard | xargs -0 sha256sum 2>/dev/null || true; }

before=$(state)
go generate ./...
if ! diff <(echo "$before") <(state) >&2; then
  echo "generated files were out of date (they are written now): commit them" >&2
  exit 1
fi

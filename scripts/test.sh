#!/usr/bin/env bash
# Runs all tests against a private PostgreSQL cluster. Arguments go to the
# tests of cmd and internal (-race, -run ...). The end-to-end tests run after
# them, alone, because they measure nothing well next to a busy compiler.
set -uo pipefail
cd "$(dirname "$0")/.."

if [ -z "${KARTOTEKA_TEST_PG:-}" ]; then
  exec scripts/pg.sh run -- "$0" "$@"
fi
code=0
go test -timeout 25m "$@" ./cmd/... ./internal/... || code=1
go test -timeout 25m ./e2e/... || code=1
exit "$code"

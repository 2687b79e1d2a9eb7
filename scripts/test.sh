#!/usr/bin/env bash
# Runs all tests against a private PostgreSQL cluster and a private S3 store. Arguments go to the
# tests of cmd and internal (-race, -run ...). The end-to-end tests run after
# them, alone, because they measure nothing well next to a busy compiler.
set -uo pipefail
cd "$(dirname "$0")/.."

if [ -z "${KARTOTEKA_TEST_PG:-}" ]; then
  exec scripts/pg.sh run -- "$0" "$@"
fi
if [ -z "${KARTOTEKA_TEST_S3:-}" ]; then
  if scripts/s3.sh installed; then
    exec scripts/s3.sh run -- "$0" "$@"
  fi
  echo "test.sh: MinIO is missing: the tests of files in an external store are left out" >&2
fi
code=0
case " $* " in
  *" -race "*) go test -timeout 25m ./internal/server/crashtest ./internal/script || code=1 ;; # whole; with -race parts of them
esac
# internal/server takes longest: it is named first, so that it begins first and the others
# run beside it.
go test -timeout 35m "$@" ./internal/server ./cmd/... ./internal/... || code=1
go test -timeout 25m ./e2e/... || code=1
exit "$code"

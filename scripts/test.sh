#!/usr/bin/env bash
# Runs all tests against a private PostgreSQL cluster and a private S3 store. Arguments go to the
# tests of cmd and internal (-race, -run ...). The end-to-end tests run after
# them, alone, because they measure nothing well next to a busy compiler.
set -uo pipefail
cd "$(dirname "$0")/.."

if [ -z "${KARTOTEKA_TEST_PG:-}" ]; then
  export PG_FSYNC=off # tests kill our processes, never the cluster
  exec scripts/pg.sh run -- "$0" "$@"
fi
if [ -z "${KARTOTEKA_TEST_S3:-}" ]; then
  if scripts/s3.sh installed; then
    exec scripts/s3.sh run -- "$0" "$@"
  fi
  echo "test.sh: MinIO is missing: the tests of files in an external store are left out" >&2
fi
code=0
# internal/server takes longest, since its tests run whole programs: it begins first, and
# the others run beside it.
case " $* " in
  *" -race "*)
    # With -race what takes long runs on SQLite, and on PostgreSQL without: the code that
    # PostgreSQL has for itself is that of the store, whose tests run on both with -race.
    # Some tests are whole without -race only.
    go test -timeout 25m ./internal/server/crashtest ./internal/script || code=1
    KARTOTEKA_TEST_ON=sqlite go test -timeout 45m "$@" ./internal/server &
    KARTOTEKA_TEST_ON=postgres go test -timeout 30m ./internal/server || code=1
    go list ./cmd/... ./internal/... | grep -v '/internal/server$' | xargs go test -timeout 30m "$@" || code=1
    wait $! || code=1
    ;;
  *) go test -timeout 30m "$@" ./internal/server ./cmd/... ./internal/... || code=1 ;;
esac
go test -timeout 25m ./e2e/... || code=1
exit "$code"

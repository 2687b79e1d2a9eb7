#!/usr/bin/env bash
# Compares the program, on both databases, with PocketBase, with a hand-written
# server for just these requests and with the machine's limits, in one run.
#   ./run.sh [short]             15,000 rows, one round, about two minutes
#   ./run.sh full [flags]        100,000 rows, 5 rounds; -out FILE.md keeps the table
#   ./run.sh scale [flags]       the program at 100,000 and at 1,000,000 rows
#   ./run.sh reports [flags]     groups of 1,000,000 records, and SQL by hand; -benchtime 20x
#   ./run.sh soak [flags]        all its work at once for 30 minutes; -soak 10m for less
#   ./run.sh hooks [flags]       creates beside a webhook whose receiver is away
#   ./run.sh scenarios [flags]   creates that a scenario looks at before
#   ./run.sh sync [flags]        an endpoint of the synchronisation module; -rows 100000
#   ./run.sh streams [flags]     listeners to changes; -idle 10000 -active 1000
set -euo pipefail
cd "$(dirname "$0")"
if [ "${1:-}" = reports ]; then
  shift
  cd .. && RIGHTS_ROWS="${RIGHTS_ROWS:-1000000}" exec go test -run '^$' -bench Report -benchtime 20x -timeout 1h "$@" ./internal/catalog
fi
if [ "${1:-}" = streams ]; then
  shift
  (cd .. && CGO_ENABLED=0 go build -trimpath -o bin/kartoteka ./cmd/kartoteka)
  CGO_ENABLED=0 go build -o .work/streams ./streams
  ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"
  exec .work/streams "$@"
fi
alone=; case "${1:-}" in scale | soak | sync) alone=1 ;; esac # the program on SQLite only
if [ -z "$alone" ] && [ -z "${KARTOTEKA_TEST_PG:-}" ]; then
  # a server set up for tables of this size, not for tests
  export PG_SHARED_BUFFERS="${PG_SHARED_BUFFERS:-1GB}" PG_MAX_WAL_SIZE="${PG_MAX_WAL_SIZE:-4GB}"
  exec ../scripts/pg.sh run -- "$PWD/run.sh" "$@"
fi
(cd .. && CGO_ENABLED=0 go build -trimpath -o bin/kartoteka ./cmd/kartoteka)
cgo=0; command -v gcc >/dev/null && cgo=1
CGO_ENABLED=$cgo go build -tags sqlite_fts5 -o .work/bench .
[ -n "$alone" ] || ./peers.sh
case "${1:-short}" in
  full) shift; exec .work/bench "$@" ;;
  scale) shift; exec .work/bench -scale 100000,1000000 "$@" ;;
  sync) shift; exec .work/bench -sync -rows 1000000 -rounds 3 "$@" ;;
  soak) shift; exec .work/bench -soak 30m "$@" ;;
  hooks) shift; exec .work/bench -targets ours,ours-hooked,ours-pg,ours-hooked-pg -only create "$@" ;;
  scenarios) shift; exec .work/bench -targets ours,ours-scripted,ours-pg,ours-scripted-pg -only create "$@" ;;
  short) shift || true; exec .work/bench -short "$@" ;;
  *) exec .work/bench "$@" ;;
esac

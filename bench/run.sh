#!/usr/bin/env bash
# Compares the program, on both databases, with PocketBase, with a hand-written
# server for just these requests and with the machine's limits, in one run.
#   ./run.sh [short]             15,000 rows, one round, about two minutes
#   ./run.sh full [flags]        100,000 rows, 5 rounds; -out FILE.md keeps the table
set -euo pipefail
cd "$(dirname "$0")"
if [ -z "${KARTOTEKA_TEST_PG:-}" ]; then
  exec ../scripts/pg.sh run -- "$PWD/run.sh" "$@"
fi
(cd .. && CGO_ENABLED=0 go build -trimpath -o bin/kartoteka ./cmd/kartoteka)
cgo=0; command -v gcc >/dev/null && cgo=1
CGO_ENABLED=$cgo go build -tags sqlite_fts5 -o .work/bench .
./peers.sh
case "${1:-short}" in
  full) shift; exec .work/bench "$@" ;;
  short) shift || true; exec .work/bench -short "$@" ;;
  *) exec .work/bench "$@" ;;
esac

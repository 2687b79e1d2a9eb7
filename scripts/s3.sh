#!/usr/bin/env bash
# A private MinIO server for tests of the store of files: made, used and removed.
# It is a program of its own under the AGPL and no part of this one.
#
#   scripts/s3.sh install            build it into .cache when it is missing (some minutes, once)
#   scripts/s3.sh installed          tell by the exit status whether it is there
#   scripts/s3.sh run -- COMMAND...  run COMMAND with KARTOTEKA_TEST_S3 set; always stops and removes
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/free_port.sh

readonly VERSION=v0.0.0-20260212201848-7aac2a2c5b7c
readonly PROGRAM=$PWD/.cache/minio
readonly KEY=kartoteka SECRET=kartoteka-secret

die() { printf 's3.sh: %s\n' "$*" >&2; exit 1; }

installed() { [ -x "$PROGRAM" ]; }

install() {
  installed && return
  printf 's3.sh: building the MinIO server, once\n' >&2
  mkdir -p "$(dirname "$PROGRAM")"
  (cd / && CGO_ENABLED=0 GOBIN=$(dirname "$PROGRAM") go install "github.com/minio/minio@$VERSION") >&2
}

run() {
  install
  dir=$(mktemp -d)
  local port
  port=$(free_port)
  MINIO_ROOT_USER=$KEY MINIO_ROOT_PASSWORD=$SECRET MINIO_BROWSER=off MINIO_UPDATE=off HOME=$dir \
    setsid "$PROGRAM" server --quiet --address "127.0.0.1:$port" "$dir/data" >"$dir/log" 2>&1 </dev/null &
  server=$!
  trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$dir"' EXIT
  for _ in $(seq 300); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    kill -0 "$server" 2>/dev/null || { cat "$dir/log" >&2; die "MinIO did not start"; }
    sleep 0.1
  done
  KARTOTEKA_TEST_S3=http://$KEY:$SECRET@127.0.0.1:$port "$@"
}

case "${1:-}" in
  install) install ;;
  installed) installed ;;
  run)
    [ "${2:-}" = -- ] && [ $# -gt 2 ] || die "usage: s3.sh run -- COMMAND..."
    shift 2
    run "$@"
    ;;
  *) die "usage: s3.sh install | installed | run -- COMMAND..." ;;
esac

#!/usr/bin/env bash
# Installs what the tests need and the machine lacks: PostgreSQL, a C compiler,
# curl, an S3 store (MinIO), the npm packages of the end-to-end tests.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/pg.sh install

# debian COMMAND PACKAGE... installs what a missing command comes from.
debian() {
  local command=$1
  shift
  command -v "$command" >/dev/null && return
  [ "$(id -u)" = 0 ] || { echo "deps.sh: the tests need $command: run 'apt-get install $*' as root" >&2; exit 1; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -qq --no-install-recommends "$@" >&2 ||
    { apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends "$@" >&2; }
}

debian "$(go env CC)" gcc libc6-dev # the race detector
debian curl curl ca-certificates    # the README's tour

# Without it the tests of the external store of files are left out, loudly.
scripts/s3.sh install || echo "deps.sh: no MinIO: the tests of files in an external store are left out" >&2

# npm ci removes and writes everything anew, so it is left out when nothing changed.
stamp=e2e/node_modules/.installed
if ! cmp -s e2e/package-lock.json "$stamp"; then
  (cd e2e && npm ci --silent --no-progress)
  cp e2e/package-lock.json "$stamp"
fi

#!/usr/bin/env bash
# Installs what the tests need and the machine lacks: PostgreSQL, a C compiler
# for the race detector, the npm packages of the end-to-end tests.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/pg.sh install

if ! command -v "$(go env CC)" >/dev/null; then
  [ "$(id -u)" = 0 ] || { echo "deps.sh: the race detector needs a C compiler: run 'apt-get install gcc libc6-dev' as root" >&2; exit 1; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -qq --no-install-recommends gcc libc6-dev >&2 ||
    { apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends gcc libc6-dev >&2; }
fi

# npm ci removes and writes everything anew, so it is left out when nothing changed.
stamp=e2e/node_modules/.installed
if ! cmp -s e2e/package-lock.json "$stamp"; then
  (cd e2e && npm ci --silent --no-progress)
  cp e2e/package-lock.json "$stamp"
fi

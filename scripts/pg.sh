#!/usr/bin/env bash
# A private PostgreSQL cluster for tests: made, used and removed again.
#
#   scripts/pg.sh install            install the server from the system's packages when missing
#   scripts/pg.sh start DIR          make and start a cluster in DIR, print its connection string
#   scripts/pg.sh stop DIR           stop the cluster in DIR and remove DIR
#   scripts/pg.sh run -- COMMAND...  run COMMAND with KARTOTEKA_TEST_PG set; always stops and removes
#
# As root the server runs as the user postgres, since it refuses to run as root.
# PG_SHARED_BUFFERS (64MB) and PG_MAX_WAL_SIZE (256MB) suit tests; bench sets more.
# It listens on 127.0.0.1 (a free port) and on a unix socket in DIR.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/free_port.sh"

readonly DB_USER=kartoteka
readonly SHOW_TRGM="SELECT count(*) FROM unnest(show_trgm('Привет')) WHERE lower('ПРИВЕТ') = 'привет'"

server="" # process id of the server started by this shell
child=""  # process group of the command started by this shell

die() { printf 'pg.sh: %s\n' "$*" >&2; exit 1; }

# bin_dir prints the folder of the newest installed server's programs, or nothing.
bin_dir() {
  local dir
  for dir in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -rn); do
    if [ -x "$dir/initdb" ] && [ -f "$("$dir/pg_config" --sharedir)/extension/pg_trgm.control" ]; then
      printf '%s\n' "$dir"
      return
    fi
  done
  if command -v pg_config >/dev/null && [ -x "$(pg_config --bindir)/initdb" ]; then
    pg_config --bindir
  fi
}

# install adds the packages without the cluster that Debian would create and start.
install() {
  [ -z "$(bin_dir)" ] || return 0
  command -v apt-get >/dev/null || die "no PostgreSQL server found: install PostgreSQL with its contrib modules"
  [ "$(id -u)" = 0 ] || die "no PostgreSQL server found: run 'apt-get install postgresql' as root"
  export DEBIAN_FRONTEND=noninteractive
  mkdir -p /etc/postgresql-common/createcluster.d
  printf 'create_main_cluster = false\n' >/etc/postgresql-common/createcluster.d/no-main.conf
  if ! apt-get install -y -qq --no-install-recommends postgresql >&2; then
    apt-get update -qq >&2
    apt-get install -y -qq --no-install-recommends postgresql >&2
  fi
  [ -n "$(bin_dir)" ] || die "PostgreSQL was installed but its server programs were not found"
}

# as_owner becomes the given command, run by the user that owns the cluster: call
# it in a subshell. The folder is left because that user may not enter it.
as_owner() {
  cd /
  if [ "$(id -u)" = 0 ]; then
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
  fi
  exec "$@"
}

make_cluster() {
  local dir=$1 bin=$2
  mkdir -p "$dir"
  [ -z "$(ls -A "$dir")" ] || die "$dir is not empty"
  [ "$(id -u)" != 0 ] || chown postgres "$dir"
  (as_owner "$bin/initdb" --pgdata="$dir/data" --username="$DB_USER" --auth=trust \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync) >"$dir/initdb.log" 2>&1 ||
    { cat "$dir/initdb.log" >&2; die "initdb failed in $dir"; }
  cat >>"$dir/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$dir'
max_connections = 200
fsync = ${PG_FSYNC:-on}
full_page_writes = ${PG_FSYNC:-on}
shared_buffers = ${PG_SHARED_BUFFERS:-64MB}
max_wal_size = ${PG_MAX_WAL_SIZE:-256MB}
autovacuum_max_workers = 1
max_worker_processes = 2
jit = off
timezone = 'UTC'
CONF
}

# ready waits until the server with the given process id answers; fails when it ends first.
ready() {
  local dir=$1 bin=$2 port=$3 pid=$4
  for _ in $(seq 600); do
    kill -0 "$pid" 2>/dev/null || return 1
    if "$bin/pg_isready" -q -h "$dir" -p "$port"; then
      return 0
    fi
    sleep 0.1
  done
  kill -QUIT "$pid"
  return 1
}

# launch starts the server, on another port when somebody took ours meanwhile.
# The server is this shell's child (not pg_ctl's orphan), so that run can reap
# it, and leads its own session, so that Ctrl-C reaches the tests first.
launch() {
  local dir=$1 bin=$2 port
  for _ in 1 2 3 4 5; do
    port=$(free_port)
    (as_owner setsid "$bin/postgres" -D "$dir/data" -p "$port") >>"$dir/server.log" 2>&1 </dev/null &
    server=$!
    if ready "$dir" "$bin" "$port" "$server"; then
      printf '%s\n' "$port" >"$dir/port"
      return
    fi
  done
  cat "$dir/server.log" >&2
  die "PostgreSQL did not start in $dir"
}

start() {
  local dir=$1 bin port
  install
  bin=$(bin_dir)
  make_cluster "$dir" "$bin"
  launch "$dir" "$bin"
  port=$(cat "$dir/port")
  local query=("$bin/psql" -h "$dir" -p "$port" -U "$DB_USER" -d postgres -AtqX -v ON_ERROR_STOP=1)
  "${query[@]}" -c "CREATE DATABASE $DB_USER" -c "CREATE EXTENSION pg_trgm"
  [ "$("${query[@]}" -c "$SHOW_TRGM")" -gt 0 ] || die "this cluster's locale makes no trigrams of Cyrillic text"
  printf 'postgres://%s@127.0.0.1:%s/%s?sslmode=disable\n' "$DB_USER" "$port" "$DB_USER"
}

stop() {
  local dir=$1
  if [ -f "$dir/data/postmaster.pid" ]; then
    (as_owner "$(bin_dir)/pg_ctl" stop -m immediate -w -s -D "$dir/data") || true
  fi
  [ -z "$server" ] || wait "$server" 2>/dev/null || true
  if [ -d "$dir/data" ] && [ -f "$dir/initdb.log" ]; then
    rm -rf -- "$dir"
  fi
}

run() {
  [ "${1:-}" != -- ] || shift
  [ $# -gt 0 ] || die "run needs a command"
  local base code=0
  base=$(mktemp -d "${TMPDIR:-/tmp}/kartoteka-pg.XXXXXX")
  chmod 755 "$base"
  # shellcheck disable=SC2064  # the folder's name is wanted as it is now
  trap "stop '$base/pg'; rm -rf -- '$base'" EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  start "$base/pg" >"$base/dsn"
  # With its own process group the whole command can be told to stop: a signal
  # ends the wait at once, then the command ends, then what it left behind, then
  # the server.
  set -m
  KARTOTEKA_TEST_PG=$(cat "$base/dsn") "$@" &
  child=$!
  set +m
  trap 'signal INT; wait "$child" 2>/dev/null || true; signal TERM; exit 130' INT
  trap 'signal TERM; wait "$child" 2>/dev/null || true; exit 143' TERM
  wait "$child" || code=$?
  signal TERM
  exit "$code"
}

# signal reaches every process of the command that run started.
signal() { kill "-$1" -- "-$child" 2>/dev/null || true; }

case ${1:-} in
  install) install ;;
  start) [ $# = 2 ] || die "usage: start DIR"; start "$(realpath -m -- "$2")" ;;
  stop) [ $# = 2 ] || die "usage: stop DIR"; stop "$(realpath -m -- "$2")" ;;
  run) shift; run "$@" ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

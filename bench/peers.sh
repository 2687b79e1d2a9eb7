#!/usr/bin/env bash
# Builds the peer from the Go module proxy, once: PocketBase of the last line
# that Go 1.26 builds.
set -euo pipefail
cd "$(dirname "$0")"
version=${PB_VERSION:-v0.39.8}
dir=${BENCH_PEERS:-.work/peers}/pocketbase
[ -x "$dir/pocketbase" ] && grep -q " $version\$" "$dir/go.mod" 2>/dev/null && exit 0
mkdir -p "$dir" && cd "$dir"
[ -f go.mod ] || go mod init pocketbase-peer
cat > main.go <<'X'
package main

import (
	"log"

	"github.com/pocketbase/pocketbase"
)

func main() {
	if err := pocketbase.New().Start(); err != nil {
		log.Fatal(err)
	}
}
X
go get "github.com/pocketbase/pocketbase@$version"
go mod tidy
CGO_ENABLED=0 go build -ldflags "-s -w" -o pocketbase .

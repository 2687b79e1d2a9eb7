# The commands of this repository; CONTRIBUTING.md explains them.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
ADDR ?= 127.0.0.1:8080
FUZZTIME ?= 20s
# Packages are named by folder: node_modules may hold foreign Go files.
PACKAGES := ./cmd/... ./internal/... ./e2e/...

# For the tests of cmd and internal, as in: make test TESTFLAGS=-race
TESTFLAGS ?=

# The race detector, but not within SQLite: that is C turned into Go, with locks
# of its own, and watching it makes the tests of the store seven times slower.
RACE := -race -gcflags=modernc.org/...=-race=false

.PHONY: build run test race check lint fuzz bench soak crashes profile deps

build:
	CGO_ENABLED=0 go build -trimpath -o bin/kartoteka ./cmd/kartoteka

# A server on the embedded database in ./data; it prints its address, and on
# the first start the login and password of the administrator.
run: build
	bin/kartoteka serve --data data --listen $(ADDR)

deps:
	scripts/deps.sh

# All tests, on both databases, with the public clients.
test: deps
	scripts/test.sh $(TESTFLAGS)

# The checks and the tests of CI. Inputs that the fuzz targets once found are among the
# tests; looking for new ones is for `make fuzz`.
check: lint race

# All tests with the race detector.
race:
	$(MAKE) test TESTFLAGS="$(RACE)"

lint:
	@test -z "$$(gofmt -l cmd internal e2e)" || { echo "gofmt these files:"; gofmt -l cmd internal e2e; exit 1; } >&2
	go vet $(PACKAGES)
	go run $(STATICCHECK) $(PACKAGES)
	scripts/generated.sh

fuzz:
	scripts/fuzz.sh $(FUZZTIME)

# The comparison with other servers: 100,000 rows, 5 rounds, about half an hour;
# bench/run.sh alone is the short one.
bench:
	bench/run.sh full $(BENCHFLAGS)
	bench/run.sh reports
	bench/run.sh sync
	bench/run.sh streams

# All of the program's work at once for half an hour: requests, imports, indexes,
# back-ups. As in: make soak SOAK=10m SOAK_ROWS=20000 SOAK_SEED=2
SOAK ?= 30m
SOAK_ROWS ?= 100000
SOAK_SEED ?= 1
soak:
	bench/run.sh soak -soak $(SOAK) -rows $(SOAK_ROWS) -seed $(SOAK_SEED) $(SOAKFLAGS)

# Crashes at random steps, 10,000 seeds on each database. As in:
# make crashes CRASH_SEEDS=500 CRASH_SEED=1000 (the first one)
CRASH_SEEDS ?= 10000
CRASH_SEED ?= 1
crashes:
	scripts/pg.sh run -- env CRASH_SEEDS=$(CRASH_SEEDS) CRASH_SEED=$(CRASH_SEED) go test -count=1 -timeout 24h ./internal/server/crashtest

# Profiles of the store's benchmarks: processor, allocations, blocking. Read
# them with: go tool pprof -top -cum bench/.work/profile/cpu.out
BENCH ?= Read|Insert|Patch
profile:
	mkdir -p bench/.work/profile
	scripts/pg.sh run -- go test -run '^$$' -bench '$(BENCH)' -o bench/.work/profile/store.test \
		-outputdir bench/.work/profile -cpuprofile cpu.out -memprofile mem.out -blockprofile block.out ./internal/store

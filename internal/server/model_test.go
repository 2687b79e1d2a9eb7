package server

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

const (
	modelOps = 150 // operations per seed
	// After modelTime no more seeds are begun, but modelLeast are always run.
	modelTime  = time.Minute
	modelLeast = 4
)

// TestModel drives the program on SQLite and on PostgreSQL with the same random
// requests. Both must answer alike, and as a simple model in memory expects.
func TestModel(t *testing.T) {
	eachSeed(t, modelOps, func(t *testing.T, seed uint64, ops int) {
		w := newWorld(t, seed)
		w.begin()
		for range ops {
			w.step()
		}
		w.audit()
	})
}

// eachSeed runs a test of a model with several seeds.
//
// MODEL_SEEDS is the number of seeds (20, fewer on a slow machine), MODEL_SEED
// the first one (1), MODEL_OPS the number of operations of each.
func eachSeed(t *testing.T, ops int, test func(t *testing.T, seed uint64, ops int)) {
	t.Helper()
	began := time.Now()
	first, seeds := modelSetting(t, "MODEL_SEED", 1), modelSetting(t, "MODEL_SEEDS", 20)
	ops = modelSetting(t, "MODEL_OPS", ops)
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			if os.Getenv("MODEL_SEEDS") == "" && seed >= first+modelLeast && time.Since(began) > modelTime {
				t.Log("left out: the machine is slow")
				return
			}
			test(t, uint64(seed), ops)
		})
	}
}

func modelSetting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		t.Fatalf("%s=%q is not a number", name, s)
	}
	return n
}

// operations are what a step may be, with how often they come.
var operations = []struct {
	name   string
	weight int
	do     func(*world)
}{
	{"create a section", 1, (*world).createSection},
	{"change a section", 1, (*world).changeSection},
	{"delete a section", 1, (*world).deleteSection},
	{"create a catalog", 3, (*world).createCatalog},
	{"change a catalog", 4, (*world).changeCatalog},
	{"change fields", 14, (*world).changeFields},
	{"delete a catalog", 1, (*world).deleteCatalog},
	{"clear a catalog", 1, (*world).clearCatalog},
	{"read structures", 4, (*world).readStructures},
	{"create a record", 40, (*world).createRecord},
	{"change a record", 34, (*world).changeRecord},
	{"delete a record", 8, (*world).deleteRecord},
	{"read a record", 8, (*world).readRecord},
	{"list records", 60, (*world).listRecords},
	{"read a history", 14, (*world).readHistory},
	{"comment", 4, (*world).comment},
	{"employees", 6, (*world).employees},
	{"nonsense", 10, (*world).nonsense},
}

// step carries out one random operation.
func (w *world) step() {
	w.t.Helper()
	w.clock.pass(w.rng)
	total := 0
	for _, op := range operations {
		total += op.weight
	}
	n := w.rng.IntN(total)
	for _, op := range operations {
		if n -= op.weight; n < 0 {
			op.do(w)
			return
		}
	}
}

// audit ends a run: everything is read once more and both databases are checked.
func (w *world) audit() {
	w.t.Helper()
	for _, c := range w.catalogs {
		w.listAll(c)
	}
	w.readStructures()
	w.check()
}

// check looks for damage in both databases.
func (w *world) check() {
	w.t.Helper()
	for _, s := range w.sides {
		problems, err := s.app.company.Check(w.t.Context())
		if err != nil {
			w.fail("check of %s: %v", s.name, err)
		}
		for _, p := range problems {
			w.t.Errorf("seed %d: check of %s: %s", w.seed, s.name, p)
		}
	}
}

// pick gives one of the list.
func pick[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

// chance is true in percent of the cases.
func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

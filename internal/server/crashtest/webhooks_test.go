package crashtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// places are the steps of webhooks at which processes must have died.
var places = []string{
	"body frozen", "changes numbered", "changes purged", "circuit opened", "claim begins", "claimed", "delayed", "delivered",
	"deliveries dropped", "dispatch begun", "dispatch committed", "dispatch cursor moved", "dispatch jobs added", "dispatch read",
	"dispatch written", "ending", "failures forgiven", "given up", "leases released", "leases renewed", "leases voided",
	"message answered", "message received", "missed", "numbering begins", "outcome known", "pause begins", "pause committed",
	"pause written", "removal committed", "removal written", "rendered", "reshape committed", "sent again", "started",
	"write committed", "write written",
}

// rare are steps that are passed seldom: who is to die there dies the first time.
var rare = []string{
	"changes purged", "circuit opened", "deliveries dropped", "ending", "failures forgiven", "leases released", "leases renewed",
	"leases voided", "missed", "pause begins", "pause committed", "pause written", "removal committed", "removal written",
	"reshape committed", "sent again", "started",
}

// actions is how much happens in a seed.
const actions = 18

// workers is how many seeds are on their way at once: they mostly wait.
const workers = 4

// Wherever a process dies, every event of a webhook is delivered as its subscription
// promises. CRASH_SEEDS is the number of seeds on each database, CRASH_SEED the first.
// Under the race detector, which makes SQLite ten times slower, there are a few; the
// tests of the repository run all of them besides, without it.
func TestWebhooks(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { eachSeed(t, testdb.SQLite(t), 200) })
	t.Run("postgres", func(t *testing.T) { eachSeed(t, testdb.Postgres(t), 40) })
}

func eachSeed(t *testing.T, target testdb.Target, seeds uint64) {
	if raceDetector {
		seeds /= 10
	}
	first, seeds := setting(t, "CRASH_SEED", 1), setting(t, "CRASH_SEEDS", seeds)
	template := NewTemplate(t, target, func(s *catalog.Service) { furnish(t, s) })
	var steps Steps
	var events, messages atomic.Int64
	t.Run("seeds", func(t *testing.T) {
		var next atomic.Uint64
		var group sync.WaitGroup
		for range workers {
			group.Go(func() {
				for n := next.Add(1) - 1; n < seeds; n = next.Add(1) - 1 {
					t.Run(strconv.FormatUint(first+n, 10), func(t *testing.T) {
						r := newRun(t, template, &steps, first+n)
						r.play()
						events.Add(int64(len(r.events)))
						for _, all := range r.receivers.receipts {
							messages.Add(int64(len(all)))
						}
					})
				}
			})
		}
		group.Wait()
	})
	deaths := 0
	for _, step := range steps.Names() {
		deaths += steps.Deaths(step)
		if !slices.Contains(places, step) {
			t.Errorf("the step %q is on no list", step)
		}
	}
	t.Logf("%d seeds: %d events, %d messages, %d deaths", seeds, events.Load(), messages.Load(), deaths)
	for _, step := range places {
		if n := steps.Deaths(step); n == 0 && seeds >= uint64(len(places)) {
			t.Errorf("no process died at %q", step)
		}
	}
}

func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var boss = catalog.Actor{Employee: 1, Origin: "api"}

func pointer[T any](v T) *T { return &v }

// furnish makes the catalogs: each has a number and a note.
func furnish(t *testing.T, s *catalog.Service) {
	for i := range 3 {
		_, err := s.CreateCatalog(t.Context(), boss, catalog.CatalogInput{
			Key: pointer(fmt.Sprint("things", i)), Name: pointer(fmt.Sprint("Things ", i)), Section: pointer("3"),
			Fields: []catalog.FieldInput{
				{Key: pointer("n"), Type: "number", Name: pointer("N")}, {Key: pointer("note"), Type: "text", Name: pointer("Note")},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// run is one seed on its way, with the naive model of what was written.
type run struct {
	*testing.T
	seed      uint64
	rng       *rand.Rand
	w         *World
	p         *Process
	receivers *receivers
	catalogs  []query.Catalog
	subs      []*sub
	n         int // the last value given
	deaths    int

	events  []event // in the order of their commits
	records []lane  // that there are
	values  map[lane]int
	// unsure are the events of a write whose answer was lost; the record of a
	// creation is not known.
	unsure []event
	paused map[*sub]bool
	aged   bool // given-up deliveries may have been dropped
}

func newRun(t *testing.T, template *Template, steps *Steps, seed uint64) *run {
	r := &run{T: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), w: NewWorld(t, template, steps), receivers: newReceivers(t, seed),
		values: map[lane]int{}, paused: map[*sub]bool{}}
	r.w.Receive = r.receivers.receive
	return r
}

func (r *run) failf(format string, args ...any) {
	r.Helper()
	r.Errorf("repeat with: CRASH_SEED=%d CRASH_SEEDS=1 scripts/pg.sh run -- go test -count=1 -run '%s' ./internal/server/crashtest\n%s",
		r.seed, "TestWebhooks", fmt.Sprintf(format, args...))
}

func (r *run) fatal(err error) {
	r.Helper()
	r.failf("%v", err)
	r.FailNow()
}

// play lets things happen, ends all faults, and judges.
func (r *run) play() {
	r.p = r.w.Start(Fate{})
	defer func() { r.p.Stop() }()
	r.subscribe()
	r.p.Kill()
	r.restart()
	if r.firstStep() == "missed" {
		r.burst()
	}
	for range actions {
		for r.p.Died() {
			r.restart()
		}
		r.act()
	}
	if r.deaths == 1 && !r.p.Died() {
		r.tour()
	}
	r.rest()
	r.receivers.mend()
	r.deaths = deathsMost // enough
	r.p.Kill()
	r.restart()
	r.rest()
	r.again()
	r.rest()
	r.judge()
}

// deathsMost bounds the deaths of a seed.
const deathsMost = 5

// restart starts the next process, which perhaps will die as well.
func (r *run) restart() {
	r.p.Stop()
	fate, died := r.p.Fate()
	if died {
		fate = r.fate()
		if r.rng.IntN(2) == 0 { // before anything is tried again
			r.w.Between(func(s *catalog.Service) {
				for _, c := range r.catalogs {
					if err := r.reshape(s, c); err != nil {
						r.fatal(err)
					}
				}
			})
		}
	}
	r.p = r.w.Start(fate)
	if r.rng.IntN(2) == 0 { // leases of the dead have ended
		r.w.Clock.Add(2 * time.Minute)
	}
	r.resolve()
	if r.rng.IntN(3) == 0 {
		r.reshapeOne()
	}
}

// fate chooses where the next process dies. The first ones of many seeds die
// everywhere.
func (r *run) fate() (f Fate) {
	if r.deaths++; r.deaths > deathsMost {
		return f
	}
	f = Fate{places[r.rng.IntN(len(places))], 1 + r.rng.IntN(4)}
	if r.deaths == 1 {
		f.Step = r.firstStep()
	}
	if slices.Contains(rare, f.Step) {
		f.After = 1
	}
	return f
}

func (r *run) firstStep() string { return places[r.seed%uint64(len(places))] }

// tour leads a process that is to die to every step.
func (r *run) tour() {
	pass := func(d time.Duration) {
		r.w.Clock.Add(d)
		r.p.Hooks.Wake()
		for range 4 {
			r.write()
		}
		r.settle()
	}
	for range 5 {
		r.write()
		time.Sleep(5 * time.Millisecond)
		r.w.Clock.Add(11 * time.Second)
		r.p.Hooks.Wake()
	}
	pass(time.Hour)
	pass(6 * 24 * time.Hour)
	r.again()
	pass(2 * 24 * time.Hour)
	if err := r.p.Catalog.Purge(r.Context()); err != nil && !r.p.Died() {
		r.fatal(err)
	}
	r.aged = true
	r.w.Clock.Add(15 * 24 * time.Hour)
	r.restart()
}

// act does one thing.
func (r *run) act() {
	ctx := r.Context()
	switch n := r.rng.IntN(100); {
	case n < 65:
		r.write()
	case n < 78:
		r.w.Clock.Add(time.Duration(1+r.rng.IntN(600)) * time.Second)
		r.p.Hooks.Wake()
	case n < 82:
		r.w.Clock.Add(time.Duration(1+r.rng.IntN(30)) * time.Hour)
		r.p.Hooks.Wake()
	case n < 86:
		time.Sleep(time.Duration(r.rng.IntN(5)) * time.Millisecond)
	case n < 88:
		r.settle()
	case n < 91:
		r.reshapeOne()
	case n < 94:
		if err := r.p.Catalog.Purge(ctx); err != nil && !r.p.Died() {
			r.fatal(err)
		}
	case n < 96:
		r.again()
	case n < 98:
		r.restart()
	default: // weeks later
		r.settle()
		r.aged = true
		r.w.Clock.Add(15 * 24 * time.Hour)
		r.restart()
	}
}

// settle lets the process work off what there is, unless it dies.
func (r *run) settle() {
	r.Helper()
	if _, err := r.p.Settle(r.Context()); err != nil {
		r.fatal(err)
	}
	r.notePauses()
}

// rest lets processes work off what there is.
func (r *run) rest() {
	r.Helper()
	for r.settle(); r.p.Died(); r.settle() {
		r.restart()
	}
}

package job_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/job"
	"kartoteka/internal/store"
	"kartoteka/internal/store/testdb"
)

const queue job.Queue = "test"

// queueTest is a queue in a real database, with a clock.
type queueTest struct {
	*testing.T
	store *store.Company
	clock atomic.Int64
	mu    sync.Mutex
	tried map[int64][]int64 // numbers of jobs by record, in the order of their successes
	now   map[int64]int     // attempts under way by target
	most  map[int64]int     // and the most there were
	all   map[int64]int     // successes by job
}

func eachQueue(t *testing.T, test func(q *queueTest)) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		var s *store.Company
		var err error
		if target.DSN == "" {
			s, err = store.OpenSQLite(t.Context(), filepath.Join(target.Dir, "company.db"), store.Options{})
		} else {
			s, err = store.OpenPostgres(t.Context(), target.DSN, "company", store.Options{Connections: 8})
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		q := &queueTest{T: t, store: s, tried: map[int64][]int64{}, now: map[int64]int{}, most: map[int64]int{}, all: map[int64]int{}}
		q.clock.Store(1_000_000)
		test(q)
	})
}

// add adds jobs of some targets and records in turn, numbered from first on.
func (q *queueTest) add(targets, records, first, n int64) {
	q.Helper()
	version, err := q.store.Version(q.Context())
	if err != nil {
		q.Fatal(err)
	}
	var jobs []job.Job
	for i := first; i < first+n; i++ {
		jobs = append(jobs, job.Job{Queue: queue, Target: 1 + i%targets, Record: i % records, Number: i, Change: i, Made: q.clock.Load()})
	}
	err = q.store.Update(q.Context(), catalog.Plan{Version: version}, func(w catalog.Writer) error { return w.AddJobs(q.Context(), jobs) })
	if err != nil {
		q.Fatal(err)
	}
}

func (q *queueTest) options(s job.Store, owner string) job.Options {
	return job.Options{
		Store: s, Queue: queue, Owner: owner, Now: func() time.Time { return time.UnixMilli(q.clock.Load()) },
		Log: slog.New(slog.DiscardHandler), Poll: 10 * time.Millisecond, Claim: time.Minute,
		Circuit: job.Circuit{Failures: 5, Rest: job.Backoff{First: time.Minute, Most: time.Hour}}, Places: 8, PerTarget: 2,
		Do: q.succeed,
	}
}

// succeed does a job and notes it.
func (q *queueTest) succeed(_ context.Context, j job.Job, _ job.Target) job.Result {
	q.mu.Lock()
	q.now[j.Target]++
	q.most[j.Target] = max(q.most[j.Target], q.now[j.Target])
	q.mu.Unlock()
	time.Sleep(time.Millisecond)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.now[j.Target]--
	q.tried[j.Target*1000+j.Record] = append(q.tried[j.Target*1000+j.Record], j.Number)
	q.all[j.Number]++
	j.State, j.Attempts, j.Tried = job.Done, j.Attempts+1, q.clock.Load()
	return job.Result{Job: j}
}

// run runs runners until all jobs are over, and tells what they returned.
func (q *queueTest) run(runners ...*job.Runner) {
	q.Helper()
	ctx, cancel := context.WithCancel(q.Context())
	var group sync.WaitGroup
	for _, r := range runners {
		group.Go(func() {
			if err := r.Run(ctx); err != nil {
				q.Errorf("run: %v", err)
			}
		})
	}
	deadline := time.Now().Add(30 * time.Second)
	for q.left() {
		if time.Now().After(deadline) {
			q.Error("jobs are left")
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	group.Wait()
}

func (q *queueTest) left() bool {
	q.Helper()
	_, some, err := q.store.Next(q.Context(), queue, "")
	if err != nil {
		q.Fatal(err)
	}
	return some
}

// ordered checks that each lane's jobs first succeeded in their order.
func (q *queueTest) ordered() {
	q.Helper()
	for lane, numbers := range q.tried {
		last := int64(0)
		for _, n := range numbers {
			if n < last && q.all[n] < 2 {
				q.Errorf("lane %d: %d after %d", lane, n, last)
			}
			last = max(last, n)
		}
	}
}

func TestRunners(t *testing.T) {
	eachQueue(t, func(q *queueTest) {
		q.add(3, 7, 1, 200)
		q.run(job.NewRunner(q.options(q.store, "a")), job.NewRunner(q.options(q.store, "b")))
		for n := range int64(200) {
			if q.all[n+1] != 1 {
				q.Errorf("job %d was done %d times", n+1, q.all[n+1])
			}
		}
		for target, most := range q.most {
			if most > 2 {
				q.Errorf("%d at once at target %d", most, target)
			}
		}
		q.ordered()
	})
}

// TestRate: no more jobs of a target are begun in a second than its rate.
func TestRate(t *testing.T) {
	eachQueue(t, func(q *queueTest) {
		q.add(2, 60, 1, 60) // 30 for each target
		o := q.options(q.store, "a")
		o.Rate = 10
		ctx, cancel := context.WithCancel(q.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if err := job.NewRunner(o).Run(ctx); err != nil {
				q.Errorf("run: %v", err)
			}
		})
		done := func() int {
			q.mu.Lock()
			defer q.mu.Unlock()
			return len(q.all)
		}
		for _, step := range []struct {
			pass time.Duration
			want int // of both targets
		}{{0, 20}, {500 * time.Millisecond, 30}, {time.Minute, 50}, {time.Second, 60}} {
			q.clock.Add(step.pass.Milliseconds())
			for deadline := time.Now().Add(20 * time.Second); done() < step.want && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(100 * time.Millisecond) // for those too many
			if got := done(); got != step.want {
				q.Errorf("after %v more %d jobs are done, want %d", step.pass, got, step.want)
			}
		}
		cancel()
		group.Wait()
	})
}

var errCrash = errors.New("crash")

// crashing is a store whose process dies at some calls: before they have done
// anything, or after, so that nobody learns of it.
type crashing struct {
	job.Store
	rng  *rand.Rand
	mu   sync.Mutex
	dead bool
	odds int // one call of so many is the last one
	kill func()
}

// dies decides about a call, and tells whether the process is dead before it and
// after it.
func (c *crashing) dies() (before, after bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return true, true
	}
	if c.rng.IntN(c.odds) == 0 {
		c.dead = true
		c.kill()
		return c.rng.IntN(2) == 0, true
	}
	return false, false
}

func (c *crashing) Claim(ctx context.Context, q job.Queue, target int64, h job.Hold, claim int64, n int) ([]job.Job, error) {
	before, after := c.dies()
	if before {
		return nil, errCrash
	}
	list, err := c.Store.Claim(context.WithoutCancel(ctx), q, target, h, claim, n)
	if after {
		return nil, errCrash
	}
	return list, err
}

func (c *crashing) Settle(ctx context.Context, r job.Result, judge func(job.Health) job.Health) (job.Health, bool, error) {
	before, after := c.dies()
	if before {
		return job.Health{}, false, errCrash
	}
	h, done, err := c.Store.Settle(ctx, r, judge)
	if after {
		return h, false, errCrash
	}
	return h, done, err
}

func (c *crashing) Release(ctx context.Context, q job.Queue, owner string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return nil // the dead release nothing
	}
	return c.Store.Release(ctx, q, owner)
}

// Wherever a process dies, each job is done at least once and in its order, and
// none that was not added.
func TestCrashes(t *testing.T) {
	eachQueue(t, func(q *queueTest) {
		const jobs = 80
		added := int64(0)
		crashes := 0
		for seed := uint64(1); seed < 400; seed++ {
			if added < jobs {
				q.add(2, 5, added+1, 20)
				added += 20
			}
			if !q.left() {
				break
			}
			ctx, cancel := context.WithCancel(q.Context())
			c := &crashing{Store: q.store, rng: rand.New(rand.NewPCG(seed, 1)), odds: 12, kill: cancel}
			done := make(chan error, 1)
			runner := job.NewRunner(q.options(c, "process "+time.Duration(seed).String()))
			go func() { done <- runner.Run(ctx) }()
			for ctx.Err() == nil && q.left() {
				time.Sleep(2 * time.Millisecond)
			}
			if ctx.Err() != nil {
				crashes++
			}
			cancel()
			if err := <-done; err != nil {
				q.Fatal(err)
			}
			q.clock.Add(time.Minute.Milliseconds()) // what it claimed is free again
		}
		if q.left() || crashes < 3 {
			q.Errorf("jobs are left: %v; %d crashes", q.left(), crashes)
		}
		for n := int64(1); n <= jobs; n++ {
			if q.all[n] == 0 {
				q.Errorf("job %d was never done", n)
			}
		}
		if len(q.all) != jobs {
			q.Errorf("%d jobs were done", len(q.all))
		}
		q.ordered()
	})
}

// A target that fails again and again is left alone, then gets one job at a time.
func TestCircuit(t *testing.T) {
	eachQueue(t, func(q *queueTest) {
		q.add(1, 20, 1, 20)
		var attempts atomic.Int64
		var mends atomic.Bool
		o := q.options(q.store, "a")
		o.Do = func(ctx context.Context, j job.Job, target job.Target) job.Result {
			attempts.Add(1)
			if mends.Load() {
				return q.succeed(ctx, j, target)
			}
			j.State, j.Attempts = job.Pending, j.Attempts+1
			return job.Result{Job: j, Failed: true, Due: q.clock.Load()}
		}
		runner := job.NewRunner(o)
		ctx, cancel := context.WithCancel(q.Context())
		done := make(chan error, 1)
		go func() { done <- runner.Run(ctx) }()
		rests := func(what string, want, most int64) {
			q.Helper()
			time.Sleep(300 * time.Millisecond)
			if n := attempts.Load(); n < want || n > most {
				q.Errorf("%s: %d attempts, want %d to %d", what, n, want, most)
			}
		}
		rests("it fails", 5, 6) // two at once
		before := attempts.Load()
		q.clock.Add(time.Minute.Milliseconds())
		runner.Wake()
		rests("after its rest", before, before+1)
		mends.Store(true)
		q.clock.Add(time.Hour.Milliseconds())
		runner.Wake()
		for range 400 {
			if !q.left() {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
		if err := <-done; err != nil || len(q.all) != 20 {
			q.Errorf("%d jobs were done (%v)", len(q.all), err)
		}
	})
}

func TestBackoff(t *testing.T) {
	b := job.Backoff{First: time.Second, Most: time.Minute}
	for failures, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 1000: time.Minute} {
		least, most := time.Hour, time.Duration(0)
		for range 200 {
			wait := b.After(failures)
			least, most = min(least, wait), max(most, wait)
		}
		if least < want/2 || most > want || most-least < want/10 {
			t.Errorf("after %d failures %v to %v, want %v to %v", failures, least, most, want/2, want)
		}
	}
}

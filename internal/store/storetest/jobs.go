package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"kartoteka/internal/catalog"
	"kartoteka/internal/job"
	"kartoteka/internal/query"
)

var queues = []promise{
	{name: "jobs of a lane are claimed one after the other", test: testLanes},
	{name: "a claim that ended is another's", test: testClaims},
	{name: "a target is one owner's until its lease ends", test: testTargets},
	{name: "owners share the targets", test: testShare},
	{name: "a resting target is left alone", test: testResting},
	{name: "a cursor moves with its jobs or not at all", test: testCursor},
	{name: "jobs that are over are done again before those that wait", test: testAgain},
	{name: "old jobs are dropped by age and by size", test: testDropJobs},
	{name: "a job that is done again is not dropped", test: testAgainBesideDrop},
	{name: "the log tells what changes are, and where rights were changed", test: testTold},
	{name: "the log has the values of short updates for who asks for them", test: testChanges},
	{name: "changes stay while somebody needs them", test: testPurgeChanges},
	{name: "what sets something off stays until somebody follows", test: testPurgeUnfollowed},
	{name: "no job is lost or done twice among many workers", test: testManyWorkers},
}

const hooks job.Queue = "hook"

const minute = 60_000

// at is the hold of an owner at a time, for a minute.
func at(owner string, now int64) job.Hold {
	return job.Hold{Owner: owner, Now: now, Until: now + minute}
}

// share lets an owner share.
func (f *fixture) share(h job.Hold, more bool, busy ...int64) {
	f.Helper()
	if err := f.store.Share(f.Context(), hooks, busy, h, more); err != nil {
		f.Fatalf("share: %v", err)
	}
}

// addJobs adds a job for each record, of one target.
func (f *fixture) addJobs(target int64, records ...int64) {
	f.Helper()
	jobs := make([]job.Job, len(records))
	for i, r := range records {
		jobs[i] = job.Job{Queue: hooks, Target: target, Record: r, Change: int64(i + 1), Kind: "record.created", Number: int64(i + 1), Made: 10}
	}
	if err := f.update(func(w catalog.Writer) error { return w.AddJobs(f.Context(), jobs) }); err != nil {
		f.Fatalf("add jobs: %v", err)
	}
}

func (f *fixture) claim(target int64, h job.Hold, n int) []job.Job {
	f.Helper()
	list, err := f.store.Claim(f.Context(), hooks, target, h, minute, n)
	if err != nil {
		f.Fatalf("claim: %v", err)
	}
	return list
}

// settle notes an attempt at a claimed job.
func (f *fixture) settle(j job.Job, state job.State, due int64) bool {
	f.Helper()
	j.State, j.Attempts, j.Tried, j.Body = state, j.Attempts+1, 100, []byte(`{"a":1}`)
	j.Attempt = job.Attempt{Status: 200, Answer: "ok", Took: 3}
	_, done, err := f.store.Settle(f.Context(), job.Result{Job: j, Due: due}, func(h job.Health) job.Health { return h })
	if err != nil {
		f.Fatalf("settle: %v", err)
	}
	return done
}

func records(jobs []job.Job) (list []int64) {
	for _, j := range jobs {
		list = append(list, j.Record)
	}
	return list
}

func (f *fixture) wantRecords(what string, got []job.Job, want ...int64) {
	f.Helper()
	if !slices.Equal(records(got), want) {
		f.Errorf("%s: records %v, want %v", what, records(got), want)
	}
}

func testLanes(f *fixture) {
	f.addJobs(7, 1, 1, 2)
	first := f.claim(7, at("a", 20), 10)
	f.wantRecords("first claim", first, 1, 2)
	f.wantRecords("while claimed", f.claim(7, at("a", 21), 10))
	if !f.settle(first[0], job.Pending, 500) || !f.settle(first[1], job.Done, 0) {
		f.Fatal("a claim did not hold")
	}
	f.wantRecords("before it is due again", f.claim(7, at("a", 499), 10))
	if due, some, err := f.store.Next(f.Context(), hooks, "a"); err != nil || !some || due != 500 {
		f.Errorf("next is at %d (%v, %v), want 500", due, some, err)
	}
	again := f.claim(7, at("a", 500), 10)
	f.wantRecords("the same job again", again, 1)
	if again[0].ID != first[0].ID || again[0].Attempts != 1 || string(again[0].Body) != `{"a":1}` {
		f.Errorf("the job came back as %+v", again[0])
	}
	f.settle(again[0], job.Dead, 0)
	last := f.claim(7, at("a", 501), 10)
	if len(last) != 1 || last[0].ID <= first[0].ID || last[0].Body != nil {
		f.Errorf("the second of the lane came as %+v", last)
	}
	f.settle(last[0], job.Done, 0)
	if _, some, err := f.store.Next(f.Context(), hooks, "a"); err != nil || some {
		f.Errorf("something is left (%v)", err)
	}
	counts, err := f.store.Counts(f.Context())
	if err != nil || len(counts) != 1 || counts[0].Done != 2 || counts[0].Dead != 1 || counts[0].Pending != 0 {
		f.Errorf("the counts are %+v (%v)", counts, err)
	}
}

func testClaims(f *fixture) {
	f.addJobs(7, 1)
	lost := f.claim(7, at("a", 20), 1)
	found := f.claim(7, at("b", 20+minute), 1)
	f.wantRecords("after the claim", found, 1)
	if f.freeze(lost[0], `{"a":"lost"}`) || f.settle(lost[0], job.Dead, 0) {
		f.Error("the first claim held beside the second")
	}
	if !f.freeze(found[0], `{"a":2}`) {
		f.Error("the second claim did not hold")
	}
	if j, _, err := f.store.Job(f.Context(), hooks, 7, found[0].ID); err != nil || string(j.Body) != `{"a":2}` || j.Attempts != 0 || j.State != job.Pending {
		f.Errorf("frozen it is %+v (%v)", j, err)
	}
	late := f.claim(7, at("c", 30+2*minute), 1)
	f.wantRecords("after the second claim", late, 1)
	if string(late[0].Body) != `{"a":2}` {
		f.Errorf("the body is %s", late[0].Body)
	}
	found = late
	if !f.settle(found[0], job.Pending, 0) {
		f.Error("the second claim did not hold")
	}
	if f.settle(lost[0], job.Done, 0) {
		f.Error("the first claim held after the second was settled")
	}
	if j, ok, err := f.store.Job(f.Context(), hooks, 7, lost[0].ID); err != nil || !ok || j.Attempts != 1 || j.State != job.Pending {
		f.Errorf("the job is %+v (%v, %v)", j, ok, err)
	}
}

// freeze keeps the body of a claimed job.
func (f *fixture) freeze(j job.Job, body string) bool {
	f.Helper()
	j.Body = []byte(body)
	held, err := f.store.Freeze(f.Context(), j)
	if err != nil {
		f.Fatalf("freeze: %v", err)
	}
	return held
}

func (f *fixture) ready(h job.Hold, after int64) (list []int64) {
	f.Helper()
	targets, err := f.store.Ready(f.Context(), hooks, h, after, 10)
	if err != nil {
		f.Fatalf("ready: %v", err)
	}
	for _, t := range targets {
		list = append(list, t.ID)
	}
	return list
}

func testTargets(f *fixture) {
	f.addJobs(7, 1, 2)
	f.addJobs(8, 1)
	if got := f.ready(at("a", 20), 0); !slices.Equal(got, []int64{7, 8}) {
		f.Errorf("ready: %v", got)
	}
	if got := f.ready(at("a", 20), 7); !slices.Equal(got, []int64{8}) {
		f.Errorf("ready after 7: %v", got)
	}
	if got := f.ready(at("a", 9), 0); got != nil {
		f.Errorf("ready before they are due: %v", got)
	}
	f.claim(7, at("a", 20), 1)
	f.wantRecords("another's target", f.claim(7, at("b", 21), 1))
	if got := f.ready(at("b", 21), 0); !slices.Equal(got, []int64{8}) {
		f.Errorf("ready for another: %v", got)
	}
	held, err := f.store.Renew(f.Context(), hooks, []int64{7, 8}, at("b", 22))
	if err != nil || !slices.Equal(held, []int64{8}) {
		f.Errorf("another renewed %v (%v)", held, err)
	}
	if held, err = f.store.Renew(f.Context(), hooks, []int64{7}, at("a", 30)); err != nil || len(held) != 1 {
		f.Errorf("the owner renewed %v (%v)", held, err)
	}
	f.wantRecords("the renewed target", f.claim(7, at("b", 20+minute), 1))
	if err := f.store.Release(f.Context(), hooks, "a"); err != nil {
		f.Fatal(err)
	}
	f.wantRecords("the released target", f.claim(7, at("b", 40), 5), 2)
}

func testShare(f *fixture) {
	ready := func(what, owner string, now int64, want ...int64) {
		f.Helper()
		if got := f.ready(at(owner, now), 0); !slices.Equal(got, want) {
			f.Errorf("%s, ready for %s: %v, want %v", what, owner, got, want)
		}
	}
	for target := int64(5); target <= 7; target++ {
		f.addJobs(target, 1, 2, 3)
		f.claim(target, at("a", 20), 1)
	}
	f.share(at("b", 21), false)
	ready("nobody wishes", "a", 21, 5, 6, 7)
	f.share(at("b", 22), true)
	ready("while a is busy", "a", 22, 6, 7)
	f.wantRecords("a target that another wishes", f.claim(5, at("a", 23), 1))
	f.share(at("a", 23), true, 5)
	ready("while a is busy", "b", 23)
	f.share(at("a", 24), true)
	ready("a is done", "a", 25, 6, 7)
	ready("a is done", "b", 25, 5)
	if due, some, err := f.store.Next(f.Context(), hooks, "b"); err != nil || !some || due > 25 {
		f.Errorf("for b something is due at %d (%v, %v)", due, some, err)
	}
	f.wantRecords("the target it wished", f.claim(5, at("b", 25), 1), 2)
	f.share(at("b", 26), true)
	f.share(at("a", 27), true)
	ready("one more is no reason to wish", "a", 28, 6, 7)
	// The wish of one who is gone ends, and the claim with it.
	f.claim(6, at("c", 29+2*minute), 1)
	f.claim(7, at("c", 29+2*minute), 1)
	f.share(at("d", 30+2*minute), true)
	ready("d wishes", "c", 30+2*minute, 5, 7)
	ready("d is gone", "c", 31+3*minute, 5, 6, 7)
}

func testResting(f *fixture) {
	f.addJobs(7, 1, 2)
	j := f.claim(7, at("a", 20), 1)[0]
	j.State, j.Attempts = job.Dead, 1
	h, _, err := f.store.Settle(f.Context(), job.Result{Job: j, Failed: true}, func(h job.Health) job.Health {
		return job.Health{Failures: h.Failures + 1, Since: 20, Resume: 900}
	})
	if err != nil || h != (job.Health{Failures: 1, Since: 20, Resume: 900}) {
		f.Errorf("the health is %+v (%v)", h, err)
	}
	if got := f.ready(at("a", 899), 0); got != nil {
		f.Errorf("ready while it rests: %v", got)
	}
	f.wantRecords("while it rests", f.claim(7, at("a", 899), 5))
	if due, _, _ := f.store.Next(f.Context(), hooks, "a"); due != 900 {
		f.Errorf("next is at %d, want 900", due)
	}
	f.wantRecords("after its rest", f.claim(7, at("a", 900), 5), 2)
}

func (f *fixture) cursor(owner string, now int64) (seq int64, held bool) {
	f.Helper()
	err := f.update(func(w catalog.Writer) (err error) {
		seq, held, err = w.Cursor(f.Context(), "hook", at(owner, now))
		return err
	})
	if err != nil {
		f.Fatalf("cursor: %v", err)
	}
	return seq, held
}

func testCursor(f *fixture) {
	if seq, held := f.cursor("a", 20); seq != 0 || !held {
		f.Fatalf("a new cursor is at %d, %v", seq, held)
	}
	move := func(w catalog.Writer) error {
		err := w.MoveCursor(f.Context(), "hook", 5)
		if err != nil {
			return err
		}
		return w.AddJobs(f.Context(), []job.Job{{Queue: hooks, Target: 1, Record: 1, Made: 1}})
	}
	crash := errors.New("crash")
	err := f.update(func(w catalog.Writer) error {
		if err := move(w); err != nil {
			return err
		}
		return crash
	})
	if seq, _ := f.cursor("a", 21); seq != 0 || !errors.Is(err, crash) || f.ready(at("a", 20), 0) != nil {
		f.Errorf("given up, the cursor is at %d (%v)", seq, err)
	}
	if err := f.update(move); err != nil {
		f.Fatal(err)
	}
	f.reopen()
	if _, held := f.cursor("b", 22); held {
		f.Error("two hold the cursor")
	}
	if seq, held := f.cursor("b", 21+minute); seq != 5 || !held {
		f.Errorf("after its lease the cursor is at %d, %v", seq, held)
	}
	if got := f.ready(at("a", 20), 0); !slices.Equal(got, []int64{1}) {
		f.Errorf("moved with jobs of %v", got)
	}
}

// testManyWorkers has dispatchers and workers meet in few lanes.
func testManyWorkers(f *fixture) {
	const dispatchers, each, lanes, workers = 3, 60, 4, 4
	var adding, working sync.WaitGroup
	var numbers, added atomic.Int64
	var mu sync.Mutex
	done := map[int64][]int64{} // ids by record
	for range dispatchers {
		adding.Go(func() {
			for range each {
				n := numbers.Add(1)
				j := job.Job{Queue: hooks, Target: 1, Record: n % lanes, Change: n, Number: n, Made: 1}
				if err := f.update(func(w catalog.Writer) error { return w.AddJobs(f.Context(), []job.Job{j}) }); err != nil {
					f.Errorf("add: %v", err)
				}
				added.Add(1)
			}
		})
	}
	var finished atomic.Bool
	for i := range workers {
		working.Go(func() {
			owner := fmt.Sprint("w", i%2) // two processes of two workers
			for {
				last := finished.Load()
				jobs, err := f.store.Claim(f.Context(), hooks, 1, job.Hold{Owner: owner, Now: 20, Until: 20}, minute, 2)
				if err != nil {
					f.Errorf("claim: %v", err)
					return
				}
				for _, j := range jobs {
					j.State, j.Attempts = job.Done, 1
					_, settled, err := f.store.Settle(f.Context(), job.Result{Job: j}, func(h job.Health) job.Health { return h })
					if err != nil || !settled {
						f.Errorf("settle: %v, %v", settled, err)
					}
					mu.Lock()
					done[j.Record] = append(done[j.Record], j.ID)
					mu.Unlock()
				}
				if last && len(jobs) == 0 {
					if _, some, err := f.store.Next(f.Context(), hooks, owner); err != nil || !some {
						return
					}
				}
			}
		})
	}
	adding.Wait()
	finished.Store(true)
	working.Wait()
	total := 0
	for r, ids := range done {
		total += len(ids)
		if len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) {
			f.Errorf("record %d: a job was done twice", r)
		}
	}
	if total != dispatchers*each || query.Record(added.Load()) != dispatchers*each {
		f.Errorf("%d jobs were done, want %d", total, dispatchers*each)
	}
}

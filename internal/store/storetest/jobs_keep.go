package storetest

import (
	"slices"
	"sync"

	"kartoteka/internal/catalog"
	"kartoteka/internal/job"
)

func testAgain(f *fixture) {
	f.addJobs(7, 1, 1, 2)
	for range 2 {
		for _, j := range f.claim(7, at("a", 20), 10) {
			f.settle(j, job.Dead, 0)
		}
	}
	f.addJobs(7, 1)
	list, err := f.store.Jobs(f.Context(), hooks, 7, 0, 10)
	if err != nil || len(list) != 4 || list[3].State != job.Dead || list[3].Error != "" || list[3].Status != 200 {
		f.Fatalf("the jobs are %+v (%v)", list, err)
	}
	if older, err := f.store.Jobs(f.Context(), hooks, 7, list[1].ID, 1); err != nil || len(older) != 1 || older[0].ID != list[2].ID {
		f.Errorf("before %d: %+v (%v)", list[1].ID, older, err)
	}
	if n, err := f.store.Again(f.Context(), hooks, 7, 2, 3, 30, 100); err != nil || n != 2 {
		f.Errorf("%d are done again (%v), want 2", n, err)
	}
	// Of record 1 the job with number 1 waits since before, that with 2 is older.
	var order []int64
	for now := int64(30); ; now++ {
		got := f.claim(7, at("a", now), 10)
		if len(got) == 0 {
			break
		}
		for _, j := range got {
			order = append(order, j.Record*10+j.Number)
			f.settle(j, job.Done, 0)
		}
	}
	slices.Sort(order)
	if !slices.Equal(order, []int64{11, 12, 23}) {
		f.Errorf("done again: %v", order)
	}
	if _, ok, err := f.store.Job(f.Context(), hooks, 8, list[0].ID); ok || err != nil {
		f.Errorf("another target has the job (%v)", err)
	}
}

func testDropJobs(f *fixture) {
	f.addJobs(7, 1, 2, 3, 4)
	for _, j := range f.claim(7, at("a", 20), 3) {
		f.settle(j, job.Done, 0)
	}
	drop := func(before, bytes int64, limit int) int {
		n, err := f.store.DropJobs(f.Context(), before, bytes, limit)
		if err != nil {
			f.Fatalf("drop: %v", err)
		}
		return n
	}
	if n := drop(10, 1<<30, 10); n != 0 {
		f.Errorf("%d young ones are dropped", n)
	}
	if n := drop(0, 300, 10); n != 2 { // each is a little over 200 bytes
		f.Errorf("%d are dropped for their size, want 2", n)
	}
	if n := drop(11, 1<<30, 10); n != 1 {
		f.Errorf("%d old ones are dropped, want 1", n)
	}
	if n := drop(1<<40, 0, 10); n != 0 {
		f.Errorf("%d that wait are dropped", n)
	}
}

// testAgainBesideDrop has jobs dropped while they are had done again: those that are
// done again stay, so that no lane waits for what is gone.
func testAgainBesideDrop(f *fixture) {
	for round := range 50 {
		f.addJobs(7, 1, 2, 3, 4, 5, 6, 7, 8)
		for _, j := range f.claim(7, at("a", 20), 10) {
			f.settle(j, job.Done, 0)
		}
		var both sync.WaitGroup
		again := 0
		both.Go(func() {
			var err error
			if again, err = f.store.Again(f.Context(), hooks, 7, 1, 8, 30, 100); err != nil {
				f.Errorf("again: %v", err)
			}
		})
		both.Go(func() {
			if _, err := f.store.DropJobs(f.Context(), 11, 1<<30, 100); err != nil {
				f.Errorf("drop: %v", err)
			}
		})
		both.Wait()
		done := 0
		for got := f.claim(7, at("a", 30), 10); len(got) > 0; got = f.claim(7, at("a", 30), 10) {
			for _, j := range got {
				f.settle(j, job.Done, 0)
				done++
			}
		}
		if done != again {
			f.Fatalf("round %d: %d jobs were to be done again, and %d were", round, again, done)
		}
		if _, some, err := f.store.Next(f.Context(), hooks, "a"); err != nil || some {
			f.Fatalf("round %d: a lane waits for what is gone (%v)", round, err)
		}
	}
}

func testPurgeChanges(f *fixture) {
	for range 5 {
		f.add(goods, "", values{name: catalog.Text("a")})
	}
	if err := f.store.Sequence(f.Context()); err != nil {
		f.Fatal(err)
	}
	last := int64(0)
	f.read(func(r catalog.Reader) (err error) {
		last, err = r.LastChange(f.Context())
		return err
	})
	purge := func(what string, before, want int64) {
		f.Helper()
		if n, err := f.store.PurgeChanges(f.Context(), before, 100); err != nil || n != want {
			f.Errorf("%s: purged %d (%v), want %d", what, n, err, want)
		}
	}
	const young, old = 0, 1 << 60
	purge("young ones", young, 0)
	f.cursor("a", 20)
	purge("a cursor before them all", old, 0)
	move := func(seq int64) {
		if err := f.update(func(w catalog.Writer) error { return w.MoveCursor(f.Context(), "hook", seq) }); err != nil {
			f.Fatal(err)
		}
	}
	move(last - 2)
	f.addJobs(7, 1) // of change 1
	purge("a job without a body", old, 0)
	f.settle(f.claim(7, at("a", 20), 1)[0], job.Pending, 0)
	purge("up to the cursor", old, last-2)
	move(last)
	purge("but the last", old, 1)
	purge("nothing is left", old, 0)
	f.add(goods, "", values{name: catalog.Text("b")})
	f.read(func(r catalog.Reader) error {
		got, err := r.LastChange(f.Context())
		if got < last {
			f.Errorf("numbers went back from %d to %d", last, got)
		}
		return err
	})
}

// testPurgeUnfollowed: a program that ended before it followed any change, and comes
// back late, finds what was set off.
func testPurgeUnfollowed(f *fixture) {
	f.add(goods, "", values{name: catalog.Text("sets off nothing")})
	m := f.mutation(catalog.InsertRecord, goods, f.reserve(goods, 1), values{name: catalog.Text("sets off")})
	m.Change.Fires = []byte(`{"hooks":[1]}`)
	f.mustWrite(m)
	f.add(goods, "", values{name: catalog.Text("the last")})
	if err := f.store.Sequence(f.Context()); err != nil {
		f.Fatal(err)
	}
	purge := func(what string, want int64) {
		f.Helper()
		if n, err := f.store.PurgeChanges(f.Context(), 1<<60, 100); err != nil || n != want {
			f.Errorf("%s: purged %d (%v), want %d", what, n, err, want)
		}
	}
	first := int64(0)
	f.read(func(r catalog.Reader) error {
		list, err := r.Fired(f.Context(), 0, 1<<60, 10)
		if err == nil && len(list) == 1 {
			first = list[0].Seq
		}
		return err
	})
	purge("before anybody followed", first-1)
	purge("again", 0)
	f.cursor("a", 20)
	if err := f.update(func(w catalog.Writer) error { return w.MoveCursor(f.Context(), "hook", first) }); err != nil {
		f.Fatal(err)
	}
	purge("when it was followed", 1)
}

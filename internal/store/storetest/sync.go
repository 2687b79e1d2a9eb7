package storetest

import (
	"bytes"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
)

var synced = []promise{
	{name: "resources of the sync module are read as they were saved", test: testSyncResources},
	{name: "two resources of a kind have no code in common", test: testSyncCodes},
	{name: "an answer is kept until it is old", test: testSyncAnswers},
	{name: "an answer is kept once", test: testSyncAnswerOnce},
	{name: "old answers are dropped, a bounded number at once", test: testSyncAnswersDropped},
	{name: "an identifier is reserved until the end of the transaction", test: testSyncReserved},
}

func (f *fixture) sync(fn func(w apisync.Writer) error) error {
	return f.update(func(w catalog.Writer) error { return fn(w.(apisync.Writer)) })
}

func (f *fixture) mustSync(fn func(w apisync.Writer) error) {
	f.Helper()
	if err := f.sync(fn); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) wantResources(want ...apisync.Resource) {
	f.Helper()
	got, err := f.store.SyncResources(f.Context())
	if err != nil || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		f.Errorf("resources %+v (%v), want %+v", got, err, want)
	}
}

func testSyncResources(f *fixture) {
	f.wantResources()
	list := []apisync.Resource{
		{Kind: apisync.ConfigKind, Code: "a-b", Version: 1, Created: 5, Updated: 6, Body: []byte(`{"name":"Ґанок \u0000 ' \" ?"}`)},
		{Kind: apisync.ConfigKind, Code: "a_a", Version: 2, Created: 5, Updated: 6, Body: []byte(`{}`)},
		{Kind: apisync.ConfigKind, Code: "aa", Version: 3, Created: 5, Updated: 6, Body: bytes.Repeat([]byte("я"), 1<<20)},
		{Kind: apisync.ScriptKind, Code: "aa", Version: 1, Created: 5, Updated: 6, Body: []byte(`{}`)},
		{Kind: apisync.SettingsKind, Version: 1, Created: 5, Updated: 6, Body: []byte(`{}`)},
	}
	f.mustSync(func(w apisync.Writer) error {
		for i := range slices.Backward(list) {
			list[i].ID = 0
			if err := w.SaveSyncResource(f.Context(), &list[i]); err != nil {
				return err
			}
		}
		inside, err := w.SyncResources(f.Context())
		if err == nil && !reflect.DeepEqual(inside, list) {
			f.Errorf("in the transaction: %+v", inside)
		}
		return err
	})
	f.wantResources(list...)
	changed := apisync.Resource{ID: list[1].ID, Kind: apisync.ConfigKind, Code: "zz", Version: 9, Created: 7, Updated: 8, Body: []byte(`{"a":1}`)}
	last := list[4].ID
	f.mustSync(func(w apisync.Writer) error {
		if err := w.DeleteSyncResource(f.Context(), list[0].ID); err != nil {
			return err
		}
		return w.SaveSyncResource(f.Context(), &changed)
	})
	f.wantResources(list[2], changed, list[3], list[4])
	f.store = f.open(f)
	f.wantResources(list[2], changed, list[3], list[4])
	f.mustSync(func(w apisync.Writer) error { return w.DeleteSyncResource(f.Context(), last) })
	fresh := apisync.Resource{Kind: apisync.SettingsKind, Body: []byte(`{}`)}
	f.mustSync(func(w apisync.Writer) error { return w.SaveSyncResource(f.Context(), &fresh) })
	for _, r := range list {
		if r.ID == fresh.ID || fresh.ID == 0 {
			f.Errorf("the id %d was given again", fresh.ID)
		}
	}
	gone := apisync.Resource{ID: 1 << 40, Kind: apisync.ScriptKind, Code: "q", Body: []byte(`{}`)}
	if err := f.sync(func(w apisync.Writer) error { return w.SaveSyncResource(f.Context(), &gone) }); err == nil {
		f.Error("a resource that is not there was updated")
	}
}

func testSyncCodes(f *fixture) {
	save := func(k apisync.Kind, code string) error {
		return f.sync(func(w apisync.Writer) error {
			return w.SaveSyncResource(f.Context(), &apisync.Resource{Kind: k, Code: code, Body: []byte(`{}`)})
		})
	}
	if err := save(apisync.ConfigKind, "one"); err != nil {
		f.Fatal(err)
	}
	if err := save(apisync.ScriptKind, "one"); err != nil {
		f.Error(err)
	}
	if err := save(apisync.ConfigKind, "one"); err == nil {
		f.Error("two configs have one code")
	}
}

func digest(b byte) []byte { return bytes.Repeat([]byte{b, 0}, 16) }

func (f *fixture) keep(a *apisync.Answer, since int64) (kept bool) {
	f.Helper()
	f.mustSync(func(w apisync.Writer) (err error) {
		kept, err = w.KeepSyncAnswer(f.Context(), a, since)
		return err
	})
	return kept
}

func (f *fixture) answer(key []byte, since int64) *apisync.Answer {
	f.Helper()
	a, err := f.store.SyncAnswer(f.Context(), key, since)
	if err != nil {
		f.Fatal(err)
	}
	return a
}

func testSyncAnswers(f *fixture) {
	if a := f.answer(digest(1), 0); a != nil {
		f.Errorf("found %+v", a)
	}
	full := &apisync.Answer{Key: digest(1), Hash: digest(9), At: 100, Status: 201, Headers: []byte(`{"Location":"/я"}`), Body: []byte("{\"a\":\x00\xff}")}
	empty := &apisync.Answer{Key: digest(2), Hash: digest(9), At: 100, Status: 204, Headers: []byte(`{}`), Body: []byte{}}
	large := &apisync.Answer{Key: digest(3), Hash: digest(9), At: 100, Status: 200, Headers: []byte(`{}`)}
	for _, a := range []*apisync.Answer{full, empty, large} {
		if !f.keep(a, 50) {
			f.Errorf("answer %x was not kept", a.Key[0])
		}
		if got := f.answer(a.Key, 100); !reflect.DeepEqual(got, a) {
			f.Errorf("kept %+v, not %+v", got, a)
		}
	}
	if a := f.answer(digest(1), 101); a != nil {
		f.Errorf("an old answer is given: %+v", a)
	}
	next := &apisync.Answer{Key: digest(1), Hash: digest(8), At: 200, Status: 200, Headers: []byte(`{}`), Body: []byte("b")}
	if f.keep(next, 100) || !reflect.DeepEqual(f.answer(digest(1), 0), full) {
		f.Error("an answer has replaced a young one")
	}
	if !f.keep(next, 101) || !reflect.DeepEqual(f.answer(digest(1), 0), next) {
		f.Error("an answer has not replaced an old one")
	}
}

// testSyncAnswerOnce has two requests of one key meet.
func testSyncAnswerOnce(f *fixture) {
	const n = 6
	kept := make(chan bool, n)
	for i := range n {
		go func() {
			a := &apisync.Answer{Key: digest(1), Hash: digest(byte(i)), At: 100, Status: 200, Headers: []byte(`{}`)}
			ok := false
			err := f.sync(func(w apisync.Writer) (err error) {
				ok, err = w.KeepSyncAnswer(f.Context(), a, 50)
				return err
			})
			if err != nil {
				f.Error(err)
			}
			kept <- ok
		}()
	}
	times := 0
	for range n {
		if <-kept {
			times++
		}
	}
	if times != 1 {
		f.Errorf("one key was kept %d times", times)
	}
}

func testSyncAnswersDropped(f *fixture) {
	for i := range byte(5) {
		f.keep(&apisync.Answer{Key: digest(i), Hash: digest(9), At: 100 + int64(i), Status: 200, Headers: []byte(`{}`)}, 0)
	}
	drop := func(before int64, limit int) (n int) {
		f.Helper()
		f.mustSync(func(w apisync.Writer) (err error) {
			n, err = w.DropSyncAnswers(f.Context(), before, limit)
			return err
		})
		return n
	}
	if a, b, c := drop(104, 3), drop(104, 3), drop(104, 3); a != 3 || b != 1 || c != 0 {
		f.Errorf("dropped %d, %d, %d of 4", a, b, c)
	}
	if f.answer(digest(3), 0) != nil || f.answer(digest(4), 0) == nil {
		f.Error("another one than the old ones was dropped")
	}
}

// testSyncReserved: from a reservation to the end of its transaction nobody else is
// that far.
func testSyncReserved(f *fixture) {
	const n = 4
	var inside atomic.Int64
	done := make(chan error, n)
	for range n {
		go func() {
			done <- f.sync(func(w apisync.Writer) error {
				if err := w.ReserveSyncIdentifier(f.Context(), goods, "name ' ?"); err != nil {
					return err
				}
				if inside.Add(1) > 1 {
					f.Error("two transactions have one identifier")
				}
				defer inside.Add(-1)
				list, err := w.SyncResources(f.Context())
				if err != nil || len(list) > 0 {
					return err
				}
				time.Sleep(20 * time.Millisecond) // the others come here meanwhile if they may
				return w.SaveSyncResource(f.Context(), &apisync.Resource{Kind: apisync.ScriptKind, Code: "x", Body: []byte(`{}`)})
			})
		}()
	}
	for range n {
		if err := <-done; err != nil {
			f.Error(err)
		}
	}
	if list, err := f.store.SyncResources(f.Context()); err != nil || len(list) != 1 {
		f.Errorf("there are %d resources (%v)", len(list), err)
	}
}

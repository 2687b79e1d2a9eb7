package crashtest

import (
	"context"
	"maps"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// judge compares what arrived with what was written.
func (r *run) judge() {
	for _, s := range r.subs {
		all := r.receivers.of(s)
		r.judgeMessages(s, all)
		r.judgeOrder(s, all)
		r.judgeWhole(s, all)
	}
	for _, c := range r.catalogs {
		want := map[query.Record]int{}
		for _, k := range r.records {
			if k.catalog == c {
				want[k.record] = r.values[k]
			}
		}
		if got := r.stored(c); !maps.Equal(got, want) {
			r.failf("catalog %d holds %v, want %v", c, got, want)
		}
	}
}

// judgeMessages: a message is one event and stays the same, and none is invented.
func (r *run) judgeMessages(s *sub, all []receipt) {
	byID, byNumber, numbers := map[string]receipt{}, map[int64]string{}, map[event]int64{}
	for _, got := range all {
		if first, known := byID[got.id]; known && (first.body != got.body) {
			r.failf("%v: %s changed from\n%s\nto\n%s", s, got.id, first.body, got.body)
		}
		byID[got.id] = got
		if id, known := byNumber[got.number]; known && id != got.id {
			r.failf("%v: number %d is of %s and of %s", s, got.number, id, got.id)
		}
		byNumber[got.number] = got.id
		if n, known := numbers[got.event]; known && n != got.number {
			r.failf("%v: %+v has the numbers %d and %d", s, got.event, n, got.number)
		}
		numbers[got.event] = got.number
		if !s.wants(got.event) || !slices.Contains(r.events, got.event) {
			r.failf("%v: %+v was never written", s, got.event)
		}
	}
	last := int64(0)
	for _, e := range r.events {
		if n, known := numbers[e]; known {
			if n <= last {
				r.failf("%v: %+v has number %d after %d", s, e, n, last)
			}
			last = n
		}
	}
}

// judgeOrder: the events of a record come first in their order, and with several
// attempts none before the one before it was taken. After a pause that is nobody's
// promise: what it kept back comes when it is sent again.
func (r *run) judgeOrder(s *sub, all []receipt) {
	if r.paused[s] {
		return
	}
	place, next := map[event]int{}, map[lane]int{}
	for _, e := range r.events {
		if s.wants(e) {
			place[e] = next[e.lane()]
			next[e.lane()]++
		}
	}
	came, taken := map[lane]int{}, map[lane]int{}
	for _, got := range all {
		l, n := got.event.lane(), place[got.event]
		if n > came[l] {
			r.failf("%v: %+v came after only %d of the %d before it", s, got.event, came[l], n)
		}
		if n == came[l] && s.retries && s.temper != broken && taken[l] < n {
			r.failf("%v: %+v came before the one before it was taken", s, got.event)
		}
		came[l] = max(came[l], n+1)
		if got.taken() {
			taken[l] = max(taken[l], n+1)
		}
	}
}

// judgeWhole: nothing is missing.
func (r *run) judgeWhole(s *sub, all []receipt) {
	number, there := r.subscription(s)
	if s.temper == ending {
		if ended := r.receivers.ended[s]; there == ended {
			r.failf("%v: ended by its receiver %v, but there %v", s, ended, there)
		}
		if !there {
			return
		}
	}
	if (r.paused[s] || s.temper == broken) && r.aged {
		return // what was given up may have been dropped before it could be sent again
	}
	arrived := map[int64]bool{} // or attempted, where one attempt is all
	for _, got := range all {
		arrived[got.number] = arrived[got.number] || !s.retries || got.taken()
	}
	for n := int64(1); n <= number; n++ {
		if !arrived[n] {
			r.failf("%v: number %d of %d is missing", s, n, number)
		}
	}
	if len(arrived) != int(number) {
		r.failf("%v: %d numbers came, the last is %d", s, len(arrived), number)
	}
	if r.paused[s] {
		return // what happened during the pause has no number
	}
	want := 0
	for _, e := range r.events {
		if s.wants(e) {
			want++
		}
	}
	if int(number) != want {
		r.failf("%v: it had %d events, the last has number %d", s, want, number)
	}
}

// subscription reads a subscription's number of the last event; false when it is
// gone.
func (r *run) subscription(s *sub) (number int64, there bool) {
	st, err := r.p.Catalog.Structure(r.Context())
	if err != nil {
		r.fatal(err)
	}
	hooks := st.Catalog(catalog.Webhooks)
	f := hooks.FieldByKey("$sequenceId")
	err = r.p.Store.View(context.Background(), st.Version, func(tx catalog.Reader) error {
		page, err := tx.Rows(r.Context(), hooks, []*catalog.Field{f}, []query.Record{s.record})
		if err == nil && page.Len() == 1 {
			n, _ := catalog.CellValue(f, page, page.Cell(0, 0)).(catalog.Number)
			number, there = int64(n), true
		}
		return err
	})
	if err != nil {
		r.fatal(err)
	}
	return number, there
}

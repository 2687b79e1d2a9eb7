package crashtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// needed are the tempers that processes pass a step with.
var needed = map[string]temper{
	"circuit opened": broken, "failures forgiven": broken, "given up": broken, "leases renewed": flaky, "missed": ending,
	"pause begins": broken, "pause committed": broken, "pause written": broken, "removal committed": ending, "removal written": ending,
	"delayed": broken,
}

// subscribe makes the subscriptions, while nothing fails.
func (r *run) subscribe() {
	st, err := r.p.Catalog.Structure(r.Context())
	if err != nil {
		r.fatal(err)
	}
	for i := range 3 {
		c := st.CatalogByKey(fmt.Sprint("things", i))
		r.catalogs = append(r.catalogs, c.Num)
		r.receivers.nums[c.Key] = c.Num
	}
	hooks := st.Catalog(catalog.Webhooks)
	for i := range 2 + r.rng.IntN(3) {
		s := &sub{path: fmt.Sprint("/", i), catalog: r.catalogs[r.rng.IntN(2)], temper: tempers[r.rng.IntN(len(tempers))], lasts: r.rng.IntN(6)}
		if i == 0 { // what the step needs that the first process is to die at
			s.temper = cmp.Or(needed[r.firstStep()], s.temper)
			r.receivers.hang = r.firstStep() == "leases renewed"
		}
		s.retries = s.temper == broken || r.rng.IntN(3) > 0
		s.events = []catalog.HookEvent{catalog.AfterCreate, catalog.AfterUpdate, catalog.AfterDelete}
		if r.rng.IntN(3) == 0 {
			s.events = slices.Delete(s.events, 0, 1+r.rng.IntN(2))
		}
		r.receivers.subs[s.path] = s
		s.record = r.apply(catalog.Create{Catalog: hooks.Num, Values: r.asRecord(hooks, s)})[0].Record
		r.subs = append(r.subs, s)
	}
}

// asRecord gives the values of a subscription.
func (r *run) asRecord(hooks *catalog.Catalog, s *sub) []catalog.FieldValue {
	item := func(field, key string) catalog.Items {
		return catalog.Items{hooks.FieldByKey(field).Config.ItemByKey(key).Num}
	}
	retry := "$once"
	if s.retries {
		retry = "$standard"
	}
	var events catalog.Items
	for _, e := range s.events {
		events = append(events, item("$events", string(e))...)
	}
	link := catalog.Link{Link: query.Link{Catalog: 1, Key: query.Key{Record: query.Record(s.catalog)}}}
	values := map[string]catalog.Value{
		"$catalog": catalog.Links{link}, "$events": events, "$url": catalog.Text(r.w.URL(s.path)), "$retry": item("$retry", retry),
		"$signing": catalog.Text("secret"),
	}
	var list []catalog.FieldValue
	for key, v := range values {
		list = append(list, catalog.FieldValue{Field: hooks.FieldByKey(key).Num, Value: v})
	}
	return list
}

// apply writes what must succeed.
func (r *run) apply(ops ...catalog.Op) []catalog.Outcome {
	r.Helper()
	list, err := r.p.Catalog.Apply(r.Context(), boss, ops, nil)
	if err != nil {
		r.fatal(err)
	}
	return list
}

// write creates, changes and removes some records at once.
func (r *run) write() {
	if r.p.Died() {
		return
	}
	st, err := r.p.Catalog.Structure(r.Context())
	if err != nil {
		if !r.p.Died() {
			r.fatal(err)
		}
		return
	}
	var ops []catalog.Op
	var events []event
	for range 1 + r.rng.IntN(2)*r.rng.IntN(4) {
		op, e := r.oneWrite(st)
		if e.record == 0 || !slices.ContainsFunc(events, func(o event) bool { return o.lane() == e.lane() }) {
			ops, events = append(ops, op), append(events, e)
		}
	}
	done, err := r.p.Catalog.Apply(r.Context(), boss, ops, nil)
	switch {
	case err == nil:
		for i := range events {
			events[i].record = done[i].Record
		}
		r.note(events)
	case r.p.Died():
		r.unsure = events
	default:
		r.fatal(err)
	}
}

// burst changes one record of the first subscription's catalog several times.
func (r *run) burst() {
	st, err := r.p.Catalog.Structure(r.Context())
	if err != nil {
		r.fatal(err)
	}
	s := r.subs[0]
	s.lasts = 0
	value := func() []catalog.FieldValue {
		r.n++
		return []catalog.FieldValue{{Field: st.Catalog(s.catalog).FieldByKey("n").Num, Value: catalog.Number(r.n)}}
	}
	e := event{s.catalog, 0, catalog.AfterCreate, r.n + 1}
	for op := catalog.Op(catalog.Create{Catalog: s.catalog, Values: value()}); len(r.events) < 8; {
		done, err := r.p.Catalog.Apply(r.Context(), boss, []catalog.Op{op}, nil)
		if err != nil {
			r.unsure = []event{e}
			return
		}
		e.record = done[0].Record
		r.note([]event{e})
		op = catalog.Update{Catalog: s.catalog, Record: query.Key{Record: e.record}, Values: value()}
		e = event{s.catalog, e.record, catalog.AfterUpdate, r.n}
	}
}

func (r *run) oneWrite(st *catalog.Structure) (catalog.Op, event) {
	r.n++
	c := st.Catalog(r.catalogs[r.rng.IntN(len(r.catalogs))])
	values := []catalog.FieldValue{{Field: c.FieldByKey("n").Num, Value: catalog.Number(r.n)}}
	for _, f := range c.Fields {
		if f.Type.Name() == "text" {
			values = append(values, catalog.FieldValue{Field: f.Num, Value: catalog.Text(fmt.Sprint("note ", r.n))})
		}
	}
	if kind := r.rng.IntN(10); kind < 7 && len(r.records) > 3 {
		k := r.records[r.rng.IntN(len(r.records))]
		if kind == 0 {
			return catalog.Delete{Catalog: k.catalog, Record: query.Key{Record: k.record}}, event{k.catalog, k.record, catalog.AfterDelete, 0}
		}
		if k.catalog == c.Num {
			return catalog.Update{Catalog: c.Num, Record: query.Key{Record: k.record}, Values: values}, event{c.Num, k.record, catalog.AfterUpdate, r.n}
		}
	}
	return catalog.Create{Catalog: c.Num, Values: values}, event{c.Num, 0, catalog.AfterCreate, r.n}
}

// note adds a commit to the model.
func (r *run) note(events []event) {
	for _, e := range events {
		k := e.lane()
		switch e.kind {
		case catalog.AfterCreate:
			r.records = append(r.records, k)
			r.values[k] = e.n
		case catalog.AfterUpdate:
			r.values[k] = e.n
		case catalog.AfterDelete:
			r.records = slices.DeleteFunc(r.records, func(o lane) bool { return o == k })
			delete(r.values, k)
		}
	}
	r.events = append(r.events, events...)
}

// resolve finds out whether the write whose answer was lost was stored: as a whole or
// not at all.
func (r *run) resolve() {
	r.Helper()
	unsure := r.unsure
	if len(unsure) == 0 {
		return
	}
	found := 0
	for i := range unsure {
		e := &unsure[i]
		got := r.stored(e.catalog)
		switch e.kind {
		case catalog.AfterCreate:
			for n, value := range got {
				if value == e.n {
					e.record = n
					found++
				}
			}
		case catalog.AfterUpdate:
			if got[e.record] == e.n {
				found++
			}
		case catalog.AfterDelete:
			if _, there := got[e.record]; !there {
				found++
			}
		}
		if r.p.Died() {
			return // at the next start
		}
	}
	r.unsure = nil
	switch found {
	case len(unsure):
		r.note(unsure)
	case 0:
	default:
		r.failf("of a write %v only %d were stored", unsure, found)
	}
}

// stored gives the values of a catalog's records; anything when the process dies.
func (r *run) stored(c query.Catalog) map[query.Record]int {
	r.Helper()
	got := map[query.Record]int{}
	rows, err := r.p.Catalog.Records(r.Context(), boss, c, query.Query{Limit: 10_000}, nil)
	if err != nil {
		if !r.p.Died() {
			r.fatal(err)
		}
		return got
	}
	for i := range rows.Page.Len() {
		for j, f := range rows.Fields {
			if f.Key == "n" {
				n, _ := catalog.CellValue(f, rows.Page, rows.Page.Cell(i, j)).(catalog.Number)
				got[rows.Page.Record(i)] = int(n)
			}
		}
	}
	return got
}

// reshapeOne reshapes one of the catalogs.
func (r *run) reshapeOne() {
	r.Helper()
	if err := r.reshape(r.p.Catalog, r.catalogs[r.rng.IntN(len(r.catalogs))]); err != nil && !r.p.Died() {
		r.fatal(err)
	}
}

// reshape takes a note from a catalog or gives it another one: a message that was made
// anew would be another one.
func (r *run) reshape(s *catalog.Service, n query.Catalog) error {
	st, err := s.Structure(r.Context())
	if err != nil {
		return err
	}
	c := st.Catalog(n)
	fields := []catalog.FieldInput{{Num: c.FieldByKey("n").Num}}
	if len(c.Fields) == 1 {
		r.n++
		fields = append(fields, catalog.FieldInput{Key: pointer(fmt.Sprint("note", r.n)), Type: "text", Name: pointer("Note")})
	}
	_, err = s.UpdateCatalog(r.Context(), boss, c.Key, catalog.CatalogInput{Fields: fields})
	return err
}

// again switches subscriptions on that were paused, and has everything sent once more
// that is over.
func (r *run) again() {
	r.notePauses()
	for _, s := range r.subs {
		err := r.wakeUp(s)
		if err == nil {
			_, err = r.p.Hooks.ResendAll(r.Context(), boss, query.Key{Record: s.record}, 1, 1<<40)
		}
		if err != nil && !r.p.Died() && s.temper != ending {
			r.fatal(err)
		}
	}
}

// wakeUp makes a subscription active.
func (r *run) wakeUp(s *sub) error {
	st, err := r.p.Catalog.Structure(r.Context())
	if err != nil || st.Hook(s.record) != nil {
		return err
	}
	f := st.Catalog(catalog.Webhooks).FieldByKey("$state")
	value := catalog.FieldValue{Field: f.Num, Value: catalog.Items{f.Config.ItemByKey("$active").Num}}
	op := catalog.Update{Catalog: catalog.Webhooks, Record: query.Key{Record: s.record}, Values: []catalog.FieldValue{value}}
	_, err = r.p.Catalog.Apply(r.Context(), boss, []catalog.Op{op}, nil)
	return err
}

// notePauses notes which subscriptions the server has paused.
func (r *run) notePauses() {
	st, err := r.p.Catalog.Structure(r.Context())
	if err != nil {
		if !r.p.Died() && !errors.Is(err, ErrDead) {
			r.fatal(err)
		}
		return
	}
	for _, s := range r.subs {
		r.paused[s] = r.paused[s] || st.Hook(s.record) == nil
	}
}

package server

import (
	"maps"
	"net/http"
	"reflect"
	"slices"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// createByRights lets somebody make a record.
func (w *rightsWorld) createByRights() {
	a, c := w.reader()
	r, send := &record{of: c, values: map[*field]any{}}, map[string]any{}
	for _, f := range c.fields {
		if w.chance(30) {
			w.newValue(r, f, send)
		}
	}
	var refused []string
	unlinkable := false
	for _, f := range c.fields {
		if _, sent := send[f.key]; !sent {
			continue
		}
		switch right := w.settable(a, c, f); {
		case right == catalog.HideField:
			refused = append(refused, "field_hidden")
		case right == catalog.ViewField && r.values[f] != nil:
			refused = append(refused, "field_readonly")
		}
		unlinkable = unlinkable || w.unlinkable(a, f, nil, linksOf(r, f))
	}
	switch {
	case !w.sees(a, c) || !w.creates(a, c):
		refused = []string{"forbidden"}
	case refused == nil && unlinkable:
		refused = []string{"validation_failed"}
	}
	adopt := func(got answer) { w.adoptRecord(a.person, r, got) }
	got := w.write(a, http.MethodPost, "/catalogs/"+c.key+"/records", map[string]any{"values": send}, adopt)
	if refused != nil {
		w.refused(got, refused...)
		w.sameNumbers(c)
		return
	}
	w.expect(got, true)
	w.stored(r)
}

// unlinkable tells whether one of the new links may not be made because the
// field offers only what the asker may view.
func (w *rightsWorld) unlinkable(a asker, f *field, old, links []*record) bool {
	return f.accessOnly && slices.ContainsFunc(links, func(l *record) bool {
		return !slices.Contains(old, l) && w.privilege(a, l) < catalog.ViewPrivilege
	})
}

// changeByRights lets somebody change a record.
func (w *rightsWorld) changeByRights() {
	a, c := w.reader()
	r := w.someRecord(c)
	if r == nil {
		return
	}
	after := &record{of: c, num: r.num, values: maps.Clone(r.values)}
	send := map[string]any{}
	for range 1 + w.rng.IntN(3) {
		f := w.someField(c, a.person)
		if f.typ != "object" && f.typ != "user" && f.typ != "contact" && w.chance(25) {
			send[f.key], after.values[f] = r.wantValue(f, nil), r.values[f]
			if r.values[f] == nil {
				delete(after.values, f)
			}
			continue
		}
		w.newValue(after, f, send)
	}
	w.owned(after, r)
	e := &pastEntry{r: r, kind: "UPDATE", by: a.person}
	refused := w.refusesChange(a, r, after, send, e)
	got := w.write(a, http.MethodPatch, "/catalogs/"+c.key+"/records/"+r.id(), map[string]any{"values": send}, func(answer) { w.change(r, after, e) })
	if refused != nil {
		w.refused(got, refused...)
	} else {
		w.expect(got, true)
	}
	w.stored(r)
}

// refusesChange gives the codes by which a change may be refused, and notes what
// it changes in e.
func (w *rightsWorld) refusesChange(a asker, r, after *record, send map[string]any, e *pastEntry) (refused []string) {
	unlinkable := false
	for _, f := range r.of.fields {
		if _, sent := send[f.key]; !sent {
			continue
		}
		changed := !reflect.DeepEqual(r.values[f], after.values[f])
		if changed {
			e.fields = append(e.fields, f)
		}
		switch right := w.right(a, r, f); {
		case right == catalog.HideField:
			refused = append(refused, "field_hidden")
		case right == catalog.ViewField && changed:
			refused = append(refused, "field_readonly")
		}
		unlinkable = unlinkable || w.unlinkable(a, f, linksOf(r, f), linksOf(after, f))
	}
	switch {
	case !w.sees(a, r.of):
		return []string{"forbidden"}
	case !a.may(r.of, "update") || w.privilege(a, r) < catalog.ViewPrivilege:
		return []string{"forbidden", "field_hidden"}
	case refused == nil && unlinkable:
		return []string{"validation_failed"}
	}
	return refused
}

// changeLinkedByRights lets somebody change a record through the card of one that
// links it, which stays as it is.
func (w *rightsWorld) changeLinkedByRights() {
	a, f := w.asker(), pick(w.rng, linkFields(w.catalogs)...)
	r := w.someRecord(w.catalogOf(f))
	if r == nil || len(linksOf(r, f)) == 0 || len(f.shown) == 0 {
		return
	}
	l, g := pick(w.rng, linksOf(r, f)...), pick(w.rng, f.shown...)
	if l == r || l.removed || !g.edit {
		return
	}
	after, send := &record{of: l.of, num: l.num, values: maps.Clone(l.values)}, map[string]any{}
	w.newValue(after, g.field, send)
	w.owned(after, l)
	var links []any
	for _, to := range linksOf(r, f) {
		element := map[string]any{"catalogId": to.of.key, "recordId": to.id()}
		if to == l {
			element["recordValues"] = send
		}
		links = append(links, element)
	}
	e := &pastEntry{r: l, kind: "UPDATE", by: a.person}
	refused := append(w.refusesChange(a, r, r, map[string]any{f.key: links}, &pastEntry{}), w.refusesChange(a, l, after, send, e)...)
	path := "/catalogs/" + r.of.key + "/records/" + r.id()
	got := w.write(a, http.MethodPatch, path, map[string]any{"values": map[string]any{f.key: links}}, func(answer) { w.change(l, after, e) })
	if refused != nil {
		w.refused(got, refused...)
	} else {
		w.expect(got, true)
	}
	w.stored(l)
	w.stored(r)
}

// owned gives the marks of a draft to its record.
func (w *rightsWorld) owned(draft, r *record) {
	for text, m := range w.owners {
		if m.r == draft {
			w.owners[text] = mark{r, m.f}
		}
	}
}

// change makes a change the model's.
func (w *rightsWorld) change(r, after *record, e *pastEntry) {
	w.follow(r, r, after)
	r.values = after.values
	if len(e.fields) > 0 {
		w.past = append(w.past, e)
	}
}

// deleteByRights lets somebody delete a record.
func (w *rightsWorld) deleteByRights() {
	a, c := w.reader()
	r := w.someRecord(c)
	if r == nil {
		return
	}
	ok := w.sees(a, c) && a.may(c, "delete") && w.privilege(a, r) >= catalog.DeletePrivilege
	got := w.write(a, http.MethodDelete, "/catalogs/"+c.key+"/records/"+r.id(), nil, func(answer) {
		r.remove()
		w.past = append(w.past, &pastEntry{r: r, kind: "REMOVED", by: a.person})
	})
	if !ok {
		w.refused(got, "forbidden")
	} else {
		w.expect(got, true)
	}
	w.sameNumbers(c)
}

// commentByRights lets somebody comment a record.
func (w *rightsWorld) commentByRights() {
	a, c := w.reader()
	r := w.someRecord(c)
	if r == nil {
		return
	}
	w.marks++
	text := markText(w.marks)
	body := map[string]any{"catalogId": c.key, "recordId": r.id(), "type": "COMMENT", "payload": map[string]any{"message": text}}
	ok := w.sees(a, c) && a.may(c, "update") && w.privilege(a, r) >= catalog.ViewPrivilege
	got := w.write(a, http.MethodPost, "/histories", body, func(answer) {
		w.owners[text] = mark{r: r}
		w.past = append(w.past, &pastEntry{r: r, kind: "COMMENT", by: a.person})
	})
	if !ok {
		w.refused(got, "forbidden")
		return
	}
	w.expect(got, true)
}

var system = catalog.Actor{System: true}

// stored compares what is stored of a record with the model.
func (w *rightsWorld) stored(r *record) {
	w.t.Helper()
	for _, s := range w.sides {
		rows, err := s.app.Catalog.Record(w.t.Context(), system, query.Catalog(r.of.num), query.Key{Record: query.Record(r.num)}, nil)
		if err != nil {
			w.fail("read record %d of catalog %s on %s: %v", r.num, r.of.key, s.name, err)
		}
		a := answer{body: string(bpium.EncodeRecord(nil, rows, bpium.EncodeOptions{}))}
		w.compare(r, parse[shownRecord](w.world, a), everything(r.of))
	}
}

// sameNumbers compares which records a catalog has.
func (w *rightsWorld) sameNumbers(c *cat) {
	w.t.Helper()
	for _, s := range w.sides {
		q := query.Query{Limit: 1000, Sort: query.Sort{By: query.ByID}}
		rows, err := s.app.Catalog.Records(w.t.Context(), system, query.Catalog(c.num), q, &catalog.Selection{Fields: []*catalog.Field{}})
		if err != nil {
			w.fail("list catalog %s on %s: %v", c.key, s.name, err)
		}
		numbers := make([]int, rows.Page.Len())
		for i := range numbers {
			numbers[i] = int(rows.Page.Record(i))
		}
		same(w, "the records of catalog "+c.key+" on "+s.name, numbers, numbersOf(c.records))
	}
}

package server

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"kartoteka/internal/catalog"
)

// linkFields are the link fields of some catalogs.
func linkFields(catalogs []*cat) (list []*field) {
	for _, c := range catalogs {
		for _, f := range c.fields {
			if f.typ == "object" {
				list = append(list, f)
			}
		}
	}
	return list
}

type seenRelation struct {
	ID, FieldID, PrivilegeCode string
	Records                    []struct{ ID, Title string }
	RecordsTotal               int
}

// readRelations reads who refers to a record.
func (w *rightsWorld) readRelations() {
	a, c := w.reader()
	r := w.someRecord(c)
	if r == nil {
		return
	}
	params, limit, offset := url.Values{}, 100, 0
	if w.chance(30) {
		limit, offset = 1+w.rng.IntN(3), w.rng.IntN(3)
		params.Set("limit", strconv.Itoa(limit))
		params.Set("offset", strconv.Itoa(offset))
	}
	got := w.read(a, "/catalogs/"+c.key+"/records/"+r.id()+"/relations", params)
	if !w.opens(a, c, got) {
		return
	}
	if !w.readable(a, r) {
		w.refused(got, "forbidden")
		return
	}
	w.expect(got, true)
	want := []seenRelation{}
	for _, f := range linkFields(w.allCatalogs()) {
		of := w.catalogOf(f)
		if f.sources[0] != c || !w.sees(a, of) || !w.shown(a, of, f) {
			continue
		}
		one := seenRelation{ID: of.key, FieldID: f.key, PrivilegeCode: w.level(a, of).Code(), Records: []struct{ ID, Title string }{}}
		for _, x := range slices.Backward(of.records) {
			if slices.Contains(linksOf(x, f), r) && w.visible(a, x, f) {
				one.Records = append(one.Records, struct{ ID, Title string }{x.id(), w.title(a.person, x)})
			}
		}
		one.RecordsTotal = len(one.Records)
		one.Records = one.Records[min(offset, one.RecordsTotal):min(offset+limit, one.RecordsTotal)]
		want = append(want, one)
	}
	shown := parse[[]seenRelation](w.world, got)
	by := func(x, y seenRelation) int {
		return cmp.Or(cmp.Compare(x.ID, y.ID), cmp.Compare(x.FieldID, y.FieldID))
	}
	slices.SortFunc(want, by)
	slices.SortFunc(shown, by)
	same(w, "relations", shown, want)
}

type seenLink struct {
	CatalogID, RecordID, RecordTitle string
	RecordValues                     map[string]any
}

// byTitle sorts records by the titles that the asker sees: hidden ones are last.
func (w *rightsWorld) byTitle(a asker, list []*record) {
	slices.SortFunc(list, func(x, y *record) int {
		hiddenX, hiddenY := !w.titled(a.person, x), !w.titled(a.person, y)
		switch {
		case hiddenX != hiddenY:
			return b2i(hiddenX) - b2i(hiddenY)
		case hiddenX:
			return cmp.Compare(x.num, y.num)
		}
		return cmp.Or(collator(x.shownTitle(), y.shownTitle()), cmp.Compare(x.num, y.num))
	})
}

// titlePart is a random part of titles to look for, or nothing.
func (w *rightsWorld) titlePart(params url.Values) string {
	if !w.chance(40) {
		return ""
	}
	part := "kw" + pick(w.rng, "a", "b", "c")
	params.Set("title", part)
	return part
}

// readCandidates reads what a link field may link.
func (w *rightsWorld) readCandidates() {
	a, f := w.asker(), pick(w.rng, linkFields(w.catalogs)...)
	c, source := w.catalogOf(f), f.sources[0]
	params := url.Values{}
	part := w.titlePart(params)
	var filter []rightsCond
	if w.chance(30) {
		filter = w.filterOf(source, 0, a.person)
		ask := []any{map[string]any{"catalogId": source.key, "filters": form(filter)}}
		params.Set("recordsFilters", asJSON(ask))
	}
	got := w.read(a, "/catalogs/"+c.key+"/fields/"+f.key+"/availableRecords", params)
	if !w.opens(a, c, got) {
		return
	}
	if !w.known(a, c, f) || w.hides(a, filter) {
		w.refused(got, "field_hidden")
		return
	}
	w.expect(got, true)
	var list []*record
	for _, l := range source.records {
		viewed := w.sees(a, source) && w.readable(a, l)
		if !viewed && (f.accessOnly || filter != nil) || !a.may(source, "read") {
			continue
		}
		if contains(w.title(a.person, l), part) && w.holds(filter, a.person, &a, l) {
			list = append(list, l)
		}
	}
	w.sameLinks(a, got, list, f)
}

// sameLinks compares answered candidates; f shows some of their fields.
func (w *rightsWorld) sameLinks(a asker, got answer, list []*record, f *field) {
	w.t.Helper()
	w.byTitle(a, list)
	want := []seenLink{}
	for _, l := range list {
		one := seenLink{CatalogID: l.of.key, RecordID: l.id(), RecordTitle: w.title(a.person, l)}
		if f != nil {
			fields := []*field{}
			for _, s := range f.shown {
				fields = append(fields, s.field)
			}
			one.RecordValues = w.linkedValues(a, l, fields)
		}
		want = append(want, one)
	}
	same(w, "candidates", parse[[]seenLink](w.world, got), want)
}

// readFilterCandidates reads what a link field links.
func (w *rightsWorld) readFilterCandidates() {
	a, f := w.asker(), pick(w.rng, linkFields(w.catalogs)...)
	c := w.catalogOf(f)
	params := url.Values{}
	part := w.titlePart(params)
	got := w.read(a, "/catalogs/"+c.key+"/fields/"+f.key+"/availableFilterRecords", params)
	if !w.opens(a, c, got) {
		return
	}
	if !w.known(a, c, f) {
		w.refused(got, "field_hidden")
		return
	}
	w.expect(got, true)
	var list []*record
	for _, x := range c.records {
		if !w.visible(a, x, f) || !w.shown(a, c, f) {
			continue
		}
		for _, l := range linksOf(x, f) {
			if !l.removed && !slices.Contains(list, l) && contains(w.title(a.person, l), part) {
				list = append(list, l)
			}
		}
	}
	w.sameLinks(a, got, list, nil)
}

// readUsers lists the employees, or reads their records.
func (w *rightsWorld) readUsers() {
	a := w.asker()
	got := w.read(a, "/users", nil)
	type seenUser struct{ ID, Title string }
	want := []seenUser{}
	list := slices.Clone(w.users.records)
	w.byTitle(a, list)
	for _, r := range list {
		want = append(want, seenUser{r.id(), w.title(a.person, r)})
	}
	if a.may(w.users, "read") {
		same(w, "employees", parse[[]seenUser](w.world, got), want)
	} else {
		w.refused(got, "forbidden")
	}
	got = w.read(a, "/catalogs/$users/records", url.Values{"sortField": {"$title"}, "fields": {`["$name"]`}, "skipPrevId": {"true"}})
	if !w.opens(a, w.users, got) {
		return
	}
	records := []seenRecord{}
	for _, r := range list {
		if w.readable(a, r) {
			records = append(records, w.wantRecord(a, r, chosenFields{fields: w.users.fields[:1]}))
		}
	}
	same(w, "records of employees", parse[[]seenRecord](w.world, got), records)
}

// readContacts looks for contacts in everything.
func (w *rightsWorld) readContacts() {
	a, params, part := w.asker(), url.Values{"limit": {"1000"}}, ""
	if w.chance(60) {
		part = "kw" + pick(w.rng, "a", "b", "c")
		params.Set("searchText", part)
	}
	if w.chance(30) {
		params.Set("sortField", pick(w.rng, "name", "mail", "$title"))
	}
	got := w.read(a, "/contacts", params)
	w.expect(got, true)
	want := []seenLink{}
	for _, c := range w.catalogs {
		f := c.fields[slices.IndexFunc(c.fields, func(f *field) bool { return f.typ == "contact" })]
		for _, r := range c.records {
			list, _ := r.values[f].([]contact)
			if len(list) > 0 && contains(list[0].contact, part) && w.sees(a, c) && w.visible(a, r, f) {
				want = append(want, seenLink{c.key, r.id(), w.title(a.person, r), map[string]any{f.key: list[0].contact}})
			}
		}
	}
	shown := parse[[]seenLink](w.world, got)
	by := func(x, y seenLink) int {
		return cmp.Or(cmp.Compare(x.CatalogID, y.CatalogID), cmp.Compare(x.RecordID, y.RecordID))
	}
	slices.SortFunc(want, by)
	slices.SortFunc(shown, by)
	same(w, "contacts", shown, want)
}

// pastEntry is an entry of a history.
type pastEntry struct {
	r      *record
	kind   string
	by     *person
	fields []*field // that the change touched
	// message is the one of the chat that the entry shows, nil for none.
	message *chatMessage
}

// whole tells whether the asker may view all of a catalog whatever happens to its
// records; known is false where that depends on rules about some of them.
func (w *rightsWorld) whole(a asker, c *cat) (yes, known bool) {
	for _, s := range w.subjects(a.person) {
		yes = yes || w.base(s, c) >= catalog.ViewPrivilege
		known = known || slices.ContainsFunc(w.rules, func(r *rightRule) bool {
			return r.subjectOf == s && r.in() == c && r.cat == nil
		})
	}
	return yes, !yes || !known
}

type seenEntry struct {
	RecordID, RecordTitle, ActionType, User string
	Fields                                  []string
}

// readPast reads the history of a record or of a catalog.
func (w *rightsWorld) readPast() {
	a, c := w.reader()
	params := url.Values{"catalogId": {c.key}, "limit": {"1000"}}
	entries := slices.DeleteFunc(slices.Clone(w.past), func(e *pastEntry) bool { return e.r.of != c })
	var r *record
	if len(entries) > 0 && w.chance(50) {
		r = pick(w.rng, entries...).r
		params.Set("recordId", r.id())
		entries = slices.DeleteFunc(entries, func(e *pastEntry) bool { return e.r != r })
	}
	var filter []rightsCond
	if r == nil && w.chance(30) {
		filter = w.filterOf(c, 0, a.person)
		filterQuery(params, filter)
		entries = slices.DeleteFunc(entries, func(e *pastEntry) bool { return e.r.removed || !w.holds(filter, a.person, &a, e.r) })
	}
	var only *field
	if w.chance(25) {
		only = w.someField(c, a.person)
		params.Set("fields", asJSON([]string{only.key}))
	}
	got := w.read(a, "/histories", params)
	if !w.opens(a, c, got) {
		return
	}
	yes, known := w.whole(a, c)
	switch {
	case only != nil && !w.shown(a, c, only) || w.hides(a, filter):
		w.refused(got, "field_hidden")
		return
	case r != nil && !r.removed && !w.readable(a, r):
		w.refused(got, "forbidden")
		return
	case r != nil && r.removed && !known:
		return
	case r != nil && r.removed && !yes:
		w.refused(got, "not_found")
		return
	}
	w.expect(got, true)
	w.samePast(a, got, entries, only, yes, known)
}

// samePast compares the answered entries. Those of removed records are for whom
// the whole catalog is open to; where that is not known they are left out.
func (w *rightsWorld) samePast(a asker, got answer, entries []*pastEntry, only *field, yes, known bool) {
	w.t.Helper()
	gone := map[string]bool{}
	want := []seenEntry{}
	for _, e := range slices.Backward(entries) {
		gone[e.r.id()] = e.r.removed
		if e.r.removed && (!yes || !known) || !e.r.removed && !w.readable(a, e.r) {
			continue
		}
		one := seenEntry{e.r.id(), w.title(a.person, e.r), e.kind, w.title(a.person, e.by.card), []string{}}
		for _, f := range e.fields {
			if (only == nil || f == only) && w.shown(a, e.r.of, f) && w.visible(a, e.r, f) {
				one.Fields = append(one.Fields, f.key)
			}
		}
		if len(one.Fields) == 0 && (only != nil || e.kind == "UPDATE") {
			continue
		}
		slices.Sort(one.Fields)
		if e.message != nil {
			one.Fields = []string{fmt.Sprintf("message %d: %s", e.message.id, e.message.text)}
		}
		want = append(want, one)
	}
	shown := []seenEntry{}
	for _, e := range parse[[]struct {
		RecordID, RecordTitle, ActionType string
		User                              struct{ Title string }
		Payload                           map[string]any
	}](w.world, got) {
		if gone[e.RecordID] && !known {
			continue
		}
		one := seenEntry{e.RecordID, e.RecordTitle, e.ActionType, e.User.Title, []string{}}
		for key := range e.Payload {
			switch key {
			case "message":
			case "messageId":
				one.Fields = append(one.Fields, fmt.Sprintf("message %v: %v", e.Payload[key], e.Payload["message"]))
			default:
				one.Fields = append(one.Fields, key)
			}
		}
		slices.Sort(one.Fields)
		shown = append(shown, one)
	}
	same(w, "a history", shown, want)
}

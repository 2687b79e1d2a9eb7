package server

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/catalog"
)

// chosenFields are which fields an answer is to show; nil for all.
type chosenFields struct {
	fields []*field
	nested map[*field][]*field // of linked records
}

// value is a field of a record as the asker sees it.
func (w *rightsWorld) value(a asker, r *record, f *field, chosen chosenFields) any {
	if f.typ != "user" && f.typ != "object" {
		return r.wantValue(f, nil)
	}
	list := []any{}
	for _, l := range linksOf(r, f) {
		if f.typ == "user" {
			list = append(list, map[string]any{"id": l.id(), "title": w.title(a.person, l), "isRemoved": l.removed})
			continue
		}
		v := l.wantLink(f, &selection{})
		v["recordTitle"] = w.title(a.person, l)
		if fields, ok := chosen.nested[f]; ok {
			v["recordValues"] = w.linkedValues(a, l, fields)
		}
		list = append(list, v)
	}
	return list
}

func (w *rightsWorld) linkedValues(a asker, l *record, fields []*field) map[string]any {
	if l.removed || !w.sees(a, l.of) || !w.readable(a, l) {
		return map[string]any{}
	}
	return w.values(a, l, chosenFields{fields: fields})
}

func (w *rightsWorld) values(a asker, r *record, chosen chosenFields) map[string]any {
	fields := chosen.fields
	if fields == nil {
		fields = r.of.fields
	}
	values := map[string]any{}
	for _, f := range fields {
		if w.shown(a, r.of, f) && w.visible(a, r, f) {
			values[f.key] = w.value(a, r, f, chosen)
		}
	}
	return values
}

// seenRecord is what depends on rights in a record of an answer.
type seenRecord struct {
	ID     string
	Title  string
	Values map[string]any
	Chat   seenChat
}

func (w *rightsWorld) wantRecord(a asker, r *record, chosen chosenFields) seenRecord {
	return seenRecord{r.id(), w.title(a.person, r), w.values(a, r, chosen), w.wantChat(a, r)}
}

// readVisible reads one record.
func (w *rightsWorld) readVisible() {
	a, c := w.reader()
	r := w.someRecord(c)
	if r == nil {
		return
	}
	params, chosen := w.choose(c)
	got := w.read(a, "/catalogs/"+c.key+"/records/"+r.id(), params)
	if !w.opens(a, c, got) {
		return
	}
	if !w.readable(a, r) {
		w.refused(got, "forbidden")
		return
	}
	w.expect(got, true)
	type whole struct {
		seenRecord
		PrivilegeCode       string
		FieldPrivilegeCodes map[string]string
		ViewsIds            []string
	}
	want := whole{w.wantRecord(a, r, chosen), w.privilege(a, r).Code(), map[string]string{}, []string{}}
	for _, f := range c.fields {
		if right := w.right(a, r, f); right != implied(w.privilege(a, r)) {
			want.FieldPrivilegeCodes[f.key] = right.Code()
		}
	}
	for _, v := range w.views {
		if w.seesView(a, v) && w.contains(v, a.person, r) {
			want.ViewsIds = append(want.ViewsIds, v.key)
		}
	}
	shown := parse[whole](w.world, got)
	if a.token != nil { // a token narrows what may be done, not what the rules say
		shown.FieldPrivilegeCodes = want.FieldPrivilegeCodes
	}
	same(w, "a record", shown, want)
}

// choose makes a random choice of fields.
func (w *rightsWorld) choose(c *cat) (url.Values, chosenFields) {
	params := url.Values{}
	if w.chance(55) {
		return params, chosenFields{}
	}
	chosen := chosenFields{fields: []*field{}, nested: map[*field][]*field{}}
	list := []any{}
	for _, f := range c.fields {
		if !w.chance(60) {
			continue
		}
		chosen.fields = append(chosen.fields, f)
		if f.typ != "object" {
			list = append(list, f.key)
			continue
		}
		fields, keys := []*field{}, []string{}
		for _, inner := range f.sources[0].fields {
			if w.chance(50) {
				fields, keys = append(fields, inner), append(keys, inner.key)
			}
		}
		chosen.nested[f] = fields
		list = append(list, map[string]any{"fieldId": f.key, "fields": map[string]any{f.sources[0].key: keys}})
	}
	params.Set("fields", asJSON(list))
	return params, chosen
}

// listing is a request for a list and what the model makes of it.
type listing struct {
	params  url.Values
	refused []string // codes
	unsure  bool     // it depends on what the model does not know
	selects []func(*record) bool
	order   func(a, b *record) int
}

// listVisible lists records in a random way.
func (w *rightsWorld) listVisible() {
	a, c := w.reader()
	params, chosen := w.choose(c)
	l := &listing{params: params, order: func(a, b *record) int { return cmp.Compare(b.num, a.num) }}
	w.narrow(a, c, l)
	if w.chance(60) {
		w.sortBy(a, c, l)
	}
	list := slices.DeleteFunc(slices.Clone(c.records), func(r *record) bool {
		return !w.readable(a, r) || slices.ContainsFunc(l.selects, func(f func(*record) bool) bool { return !f(r) })
	})
	slices.SortFunc(list, l.order)
	total := len(list)
	if w.chance(40) {
		offset, limit := w.rng.IntN(4), 1+w.rng.IntN(5)
		params.Set("limit", strconv.Itoa(limit))
		params.Set("offset", strconv.Itoa(offset))
		list = list[min(offset, total):min(offset+limit, total)]
	}
	counted := w.chance(40)
	if counted {
		params.Set("withTotal", "true")
	}
	got := w.read(a, "/catalogs/"+c.key+"/records", params)
	if !w.opens(a, c, got) {
		return
	}
	if l.refused != nil {
		w.refused(got, l.refused...)
		return
	}
	w.expect(got, true)
	if l.unsure {
		return
	}
	want := make([]seenRecord, len(list))
	for i, r := range list {
		want[i] = w.wantRecord(a, r, chosen)
	}
	same(w, "a list of records", parse[[]seenRecord](w.world, got), want)
	if counted && !strings.Contains(got.header, "X-Total-Count: "+strconv.Itoa(total)+"\n") {
		w.fail("the total is not %d: %s", total, got.header)
	}
}

// narrow adds a filter, a search or a view to a list.
func (w *rightsWorld) narrow(a asker, c *cat, l *listing) {
	if w.chance(50) {
		filter := w.filterOf(c, 0, a.person)
		filterQuery(l.params, filter)
		if w.hides(a, filter) {
			l.refused = append(l.refused, "field_hidden")
		}
		l.selects = append(l.selects, func(r *record) bool { return w.holds(filter, a.person, &a, r) })
	}
	if w.chance(30) {
		text := w.searchText(c)
		l.params.Set("searchText", text)
		l.selects = append(l.selects, func(r *record) bool { return w.finds(a, r, text) })
		l.unsure = w.linksDoubtful(a, c)
	}
	if w.chance(20) {
		l.params.Set("newMessages", "true")
		l.selects = append(l.selects, func(r *record) bool { return w.unread(a.card, r) })
	}
	v := pick(w.rng, slices.Concat(w.views, w.personal)...)
	if v.of != c || w.chance(40) {
		return
	}
	l.params.Set("viewId", v.key)
	switch {
	case w.viewLevel(a, v) < catalog.ViewPrivilege:
		l.refused = append(l.refused, "forbidden")
	case v.owner != nil && w.hides(a, v.filter):
		l.refused = append(l.refused, "field_hidden")
	}
	by := &a // who looks at what his own view selects
	if v.owner == nil {
		by = nil
	}
	l.selects = append(l.selects, func(r *record) bool { return w.holds(v.filter, a.person, by, r) })
}

// searchText is a text to search for: most often one that occurs in one record
// only, as a value or as the title of what it links.
func (w *rightsWorld) searchText(c *cat) string {
	texts := []string{"kw" + pick(w.rng, "a", "b", "c")}
	if r := w.someRecord(c); r != nil {
		for _, f := range c.fields {
			if s, ok := r.values[f].(string); ok {
				texts = append(texts, s)
			}
			if list, ok := r.values[f].([]contact); ok {
				texts = append(texts, list[0].contact)
			}
			for _, l := range linksOf(r, f) {
				texts = append(texts, l.shownTitle())
			}
		}
	}
	return pick(w.rng, texts...)
}

// finds tells whether a quick search finds a record: by its title and what can
// be read of its texts, contacts and the titles that it links.
func (w *rightsWorld) finds(a asker, r *record, text string) bool {
	if contains(w.title(a.person, r), text) {
		return true
	}
	return slices.ContainsFunc(r.of.fields, func(f *field) bool {
		if !w.visible(a, r, f) {
			return false
		}
		return f.typ != "object" && f.typ != "user" && found(r, f, text) || slices.ContainsFunc(linksOf(r, f), func(l *record) bool {
			return contains(w.title(a.person, l), text)
		})
	})
}

// linksDoubtful tells whether a catalog links removed records of which it is not
// known whether the asker sees their titles.
func (w *rightsWorld) linksDoubtful(a asker, c *cat) bool {
	return slices.ContainsFunc(c.records, func(r *record) bool {
		return slices.ContainsFunc(c.fields, func(f *field) bool {
			return slices.ContainsFunc(linksOf(r, f), func(l *record) bool {
				return w.doubtful(a.person, l, l.of.titleField())
			})
		})
	})
}

// sortBy adds an order to a list. What is hidden comes last, as what is empty.
func (w *rightsWorld) sortBy(a asker, c *cat, l *listing) {
	direction := pick(w.rng, 1, -1)
	f := w.someField(c, a.person)
	l.params.Set("sortType", strconv.Itoa(direction))
	l.params.Set("sortField", f.key)
	present := func(r *record) bool { return r.values[f] != nil && w.right(a, r, f) >= catalog.ViewField }
	by := order(f)
	switch {
	case w.chance(20):
		l.params.Set("sortField", "$title")
		present = func(r *record) bool { return w.titled(a.person, r) }
		by = func(a, b *record) int { return collator(a.shownTitle(), b.shownTitle()) }
	case !w.shown(a, c, f):
		l.refused = append(l.refused, "field_hidden")
		return
	case f.typ == "object" || f.typ == "user":
		visible := present
		l.unsure = l.unsure || w.linksDoubtful(a, c)
		present = func(r *record) bool { return visible(r) && w.titled(a.person, linksOf(r, f)[0]) }
	case f.typ == "switch":
		l.order = func(x, y *record) int {
			return direction * cmp.Or(cmp.Compare(b2i(present(x)), b2i(present(y))), cmp.Compare(x.num, y.num))
		}
		return
	}
	l.order = func(x, y *record) int {
		switch px, py := present(x), present(y); {
		case px && py:
			return direction * cmp.Or(by(x, y), cmp.Compare(x.num, y.num))
		case px != py:
			return b2i(py) - b2i(px)
		}
		return direction * cmp.Compare(x.num, y.num)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

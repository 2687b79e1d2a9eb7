package server

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// linkCond is a random filter of a link or employee field.
func (w *world) linkCond(f *field, depth int) cond {
	linked := func(r *record) []*record { list, _ := r.values[f].([]*record); return list }
	sources := f.sources
	if f.typ == "user" {
		sources = []*cat{w.users}
	}
	sources = slices.DeleteFunc(slices.Clone(sources), func(c *cat) bool { return !c.live() })
	if len(sources) == 0 {
		return cond{value: "$notEmpty", match: func(r *record) bool { return linked(r) != nil }}
	}
	c := pick(w.rng, sources...)
	if depth < 2 && f.typ == "object" && w.chance(45) {
		return w.nestedCond(f, c, depth)
	}
	var value []any
	var wanted []*record
	for range 1 + w.rng.IntN(2) {
		if len(c.records) == 0 {
			break
		}
		r := pick(w.rng, c.records...)
		wanted = append(wanted, r)
		value = append(value, w.linkTarget(f, r))
	}
	orEmpty := len(value) == 0 || w.chance(15)
	if orEmpty {
		value = append(value, "$empty")
	}
	if c == w.users && w.chance(20) {
		value, wanted = append(value, "CURRENT_USER"), append(wanted, w.users.records[0])
	}
	return cond{value: value, match: func(r *record) bool {
		own := linked(r)
		return orEmpty && own == nil || slices.ContainsFunc(wanted, func(r *record) bool { return slices.Contains(own, r) })
	}}
}

// nestedCond selects by what the linked records contain.
func (w *world) nestedCond(f *field, c *cat, depth int) cond {
	parts := w.filter(c, depth+1)
	object, filters := map[string]any{}, []any{}
	var matches []match
	jsonOnly, groups := false, false
	for _, p := range parts {
		key, value := p.form()
		object[key] = value
		filters = append(filters, p.element())
		matches = append(matches, p.match)
		jsonOnly, groups = jsonOnly || p.jsonOnly, groups || p.group != ""
	}
	element := map[string]any{"catalogId": c.key, "filters": filters}
	if len(object) == len(parts) && (groups || w.chance(40)) {
		element["filters"] = object
	} else if groups {
		jsonOnly = true
	}
	p := cond{value: []any{element}, jsonOnly: jsonOnly || len(parts) == 0}
	if holds := all(matches); holds != nil {
		p.match = func(r *record) bool {
			list, _ := r.values[f].([]*record)
			return slices.ContainsFunc(list, func(l *record) bool { return l.of == c && l.live() && holds(l) })
		}
	}
	return p
}

// search is what a quick search finds.
func (w *world) search(c *cat, s string) match {
	if phonelike(s) || strings.Contains(s, "\n") {
		return nil
	}
	return func(r *record) bool {
		return contains(r.shownTitle(), s) || slices.ContainsFunc(c.fields, func(f *field) bool { return found(r, f, s) })
	}
}

func found(r *record, f *field, s string) bool {
	switch v := r.values[f].(type) {
	case string:
		return contains(readable(f, r), s)
	case address:
		return contains(v.value, s)
	case []contact:
		return slices.ContainsFunc(v, func(c contact) bool { return contains(c.contact, s) || contains(c.comment, s) })
	case []*record:
		return slices.ContainsFunc(v, func(l *record) bool { return contains(l.shownTitle(), s) })
	}
	return false
}

var collator = func() func(a, b string) int {
	first := func(s string) string {
		runes := []rune(norm.NFC.String(s))
		return string(runes[:min(len(runes), 64)])
	}
	return func(a, b string) int {
		return collate.New(language.Und, collate.IgnoreCase).CompareString(first(a), first(b))
	}
}()

// order compares two values of a field that both are not empty.
func order(f *field) func(a, b *record) int {
	switch f.typ {
	case "text":
		return func(a, b *record) int { return collator(readable(f, a), readable(f, b)) }
	case "number", "progress", "stars":
		return func(a, b *record) int { return cmp.Compare(a.values[f].(float64), b.values[f].(float64)) }
	case "date":
		return func(a, b *record) int { return cmp.Compare(a.values[f].(int64), b.values[f].(int64)) }
	case "dropdown", "radiobutton", "checkboxes":
		first := func(r *record) int {
			return slices.IndexFunc(f.items, func(i item) bool { return slices.Contains(r.values[f].([]int), i.num) })
		}
		return func(a, b *record) int { return cmp.Compare(first(a), first(b)) }
	case "user", "object":
		title := func(r *record) string { return r.values[f].([]*record)[0].shownTitle() }
		return func(a, b *record) int { return collator(title(a), title(b)) }
	case "contact":
		return func(a, b *record) int {
			return collator(a.values[f].([]contact)[0].contact, b.values[f].([]contact)[0].contact)
		}
	case "address":
		return func(a, b *record) int { return collator(a.values[f].(address).value, b.values[f].(address).value) }
	case "file":
		return func(a, b *record) int { return cmp.Compare(len(a.values[f].([]file)), len(b.values[f].([]file))) }
	}
	return func(a, b *record) int { return 0 }
}

// sorted is a random order: the parameters and, if the model knows it, how two
// records compare.
func (w *world) sorted(c *cat, params url.Values) func(a, b *record) int {
	direction := 1
	if w.chance(50) {
		direction = -1
	}
	params.Set("sortType", strconv.Itoa(direction))
	if w.chance(20) {
		params.Set("sortType", map[int]string{1: "asc", -1: "desc"}[direction])
	}
	tie := func(a, b *record) int { return direction * cmp.Compare(a.num, b.num) }
	f := pick(w.rng, c.fields...)
	if !f.valued() || w.chance(25) {
		name := pick(w.rng, "", "$id", "$title", "id", "title", "$createdTime", "$updatedTime")
		params.Set("sortField", name)
		switch name {
		case "$createdTime", "$updatedTime":
			return nil
		case "$title", "title":
			return func(a, b *record) int { return cmp.Or(direction*collator(a.shownTitle(), b.shownTitle()), tie(a, b)) }
		}
		return tie
	}
	params.Set("sortField", f.key)
	if f.typ == "switch" {
		on := func(r *record) int { return map[bool]int{true: 1}[r.values[f] != nil] }
		return func(a, b *record) int { return cmp.Or(direction*cmp.Compare(on(a), on(b)), tie(a, b)) }
	}
	by := order(f)
	return func(a, b *record) int {
		switch emptyA, emptyB := a.values[f] == nil, b.values[f] == nil; {
		case emptyA && emptyB:
			return tie(a, b)
		case emptyA:
			return 1
		case emptyB:
			return -1
		}
		return cmp.Or(direction*by(a, b), tie(a, b))
	}
}

// selection is a random choice of fields.
func (w *world) selection(c *cat) (url.Values, *selection) {
	params := url.Values{}
	s := everything(c)
	if c.system {
		return params, s
	}
	if w.chance(25) {
		params.Set("withFieldsAdditional", "true")
		s.linked = true
	}
	if w.chance(50) {
		var list []any
		list, s = w.chosen(c, 0, s.linked)
		params.Set("fields", asJSON(list))
	}
	return params, s
}

func (w *world) chosen(c *cat, depth int, linked bool) ([]any, *selection) {
	list, s := []any{}, &selection{linked: linked, nested: map[*field]map[*cat]*selection{}}
	for _, f := range c.fields {
		if !w.chance(50) {
			continue
		}
		if f.valued() {
			s.fields = append(s.fields, f)
		}
		if f.typ != "object" || depth == 2 || w.chance(40) {
			list = append(list, f.key)
			continue
		}
		fields := map[string]any{}
		s.nested[f] = map[*cat]*selection{}
		for _, source := range f.sources {
			if source.live() && !source.system && w.chance(80) {
				fields[source.key], s.nested[f][source] = w.chosen(source, depth+1, linked)
			}
		}
		list = append(list, map[string]any{"fieldId": f.key, "fields": fields})
	}
	if w.chance(20) {
		list = append(list, "nowhere")
	}
	return list, s
}

// listRecords lists records in a random way, whole and by pages.
func (w *world) listRecords() {
	c := w.anyCat()
	if w.chance(5) {
		c = w.users
	}
	timezone := w.zone()
	params, s := w.selection(c)
	for name, v := range timezone {
		params[name] = v
	}
	var conds []match
	if w.chance(60) {
		list := w.filter(c, 0)
		for _, p := range list {
			conds = append(conds, p.match)
		}
		if len(list) > 0 {
			w.filterParams(params, list)
		}
	}
	if w.chance(25) {
		if text := w.needle(c); strings.TrimSpace(text) != "" {
			params.Set("searchText", text)
			m := w.search(c, text)
			if c.system {
				m = nil
			}
			conds = append(conds, m)
		}
	}
	if w.chance(10) {
		conds = append(conds, w.among(c, params))
	}
	var by func(a, b *record) int
	if w.chance(75) {
		by = w.sorted(c, params)
	} else {
		by = func(a, b *record) int { return cmp.Compare(b.num, a.num) }
	}
	w.list(c, params, s, all(conds), by)
}

// among asks for records by their ids, some of which there are not.
func (w *world) among(c *cat, params url.Values) match {
	var ids []string
	var wanted []*record
	for range 1 + w.rng.IntN(3) {
		if len(c.records) > 0 {
			r := pick(w.rng, c.records...)
			ids, wanted = append(ids, r.id()), append(wanted, r)
		}
	}
	ids = append(ids, pick(w.rng, "999999", "nobody"))
	switch w.rng.IntN(3) {
	case 0:
		params["id"] = ids
	case 1:
		params.Set("id", asJSON(ids))
	default:
		for i, id := range ids {
			params.Set("id["+strconv.Itoa(i)+"]", id)
		}
	}
	return func(r *record) bool { return slices.Contains(wanted, r) }
}

// listAll lists a whole catalog.
func (w *world) listAll(c *cat) {
	w.t.Helper()
	if !c.live() {
		if a := w.get("/catalogs/"+c.key+"/records", nil); a.status != http.StatusNotFound {
			w.fail("a removed catalog answers %d", a.status)
		}
		return
	}
	w.list(c, url.Values{}, everything(c), func(*record) bool { return true }, func(a, b *record) int { return cmp.Compare(b.num, a.num) })
}

// list compares a list with the model, as far as that knows, and a page of it
// with the whole.
func (w *world) list(c *cat, params url.Values, s *selection, selects match, by func(a, b *record) int) {
	w.t.Helper()
	whole := cloneValues(params)
	whole.Set("limit", "10000")
	whole.Set("withTotal", "true")
	a := w.get("/catalogs/"+c.key+"/records", whole)
	w.expect(a, true)
	raws := parse[[]json.RawMessage](w, a)
	got := parse[[]shownRecord](w, a)
	if !strings.Contains(a.header, "X-Total-Count: "+strconv.Itoa(len(got))+"\n") {
		w.fail("%d records, but the header says\n%s", len(got), a.header)
	}
	w.compareList(c, got, s, selects, by)
	w.checkTimes(params, got)
	limit, offset := w.rng.IntN(len(raws)+2), w.rng.IntN(len(raws)+2)
	params.Set("limit", strconv.Itoa(limit))
	params.Set("offset", strconv.Itoa(offset))
	if w.chance(30) {
		params.Set("withTotal", "true")
	}
	page := parse[[]json.RawMessage](w, w.get("/catalogs/"+c.key+"/records", params))
	want := raws[min(offset, len(raws)):min(offset+limit, len(raws))]
	if !slices.EqualFunc(page, want, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
		w.fail("the page of %d from %d is\n%s\nof the whole\n%s", limit, offset, asJSON(page), asJSON(raws))
	}
}

func cloneValues(v url.Values) url.Values {
	c := url.Values{}
	for name, list := range v {
		c[name] = slices.Clone(list)
	}
	return c
}

func (w *world) compareList(c *cat, got []shownRecord, s *selection, selects match, by func(a, b *record) int) {
	w.t.Helper()
	byID := map[string]*record{}
	for _, r := range c.records {
		byID[r.id()] = r
	}
	shown := make([]*record, len(got))
	for i := range got {
		if shown[i] = byID[got[i].ID]; shown[i] == nil {
			w.fail("the list shows %q, which the model has not", got[i].ID)
		}
		w.compare(shown[i], got[i], s)
	}
	if selects != nil {
		want := slices.DeleteFunc(slices.Clone(c.records), func(r *record) bool { return !selects(r) })
		inNumbers := slices.Clone(shown)
		slices.SortFunc(inNumbers, func(a, b *record) int { return cmp.Compare(a.num, b.num) })
		if !slices.Equal(inNumbers, want) {
			w.fail("the list has %v, the model selects %v", numbersOf(inNumbers), numbersOf(want))
		}
	}
	if by != nil {
		want := slices.Clone(shown)
		slices.SortStableFunc(want, by)
		if !slices.Equal(shown, want) {
			w.fail("the order is %v, the model's is %v", numbersOf(shown), numbersOf(want))
		}
	}
}

func numbersOf(list []*record) []int {
	numbers := make([]int, len(list))
	for i, r := range list {
		numbers[i] = r.num
	}
	return numbers
}

// checkTimes tests the orders by times against the times shown.
func (w *world) checkTimes(params url.Values, got []shownRecord) {
	w.t.Helper()
	at := func(r shownRecord) string { return r.Created }
	switch params.Get("sortField") {
	case "$createdTime":
	case "$updatedTime":
		at = func(r shownRecord) string { return r.Updated }
	default:
		return
	}
	sorted := slices.IsSortedFunc(got, func(a, b shownRecord) int {
		if direction := params.Get("sortType"); direction == "-1" || direction == "desc" {
			a, b = b, a
		}
		return cmp.Compare(at(a), at(b))
	})
	if !sorted {
		w.fail("not in the order of %s", params.Get("sortField"))
	}
}

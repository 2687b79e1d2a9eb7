package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// readHistory reads the history of a record or a catalog, whole and by pages.
func (w *world) readHistory() {
	c := w.anyCat()
	params := w.zone()
	params.Set("catalogId", c.key)
	ok := true
	if len(c.records) > 0 && w.chance(50) {
		params.Set("recordId", pick(w.rng, c.records...).id())
	} else {
		if c.last > 0 && w.chance(20) { // perhaps a removed one
			params.Set("recordId", strconv.Itoa(1+w.rng.IntN(c.last)))
			ok = w.get("/histories", params).status == http.StatusOK
		} else {
			if list := w.filter(c, 0); len(list) > 0 && w.chance(30) {
				w.filterParams(params, list)
			}
			if text := w.needle(c); w.chance(15) && strings.TrimSpace(text) != "" {
				params.Set("searchText", text)
			}
		}
	}
	if w.chance(30) {
		kinds := []string{"CREATE", "UPDATE", "REMOVED", "COMMENT"}
		params["actionType"] = kinds[:1+w.rng.IntN(4)]
	}
	if w.chance(30) {
		params.Set("fields", asJSON([]string{pick(w.rng, c.fields...).key}))
	}
	if w.chance(20) {
		params.Set("userId", pick(w.rng, "1", "2"))
	}
	if w.chance(40) {
		params.Set("sortType", pick(w.rng, "asc", "desc"))
	}
	if ok {
		w.pageHistory(params)
	}
}

// entry is an entry of an answered history.
type entry struct {
	ID       string                     `json:"id"`
	RecordID string                     `json:"recordId"`
	Kind     string                     `json:"actionType"`
	Payload  map[string]json.RawMessage `json:"payload"`
}

// pageHistory compares pages of a history with the whole and checks its order.
func (w *world) pageHistory(params url.Values) {
	w.t.Helper()
	whole := cloneValues(params)
	whole.Set("limit", "1000")
	a := w.get("/histories", whole)
	w.expect(a, true)
	raws, entries := parse[[]json.RawMessage](w, a), parse[[]entry](w, a)
	asc := params.Get("sortType") == "asc"
	numbers := make([]int, len(entries))
	for i, e := range entries {
		numbers[i], _ = strconv.Atoi(e.ID)
		if i > 0 && (numbers[i] > numbers[i-1]) != asc {
			w.fail("the history is not in order: %v", numbers[:i+1])
		}
		if kinds, ok := params["actionType"]; ok && !slices.Contains(kinds, e.Kind) {
			w.fail("an entry of the kind %s was not asked for", e.Kind)
		}
		if e.Kind == "UPDATE" && len(e.Payload) == 0 {
			w.fail("an entry without a change: %s", e.ID)
		}
	}
	limit, from := w.rng.IntN(len(raws)+2), w.rng.IntN(len(raws)+2)
	params.Set("limit", strconv.Itoa(limit))
	params.Set(pick(w.rng, "from", "offset"), strconv.Itoa(from))
	page := parse[[]json.RawMessage](w, w.get("/histories", params))
	want := raws[min(from, len(raws)):min(from+limit, len(raws))]
	if !slices.EqualFunc(page, want, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
		w.fail("the page of %d from %d is\n%s\nof the whole\n%s", limit, from, asJSON(page), asJSON(raws))
	}
}

func (w *world) comment() {
	r := w.anyRecord()
	if r == nil {
		return
	}
	text := w.phrase(words, 4)
	a := w.do(http.MethodPost, "/histories", nil, map[string]any{
		"catalogId": r.of.key, "recordId": r.id(), "type": "COMMENT", "payload": map[string]any{"message": text},
	})
	w.expect(a, true)
	params := url.Values{"catalogId": {r.of.key}, "recordId": {r.id()}, "limit": {"1"}}
	list := parse[[]struct {
		ID      string
		Payload struct{ Message string }
	}](w, w.get("/histories", params))
	if id := parse[struct{ ID string }](w, a).ID; len(list) != 1 || list[0].ID != id || list[0].Payload.Message != text {
		w.fail("the newest entry is %+v, wanted %s %q", list, id, text)
	}
}

// employees makes, changes, removes and lists employees.
func (w *world) employees() {
	name := w.users.fields[0]
	switch w.rng.IntN(6) {
	case 0, 1:
		s := w.phrase(words, 2)
		values := map[string]any{"$name": s}
		if w.chance(30) {
			values["$email"] = w.newKey("user") + "@example.com"
		}
		a := w.do(http.MethodPost, "/catalogs/"+pick(w.rng, "$users", "3", "%24users")+"/records", nil, map[string]any{"values": values})
		w.expect(a, true)
		n, _ := strconv.Atoi(parse[shownRecord](w, a).ID)
		w.users.add(&record{of: w.users, num: n, values: map[*field]any{name: s}})
	case 2:
		r := pick(w.rng, w.users.records...)
		s := w.phrase(words, 2)
		w.expect(w.do(http.MethodPatch, "/catalogs/$users/records/"+r.id(), nil, map[string]any{"values": map[string]any{"1": s}}), true)
		r.values[name] = s
	case 3:
		if r := pick(w.rng, w.users.records...); r.num != 1 {
			w.expect(w.do(http.MethodDelete, "/catalogs/$users/records/"+r.id(), nil, nil), true)
			r.remove()
		}
	default:
		w.listEmployees()
	}
	w.get("/profile/me", nil)
}

func (w *world) listEmployees() {
	params := url.Values{}
	text := ""
	if w.chance(40) {
		text = w.needle(w.users)
		params.Set(pick(w.rng, "searchText", "title"), text)
	}
	a := w.get("/users", params)
	w.expect(a, true)
	got := parse[[]struct{ ID, Title string }](w, a)
	want := slices.Clone(w.users.records)
	want = slices.DeleteFunc(want, func(r *record) bool { return !contains(r.shownTitle(), text) })
	slices.SortStableFunc(want, func(a, b *record) int { return collator(a.shownTitle(), b.shownTitle()) })
	same := slices.EqualFunc(want, got, func(r *record, g struct{ ID, Title string }) bool {
		return r.id() == g.ID && r.shownTitle() == g.Title
	})
	if !same && !phonelike(text) {
		w.fail("the employees are %+v, the model has %v", got, numbersOf(want))
	}
	params.Set("limit", strconv.Itoa(w.rng.IntN(4)))
	params.Set("offset", strconv.Itoa(w.rng.IntN(4)))
	w.get("/users", params)
}

// nonsense sends requests that must be refused and change nothing.
func (w *world) nonsense() {
	c := w.anyCat()
	records := "/catalogs/" + c.key + "/records"
	bad := []struct {
		method, path string
		params       url.Values
		body         any
	}{
		{http.MethodPost, records, nil, `{"values":`},
		{http.MethodPost, records, nil, map[string]any{"values": map[string]any{"nowhere": 1}}},
		{http.MethodPost, records, nil, map[string]any{"id": "17x", "values": map[string]any{}}},
		{http.MethodPost, records, nil, map[string]any{"values": []any{1}}},
		{http.MethodGet, records, url.Values{"filters": {`{"nowhere":1}`}}, nil},
		{http.MethodGet, records, url.Values{"filters": {`[{"fieldId":`}}, nil},
		{http.MethodGet, records, url.Values{"limit": {"-1"}}, nil},
		{http.MethodGet, records, url.Values{"limit": {"10001"}}, nil},
		{http.MethodGet, records, url.Values{"offset": {"x"}}, nil},
		{http.MethodGet, records, url.Values{"sortField": {"nowhere"}}, nil},
		{http.MethodGet, records, url.Values{"timezoneOffset": {"900"}}, nil},
		{http.MethodGet, records, url.Values{"searchText": {"nul\x00"}}, nil},
		{http.MethodGet, "/histories", nil, nil},
		{http.MethodPatch, "/catalogs/" + c.key, nil, map[string]any{"fields": []any{map[string]any{"name": "x"}}}},
		{http.MethodPatch, "/catalogs/" + c.key, nil, map[string]any{"name": ""}},
		{http.MethodPost, "/catalogs", nil, map[string]any{"name": "x", "sectionId": "3x"}},
		{http.MethodPost, "/sections", nil, map[string]any{}},
		{http.MethodDelete, "/catalogs/$users", nil, nil},
		{http.MethodDelete, records, nil, nil},
		{http.MethodGet, "/catalogs/nowhere/records", nil, nil},
		{http.MethodGet, records + "/nobody", nil, nil},
		{http.MethodGet, "/nothing/here", nil, nil},
	}
	b := pick(w.rng, bad...)
	if a := w.do(b.method, b.path, b.params, b.body); a.status < 400 {
		w.fail("accepted with %d: %s", a.status, a.body)
	}
	if f := pick(w.rng, c.fields...); f.typ != "text" && f.typ != "address" && f.typ != "contact" && f.typ != "user" {
		wrong := pick[any](w.rng, map[string]any{"at": []any{1}}, "not at all", map[string]any{"x": 1}, []any{map[string]any{}})
		a := w.get(records, url.Values{"filters": {asJSON(map[string]any{f.key: wrong})}})
		w.expect(a, false)
	}
}

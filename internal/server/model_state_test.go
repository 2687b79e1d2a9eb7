package server

import (
	"cmp"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// section, cat, field, item and record are what the model knows.
type section struct {
	key     string
	removed bool
}

type cat struct {
	num     int
	key     string
	name    string
	icon    string
	section *section
	fields  []*field
	records []*record    // live ones, by number
	last    int          // the highest record number so far
	numbers map[int]bool // all record numbers so far
	removed bool
	// system: only some of its fields are in the model.
	system bool
}

type field struct {
	id   int
	key  string
	typ  string
	name string
	kind string // of text; the mode of dates

	required, history, byDefault bool

	multi    bool
	items    []item
	min, max *float64
	sources  []*cat
	shown    []shown
	unsaved  bool
	// accessOnly: only what one may view can be linked.
	accessOnly bool
	// subscribe: employees put here follow the record's chat.
	subscribe bool
}

type item struct {
	num              int
	key, name, color string
}

// shown is a field of linked records that the card shows.
type shown struct {
	field *field
	of    *cat
	edit  bool
}

type record struct {
	of      *cat
	num     int
	code    string
	values  map[*field]any // absent is empty
	created int64          // UTC milliseconds; 0 where no test asks
	removed bool
	title   string // the last one of a removed record
}

// Values by type of field: text string, number progress stars float64, date
// int64 (UTC milliseconds), dropdown radiobutton checkboxes []int (numbers of
// items), switch bool, user object []*record, contact []contact, address
// address, file []file.
type contact struct{ id, contact, comment string }

type address struct {
	value    string
	provider any
	data     any
}

type file struct {
	id               int
	title, url, mime string
	size             int
}

func (c *cat) live() bool { return !c.removed && !c.section.removed }

func (r *record) live() bool { return !r.removed && r.of.live() }

// id is the public id.
func (r *record) id() string {
	if r.code != "" {
		return r.code
	}
	return strconv.Itoa(r.num)
}

// titleField is the first text field that is not rich text.
func (c *cat) titleField() *field {
	for _, f := range c.fields {
		if f.typ == "text" && f.kind != "editor" {
			return f
		}
	}
	return nil
}

// shownTitle is the title as of now.
func (r *record) shownTitle() string {
	if r.removed {
		return r.title
	}
	if f := r.of.titleField(); f != nil {
		if s, _ := r.values[f].(string); strings.TrimSpace(s) != "" {
			runes := []rune(strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(s))
			return string(runes[:min(len(runes), 256)])
		}
	}
	return "#" + r.id()
}

func (r *record) remove() {
	r.title, r.removed = r.shownTitle(), true
	r.of.records = slices.DeleteFunc(r.of.records, func(o *record) bool { return o == r })
}

func (c *cat) add(r *record) {
	c.records = append(c.records, r)
	slices.SortFunc(c.records, func(a, b *record) int { return cmp.Compare(a.num, b.num) })
	c.last = max(c.last, r.num)
	if c.numbers == nil {
		c.numbers = map[int]bool{}
	}
	c.numbers[r.num] = true
}

func (f *field) valued() bool { return f.typ != "group" && f.typ != "button" }

func (f *field) place(num int) int {
	return slices.IndexFunc(f.items, func(i item) bool { return i.num == num })
}

// liveCats are the catalogs that can be used, the employees' not among them.
func (w *world) liveCats() []*cat {
	var list []*cat
	for _, c := range w.catalogs {
		if c.live() {
			list = append(list, c)
		}
	}
	return list
}

func (w *world) liveSections() []*section {
	var list []*section
	for _, s := range w.sections {
		if !s.removed {
			list = append(list, s)
		}
	}
	return list
}

// anyCat is a random catalog in use; at first it makes one.
func (w *world) anyCat() *cat {
	for {
		if list := w.liveCats(); len(list) > 0 {
			return pick(w.rng, list...)
		}
		w.createCatalog()
	}
}

// begin makes the model of what every new company has.
func (w *world) begin() {
	w.sections = []*section{{key: "3"}}
	settings := &section{key: "$settings"}
	name := &field{id: 1, key: "$name", typ: "text", name: "Name", required: true, history: true}
	w.users = &cat{num: 3, key: "$users", name: "Employees", icon: "users-1", section: settings, system: true, fields: []*field{name}}
	w.users.add(&record{of: w.users, num: 1, values: map[*field]any{name: "Administrator"}})
	w.createCatalog()
	w.createCatalog()
}

// selection is which fields an answer shows; nested is nil where no linked
// records were asked for.
type selection struct {
	fields []*field
	nested map[*field]map[*cat]*selection
	// linked: links show what is configured, where nothing is named.
	linked bool
}

func everything(c *cat) *selection {
	s := &selection{}
	for _, f := range c.fields {
		if f.valued() {
			s.fields = append(s.fields, f)
		}
	}
	return s
}

// wantValues is what an answer's "values" must be.
func (r *record) wantValues(s *selection) map[string]any {
	values := map[string]any{}
	for _, f := range s.fields {
		values[f.key] = r.wantValue(f, s)
		if r.of.system {
			values[strconv.Itoa(f.id)] = values[f.key]
		}
	}
	return values
}

// wantValue is a field's value as JSON decodes it.
func (r *record) wantValue(f *field, s *selection) any {
	v, list := r.values[f], []any{}
	switch f.typ {
	case "text":
		text, _ := v.(string)
		return text
	case "number", "progress", "stars":
		if v == nil {
			return nil
		}
		return rounded(v.(float64))
	case "date":
		if v == nil {
			return nil
		}
		return time.UnixMilli(v.(int64)).UTC().Format("2006-01-02T15:04:05.000Z")
	case "switch":
		return v != nil
	case "dropdown", "checkboxes", "radiobutton":
		numbers, _ := v.([]int)
		for _, i := range f.items {
			if slices.Contains(numbers, i.num) {
				list = append(list, i.key)
			}
		}
		if f.typ != "radiobutton" {
			return list
		}
		if len(list) == 0 {
			return nil
		}
		return list[0]
	case "user", "object":
		links, _ := v.([]*record)
		for _, l := range links {
			list = append(list, l.wantLink(f, s))
		}
		return list
	}
	return wantDocument(f, v)
}

// wantDocument is wantValue of the types that are stored as JSON.
func wantDocument(f *field, v any) any {
	list := []any{}
	switch v := v.(type) {
	case []contact:
		for _, c := range v {
			list = append(list, map[string]any{"id": c.id, "contact": c.contact, "comment": c.comment})
		}
	case []file:
		for _, e := range v {
			list = append(list, map[string]any{"id": float64(e.id), "title": e.title, "url": e.url, "size": float64(e.size),
				"mimeType": e.mime, "typeStorage": "url", "metadata": nil})
		}
	case address:
		return map[string]any{"value": v.value, "provider": v.provider, "data": v.data}
	}
	if f.typ == "address" {
		return nil
	}
	return list
}

// rounded is a number as answers show it: 15 significant digits.
func rounded(n float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(n, 'g', 15, 64), 64)
	if err != nil || short == 0 {
		return 0
	}
	return short
}

func (r *record) wantLink(f *field, s *selection) map[string]any {
	gone := !r.live()
	if f.typ == "user" {
		return map[string]any{"id": r.id(), "title": r.shownTitle(), "isRemoved": gone}
	}
	v := map[string]any{
		"sectionId": r.of.section.key, "catalogId": r.of.key, "catalogTitle": r.of.name, "catalogIcon": r.of.icon,
		"recordId": r.id(), "recordTitle": r.shownTitle(), "isRemoved": gone,
	}
	if values := r.wantNested(f, s); values != nil {
		v["recordValues"] = values
	}
	return v
}

// wantNested is the recordValues of a linked record; nil when not asked for.
func (r *record) wantNested(f *field, s *selection) any {
	nested := s.nested[f]
	if nested == nil && s.linked {
		nested = map[*cat]*selection{}
		for _, e := range f.shown {
			if slices.Contains(e.of.fields, e.field) {
				if nested[e.of] == nil {
					nested[e.of] = &selection{}
				}
				nested[e.of].fields = append(nested[e.of].fields, e.field)
			}
		}
	}
	if nested == nil {
		return nil
	}
	inner := nested[r.of]
	if inner == nil || !r.live() {
		return map[string]any{}
	}
	return r.wantValues(inner)
}

// shownRecord is a record of an answer.
type shownRecord struct {
	ID        string         `json:"id"`
	CatalogID string         `json:"catalogId"`
	Title     string         `json:"title"`
	Values    map[string]any `json:"values"`
	Created   string         `json:"created"`
	Updated   string         `json:"updated"`
}

// compare tells whether an answer shows the record as the model has it.
func (w *world) compare(r *record, got shownRecord, s *selection) {
	w.t.Helper()
	if got.ID != r.id() || got.CatalogID != r.of.key || got.Title != r.shownTitle() {
		w.fail("the answer shows %q %q %q, the model has %q %q %q", got.CatalogID, got.ID, got.Title, r.of.key, r.id(), r.shownTitle())
	}
	want := r.wantValues(s)
	for _, f := range s.fields {
		if !reflect.DeepEqual(got.Values[f.key], want[f.key]) {
			w.fail("record %s of catalog %s, field %s (%s): the answer shows %s, the model has %s",
				r.id(), r.of.key, f.key, f.typ, asJSON(got.Values[f.key]), asJSON(want[f.key]))
		}
	}
	if len(got.Values) != len(want) && !r.of.system {
		w.fail("record %s of catalog %s: values of %d fields, the model has %d: %v", r.id(), r.of.key, len(got.Values), len(want), got.Values)
	}
}

func asJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// read gets one record and compares it with the model.
func (w *world) read(r *record) {
	w.t.Helper()
	a := w.get("/catalogs/"+r.of.key+"/records/"+r.id(), nil)
	if !r.live() {
		if a.status != http.StatusNotFound && r.code == "" {
			w.fail("a removed record answers %d %s", a.status, a.body)
		}
		return
	}
	w.expect(a, true)
	w.compare(r, parse[shownRecord](w, a), everything(r.of))
}

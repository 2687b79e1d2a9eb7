package server

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// draft is a write of one record that is being planned, with those of linked
// records that it brings along.
type draft struct {
	r      *record
	fresh  bool
	values map[*field]any // of the record afterwards
	code   string
	send   map[string]any
	bad    bool
	linked []*draft
	order  []*field // sent and of interest
}

// maxDraft bounds how deep linked records are written along.
const maxDraft = 2

func (w *world) draftOf(c *cat, r *record) *draft {
	d := &draft{r: r, values: map[*field]any{}, send: map[string]any{}}
	if r == nil {
		d.r, d.fresh = &record{of: c, values: map[*field]any{}}, true
		return d
	}
	d.code = r.code
	for f, v := range r.values {
		d.values[f] = v
	}
	return d
}

// fill gives some of the fields random values and the others, in a new record,
// their defaults.
func (w *world) fill(d *draft, among []*field, percent, depth int) {
	old := d.r
	if d.fresh {
		old = nil
	}
	for _, f := range among {
		must := f.required && d.fresh && !w.chance(5)
		if !must && !w.chance(percent) {
			if d.fresh {
				w.setDefault(d, f)
			}
			continue
		}
		s := w.sample(f, old)
		if f.typ == "user" || f.typ == "object" {
			s = w.links(d, f, depth)
		}
		if must && s.want == nil && f.valued() && w.chance(90) && len(f.items) > 0 {
			s = w.choice(f)
		}
		d.send[f.key] = s.send
		d.bad = d.bad || s.bad
		if !f.valued() || s.bad {
			continue
		}
		delete(d.values, f)
		if s.want != nil && s.want != false {
			d.values[f] = s.want
		}
		d.order = append(d.order, f)
	}
}

func (w *world) setDefault(d *draft, f *field) {
	if !f.byDefault {
		return
	}
	switch f.typ {
	case "dropdown", "checkboxes", "radiobutton":
		if len(f.items) > 0 {
			d.values[f] = []int{f.items[0].num}
		}
	case "switch":
		d.values[f] = true
	case "user":
		d.values[f] = []*record{w.users.records[0]}
	case "date":
		now := stamp{wall: w.clock.Now(), timed: true, zone: "Z"}
		d.values[f] = now.stored(f, w.tz)
	}
}

// lacking tells whether a required field of the record would be empty.
func (d *draft) lacking() bool {
	if !d.fresh && len(d.order) == 0 {
		return false // nothing is changed
	}
	for _, f := range d.r.of.fields {
		v := d.values[f]
		s, isText := v.(string)
		if f.required && f.valued() && f.typ != "switch" && (v == nil || isText && strings.TrimSpace(s) == "") {
			return true
		}
	}
	return false
}

// refused tells whether the write, or one that it brings along, is invalid.
func (d *draft) refused() bool {
	return d.bad || d.lacking() || slices.ContainsFunc(d.linked, (*draft).refused)
}

// links is a random value of a link or employee field.
func (w *world) links(d *draft, f *field, depth int) sample {
	if w.chance(5) {
		return sample{send: w.wrong(f), bad: true}
	}
	if w.chance(8) {
		return sample{send: pick[any](w.rng, nil, []any{})}
	}
	sources := f.sources
	if f.typ == "user" {
		sources = []*cat{w.users}
	}
	old, _ := d.r.values[f].([]*record)
	var send []any
	var want []*record
	for range 1 + w.rng.IntN(3) {
		if len(want) == 1 && !f.multi {
			break
		}
		var element any
		var target *record
		switch {
		case len(old) > 0 && w.chance(40):
			target = pick(w.rng, old...)
			element = w.linkTarget(f, target)
		case len(sources) > 0:
			element, target = w.newLink(d, f, pick(w.rng, sources...), want, depth)
		}
		if target == nil || slices.Contains(want, target) {
			continue
		}
		send, want = append(send, element), append(want, target)
	}
	if len(want) == 0 {
		return sample{send: []any{}}
	}
	return sample{send: send, want: want}
}

// linkTarget names a record as a link; a removed one by its number, because its
// id may have been given to another.
func (w *world) linkTarget(f *field, r *record) any {
	id := r.id()
	if !r.live() {
		id = strconv.Itoa(r.num)
	}
	if f.typ == "user" {
		return pick[any](w.rng, id, map[string]any{"id": id})
	}
	return map[string]any{"catalogId": r.of.key, "recordId": id}
}

// newLink links a record of a catalog that is not among those linked already.
func (w *world) newLink(d *draft, f *field, c *cat, but []*record, depth int) (any, *record) {
	if !c.live() {
		return nil, nil
	}
	if f.typ == "object" && f.unsaved && !c.system && depth < maxDraft && w.chance(35) {
		sub := w.draftOf(c, nil)
		w.fill(sub, c.fields, 50, depth+1)
		d.linked = append(d.linked, sub)
		return map[string]any{"catalogId": c.key, "recordValues": sub.send}, sub.r
	}
	if len(c.records) == 0 {
		return nil, nil
	}
	r := pick(w.rng, c.records...)
	if slices.Contains(but, r) {
		return nil, nil
	}
	element := w.linkTarget(f, r)
	if f.typ == "user" && r.num == 1 && w.chance(30) {
		return "CURRENT_USER", r
	}
	if f.typ == "object" && !c.system && depth == 0 && r != d.r && w.chance(25) {
		w.alongside(d, f, r, element.(map[string]any))
	}
	return element, r
}

// alongside also changes the linked record, as far as the card may edit it.
func (w *world) alongside(d *draft, f *field, r *record, element map[string]any) {
	for _, other := range d.linked {
		if other.r == r {
			return
		}
	}
	var among []*field
	for _, s := range f.shown {
		if s.of == r.of && s.edit && slices.Contains(r.of.fields, s.field) {
			among = append(among, s.field)
		}
	}
	sub := w.draftOf(r.of, r)
	w.fill(sub, among, 60, maxDraft)
	if len(sub.send) > 0 {
		d.linked = append(d.linked, sub)
	}
	element["recordValues"] = sub.send
}

// commit makes a draft the model's, learning the numbers that the server chose.
func (w *world) commit(d *draft, id string, values map[string]any) {
	w.t.Helper()
	r := d.r
	if d.fresh {
		r.num = w.numberOf(d, id)
		if r.of.numbers[r.num] {
			w.fail("a new record has the number %d, which there was", r.num)
		}
	}
	r.values, r.code = d.values, d.code
	if d.fresh {
		r.of.add(r)
	}
	for _, sub := range d.linked {
		if !sub.fresh {
			w.commit(sub, sub.r.id(), nil)
		}
	}
	if d.needsValues() && (values == nil || d.fresh) {
		values = parse[shownRecord](w, w.get("/catalogs/"+r.of.key+"/records/"+r.id(), nil)).Values
	}
	for _, f := range d.order {
		shown, _ := values[f.key].([]any)
		switch v := r.values[f].(type) {
		case []file:
			w.learnFiles(v, shown)
		case []*record:
			for i, target := range v {
				if target.num == 0 && i < len(shown) {
					entry, _ := shown[i].(map[string]any)
					id, _ := entry["recordId"].(string)
					w.commit(d.draftOf(target), id, nil)
				}
			}
		}
	}
}

func (d *draft) draftOf(r *record) *draft {
	return d.linked[slices.IndexFunc(d.linked, func(sub *draft) bool { return sub.r == r })]
}

// needsValues tells whether there is something to learn from the stored values.
func (d *draft) needsValues() bool {
	return slices.ContainsFunc(d.order, func(f *field) bool { return f.typ == "object" || f.typ == "file" })
}

func (w *world) learnFiles(files []file, shown []any) {
	for i := range files {
		if i >= len(shown) {
			return
		}
		entry, _ := shown[i].(map[string]any)
		id, _ := entry["id"].(float64)
		if files[i].id != 0 && files[i].id != int(id) {
			w.fail("a kept file has the number %v, it had %d", id, files[i].id)
		}
		files[i].id = int(id)
	}
}

// numberOf reads the number of a new record; one with an own id has the next.
func (w *world) numberOf(d *draft, id string) int {
	w.t.Helper()
	if d.code == "" {
		n, err := strconv.Atoi(id)
		if err != nil {
			w.fail("the new record has the id %q", id)
		}
		return n
	}
	if id != d.code {
		w.fail("the new record has the id %q, wanted %q", id, d.code)
	}
	// The number is not shown: it is the next of which none is known.
	for n := d.r.of.last + 1; n < d.r.of.last+200; n++ {
		a := w.get("/catalogs/"+d.r.of.key+"/records/"+strconv.Itoa(n), nil)
		if a.status == http.StatusOK && parse[shownRecord](w, a).ID == id {
			return n
		}
	}
	w.fail("the record %q has no number", id)
	return 0
}

func (w *world) zone() url.Values {
	w.tz = pick(w.rng, 0, 0, 180, -300, 840)
	if w.tz == 0 {
		return url.Values{}
	}
	return url.Values{"timezoneOffset": {strconv.Itoa(w.tz)}}
}

func (w *world) createRecord() {
	c := w.anyCat()
	params := w.zone()
	d := w.draftOf(c, nil)
	w.fill(d, c.fields, 65, 0)
	body := map[string]any{"values": d.send}
	bad := false
	if w.chance(12) {
		d.code = w.newCode()
		body["id"] = d.code
		bad = c.codeTaken(d.code, nil)
	}
	a := w.do(http.MethodPost, "/catalogs/"+c.key+"/records", params, body)
	if w.expect(a, !bad && !d.refused()) {
		got := parse[shownRecord](w, a)
		w.commit(d, got.ID, got.Values)
		w.compareWritten(d, got)
	}
}

func (w *world) newCode() string {
	if w.chance(50) {
		return pick(w.rng, "first", "First", "a-1", "b_2")
	}
	return w.newKey("rec")
}

func (c *cat) codeTaken(code string, but *record) bool {
	return slices.ContainsFunc(c.records, func(r *record) bool { return r.code == code && r != but })
}

// compareWritten checks the answer of a write: the title, and the fields sent.
func (w *world) compareWritten(d *draft, got shownRecord) {
	w.t.Helper()
	s := &selection{}
	for _, f := range d.r.of.fields {
		if _, ok := got.Values[f.key]; ok {
			s.fields = append(s.fields, f)
		}
	}
	w.compare(d.r, got, s)
	if w.chance(50) {
		w.read(d.r)
		for _, sub := range d.linked {
			w.read(sub.r)
		}
	}
}

// anyRecord is a random record of a catalog in use, nil if there is none.
func (w *world) anyRecord() *record {
	for range 5 {
		if c := w.anyCat(); len(c.records) > 0 {
			return pick(w.rng, c.records...)
		}
	}
	return nil
}

func (w *world) changeRecord() {
	r := w.anyRecord()
	if r == nil {
		w.createRecord()
		return
	}
	params := w.zone()
	d := w.draftOf(r.of, r)
	w.fill(d, r.of.fields, 25, 0)
	body := map[string]any{"values": d.send}
	bad := false
	if w.chance(6) {
		d.code = w.newCode()
		body["id"] = d.code
		bad = r.of.codeTaken(d.code, r)
	}
	a := w.do(http.MethodPatch, "/catalogs/"+r.of.key+"/records/"+r.id(), params, body)
	if w.expect(a, !bad && !d.refused()) {
		got := parse[shownRecord](w, a)
		w.commit(d, got.ID, nil)
		w.compareWritten(d, got)
	}
}

func (w *world) deleteRecord() {
	r := w.anyRecord()
	if r == nil {
		return
	}
	path := "/catalogs/" + r.of.key + "/records/" + r.id()
	w.expect(w.do(http.MethodDelete, path, nil, nil), true)
	r.remove()
	if a := w.do(pick(w.rng, http.MethodDelete, http.MethodGet, http.MethodPatch), path, nil, nil); a.status != http.StatusNotFound {
		w.fail("a removed record answers %d", a.status)
	}
}

func (w *world) readRecord() {
	if r := w.anyRecord(); r != nil {
		params, s := w.selection(r.of)
		a := w.get("/catalogs/"+r.of.key+"/records/"+r.id(), params)
		w.expect(a, true)
		w.compare(r, parse[shownRecord](w, a), s)
	}
}

package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

func (w *world) newKey(prefix string) string {
	w.names++
	return prefix + strconv.Itoa(w.names)
}

func (w *world) createSection() {
	body := map[string]any{"name": pick(w.rng, "Склад", "Office", "Büro"), "icon": pick(w.rng, "", "box-1")}
	key := ""
	if w.chance(30) {
		key = w.newKey("sec")
		body["id"] = key
	}
	a := w.do(http.MethodPost, "/sections", nil, body)
	w.expect(a, true)
	got := parse[struct{ ID string }](w, a).ID
	if key != "" && got != key {
		w.fail("the section has the id %s, wanted %s", got, key)
	}
	w.sections = append(w.sections, &section{key: got})
}

func (w *world) changeSection() {
	s := pick(w.rng, w.liveSections()...)
	body := map[string]any{}
	if w.chance(40) {
		body["name"] = pick(w.rng, "Renamed", "Переименован")
	}
	if w.chance(30) {
		body["priority"] = w.rng.IntN(5)
	}
	key := s.key
	if w.chance(25) {
		key = w.newKey("sec")
		body["id"] = key
	}
	if w.chance(40) {
		var order []string
		for _, c := range w.liveCats() {
			if c.section == s && w.chance(60) {
				order = append(order, c.key)
			}
		}
		w.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		body["catalogsPriorities"] = order
	}
	w.expect(w.do(http.MethodPatch, "/sections/"+s.key, nil, body), true)
	s.key = key
}

func (w *world) deleteSection() {
	list := w.liveSections()
	if len(list) < 2 {
		w.createSection()
		return
	}
	s := pick(w.rng, list...)
	if s == w.sections[0] && w.chance(80) {
		return
	}
	w.expect(w.do(http.MethodDelete, "/sections/"+s.key, nil, nil), true)
	s.removed = true
	if a := w.get("/sections/"+s.key, nil); a.status != http.StatusNotFound {
		w.fail("a removed section answers %d", a.status)
	}
}

func (w *world) createCatalog() {
	if len(w.liveCats()) >= 6 {
		w.readStructures()
		return
	}
	if len(w.liveSections()) == 0 {
		w.createSection()
	}
	c := &cat{section: pick(w.rng, w.liveSections()...), name: pick(w.rng, "Orders", "Заказы", "Fälle")}
	edits := make([]*edit, 3+w.rng.IntN(9))
	for i := range edits {
		edits[i] = w.newField(c)
	}
	edits = distinct(edits)
	body := map[string]any{"name": c.name, "sectionId": c.section.key, "fields": fieldsJSON(edits)}
	if w.chance(20) {
		body["id"] = w.newKey("cat")
	}
	if w.chance(10) {
		body["history"] = false
	}
	a := w.do(http.MethodPost, "/catalogs", nil, body)
	w.expect(a, true)
	made := parse[struct {
		ID     string       `json:"id"`
		Values shownCatalog `json:"values"`
	}](w, a)
	c.key = made.ID
	w.catalogs = append(w.catalogs, c)
	w.adopt(c, edits, made.Values)
	for _, f := range c.fields { // a catalog cannot name itself while it is made
		if f.typ == "object" && len(f.sources) == 0 && w.chance(70) {
			w.linkTo(c, f)
		}
	}
}

// linkTo lets a link field without sources link something.
func (w *world) linkTo(c *cat, f *field) {
	edits := editsOf(c)
	for _, e := range edits {
		if e.orig == f {
			e.f.sources = append(e.f.sources, w.anyCat())
		}
	}
	w.patchFields(c, edits, nil)
}

func (w *world) changeCatalog() {
	c := w.anyCat()
	body := map[string]any{}
	key, name, icon, target := c.key, c.name, c.icon, c.section
	if w.chance(30) {
		name = pick(w.rng, "Renamed", "Переименован")
		body["name"] = name
	}
	if w.chance(30) {
		icon = pick(w.rng, "cart-2", "")
		body["icon"] = icon
	}
	if w.chance(25) {
		key = w.newKey("cat")
		body["id"] = key
	}
	if w.chance(30) {
		target = pick(w.rng, w.liveSections()...)
		body["sectionId"] = target.key
	}
	if w.chance(20) {
		body["history"] = w.chance(60)
	}
	if w.chance(20) {
		body["instruction"] = "<p>How to</p>"
	}
	w.expect(w.do(http.MethodPatch, "/catalogs/"+c.key, nil, body), true)
	c.key, c.name, c.icon, c.section = key, name, icon, target
}

func (w *world) deleteCatalog() {
	if len(w.liveCats()) < 3 {
		return
	}
	c := w.anyCat()
	w.expect(w.do(http.MethodDelete, "/catalogs/"+c.key, nil, nil), true)
	c.removed = true
	if a := w.get("/catalogs/"+c.key+"/records", nil); a.status != http.StatusNotFound {
		w.fail("a removed catalog answers %d", a.status)
	}
}

func (w *world) clearCatalog() {
	c := w.anyCat()
	w.expect(w.do(http.MethodPost, "/catalogs/"+c.key+"/clear", nil, map[string]any{"name": c.name + "x"}), false)
	a := w.do(http.MethodPost, "/catalogs/"+c.key+"/clear", nil, map[string]any{"name": c.name})
	w.expect(a, true)
	if n := parse[struct{ Deleted int }](w, a).Deleted; n != len(c.records) {
		w.fail("%d records cleared, the model has %d", n, len(c.records))
	}
	for _, r := range slices.Clone(c.records) {
		r.remove()
	}
	w.listAll(c)
}

func (w *world) readStructures() {
	params := url.Values{}
	if w.chance(30) {
		params.Set("sectionId", pick(w.rng, w.sections...).key)
	}
	if w.chance(30) {
		params.Set("withHidden", "true")
	}
	w.expect(w.get("/sections", nil), true)
	w.expect(w.get("/catalogs", params), true)
	c := w.anyCat()
	a := w.get("/catalogs/"+c.key, nil)
	w.expect(a, true)
	got := parse[shownCatalog](w, a)
	if len(got.Fields) != len(c.fields) || got.Name != c.name || got.SectionID != c.section.key {
		w.fail("the catalog %s is %q in section %s with %d fields, the model has %q, %s, %d",
			c.key, got.Name, got.SectionID, len(got.Fields), c.name, c.section.key, len(c.fields))
	}
	for i, f := range c.fields {
		if g := got.Fields[i]; g.ID != f.key || g.Type != f.typ || g.Name != f.name || len(g.Config.Items) != len(f.items) {
			w.fail("field %d of catalog %s is %+v, the model has %+v", i, c.key, g, *f)
		}
	}
	if w.chance(50) {
		w.get("/catalogs/"+c.key, url.Values{"fields": {asJSON([]string{c.fields[0].key})}})
	}
	w.get("/catalogs/$users", url.Values{"skipPrevId": {pick(w.rng, "true", "false")}})
}

// shownCatalog is a catalog of an answer.
type shownCatalog struct {
	ID        string `json:"id"`
	SectionID string `json:"sectionId"`
	Name      string `json:"name"`
	Fields    []struct {
		ID     string `json:"id"`
		PrevID string `json:"prevId"`
		Type   string `json:"type"`
		Name   string `json:"name"`
		Config struct {
			Items []struct {
				ID   string `json:"id"`
				DBID int    `json:"dbId"`
			} `json:"items"`
		} `json:"config"`
	} `json:"fields"`
}

// edit is a field as it is to become.
type edit struct {
	orig *field // nil for a new one
	f    field
	key  string // the id to send, "" for none
}

func editsOf(c *cat) []*edit {
	edits := make([]*edit, len(c.fields))
	for i, f := range c.fields {
		edits[i] = &edit{orig: f, f: *f, key: f.key}
		edits[i].f.items = slices.Clone(f.items)
		edits[i].f.sources = slices.Clone(f.sources)
		edits[i].f.shown = slices.Clone(f.shown)
	}
	return edits
}

// distinct leaves out new fields whose chosen ids repeat.
func distinct(edits []*edit) []*edit {
	seen := map[string]bool{}
	return slices.DeleteFunc(edits, func(e *edit) bool {
		twice := e.key != "" && seen[e.key]
		seen[e.key] = true
		return twice
	})
}

func fieldsJSON(edits []*edit) []any {
	list := make([]any, len(edits))
	for i, e := range edits {
		list[i] = e.json()
	}
	return list
}

func (e *edit) json() map[string]any {
	v := map[string]any{"name": e.f.name, "type": e.f.typ, "required": e.f.required, "history": e.f.history, "config": e.f.config()}
	if e.key != "" {
		v["id"] = e.key
	}
	if e.orig != nil {
		v["prevId"] = strconv.Itoa(e.orig.id)
	}
	return v
}

func (f *field) config() map[string]any {
	v := map[string]any{"multiselect": f.multi, "defaultValue": f.byDefault, "note": "kept"}
	switch f.typ {
	case "text":
		v = map[string]any{"type": f.kind}
		if f.kind == "mask" {
			v["mask"] = modelMask
		}
	case "user":
		v["subscribe"] = f.subscribe
	case "number":
		v = map[string]any{"unit": "kg", "min": f.min, "max": f.max}
	case "date":
		v["mode"] = f.kind
	case "dropdown", "radiobutton", "checkboxes":
		items := []any{}
		for _, i := range f.items {
			e := map[string]any{"name": i.name}
			if i.key != "" {
				e["id"] = i.key
			}
			if f.typ == "dropdown" {
				e["color"] = i.color
			}
			items = append(items, e)
		}
		v["items"] = items
	case "object":
		catalogs, fields := []any{}, map[string]any{}
		for _, c := range f.sources {
			catalogs = append(catalogs, map[string]any{"id": c.key})
		}
		for _, s := range f.shown {
			list, _ := fields[s.of.key].([]any)
			access := map[bool]string{true: "edit", false: "view"}[s.edit]
			fields[s.of.key] = append(list, map[string]any{"id": s.field.key, "access": access})
		}
		v["catalogs"], v["fields"], v["enableUnsaved"], v["accessOnly"] = catalogs, fields, f.unsaved, f.accessOnly
	}
	return v
}

// adopt makes the answered structure the model's: ids that the server chose are
// learned, everything else is as sent.
func (w *world) adopt(c *cat, edits []*edit, got shownCatalog) {
	w.t.Helper()
	if len(got.Fields) != len(edits) {
		w.fail("%d fields are answered, %d were sent", len(got.Fields), len(edits))
	}
	fields := make([]*field, len(edits))
	for i, e := range edits {
		g := got.Fields[i]
		if e.key != "" && g.ID != e.key || g.Type != e.f.typ || len(g.Config.Items) != len(e.f.items) {
			w.fail("field %d is answered as %+v, sent as %+v", i, g, e.f)
		}
		e.f.key = g.ID
		id, err := strconv.Atoi(g.PrevID)
		if err != nil || e.orig != nil && id != e.orig.id {
			w.fail("field %d has the prevId %q", i, g.PrevID)
		}
		e.f.id = id
		for k, shown := range g.Config.Items {
			known := e.f.items[k].num
			if known != 0 && known != shown.DBID || e.f.items[k].key != "" && shown.ID != e.f.items[k].key {
				w.fail("item %d of field %s is answered as %+v", k, g.ID, shown)
			}
			e.f.items[k].num, e.f.items[k].key = shown.DBID, shown.ID
		}
		fields[i] = e.orig
		if e.orig == nil {
			fields[i] = new(field)
		}
		*fields[i] = e.f
	}
	c.fields = fields
	c.dropItems()
}

// dropItems takes removed items out of the values.
func (c *cat) dropItems() {
	for _, f := range c.fields {
		for _, r := range c.records {
			numbers, ok := r.values[f].([]int)
			if !ok {
				continue
			}
			numbers = slices.DeleteFunc(slices.Clone(numbers), func(n int) bool { return f.place(n) < 0 })
			r.set(f, numbers)
		}
	}
}

// set gives a field a value; empty ones are absent.
func (r *record) set(f *field, v any) {
	switch v := v.(type) {
	case nil:
		delete(r.values, f)
		return
	case []int:
		if len(v) == 0 {
			delete(r.values, f)
			return
		}
	}
	r.values[f] = v
}

// patchFields sends a new list of fields. bad names why it must be refused.
func (w *world) patchFields(c *cat, edits []*edit, bad error) {
	w.t.Helper()
	for _, e := range edits {
		if e.orig == nil || e.orig.multi == e.f.multi || e.f.typ != "dropdown" || e.f.multi {
			continue
		}
		for _, r := range c.records {
			if numbers, _ := r.values[e.orig].([]int); len(numbers) > 1 {
				bad = fmt.Errorf("record %d has several options", r.num)
			}
		}
	}
	a := w.do(http.MethodPatch, "/catalogs/"+c.key, nil, map[string]any{"fields": fieldsJSON(edits)})
	if w.expect(a, bad == nil) {
		w.adopt(c, edits, parse[shownCatalog](w, a))
		if w.chance(60) {
			w.listAll(c)
		}
	}
}

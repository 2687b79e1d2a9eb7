package server

import (
	"errors"
	"slices"
)

// modelMask: two capitals, a dash, three digits.
const modelMask = "AA-111"

var fieldTypes = []string{
	"group", "text", "text", "text", "number", "number", "date", "date", "dropdown", "dropdown", "radiobutton", "checkboxes",
	"switch", "progress", "stars", "contact", "address", "user", "file", "object", "object", "object", "button",
}

// newField is a random new field of a catalog.
func (w *world) newField(c *cat) *edit {
	f := field{typ: pick(w.rng, fieldTypes...), name: pick(w.rng, "Name", "Цена", "Größe", "Ζ"), history: !w.chance(15)}
	f.required = w.chance(8)
	e := &edit{}
	if w.chance(20) {
		e.key = pick(w.rng, "code", "Code", "state", "x_1", "link-1", "total")
	}
	for _, other := range c.fields {
		if other.key == e.key {
			e.key = ""
		}
	}
	switch f.typ {
	case "text":
		f.kind = pick(w.rng, "text", "text", "multiline", "mail", "mask", "editor")
	case "number":
		if w.chance(30) {
			low, high := -100.0, 1000.0
			f.min, f.max = &low, &high
		}
	case "date":
		f.kind, f.byDefault = pick(w.rng, "date", "datetime", "datetime", "week", "month", "quarter", "year"), w.chance(20)
	case "dropdown", "radiobutton", "checkboxes":
		for range 1 + w.rng.IntN(4) {
			f.items = append(f.items, w.newItem(&f))
		}
		f.byDefault, f.multi = w.chance(20), f.typ == "dropdown" && w.chance(50)
	case "switch":
		f.byDefault = w.chance(30)
	case "user":
		f.multi, f.byDefault = w.chance(60), w.chance(20)
	case "file":
		f.multi = w.chance(60)
	case "object":
		f.multi, f.unsaved = w.chance(70), w.chance(60)
		w.newSources(&f)
	}
	e.f = f
	return e
}

func (w *world) newItem(f *field) item {
	i := item{name: pick(w.rng, "New", "Готово", "Älter"), color: pick(w.rng, "C9FDE5", "")}
	if w.chance(20) {
		i.key = w.newKey("it")
	}
	return i
}

func (w *world) newSources(f *field) {
	for range w.rng.IntN(3) {
		list := w.liveCats()
		if len(list) == 0 {
			return
		}
		c := pick(w.rng, list...)
		if w.chance(10) {
			c = w.users
		}
		if !slices.Contains(f.sources, c) {
			f.sources = append(f.sources, c)
		}
	}
	w.newShown(f)
}

// newShown chooses which fields of linked records the card shows.
func (w *world) newShown(f *field) {
	f.shown = nil
	for _, c := range f.sources {
		if !c.live() {
			continue
		}
		for _, other := range c.fields {
			if other.valued() && w.chance(30) {
				f.shown = append(f.shown, shown{field: other, of: c, edit: w.chance(60)})
			}
		}
	}
}

// changeFields changes the fields of a catalog in one to three ways.
func (w *world) changeFields() {
	c := w.anyCat()
	edits := editsOf(c)
	var bad error
	for range 1 + w.rng.IntN(3) {
		switch w.rng.IntN(10) {
		case 0, 1:
			edits = slices.Insert(edits, w.rng.IntN(len(edits)+1), w.newField(c))
		case 2:
			if len(edits) > 3 {
				i := w.rng.IntN(len(edits))
				edits = slices.Delete(edits, i, i+1)
			}
		case 3:
			i, j := w.rng.IntN(len(edits)), w.rng.IntN(len(edits))
			edits[i], edits[j] = edits[j], edits[i]
		default:
			if err := w.changeField(pick(w.rng, edits...)); err != nil {
				bad = err
			}
		}
	}
	if len(edits) > 35 {
		return
	}
	seen := map[string]bool{}
	for _, e := range edits {
		if e.key != "" && seen[e.key] {
			bad = errors.New("an id twice")
		}
		seen[e.key] = true
	}
	for _, e := range edits { // a shown field may have gone with its source
		e.f.shown = slices.DeleteFunc(e.f.shown, func(s shown) bool {
			return !slices.Contains(e.f.sources, s.of) || !s.of.live() || !slices.Contains(s.of.fields, s.field)
		})
	}
	w.patchFields(c, edits, bad)
}

// changeField changes one field; the error says why it must be refused.
func (w *world) changeField(e *edit) error {
	f := &e.f
	switch w.rng.IntN(8) {
	case 0:
		f.name = pick(w.rng, "Renamed", "Имя", "Ωμέγα")
	case 1:
		f.required = !f.required && w.chance(50)
	case 2:
		f.history = !f.history
	case 3:
		if e.orig != nil {
			e.key = w.newKey("field")
		}
	case 4:
		if e.orig == nil {
			return nil
		}
		wrong := pick(w.rng, fieldTypes...)
		if wrong != f.typ && w.chance(20) {
			f.typ = wrong
			return errors.New("the type of a field cannot change")
		}
	default:
		return w.reconfigure(f, e.orig != nil)
	}
	return nil
}

// reconfigure changes the configuration of a field; fixed if there may be values.
func (w *world) reconfigure(f *field, fixed bool) error {
	switch f.typ {
	case "text":
		if f.kind == "mask" {
			return nil
		}
		kind := pick(w.rng, "text", "multiline", "mail", "editor")
		if fixed && (kind == "editor") != (f.kind == "editor") {
			if w.chance(80) {
				return nil
			}
			f.kind = kind
			return errors.New("plain text cannot become rich text")
		}
		f.kind = kind
	case "number":
		if f.min != nil {
			f.min, f.max = nil, nil
		}
	case "dropdown", "radiobutton", "checkboxes":
		w.changeItems(f)
		if f.typ == "dropdown" && w.chance(40) {
			f.multi = !f.multi
		}
	case "user", "file":
		f.multi = !f.multi
	case "switch":
		f.byDefault = !f.byDefault
	case "object":
		switch w.rng.IntN(4) {
		case 0:
			f.multi = !f.multi
		case 1:
			f.unsaved = !f.unsaved
		case 2:
			w.newShown(f)
		default:
			f.sources = slices.DeleteFunc(f.sources, func(*cat) bool { return w.chance(20) })
			w.newSources(f)
		}
	}
	return nil
}

func (w *world) changeItems(f *field) {
	switch w.rng.IntN(4) {
	case 0:
		f.items = append(f.items, w.newItem(f))
	case 1:
		if len(f.items) > 0 && w.chance(60) {
			i := w.rng.IntN(len(f.items))
			f.items = slices.Delete(f.items, i, i+1)
		}
	case 2:
		w.rng.Shuffle(len(f.items), func(i, j int) { f.items[i], f.items[j] = f.items[j], f.items[i] })
	default:
		if len(f.items) > 0 {
			f.items[w.rng.IntN(len(f.items))].name = pick(w.rng, "Другое", "Other")
		}
	}
}

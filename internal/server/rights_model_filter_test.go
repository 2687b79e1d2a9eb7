package server

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"kartoteka/internal/catalog"
)

// rightsCond is a part of a filter: a value for a field, or a choice of parts.
type rightsCond struct {
	f      *field
	value  any
	test   func(p *person, r *record) bool
	of     *cat         // some linked record of the catalog must satisfy inside
	inside []rightsCond // all of them
	or     []rightsCond // one of them; without a field
	card   bool         // it looks at the card of who asks
}

// holds tells whether a record satisfies all parts, as p's. With by it is a
// caller's own filter: what he may not see satisfies nothing.
func (w *rightsWorld) holds(list []rightsCond, p *person, by *asker, r *record) bool {
	return !slices.ContainsFunc(list, func(c rightsCond) bool { return !w.holdsOne(c, p, by, r) })
}

func (w *rightsWorld) holdsOne(c rightsCond, p *person, by *asker, r *record) bool {
	switch {
	case c.or != nil:
		return slices.ContainsFunc(c.or, func(c rightsCond) bool { return w.holdsOne(c, p, by, r) })
	case by != nil && w.right(*by, r, c.f) < catalog.ViewField:
		return false
	case c.of == nil:
		return c.test(p, r)
	}
	return slices.ContainsFunc(linksOf(r, c.f), func(l *record) bool {
		return l.of == c.of && !l.removed && (by == nil || w.readable(*by, l)) && w.holds(c.inside, p, by, l)
	})
}

// hides tells whether a filter looks at what is hidden everywhere.
func (w *rightsWorld) hides(a asker, list []rightsCond) bool {
	return slices.ContainsFunc(list, func(c rightsCond) bool {
		return c.card && !w.shown(a, w.users, w.team) || w.hides(a, c.inside) || w.hides(a, c.or) || c.f != nil && !w.shown(a, w.catalogOf(c.f), c.f)
	})
}

func (w *rightsWorld) catalogOf(f *field) *cat {
	list := w.allCatalogs()
	return list[slices.IndexFunc(list, func(c *cat) bool { return slices.Contains(c.fields, f) })]
}

func linksOf(r *record, f *field) []*record {
	list, _ := r.values[f].([]*record)
	return list
}

// form is the filter as an object.
func form(list []rightsCond) map[string]any {
	v := map[string]any{}
	for _, c := range list {
		if c.or == nil {
			v[c.f.key] = c.json()
			continue
		}
		parts := []any{}
		for _, e := range c.or {
			parts = append(parts, form([]rightsCond{e}))
		}
		v["$or"] = parts
	}
	return v
}

func (c rightsCond) json() any {
	if c.of == nil {
		return c.value
	}
	return []any{map[string]any{"catalogId": c.of.key, "filters": form(c.inside)}}
}

// someField is a random field, rather one that rules of the employee name.
func (w *rightsWorld) someField(c *cat, by *person) *field {
	if by != nil && w.chance(60) {
		named := slices.DeleteFunc(slices.Clone(c.fields), func(f *field) bool { return !w.named(by, f) })
		if len(named) > 0 {
			return pick(w.rng, named...)
		}
	}
	return pick(w.rng, c.fields...)
}

// filterOf is a random filter: at most one condition on a field. It is somebody's
// own, or with nil that of a view, which may look at who asks.
func (w *rightsWorld) filterOf(c *cat, depth int, by *person) (list []rightsCond) {
	used := map[*field]bool{}
	for range 1 + w.rng.IntN(2) {
		f := w.someField(c, by)
		if used[f] {
			continue
		}
		used[f] = true
		list = append(list, w.condition(f, depth, by))
	}
	if by != nil && depth == 0 && w.chance(25) {
		list = append(list, rightsCond{or: []rightsCond{
			w.condition(w.someField(c, by), depth, by), w.condition(w.someField(c, by), depth, by),
		}})
	}
	return list
}

func (w *rightsWorld) condition(f *field, depth int, by *person) rightsCond {
	if w.chance(18) {
		want := w.chance(50)
		value := map[bool]string{true: "$empty", false: "$notEmpty"}[want]
		return rightsCond{f: f, value: value, test: func(_ *person, r *record) bool {
			return (r.values[f] == nil && f.typ != "switch") == want
		}}
	}
	c := w.valueCondition(f, by)
	if f.typ == "object" && depth < 1 && w.chance(40) {
		c = rightsCond{of: f.sources[0], inside: w.filterOf(f.sources[0], depth+1, by)}
	}
	c.f = f
	return c
}

func (w *rightsWorld) valueCondition(f *field, by *person) (c rightsCond) {
	switch f.typ {
	case "text", "contact":
		s := w.needleOf(f, by)
		return rightsCond{value: s, test: func(_ *person, r *record) bool {
			text, _ := r.values[f].(string)
			list, _ := r.values[f].([]contact)
			return contains(text, s) || len(list) > 0 && contains(list[0].contact, s)
		}}
	case "number":
		return w.numberCondition(f, by)
	case "date":
		at, to := markDate(w.rng.IntN(w.marks+1)), markDate(w.rng.IntN(w.marks+1))
		value := map[string]any{"at": at.Format("2006-01-02"), "to": to.Format("2006-01-02")}
		return rightsCond{value: value, test: func(_ *person, r *record) bool {
			n, ok := r.values[f].(int64)
			return ok && n >= at.UnixMilli() && n <= to.UnixMilli()
		}}
	case "dropdown":
		i, j := pick(w.rng, f.items...), pick(w.rng, f.items...)
		return rightsCond{value: []any{i.key, j.key}, test: func(_ *person, r *record) bool {
			own, _ := r.values[f].([]int)
			return slices.Contains(own, i.num) || slices.Contains(own, j.num)
		}}
	case "switch":
		on := w.chance(50)
		return rightsCond{value: on, test: func(_ *person, r *record) bool { return (r.values[f] != nil) == on }}
	}
	return w.linkCondition(f, by)
}

func (w *rightsWorld) numberCondition(f *field, by *person) rightsCond {
	if r := w.someRecord(w.catalogOf(f)); by != nil && r != nil && r.values[f] != nil && w.chance(40) {
		n := r.values[f].(float64)
		return rightsCond{value: n, test: func(_ *person, r *record) bool { return r.values[f] == n }}
	}
	// Bounds between the values, so that they are no marks.
	at, to := float64(markNumber(w.rng.IntN(w.marks+1))-5), float64(markNumber(w.rng.IntN(w.marks+1))+5)
	value := map[string]any{"at": at, "to": to}
	if w.chance(30) {
		delete(value, "to")
		to = 1e15
	}
	return rightsCond{value: value, test: func(_ *person, r *record) bool {
		n, ok := r.values[f].(float64)
		return ok && n >= at && n <= to
	}}
}

// linkCondition is a condition on what a link or employee field links: one
// record, the employee who asks, or what his card links.
func (w *rightsWorld) linkCondition(f *field, by *person) rightsCond {
	if f.typ == "user" {
		if w.chance(60) {
			return rightsCond{value: []any{"CURRENT_USER"}, test: func(p *person, r *record) bool { return slices.Contains(linksOf(r, f), p.card) }}
		}
		who := pick(w.rng, w.people...)
		return rightsCond{value: []any{who.card.id()}, test: func(_ *person, r *record) bool { return slices.Contains(linksOf(r, f), who.card) }}
	}
	if by == nil && f.sources[0] == w.groups && w.chance(60) {
		value := []any{map[string]any{"userAttr": "team"}}
		return rightsCond{card: true, value: value, test: func(p *person, r *record) bool {
			return slices.ContainsFunc(linksOf(r, f), func(l *record) bool { return slices.Contains(p.groups, l) })
		}}
	}
	to := w.someRecord(f.sources[0])
	if to == nil {
		return rightsCond{value: "$notEmpty", test: func(_ *person, r *record) bool { return r.values[f] != nil }}
	}
	value := []any{map[string]any{"catalogId": to.of.key, "recordId": to.id()}}
	return rightsCond{value: value, test: func(_ *person, r *record) bool { return slices.Contains(linksOf(r, f), to) }}
}

// needleOf is a text to look for: a third of all marks, or one of them.
func (w *rightsWorld) needleOf(f *field, by *person) string {
	if r := w.someRecord(w.catalogOf(f)); by != nil && r != nil && w.chance(40) {
		if s, ok := r.values[f].(string); ok {
			return s
		}
	}
	return "kw" + pick(w.rng, "a", "b", "c")
}

func (w *rightsWorld) someRecord(c *cat) *record {
	if len(c.records) == 0 {
		return nil
	}
	return pick(w.rng, c.records...)
}

// Every text, number and date is a mark: it occurs nowhere else, so that an
// answer which has it tells of just that value.

func markText(n int) string { return "kw" + string("abc"[n%3]) + strconv.Itoa(1000+n) + "k" }

func markNumber(n int) int { return 777_000_000 + 10*n }

func markDate(n int) time.Time { return time.Date(2100, 1, 1+n, 0, 0, 0, 0, time.UTC) }

// filterQuery adds a filter to the parameters.
func filterQuery(params url.Values, list []rightsCond) { params.Set("filters", asJSON(form(list))) }

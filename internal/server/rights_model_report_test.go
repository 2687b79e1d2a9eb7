package server

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// breakdown is a request for values or totals and what the model makes of it.
type breakdown struct {
	*listing
	axis, split dimension
	measured    *field // nil for the number of records
	fn          string // of numbers; "" counts different values
	splits      int
}

// dimension groups records by a field, by the time of creation or, if it is
// empty, not at all.
type dimension struct {
	f    *field
	time bool
	step string
	tz   int
}

func (d dimension) none() bool { return d.f == nil && !d.time }

// group is a key of a dimension: how it is shown and what it is sorted by.
type group struct {
	shown any
	id    string // "" for records without a value
	text  string
	order []float64
}

// seenGroup is a group as an answer has it.
type seenGroup struct {
	Axis   any         `json:"axis"`
	Values []seenValue `json:"values"`
}

type seenValue struct {
	Split any      `json:"split,omitempty"`
	Value *float64 `json:"value"`
}

type seenTotal struct {
	Key   string   `json:"key"`
	Value *float64 `json:"value"`
}

var modelSteps = []string{"day", "week", "month", "quarter", "year", "dayOfWeek", "dayOfMonth", "monthOfYear", "quarterOfYear", "hour", "hourOfDay"}

// keepColumns lets reports keep columns in memory, as a running server does.
func (w *rightsWorld) keepColumns() {
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(w.t.Context())
	for _, s := range w.sides {
		running.Go(func() { _ = s.app.Catalog.RunColumns(ctx) })
	}
	w.t.Cleanup(func() { cancel(); running.Wait() })
}

// usedColumns looks whether reports come from columns at last: what they gave was
// compared all the time.
func (w *rightsWorld) usedColumns() {
	for _, s := range w.sides {
		got, end := "", time.Now().Add(10*time.Second)
		for !strings.Contains(got, `"engine":"columns"`) && time.Now().Before(end) {
			r := httptest.NewRequest(http.MethodGet, "/api/v1/catalogs/"+w.catalogs[0].key+"/values?explain=true", nil)
			r.Header.Set("Cookie", s.cookie)
			rec := httptest.NewRecorder()
			s.handler.ServeHTTP(rec, r)
			got = rec.Body.String()
			time.Sleep(10 * time.Millisecond)
		}
		if !strings.Contains(got, `"engine":"columns"`) {
			w.t.Errorf("%s does not use columns: %s", s.name, got)
		}
	}
}

// breakDown asks for records in groups.
func (w *rightsWorld) breakDown() {
	a, c := w.reader()
	b := w.someBreakdown(a, c)
	matching := slices.DeleteFunc(slices.Clone(c.records), func(r *record) bool {
		return !w.readable(a, r) || slices.ContainsFunc(b.selects, func(f func(*record) bool) bool { return !f(r) })
	})
	totals := w.chance(30)
	path := "/catalogs/" + c.key + "/values"
	if totals {
		path = "/catalogs/" + c.key + "/totals"
	}
	got := w.read(a, path, b.params)
	if !w.opens(a, c, got) {
		return
	}
	if b.refused != nil {
		w.refused(got, b.refused...)
		return
	}
	w.expect(got, true)
	switch {
	case b.unsure:
	case totals:
		same(w, "totals", parse[[]seenTotal](w.world, got), w.totalsOf(a, b, matching))
	default:
		same(w, "values", parse[[]seenGroup](w.world, got), w.groupsOf(a, b, matching))
	}
}

func (w *rightsWorld) someBreakdown(a asker, c *cat) *breakdown {
	b := &breakdown{listing: &listing{params: url.Values{}}, splits: 10}
	inner := &listing{params: url.Values{}}
	w.narrow(a, c, inner)
	for name, values := range inner.params {
		b.params.Set("recordsFilter["+name+"]", values[0])
	}
	b.selects, b.unsure, b.refused = inner.selects, inner.unsure, inner.refused
	tz := w.rng.IntN(25)*60 - 720
	b.params.Set("timezoneOffset", strconv.Itoa(tz))
	b.axis = w.someDimension(a, c, b, "axis", tz)
	if w.chance(50) {
		b.split = w.someDimension(a, c, b, "split", tz)
	}
	if w.chance(30) {
		b.splits = 1 + w.rng.IntN(3)
		b.params.Set("splitLimit", strconv.Itoa(b.splits))
	}
	w.someMeasure(a, c, b)
	return b
}

func (w *rightsWorld) someDimension(a asker, c *cat, b *breakdown, name string, tz int) (d dimension) {
	if w.chance(15) {
		return d
	}
	if w.chance(10) {
		d = dimension{time: true, step: pick(w.rng, modelSteps...), tz: tz}
		b.params.Set(name+"[type]", "createdTime")
		b.params.Set(name+"[subType]", d.step)
		return d
	}
	f := w.someField(c, a.person)
	if f.typ == "contact" {
		return d
	}
	d.f = f
	b.params.Set(name+"[type]", "field")
	b.params.Set(name+"[value]", f.key)
	if f.typ == "date" {
		d.step = pick(w.rng, modelSteps...)
		b.params.Set(name+"[subType]", d.step)
	}
	b.looksAt(w, a, c, f)
	return d
}

// looksAt notes a field that must not be hidden.
func (b *breakdown) looksAt(w *rightsWorld, a asker, c *cat, f *field) {
	if !w.shown(a, c, f) {
		b.refused = append(b.refused, "field_hidden")
	}
	if f.typ == "object" || f.typ == "user" {
		b.unsure = b.unsure || w.linksDoubtful(a, c)
	}
}

func (w *rightsWorld) someMeasure(a asker, c *cat, b *breakdown) {
	if w.chance(40) {
		return
	}
	f := w.someField(c, a.person)
	switch f.typ {
	case "number":
		b.fn = pick(w.rng, "sum", "count", "max", "min", "avg", "avgAll")
		b.params.Set("valueFn", b.fn)
	case "text", "user", "object":
		b.params.Set("value[subType]", "uniqueCount")
	default:
		return
	}
	b.measured = f
	b.params.Set("value[type]", "field")
	b.params.Set("value[value]", f.key)
	b.looksAt(w, a, c, f)
}

// keys are the groups that a record is in; none if it may not be known.
func (w *rightsWorld) keys(a asker, d dimension, r *record) []group {
	switch {
	case d.none():
		return []group{{}}
	case d.time:
		return []group{w.timeGroup(d, r.created)}
	case w.right(a, r, d.f) < 1:
		return nil
	case r.values[d.f] == nil && d.f.typ != "switch":
		return []group{{}}
	}
	switch v := r.values[d.f].(type) {
	case string:
		return []group{{shown: v, id: v, text: v}}
	case float64:
		return []group{{shown: v, id: strconv.FormatFloat(v, 'g', -1, 64), order: []float64{v}}}
	case int64:
		d.tz = 0 // a date without a time
		return []group{w.timeGroup(d, v)}
	case []int:
		var list []group
		for _, n := range v {
			i := slices.IndexFunc(d.f.items, func(i item) bool { return i.num == n })
			list = append(list, group{shown: d.f.items[i].key, id: d.f.items[i].key, order: []float64{float64(i)}})
		}
		return list
	case []*record:
		var list []group
		for _, l := range v {
			list = append(list, w.linkGroup(a, d.f, l))
		}
		return list
	}
	on := r.values[d.f] == true
	return []group{{shown: on, id: strconv.FormatBool(on), order: []float64{float64(b2i(on))}}}
}

func (w *rightsWorld) linkGroup(a asker, f *field, l *record) group {
	g := group{id: l.of.key + ":" + l.id(), order: []float64{float64(l.of.num), float64(l.num)}}
	if f.typ == "user" {
		g.shown = map[string]any{"id": l.id(), "title": w.title(a.person, l)}
		return g
	}
	v := l.wantLink(f, &selection{})
	v["recordTitle"] = w.title(a.person, l)
	g.shown = v
	return g
}

// timeGroup is the group of a time, UTC milliseconds.
func (w *rightsWorld) timeGroup(d dimension, ms int64) group {
	zone := time.FixedZone("", d.tz*60)
	at := time.UnixMilli(ms).In(zone)
	y, m, day := at.Date()
	n := -1
	weekday := (int(at.Weekday()) + 6) % 7
	switch d.step {
	case "hour":
		at = time.Date(y, m, day, at.Hour(), 0, 0, 0, zone)
	case "day":
		at = time.Date(y, m, day, 0, 0, 0, 0, zone)
	case "week":
		at = time.Date(y, m, day-weekday, 0, 0, 0, 0, zone)
	case "month":
		at = time.Date(y, m, 1, 0, 0, 0, 0, zone)
	case "quarter":
		at = time.Date(y, m-(m-1)%3, 1, 0, 0, 0, 0, zone)
	case "year":
		at = time.Date(y, 1, 1, 0, 0, 0, 0, zone)
	case "hourOfDay":
		n = at.Hour()
	case "dayOfWeek":
		n = weekday + 1
	case "dayOfMonth":
		n = day
	case "monthOfYear":
		n = int(m)
	case "quarterOfYear":
		n = (int(m) + 2) / 3
	}
	if n >= 0 {
		return group{shown: n, id: strconv.Itoa(n), order: []float64{float64(n)}}
	}
	text := at.UTC().Format("2006-01-02T15:04:05.000Z")
	return group{shown: text, id: text, order: []float64{float64(at.UnixMilli())}}
}

// number is what is measured of some records; nil for nothing.
func (w *rightsWorld) number(a asker, b *breakdown, records []*record) *float64 {
	n := float64(len(records))
	if b.measured == nil {
		return &n
	}
	seen, sum := 0, 0.0
	var numbers []float64
	different := map[any]bool{}
	for _, r := range records {
		if w.right(a, r, b.measured) < 1 {
			continue
		}
		seen++
		switch v := r.values[b.measured].(type) {
		case string:
			different[v] = true
		case []*record:
			for _, l := range v {
				different[l] = true
			}
		case float64:
			numbers = append(numbers, v)
			sum += v
		}
	}
	n = float64(len(numbers))
	switch {
	case b.fn == "":
		n = float64(len(different))
	case b.fn == "count":
	case b.fn == "avgAll" && seen > 0:
		n = sum / float64(seen)
	case len(numbers) == 0:
		return nil
	case b.fn == "sum":
		n = sum
	case b.fn == "max":
		n = slices.Max(numbers)
	case b.fn == "min":
		n = slices.Min(numbers)
	default:
		n = sum / n
	}
	n = rounded(n)
	return &n
}

// cells are the records in each group of both dimensions, by their ids.
type cells struct {
	axis, split map[string]group
	records     map[[2]string][]*record
}

func (w *rightsWorld) cells(a asker, b *breakdown, records []*record) *cells {
	l := &cells{map[string]group{}, map[string]group{}, map[[2]string][]*record{}}
	for _, r := range records {
		for _, x := range w.keys(a, b.axis, r) {
			for _, s := range w.keys(a, b.split, r) {
				l.axis[x.id], l.split[s.id] = x, s
				at := [2]string{x.id, s.id}
				l.records[at] = append(l.records[at], r)
			}
		}
	}
	return l
}

// before is the order of the keys of a dimension: those without a value last.
func (g group) before(o group) int {
	return cmp.Or(cmp.Compare(b2i(g.id == ""), b2i(o.id == "")), slices.Compare(g.order, o.order), collator(g.text, o.text), cmp.Compare(g.text, o.text))
}

func (w *rightsWorld) groupsOf(a asker, b *breakdown, records []*record) []seenGroup {
	if b.axis.none() && b.split.none() { // of no records, too
		return []seenGroup{{Values: []seenValue{{Value: w.number(a, b, records)}}}}
	}
	l := w.cells(a, b, records)
	splits := slices.SortedFunc(maps.Values(l.split), group.before)
	if len(splits) > b.splits {
		count := func(g group) (n int) {
			for at, list := range l.records {
				if at[1] == g.id {
					n += len(list)
				}
			}
			return n
		}
		frequent := slices.Clone(splits)
		slices.SortStableFunc(frequent, func(g, o group) int { return cmp.Compare(count(o), count(g)) })
		splits = slices.DeleteFunc(splits, func(g group) bool {
			return !slices.ContainsFunc(frequent[:b.splits], func(o group) bool { return o.id == g.id })
		})
	}
	var want []placed
	for _, x := range slices.SortedFunc(maps.Values(l.axis), group.before) {
		p := placed{seenGroup: seenGroup{Axis: x.shown}, none: x.id == ""}
		var all []*record
		different := 0.0
		for _, s := range splits {
			if list := l.records[[2]string{x.id, s.id}]; list != nil {
				v := w.number(a, b, list)
				p.Values = append(p.Values, seenValue{s.shown, v})
				all = append(all, list...)
				if v != nil {
					different += *v
				}
			}
		}
		p.value = w.number(a, b, all)
		if b.measured != nil && b.fn == "" {
			p.value = &different
		}
		if len(p.Values) > 0 {
			want = append(want, p)
		}
	}
	return b.inOrder(want)
}

// placed is a group with what decides its place.
type placed struct {
	seenGroup
	none  bool // without a value
	value *float64
}

// inOrder sorts groups, which are in the order of the axis, and cuts them to the
// usual limit: dates newest first, links by value.
func (b *breakdown) inOrder(list []placed) []seenGroup {
	cyclic := slices.Contains([]string{"dayOfWeek", "dayOfMonth", "monthOfYear", "quarterOfYear", "hourOfDay"}, b.axis.step)
	dates := b.axis.time || b.axis.f != nil && b.axis.f.typ == "date"
	links := b.axis.f != nil && (b.axis.f.typ == "user" || b.axis.f.typ == "object")
	if dates && !cyclic {
		slices.Reverse(list)
	}
	slices.SortStableFunc(list, func(x, y placed) int {
		if by := cmp.Compare(b2i(x.none), b2i(y.none)); by != 0 || !links {
			return by
		}
		if by := cmp.Compare(b2i(x.value == nil), b2i(y.value == nil)); by != 0 || x.value == nil {
			return by
		}
		if b.fn == "min" {
			x, y = y, x
		}
		return cmp.Compare(*y.value, *x.value)
	})
	sorted := []seenGroup{}
	for _, p := range list[:min(len(list), 30)] {
		sorted = append(sorted, p.seenGroup)
	}
	return sorted
}

func (w *rightsWorld) totalsOf(a asker, b *breakdown, records []*record) []seenTotal {
	count := float64(len(records))
	sum := w.number(a, b, records)
	average := sum
	if !b.axis.none() {
		l := w.cells(a, b, records)
		total, n := 0.0, 0
		for _, at := range slices.SortedFunc(maps.Keys(l.records), func(x, y [2]string) int { return slices.Compare(x[:], y[:]) }) {
			if v := w.number(a, b, l.records[at]); v != nil {
				total += *v
				n++
			}
		}
		average = nil
		if n > 0 {
			total = rounded(total / float64(n))
			average = &total
		}
	} else if b.measured != nil && b.fn != "" {
		plain := *b
		plain.fn = "avg"
		average = w.number(a, &plain, records)
	}
	return []seenTotal{{"sum", sum}, {"avg", average}, {"count", &count}}
}

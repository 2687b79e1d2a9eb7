package server

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// match tells whether a record is selected. nil: the model does not know.
type match func(*record) bool

// cond is a part of a filter: a value for a field, or a group of parts.
type cond struct {
	f     *field
	group string // "$or", "$and"
	parts []cond
	value any
	match match
	// jsonOnly: the query string's brackets cannot say it.
	jsonOnly bool
}

// all and any are the match of parts; unknown as soon as one is.
func all(parts []match) match {
	if slices.ContainsFunc(parts, func(m match) bool { return m == nil }) {
		return nil
	}
	return func(r *record) bool {
		return !slices.ContainsFunc(parts, func(m match) bool { return !m(r) })
	}
}

func anyOf(parts []match) match {
	if slices.ContainsFunc(parts, func(m match) bool { return m == nil }) {
		return nil
	}
	return func(r *record) bool {
		return slices.ContainsFunc(parts, func(m match) bool { return m(r) })
	}
}

// filter is a random filter of a catalog as a list of parts that all must hold.
func (w *world) filter(c *cat, depth int) []cond {
	var list []cond
	for range 1 + w.rng.IntN(2) {
		if depth < 2 && w.chance(20) {
			g := cond{group: pick(w.rng, "$or", "$and")}
			var parts []match
			for range 1 + w.rng.IntN(3) {
				p := w.filter(c, depth+1)
				if len(p) == 0 {
					continue
				}
				g.parts = append(g.parts, p[0])
				parts = append(parts, p[0].match)
				g.jsonOnly = g.jsonOnly || p[0].jsonOnly
			}
			g.match = anyOf(parts)
			if g.group == "$and" {
				g.match = all(parts)
			}
			if len(parts) > 0 {
				list = append(list, g)
			}
			continue
		}
		if p, ok := w.fieldCond(c, depth); ok {
			list = append(list, p)
		}
	}
	return list
}

// fieldCond is a random condition on a field, sometimes several joined.
func (w *world) fieldCond(c *cat, depth int) (cond, bool) {
	var fields []*field
	for _, f := range c.fields {
		if f.valued() {
			fields = append(fields, f)
		}
	}
	if len(fields) == 0 {
		return cond{}, false
	}
	f := pick(w.rng, fields...)
	p := w.valueCond(f, depth)
	if !w.chance(15) {
		return p, true
	}
	q := w.valueCond(f, depth)
	joined := cond{f: f, jsonOnly: p.jsonOnly || q.jsonOnly}
	if w.chance(50) {
		joined.value, joined.match = map[string]any{"$or": []any{p.value, q.value}}, anyOf([]match{p.match, q.match})
	} else {
		joined.value, joined.match = map[string]any{"$and": []any{p.value, q.value}}, all([]match{p.match, q.match})
	}
	return joined, true
}

func (w *world) valueCond(f *field, depth int) cond {
	has := func(r *record) bool { return r.values[f] != nil || f.typ == "switch" }
	switch w.rng.IntN(16) {
	case 0:
		return cond{f: f, value: "$empty", match: func(r *record) bool { return !has(r) }}
	case 1:
		return cond{f: f, value: "$notEmpty", match: has}
	case 2:
		return cond{f: f, value: nil, jsonOnly: true, match: func(r *record) bool { return !has(r) }}
	}
	p := cond{}
	switch f.typ {
	case "text", "contact", "address":
		p = w.textCond(f)
	case "number", "progress":
		p = w.numberCond(f)
	case "stars":
		p = w.starsCond(f)
	case "date":
		p = w.dateCond(f)
	case "dropdown", "radiobutton", "checkboxes":
		p = w.choiceCond(f)
	case "switch":
		on := w.chance(50)
		p.value = pick[any](w.rng, on, strconv.FormatBool(on), map[bool]int{true: 1}[on])
		p.match = func(r *record) bool { return (r.values[f] != nil) == on }
	case "user", "object":
		p = w.linkCond(f, depth)
	case "file":
		some := w.chance(50)
		p.value, p.match = some, func(r *record) bool { return (r.values[f] != nil) == some }
	}
	p.f = f
	return p
}

// folded is how texts are compared, as the contract says it.
func folded(s string) string {
	s = cases.Fold().String(norm.NFC.String(s))
	s = strings.NewReplacer("\u0307", "", "ı", "i").Replace(s)
	return norm.NFC.String(s)
}

func contains(text, part string) bool { return strings.Contains(folded(text), folded(part)) }

// needle is a random text to look for: a word, or a part of a value.
func (w *world) needle(c *cat) string {
	s := pick(w.rng, words...)
	if c != nil && len(c.records) > 0 && w.chance(50) {
		s = pick(w.rng, c.records...).shownTitle()
	}
	runes := []rune(s)
	if len(runes) > 2 && w.chance(60) {
		from := w.rng.IntN(len(runes) - 1)
		runes = runes[from : from+1+w.rng.IntN(min(6, len(runes)-from))]
	}
	s = string(runes)
	switch w.rng.IntN(4) {
	case 0:
		s = strings.ToUpper(s)
	case 1:
		s = strings.ToLower(s)
	}
	return s
}

// phonelike tells whether a text may be compared by its digits.
func phonelike(s string) bool {
	return strings.ContainsAny(s, "0123456789") && strings.Trim(s, "0123456789+-() .\u00a0/") == ""
}

func (w *world) textCond(f *field) cond {
	s := w.needle(nil)
	if f.typ == "contact" && w.chance(60) {
		s = pick(w.rng, "900", "79001234567", "8 900 123", "acme", "0100", "+1 (555)", "ÄR")
	}
	if strings.TrimSpace(s) == "" || strings.HasPrefix(s, "$") {
		s = "a"
	}
	p := cond{value: s}
	switch {
	case f.typ == "contact" && phonelike(s):
		return p
	case f.typ == "text":
		p.match = func(r *record) bool { return contains(readable(f, r), s) }
	case f.typ == "address":
		p.match = func(r *record) bool { a, _ := r.values[f].(address); return contains(a.value, s) }
	default:
		p.match = func(r *record) bool {
			list, _ := r.values[f].([]contact)
			return slices.ContainsFunc(list, func(c contact) bool { return contains(c.contact, s) })
		}
	}
	return p
}

// readable is the plain text of a text field.
func readable(f *field, r *record) string {
	s, _ := r.values[f].(string)
	if f.kind == "editor" {
		s = strings.TrimSuffix(strings.TrimPrefix(s, "<p>"), "</p>")
	}
	return s
}

func (w *world) numberCond(f *field) cond {
	num := func() float64 { return pick(w.rng, 0, 1, -1, 1.5, 0.1, 0.3, 0.1+0.2, 3, 100, 50, 1e15, -2.25) }
	value := func(r *record) (float64, bool) { n, ok := r.values[f].(float64); return n, ok }
	atLow, atHigh := num(), num()
	low, high := rounded(atLow), rounded(atHigh)
	text := func(n float64) any {
		return pick[any](w.rng, n, strconv.FormatFloat(n, 'f', -1, 64))
	}
	which := w.rng.IntN(4)
	if f.typ == "stars" {
		which = max(which, 1) // a number alone would have to be whole
	}
	switch which {
	case 0:
		return cond{value: text(atLow), match: func(r *record) bool { n, ok := value(r); return ok && n == low }}
	case 1:
		return cond{value: map[string]any{"at": text(atLow), "to": ""}, match: func(r *record) bool { n, ok := value(r); return ok && n >= low }}
	case 2:
		return cond{value: map[string]any{"to": text(atHigh)}, match: func(r *record) bool { n, ok := value(r); return ok && n <= high }}
	}
	return cond{
		value: map[string]any{"at": text(atLow), "to": text(atHigh)},
		match: func(r *record) bool { n, ok := value(r); return ok && n >= low && n <= high },
	}
}

func (w *world) starsCond(f *field) cond {
	list := []any{w.rng.IntN(6), strconv.Itoa(w.rng.IntN(6))}
	if w.chance(30) {
		return w.numberCond(f)
	}
	return cond{value: list, match: func(r *record) bool {
		n, ok := r.values[f].(float64)
		return ok && slices.ContainsFunc(list, func(e any) bool { return fmt.Sprint(e) == strconv.Itoa(int(n)) })
	}}
}

func (w *world) choiceCond(f *field) cond {
	if len(f.items) == 0 {
		return cond{value: "$empty", match: func(r *record) bool { return r.values[f] == nil }}
	}
	var keys []any
	var numbers []int
	for range 1 + w.rng.IntN(2) {
		i := pick(w.rng, f.items...)
		keys, numbers = append(keys, i.key), append(numbers, i.num)
	}
	has := func(r *record) func(int) bool {
		own, _ := r.values[f].([]int)
		return func(n int) bool { return slices.Contains(own, n) }
	}
	if f.typ == "checkboxes" {
		return cond{value: keys, match: func(r *record) bool {
			has := has(r)
			return !slices.ContainsFunc(numbers, func(n int) bool { return !has(n) })
		}}
	}
	orEmpty := w.chance(20)
	if orEmpty {
		keys = append(keys, "$empty")
	}
	p := cond{value: keys, match: func(r *record) bool {
		return slices.ContainsFunc(numbers, has(r)) || orEmpty && r.values[f] == nil
	}}
	if len(keys) == 1 && w.chance(50) {
		p.value = keys[0]
	}
	return p
}

func (w *world) dateCond(f *field) cond {
	value := func(r *record) (int64, bool) { n, ok := r.values[f].(int64); return n, ok }
	within := func(v any, low, high *int64) cond {
		return cond{value: v, match: func(r *record) bool {
			at, ok := value(r)
			return ok && (low == nil || at >= *low) && (high == nil || at <= *high)
		}}
	}
	switch w.rng.IntN(6) {
	case 0:
		return cond{value: "NULL_DATE", match: func(r *record) bool { _, ok := value(r); return !ok }}
	case 1:
		st := w.stamp()
		low, high := w.bounds(f, st)
		if f.kind != "datetime" {
			low = snapped(f, time.UnixMilli(low).UTC())
			high = low
		}
		return within(st.text(), &low, &high)
	case 2:
		at, to := w.rng.IntN(400)-300, w.rng.IntN(400)-100
		low, high := w.days(f, at, to)
		return within(map[string]any{"relative": map[string]any{"at": at, "to": to}}, &low, &high)
	case 3:
		return w.periodCond(f)
	}
	v := map[string]any{}
	var low, high *int64
	if w.chance(70) {
		st := w.stamp()
		n, _ := w.bounds(f, st)
		v["at"], low = st.text(), &n
	}
	if w.chance(70) || low == nil {
		st := w.stamp()
		_, n := w.bounds(f, st)
		v["to"], high = st.text(), &n
	}
	return within(v, low, high)
}

const dayMs = 24 * 60 * 60 * 1000

// bounds are the first and the last stored value that a written date means.
func (w *world) bounds(f *field, st stamp) (low, high int64) {
	low = st.unsnapped(f, w.tz).UnixMilli()
	high = low
	if f.kind == "datetime" && !st.timed {
		high += dayMs - 1
	}
	return low, high
}

// today is the caller's calendar date.
func (w *world) today() time.Time {
	return day(w.clock.Now().Add(time.Duration(w.tz) * time.Minute))
}

// days are the stored values from one day to another, counted from today.
func (w *world) days(f *field, from, to int) (low, high int64) {
	return w.span(f, w.today().AddDate(0, 0, from), w.today().AddDate(0, 0, to))
}

func (w *world) span(f *field, first, last time.Time) (low, high int64) {
	low, high = first.UnixMilli(), last.UnixMilli()
	if f.kind == "datetime" {
		shift := int64(w.tz) * 60_000
		low, high = low-shift, high-shift+dayMs-1
	}
	return low, high
}

func (w *world) periodCond(f *field) cond {
	t := w.today()
	monday := t
	for monday.Weekday() != time.Monday {
		monday = monday.AddDate(0, 0, -1)
	}
	month := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	quarter := time.Date(t.Year(), (t.Month()-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	year := time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	periods := map[string][2]time.Time{ // first day, day after the last
		"today": {t, t.AddDate(0, 0, 1)}, "yesterday": {t.AddDate(0, 0, -1), t}, "tomorrow": {t.AddDate(0, 0, 1), t.AddDate(0, 0, 2)},
		"thisWeek": {monday, monday.AddDate(0, 0, 7)}, "lastWeek": {monday.AddDate(0, 0, -7), monday},
		"nextWeek":  {monday.AddDate(0, 0, 7), monday.AddDate(0, 0, 14)},
		"thisMonth": {month, month.AddDate(0, 1, 0)}, "lastMonth": {month.AddDate(0, -1, 0), month},
		"nextMonth":  {month.AddDate(0, 1, 0), month.AddDate(0, 2, 0)},
		"last30days": {t.AddDate(0, 0, -29), t.AddDate(0, 0, 1)}, "last365days": {t.AddDate(0, 0, -364), t.AddDate(0, 0, 1)},
		"thisQuarter": {quarter, quarter.AddDate(0, 3, 0)}, "lastQuarter": {quarter.AddDate(0, -3, 0), quarter},
		"nextQuarter": {quarter.AddDate(0, 3, 0), quarter.AddDate(0, 6, 0)},
		"thisYear":    {year, year.AddDate(1, 0, 0)}, "lastYear": {year.AddDate(-1, 0, 0), year},
		"nextYear": {year.AddDate(1, 0, 0), year.AddDate(2, 0, 0)}, "todayAndBefore": {day(time.Time{}), t.AddDate(0, 0, 1)},
	}
	names := make([]string, 0, len(periods)+1)
	for name := range periods {
		names = append(names, name)
	}
	slices.Sort(names)
	name := pick(w.rng, append(names, "birthday")...)
	shift := time.Duration(0)
	if f.kind == "datetime" {
		shift = time.Duration(w.tz) * time.Minute
	}
	low, high := w.span(f, periods[name][0], periods[name][1].AddDate(0, 0, -1))
	return cond{value: map[string]any{"period": name}, match: func(r *record) bool {
		at, ok := r.values[f].(int64)
		if name == "birthday" {
			local := time.UnixMilli(at).UTC().Add(shift)
			return ok && local.Month() == t.Month() && local.Day() == t.Day()
		}
		return ok && at >= low && at <= high
	}}
}

// params writes the filter into a query string in one of its forms.
func (w *world) filterParams(params url.Values, list []cond) {
	object, array, groups, brackets := map[string]any{}, []any{}, false, true
	for _, p := range list {
		array = append(array, p.element())
		groups = groups || p.group != ""
		brackets = brackets && !p.jsonOnly
		key, value := p.form()
		if _, twice := object[key]; twice {
			value = []any{map[string]any{"$and": []any{map[string]any{key: value}}}}
			key = "$and"
			if _, twice := object[key]; twice {
				continue // handled by the array form only
			}
		}
		object[key] = value
	}
	whole := len(object) == len(list)
	switch n := w.rng.IntN(4); {
	case n == 0 && whole:
		params.Set("filters", asJSON(object))
	case n == 1 && whole && brackets:
		bracketed(params, "filters", object)
	case n == 2 && !groups && brackets:
		bracketed(params, "filters", array)
	default:
		params.Set("filters", asJSON(array))
	}
}

// form is the part as a member of the object form.
func (p cond) form() (string, any) {
	if p.group == "" {
		return p.f.key, p.value
	}
	parts := []any{}
	for _, e := range p.parts {
		key, value := e.form()
		parts = append(parts, map[string]any{key: value})
	}
	return p.group, parts
}

// element is the part as an element of the array form.
func (p cond) element() any {
	key, value := p.form()
	if p.group != "" {
		return map[string]any{key: value}
	}
	return map[string]any{"fieldId": key, "value": value}
}

// bracketed writes a value as qs does.
func bracketed(params url.Values, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, e := range v {
			bracketed(params, name+"["+key+"]", e)
		}
	case []any:
		for i, e := range v {
			bracketed(params, name+"["+strconv.Itoa(i)+"]", e)
		}
	case nil:
		params.Set(name, "")
	case float64:
		params.Set(name, strconv.FormatFloat(v, 'f', -1, 64))
	default:
		params.Set(name, fmt.Sprint(v))
	}
}

package apisync_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/domain"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// row is a record of the model: values by field, each a list of what it holds: strings,
// float64, bool, time.Time or row numbers. What is not there is unset.
type row map[string][]any

// model evaluates domains as sync-api.md §2.16 says, record by record.
type model struct {
	rng    *rand.Rand
	deals  []row // of record i+1
	places []row
}

// kinds are the fields of the model's catalogs, with what they hold.
var kinds = map[string]string{
	"name": "text", "price": "number", "state": "option", "tags": "option", "paid": "bool", "due": "date", "at": "time",
	"phone": "text", "place": "link", "seen": "link", "title": "text", "floor": "number", "parent": "link", "id": "id",
}

var (
	someTexts   = []any{"Alpha", "alpha", "ЇЖАК", "їжак", "a_b", "a%b", `a\b`, "straße", "+380 1"}
	someNumbers = []any{-1.0, 0.0, 10.0, 10.5}
	someOptions = map[string][]any{"state": {"New", "Готово", "Too late"}, "tags": {"red", "green", "blue"}}
	someTimes   = []any{clock("2026-03-08T23:59:59Z"), clock("2026-03-09T00:00:00Z"), clock("2026-03-09T08:15:00.7Z"), clock("2024-02-29T12:00:00Z")}
	somePattern = []string{"alp", "ALP", "%", "_", "a_b", `a\_b`, `\%`, "ж%К", "a%a", "", `\`, `\\`, "STRASSE"}
)

func clock(s string) time.Time { return time.UnixMilli(int64(at(s))).UTC() }

func pick[T any](m *model, list []T) T { return list[m.rng.IntN(len(list))] }

// value is a random value of a field, as it is stored.
func (m *model) value(field string) any {
	switch kinds[field] {
	case "text":
		return pick(m, someTexts)
	case "number":
		return pick(m, someNumbers)
	case "option":
		return pick(m, someOptions[field])
	case "bool":
		return m.rng.IntN(2) == 0
	case "date":
		return pick(m, someTimes).(time.Time).Truncate(24 * time.Hour)
	case "time":
		return pick(m, someTimes)
	}
	return query.Record(1 + m.rng.IntN(len(m.places)))
}

// fill makes random records in the model and in the world.
func (m *model) fill(w *asked) {
	m.places = make([]row, 6)
	for i := range m.places {
		m.places[i] = m.row("title", "floor")
		if i > 0 && m.rng.IntN(4) > 0 {
			m.places[i]["parent"] = []any{query.Record(1 + m.rng.IntN(i))}
		}
		w.store(w.places, m.places[i])
	}
	m.deals = make([]row, 25)
	for i := range m.deals {
		m.deals[i] = m.row("name", "price", "state", "tags", "paid", "due", "at", "phone", "place", "seen")
		w.store(w.deals, m.deals[i])
	}
}

func (m *model) row(fields ...string) row {
	r := row{}
	for _, f := range fields {
		n := m.rng.IntN(4)
		if !slices.Contains([]string{"tags", "phone", "seen"}, f) {
			n = min(n, 1)
		}
		for range n {
			if v := m.value(f); !slices.Contains(r[f], v) {
				r[f] = append(r[f], v)
			}
		}
	}
	return r
}

// store writes a row of the model as a record.
func (w *asked) store(c *catalog.Catalog, r row) {
	w.Helper()
	var pairs []any
	for key, values := range r {
		f := c.FieldByKey(key)
		var items catalog.Items
		var contacts catalog.Contacts
		var links []query.Record
		var v catalog.Value
		for _, one := range values {
			switch one := one.(type) {
			case string:
				v = catalog.Text(one)
				contacts = append(contacts, catalog.Contact{Contact: one})
				i := slices.IndexFunc(f.Config.Items, func(item catalog.Item) bool { return item.Name == one })
				if i >= 0 {
					items = append(items, f.Config.Items[i].Num)
				}
			case float64:
				v = catalog.Number(one)
			case bool:
				v = catalog.Bool(one)
			case time.Time:
				v = catalog.Time(one.UnixMilli())
			case query.Record:
				links = append(links, one)
			}
		}
		switch {
		case items != nil:
			v = items
		case f.Type.Name() == "contact":
			v = contacts
		case links != nil:
			v = to(w.places, links...)
		}
		pairs = append(pairs, key, v)
	}
	w.add(c, pairs...)
}

// domain is a random domain about deals or places, as text.
func (m *model) domain(fields []string, depth int) string {
	var b strings.Builder
	for range 1 + m.rng.IntN(2) {
		m.term(&b, fields, depth)
	}
	return "[" + strings.TrimSuffix(b.String(), ",") + "]"
}

func (m *model) term(b *strings.Builder, fields []string, depth int) {
	switch n := m.rng.IntN(6); {
	case n == 0 && depth > 0:
		b.WriteString(`"!",`)
		m.term(b, fields, depth-1)
	case n <= 2 && depth > 0:
		b.WriteString(pick(m, []string{`"&",`, `"|",`}))
		m.term(b, fields, depth-1)
		m.term(b, fields, depth-1)
	default:
		m.criterion(b, fields, depth)
	}
}

var placeFields = []string{"title", "floor", "parent", "id"}

func (m *model) criterion(b *strings.Builder, fields []string, depth int) {
	field := pick(m, fields)
	kind := kinds[field]
	if kind == "link" {
		switch n := m.rng.IntN(5); {
		case n == 0 && depth > 0:
			fmt.Fprintf(b, `[%q,%q,%s],`, field, pick(m, []string{"any", "not any"}), m.domain(placeFields, depth-1))
			return
		case n == 1:
			fmt.Fprintf(b, `[%q,%q,%v],`, field, pick(m, []string{"child_of", "parent_of"}), m.value(field))
			return
		case n == 2:
			rest := pick(m, placeFields)
			field, kind = field+"."+rest, kinds[rest]
		}
	}
	operators := []string{"=", "!=", "in", "not in"}
	switch kind {
	case "text":
		operators = append(operators, "like", "ilike", "not like", "not ilike", "=like", "=ilike", "not =like", "not =ilike")
	case "number", "date", "time", "id":
		operators = append(operators, ">", ">=", "<", "<=")
	}
	op := pick(m, operators)
	fmt.Fprintf(b, `[%q,%q,%s],`, field, op, m.operand(field[strings.LastIndexByte(field, '.')+1:], op))
}

// operand is a random value for an operator, as JSON.
func (m *model) operand(field, op string) string {
	if strings.HasSuffix(op, "like") {
		return string(tree.AppendString(nil, pick(m, somePattern)))
	}
	if strings.HasSuffix(op, "in") || op == "=" && m.rng.IntN(6) == 0 {
		var list []string
		for range m.rng.IntN(4) {
			list = append(list, m.operand(field, "!="))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	if m.rng.IntN(5) == 0 && (op == "=" || op == "!=") {
		return pick(m, []string{"false", "null"})
	}
	switch v := m.value(field).(type) {
	case string:
		return string(tree.AppendString(nil, v))
	case time.Time:
		return strconv.Quote(v.Format(pick(m, []string{time.DateOnly, time.RFC3339})))
	default:
		return fmt.Sprint(v)
	}
}

// holds evaluates a domain for record n of a list.
func (m *model) holds(rows []row, n query.Record, d domain.Domain) bool {
	switch d := d.(type) {
	case domain.And:
		return !slices.ContainsFunc(d, func(e domain.Domain) bool { return !m.holds(rows, n, e) })
	case domain.Or:
		return slices.ContainsFunc(d, func(e domain.Domain) bool { return m.holds(rows, n, e) })
	case domain.Not:
		return !m.holds(rows, n, d.Domain)
	}
	c := d.(domain.Criterion)
	field, rest, dotted := strings.Cut(c.Field, ".")
	values := rows[n-1][field]
	if field == "id" {
		values = []any{n}
	}
	if dotted {
		c.Field = rest
		return slices.ContainsFunc(values, func(v any) bool { return m.holds(m.places, v.(query.Record), c) })
	}
	if op, not := strings.CutPrefix(c.Operator, "not "); not || c.Operator == "!=" {
		return !m.positive(values, kinds[field], strings.TrimPrefix(op, "!"), c)
	}
	return m.positive(values, kinds[field], c.Operator, c)
}

func (m *model) positive(values []any, kind, op string, c domain.Criterion) bool {
	some := func(holds func(v any) bool) bool { return slices.ContainsFunc(values, holds) }
	switch op {
	case "any":
		return some(func(v any) bool { return m.holds(m.places, v.(query.Record), c.Sub) })
	case "child_of", "parent_of":
		given, _ := c.Value.Int()
		return some(func(v any) bool {
			if op == "child_of" {
				return slices.Contains(m.above(v.(query.Record)), query.Record(given))
			}
			return slices.Contains(m.above(query.Record(given)), v.(query.Record))
		})
	case "like", "ilike", "=like", "=ilike":
		if c.Value.Str() == "" {
			return op[0] != '=' || len(values) == 0
		}
		return some(func(v any) bool { return likes(v.(string), op, c.Value.Str()) })
	case "=", "in":
		if c.Value.Kind != tree.List {
			return m.equal(values, kind, c.Value)
		}
		if op == "=" && c.Value.Len() == 0 {
			return m.equal(values, kind, tree.Value{})
		}
		return slices.ContainsFunc(c.Value.Items(), func(e tree.Value) bool { return m.equal(values, kind, e) })
	}
	return some(func(v any) bool {
		low, high := compared(v, kind, c.Value)
		switch op {
		case ">":
			return high > 0
		case ">=":
			return low >= 0
		case "<":
			return low < 0
		}
		return high <= 0
	})
}

// above are a place and all above it.
func (m *model) above(n query.Record) (list []query.Record) {
	list = append(list, n)
	for _, v := range m.places[n-1]["parent"] {
		list = append(list, m.above(v.(query.Record))...)
	}
	return list
}

func (m *model) equal(values []any, kind string, v tree.Value) bool {
	unset := v.IsNull() || v.Kind == tree.Bool && !v.True()
	switch {
	case kind == "bool":
		return (len(values) > 0 && values[0].(bool)) != unset
	case unset:
		return len(values) == 0
	}
	return slices.ContainsFunc(values, func(have any) bool {
		if s, ok := have.(string); ok {
			return s == v.Str()
		}
		low, high := compared(have, kind, v)
		return low >= 0 && high <= 0
	})
}

// compared tells where a value is: before the first moment or number that v means (low
// < 0), after the last (high > 0), or within.
func compared(have any, kind string, v tree.Value) (low, high int) {
	if t, ok := have.(time.Time); ok {
		day := len(v.Str()) == len(time.DateOnly)
		first, err := time.Parse(time.RFC3339, v.Str())
		if day {
			first, err = time.Parse(time.DateOnly, v.Str())
		}
		if err != nil {
			panic(err)
		}
		last := first.Add(time.Second - 1)
		switch {
		case kind == "date":
			first = first.Truncate(24 * time.Hour)
			last = first
		case day:
			last = first.Add(24*time.Hour - 1)
		}
		return t.Compare(first), t.Compare(last)
	}
	n, _ := v.Float()
	number, ok := have.(float64)
	if !ok {
		number = float64(have.(query.Record))
	}
	d := 0
	if number < n {
		d = -1
	} else if number > n {
		d = 1
	}
	return d, d
}

// likes matches by a regular expression.
func likes(s, op, pattern string) bool {
	if strings.HasSuffix(op, "ilike") {
		s, pattern = text.Fold(s), text.Fold(pattern)
	}
	var b bytes.Buffer
	runes := []rune(pattern)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case r == '%':
			b.WriteString("(?s:.*)")
		case r == '_':
			b.WriteString("(?s:.)")
		case r == '\\' && i+1 < len(runes):
			i++
			b.WriteString(regexp.QuoteMeta(string(runes[i])))
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	expression := b.String()
	if op[0] != '=' {
		expression = "(?s:.*)" + expression + "(?s:.*)"
	}
	return regexp.MustCompile("^(?:" + expression + ")$").MatchString(s)
}

// TestDomainModel compares what random domains find with what the model says.
// MODEL_SEEDS is the number of seeds, MODEL_SEED the first.
func TestDomainModel(t *testing.T) {
	first, seeds := setting(t, "MODEL_SEED", 1), setting(t, "MODEL_SEEDS", 2)
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			eachAsked(t, func(t *testing.T, w *asked) { askRandomly(t, w, uint64(seed)) })
		})
	}
}

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		t.Fatalf("%s=%q is not a number", name, s)
	}
	return n
}

func askRandomly(t *testing.T, w *asked, seed uint64) {
	m := &model{rng: rand.New(rand.NewPCG(seed, 9))}
	m.fill(w)
	w.compile(`{"parent_fields":{"places":"parent"}}`)
	fields := []string{"name", "price", "state", "tags", "paid", "due", "at", "phone", "place", "seen", "id"}
	hits := 0
	for i := range 300 {
		domain := m.domain(fields, 3)
		d, err := apisync.ParseDomain(domain)
		if err != nil {
			t.Fatalf("seed %d, %d: %s: %v", seed, i, domain, err)
		}
		want := []query.Record{}
		for n := range m.deals {
			if m.holds(m.deals, query.Record(n+1), d) {
				want = append(want, query.Record(n+1))
			}
		}
		got, err := w.where(boss, "deals", domain, true)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("seed %d, %d: %s\ngot  %v (%v)\nwant %v", seed, i, domain, got, err, want)
		}
		if len(want) > 0 && len(want) < len(m.deals) {
			hits++
		}
	}
	if hits < 100 {
		t.Errorf("only %d domains told records apart", hits)
	}
}

package store

import (
	"encoding/json"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
)

// Bounds of one filter. SQLite takes expressions no deeper than 1,000, where a
// nested SELECT counts again in each that is around it, and needs time with the
// square of the number of arguments. A list is one argument.
const (
	maxFilterDepth = 32
	maxFilterLinks = 8
	maxFilterNodes = 1_000
	// Those of a probe, around which there are more SELECTs.
	maxProbeDepth = 28
	maxProbeLinks = 4
)

// builder writes one SELECT. What the structure says (tables, columns, slots,
// numbers of fields and catalogs) becomes text, what the caller says becomes
// arguments; so the text is the same for all queries of one shape.
type builder struct {
	sql     []byte
	args    []any
	dialect dialect
	st      *catalog.Structure
	nodes   int // conditions so far
	depth   int
	links   int // levels of linked records
	aliases int
	// probe lets conditions look one record up, where they otherwise list all
	// that satisfy them, with which a database can begin. It is for records that
	// something else has found.
	probe              bool
	maxDepth, maxLinks int
}

// source is a catalog's record table under the name it has in the statement.
type source struct {
	catalog *catalog.Catalog
	alias   string
}

// id is the record number's column.
func (s source) id() string { return s.alias + ".id" }

// value and key are a field's columns.
func (s source) value(f *catalog.Field) string { return s.alias + "." + valueColumn(f) }
func (s source) key(f *catalog.Field) string   { return s.alias + "." + keyColumn(f) }

func newBuilder(d dialect, st *catalog.Structure) *builder {
	return &builder{sql: make([]byte, 0, 1024), args: make([]any, 0, 8), dialect: d, st: st,
		maxDepth: maxFilterDepth, maxLinks: maxFilterLinks}
}

// newProbe is a builder of conditions that look records up, the main one of which
// the caller has named.
func newProbe(d dialect, st *catalog.Structure) *builder {
	b := newBuilder(d, st)
	b.probe, b.aliases, b.maxDepth, b.maxLinks = true, 1, maxProbeDepth, maxProbeLinks
	return b
}

func (b *builder) add(parts ...string) {
	for _, p := range parts {
		b.sql = append(b.sql, p...)
	}
}

func (b *builder) int(n int64) { b.sql = strconv.AppendInt(b.sql, n, 10) }

func (b *builder) bind(args ...any) { b.args = append(b.args, args...) }

// alias makes a name for one more record table of the statement.
func (b *builder) alias(c *catalog.Catalog) source {
	name := recordAlias
	if b.aliases > 0 {
		name += strconv.Itoa(b.aliases)
	}
	b.aliases++
	return source{c, name}
}

// oneOf adds the condition that expr is one of some numbers of the structure.
func (b *builder) oneOf(expr string, numbers []int) {
	b.add(expr, " IN (")
	for i, n := range numbers {
		if i > 0 {
			b.add(", ")
		}
		b.int(int64(n))
	}
	b.add(")")
}

// among adds the condition that expr is one of the caller's integers.
func (b *builder) among(expr string, list []int64) {
	switch len(list) {
	case 0:
		b.add("FALSE")
	case 1:
		b.add(expr, " = ?")
		b.bind(list[0])
	default:
		b.add(b.dialect.AnyInt(expr))
		b.bind(list)
	}
}

// amongTexts adds the condition that expr is one of the strings.
func (b *builder) amongTexts(expr string, list []string) {
	if len(list) == 1 {
		b.add(expr, " = ?")
		b.bind(list[0])
		return
	}
	b.add(b.dialect.AnyText(expr))
	b.bind(jsonTexts(list))
}

// contains adds the condition that the folded text expr has s in it.
func (b *builder) contains(expr, s string) {
	cond, arg := b.dialect.Contains(expr, s)
	b.add(cond)
	b.bind(arg)
}

// enter counts a condition; leave ends it.
func (b *builder) enter() error {
	b.nodes++
	b.depth++
	if b.depth > b.maxDepth {
		return fault.New(fault.InvalidFilter, "The filter is nested too deeply")
	}
	if b.nodes > maxFilterNodes {
		return fault.New(fault.InvalidFilter, "The filter has too many conditions")
	}
	return nil
}

func (b *builder) leave() { b.depth-- }

func jsonTexts(list []string) string {
	data, err := json.Marshal(list)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(data)
}

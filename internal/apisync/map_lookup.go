package apisync

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// foundKey is what was looked for: an identifier of a config's model. full tells that
// the record was read as Map needs it.
type foundKey struct {
	plan *plan
	key  string
	full bool
}

// found is what a look-up found.
type found struct {
	record  query.Record // 0 for nothing
	code    string
	several bool
	// holder is the record that a link with the identifier leads to, seen or not; 0 for none.
	holder query.Ref
	rows   *catalog.Rows // of the record, when full
	row    int
	by     *Mapped // makes the record; nil for one that exists
}

// lookUpChunk is the number of identifiers of related records in one query.
const lookUpChunk = 200

// find looks up those of the identifiers that were not looked up yet.
func (x *Exchange) find(ctx context.Context, p *plan, ids []*Ident, full bool) error {
	chunk := maxFind
	if p != x.plan {
		chunk = lookUpChunk
	}
	var missing []*Ident
	seen := map[string]bool{}
	for _, id := range ids {
		if id != nil && !seen[id.key] && x.found[foundKey{p, id.key, full}] == nil {
			seen[id.key] = true
			missing = append(missing, id)
		}
	}
	for some := range slices.Chunk(missing, chunk) {
		if err := x.ask(ctx, p, some, full); err != nil {
			return err
		}
	}
	return nil
}

// ask looks identifiers up with one query.
func (x *Exchange) ask(ctx context.Context, p *plan, ids []*Ident, full bool) error {
	if p.linked() {
		return x.askLinks(ctx, p, ids, full)
	}
	where, err := x.whereWithin(ctx, p, identifiedBy(p.identifier, ids))
	if err != nil {
		return err
	}
	sel := &catalog.Selection{Fields: []*catalog.Field{}}
	if full {
		sel = x.before(p)
	}
	for _, f := range p.identifier.Path {
		add(sel, f)
	}
	wanted := make(map[string]*found, len(ids))
	for _, id := range ids {
		at := &found{}
		wanted[id.key], x.found[foundKey{p, id.key, full}] = at, at
	}
	pages := 0
	return x.eachPage(ctx, p.Compiled, where, sel, func(rows *catalog.Rows) bool {
		for i := range rows.Page.Len() {
			for _, key := range rowKeys(p.identifier, rows, i) {
				if at := wanted[key]; at != nil {
					at.meet(rows, i, full)
				}
			}
		}
		pages++
		return slices.ContainsFunc(ids, func(id *Ident) bool { return !wanted[id.key].several }) && pages < maxPages
	})
}

// whereWithin joins a condition with the identifier_domain of a config.
func (x *Exchange) whereWithin(ctx context.Context, p *plan, where query.Node) (query.Node, error) {
	within, err := x.within(ctx, p)
	if err != nil || within == nil {
		return where, err
	}
	return query.And{where, within}, nil
}

// within is the identifier_domain of a config, nil for none.
func (x *Exchange) within(ctx context.Context, p *plan) (query.Node, error) {
	switch string(bytes.TrimSpace(p.IdentifierDomain)) {
	case "", "null", "[]", `""`:
		return nil, nil
	}
	if x.domain == nil {
		return nil, Refuse(500, "CONFIG_ERROR", "The identifier_domain of %s cannot be used", p.Code)
	}
	return x.domain(ctx, p.Compiled)
}

// maxPages bounds the pages of records that have the identifiers of one look-up.
const maxPages = 100

// meet notes a record that has the identifier.
func (at *found) meet(rows *catalog.Rows, row int, full bool) {
	n := rows.Page.Record(row)
	if at.record != 0 {
		at.several = at.several || at.record != n
		return
	}
	at.record, at.code = n, string(rows.Page.Code(row))
	if full {
		at.rows, at.row = rows, row
	}
}

// lookedUp is what an identifier of a related record leads to.
func (x *Exchange) lookedUp(ctx context.Context, p *plan, id *Ident, full bool) (*found, error) {
	if made := x.found[foundKey{p, id.key, false}]; made != nil && made.by != nil {
		return made, nil // it cannot be read yet
	}
	if err := x.find(ctx, p, []*Ident{id}, full); err != nil {
		return nil, err
	}
	return x.found[foundKey{p, id.key, full}], nil
}

// made notes that an item makes the record of an identifier.
func (x *Exchange) made(p *plan, id *Ident, n query.Record, by *Mapped) {
	for _, full := range []bool{false, true} {
		x.found[foundKey{p, id.key, full}] = &found{record: n, by: by}
	}
}

// Drop forgets the records that an item was to make: it is not carried out.
func (x *Exchange) Drop(m *Mapped) {
	for key, at := range x.found {
		if at.by == m {
			delete(x.found, key)
		}
	}
}

// lookUp looks up what a line's values mean, all with as few queries as can be.
func (x *Exchange) lookUp(ctx context.Context, l *mapLine, values []tree.Value) error {
	m := l.Mapping.mapping()
	if m.identifier == nil || m.identifier.scripted() || l.scripted() {
		return nil
	}
	var ids []*Ident
	for _, v := range values {
		for _, e := range oneOrMany(v) {
			id, bad, err := x.identify(ctx, m, e)
			if err != nil {
				return err
			}
			if bad == nil && id != nil {
				ids = append(ids, id)
			}
		}
	}
	return x.find(ctx, m, ids, l.child == nil && l.RelationPolicy == "upsert")
}

// Prefetch looks up what the items of a batch link, one query per relation and chunk
// instead of one per item. What is wrong with an item is told by Map.
func (x *Exchange) Prefetch(ctx context.Context, items []tree.Value) error {
	return x.prefetch(ctx, x.plan, items, 0)
}

func (x *Exchange) prefetch(ctx context.Context, p *plan, items []tree.Value, depth int) error {
	if len(items) == 0 || depth > maxMappings {
		return nil
	}
	for _, l := range p.lines {
		people := l.Field() != nil && l.Field().HoldsEmployees() && !l.related()
		if !l.In() || l.scripted() || l.why.Format != "" || !people && !l.related() && l.child == nil {
			continue
		}
		values := l.valuesIn(items)
		var err error
		switch {
		case people:
			var names []string
			for _, v := range values {
				names = append(names, peopleIn(v)...)
			}
			err = x.lookUpPeople(ctx, names)
		case l.related(), l.Mapping.linked(): // whose children may be others' already
			err = x.lookUp(ctx, l, values)
		}
		if err == nil && l.Mapping != nil && (l.child != nil || l.RelationPolicy == "create" || l.RelationPolicy == "upsert") {
			err = x.prefetch(ctx, l.Mapping.mapping(), objectsIn(values), depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// valuesIn are the values of a line in items, as far as they can be read.
func (l *mapLine) valuesIn(items []tree.Value) (values []tree.Value) {
	for _, item := range items {
		v, ok := l.path.read(item)
		if !ok || v.IsNull() {
			continue
		}
		if l.Trim {
			v = trimmed(v)
		}
		if v, bad := l.values.in(v); bad == nil {
			values = append(values, v)
		}
	}
	return values
}

func objectsIn(values []tree.Value) (list []tree.Value) {
	for _, v := range values {
		for _, e := range oneOrMany(v) {
			if e.Kind == tree.Object {
				list = append(list, e)
			}
		}
	}
	return list
}

// peopleIn are the texts that name employees and are not ids.
func peopleIn(v tree.Value) (names []string) {
	for _, e := range oneOrMany(v) {
		if s := e.Str(); s != "" && bpium.RecordKey(s).Record == 0 {
			names = append(names, s)
		}
	}
	return names
}

// employee reads an employee: an e-mail address, an id, or the exact name.
func (x *Exchange) employee(v tree.Value) (*catalog.Link, *wrong) {
	if v.Kind == tree.Object {
		if id, ok := v.Get("id"); ok {
			v = id
		}
	}
	s, ok := bpium.IDText(v)
	if !ok {
		return nil, mistyped(fault.Msg("an employee: e-mail, id or name"), v)
	}
	key := bpium.RecordKey(s)
	if key.Record != 0 {
		return linkTo(catalog.Employees, key.Record), nil
	}
	switch at := x.people[s]; {
	case at == nil || at.record == 0:
		return nil, wrongly(notFoundCode, "there is no employee %s", cut(s))
	case at.several:
		return nil, wrongly(ambiguousCode, "several employees are called %s", cut(s))
	default:
		return linkTo(catalog.Employees, at.record), nil
	}
}

// lookUpPeople finds employees by e-mail, else by name, as far as the actor may see
// them.
func (x *Exchange) lookUpPeople(ctx context.Context, names []string) error {
	var missing []string
	for _, s := range names {
		if x.people[s] == nil {
			x.people[s] = &found{}
			missing = append(missing, s)
		}
	}
	mail, name := x.mailField(), x.employeeField("$name")
	for some := range slices.Chunk(missing, lookUpChunk) {
		for _, f := range []*catalog.Field{mail, name} {
			if f == nil {
				continue
			}
			if err := x.askPeople(ctx, f, some); err != nil {
				return err
			}
			some = slices.DeleteFunc(slices.Clone(some), func(s string) bool { return x.people[s].record != 0 })
		}
	}
	return nil
}

// askPeople looks for employees by one of their texts. Whoever has no right to read the
// employees finds none.
func (x *Exchange) askPeople(ctx context.Context, f *catalog.Field, names []string) error {
	if len(names) == 0 {
		return nil
	}
	asked := slices.Clone(names)
	for _, s := range names {
		asked = append(asked, strings.ToLower(s))
	}
	q := query.Query{Where: query.Cond{Field: f.Num, Test: query.TextIs(asked)}, Limit: childPage}
	defer x.backend(time.Now())
	rows, err := x.s.options.Catalog.Records(ctx, x.actor, catalog.Employees, q, &catalog.Selection{Fields: []*catalog.Field{f}})
	if fault.Is(err, fault.Forbidden) {
		return nil
	}
	if err != nil {
		return FaultError(err, x.plan.Compiled)
	}
	for i := range rows.Page.Len() {
		for _, s := range names {
			if v := textOf(rows, i, f); v == s || f.Key == "$email" && v == strings.ToLower(s) {
				x.people[s].meet(rows, i, false)
			}
		}
	}
	return nil
}

// reservation are numbers that were taken for new records.
type reservation struct {
	next query.Record
	left int
	size int // of the next lot
}

// maxReserved bounds the numbers that are taken at once.
const maxReserved = 64

// reserve takes a number for a new record; a dry run takes one that no record has.
func (x *Exchange) reserve(ctx context.Context, c query.Catalog) (query.Record, error) {
	r := x.numbers[c]
	if r == nil {
		r = &reservation{size: 1, next: query.MaxRecord / 2}
		x.numbers[c] = r
	}
	if r.left == 0 && !x.Dry {
		first, err := x.s.options.Catalog.Reserve(ctx, x.actor, c, r.size)
		if err != nil {
			return 0, err
		}
		r.next, r.left, r.size = first, r.size, min(2*r.size, maxReserved)
	}
	r.next++
	r.left--
	return r.next - 1, nil
}

package apisync

import (
	"context"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// Bounds of families: records in all, and how many are read at once.
const (
	kinMost  = 10_000
	kinBatch = 500
)

// kin is the condition that a record is one of those given, or below them (above them
// when up) by the parent field of its catalog; of a link, that it links such a record.
// The records are looked up as the actor sees them.
func (k *asker) kin(ctx context.Context, t *target, c *criterion, up bool) (query.Node, error) {
	of := t.at
	if t.field != nil {
		of = onlyLinked(k.state.Structure, t.field)
	}
	if t.part != nil || of == nil || t.field == nil && t.system != "id" {
		return nil, c.bad("%s: %s is for ids and for links to one catalog", c.name(), c.Operator)
	}
	parent := k.state.named(k.state.Settings.ParentFields, of, catalog.LinksStorage)
	if parent == nil || onlyLinked(k.state.Structure, parent) != of {
		return nil, c.bad("%s: the settings name no parent field for %s", c.name(), of.Name)
	}
	if !k.scope.Access.Readable(parent) {
		return nil, Refuse(403, "FORBIDDEN", "the field %s cannot be read", parent.Name).With("name", c.Field)
	}
	roots, err := k.roots(t, c)
	if err != nil || roots == nil || k.dry {
		return never, err
	}
	f := &family{service: k.service.options.Catalog, actor: k.actor, catalog: of, parent: parent, up: up, seen: map[query.Record]bool{}}
	if err := f.grow(ctx, roots); err != nil {
		return nil, err
	}
	if len(f.found) > kinMost {
		return nil, c.bad("%s: more than %d records belong to it", c.name(), kinMost)
	}
	if t.field == nil {
		return eitherOf([]query.Node{f.among(f.found)}), nil
	}
	return query.Cond{Field: t.field.Num, Test: f.links(f.found)}, nil
}

// roots is the condition of the records that a criterion names, nil for none.
func (k *asker) roots(t *target, c *criterion) (query.Node, error) {
	values, err := k.valuesOf(t, c)
	if err != nil {
		return nil, err
	}
	var keys query.Among
	var titles query.TextIs
	for _, v := range values {
		if isUnset(v) {
			continue
		}
		key, ok := c.id(v)
		switch {
		case ok:
			keys = append(keys, key)
		case v.Kind == tree.String:
			keys, titles = append(keys, query.Key{Code: v.Str()}), append(titles, v.Str())
		default:
			return nil, c.bad("%s: expected the id or the name of a record, not %s", c.name(), shown(v))
		}
	}
	switch {
	case titles != nil:
		return query.Or{keys, query.Titled{Test: titles}}, nil
	case keys != nil:
		return keys, nil
	}
	return nil, nil
}

// family are records with all below or above them.
type family struct {
	service *catalog.Service
	actor   catalog.Actor
	catalog *catalog.Catalog
	parent  *catalog.Field
	up      bool
	seen    map[query.Record]bool
	found   []query.Record
}

// grow finds the records of a condition and all that belong to them, generation by
// generation, until there are too many.
func (f *family) grow(ctx context.Context, roots query.Node) error {
	next, err := f.read(ctx, roots)
	for err == nil && len(next) > 0 && len(f.found) <= kinMost {
		var generation []query.Record
		for len(next) > 0 && err == nil {
			n := min(kinBatch, len(next))
			var more []query.Record
			if f.up {
				more, err = f.read(ctx, f.among(next[:n]))
			} else {
				more, err = f.read(ctx, query.Cond{Field: f.parent.Num, Test: f.links(next[:n])})
			}
			generation, next = append(generation, more...), next[n:]
		}
		next = generation
	}
	return err
}

// read notes the records of a condition and gives those from which to go on: what was
// new among them, or their parents.
func (f *family) read(ctx context.Context, where query.Node) (next []query.Record, err error) {
	q := query.Query{Where: where, Limit: kinBatch}
	sel := &catalog.Selection{Fields: []*catalog.Field{}}
	if f.up {
		sel.Fields = append(sel.Fields, f.parent)
	}
	for len(f.found) <= kinMost {
		rows, err := f.service.Records(ctx, f.actor, f.catalog.Num, q, sel)
		if err != nil {
			return nil, err
		}
		for i := range rows.Page.Len() {
			next = append(next, f.note(rows.Page, i)...)
		}
		if rows.Page.Len() < kinBatch {
			break
		}
		q.Offset += kinBatch
	}
	return next, nil
}

func (f *family) note(page *catalog.Page, row int) (next []query.Record) {
	n := page.Record(row)
	if f.seen[n] {
		return nil
	}
	f.seen[n] = true
	f.found = append(f.found, n)
	if !f.up {
		return []query.Record{n}
	}
	j := page.Column(f.parent.Num)
	if j < 0 {
		return nil
	}
	list := page.Bytes(page.Cell(row, j))
	for i := range catalog.ListLen(list) {
		if ref := query.Ref(catalog.ListAt(list, i)); ref.Catalog() == f.catalog.Num && !f.seen[ref.Record()] {
			next = append(next, ref.Record())
		}
	}
	return next
}

func (f *family) among(records []query.Record) query.Node {
	if len(records) == 0 {
		return never
	}
	keys := make(query.Among, len(records))
	for i, n := range records {
		keys[i] = query.Key{Record: n}
	}
	return keys
}

func (f *family) links(records []query.Record) query.LinksAny {
	links := make(query.LinksAny, len(records))
	for i, n := range records {
		links[i] = query.Link{Catalog: f.catalog.Num, Key: query.Key{Record: n}}
	}
	return links
}

package apisync

import (
	"context"
	"strconv"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// childItem is a record of another model that links the item's.
type childItem struct {
	line   *mapLine
	parent query.Catalog
	place  origin
	record query.Record // that is changed or removed; one taken for a new record
	kind   childKind
	out    *Mapped
}

type childKind uint8

const (
	makeChild childKind = iota
	changeChild
	removeChild
)

// Children are the operations on records that link the item's record.
func (m *Mapped) Children(parent query.Record) (ops []catalog.Op) {
	for _, c := range m.children {
		of := c.line.Mapping.Catalog.Num
		switch c.kind {
		case makeChild:
			link := catalog.FieldValue{Field: c.line.child.Num, Value: catalog.Links{*linkTo(c.parent, parent)}}
			values := []catalog.FieldValue{link}
			for _, v := range c.out.Values {
				if v.Field != link.Field {
					values = append(values, v)
				}
			}
			ops = append(ops, c.out.Ops(catalog.Create{Catalog: of, Reserved: c.record, Values: values}, c.record)...)
		case changeChild:
			own := catalog.Update{Catalog: of, Record: query.Key{Record: c.record}, Values: c.out.Values}
			ops = append(ops, c.out.Ops(own, c.record)...)
		case removeChild:
			ops = append(ops, catalog.Delete{Catalog: of, Record: query.Key{Record: c.record}})
		}
	}
	return ops
}

// allPlaces are those of Ops.
func (m *Mapped) allPlaces(own origin) []origin {
	places := append(append([]origin{}, m.places...), own)
	for _, c := range m.children {
		if c.kind == removeChild {
			places = append(places, c.place)
			continue
		}
		places = append(places, c.out.allPlaces(c.place)...)
	}
	return places
}

// childList reads the records that link the item's.
func (r *reader) childList(l *mapLine, v tree.Value) error {
	m := l.Mapping.mapping()
	if r.depth >= maxMappings {
		return Refuse(500, "CONFIG_ERROR", "Mapping configs nest deeper than %d levels", maxMappings).With("line_id", l.ID)
	}
	if v.Kind != tree.List && v.Kind != tree.Object && !v.IsNull() {
		r.complain(l, l.ExternalKey, mistyped(fault.Msg("a list of objects"), v))
		return nil
	}
	mode := l.X2ManyMode
	if mode == "" && r.rows != nil && m.identifier != nil {
		mode = "upsert"
	}
	had, err := r.hadChildren(l, m, mode)
	if err != nil {
		return err
	}
	kept := map[query.Record]bool{}
	for i, e := range oneOrMany(v) {
		key := l.ExternalKey + "[" + strconv.Itoa(i) + "]"
		if e.Kind != tree.Object {
			r.complain(l, key, mistyped(fault.Msg("an object"), e))
			continue
		}
		if err := r.child(l, m, key, e, had, kept); err != nil {
			return err
		}
	}
	if mode != "sync" {
		return nil
	}
	for _, c := range had.list {
		if !kept[c.record] && r.grow(l) {
			r.addChild(childItem{line: l, record: c.record, kind: removeChild, place: origin{m, joined(r.at, l.ExternalKey)}})
		}
	}
	return nil
}

func (r *reader) addChild(c childItem) {
	c.parent = r.plan.Catalog.Num
	r.out.children = append(r.out.children, c)
}

// child reads one of them: a change of one that the record has, or a new one.
func (r *reader) child(l *mapLine, m *plan, key string, v tree.Value, had *ownChildren, kept map[query.Record]bool) error {
	var now *childRow
	if had.byKey != nil {
		id, bad, err := r.x.identify(r.ctx, m, v)
		switch {
		case err != nil:
			return err
		case bad != nil:
			r.complain(l, joined(key, m.identifier.ExternalKey), bad)
			return nil
		case id != nil && len(had.byKey[id.key]) > 1:
			r.complain(l, key, wrongly(ambiguousCode, "several records have the identifier %s", cut(literalText(id.Value))))
			return nil
		case id != nil && len(had.byKey[id.key]) == 1:
			now = had.byKey[id.key][0]
		}
	}
	of := r.within(m, key, v, nil, 0)
	if now != nil {
		kept[now.record] = true
		of = r.within(m, key, v, now.rows, now.row)
	}
	before := len(*r.fields)
	if err := of.read(); err != nil || len(*r.fields) > before || !of.out.Changed || !r.grow(l) {
		return err
	}
	c := childItem{line: l, out: of.out, place: origin{m, of.at}}
	if now != nil {
		c.kind, c.record = changeChild, now.record
	} else {
		n, err := r.x.reserve(r.ctx, m.Catalog.Num)
		if err != nil {
			return FaultError(err, m.Compiled)
		}
		c.record = n
	}
	r.addChild(c)
	return nil
}

// ownChildren are the records that link one.
type ownChildren struct {
	list []*childRow
	// byKey finds them by identifier; nil where they are not looked for.
	byKey map[string][]*childRow
}

type childRow struct {
	record query.Record
	rows   *catalog.Rows
	row    int
}

func (r *reader) hadChildren(l *mapLine, m *plan, mode string) (*ownChildren, error) {
	had := &ownChildren{}
	if r.rows == nil || mode != "upsert" && mode != "sync" {
		return had, nil
	}
	all, err := r.x.childRows(r.ctx, l, r.rows)
	if err != nil {
		return nil, err
	}
	had.list = all.of[r.rows.Page.Record(r.row)]
	if m.identifier == nil {
		return had, nil
	}
	had.byKey = map[string][]*childRow{}
	for _, c := range had.list {
		keys, err := r.x.identifiersOf(r.ctx, m, c.rows, c.row)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			had.byKey[key] = append(had.byKey[key], c)
		}
	}
	return had, nil
}

// childList shows the records that link a row's.
func (w *shower) childList(l *mapLine, rows *catalog.Rows, row, depth int) (tree.Value, error) {
	if depth >= maxMappings {
		return tree.Value{}, nil
	}
	all, err := w.x.childRows(w.ctx, l, rows)
	if err != nil {
		return tree.Value{}, err
	}
	m := l.Mapping.mapping()
	list := []tree.Value{}
	for _, c := range all.of[rows.Page.Record(row)] {
		v, err := w.child(l, m, c, depth)
		if err != nil {
			return v, err
		}
		list = append(list, v)
	}
	return tree.NewList(list), nil
}

func (w *shower) child(l *mapLine, m *plan, c *childRow, depth int) (tree.Value, error) {
	switch {
	case l.RelationOutput == idOutput:
		return recordID(c.rows, c.row), nil
	case l.RelationOutput == nameOutput:
		return tree.NewString(titleOf(c.rows, c.row)), nil
	case l.RelationOutput == identifierOutput && m.identifier != nil:
		return w.line(m, m.identifier, c.rows, c.row, depth+1)
	}
	return w.record(m, c.rows, c.row, depth+1)
}

type childrenKey struct {
	line *mapLine
	rows *catalog.Rows
}

// childRows are the records that link those of rows, by parent.
type childRows struct{ of map[query.Record][]*childRow }

// Bounds of reading children: parents of one query, records of one, and of all.
const (
	childParents = 200
	childPage    = 1000
	maxChildren  = 20_000
)

// childRows reads the children of all rows at once.
func (x *Exchange) childRows(ctx context.Context, l *mapLine, rows *catalog.Rows) (*childRows, error) {
	key := childrenKey{l, rows}
	if known := x.children[key]; known != nil {
		return known, nil
	}
	all := &childRows{of: map[query.Record][]*childRow{}}
	n := 0
	for from := 0; from < rows.Page.Len(); from += childParents {
		var parents query.LinksAny
		for i := from; i < min(from+childParents, rows.Page.Len()); i++ {
			parents = append(parents, query.Link{Catalog: rows.Catalog.Num, Key: query.Key{Record: rows.Page.Record(i)}})
		}
		where := query.Cond{Field: l.child.Num, Test: parents}
		sel := x.before(l.Mapping.mapping())
		add(sel, l.child)
		err := x.eachPage(ctx, l.Mapping, where, sel, func(page *catalog.Rows) bool {
			all.add(l, page)
			n += page.Page.Len()
			return n <= maxChildren
		})
		if err != nil {
			return nil, err
		}
	}
	if n > maxChildren {
		return nil, Refuse(400, "INVALID_PARAMETER", "The records have more than %d linked ones; ask for fewer", maxChildren)
	}
	x.children[key] = all
	return all, nil
}

func (c *childRows) add(l *mapLine, page *catalog.Rows) {
	for i := range page.Page.Len() {
		child := &childRow{record: page.Page.Record(i), rows: page, row: i}
		for _, ref := range linkedRefs(page, i, l.child) {
			c.of[ref.Record()] = append(c.of[ref.Record()], child)
		}
	}
}

// eachPage calls each with the records of a config's model under a condition, page by
// page, until it gives false.
func (x *Exchange) eachPage(ctx context.Context, c *Compiled, where query.Node, sel *catalog.Selection, each func(*catalog.Rows) bool) error {
	for offset := 0; ; offset += childPage {
		q := query.Query{Where: where, Limit: childPage, Offset: offset}
		began := time.Now()
		rows, err := x.s.options.Catalog.Records(ctx, x.actor, c.Catalog.Num, q, sel)
		x.backend(began)
		if err != nil {
			return FaultError(err, c)
		}
		if !each(rows) || rows.Page.Len() < childPage {
			return nil
		}
	}
}

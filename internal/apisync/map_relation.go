package apisync

import (
	"strconv"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// links reads the records that a field is to link.
func (r *reader) links(l *mapLine, v tree.Value) error {
	f := l.Field()
	if l.related() {
		if err := r.x.lookUp(r.ctx, l, []tree.Value{v}); err != nil {
			return err
		}
	} else if f.HoldsEmployees() {
		if err := r.x.lookUpPeople(r.ctx, peopleIn(v)); err != nil {
			return err
		}
	}
	var links catalog.Links
	for i, e := range oneOrMany(v) {
		if isBlank(e) {
			continue
		}
		key := l.ExternalKey
		if v.Kind == tree.List {
			key += "[" + strconv.Itoa(i) + "]"
		}
		link, bad, err := r.link(l, f, key, e)
		if err != nil {
			return err
		}
		if bad != nil {
			r.complain(l, key, bad)
			continue
		}
		if link != nil {
			links = append(links, *link)
		}
	}
	return r.setLinks(l, f, links)
}

// setLinks gives a field its links; mode append and upsert keep the ones it has.
func (r *reader) setLinks(l *mapLine, f *catalog.Field, links catalog.Links) error {
	had, _ := r.had(f).(catalog.Links)
	if f.Config.Multi && (l.X2ManyMode == "append" || l.X2ManyMode == "upsert") {
		links = append(append(catalog.Links{}, had...), links...)
	}
	if len(links) > 1 && !f.Config.Multi {
		r.complain(l, l.ExternalKey, wrongly(tooManyCode, "only one link is allowed"))
		return nil
	}
	value, bad := accepted(f, linksValue(links))
	if bad != nil {
		r.complain(l, l.ExternalKey, bad)
		return nil
	}
	if r.known(f) && sameValue(f, linksValue(had), value) {
		return nil
	}
	r.out.Values = append(r.out.Values, catalog.FieldValue{Field: f.Num, Value: value})
	return nil
}

func linksValue(links catalog.Links) catalog.Value {
	if len(links) == 0 {
		return nil
	}
	return links
}

// link reads one link; nil without a reason when reasons were noted.
func (r *reader) link(l *mapLine, f *catalog.Field, key string, v tree.Value) (*catalog.Link, *wrong, error) {
	switch {
	case l.related() && (l.ValueType != PythonRelational || v.Kind == tree.Object):
		n, bad, err := r.related(l, key, v)
		if n == 0 {
			return nil, bad, err
		}
		return linkTo(l.Mapping.Catalog.Num, n), nil, nil
	case f.HoldsEmployees():
		link, bad := r.x.employee(v)
		return link, bad, nil
	}
	link, bad := recordLink(r.x.scope.Structure, f, v)
	return link, bad, nil
}

func linkTo(c query.Catalog, n query.Record) *catalog.Link {
	return &catalog.Link{Link: query.Link{Catalog: c, Key: query.Key{Record: n}}}
}

// recordLink reads an id, {"id"} with a catalog, or {"catalogId", "recordId"}.
func recordLink(st *catalog.Structure, f *catalog.Field, v tree.Value) (*catalog.Link, *wrong) {
	c := query.Catalog(0)
	if len(f.Config.Sources) > 0 {
		c = f.Config.Sources[0].Catalog
	}
	id := v
	if v.Kind == tree.Object {
		name, named := v.Get("catalog")
		if id, _ = v.Get("id"); !named {
			name, named = v.Get("catalogId")
		}
		if record, ok := v.Get("recordId"); ok {
			id = record
		}
		if named {
			target := st.CatalogByKey(bpium.CatalogKey(name.Text()))
			if target == nil {
				return nil, wrongly(notFoundCode, "there is no catalog %s", cut(name.Text()))
			}
			c = target.Num
		}
	} else if len(f.Config.Sources) > 1 {
		return nil, mistyped(fault.Msg("{catalog, id}, because the field links several catalogs"), v)
	}
	text, ok := bpium.IDText(id)
	if !ok {
		return nil, mistyped(fault.Msg("the id of a record"), v)
	}
	return &catalog.Link{Link: query.Link{Catalog: c, Key: bpium.RecordKey(text)}}, nil
}

// related finds the record that an identifier or an object means, or makes one; 0 when
// there is none, with the reason unless it was noted.
func (r *reader) related(l *mapLine, key string, v tree.Value) (query.Record, *wrong, error) {
	m := l.Mapping.mapping()
	if r.depth >= maxMappings {
		return 0, nil, Refuse(500, "CONFIG_ERROR", "Mapping configs nest deeper than %d levels", maxMappings).With("line_id", l.ID)
	}
	if v.Kind == tree.List || v.Kind == tree.Object && v.Len() == 0 || m.identifier == nil && v.Kind != tree.Object {
		expected := fault.Msg("an identifier or an object")
		if m.identifier == nil {
			expected = fault.Msg("an object")
		}
		return 0, mistyped(expected, v), nil
	}
	id, bad, err := r.x.identify(r.ctx, m, v)
	if bad != nil && v.Kind == tree.Object && m.identifier != nil {
		r.complain(l, joined(key, m.identifier.ExternalKey), bad)
		return 0, nil, nil
	}
	if bad != nil || err != nil {
		return 0, bad, err
	}
	var at *found
	if id != nil {
		if at, err = r.x.lookedUp(r.ctx, m, id, l.RelationPolicy == "upsert"); err != nil {
			return 0, nil, err
		}
	}
	switch {
	case at != nil && at.several:
		return 0, wrongly(ambiguousCode, "several records have the identifier %s", cut(literalText(id.Value))), nil
	case at != nil && at.record != 0:
		if l.RelationPolicy == "upsert" && v.Kind == tree.Object && at.rows != nil {
			return at.record, nil, r.changeLinked(l, m, key, v, at)
		}
		return at.record, nil, nil
	case at != nil && at.holder != 0:
		return 0, r.noRecord(id), nil
	case m.identifier != nil && (l.RelationPolicy == "link" || l.RelationPolicy == "") || id == nil && v.Kind != tree.Object:
		return 0, r.noRecord(id), nil
	}
	return r.makeLinked(l, m, key, v, id)
}

func (r *reader) noRecord(id *Ident) *wrong {
	if id == nil {
		return wrongly(notFoundCode, "the identifier is missing")
	}
	return wrongly(notFoundCode, "there is no record with the identifier %s", cut(literalText(id.Value)))
}

// within is the reader of an object in the item.
func (r *reader) within(m *plan, key string, v tree.Value, rows *catalog.Rows, row int) *reader {
	return &reader{
		x: r.x, ctx: r.ctx, plan: m, item: v, at: joined(r.at, key), rows: rows, row: row, depth: r.depth + 1,
		out: &Mapped{}, fields: r.fields, ops: r.ops,
	}
}

// makeLinked makes a record of an object, or of an identifier alone.
func (r *reader) makeLinked(l *mapLine, m *plan, key string, v tree.Value, id *Ident) (query.Record, *wrong, error) {
	if v.Kind != tree.Object {
		var d growing
		if !d.set(m.identifier.path, v) {
			return 0, mistyped(fault.Msg("an identifier or an object"), v), nil
		}
		v = d.value()
	}
	of := r.within(m, key, v, nil, 0)
	before := len(*r.fields)
	if err := of.read(); err != nil || len(*r.fields) > before || !r.grow(l) {
		return 0, nil, err
	}
	n, err := r.x.reserve(r.ctx, m.Catalog.Num)
	if err != nil {
		return 0, nil, FaultError(err, m.Compiled)
	}
	r.join(of, catalog.Create{Catalog: m.Catalog.Num, Reserved: n, Values: of.out.Values}, n)
	if id != nil {
		r.x.made(m, id, n, r.out)
	}
	return n, nil, nil
}

// changeLinked changes a linked record as an object says.
func (r *reader) changeLinked(l *mapLine, m *plan, key string, v tree.Value, at *found) error {
	of := r.within(m, key, v, at.rows, at.row)
	before := len(*r.fields)
	if err := of.read(); err != nil || len(*r.fields) > before || !of.out.Changed || !r.grow(l) {
		return err
	}
	r.join(of, catalog.Update{Catalog: m.Catalog.Num, Record: query.Key{Record: at.record}, Values: of.out.Values}, at.record)
	return nil
}

// join adds the operation on a linked record, and what belongs to it, to those that go
// before the record's own.
func (r *reader) join(of *reader, op catalog.Op, n query.Record) {
	r.out.Linked = append(r.out.Linked, of.out.Ops(op, n)...)
	r.out.links = append(r.out.links, of.out.Links(n)...)
	r.out.places = append(r.out.places, of.out.allPlaces(origin{of.plan, of.at})...)
}

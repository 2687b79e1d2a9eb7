package catalog

import (
	"context"
	"slices"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// maxRelations is the largest page of one relation, and of contacts; a larger
// limit is cut to it.
const maxRelations = 1000

// RelationsAsk selects who refers to a record.
type RelationsAsk struct {
	Catalogs []string // public ids of referring catalogs; nil for all
	Fields   []string // public ids of their fields; nil for all
	Hidden   bool     // also fields that the interface does not show
	Sort     *SortAsk // nil for the newest first
	Limit    int      // of each relation
	Offset   int
}

// Relation is a link field with the records that link the one asked about
// through it, as far as the actor may view them.
type Relation struct {
	Field     *Field
	Privilege Privilege // on the field's catalog
	Rows      *Rows     // without values; Total is set
}

// Relations lists, for each link field that can refer to a record, which records
// do. What the actor may not know of is left out. It fails with NotFound and
// Forbidden of the record.
func (s *Service) Relations(ctx context.Context, a Actor, c query.Catalog, key query.Key, ask RelationsAsk) ([]Relation, error) {
	ask.Limit = min(ask.Limit, maxRelations)
	if err := s.checkPage(ask.Limit, ask.Offset); err != nil {
		return nil, err
	}
	var list []Relation
	err := s.viewAs(ctx, a, func(st *Structure, r Reader) error {
		d, catalog, err := s.open(ctx, st, r, a, c)
		if err != nil {
			return err
		}
		n, on, err := recordOf(ctx, r, d.access, catalog, key)
		if err != nil {
			return err
		}
		if err := need(on, ViewPrivilege); err != nil {
			return err
		}
		list, d.more = nil, true
		for _, f := range st.ReferringTo(c) {
			if !d.relates(f, ask) {
				continue
			}
			one, err := d.relation(ctx, f, query.Link{Catalog: c, Key: query.Key{Record: n}}, ask)
			if err != nil {
				return err
			}
			list = append(list, one)
		}
		return nil
	})
	return list, err
}

// relates tells whether a field is among those asked for and the actor may know
// of it.
func (d *reading) relates(f *Field, ask RelationsAsk) bool {
	c := d.st.Catalog(f.Catalog)
	switch {
	case ask.Catalogs != nil && !slices.Contains(ask.Catalogs, c.Key):
		return false
	case ask.Fields != nil && !slices.Contains(ask.Fields, f.Key):
		return false
	}
	return (ask.Hidden || !f.Hidden) && d.access.Catalog(c) >= AvailablePrivilege && d.access.Readable(f)
}

func (d *reading) relation(ctx context.Context, f *Field, to query.Link, ask RelationsAsk) (Relation, error) {
	c := d.st.Catalog(f.Catalog)
	q := query.Query{
		Where: query.Cond{Field: f.Num, Test: query.LinksAny{to}}, Sort: query.Sort{Desc: true},
		Limit: ask.Limit, Offset: ask.Offset, WithTotal: true,
	}
	if ask.Sort != nil {
		q.Sort, _ = ask.Sort.in(d.access, c)
	}
	rows, err := d.records(ctx, c, q, &Selection{Fields: []*Field{}})
	if err != nil {
		return Relation{}, err
	}
	return Relation{Field: f, Privilege: d.access.Catalog(c), Rows: rows}, nil
}

// linkField finds a link field of a catalog that the actor may know of.
func (d *reading) linkField(c *Catalog, n query.Field) (*Field, error) {
	f := c.Field(n)
	switch {
	case f == nil:
		return nil, fault.New(fault.NotFound, "There is no such field")
	case d.access.Field(f) == HideField:
		return nil, hidden(f)
	case f.Storage() != LinksStorage:
		return nil, fault.New(fault.InvalidParameter, "The field %s links no records", f.Key)
	}
	return f, nil
}

package catalog

import (
	"context"
	"fmt"
	"slices"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Records lists records that the query selects and the actor may view; sel nil
// means all readable fields. It fails with NotFound, Forbidden, LimitTooLarge,
// InvalidParameter, UnknownField and FieldHidden.
func (s *Service) Records(ctx context.Context, a Actor, c query.Catalog, q query.Query, sel *Selection) (*Rows, error) {
	if err := s.checkPage(q.Limit, q.Offset); err != nil {
		return nil, err
	}
	var rows *Rows
	err := s.viewAs(ctx, a, func(st *Structure, r Reader) (err error) {
		rows, err = s.recordsOf(ctx, st, r, a, c, q, sel)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// RecordsWithin is Records of what a transaction is about to commit, for those that Apply
// calls alongside; a is the actor that a Request gives.
func (s *Service) RecordsWithin(ctx context.Context, tx Writer, a Actor, c query.Catalog, q query.Query, sel *Selection) (*Rows, error) {
	if err := s.checkPage(q.Limit, q.Offset); err != nil {
		return nil, err
	}
	return s.recordsOf(ctx, a.Under, unfinished{tx}, a, c, q, sel)
}

// unfinished reads in a transaction that goes on.
type unfinished struct{ Reader }

// Last does nothing: more follows.
func (unfinished) Last() {}

func (s *Service) recordsOf(ctx context.Context, st *Structure, r Reader, a Actor, c query.Catalog, q query.Query, sel *Selection) (*Rows, error) {
	d, catalog, err := s.open(ctx, st, r, a, c)
	if err != nil {
		return nil, err
	}
	d.chatty = true
	rows, err := d.records(ctx, catalog, q, sel)
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// Record gives one record: NotFound when there is none, Forbidden when the actor
// may not view it.
func (s *Service) Record(ctx context.Context, a Actor, c query.Catalog, key query.Key, sel *Selection) (*Rows, error) {
	var rows *Rows
	err := s.viewAs(ctx, a, func(st *Structure, r Reader) error {
		d, catalog, err := s.open(ctx, st, r, a, c)
		if err != nil {
			return err
		}
		d.chatty = true
		rows, err = d.record(ctx, catalog, key, sel)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// open begins to answer from a snapshot about a catalog whose records the actor
// may view, at least some of them.
func (s *Service) open(ctx context.Context, st *Structure, r Reader, a Actor, n query.Catalog) (*reading, *Catalog, error) {
	c := st.Catalog(n)
	if c == nil {
		return nil, nil, fault.New(fault.NotFound, "There is no such catalog")
	}
	access, err := s.access(ctx, st, r, a)
	if err != nil {
		return nil, nil, err
	}
	if err := need(access.Catalog(c), AvailablePrivilege); err != nil {
		return nil, nil, err
	}
	if err := access.allow(account.Reads, c); err != nil {
		return nil, nil, err
	}
	return &reading{service: s, st: st, access: access, r: r, watch: s}, c, nil
}

func (s *Service) checkPage(limit, offset int) error {
	switch {
	case limit < 0:
		return fault.New(fault.InvalidParameter, "limit is negative")
	case offset < 0:
		return fault.New(fault.InvalidParameter, "offset is negative")
	case limit > s.options.RecordsMax:
		return fault.New(fault.LimitTooLarge, "limit is greater than %d", s.options.RecordsMax)
	}
	return nil
}

func (d *reading) records(ctx context.Context, c *Catalog, q query.Query, sel *Selection) (*Rows, error) {
	selected, err := d.selected(ctx, c, q)
	if err != nil {
		return nil, err
	}
	rows := d.rows(c, sel)
	selected.Columns = rows.columns()
	if q.Limit > 0 {
		if !q.WithTotal && !rows.follows() && !d.reads(c) {
			d.last()
		}
		err := d.timed(selected, func() (err error) {
			rows.Page, err = d.r.Select(ctx, selected)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("select records: %w", err)
		}
		if err := d.mask(ctx, rows); err != nil {
			return nil, err
		}
		if err := d.readChats(ctx, rows); err != nil {
			return nil, err
		}
	}
	if q.WithTotal {
		err := d.timed(countedAs(selected), func() (err error) {
			rows.Total, err = d.r.Count(ctx, selected)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("count records: %w", err)
		}
	}
	return rows, d.follow(ctx, rows, sel)
}

func (d *reading) record(ctx context.Context, c *Catalog, key query.Key, sel *Selection) (*Rows, error) {
	n, err := find(ctx, d.r, c, key)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, noRecord()
	}
	rows := d.rows(c, sel)
	if err = d.one(ctx, rows, n, sel); err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	if rows.Page.Len() == 0 {
		return nil, noRecord()
	}
	on, err := rightsOn(ctx, d.r, d.access, c, []query.Record{n})
	if err != nil {
		return nil, err
	}
	if err := need(on.privilege(n), ViewPrivilege); err != nil {
		return nil, err
	}
	d.access.mask(rows)
	on.mask(rows)
	if rows.Rights, err = d.rightsOfRecord(ctx, c, n, on); err != nil {
		return nil, err
	}
	if err := d.readChats(ctx, rows); err != nil {
		return nil, err
	}
	return rows, d.follow(ctx, rows, sel)
}

// one reads the record that rows are of, and maybe the titles of its links.
func (d *reading) one(ctx context.Context, rows *Rows, n query.Record, sel *Selection) (err error) {
	links := slices.DeleteFunc(slices.Clone(rows.Fields), func(f *Field) bool {
		return f.Storage() != LinksStorage || !d.access.Readable(f)
	})
	c := rows.Catalog
	if !d.access.plain() || len(d.st.rights.keys[c.Num]) > 0 || len(links) > titlesMost {
		rows.Page, err = d.r.Rows(ctx, c, rows.columns(), []query.Record{n})
		return err
	}
	if !d.reads(c) && d.asks([]branch{{rows: rows, sel: sel}}) == 0 {
		d.r.Last()
	}
	rows.Page, rows.Titles, err = d.r.RowWithTitles(ctx, c, rows.columns(), n, links)
	return err
}

// titlesMost is through how many fields the titles of links are looked for
// together with their record.
const titlesMost = 16

// selected checks a query and adds to it what the actor may see.
func (d *reading) selected(ctx context.Context, c *Catalog, q query.Query) (*Selected, error) {
	return d.selectedWithin(ctx, c, q, d.access.Where(c))
}

// selectedWithin is selected for the records of a condition, nil for all.
func (d *reading) selectedWithin(ctx context.Context, c *Catalog, q query.Query, within query.Node) (*Selected, error) {
	if err := d.checkWhere(c, q.Where); err != nil {
		return nil, err
	}
	s := &Selected{
		Structure: d.st, Catalog: c, Where: and(within, d.restrict(c, q.Where)),
		Search: q.Search, Sort: q.Sort, Then: slices.Clone(q.Then), Limit: q.Limit, Offset: q.Offset,
	}
	if q.View != "" {
		n, err := d.viewOf(ctx, c, q.View)
		if err != nil {
			return nil, err
		}
		s.Where = and(s.Where, n)
	}
	if err := d.checkSort(c, &s.Sort); err != nil {
		return nil, err
	}
	for i := range s.Then {
		if err := d.checkSort(c, &s.Then[i]); err != nil {
			return nil, err
		}
	}
	if q.Search.Fold != "" || q.Search.Digits != "" {
		d.searchable(c, s)
	}
	d.limit(s)
	return s, nil
}

// limit notes where the fields that are searched and sorted by are hidden, and
// which titles of linked records are.
func (d *reading) limit(s *Selected) {
	looked := append(slices.Clip(s.SearchFields), s.SearchLinks...)
	links, titled := slices.Clip(s.SearchLinks), s.SearchTitle
	for _, by := range append([]query.Sort{s.Sort}, s.Then...) {
		titled = titled || by.By == query.ByTitle
		if f := s.Catalog.Field(by.Field); f != nil && by.By == query.ByField {
			looked, links = append(looked, f), append(links, f)
		}
	}
	if title := s.Catalog.Title(); title != nil && titled {
		looked = append(looked, title)
	}
	hides := func(f *Field, where query.Node) {
		if s.Visible == nil {
			s.Visible = map[query.Field]query.Node{}
		}
		s.Visible[f.Num] = where
	}
	for _, f := range looked {
		if where := d.access.visible(f); where != nil {
			hides(f, where)
		}
	}
	for _, f := range links {
		if f.Storage() != LinksStorage {
			continue
		}
		for _, n := range sources(f) {
			if where := d.access.titles(d.st.Catalog(n)); where != nil {
				hides(d.st.Catalog(n).Title(), where)
			}
		}
	}
}

// searchable fills in where a quick search may look.
func (d *reading) searchable(c *Catalog, s *Selected) {
	for _, f := range c.Fields {
		if f.Secret || !d.access.Readable(f) {
			continue
		}
		switch f.Storage() {
		case TextStorage, JSONStorage:
			s.SearchFields = append(s.SearchFields, f)
		case LinksStorage:
			s.SearchLinks = append(s.SearchLinks, f)
		}
	}
	title := c.Title()
	s.SearchTitle = title == nil || d.access.Readable(title)
}

func (d *reading) checkSort(c *Catalog, s *query.Sort) error {
	switch s.By {
	case query.ByTitle:
		// Titles that the actor may not see are "#" and the number to him.
		if t := c.Title(); t != nil && !d.access.Readable(t) {
			s.By = query.ByID
		}
	case query.ByField:
		f, err := d.readable(c, s.Field)
		if err != nil {
			return err
		}
		if f.Storage() == NoStorage {
			return fault.New(fault.InvalidParameter, "Records cannot be sorted by the field %s", f.Key)
		}
	}
	return nil
}

// readable finds a field that the actor may see: UnknownField, FieldHidden.
func (d *reading) readable(c *Catalog, n query.Field) (*Field, error) {
	f := c.Field(n)
	if f == nil {
		return nil, fault.New(fault.UnknownField, "There is no field %d in this catalog", n)
	}
	if !d.access.Readable(f) {
		return nil, hidden(f)
	}
	return f, nil
}

// checkWhere makes sure that a condition looks at nothing hidden.
func (d *reading) checkWhere(c *Catalog, n query.Node) (err error) {
	query.Walk(c.Num, n, func(of query.Catalog, n query.Node) {
		if cond, ok := n.(query.Cond); ok && err == nil {
			err = d.checkCond(of, cond)
		}
	})
	return err
}

func (d *reading) checkCond(of query.Catalog, cond query.Cond) error {
	c := d.st.Catalog(of)
	if c == nil {
		return fault.New(fault.InvalidFilter, "The filter names a catalog that does not exist")
	}
	f, err := d.readable(c, cond.Field)
	if err != nil {
		return err
	}
	if f.Storage() == NoStorage {
		return fault.New(fault.InvalidFilter, "The field %s has no values to filter by", f.Key)
	}
	like, ok := cond.Test.(query.LinksLike)
	if !ok {
		return nil
	}
	other := d.st.Field(like.Field)
	if other == nil {
		return fault.New(fault.UnknownField, "There is no field %d in this catalog", like.Field)
	}
	_, err = d.readable(d.st.Catalog(other.Catalog), like.Field)
	return err
}

// restrict narrows a condition on records of c: what it asks of linked ones to those
// that the actor may view. Where there is nothing to narrow it gives the same node.
func (d *reading) restrict(c *Catalog, n query.Node) query.Node {
	switch n := n.(type) {
	case query.And:
		return query.And(d.restrictAll(c, n))
	case query.Or:
		return query.Or(d.restrictAll(c, n))
	case query.Not:
		return query.Not{Node: d.restrict(c, n.Node)}
	case query.Unread:
		return query.Unread{Employee: d.access.actor.Employee}
	case query.Authored:
		return d.restrictAuthored(c, n)
	case query.Titled:
		return query.Titled{Test: n.Test, Seen: d.seesTitles(c)}
	case query.Cond:
		if linked, ok := n.Test.(query.LinksWhere); ok {
			of := d.st.Catalog(linked.Catalog)
			linked.Where = and(d.access.Where(of), d.restrict(of, linked.Where))
			n.Test = linked
		}
		// A condition on a field is false where the field is hidden.
		if visible := d.access.visible(d.st.Field(n.Field)); visible != nil {
			return query.And{visible, n}
		}
		return n
	}
	return n
}

// restrictAuthored narrows who made records to whom the actor may view, unless he names
// them, and what was changed to what he is told of in the history.
func (d *reading) restrictAuthored(c *Catalog, n query.Authored) query.Node {
	employees := d.st.Catalog(n.Employees)
	if _, named := n.Who.(query.Among); !named && n.Who != nil {
		n.Who = and(d.access.Where(employees), d.restrict(employees, n.Who))
	}
	n.Fields, n.Seen = d.readableHistory(c), d.visibleHistory(c)
	return n
}

func (d *reading) restrictAll(c *Catalog, nodes []query.Node) []query.Node {
	list := make([]query.Node, len(nodes))
	for i, n := range nodes {
		list[i] = d.restrict(c, n)
	}
	return list
}

// seesTitles is where the actor sees the titles of the records that he may view; nil
// for everywhere.
func (d *reading) seesTitles(c *Catalog) query.Node {
	title := c.Title()
	switch {
	case title == nil:
		return nil
	case !d.access.Readable(title):
		return none
	}
	return d.access.visible(title)
}

// and joins two conditions of which either may be nil.
func and(a, b query.Node) query.Node {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return query.And{a, b}
}

package catalog

import (
	"context"
	"fmt"
	"slices"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// maxHistory is the largest page of a history; a larger limit is cut to it.
const maxHistory = 1000

// HistoryAsk selects history entries of one catalog.
type HistoryAsk struct {
	Catalog query.Catalog
	Record  *query.Key    // nil for all records
	Query   *query.Query  // which records, by Where and Search; nil for all
	Actor   query.Key     // an employee; zero for everybody
	Kinds   []HistoryKind // nil for all
	Fields  []query.Field // entries that touch one of them; nil for all
	Asc     bool
	Limit   int
	Offset  int
}

// HistoryPage is history entries with all that is needed to show them.
type HistoryPage struct {
	Structure *Structure
	Catalog   *Catalog
	Access    *Access
	Entries   []HistoryEntry
	Titles    Titles // of the entries' records and actors
	rights    *recordRights
	hidden    map[query.Ref]bool // linked records without a title for the actor
}

// Shows tells whether the actor may know what an entry says of a field. Of a
// removed record, which is in no view any more, he may not know what is hidden
// on some records.
func (p *HistoryPage) Shows(e *HistoryEntry, f *Field) bool {
	switch {
	case !p.Access.Readable(f):
		return false
	case p.Access.visible(f) == nil:
		return true
	}
	title, ok := p.Titles[query.MakeRef(p.Catalog.Num, e.Record)]
	return ok && !title.Removed && p.rights.field(f, e.Record) >= ViewField
}

// entryRecords are the records that entries are about, each once.
func entryRecords(entries []HistoryEntry) []query.Record {
	list := make([]query.Record, len(entries))
	for i := range entries {
		list[i] = entries[i].Record
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// History lists what became of a record or of all records of a catalog. It
// fails like Records.
func (s *Service) History(ctx context.Context, a Actor, ask HistoryAsk) (*HistoryPage, error) {
	ask.Limit = min(ask.Limit, maxHistory, s.options.RecordsMax)
	if err := s.checkPage(ask.Limit, ask.Offset); err != nil {
		return nil, err
	}
	var page *HistoryPage
	err := s.view(ctx, func(st *Structure, r Reader) error {
		d, c, err := s.open(ctx, st, r, a, ask.Catalog)
		if err != nil {
			return err
		}
		page, err = d.history(ctx, c, ask)
		return err
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

func (d *reading) history(ctx context.Context, c *Catalog, ask HistoryAsk) (*HistoryPage, error) {
	q := &HistoryQuery{
		Structure: d.st, Catalog: c, Kinds: ask.Kinds, Fields: ask.Fields,
		Readable: d.readableHistory(c), Visible: d.visibleHistory(c), Asc: ask.Asc, Limit: ask.Limit, Offset: ask.Offset,
	}
	for _, n := range ask.Fields {
		if _, err := d.readable(c, n); err != nil {
			return nil, err
		}
	}
	if err := d.historyOf(ctx, c, ask, q); err != nil {
		return nil, err
	}
	var err error
	if q.Actor, err = d.historyActor(ctx, ask.Actor); err != nil {
		return nil, err
	}
	page := &HistoryPage{Structure: d.st, Catalog: c, Access: d.access}
	if ask.Limit == 0 {
		return page, nil
	}
	if page.Entries, err = d.r.History(ctx, q); err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	page.Titles, err = d.readTitles(ctx, historyRefs(c, page.Entries))
	if err != nil {
		return nil, fmt.Errorf("read titles of history: %w", err)
	}
	if page.hidden, err = d.hiddenTitles(ctx, c, page.Entries); err != nil {
		return nil, err
	}
	page.rights, err = rightsOn(ctx, d.r, d.access, c, entryRecords(page.Entries))
	return page, err
}

// historyOf limits the entries to the records asked for that the actor may view.
func (d *reading) historyOf(ctx context.Context, c *Catalog, ask HistoryAsk, q *HistoryQuery) error {
	if ask.Record != nil {
		var err error
		q.Record, err = d.historyRecord(ctx, c, *ask.Record)
		return err
	}
	asked := query.Query{}
	if ask.Query != nil {
		asked.Where, asked.View, asked.Search = ask.Query.Where, ask.Query.View, ask.Query.Search
	}
	selected, err := d.selected(ctx, c, asked)
	if err != nil {
		return err
	}
	if selected.Where != nil || selected.Search != (query.Search{}) {
		q.Where = selected
	}
	// Whoever may view every record also sees what became of removed ones,
	// unless he asks for records by what they contain.
	q.WithRemoved = q.Where == nil
	return nil
}

// historyRecord is the number of the record whose history is asked for. A
// removed one has a history for those who may view the whole catalog.
func (d *reading) historyRecord(ctx context.Context, c *Catalog, key query.Key) (query.Record, error) {
	n, err := everKnown(ctx, d.r, c, key)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, noRecord()
	}
	page, err := d.r.Rows(ctx, c, nil, []query.Record{n})
	if err != nil {
		return 0, fmt.Errorf("read record: %w", err)
	}
	if page.Len() > 0 {
		on, err := rightsOn(ctx, d.r, d.access, c, []query.Record{n})
		if err != nil {
			return 0, err
		}
		return n, need(on.privilege(n), ViewPrivilege)
	}
	ref := query.MakeRef(c.Num, n)
	titles, err := d.r.Titles(ctx, []query.Ref{ref})
	if err != nil {
		return 0, fmt.Errorf("read title: %w", err)
	}
	if t, ok := titles[ref]; !ok || !t.Removed || d.access.Where(c) != nil {
		return 0, noRecord()
	}
	return n, nil
}

// historyActor is the number of the employee whose entries are asked for.
func (d *reading) historyActor(ctx context.Context, key query.Key) (query.Record, error) {
	if key == (query.Key{}) {
		return 0, nil
	}
	n, err := everKnown(ctx, d.r, d.st.Catalog(Employees), key)
	if err == nil && n == 0 {
		err = fault.New(fault.InvalidParameter, "userId: there is no employee %s", keyText(key))
	}
	return n, err
}

// readableHistory lists the fields of which a change is shown; nil when these
// are all that the catalog ever had.
func (d *reading) readableHistory(c *Catalog) []query.Field {
	list := make([]query.Field, 0, len(c.Fields))
	for _, f := range c.Fields {
		if f.Secret || d.access.Readable(f) {
			list = append(list, f.Num)
		}
	}
	if len(list) == c.NextField-1 && d.visibleHistory(c) == nil {
		return nil
	}
	return list
}

// visibleHistory is where fields are not hidden that are hidden on some records.
func (d *reading) visibleHistory(c *Catalog) map[query.Field]query.Node {
	var visible map[query.Field]query.Node
	for _, f := range c.Fields {
		if where := d.access.visible(f); where != nil && d.access.Shown(f) {
			if visible == nil {
				visible = map[query.Field]query.Node{}
			}
			visible[f.Num] = where
		}
	}
	return visible
}

// historyRefs are the records and the actors of entries.
func historyRefs(c *Catalog, entries []HistoryEntry) []query.Ref {
	refs := make([]query.Ref, 0, 2*len(entries))
	for i := range entries {
		refs = append(refs, query.MakeRef(c.Num, entries[i].Record))
		if n := entries[i].Actor; n != 0 {
			refs = append(refs, query.MakeRef(Employees, n))
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

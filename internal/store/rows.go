package store

import (
	"context"
	"slices"
	"strings"
	"sync"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// recordAlias is the record table's name in the statements that read records.
const recordAlias = "r"

// headColumns are what every row of records begins with; the values follow.
const headColumns = 5

// readPlan is what reading some columns of a catalog needs, worked out once.
type readPlan struct {
	columns []*catalog.Field
	list    string // of a SELECT
	one     string // the statement for one record by its number
	kinds   []cellKind
}

// cellKind is how a column's value is handed over.
type cellKind uint8

const (
	bytesCell cellKind = iota
	intCell
	floatCell
)

func cellKinds(columns []*catalog.Field) []cellKind {
	kinds := make([]cellKind, len(columns))
	for i, f := range columns {
		switch storageOf(f) {
		case catalog.FloatStorage:
			kinds[i] = floatCell
		case catalog.WholeStorage, catalog.TimeStorage, catalog.BoolStorage, catalog.ItemStorage:
			kinds[i] = intCell
		}
	}
	return kinds
}

func newReadPlan(c *catalog.Catalog, columns []*catalog.Field) *readPlan {
	p := &readPlan{columns: slices.Clone(columns), kinds: cellKinds(columns)}
	var list strings.Builder
	list.WriteString("r.id, r.code, r.created, r.updated, r.version")
	for _, f := range columns {
		if storageOf(f) == catalog.NoStorage {
			list.WriteString(", NULL")
		} else {
			list.WriteString(", r." + valueColumn(f))
		}
	}
	p.list = list.String()
	p.one = "SELECT " + p.list + " FROM " + recordTable(c.Num) + " r WHERE r.id = ?"
	return p
}

// readPlansMost bounds the remembered plans; past it all are forgotten.
const readPlansMost = 1_024

// readKey finds plans. Columns with the same number and ends are most often the
// same; of compares them.
type readKey struct {
	catalog     *catalog.Catalog
	first, last *catalog.Field
	n           int
}

// readPlans are the plans of late. The zero value is ready.
type readPlans struct {
	mu    sync.RWMutex
	plans map[readKey]*readPlan
}

func (s *readPlans) of(c *catalog.Catalog, columns []*catalog.Field) *readPlan {
	key := readKey{catalog: c, n: len(columns)}
	if key.n > 0 {
		key.first, key.last = columns[0], columns[key.n-1]
	}
	s.mu.RLock()
	p := s.plans[key]
	s.mu.RUnlock()
	if p != nil && slices.Equal(p.columns, columns) {
		return p
	}
	p = newReadPlan(c, columns)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plans == nil || len(s.plans) >= readPlansMost {
		s.plans = map[readKey]*readPlan{}
	}
	s.plans[key] = p
	return p
}

// pageReader fills a page from rows that are headColumns and one for each field.
type pageReader struct {
	page  *catalog.Page
	kinds []cellKind
	most  int // bytes
}

func (p *readPlan) reader() *pageReader {
	r := &pageReader{page: &catalog.Page{}, kinds: p.kinds, most: catalog.PageBytes}
	r.page.Reset(p.columns)
	return r
}

// newPageReader is the reader of a statement that is not a plan's.
func newPageReader(columns []*catalog.Field) *pageReader {
	return (&readPlan{columns: columns, kinds: cellKinds(columns)}).reader()
}

// add takes one row.
func (p *pageReader) add(r row) error {
	page := p.page
	page.AddRow(query.Record(r.Int(0)), r.Bytes(1), r.Int(2), r.Int(3), r.Int(4))
	for i, kind := range p.kinds {
		at := headColumns + i
		switch {
		case r.Null(at):
			page.AddEmpty()
		case kind == intCell:
			page.AddInt(r.Int(at))
		case kind == floatCell:
			page.AddFloat(r.Float(at))
		default:
			page.AddBytes(r.Bytes(at))
		}
	}
	if page.Size() > p.most {
		return fault.New(fault.LimitTooLarge, "The records are too big for one answer; ask for fewer of them or fewer fields")
	}
	return nil
}

// Rows reads records by number.
func (t *tx) Rows(ctx context.Context, c *catalog.Catalog, columns []*catalog.Field, records []query.Record) (*catalog.Page, error) {
	plan := t.company.reads.of(c, columns)
	p := plan.reader()
	var err error
	switch len(records) {
	case 0:
	case 1:
		t.ending()
		err = t.conn.Query(ctx, plan.one, []any{int64(records[0])}, p.add)
	default:
		numbers := make([]int64, len(records))
		for i, r := range records {
			numbers[i] = int64(r)
		}
		sql := "SELECT " + plan.list + " FROM " + recordTable(c.Num) + " r WHERE " + t.conn.Dialect().AnyInt("r.id")
		t.ending()
		err = t.conn.Query(ctx, sql, []any{numbers}, p.add)
	}
	if err != nil {
		return nil, err
	}
	return p.page, nil
}

// RowWithTitles reads one record, and on PostgreSQL in the same round trip the
// titles of what it links through some fields.
func (t *tx) RowWithTitles(ctx context.Context, c *catalog.Catalog, columns []*catalog.Field, n query.Record, links []*catalog.Field,
) (*catalog.Page, catalog.Titles, error) {
	if !t.conn.Dialect().Remote() || len(links) == 0 {
		page, err := t.Rows(ctx, c, columns, []query.Record{n})
		return page, nil, err
	}
	plan := t.company.reads.of(c, columns)
	p := plan.reader()
	titles := titleReader{}
	b := newBuilder(t.conn.Dialect(), nil)
	b.add("SELECT t.ref, t.title, t.code, t.removed FROM refs l JOIN titles t ON t.ref = l.target WHERE ")
	numbers := make([]int, len(links))
	for i, f := range links {
		numbers[i] = int(f.Num)
	}
	b.oneOf("l.field", numbers)
	b.add(" AND l.record = ?")
	t.ending()
	err := t.conn.ExecBatch(ctx, []statement{
		{SQL: plan.one, Args: []any{int64(n)}, Each: p.add},
		{SQL: string(b.sql), Args: []any{int64(n)}, Each: titles.add},
	})
	if err != nil {
		return nil, nil, err
	}
	return p.page, catalog.Titles(titles), nil
}

// Find gives the number of the live record with a custom id, 0 if there is none.
func (t *tx) Find(ctx context.Context, c *catalog.Catalog, code string) (n query.Record, err error) {
	if code == "" || !storable(code) {
		return 0, nil
	}
	sql := "SELECT id FROM " + recordTable(c.Num) + " WHERE code = ?"
	err = t.conn.Query(ctx, sql, []any{code}, func(r row) error {
		n = query.Record(r.Int(0))
		return nil
	})
	return n, err
}

// FindRemoved gives the number of the last removed record that had a custom id,
// 0 if there is none. It looks at all titles of the catalog.
func (t *tx) FindRemoved(ctx context.Context, c *catalog.Catalog, code string) (n query.Record, err error) {
	if code == "" || !storable(code) {
		return 0, nil
	}
	const last = `SELECT ref FROM titles WHERE catalog = ? AND code = ? AND removed IS TRUE ORDER BY ref DESC LIMIT 1`
	err = t.conn.Query(ctx, last, []any{int64(c.Num), code}, func(r row) error {
		n = query.Ref(r.Int(0)).Record()
		return nil
	})
	return n, err
}

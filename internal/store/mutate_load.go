package store

import (
	"slices"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// Many new records at once go into the tables by several rows a statement, and
// table by table: a statement costs as much as a row or two (SQLite reads and
// writes its counter of AUTOINCREMENT for each, PostgreSQL is sent and answers
// each), and pages that are in the cache are not fetched again.

const (
	// loadRecords is from how many records on those of a transaction are many.
	loadRecords = 200
	// loadParams bounds the parameters of a statement, which is to be kept
	// prepared; see cachedSQL.
	loadParams = 3_000
)

// loadSteps are the rows of a statement: few sizes, so that few are prepared.
var loadSteps = []int{64, 8, 1}

func loads(list []catalog.Mutation) bool {
	return len(list) >= loadRecords && !slices.ContainsFunc(list, func(m catalog.Mutation) bool {
		return m.Kind != catalog.InsertRecord
	})
}

// load gathers the rows of new records by table. nil gathers nothing.
type load struct {
	tables []*loadTable
	// search are the rows of search tables. They come last, and one by one:
	// FTS5 writes out what it has collected when another statement wants to be
	// able to go back.
	search   []statement
	catalogs map[query.Catalog]bool // that have some
	// at is the last Mutation.At, in the form of an argument.
	at any
}

// loadTable are the rows of one INSERT.
type loadTable struct {
	head, tail string // before and after the rows
	width      int
	args       []any
}

func newLoad(list []catalog.Mutation) *load {
	if !loads(list) {
		return nil
	}
	return &load{catalogs: map[query.Catalog]bool{}}
}

// rows finds the table of an INSERT for one more row.
func (l *load) rows(head, tail string, width int) *loadTable {
	for _, t := range l.tables {
		if t.head == head {
			return t
		}
	}
	t := &loadTable{head: head, tail: tail, width: width}
	l.tables = append(l.tables, t)
	return t
}

// moment is a time as an argument; it is the same for all records.
func (l *load) moment(at int64) any {
	if l.at == nil || l.at.(int64) != at {
		l.at = at
	}
	return l.at
}

// add gathers the rows of a mutation.
func (l *load) add(w *writes, p *writePlan, m *catalog.Mutation) (err error) {
	number, record, at := any(int64(m.Catalog.Num)), any(int64(m.Record)), l.moment(m.At)
	t := l.rows(p.head, "", p.width)
	if t.args, err = p.appendArgs(t.args, m, record, at); err != nil {
		return err
	}
	for i := range m.Cells {
		v := &m.Cells[i]
		w.refs(m.Record, v, w.tables.InsertRefs())
		l.addSearch(w.tables, p, m, v)
	}
	title := titleOf(m)
	t = l.rows(insertTitle, "", 6)
	t.args = append(t.args, refOf(m), number, title.Text, title.Fold, title.Key, storedCode(codeOf(m)))
	for _, entry := range m.Times {
		t = l.rows(insertTime, enteredAgain, 4)
		t.args = append(t.args, int64(entry.Field), record, int64(entry.Item), at)
	}
	t = l.rows(insertChange, "", changeArgs)
	t.args = append(t.args, number, record, int64(1), at, int64(m.Change.Actor), m.Change.Origin,
		changeKinds[m.Kind], storedJSON(m.Change.Values), storedJSON(m.Change.Fires))
	if h := m.History; h != nil {
		t = l.rows(insertHistory, "", 6)
		t.args = append(t.args, number, record, at, int64(h.Actor), string(h.Kind), storedJSON(h.Payload))
	}
	return nil
}

func (l *load) addSearch(tables tables, p *writePlan, m *catalog.Mutation, v *catalog.StoredValue) {
	for _, s := range v.Search {
		l.catalogs[m.Catalog.Num] = true
		l.search = append(l.search, statement{SQL: p.loadSearch, Args: tables.SearchArgs(m.Record, v.Field.Slot(s.Part), s.Fold)})
	}
}

// statements are those of the load, around the others of the same records.
func (l *load) statements(others []statement) (all []statement) {
	for _, t := range l.tables {
		all = t.statements(all)
	}
	return append(append(all, others...), l.search...)
}

func (t *loadTable) statements(all []statement) []statement {
	for _, rows := range loadSteps {
		if rows > 1 && rows*t.width > loadParams {
			continue
		}
		size := rows * t.width
		if len(t.args) < size {
			continue
		}
		sql := insertRows(t.head, t.tail, t.width, rows)
		for len(t.args) >= size {
			all = append(all, statement{SQL: sql, Args: t.args[:size:size]})
			t.args = t.args[size:]
		}
	}
	return all
}

// insertRows is an INSERT of so many rows.
func insertRows(head, tail string, width, rows int) string {
	one := ", (?" + strings.Repeat(", ?", width-1) + ")"
	return head + " VALUES " + strings.Repeat(one, rows)[2:] + tail
}

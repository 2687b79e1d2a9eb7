package store

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// writePlan is the one INSERT of a catalog, with all its columns, so that
// every record uses the same prepared statement, and those of search rows.
type writePlan struct {
	sql   string
	head  string // of sql, before the values
	width int
	at    map[query.Field]int // place of a field's value among the arguments

	putSearch, loadSearch, dropSearch string

	whole wholeSQL
	log   string // of a change with its history entry; "" for two statements
}

// insertHead is the number of columns before the fields'.
const insertHead = 5

func newWritePlan(t tables, c *catalog.Catalog) *writePlan {
	p := &writePlan{at: make(map[query.Field]int, len(c.Fields)), width: insertHead,
		putSearch: t.InsertSearch(c.Num), loadSearch: t.LoadSearch(c.Num), dropSearch: t.DeleteSearch(c.Num, "")}
	names := []string{"id", "code", "created", "updated", "version"}
	for _, f := range c.Fields {
		columns := columnsOf(f)
		if len(columns) == 0 {
			continue
		}
		p.at[f.Num] = p.width
		p.width += len(columns)
		for _, column := range columns {
			names = append(names, column.name)
		}
	}
	p.head = `INSERT INTO ` + recordTable(c.Num) + ` (` + strings.Join(names, ", ") + `)`
	p.sql = insertRows(p.head, "", p.width, 1)
	p.whole = wholeSQL{logged: t.InsertWhole(c.Num, p.sql, true), quiet: t.InsertWhole(c.Num, p.sql, false)}
	p.log = t.Together(insertChange+changeRow, insertHistory+historyRow)
	return p
}

// appendArgs appends the arguments of a record's row; record and at are the
// mutation's, in the form of arguments.
func (p *writePlan) appendArgs(dst []any, m *catalog.Mutation, record, at any) ([]any, error) {
	from := len(dst)
	dst = slices.Grow(dst, p.width)[:from+p.width]
	args := dst[from:]
	clear(args)
	args[0], args[1], args[2], args[3], args[4] = record, storedCode(codeOf(m)), at, at, int64(1)
	for i := range m.Cells {
		v := &m.Cells[i]
		storage := v.Field.Storage()
		if storage == catalog.NoStorage {
			continue
		}
		at, ok := p.at[v.Field.Num]
		if !ok {
			return dst, fmt.Errorf("field %d is not in catalog %d", v.Field.Num, m.Catalog.Num)
		}
		args[at] = catalog.ColumnValue(v.Field, v.Value)
		if storage.HasKey() {
			args[at+1] = v.Key
		}
	}
	return dst, nil
}

// writePlansMost bounds the kept plans, and with them the old structures that
// they keep in memory.
const writePlansMost = 512

// writePlans keeps plans by catalog, which is immutable. The zero value is
// ready.
type writePlans struct {
	mu    sync.RWMutex
	plans map[*catalog.Catalog]*writePlan
}

func (s *writePlans) of(t tables, c *catalog.Catalog) *writePlan {
	s.mu.RLock()
	p := s.plans[c]
	s.mu.RUnlock()
	if p != nil {
		return p
	}
	p = newWritePlan(t, c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plans == nil || len(s.plans) >= writePlansMost {
		s.plans = map[*catalog.Catalog]*writePlan{}
	}
	s.plans[c] = p
	return p
}

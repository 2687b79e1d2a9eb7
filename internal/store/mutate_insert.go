package store

import (
	"fmt"
	"strings"
	"sync"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// insertPlan is the one INSERT of a catalog, with all its columns, so that
// every record uses the same prepared statement.
type insertPlan struct {
	sql   string
	width int
	at    map[query.Field]int // place of a field's value among the arguments
}

// insertHead is the number of columns before the fields'.
const insertHead = 5

func newInsertPlan(c *catalog.Catalog) *insertPlan {
	p := &insertPlan{at: make(map[query.Field]int, len(c.Fields)), width: insertHead}
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
	p.sql = `INSERT INTO ` + recordTable(c.Num) + ` (` + strings.Join(names, ", ") + `) VALUES (?` +
		strings.Repeat(", ?", p.width-1) + `)`
	return p
}

func (p *insertPlan) args(m *catalog.Mutation) ([]any, error) {
	args := make([]any, p.width)
	args[0], args[1], args[2], args[3], args[4] = int64(m.Record), storedCode(codeOf(m)), m.At, m.At, int64(1)
	for i := range m.Cells {
		v := &m.Cells[i]
		storage := v.Field.Storage()
		if storage == catalog.NoStorage {
			continue
		}
		at, ok := p.at[v.Field.Num]
		if !ok {
			return nil, fmt.Errorf("field %d is not in catalog %d", v.Field.Num, m.Catalog.Num)
		}
		args[at] = catalog.ColumnValue(v.Field, v.Value)
		if storage.HasKey() {
			args[at+1] = v.Key
		}
	}
	return args, nil
}

// insertPlansMost bounds the kept plans, and with them the old structures that
// they keep in memory.
const insertPlansMost = 512

// insertPlans keeps plans by catalog, which is immutable. The zero value is
// ready.
type insertPlans struct {
	mu    sync.RWMutex
	plans map[*catalog.Catalog]*insertPlan
}

func (s *insertPlans) of(c *catalog.Catalog) *insertPlan {
	s.mu.RLock()
	p := s.plans[c]
	s.mu.RUnlock()
	if p != nil {
		return p
	}
	p = newInsertPlan(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plans == nil || len(s.plans) >= insertPlansMost {
		s.plans = map[*catalog.Catalog]*insertPlan{}
	}
	s.plans[c] = p
	return p
}

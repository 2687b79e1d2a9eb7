package store

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"kartoteka/internal/apisync"
)

const (
	day       = 24 * time.Hour
	dayFormat = "20060102"
)

// logTables are the partitioned tables.
var logTables = []string{"entries", "bodies", "named"}

// makeDays makes the partitions that entries need.
func (s *SyncLog) makeDays(ctx context.Context, e engine, records []apisync.LogRecord) error {
	if !e.Dialect().Remote() {
		return nil
	}
	for i := range records {
		d := dayOf(records[i].ID)
		if _, there := s.days.Load(d); there {
			continue
		}
		if err := makeDay(ctx, e, d); err != nil {
			return err
		}
		s.days.Store(d, true)
	}
	return nil
}

func makeDay(ctx context.Context, e engine, d time.Time) error {
	var sql strings.Builder
	for _, table := range logTables {
		sql.WriteString("CREATE TABLE IF NOT EXISTS " + table + "_" + d.Format(dayFormat) + " PARTITION OF " + table +
			" FOR VALUES FROM (" + byteLiteral(idOf(d)) + ") TO (" + byteLiteral(idOf(d.Add(day))) + ");\n")
	}
	return e.Update(ctx, updateOptions{Class: classStructure, Exclusive: []int64{daysLock}}, func(c conn) error {
		return c.Script(ctx, sql.String())
	})
}

func byteLiteral(b []byte) string { return `'\x` + hex.EncodeToString(b) + `'` }

// dropDays drops the partitions of days that are old as a whole, and gives the number of
// their entries.
func (s *SyncLog) dropDays(ctx context.Context, p apisync.LogPurge) (removed int64, err error) {
	days := map[string][]string{} // tables of days
	err = s.use(ctx, func(e engine) error {
		if !e.Dialect().Remote() {
			return nil
		}
		return e.View(ctx, nil, func(c conn) error {
			clear(days)
			return c.Query(ctx, `SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
				JOIN pg_class t ON t.oid = i.inhparent
				WHERE t.relname IN ('entries', 'bodies', 'named') AND t.relkind = 'p' AND t.relnamespace = current_schema()::regnamespace`, nil, func(r row) error {
				if table, d, ok := strings.Cut(r.Str(0), "_"); ok {
					days[d] = append(days[d], table)
				}
				return nil
			})
		})
	})
	for name, tables := range days {
		if err != nil {
			return removed, err
		}
		d, bad := time.Parse(dayFormat, name)
		if bad != nil {
			continue
		}
		n := int64(0)
		n, err = s.dropDay(ctx, d.Add(day), name, tables, p)
		removed += n
	}
	return removed, err
}

// dropDay drops of a day what is over: all of it, or its bodies.
func (s *SyncLog) dropDay(ctx context.Context, end time.Time, name string, tables []string, p apisync.LogPurge) (removed int64, err error) {
	over := func(before time.Time) bool { return !before.IsZero() && !end.After(before) }
	all := over(p.SuccessBefore) && over(p.ErrorBefore)
	var drop []string
	for _, t := range tables {
		if all || t == "bodies" && over(p.BodyBefore) {
			drop = append(drop, "DROP TABLE IF EXISTS "+t+"_"+name+";")
		}
	}
	if drop == nil {
		return 0, nil
	}
	err = s.use(ctx, func(e engine) error {
		return e.Update(ctx, updateOptions{Class: classStructure, Exclusive: []int64{daysLock}}, func(c conn) error {
			removed = 0
			if all && len(tables) == len(logTables) {
				err := c.Query(ctx, "SELECT count(*) FROM entries_"+name, nil, func(r row) error {
					removed = r.Int(0)
					return nil
				})
				if err != nil {
					return err
				}
			}
			return c.Script(ctx, strings.Join(drop, "\n"))
		})
	})
	return removed, err
}

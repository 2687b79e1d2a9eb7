package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"zombiezen.com/go/sqlite"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Write implements catalog.Writer: all statements of all mutations go to the
// database as one batch.
func (t *tx) Write(ctx context.Context, list []catalog.Mutation) error {
	w := writes{tables: t.company.tables, load: newLoad(list), last: t.last}
	for i := range list {
		m := &list[i]
		if err := w.add(t.company, m); err != nil {
			return fmt.Errorf("write record %d of catalog %d: %w", m.Record, m.Catalog.Num, err)
		}
	}
	t.ending()
	if err := execAll(ctx, t.conn, w.all()); err != nil {
		if w.found != w.expected && classify(err) == classUnique && !codeTaken(err) {
			return catalog.ErrMoved // rows for a record that is not as expected meet those of another writer
		}
		return writeError(err)
	}
	t.company.tail.expect(w.waiting)
	if w.load != nil {
		for c := range w.load.catalogs {
			t.company.tail.loaded(c)
		}
	}
	if w.found != w.expected {
		return catalog.ErrMoved
	}
	return nil
}

// writeError gives the errors of a write that its caller acts on.
func writeError(err error) error {
	if codeTaken(err) {
		err = catalog.ErrCodeTaken
	}
	// A row of PostgreSQL fits into a page of 8 kB, where a long text still takes
	// 18 bytes and its sort key as much: some 220 filled text fields.
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == "54000" {
		return fault.Wrap(err, fault.ValidationFailed, "The record is too large: too many of its fields are filled")
	}
	return fmt.Errorf("write records: %w", err)
}

// codeTaken tells whether err is about the unique index of a record table.
func codeTaken(err error) bool {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		return classifyPostgres(pg) == classUnique && strings.HasPrefix(pg.ConstraintName, "u_")
	}
	return sqlite.ErrCode(err) == sqlite.ResultConstraintUnique
}

// writes are the statements of some mutations.
type writes struct {
	tables tables
	batch  []statement
	// expected counts the records that must have the expected version, found
	// those that had it.
	expected, found int
	// waiting counts the changed search rows that are yet to be indexed.
	waiting int
	// load gathers the rows of many new records, nil for other writes.
	load *load
	last bool // the transaction may end with them
}

// all are the statements in their order.
func (w *writes) all() []statement {
	if w.load == nil {
		return w.batch
	}
	return w.load.statements(w.batch)
}

func (w *writes) run(sql string, args ...any) {
	w.batch = append(w.batch, statement{SQL: sql, Args: args})
}

// hit adds a statement that returns one row if the record has the version.
func (w *writes) hit(sql string, args []any) {
	w.expected++
	s := statement{SQL: sql, Args: args, Refused: catalog.ErrMoved, Each: func(row) error {
		w.found++
		return nil
	}}
	if w.last {
		s.SQL = w.tables.MustReturn(sql)
	}
	w.batch = append(w.batch, s)
}

// add puts a mutation's statements into the batch. The record's row comes
// first: its lock keeps the change log's order that of the commits.
func (w *writes) add(s *Company, m *catalog.Mutation) error {
	if m.Record < 1 || m.Record > query.MaxRecord {
		return errors.New("not a record number")
	}
	p := s.plans.of(w.tables, m.Catalog)
	switch m.Kind {
	case catalog.InsertRecord, catalog.RestoreRecord:
		if m.Kind == catalog.RestoreRecord {
			w.forget(m)
		}
		s.numbers.raise(m.Catalog.Num, m.Record)
		if w.load != nil {
			return w.load.add(w, p, m)
		}
		if p.whole.logged != "" {
			return w.whole(p, m)
		}
		if err := w.insert(p, m); err != nil {
			return err
		}
	case catalog.UpdateRecord:
		w.update(p, m)
	case catalog.RemoveRecord:
		w.remove(p, m)
	}
	w.times(m)
	w.log(p, m)
	return nil
}

func (w *writes) insert(p *writePlan, m *catalog.Mutation) error {
	args, err := p.appendArgs(nil, m, int64(m.Record), m.At)
	if err != nil {
		return err
	}
	w.run(p.sql, args...)
	for i := range m.Cells {
		v := &m.Cells[i]
		w.refs(m.Record, v, w.tables.InsertRefs())
		w.search(p, m, v)
	}
	title := titleOf(m)
	w.run(insertTitle+titleRow,
		refOf(m), int64(m.Catalog.Num), title.Text, title.Fold, title.Key, storedCode(codeOf(m)))
	return nil
}

const (
	insertTitle = `INSERT INTO titles (ref, catalog, title, fold, key, code)`
	titleRow    = ` VALUES (?, ?, ?, ?, ?, ?)`
)

// titleOf is the title of a new record.
func titleOf(m *catalog.Mutation) catalog.TitleRow {
	if m.Title != nil {
		return *m.Title
	}
	return catalog.NewTitleRow(catalog.TitleText("", m.Record, codeOf(m)))
}

// forget takes away what a removed record left under its number.
func (w *writes) forget(m *catalog.Mutation) {
	w.run(`DELETE FROM trash WHERE catalog = ? AND record = ?`, int64(m.Catalog.Num), int64(m.Record))
	w.run(`DELETE FROM titles WHERE ref = ? AND removed IS TRUE`, refOf(m))
}

func (w *writes) update(p *writePlan, m *catalog.Mutation) {
	var sql strings.Builder
	sql.WriteString(`UPDATE ` + recordTable(m.Catalog.Num) + ` SET updated = ?, version = version + 1`)
	args := []any{m.At}
	set := func(column string, v any) {
		sql.WriteString(`, ` + column + ` = ?`)
		args = append(args, v)
	}
	for i := range m.Cells {
		v := &m.Cells[i]
		if v.Field.Storage() == catalog.NoStorage {
			continue
		}
		set(valueColumn(v.Field), catalog.ColumnValue(v.Field, v.Value))
		if v.Field.Storage().HasKey() {
			set(keyColumn(v.Field), v.Key)
		}
	}
	if m.Code != nil {
		set("code", storedCode(*m.Code))
	}
	sql.WriteString(` WHERE id = ? AND version = ? RETURNING id`)
	w.hit(sql.String(), append(args, int64(m.Record), m.Version))
	w.updateRows(p, m)
}

// updateRows brings what belongs to the changed cells up to date.
func (w *writes) updateRows(p *writePlan, m *catalog.Mutation) {
	for i := range m.Cells {
		v := &m.Cells[i]
		if v.Field.Storage().HasRefs() {
			w.refs(m.Record, v, w.tables.ReplaceRefs())
			w.run(`DELETE FROM refs WHERE field = ? AND record = ? AND position >= ?`,
				int64(v.Field.Num), int64(m.Record), len(catalog.Targets(v.Value)))
		}
		if hasSearch(v) {
			first, last := slotRange(v.Field)
			w.run(p.dropSearch, w.tables.SlotArgs(m.Record, first, last)...)
			w.search(p, m, v)
		}
	}
	if m.Title != nil {
		w.run(`UPDATE titles SET title = ?, fold = ?, key = ? WHERE ref = ?`,
			m.Title.Text, m.Title.Fold, m.Title.Key, refOf(m))
	}
	if m.Code != nil {
		w.run(`UPDATE titles SET code = ? WHERE ref = ?`, storedCode(*m.Code), refOf(m))
	}
}

// remove leaves links to the record as they are; they show its last title. The
// title keeps the custom id too, which is free for another record.
func (w *writes) remove(p *writePlan, m *catalog.Mutation) {
	c, r := int64(m.Catalog.Num), int64(m.Record)
	w.hit(`DELETE FROM `+recordTable(m.Catalog.Num)+` WHERE id = ? AND version = ? RETURNING id`,
		[]any{r, m.Version})
	w.run(`DELETE FROM refs WHERE field IN (SELECT num FROM fields WHERE catalog = ?) AND record = ?`, c, r)
	w.run(p.dropSearch, w.tables.SlotArgs(m.Record, 0, 1<<slotBits-1)...)
	w.waiting++
	w.run(`UPDATE titles SET removed = TRUE WHERE ref = ?`, refOf(m))
	w.run(`INSERT INTO trash (catalog, record, at, actor, data) VALUES (?, ?, ?, ?, ?)`,
		c, r, m.At, int64(m.Change.Actor), storedJSON(m.Trash))
}

// refs adds the rows of a value with several entries, from position 0.
func (w *writes) refs(r query.Record, v *catalog.StoredValue, sql string) {
	if !v.Field.Storage().HasRefs() {
		return
	}
	if targets := catalog.Targets(v.Value); len(targets) > 0 {
		w.run(sql, int64(v.Field.Num), int64(r), targets)
	}
}

// hasSearch tells whether a value of the field may have search rows.
func hasSearch(v *catalog.StoredValue) bool {
	return v.Field.Storage().HasKey() || len(v.Search) > 0
}

func (w *writes) search(p *writePlan, m *catalog.Mutation, v *catalog.StoredValue) {
	for _, s := range v.Search {
		w.run(p.putSearch, w.tables.SearchArgs(m.Record, v.Field.Slot(s.Part), s.Fold)...)
		w.waiting++
	}
}

// times notes entries into options and exits from them; a removed record leaves
// all. Somebody who leaves an option and comes back within a millisecond, or by
// a clock set back, counts as not having left.
func (w *writes) times(m *catalog.Mutation) {
	for _, t := range m.Times {
		key := []any{int64(t.Field), int64(m.Record), int64(t.Item), m.At}
		if t.Enter {
			w.run(insertTime+` VALUES (?, ?, ?, ?)`+enteredAgain, key...)
			continue
		}
		w.run(`UPDATE option_times SET exited = ? WHERE field = ? AND record = ? AND item = ? AND exited IS NULL`,
			m.At, key[0], key[1], key[2])
	}
	if m.Kind == catalog.RemoveRecord {
		w.run(`UPDATE option_times SET exited = ? WHERE exited IS NULL AND record = ?
			AND field IN (SELECT num FROM fields WHERE catalog = ?)`, m.At, int64(m.Record), int64(m.Catalog.Num))
	}
}

const (
	insertTime   = `INSERT INTO option_times (field, record, item, entered)`
	enteredAgain = ` ON CONFLICT (field, record, item, entered) DO UPDATE SET exited = NULL`
)

// log adds the change and the history entry.
func (w *writes) log(p *writePlan, m *catalog.Mutation) {
	args := appendLogArgs(make([]any, 0, logArgs), m)
	switch {
	case m.History == nil:
		w.run(insertChange+changeRow, args...)
	case p.log != "":
		w.run(p.log, args...)
	default:
		w.run(insertChange+changeRow, args[:changeArgs:changeArgs]...)
		w.run(insertHistory+historyRow, args[changeArgs:]...)
	}
}

// appendLogArgs appends the arguments of the change and of the history entry.
func appendLogArgs(args []any, m *catalog.Mutation) []any {
	version := m.Version + 1
	if m.Kind == catalog.InsertRecord || m.Kind == catalog.RestoreRecord {
		version = 1
	}
	number, record, at := any(int64(m.Catalog.Num)), any(int64(m.Record)), any(m.At)
	args = append(args, number, record, version, at, int64(m.Change.Actor), m.Change.Origin,
		changeKinds[m.Kind], storedJSON(m.Change.Values), storedJSON(m.Change.Fires))
	if h := m.History; h != nil {
		args = append(args, number, record, at, int64(h.Actor), string(h.Kind), storedJSON(h.Payload))
	}
	return args
}

var changeKinds = map[catalog.MutationKind]string{
	catalog.InsertRecord:  "create",
	catalog.UpdateRecord:  "update",
	catalog.RemoveRecord:  "remove",
	catalog.RestoreRecord: "create",
}

const (
	insertChange  = `INSERT INTO changes (catalog, record, version, at, actor, origin, kind, data, fires)`
	insertHistory = `INSERT INTO history (catalog, record, at, actor, kind, payload)`
	changeRow     = ` VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	historyRow    = ` VALUES (?, ?, ?, ?, ?, ?)`

	changeArgs = 9
	logArgs    = changeArgs + 6
)

// AddHistory implements catalog.Writer.
func (t *tx) AddHistory(ctx context.Context, e *catalog.HistoryRow) (id int64, err error) {
	err = t.conn.Query(ctx, insertHistory+historyRow+` RETURNING id`, []any{int64(e.Catalog), int64(e.Record), e.At,
		int64(e.Actor), string(e.Kind), storedJSON(e.Payload)}, func(r row) error {
		id = r.Int(0)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("add history of record %d of catalog %d: %w", e.Record, e.Catalog, err)
	}
	return id, nil
}

func storedJSON(b json.RawMessage) any {
	if b == nil {
		return nil
	}
	return string(b)
}

func storedCode(code string) any {
	if code == "" {
		return nil
	}
	return code
}

func codeOf(m *catalog.Mutation) string {
	if m.Code == nil {
		return ""
	}
	return *m.Code
}

func refOf(m *catalog.Mutation) int64 { return int64(query.MakeRef(m.Catalog.Num, m.Record)) }

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kartoteka/internal/apisync"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// What a row of named names a record by.
const (
	namedNumber   = 1
	namedExternal = 2
)

// rowBytes is about what a row takes beside its texts, its part of the indexes included.
const rowBytes = 300

// SyncLog is the log of a company's synchronisation module, a database of its own. It
// implements apisync.LogStore and is safe for concurrent use. Its commits do not wait
// for the disk: what they wrote survives the end of the process, and a failure of the
// machine costs the last moments.
type SyncLog struct {
	options Options
	// open opens the database anew; aside puts a damaged one away, nil where that
	// cannot be done.
	open  func(context.Context) (engine, error)
	aside func() error

	mu     sync.RWMutex // held to write while the engine is replaced
	engine engine
	closed bool
	days   sync.Map // of PostgreSQL: days that have partitions
	// damaged is how often the database was put aside.
	damaged atomic.Int64
}

var _ apisync.LogStore = (*SyncLog)(nil)

// Close waits for transactions that have begun.
func (s *SyncLog) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.engine == nil {
		return nil
	}
	return s.engine.Close()
}

// Damaged is how often the log was found damaged and begun anew.
func (s *SyncLog) Damaged() int64 { return s.damaged.Load() }

// use calls fn with the engine. A database that turns out to be damaged is put aside,
// and fn is called again with a new one.
func (s *SyncLog) use(ctx context.Context, fn func(engine) error) error {
	s.mu.RLock()
	e := s.engine
	if e == nil || s.closed {
		s.mu.RUnlock()
		return errClosed
	}
	err := fn(e)
	s.mu.RUnlock()
	if err == nil || s.aside == nil || !damagedFile(err) {
		return err
	}
	if err := s.renew(ctx, e, err); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.engine == nil || s.closed {
		return errClosed
	}
	return fn(s.engine)
}

// renew puts the database aside and begins another one, unless somebody has.
func (s *SyncLog) renew(ctx context.Context, old engine, why error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine != old || s.closed {
		return nil
	}
	_ = old.Close() // it is given up
	s.engine = nil
	if err := s.putAside(why); err != nil {
		return err
	}
	e, err := s.open(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	s.engine = e
	return nil
}

func (s *SyncLog) putAside(why error) error {
	s.damaged.Add(1)
	s.options.Log.Warn("sync.log.damaged", "module", "Sync", "error", why)
	if err := s.aside(); err != nil {
		return fmt.Errorf("put the damaged log of the sync module aside: %w", err)
	}
	return nil
}

func (s *SyncLog) view(ctx context.Context, fn func(conn) error) error {
	return s.use(ctx, func(e engine) error { return e.View(ctx, nil, fn) })
}

func (s *SyncLog) update(ctx context.Context, fn func(conn) error) error {
	return s.use(ctx, func(e engine) error {
		return e.Update(ctx, updateOptions{Volatile: true, Repeats: true}, fn)
	})
}

const (
	insertEntry = `INSERT INTO entries (id, failed, config, direction, outcome, status, error_code, method, request_id,
		credential, remote_ip, search, detail, size) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	insertBodies = `INSERT INTO bodies (id, request, response, raw, size) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	insertNamed  = `INSERT INTO named (kind, value, id, catalog) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`
)

// Append implements apisync.LogStore. An entry that is there already stays as it is.
func (s *SyncLog) Append(ctx context.Context, records []apisync.LogRecord) error {
	batch := make([]statement, 0, 2*len(records))
	for i := range records {
		var err error
		if batch, err = appendRecord(batch, &records[i]); err != nil {
			return err
		}
	}
	return s.use(ctx, func(e engine) error {
		if err := s.makeDays(ctx, e, records); err != nil {
			return err
		}
		err := e.Update(ctx, updateOptions{Volatile: true, Repeats: true}, func(c conn) error { return execAll(ctx, c, batch) })
		if err != nil {
			s.days.Clear() // another node may have dropped one
		}
		return err
	})
}

// appendRecord adds the statements that insert an entry.
func appendRecord(batch []statement, r *apisync.LogRecord) ([]statement, error) {
	e := r.LogEntry
	id := e.ID[:]
	request, response := e.RequestBody, e.ResponseBody
	e.RequestBody, e.ResponseBody = "", ""
	detail, err := json.Marshal(logDetail{storedEntry(e), e.Catalog})
	if err != nil {
		return nil, fmt.Errorf("encode an entry of the log: %w", err)
	}
	search := text.Fold(e.URL + "\n" + e.ErrorMessage)
	failed := 0
	if e.Failed() {
		failed = 1
	}
	size := rowBytes + len(detail) + len(search) + (len(e.Records)+len(e.ExternalIDs))*rowBytes/2
	batch = append(batch, do(insertEntry, id, failed, e.Config, e.Direction, e.Outcome, e.Status, e.ErrorCode, e.Method, e.RequestID,
		e.Credential, e.RemoteIP, search, string(detail), size))
	if len(request)+len(response)+len(r.Raw) > 0 {
		batch = append(batch, do(insertBodies, id, request, response, r.Raw, rowBytes/2+len(request)+len(response)+len(r.Raw)))
	}
	for _, n := range e.Records {
		batch = append(batch, do(insertNamed, namedNumber, strconv.FormatInt(n, 10), id, int64(e.Catalog)))
	}
	for _, external := range e.ExternalIDs {
		batch = append(batch, do(insertNamed, namedExternal, nameKey(external), id, int64(e.Catalog)))
	}
	return batch, nil
}

// nameKey is an external id as the index has it: PostgreSQL takes at most about 2,700
// bytes.
func nameKey(external string) string {
	return strings.ToValidUTF8(external[:min(len(external), 500)], "")
}

// Entry implements apisync.LogStore.
func (s *SyncLog) Entry(ctx context.Context, id apisync.LogID) (found *apisync.LogRecord, err error) {
	err = s.view(ctx, func(c conn) error {
		found = nil
		return c.Query(ctx, `SELECT e.id, e.detail, b.request, b.response, b.raw FROM entries e LEFT JOIN bodies b ON b.id = e.id
			WHERE e.id = ?`, []any{id[:]}, func(r row) error {
			found = &apisync.LogRecord{Raw: r.Str(4)}
			return readEntry(r, &found.LogEntry, true)
		})
	})
	return found, err
}

// readEntry reads id and detail, and then the bodies if they are there.
func readEntry(r row, e *apisync.LogEntry, bodies bool) error {
	var d logDetail
	if err := json.Unmarshal(r.Bytes(1), &d); err != nil {
		return fmt.Errorf("read an entry of the log: %w", err)
	}
	*e = apisync.LogEntry(d.storedEntry)
	e.ID, e.Catalog = apisync.LogID(r.Bytes(0)), d.Number
	if bodies {
		e.RequestBody, e.ResponseBody = r.Str(2), r.Str(3)
	}
	e.Replayable = r.Str(4) != ""
	return nil
}

// Entries implements apisync.LogStore.
func (s *SyncLog) Entries(ctx context.Context, f apisync.LogFilter) (list []apisync.LogEntry, err error) {
	sql, args := entriesQuery(f)
	err = s.view(ctx, func(c conn) error {
		list = nil
		return c.Query(ctx, sql, args, func(r row) error {
			list = append(list, apisync.LogEntry{})
			return readEntry(r, &list[len(list)-1], f.Bodies)
		})
	})
	return list, err
}

func entriesQuery(f apisync.LogFilter) (string, []any) {
	columns := "'', ''"
	if f.Bodies {
		columns = "b.request, b.response"
	}
	w := logWhere{}
	if !f.Since.IsZero() {
		w.add("e.id >= ?", idOf(f.Since))
	}
	if !f.Until.IsZero() {
		w.add("e.id < ?", idOf(f.Until))
	}
	if f.Before != (apisync.LogID{}) {
		w.add("e.id < ?", f.Before[:])
	}
	w.equal("config", f.Config)
	w.equal("direction", f.Direction)
	w.equal("outcome", f.Outcome)
	w.equal("error_code", f.ErrorCode)
	w.equal("method", f.Method)
	w.equal("request_id", f.RequestID)
	w.equal("credential", f.Credential)
	w.equal("remote_ip", f.RemoteIP)
	if f.StatusTo > 0 {
		w.add("e.status >= ?", f.StatusFrom)
		w.add("e.status <= ?", f.StatusTo)
	}
	const names = "e.id IN (SELECT n.id FROM named n WHERE n.kind = ? AND n.value = ?)"
	if f.Record != 0 {
		w.add(names, namedNumber, strconv.FormatInt(f.Record, 10))
	}
	if f.ExternalID != "" {
		w.add(names, namedExternal, nameKey(f.ExternalID))
	}
	if f.Text != "" {
		w.add(`e.search LIKE ? ESCAPE '\'`, "%"+strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text.Fold(f.Text))+"%")
	}
	sql := "SELECT e.id, e.detail, " + columns + ", CASE WHEN b.raw <> '' THEN '1' ELSE '' END FROM entries e LEFT JOIN bodies b ON b.id = e.id"
	return sql + w.String() + " ORDER BY e.id DESC LIMIT ?", append(w.args, f.Limit)
}

// logWhere collects conditions.
type logWhere struct {
	terms []string
	args  []any
}

func (w *logWhere) add(term string, args ...any) {
	w.terms, w.args = append(w.terms, term), append(w.args, args...)
}

func (w *logWhere) equal(column, value string) {
	if value != "" {
		w.add("e."+column+" = ?", value)
	}
}

func (w *logWhere) String() string {
	if len(w.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.terms, " AND ")
}

// idOf is the column value of the first id of a time.
func idOf(t time.Time) []byte {
	id := apisync.FirstLogID(t)
	return id[:]
}

// Delete implements apisync.LogStore.
func (s *SyncLog) Delete(ctx context.Context, id apisync.LogID) (there bool, err error) {
	err = s.update(ctx, func(c conn) error {
		n, err := deleteEntry(ctx, c, id[:])
		there = n > 0
		return err
	})
	return there, err
}

func deleteEntry(ctx context.Context, c conn, id []byte) (int64, error) {
	for _, table := range []string{"bodies", "named"} {
		if _, err := c.Exec(ctx, "DELETE FROM "+table+" WHERE id = ?", id); err != nil {
			return 0, err
		}
	}
	return c.Exec(ctx, "DELETE FROM entries WHERE id = ?", id)
}

// Erase implements apisync.LogStore.
func (s *SyncLog) Erase(ctx context.Context, catalog query.Catalog, record int64, externals []string) (erased int64, err error) {
	values := []struct {
		kind  int
		value string
	}{{namedNumber, strconv.FormatInt(record, 10)}}
	for _, e := range externals {
		values = append(values, struct {
			kind  int
			value string
		}{namedExternal, nameKey(e)})
	}
	for i := 0; i < len(values); {
		v, n := values[i], int64(0)
		err := s.update(ctx, func(c conn) (err error) {
			n, err = eraseSome(ctx, c, catalog, v.kind, v.value)
			return err
		})
		if err != nil {
			return erased, err
		}
		if erased += n; n < logChunk {
			i++
		}
	}
	return erased, nil
}

// eraseSome removes at most a chunk of the entries that name something.
func eraseSome(ctx context.Context, c conn, catalog query.Catalog, kind int, value string) (int64, error) {
	var ids [][]byte
	err := c.Query(ctx, `SELECT id FROM named WHERE kind = ? AND value = ? AND catalog = ? LIMIT ?`,
		[]any{kind, value, int64(catalog), logChunk}, func(r row) error {
			ids = append(ids, append([]byte(nil), r.Bytes(0)...))
			return nil
		})
	for _, id := range ids {
		if err == nil {
			_, err = deleteEntry(ctx, c, id)
		}
	}
	return int64(len(ids)), err
}

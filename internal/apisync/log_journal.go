package apisync

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// JournalOptions are what a Journal needs. Store may be nil: then nothing is kept and
// every entry counts as dropped.
type JournalOptions struct {
	Store LogStore
	// Sealer opens the secrets that are looked for, and seals raw requests; without it
	// none is kept.
	Sealer  *Sealer
	Metrics *Metrics // nil for none
	Log     *slog.Logger
	Now     func() time.Time // nil means time.Now
	// MaxEntries and MaxBytes bound what waits to be written; 0 means 10,000 and 32 MiB.
	MaxEntries, MaxBytes int
}

const (
	// writeMost is how many entries share a commit, and linger how long the first of
	// them waits for others.
	writeMost = 500
	linger    = 200 * time.Millisecond
	// drainTime bounds the last writes when the journal ends.
	drainTime = 10 * time.Second
	// writeTries is how often a batch is written before it is given up.
	writeTries = 3
	warnEvery  = time.Minute
)

// Journal takes exchanges from requests and writes them to the log. Add never waits:
// when more waits to be written than fits, bodies are dropped, and then entries.
type Journal struct {
	options JournalOptions
	masks   *stateMasks // of the writer

	mu      sync.Mutex
	waiting []*Exchanged
	weight  int
	count   uint16
	wake    chan struct{}
	// added and written count entries, written also those that were given up; idle is
	// signalled when written changes.
	added, written int64
	idle           *sync.Cond

	droppedBodies, droppedEntries atomic.Int64
	// fresh is how much was written since the log was last looked at as a whole.
	fresh  LogSize
	warned time.Time
}

// NewJournal makes a Journal; Run writes.
func NewJournal(o JournalOptions) *Journal {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxEntries == 0 {
		o.MaxEntries = 10_000
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 32 << 20
	}
	j := &Journal{options: o, wake: make(chan struct{}, 1)}
	j.idle = sync.NewCond(&j.mu)
	return j
}

// Add takes an exchange, which from then on belongs to the journal. It gives the id of
// the entry.
func (j *Journal) Add(e *Exchanged) LogID {
	if e.Time.IsZero() {
		e.Time = j.options.Now()
	}
	e.Time = e.Time.UTC().Truncate(time.Microsecond)
	j.options.Metrics.exchanged(e)
	trim(e)
	e.weight = weight(e)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.count++
	e.ID = newLogID(e.Time, j.count&0x0FFF, rand.Uint64())
	if j.weight+e.weight > j.options.MaxBytes && dropBodies(e) {
		j.droppedBodies.Add(1)
		e.weight = weight(e)
	}
	if len(j.waiting) >= j.options.MaxEntries || j.weight+e.weight > j.options.MaxBytes+j.options.MaxBytes/4 || j.options.Store == nil {
		j.droppedEntries.Add(1)
		return e.ID
	}
	j.waiting = append(j.waiting, e)
	j.weight += e.weight
	j.added++
	select {
	case j.wake <- struct{}{}:
	default:
	}
	return e.ID
}

// Dropped counts the exchanges whose bodies were dropped, and those that were dropped
// whole.
func (j *Journal) Dropped() (bodies, entries int64) {
	return j.droppedBodies.Load(), j.droppedEntries.Load()
}

// Run writes until ctx ends, and then what waits still.
func (j *Journal) Run(ctx context.Context) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(drainTime, end) })()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-j.wake:
			select {
			case <-ctx.Done():
			case <-time.After(linger):
			}
			j.writeAll(life)
		}
	}
	j.writeAll(life)
	return nil
}

// Flush waits until what was added before is written or given up, or ctx ends.
func (j *Journal) Flush(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.idle.Broadcast()
	})()
	j.mu.Lock()
	defer j.mu.Unlock()
	for want := j.added; j.written < want && ctx.Err() == nil; {
		j.idle.Wait()
	}
	return ctx.Err()
}

// writeAll writes what waits, in batches.
func (j *Journal) writeAll(ctx context.Context) {
	for {
		batch := j.take()
		if len(batch) == 0 {
			return
		}
		j.write(ctx, batch)
		j.settle(batch)
	}
}

// take gives the next batch; what it weighs is free when it is settled.
func (j *Journal) take() []*Exchanged {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := min(len(j.waiting), writeMost)
	batch := j.waiting[:n:n]
	if j.waiting = j.waiting[n:]; len(j.waiting) == 0 {
		j.waiting = nil
	}
	return batch
}

func (j *Journal) settle(batch []*Exchanged) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range batch {
		j.weight -= e.weight
	}
	j.written += int64(len(batch))
	j.idle.Broadcast()
}

// write masks and stores a batch, and keeps the log within its bounds.
func (j *Journal) write(ctx context.Context, batch []*Exchanged) {
	records := make([]LogRecord, len(batch))
	for i, e := range batch {
		records[i] = j.record(e)
		j.fresh.Bytes += int64(e.weight)
	}
	for try := 1; ; try++ {
		err := j.options.Store.Append(ctx, records)
		if err == nil {
			break
		}
		if try == writeTries || ctx.Err() != nil {
			j.droppedEntries.Add(int64(len(batch)))
			j.warn("sync.log.not_written", err)
			return
		}
		select {
		case <-time.After(time.Duration(try) * 100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	j.fresh.Rows += int64(len(batch))
	j.bound(ctx, batch[len(batch)-1])
}

// record makes the entry of an exchange. Whatever goes wrong, nothing unmasked is stored.
func (j *Journal) record(e *Exchanged) (r LogRecord) {
	defer func() {
		if p := recover(); p != nil {
			r = failedRecord(e, p)
		}
	}()
	if j.masks == nil || e.State != nil && j.masks.state != e.State {
		j.masks = newStateMasks(e.State, j.options.Sealer)
	}
	return j.masks.record(e, j.options.Sealer)
}

func (j *Journal) warn(what string, err error) {
	if now := time.Now(); now.Sub(j.warned) > warnEvery {
		j.warned = now
		j.options.Log.Warn(what, "module", "Sync", "error", err)
	}
}

// bound removes what is too much when a good part of what fits was written since the
// last time: the hourly Upkeep alone would come too late.
func (j *Journal) bound(ctx context.Context, e *Exchanged) {
	if e.State == nil {
		return
	}
	s := e.State.Settings.Log
	if (s.MaxRows <= 0 || j.fresh.Rows < max(s.MaxRows/16, 1000)) && (s.MaxBytes <= 0 || j.fresh.Bytes < max(s.MaxBytes/16, 1<<20)) {
		return
	}
	j.fresh = LogSize{}
	if _, err := j.options.Store.Purge(ctx, LogPurge{MaxRows: s.MaxRows, MaxBytes: s.MaxBytes}); err != nil {
		j.warn("sync.log.not_purged", err)
	}
}

// Upkeep removes what is too old or too much, and gives the number of entries. It is to
// be called hourly.
func (j *Journal) Upkeep(ctx context.Context, s LogSettings) (int64, error) {
	if j.options.Store == nil {
		return 0, nil
	}
	now := j.options.Now()
	before := func(days int) time.Time {
		if days <= 0 {
			return time.Time{}
		}
		return now.AddDate(0, 0, -days)
	}
	return j.options.Store.Purge(ctx, LogPurge{
		SuccessBefore: before(s.SuccessDays), ErrorBefore: before(s.ErrorDays), BodyBefore: before(s.BodyDays),
		MaxRows: s.MaxRows, MaxBytes: s.MaxBytes,
	})
}

// Entries, Entry and Delete are the store's.
func (j *Journal) Entries(ctx context.Context, f LogFilter) ([]LogEntry, error) {
	if j.options.Store == nil {
		return nil, nil
	}
	return j.options.Store.Entries(ctx, f)
}

// Entry gives one entry with its bodies, nil if there is none.
func (j *Journal) Entry(ctx context.Context, id LogID) (*LogEntry, error) {
	if j.options.Store == nil {
		return nil, nil
	}
	r, err := j.options.Store.Entry(ctx, id)
	if r == nil || err != nil {
		return nil, err
	}
	return &r.LogEntry, nil
}

// Delete removes an entry, and tells whether there was one.
func (j *Journal) Delete(ctx context.Context, id LogID) (bool, error) {
	if j.options.Store == nil {
		return false, nil
	}
	return j.options.Store.Delete(ctx, id)
}

// Erase removes the entries that name a record of a catalog, by number or by one of its
// external ids, those that still wait to be written among them.
func (j *Journal) Erase(ctx context.Context, c query.Catalog, record int64, externals []string) (int64, error) {
	if j.options.Store == nil {
		return 0, nil
	}
	if err := j.Flush(ctx); err != nil {
		return 0, err
	}
	return j.options.Store.Erase(ctx, c, record, externals)
}

// Raw gives an entry, nil if there is none, and its request as it came. It refuses with
// fault.ReplayUnavailable when that is not kept.
func (j *Journal) Raw(ctx context.Context, id LogID) (*LogEntry, *RawRequest, error) {
	if j.options.Store == nil {
		return nil, nil, nil
	}
	r, err := j.options.Store.Entry(ctx, id)
	if r == nil || err != nil {
		return nil, nil, err
	}
	if r.Raw == "" {
		return nil, nil, fault.New(fault.ReplayUnavailable, "the raw request of this entry is not kept")
	}
	raw, err := openRaw(j.options.Sealer, id, r.Raw)
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.ReplayUnavailable, "the raw request of this entry cannot be opened with the keys that this server has")
	}
	return &r.LogEntry, raw, nil
}

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"kartoteka/internal/fault"
	"kartoteka/internal/store/testdb"
)

func openTestSQLite(t testing.TB) *sqliteEngine {
	t.Helper()
	return openEngine(t, testdb.SQLite(t)).(*sqliteEngine)
}

// updates queues requests while the writer is held, so that they meet in one
// group, in the order of their calls.
type updates struct {
	t       *testing.T
	e       *sqliteEngine
	release chan struct{}
	group   sync.WaitGroup
	errs    []error
}

func holdWriter(t *testing.T, e *sqliteEngine) *updates {
	t.Helper()
	u := &updates{t: t, e: e, release: make(chan struct{})}
	held := make(chan struct{})
	var once sync.Once
	u.group.Go(func() {
		_ = e.Update(context.Background(), updateOptions{}, func(conn) error {
			once.Do(func() { close(held) })
			<-u.release
			return nil
		})
	})
	<-held
	return u
}

// add gives the request's place in errs once it is queued.
func (u *updates) add(ctx context.Context, opts updateOptions, fn func(conn) error) int {
	u.t.Helper()
	i := len(u.errs)
	u.errs = append(u.errs, nil)
	before := u.e.writer.waiting()
	u.group.Go(func() {
		err := u.e.Update(ctx, opts, fn)
		u.e.writer.mu.Lock() // add appends to errs meanwhile
		u.errs[i] = err
		u.e.writer.mu.Unlock()
	})
	for u.e.writer.waiting() == before {
		runtime.Gosched()
	}
	return i
}

func (u *updates) done() []error {
	close(u.release)
	u.group.Wait()
	return u.errs
}

// waiting counts the queued requests, withdrawn ones too.
func (w *sqliteWriter) waiting() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, q := range w.queues {
		n += len(q)
	}
	return n
}

func TestSQLiteVersion(t *testing.T) {
	if sqlite.VersionNumber < oldestSQLite {
		t.Errorf("built with SQLite %s", sqlite.Version)
	}
}

func TestHangUpHarmsNoOther(t *testing.T) {
	e := openTestSQLite(t)
	u := holdWriter(t, e)
	background := context.Background()
	u.add(background, updateOptions{}, addNote(background, 1))
	before, hangUpBefore := context.WithCancel(background)
	during, hangUpDuring := context.WithCancel(background)
	u.add(before, updateOptions{}, addNote(before, 2))
	u.add(during, updateOptions{}, func(c conn) error {
		hangUpDuring()
		return addNote(during, 3)(c)
	})
	u.add(background, updateOptions{}, addNote(background, 4))
	hangUpBefore()
	errs := u.done()
	if errs[0] != nil || errs[2] != nil || errs[3] != nil {
		t.Errorf("errors %v", errs)
	}
	if !errors.Is(errs[1], context.Canceled) {
		t.Errorf("the one who hung up before got %v", errs[1])
	}
	wantNotes(t, e, 1, 3, 4)
}

// A request that hangs up while the writer is busy answers at once.
func TestWithdrawnAnswersAtOnce(t *testing.T) {
	e := openTestSQLite(t)
	u := holdWriter(t, e)
	ctx, cancel := context.WithCancel(context.Background())
	answer := make(chan error, 1)
	go func() { answer <- e.Update(ctx, updateOptions{}, addNote(ctx, 1)) }()
	for e.writer.waiting() == 0 {
		runtime.Gosched()
	}
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	u.done()
	wantNotes(t, e)
}

func TestErrorRollsBackOnlyItsOwn(t *testing.T) {
	e := openTestSQLite(t)
	own := errors.New("own")
	ctx := t.Context()
	u := holdWriter(t, e)
	u.add(ctx, updateOptions{}, addNote(ctx, 1))
	u.add(ctx, updateOptions{}, func(c conn) error { return errors.Join(addNote(ctx, 2)(c), own) })
	u.add(ctx, updateOptions{}, addNote(ctx, 1)) // a duplicate of the first
	u.add(ctx, updateOptions{}, func(c conn) error { _ = addNote(ctx, 3)(c); panic("broken") })
	u.add(ctx, updateOptions{Expect: &Version{Structure: 9, Rights: 9}}, addNote(ctx, 4))
	u.add(ctx, updateOptions{}, addNote(ctx, 5))
	errs := u.done()
	if errs[0] != nil || errs[5] != nil {
		t.Errorf("the good ones got %v, %v", errs[0], errs[5])
	}
	if !errors.Is(errs[1], own) || classify(errs[2]) != classUnique || !strings.Contains(fmt.Sprint(errs[3]), "broken") || errs[4] != ErrStale {
		t.Errorf("the bad ones got %v", errs[1:5])
	}
	wantNotes(t, e, 1, 5)
}

// OR ROLLBACK ends the whole transaction as a full disk would.
func TestDeadTransactionRunsTheGroupAgain(t *testing.T) {
	e := openTestSQLite(t)
	ctx := t.Context()
	mustUpdate(t, e, addNote(ctx, 1))
	runs := 0
	u := holdWriter(t, e)
	u.add(ctx, updateOptions{}, func(c conn) error { runs++; return addNote(ctx, 2)(c) })
	u.add(ctx, updateOptions{}, func(c conn) error {
		_, _ = c.Exec(ctx, "INSERT OR ROLLBACK INTO notes (id) VALUES (1)")
		return addNote(ctx, 3)(c) // must not be committed by itself
	})
	u.add(ctx, updateOptions{}, addNote(ctx, 4))
	errs := u.done()
	if errs[0] != nil || errs[2] != nil || runs != 2 {
		t.Errorf("the neighbours got %v, %v after %d runs", errs[0], errs[2], runs)
	}
	if !errors.Is(errs[1], errDead) {
		t.Errorf("the one who broke it got %v", errs[1])
	}
	wantNotes(t, e, 1, 2, 4)
}

func TestFullDiskRefusesOnlyWhatDoesNotFit(t *testing.T) {
	e := openTestSQLite(t)
	ctx := t.Context()
	if err := e.Update(ctx, updateOptions{Class: classJob}, func(c conn) error {
		return c.Query(ctx, "PRAGMA max_page_count=50", nil, nil)
	}); err != nil {
		t.Fatal(err)
	}
	u := holdWriter(t, e)
	u.add(ctx, updateOptions{}, addNote(ctx, 1))
	u.add(ctx, updateOptions{}, func(c conn) error {
		_, err := c.Exec(ctx, "INSERT INTO notes (id, raw) VALUES (2, zeroblob(1000000))")
		return err
	})
	u.add(ctx, updateOptions{}, addNote(ctx, 3))
	errs := u.done()
	if errs[0] != nil || errs[2] != nil || classify(errs[1]) != classFull || !fault.Is(errs[1], fault.Unavailable) {
		t.Errorf("got %v", errs)
	}
	wantNotes(t, e, 1, 3)
}

func TestFailedCommitAcknowledgesNone(t *testing.T) {
	e := openTestSQLite(t)
	ctx := t.Context()
	u := holdWriter(t, e)
	u.add(ctx, updateOptions{}, addNote(ctx, 1))
	u.add(ctx, updateOptions{}, func(c conn) error {
		_, err := c.Exec(ctx, "INSERT INTO notes (id, parent) VALUES (2, 77)") // found at COMMIT
		return err
	})
	for i, err := range u.done() {
		if classify(err) != classConstraint {
			t.Errorf("request %d got %v", i, err)
		}
	}
	wantNotes(t, e)
	mustUpdate(t, e, addNote(ctx, 3))
	wantNotes(t, e, 3)
}

func TestOrderOfTheQueue(t *testing.T) {
	e := openTestSQLite(t)
	var order []string
	fn := func(name string) func(conn) error {
		return func(conn) error { order = append(order, name); return nil }
	}
	u := holdWriter(t, e)
	u.add(t.Context(), updateOptions{Class: classJob}, fn("job"))
	u.add(t.Context(), updateOptions{}, fn("first"))
	u.add(t.Context(), updateOptions{}, fn("second"))
	u.add(t.Context(), updateOptions{Class: classStructure}, fn("structure"))
	u.add(t.Context(), updateOptions{}, fn("third"))
	u.done()
	if want := []string{"structure", "first", "second", "third", "job"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

func TestPatientJobGoesFirst(t *testing.T) {
	e := openTestSQLite(t)
	var order []string
	fn := func(name string) func(conn) error {
		return func(conn) error { order = append(order, name); return nil }
	}
	u := holdWriter(t, e)
	u.add(t.Context(), updateOptions{}, fn("interactive"))
	u.add(t.Context(), updateOptions{Class: classJob}, fn("job"))
	time.Sleep(jobPatience + 20*time.Millisecond)
	u.done()
	if want := []string{"job", "interactive"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

func TestGoexitDoesNotStopTheWriter(t *testing.T) {
	e := openTestSQLite(t)
	u := holdWriter(t, e)
	u.add(t.Context(), updateOptions{}, addNote(t.Context(), 1))
	u.add(t.Context(), updateOptions{}, func(conn) error { runtime.Goexit(); return nil })
	for i, err := range u.done() {
		if err == nil {
			t.Errorf("request %d was acknowledged", i)
		}
	}
	mustUpdate(t, e, addNote(t.Context(), 2))
	wantNotes(t, e, 2)
}

func TestCloseFinishesWhatWaits(t *testing.T) {
	target := testdb.SQLite(t)
	e := openEngine(t, target).(*sqliteEngine)
	u := holdWriter(t, e)
	u.add(t.Context(), updateOptions{}, addNote(t.Context(), 1))
	closed := make(chan error, 1)
	go func() { closed <- e.Close() }()
	time.Sleep(10 * time.Millisecond)
	if err := u.done()[0]; err != nil {
		t.Errorf("the waiting request got %v", err)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	wantNotes(t, openTarget(t, target), 1)
}

func TestManyWritersAtOnce(t *testing.T) {
	e := openTestSQLite(t)
	var group sync.WaitGroup
	for w := range 16 {
		group.Go(func() {
			for i := range 25 {
				id := int64(w*100 + i)
				if err := e.Update(t.Context(), updateOptions{}, addNote(t.Context(), id)); err != nil {
					t.Errorf("note %d: %v", id, err)
				}
				if got := noteIDs(t, e); !slices.Contains(got, id) {
					t.Errorf("note %d was acknowledged and is not there", id)
				}
			}
		})
	}
	group.Wait()
	if n := len(noteIDs(t, e)); n != 400 {
		t.Errorf("%d notes, want 400", n)
	}
}

func TestLogStaysShort(t *testing.T) {
	target := testdb.SQLite(t)
	e := openEngine(t, target)
	for i := range 100 {
		err := e.Update(t.Context(), updateOptions{Class: classJob}, func(c conn) error {
			_, err := c.Exec(t.Context(), "INSERT INTO notes (id, raw) VALUES (?, zeroblob(500000))", i)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(target.Dir, "company.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	if most := int64(3 * checkpointPages << 12 / 2); info.Size() > most {
		t.Errorf("the log has %d bytes after 50 MB of writes, at most %d", info.Size(), most)
	}
}

func TestIntegrityFindsDamage(t *testing.T) {
	target := testdb.SQLite(t)
	e := openEngine(t, target)
	mustUpdate(t, e, func(c conn) error {
		_, err := c.Exec(t.Context(), `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
			INSERT INTO notes (id, body) SELECT i, hex(randomblob(100)) FROM n`)
		return err
	})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(target.Dir, "company.db"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 3000), 40*4096+100); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	found, err := openTarget(t, target).Integrity(t.Context(), false)
	if err == nil && len(found) == 0 {
		t.Error("the damage was not found")
	}
}

func TestScriptSkipsBlanks(t *testing.T) {
	cases := map[string]string{
		"":                          "",
		" ; ;\n":                    "",
		"-- a":                      "",
		"/* a ; */ -- b\nSELECT 1;": "SELECT 1;",
		"/* open":                   "",
		"SELECT '-- a'":             "SELECT '-- a'",
	}
	for in, want := range cases {
		if got := skipBlank(in); got != want {
			t.Errorf("%q gave %q, want %q", in, got, want)
		}
	}
}

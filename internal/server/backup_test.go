package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/adminapi"
	"kartoteka/internal/catalog"
	"kartoteka/internal/config"
	"kartoteka/internal/query"
	"kartoteka/internal/store"
	"kartoteka/internal/store/testdb"
)

var tester = catalog.Actor{System: true, Origin: "test"}

// load is what writers do to a company, and what of it was acknowledged.
type load struct {
	app          *App
	notes, users *catalog.Catalog
	writes       atomic.Int64

	mu      sync.Mutex
	records map[query.Record]int // how often it was changed
	logins  []string
}

func newLoad(t *testing.T, app *App) *load {
	t.Helper()
	section := "Main"
	if _, err := app.Catalog.CreateSection(t.Context(), tester, catalog.SectionInput{Key: &section, Name: &section}); err != nil {
		t.Fatal(err)
	}
	name, title, count := "Notes", "Title", "Count"
	scope, err := app.Catalog.CreateCatalog(t.Context(), tester, catalog.CatalogInput{Name: &name, Section: &section, Fields: []catalog.FieldInput{
		{Path: "fields[0]", Type: "text", Name: &title}, {Path: "fields[1]", Type: "number", Name: &count},
	}})
	if err != nil {
		t.Fatal(err)
	}
	users, err := app.Catalog.Catalog(t.Context(), tester, "$users")
	if err != nil {
		t.Fatal(err)
	}
	return &load{app: app, notes: scope.Catalog, users: users.Catalog, records: map[query.Record]int{}}
}

// write makes a record and changes it some times, until ctx ends.
func (l *load) write(ctx context.Context, changes int) error {
	for ctx.Err() == nil {
		values := func(n int) []catalog.FieldValue {
			return []catalog.FieldValue{
				{Field: l.notes.Fields[0].Num, Value: catalog.Text(fmt.Sprintf("note %d %s", n, strings.Repeat("some words ", 20)))},
				{Field: l.notes.Fields[1].Num, Value: catalog.Number(float64(n))},
			}
		}
		made, err := l.app.Catalog.Apply(ctx, tester, []catalog.Op{catalog.Create{Catalog: l.notes.Num, Values: values(0)}}, nil)
		for n := 0; err == nil; n++ {
			l.writes.Add(1)
			l.mu.Lock()
			l.records[made[0].Record] = n
			l.mu.Unlock()
			if n == changes {
				break
			}
			_, err = l.app.Catalog.Apply(ctx, tester, []catalog.Op{catalog.Update{Catalog: l.notes.Num,
				Record: query.Key{Record: made[0].Record}, Values: values(n + 1)}}, nil)
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

const loadPassword = "a password of an employee"

// hire makes employees who can sign in; few, as hashing passwords takes time.
func (l *load) hire(ctx context.Context) error {
	for n := range 6 {
		login := fmt.Sprintf("employee%d@example.com", n)
		_, err := l.app.Catalog.Apply(ctx, tester, []catalog.Op{catalog.Create{Catalog: l.users.Num, Values: []catalog.FieldValue{
			{Field: l.users.FieldByKey("$name").Num, Value: catalog.Text(login)},
			{Field: l.users.FieldByKey("$email").Num, Value: catalog.Text(login)},
			{Field: l.users.FieldByKey("$password").Num, Value: catalog.Text(loadPassword)},
		}}}, nil)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err == nil {
			l.mu.Lock()
			l.logins = append(l.logins, login)
			l.mu.Unlock()
		}
	}
	return nil
}

// acknowledged gives what was by now.
func (l *load) acknowledged() (map[query.Record]int, []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.records), slices.Clone(l.logins)
}

// TestBackupWhileWriting: each of some backups made under eight writers has
// all that was acknowledged before, and is a whole company.
func TestBackupWhileWriting(t *testing.T) {
	app := open(t, testdb.SQLite(t))
	l := newLoad(t, app)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 9)
	for range 8 {
		go func() { ended <- l.write(ctx, 3) }()
	}
	go func() { ended <- l.hire(ctx) }()
	dir, left := t.TempDir(), cap(ended)
	for round := range 3 {
		for before := l.writes.Load(); l.writes.Load() < before+150; {
			select {
			case err := <-ended:
				if err != nil {
					t.Fatalf("a writer ended: %v", err)
				}
				left--
			case <-time.After(time.Millisecond):
			}
		}
		records, logins := l.acknowledged()
		writes, steps := l.writes.Load(), 0
		to := filepath.Join(dir, fmt.Sprint("backup ", round))
		if _, err := app.backup(t.Context(), to, func(done, total int64) { steps++ }); err != nil {
			t.Fatal(err)
		}
		t.Logf("round %d: %d records, %d employees; %d writes during %d steps", round, len(records), len(logins), l.writes.Load()-writes, steps)
		if round > 0 && l.writes.Load() == writes {
			t.Error("nobody wrote during the backup")
		}
		checkRestored(t, to, filepath.Join(dir, fmt.Sprint("data ", round)), l.notes, records, logins)
	}
	stop()
	for range left {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func checkRestored(t *testing.T, from, dir string, notes *catalog.Catalog, records map[query.Record]int, logins []string) {
	t.Helper()
	restored, err := Restore(t.Context(), from, folderSettings(t, dir), func(done, total int64) {})
	if err != nil {
		t.Fatal(err)
	}
	if restored.Problems != nil {
		t.Errorf("the restored data has problems: %v", restored.Problems)
	}
	app := open(t, testdb.Target{Dir: dir})
	if app.FirstPassword != "" {
		t.Error("the restored company got a new administrator")
	}
	stored := counts(t, app, notes)
	for n, want := range records {
		if got, ok := stored[n]; !ok || got < want {
			t.Errorf("record %d: %d changes stored (%v), %d were acknowledged", n, got, ok, want)
		}
	}
	signIn(t, app, bossLogin, bossPassword)
	for _, login := range logins[max(0, len(logins)-1):] {
		signIn(t, app, login, loadPassword)
	}
	everybodyHasAccount(t, app)
	if found, err := app.check(t.Context()); err != nil || found != nil {
		t.Errorf("the check finds %v, %v", found, err)
	}
	if err := app.Close(); err != nil {
		t.Error(err)
	}
}

// everybodyHasAccount: employees and accounts are of one moment.
func everybodyHasAccount(t *testing.T, app *App) {
	t.Helper()
	users, err := app.Catalog.Catalog(t.Context(), tester, "$users")
	if err != nil {
		t.Fatal(err)
	}
	email := users.Catalog.FieldByKey("$email")
	rows, err := app.Catalog.Records(t.Context(), tester, users.Catalog.Num, query.Query{Limit: 1000}, &catalog.Selection{Fields: []*catalog.Field{email}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows.Page.Len() {
		login, _ := catalog.CellValue(email, rows.Page, rows.Page.Cell(i, 0)).(catalog.Text)
		if a, err := app.Accounts.AccountByLogin(t.Context(), string(login)); err != nil || len(a.Links) != 1 || a.Links[0].Employee != int64(rows.Page.Record(i)) {
			t.Errorf("employee %d has for %q the account %+v: %v", rows.Page.Record(i), login, a, err)
		}
	}
}

// counts reads the number of each record.
func counts(t *testing.T, app *App, c *catalog.Catalog) map[query.Record]int {
	t.Helper()
	field := []*catalog.Field{c.Fields[1]}
	all := map[query.Record]int{}
	for {
		rows, err := app.Catalog.Records(t.Context(), tester, c.Num, query.Query{Limit: 500, Offset: len(all)}, &catalog.Selection{Fields: field})
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows.Page.Len() {
			n, _ := catalog.CellValue(field[0], rows.Page, rows.Page.Cell(i, 0)).(catalog.Number)
			all[rows.Page.Record(i)] = int(n)
		}
		if rows.Page.Len() < 500 {
			return all
		}
	}
}

func signIn(t *testing.T, app *App, login, password string) {
	t.Helper()
	_, err := app.Accounts.SignIn(t.Context(), account.Credentials{Login: login, Password: password,
		IP: netip.MustParseAddr("127.0.0.1"), Way: account.WayForm})
	if err != nil {
		t.Errorf("%s cannot sign in: %v", login, err)
	}
}

func folderSettings(t *testing.T, dir string, env ...string) *config.Settings {
	t.Helper()
	s, err := config.Load(config.Sources{Env: append([]string{"DATA_DIR=" + dir}, env...), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ignore(int64, int64) {}

// TestRestoreRefuses damaged and incomplete backups, and leaves no data.
func TestRestoreRefuses(t *testing.T) {
	app := open(t, testdb.SQLite(t))
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	if _, err := app.backup(t.Context(), whole, ignore); err != nil {
		t.Fatal(err)
	}
	edit := func(old, with string) func(string) error {
		return func(dir string) error {
			name := filepath.Join(dir, manifestFile)
			text, err := os.ReadFile(name)
			if err == nil && !strings.Contains(string(text), old) {
				err = fmt.Errorf("no %s in %s", old, text)
			}
			return errors.Join(err, os.WriteFile(name, []byte(strings.Replace(string(text), old, with, 1)), 0o600))
		}
	}
	for _, c := range []struct {
		name, want string
		damage     func(dir string) error
	}{
		{"a changed byte", "damaged", func(dir string) error {
			f, err := os.OpenFile(filepath.Join(dir, "companies", "1.db"), os.O_RDWR, 0)
			if err == nil {
				_, err = f.WriteAt([]byte{0xff}, 5000)
				err = errors.Join(err, f.Close())
			}
			return err
		}},
		{"a cut file", "damaged", func(dir string) error { return os.Truncate(filepath.Join(dir, controlFile), 4096) }},
		{"a missing file", "not complete", func(dir string) error { return os.Remove(filepath.Join(dir, controlFile)) }},
		{"no manifest", "no complete backup", func(dir string) error { return os.Remove(filepath.Join(dir, manifestFile)) }},
		{"half a manifest", "damaged", func(dir string) error { return os.Truncate(filepath.Join(dir, manifestFile), 100) }},
		{"a newer format", "newer version", edit(`"format": 1`, `"format": 2`)},
		{"a newer schema", "newer version", edit(`"control": 3`, `"control": 99`)},
		{"a file elsewhere", "damaged manifest", edit(`"control.db"`, `"../control.db"`)},
		{"a company elsewhere", "damaged manifest", edit(`"companies/1.db"`, `"companies/../1.db"`)},
		{"a file twice", "damaged manifest", edit(`"control.db"`, `"companies/1.db"`)},
		{"another company only", "damaged manifest", edit(`"companies/1.db"`, `"companies/2.db"`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, to := filepath.Join(t.TempDir(), "copy"), filepath.Join(t.TempDir(), "data")
			if err := errors.Join(os.CopyFS(from, os.DirFS(whole)), c.damage(from)); err != nil {
				t.Fatal(err)
			}
			if _, err := Restore(t.Context(), from, folderSettings(t, to), ignore); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, not %q", err, c.want)
			}
			if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the folder is there (%v)", err)
			}
		})
	}
	t.Run("a folder with data", func(t *testing.T) {
		if _, err := Restore(t.Context(), whole, app.Settings, ignore); err == nil || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("an empty folder", func(t *testing.T) {
		to := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := Restore(ctx, whole, folderSettings(t, to), func(int64, int64) { cancel() }); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v after an interruption", err)
		}
		if exists, err := mustBeEmpty(to); err != nil || !exists {
			t.Errorf("after the interruption: %v, %v", exists, err)
		}
		if _, err := Restore(t.Context(), whole, folderSettings(t, to), ignore); err != nil {
			t.Error(err)
		}
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		settings := folderSettings(t, t.TempDir(), "DB_CONNECTION_STRING=postgres://user@localhost/db")
		if _, err := Restore(t.Context(), whole, settings, ignore); !errors.Is(err, adminapi.ErrPostgres) {
			t.Errorf("error %v", err)
		}
	})
}

// TestBackupLeavesNothingHalf: a folder is there with a whole backup, or as it
// was.
func TestBackupLeavesNothingHalf(t *testing.T) {
	app := open(t, testdb.SQLite(t))
	dir := t.TempDir()
	to := filepath.Join(dir, "new", "backup")
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := app.backup(ctx, to, func(int64, int64) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after an interruption", err)
	}
	if _, err := mustBeEmpty(filepath.Dir(to)); err != nil {
		t.Error(err)
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		t.Fatal(err)
	}
	made, err := app.backup(t.Context(), to, ignore)
	if err != nil {
		t.Fatalf("into an empty folder: %v", err)
	}
	if !made.WithoutSecrets || made.Files != 2 {
		t.Errorf("made %+v", made)
	}
	if _, err := app.backup(t.Context(), to, ignore); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over another backup: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "new", ".*"))
	if err != nil || left != nil {
		t.Errorf("left %v, %v", left, err)
	}
	for _, name := range []string{manifestFile, controlFile, companyPath()} {
		info, err := os.Stat(inFolder(to, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestBackupOnPostgres(t *testing.T) {
	app := open(t, testdb.Postgres(t))
	_, err := app.backup(t.Context(), filepath.Join(t.TempDir(), "backup"), ignore)
	if !errors.Is(err, adminapi.ErrPostgres) || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("error %v", err)
	}
	if _, _, err := store.TakeSnapshots(t.Context(), app.control, app.company); !errors.Is(err, store.ErrNotFiles) {
		t.Errorf("a snapshot gives %v", err)
	}
}

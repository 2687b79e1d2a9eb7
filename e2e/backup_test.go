package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBackupCommand backs up a server that eight writers keep busy, restores
// that elsewhere and finds everything that was acknowledged before.
func TestBackupCommand(t *testing.T) {
	s := serve(t, sqlite)
	c := s.admin()
	vendors := c.newCatalog(t, "Vendors", object{"name": "Name", "type": "text"})
	orders := c.newCatalog(t, "Orders",
		object{"name": "Name", "type": "text"}, object{"name": "Amount", "type": "number"},
		object{"name": "Vendor", "type": "object", "config": object{"catalogs": []object{{"id": vendors.id}}}})
	seller := decode[record](t, c.call(t, 200, "POST", vendors.records(""), object{"values": object{vendors.fields["Name"]: "Seller"}}))
	c.cookie = session(c)
	var before []*kept
	for n := range 200 {
		k := &kept{name: fmt.Sprint("order ", n), vendor: seller.ID, amount: n, tried: n}
		k.id = decode[record](t, c.call(t, 200, "POST", orders.records(""), object{"values": object{
			orders.fields["Name"]: k.name, orders.fields["Amount"]: n,
			orders.fields["Vendor"]: []object{{"catalogId": vendors.id, "recordId": seller.ID}},
		}})).ID
		before = append(before, k)
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			write(s.admin(), orders, vendors, []string{seller.ID}, fmt.Sprint("w", w), make(chan struct{}, 1))
		})
	}
	time.Sleep(200 * time.Millisecond)
	// Named from another folder than the server's.
	from := t.TempDir()
	cmd := exec.Command(binary, "backup", "today")
	cmd.Dir, cmd.Env = from, s.env
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "Backed up to "+filepath.Join(from, "today")+": 3 files") {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(s.log.String(), "backup") {
		t.Errorf("the server did not do it:\n%s", s.log)
	}
	s.kill()
	wg.Wait()

	again := prepare(t, sqlite)
	if out := again.run("restore", filepath.Join(from, "today")); !strings.Contains(out, "Restored") || !strings.Contains(out, "No problems found") {
		t.Error(out)
	}
	again.run("check")
	again.start()
	d := again.admin()
	verify(t, d, orders, vendors, before)
	d.login, d.password, d.cookie = "", "", c.cookie // the key is the same
	d.call(t, 200, "GET", "/api/v1/profile/me", nil)
	again.stop()

	if out, err := again.try("restore", filepath.Join(from, "today")); err == nil || !strings.Contains(out, "is not empty") {
		t.Errorf("over data: %v\n%s", err, out)
	}
	if err := os.Truncate(filepath.Join(from, "today", "companies", "1.db"), 8192); err != nil {
		t.Fatal(err)
	}
	fresh := prepare(t, sqlite)
	if out, err := fresh.try("restore", filepath.Join(from, "today")); err == nil || !strings.Contains(out, "damaged") {
		t.Errorf("of a damaged backup: %v\n%s", err, out)
	}
	if files, _ := os.ReadDir(fresh.dir); len(files) > 0 {
		t.Errorf("it left %v", files)
	}
}

// TestBackupOfFreeFolder needs no server.
func TestBackupOfFreeFolder(t *testing.T) {
	s := serve(t, sqlite)
	k := s.admin().newCatalog(t, "Things", object{"name": "Name", "type": "text"})
	s.stop()
	to := filepath.Join(t.TempDir(), "deep", "backup")
	s.run("backup", to)
	if out, err := s.try("backup", to); err == nil || !strings.Contains(out, "is not empty") {
		t.Errorf("%v %s", err, out)
	}
	again := prepare(t, sqlite)
	again.run("restore", to)
	again.start()
	again.admin().call(t, 200, "GET", k.records(""), nil)
	again.stop()
}

// TestBackupOfPostgres: the program tells what to do; that is done, and another
// server works with the result.
func TestBackupOfPostgres(t *testing.T) {
	s := serve(t, postgres)
	c := s.admin()
	k := c.newCatalog(t, "Things", object{"name": "Name", "type": "text"})
	made := decode[record](t, c.call(t, 200, "POST", k.records(""), object{"values": object{k.fields["Name"]: "thing"}}))
	out, err := s.try("backup", filepath.Join(t.TempDir(), "backup"))
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(out, "pg_dump --format=custom --schema='kartoteka_*'") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := s.try("restore", t.TempDir()); !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(out, "pg_restore") {
		t.Errorf("%v\n%s", err, out)
	}
	const setting = "KARTOTEKA_DB_CONNECTION_STRING="
	i := slices.IndexFunc(s.env, func(line string) bool { return strings.HasPrefix(line, setting) })
	file := filepath.Join(t.TempDir(), "dump")
	postgresTool(t, "pg_dump", "--format=custom", "--schema=kartoteka_*", "--file="+file, strings.TrimPrefix(s.env[i], setting))
	s.stop()

	again := prepare(t, postgres)
	i = slices.IndexFunc(again.env, func(line string) bool { return strings.HasPrefix(line, setting) })
	dsn := strings.TrimPrefix(again.env[i], setting)
	postgresExec(t, dsn, "CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public")
	postgresTool(t, "pg_restore", "--no-owner", "--exit-on-error", "--dbname="+dsn, file)
	secrets, err := os.ReadFile(filepath.Join(s.dir, "secrets"))
	if err == nil {
		err = os.WriteFile(filepath.Join(again.dir, "secrets"), secrets, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	again.start()
	if got := decode[record](t, again.admin().call(t, 200, "GET", k.records("/%s", made.ID), nil)); got.Title != "thing" {
		t.Errorf("restored %+v", got)
	}
	if out := again.run("jobs"); !strings.Contains(out, "Deliveries are paused") || !strings.Contains(again.log.String(), "the database is a copy") {
		t.Errorf("the copy delivers: %s\n%s", out, again.log)
	}
	again.stop()
	again.run("check")
}

// postgresTool runs one of PostgreSQL's programs, those of its newest version.
func postgresTool(t *testing.T, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		path, err = found[len(found)-1], nil
	}
	if err != nil {
		t.Fatalf("%v: it is one of PostgreSQL's client programs", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	// The tests' role has no password, and must not take one from elsewhere.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// TestRepairCommand: what a check finds is made again, with and without a server.
func TestRepairCommand(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		c := s.admin()
		k := c.newCatalog(t, "Things", object{"name": "Name", "type": "text"})
		c.call(t, 200, "POST", k.records(""), object{"values": object{k.fields["Name"]: "thing"}})
		for _, running := range []bool{false, true} {
			s.stop()
			s.damage(db, "UPDATE titles SET title = 'another' WHERE title = 'thing'")
			if running {
				s.start()
			}
			if out, err := s.try("check"); err == nil {
				t.Errorf("running %v: the check finds nothing: %s", running, out)
			}
			if out := s.run("check", "--repair"); !strings.Contains(out, "titles: 1 repaired\nNo problems found\n") {
				t.Errorf("running %v: %s", running, out)
			}
			if !running {
				s.start()
			}
			if found := decode[[]record](t, s.admin().call(t, 200, "GET", k.records("?searchText=thing"), nil)); len(found) != 1 || found[0].Title != "thing" {
				t.Errorf("running %v: found %+v", running, found)
			}
		}
		s.damage(db, "INSERT INTO boards (num, catalog, view, name, priority, layouts) VALUES (901, 99, 0, '', 0, '{}')")
		s.damage(db, "INSERT INTO widgets (num, board, priority, settings) VALUES (901, 901, 0, '{}'), (902, 99, 0, '{}')")
		if out := s.run("check", "--repair"); !strings.Contains(out, "boards of no catalog or of no view: 1 removed\nwidgets on no board: 2 removed\nNo problems found\n") {
			t.Error(out)
		}
		s.damage(db, "INSERT INTO history (catalog, record, at, actor, kind) VALUES (99, 1, 1, 1, 'CREATE')")
		out, err := s.try("check", "--repair")
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(out, "Nothing to repair") || !strings.Contains(out, "history") {
			t.Errorf("%v\n%s", err, out)
		}
		s.stop()
	})
}

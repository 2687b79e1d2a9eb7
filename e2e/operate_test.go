package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// feed is try with an input.
func (s *server) feed(in string, args ...string) (string, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = s.dir, s.env, strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// named gives a catalog by its name.
func (c *caller) named(t *testing.T, name string) catalog {
	t.Helper()
	for _, k := range decode[[]struct{ ID, Name string }](t, c.call(t, 200, "GET", "/api/v1/catalogs", nil)) {
		if k.Name == name {
			return c.catalog(t, k.ID)
		}
	}
	t.Fatalf("no catalog %q", name)
	return catalog{}
}

const orders = "Customer,Amount,Due\nAnna,12.5,2026-03-04 10:00\nBoris,a lot,2026-03-05 10:00\nClara,1 000,2026-07-05 10:00\nx,1,2,3\n"

// TestImportCSV: through the running server and without one, from a file and
// from standard input; cells that do not fit are told and left out.
func TestImportCSV(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db, "KARTOTEKA_COMPANY_TIMEZONE=Europe/Kyiv")
		path := filepath.Join(t.TempDir(), "orders of today.csv")
		if err := os.WriteFile(path, []byte(orders), 0o600); err != nil {
			t.Fatal(err)
		}
		out := s.run("import", "--type", "Amount=number", "--section", "Sales", path)
		for _, want := range []string{`(?m)^row 2 \(line 3\), column "Amount": "a lot" is not a number$`, `(?m)^row 4 \(line 5\): `, `3 records of 4 rows; not taken: 1 rows and 1 cells`} {
			if !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("no %s in\n%s", want, out)
			}
		}
		if strings.Contains(out, "\r") {
			t.Errorf("a pipe gets what is for terminals: %q", out)
		}
		if out, err := s.try("import", path, "--section", "Sales"); err == nil || !strings.Contains(out, "already") {
			t.Errorf("a second import: %v %s", err, out)
		}
		s.stop()
		if out, err := s.feed(orders, "import", "-", "--section", "Sales", "--catalog", "Piped", "--type", "Amount=number"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		s.start()
		c := s.admin()
		for _, name := range []string{"orders of today", "Piped"} {
			k := c.named(t, name)
			got := map[string]object{}
			for _, r := range decode[[]record](t, c.call(t, 200, "GET", k.records(""), nil)) {
				got[r.Title] = r.Values
			}
			amount, due := k.fields["Amount"], k.fields["Due"]
			if len(got) != 3 || got["Anna"][amount] != 12.5 || got["Clara"][amount] != 1000.0 || got["Boris"][amount] != nil ||
				got["Anna"][due] != "2026-03-04T08:00:00.000Z" || got["Clara"][due] != "2026-07-05T07:00:00.000Z" {
				t.Errorf("%s: %v", name, got)
			}
		}
		s.stop()
	})
}

// TestImportInterrupted: Ctrl-C ends an import with what is stored so far, here
// and in the server.
func TestImportInterrupted(t *testing.T) {
	s := prepare(t, sqlite)
	var rows strings.Builder
	rows.WriteString("Name,Number\n")
	for i := range 60_000 {
		fmt.Fprintf(&rows, "Name %d,%d\n", i, i)
	}
	path := filepath.Join(t.TempDir(), "many.csv")
	if err := os.WriteFile(path, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	interrupted := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(binary, append([]string{"import"}, args...)...)
		out := new(output)
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, out, out
		in, err := cmd.StdinPipe() // open and silent
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if args[0] == "-" {
			time.Sleep(time.Second)
		} else {
			untilStoring(out)
			time.Sleep(200 * time.Millisecond)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		err = cmd.Wait()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 130 || time.Since(begun) > 5*time.Second || !strings.Contains(out.String(), "interrupted") {
			t.Errorf("%v: %v after %v\n%s", args, err, time.Since(begun), out)
		}
		return out.String()
	}
	if out := interrupted(path, "--section", "S", "--catalog", "Alone"); !regexp.MustCompile(`\d+ records of 60000 rows`).MatchString(out) {
		t.Errorf("output %s", out)
	}
	s.start()
	interrupted(path, "--section", "S", "--catalog", "Served")
	interrupted("-", "--section", "S", "--catalog", "Silent")
	if out := s.run("check"); !strings.Contains(out, "No problems found") {
		t.Error(out)
	}
	s.stop()
}

func TestUserCommand(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db, "KARTOTEKA_LOGIN_LIMIT_ENABLED=false")
		if out, err := s.feed("перше слово\n", "user", "add", "bob@example.com", "--name", "Боб"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		c := s.admin()
		c.login, c.password = "bob@example.com", "перше слово"
		me := c.call(t, 200, "GET", "/api/v1/profile/me", nil)
		c.cookie, _, _ = strings.Cut(me.header.Get("Set-Cookie"), ";")
		c.call(t, 200, "GET", "/api/v1/profile/me", nil)
		if out, err := s.feed("друге слово\n", "user", "password", "bob@example.com"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		wantSoon(t, 401, c) // on PostgreSQL the command is another process
		c.cookie = ""
		wantSoon(t, 401, c)
		c.password = "друге слово"
		c.call(t, 200, "GET", "/api/v1/profile/me", nil)
		if out, err := s.feed("word\n", "user", "password", "nobody@example.com"); err == nil || !strings.Contains(out, "nobody signs in as nobody@example.com") {
			t.Errorf("%v %s", err, out)
		}
		s.stop()
	})
}

// wantSoon waits until the caller's profile answers with a status.
func wantSoon(t *testing.T, want int, c *caller) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		a, err := c.send("GET", "/api/v1/profile/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		if a.status == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("status %d, not %d", a.status, want)
		}
	}
}

func TestCheckCommand(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		c := s.admin()
		k := c.newCatalog(t, "Things", object{"name": "Name", "type": "text"})
		c.call(t, 200, "POST", k.records(""), object{"values": object{k.fields["Name"]: "thing"}})
		if out := s.run("check"); !strings.Contains(out, "No problems found") {
			t.Error(out)
		}
		s.stop()
		s.damage(db, "UPDATE titles SET title = 'another' WHERE title = 'thing'")
		for _, running := range []bool{false, true} {
			if running {
				s.start()
			}
			out, err := s.try("check")
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(out, "title") || !strings.Contains(out, "the data is damaged") {
				t.Errorf("running %v: %v\n%s", running, err, out)
			}
		}
		s.stop()
	})
}

// damage changes the company's database behind the program's back.
func (s *server) damage(db database, sql string) {
	s.t.Helper()
	if db == postgres {
		for _, line := range s.env {
			if dsn, ok := strings.CutPrefix(line, "KARTOTEKA_DB_CONNECTION_STRING="); ok {
				postgresExec(s.t, dsn, "SET search_path TO kartoteka_company_1; "+sql)
			}
		}
		return
	}
	conn, err := zombiezen.OpenConn(filepath.Join(s.dir, "companies", "1.db"), zombiezen.OpenReadWrite)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if err := sqlitex.ExecuteTransient(conn, sql, nil); err != nil {
		s.t.Fatal(err)
	}
}

func TestIndexesCommand(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		k := s.admin().newCatalog(t, "Things", object{"name": "Name", "type": "text"}, object{"name": "Price", "type": "number"})
		s.run("indexes", "add", k.id, k.fields["Price"]+","+k.fields["Name"])
		want := regexp.MustCompile(`(?m)^` + k.id + ` Things +` + k.fields["Price"] + ` Price, ` + k.fields["Name"] + ` Name +operator +0 +- +\d+ kB +\S+$`)
		if out := s.run("indexes"); !want.MatchString(out) {
			t.Error(out)
		}
		s.stop()
		if out := s.run("indexes"); !want.MatchString(out) {
			t.Error(out)
		}
		s.run("check")
	})
}

func TestUndeleteCommand(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		c := s.admin()
		k := c.newCatalog(t, "Things", object{"name": "Name", "type": "text"}, object{"name": "Price", "type": "number"})
		name, price := k.fields["Name"], k.fields["Price"]
		made := decode[record](t, c.call(t, 200, "POST", k.records(""), object{"values": object{name: "thing", price: 7}}))
		section, _ := decode[object](t, c.call(t, 200, "GET", "/api/v1/catalogs/"+k.id, nil))["sectionId"].(string)
		back := func() {
			t.Helper()
			got := decode[record](t, c.call(t, 200, "GET", k.records("/%s", made.ID), nil))
			if got.Values[name] != "thing" || got.Values[price] != 7.0 {
				t.Errorf("record %+v", got)
			}
		}
		c.call(t, 200, "PATCH", "/api/v1/catalogs/"+k.id, object{"fields": []object{{"id": name, "name": "Name", "type": "text"}}})
		s.run("undelete", "field", k.id, price)
		back()
		c.call(t, 200, "DELETE", "/api/v1/catalogs/"+k.id, nil)
		c.call(t, 404, "GET", k.records(""), nil)
		s.run("undelete", "catalog", k.id)
		back()
		c.call(t, 200, "DELETE", "/api/v1/sections/"+section, nil)
		c.call(t, 404, "GET", k.records(""), nil)
		s.stop()
		s.run("undelete", "section", section)
		s.start()
		c = s.admin()
		back()
		if out, err := s.try("undelete", "section", section); err == nil || !strings.Contains(out, "no such removed section") {
			t.Errorf("%v %s", err, out)
		}
		s.stop()
		s.run("check")
	})
}

// TestCommandsWithoutData: what only makes sense with data makes none.
func TestCommandsWithoutData(t *testing.T) {
	s := prepare(t, sqlite)
	for _, args := range [][]string{{"check"}, {"indexes"}, {"undelete", "catalog", "1"}, {"user", "password", "bob"}} {
		if out, err := s.try(args...); err == nil || !strings.Contains(out, "there is no data in "+s.dir) {
			t.Errorf("%v: %v %s", args, err, out)
		}
	}
	if files, _ := os.ReadDir(s.dir); len(files) > 0 {
		t.Errorf("made %v", files)
	}
}

// TestUsage: mistakes are told on standard error with status 2, help that was
// asked for comes on standard output with status 0.
func TestUsage(t *testing.T) {
	s := prepare(t, sqlite)
	for _, args := range []string{"", "no-such", "import", "user add", "undelete record 1", "serve now", "config --x", "check --set NONSENSE"} {
		var out, problems bytes.Buffer
		cmd := exec.Command(binary, strings.Fields(args)...)
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, &out, &problems
		var exit *exec.ExitError
		if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 2 || out.Len() > 0 || !strings.Contains(problems.String(), "Usage: kartoteka") {
			t.Errorf("%q: %v, %q, %q", args, err, &out, &problems)
		}
	}
	for _, name := range []string{"serve", "import", "user", "check", "indexes", "rights", "undelete", "config", "version"} {
		for _, args := range [][]string{{name, "--help"}, {"help", name}} {
			var out bytes.Buffer
			cmd := exec.Command(binary, args...)
			cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, &out, io.Discard
			if err := cmd.Run(); err != nil || !strings.HasPrefix(out.String(), "Usage: kartoteka "+name) {
				t.Errorf("%v: %v, %q", args, err, &out)
			}
		}
	}
	if files, _ := os.ReadDir(s.dir); len(files) > 0 {
		t.Errorf("made %v", files)
	}
}

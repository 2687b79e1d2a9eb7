package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// importKills is how often an import is cut before it may end.
const importKills = 4

// dataSet is a file of vega-datasets and the column by which its rows are
// compared, in their order.
type dataSet struct {
	file   string
	column string
	// most is until when a kill comes after rows are being stored.
	most time.Duration
}

var dataSets = []dataSet{
	{"movies.json", "Title", 300 * time.Millisecond},
	{"flights-200k.json", "distance", 2 * time.Second},
}

func (d dataSet) path(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("node_modules", "vega-datasets", "data", d.file))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("%v (run make test, or npm ci in e2e)", err)
	}
	return path
}

// values are those of the column in the file, as texts; "" for none.
func (d dataSet) values(t *testing.T) (list []string) {
	t.Helper()
	data, err := os.ReadFile(d.path(t))
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]json.RawMessage
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		var text string
		if raw := row[d.column]; json.Unmarshal(raw, &text) != nil {
			text = strings.Trim(string(raw), " ")
		}
		list = append(list, strings.TrimSuffix(text, ".0"))
	}
	return list
}

// TestImportKilled: an import that is killed again and again, or whose server
// is, goes on with the same command: in the end each row of the file is there
// once, in its order, and the data are sound.
func TestImportKilled(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		for _, d := range dataSets {
			t.Run(d.file, func(t *testing.T) {
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				random := rand.New(rand.NewPCG(seed, 1))
				s := prepare(t, db)
				want := d.values(t)
				names := []string{"Alone"}
				s.importKilled(d, "Alone", random, len(want))
				if db == sqlite { // on PostgreSQL the command writes itself, with or without servers
					s.start()
					names = append(names, "Served")
					s.importKilled(d, "Served", random, len(want))
				} else {
					s.start()
				}
				for _, name := range names {
					s.wantImported(name, d.column, want)
				}
				if out := s.run("check"); !strings.Contains(out, "No problems found") {
					t.Error(out)
				}
				if out, err := s.try("import", d.path(t), "--section", "S", "--catalog", "Alone"); err == nil ||
					!strings.Contains(out, fmt.Sprintf("this file is in it: %d records of %d rows", len(want), len(want))) {
					t.Errorf("once more: %v\n%s", err, out)
				}
				s.stop()
			})
		}
	})
}

// importKilled imports with kills of the command and of the server, if it runs,
// at random moments, and then to the end.
func (s *server) importKilled(d dataSet, name string, random *rand.Rand, rows int) {
	s.t.Helper()
	args := []string{"import", d.path(s.t), "--section", "S", "--catalog", name}
	wentOn := 0
	for n := range importKills {
		cmd := exec.Command(binary, args...)
		out := new(output)
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, out, out
		if err := cmd.Start(); err != nil {
			s.t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		wait := time.Duration(random.Int64N(int64(d.most)))
		if n%2 == 1 {
			untilStoring(out)
		}
		select {
		case err := <-ended:
			if err != nil && !strings.Contains(out.String(), "this file is in it") {
				s.t.Fatalf("%v\n%s", err, out)
			}
			continue
		case <-time.After(wait):
		}
		if s.cmd != nil && random.IntN(2) == 0 {
			s.kill()
			<-ended // it notices that the server is gone
			s.start()
		} else {
			if err := cmd.Process.Kill(); err != nil {
				s.t.Fatal(err)
			}
			<-ended
		}
		if strings.Contains(out.String(), goingOn) {
			wentOn++
		}
	}
	out, err := s.try(args...)
	whole := fmt.Sprintf("%d records of %d rows", rows, rows)
	if !strings.Contains(out, whole) || err != nil && !strings.Contains(out, "this file is in it") {
		s.t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(out, goingOn) {
		wentOn++
	}
	s.t.Logf("%s: %d runs went on where one was killed", name, wentOn)
}

// goingOn is what an import says that an earlier run has begun.
const goingOn = "Going on with the catalog"

// untilStoring waits until the command stores rows, or does not.
func untilStoring(out *output) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if text := out.String(); strings.Contains(text, goingOn) || strings.Contains(text, "   1  ") || strings.Contains(text, "kartoteka import: ") || strings.Contains(text, " in 0:") {
			return
		}
	}
}

// wantImported reads the records by their numbers and compares a field of theirs
// with the file's rows.
func (s *server) wantImported(name, column string, want []string) {
	s.t.Helper()
	c := s.admin()
	k := c.named(s.t, name)
	field := k.fields[column]
	row, last := 0, 0
	for row < len(want) {
		path := k.records(`?limit=5000&offset=%d&sortField=id&sortType=1&fields=["%s"]`, row, field)
		page := decode[[]record](s.t, c.call(s.t, 200, "GET", path, nil))
		for _, r := range page {
			number, err := strconv.Atoi(r.ID)
			if err != nil || number <= last {
				s.t.Fatalf("record %s after %d", r.ID, last)
			}
			last = number
			got := ""
			if v := r.Values[field]; v != nil {
				got = fmt.Sprint(v)
			}
			if got != want[row] {
				s.t.Fatalf("%s: row %d has %q, not %q", name, row+1, got, want[row])
			}
			row++
		}
		if len(page) == 0 {
			s.t.Fatalf("%s has %d records, not %d", name, row, len(want))
		}
	}
	total := c.call(s.t, 200, "GET", k.records("?limit=1&withTotal=true"), nil).header.Get("X-Total-Count")
	if total != strconv.Itoa(len(want)) {
		s.t.Errorf("%s has %s records, not %d", name, total, len(want))
	}
}

// TestImportDryRun: a rehearsal makes nothing, not even a data folder.
func TestImportDryRun(t *testing.T) {
	s := prepare(t, sqlite)
	path := dataSets[0].path(t)
	out := s.run("import", path, "--section", "S", "--catalog", "Movies", "--dry-run")
	for _, want := range []string{`New catalog "Movies" in the new section "S": 3201 records of 3201 rows`, "choice       MPAA Rating", "Nothing was changed"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if files, _ := os.ReadDir(s.dir); len(files) > 0 {
		t.Errorf("made %v", files)
	}
	s.start()
	if again := s.run("import", path, "--section", "S", "--catalog", "Movies", "--dry-run"); again != out {
		t.Errorf("through the server\n%s", again)
	}
	s.stop()
}

package adminapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// wantOnce checks that every "Name N" of a file made by many is there once.
func wantOnce(t *testing.T, tools adminapi.Tools, name string, rows int) {
	t.Helper()
	c := imported(t, tools, name).Catalog
	seen := make([]bool, rows)
	for offset := 0; ; offset += 1000 {
		page, err := tools.Catalog.Records(t.Context(), boss, c.Num, query.Query{Limit: 1000, Offset: offset}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.Page.Len() {
			n := -1
			if _, err := fmt.Sscanf(cell(page, i, "Name"), "Name %d", &n); err != nil || n < 0 || n >= rows || seen[n] {
				t.Fatalf("row %q is twice or no row", cell(page, i, "Name"))
			}
			seen[n] = true
		}
		if page.Page.Len() < 1000 {
			break
		}
	}
	for n, ok := range seen {
		if !ok {
			t.Fatalf("row %d is missing", n)
		}
	}
}

// TestImportResumed interrupts an import again and again: the same command goes
// on, each row is there once, and what is counted counts all runs.
func TestImportResumed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		tools := newTools(t, target)
		const rows = 3000
		in := many(rows) + "one cell too many,1,2\n"
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		var out bytes.Buffer
		stops := 0
		for run := 0; ; run++ {
			tools.Alone = random.IntN(2) == 0
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(30+random.IntN(150))*time.Millisecond)
			if run > 30 {
				ctx, cancel = context.WithCancel(t.Context())
			}
			task, err := prepare("import", "-", "--section", "S", "--catalog", "Many")
			if err != nil {
				t.Fatal(err)
			}
			out.Reset()
			err = task.Run(ctx, tools, adminapi.Call{In: strings.NewReader(in), Out: &out})
			cancel()
			if err == nil {
				break
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("%v\n%s", err, &out)
			}
			if strings.Contains(out.String(), "Not finished: the same command goes on after row ") {
				stops++
			}
		}
		t.Logf("%d stops", stops)
		if !strings.Contains(out.String(), `"Many": 3000 records of 3001 rows; not taken: 1 rows and 0 cells`) {
			t.Errorf("output\n%s", &out)
		}
		wantOnce(t, tools, "Many", rows)
		if out := must(t, tools, "", "check"); out != "No problems found\n" {
			t.Error(out)
		}
		if out, err := run(t, tools, in, "import", "-", "--section", "S", "--catalog", "Many"); err == nil || !strings.Contains(err.Error(), "already") || !strings.Contains(err.Error(), "this file is in it: 3000 records of 3001 rows") {
			t.Errorf("once more: %v\n%s", err, out)
		}
	})
}

// stopped runs an import that ends after its first rows: a clock that runs fast
// shows the progress of each transaction.
func stopped(t *testing.T, tools adminapi.Tools, in string, args ...string) {
	t.Helper()
	task, err := prepare(append([]string{"import", "-", "--section", "S"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Now()
	tools.Now = func() time.Time { clock = clock.Add(time.Second); return clock }
	ctx, cut := context.WithCancel(t.Context())
	out := &cutter{cut: cut}
	if err := task.Run(ctx, tools, adminapi.Call{In: strings.NewReader(in), Out: out, Terminal: true}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v\n%s", err, out.got.String())
	}
}

// TestImportGoesOnWithItsOwn: only the same file, read in the same way, goes on
// where an import stopped, and only while the catalog is as it was made.
func TestImportGoesOnWithItsOwn(t *testing.T) {
	tools := newTools(t, testdb.SQLite(t))
	in := many(3000)
	stopped(t, tools, in, "--catalog", "C")
	for _, c := range []struct{ name, in, args, want string }{
		{"another file", in + "x,1\n", "", "another file is to go on after row"},
		{"another type", in, "--type Number=text", "other types of columns"},
		{"another file tried only", in + "x,1\n", "--dry-run", "another file is to go on after row"},
	} {
		if out, err := run(t, tools, c.in, append([]string{"import", "-", "--section", "S", "--catalog", "C"}, strings.Fields(c.args)...)...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\n%s", c.name, err, out)
		}
	}
	if out := must(t, tools, in, "import", "-", "--section", "S", "--catalog", "C", "--dry-run"); !regexp.MustCompile(`Catalog \d+ "C" after row \d+: `).MatchString(out) {
		t.Error(out)
	}
	c := imported(t, tools, "C").Catalog
	renamed := "A number"
	fields := []catalog.FieldInput{
		{Path: "fields[0]", Num: c.Fields[1].Num, Name: &renamed}, {Path: "fields[1]", Num: c.Fields[0].Num},
		{Path: "fields[2]", Type: "text", Name: &renamed},
	}
	if _, err := tools.Catalog.UpdateCatalog(t.Context(), boss, c.Key, catalog.CatalogInput{Fields: fields}); err != nil {
		t.Fatal(err)
	}
	out := must(t, tools, in, "import", "-", "--section", "S", "--catalog", "C")
	if !strings.Contains(out, "Going on with the catalog") || !strings.Contains(out, "3000 records of 3000 rows") {
		t.Errorf("output\n%s", out)
	}
	wantOnce(t, tools, "C", 3000)
	rows := imported(t, tools, "C")
	if name, number := cell(rows, 999, "Name"), cell(rows, 999, renamed); name != "Name 999" || number != "999" {
		t.Errorf("%s has %s", name, number)
	}

	stopped(t, tools, in, "--catalog", "D")
	c = imported(t, tools, "D").Catalog
	if _, err := tools.Catalog.UpdateCatalog(t.Context(), boss, c.Key, catalog.CatalogInput{Fields: fields[:0]}); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, tools, in, "import", "-", "--section", "S", "--catalog", "D"); err == nil || !strings.Contains(err.Error(), "begin again") {
		t.Errorf("a catalog without its fields: %v\n%s", err, out)
	}
	stopped(t, tools, in, "--catalog", "E")
	if _, err := tools.Catalog.ClearCatalog(t.Context(), boss, imported(t, tools, "E").Catalog.Key, "E"); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, tools, in, "import", "-", "--section", "S", "--catalog", "E"); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("an emptied catalog: %v\n%s", err, out)
	}
}

// TestImportTwiceAtOnce: of two runs of one import each row is stored by one.
func TestImportTwiceAtOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		tools := newTools(t, target)
		in := many(3000)
		stopped(t, tools, in, "--catalog", "C")
		ended := make(chan error)
		for range 2 {
			go func() {
				task, err := prepare("import", "-", "--section", "S", "--catalog", "C")
				if err == nil {
					var out bytes.Buffer
					err = task.Run(t.Context(), tools, adminapi.Call{In: strings.NewReader(in), Out: &out})
				}
				ended <- err
			}()
		}
		for range 2 {
			if err := <-ended; err != nil && !strings.Contains(err.Error(), "another run") && !strings.Contains(err.Error(), "this file is in it") {
				t.Error(err)
			}
		}
		if _, err := run(t, tools, in, "import", "-", "--section", "S", "--catalog", "C"); err != nil && !strings.Contains(err.Error(), "this file is in it") {
			t.Error(err)
		}
		wantOnce(t, tools, "C", 3000)
	})
}

// TestImportSplits: rows that the catalog refuses are found in a chunk of many.
func TestImportSplits(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		tools := newToolsWith(t, target, 100)
		tools.Alone = true
		var in strings.Builder
		in.WriteString("Name,Text\n")
		for i := range 2000 {
			text := "short"
			if i%300 == 7 {
				text = strings.Repeat("long", 60)
			}
			fmt.Fprintf(&in, "Name %d,%s %d\n", i, text, i)
		}
		out := must(t, tools, in.String(), "import", "-", "--section", "S", "--catalog", "C")
		if !strings.Contains(out, "1993 records of 2000 rows; not taken: 7 rows and 0 cells") || !regexp.MustCompile(`(?m)^row 308: .*Text: at most 100 characters`).MatchString(out) {
			t.Errorf("output\n%s", out)
		}
		if out := must(t, tools, "", "check"); out != "No problems found\n" {
			t.Error(out)
		}
	})
}

// TestImportDry: nothing is made, and it is told what would be.
func TestImportDry(t *testing.T) {
	tools := newTools(t, testdb.SQLite(t))
	before := structure(t, tools)
	const in = "Name,Mail,Phone,Site,Born,Due,Rank,Note\n" +
		"Ann,ann@example.com,+1 555 010 0199,https://example.com/a,1990-02-03,03/04/2026,A,\"a\nb\"\n" +
		"Bob,\"bob@example.com, b@example.com\",(555) 010-0199,www.example.com,,04/05/2026,B,c\n" +
		"Cy,,,,,,A,\n" + "Di,,,,,,B,\n" + "Ed,,,,,,A,\n" + "Flo,,,,,,B,1,2\n"
	args := []string{"import", "-", "--section", "New", "--catalog", "C", "--type", "Name=number"}
	out := must(t, tools, in, append(args, "--dry-run")...)
	for _, want := range []string{
		`1  number       Name: 5 filled, 5 bad`, `2  email        Mail: 2 filled`, `3  phone        Phone: 2 filled`, `4  link         Site: 2 filled`,
		`5  date         Born: 1 filled`, `6  text         Due: 2 filled  (dates whose day and month cannot be told apart? --type "Due=date-dmy" or "Due=date-mdy")`,
		`7  text         Rank: 5 filled`, `8  multiline    Note: 2 filled`, `row 2 (line 4), column "Name": "Bob" is not a number`,
		`New catalog "C" in the new section "New": 5 records of 6 rows; not taken: 1 rows and 5 cells`, "Nothing was changed",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if structure(t, tools) != before {
		t.Error("something was made")
	}
	var bare bytes.Buffer
	task, err := prepare(append(args, "--dry-run")...)
	if err != nil || !task.Harmless {
		t.Fatalf("%+v, %v", task, err)
	}
	err = task.Run(t.Context(), adminapi.Tools{Now: time.Now, TempDir: t.TempDir()}, adminapi.Call{In: strings.NewReader(in), Out: &bare})
	if err != nil || bare.String() != out {
		t.Errorf("without data: %v\n%s", err, &bare)
	}
	must(t, tools, in, append(args, "--type", "Rank=choice", "--type", "Due=date-mdy")...)
	rows := imported(t, tools, "C")
	for field, want := range map[string]string{
		"Mail": "[{1 bob@example.com } {2 b@example.com }]", "Phone": "[{1 (555) 010-0199 }]", "Site": "[{1 www.example.com }]",
		"Due": "1775347200000", "Rank": "[2]",
	} {
		if got := cell(rows, 1, field); got != want {
			t.Errorf("%s is %s, not %s", field, got, want)
		}
	}
	if out, err := run(t, tools, in, append(args, "--dry-run")...); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a rehearsal of what fails: %v\n%s", err, out)
	}
	if out, err := run(t, tools, "a\n", "import", "-", "--section", "New", "--catalog", "D", "--type", "a=choice"); err == nil || !strings.Contains(err.Error(), "cannot be a choice") {
		t.Errorf("a choice of nothing: %v\n%s", err, out)
	}
}

func structure(t *testing.T, tools adminapi.Tools) string {
	t.Helper()
	sections, err := tools.Catalog.Sections(t.Context(), boss)
	if err != nil {
		t.Fatal(err)
	}
	scopes, err := tools.Catalog.Catalogs(t.Context(), boss, catalog.CatalogFilter{})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(len(sections), len(scopes))
}

// TestImportLeavesNoSection: a catalog that cannot be made leaves nothing.
func TestImportLeavesNoSection(t *testing.T) {
	tools := newTools(t, testdb.SQLite(t))
	header := make([]string, 299)
	for i := range header {
		header[i] = fmt.Sprint("c", i)
	}
	before := structure(t, tools)
	if out, err := run(t, tools, strings.Join(header, ",")+"\n", "import", "-", "--section", "S", "--catalog", strings.Repeat("x", 5000)); err == nil {
		t.Errorf("made %s", out)
	}
	if structure(t, tools) != before {
		t.Error("a section is left")
	}
}

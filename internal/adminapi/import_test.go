package adminapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// imported gives the newest catalog of a name and its records, oldest first.
func imported(t testing.TB, tools adminapi.Tools, name string) *catalog.Rows {
	t.Helper()
	scopes, err := tools.Catalog.Catalogs(t.Context(), boss, catalog.CatalogFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scopes {
		if s.Catalog.Name != name {
			continue
		}
		rows, err := tools.Catalog.Records(t.Context(), boss, s.Catalog.Num, query.Query{Limit: 1000}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	t.Fatalf("no catalog %q", name)
	return nil
}

// cell shows a value.
func cell(rows *catalog.Rows, row int, field string) string {
	for i, f := range rows.Fields {
		if f.Name == field {
			return fmt.Sprint(catalog.CellValue(f, rows.Page, rows.Page.Cell(row, i)))
		}
	}
	return "no field " + field
}

const people = `Name,Age,Born,Seen,Sort
Ann,31,1990-02-03,2026-01-02 10:00,old
Bob,many,1991-13-03,2026-07-02 10:00,new
,,,,
Cy,"1 000",1992-02-03,2026-01-02T10:00:00+05:00,old
D,1,2,3,4,5,6,7
Eve,7,1993-01-01,2026-01-02 10:00,new
`

func TestImport(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		tools := newTools(t, target)
		out := must(t, tools, people, "import", "-", "--section", " People ", "--catalog", "Staff", "--type", "Age=number", "--type", "Born=date")
		for _, want := range []string{`row 2 \(line 3\), column "Age": "many" is not a number`, `row 2 \(line 3\), column "Born": "1991-13-03" is not a date`, `(?m)^row 5`, `"Staff": 5 records of 6 rows; not taken: 1 rows and 2 cells`} {
			if !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("no %s in\n%s", want, out)
			}
		}
		rows := imported(t, tools, "Staff")
		found := map[string]int{}
		for i := range rows.Page.Len() {
			found[cell(rows, i, "Name")] = i
		}
		millis := func(s string) string {
			at, err := time.Parse(time.RFC3339, s)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(at.UnixMilli())
		}
		for _, c := range [][3]string{
			{"Ann", "Age", "31"}, {"Cy", "Age", "1000"}, {"Bob", "Age", "<nil>"}, {"Bob", "Born", "<nil>"},
			{"Ann", "Born", millis("1990-02-03T00:00:00Z")},
			{"Ann", "Seen", millis("2026-01-02T10:00:00+02:00")}, // Kyiv in winter
			{"Bob", "Seen", millis("2026-07-02T10:00:00+03:00")}, // and in summer
			{"Cy", "Seen", millis("2026-01-02T10:00:00+05:00")},
		} {
			i, ok := found[c[0]]
			if got := cell(rows, i, c[1]); !ok || got != c[2] {
				t.Errorf("%s of %s is %s, not %s", c[1], c[0], got, c[2])
			}
		}
		if _, ok := found["D"]; ok {
			t.Error("a row of too many cells is stored")
		}
		t.Run("twice", func(t *testing.T) {
			_, err := run(t, tools, people, "import", "-", "--section", "People", "--catalog", "Staff")
			if err == nil || !strings.Contains(err.Error(), `already`) {
				t.Errorf("error %v", err)
			}
			must(t, tools, people, "import", "-", "--section", "People", "--catalog", "Staff 2")
			sections, err := tools.Catalog.Sections(t.Context(), boss)
			n := 0
			for _, s := range sections {
				if s.Name == "People" {
					n++
				}
			}
			if err != nil || n != 1 {
				t.Errorf("%d sections, %v", n, err)
			}
		})
		if out := must(t, tools, "", "check"); out != "No problems found\n" {
			t.Error(out)
		}
	})
}

func TestImportRefuses(t *testing.T) {
	tools := newTools(t, testdb.SQLite(t))
	for _, c := range []struct {
		name, in string
		args     []string
		want     string
	}{
		{"nothing", "", nil, "empty"},
		{"no objects", "[1,2]", []string{"--format", "json"}, "no columns"},
		{"not JSON", "a,b\n1,2\n", []string{"--format", "json"}, "JSON"},
		{"an unknown column", "a,b\n1,2\n", []string{"--type", "c=number"}, `no column "c"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"import", "-", "--section", "S", "--catalog", c.name}, c.args...)
			out, err := run(t, tools, c.in, args...)
			if err == nil || !strings.Contains(adminapi.Explain(err), c.want) {
				t.Errorf("error %v, output %s", err, out)
			}
		})
	}
	sections, err := tools.Catalog.Sections(t.Context(), boss)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sections {
		if s.Name == "S" {
			t.Error("a file that cannot be read left a section")
		}
	}
	out := must(t, tools, "a,b\n", "import", "-", "--section", "S", "--catalog", "Header only")
	if !strings.Contains(out, "0 records of 0 rows") {
		t.Error(out)
	}
}

// TestImportLeavesNoFile: what is spooled is removed; a real file is read where
// it is.
func TestImportLeavesNoFile(t *testing.T) {
	tools := newTools(t, testdb.SQLite(t))
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte(people), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	task, err := prepare("import", path, "--section", "S")
	if err != nil || task.File != path {
		t.Fatalf("%+v, %v", task, err)
	}
	var out bytes.Buffer
	if err := task.Run(t.Context(), tools, adminapi.Call{In: f, Out: &out}); err != nil {
		t.Fatal(err)
	}
	if imported(t, tools, "people").Page.Len() < 3 {
		t.Error(out.String())
	}
	must(t, tools, people, "import", "-", "--section", "S", "--catalog", "Spooled")
	if left, err := os.ReadDir(tools.TempDir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// cutter ends a context when the progress of an import is first shown.
type cutter struct {
	got bytes.Buffer
	cut context.CancelFunc
}

func (c *cutter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("Importing")) {
		c.cut()
	}
	return c.got.Write(p)
}

// TestImportInterrupted: what was stored before stays, whole, and is counted.
func TestImportInterrupted(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		tools := newTools(t, target)
		task, err := prepare("import", "-", "--section", "S", "--catalog", "Many")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cut := context.WithCancel(t.Context())
		out := &cutter{cut: cut}
		err = task.Run(ctx, tools, adminapi.Call{In: strings.NewReader(many(20_000)), Out: out, Terminal: true})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		told := regexp.MustCompile(`"Many": (\d+) records of 20000 rows`).FindStringSubmatch(out.got.String())
		if told == nil || told[1] == "0" || told[1] == "20000" {
			t.Fatalf("output %s", out.got.String())
		}
		rows := imported(t, tools, "Many")
		total, err := tools.Catalog.Records(t.Context(), boss, rows.Catalog.Num, query.Query{Limit: 1, WithTotal: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(total.Total) != told[1] {
			t.Errorf("%d records, %s told", total.Total, told[1])
		}
	})
}

func many(rows int) string {
	var b strings.Builder
	b.WriteString("Name,Number\n")
	for i := range rows {
		fmt.Fprintf(&b, "Name %d,%d\n", i, i)
	}
	return b.String()
}

// TestImportTerminal: lines about problems do not mix with the progress.
func TestImportTerminal(t *testing.T) {
	tools := newTools(t, testdb.SQLite(t))
	task, err := prepare("import", "-", "--section", "S", "--catalog", "C", "--type", "Age=number")
	if err != nil {
		t.Fatal(err)
	}
	var in strings.Builder
	in.WriteString("Name,Age\n")
	for i := range 60 {
		fmt.Fprintf(&in, "N%d,none\n", i)
	}
	var out bytes.Buffer
	if err := task.Run(t.Context(), tools, adminapi.Call{In: strings.NewReader(in.String()), Out: &out, Terminal: true}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\r\x1b[Krow "); n != 50 {
		t.Errorf("%d problems listed\n%q", n, out.String())
	}
	if strings.Count(out.String(), "only counted") != 1 || !strings.Contains(out.String(), "60 cells") {
		t.Errorf("%q", out.String())
	}
}

// TestImportWorkbook: from a file and from a pipe, known by its content.
func TestImportWorkbook(t *testing.T) {
	tools := newTools(t, testdb.SQLite(t))
	data, err := os.ReadFile(filepath.Join("..", "table", "testdata", "exceljs.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	must(t, tools, string(data), "import", "-", "--section", "S", "--catalog", "Book")
	rows := imported(t, tools, "Book")
	for _, c := range []struct {
		row         int
		field, want string
	}{
		{0, "Name", "Ann"}, {0, "Day", "1772575200000"}, {0, "Link", "here"}, {1, "Amount", "-0.1"}, {2, "Name", "bold and not"}, {2, "Amount", "25"},
	} {
		if got := cell(rows, c.row, c.field); got != c.want {
			t.Errorf("%s of row %d is %s, not %s", c.field, c.row, got, c.want)
		}
	}
	if out, err := run(t, tools, string(data), "import", "-", "--section", "S", "--catalog", "C", "--sheet", "Second"); err == nil || !strings.Contains(adminapi.Explain(err), `no sheet "Second" but "Data"`) {
		t.Errorf("another sheet: %v %s", err, out)
	}
	if out, err := run(t, tools, string(data), "import", "-", "--section", "S", "--catalog", "C", "--format", "csv"); err == nil || !strings.Contains(adminapi.Explain(err), "not csv") {
		t.Errorf("another format: %v %s", err, out)
	}
}

package adminapi_test

import (
	"bytes"
	"encoding/csv"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// sales are records with every kind of name that a report may print.
const sales = "Customer,Status,Amount,Due\n" +
	"Анна,new,1200.5,2031-01-04 23:30\n" +
	"Борис,paid,-250,2031-01-20 12:00\n" +
	"王小明,paid,99999.25,2031-02-11 12:00\n" +
	"Clara,sent,310,2031-02-12 12:00\n" +
	"Clara,new,77,2031-04-30 12:00\n" +
	"\"\x1b[2JEve\",new,12.125,\n" +
	"=1+1,sent,5,2031-03-01 00:00\n"

func newSales(t *testing.T, target testdb.Target) adminapi.Tools {
	t.Helper()
	tools := newTools(t, target)
	must(t, tools, sales, "import", "-", "--section", "Shop", "--catalog", "Orders", "--type", "Status=choice", "--type", "Due=datetime")
	return tools
}

// reportOf runs a report as a command on a terminal of 50 columns, or in a pipe.
func reportOf(t *testing.T, tools adminapi.Tools, terminal bool, args ...string) string {
	t.Helper()
	task, err := prepare(append([]string{"report", "Orders"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	call := adminapi.Call{Out: &out, Terminal: terminal}
	if terminal {
		call.Width = 50
	}
	if err := task.Run(t.Context(), tools, call); err != nil {
		t.Fatalf("%v: %s", args, adminapi.Explain(err))
	}
	return out.String()
}

var reports = []struct {
	name, args string
	terminal   bool
	want       string
}{
	{"all records", "", true, "Orders: Records\n7\n"},
	{"one number", "--value avg:amount", false, "Orders: Average Amount\n14,479.125\n"},
	{"bars on a terminal", "--axis status --value sum:amount", true, `Orders: Sum of Amount by Status
Status  Sum of Amount
new         1,289.625  ▍
paid       99,749.250  ███████████████████████████
sent          315.000  ▏
`},
	{"a table in a pipe", "--axis status --value sum:amount", false, `Orders: Sum of Amount by Status
Status  Sum of Amount
new         1,289.625
paid       99,749.250
sent          315.000
`},
	{"a table of two dimensions", "--axis status --split due:month", true, `Orders: Records by Status and Due (month)
Status  2031-01  2031-02  2031-03  2031-04  (none)
new           1        -        -        1       1
paid          1        1        -        -       -
sent          -        1        1        -       -
`},
	{"in parts where it is too wide", "--axis status --split due:month --width 32", true, `Orders: Records by Status and Due (month)
Status  2031-01  2031-02
new           1        -
paid          1        1
sent          -        1

Status  2031-03  2031-04  (none)
new           -        1       1
paid          -        -       -
sent          1        -       -
`},
	{"bars of two dimensions, below zero", "--axis due:quarter --split status --value min:amount --format bars --width 60", true,
		`Orders: Least Amount by Due (quarter) and Status
Due (quarter)  Status  Least Amount
2031-Q2        new           77.000      │█▏
2031-Q1        new        1,200.500      │██████████████████
               paid        -250.000  ████│
               sent           5.000      │▏
(none)         new           12.125      │▏
`},
	{"the split alone", "--split status", true, `Orders: Records by Status
Status  Records
new           3  █████████████████████████████████
paid          2  ██████████████████████
sent          2  ██████████████████████
`},
	{"commands in names", "--axis customer --sort axis:desc --limit 3 --offset 3 --value count", false, `Orders: Records by Customer
Customer  Records
Clara           2
=1+1            1
�[2JEve         1
3 of 6 groups; --limit and --offset show others
`},
	{"the rest of the split", "--axis status --split customer --split-limit 1", false, `Orders: Records by Status and Customer
Status  Clara
new         1
sent        1
Less frequent groups of Customer left out: 5; --split-limit shows more
`},
	{"nothing", `--axis status --filter {"3":{"at":1e9}}`, true, "Orders: Records by Status\nThere are no such records\n"},
	{"a page behind the last", "--axis status --offset 9", false, "Orders: Records by Status\n0 of 3 groups; --limit and --offset show others\n"},
	{"a filter", `--axis status --filter {"3":{"at":100}}`, false, "Orders: Records by Status\nStatus  Records\nnew           1\npaid          1\nsent          1\n"},
	{"the company's clock", "--axis due:day --limit 1 --sort axis:asc", false, "Orders: Records by Due (day)\nDue (day)   Records\n2031-01-04        1\n1 of 7 groups; --limit and --offset show others\n"},
	{"another clock", "--axis due:hour --limit 1 --sort axis:asc --timezone 330", false,
		"Orders: Records by Due (hour)\nDue (hour)        Records\n2031-01-05 03:00        1\n1 of 7 groups; --limit and --offset show others\n"},
	{"parts of a cycle", "--axis due:dayOfWeek --split due:hourOfDay --format bars --timezone UTC", false, `Orders: Records by Due (day of week) and Due (hour of day)
Due (day of week)  Due (hour of day)  Records
Mon                10:00                    1  █████████████████████████████████
Tue                10:00                    1  █████████████████████████████████
Wed                09:00                    1  █████████████████████████████████
                   10:00                    1  █████████████████████████████████
Fri                22:00                    1  █████████████████████████████████
Sat                21:00                    1  █████████████████████████████████
(none)             (none)                   1  █████████████████████████████████
`},
	{"csv", "--axis customer --split due:monthOfYear --value sum:amount --format csv --sort axis:asc", true,
		"Customer,Due (month of year),Sum of Amount\n�[2JEve,,12.125\n'=1+1,3,5\nClara,2,310\nClara,4,77\nАнна,1,1200.5\nБорис,1,-250\n王小明,2,99999.25\n"},
	{"csv of nothing", `--axis status --value avg:amount --format csv --filter {"3":{"at":1e9}}`, false, "Status,Average Amount\n"},
	{"json", "--axis status --split due:year --format json --timezone UTC", false, `[{"axis":"1","values":[{"split":"2031-01-01T00:00:00.000Z","value":2},{"split":null,"value":1}]},` +
		`{"axis":"2","values":[{"split":"2031-01-01T00:00:00.000Z","value":2}]},{"axis":"3","values":[{"split":"2031-01-01T00:00:00.000Z","value":2}]}]` + "\n"},
	{"different values", "--axis status --value distinct:1", false, "Orders: Different Customer by Status\nStatus  Different Customer\nnew                      3\npaid                     2\nsent                     2\n"},
	{"a name in other letters", "--axis STATUS --sort value:desc --limit 1", false, "Orders: Records by Status\nStatus  Records\nnew           3\n1 of 3 groups; --limit and --offset show others\n"},
	{"numbers as groups", "--axis amount --limit 2 --sort axis:desc", false, "Orders: Records by Amount\nAmount     Records\n99,999.25        1\n1,200.5          1\n2 of 7 groups; --limit and --offset show others\n"},
	{"the time to an option", "--axis status --value max:timeTo:status --limit 1", false, "Orders: Greatest time to Status by Status\nStatus  Greatest time to Status\nnew                          0s\n1 of 3 groups; --limit and --offset show others\n"},
	{"how many times", "--axis status --value count:timeIn:status --format csv", false, "Status,Number of times in Status\nnew,3\npaid,2\nsent,2\n"},
}

func TestReport(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		tools := newSales(t, target)
		for _, c := range reports {
			t.Run(c.name, func(t *testing.T) {
				if got := reportOf(t, tools, c.terminal, strings.Fields(c.args)...); got != c.want {
					t.Errorf("printed\n%s\nwanted\n%s", got, c.want)
				}
			})
		}
		t.Run("created", func(t *testing.T) {
			today := time.Now().In(tools.Zone)
			for _, word := range []string{"year", "created:year"} {
				want := "Created (year),Records\n" + strconv.Itoa(today.Year()) + ",7\n"
				if got := reportOf(t, tools, false, "--axis", word, "--format", "csv"); got != want {
					t.Errorf("by %s printed %q, not %q", word, got, want)
				}
			}
			if got := reportOf(t, tools, false, "--axis", "created", "--format", "csv"); !regexp.MustCompile(`^Created \(day\),Records\n\d{4}-\d\d-\d\d,`).MatchString(got) {
				t.Errorf("printed %q", got)
			}
		})
	})
}

// A JSON text obeys what a terminal would, and is still what it says.
func TestReportQuietJSON(t *testing.T) {
	tools := newTools(t, testdb.SQLite(t))
	must(t, tools, "Name\n\"a\u009b2J\u202eb\"\n", "import", "-", "--section", "S", "--catalog", "Orders", "--type", "Name=text")
	want := `[{"axis":"a\u009b2J\u202eb","values":[{"value":1}]}]` + "\n"
	if got := reportOf(t, tools, true, "--axis", "name", "--format", "json"); got != want {
		t.Errorf("printed %q, not %q", got, want)
	}
}

func TestReportMistakes(t *testing.T) {
	tools := newSales(t, testdb.SQLite(t))
	must(t, tools, "Step,created\na,b\n", "import", "-", "--section", "Other", "--catalog", "orders")
	must(t, tools, "Same,same,month,N\x1b[2J\na,b,c,1\n", "import", "-", "--section", "Other", "--catalog", "Names")
	for args, want := range map[string]string{
		"Nope":                                "there is no catalog \"Nope\"; there is 25 Orders (Shop), 26 orders (Other), 27 Names (Other)",
		"ORDERS":                              "several catalogs are called \"ORDERS\": 25 Orders (Shop), 26 orders (Other); give the id",
		"Orders --axis nope":                  "--axis: the catalog \"Orders\" has no field \"nope\"; there is 1 Customer, 2 Status, 3 Amount, 4 Due",
		"25 --split 9":                        "--split: the catalog \"Orders\" has no field \"9\"",
		"25 --axis due:decade":                "--axis: \"decade\" is no step of time; there is hour, day, week, month",
		"25 --axis created:":                  "\"\" is no step of time",
		"25 --axis status:month":              "the field \"Status\" is no date, and has no month",
		"25 --value sum:nope":                 "--value: the catalog \"Orders\" has no field \"nope\"",
		"25 --value sum:status":               "the field 2 cannot be measured in this way",
		"25 --value timeIn:amount":            "the field 3 cannot be measured in this way",
		"25 --filter [1":                      "filters: not valid JSON",
		`25 --filter {"9":1}`:                 "9",
		`27 --filter {"4":{"from":1}}`:        "filter of field 4 (N\ufffd[2J)",
		"Names --axis SAME":                   "several fields \"SAME\": 1 Same, 2 same; give the id",
		"25 --as nobody@example.com --axis 1": "nobody signs in as \"nobody@example.com\"",
	} {
		if out, err := run(t, tools, "", append([]string{"report"}, strings.Fields(args)...)...); err == nil || !strings.Contains(adminapi.Explain(err), want) || out != "" {
			t.Errorf("%s: %v, printed %q", args, err, out)
		}
	}
	// What is a word of the command's own is a field's by its id.
	for args, want := range map[string]string{
		"Orders --axis 1 --limit 1": "by Customer", "orders --axis 2": "by created\n", "Names --axis same": "by same\n", "Names --axis Same": "by Same\n",
		"Names --axis 3": "by month\n", "Names --axis month": "by Created (month)\n", "$users": "Employees: Records\n1\n", "3": "Employees: Records\n1\n",
	} {
		if out := must(t, tools, "", append([]string{"report"}, strings.Fields(args)...)...); !strings.Contains(out, want) {
			t.Errorf("%s: no %q in\n%s", args, want, out)
		}
	}
}

// TestReportAs: an employee's report counts and names what he may see, and no more.
func TestReportAs(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		tools := newSales(t, target)
		must(t, tools, "first word", "user", "add", "bob@example.com", "--name", "Bob")
		c := imported(t, tools, "Orders").Catalog
		as := func(args ...string) (string, error) {
			t.Helper()
			return run(t, tools, "", append([]string{"report", "Orders", "--as", "bob@example.com"}, args...)...)
		}
		scope, err := tools.Catalog.Catalog(t.Context(), boss, c.Key)
		if err != nil {
			t.Fatal(err)
		}
		rights := func(of catalog.ObjectKey, rules ...catalog.RuleInput) {
			t.Helper()
			set := []catalog.RightsInput{{Object: of, Rules: rules}}
			if _, err := tools.Catalog.SetRights(t.Context(), catalog.Actor{System: true}, set); err != nil {
				t.Fatal(err)
			}
		}
		rights(catalog.ObjectKey{Section: scope.Structure.Section(c.Section).Key},
			catalog.RuleInput{Attr: catalog.EmployeeAttr, Record: query.Key{Record: 1}, Privilege: "admin"}) // and nobody else
		if out, err := as(); err == nil || !strings.Contains(adminapi.Explain(err), "there is no catalog \"Orders\"") {
			t.Errorf("without rights: %v\n%s", err, out)
		}
		rights(catalog.ObjectKey{Catalog: c.Key}, catalog.RuleInput{Attr: catalog.EverybodyAttr, Privilege: "view", Fields: map[string]string{c.Fields[2].Key: "hide"}})
		if out, err := as("--axis", "status"); err != nil || !strings.Contains(out, "paid          2\n") {
			t.Errorf("%v\n%s", err, out)
		}
		for _, args := range [][]string{{"--axis", "amount"}, {"--axis", "3"}, {"--value", "sum:3"}} {
			out, err := as(args...)
			if err == nil || !strings.Contains(adminapi.Explain(err), "no field") || strings.Contains(adminapi.Explain(err), "Amount") {
				t.Errorf("%v: %v\n%s", args, err, out)
			}
		}
		if out, err := as("--filter", `{"3":{"at":100}}`); err == nil {
			t.Errorf("a filter by a hidden field counts:\n%s", out)
		}
	})
}

// TestReportThroughSocket: the server prints for the caller's terminal.
func TestReportThroughSocket(t *testing.T) {
	tools := newSales(t, testdb.SQLite(t))
	dir := t.TempDir()
	defer listen(t, dir, adminapi.Handler(tools))()
	task, err := prepare("report", "Orders", "--axis", "status", "--value", "sum:amount", "--timezone", "local")
	if err != nil {
		t.Fatal(err)
	}
	_, seconds := time.Now().Zone()
	if want := "--timezone=" + strconv.Itoa(seconds/60); task.Args[1] != want {
		t.Errorf("the arguments are %v, without %s", task.Args, want)
	}
	var out bytes.Buffer
	err = adminapi.Dial(t.Context(), dir, "report", task.Args, adminapi.Call{Out: &out, Terminal: true, Width: 50})
	if want := reportOf(t, tools, true, "--axis", "status", "--value", "sum:amount"); err != nil || out.String() != want || !strings.Contains(want, "███████████████████████████\n") {
		t.Errorf("%v, printed\n%s\nwanted\n%s", err, &out, want)
	}
	if _, err := dial(t.Context(), dir, nil, "report", "Nope"); err == nil || !strings.Contains(err.Error(), "there is no catalog") {
		t.Errorf("an unknown catalog: %v", err)
	}
}

// Every value that is measured is written as the API writes it.
func TestReportNumbers(t *testing.T) {
	tools := newTools(t, testdb.SQLite(t))
	must(t, tools, "N\n1e300\n0.1\n-0.000001\n1234567890123\n", "import", "-", "--section", "S", "--catalog", "Orders", "--type", "N=number")
	list, err := csv.NewReader(strings.NewReader(reportOf(t, tools, false, "--axis", "n", "--value", "sum:n", "--format", "csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range list[1:] {
		a, err := strconv.ParseFloat(line[0], 64)
		b, failed := strconv.ParseFloat(line[1], 64)
		if err != nil || failed != nil || a != b {
			t.Errorf("the group %q has the sum %q", line[0], line[1])
		}
	}
	want := `Orders: Sum of N by N
N                              Sum of N
-0.000001                        -1e-06
0.1                              0.1000
1,234,567,890,123  1,234,567,890,123.0000
1e+300                           1e+300
`
	if got := reportOf(t, tools, false, "--axis", "n", "--value", "sum:n"); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("printed\n%s\nwanted\n%s", got, want)
	}
}

package e2e

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// asked is a report as the command and as the API is asked for it.
type asked struct {
	name, command string
	query         url.Values
	axis, split   string // the layout of times, if they are some
}

// TestReportCommand: the command prints what the API answers, through the running
// server and without one.
func TestReportCommand(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		c := s.admin()
		k, options := newDeals(t, c)
		clerk := newClerk(t, s, c, k)
		f := func(name string) string { return k.fields[name] }
		list := []asked{
			{"of the issue", "--axis status --value sum:amount --split month --timezone 0", url.Values{
				"axis[type]": {"field"}, "axis[value]": {f("Status")}, "value[type]": {"field"}, "value[value]": {f("Amount")},
				"split[type]": {"createdTime"}, "split[subType]": {"month"}}, "", "2006-01"},
			{"dates in another zone", "--axis Due:hour --split switch --timezone -330 --sort axis:asc", url.Values{
				"axis[type]": {"field"}, "axis[value]": {f("Due")}, "axis[subType]": {"hour"}, "split[type]": {"field"}, "split[value]": {f("Switch")},
				"timezoneOffset": {"-330"}, "sort": {"axis"}, "sortType": {"asc"}}, "2006-01-02 15:04", ""},
			{"links", "--axis " + f("Vendor") + " --value avg:" + f("Amount"), url.Values{
				"axis[type]": {"field"}, "axis[value]": {f("Vendor")}, "value[type]": {"field"}, "value[value]": {f("Amount")}, "valueFn": {"avg"}}, "", ""},
			{"texts", "--axis name --value min:amount --limit 2", url.Values{"axis[type]": {"field"}, "axis[value]": {f("Name")},
				"value[type]": {"field"}, "value[value]": {f("Amount")}, "valueFn": {"min"}, "limit": {"2"}}, "", ""},
			{"a filter", `--axis status --filter {"` + f("Amount") + `":{"at":0}}`, url.Values{
				"axis[type]": {"field"}, "axis[value]": {f("Status")}, "recordsFilter": {`{"filters":{"` + f("Amount") + `":{"at":0}}}`}}, "", ""},
			{"a cycle", "--axis due:dayOfWeek --split due:quarter --timezone 60", url.Values{"axis[type]": {"field"}, "axis[value]": {f("Due")},
				"axis[subType]": {"dayOfWeek"}, "split[type]": {"field"}, "split[value]": {f("Due")}, "split[subType]": {"quarter"}, "timezoneOffset": {"60"}}, "", "quarter"},
			{"different links", "--axis status --value distinct:vendor", url.Values{"axis[type]": {"field"}, "axis[value]": {f("Status")},
				"value[type]": {"field"}, "value[value]": {f("Vendor")}, "value[subType]": {"uniqueCount"}}, "", ""},
			{"times to options", "--axis status --value max:timeTo:status", url.Values{"axis[type]": {"field"}, "axis[value]": {f("Status")},
				"value[type]": {"field"}, "value[value]": {f("Status")}, "value[subType]": {"timeTo"}, "valueFn": {"max"}}, "", ""},
			{"how many were in an option", "--axis status --value count:timeIn:status", url.Values{"axis[type]": {"field"}, "axis[value]": {f("Status")},
				"value[type]": {"field"}, "value[value]": {f("Status")}, "value[subType]": {"timeLeft"}, "valueFn": {"count"}}, "", ""},
			{"of all", "--value avgAll:amount", url.Values{"value[type]": {"field"}, "value[value]": {f("Amount")}, "valueFn": {"avgAll"}}, "", ""},
		}
		var wanted, answers, seen []string
		for _, a := range list {
			path := "/api/v1/catalogs/" + k.id + "/values?" + a.query.Encode()
			answer := c.call(t, 200, "GET", path, nil).body
			wanted, answers = append(wanted, a.lines(t, answer, options)), append(answers, string(answer))
			seen = append(seen, a.lines(t, clerk.call(t, 200, "GET", path, nil).body, options))
		}
		for _, running := range []bool{true, false} {
			if !running {
				s.stop()
			}
			for i, a := range list {
				t.Run(fmt.Sprintf("%s, running %v", a.name, running), func(t *testing.T) {
					args := append([]string{"report", "Deals"}, strings.Fields(a.command)...)
					if got := body(t, s.run(append(args, "--format", "csv")...)); got != wanted[i] {
						t.Errorf("printed\n%s\nthe API answers\n%s", got, wanted[i])
					}
					if (i%2 == 0) == running { // half of each, for the time it takes
						if got := s.run(append(args, "--format", "json")...); got != answers[i]+"\n" {
							t.Errorf("printed\n%s\nthe API answers\n%s", got, answers[i])
						}
						return
					}
					if got := body(t, s.run(append(args, "--format", "csv", "--as", clerk.login)...)); got != seen[i] {
						t.Errorf("as the clerk printed\n%s\nthe API answers\n%s", got, seen[i])
					}
				})
			}
			if slices.Equal(wanted, seen) {
				t.Error("the clerk sees everything")
			}
			reportForPeople(t, s)
		}
	})
}

// reportForPeople: a table, bars, and messages.
func reportForPeople(t *testing.T, s *server) {
	t.Helper()
	if got, want := s.run("report", "deals", "--axis", "status", "--value", "sum:amount"),
		"Deals: Sum of Amount by Status\nStatus  Sum of Amount\nnew          1,215.25\npaid           -40.00\n"; got != want {
		t.Errorf("printed\n%s\nwanted\n%s", got, want)
	}
	if got, want := s.run("report", "deals", "--axis", "status", "--format", "bars", "--width", "30"),
		"Deals: Records by Status\nStatus  Records\nnew           3  █████████████\npaid          1  ████▍\n"; got != want {
		t.Errorf("printed\n%s\nwanted\n%s", got, want)
	}
	for _, c := range []struct {
		status int
		args   []string
		want   string
	}{
		{1, []string{"nope"}, "Deals"},
		{1, []string{"deals", "--axis", "nope"}, "Amount"},
		{1, []string{"deals", "--axis", "due:decade"}, "quarterOfYear"},
		{2, []string{"deals", "--format", "pie"}, "Usage: kartoteka report"},
		{2, nil, "one catalog is wanted"},
	} {
		out, err := s.try(append([]string{"report"}, c.args...)...)
		if err == nil || !strings.Contains(out, c.want) || exitStatus(err) != c.status {
			t.Errorf("%v: %v, not status %d with %q:\n%s", c.args, err, c.status, c.want, out)
		}
	}
}

// exitStatus is that of a command that ended; -1 for one that did not.
func exitStatus(err error) int {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return -1
	}
	return exit.ExitCode()
}

// newDeals makes records with what a report groups and measures by, and gives the
// names of options by their ids.
func newDeals(t *testing.T, c *caller) (k catalog, options map[string]string) {
	t.Helper()
	vendors := c.newCatalog(t, "Vendors", object{"name": "Name", "type": "text"})
	var ids []string
	for _, name := range []string{"Acme", "Промінь"} {
		ids = append(ids, decode[record](t, c.call(t, 200, "POST", vendors.records(""), object{"values": object{vendors.fields["Name"]: name}})).ID)
	}
	k = c.newCatalog(t, "Deals", object{"name": "Name", "type": "text"}, object{"name": "Amount", "type": "number"},
		object{"name": "Status", "type": "dropdown", "config": object{"items": []object{{"name": "new"}, {"name": "paid"}}}},
		object{"name": "Due", "type": "date", "config": object{"mode": "datetime"}}, object{"name": "Switch", "type": "switch"},
		object{"name": "Vendor", "type": "object", "config": object{"catalogs": []object{{"id": vendors.id}}, "multiselect": true}})
	link := func(n ...int) (links []object) {
		for _, i := range n {
			links = append(links, object{"catalogId": vendors.id, "recordId": ids[i]})
		}
		return links
	}
	for _, v := range []object{
		{"Name": "=cmd", "Amount": 1200.25, "Status": []string{"1"}, "Due": "2031-03-31T22:30:00.000Z", "Switch": true, "Vendor": link(0)},
		{"Name": "Ліхтар", "Amount": 15, "Status": []string{"1"}, "Due": "2031-04-01T00:15:00.000Z", "Vendor": link(0, 1)},
		{"Name": "Ліхтар", "Amount": -40, "Status": []string{"2"}, "Due": "2030-12-31T23:59:59.999Z", "Vendor": link(1)},
		{"Name": "a, \"b\"", "Status": []string{"1"}},
	} {
		values := object{}
		for name, value := range v {
			values[k.fields[name]] = value
		}
		c.call(t, 200, "POST", k.records(""), object{"values": values})
	}
	return k, map[string]string{"1": "new", "2": "paid"}
}

// newClerk makes an employee who may view two of the deals.
func newClerk(t *testing.T, s *server, c *caller, k catalog) *caller {
	t.Helper()
	clerk := s.admin()
	clerk.login, clerk.password = "clerk@example.com", "password1"
	card := decode[record](t, c.call(t, 200, "POST", "/api/v1/catalogs/$users/records",
		object{"values": object{"$name": "Clerk", "$email": clerk.login, "$password": clerk.password}})).ID
	rule := func(employee, privilege string) object {
		return object{"rightSubject": object{"userAttr": "id", "catalogId": "$users", "recordId": employee}, "privilegeCode": privilege}
	}
	section := decode[object](t, c.call(t, 200, "GET", "/api/v1/catalogs/"+k.id, nil))["sectionId"]
	c.call(t, 200, "POST", "/api/v1/rights", object{"object": object{"sectionId": section}, "rules": []object{rule("1", "admin")}})
	for _, n := range []string{"1", "3"} {
		c.call(t, 200, "POST", "/api/v1/rights", object{"object": object{"catalogId": k.id, "recordId": n}, "rules": []object{rule(card, "view")}})
	}
	return clerk
}

// body is a printed CSV without its first line, read and written again.
func body(t *testing.T, out string) string {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(lines) == 0 {
		t.Fatalf("no CSV: %v\n%s", err, out)
	}
	return joined(lines[1:])
}

func joined(lines [][]string) string {
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "%q\n", line)
	}
	return b.String()
}

// lines are those that the command must print for an answer of the API.
func (a asked) lines(t *testing.T, answer []byte, options map[string]string) string {
	t.Helper()
	var groups []struct {
		Axis   any
		Values []struct {
			Split any
			Value *json.Number
		}
	}
	if err := json.Unmarshal(answer, &groups); err != nil {
		t.Fatalf("answer %q: %v", answer, err)
	}
	var lines [][]string
	for _, g := range groups {
		for _, v := range g.Values {
			var line []string
			if a.query.Has("axis[type]") {
				line = append(line, a.cell(t, g.Axis, a.axis, options))
			}
			if a.query.Has("split[type]") {
				line = append(line, a.cell(t, v.Split, a.split, options))
			}
			number := ""
			if v.Value != nil {
				number = v.Value.String()
			}
			lines = append(lines, append(line, number))
		}
	}
	return joined(lines)
}

// cell is a key of the API as the command prints it.
func (a asked) cell(t *testing.T, key any, layout string, options map[string]string) string {
	t.Helper()
	switch key := key.(type) {
	case nil:
		return ""
	case object:
		return key["recordTitle"].(string)
	case string:
		if layout != "" {
			offset := decodeInt(t, a.query.Get("timezoneOffset"))
			at, err := time.Parse(time.RFC3339, key)
			if err != nil {
				t.Fatal(err)
			}
			at = at.Add(time.Duration(offset) * time.Minute)
			if layout == "quarter" {
				return fmt.Sprintf("%d-Q%d", at.Year(), (at.Month()+2)/3)
			}
			return at.Format(layout)
		}
		if name, ok := options[key]; ok {
			return name
		}
		if strings.HasPrefix(key, "=") {
			return "'" + key
		}
		return key
	}
	return fmt.Sprint(key)
}

func decodeInt(t *testing.T, s string) (n int) {
	t.Helper()
	if s == "" {
		return 0
	}
	if _, err := fmt.Sscan(s, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

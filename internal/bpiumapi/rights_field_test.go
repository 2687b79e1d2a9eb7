package bpiumapi_test

import (
	"strings"
	"testing"
)

// The examples of the contract about rights on fields, and about what a hidden
// field means in answers.

// field tells what Bob may do with field 2 (Amount, 10, 99, 60 and 1) of the
// records 1 to 4: "edit", "view" or "hide", "-" where he does not see the record.
// The record's map says so, and so does a write.
func (g *stage) field(t *testing.T) string {
	t.Helper()
	var rights []string
	for _, id := range []string{"1", "2", "3", "4"} {
		path := "/catalogs/26/records/" + id
		a := g.as(t, "bob", "GET", path, "")
		if a.status == 403 {
			rights = append(rights, "-")
			continue
		}
		right := "view"
		switch privilege := member(t, a, "privilegeCode"); privilege {
		case "edit", "create", "export", "delete", "access", "admin":
			right = "edit"
		}
		if _, after, ok := strings.Cut(member(t, a, "fieldPrivilegeCodes"), `"2":"`); ok {
			right, _, _ = strings.Cut(after, `"`)
		}
		if hasValue := strings.Contains(member(t, a, "values"), `"2":`); hasValue != (right != "hide") {
			t.Errorf("%s: %s, but its value is there: %v", id, right, hasValue)
		}
		before := g.must(t, "GET", path, "")
		got := g.as(t, "bob", "PATCH", path, `{"values":{"2":7}}`).outcome(t)
		if want := map[string]string{"edit": "200", "view": "403 field_readonly", "hide": "403 field_hidden"}[right]; got != want {
			t.Errorf("%s: %s, but a write gives %s", id, right, got)
		}
		if right == "edit" {
			g.must(t, "PATCH", path, `{"values":{"2":`+member(t, answer{body: member(t, answer{body: before}, "values")}, "2")+`}}`)
		} else if after := g.must(t, "GET", path, ""); after != before {
			t.Errorf("%s: %s, but it is changed: %s", id, right, after)
		}
		rights = append(rights, right)
	}
	return strings.Join(rights, " ")
}

// TestRulesOnFields: the nearest entry of each subject that lets him view the
// record, the best of several subjects.
func TestRulesOnFields(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		for _, row := range []onRecords{
			{"no entry: by the privilege, edit", `C bob edit`, "edit edit edit edit"},
			{"no entry: by the privilege, view", `C bob view`, "view view view view"},
			{"edit extends a view rule", `C bob view 2=edit`, "edit edit edit edit"},
			{"view restricts an edit rule", `C bob edit 2=view`, "view view view view"},
			{"hide restricts", `C bob edit 2=hide`, "hide hide hide hide"},
			{"hide on a view rule", `C bob view 2=hide`, "hide hide hide hide"},
			{"hide on a search rule, view by a view", `C bob search 2=hide; closed bob view`, "- hide hide -"},
			{"C: f view; V of the same subject: f edit", `C bob view 2=view; closed bob edit 2=edit`, "view edit edit view"},
			{"C: f hide; V of the same subject silent", `C bob view 2=hide; closed bob edit`, "hide hide hide hide"},
			{"T edit for one subject, C f view for another", `T all edit; C bob edit 2=view`, "edit edit edit edit"},
			{"T edit and C f view for the same subject", `T bob edit; C bob edit 2=view`, "view view view view"},
			{"group A forbids f, group B does not mention it", `C north edit 2=hide; C south edit`, "edit edit edit edit"},
			{"a subject that grants nothing says nothing", `C bob view 2=hide; C south search 2=edit`, "hide hide hide hide"},
			{"several views: the highest", `C bob edit; closed bob edit 2=hide; dear bob edit 2=view`, "edit view view edit"},
			{"the record's entry before the views'", `C bob edit; closed bob edit 2=hide; r2 bob edit 2=edit`, "edit edit hide edit"},
			{"the record's rule silent: the view's entry", `C bob edit; closed bob edit 2=hide; r2 bob edit`, "edit hide hide edit"},
			{"an entry on a denied record", `C bob edit; closed bob deny; r3 bob view 2=hide`, "edit - hide edit"},
		} {
			t.Run(row.name, func(t *testing.T) {
				g.rules(t, row.rules)
				if got := g.field(t); got != row.want {
					t.Errorf("%s: got %q, want %q", row.rules, got, row.want)
				}
			})
		}
	})
}

// TestEntriesOnPrivileges: fields may be named on every rule but available and
// deny.
func TestEntriesOnPrivileges(t *testing.T) {
	s := newSite(t, nil)
	g := newStage(t, s)
	for rule, want := range map[string]string{
		"C bob available 2=view": "400 validation_failed", "closed bob deny 2=hide": "400 validation_failed", "C bob search 2=hide": "200",
		"C bob view 2=edit": "200", "C bob create 2=view": "200", "C bob admin 2=hide": "200", "r1 bob view 2=hide": "200", "closed bob view 2=edit": "200",
	} {
		object, body := ruleOf(rule)
		if got := s.do(t, "POST", "/rights", rulesOn(stageObjects[object], body)).outcome(t); got != want {
			t.Errorf("%s: %s", rule, got)
		}
	}
	g.rules(t, `closed bob view 2=hide`)
	if got := s.must(t, "GET", "/rights?catalogId=26&withSearch=true", ""); !strings.Contains(got, `"type":"auto"`) || strings.Contains(got, `"2":"hide"`) {
		t.Errorf("an automatic rule has fields: %s", got)
	}
}

// TestFieldsOfNewRecords: the union of the rules that let him create.
func TestFieldsOfNewRecords(t *testing.T) {
	s := newSite(t, nil)
	g := newStage(t, s)
	for _, row := range []struct{ name, rules, want string }{
		{"no entry", `C bob create`, "200"}, {"f view", `C bob create 2=view`, "403 field_readonly"}, {"f hide", `C bob create 2=hide`, "403 field_hidden"},
		{"f view on C, edit on a view with create", `C bob view 2=view; none bob create 2=edit`, "200"},
		{"f edit on a view without create", `C bob create 2=view; closed bob edit 2=edit`, "403 field_readonly"},
		{"C hides, the view with create is silent", `C bob view 2=hide; none bob create`, "403 field_hidden"},
		{"two subjects", `C bob create 2=hide; C all create`, "200"},
	} {
		t.Run(row.name, func(t *testing.T) {
			g.rules(t, row.rules)
			a := g.as(t, "bob", "POST", "/catalogs/26/records", `{"values":{"1":"New","2":5}}`)
			if got := a.outcome(t); got != row.want {
				t.Errorf("got %s, want %s: %s", got, row.want, a.body)
			}
		})
	}
}

// TestRequiredAndRestricted: a required field that he cannot fill makes a write
// fail, and says which.
func TestRequiredAndRestricted(t *testing.T) {
	s := newSite(t, nil)
	g := newStage(t, s)
	s.must(t, "PATCH", "/catalogs/26", `{"fields":[{"id":"1"},{"id":"2","required":true},{"id":"3"},{"id":"4"},{"id":"5"}]}`)
	for _, right := range []string{"view", "hide"} {
		g.rules(t, "C bob create 2="+right)
		a := g.as(t, "bob", "POST", "/catalogs/26/records", `{"values":{"1":"New"}}`)
		if a.status != 400 || !strings.Contains(a.body, `"fieldId":"2","code":"required"`) {
			t.Errorf("%s: %d %s", right, a.status, a.body)
		}
	}
}

// hiddenFieldCases are what a hidden field means in answers: to whom it is
// hidden on every record, and to whom on records 2 and 3 only. An answer is its
// status, what its elements' ids are, or a part that it must not have ("!").
var hiddenFieldCases = []struct {
	name, path, everywhere, some string
}{
	{"values", "/catalogs/26/records?fields=%5B%222%22%5D&id=2", `!"2":`, `!"2":`},
	{"values of all fields", "/catalogs/26/records?id=2", `!"2":`, `!"2":`},
	{"a single record", "/catalogs/26/records/2", `!99`, `!99`},
	{"the catalog's fields", "/catalogs/26", `!Amount`, "200"},
	{"the history", "/histories?catalogId=26&recordId=2", `!99`, `!99`},
	{"the history of that field", "/histories?catalogId=26&fields=2", "403 field_hidden", "4 1"},
	{"a filter", "/catalogs/26/records?sortType=1&filters[2][at]=0", "403 field_hidden", "1 4"},
	{"a negated filter", "/catalogs/26/records?sortType=1&filters=" + esc(`{"$and":[{"2":{"$or":[null]}}]}`), "403 field_hidden", ""},
	{"a sort", "/catalogs/26/records?sortField=2&sortType=-1", "403 field_hidden", "1 4 3 2"},
	{"a sort upwards", "/catalogs/26/records?sortField=2&sortType=1", "403 field_hidden", "4 1 2 3"},
	{"its candidates", "/catalogs/26/fields/2/availableRecords", "403 field_hidden", "400 invalid_parameter"},
}

// TestHiddenFieldInAnswers walks the contract's table.
func TestHiddenFieldInAnswers(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		for _, c := range hiddenFieldCases {
			t.Run(c.name, func(t *testing.T) {
				for rules, want := range map[string]string{`C bob view 2=hide`: c.everywhere, `C bob view; closed bob view 2=hide`: c.some} {
					g.rules(t, rules)
					a := g.as(t, "bob", "GET", c.path, "")
					got := a.outcome(t)
					if forbidden, ok := strings.CutPrefix(want, "!"); ok {
						if a.status != 200 || strings.Contains(a.body, forbidden) {
							t.Errorf("%s: %d %s", rules, a.status, a.body)
						}
						continue
					}
					if a.status == 200 && want != "200" {
						name := "id"
						if strings.HasPrefix(c.path, "/histories") {
							name = "recordId"
						}
						got = strings.Join(idsOf(t, a, name), " ")
					}
					if got != want {
						t.Errorf("%s: got %q, want %q: %.300s", rules, got, want, a.body)
					}
				}
			})
		}
	})
}

// TestHiddenTitles: a title whose field is hidden is "#id" wherever it would be.
func TestHiddenTitles(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		places := map[string]string{
			"a linked value": "/catalogs/26/records/1", "a list's linked value": "/catalogs/26/records", "a candidate": "/catalogs/26/fields/4/availableRecords",
			"a filter's candidate": "/catalogs/26/fields/4/availableFilterRecords", "the history": "/histories?catalogId=26",
			"the history of the record": "/histories?catalogId=26&recordId=1",
		}
		for rules, shown := range map[string]bool{
			`C bob view`: true, `C bob view; D bob view 1=hide`: false, `C bob view; D bob search 1=hide`: false,
			`C bob view; D bob view 1=hide; D all view`: true, `C bob view; D bob view 1=hide; d1 bob view 1=view`: true, `C bob view; d1 bob view 1=hide`: false,
		} {
			g.rules(t, rules)
			for name, path := range places {
				a := g.as(t, "bob", "GET", path, "")
				if strings.Contains(a.body, "Acme Ltd") != shown || a.status != 200 || !shown && !strings.Contains(a.body, `"recordTitle":"#acme"`) {
					t.Errorf("%s: %s: %d %.600s", rules, name, a.status, a.body)
				}
			}
			for path, want := range map[string]string{"/catalogs/26/records?sortType=1&searchText=acme%20l": "1 4", "/catalogs/26/fields/4/availableRecords?title=acme%20l": "acme"} {
				name := "id"
				if strings.Contains(path, "available") {
					name = "recordId"
				}
				if !shown {
					want = ""
				}
				if got := strings.Join(idsOf(t, g.as(t, "bob", "GET", path, ""), name), " "); got != want {
					t.Errorf("%s: %s finds %q", rules, path, got)
				}
			}
		}
	})
}

// TestRelationsThroughHiddenFields: the group is missing; where the field is
// hidden on some records, these are.
func TestRelationsThroughHiddenFields(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		for rules, want := range map[string]string{
			`C bob view; D bob view`: `"recordsTotal":2`, `C bob view 4=hide; D bob view`: "", `C bob view; D bob view; own bob view 4=hide`: `"recordsTotal":1`,
			`own bob view; D bob view`: `"recordsTotal":1`, `D bob view`: "", `C bob search; D bob view`: `"recordsTotal":0`,
		} {
			g.rules(t, rules)
			a := g.as(t, "bob", "GET", "/catalogs/25/records/acme/relations?catalogId=26", "")
			if a.status != 200 || want == "" && a.body != "[]" || !strings.Contains(a.body, want) {
				t.Errorf("%s: %d %s", rules, a.status, a.body)
			}
		}
	})
}

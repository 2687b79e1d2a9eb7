package adminapi_test

import (
	"strings"
	"testing"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

func TestRights(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		tools := newTools(t, target)
		must(t, tools, "Name,Number\na,1\nb,2\n", "import", "-", "--section", "S", "--catalog", "C")
		must(t, tools, "first word", "user", "add", "bob@example.com", "--name", "Bob")
		c := imported(t, tools, "C").Catalog
		set := []catalog.RightsInput{
			{Object: catalog.ObjectKey{Catalog: c.Key}, Rules: []catalog.RuleInput{{Attr: catalog.EverybodyAttr, Privilege: "view"}}},
			{Object: catalog.ObjectKey{Catalog: c.Key, Record: query.Key{Record: 2}}, Rules: []catalog.RuleInput{
				{Attr: catalog.EmployeeAttr, Record: query.Key{Record: 2}, Privilege: "edit", Fields: map[string]string{c.Fields[1].Key: "hide"}},
			}},
		}
		if _, err := tools.Catalog.SetRights(t.Context(), catalog.Actor{System: true}, set); err != nil {
			t.Fatal(err)
		}
		for args, want := range map[string]string{
			"rights bob@example.com " + c.Key:                     "Bob on C: view",
			"rights 2 " + c.Key:                                   "everybody  view       rule 5 on the catalog C",
			"rights bob@example.com " + c.Key + "/2":              "Bob        edit       rule 6 on the record b",
			"rights bob@example.com " + c.Key + "/1":              "Bob        -          -",
			"rights 2 " + c.Key + "/2 --field " + c.Fields[1].Key: "Field 2 Number: view",
			"rights boss@example.com $users":                      "Boss       admin      rule 2 on the section Management",
			"rights bob@example.com 3":                            "Bob on Employees: -",
		} {
			if out := must(t, tools, "", strings.Fields(args)...); !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", args, want, out)
			}
		}
		for args, want := range map[string]string{
			"rights nobody " + c.Key: "There is no such employee", "rights 2 99": "There is no such catalog", "rights 2 " + c.Key + "/99": "There is no such record",
			"rights 2 " + c.Key + " --field 99": "There is no field 99",
		} {
			if _, err := run(t, tools, "", strings.Fields(args)...); err == nil || !strings.Contains(adminapi.Explain(err), want) {
				t.Errorf("%s: %v", args, err)
			}
		}
	})
}

package apisync_test

import (
	"fmt"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// checkSaved asks for deals by domains.
func checkSaved(w *asked, a catalog.Actor, open bool, cases map[string][]query.Record) {
	w.Helper()
	for domain, want := range cases {
		got, err := w.where(a, "deals", domain, open)
		if err != nil || !sameRecords(got, want...) {
			w.Errorf("%.200s: got %v (%v), want %v", domain, got, err, want)
		}
	}
}

// Filters read values as the line reads what is written.
func TestFilterFormats(t *testing.T) {
	eachAsked(t, func(t *testing.T, w *asked) {
		w.fill()
		w.compile(`{}`, `{"lines":[
			{"field":"due","external_key":"due","format":"%d.%m.%Y|%Y%m%d"},
			{"field":"at","external_key":"at","format":"%d/%m/%Y %H:%M"},
			{"field":"at","external_key":"second","format":"%Y-%m-%d %H:%M:%S","direction":"out"},
			{"field":"at","external_key":"year","format":"%Y","direction":"out"},
			{"field":"month","external_key":"month","format":"%m-%Y"},
			{"field":"create_date","external_key":"made","format":"%d.%m.%Y","direction":"out"},
			{"field":"name","external_key":"title","trim":true,"value_map":{"first":"Alpha","none":null}},
			{"field":"price","external_key":"cost","format":"1"}
		]}`)
		checkSaved(w, boss, false, map[string][]query.Record{
			`[["due","=","09.03.2026"]]`: ids(1), `[["due","=","20260309"]]`: ids(1), `[["due","=",20260309]]`: ids(1),
			`[["due",">","09.03.2026"]]`: ids(2), `[["due","in",["09.03.2026","31.12.2025"]]]`: ids(1, 3), `[["due","not in",["09.03.2026",false]]]`: ids(2, 3),
			`[["at","=","09/03/2026 08:15"]]`: ids(1), `[["at",">","09/03/2026 08:15"]]`: ids(2, 3), `[["at","<=","09/03/2026 08:15"]]`: ids(1, 5),
			`[["second","=","2026-03-09 08:15:00"]]`: ids(1), `[["second","=","2026-03-09 08:15:01"]]`: ids(), `[["year","=","2026"]]`: ids(1, 2, 3),
			`[["year","=",2024]]`: ids(5), `[["month","=","03-2026"]]`: ids(1), `[["month",">=","04-2026"]]`: ids(2), `[["made","=","03.02.2031"]]`: ids(1, 2, 3, 4, 5),
			`[["made","in",["03.02.2031","04.02.2031"]]]`: ids(1, 2, 3, 4, 5), `[["made","<","03.02.2031"]]`: ids(),
			`[["title","="," first "]]`: ids(1), `[["title","=","none"]]`: ids(4), `[["cost","=","10.5"]]`: ids(2), `[["due.year_number","=",2026]]`: ids(1, 2),
		})
		for _, domain := range []string{`[["due","=","2026-03-09"]]`, `[["at","=","2026-03-09T08:15:00Z"]]`, `[["title","=","Alpha"]]`, `[["due","=",[["09.03.2026"]]]]`} {
			if got, err := w.where(boss, "deals", domain, false); codeOf(err) != "400 INVALID_DOMAIN" {
				t.Errorf("%s: got %v (%v)", domain, got, err)
			}
		}
		if _, got, err := w.list(boss, "at[between]=09/03/2026+08:15,09/03/2026+23:59"); err != nil || !sameRecords(got, 1, 2) {
			t.Errorf("between: %v, %v", got, err)
		}
	})
}

// listedNames is a domain with a list of n values, the last of which is given.
func listedNames(field, operator, value, last string, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `[[%q,%q,[`, field, operator)
	for i := range n - 1 {
		fmt.Fprintf(&b, value+",", i)
	}
	return b.String() + last + "]]]"
}

// Lists of as many values as a domain may have, of all kinds.
func TestLongLists(t *testing.T) {
	eachAsked(t, func(t *testing.T, w *asked) {
		w.fill()
		w.compile(`{"parent_fields":{"places":"parent"}}`)
		checkSaved(w, boss, true, map[string][]query.Record{
			listedNames("price", "in", "2%03d", "10.5", 1000):                       ids(2),
			listedNames("price", "not in", "2%03d", "10.5", 1000):                   ids(1, 3, 4, 5),
			listedNames("stars", "in", "9%03d", "5", 1000):                          ids(5),
			listedNames("progress", "in", "9%03d", "null", 1000):                    ids(2, 3, 4),
			listedNames("name", "in", `"n%03d"`, `"Alpha"`, 1000):                   ids(1),
			listedNames("due", "in", `"1%03d-01-01"`, `"2025-12-31"`, 1000):         ids(3),
			listedNames("at", "in", `"1%03d-02-03"`, `"2024-02-29"`, 1000):          ids(5),
			listedNames("at", "in", `"1%03d-02-03"`, `"2026-03-09T08:15:00Z"`, 600): ids(1),
			listedNames("at", "not in", `"1%03d-02-03"`, `false`, 1000):             ids(1, 2, 3, 5),
			listedNames("create_date", "in", `"1%03d-02-03"`, `"2031-02-03"`, 1000): ids(1, 2, 3, 4, 5),
			listedNames("id", "in", "9%03d", "2", 1000):                             ids(2),
			listedNames("place", "in", "9%03d", "3", 1000):                          ids(3),
			listedNames("place", "in", `"p%03d"`, `"Kyiv"`, 1000):                   ids(1),
			listedNames("owner", "in", "9%03d", `"ADA@example.com"`, 1000):          ids(1),
			listedNames("place.floor", "in", "9%03d", "2", 1000):                    ids(2),
			listedNames("place", "child_of", "9%03d", "2", 1000):                    ids(2, 3),
			listedNames("create_uid", "in", "9%03d", "1", 1000):                     ids(1, 2, 3, 4, 5),
			listedNames("at.minute_number", "in", "9%03d", "15", 1000):              ids(1),
		})
		_, got, err := w.list(boss, "cost[in]="+strings.Repeat("7,", 999)+"10.5")
		if err != nil || !sameRecords(got, 2) {
			t.Errorf("query string: %v, %v", got, err)
		}
	})
}

// Records are found by who made and last changed them, as far as the history tells the
// one who asks.
func TestAuthors(t *testing.T) {
	eachAsked(t, func(t *testing.T, w *asked) {
		w.fill()
		clerk := w.clerk()
		editor := w.ownEditor()
		change := func(a catalog.Actor, n query.Record, key string, v catalog.Value) {
			t.Helper()
			op := catalog.Update{Catalog: w.deals.Num, Record: query.Key{Record: n}, Values: []catalog.FieldValue{{Field: w.deals.FieldByKey(key).Num, Value: v}}}
			if _, err := w.s.Apply(t.Context(), a, []catalog.Op{op}, nil); err != nil {
				t.Fatal(err)
			}
		}
		create(t, w.s, catalog.Actor{System: true, Origin: "system"}, w.deals, "name", catalog.Text("by nobody"))
		change(editor, 2, "name", catalog.Text("changed"))
		change(editor, 3, "price", catalog.Number(7)) // the clerk does not see prices
		change(catalog.Actor{System: true, Origin: "system"}, 4, "name", catalog.Text("x"))
		w.compile(`{}`, `{"domain_fields":"any"}`)
		who := fmt.Sprint(editor.Employee)
		checkSaved(w, boss, true, map[string][]query.Record{
			`[["create_uid","=",1]]`: ids(1, 2, 3, 4, 5), `[["create_uid","!=",1]]`: ids(6), `[["create_uid","=",false]]`: ids(6), `[["create_uid","!=",false]]`: ids(1, 2, 3, 4, 5),
			`[["create_uid","=","Ada"]]`: ids(1, 2, 3, 4, 5), `[["create_uid","=","ADA@example.com"]]`: ids(1, 2, 3, 4, 5), `[["create_uid","ilike","AD"]]`: ids(1, 2, 3, 4, 5),
			`[["create_uid","not ilike","AD"]]`: ids(6), `[["create_uid","=ilike",""]]`: ids(6), `[["create_uid","like",""]]`: ids(1, 2, 3, 4, 5, 6),
			`[["create_uid","in",[1,false]]]`: ids(1, 2, 3, 4, 5, 6), `[["create_uid","in",[]]]`: ids(), `[["create_uid","=",9999]]`: ids(),
			`[["write_uid","=",` + who + `]]`: ids(2, 3), `[["write_uid","=",1]]`: ids(1, 5), `[["write_uid","=",false]]`: ids(4, 6), `[["write_uid","=","Editor"]]`: ids(2, 3),
			`[["write_uid","in",["Editor",1]]]`: ids(1, 2, 3, 5), `["|",["write_uid","=","Editor"],["name","=","Alpha"]]`: ids(1, 2, 3),
			`[["place.create_uid","=",1]]`: ids(1, 2, 3, 5), `[["place","any",[["write_uid","!=",1]]]]`: ids(),
		})
		checkSaved(w, clerk, true, map[string][]query.Record{
			`[["write_uid","=",` + who + `]]`: ids(2), `[["write_uid","=",1]]`: ids(1, 3, 5), `[["create_uid","=",1]]`: ids(1, 2, 3, 4, 5),
			`[["write_uid","=","Editor"]]`: ids(), `[["write_uid","ilike","edit"]]`: ids(), // he may not view employees
		})
		for _, domain := range []string{`[["create_uid",">",1]]`, `[["create_uid","=",true]]`, `[["create_uid","child_of",1]]`, `[["create_uid","any",[]]]`, `[["create_uid.year_number","=",1]]`} {
			if got, err := w.where(boss, "deals", domain, true); codeOf(err) != "400 INVALID_DOMAIN" {
				t.Errorf("%s: got %v (%v)", domain, got, err)
			}
		}
		w.compile(`{}`, `{"lines":[{"field":"create_uid","external_key":"by","direction":"out"}]}`)
		checkSaved(w, boss, false, map[string][]query.Record{`[["by","=","Ada"]]`: ids(1, 2, 3, 4, 5), `[["create_uid","=",false]]`: ids(6)})
		if got, err := w.where(boss, "deals", `[["write_uid","=",1]]`, false); codeOf(err) != "400 INVALID_DOMAIN" {
			t.Errorf("not mapped: %v, %v", got, err)
		}
	})
}

// ownEditor is somebody who may change deals.
func (w *asked) ownEditor() catalog.Actor {
	w.Helper()
	n := w.add(w.scope(boss, "$users").Catalog, "$name", catalog.Text("Editor"))
	rule := func(n query.Record, privilege string) catalog.RuleInput {
		return catalog.RuleInput{Path: "rule", Attr: catalog.EmployeeAttr, Catalog: "$users", Record: query.Key{Record: n}, Privilege: privilege}
	}
	rules := []catalog.RuleInput{rule(1, "admin"), rule(n, "edit")}
	if _, err := w.s.SetRights(w.Context(), boss, []catalog.RightsInput{{Object: catalog.ObjectKey{Section: "3"}, Rules: rules}}); err != nil {
		w.Fatal(err)
	}
	return catalog.Actor{Employee: n, Origin: "api"}
}

// Records come in the order of several fields, those without a value last.
func TestOrders(t *testing.T) {
	eachAsked(t, func(t *testing.T, w *asked) {
		w.fill()
		w.add(w.deals, "name", catalog.Text("Alpha"), "price", catalog.Number(0), "tags", catalog.Items{1})
		w.add(w.deals, "name", catalog.Text("alpha"), "price", catalog.Number(10))
		w.compile(`{"active_fields":{"places":"nothing"}}`, `{"domain_fields":"any"}`)
		for order, want := range map[string][]query.Record{
			"title,cost":                        ids(5, 6, 1, 7, 2, 3, 4),
			"title,cost desc":                   ids(5, 2, 1, 7, 6, 3, 4),
			"title desc,cost":                   ids(3, 6, 7, 1, 2, 5, 4),
			"cost,id":                           ids(3, 5, 6, 1, 7, 2, 4),
			"cost,id desc":                      ids(3, 6, 5, 7, 1, 2, 4),
			"cost desc,id":                      ids(2, 1, 7, 5, 6, 3, 4),
			"cost desc, id desc":                ids(2, 7, 1, 6, 5, 3, 4),
			"tags,title":                        ids(1, 2, 6, 5, 7, 3, 4),
			"paid desc,place desc,cost desc,id": ids(1, 2, 5, 3, 7, 6, 4),
			"active desc":                       ids(7, 6, 5, 4, 3, 2, 1), "active,cost": ids(3, 5, 6, 1, 7, 2, 4),
			"id desc,cost":                                    ids(7, 6, 5, 4, 3, 2, 1),
			"create_date desc,display_name,cost":              ids(4, 5, 6, 7, 1, 2, 3),
			"name,name,name,name,name,name,name,name,name,id": ids(5, 1, 2, 6, 7, 3, 4),
		} {
			for _, page := range []string{"", "&limit=3", "&limit=3&offset=2"} {
				part := want
				if strings.Contains(page, "offset") {
					part = want[2:]
				}
				if page != "" {
					part = part[:3]
				}
				if _, got, err := w.list(boss, "order="+order+page); err != nil || !sameRecords(got, part...) {
					t.Errorf("%s%s: got %v (%v), want %v", order, page, got, err, part)
				}
			}
		}
		for order, code := range map[string]string{
			"title,": "400 INVALID_PARAMETER", "title,nothing": "400 INVALID_PARAMETER", "title,rank": "400 INVALID_PARAMETER",
			strings.Repeat("title,", 10) + "title": "400 INVALID_PARAMETER",
		} {
			if _, _, err := w.list(boss, "order="+order); codeOf(err) != code {
				t.Errorf("%s: %v", order, err)
			}
		}
		if _, _, err := w.list(w.clerk(), "order=title,cost"); codeOf(err) != "403 FORBIDDEN" {
			t.Errorf("a hidden field: %v", err)
		}
	})
}

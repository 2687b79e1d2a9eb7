package bpiumapi_test

import (
	"fmt"
	"strings"
	"testing"
)

// The tests of this file and of leak_write_test.go are named after failures that
// products of this kind have had.

// leak is a request of Bob's and what it must give: a status with a code, or the
// ids of the answer's elements, or with "!" what it must not have.
type leak struct{ name, path, want string }

func (g *stage) leaks(t *testing.T, rules string, list []leak) {
	t.Helper()
	g.rules(t, rules)
	for _, l := range list {
		a := g.as(t, "bob", "GET", l.path, "")
		if secret, ok := strings.CutPrefix(l.want, "!"); ok {
			if a.status != 200 || strings.Contains(a.body, secret) {
				t.Errorf("%s: %s: %d %.600s", rules, l.name, a.status, a.body)
			}
			continue
		}
		got := a.outcome(t)
		if a.status == 200 {
			name := "id"
			if strings.HasPrefix(l.path, "/histories") || strings.HasPrefix(l.path, "/contacts") || strings.Contains(l.path, "available") {
				name = "recordId"
			}
			got = strings.Join(idsOf(t, a, name), " ")
			if strings.Contains(l.path, "withTotal") {
				got += " of " + a.header.Get("X-Total-Count")
			}
		}
		if got != l.want {
			t.Errorf("%s: %s: got %q, want %q: %.600s", rules, l.name, got, l.want, a.body)
		}
	}
}

func list(more string) string { return "/catalogs/26/records?sortType=1&" + more }

func filtered(filter string) string { return list("withTotal=true&filters=" + esc(filter)) }

func TestQuickSearchOnHiddenFields(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		g.leaks(t, "C bob view", []leak{{"a text", list("searchText=amp"), "3"}, {"a link", list("searchText=acme"), "1 4"}, {"a person", list("searchText=cy"), "4"}})
		g.leaks(t, "C bob view 1=hide 3=hide 4=hide", []leak{
			{"a text", list("searchText=amp"), ""}, {"a link", list("searchText=acme"), ""}, {"a person", list("searchText=cy"), ""},
			{"counted", list("searchText=amp&withTotal=true"), " of 0"}, {"in the history", "/histories?catalogId=26&searchText=amp", ""},
		})
		g.leaks(t, "C bob view; closed bob view 1=hide; own bob view 4=hide", []leak{
			{"a text, hidden there", list("searchText=amp"), ""}, {"a text, shown there", list("searchText=pens"), "4"},
			{"a link, hidden there", list("searchText=acme"), "4"}, {"in the history", "/histories?catalogId=26&actionType=CREATE&searchText=acme", "4"},
		})
		g.leaks(t, "C bob view; D bob view 1=hide", []leak{
			{"a linked title", list("searchText=acme%20ltd"), ""}, {"by what is shown instead", list("searchText=%23acme"), "1 4"},
			{"candidates", "/catalogs/26/fields/4/availableRecords?title=ltd", ""}, {"used ones", "/catalogs/26/fields/4/availableFilterRecords?title=ltd", ""},
			{"contacts by a hidden title", "/contacts?searchText=acme%20ltd", ""},
		})
		g.leaks(t, "D bob view 2=hide", []leak{{"contacts", "/contacts?searchText=555", ""}, {"in the catalog", "/catalogs/25/records?searchText=555", ""}})
	})
}

func TestFilterSortAndCountRevealNoHiddenValue(t *testing.T) {
	linked := func(filter string) string { return filtered(`{"4":[{"catalogId":"25","filters":` + filter + `}]}`) }
	const hidden = "403 field_hidden"
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		g.leaks(t, "C bob view 2=hide; D bob view 3=hide", []leak{
			{"a filter", filtered(`{"2":{"at":50}}`), hidden}, {"in a group", filtered(`{"$or":[{"1":"x"},{"2":{"at":50}}]}`), hidden},
			{"of empty values", filtered(`{"2":"$empty"}`), hidden}, {"a sort", list("sortField=2"), hidden},
			{"of linked records", linked(`{"3":{"at":4}}`), hidden}, {"a history's", "/histories?catalogId=26&filters[2][at]=50", hidden},
			{"of candidates", "/catalogs/26/fields/4/availableRecords?recordsFilters=" + esc(`[{"catalogId":"25","filters":{"3":{"at":4}}}]`), hidden},
			{"a sort of relations", "/catalogs/25/records/acme/relations?sortField=2", "!99"},
		})
		g.leaks(t, "C bob view; closed bob view 2=hide", []leak{
			{"a filter", filtered(`{"2":{"at":50}}`), " of 0"}, {"a wide one", filtered(`{"2":{"at":0}}`), "1 4 of 2"},
			{"in a group", filtered(`{"$or":[{"1":"lamps"},{"2":{"at":50}}]}`), "3 of 1"},
			{"of empty values", filtered(`{"2":"$empty"}`), " of 0"}, {"of values", filtered(`{"2":"$notEmpty"}`), "1 4 of 2"},
			{"either", filtered(`{"2":{"$or":["$empty","$notEmpty"]}}`), "1 4 of 2"},
			{"a sort", "/catalogs/26/records?sortField=2&sortType=-1", "1 4 3 2"}, {"the other way", "/catalogs/26/records?sortField=2", "4 1 2 3"},
			{"paged", "/catalogs/26/records?sortField=2&limit=2&offset=1&withTotal=true", "1 2 of 4"},
			{"a history's", "/histories?catalogId=26&actionType=CREATE&filters[2][at]=50", ""},
		})
		g.leaks(t, "C bob view; D bob view; d1 bob view 3=hide", []leak{
			{"of linked records", linked(`{"3":{"at":1}}`), "2 of 1"}, {"empty ones", linked(`{"3":"$empty"}`), " of 0"},
			{"of candidates", "/catalogs/26/fields/4/availableRecords?recordsFilters=" + esc(`[{"catalogId":"25","filters":{"3":{"at":1}}}]`), "2"},
		})
		g.leaks(t, "C bob view; d1 bob deny; D bob view", []leak{{"of linked records that are denied", linked(`{"3":{"at":1}}`), "2 of 1"}})
		g.leaks(t, "C bob view", []leak{{"of linked records without a right", linked(`{"3":{"at":1}}`), " of 0"}})
	})
}

// TestNegatedConditionsOverEmptyValues: what no view holds of an empty record,
// none takes away from it either.
func TestNegatedConditionsOverEmptyValues(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		s.must(t, "POST", "/catalogs/26/records", `{"values":{}}`)
		g.rules(t, "C bob edit")
		for name, filter := range map[string]string{
			"a text": `{"1":"x"}`, "a number": `{"2":{"at":0}}`, "an employee": `{"3":["CURRENT_USER"]}`, "a link": `{"4":[{"catalogId":"25","recordId":"acme"}]}`, "a choice": `{"5":["1"]}`,
			"a linked record's value": `{"4":[{"catalogId":"25","filters":{"3":{"at":0}}}]}`, "own groups": `{"4":[{"userAttr":"5"}]}`, "a value": `{"2":"$notEmpty"}`,
		} {
			view := idOf(t, s.must(t, "POST", "/catalogs/26/views", `{"name":"x","forRights":true,"filters":`+filter+`}`))
			for _, privilege := range []string{"deny", "view"} {
				s.must(t, "POST", "/rights", rulesOn(`"catalogId":"26","viewId":"`+view+`"`, bobMay(privilege, "")))
				one, all := g.as(t, "bob", "GET", "/catalogs/26/records/5", ""), g.as(t, "bob", "GET", "/catalogs/26/records?limit=1", "")
				write := g.as(t, "bob", "PATCH", "/catalogs/26/records/5", `{"values":{"2":null}}`)
				if one.status != 200 || member(t, one, "privilegeCode") != "edit" || idsOf(t, all, "id")[0] != "5" || write.status != 200 {
					t.Errorf("%s, %s: %d %s, %s, %d", name, privilege, one.status, one.body, all.body, write.status)
				}
			}
			s.must(t, "DELETE", "/catalogs/26/views/"+view, "")
		}
	})
}

func TestHistoryOfHiddenFields(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		s.must(t, "PATCH", "/catalogs/26/records/2", `{"values":{"2":12345}}`)
		s.must(t, "PATCH", "/catalogs/26/records/1", `{"values":{"2":777}}`)
		of := func(more string) string { return "/histories?catalogId=26&sortType=asc" + more }
		g.leaks(t, "C bob view 2=hide", []leak{
			{"of the record", of("&recordId=2"), "!12345"}, {"of the catalog", of(""), "!12345"}, {"an entry of that alone", of("&actionType=UPDATE"), ""},
			{"by the field", of("&fields=2"), "403 field_hidden"},
		})
		g.leaks(t, "C bob view; closed bob view 2=hide", []leak{
			{"of the record", of("&recordId=2"), "!12345"}, {"of the catalog", of(""), "!12345"}, {"an entry of that alone", of("&actionType=UPDATE"), "1"},
			{"by the field", of("&fields=2"), "1 4 1"},
		})
		g.leaks(t, "C bob view; r2 bob deny", []leak{{"of a denied record", of("&recordId=2"), "403 forbidden"}, {"in the catalog", of("&actionType=UPDATE"), "1"}})
		gone := idOf(t, s.must(t, "POST", "/catalogs/26/records", `{"values":{"1":"Gone","3":[2]}}`))
		s.must(t, "DELETE", "/catalogs/26/records/"+gone, "")
		g.leaks(t, "own bob view", []leak{{"of a removed record", of("&recordId=" + gone), "404 not_found"}, {"in the catalog", of("&actionType=REMOVED"), ""}})
		g.leaks(t, "C bob view 1=hide 2=hide", []leak{{"what it was called", of(""), "!Tables"}})
	})
}

// TestOverlappingRulesCountPerRecord: what one rule gives on some records and
// another on others is not given on all of them.
func TestOverlappingRulesCountPerRecord(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		g.rules(t, "own all edit 2=hide; closed bob view 2=edit")
		if got := g.may(t, "bob"); got != "edit view edit -" {
			t.Errorf("privileges %s", got)
		}
		if got := g.field(t); got != "hide edit edit -" {
			t.Errorf("the field %s", got)
		}
		g.leaks(t, "own all edit 2=hide; closed bob view 2=edit", []leak{
			{"a filter", filtered(`{"2":{"at":0}}`), "2 3 of 2"}, {"a sort", "/catalogs/26/records?sortField=2", "3 2 1"},
			{"the history", "/histories?catalogId=26&actionType=CREATE&fields=2", "3 2"},
		})
		g.rules(t, "own bob view; closed bob delete")
		for id, want := range map[int]string{1: "403 forbidden", 2: "200", 4: "403 forbidden"} {
			if got := g.as(t, "bob", "DELETE", fmt.Sprint("/catalogs/26/records/", id), "").outcome(t); got != want {
				t.Errorf("deleting %d: %s", id, got)
			}
		}
	})
}

// TestEmptyListsWidenNothing: an empty list of what is allowed allows nothing,
// where the contract does not say that it is as good as none.
func TestEmptyListsWidenNothing(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		view := func(filter string) string {
			id := idOf(t, s.must(t, "POST", "/catalogs/26/views", `{"name":"x","forRights":true,"filters":`+filter+`}`))
			s.must(t, "POST", "/rights", rulesOn(`"catalogId":"26","viewId":"`+id+`"`, bobMay("view", "")))
			return id
		}
		g.rules(t, "")
		s.must(t, "PATCH", "/catalogs/$users/records/2", `{"values":{"5":[]}}`)
		id := view(`{"4":[{"userAttr":"5"}]}`)
		if got := g.may(t, "bob"); got != "- - - -" {
			t.Errorf("a view of own groups, with none: %s", got)
		}
		s.must(t, "DELETE", "/catalogs/26/views/"+id, "")
		id = view(`{"5":["2"]}`)
		s.must(t, "PATCH", "/catalogs/26", `{"fields":[{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4"},{"id":"5","config":{"items":[{"id":"1","name":"New"}]}}]}`)
		if got := g.may(t, "bob"); got != "- - - -" {
			t.Errorf("a view of a choice whose option is gone: %s", got)
		}
		s.must(t, "DELETE", "/catalogs/26/views/"+id, "")
		g.leaks(t, "C bob view", []leak{
			{"no ids", list("id=[]"), ""}, {"an empty id", list("id="), "400 invalid_parameter"}, {"nothing of a group", filtered(`{"$or":[]}`), "1 2 3 4 of 4"},
			{"ids of what is not there", list("id[0]=99"), ""}, {"links to nothing there", filtered(`{"4":[{"catalogId":"25","recordId":"99"}]}`), " of 0"},
		})
		for _, limit := range []string{"catalogs", "verbs", "ipRanges"} {
			if got := s.do(t, "POST", "/tokens", `{"name":"a","`+limit+`":[]}`).outcome(t); got != "400 validation_failed" {
				t.Errorf("a token with no %s: %s", limit, got)
			}
		}
	})
}

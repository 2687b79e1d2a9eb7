package bpiumapi_test

import (
	"slices"
	"strings"
	"testing"
)

// The examples of the contract about rights on records, section by section.

// onRecords are rules and what Bob's privileges on the records 1 to 4 then are.
type onRecords struct{ name, rules, want string }

// TestRulesOnRecords: the deepest rule of each subject, the best of several
// subjects.
func TestRulesOnRecords(t *testing.T) {
	rows := []onRecords{
		{"no suitable rule: no access", ``, "- - - -"},
		{"somebody else's rule", `C cy edit`, "- - - -"},
		{"allUsers edit on C, person view on C", `C all edit; C bob view`, "edit edit edit edit"},
		{"the same subject: T edit, C view", `T bob edit; C bob view`, "view view view view"},
		{"the same subject: T edit, C direct search, V view", `T bob edit; C bob search; closed bob view`, "- view view -"},
		{"two groups: view and delete on C", `C north view; C south delete`, "delete delete delete delete"},
		{"the same subject: C view, V edit", `C bob view; closed bob edit`, "view edit edit view"},
		{"the same subject: C edit, V view", `C bob edit; closed bob view`, "edit view view edit"},
		{"only V create, its filter matches nothing", `none bob create`, "- - - -"},
		{"C view for all, V deny for a group", `C all view; closed south deny`, "view - - view"},
		{"a deny for a group he is not in", `C all view; closed cy deny`, "view view view view"},
		{"T rule, no C rule, V rule", `T bob view; closed bob edit`, "view edit edit view"},
		{"admin on C counts as access", `C bob admin`, "access access access access"},
		{"admin on T counts as access", `T bob admin`, "access access access access"},
		{"search grants nothing", `C bob search`, "- - - -"},
		{"available grants nothing", `C bob available`, "- - - -"},
		{"a rule on the record before views", `closed bob edit; r2 bob view`, "- view edit -"},
		{"a record's deny before its view", `closed bob edit; r2 bob deny`, "- - edit -"},
		{"a record's rule undoes its view's deny", `C bob edit; closed bob deny; r2 bob view`, "edit view - edit"},
		{"another subject's rule does not", `C bob edit; closed bob deny; r2 all edit`, "edit - - edit"},
		{"several views: the highest", `closed bob view; dear bob delete`, "- delete delete -"},
		{"several views: a deny among them", `closed bob deny; dear bob delete`, "- - - -"},
		{"a view for the asking user", `own all edit`, "edit - edit -"},
		{"a catalog's admin under a view's rule", `C bob admin; closed bob view`, "access view view access"},
		{"the order of rules is of no matter", `C south view; C north edit`, "edit edit edit edit"},
	}
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				g.rules(t, row.rules)
				if got := g.may(t, "bob"); got != row.want {
					t.Errorf("%s: got %q, want %q", row.rules, got, row.want)
				}
			})
		}
	})
}

// TestRulesOnPrivileges: each privilege as a rule on each kind of object, and
// what it is refused with where it does not belong.
func TestRulesOnPrivileges(t *testing.T) {
	codes := []string{"deny", "available", "search", "view", "edit", "create", "export", "delete", "access", "admin"}
	allowed := map[string][]string{
		"T":      {"available", "search", "view", "edit", "create", "export", "delete", "access", "admin"},
		"C":      {"available", "search", "view", "edit", "create", "export", "delete", "access", "admin"},
		"closed": {"deny", "view", "edit", "create", "export", "delete", "access"},
		"r1":     {"deny", "view", "edit", "export", "delete", "access"},
	}
	s := newSite(t, nil)
	g := newStage(t, s)
	for object, list := range allowed {
		for _, code := range codes {
			t.Run(object+" "+code, func(t *testing.T) {
				_, rule := ruleOf(object + " bob " + code)
				a := s.do(t, "POST", "/rights", rulesOn(stageObjects[object], annaAdminsIn(object)+rule))
				if want := slices.Contains(list, code); want != (a.status == 200) || !want && a.outcome(t) != "400 validation_failed" {
					t.Errorf("%d %s", a.status, a.body)
				}
			})
		}
	}
	// Each includes all lower ones.
	for i, code := range codes[1:] {
		g.rules(t, "C bob "+code)
		got := idsOf(t, g.as(t, "bob", "GET", "/rights?catalogId=26", ""), "privileges")[0]
		for j, other := range codes[1:] {
			if has := strings.Contains(got, `"`+other+`"`); has != (j <= i) {
				t.Errorf("%s: %s is among %s: %v", code, other, got, has)
			}
		}
	}
}

// annaAdminsIn are the rules that a section must keep.
func annaAdminsIn(object string) string {
	if object == "T" || object == "S" {
		return annaAdmins + ","
	}
	return ""
}

// TestGroups: who is in a group is decided by the own card, now.
func TestGroups(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		const none, all = "- - - -", "view view view view"
		g.rules(t, "C south view")
		see := func(when, who, want string) {
			t.Helper()
			if got := g.may(t, who); got != want {
				t.Errorf("%s %s may %s", when, who, got)
			}
		}
		see("as a member", "bob", all)
		see("as no member", "cy", none)
		s.must(t, "PATCH", "/catalogs/$users/records/3", `{"values":{"5":["2"]}}`)
		s.must(t, "PATCH", "/catalogs/$users/records/2", `{"values":{"5":[]}}`)
		see("with the next request", "cy", all)
		see("with the next request", "bob", none)
		s.must(t, "DELETE", "/catalogs/25/records/2", "")
		see("in a deleted group", "cy", none)
		if got := s.must(t, "GET", "/rights?catalogId=26", ""); !strings.Contains(got, `"recordTitle":"Beta"`) {
			t.Errorf("the rule of the deleted group, with its last title: %s", got)
		}
		g.rules(t, "C all view")
		see("as one of all", "bob", all)
		s.must(t, "PATCH", "/catalogs/$users/records/2", `{"values":{"$type":["$extuser"]}}`)
		see("as an external employee", "bob", all)
	})
}

// TestListsOfViews: what is listed in a legal view needs a rule on it, or one on
// the catalog or section, whatever those say besides.
func TestListsOfViews(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		for _, row := range []struct{ name, rules, view, want string }{
			{"a rule on the view", `closed bob view`, "closed", "2 3"},
			{"a rule on the view, search on C", `C bob search; closed bob view`, "closed", "2 3"},
			{"a grant on C", `C bob view`, "closed", "2 3"},
			{"a grant on T", `T bob view`, "closed", "2 3"},
			{"a rule on another view", `closed bob view`, "dear", "403 forbidden"},
			{"a record's rule only", `r2 bob view`, "closed", "403 forbidden"},
			{"a deny on the view", `C bob view; closed bob deny`, "closed", "403 forbidden"},
			{"minus what is denied", `closed bob view; r3 bob deny`, "closed", "2"},
			{"minus what another view denies", `own bob view; dear south deny`, "own", "1"},
			{"for the asking user", `own all view`, "own", "1 3"},
			{"search on C only", `C bob search`, "closed", "403 forbidden"},
			{"no view", `C bob view`, "0", "1 2 3 4"},
			{"no such view", `C bob view`, "99", "404 not_found"},
		} {
			t.Run(row.name, func(t *testing.T) {
				g.rules(t, row.rules)
				for _, path := range []string{"/catalogs/26/records?sortType=1&viewId=", "/histories?catalogId=26&sortType=asc&actionType=CREATE&viewId="} {
					a := g.as(t, "bob", "GET", path+row.view, "")
					got := a.outcome(t)
					if a.status == 200 {
						name := "id"
						if path[1] == 'h' {
							name = "recordId"
						}
						got = strings.Join(idsOf(t, a, name), " ")
					}
					if got != row.want {
						t.Errorf("%s: got %q, want %q", path, got, row.want)
					}
				}
			})
		}
	})
}

// TestPrivilegesOnObjects: sections, catalogs and views beside their records.
// "-" is 403.
func TestPrivilegesOnObjects(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		for _, row := range []struct{ name, rules, section, catalog, view string }{
			{"none", ``, "-", "-", "-"},
			{"T", `T bob edit`, "edit", "edit", "-"},
			{"T admin gives C admin, V access", `T bob admin`, "admin", "admin", "access"},
			{"C: T gets search", `C bob edit`, "search", "edit", "-"},
			{"C access: V access", `C bob access`, "search", "access", "access"},
			{"V: C and T get search", `closed bob delete`, "search", "search", "delete"},
			{"a record: C and T get search", `r1 bob view`, "search", "search", "-"},
			{"deny on a view gives nothing", `closed bob deny`, "-", "-", "-"},
			{"the same subject: T edit, C view", `T bob edit; C bob view`, "edit", "view", "-"},
			{"two subjects: T edit, C view", `T all edit; C bob view`, "edit", "edit", "-"},
			{"the same subject: C edit, V view", `C bob edit; closed bob view`, "search", "edit", "view"},
			{"two subjects: C edit, V view", `C all edit; closed bob view`, "search", "edit", "edit"},
			{"raised by hand", `C bob view; closed bob edit`, "search", "view", "edit"},
			{"lowered by hand: hidden, children work", `C bob available; closed bob edit`, "search", "available", "edit"},
			{"the section lowered too", `T bob available; C bob available; closed bob edit`, "available", "available", "edit"},
		} {
			t.Run(row.name, func(t *testing.T) {
				g.rules(t, row.rules)
				for path, want := range map[string]string{"/sections/3": row.section, "/catalogs/26": row.catalog, "/catalogs/26/views/closed": row.view} {
					a := g.as(t, "bob", "GET", path, "")
					got := "-"
					if a.status == 200 {
						got = member(t, a, "privilegeCode")
					} else if a.outcome(t) != "403 forbidden" {
						got = a.body
					}
					if got != want {
						t.Errorf("%s: %s, want %s", path, got, want)
					}
				}
			})
		}
	})
}

// TestCreatingByRules: a privilege on the catalog or on any legal view of it.
func TestCreatingByRules(t *testing.T) {
	s := newSite(t, nil)
	g := newStage(t, s)
	for _, row := range []struct{ name, rules, want string }{
		{"edit on C", `C bob edit`, "403 forbidden"}, {"create on C", `C bob create`, "200"}, {"create on T", `T bob create`, "200"},
		{"edit on V", `none bob edit`, "403 forbidden"}, {"create on a view that it will not be in", `none bob create`, "200"},
		{"T create, C view", `T bob create; C bob view`, "403 forbidden"}, {"delete on a record", `r1 bob delete`, "403 forbidden"},
	} {
		t.Run(row.name, func(t *testing.T) {
			g.rules(t, row.rules)
			a := g.as(t, "bob", "POST", "/catalogs/26/records", `{"values":{"1":"New"}}`)
			if got := a.outcome(t); got != row.want {
				t.Errorf("got %s, want %s: %s", got, row.want, a.body)
			}
			if strings.HasPrefix(row.rules, "none") && a.status == 200 {
				if seen := g.as(t, "bob", "GET", "/catalogs/26/records/"+idOf(t, a.body), "").outcome(t); seen != "403 forbidden" {
					t.Errorf("and sees it: %s", seen)
				}
			}
		})
	}
}

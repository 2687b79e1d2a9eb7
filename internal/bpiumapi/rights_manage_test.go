package bpiumapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The examples of the contract about automatic rules, legal views, managing
// rights, the initial state and the system's catalogs.

// autoRules lists the automatic rules of an object as privileges of subjects.
func (g *stage) autoRules(t *testing.T, object string) string {
	t.Helper()
	query := strings.NewReplacer(`"`, "", ":", "=", ",", "&").Replace(stageObjects[object])
	_, rules, _ := strings.Cut(g.must(t, "GET", "/rights?withSearch=true&"+query, ""), `"rules":`)
	var list []string
	for part := range strings.SplitSeq(rules, `"type":"auto",`) {
		if strings.HasPrefix(part, `"privilegeCode":"`) {
			code, _, _ := strings.Cut(strings.TrimPrefix(part, `"privilegeCode":"`), `"`)
			_, title, _ := strings.Cut(part, `"recordTitle":"`)
			title, _, _ = strings.Cut(title, `"`)
			list = append(list, title+" "+code)
		}
	}
	return strings.Join(list, ", ")
}

// TestAutomaticRules: each trigger of the contract's table.
func TestAutomaticRules(t *testing.T) {
	s := newSite(t, nil)
	g := newStage(t, s)
	for _, row := range []struct{ name, rules, section, catalog string }{
		{"a rule on a record", `r1 bob view`, "Bob search", "Bob search"},
		{"a rule on a view", `closed bob view`, "Bob search", "Bob search"},
		{"a deny", `closed bob deny; r1 cy deny`, "", ""},
		{"a rule on a catalog", `C bob view`, "Bob search", ""},
		{"a direct rule is there", `T bob view; C bob view; r1 bob edit`, "", ""},
		{"a direct rule of another subject", `C all view; r1 bob edit`, "All employees search, Bob search", "Bob search"},
		{"the last child rule removed", ``, "", ""},
		{"deleted by a POST that does not list it", `C cy view; r1 bob view`, "Bob search, Cy search", "Bob search"},
		{"raised", `C bob view; r1 bob edit`, "Bob search", ""},
		{"lowered to available", `T bob available; C bob available; r1 bob view`, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			g.rules(t, row.rules)
			if section, c := g.autoRules(t, "T"), g.autoRules(t, "C"); section != row.section || c != row.catalog {
				t.Errorf("on the section %q, on the catalog %q", section, c)
			}
			if got := s.must(t, "GET", "/rights?sectionId=3&catalogId=26", ""); strings.Contains(got, `"type":"auto"`) {
				t.Errorf("without withSearch: %s", got)
			}
		})
	}
	g.rules(t, `T bob edit; closed bob view`)
	if got := g.may(t, "bob"); got != "edit view view edit" {
		t.Errorf("an automatic rule takes the place of the section's: %s", got)
	}
	g.rules(t, `T bob available; C bob available; closed bob edit`)
	menu := g.as(t, "bob", "GET", "/sections", "").body + g.as(t, "bob", "GET", "/catalogs", "").body
	if got := g.may(t, "bob"); menu != "[][]" || got != "- edit edit -" {
		t.Errorf("lowered: the menu %s, records %s", menu, got)
	}
}

// TestLegalViews: what the contract says of them beside their rules.
func TestLegalViews(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		t.Run("without any rule it grants nothing", func(t *testing.T) {
			g.rules(t, "C bob search")
			if got := g.may(t, "bob"); got != "- - - -" {
				t.Error(got)
			}
		})
		t.Run("an empty name hides it from the list, not its effect", func(t *testing.T) {
			g.rules(t, "closed bob view")
			s.must(t, "PATCH", "/catalogs/26/views/closed", `{"name":"","originName":"Closed ones"}`)
			list, got := idsOf(t, g.as(t, "bob", "GET", "/catalogs/26/views", ""), "id"), g.may(t, "bob")
			s.must(t, "PATCH", "/catalogs/26/views/closed", `{"name":"closed"}`)
			if len(list) != 0 || got != "- view view -" {
				t.Errorf("listed %v, records %s", list, got)
			}
		})
		t.Run("a change may take the record away, and is answered", func(t *testing.T) {
			g.rules(t, "own bob edit")
			a := g.as(t, "bob", "PATCH", "/catalogs/26/records/1", `{"values":{"3":[3]}}`)
			got := g.may(t, "bob")
			s.must(t, "PATCH", "/catalogs/26/records/1", `{"values":{"3":[2]}}`)
			if a.outcome(t) != "200" || member(t, a, "id") != "1" || got != "- - edit -" {
				t.Errorf("%d %s, then %s", a.status, a.body, got)
			}
		})
		t.Run("a filter on a field that the subject cannot see", func(t *testing.T) {
			g.rules(t, "C bob search 5=hide; closed bob view")
			if got := g.may(t, "bob"); got != "- view view -" {
				t.Error(got)
			}
		})
		t.Run("made personal it loses its rules", func(t *testing.T) {
			g.rules(t, "none bob create; dear bob view")
			s.must(t, "PATCH", "/catalogs/26/views/dear", `{"forRights":false}`)
			s.must(t, "PATCH", "/catalogs/26/views/dear", `{"forRights":true}`)
			if got := g.may(t, "bob"); got != "- - - -" {
				t.Error(got)
			}
		})
		t.Run("broken it matches nothing, and for a deny everything", func(t *testing.T) {
			s.must(t, "PATCH", "/catalogs/26", `{"fields":[{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4"}]}`)
			g.rules(t, "closed bob view")
			grants, listed := g.may(t, "bob"), g.as(t, "bob", "GET", "/catalogs/26/records?viewId=closed", "").body
			g.rules(t, "C bob view; closed bob deny")
			denies := g.may(t, "bob")
			broken := s.must(t, "GET", "/catalogs/26/views/closed", "")
			if grants != "- - - -" || listed != "[]" || denies != "- - - -" || !strings.Contains(broken, `"broken":true`) {
				t.Errorf("grants %s, lists %s, denies %s: %s", grants, listed, denies, broken)
			}
		})
	})
}

// TestForbiddenOrMissing: 404 for what does not exist or was removed, 403 for
// what exists; below what he cannot see always 403.
func TestForbiddenOrMissing(t *testing.T) {
	s := newSite(t, nil)
	g := newStage(t, s)
	s.must(t, "DELETE", "/catalogs/26/records/4", "")
	for _, row := range []struct{ name, rules, path, want string }{
		{"a record without a right", `C bob search`, "/catalogs/26/records/1", "403 forbidden"},
		{"no such record", `C bob search`, "/catalogs/26/records/99", "404 not_found"},
		{"a removed record", `C bob view`, "/catalogs/26/records/4", "404 not_found"},
		{"no such record of a catalog that he cannot see", ``, "/catalogs/26/records/99", "403 forbidden"},
		{"no such view of it", ``, "/catalogs/26/views/99", "403 forbidden"},
		{"no such field of it", ``, "/catalogs/26/fields/99/availableRecords", "403 forbidden"},
		{"rights of no such record of it", ``, "/rights?catalogId=26&recordId=99", "403 forbidden"},
		{"the history of no such record of it", ``, "/histories?catalogId=26&recordId=99", "403 forbidden"},
		{"no such catalog", ``, "/catalogs/99", "404 not_found"},
		{"a section without a right", ``, "/sections/3", "403 forbidden"},
		{"no such section", ``, "/sections/99", "404 not_found"},
		{"lists leave out", `C bob search`, "/catalogs/26/records?id=1&id=99", "200"},
		{"catalogs of a section that he cannot see", ``, "/catalogs?sectionId=3", "200"},
	} {
		t.Run(row.name, func(t *testing.T) {
			g.rules(t, row.rules)
			a := g.as(t, "bob", "GET", row.path, "")
			if got := a.outcome(t); got != row.want || got == "200" && a.body != "[]" {
				t.Errorf("got %s, want %s: %s", got, row.want, a.body)
			}
		})
	}
}

// TestManagingRules: what access may set, and what only admin.
func TestManagingRules(t *testing.T) {
	s := newSite(t, nil)
	g := newStage(t, s)
	const base = `C anna admin; C bob access`
	for _, row := range []struct{ name, rules, sets, want, after string }{
		{"access sets rules up to access", base, `C anna admin; C bob access; C cy access`, "200", "admin access access"},
		{"but none with admin", base, `C anna admin; C bob access; C cy admin`, "403 forbidden", "admin access"},
		{"nor changes one", base, `C anna access; C bob access`, "403 forbidden", "admin access"},
		{"one left out is kept", base, `C bob access`, "200", "admin access"},
		{"one sent unchanged is kept", base, `C bob access; C anna admin`, "200", "admin access"},
		{"admin sets them all", `C bob admin`, `C bob admin; C cy admin`, "200", "admin admin"},
		{"access on a view: its rules", `closed bob access`, `closed bob access; closed cy view`, "200", "access view"},
		{"not the catalog's", `closed bob access`, `C bob view`, "403 forbidden", ""},
		{"not another view's", `closed bob access`, `dear bob view`, "403 forbidden", ""},
		{"not its records'", `closed bob access; r1 anna view`, `r1 bob view`, "403 forbidden", "view"},
		{"access on a record: its rules", `r1 bob access`, `r1 bob access; r1 cy edit`, "200", "access edit"},
		{"access on the catalog: its views", `C bob access`, `closed cy edit`, "200", "access edit"},
		{"access on the catalog: its records", `C bob access`, `r1 cy edit`, "200", "access edit"},
		{"not the section's", `C bob access`, `T bob view`, "403 forbidden", "admin"},
		{"access on the section: all inside", `T bob access`, `C cy edit`, "200", "edit"},
		{"delete sets none", `C bob delete`, `C bob delete`, "403 forbidden", "delete"},
	} {
		t.Run(row.name, func(t *testing.T) {
			g.rules(t, row.rules)
			object, list := "", []string{}
			for rule := range strings.SplitSeq(row.sets, ";") {
				var body string
				object, body = ruleOf(rule)
				list = append(list, body)
			}
			got := g.as(t, "bob", "POST", "/rights", rulesOn(stageObjects[object], strings.Join(list, ","))).outcome(t)
			query := strings.NewReplacer(`"`, "", ":", "=", ",", "&").Replace(stageObjects[object])
			var codes []string
			for part := range strings.SplitSeq(s.must(t, "GET", "/rights?"+query, ""), `"type":"direct","privilegeCode":"`) {
				code, _, _ := strings.Cut(part, `"`)
				codes = append(codes, code)
			}
			if after := strings.Join(codes[1:], " "); got != row.want || after != row.after {
				t.Errorf("%s, the rules are then %q", got, after)
			}
		})
	}
}

// TestGuardOfAdministrators: somebody with a login stays administrator of
// $settings.
func TestGuardOfAdministrators(t *testing.T) {
	s := newSite(t, nil)
	g := newStage(t, s)
	for _, row := range []struct{ name, method, path, body string }{
		{"the last rule removed", "POST", "/rights", rulesOn(stageObjects["S"], "")},
		{"it lowered", "POST", "/rights", rulesOn(stageObjects["S"], strings.Replace(annaAdmins, "admin", "access", 1))},
		{"given to somebody without a login", "POST", "/rights", rulesOn(stageObjects["S"], `{"rightSubject":{"userAttr":"id","catalogId":"$users","recordId":"4"},"privilegeCode":"admin"}`)},
		{"the last one deleted", "DELETE", "/catalogs/$users/records/1", ""},
		{"his login cleared", "PATCH", "/catalogs/$users/records/1", `{"values":{"$email":""}}`},
	} {
		if row.path == "/rights" && strings.Contains(row.body, `"4"`) {
			s.must(t, "POST", "/catalogs/$users/records", `{"values":{"$name":"Di"}}`)
		}
		if got := s.do(t, row.method, row.path, row.body).outcome(t); got != "400 last_admin" {
			t.Errorf("%s: %s", row.name, got)
		}
	}
	g.rules(t, "S bob admin")
	if got := s.do(t, "POST", "/rights", rulesOn(stageObjects["S"], `{"rightSubject":{"userAttr":"id","catalogId":"$users","recordId":"2"},"privilegeCode":"admin"}`)).outcome(t); got != "200" {
		t.Errorf("handed over: %s", got)
	}
}

// TestRulesOutlivePersons: those of a deleted employee stay, and do nothing.
func TestRulesOutlivePersons(t *testing.T) {
	s := newSite(t, nil)
	g := newStage(t, s)
	g.rules(t, "C cy edit; C north view")
	s.must(t, "DELETE", "/catalogs/$users/records/3", "")
	if got := s.must(t, "GET", "/rights?catalogId=26", ""); !strings.Contains(got, `"recordTitle":"Cy"`) {
		t.Errorf("the rule is gone: %s", got)
	}
	if a := g.as(t, "cy", "GET", "/catalogs/26/records", ""); a.outcome(t) != "403 no_company" {
		t.Errorf("cy: %d %s", a.status, a.body)
	}
}

// TestInitialRights of a company, a section, a catalog, a record, a view and an
// employee.
func TestInitialRights(t *testing.T) {
	s := newSite(t, nil)
	rules := func(query string) string {
		_, list, _ := strings.Cut(s.must(t, "GET", "/rights?"+query, ""), `"rules":`)
		list, _, _ = strings.Cut(list, `,"privileges"`)
		return list
	}
	const one = `"privilegeCode":"admin"`
	for _, section := range []string{"$settings", "$system"} {
		if got := rules("sectionId=" + section); strings.Count(got, one) != 1 || strings.Count(got, `"id":`) != 1 || !strings.Contains(got, `"recordId":"1"`) {
			t.Errorf("%s: %s", section, got)
		}
	}
	section := idOf(t, s.must(t, "POST", "/sections", `{"name":"New"}`))
	s.must(t, "POST", "/catalogs", `{"name":"New","sectionId":"`+section+`","fields":[{"type":"text","name":"x"}]}`)
	s.must(t, "POST", "/catalogs/25/records", `{"values":{"1":"x"}}`)
	view := idOf(t, s.must(t, "POST", "/catalogs/25/views", `{"name":"x","forRights":true}`))
	if got := rules("sectionId=" + section); strings.Count(got, `"id":`) != 1 || !strings.Contains(got, one) || !strings.Contains(got, `"userAttr":"allUsers"`) {
		t.Errorf("the new section: %s", got)
	}
	for _, query := range []string{"catalogId=25", "catalogId=25&recordId=1", "catalogId=25&viewId=" + view} {
		if got := s.must(t, "GET", "/rights?withSearch=true&"+query, ""); strings.Contains(got, `"privilegeCode"`) {
			t.Errorf("%s: %s", query, got)
		}
	}
	s.must(t, "POST", "/catalogs/$users/records", bob)
	g := &stage{s, t}
	if me := g.as(t, "bob", "GET", "/profile/me", ""); member(t, me, "subjects") != "[]" {
		t.Errorf("a new employee: %s", me.body)
	}
	if got := g.as(t, "bob", "GET", "/catalogs/25/records/1", ""); member(t, got, "privilegeCode") != "access" {
		t.Errorf("in the open section: %s", got.body)
	}
}

// TestSystemCatalogs: ordinary rights, write-only secrets, mirrors that nobody
// writes.
func TestSystemCatalogs(t *testing.T) {
	s := newSite(t, nil)
	g := newStage(t, s)
	s.must(t, "POST", "/catalogs/$authServices/records", `{"values":{"$name":"x","$codes":"[1]"}}`)
	for _, row := range []struct{ name, rules, method, path, body, want string }{
		{"employees: a right on the catalog", "U bob view", "GET", "/catalogs/$users/records", "", "200"},
		{"employees: none", "", "GET", "/catalogs/$users/records", "", "403 forbidden"},
		{"services: a right on $settings", "S bob view", "GET", "/catalogs/$authServices/records", "", "200"},
		{"$system: a right on $settings is none", "S bob admin", "GET", "/catalogs/$requests/records", "", "403 forbidden"},
		{"mirrors: admins of $settings", "S bob admin", "GET", "/catalogs/$catalogs/records", "", "200"},
		{"mirrors: nobody else", "S bob access", "GET", "/catalogs/$catalogs/records", "", "403 forbidden"},
		{"mirrors: with a right of their own", "", "GET", "/catalogs/$rights/records", "", "403 forbidden"},
	} {
		g.rules(t, row.rules)
		if a := g.as(t, "bob", row.method, row.path, row.body); a.outcome(t) != row.want || strings.Contains(a.body, "[1]") || strings.Contains(a.body, "$argon") {
			t.Errorf("%s: %d %s", row.name, a.status, a.body)
		}
	}
	mirrors := []string{"$catalogs", "$sections", "$views", "$boards", "$widgets", "$messages", "$rights", "$rightFields"}
	for _, c := range mirrors {
		for _, call := range [][2]string{{"POST", ""}, {"PATCH", "/1"}, {"DELETE", "/1"}} {
			if got := s.do(t, call[0], "/catalogs/"+c+"/records"+call[1], `{"values":{}}`).outcome(t); got != "405 method_not_allowed" {
				t.Errorf("%s %s: %s", call[0], c, got)
			}
		}
	}
	listed := idsOf(t, s.do(t, "GET", "/catalogs?withHidden=true", ""), "id")
	usual := idsOf(t, s.do(t, "GET", "/catalogs", ""), "id")
	for _, c := range mirrors {
		if !slices.Contains(listed, c) || slices.Contains(usual, c) {
			t.Errorf("%s: %s", c, fmt.Sprint(usual, listed))
		}
	}
	if got := s.must(t, "GET", "/catalogs/$authServices/records", ""); !strings.Contains(got, "[1]") {
		t.Errorf("a secret, for an administrator of its catalog: %s", got)
	}
	if got := s.must(t, "GET", "/catalogs/$users/records/2", ""); !strings.Contains(got, `"$password":""`) {
		t.Errorf("a password, for anybody: %s", got)
	}
}

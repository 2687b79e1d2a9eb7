package bpiumapi_test

import (
	"fmt"
	"strings"
	"testing"
)

// callCase is a row of "what each call checks": who asks (Bob), with rules that
// are just enough and with rules one lower. Make are requests of the
// administrator's before each try; "{new}" is the id that the last one gave.
type callCase struct {
	name          string
	make          []string // "POST /path body"
	enough, lower string
	call          string // "METHOD /path body"
	refusal       string // of lower: "" for 200 without what enough gives
	with          string // what the answer has only with enough; "" for any
}

const (
	newRecord  = `POST /catalogs/26/records {"values":{"1":"Fresh","2":5}}`
	newCatalog = `POST /catalogs {"name":"Fresh","sectionId":"3"}`
	newSection = `POST /sections {"name":"Fresh"}`
	ownSection = `POST /rights {"object":{"sectionId":"{new}"},"rules":[{"rightSubject":{"userAttr":"allUsers"},"privilegeCode":"%s"}]}` // access, then admin
)

var callCases = []callCase{
	{name: "GET sections", enough: `T bob search`, lower: `T bob available`, call: `GET /sections`, with: `"id":"3"`},
	{name: "GET sections: by what is inside", enough: `r1 bob view`, lower: `r1 bob deny`, call: `GET /sections`, with: `"id":"3"`},
	{name: "GET catalogs", enough: `C bob search`, lower: `C bob available`, call: `GET /catalogs`, with: `"id":"26"`},
	{name: "GET section", enough: `T bob available`, call: `GET /sections/3`, refusal: "403 forbidden"},
	{name: "GET catalog", enough: `C bob available`, call: `GET /catalogs/26`, refusal: "403 forbidden"},
	{name: "POST section", enough: `S bob admin`, lower: `S bob access`, call: `POST /sections {"name":"Own"}`, refusal: "403 forbidden"},
	{name: "PATCH section", enough: `T bob admin`, lower: `T bob access`, call: `PATCH /sections/3 {"name":"Main"}`, refusal: "403 forbidden"},
	{name: "DELETE section", make: []string{newSection, ownSection}, call: `DELETE /sections/{new}`, refusal: "403 forbidden"},
	{name: "POST catalog", enough: `T bob admin`, lower: `T bob access`, call: `POST /catalogs {"name":"Own","sectionId":"3"}`, refusal: "403 forbidden"},
	{name: "PATCH catalog", enough: `C bob admin`, lower: `C bob access`, call: `PATCH /catalogs/26 {"name":"Orders"}`, refusal: "403 forbidden"},
	{name: "DELETE catalog", make: []string{newCatalog}, enough: `T bob admin`, lower: `T bob access`, call: `DELETE /catalogs/{new}`, refusal: "403 forbidden"},
	{name: "clear catalog", make: []string{newCatalog}, enough: `T bob admin`, lower: `T bob access`, call: `POST /catalogs/{new}/clear {"name":"Fresh"}`, refusal: "403 forbidden"},
	{name: "move catalog: the target section", enough: `T bob admin; S bob admin`, lower: `T bob admin; S bob access`, call: `PATCH /catalogs/26 {"sectionId":"$settings"}`, refusal: "403 forbidden"},
	{name: "GET records", enough: `C bob view`, lower: `C bob search`, call: `GET /catalogs/26/records`, with: `"id":"1"`},
	{name: "GET records: see the catalog", enough: `C bob available`, call: `GET /catalogs/26/records`, refusal: "403 forbidden"},
	{name: "GET record", enough: `C bob view`, lower: `C bob search`, call: `GET /catalogs/26/records/1`, refusal: "403 forbidden"},
	{name: "POST record", enough: `C bob create`, lower: `C bob edit`, call: `POST /catalogs/26/records {"values":{"1":"Own"}}`, refusal: "403 forbidden"},
	{name: "POST record: the field", enough: `C bob create`, lower: `C bob create 2=view`, call: `POST /catalogs/26/records {"values":{"2":5}}`, refusal: "403 field_readonly"},
	{name: "PATCH record", make: []string{newRecord}, enough: `C bob edit`, lower: `C bob view`, call: `PATCH /catalogs/26/records/{new} {"values":{"2":6}}`, refusal: "403 field_readonly"},
	{name: "PATCH record: one field", make: []string{newRecord}, enough: `C bob view 2=edit`, lower: `C bob view 1=edit`, call: `PATCH /catalogs/26/records/{new} {"values":{"2":6}}`, refusal: "403 field_readonly"},
	{name: "PATCH record: the same value", make: []string{newRecord}, enough: `C bob view`, lower: `C bob search`, call: `PATCH /catalogs/26/records/{new} {"values":{"2":5}}`, refusal: "403 forbidden"},
	{name: "PATCH record: its id", make: []string{newRecord}, enough: `C bob access`, lower: `C bob delete`, call: `PATCH /catalogs/26/records/{new} {"id":"own%d"}`, refusal: "403 forbidden"},
	{name: "changes: editing", enough: `C bob view 2=edit`, lower: `C bob view`, call: `POST /catalogs/26/records/1/changes {"values":{"2":6}}`, refusal: "403 forbidden"},
	{name: "changes: editing, the record", enough: `C bob edit`, lower: `C bob search 2=edit`, call: `POST /catalogs/26/records/1/changes {}`, refusal: "403 forbidden"},
	{name: "changes: a hidden field", enough: `C bob edit`, lower: `C bob edit 2=hide`, call: `POST /catalogs/26/records/1/changes {"allValues":{"2":6}}`, refusal: "403 field_hidden"},
	{name: "changes: a new one", enough: `C bob create`, lower: `C bob edit`, call: `POST /catalogs/26/changes {"values":{"2":6}}`, refusal: "403 forbidden"},
	{name: "changes: by the body", enough: `C bob create`, lower: `C bob edit`, call: `POST /changes {"catalogId":"26"}`, refusal: "403 forbidden"},
	{name: "DELETE record", make: []string{newRecord}, enough: `C bob delete`, lower: `C bob export`, call: `DELETE /catalogs/26/records/{new}`, refusal: "403 forbidden"},
	{name: "linked sub-write: create", enough: `C bob create; D bob create`, lower: `C bob create; D bob edit`,
		call: `POST /catalogs/26/records {"values":{"1":"x","4":[{"catalogId":"25","recordValues":{"1":"Linked"}}]}}`, refusal: "403 forbidden"},
	{name: "linked sub-write: change", enough: `C bob edit; D bob edit`, lower: `C bob edit; D bob view`,
		call: `PATCH /catalogs/26/records/1 {"values":{"4":[{"catalogId":"25","recordId":"acme","recordValues":{"3":%d}}]}}`, refusal: "403 field_readonly"},
	{name: "relations", enough: `D bob view`, lower: `D bob search`, call: `GET /catalogs/25/records/acme/relations`, refusal: "403 forbidden"},
	{name: "relations: the group", enough: `D bob view; C bob available`, lower: `D bob view`, call: `GET /catalogs/25/records/acme/relations`, with: `"id":"26"`},
	{name: "relations: the records", enough: `D bob view; C bob view`, lower: `D bob view; C bob search`, call: `GET /catalogs/25/records/acme/relations`, with: `"title":"Chairs"`},
	{name: "history of a record", enough: `r1 bob view`, lower: `C bob search`, call: `GET /histories?catalogId=26&recordId=1`, refusal: "403 forbidden"},
	{name: "history of a catalog", enough: `r1 bob view`, lower: `C bob search`, call: `GET /histories?catalogId=26`, with: `"recordId":"1"`},
	{name: "comment", enough: `r1 bob view`, lower: `C bob search`, call: `POST /histories {"catalogId":26,"recordId":"1","type":"COMMENT","payload":{"message":"x"}}`, refusal: "403 forbidden"},
	{name: "views: a ruled one", enough: `closed bob view`, lower: `C bob delete`, call: `GET /catalogs/26/views`, with: `"id":"closed"`},
	{name: "views: of a manager", enough: `C bob access`, lower: `C bob delete`, call: `GET /catalogs/26/views`, with: `"id":"dear"`},
	{name: "views: see the catalog", enough: `C bob available`, call: `GET /catalogs/26/views`, refusal: "403 forbidden"},
	{name: "view: a ruled one", enough: `closed bob view`, lower: `C bob delete`, call: `GET /catalogs/26/views/closed`, refusal: "403 forbidden"},
	{name: "view: of a manager", enough: `C bob access`, lower: `C bob delete`, call: `GET /catalogs/26/views/closed`, refusal: "403 forbidden"},
	{name: "view: make a personal one", enough: `C bob available`, call: `POST /catalogs/26/views {"name":"Own"}`, refusal: "403 forbidden"},
	{name: "view: make a legal one", enough: `C bob access`, lower: `C bob delete`, call: `POST /catalogs/26/views {"name":"Own","forRights":true}`, refusal: "403 forbidden"},
	{name: "view: change a legal one", enough: `C bob access`, lower: `C bob delete; closed bob access`, call: `PATCH /catalogs/26/views/closed {"options":{"x":1}}`, refusal: "403 forbidden"},
	{name: "view: delete a legal one", make: []string{`POST /catalogs/26/views {"name":"Own","forRights":true}`}, enough: `C bob access`, lower: `C bob delete`,
		call: `DELETE /catalogs/26/views/{new}`, refusal: "403 forbidden"},
	{name: "view: somebody's personal one", make: []string{`POST /catalogs/26/views {"name":"Own","forRights":%b}`}, enough: `C bob admin`, lower: `C bob admin`,
		call: `GET /catalogs/26/views/{new}`, refusal: "403 forbidden"},
	{name: "viewId: a ruled view", enough: `closed bob view`, lower: `dear bob view`, call: `GET /catalogs/26/records?viewId=closed`, refusal: "403 forbidden"},
	{name: "viewId: a grant on C", enough: `C bob view`, lower: `C bob search`, call: `GET /catalogs/26/records?viewId=closed`, refusal: "403 forbidden"},
	{name: "viewId in a history", enough: `closed bob view`, lower: `dear bob view`, call: `GET /histories?catalogId=26&viewId=closed`, refusal: "403 forbidden"},
	{name: "availableRecords", enough: `C bob available`, call: `GET /catalogs/26/fields/4/availableRecords`, refusal: "403 forbidden"},
	{name: "availableRecords: the field", enough: `C bob view`, lower: `C bob view 4=hide`, call: `GET /catalogs/26/fields/4/availableRecords`, refusal: "403 field_hidden"},
	{name: "availableRecords: a condition's view", enough: `C bob view; D bob view`, lower: `C bob view; D bob search`,
		call: `GET /catalogs/26/fields/4/availableRecords?recordsFilters=` + esc(`[{"catalogId":"25","filters":{"3":{"at":1}}}]`), with: "Acme"},
	{name: "availableFilterRecords", enough: `C bob available`, call: `GET /catalogs/26/fields/4/availableFilterRecords`, refusal: "403 forbidden"},
	{name: "availableFilterRecords: the field", enough: `C bob view`, lower: `C bob view 4=hide`, call: `GET /catalogs/26/fields/4/availableFilterRecords`, refusal: "403 field_hidden"},
	{name: "availableFilterRecords: the records", enough: `C bob view`, lower: `C bob search`, call: `GET /catalogs/26/fields/4/availableFilterRecords`, with: "Acme"},
	{name: "contacts", enough: `D bob view`, lower: `D bob search`, call: `GET /contacts`, with: "555 0100"},
	{name: "contacts: the field", enough: `D bob view`, lower: `D bob view 2=hide`, call: `GET /contacts`, with: "555 0100"},
	{name: "stream", enough: `C bob available`, call: `GET /stream?catalogId=26`, refusal: "403 forbidden"},
	{name: "stream of a view", enough: `closed bob view`, lower: `dear bob view`, call: `GET /stream?catalogId=26&viewId=closed`, refusal: "403 forbidden"},
	{name: "GET rights of a section", enough: `T bob available`, call: `GET /rights?sectionId=3`, refusal: "403 forbidden"},
	{name: "GET rights of a catalog", enough: `C bob available`, call: `GET /rights?catalogId=26`, refusal: "403 forbidden"},
	{name: "GET rights of a view", enough: `closed bob view`, lower: `C bob search`, call: `GET /rights?catalogId=26&viewId=closed`, refusal: "403 forbidden"},
	{name: "GET rights of a record", enough: `r1 bob view`, lower: `C bob search`, call: `GET /rights?catalogId=26&recordId=1`, refusal: "403 forbidden"},
	{name: "POST rights of a catalog", enough: `C bob access`, lower: `C bob delete`, call: `POST /rights {"object":{"catalogId":"26"},"rules":[]}`, refusal: "403 forbidden"},
	{name: "POST rights of a view", enough: `closed bob access`, lower: `closed bob delete`, call: `POST /rights {"object":{"catalogId":"26","viewId":"closed"},"rules":[]}`, refusal: "403 forbidden"},
	{name: "POST rights of a record", enough: `r1 bob access`, lower: `r1 bob delete`, call: `POST /rights {"object":{"catalogId":"26","recordId":"1"},"rules":[]}`, refusal: "403 forbidden"},
	{name: "POST rights: a rule with admin", enough: `C bob admin`, lower: `C bob access`,
		call: `POST /rights {"object":{"catalogId":"26"},"rules":[{"rightSubject":{"userAttr":"allUsers"},"privilegeCode":"admin"}]}`, refusal: "403 forbidden"},
	{name: "rights of another explained", enough: `C bob access`, lower: `C bob delete`, call: `GET /rights/explain?catalogId=26&userId=3`, refusal: "403 forbidden"},
}

// prepare makes what a row needs, the n-th time, and gives the row's call.
func (c callCase) prepare(t *testing.T, g *stage, n int, rules string) (method, path, body string) {
	t.Helper()
	g.rules(t, "")
	id := ""
	parts := func(call string) (method, path, body string) {
		privilege := []string{"access", "admin"}[n-1]
		call = strings.NewReplacer("{new}", id, "%d", fmt.Sprint(n), "%b", fmt.Sprint(n == 2), "%s", privilege).Replace(call)
		method, rest, _ := strings.Cut(call, " ")
		path, body, _ = strings.Cut(rest, " ")
		return method, path, body
	}
	for _, call := range c.make {
		method, path, body := parts(call)
		if made := g.must(t, method, path, body); strings.HasPrefix(made, "{") {
			id = idOf(t, made)
		}
	}
	g.rules(t, rules)
	return parts(c.call)
}

// TestEveryCallChecks: with the privilege just enough, and with one lower.
func TestEveryCallChecks(t *testing.T) {
	s := newSite(t, nil)
	g := newStage(t, s)
	for _, c := range callCases {
		t.Run(c.name, func(t *testing.T) {
			method, path, body := c.prepare(t, g, 1, c.lower)
			before := g.everything(t)
			a := g.as(t, "bob", method, path, body)
			switch {
			case c.refusal != "" && a.outcome(t) != c.refusal:
				t.Errorf("with %q: %d %.600s, want %s", c.lower, a.status, a.body, c.refusal)
			case c.refusal == "" && (a.status != 200 || strings.Contains(a.body, c.with)):
				t.Errorf("with %q: %d %.600s", c.lower, a.status, a.body)
			}
			if after := g.everything(t); after != before {
				t.Errorf("with %q something was stored: %s", c.lower, difference([]byte(before), []byte(after)))
			}
			method, path, body = c.prepare(t, g, 2, c.enough)
			if a = g.as(t, "bob", method, path, body); a.status != 200 || !strings.Contains(a.body, c.with) {
				t.Errorf("with %q: %d %.600s", c.enough, a.status, a.body)
			}
		})
	}
}

// TestAnyEmployeeMay: what needs no right at all.
func TestAnyEmployeeMay(t *testing.T) {
	s := newSite(t, nil)
	g := newStage(t, s)
	g.rules(t, "")
	for path, with := range map[string]string{
		"/users": `{"id":"1","title":"Anna"}`, "/profile/me": `"email":"bob@example.com"`, "/company": "", "/companies": "", "/license": "", "/contacts": "[]",
		"/sections": "[]", "/catalogs": "[]",
	} {
		if a := g.as(t, "bob", "GET", path, ""); a.status != 200 || !strings.Contains(a.body, with) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

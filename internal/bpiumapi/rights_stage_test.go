package bpiumapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// stage is the office with what the tables of rules play on: catalog 26 with
// the legal views
//
//	own      of the asking employee's records: 1 and 3 are Bob's, 2 Anna's, 4 Cy's
//	closed   in the second state: 2 and 3
//	dear     with an amount from 50: 2 and 3
//	none     of no record
//
// and the groups "north", Bob and Cy, and "south", Bob alone. The section and
// the settings are Anna's, whatever a row says besides.
type stage struct {
	*site
	t *testing.T
}

func newStage(t *testing.T, s *site) *stage {
	t.Helper()
	g := &stage{s, t}
	for _, step := range office {
		s.must(t, step.method, step.path, step.body)
	}
	s.must(t, "PATCH", "/catalogs/$users", `{"fields":[{"id":"$name"},{"id":"$email"},{"id":"$password"},{"id":"$type"},`+
		`{"name":"Branch","type":"object","config":{"catalogs":[{"id":"25"}],"multiselect":true}}]}`)
	s.must(t, "PATCH", "/catalogs/26", `{"fields":[{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4","config":{"catalogs":[{"id":"25"}],"multiselect":true,`+
		`"enableUnsaved":true,"fields":{"25":[{"id":"1","access":"edit"},{"id":"3","access":"edit"}]}}},{"id":"5"}]}`)
	s.must(t, "PATCH", "/catalogs/$users/records/2", `{"values":{"5":["acme","2"]}}`)
	s.must(t, "PATCH", "/catalogs/$users/records/3", `{"values":{"5":["acme"]}}`)
	s.must(t, "POST", "/catalogs/26/records", `{"values":{"1":"Lamps","2":60,"3":[2],"5":["2"]}}`)
	s.must(t, "POST", "/catalogs/26/records", `{"values":{"1":"Pens","2":1,"3":[3],"4":["acme"],"5":["1"]}}`)
	for id, filter := range map[string]string{"own": `{"3":["CURRENT_USER"]}`, "closed": `{"5":["2"]}`, "dear": `{"2":{"at":50}}`, "none": `{"2":{"to":-1}}`} {
		s.must(t, "POST", "/catalogs/26/views", `{"id":"`+id+`","name":"`+id+`","forRights":true,"filters":`+filter+`}`)
	}
	return g
}

// stageObjects are where a row's rules may be, by the first word of the rule.
var stageObjects = map[string]string{
	"S": `"sectionId":"$settings"`, "T": `"sectionId":"3"`, "C": `"catalogId":"26"`, "D": `"catalogId":"25"`, "U": `"catalogId":"$users"`,
	"own": `"catalogId":"26","viewId":"own"`, "closed": `"catalogId":"26","viewId":"closed"`,
	"dear": `"catalogId":"26","viewId":"dear"`, "none": `"catalogId":"26","viewId":"none"`,
	"r1": `"catalogId":"26","recordId":"1"`, "r2": `"catalogId":"26","recordId":"2"`, "r3": `"catalogId":"26","recordId":"3"`,
	"d1": `"catalogId":"25","recordId":"acme"`,
}

// stageSubjects are who they may be about, by the second word.
var stageSubjects = map[string]string{
	"all": `"userAttr":"allUsers"`, "bob": `"userAttr":"id","catalogId":"$users","recordId":"2"`,
	"anna": `"userAttr":"id","catalogId":"$users","recordId":"1"`, "cy": `"userAttr":"id","catalogId":"$users","recordId":"3"`,
	"north": `"userAttr":"5","catalogId":"25","recordId":"acme"`, "south": `"userAttr":"5","catalogId":"25","recordId":"2"`,
}

// ruleOf reads "C bob edit 2=hide 5=view", parted by ';' from others: an object,
// a subject, a privilege, rights on fields.
func ruleOf(rule string) (object, body string) {
	words := strings.Fields(rule)
	fields := make([]string, 0, len(words))
	for _, w := range words[3:] {
		f, right, _ := strings.Cut(w, "=")
		fields = append(fields, `"`+f+`":"`+right+`"`)
	}
	return words[0], `{"rightSubject":{` + stageSubjects[words[1]] + `},"privilegeCode":"` + words[2] + `","fields":{` + strings.Join(fields, ",") + `}}`
}

// rules makes these the only rules beside Anna's.
func (g *stage) rules(t *testing.T, list string) {
	t.Helper()
	of := map[string][]string{"S": {annaAdmins}, "T": {annaAdmins}}
	for rule := range strings.SplitSeq(list, ";") {
		if strings.TrimSpace(rule) != "" {
			object, body := ruleOf(rule)
			of[object] = append(of[object], body)
		}
	}
	var parts []string
	for _, object := range slices.Sorted(maps.Keys(stageObjects)) {
		parts = append(parts, rulesOn(stageObjects[object], strings.Join(of[object], ",")))
	}
	g.must(t, "POST", "/rights", "["+strings.Join(parts, ",")+"]")
}

// as makes a request as one of the employees.
func (g *stage) as(t *testing.T, who, method, path, body string) answer {
	t.Helper()
	r := g.request(t, method, "/api/v1"+path, body)
	r.SetBasicAuth(who+"@example.com", password)
	return g.send(t, r)
}

// outcome is an answer in short: its status, and of errors the code.
func (a answer) outcome(t *testing.T) string {
	t.Helper()
	if a.status < 400 {
		return fmt.Sprint(a.status)
	}
	return fmt.Sprint(a.status, " ", a.failed(t).Code)
}

// idsOf lists the members of that name of an answer's elements.
func idsOf(t *testing.T, a answer, name string) []string {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var list []map[string]json.RawMessage
	check(t, json.Unmarshal([]byte(a.body), &list))
	ids := make([]string, 0, len(list))
	for _, e := range list {
		ids = append(ids, strings.Trim(string(e[name]), `"`))
	}
	return ids
}

// member reads a member of an answer as text.
func member(t *testing.T, a answer, name string) string {
	t.Helper()
	var v map[string]json.RawMessage
	check(t, json.Unmarshal([]byte(a.body), &v))
	return strings.Trim(string(v[name]), `"`)
}

// may tells somebody's privileges on the records 1 to 4 of catalog 26, "-" for
// none, and makes sure that lists, counts, searches, histories and relations
// have the same records.
func (g *stage) may(t *testing.T, who string) string {
	t.Helper()
	var privileges, want []string
	for _, id := range []string{"1", "2", "3", "4"} {
		a := g.as(t, who, "GET", "/catalogs/26/records/"+id, "")
		switch a.outcome(t) {
		case "200":
			privileges, want = append(privileges, member(t, a, "privilegeCode")), append(want, id)
		case "403 forbidden":
			privileges = append(privileges, "-")
		default:
			t.Fatalf("record %s: %d %s", id, a.status, a.body)
		}
	}
	list := g.as(t, who, "GET", "/catalogs/26/records?withTotal=true&sortType=1", "")
	if list.status == http.StatusForbidden && len(want) == 0 {
		return strings.Join(privileges, " ")
	}
	feed := slices.Compact(slices.Sorted(slices.Values(idsOf(t, g.as(t, who, "GET", "/histories?catalogId=26&limit=1000", ""), "recordId"))))
	feed = slices.DeleteFunc(feed, func(id string) bool { return id > "4" })
	for what, got := range map[string][]string{
		"the list": idsOf(t, list, "id"), "the feed": feed,
		"a page":   idsOf(t, g.as(t, who, "GET", "/catalogs/26/records?sortField=1&limit=1000&filters=%7B%221%22%3A%22s%22%7D", ""), "id"),
		"a search": idsOf(t, g.as(t, who, "GET", "/catalogs/26/records?searchText=s", ""), "id"),
	} {
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s has %v, single records are %v", what, got, want)
		}
	}
	if total := list.header.Get("X-Total-Count"); total != fmt.Sprint(len(want)) {
		t.Errorf("counted %s, not %d", total, len(want))
	}
	return strings.Join(privileges, " ")
}

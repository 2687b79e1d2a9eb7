package bpiumapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/bpiumapi"
)

// token is a body for POST /tokens that is refused, and the places it names.
func token(name, body string, names ...string) badCase {
	return badCase{name, "POST", "/tokens", body, 400, "validation_failed", names}
}

var badTokens = []badCase{
	token("no name", `{}`, "name"), token("an empty name", `{"name":" "}`, "name"), token("a long name", `{"name":"`+strings.Repeat("x", 256)+`"}`, "name"),
	token("a name of two lines", `{"name":"a\nb"}`, "name"), token("a list as a name", `{"name":["a"]}`, "name"),
	token("a mistyped limit", `{"name":"a","catalog":["25"]}`, "catalog"), token("a limit set by hand", `{"name":"a","employee":1,"id":"x"}`, "employee", "id"),
	token("an empty list of catalogs", `{"name":"a","catalogs":[]}`, "catalogs"), token("an empty list of addresses", `{"name":"a","ipRanges":[]}`, "ipRanges"),
	token("no list of catalogs", `{"name":"a","catalogs":"25"}`, "catalogs"), token("no such catalog", `{"name":"a","catalogs":["25","99"]}`, "catalogs[1]"),
	token("no id of a catalog", `{"name":"a","catalogs":[{}]}`, "catalogs[0]"), token("no catalog", `{"name":"a","catalogs":[null]}`, "catalogs[0]"),
	token("no verb", `{"name":"a","verbs":[]}`, "verbs"), token("an unknown verb", `{"name":"a","verbs":["read","GET"]}`, "verbs[1]"),
	token("no text of a verb", `{"name":"a","verbs":[1]}`, "verbs[0]"), token("a verb alone", `{"name":"a","verbs":"read"}`, "verbs"),
	token("admin inside of catalogs", `{"name":"a","catalogs":["25"],"verbs":["read","admin"]}`, "verbs"),
	token("no range", `{"name":"a","ipRanges":["x"]}`, "ipRanges[0]"), token("a long range", `{"name":"a","ipRanges":["10.0.0.0/33"]}`, "ipRanges[0]"),
	token("a cut address", `{"name":"a","ipRanges":["10.0.0"]}`, "ipRanges[0]"), token("a zone", `{"name":"a","ipRanges":["fe80::1%eth0"]}`, "ipRanges[0]"),
	token("beyond IPv4", `{"name":"a","ipRanges":["::ffff:10.0.0.0/90"]}`, "ipRanges[0]"), token("a number", `{"name":"a","ipRanges":[10]}`, "ipRanges[0]"),
	token("300 ranges and one", `{"name":"a","ipRanges":[`+manyRanges()+`"10.0.0.1"]}`, "ipRanges"),
	token("an end that has been", `{"name":"a","expiresAt":"2026-03-04"}`, "expiresAt"), token("no date", `{"name":"a","expiresAt":"tomorrow"}`, "expiresAt"),
	token("a date beyond the calendar", `{"name":"a","expiresAt":"2031-02-30"}`, "expiresAt"), token("a number as a date", `{"name":"a","expiresAt":1930000000000}`, "expiresAt"),
	token("all at once", `{"name":"","catalogs":["99"],"verbs":["x"],"ipRanges":["x"],"expiresAt":"x"}`, "catalogs[0]", "verbs[0]", "ipRanges[0]", "expiresAt"),
	{"no object", "POST", "/tokens", `[]`, 400, "invalid_json", nil}, {"broken JSON", "POST", "/tokens", `{"name"`, 400, "invalid_json", nil},
	{"a parameter", "POST", "/tokens?timezoneOffset=x", `{"name":"a"}`, 400, "invalid_parameter", []string{"timezoneOffset"}},
	{"no such token", "GET", "/tokens/1", "", 404, "not_found", nil}, {"no such token to delete", "DELETE", "/tokens/kt_aaaaaaaaaaaaaaaa", "", 404, "not_found", nil},
}

// manyRanges are 300 with a comma after each.
func manyRanges() string {
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, `"10.1.%d.%d",`, i/256, i%256)
	}
	return b.String()
}

// newToken makes a token by the JSON of its limits.
func (s *site) newToken(t *testing.T, limits string) (id, secret string) {
	t.Helper()
	var v struct{ ID, Token string }
	check(t, json.Unmarshal([]byte(s.must(t, "POST", "/tokens", `{"name":"a program"`+limits+`}`)), &v))
	return v.ID, v.Token
}

// by makes a request with a token.
func (s *site) by(t *testing.T, secret, method, path, body string) answer {
	t.Helper()
	r := s.request(t, method, "/api/v1"+path, body)
	r.Header.Set("Authorization", "Bearer "+secret)
	a := s.send(t, r)
	if a.header.Get("Set-Cookie") != "" || a.header.Get("WWW-Authenticate") != "" {
		t.Errorf("%s %s: headers %v", method, path, a.header)
	}
	if a.status >= 400 {
		a.failed(t)
	}
	return a
}

// walked is a route with a request to it, and what tokens are answered that are
//
//	outside  for another catalog than that of the request
//	inside   for the catalog of the request, with every verb
//	reader   for reading only, in all catalogs
//	maker    for creating only, in all catalogs
type walked struct {
	path, body                     string
	outside, inside, reader, maker int
}

// walk is every route that is served. Catalog 26 is the one that the token is
// for or not for.
var walk = withBoards(withDeliveries(withCards(withMessages(map[string]walked{
	"GET /profile/me": {"", "", 200, 200, 200, 200},
	"GET /company":    {"", "", 200, 200, 200, 200},
	"GET /companies":  {"", "", 200, 200, 200, 200},
	"GET /license":    {"", "", 200, 200, 200, 200},
	"GET /users":      {"", "", 403, 403, 200, 403},

	"GET /sections":              {"", "", 200, 200, 200, 200},
	"POST /sections":             {"", `{"name":"x"}`, 403, 403, 403, 403},
	"GET /sections/{section}":    {"/sections/4", "", 403, 200, 200, 200},
	"PATCH /sections/{section}":  {"/sections/4", `{"name":"x"}`, 403, 403, 403, 403},
	"DELETE /sections/{section}": {"/sections/4", "", 403, 403, 403, 403},

	"GET /catalogs":                   {"", "", 200, 200, 200, 200},
	"POST /catalogs":                  {"", `{"name":"x","sectionId":"4"}`, 403, 403, 403, 403},
	"GET /catalogs/{catalog}":         {"/catalogs/26", "", 403, 200, 200, 200},
	"PATCH /catalogs/{catalog}":       {"/catalogs/26", `{"name":"x"}`, 403, 403, 403, 403},
	"DELETE /catalogs/{catalog}":      {"/catalogs/26", "", 403, 403, 403, 403},
	"POST /catalogs/{catalog}/clear":  {"/catalogs/26/clear", `{"name":"Orders"}`, 403, 403, 403, 403},
	"GET /catalogs/{catalog}/records": {"/catalogs/26/records", "", 403, 200, 200, 403},

	"POST /catalogs/{catalog}/records":            {"/catalogs/26/records", `{"values":{"2":"x"}}`, 403, 200, 403, 200},
	"GET /catalogs/{catalog}/records/{record}":    {"/catalogs/26/records/1", "", 403, 200, 200, 403},
	"PATCH /catalogs/{catalog}/records/{record}":  {"/catalogs/26/records/1", `{"values":{"2":"y"}}`, 403, 200, 403, 403},
	"DELETE /catalogs/{catalog}/records/{record}": {"/catalogs/26/records/2", "", 403, 200, 403, 403},

	"GET /catalogs/{catalog}/views":           {"/catalogs/26/views", "", 403, 200, 200, 200},
	"POST /catalogs/{catalog}/views":          {"/catalogs/26/views", `{"name":"x"}`, 403, 403, 403, 403},
	"GET /catalogs/{catalog}/views/{view}":    {"/catalogs/26/views/own", "", 403, 200, 200, 200},
	"PATCH /catalogs/{catalog}/views/{view}":  {"/catalogs/26/views/own", `{"name":"x"}`, 403, 403, 403, 403},
	"DELETE /catalogs/{catalog}/views/{view}": {"/catalogs/26/views/own", "", 403, 403, 403, 403},

	"GET /catalogs/{catalog}/records/{record}/relations":            {"/catalogs/26/records/1/relations", "", 403, 200, 200, 403},
	"GET /catalogs/{catalog}/fields/{field}/availableRecords":       {"/catalogs/26/fields/15/availableRecords", "", 403, 200, 200, 403},
	"GET /catalogs/{catalog}/fields/{field}/availableFilterRecords": {"/catalogs/26/fields/15/availableFilterRecords", "", 403, 200, 200, 403},
	"GET /catalogs/{catalog}/fields/{field}/availableFilterRecord":  {"/catalogs/26/fields/15/availableFilterRecord", "", 403, 200, 200, 403},
	"GET /contacts":       {"/contacts?searchText=555", "", 200, 200, 200, 200},
	"GET /rights":         {"/rights?catalogId=26", "", 403, 200, 200, 200},
	"POST /rights":        {"", `{"object":{"catalogId":"26"},"rules":[]}`, 403, 403, 403, 403},
	"GET /rights/explain": {"/rights/explain?catalogId=26&userId=1", "", 403, 200, 200, 403},

	"GET /stream": {"/stream?catalogId=26", "", 403, 200, 200, 403},

	"GET /histories":         {"/histories?catalogId=26", "", 403, 200, 200, 403},
	"POST /histories":        {"", `{"catalogId":26,"recordId":"1","type":"COMMENT","payload":{"message":"x"}}`, 403, 200, 403, 403},
	"GET /histories/{entry}": {"/histories/1", "", 404, 404, 404, 404},

	"POST /files":         {"", `{"name":"x"}`, 200, 200, 403, 200},
	"GET /files/upload":   {"", "", 200, 200, 200, 200},
	"GET /files/{file}":   {"/files/1", "", 403, 302, 302, 403},
	"PATCH /files/{file}": {"/files/1", `{"name":"x"}`, 404, 404, 403, 403},

	"GET /tokens":            {"", "", 403, 403, 403, 403},
	"POST /tokens":           {"", `{"name":"x"}`, 403, 403, 403, 403},
	"GET /tokens/{token}":    {"/tokens/aaaaaaaaaaaaaaaa", "", 403, 403, 403, 403},
	"DELETE /tokens/{token}": {"/tokens/aaaaaaaaaaaaaaaa", "", 403, 403, 403, 403},
}))))

// newWalk makes a site for the walk.
func newWalk(t *testing.T, change func(*bpiumapi.Options)) *site {
	t.Helper()
	s := newSite(t, change)
	s.furnishWalk(t)
	return s
}

// furnishWalk makes Orders, catalog 26, in a section of their own, with two
// records.
func (s *site) furnishWalk(t *testing.T) {
	t.Helper()
	furnish(t, s)
	s.must(t, "POST", "/sections", `{"name":"Sales"}`)
	s.must(t, "PATCH", "/catalogs/26", `{"sectionId":"4"}`)
	s.must(t, "POST", records, `{"values":{"2":"Second order"}}`)
	s.must(t, "POST", "/catalogs/26/views", `{"id":"own","name":"Own"}`)
	s.must(t, "POST", "/boards/2/widgets", `{"chartType":"number"}`)
	s.must(t, "POST", "/catalogs/$webhooks/records", webhookOn("26"))
}

// TestTokensOnEveryRoute: no route is served without a word here on tokens.
func TestTokensOnEveryRoute(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		s.furnishWalk(t)
		walkWithTokens(t, s)
	})
}

func walkWithTokens(t *testing.T, s *site) {
	t.Helper()
	served, unbuilt := bpiumapi.New(bpiumapi.Options{}).Patterns()
	if got := slices.Sorted(maps.Keys(walk)); !slices.Equal(got, slices.Sorted(slices.Values(served))) {
		t.Fatalf("the walk has the routes %v, the API %v", got, served)
	}
	tokens := map[string]string{}
	_, tokens["outside"] = s.newToken(t, `,"catalogs":["25"]`)
	_, tokens["reader"] = s.newToken(t, `,"verbs":["read"]`)
	_, tokens["maker"] = s.newToken(t, `,"verbs":["create"]`)
	_, tokens["inside"] = s.newToken(t, `,"catalogs":["26"]`)
	before := s.everything(t)
	for _, name := range []string{"outside", "reader", "maker", "inside"} {
		for _, pattern := range served {
			w := walk[pattern]
			want := map[string]int{"outside": w.outside, "inside": w.inside, "reader": w.reader, "maker": w.maker}[name]
			method, path := w.request(pattern)
			if a := s.by(t, tokens[name], method, path, w.body); a.status != want {
				t.Errorf("%s: %s gives %d %s, want %d", name, pattern, a.status, a.body, want)
			}
		}
		for _, pattern := range unbuilt {
			method, path := walked{}.request(pattern)
			if a := s.by(t, tokens[name], method, path, `{}`); a.status != 403 && a.status != 501 {
				t.Errorf("%s: %s gives %d %s", name, pattern, a.status, a.body)
			}
		}
		if after := s.everything(t); (after != before) != (name == "maker" || name == "inside") {
			t.Errorf("%s changed something, or should have: %s", name, difference([]byte(before), []byte(after)))
		} else {
			before = after
		}
	}
}

// request is one to the route: that of the walk, or any path of the pattern.
func (w walked) request(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	if w.path != "" {
		return method, w.path
	}
	return method, strings.NewReplacer("{", "", "}", "").Replace(path)
}

// TestDeadTokensOnEveryRoute: one answer, whatever is wrong with the token.
func TestDeadTokensOnEveryRoute(t *testing.T) {
	s := newWalk(t, nil)
	id, deleted := s.newToken(t, "")
	_, elsewhere := s.newToken(t, `,"ipRanges":["192.0.2.0/24"]`)
	_, expired := s.newToken(t, `,"expiresAt":"2026-03-04T05:07:00Z"`)
	s.must(t, "DELETE", "/tokens/"+id, "")
	s.clock.advance(time.Minute)
	served, unbuilt := bpiumapi.New(bpiumapi.Options{}).Patterns()
	before := s.everything(t)
	for name, secret := range map[string]string{
		"deleted": deleted, "from elsewhere": elsewhere, "expired": expired, "unknown": deleted[:50] + "a", "malformed": "x",
	} {
		for _, pattern := range slices.Concat(served, unbuilt) {
			w := walk[pattern]
			method, path := w.request(pattern)
			a := s.by(t, secret, method, path, w.body)
			if f := a.failed(t); a.status != 401 || f.Code != "bad_credentials" || f.Message != "the token is not valid" {
				t.Errorf("%s: %s gives %d %s", name, pattern, a.status, a.body)
			}
		}
	}
	if after := s.everything(t); after != before {
		t.Errorf("something changed: %s", difference([]byte(before), []byte(after)))
	}
}

// TestWholeTokenDoesWhatItsEmployeeMay: but for tokens.
func TestWholeTokenDoesWhatItsEmployeeMay(t *testing.T) {
	s := newWalk(t, nil)
	_, whole := s.newToken(t, "")
	for _, path := range []string{
		"/profile/me", "/sections", "/catalogs?withHidden=true", "/catalogs/26", "/catalogs/$users", records, record, "/users",
		"/catalogs/$users/records/1", "/histories?catalogId=26", "/company", "/license",
	} {
		if a, want := s.by(t, whole, "GET", path, ""), s.must(t, "GET", path, ""); a.status != 200 || a.body != want {
			t.Errorf("%s: %d %s", path, a.status, difference([]byte(want), []byte(a.body)))
		}
	}
	for _, c := range []step{
		{"", "POST", "/sections", `{"name":"Made"}`}, {"", "PATCH", "/sections/5", `{"name":"Changed"}`},
		{"", "POST", "/catalogs", `{"name":"Made","sectionId":"5"}`}, {"", "PATCH", "/catalogs/27", `{"name":"Changed"}`},
		{"", "POST", "/catalogs/27/clear", `{"name":"Changed"}`}, {"", "DELETE", "/catalogs/27", ""}, {"", "DELETE", "/sections/5", ""},
		{"", "PATCH", record, `{"id":"first"}`},
		{"", "POST", "/catalogs/$users/records", `{"values":{"$name":"B","$email":"b@example.com","$password":"password"}}`},
	} {
		if a := s.by(t, whole, c.method, c.path, c.body); a.status != 200 {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
		}
	}
}

// TestNoCatalogLeaks: what is outside of a token's catalogs is as without any
// right on it.
func TestNoCatalogLeaks(t *testing.T) {
	s := newWalk(t, nil)
	_, secret := s.newToken(t, `,"catalogs":["26"]`)
	get := func(path string) string { return s.by(t, secret, "GET", path, "").body }
	lists := map[string][]string{"/catalogs": {"26"}, "/catalogs?withHidden=true": {"26"}, "/catalogs?sectionId=3": {}, "/sections": {"4"}}
	for path, want := range lists {
		var list []struct{ ID string }
		check(t, json.Unmarshal([]byte(get(path)), &list))
		ids := []string{}
		for _, one := range list {
			ids = append(ids, one.ID)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%s: %v", path, ids)
		}
	}
	linked := get(record + "?fields=" + esc(`[{"fieldId":15,"fields":{"25":[1,2]}}]`))
	if !strings.Contains(linked, "Acme Ltd") || strings.Contains(linked, "Kyiv") {
		t.Errorf("linked values: %s", linked)
	}
	for name, path := range map[string]string{
		"by a linked record's value": records + "?filters=" + esc(`{"15":[{"catalogId":"25","filters":[{"fieldId":"2","value":"Kyiv"}]}]}`),
		"a linked record":            "/catalogs/25/records/acme", "a list of it": "/catalogs/25/records?searchText=acme",
		"its history": "/histories?catalogId=25&recordId=acme", "the employees": "/catalogs/$users/records",
		"a mirror of the structure": "/catalogs/$catalogs/records",
	} {
		if a := s.by(t, secret, "GET", path, ""); a.status != 403 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if list := get("/catalogs/26/fields/15/availableRecords"); strings.Contains(list, "Acme") {
		t.Errorf("candidates: %s", list)
	}
	if found := get(records + "?searchText=kyiv"); found != "[]" {
		t.Errorf("searched in linked records: %s", found)
	}
	var me struct{ ID, Email, Title string }
	check(t, json.Unmarshal([]byte(get("/profile/me")), &me))
	if me.ID != "1" || me.Title != "Anna" || me.Email != "" {
		t.Errorf("profile %+v", me)
	}
}

// TestLinkedWritesStayInScope: a card writes no linked record that the token is
// not for.
func TestLinkedWritesStayInScope(t *testing.T) {
	s := newSite(t, nil)
	s.must(t, "POST", "/catalogs", `{"name":"Vendors","sectionId":"3","fields":[{"name":"Name","type":"text"}]}`)
	s.must(t, "POST", "/catalogs", `{"name":"Orders","sectionId":"3","fields":[{"name":"Name","type":"text"},
		{"name":"Vendor","type":"object","config":{"catalogs":[{"id":"25"}],"enableUnsaved":true,"fields":{"25":[{"id":"1","access":"edit"}]}}}]}`)
	const make1 = `{"values":{"1":"a","2":[{"catalogId":"25","recordValues":{"1":"New"}}]}}`
	body := func(id string) string {
		return `{"values":{"2":[{"catalogId":"25","recordId":"` + id + `","recordValues":{"1":"Changed"}}]}}`
	}
	s.must(t, "POST", "/catalogs/26/records", make1)
	for limits, want := range map[string][2]int{
		`,"catalogs":["26"]`:                             {403, 403},
		`,"catalogs":["26","25"]`:                        {200, 200},
		`,"catalogs":["26","25"],"verbs":["create"]`:     {200, 403},
		`,"catalogs":["26","25"],"verbs":["update"]`:     {403, 200},
		`,"verbs":["read","update"]`:                     {403, 200},
		`,"catalogs":["25"],"verbs":["create","update"]`: {403, 403},
	} {
		_, secret := s.newToken(t, limits)
		made, changed := s.by(t, secret, "POST", "/catalogs/26/records", make1), s.by(t, secret, "PATCH", "/catalogs/26/records/1", body("1"))
		if made.status != want[0] || changed.status != want[1] {
			t.Errorf("%s: %d %s, %d %s", limits, made.status, made.body, changed.status, changed.body)
		}
	}
	_, secret := s.newToken(t, `,"catalogs":["26","25"],"verbs":["update"]`)
	made := `{"values":{"2":[{"catalogId":"25","recordValues":{"1":"By a change"}}]}}`
	if a := s.by(t, secret, "PATCH", "/catalogs/26/records/1", made); a.status != 403 {
		t.Errorf("a change made a record: %d %s", a.status, a.body)
	}
}

// TestVerbsAreSeparate: each does its own work only, and shows nothing unless
// it reads.
func TestVerbsAreSeparate(t *testing.T) {
	s := newWalk(t, nil)
	const made, changed = `{"values":{"2":"By a token","3":7}}`, `{"values":{"3":8}}`
	s.must(t, "PATCH", record, `{"values":{"2":"Secret title"}}`)
	for verb, want := range map[string][4]int{ // GET, POST, PATCH, DELETE
		"read": {200, 403, 403, 403}, "create": {403, 200, 403, 403}, "update": {403, 403, 200, 403}, "delete": {403, 403, 403, 404},
		`read","delete`: {200, 403, 403, 404}, `read","update`: {200, 403, 200, 403}, `create","delete`: {403, 200, 403, 404}, "admin": {403, 403, 403, 403},
	} {
		_, secret := s.newToken(t, `,"verbs":["`+verb+`"]`)
		var got [4]int
		for i, r := range []step{{"", "GET", record, ""}, {"", "POST", records, made}, {"", "PATCH", record, changed}, {"", "DELETE", records + "/999", ""}} {
			a := s.by(t, secret, r.method, r.path, r.body)
			got[i] = a.status
			if !strings.HasPrefix(verb, "read") && (strings.Contains(a.body, "Secret") || strings.Contains(a.body, "By a token") || strings.Contains(a.body, `"3":`)) {
				t.Errorf("%s: %s shows %s", verb, r.method, a.body)
			}
		}
		if got != want {
			t.Errorf("%s: %v, want %v", verb, got, want)
		}
	}
	_, secret := s.newToken(t, `,"verbs":["delete"]`)
	if a := s.by(t, secret, "DELETE", records+"/2", ""); a.status != 200 {
		t.Errorf("delete: %d %s", a.status, a.body)
	}
	_, secret = s.newToken(t, `,"verbs":["read","delete"]`)
	var one struct{ PrivilegeCode string }
	check(t, json.Unmarshal([]byte(s.by(t, secret, "GET", record, "").body), &one))
	if one.PrivilegeCode != "" && one.PrivilegeCode != "delete" {
		t.Errorf("privilege %q", one.PrivilegeCode)
	}
}

// TestTokensDoNotSteerTheProgram: a token that may not administer writes no
// employee, whose password would open everything.
func TestTokensDoNotSteerTheProgram(t *testing.T) {
	s := newSite(t, nil)
	for _, limits := range []string{`,"catalogs":["$users"]`, `,"verbs":["read","create","update","delete"]`} {
		_, secret := s.newToken(t, limits)
		for _, r := range []step{
			{"", "PATCH", "/catalogs/$users/records/1", `{"values":{"$password":"another one"}}`},
			{"", "PATCH", "/catalogs/$users/records/1", `{"values":{"$name":"x"}}`},
			{"", "POST", "/catalogs/$users/records", `{"values":{"$name":"x"}}`},
			{"", "DELETE", "/catalogs/$users/records/1", ""},
			{"", "POST", "/catalogs/$webhooks/records", `{"values":{}}`},
		} {
			if a := s.by(t, secret, r.method, r.path, r.body); a.status != 403 {
				t.Errorf("%s: %s %s: %d %s", limits, r.method, r.path, a.status, a.body)
			}
		}
		if a := s.by(t, secret, "GET", "/catalogs/$users/records/1", ""); a.status != 200 || !strings.Contains(a.body, login) {
			t.Errorf("%s: %d %s", limits, a.status, a.body)
		}
	}
}

func TestLifeOfToken(t *testing.T) {
	s := newSite(t, nil)
	id, secret := s.newToken(t, "")
	lives := func(when string, want int) {
		t.Helper()
		if a := s.by(t, secret, "GET", "/profile/me", ""); a.status != want {
			t.Errorf("%s: %d %s", when, a.status, a.body)
		}
	}
	used := func() (at, ip *string) {
		var v struct{ LastUsedAt, LastUsedIP *string }
		check(t, json.Unmarshal([]byte(s.must(t, "GET", "/tokens/"+id, "")), &v))
		return v.LastUsedAt, v.LastUsedIP
	}
	if at, ip := used(); at != nil || ip != nil {
		t.Errorf("used at %v from %v", at, ip)
	}
	lives("made", 200)
	if at, ip := used(); at == nil || *at != "2026-03-04T05:06:07.000Z" || ip == nil || *ip != "127.0.0.1" {
		t.Errorf("used at %v from %v", at, ip)
	}
	s.must(t, "PATCH", "/catalogs/$users/records/1", `{"values":{"$name":"Anna B"}}`)
	lives("after a new name", 200)
	_, err := s.catalog.Structure(t.Context())
	check(t, err)
	s.must(t, "PATCH", "/catalogs/$users/records/1", `{"values":{"$password":"another password"}}`)
	lives("after a new password", 200)
	r := s.request(t, "POST", "/auth/login", formBody("email", login, "password", "another password"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	cookie, _, _ := strings.Cut(s.send(t, r).header.Get("Set-Cookie"), ";")
	r = s.request(t, "PATCH", "/api/v1/catalogs/$users/records/1", `{"values":{"$email":"new@example.com"}}`)
	r.Header.Set("Cookie", cookie)
	if a := s.send(t, r); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	lives("after a new login", 401)
	if log := s.log.text(); strings.Contains(log, secret[19:]) || !strings.Contains(log, "token.created") || !strings.Contains(log, "token="+id) {
		t.Error("the log tells the secret, or not that a token was made")
	}
}

// TestDeletedTokenIsAudited: who, which, and never the secret.
func TestDeletedTokenIsAudited(t *testing.T) {
	s := newSite(t, nil)
	id, secret := s.newToken(t, "")
	s.must(t, "DELETE", "/tokens/"+id, "")
	i := strings.Index(s.log.text(), "token.deleted")
	if i < 0 || !strings.Contains(s.log.text()[i:], "token="+id) || strings.Contains(s.log.text(), secret[19:]) {
		t.Errorf("the log: %s", s.log.text())
	}
}

// TestTokensSignNobodyIn: neither by the address nor by the page.
func TestTokensSignNobodyIn(t *testing.T) {
	s := newSite(t, nil)
	_, secret := s.newToken(t, "")
	for path, body := range map[string]string{"/login": formBody("email", login, "password", secret), "/cache/reset": ""} {
		method := http.MethodPost
		if body == "" {
			method = http.MethodGet
		}
		r := s.request(t, method, "/auth"+path, body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", "Bearer "+secret)
		r.Header.Set("X-Forwarded-For", "198.51.100.7")
		if a := s.send(t, r); a.header.Get("Set-Cookie") != "" || (a.status == 200) != (path == "/cache/reset") {
			t.Errorf("%s: %d %s %v", path, a.status, a.body, a.header)
		}
	}
	_, reader := s.newToken(t, `,"verbs":["read"]`)
	r := s.request(t, "GET", "/auth/cache/reset", "")
	r.Header.Set("Authorization", "Bearer "+reader)
	r.Header.Set("X-Forwarded-For", "198.51.100.7")
	if a := s.send(t, r); a.status != 403 {
		t.Errorf("a reader's token: %d %s", a.status, a.body)
	}
}

// TestNarrowTokensDoNotCountAsAdministrators once the licence has ended.
func TestNarrowTokensDoNotCountAsAdministrators(t *testing.T) {
	s := newSite(t, func(o *bpiumapi.Options) { o.License.Until = start })
	_, whole := s.newToken(t, "")
	_, narrow := s.newToken(t, `,"verbs":["read","create","update","delete"]`)
	s.clock.advance(48 * time.Hour)
	for secret, want := range map[string]int{whole: 200, narrow: 402} {
		if a := s.by(t, secret, "GET", "/sections", ""); a.status != want {
			t.Errorf("%d %s, want %d", a.status, a.body, want)
		}
	}
	if a := s.by(t, narrow, "GET", "/license", ""); a.status != 200 || strings.Contains(a.body, "AAAA") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

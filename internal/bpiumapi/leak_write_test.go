package bpiumapi_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"kartoteka/internal/bpiumapi"
)

// foreign are requests that name a child under a catalog it does not belong to:
// record 3, the views and fields are catalog 26's, but for field 5 of $users.
var foreign = []step{
	{"a record", "GET", "/catalogs/25/records/3", ""},
	{"a record to change", "PATCH", "/catalogs/25/records/3", `{"values":{"1":"x"}}`},
	{"a record to delete", "DELETE", "/catalogs/25/records/3", ""},
	{"relations", "GET", "/catalogs/25/records/3/relations", ""},
	{"a card", "POST", "/catalogs/25/records/3/changes", `{}`},
	{"a card by the body", "POST", "/changes", `{"catalogId":"25","recordId":"3"}`},
	{"a card's field", "POST", "/catalogs/25/records/acme/changes", `{"values":{"5":["1"]}}`},
	{"a record's own id", "GET", "/catalogs/26/records/acme", ""},
	{"a record's own id to delete", "DELETE", "/catalogs/26/records/acme", ""},
	{"a view", "GET", "/catalogs/25/views/closed", ""},
	{"a view to change", "PATCH", "/catalogs/25/views/closed", `{"name":"x"}`},
	{"a view to delete", "DELETE", "/catalogs/25/views/closed", ""},
	{"a personal view", "GET", "/catalogs/25/views/mine", ""},
	{"a field", "GET", "/catalogs/25/fields/4/availableRecords", ""},
	{"a field to filter by", "GET", "/catalogs/25/fields/4/availableFilterRecords", ""},
	{"a field to filter by, the other spelling", "GET", "/catalogs/25/fields/4/availableFilterRecord", ""},
	{"records of a view", "GET", "/catalogs/25/records?viewId=closed", ""},
	{"a history of a record", "GET", "/histories?catalogId=25&recordId=3", ""},
	{"a history of a view", "GET", "/histories?catalogId=25&viewId=closed", ""},
	{"a comment", "POST", "/histories", `{"catalogId":25,"recordId":"3","type":"COMMENT","payload":{"message":"x"}}`},
	{"a chat", "GET", "/catalogs/25/records/3/messages", ""},
	{"a message", "POST", "/catalogs/25/records/3/messages", `{"text":"x"}`},
	{"a message of another record to change", "PATCH", "/catalogs/26/records/2/messages/1", `{"text":"x"}`},
	{"a message of another record to delete", "DELETE", "/catalogs/26/records/2/messages/1", ""},
	{"a message of another record to quote", "POST", "/catalogs/26/records/2/messages", `{"text":"x","replyMessageId":"1"}`},
	{"options of a chat", "GET", "/catalogs/25/records/3/chatOptions/3", ""},
	{"options of a chat to change", "PATCH", "/catalogs/25/records/3/chatOptions/3", `{"subscribe":true}`},
	{"rights of a record", "GET", "/rights?catalogId=25&recordId=3", ""},
	{"rights of a view", "GET", "/rights?catalogId=25&viewId=closed", ""},
	{"rules for a record", "POST", "/rights", rulesOn(`"catalogId":"25","recordId":"3"`, everybodyMay("view"))},
	{"rules for a view", "POST", "/rights", rulesOn(`"catalogId":"25","viewId":"closed"`, everybodyMay("view"))},
	{"rights explained", "GET", "/rights/explain?catalogId=25&recordId=3", ""},
	{"rights on a field explained", "GET", "/rights/explain?catalogId=25&fieldId=5", ""},
	{"a filter's field", "GET", "/catalogs/25/records?filters[5]=1", ""},
	{"a sort's field", "GET", "/catalogs/25/records?sortField=5", ""},
	{"a value's field", "PATCH", "/catalogs/25/records/acme", `{"values":{"5":["1"]}}`},
	{"a rule's field", "POST", "/rights", rulesOn(`"catalogId":"25"`, bobMay("view", `"5":"view"`))},
	{"a view's field", "POST", "/catalogs/25/views", `{"name":"x","filters":{"5":["1"]}}`},
	{"a candidate's view", "GET", "/catalogs/26/fields/4/availableRecords?recordsFilters=" + esc(`[{"catalogId":"25","viewId":"closed"}]`), ""},
	{"a group of values", "GET", "/catalogs/25/values/none", ""},
	{"a delivery of another webhook", "GET", "/webhooks/2/deliveries/1", ""},
	{"a delivery of another webhook to send", "POST", "/webhooks/2/deliveries/1/resend", ""},
	{"a widget of another board", "GET", "/boards/1/widgets/1", ""},
	{"a widget of another board to change", "PATCH", "/boards/1/widgets/1", `{"name":"x"}`},
	{"a widget of another board to delete", "DELETE", "/boards/1/widgets/1", ""},
	{"values of a widget of another board", "GET", "/boards/1/widgets/1/values", ""},
	{"totals of a widget of another board", "GET", "/boards/1/widgets/1/totals", ""},
	{"a picture of a widget of another board", "GET", "/boards/1/widgets/1/image.svg", ""},
	{"an image of a widget of another board", "GET", "/boards/1/widgets/1/image.png", ""},
	{"a linked record", "PATCH", "/catalogs/26/records/1", `{"values":{"4":[{"catalogId":"26","recordId":"3"}]}}`},
	{"a group's record", "POST", "/rights", rulesOn(`"catalogId":"26"`, `{"rightSubject":{"userAttr":"5","catalogId":"25","recordId":"3"},"privilegeCode":"view"}`)},
	{"a source's view", "PATCH", "/catalogs/26", `{"fields":[{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4","config":{"views":[{"id":"closed","catalogId":"25"}]}},{"id":"5"}]}`},
}

func TestChildOfAForeignParent(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		s.must(t, "POST", "/catalogs/26/views", `{"id":"mine","name":"Mine"}`)
		s.must(t, "POST", "/boards/2/widgets", `{"chartType":"number"}`)
		s.must(t, "POST", "/catalogs/26/records/1/messages", `{"text":"one"}`)
		s.deliverOne(t)
		before := g.everything(t)
		for _, c := range foreign {
			a := s.do(t, c.method, c.path, c.body)
			if f := a.failed(t); a.status != 404 && a.status != 400 {
				t.Errorf("%s: %d %+v", c.name, a.status, f)
			}
		}
		if after := g.everything(t); after != before {
			t.Errorf("something changed: %s", difference([]byte(before), []byte(after)))
		}
		// Every route with two ids is among them.
		served, _ := bpiumapi.New(bpiumapi.Options{}).Patterns()
		for _, pattern := range served {
			if strings.Count(pattern, "{") < 2 {
				continue
			}
			found := slices.ContainsFunc(foreign, func(c step) bool { return isOf(pattern, c.method+" "+c.path) })
			if !found {
				t.Errorf("%s is not tried", pattern)
			}
		}
	})
}

// isOf tells whether a request is to the route of a pattern.
func isOf(pattern, request string) bool {
	request, _, _ = strings.Cut(request, "?")
	parts, got := strings.Split(pattern, "/"), strings.Split(request, "/")
	return slices.EqualFunc(parts, got, func(part, got string) bool { return part == got || part[0] == '{' })
}

// endless is a body that has no end; it counts what was taken of it. The client
// may take more after the answer.
type endless struct{ taken atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	const part = `{"values":{"1":"x"},`
	n := copy(p, part)
	if e.taken.Add(int64(n)) > 1<<30 {
		return n, io.EOF
	}
	return n, nil
}

// refusedWrites are writes that Bob, who may view catalog 26, has no right to.
var refusedWrites = []step{
	{"a section", "POST", "/sections", `{"name":"x"}`}, {"a section to change", "PATCH", "/sections/3", `{"name":"x"}`},
	{"a section to delete", "DELETE", "/sections/3", ""},
	{"a catalog to change", "PATCH", "/catalogs/26", `{"name":"x"}`}, {"a catalog to delete", "DELETE", "/catalogs/26", ""},
	{"a catalog to clear", "POST", "/catalogs/26/clear", `{"name":"Orders"}`},
	{"a record", "POST", "/catalogs/26/records", `{"values":{"1":"x"}}`}, {"a denied record to change", "PATCH", "/catalogs/26/records/3", `{"values":{"1":"x"}}`},
	{"a record to delete", "DELETE", "/catalogs/26/records/1", ""},
	{"a card", "POST", "/catalogs/26/records/1/changes", `{"values":{"1":"x"}}`}, {"a new card", "POST", "/catalogs/26/changes", `{"values":{"1":"x"}}`},
	{"a record of a catalog that he cannot see", "POST", "/catalogs/25/records", `{"values":{"1":"x"}}`},
	{"a view to change", "PATCH", "/catalogs/26/views/closed", `{"name":"x"}`}, {"a view to delete", "DELETE", "/catalogs/26/views/closed", ""},
	{"a view of a catalog that he cannot see", "POST", "/catalogs/25/views", `{"name":"x"}`},
	{"a message on a denied record", "POST", "/catalogs/26/records/3/messages", `{"text":"x"}`},
	{"options of its chat", "PATCH", "/catalogs/26/records/3/chatOptions/3", `{"subscribe":true}`},
}

// TestRightsComeBeforeTheBody: whatever the body is, the answer is 403, nothing
// is stored, and a body without end is not waited for.
func TestRightsComeBeforeTheBody(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		g.rules(t, "C bob view; r3 bob deny")
		before := g.everything(t)
		for _, c := range refusedWrites {
			for kind, body := range map[string]string{
				"as it should be": c.body, "no JSON": `{"values":`, "a list": `[]`, "wrong values": `{"name":5,"values":{"99":1,"2":"x"},"fields":5}`,
				"deep": strings.Repeat("[", 5000), "large": `{"name":"` + strings.Repeat("x", 300<<10) + `"}`,
			} {
				if got := g.as(t, "bob", c.method, c.path, body).outcome(t); got != "403 forbidden" {
					t.Errorf("%s, %s: %s", c.name, kind, got)
				}
			}
			r := g.request(t, c.method, "/api/v1"+c.path, "")
			r.SetBasicAuth("bob@example.com", password)
			sent := &endless{}
			r.Body, r.ContentLength = io.NopCloser(sent), -1
			if got, taken := s.send(t, r).outcome(t), sent.taken.Load(); got != "403 forbidden" || taken > 32<<20 {
				t.Errorf("%s, without end: %s after %d MB", c.name, got, taken>>20)
			}
		}
		if after := g.everything(t); after != before {
			t.Errorf("something was stored: %s", difference([]byte(before), []byte(after)))
		}
	})
}

// TestWhatIsMadeAnewInheritsNothing: rules are about what they were made for,
// not about whatever has its id later.
func TestWhatIsMadeAnewInheritsNothing(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		fields := func(last string) {
			s.must(t, "PATCH", "/catalogs/26", `{"fields":[{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4"},{"id":"5"}`+last+`]}`)
		}
		const secret = `,{"id":"secret","name":"Secret","type":"text"}`
		right := func() string {
			a := g.as(t, "bob", "PATCH", "/catalogs/26/records/1", `{"values":{"secret":"x"}}`)
			values := member(t, g.as(t, "bob", "GET", "/catalogs/26/records/1", ""), "values")
			return fmt.Sprint(a.outcome(t), " ", strings.Contains(values, `"secret":`))
		}
		fields(secret)
		for rules, want := range map[string][2]string{
			"C bob view secret=edit": {"200 true", "403 field_readonly true"}, "C bob edit secret=hide": {"403 field_hidden false", "200 true"},
			"C bob view; own bob view secret=edit": {"200 true", "403 field_readonly true"}, "C bob edit; r1 bob edit secret=view": {"403 field_readonly true", "200 true"},
		} {
			g.rules(t, rules)
			s.must(t, "PATCH", "/catalogs/26/records/1", `{"values":{"secret":"old"}}`)
			old := right()
			fields("")
			fields(secret)
			s.must(t, "PATCH", "/catalogs/26/records/1", `{"values":{"secret":"new"}}`)
			if got := right(); old != want[0] || got != want[1] {
				t.Errorf("%s: the old field %s, the new one %s", rules, old, got)
			}
			if got := s.must(t, "GET", "/rights?catalogId=26", ""); strings.Contains(got, `"secret"`) {
				t.Errorf("%s: the rule names the new field: %s", rules, got)
			}
		}
		g.rules(t, "closed bob view")
		s.must(t, "DELETE", "/catalogs/26/views/closed", "")
		s.must(t, "POST", "/catalogs/26/views", `{"id":"closed","name":"closed","forRights":true,"filters":[]}`)
		if got := g.may(t, "bob"); got != "- - - -" {
			t.Errorf("by a new view under the id of another: %s", got)
		}
		g.rules(t, "d1 bob edit")
		s.must(t, "DELETE", "/catalogs/25/records/acme", "")
		s.must(t, "POST", "/catalogs/25/records", `{"id":"acme","values":{"1":"Another"}}`)
		if got := g.as(t, "bob", "GET", "/catalogs/25/records/acme", "").outcome(t); got != "403 forbidden" {
			t.Errorf("a new record under the id of another: %s", got)
		}
	})
}

// TestGroupOfAFieldMadeAnew: members by the new field are not those of the old.
func TestGroupOfAFieldMadeAnew(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		const system = `{"id":"$name"},{"id":"$email"},{"id":"$password"},{"id":"$type"}`
		team := `,{"id":"team","name":"Team","type":"object","config":{"catalogs":[{"id":"25"}]}}`
		join := func() {
			s.must(t, "PATCH", "/catalogs/$users", `{"fields":[`+system+team+`]}`)
			s.must(t, "PATCH", "/catalogs/$users/records/2", `{"values":{"team":["acme"]}}`)
		}
		join()
		s.must(t, "POST", "/rights", rulesOn(`"catalogId":"26"`, `{"rightSubject":{"userAttr":"team","catalogId":"25","recordId":"acme"},"privilegeCode":"view"}`))
		before := g.may(t, "bob")
		s.must(t, "PATCH", "/catalogs/$users", `{"fields":[`+system+`]}`)
		join()
		if after := g.may(t, "bob"); before != "view view view view" || after != "- - - -" {
			t.Errorf("by the old field %s, by the new one %s", before, after)
		}
	})
}

// assigned are members of bodies that callers cannot set, with what they would
// change.
var assigned = []step{
	{"a record", "PATCH", "/catalogs/26/records/1", `{"id":null,"catalogId":"25","title":"Owned","created":"2001-01-01T00:00:00.000Z","updated":"2001-01-01T00:00:00.000Z",` +
		`"privilegeCode":"admin","fieldPrivilegeCodes":{"2":"edit"},"isRemoved":true,"version":99,"viewsIds":["own"],"chat":{"messagesCount":9},"values":{}}`},
	{"a section", "PATCH", "/sections/3", `{"privilegeCode":"admin","privileges":["admin"],"isRemoved":true,"system":true,"num":1,"removed":"2001-01-01"}`},
	{"a catalog", "PATCH", "/catalogs/26", `{"privilegeCode":"admin","fieldPrivilegeCodes":{},"system":true,"mirror":true,"chat":{"newChats":5},"num":3,"nextField":1,"removed":true}`},
	{"a catalog's field", "PATCH", "/catalogs/26", `{"fields":[{"id":"1","system":true,"secret":true,"num":1,"catalog":3,"dbId":9},{"id":"2"},{"id":"3"},{"id":"4"},{"id":"5"}]}`},
	{"a view", "PATCH", "/catalogs/26/views/closed", `{"owner":2,"userId":"2","catalogId":"25","privilegeCode":"admin","privilegesApi":{"value":["admin"]},"broken":false}`},
	{"a rule", "POST", "/rights", `{"object":{"catalogId":"26"},"rules":[],"privileges":["admin"],"type":"auto"}`},
}

func TestMassAssignment(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		before := g.everything(t)
		for _, c := range assigned {
			if a := s.do(t, c.method, c.path, c.body); a.status != http.StatusOK {
				t.Errorf("%s: %d %s", c.name, a.status, a.body)
			}
			if after := g.everything(t); after != before {
				t.Errorf("%s is changed: %s", c.name, difference([]byte(before), []byte(after)))
			}
		}
		for name, value := range map[string]string{"$id": `"9"`, "id": `"9"`, "$createdTime": `"2001-01-01"`, "created": `"2001-01-01"`, "isRemoved": "true", "privilegeCode": `"admin"`, "__proto__": "{}"} {
			if got := s.do(t, "PATCH", "/catalogs/26/records/1", `{"values":{"`+name+`":`+value+`}}`).outcome(t); got != "400 unknown_field" {
				t.Errorf("the value %s: %s", name, got)
			}
		}
		made := s.must(t, "POST", "/catalogs/26/records", `{"dbId":1,"recordId":"1","title":"x","isRemoved":true,"privilegeCode":"admin","created":"2001-01-01","values":{"1":"Made"}}`)
		if got := s.must(t, "GET", "/catalogs/26/records/"+idOf(t, made), ""); !strings.Contains(got, `"created":"2026-`) || member(t, answer{body: got}, "title") != "Made" {
			t.Errorf("a new record: %s", got)
		}
		rule := `{"id":"1","type":"auto","subject":"x","privileges":["admin"],` + strings.TrimPrefix(bobMay("view", ""), "{")
		s.must(t, "POST", "/rights", rulesOn(`"catalogId":"26"`, rule))
		if got := s.must(t, "GET", "/rights?catalogId=26", ""); !strings.Contains(got, `"type":"direct","privilegeCode":"view"`) || strings.Contains(got, `"id":"1",`) {
			t.Errorf("a rule: %s", got)
		}
		g.rules(t, "C bob create; U bob create")
		if a := g.as(t, "bob", "POST", "/catalogs/26/records", `{"id":"own","values":{"1":"x"}}`); a.status != http.StatusOK {
			t.Errorf("an id on creation: %d %s", a.status, a.body)
		}
		if got := g.as(t, "bob", "PATCH", "/catalogs/26/records/own", `{"id":"other"}`).outcome(t); got != "403 forbidden" {
			t.Errorf("an id of a record that is there: %s", got)
		}
	})
}

// TestUnknownLoginsCostAndSayTheSame: the same answer after the same work, one
// password hash, whether the login exists or not.
func TestUnknownLoginsCostAndSayTheSame(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		s.must(t, "POST", "/catalogs/$users/records", `{"values":{"$name":"Di","$email":"di@example.com"}}`)
		tries := map[string]func(login string) answer{
			"Basic": func(login string) answer {
				r := g.request(t, "GET", "/api/v1/profile/me", "")
				r.SetBasicAuth(login, "a wrong password")
				return s.send(t, r)
			},
			"the form": func(login string) answer {
				return s.send(t, g.request(t, "POST", "/auth/login", `{"email":"`+login+`","password":"a wrong password"}`))
			},
		}
		for name, try := range tries {
			var first answer
			for i, login := range []string{"bob@example.com", "nobody@example.com", "di@example.com"} {
				before := s.accounts.Hashes()
				a := try(login)
				hashes := s.accounts.Hashes() - before
				f := a.failed(t)
				if a.body = f.Code + f.Message; i == 0 {
					first = a
				}
				if hashes != 1 || a.status != 401 || a.body != first.body || fmt.Sprint(a.header["Www-Authenticate"]) != fmt.Sprint(first.header["Www-Authenticate"]) {
					t.Errorf("%s: %s: %d hashes, %d %s %v", name, login, hashes, a.status, a.body, a.header)
				}
				s.clock.advance(1e12)
			}
		}
	})
}

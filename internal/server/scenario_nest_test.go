package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// What scenarios write while a write waits for them asks nobody; what others write asks,
// and finds a process also when all who may wait are at it.
func TestScenarioNests(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		other := s.made("POST", "/api/v1/catalogs", `{"name":"Notes","sectionId":"3","icon":"a-1","fields":[{"name":"Text","type":"text"},{"name":"By","type":"text"}]}`)
		s.on(other, `"$record.before.create"`, `body = {'values': {'2': 'asked'}}`, "")
		s.on(s.catalog, `"$record.before.create"`, `env['`+other+`'].create({'1': 'from before'})`, "")
		s.on(s.catalog, `"$record.after.create"`, `env['`+other+`'].create({'1': 'from after'})`, "")
		const writes = 8
		codes := make(chan int, writes)
		for range writes {
			go func() {
				codes <- ask(s.http, "POST", s.records(), `{"values":{"1":"x"}}`, "Authorization", basic()).Code
			}()
		}
		for range writes {
			if code := <-codes; code != 200 {
				s.Errorf("a write gets %d", code)
			}
		}
		notes := func() string { return s.call(200, "GET", "/api/v1/catalogs/"+other+"/records", "") }
		s.eventually("all runs", func() bool { return strings.Count(notes(), `"1":"from after"`) == writes })
		if n := strings.Count(notes(), `"1":"from after","2":"asked"`); n != writes {
			s.Errorf("%d of what followed was asked about", n)
		}
		if n := strings.Count(notes(), `"1":"from before","2":""`); n != writes {
			s.Errorf("%d of what was written before was not asked about", n)
		}
	}, "SCRIPT_WORKERS=2")
}

// A scenario fills fields that the caller may not change or see; he is told nothing of
// them.
func TestScenarioRights(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		bob := s.hire("Bob", "bob@example.com")
		s.call(200, "PATCH", "/api/v1/catalogs/$users/records/"+bob, `{"values":{"$password":"bobs password"}}`)
		s.call(200, "POST", "/api/v1/rights", `{"object":{"sectionId":"3"},"rules":[{"rightSubject":{"userAttr":"id","recordId":"1"},"privilegeCode":"admin"}]}`)
		s.call(200, "POST", "/api/v1/rights", `{"object":{"catalogId":"`+s.catalog+`"},"rules":[{"rightSubject":{"userAttr":"id","recordId":"`+bob+`"},`+
			`"privilegeCode":"create","fields":{"5":"hide","3":"hide","2":"view"}}]}`)
		s.on(s.catalog, `"$record.before.create","$record.before.update"`, `
body = {'values': {'5': 'for the boss', '2': 3}}
if values.get('1') == 'bad':
    body['values']['3'] = 'no date'
`, "")
		w := ask(s.http, "POST", s.records(), `{"values":{"1":"mine"}}`, "Authorization", basicOf("bob@example.com", "bobs password"))
		if w.Code != 200 || strings.Contains(w.Body.String(), "boss") || !strings.Contains(w.Body.String(), `"2":3`) {
			s.Errorf("%d %s", w.Code, w.Body)
		}
		if list := s.call(200, "GET", s.records(), ""); !strings.Contains(list, `"5":"for the boss"`) {
			s.Errorf("the field was not filled: %s", list)
		}
		w = ask(s.http, "POST", s.records(), `{"values":{"1":"bad"}}`, "Authorization", basicOf("bob@example.com", "bobs password"))
		if w.Code != 400 || strings.Contains(w.Body.String(), "Due") || strings.Contains(w.Body.String(), `"fieldId"`) {
			s.Errorf("a bad value of a hidden field: %d %s", w.Code, w.Body)
		}
		s.refuses("a bad value of a field that is seen", 400, "POST", s.records(), `{"values":{"1":"bad"}}`, `"fieldId":"3"`)
	})
}

// A run whose program was killed does not stay a running one.
func TestScenarioKilled(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		path := "/api/v1/catalogs/$processes/records"
		old := s.made("POST", path, `{"values":{"$started":"2020-01-01T00:00:00.000Z","$status":["$running"]}}`)
		recent := s.made("POST", path, `{"values":{"$started":"`+s.clock.Now().UTC().Format("2006-01-02T15:04:05.000Z")+`","$status":["$running"]}}`)
		s.end()
		s.start()
		s.eventually("the end of the old run", func() bool { return strings.Contains(s.call(200, "GET", path+"/"+old, ""), `"$status":["$aborted"]`) })
		s.refuses("the recent run", 200, "GET", path+"/"+recent, "", `"$status":["$running"]`)
	})
}

// What an ordinary end finds waiting is noted.
func TestScenarioNotedAtTheEnd(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		s.on(s.catalog, `"$record.before.create"`, "print('seen', values['1'])", "")
		for n := range 5 {
			s.add(fmt.Sprintf(`{"1":"record %d"}`, n))
		}
		s.end()
		s.start()
		rest := s.call(200, "GET", "/api/v1/catalogs/$processes/records?sortField=id&sortType=1", "")
		for n := range 5 {
			want := fmt.Sprintf("seen record %d", n)
			at := strings.Index(rest, want)
			if at < 0 {
				s.Fatalf("%q is not next in %s", want, rest)
			}
			rest = rest[at:]
		}
	})
}

// A record that changes while a scenario is asked about it is asked about again, so that
// nothing is filled in that follows from what is no more.
func TestScenarioMeetsOthers(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		other := s.made("POST", "/api/v1/catalogs", `{"name":"Signals","sectionId":"3","icon":"a-1","fields":[{"name":"Text","type":"text"}]}`)
		signals := "/api/v1/catalogs/" + other + "/records"
		s.on(s.catalog, `"$record.before.update"`, `import time
env['`+other+`'].create({'1': 'asked'})
while not env['`+other+`'].search([('1', '=', 'go')]):
    time.sleep(0.05)
body = {'values': {'5': 'the sum was %d' % prevValues['2']}}
`, `,"$fields":"1"`)
		id := s.add(`{"1":"a","2":1}`)
		done := make(chan int)
		go func() {
			done <- ask(s.http, "PATCH", s.records()+"/"+id, `{"values":{"1":"b"}}`, "Authorization", basic()).Code
		}()
		s.eventually("the question", func() bool { return strings.Contains(s.call(200, "GET", signals, ""), "asked") })
		s.edit(id, `{"2":2}`)
		s.call(200, "POST", signals, `{"values":{"1":"go"}}`)
		if status := <-done; status != 200 {
			s.Errorf("the write gets %d", status)
		}
		s.refuses("the filled field", 200, "GET", s.records()+"/"+id, "", `"5":"the sum was 2"`)
		if n := strings.Count(s.call(200, "GET", signals, ""), `"1":"asked"`); n != 2 {
			s.Errorf("asked %d times", n)
		}
	})
}

// While a scenario works for five seconds, before a write, after one or for a card, others
// write: the same catalog and another one.
func TestScenarioHoldsNoWriter(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		other := s.made("POST", "/api/v1/catalogs", `{"name":"Signals","sectionId":"3","icon":"a-1","fields":[{"name":"Text","type":"text"}]}`)
		signals := "/api/v1/catalogs/" + other + "/records"
		id, near := s.add(`{"1":"a","2":1}`), s.add(`{"1":"near"}`)
		slow := func(says string) string {
			return "import time\nsignals = env['" + other + "']\nsignals.create({'1': '" + says + " began'})\n" +
				"time.sleep(5)\nsignals.create({'1': '" + says + " ended'})"
		}
		s.on(s.catalog, `"$record.before.update"`, slow("before"), `,"$fields":"1"`)
		s.on(s.catalog, `"$record.after.update"`, slow("after"), `,"$fields":"5"`)
		s.on(s.catalog, `"$record.updating"`, slow("live"), `,"$fields":"4"`)
		said := func(what string) bool { return strings.Contains(s.call(200, "GET", signals, ""), what) }
		during := func(starts map[string]func() int) {
			codes := make(chan int, len(starts))
			for says, start := range starts {
				go func() { codes <- start() }()
				s.eventually(says, func() bool { return said(says + " began") })
			}
			s.edit(near, `{"2":2}`)
			s.add(`{"1":"another"}`)
			s.call(200, "POST", signals, `{"values":{"1":"meanwhile"}}`)
			s.idle()
			for says := range starts {
				if said(says + " ended") {
					s.Errorf("%s: the scenario had ended before others had written", says)
				}
			}
			for says := range starts {
				if code := <-codes; code != 200 {
					s.Errorf("the answer is %d", code)
				}
				s.eventually("the end of "+says, func() bool { return said(says + " ended") })
			}
		}
		edits := func(values string) func() int {
			return func() int {
				return ask(s.http, "PATCH", s.records()+"/"+id, values, "Authorization", basic()).Code
			}
		}
		during(map[string]func() int{"before": edits(`{"values":{"1":"b"}}`)})
		during(map[string]func() int{
			"after": edits(`{"values":{"5":"b"}}`),
			"live":  func() int { return s.edits(id, `{"values":{"4":["1"]},"allValues":{"1":"b"}}`).Code },
		})
	})
}

// idle waits until no transaction of PostgreSQL is open without work: one that waits for
// something else than the database.
func (s *scripted) idle() {
	s.Helper()
	if s.target.DSN == "" {
		return // one writer: whoever wrote showed that it is free
	}
	db, err := pgx.Connect(s.Context(), s.target.DSN)
	if err != nil {
		s.Fatal(err)
	}
	defer db.Close(s.Context()) //nolint:errcheck // nothing was written
	s.eventually("no open transaction", func() bool {
		var open int
		err := db.QueryRow(s.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'").Scan(&open)
		if err != nil {
			s.Fatal(err)
		}
		return open == 0
	})
}

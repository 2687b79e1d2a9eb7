package server

import (
	"strings"
	"testing"
	"time"
)

// A source is compiled when it is saved; what is on needs one.
func TestScenarioSaved(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		scripts, events := "/api/v1/catalogs/$scripts/records", "/api/v1/catalogs/$events/records"
		s.refuses("a mistake", 400, "POST", scripts, `{"values":{"$name":"s","$source":"a = 1\nb = (2"}}`, "line 2, column 5")
		id := s.scenario("a = 1")
		s.refuses("a mistake later", 400, "PATCH", scripts+"/"+id, `{"values":{"$source":"if"}}`, `"fieldId":"$source"`)
		drawing := s.made("POST", scripts, `{"values":{"$name":"a drawing"}}`)
		of := `"$name":"e","$catalog":[{"catalogId":"$catalogs","recordId":"` + s.catalog + `"}],"$events":["$record.before.create"]`
		linked := func(id string) string { return `,"$script":[{"catalogId":"$scripts","recordId":"` + id + `"}]` }
		want := "what is on needs a scenario with a source"
		s.refuses("no scenario", 400, "POST", events, `{"values":{`+of+`}}`, want)
		s.refuses("a drawing", 400, "POST", events, `{"values":{`+of+linked(drawing)+`}}`, want)
		off := s.made("POST", events, `{"values":{"$status":["$off"],`+of+linked(drawing)+`}}`)
		s.refuses("a drawing switched on", 400, "PATCH", events+"/"+off, `{"values":{"$status":["$on"]}}`, want)
		s.call(200, "PATCH", events+"/"+off, `{"values":{"$name":"still off"}}`)
		s.call(200, "PATCH", events+"/"+off, `{"values":{"$status":["$on"]`+linked(id)+`}}`)
		s.refuses("taken away", 400, "PATCH", events+"/"+off, `{"values":{"$script":[]}}`, want)
		s.refuses("a web request", 400, "POST", "/api/v1/catalogs/$webRequests/records", `{"values":{"$name":"w","$url":"w"`+linked(drawing)+`}}`, want)
	})
}

// A scenario before a write refuses with a message, fills a field from a linked record,
// and is noted.
func TestScenarioBefore(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		partners := s.made("POST", "/api/v1/catalogs", `{"name":"Partners","sectionId":"3","icon":"a-1","fields":[{"name":"Name","type":"text"},{"name":"Discount","type":"number"}]}`)
		deals := s.made("POST", "/api/v1/catalogs", `{"name":"Deals","sectionId":"3","icon":"a-1","fields":[{"name":"Name","type":"text"},
			{"name":"Partner","type":"object","config":{"catalogs":[{"id":"`+partners+`"}]}},{"name":"Discount","type":"number"},{"name":"Sum","type":"number"}]}`)
		ann := s.made("POST", "/api/v1/catalogs/"+partners+"/records", `{"values":{"1":"Ann","2":15}}`)
		path := "/api/v1/catalogs/" + deals + "/records"
		s.on(deals, `"$record.before.create","$record.before.update"`, `
if values.get('4') is not None and values['4'] < 0:
    status = 422
    body = {'message': {'title': 'No', 'text': 'The sum is negative'}}
elif values.get('4') == 500:
    status = 503
elif values.get('4') == 401:
    status = 401
elif values.get('4') == 13:
    raise UserError('Unlucky')
elif values.get('4') == 14:
    1 / 0
elif values.get('2'):
    partner = env['`+partners+`'].browse(values['2'][0]['recordId'])
    body = {'values': {'3': partner['2'], 'nothing': 1}}
`, "")
		id := s.made("POST", path, `{"values":{"1":"first","2":[{"catalogId":"`+partners+`","recordId":"`+ann+`"}]}}`)
		s.refuses("the filled field", 200, "GET", path+"/"+id, "", `"3":15`)
		s.refuses("a refusal", 422, "PATCH", path+"/"+id, `{"values":{"4":-1}}`, `"message":{"title":"No","text":"The sum is negative"}`)
		s.refuses("a status that clients act on", 400, "PATCH", path+"/"+id, `{"values":{"4":401}}`, `"code":"rejected"`)
		s.refuses("a failure told by status", 400, "PATCH", path+"/"+id, `{"values":{"4":500}}`, "A scenario failed")
		s.refuses("what it says to people", 400, "PATCH", path+"/"+id, `{"values":{"4":13}}`, `"message":"Unlucky"`)
		s.refuses("a mistake", 400, "PATCH", path+"/"+id, `{"values":{"4":14}}`, "A scenario failed")
		s.refuses("nothing was written", 200, "GET", path+"/"+id, "", `"4":null`)
		runs := ""
		s.eventually("the notes of all runs", func() bool { // beside the writes
			runs = s.call(200, "GET", "/api/v1/catalogs/$processes/records?sortField=id&sortType=1", "")
			return strings.Count(runs, `"$code"`) == 6
		})
		rest := runs
		for _, want := range []string{`\"type\":\"$record.before.create\"`, `The sum is negative`, `"$status":["$error"]`, `ZeroDivisionError`} { // in their order
			at := strings.Index(rest, want)
			if at < 0 {
				s.Fatalf("%s is not next in %s", want, runs)
			}
			rest = rest[at:]
		}
		if n := strings.Count(runs, `"$status":["$done"]`); n != 4 {
			s.Errorf("%d runs are done: %s", n, runs)
		}
	})
}

// Values of several scenarios are merged in the order of their numbers, and checked.
func TestScenarioValues(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		s.on(s.catalog, `"$record.before.create"`, `import time
time.sleep(0.3)
body = {'values': {'5': 'one', '2': 1}}`, "")
		s.on(s.catalog, `"$record.before.create"`, `body = {'values': {'5': 'two'}}`, "")
		third := s.on(s.catalog, `"$record.before.create"`, `body = {'values': {'2': 'many'}}`, `,"$status":["$off"]`)
		id := s.add(`{"1":"a","5":"mine"}`)
		record := s.call(200, "GET", s.records()+"/"+id, "")
		if !strings.Contains(record, `"5":"two"`) || !strings.Contains(record, `"2":1,`) {
			s.Errorf("the record is %s", record)
		}
		s.call(200, "PATCH", "/api/v1/catalogs/$events/records/"+third, `{"values":{"$status":["$on"]}}`)
		s.refuses("a value that its field does not take", 400, "POST", s.records(), `{"values":{"1":"b"}}`, `"fieldId":"2"`)
	})
}

// A scenario after a write is run once for each, in the order of a record's changes, and
// may write itself; chains of events end.
func TestScenarioAfter(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		log := s.made("POST", "/api/v1/catalogs", `{"name":"Log","sectionId":"3","icon":"a-1","fields":[{"name":"Text","type":"text"}]}`)
		s.on(s.catalog, `"$record.after.create","$record.after.update","$record.after.delete"`, `
assert event['async'] is True and user['id'] == '1'
was = prevValues['2'] if event['type'] == '$record.after.update' else ''
env['`+log+`'].create({'1': '%s %s %s' % (event['type'], was, values.get('2'))})
`, "")
		id := s.add(`{"1":"a","2":1}`)
		s.edit(id, `{"2":2}`)
		s.edit(id, `{"2":3}`)
		s.call(200, "DELETE", s.records()+"/"+id, "")
		logged := func() string {
			return s.call(200, "GET", "/api/v1/catalogs/"+log+"/records?sortField=id&sortType=1&fields=[]", "")
		}
		s.eventually("four runs", func() bool { return strings.Count(logged(), "$record.after") == 4 })
		rest := logged()
		for _, want := range []string{"$record.after.create  1", "$record.after.update 1 2", "$record.after.update 2 3", "$record.after.delete  3"} {
			at := strings.Index(rest, want)
			if at < 0 {
				s.Fatalf("%q is not next in %s", want, logged())
			}
			rest = rest[at:]
		}
	})
}

func TestScenarioChain(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		s.on(s.catalog, `"$record.after.update"`, `
record = env[catalogId].browse(recordId)
record.write({'2': record['2'] + 1})
`, "")
		id := s.add(`{"1":"a","2":0}`)
		s.edit(id, `{"2":1}`)
		sum := func() string { return s.call(200, "GET", s.records()+"/"+id, "") }
		s.eventually("the end of the chain", func() bool { return strings.Contains(sum(), `"2":5,`) })
		s.eventually("all runs", func() bool {
			return strings.Count(s.call(200, "GET", "/api/v1/catalogs/$processes/records", ""), `"$status":["$done"]`) == 4
		})
		time.Sleep(300 * time.Millisecond) // for one too many
		if got := sum(); !strings.Contains(got, `"2":5,`) {
			s.Errorf("the chain went on: %s", got)
		}
	}, "EVENT_CHAIN_LIMIT=3")
}

// Scenarios answer for a card that is edited, after the webhooks; what fails is told
// without its reasons.
func TestScenarioLive(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		s.on(s.catalog, `"$record.updating"`, `
assert 'recordId' not in inputs and event['type'] == '$record.updating' and event['async'] is False
body = {'message': 'Doubled', 'values': {'5': 'was %s' % allValues['1'], '2': values['2'] * 2}}
`, `,"$fields":"2"`)
		s.on(s.catalog, `"$record.updating"`, `secret = 'hidden'
1 / 0`, `,"$fields":"2"`)
		last := s.on(s.catalog, `"$record.updating"`, `body = {'values': {'2': 7}}`, `,"$fields":"2"`)
		answer := s.call(200, "POST", "/api/v1/catalogs/"+s.catalog+"/changes", `{"values":{"2":4},"allValues":{"1":"a","2":4}}`)
		want := `{"message":"Doubled","messages":["Doubled"],"values":{"2":7,"5":"was a"},"errors":[{"source":"event","id":"2","message":"The scenario failed"}]}`
		if answer != want {
			s.Errorf("the answer is %s", answer)
		}
		s.call(200, "DELETE", "/api/v1/catalogs/$events/records/"+last, "")
		s.refuses("one less", 200, "POST", "/api/v1/catalogs/"+s.catalog+"/changes", `{"values":{"2":4}, "allValues":{"1":"a"}}`, `"2":8`)
		s.refuses("another field", 200, "POST", "/api/v1/catalogs/"+s.catalog+"/changes", `{"values":{"5":"x"}}`, `{"values":{}}`)
	})
}

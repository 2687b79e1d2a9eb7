package server

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// address makes a web request that starts a source.
func (s *scripted) address(code, source string) string {
	s.Helper()
	return s.made("POST", "/api/v1/catalogs/$webRequests/records",
		`{"values":{"$name":"w","$url":"`+code+`","$script":[{"catalogId":"$scripts","recordId":"`+s.scenario(source)+`"}]}}`)
}

// outside makes a request with headers in pairs, that nobody is signed in for.
func (s *scripted) outside(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	s.Helper()
	return ask(s.http, method, path, body, headers...)
}

func (s *scripted) answers(what string, w *httptest.ResponseRecorder, status int, body string) {
	s.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), body) {
		s.Errorf("%s: %d %s, want %d with %q", what, w.Code, w.Body, status, body)
	}
}

// A form from outside makes a record; a scenario decides on the whole answer.
func TestWebRequest(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		s.address("order", `
record = env['`+s.catalog+`'].create({'1': body['name'], '2': float(body['sum']), '4': '1'})
status, headers, body = 302, {'Location': '/thanks', 'Set-Cookie': ['a=1', 'b=2'], 'Content-Length': '7', 'X-Bad': 'a\r\nb: c'}, None
`)
		form := []string{"Content-Type", "application/x-www-form-urlencoded"}
		w := s.outside("POST", "/api/webrequest/order/", "name=%D0%90nn&sum=12.5", form...)
		s.answers("a form", w, 302, "")
		if h := w.Header(); h.Get("Location") != "/thanks" || len(h["Set-Cookie"]) != 2 || h.Get("X-Bad") != "" || h.Get("Content-Length") != "0" ||
			h.Get("Content-Security-Policy") != "sandbox allow-forms allow-scripts" || h.Get("Access-Control-Allow-Origin") != "" {
			s.Errorf("headers %v", h)
		}
		if list := s.call(200, "GET", s.records(), ""); strings.Count(list, `"1":"Аnn"`) != 1 || !strings.Contains(list, `"4":["1"]`) {
			s.Errorf("the records are %s", list)
		}
		s.address("echo", `import json
body = {k: v for k, v in inputs.items() if k != 'script'}`)
		w = s.outside("PUT", "/api/webrequest/echo/more?a[b]=1&c=2", `{"x":[1,null]}`, "Content-Type", "application/json", "Cookie", "connect.sid=secret1; mine=yes", "X-Own", "z")
		for _, want := range []string{`"body":{"x":[1,null]}`, `"a":{"b":"1"}`, `"method":"PUT"`, `"cookies":{"mine":"yes"}`, `"x-own":"z"`, `"user":{"id":null}`, `"type":"$webRequest"`, `/api/webrequest/echo/more?a[b]=1&c=2"`} {
			s.answers("what it is told", w, 200, want)
		}
		if strings.Contains(w.Body.String(), "secret1") {
			s.Errorf("our session is told: %s", w.Body)
		}
		w = s.outside("OPTIONS", "/api/webrequest/echo", "", "Authorization", basic())
		s.answers("somebody signed in", w, 200, `"user":{"id":"1"}`)
		if strings.Contains(w.Body.String(), "authorization") {
			s.Errorf("the password is told: %s", w.Body)
		}
		s.answers("another's credentials", s.outside("GET", "/api/webrequest/echo", "", "Authorization", "Bearer theirs"), 200, `"authorization":"Bearer theirs"`)
		multipart := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n"
		s.answers("a file", s.outside("POST", "/api/webrequest/echo", multipart, "Content-Type", "multipart/form-data; boundary=b"), 200, `"data":"aGVsbG8="`)
		s.answers("a broken form", s.outside("POST", "/api/webrequest/echo", "a=%zz", form...), 400, "the form cannot be read")
		s.answers("no address", s.outside("GET", "/api/webrequest/echoes", ""), 404, "")
		s.answers("nothing", s.outside("GET", "/api/webrequest", ""), 404, "")
	})
}

// Failures tell nothing; a run that takes too long is ended; what is too large is
// refused; a queued request is run.
func TestWebRequestBounds(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		s.address("wrong", `1 / 0`)
		s.answers("a mistake", s.outside("GET", "/api/webrequest/wrong", ""), 500, `"The scenario failed"`)
		s.address("said", `raise UserError('No such order')`)
		s.answers("what it says", s.outside("GET", "/api/webrequest/said", ""), 400, `"message":"No such order"`)
		slow := s.address("slow", "while True: pass")
		s.answers("too long", s.outside("GET", "/api/webrequest/slow", ""), 504, "took too long")
		s.answers("too much", s.outside("POST", "/api/webrequest/said", strings.Repeat("x", 2001)), 400, "")
		s.address("large", `body = 'x' * 3000`)
		s.answers("a large answer", s.outside("GET", "/api/webrequest/large", ""), 500, "The scenario failed")
		s.address("bytes", `headers = {'content-type': 'image/gif'}
body = b'\x00\xff'`)
		if w := s.outside("GET", "/api/webrequest/bytes", ""); w.Body.String() != "\x00\xff" || w.Header().Get("Content-Type") != "image/gif" {
			s.Errorf("bytes: %q %v", w.Body, w.Header())
		}
		s.address("later", `env['`+s.catalog+`'].create({'1': body})`)
		s.answers("queued", s.outside("POST", "/api/webrequest/later?async=true", "from outside"), 200, "")
		s.eventually("the queued run", func() bool { return strings.Contains(s.call(200, "GET", s.records(), ""), "from outside") })
		s.call(200, "PATCH", "/api/v1/catalogs/$webRequests/records/"+slow, `{"values":{"$status":["$off"]}}`)
		s.answers("switched off", s.outside("GET", "/api/webrequest/slow", ""), 404, "")
		runs := ""
		s.eventually("the end of all runs", func() bool { // that of the queued one is noted after its record
			runs = s.call(200, "GET", "/api/v1/catalogs/$processes/records", "")
			return !strings.Contains(runs, `"$status":["$running"]`)
		})
		if !strings.Contains(runs, "No such order") {
			s.Errorf("the processes are %s", runs)
		}
	}, "SCENARIO_SYNC_TIMEOUT=3000", "BPM_PROCESS_INPUT_LIMIT=2000", "BPM_PROCESS_DATA_LIMIT=2500")
}

// While a scenario is asked about a write, others write: it even waits for them.
func TestScenarioHoldsNobody(t *testing.T) {
	eachScripted(t, func(s *scripted) {
		other := s.made("POST", "/api/v1/catalogs", `{"name":"Signals","sectionId":"3","icon":"a-1","fields":[{"name":"Text","type":"text"}]}`)
		s.on(s.catalog, `"$record.before.create"`, `import time
env['`+other+`'].create({'1': 'asked'})
while not env['`+other+`'].search([('1', '=', 'go')]):
    time.sleep(0.05)
`, "")
		done := make(chan int)
		go func() {
			done <- ask(s.http, "POST", s.records(), `{"values":{"1":"slow"}}`, "Authorization", basic()).Code
		}()
		signals := "/api/v1/catalogs/" + other + "/records"
		s.eventually("the question", func() bool { return strings.Contains(s.call(200, "GET", signals, ""), "asked") })
		runs := "/api/v1/catalogs/$processes/records"
		s.eventually("the note of a run that takes long", func() bool { return strings.Contains(s.call(200, "GET", runs, ""), `"$status":["$running"]`) })
		s.call(200, "POST", signals, `{"values":{"1":"go"}}`)
		if status := <-done; status != 200 {
			s.Errorf("the write gets %d", status)
		}
		noted := s.call(200, "GET", runs, "")
		if strings.Count(noted, `"$status":["$done"]`) != 1 || strings.Contains(noted, "$running") {
			s.Errorf("the run is noted as %s", noted)
		}
	})
}

package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// edits posts what is edited of a card; id is "" for a new one.
func (h *hooked) edits(id, body string, header ...string) *httptest.ResponseRecorder {
	h.Helper()
	path := "/api/v1/catalogs/" + h.catalog + "/changes"
	if id != "" {
		path = h.records() + "/" + id + "/changes"
	}
	if header == nil {
		header = []string{"Authorization", basic()}
	}
	return ask(h.http, "POST", path, body, header...)
}

// answers fails unless the answer is that.
func (h *hooked) answers(what string, w *httptest.ResponseRecorder, status int, body string) {
	h.Helper()
	if got := strings.TrimSpace(w.Body.String()); w.Code != status || got != body {
		h.Errorf("%s: %d %s\nwant %d %s", what, w.Code, got, status, body)
	}
}

// The message is what events.md §2.2 and §3.1 say, and nothing is stored.
func TestLiveMessages(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r, after := newReceiver(h), newReceiver(h)
		id := h.add(`{"1":"Order 118","2":12,"4":["1"],"5":"noted"}`)
		h.answers("nobody watches", h.edits(id, `{"values":{"2":13}}`), 200, `{"values":{}}`)
		hook := h.subscribe(r.URL, `"record.updating"`, `,"$secret":"s"`)
		h.subscribe(after.URL, `"record.created","record.updated","record.before.updated"`, "")
		before := h.call(200, "GET", h.records()+"/"+id, "")
		r.json = true
		r.answers(func(int, received) (int, string) {
			return 200, `{"message":"Price taken from the list","values":{"2":360,"4":2,"99":1,"3":null}}`
		})
		got := h.edits(id, `{"values":{"2":"12.5","3":"tomorrow"},"allValues":{"1":"Order 119","2":12.5,"3":"tomorrow"}}`)
		h.answers("a card", got, 200, `{"message":"Price taken from the list","messages":["Price taken from the list"],"values":{"2":360,"3":null,"4":["2"]},"errors":[]}`)
		c := r.now()
		want := fmt.Sprintf(`{"timestamp":"1800000000","hook":{"id":%q,"event":"record.updating","sequenceId":1},"payload":{"catalogId":%q,"recordId":%q,`+
			`"values":{"2":12.5,"3":null},"allValues":{"1":"Order 119","2":12.5,"3":null,"4":["1"],"5":"noted"}},"user":{"id":"1"}}`, hook, h.catalog, id)
		if c.Raw != want || len(c.Header.Get("X-Hook-Signature")) != 24 {
			h.Errorf("called with\n%s\nwant\n%s", c.Raw, want)
		}
		after.none("an edited card")
		if now := h.call(200, "GET", h.records()+"/"+id, ""); now != before {
			h.Errorf("the record was\n%s and is\n%s", before, now)
		}
		if got := h.call(200, "GET", "/api/v1/histories?catalogId="+h.catalog+"&recordId="+id, ""); strings.Contains(got, "UPDATE") {
			h.Errorf("the history has %s", got)
		}
		if got := h.hook(hook)["$sequenceId"]; got != 1.0 {
			h.Errorf("the counter is %v", got)
		}
		if got := h.call(200, "GET", "/api/v1/webhooks/"+hook+"/deliveries", ""); got != "[]" {
			h.Errorf("deliveries %s", got)
		}

		r.answers(nil)
		h.answers("nothing said", h.edits(id, `{}`), 200, `{"messages":[],"values":{},"errors":[]}`)
		if c := r.now(); !strings.Contains(c.Raw, `"sequenceId":2}`) || !strings.Contains(c.Raw, `"values":{},"allValues":{"1":"Order 118","2":12,`) {
			h.Errorf("called with %s", c.Raw)
		}
	})
}

// A new card is told as it begins, a button as pressed, and those are chosen who
// watch what was touched.
func TestLiveSelection(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		h.call(200, "PATCH", "/api/v1/catalogs/"+h.catalog, `{"fields":[{"id":"2","name":"Sum","type":"number"},
			{"id":"4","name":"Kind","type":"dropdown","config":{"items":[{"id":"1","name":"New"}],"defaultValue":true}},
			{"id":"5","name":"Note","type":"text"},{"id":"6","name":"Price","type":"button"}]}`)
		all, kinds, sums, button, bobs := newReceiver(h), newReceiver(h), newReceiver(h), newReceiver(h), newReceiver(h)
		h.subscribe(all.URL, `"record.updating"`, "")
		h.subscribe(kinds.URL, `"record.updating"`, `,"$fields":"4"`)
		h.subscribe(sums.URL, `"record.updating"`, `,"$fields":"2"`)
		h.subscribe(button.URL, `"record.updating"`, `,"$fields":"6"`)
		bob := h.hire("Bob", "bob@example.com")
		h.subscribe(bobs.URL, `"record.updating"`, `,"$initiator":[{"catalogId":"$users","recordId":"`+bob+`"}]`)
		nobody := func(what string, list ...*receiver) {
			h.Helper()
			for _, r := range list {
				select {
				case c := <-r.calls:
					h.Errorf("%s: called with %s", what, c.Raw)
				default: // the answer waited for all calls
				}
			}
		}
		said := `{"messages":[],"values":{},"errors":[]}`
		h.answers("a new card opens", h.edits("", `{"values":{},"allValues":{"5":"x"}}`), 200, said)
		if c := kinds.now(); strings.Contains(c.Raw, "recordId") || !strings.Contains(c.Raw, `"values":{},"allValues":{"2":null,"4":["1"],"5":"x"}`) {
			h.Errorf("a new card: %s", c.Raw)
		}
		all.now()
		nobody("a new card", sums, button, bobs)
		h.answers("a new card goes on", h.edits("", `{"values":{"5":"y"}}`), 200, said)
		all.now()
		nobody("another field", kinds, sums, button, bobs)
		id := h.add(`{"2":4}`)
		h.answers("a button", h.edits(id, `{"values":{"6":true},"allValues":{"6":false}}`), 200, said)
		if c := button.now(); !strings.Contains(c.Raw, `"values":{"6":true},"allValues":{"2":4,"4":["1"],"5":""}`) {
			h.Errorf("a button: %s", c.Raw)
		}
		all.now()
		h.answers("a button let go", h.edits(id, `{"values":{"6":false}}`), 200, said)
		all.now()
		h.answers("by its id in the body", ask(h.http, "POST", "/api/v1/changes",
			`{"catalogId":`+h.catalog+`,"recordId":`+id+`,"values":{"2":5}}`, "Authorization", basic()), 200, said)
		if c := sums.now(); !strings.Contains(c.Raw, `"recordId":"`+id+`","values":{"2":5}`) {
			h.Errorf("by its id: %s", c.Raw)
		}
		all.now()
		nobody("the last", all, kinds, sums, button, bobs)
	})
}

// Replies are merged in the order of the subscriptions, whoever answers first.
func TestLiveMerge(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		slow := make(chan struct{})
		say := func(status int, body string, wait <-chan struct{}) *receiver {
			r := newReceiver(h)
			r.json = true
			r.answers(func(int, received) (int, string) {
				if wait != nil {
					<-wait
				}
				return status, body
			})
			return r
		}
		first := say(200, `{"message":{"title":"A","text":"b"},"values":{"1":"first","2":1,"5":"first"}}`, slow)
		last := say(302, `{"message":"second","values":{"2":2,"4":"none","5":"second"}}`, nil)
		failing := say(500, `{"message":"no price today","values":{"1":"failed"}}`, nil)
		dead := say(200, "", nil)
		gone := say(410, `{"values":{"5":"last"}}`, nil)
		var ids []string
		for _, r := range []*receiver{first, last, failing, dead, gone} {
			ids = append(ids, h.subscribe(r.URL, `"record.updating"`, ""))
		}
		dead.Close()
		done := make(chan *httptest.ResponseRecorder)
		go func() { done <- h.edits("", `{"values":{"2":0}}`) }()
		last.now() // asked while the first has not answered
		close(slow)
		h.answers("all of them", <-done, 200, fmt.Sprintf(`{"message":{"title":"A","text":"b"},"messages":[{"title":"A","text":"b"},"second","no price today"],`+
			`"values":{"1":"first","2":2,"5":"last"},"errors":[{"source":"webhook","id":%q,"message":"The value was not taken: Kind: there is no option none"},`+
			`{"source":"webhook","id":%q,"message":"The webhook answered with an error"},{"source":"webhook","id":%q,"message":"The webhook did not answer"}]}`, ids[1], ids[2], ids[3]))
		h.call(404, "GET", "/api/v1/catalogs/$webhooks/records/"+ids[4], "")
		if w := h.edits("", `{"values":{"2":0}}`, "Authorization", basic(), "Accept-Language", "uk"); !strings.Contains(w.Body.String(), `"Вебхук відповів помилкою"`) {
			h.Errorf("in Ukrainian: %s", w.Body)
		}
	})
}

// What cannot be read of an answer says nothing; what is wrong with a request is told.
func TestLiveBadInput(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r := newReceiver(h)
		h.subscribe(r.URL, `"record.updating"`, "")
		id := h.add(`{"2":4}`)
		r.json = true
		for _, body := range []string{``, `[]`, `{"values":[1]}`, `{"values":{"2":"x"`, `{"values":"` + strings.Repeat("x", 1<<20) + `"}`, `{"message":5}`} {
			r.answers(func(int, received) (int, string) { return 200, body })
			h.answers(fmt.Sprintf("%.20s", body), h.edits(id, `{"values":{"2":1}}`), 200, `{"messages":[],"values":{},"errors":[]}`)
			r.now()
		}
		for body, want := range map[string]string{
			`[]`: "invalid_json", `{"values":5}`: "invalid_parameter", `{"allValues":[]}`: "invalid_parameter", `{"values":{"99":1}}`: "unknown_field",
			`{"values"`: "invalid_json",
		} {
			if w := h.edits(id, body); w.Code != 400 || !strings.Contains(w.Body.String(), `"`+want+`"`) {
				h.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
		for body, status := range map[string]int{`{}`: 400, `{"catalogId":"x"}`: 404, `{"catalogId":{}}`: 400, `{"catalogId":"` + h.catalog + `","recordId":"99"}`: 404} {
			if w := ask(h.http, "POST", "/api/v1/changes", body, "Authorization", basic()); w.Code != status {
				h.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
		if w := h.edits("99", `{"values":{"99":1}}`); w.Code != 404 {
			h.Errorf("no such record: %d %s", w.Code, w.Body)
		}
		select {
		case c := <-r.calls:
			h.Errorf("a refused request: called with %s", c.Raw)
		default:
		}
	})
}

// A caller who goes away is waited for no longer.
func TestLiveCancelled(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		asked, gone := make(chan struct{}), make(chan struct{})
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = r.Body.Read(make([]byte, 1<<16))
			close(asked)
			<-r.Context().Done()
			close(gone)
		}))
		h.Cleanup(s.Close)
		h.subscribe(s.URL, `"record.updating"`, "")
		front := httptest.NewServer(h.http)
		h.Cleanup(front.Close)
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, "POST", front.URL+"/api/v1/catalogs/"+h.catalog+"/changes", strings.NewReader(`{"values":{"2":1}}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", basic())
		go func() { <-asked; cancel() }()
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			h.Errorf("status %d", res.StatusCode)
		}
		select {
		case <-gone:
		case <-time.After(5 * time.Second): // the call itself lasts 10 s
			h.Error("the call went on")
		}
	})
}

// No more are asked than the bound, and the rest is told.
func TestLiveBound(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r := newReceiver(h)
		var last string
		for range 34 {
			last = h.subscribe(r.URL, `"record.updating"`, "")
		}
		w := h.edits("", `{"values":{"2":1}}`)
		var got struct {
			Errors []struct{ ID, Message string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || len(got.Errors) != 2 || got.Errors[1].ID != last ||
			got.Errors[0].Message != "The webhook was not asked: more than 32 watch the card" {
			h.Errorf("%d %s", w.Code, w.Body)
		}
		if len(r.calls) != 32 {
			h.Errorf("%d calls", len(r.calls))
		}
	})
}

// Links, people and files go whole into the card, titles as the caller may see them;
// fields of the system have both of their ids.
func TestLiveWholeValues(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		target := h.catalog
		vendor := h.add(`{"1":"Acme"}`)
		h.call(200, "PATCH", h.records()+"/"+vendor, `{"id":"acme"}`)
		h.catalog = h.made("POST", "/api/v1/catalogs", `{"name":"Bills","sectionId":"3","fields":[{"name":"Vendor","type":"object",
			"config":{"catalogs":[{"id":"`+target+`"}],"enableUnsaved":true,"multiselect":true}},{"name":"Who","type":"user"},{"name":"Scan","type":"file"}]}`)
		r := newReceiver(h)
		r.json = true
		h.subscribe(r.URL, `"record.updating"`, "")
		r.answers(func(int, received) (int, string) {
			return 200, `{"values":{"1":[{"catalogId":"` + target + `","recordId":"acme","recordTitle":"Another"}],"2":[{"id":"1"}],"3":[{"src":"http://example.com/a.pdf","title":"a"}]}}`
		})
		w := h.edits("", `{"values":{"1":[{"catalogId":"`+target+`","recordId":"`+vendor+`"},{"catalogId":"`+target+`","recordValues":{"1":"unsaved"}}],"2":["99"]}}`)
		h.answers("whole values", w, 200, `{"messages":[],"values":{"1":[{"sectionId":"3","catalogId":"`+target+`","catalogTitle":"Orders","catalogIcon":"a-1",`+
			`"recordId":"acme","recordTitle":"Acme","isRemoved":false}],"2":[{"id":"1","title":"Administrator","isRemoved":false}],`+
			`"3":[{"id":null,"title":"a","url":"http://example.com/a.pdf","size":0,"mimeType":null,"typeStorage":"url","metadata":null}]},"errors":[]}`)
		c := r.now()
		if !strings.Contains(c.Raw, `"recordTitle":"Acme","isRemoved":false}],"2":[]},"allValues":`) || strings.Contains(c.Raw, "unsaved") {
			h.Errorf("called with %s", c.Raw)
		}
		var sent struct{ Values json.RawMessage }
		if err := json.Unmarshal(w.Body.Bytes(), &sent); err != nil {
			t.Fatal(err)
		}
		h.add(string(sent.Values)) // what a card is given it can be saved with

		h.catalog = "3"
		h.subscribe(r.URL, `"record.updating"`, "")
		r.answers(func(int, received) (int, string) { return 200, `{"values":{"1":"Named","$password":"secret"}}` })
		h.answers("a card of the system", h.edits("1", `{"values":{"$name":"Anna","$password":"hidden one"}}`), 200,
			`{"messages":[],"values":{"1":"Named","$name":"Named"},"errors":[]}`)
		if c := r.now(); c.Body.Payload.CatalogID != "$users" || !reflect.DeepEqual(c.Body.Payload.Values, map[string]any{"1": "Anna", "$name": "Anna"}) ||
			strings.Contains(c.Raw, "hidden one") {
			h.Errorf("called with %s", c.Raw)
		}
		if w := ask(h.http, "POST", "/api/v1/catalogs/3/records/1/changes?skipPrevId=true", `{}`, "Authorization", basic()); strings.Contains(w.Body.String(), `"1":`) {
			h.Errorf("without numbers: %s", w.Body)
		}
		r.now()
		for path, status := range map[string]int{"$processes": 200, "$messages": 405, "$invites": 405, "$accounts": 400, "$catalogs": 405} {
			if w := ask(h.http, "POST", "/api/v1/catalogs/"+path+"/changes", `{}`, "Authorization", basic()); w.Code != status {
				h.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	})
}

// Nobody learns from an answer what he may not read, though receivers are told all.
func TestLiveRights(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		bob := h.hire("Bob", "bob@example.com")
		h.call(200, "PATCH", "/api/v1/catalogs/$users/records/"+bob, `{"values":{"$password":"password1"}}`)
		h.call(200, "POST", "/api/v1/rights", `{"object":{"sectionId":"3"},"rules":[{"rightSubject":{"userAttr":"id","recordId":"1"},"privilegeCode":"admin"}]}`)
		id := h.add(`{"1":"Name","2":12345,"5":"the note"}`)
		r := newReceiver(h)
		r.json = true
		h.subscribe(r.URL, `"record.updating"`, "")
		echo := func(_ int, c received) (int, string) {
			var got struct {
				Payload struct{ AllValues json.RawMessage }
			}
			_ = json.Unmarshal([]byte(c.Raw), &got)
			return 200, `{"values":` + string(got.Payload.AllValues) + `}`
		}
		bad := func(int, received) (int, string) { return 200, `{"values":{"2":"12345?","4":"12345","1":{"12345":1}}}` }
		rule := func(privilege, fields string) {
			h.Helper()
			h.call(200, "POST", "/api/v1/rights", `{"object":{"catalogId":"`+h.catalog+`"},"rules":[{"rightSubject":{"userAttr":"id","recordId":"`+bob+`"},`+
				`"privilegeCode":"`+privilege+`","fields":`+fields+`}]}`)
		}
		as := []string{"Authorization", basicOf("bob@example.com", "password1")}
		path := "/api/v1/catalogs/" + h.catalog + "/changes"
		old := h.records() + "/" + id + "/changes"
		for _, c := range []struct {
			name, privilege, fields, path, body string
			answer                              func(int, received) (int, string)
			status                              int
			want                                string
		}{
			{"no right", "search", `{}`, old, `{}`, echo, 403, `"forbidden"`},
			{"nothing to edit", "view", `{}`, old, `{}`, echo, 403, `"forbidden"`},
			{"one field to edit", "view", `{"1":"edit","2":"hide","5":"hide"}`, old, `{"values":{"1":"x"}}`, echo, 200, `"values":{"1":"x","3":null,"4":[]},"errors":[]}`},
			{"a field only seen", "edit", `{"5":"view"}`, old, `{"values":{"5":"filled"}}`, echo, 200, `"5":"filled"}`},
			{"a hidden field named", "edit", `{"2":"hide"}`, old, `{"values":{"2":1}}`, echo, 403, `"field_hidden"`},
			{"a hidden field in the card", "edit", `{"2":"hide"}`, old, `{"allValues":{"2":1}}`, echo, 403, `"field_hidden"`},
			{"a bad value of a hidden field", "edit", `{"2":"hide","4":"hide"}`, old, `{}`, bad, 200, `"values":{},"errors":[{`},
			{"no right to make", "edit", `{}`, path, `{}`, echo, 403, `"forbidden"`},
			{"a new one", "create", `{"2":"hide"}`, path, `{"values":{"1":"x"}}`, echo, 200, `"values":{"1":"x","3":null,"4":[],"5":""}`},
		} {
			rule(c.privilege, c.fields)
			r.answers(c.answer)
			w := ask(h.http, "POST", c.path, c.body, as...)
			if got := w.Body.String(); w.Code != c.status || !strings.Contains(got, c.want) || strings.Contains(got, "12345") && c.fields != `{"5":"view"}` {
				h.Errorf("%s: %d %s", c.name, w.Code, got)
			}
			if c.status == 200 {
				if call := r.now(); !strings.Contains(call.Raw, `"2":`) {
					h.Errorf("%s: called with %s", c.name, call.Raw)
				}
			}
		}
		if len(r.calls) > 0 {
			h.Errorf("%d calls of refused requests", len(r.calls))
		}
		// What was taken from him while the webhook thought he does not get.
		rule("edit", `{}`)
		r.answers(func(n int, c received) (int, string) {
			rule("edit", `{"2":"hide"}`)
			return echo(n, c)
		})
		if w := ask(h.http, "POST", old, `{}`, as...); w.Code != 200 || strings.Contains(w.Body.String(), "12345") {
			h.Errorf("taken away meanwhile: %d %s", w.Code, w.Body)
		}
		r.answers(func(n int, c received) (int, string) {
			rule("search", `{}`)
			return echo(n, c)
		})
		if w := ask(h.http, "POST", old, `{}`, as...); w.Code != 403 || r.n != 1 {
			h.Errorf("all taken away meanwhile: %d %s after %s calls", w.Code, w.Body, strconv.Itoa(r.n))
		}
	})
}

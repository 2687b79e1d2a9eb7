package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/store/testdb"
)

// TestSyncKeys: what a key opens is neither more nor less than it says.
func TestSyncKeys(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.config(strings.Replace(s.endpoint("keys", ""), `"credentials":[`, `"credentials":[
			{"label":"writer","type":"bearer","secret":"a key that writes only","methods":["POST"]},
			{"label":"reader","type":"bearer","secret":"a key that reads only","methods":["GET"]},
			{"label":"near","type":"bearer","secret":"a key of one address","allowed_ips":["192.0.2.1"]},
			{"label":"far","type":"bearer","secret":"a key of another address","allowed_ips":["192.0.2.2"]},`, 1), 200)
		s.does(201, "POST", "keys", `{"name":"Oak","ref":"A-1"}`, "Authorization", "Bearer a key that writes only")
		w := s.ask("HEAD", "keys?name=Oak", "", "Authorization", "Bearer a key that writes only")
		if w.Code != http.StatusForbidden || w.Header().Get("X-Total-Count") != "" {
			s.Errorf("a key that writes only counts records: %d %v", w.Code, w.Header())
		}
		if w := s.ask("HEAD", "keys", "", "Authorization", "Bearer a key that reads only"); w.Code != http.StatusOK {
			s.Errorf("a key that reads only: HEAD %d", w.Code)
		}
		s.does(200, "GET", "keys", "", "Authorization", "Bearer a key of one address")
		s.refused(403, "IP_NOT_ALLOWED", "GET", "keys", "", "Authorization", "Bearer a key of another address")
		s.config(s.endpoint("near", `,"allowed_ips":["192.0.2.1"]`), 200)
		s.does(200, "GET", "near", "")
	})
}

// TestSyncLimitLeftOut: a limit that a config does not speak of is not off.
func TestSyncLimitLeftOut(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.config(strings.Replace(s.endpoint("few", ""), `"per_minute_ip":0,"per_hour_key":0`, `"per_minute_ip":7`, 1), 200)
		if got := s.ask("GET", "few", "").Header().Get("RateLimit-Policy"); got != "7;w=60, 1000;w=3600" {
			s.Errorf("limits %q", got)
		}
	})
}

// TestSyncUnderscore: an identifier's key may begin with what else keeps answers out of
// caches.
func TestSyncUnderscore(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.config(strings.Replace(s.endpoint("under", ""), `"external_key":"ref"`, `"external_key":"_id"`, 1), 200)
		s.does(201, "POST", "under", `{"name":"Oak","_id":"A-1"}`)
		s.refused(400, "IDENTIFIER_MISSING", "DELETE", "under?_=A-1", "")
		s.does(200, "DELETE", "under?_id=A-1&_=5", "")
	})
}

// TestSyncOrigins: pages of listed origins may send what the endpoint asks for.
func TestSyncOrigins(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.config(strings.Replace(s.endpoint("pages", `,"cors_origins":["https://shop.example"],"headers":[{"key":"X-Partner","value":"the value of it"}]`),
			`"login":"X-API-Key"`, `"login":"X-Shop-Key"`, 1), 200)
		w := s.ask("OPTIONS", "pages", "", "Authorization", "", "Origin", "https://shop.example", "Access-Control-Request-Method", "PUT")
		for _, name := range []string{"X-Shop-Key", "X-Partner", "If-Match"} {
			if got := w.Header().Get("Access-Control-Allow-Headers"); !strings.Contains(got, name) {
				s.Errorf("the header %s is not among %q", name, got)
			}
		}
		w = s.ask("GET", "pages", "", "Authorization", "", "Origin", "https://shop.example")
		if got := w.Header().Get("Access-Control-Expose-Headers"); !strings.Contains(got, "Idempotency-Replayed") {
			s.Errorf("exposed %q", got)
		}
	})
}

// TestSyncLogTells: the log names identifiers, also of what failed, and tells where the
// time went.
func TestSyncLogTells(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.journaled()
		s.does(201, "PUT", "partners", `{"name":"Oak","ref":"A-1"}`)
		if e := s.newest("external_id=A-1"); fmt.Sprint(e["record_ids"]) != "[1]" || e["action"] != "created" {
			s.Errorf("%v", e)
		}
		s.refused(400, "VALIDATION_ERROR", "PUT", "partners", `{"balance":"much","ref":"A-1"}`)
		e := s.newest("external_id=A-1")
		if e["error_code"] != "VALIDATION_ERROR" {
			s.Errorf("%v", e)
		}
		s.does(207, "POST", "partners", `[{"name":"Ash","ref":"A-2"},{"ref":"A-3"}]`)
		if e = s.newest("external_id=A-3"); fmt.Sprint(e["external_ids"]) != "[A-2 A-3]" {
			s.Errorf("%v", e)
		}
		phases, _ := e["phases"].(map[string]any)
		for _, name := range []string{"auth", "transform", "backend", "render"} {
			if ms, _ := phases[name].(float64); ms <= 0 {
				s.Errorf("%s took %v", name, phases[name])
			}
		}
	})
}

// TestSyncAfterCommit: once something of a batch is written, it is answered for,
// whatever becomes of the rest; and the same request is not carried out again.
func TestSyncAfterCommit(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.config(strings.Replace(s.endpoint("broken", ""), `"lines":[`, `"lines":[{"field":"8.1","external_key":"land","direction":"out"},`, 1), 200)
		s.storeOlder("broken", `"direction":"out"`, `"direction":"in"`)
		s.config(s.endpoint("another", ""), 200) // all are read again
		body := `[{"name":"Oak","ref":"A-1"},{"ref":"A-1","land":"x"},{"name":"Ash","ref":"A-2"}]`
		s.refused(500, "CONFIG_ERROR", "PUT", "broken", `{"ref":"A-1","land":"x"}`)
		a := s.does(207, "PUT", "broken", body, "Idempotency-Key", "k")
		if a.Meta.Created != 1 || a.Meta.Failed != 2 || len(a.IDs) != 3 || a.IDs[0] == nil || a.IDs[2] != nil || strings.Count(string(a.Data), "CONFIG_ERROR") != 2 {
			s.Errorf("%+v %s", a, a.Data)
		}
		w := s.ask("PUT", "broken", body, "Idempotency-Key", "k")
		if w.Code != 207 || w.Header().Get("Idempotency-Replayed") != "true" {
			s.Errorf("again: %d %s", w.Code, w.Body)
		}
		if n := s.count(s.partners); n != 1 {
			s.Errorf("%d records", n)
		}
	})
}

// storeOlder changes what is stored of a config, to what no check lets in now.
func (s *synced) storeOlder(code, old, replaced string) {
	s.Helper()
	st, err := s.app.Catalog.Structure(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	err = s.app.company.Update(s.Context(), catalog.Plan{Version: st.Version}, func(cw catalog.Writer) error {
		w := cw.(apisync.Writer)
		list, err := w.SyncResources(s.Context())
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(r apisync.Resource) bool { return r.Code == code })
		list[i].Version++
		list[i].Body = bytes.Replace(list[i].Body, []byte(old), []byte(replaced), 1)
		return w.SaveSyncResource(s.Context(), &list[i])
	})
	if err != nil {
		s.Fatal(err)
	}
}

// TestSyncSmall are single sentences of the contract.
func TestSyncSmall(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.config(s.endpoint("bulk", `,"allow_bulk_delete":true,"allow_dry_run":true`), 200)
		if a := s.does(200, "DELETE", "bulk?name=nobody", ""); string(a.Data) != "[]" || *a.Meta.Total != 0 {
			s.Errorf("nothing to delete: %+v", a)
		}
		if a := s.does(200, "POST", "bulk?dry_run=true", `{"name":"Oak","ref":"A-1"}`); string(a.Data) != `{"id":null}` {
			s.Errorf("a record that would be: %s", a.Data)
		}
		for _, path := range []string{"", "_openapi.json"} {
			if w := s.ask("OPTIONS", path, "", "Authorization", ""); w.Code != 204 || w.Header().Get("Allow") != "GET, HEAD, OPTIONS" {
				s.Errorf("OPTIONS %q: %d %q", path, w.Code, w.Header().Get("Allow"))
			}
		}
		s.config(strings.Replace(s.endpoint("signed", `,"hmac":{"header":"X-Signature","timestamp_header":"X-Time"}`), `"auth_types":["basic","bearer","header"],`, `"auth_types":["hmac"],`, 1), 400)
		s.call(200, "PATCH", "/api/v1/sync/configs/bulk", `{"hmac":{"header":"X-Signature","timestamp_header":"X-Time"}}`)
		text := s.call(200, "GET", "/api/v1/sync/configs/bulk", "")
		if want := `"hmac":{"header":"X-Signature","algorithm":"sha256","encoding":"hex","prefix":"","timestamp_header":"X-Time","tolerance_seconds":300}`; !strings.Contains(text, want) {
			s.Errorf("signatures: %s", text)
		}
		s.call(400, "GET", "/api/v1/sync/export?include=script", "")
		s.call(400, "POST", "/api/v1/sync/import?dry_run=yes", "version: 1\nscripts: [{code: one, name: One, source: x = 1}]\n")
		s.call(404, "GET", "/api/v1/sync/scripts/one", "")
	})
}

// TestSyncAddress: an object that says nothing of an address does not empty it.
func TestSyncAddress(t *testing.T) {
	eachSynced(t, func(s *synced) {
		places := s.made("POST", "/api/v1/catalogs", `{"name":"Places","sectionId":"3","icon":"a-1","fields":[
			{"name":"Ref","type":"text"},{"name":"Where","type":"address"}]}`)
		s.config(`{"name":"places","request_type":"in","model":"`+places+`","endpoint":"places","run_as":1,"methods":["POST","PUT"],
			"credentials":[{"type":"bearer","secret":"`+shopKey+`"}],"lines":[
			{"field":"1","external_key":"ref","is_record_identifier":true},{"field":"2","external_key":"where"}]}`, 200)
		s.does(201, "POST", "places", `{"ref":"A","where":{"value":"Lviv"}}`)
		s.refused(400, "VALIDATION_ERROR", "PUT", "places/1", `{"where":{"valeu":"Kyiv"}}`)
		if a := s.does(200, "PUT", "places/1", `{"where":{"value":null}}`); s.values(a)["where"] != nil {
			s.Errorf("null leaves %s", a.Data)
		}
	})
}

// TestSyncManual: what the manual of scripts shows runs, and what it names is there.
func TestSyncManual(t *testing.T) {
	s := openSynced(t, testdb.SQLite(t), "SCRIPT_PYTHON="+python(t))
	var manual apisync.Manual
	s.read(s.call(200, "GET", "/api/v1/sync/scripts/manual", ""), &manual)
	s.call(400, "POST", "/api/v1/sync/scripts", `{"code":"manual","name":"Manual","kind":"library","source":"x = 1"}`)
	try := func(mode, source string, data map[string]any) {
		body, err := json.Marshal(map[string]any{"config": "partners", "mode": mode, "source": source, "request_data": data})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.call(200, "POST", "/api/v1/sync/scripts/test", string(body)); !strings.HasPrefix(got, `{"ok":true`) {
			s.Errorf("%s\n%s", source, got)
		}
	}
	if len(manual.Examples) < 8 {
		s.Errorf("%d examples", len(manual.Examples))
	}
	for _, e := range manual.Examples {
		try(e.Mode, e.Source, e.RequestData)
	}
	for _, m := range manual.Modules {
		if m.Name != "requests" {
			try("execute", "import "+m.Name, nil)
		}
	}
	var names []string
	for _, v := range manual.Variables {
		if v.Name != "response" && v.Name != "sync_line" { // of response_script and lines alone
			names = append(names, strings.Split(v.Name, ", ")...)
		}
	}
	try("execute", "result = None\n("+strings.Join(names, ", ")+")", map[string]any{})
}

// TestSyncDebugged: while a config is debugged, the log has what each line read and made
// of it, but for what is secret.
func TestSyncDebugged(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.journaled()
		s.config(strings.Replace(s.endpoint("debugged", `,"debug_until":"2099-01-01T00:00:00Z"`), `{"field":"3","external_key":"balance"}`,
			`{"field":"3","external_key":"balance","sensitive":true}`, 1), 200)
		s.does(207, "POST", "debugged", `[{"name":" Oak ","ref":"A-1","kind":{"id":"2"},"contact":{"email":"a@example.com"},"country":"PL","balance":77},{"ref":"A-2"}]`)
		want := `map[lines:[map[converted:map[balance:*** contact:map[email:[map[comment: contact:a@example.com id:]]] country:[map[catalog:` + s.countries +
			` id:2]] kind:[Vendor] name:Oak ref:A-1] index:0 raw:map[balance:*** contact:map[email:a@example.com] country:PL kind:map[id:2] name: Oak  ref:A-1]]` +
			` map[converted:map[] index:1 raw:map[ref:A-2]]]]`
		if got := fmt.Sprint(s.newest("config=debugged")["details"]); got != want {
			s.Errorf("got  %s\nwant %s", got, want)
		}
		s.does(200, "PUT", "partners", `{"ref":"A-1","balance":5}`)
		if e := s.newest("config=partners"); e["details"] != nil {
			s.Errorf("another config: %v", e["details"])
		}
	})
}

// TestSyncNested: what the catalog refuses of a linked record is named by its key in the
// item, in a batch or alone.
func TestSyncNested(t *testing.T) {
	eachSynced(t, func(s *synced) {
		orders := s.made("POST", "/api/v1/catalogs", `{"name":"Bills","sectionId":"3","icon":"a-1","fields":[
			{"name":"No","type":"text"},{"name":"Of","type":"object","config":{"catalogs":[{"id":"`+s.partners+`"}]}}]}`)
		s.config(`{"code":"payers","name":"Payers","request_type":"mapping","model":"`+s.partners+`","run_as":1,"lines":[
			{"field":"2","external_key":"ref","is_record_identifier":true},{"field":"1","external_key":"title"}]}`, 200)
		s.config(`{"name":"bills","request_type":"in","model":"`+orders+`","endpoint":"bills","run_as":1,"methods":["POST"],
			"credentials":[{"type":"bearer","secret":"`+shopKey+`"}],"lines":[{"field":"1","external_key":"no","is_record_identifier":true},
			{"field":"2","external_key":"payer","value_type":"relational_mapping","mapping_config":"payers","relation_policy":"create"}]}`, 200)
		alone := s.refused(400, "VALIDATION_ERROR", "POST", "bills", `{"no":"1","payer":{"ref":"A-1"}}`)
		batch := s.does(400, "POST", "bills", `[{"no":"1","payer":{"ref":"A-1"}}]`)
		want := `"key":"payer.title","code":"REQUIRED"`
		text, err := json.Marshal(alone.Error.Details)
		if err != nil || !strings.Contains(string(text), `"key":"payer.title"`) || !strings.Contains(string(batch.Data), want) {
			s.Errorf("alone %s, in a batch %s, want %s", text, batch.Data, want)
		}
	})
}

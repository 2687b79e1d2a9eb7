package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestSyncRecords(t *testing.T) {
	eachSynced(t, func(s *synced) {
		made := s.does(201, "POST", "partners", `{"name":"Oak","ref":"A-1","balance":12.50,"active":true,"since":"2026-03-09T10:15:00+02:00",
			"kind":"Vendor","contact":{"email":"oak@example.com"},"country":"UA"}`)
		want := map[string]any{"id": float64(made.ID), "name": "Oak", "ref": "A-1", "balance": 12.5, "active": true, "since": "2026-03-09T08:15:00Z",
			"kind": "Vendor", "contact": map[string]any{"email": "oak@example.com"}, "country": "UA"}
		if got := s.values(made); fmt.Sprint(got) != fmt.Sprint(want) || made.Meta.Action != "created" {
			s.Errorf("made %v, %s, want %v", got, made.Meta.Action, want)
		}
		path := fmt.Sprintf("partners/%d", made.ID)
		if got := s.values(s.does(200, "GET", path, "")); fmt.Sprint(got) != fmt.Sprint(want) {
			s.Errorf("read %v, want %v", got, want)
		}
		s.refused(409, "DUPLICATE_RECORD", "POST", "partners", `{"name":"Oak again","ref":"A-1"}`)

		changed := s.does(200, "PUT", path, `{"balance":13}`)
		want["balance"] = 13.0
		if got := s.values(changed); fmt.Sprint(got) != fmt.Sprint(want) || changed.Meta.Action != "updated" {
			s.Errorf("changed to %v, %s", got, changed.Meta.Action)
		}
		if same := s.does(200, "PUT", "partners", `{"ref":"A-1","balance":13.0}`); same.Meta.Action != "unchanged" || same.ID != made.ID {
			s.Errorf("an upsert of the same: %+v", same.Meta)
		}
		if other := s.does(201, "PUT", "partners", `{"ref":"A-2","name":"Ash","country":{"code":"PL"}}`); other.Meta.Action != "created" || s.values(other)["country"] != "PL" {
			s.Errorf("an upsert of another: %s", other.Data)
		}
		if cleared := s.does(200, "PUT", path, `{"country":null,"contact":{"email":null}}`); s.values(cleared)["country"] != nil {
			s.Errorf("cleared: %s", cleared.Data)
		}
		if gone := s.does(200, "DELETE", path, ""); gone.ID != made.ID || !strings.Contains(string(gone.Data), `"deleted":true`) {
			s.Errorf("deleted: %+v", gone)
		}
		s.refused(404, "RECORD_NOT_FOUND", "GET", path, "")
		s.refused(404, "RECORD_NOT_FOUND", "DELETE", path, "")
		if by := s.does(200, "DELETE", "partners", `{"ref":"A-2"}`); !by.Success {
			s.Errorf("deleted by identifier: %+v", by)
		}
		s.refused(400, "IDENTIFIER_MISSING", "DELETE", "partners", "")
	})
}

func TestSyncRefusals(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.does(201, "POST", "partners", `{"name":"Oak","ref":"A-1"}`)
		for _, test := range []struct {
			name                     string
			status                   int
			code, method, path, body string
			headers                  []string
		}{
			{"no credential", 401, "AUTH_REQUIRED", "GET", "partners", "", []string{"Authorization", ""}},
			{"wrong token", 401, "AUTH_INVALID", "GET", "partners", "", []string{"Authorization", "Bearer another token altogether"}},
			{"wrong password", 401, "AUTH_INVALID", "GET", "partners", "", []string{"Authorization", "Basic YWRtaW46d3Jvbmc="}},
			{"no base64", 401, "AUTH_INVALID", "GET", "partners", "", []string{"Authorization", "Basic %%%"}},
			{"another scheme", 401, "AUTH_INVALID", "GET", "partners", "", []string{"Authorization", "Digest x"}},
			{"unknown endpoint", 404, "ENDPOINT_NOT_FOUND", "GET", "nothing", "", nil},
			{"deeper", 404, "NOT_FOUND", "GET", "partners/1/2", "", nil},
			{"another version", 404, "NOT_FOUND", "GET", "../v2/partners", "", nil},
			{"a method that is off", 405, "METHOD_NOT_ALLOWED", "PATCH", "partners/1", "", nil},
			{"post to a record", 405, "METHOD_NOT_ALLOWED", "POST", "partners/1", "{}", nil},
			{"not JSON", 400, "INVALID_JSON", "POST", "partners", `{"name":`, nil},
			{"a key twice", 400, "INVALID_JSON", "POST", "partners", `{"name":"a","name":"b"}`, nil},
			{"nothing", 400, "EMPTY_BODY", "POST", "partners", "", nil},
			{"a scalar", 400, "INVALID_BODY", "POST", "partners", "5", nil},
			{"an empty list", 400, "INVALID_BODY", "POST", "partners", "[]", nil},
			{"no mapped key", 400, "VALIDATION_ERROR", "POST", "partners", `{"foo":1}`, nil},
			{"required", 400, "VALIDATION_ERROR", "POST", "partners", `{"ref":"A-9"}`, nil},
			{"another type", 400, "VALIDATION_ERROR", "POST", "partners", `{"name":"x","balance":"a lot"}`, nil},
			{"no such option", 400, "VALIDATION_ERROR", "POST", "partners", `{"name":"x","kind":"Friend"}`, nil},
			{"no such country", 400, "RELATION_NOT_FOUND", "POST", "partners", `{"name":"x","country":"XX"}`, nil},
			{"no identifier", 400, "IDENTIFIER_MISSING", "PUT", "partners", `{"name":"x"}`, nil},
			{"no such record", 404, "RECORD_NOT_FOUND", "PUT", "partners/999", `{"name":"x"}`, nil},
			{"no record id", 404, "RECORD_NOT_FOUND", "GET", "partners/%D0%B0", "", nil},
			{"a typo", 400, "INVALID_FILTER", "GET", "partners?nmae=x", "", nil},
			{"a limit", 400, "INVALID_PARAMETER", "GET", "partners?limit=-1", "", nil},
			{"a domain", 400, "INVALID_DOMAIN", "GET", `partners?domain=[["name","=`, "", nil},
			{"a version", 400, "UNSUPPORTED_API_VERSION", "GET", "partners", "", []string{"X-API-Version", "2.0"}},
			{"XML", 415, "UNSUPPORTED_MEDIA_TYPE", "POST", "partners", "<a/>", []string{"Content-Type", "text/xml"}},
			{"zstd", 415, "UNSUPPORTED_MEDIA_TYPE", "POST", "partners", "{}", []string{"Content-Encoding", "zstd"}},
			{"too many", 413, "BATCH_TOO_LARGE", "POST", "partners", "[" + strings.Repeat("{},", 200) + "{}]", nil},
			{"too deep", 400, "INVALID_JSON", "POST", "partners", strings.Repeat("[", 100) + strings.Repeat("]", 100), nil},
			{"400 digits", 400, "INVALID_JSON", "POST", "partners", `{"name":"x","balance":1` + strings.Repeat("0", 400) + `}`, nil},
			{"a key of a megabyte", 400, "VALIDATION_ERROR", "POST", "partners", `{"` + strings.Repeat("k", 1<<20) + `":1}`, nil},
			{"too large", 413, "PAYLOAD_TOO_LARGE", "POST", "partners", `{"name":"` + strings.Repeat("x", 6<<20) + `"}`, nil},
			{"a long address", 414, "URI_TOO_LONG", "GET", "partners?_=" + strings.Repeat("x", 17<<10), "", nil},
		} {
			a := s.refused(test.status, test.code, test.method, test.path, test.body, test.headers...)
			if a.RequestID == "" {
				s.Errorf("%s: no request id", test.name)
			}
		}
		if a := s.does(200, "GET", "partners?limit=0", ""); a.Meta.Total == nil || *a.Meta.Total != 1 || string(a.Data) != "[]" {
			s.Errorf("afterwards there are %+v", a)
		}
	})
}

func TestSyncHeaders(t *testing.T) {
	eachSynced(t, func(s *synced) {
		w := s.ask("POST", "partners", `{"name":"Oak","ref":"A-1"}`, "X-Request-ID", "my own id")
		if id := w.Header().Get("X-Request-ID"); len(id) != 36 {
			s.Errorf("an id with blanks is answered %q", id)
		}
		if l := w.Header().Get("Location"); l != "/bj_api_sync/v1/partners/1" {
			s.Errorf("Location %q", l)
		}
		etag := w.Header().Get("ETag")
		if w := s.ask("GET", "partners/1", "", "If-None-Match", etag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
			s.Errorf("the same: %d %s", w.Code, w.Body)
		}
		s.clock.ms.Add(1000)
		s.refused(412, "PRECONDITION_FAILED", "PUT", "partners/1", `{"name":"x"}`, "If-Match", `"1"`)
		s.does(200, "PUT", "partners/1", `{"name":"Ash"}`, "If-Match", etag)
		s.refused(412, "PRECONDITION_FAILED", "PUT", "partners/1", `{"name":"x"}`, "If-Match", etag)
		w = s.ask("OPTIONS", "partners", "")
		if w.Code != 204 || w.Header().Get("Allow") != "GET, HEAD, POST, PUT, DELETE, OPTIONS" {
			s.Errorf("OPTIONS: %d %q", w.Code, w.Header().Get("Allow"))
		}
		w = s.ask("HEAD", "partners/1", "")
		if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Type") == "" {
			s.Errorf("HEAD: %d %s", w.Code, w.Body)
		}
		w = s.ask("GET", "partners", "", "Authorization", "")
		if got := w.Header().Values("WWW-Authenticate"); len(got) != 2 {
			s.Errorf("challenges %q", got)
		}
		for _, headers := range [][]string{
			{"Authorization", "bEaReR   " + shopKey}, {"Authorization", "Basic YWRtaW46YWRtaW4="}, {"Authorization", "", "X-API-Key", "a key in a header, 2"},
		} {
			s.does(200, "GET", "partners/1", "", headers...)
		}
		for i := range 5 {
			s.does(201, "POST", "partners", fmt.Sprintf(`{"name":"more","ref":"B-%d"}`, i))
		}
		w = s.ask("GET", "partners?limit=2&offset=2", "")
		h := w.Header()
		if h.Get("X-Total-Count") != "6" || !strings.Contains(h.Get("Link"), `?limit=2&offset=4>; rel="next"`) || h.Get("Cache-Control") != "no-store" {
			s.Errorf("page: %v", h)
		}
	})
}

func TestSyncBatch(t *testing.T) {
	eachSynced(t, func(s *synced) {
		a := s.does(207, "POST", "partners", `[{"name":"a","ref":"1"},{"ref":"2"},{"name":"c","ref":"3","balance":"x"},{"name":"d","ref":"1"},7]`)
		if a.Status != "partial" || a.Error.Code != "BATCH_PARTIAL" || a.Meta.Succeeded != 1 || a.Meta.Failed != 4 || len(a.IDs) != 5 || a.IDs[0] == nil || a.IDs[1] != nil {
			s.Errorf("partial: %+v", a)
		}
		var items []struct {
			Index   int
			Success bool
			Action  string
			Error   *struct {
				Code    string
				Details map[string]any
			}
		}
		if err := json.Unmarshal(a.Data, &items); err != nil {
			s.Fatal(err)
		}
		for i, code := range []string{"", "VALIDATION_ERROR", "VALIDATION_ERROR", "DUPLICATE_RECORD", "INVALID_BODY"} {
			if items[i].Index != i || items[i].Success != (code == "") || code != "" && items[i].Error.Code != code {
				s.Errorf("item %d: %+v, want %q", i, items[i], code)
			}
		}
		if a := s.does(400, "POST", "partners?atomic=true", `[{"name":"e","ref":"5"},{"ref":"6"}]`); a.Error.Code != "BATCH_FAILED" {
			s.Errorf("atomic: %+v", a)
		}
		if a := s.does(201, "POST", "partners?atomic=true", `[{"name":"e","ref":"5"},{"name":"f","ref":"6"}]`); a.Meta.Created != 2 {
			s.Errorf("atomic: %+v", a.Meta)
		}
		if a := s.does(200, "PUT", "partners", `[{"ref":"5","balance":1},{"ref":"7","name":"g"},{"ref":"5","balance":2},{"ref":"6","name":"f"}]`); a.Meta.Created != 1 || a.Meta.Updated != 2 || a.Meta.Unchanged != 1 {
			s.Errorf("upsert: %+v", a.Meta)
		}
		if a := s.does(200, "GET", "partners?ref=5", ""); !strings.Contains(string(a.Data), `"balance":2`) {
			s.Errorf("the second item of one identifier: %s", a.Data)
		}
		if a := s.does(207, "DELETE", "partners", `["5",{"ref":"6"},"none"]`); a.Meta.Succeeded != 2 {
			s.Errorf("delete: %+v", a.Meta)
		}
		if a := s.does(200, "GET", "partners", ""); len(a.Data) == 0 || *a.Meta.Total != 2 {
			s.Errorf("left: %s", a.Data)
		}
	})
}

func TestSyncOnce(t *testing.T) {
	eachSynced(t, func(s *synced) {
		body := `{"name":"Oak"}`
		first := s.ask("POST", "partners", body, "Idempotency-Key", "k1")
		again := s.ask("POST", "partners", body, "Idempotency-Key", `"k1"`)
		if first.Code != 201 || again.Code != 201 || again.Header().Get("Idempotency-Replayed") != "true" || first.Body.String() != again.Body.String() {
			s.Errorf("again: %d %v %s", again.Code, again.Header(), again.Body)
		}
		s.refused(422, "IDEMPOTENCY_KEY_REUSED", "POST", "partners", `{"name":"Ash"}`, "Idempotency-Key", "k1")
		s.does(201, "POST", "partners", `{"name":"Ash"}`, "X-Request-ID", "r1")
		s.does(201, "POST", "partners", `{"name":"Elm"}`, "X-Request-ID", "r1")
		if w := s.ask("POST", "partners", `{"name":"Elm"}`, "X-Request-ID", "r1"); w.Header().Get("Idempotency-Replayed") != "true" {
			s.Errorf("the same request id and body: %d %s", w.Code, w.Body)
		}
		s.refused(400, "VALIDATION_ERROR", "POST", "partners", `{"ref":"x"}`, "Idempotency-Key", "k2")
		s.does(400, "POST", "partners", `[{"ref":"x"}]`, "Idempotency-Key", "k2")
		s.does(201, "POST", "partners", `{"ref":"x","name":"mended"}`, "Idempotency-Key", "k2")

		var all sync.WaitGroup
		var codes sync.Map
		for i := range 50 {
			all.Go(func() {
				w := s.ask("POST", "partners", `{"name":"once"}`, "Idempotency-Key", "k3")
				codes.Store(i, w.Code)
			})
		}
		all.Wait()
		codes.Range(func(_, code any) bool {
			if code != 201 && code != 409 {
				s.Errorf("one of 50: %v", code)
			}
			return true
		})
		if a := s.does(200, "GET", "partners?name=once", ""); *a.Meta.Total != 1 {
			s.Errorf("50 equal requests made %d records", *a.Meta.Total)
		}
		for range 20 {
			all.Go(func() { s.ask("PUT", "partners", `{"ref":"race","name":"race"}`) })
		}
		all.Wait()
		if a := s.does(200, "GET", "partners?ref=race", ""); *a.Meta.Total != 1 {
			s.Errorf("20 upserts of one identifier made %d records", *a.Meta.Total)
		}
	})
}

func TestSyncDryRun(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.refused(400, "INVALID_PARAMETER", "POST", "partners?dry_run=true", `{"name":"x"}`)
		s.config(strings.Replace(s.endpoint("dry", `,"allow_dry_run":true`), "\x00", "", 1), 200)
		a := s.does(200, "POST", "dry", `{"name":"x","ref":"1"}`, "X-Dry-Run", "true")
		if !a.Meta.DryRun || len(a.Meta.Plan) != 1 || a.Meta.Plan[0]["op"] != "create" || a.ID != 0 {
			s.Errorf("dry run: %+v", a)
		}
		s.refused(400, "VALIDATION_ERROR", "POST", "dry?dry_run=1", `{"ref":"1"}`)
		if a := s.does(200, "GET", "dry", ""); *a.Meta.Total != 0 {
			s.Errorf("a dry run wrote %s", a.Data)
		}
	})
}

func TestSyncLimits(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.config(strings.Replace(s.endpoint("few", ""), `"per_minute_ip":0,"per_hour_key":0`, `"per_minute_ip":3,"per_hour_key":100`, 1), 200)
		for i := range 3 {
			if w := s.ask("GET", "few", ""); w.Code != 200 || w.Header().Get("RateLimit-Remaining") != fmt.Sprint(2-i) || w.Header().Get("RateLimit-Policy") != "3;w=60, 100;w=3600" {
				s.Errorf("request %d: %d %v", i, w.Code, w.Header())
			}
		}
		w := s.ask("GET", "few", "")
		if w.Code != 429 || w.Header().Get("Retry-After") == "" {
			s.Errorf("request 4: %d %v", w.Code, w.Header())
		}
		s.does(200, "GET", "partners", "")
		for range 10 {
			s.refused(401, "AUTH_INVALID", "GET", "partners", "", "Authorization", "Bearer guess")
		}
		s.refused(429, "RATE_LIMITED", "GET", "partners", "")
		s.clock.ms.Add(6 * 60 * 1000)
		s.does(200, "GET", "partners", "")
		s.does(200, "GET", "few", "")
	})
}

// TestSyncEmployeeGone: an endpoint whose employee is removed serves nothing, not even
// what is for everybody.
func TestSyncEmployeeGone(t *testing.T) {
	eachSynced(t, func(s *synced) {
		bob := s.made("POST", "/api/v1/catalogs/$users/records", `{"values":{"$name":"Bob"}}`)
		s.config(strings.Replace(s.endpoint("bobs", ""), `"run_as":1`, `"run_as":`+bob, 1), 200)
		s.does(201, "POST", "bobs", `{"name":"Oak","ref":"A-1"}`)
		s.does(200, "GET", "bobs", "")
		s.call(200, "DELETE", "/api/v1/catalogs/$users/records/"+bob, "")
		s.refused(500, "CONFIG_ERROR", "GET", "bobs", "")
		s.refused(500, "CONFIG_ERROR", "PUT", "bobs", `{"name":"Ash","ref":"A-1"}`)
		s.does(200, "GET", "partners", "")
	})
}

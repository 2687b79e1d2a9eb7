package server

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/store/testdb"
)

// described is a document's paths, each with its methods.
func (s *synced) described(w *httptest.ResponseRecorder) map[string][]string {
	s.Helper()
	var doc struct {
		Servers []struct{ URL string }
		Paths   map[string]map[string]any
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); w.Code != 200 || err != nil {
		s.Fatalf("%d %v: %s", w.Code, err, w.Body)
	}
	paths := map[string][]string{}
	for path, methods := range doc.Paths {
		paths[strings.TrimPrefix(path, "/bj_api_sync/v1/")] = slices.Sorted(maps.Keys(methods))
	}
	return paths
}

// plain makes a request without the shop's credential.
func (s *synced) plain(method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, r)
	return w
}

// TestSyncDocuments asks for documents as everybody who may come: each sees what it
// opens.
func TestSyncDocuments(t *testing.T) {
	eachSynced(t, func(s *synced) {
		other := `"credentials":[{"label":"reads","type":"bearer","secret":"a bearer that only reads","methods":["GET"]},
			{"label":"no more","type":"bearer","secret":"a bearer that is off","enabled":false}],"methods":["GET","POST","PATCH"]`
		body := s.endpoint("other", "")
		i, j := strings.Index(body, `"credentials"`), strings.Index(body, `"lines"`)
		s.config(strings.Replace(body[:i]+other+","+body[j:], `"methods":["GET","POST","PUT","DELETE"],`, "", 1), 200)
		s.config(strings.Replace(strings.Replace(body, `["basic","bearer","header"]`, `["platform"]`, 1), `"other"`, `"house"`, 2), 200)
		open := strings.Replace(strings.Replace(body, `["basic","bearer","header"]`, `["none"]`, 1), `"other"`, `"open"`, 2)
		open = strings.Replace(strings.Replace(open, `"run_as":1`, `"run_as":`+s.hire("Reader", "reader@example.com"), 1), `["GET","POST","PUT","DELETE"]`, `["GET"]`, 1)
		s.config(open, 200)

		all := []string{"delete", "get", "post", "put"}
		one := []string{"delete", "get", "put"}
		shop := map[string][]string{"partners": all, "partners/{id}": one}
		for _, test := range []struct {
			name    string
			headers []string
			want    map[string][]string
		}{
			{"bearer", []string{"Authorization", shopToken}, shop},
			{"basic", []string{"Authorization", "Basic YWRtaW46YWRtaW4="}, shop},
			{"header", []string{"X-API-Key", "a key in a header, 2"}, shop},
			{"a reader", []string{"Authorization", "Bearer a bearer that only reads"}, map[string][]string{"other": {"get"}, "other/{id}": {"get"}}},
			{"an account", []string{"Authorization", basicOf(bossLogin, bossPassword)}, map[string][]string{"house": all, "house/{id}": one}},
		} {
			got := s.described(s.plain("GET", "/bj_api_sync/v1/_openapi.json", test.headers...))
			if !maps.EqualFunc(got, test.want, slices.Equal) {
				t.Errorf("%s sees %v, not %v", test.name, got, test.want)
			}
			file := s.plain("GET", "/postman/collection.json", test.headers...)
			for _, name := range []string{"partners", "other", "house", "open"} {
				seen := strings.Contains(file.Body.String(), `"name":"`+name+`"`)
				if want := test.want[name] != nil || test.name == "an account"; file.Code != 200 || seen != want {
					t.Errorf("%s: the collection is %d, has %s: %t", test.name, file.Code, name, seen)
				}
			}
		}
		for _, path := range []string{"/api/v1/sync/openapi.json", "/api/v1/sync/configs/other/openapi.json"} {
			got := s.described(s.plain("GET", path, "Authorization", basicOf(bossLogin, bossPassword)))
			if n := map[bool]int{true: 8, false: 2}[strings.Contains(path, "sync/openapi")]; len(got) != n || len(got["other"]) != 3 || len(got["other/{id}"]) != 2 {
				t.Errorf("%s: %v", path, got)
			}
		}
		if w := s.plain("GET", "/api/v1/sync/configs/countries/postman.json", "Authorization", basicOf(bossLogin, bossPassword)); w.Code != 404 {
			t.Errorf("a collection of a mapping: %d", w.Code)
		}
		s.strangers()
	})
}

// strangers look at the documents without a credential, and with wrong ones.
func (s *synced) strangers() {
	s.Helper()
	page := s.plain("GET", "/postman", "Accept", "text/html")
	if page.Code != 200 || strings.Contains(page.Body.String(), "partners") || !strings.Contains(page.Body.String(), "/postman/collection.json") {
		s.Errorf("the page: %d %s", page.Code, page.Body)
	}
	document := func(method, path string, status int, code string, headers ...string) *httptest.ResponseRecorder {
		w := s.plain(method, "/bj_api_sync/v1/"+path, headers...)
		if w.Code != status || !strings.Contains(w.Body.String(), code) || strings.Contains(w.Body.String(), "partners") {
			s.Errorf("%s %s as %v: %d %s", method, path, headers, w.Code, w.Body)
		}
		return w
	}
	if w := document("GET", "_openapi.json", 401, "AUTH_REQUIRED"); len(w.Header().Values("WWW-Authenticate")) != 2 {
		s.Errorf("challenges %v", w.Header())
	}
	document("POST", "_openapi.json", 405, "METHOD_NOT_ALLOWED", "Authorization", shopToken)
	document("GET", "_openapi.json/1", 404, "NOT_FOUND", "Authorization", shopToken)
	document("GET", "_postman.json", 404, "ENDPOINT_NOT_FOUND", "Authorization", shopToken)
	for _, guess := range []string{"Bearer a bearer that is off", "Bearer guess", "Basic YWRtaW46d3Jvbmc=", "Basic bm9ib2R5Om5v"} {
		document("GET", "_openapi.json", 401, "AUTH_INVALID", "Authorization", guess)
	}
	if w := s.plain("GET", "/postman/collection.json"); w.Code != 401 || w.Header().Get("WWW-Authenticate") != "" {
		s.Errorf("the file: %d %v", w.Code, w.Header())
	}
	if w := s.plain("GET", "/postman/collection.json", "Accept", "text/html"); w.Code != 401 || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
		s.Errorf("the file in a browser: %d %v", w.Code, w.Header())
	}
	for range 6 {
		document("GET", "_openapi.json", 401, "AUTH_INVALID", "Authorization", "Bearer guess")
	}
	document("GET", "_openapi.json", 429, "RATE_LIMITED", "Authorization", "Bearer guess")
	if w := s.plain("GET", "/postman/collection.json", "Authorization", shopToken); w.Code != http.StatusTooManyRequests {
		s.Errorf("the file after guesses: %d", w.Code)
	}
}

// TestSyncDocumentSchemas looks at what the document says of an endpoint's keys.
func TestSyncDocumentSchemas(t *testing.T) {
	s := openSynced(t, testdb.SQLite(t))
	s.call(200, "PATCH", "/api/v1/sync/settings", `{"public_base_url":"https://shop.example/"}`)
	w := s.plain("GET", "/bj_api_sync/v1/_openapi.json", "Authorization", shopToken)
	var doc map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	at := func(path ...string) string {
		t.Helper()
		var v any = doc
		for _, key := range path {
			switch of := v.(type) {
			case map[string]any:
				v = of[key]
			case []any:
				v = of[0]
			}
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	in := []string{"components", "schemas", "partners.create", "properties"}
	for _, test := range []struct {
		path []string
		want string
	}{
		{[]string{"openapi"}, `"3.1.0"`},
		{[]string{"servers", "0", "url"}, `"https://shop.example"`},
		{append(in, "name"), `{"type":"string"}`},
		{append(in, "balance"), `{"type":["number","null"]}`},
		{append(in, "active"), `{"type":["boolean","null"]}`},
		{append(in, "since"), `{"format":"date-time","type":["string","null"]}`},
		{append(in, "kind"), `{"enum":["Customer","Vendor",null],"type":["string","null"]}`},
		{append(in, "contact"), `{"properties":{"email":{"type":["string","null"]}},"type":"object"}`},
		{append(in, "country", "anyOf"), `[{"anyOf":[{"type":["string","null"]},{"$ref":"#/components/schemas/mapping.countries.in"}]},{"type":"null"}]`},
		{[]string{"components", "schemas", "mapping.countries.in", "properties"}, `{"code":{"type":["string","null"]},"name":{"type":["string","null"]}}`},
		{[]string{"components", "schemas", "partners.create", "required"}, `["name"]`},
		{[]string{"components", "schemas", "partners.change", "required"}, `null`},
		{[]string{"components", "schemas", "partners.record", "properties", "id"}, `{"type":["integer","string"]}`},
		{[]string{"components", "schemas", "partners.record", "properties", "country"}, `{"type":["string","null"]}`},
		{[]string{"paths", "/bj_api_sync/v1/partners", "get", "security"}, `[{"basic":[]},{"bearer":[]},{"header.X-API-Key":[]}]`},
		{[]string{"components", "securitySchemes", "header.X-API-Key"}, `{"in":"header","name":"X-API-Key","type":"apiKey"}`},
		{[]string{"paths", "/bj_api_sync/v1/partners", "post", "responses", "409"}, `{"$ref":"#/components/responses/create.409"}`},
		{[]string{"components", "responses", "create.409", "content", "application/json", "examples", "DUPLICATE_RECORD", "value", "error", "code"}, `"DUPLICATE_RECORD"`},
	} {
		if got := at(test.path...); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", strings.Join(test.path, " "), got, test.want)
		}
	}
	if parameters := at("paths", "/bj_api_sync/v1/partners", "get", "parameters"); !strings.Contains(parameters, `"name":"contact.email"`) {
		t.Errorf("no parameter for a nested key: %s", parameters)
	}
}

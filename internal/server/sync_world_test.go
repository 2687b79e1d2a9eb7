package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kartoteka/internal/store/testdb"
)

// synced is a running program with an endpoint in front of a catalog of partners.
type synced struct {
	*hooked
	countries string // the id of the linked catalog
	partners  string // the id of the catalog behind the endpoint
}

const (
	shopKey   = "a bearer of the shop, 1"
	shopToken = "Bearer " + shopKey
)

func eachSynced(t *testing.T, test func(s *synced), env ...string) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, target testdb.Target) { test(openSynced(t, target, env...)) })
}

func openSynced(t *testing.T, target testdb.Target, env ...string) *synced {
	t.Helper()
	s := &synced{hooked: openHooked(t, target, env...)}
	s.countries = s.made("POST", "/api/v1/catalogs", `{"name":"Countries","sectionId":"3","icon":"a-1","fields":[
		{"name":"Name","type":"text"},{"name":"Code","type":"text"}]}`)
	for _, c := range [][2]string{{"Україна", "UA"}, {"Poland", "PL"}} {
		s.made("POST", "/api/v1/catalogs/"+s.countries+"/records", fmt.Sprintf(`{"values":{"1":%q,"2":%q}}`, c[0], c[1]))
	}
	s.partners = s.made("POST", "/api/v1/catalogs", fmt.Sprintf(`{"name":"Partners","sectionId":"3","icon":"a-1","fields":[
		{"name":"Name","type":"text","required":true},{"name":"Ref","type":"text"},{"name":"Balance","type":"number"},
		{"name":"Active","type":"switch"},{"name":"Since","type":"date","config":{"time":true}},
		{"name":"Kind","type":"dropdown","config":{"items":[{"name":"Customer"},{"name":"Vendor"}]}},
		{"name":"Email","type":"contact","config":{"contactType":"email"}},
		{"name":"Country","type":"object","config":{"catalogs":[{"id":%q}]}}]}`, s.countries))
	s.config(`{"code":"countries","name":"Countries","request_type":"mapping","model":"`+s.countries+`","run_as":1,"lines":[
		{"field":"2","external_key":"code","is_record_identifier":true},{"field":"1","external_key":"name"}]}`, 200)
	s.config(s.endpoint("partners", ""), 200)
	return s
}

// endpoint is a config in front of the partners; more are other attributes, with a comma
// before them.
func (s *synced) endpoint(name, more string) string {
	return `{"code":"` + name + `","name":"Partners","request_type":"in","model":"` + s.partners + `","endpoint":"` + name + `","run_as":1,
		"methods":["GET","POST","PUT","DELETE"],"auth_types":["basic","bearer","header"],"rate_limit":{"per_minute_ip":0,"per_hour_key":0},
		"credentials":[{"label":"shop","type":"bearer","secret":"` + shopKey + `"},{"label":"boss","type":"basic","login":"admin","secret":"admin"},
			{"label":"key","type":"header","login":"X-API-Key","secret":"a key in a header, 2"}],
		"lines":[{"field":"1","external_key":"name","required":true},{"field":"2","external_key":"ref","is_record_identifier":true},
			{"field":"3","external_key":"balance"},{"field":"4","external_key":"active"},{"field":"5","external_key":"since"},
			{"field":"6","external_key":"kind"},{"field":"7","external_key":"contact.email"},
			{"field":"8","external_key":"country","value_type":"relational_mapping","mapping_config":"countries"}]` + more + `}`
}

// config makes a config.
func (s *synced) config(body string, status int) string {
	s.Helper()
	return s.call(status, "POST", "/api/v1/sync/configs", body)
}

// ask makes a request to an endpoint as the shop; headers are pairs, which may replace
// the credential.
func (s *synced) ask(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/bj_api_sync/v1/"+path, strings.NewReader(body))
	r.Header.Set("Authorization", shopToken)
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, r)
	return w
}

// envelope is an answer as its readers know it.
type syncAnswer struct {
	Success bool            `json:"success"`
	Status  string          `json:"status"`
	Code    int             `json:"code"`
	Message string          `json:"message"`
	ID      int64           `json:"id"`
	IDs     []*int64        `json:"ids"`
	Data    json.RawMessage `json:"data"`
	Meta    struct {
		Action                      string
		Total                       *int64
		Count, Limit, Offset        int
		HasMore                     bool `json:"has_more"`
		Succeeded, Failed           int
		Created, Updated, Unchanged int
		DryRun                      bool `json:"dry_run"`
		Plan                        []map[string]any
		Warnings                    []string
	} `json:"meta"`
	Error struct {
		Code, Message string
		Details       map[string]any
	} `json:"error"`
	RequestID string `json:"request_id"`
}

// does makes a request that must end with a status, and reads its answer.
func (s *synced) does(status int, method, path, body string, headers ...string) syncAnswer {
	s.Helper()
	w := s.ask(method, path, body, headers...)
	if w.Code != status {
		s.Fatalf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, status)
	}
	var a syncAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		s.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
	}
	if a.Success != (status < 300 && status != http.StatusMultiStatus) {
		s.Errorf("%s %s: success %t with %d", method, path, a.Success, status)
	}
	return a
}

// refused makes a request that must be refused with a code.
func (s *synced) refused(status int, code, method, path, body string, headers ...string) syncAnswer {
	s.Helper()
	a := s.does(status, method, path, body, headers...)
	if a.Error.Code != code || a.Error.Details == nil || a.Code != status || a.Status != "error" {
		s.Errorf("%s %s: %+v, want %s", method, path, a, code)
	}
	return a
}

// values are what the data of an answer has.
func (s *synced) values(a syncAnswer) map[string]any {
	s.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.Data, &m); err != nil {
		s.Fatalf("%v in %s", err, a.Data)
	}
	return m
}

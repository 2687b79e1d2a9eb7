package server

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// shape is a JSON Schema: as much of it as the schemas here use.
type shape struct {
	Type       any // one name or several
	Const      any
	Required   []string
	Properties map[string]shape
	Items      *shape
	MinLength  int
}

// The forms of answers that readers of the two references know, and that of failures.
const (
	firstReader = `{"type":"object","required":["success","data","message"],"properties":{
		"success":{"const":true},"message":{"type":"string","minLength":1},"data":{"type":["object","array"]},"error":{"type":"null"}}}`
	secondReader = `{"type":"object","required":["success","message","id"],"properties":{
		"success":{"const":true},"message":{"type":"string","minLength":1},"id":{"type":["integer","string"]}}}`
	failureReader = `{"type":"object","required":["success","status","code","message","error","request_id"],"properties":{
		"success":{"const":false},"status":{"const":"error"},"code":{"type":"integer"},"message":{"type":"string","minLength":1},
		"request_id":{"type":"string","minLength":1},
		"error":{"type":"object","required":["code","message","details"],"properties":{
			"code":{"type":"string","minLength":3},"message":{"type":"string","minLength":1},"details":{"type":"object","properties":{
				"fields":{"type":"array","items":{"type":"object","required":["key","code","message","index"],"properties":{
					"key":{"type":"string"},"code":{"type":"string","minLength":3},"message":{"type":"string","minLength":1},
					"line_id":{"type":"integer"},"index":{"type":"integer"}}}}}}}}}}`
	batchReader = `{"type":"object","required":["success","status","message","ids","data","meta"],"properties":{
		"success":{"type":"boolean"},"status":{"type":"string"},"ids":{"type":"array","items":{"type":["integer","string","null"]}},
		"meta":{"type":"object","required":["total","succeeded","failed","created","updated","unchanged","deleted"]},
		"data":{"type":"array","items":{"type":"object","required":["index","success"],"properties":{
			"index":{"type":"integer"},"success":{"type":"boolean"},
			"error":{"type":"object","required":["code","message","details"],"properties":{"details":{"type":"object"}}}}}}}}`
	listReader = `{"type":"object","required":["success","data","message","meta"],"properties":{
		"data":{"type":"array","items":{"type":"object","required":["id"]}},
		"meta":{"type":"object","required":["total","count","limit","offset","has_more","next_offset"],"properties":{
			"count":{"type":"integer"},"limit":{"type":"integer"},"offset":{"type":"integer"},"has_more":{"type":"boolean"}}}}}`
	bareFailure = `{"type":"object","required":["error","line_id","status_code","message"],"properties":{
		"error":{"type":"string","minLength":1},"line_id":{"type":["integer","null"]},"status_code":{"type":"string","minLength":3},
		"message":{"type":"string","minLength":1},"success":{"type":"null"}}}`
	bareRecord = `{"type":"object","required":["id"],"properties":{"id":{"type":["integer","string"]},"success":{"type":"null"},"data":{"type":"null"}}}`
	bareList   = `{"type":"array","items":{"type":"object"}}`
)

func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
	}
	return "number"
}

// misfits are the places of a value that do not have the shape.
func (s shape) misfits(at string, v any) (list []string) {
	kind := kindOf(v)
	types, several := s.Type.([]any)
	if s.Type != nil && !several {
		types = []any{s.Type}
	}
	if s.Type != nil && !slices.Contains(types, any(kind)) {
		return []string{at + " is " + kind}
	}
	if s.Const != nil && v != s.Const {
		list = append(list, fmt.Sprintf("%s is %v", at, v))
	}
	if text, ok := v.(string); ok && len(text) < s.MinLength {
		list = append(list, at+" is too short")
	}
	members, _ := v.(map[string]any)
	for _, key := range s.Required {
		if _, ok := members[key]; !ok {
			list = append(list, at+"."+key+" is missing")
		}
	}
	for key, of := range s.Properties {
		if member, ok := members[key]; ok {
			list = append(list, of.misfits(at+"."+key, member)...)
		}
	}
	if items, ok := v.([]any); ok && s.Items != nil {
		for i, item := range items {
			list = append(list, s.Items.misfits(fmt.Sprintf("%s[%d]", at, i), item)...)
		}
	}
	return list
}

// fits checks the JSON of an answer against schemas.
func (s *synced) fits(name string, w *httptest.ResponseRecorder, schemas ...string) {
	s.Helper()
	var v any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		s.Errorf("%s: %v, %s %s", name, err, w.Header().Get("Content-Type"), w.Body)
		return
	}
	for _, text := range schemas {
		var of shape
		if err := json.Unmarshal([]byte(text), &of); err != nil {
			s.Fatal(err)
		}
		if list := of.misfits("$", v); len(list) > 0 {
			s.Errorf("%s: %s in %s", name, strings.Join(list, ", "), w.Body)
		}
	}
	if m, ok := v.(map[string]any); ok && m["code"] != nil && m["code"] != float64(w.Code) {
		s.Errorf("%s: code %v with status %d", name, m["code"], w.Code)
	}
}

// shaped is one request of TestSyncShapes.
type shaped struct {
	status             int
	method, path, body string
	headers            []string
	kind               string // one, list, batch, failure
}

// shapes are requests on every route with every status, to an endpoint; %s is its name.
// They run in this order.
var shapes = []shaped{
	{201, "POST", "%s", `{"name":"Oak","ref":"1"}`, nil, "one"},
	{200, "GET", "%s", "", nil, "list"},
	{200, "GET", "%s?name=none", "", nil, "list"},
	{200, "GET", "%s?limit=0", "", nil, "list"},
	{200, "GET", "%s?count=false", "", nil, "list"},
	{200, "PUT", "%s", `{"ref":"1","balance":1}`, nil, "one"},
	{200, "PUT", "%s", `{"ref":"1","balance":1}`, nil, "one"},
	{201, "PUT", "%s", `{"ref":"2","name":"Ash"}`, nil, "one"},
	{201, "POST", "%s", `[{"name":"a","ref":"3"},{"name":"b","ref":"4"}]`, nil, "batch"},
	{207, "POST", "%s", `[{"name":"c","ref":"5"},{"ref":"6"}]`, nil, "batch"},
	{400, "POST", "%s", `[{"ref":"7"},{"ref":"8"}]`, nil, "failed batch"},
	{400, "POST", "%s?atomic=true", `[{"name":"d","ref":"7"},{"ref":"8"}]`, nil, "failed batch"},
	{200, "PUT", "%s", `[{"ref":"3","name":"a"},{"ref":"4","name":"bb"}]`, nil, "batch"},
	{207, "DELETE", "%s", `["4","none"]`, nil, "batch"},
	{200, "DELETE", "%s?ref=3", "", nil, "one"},
	{200, "DELETE", "%s", `{"ref":"2"}`, nil, "one"},
	{400, "POST", "%s", `{"name":`, nil, "failure"},
	{400, "POST", "%s", "", nil, "failure"},
	{400, "POST", "%s", `7`, nil, "failure"},
	{400, "POST", "%s", `{"ref":"9","balance":"x","kind":"none"}`, nil, "failure"},
	{400, "POST", "%s", `{"name":"x","country":"XX"}`, nil, "failure"},
	{400, "PUT", "%s", `{"name":"x"}`, nil, "failure"},
	{400, "DELETE", "%s", "", nil, "failure"},
	{400, "GET", "%s?limit=-1", "", nil, "failure"},
	{400, "GET", "%s?nmae=x", "", nil, "failure"},
	{400, "GET", "%s?domain=%%5B", "", nil, "failure"},
	{400, "GET", "%s", "", []string{"X-API-Version", "3"}, "failure"},
	{401, "GET", "%s", "", []string{"Authorization", ""}, "failure"},
	{401, "GET", "%s/1", "", []string{"Authorization", "Bearer x"}, "failure"},
	{404, "GET", "%s/999", "", nil, "failure"},
	{404, "PUT", "%s/999", `{"name":"x"}`, nil, "failure"},
	{404, "DELETE", "%s/999", "", nil, "failure"},
	{404, "DELETE", "%s", `{"ref":"none"}`, nil, "failure"},
	{405, "PATCH", "%s", `{}`, nil, "failure"},
	{405, "POST", "%s/1", `{}`, nil, "failure"},
	{409, "POST", "%s", `{"name":"again","ref":"1"}`, nil, "failure"},
	{412, "PUT", "%s", `{"ref":"1","name":"x"}`, []string{"If-Match", `"1"`}, "failure"},
	{413, "POST", "%s", "[" + strings.Repeat("{},", 200) + "{}]", nil, "failure"},
	{413, "POST", "%s", `{"name":"` + strings.Repeat("x", 6<<20) + `"}`, nil, "failure"},
	{415, "POST", "%s", `<a/>`, []string{"Content-Type", "text/xml"}, "failure"},
	{201, "POST", "%s", `{"name":"once"}`, []string{"Idempotency-Key", "k"}, "one"},
	{201, "POST", "%s", `{"name":"once"}`, []string{"Idempotency-Key", "k"}, "one"},
	{422, "POST", "%s", `{"name":"twice"}`, []string{"Idempotency-Key", "k"}, "failure"},
}

// TestSyncShapes checks the form of every kind of answer, with and without envelope.
func TestSyncShapes(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.config(strings.Replace(s.endpoint("bare", `,"response_format":"bare"`), `"partners"`, `"bare"`, 1), 200)
		enveloped := map[string][]string{
			"one": {firstReader, secondReader}, "list": {firstReader, listReader}, "batch": {batchReader}, "failed batch": {batchReader},
			"failure": {failureReader},
		}
		bare := map[string][]string{"one": {bareRecord}, "list": {bareList}, "batch": {bareList}, "failed batch": {bareFailure}, "failure": {bareFailure}}
		for _, name := range []string{"partners", "bare"} {
			readers := enveloped
			if name == "bare" {
				readers = bare
			}
			for _, test := range shapes {
				path := fmt.Sprintf(test.path, name)
				w := s.ask(test.method, path, test.body, test.headers...)
				what := fmt.Sprintf("%s %s %.60s", test.method, path, test.body)
				if w.Code != test.status {
					s.Errorf("%s: %d %s, want %d", what, w.Code, w.Body, test.status)
				}
				s.fits(what, w, readers[test.kind]...)
			}
			if w := s.ask("DELETE", name, `["1","5"]`); w.Code != 200 {
				s.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
			s.shapesOfOne(name, readers)
			s.clock.ms.Add(6 * 60 * 1000)
		}
		for _, path := range []string{"nothing", "partners/1/2", "../v2/partners", "_openapi.json"} {
			s.fits(path, s.ask("GET", path, "", "Authorization", ""), failureReader)
		}
		w := s.ask("GET", "", "")
		s.fits("the descriptor", w, firstReader)
	})
}

// shapesOfOne looks at the routes of one record, and at what has no body.
func (s *synced) shapesOfOne(name string, readers map[string][]string) {
	s.Helper()
	w := s.ask("POST", name, `{"name":"one of `+name+`","ref":"`+name+`"}`)
	place := w.Header().Get("Location")
	path := strings.TrimPrefix(place, "/bj_api_sync/v1/")
	if w.Code != 201 || path == place {
		s.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, test := range []shaped{
		{200, "GET", path, "", nil, "one"}, {200, "PUT", path, `{"balance":5}`, nil, "one"}, {200, "PUT", path, `{"balance":5}`, nil, "one"},
		{412, "DELETE", path, "", []string{"If-Match", `"1"`}, "failure"}, {200, "DELETE", path, "", nil, "one"}, {404, "GET", path, "", nil, "failure"},
	} {
		w := s.ask(test.method, test.path, test.body, test.headers...)
		if w.Code != test.status {
			s.Errorf("%s %s: %d %s", test.method, test.path, w.Code, w.Body)
		}
		s.fits(test.method+" "+test.path, w, readers[test.kind]...)
	}
	for _, method := range []string{"HEAD", "OPTIONS"} {
		if w := s.ask(method, name, ""); w.Body.Len() != 0 || w.Code != map[string]int{"HEAD": 200, "OPTIONS": 204}[method] {
			s.Errorf("%s: %d %s", method, w.Code, w.Body)
		}
	}
	for range 10 {
		s.ask("GET", name, "", "Authorization", "Bearer guess")
	}
	w = s.ask("GET", name, "")
	if w.Code != 429 {
		s.Errorf("after guesses: %d", w.Code)
	}
	s.fits("guesses", w, readers["failure"]...)
}

package server

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// askAs makes a request to the admin API with another authorization.
func (s *synced) askAs(authorization, method, path, body string) *httptest.ResponseRecorder {
	return ask(s.http, method, "/api/v1/sync/"+path, body, "Authorization", authorization)
}

// madeOperator makes an employee who may look at the configuration, and gives his
// authorization.
func (s *synced) madeOperator() string {
	s.Helper()
	id := s.made("POST", "/api/v1/catalogs/$users/records", `{"values":{"$name":"Olga","$email":"olga@example.com","$password":"olga's password"}}`)
	s.call(200, "PATCH", "/api/v1/sync/settings", `{"operators":[`+id+`]}`)
	return basicOf("olga@example.com", "olga's password")
}

// triedScript is what a test of a script answers.
type triedScript struct {
	OK      bool
	Value   any
	Type    string         `json:"value_type"`
	Request map[string]any `json:"request_data"`
	Result  any
	Output  []string
	Writes  []struct {
		Model, Op string
		IDs       []any
		Vals      map[string]any
	}
	Steps int
	Error *struct {
		Type, Message string
		Line          int
	}
	Cases []triedScript
}

func (s *synced) tryScript(body string) (tried triedScript) {
	s.Helper()
	s.read(s.call(200, "POST", "/api/v1/sync/scripts/test", body), &tried)
	return tried
}

// tryLines makes an endpoint with a line that reads, 3, and one that shows, 4.
func (s *synced) tryLines() {
	s.Helper()
	s.scriptedEndpoint("tries", "", pyLine("python_plain", "b", "3", "evaluate", "print('got', value)\nvalue * 2", `,"direction":"in"`),
		pyLine("python_plain", "label", "1", "evaluate", "f'{value} of {len(records)}'", `,"direction":"out"`))
}

func TestSyncScriptCases(t *testing.T) {
	eachPython(t, func(s *synced) {
		s.tryLines()
		made := s.does(201, "POST", "tries", `{"name":"Oak","ref":"A-1","b":2}`)
		all := s.tryScript(`{"config":"tries","line_id":3,"cases":[{"request_data":{"b":2}},{"request_data":{"b":"x"}},{"request_data":{"b":null}},{}]}`)
		if all.OK || len(all.Cases) != 4 {
			s.Fatalf("cases: %+v", all)
		}
		if c := all.Cases[0]; !c.OK || c.Value != 4.0 || c.Type != "int" || !slices.Equal(c.Output, []string{"got 2"}) || c.Error != nil {
			s.Errorf("a number: %+v", c)
		}
		if c := all.Cases[1]; !c.OK || c.Value != "xx" || !slices.Equal(c.Output, []string{"got x"}) {
			s.Errorf("a text: %+v", c)
		}
		if c := all.Cases[2]; c.OK || c.Error == nil || c.Error.Type != "TypeError" || c.Error.Line != 2 {
			s.Errorf("null: %+v", c)
		}
		if good := s.tryScript(`{"config":"tries","line_id":3,"cases":[{"request_data":{"b":2}}]}`); !good.OK {
			s.Errorf("good cases: %+v", good)
		}
		for _, record := range []string{fmt.Sprint(made.ID), fmt.Sprintf(`"%d"`, made.ID)} {
			if c := s.tryScript(`{"config":"tries","line_id":4,"record_id":` + record + `}`); c.Value != "Oak of 1" {
				s.Errorf("a shown record: %+v", c)
			}
		}
		own := `{"config":"tries","source":"model.create({'1': params['name'], '3': 7})\nresult = len(model.search([]))\nrequest_data['more'] = 1\nresult + 1","request_data":{"a":1},"params":{"name":"Elm"}%s}`
		c := s.tryScript(fmt.Sprintf(own, ""))
		if !c.OK || c.Value != 2.0 || c.Result != 1.0 || c.Request["more"] != 1.0 || c.Steps < 2 || len(c.Output) != 0 {
			s.Errorf("own source: %+v", c)
		}
		if len(c.Writes) != 1 || c.Writes[0].Op != "create" || c.Writes[0].Vals["1"] != "Elm" || c.Writes[0].Vals["3"] != 7.0 || len(c.Writes[0].IDs) != 1 {
			s.Errorf("writes: %+v", c.Writes)
		}
		if c := s.tryScript(fmt.Sprintf(own, `,"direction":"out"`)); c.OK || c.Error == nil || !strings.Contains(c.Error.Message, "cannot write") || len(c.Writes) != 0 {
			s.Errorf("own source that shows: %+v", c)
		}
		if n := s.count(s.partners); n != 1 {
			s.Errorf("tests have left %d records", n)
		}
		s.tryScript(fmt.Sprintf(own, `,"commit":true`))
		if n := s.count(s.partners); n != 2 {
			s.Errorf("a committed test left %d records", n)
		}
		s.tryRefusals()
	})
}

// tryRefusals tries what is wrong, and what an operator may.
func (s *synced) tryRefusals() {
	s.Helper()
	for body, want := range map[string]string{
		`{"config":"tries","line_id":3,"direction":"up","mode":"fast"}`:                               "direction,mode",
		`{"config":"tries","line_id":3,"cases":[{},{"request_data":[]},{"params":1,"record_id":{}}]}`: "cases[1].request_data,cases[2].params,cases[2].record_id",
		`{"config":"tries","line_id":3,"cases":[` + strings.Repeat("{},", 20) + `{}]}`:                "cases",
		`{"config":"tries","line_id":3,"cases":[{"line_id":4}]}`:                                      "",
		`{"config":"tries","line_id":3,"record_id":""}`:                                               "record_id",
	} {
		var refused struct{ Errors []struct{ Path string } }
		s.read(s.call(400, "POST", "/api/v1/sync/scripts/test", body), &refused)
		var paths []string
		for _, e := range refused.Errors {
			paths = append(paths, e.Path)
		}
		if got := strings.Join(paths, ","); got != want {
			s.Errorf("%.80s: refused for %s", body, got)
		}
	}
	for _, body := range []string{`{"config":"none","line_id":3}`, `{"config":"tries","line_id":99}`, `{"config":"tries","line_id":4,"record_id":999}`} {
		s.call(404, "POST", "/api/v1/sync/scripts/test", body)
	}
	olga := s.madeOperator()
	for body, want := range map[string]int{
		`{"config":"tries","line_id":3,"request_data":{"b":2}}`:                        200,
		`{"config":"tries","line_id":3,"cases":[{"request_data":{"b":2}}]}`:            200,
		`{"config":"tries","line_id":3,"request_data":{"b":2},"commit":true}`:          403,
		`{"config":"tries","line_id":3,"source":"env.user.read()"}`:                    403,
		`{"config":"tries","source":""}`:                                               403,
		`{"config":"tries","line_id":4,"record_id":1}`:                                 403,
		`{"config":"tries","line_id":4,"cases":[{"request_data":{}},{"record_id":1}]}`: 403,
	} {
		if w := s.askAs(olga, "POST", "scripts/test", body); w.Code != want {
			s.Errorf("an operator: %s gives %d %s, want %d", body, w.Code, w.Body, want)
		}
	}
}

package bpiumapi_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// strange are texts that must come back as they were sent, wherever they are
// kept: what looks like SQL, a path or markup is text like any other.
var strange = append([]string{
	`<script>alert(1)</script>`, `Київ ☂ 𝄞`, `İstanbul ıŞ`, "a\tb", `"`, `\`, `%`, `_`, `null`, `CURRENT_USER`, `=1+1`,
}, evil...)

// TestEveryStringIsKept writes each text into every kind of string and reads it
// back, finds it by search and by filter, and finds nothing else.
func TestEveryStringIsKept(t *testing.T) {
	s := newSite(t, nil)
	furnish(t, s)
	for _, text := range strange {
		t.Run(text, func(t *testing.T) {
			j := quoted(text)
			id := idOf(t, s.must(t, "POST", records, `{"values":{"2":`+j+`,"12":[{"contact":`+j+`,"comment":`+j+`}],"13":{"value":`+j+`,"provider":`+j+`,"data":{"a":`+j+`}}}}`))
			one := plain(t, s.must(t, "GET", records+"/"+id, ""))
			if n := strings.Count(one, j); n < 6 { // title, text, contact, comment, value, data
				t.Errorf("%d of 6 places have it: %s", n, one)
			}
			for _, query := range []string{"searchText=" + esc(text), "filters[0][fieldId]=2&filters[0][value]=" + esc(text), "filters=" + esc(`{"12":`+j+`}`)} {
				list := s.must(t, "GET", records+"?fields=[]&"+query, "")
				if !strings.Contains(list, `"id":"`+id+`"`) || strings.Contains(list, `"title":"First order"`) {
					t.Errorf("%s: %s", query, list)
				}
			}
			s.must(t, "POST", "/histories", `{"catalogId":26,"recordId":"`+id+`","type":"COMMENT","payload":{"message":`+j+`}}`)
			if history := s.must(t, "GET", "/histories?limit=1&catalogId=26&recordId="+id, ""); !strings.Contains(history, quoted(text)) {
				t.Errorf("the comment: %s", history)
			}
			s.must(t, "DELETE", records+"/"+id, "")
		})
	}
}

func TestEveryNameIsKept(t *testing.T) {
	s := newSite(t, nil)
	for _, text := range strange {
		if strings.Contains(text, "\t") {
			continue // names are one line
		}
		t.Run(text, func(t *testing.T) {
			j := quoted(text)
			section := idOf(t, s.must(t, "POST", "/sections", `{"name":`+j+`,"icon":`+j+`}`))
			if got := s.must(t, "GET", "/sections/"+section, ""); strings.Count(got, j) != 2 {
				t.Errorf("section: %s", got)
			}
			catalog := idOf(t, s.must(t, "POST", "/catalogs", `{"sectionId":`+section+`,"name":`+j+`,"icon":`+j+
				`,"fields":[{"type":"dropdown","name":`+j+`,"hint":`+j+`,"comment":`+j+`,"config":{"items":[{"name":`+j+`}],"own":`+j+`}}]}`))
			if got := s.must(t, "GET", "/catalogs/"+catalog, ""); strings.Count(got, j) != 7 {
				t.Errorf("catalog: %s", got)
			}
			s.must(t, "POST", "/catalogs/"+catalog+"/records", `{"values":{"1":["1"]}}`)
			if got := s.must(t, "POST", "/catalogs/"+catalog+"/clear", `{"name":`+j+`}`); got != `{"deleted":1}` {
				t.Errorf("clear: %s", got)
			}
			s.must(t, "DELETE", "/sections/"+section, "")
		})
	}
}

// quoted is a text as the API writes it.
func quoted(s string) string { return encoded(s) }

func encoded(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// plain is an answer without needless escapes.
func plain(t *testing.T, body string) string {
	t.Helper()
	var v any
	check(t, json.Unmarshal([]byte(body), &v))
	return encoded(v)
}

// TestAllFieldsAreReported: what the wire cannot mean and what the field does
// not allow come in one answer.
func TestAllFieldsAreReported(t *testing.T) {
	s := newSite(t, nil)
	furnish(t, s)
	a := s.do(t, "POST", records, `{"values":{"3":"many","4":"2026-02-30","state":["9"],"10":500,"11":"x","15":["77"]}}`)
	var got []string
	for _, e := range a.failed(t).Errors {
		got = append(got, e.FieldID+" "+e.Code)
	}
	want := "2 required, 3 type, 4 date, state unknown_item, 10 max, 11 type, 15 not_found"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
}

// TestErrorsNameTheRequest: an answer leads to the log lines of its request.
func TestErrorsNameTheRequest(t *testing.T) {
	s := newSite(t, nil)
	f := s.do(t, "GET", "/catalogs/99", "").failed(t)
	if log := s.log.text(); !strings.Contains(log, f.RequestID) {
		t.Errorf("the log has no line of request %s", f.RequestID)
	}
}

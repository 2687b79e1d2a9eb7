package bpiumapi_test

import (
	"strings"
	"testing"
)

// TestStoredJSONComesBackAsSent sends what the database keeps as JSON and
// expects the same bytes: `<` may not become an escape, nor 1.50 a 1.5.
func TestStoredJSONComesBackAsSent(t *testing.T) {
	s := newSite(t, nil)
	furnish(t, s)
	sent := []string{
		`"13":{"value":"12 <Harbour> & St","provider":"dadata","data":{"z":1,"a":"<&>","n":1.50,"e":1e3,"list":[null,true]}}`,
		`"12":[{"id":"1","contact":"a&b@c.example","comment":"<desk>"}]`,
	}
	id := idOf(t, s.must(t, "POST", records, `{"values":{"2":"x",`+strings.Join(sent, ",")+`}}`))
	for _, path := range []string{records + "/" + id, records + "?id=" + id, "/histories?catalogId=26&recordId=" + id} {
		got := s.must(t, "GET", path, "")
		for _, want := range sent {
			_, value, _ := strings.Cut(want, ":")
			if !strings.Contains(got, value) {
				t.Errorf("%s: no %s in %s", path, value, got)
			}
		}
	}
}

// TestNumbersAreStoredAsAnswered reads numbers of more than 15 digits, finds
// their records by what was read, and sends it back: nothing changes.
func TestNumbersAreStoredAsAnswered(t *testing.T) {
	s := newSite(t, nil)
	s.must(t, "POST", "/catalogs", fieldsOf(`{"type":"number","name":"N"},{"type":"progress","name":"P"}`))
	const numbers = "/catalogs/25/records"
	for sent, read := range map[string]string{
		"0.30000000000000004": "0.3", "1234567890123456": "1234567890123460", "0.1234567890123456789": "0.123456789012346",
		"1.7976931348623157e308": "1.7976931348623157e+308", "5e-324": "5e-324", "99.99999999999999999": "100",
	} {
		id := idOf(t, s.must(t, "POST", numbers, `{"values":{"1":`+sent+`}}`))
		if got := s.must(t, "GET", numbers+"/"+id, ""); !strings.Contains(got, `"values":{"1":`+read+`,`) {
			t.Errorf("%s: no %s in %s", sent, read, got)
		}
		for _, filter := range []string{read, `{"at":` + read + `,"to":` + read + `}`, sent} {
			if got := s.must(t, "GET", numbers+"?id="+id+"&filters="+esc(`{"1":`+filter+`}`), ""); got == "[]" {
				t.Errorf("%s is not found by %s", sent, filter)
			}
		}
		s.must(t, "PATCH", numbers+"/"+id, `{"values":{"1":`+read+`}}`)
		if got := s.must(t, "GET", "/histories?catalogId=25&recordId="+id, ""); strings.Contains(got, "UPDATE") {
			t.Errorf("%s sent back as %s is a change: %s", sent, read, got)
		}
	}
}

func TestHistoryEntriesAreImmutable(t *testing.T) {
	s := newSite(t, nil)
	furnish(t, s)
	for method, status := range map[string]int{"GET": 404, "PATCH": 405, "DELETE": 405} {
		if got := s.do(t, method, "/histories/1", "{}"); got.status != status {
			t.Errorf("%s: %d, want %d", method, got.status, status)
		}
	}
}

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

// TestFailuresOfLinkedRecordsNameTheCardsField: the ids of another catalog's
// fields mean nothing to who wrote this one, or something else.
func TestFailuresOfLinkedRecordsNameTheCardsField(t *testing.T) {
	s := newSite(t, nil)
	s.must(t, "POST", "/catalogs", fieldsOf(`{"type":"text","name":"Title"},{"type":"stars","name":"Rate"},{"type":"number","name":"Sum","config":{"max":1000000}}`))
	s.must(t, "POST", "/catalogs", fieldsOf(`{"type":"number","name":"No"},{"type":"object","name":"Vendor","config":{"catalogs":[{"id":"25"}],`+
		`"enableUnsaved":true,"fields":{"25":[{"id":"2","access":"edit"},{"id":"3","access":"edit"}]}}}`))
	for range 2 {
		s.must(t, "POST", "/catalogs/25/records", `{"values":{"1":"A"}}`)
	}
	s.must(t, "POST", records, `{"values":{"2":{"recordId":1}}}`)
	s.must(t, "DELETE", "/catalogs/25/records/2", "")
	for link, want := range map[string]string{
		`{"recordId":1,"recordValues":{"2":9}}`:         `"message":"Vendor: Rate: at most 5","errors":[{"fieldId":"2","code":"max","message":"Vendor: Rate: at most 5"}]`,
		`{"recordValues":{"3":1000001}}`:                `"message":"Vendor: Sum: at most 1000000","errors":[{"fieldId":"2","code":"max",`,
		`{"recordId":2,"recordValues":{"2":1}}`:         `"message":"Vendor: there is no record 2 to link to","errors":[{"fieldId":"2","code":"not_found",`,
		`{"recordId":1,"recordValues":{"2":9,"3":9e9}}`: `"message":"2 fields are not valid"`,
	} {
		for _, r := range [][2]string{{"POST", records}, {"PATCH", record}} {
			got := s.do(t, r[0], r[1], `{"values":{"2":`+link+`}}`)
			if got.status != 400 || !strings.Contains(got.body, want) {
				t.Errorf("%s %s: %d %s", r[0], link, got.status, got.body)
			}
		}
	}
	if got := s.do(t, "PATCH", record, `{"values":{"1":"x","2":{"recordId":1,"recordValues":{"2":9}}}}`); !strings.Contains(got.body, `{"fieldId":"1","code":"type","message":"No: expected a number"}`) {
		t.Errorf("not all failures at once: %s", got.body)
	}
}

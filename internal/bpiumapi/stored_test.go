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

func TestHistoryEntriesAreImmutable(t *testing.T) {
	s := newSite(t, nil)
	furnish(t, s)
	for method, status := range map[string]int{"GET": 404, "PATCH": 405, "DELETE": 405} {
		if got := s.do(t, method, "/histories/1", "{}"); got.status != status {
			t.Errorf("%s: %d, want %d", method, got.status, status)
		}
	}
}

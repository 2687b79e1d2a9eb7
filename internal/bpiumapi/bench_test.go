package bpiumapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkRecords runs the busiest requests without a network.
func BenchmarkRecords(b *testing.B) {
	s := newSite(b, nil)
	s.must(b, "POST", "/catalogs", fieldsOf(`{"type":"text","name":"a"},{"type":"number","name":"b"},{"type":"date","name":"c"},`+
		`{"type":"dropdown","name":"d","config":{"items":[{"name":"x"},{"name":"y"}]}}`))
	const body = `{"values":{"1":"Order","2":12.5,"3":"2026-03-04","4":["1"]}}`
	for range 100 {
		s.must(b, "POST", "/catalogs/25/records", body)
	}
	for _, c := range []struct{ name, method, path, body string }{
		{"get", "GET", "/catalogs/25/records/50", ""},
		{"list", "GET", "/catalogs/25/records?limit=50", ""},
		{"patch", "PATCH", "/catalogs/25/records/50", `{"values":{"2":1}}`},
		{"create", "POST", "/catalogs/25/records", body},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(c.method, "/api/v1"+c.path, strings.NewReader(c.body))
				r.SetBasicAuth(login, password)
				w := discard{header: http.Header{}}
				s.Config.Handler.ServeHTTP(&w, r)
				if w.status != http.StatusOK {
					b.Fatal(w.status)
				}
			}
		})
	}
}

// discard is a client that reads and forgets.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return io.Discard.Write(p) }

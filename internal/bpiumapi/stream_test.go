package bpiumapi_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

var badStreams = []badCase{
	{"stream: no catalog", "GET", "/stream", "", 400, "invalid_parameter", []string{"catalogId"}},
	{"stream: an empty list", "GET", "/stream?catalogId=[]", "", 400, "invalid_parameter", []string{"catalogId"}},
	{"stream: one catalog twice", "GET", "/stream?catalogId=26&catalogId=26", "", 400, "invalid_parameter", []string{"catalogId"}},
	{"stream: too many catalogs", "GET", "/stream?catalogId=1" + strings.Repeat("&catalogId=2", 20), "", 400, "invalid_parameter", []string{"catalogId"}},
	{"stream: more views than catalogs", "GET", "/stream?catalogId=26&viewId=1&viewId=2", "", 400, "invalid_parameter", []string{"viewId"}},
	{"stream: no id of a view", "GET", "/stream?catalogId=26&viewId[a]=1", "", 400, "invalid_parameter", []string{"viewId"}},
	{"stream: no number", "GET", "/stream?catalogId=26&lastEventId=x", "", 400, "invalid_parameter", []string{"lastEventId"}},
	{"stream: a negative number", "GET", "/stream?catalogId=26&lastEventId=-1", "", 400, "invalid_parameter", []string{"lastEventId"}},
	{"stream: no such catalog", "GET", "/stream?catalogId=99", "", 404, "not_found", nil},
	{"stream: no such view", "GET", "/stream?catalogId=26&viewId=99", "", 404, "not_found", nil},
	{"stream: another method", "POST", "/stream?catalogId=26", "{}", 405, "method_not_allowed", nil},
}

func TestBadStreams(t *testing.T) {
	s := newWalk(t, nil)
	for _, c := range badStreams {
		t.Run(c.name, func(t *testing.T) {
			a := s.do(t, c.method, c.path, c.body)
			f := a.failed(t)
			if a.status != c.status || f.Code != c.code {
				t.Fatalf("%d %s", a.status, a.body)
			}
			for _, name := range c.names {
				if !strings.HasPrefix(f.Message, name+":") {
					t.Errorf("%q does not name %s", f.Message, name)
				}
			}
		})
	}
}

// events opens a stream; next gives one event, as "name data", or the number that the
// stream begins with.
func (s *site) events(t *testing.T, client *http.Client, url string) (next func() string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	check(t, err)
	r.SetBasicAuth(login, password)
	res, err := client.Do(r)
	check(t, err)
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	lines := bufio.NewReader(res.Body)
	return func() string {
		t.Helper()
		event := ""
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("%q then %v", event, err)
			}
			if line = strings.TrimSpace(line); line == "" {
				return strings.TrimSpace(event)
			}
			if rest, ok := strings.CutPrefix(line, "event: "); ok {
				event += rest + " "
			}
			if rest, ok := strings.CutPrefix(line, "data: "); ok {
				data, _, _ := strings.Cut(rest, `,"at"`)
				event += data
			}
		}
	}
}

// TestStreams: what a client hears, on a connection that is taken over and on one of
// HTTP/2, which cannot be.
func TestStreams(t *testing.T) {
	for _, protocol := range []int{1, 2} {
		t.Run(fmt.Sprint("HTTP/", protocol), func(t *testing.T) {
			s := newWalk(t, nil)
			server := httptest.NewUnstartedServer(s.Config.Handler)
			server.EnableHTTP2 = protocol == 2
			server.StartTLS()
			t.Cleanup(server.Close)
			next := s.events(t, server.Client(), server.URL+"/api/v1/stream?catalogId=26")
			if first := next(); first != "" {
				t.Fatalf("began with %q", first)
			}
			n := idOf(t, s.must(t, "POST", records, `{"values":{"2":"Third order"}}`))
			s.must(t, "PATCH", records+"/"+n, `{"values":{"2":"Third, changed"}}`)
			s.must(t, "DELETE", records+"/"+n, "")
			for _, want := range []string{
				`record.created {"catalogId":"26","recordId":"` + n + `","changed":["2"]`,
				`record.updated {"catalogId":"26","recordId":"` + n + `","changed":["2"]`,
				`record.gone {"catalogId":"26","recordId":"` + n + `","changed":[]`,
			} {
				if got := next(); !strings.HasPrefix(got, strings.TrimSuffix(want, "]")) {
					t.Fatalf("got %s, want %s", got, want)
				}
			}
			s.must(t, "POST", "/catalogs/26/clear", `{"name":"Orders"}`)
			if got := next(); got != `record.reset {"catalogId":"26","recordId":null,"changed":[]` {
				t.Fatalf("got %s", got)
			}
		})
	}
}

// TestStreamsOfAPerson: six at a time; those that were closed do not count.
func TestStreamsOfAPerson(t *testing.T) {
	s := newWalk(t, nil)
	url := s.URL + "/api/v1/stream?catalogId=26"
	for range 6 {
		s.events(t, s.Client(), url)
	}
	a := s.do(t, "GET", "/stream?catalogId=26", "")
	if f := a.failed(t); a.status != 429 || f.Code != "rate_limited" || a.header.Get("Retry-After") == "" {
		t.Fatalf("a seventh: %d %s", a.status, a.body)
	}
	s.Client().CloseIdleConnections()
	t.Run("closed ones", func(t *testing.T) {
		other := newWalk(t, nil)
		for range 20 { // each is closed after its first event
			if a := other.do(t, "GET", "/stream?catalogId=26", ""); a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
	})
}

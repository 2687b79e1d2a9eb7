package server

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/apisync"
	"kartoteka/internal/store/testdb"
)

// TestSyncLogs reads, exports and removes entries as an administrator does.
func TestSyncLogs(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		s := openSyncSite(t, target)
		s.model = s.want(200, "POST", "/api/v1/catalogs", `{"name":"Partners","sectionId":"3","fields":[
			{"id":"name","name":"Name","type":"text"}]}`)["id"].(string)
		st, err := s.app.sync.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.app.journal.Run(ctx) }()
		defer func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}()
		add := func(n int64, outcome string, status int) apisync.LogID {
			return s.app.journal.Add(&apisync.Exchanged{
				LogEntry: apisync.LogEntry{
					Time: time.Now(), Direction: apisync.DirectionIn, Config: "partners", Method: "POST", URL: fmt.Sprintf("/n%d", n),
					Outcome: outcome, Status: status, Catalog: st.Model(s.model).Num, Records: []int64{n},
				},
				State: st, Admitted: true,
			})
		}
		first, second := add(7, apisync.OutcomeSuccess, 201), add(8, apisync.OutcomeError, 404)
		if err := s.app.journal.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.logLists(first, second)
		s.logRefuses(first)
		if v := s.want(200, "GET", "/logs/"+first.String(), ""); v["url"] != "/n7" || v["id"] != first.String() {
			t.Errorf("%v", v)
		}
		code, text := s.do("GET", "/logs/export?format=csv", "")
		if code != 200 || strings.Count(text, "\n") != 3 || !strings.Contains(text, "/n8") {
			t.Errorf("export: %d %s", code, text)
		}
		code, text = s.do("GET", "/metrics", "")
		if code != 200 || !strings.Contains(text, "\nsync_log_dropped_total{what=\"entries\"} 0\n") {
			t.Errorf("metrics: %d %s", code, text)
		}
		s.want(200, "DELETE", "/logs/"+first.String(), "")
		s.want(404, "DELETE", "/logs/"+first.String(), "")
		if v := s.want(200, "DELETE", "/logs?record_id=8&model="+s.model, ""); v["deleted"] != 1.0 {
			t.Errorf("%v", v)
		}
		s.want(404, "GET", "/logs/"+second.String(), "")
	})
}

func (s *syncSite) logLists(first, second apisync.LogID) {
	s.Helper()
	for query, want := range map[string]string{
		"":                                 fmt.Sprint(second, first),
		"status_code=4xx":                  fmt.Sprint(second),
		"status_code=201":                  fmt.Sprint(first),
		"record_id=7&outcome=success":      fmt.Sprint(first),
		"q=N8&since=2020-01-01":            fmt.Sprint(second),
		"until=2020-01-01":                 "",
		"cursor=" + second.String():        fmt.Sprint(first),
		"limit=1&config=partners":          fmt.Sprint(second),
		"external_id=A&since=2020-01-01":   "",
		"method=POST&status_code=299":      "",
		"cursor=" + first.String() + "&q=": "",
	} {
		v := s.want(200, "GET", "/logs?"+query, "")
		var got []string
		for _, e := range v["items"].([]any) {
			got = append(got, e.(map[string]any)["id"].(string))
		}
		if strings.Join(got, " ") != want {
			s.Errorf("%s: %v, want %v", query, got, want)
		}
		if next := v["next_cursor"]; (next != nil) != strings.HasPrefix(query, "limit=1") {
			s.Errorf("%s: next_cursor %v", query, next)
		}
	}
}

func (s *syncSite) logRefuses(id apisync.LogID) {
	s.Helper()
	for _, query := range []string{
		"q=a", "limit=0", "limit=501", "cursor=x", "status_code=4x", "status_code=abc", "since=yesterday", "record_id=-1", "other=1", "format=csv",
	} {
		s.want(400, "GET", "/logs?"+query, "")
	}
	s.want(400, "GET", "/logs/export?limit=5", "")
	s.want(400, "GET", "/logs/export?format=xlsx", "")
	s.want(400, "DELETE", "/logs?model="+s.model, "")
	s.want(400, "DELETE", "/logs?record_id=7&model=nothing", "")
	s.want(404, "GET", "/logs/7", "")
	s.want(404, "POST", "/logs/7/replay", "")
	s.want(400, "POST", "/logs/"+id.String()+"/replay", `{"dry_run":1}`)
	s.want(400, "POST", "/logs/"+id.String()+"/replay", `{"payload":null}`)
	s.want(409, "POST", "/logs/"+id.String()+"/replay", `{"dry_run":true,"body":null}`)
}

package server

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// journaled runs the log of a program until its test ends.
func (s *synced) journaled() {
	s.Helper()
	ctx, stop := context.WithCancel(s.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.app.journal.Run(ctx) }()
	s.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			s.Error(err)
		}
	})
}

// newest is the newest entry of the log that a query finds.
func (s *synced) newest(query string) map[string]any {
	s.Helper()
	if err := s.app.journal.Flush(s.Context()); err != nil {
		s.Fatal(err)
	}
	var page struct{ Items []map[string]any }
	s.read(s.call(200, "GET", "/api/v1/sync/logs?"+query, ""), &page)
	if len(page.Items) == 0 {
		s.Fatalf("the log has no entry of %s", query)
	}
	return page.Items[0]
}

func (s *synced) read(text string, into any) {
	s.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		s.Fatalf("%v in %s", err, text)
	}
}

type replayed struct {
	LogID  string `json:"log_id"`
	Status int    `json:"status_code"`
	Body   string
}

func (s *synced) replay(id any, body string) (r replayed) {
	s.Helper()
	s.read(s.call(200, "POST", fmt.Sprintf("/api/v1/sync/logs/%s/replay", id), body), &r)
	return r
}

func TestSyncReplay(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.journaled()
		headers := []string{"Idempotency-Key", "one"}
		s.refused(400, "VALIDATION_ERROR", "POST", "partners", `{"ref":"A-1","balance":"much"}`, headers...)
		first := s.newest("config=partners")
		if first["replayable"] != true || first["outcome"] != "error" {
			s.Fatalf("the first entry: %v", first)
		}
		if r := s.replay(first["id"], `{}`); r.Status != 400 || !strings.Contains(r.Body, "TYPE_MISMATCH") {
			s.Errorf("again: %+v", r)
		}
		good := `{\"ref\":\"A-1\",\"name\":\"Oak\",\"balance\":5}`
		if r := s.replay(first["id"], `{"dry_run":true,"body":"`+good+`"}`); r.Status != 200 || !strings.Contains(r.Body, `"dry_run":true`) {
			s.Errorf("rehearsed: %+v", r)
		}
		if e := s.newest("config=partners"); e["outcome"] != "dry_run" || e["replay_of"] != first["id"] {
			s.Errorf("the entry of the rehearsal: %v", e)
		}
		s.refused(404, "RECORD_NOT_FOUND", "GET", "partners/1", "")
		mended := s.replay(first["id"], `{"body":"`+good+`"}`)
		if mended.Status != 201 {
			s.Fatalf("mended: %+v", mended)
		}
		e := s.newest("config=partners&outcome=success&method=POST")
		if e["id"] != mended.LogID || e["replay_of"] != first["id"] || e["user"] != 1.0 || e["credential"] != "" {
			s.Errorf("the entry of the replay: %v", e)
		}

		// What was carried out once is carried out again, not answered again.
		s.does(200, "PUT", "partners", `{"ref":"A-1","balance":7}`, headers...)
		put := s.newest("config=partners&method=PUT")
		for _, key := range []string{"two", "three"} {
			s.does(200, "PUT", "partners", `{"ref":"A-1","balance":8}`, "Idempotency-Key", key)
			if r := s.replay(put["id"], ``); r.Status != 200 || !strings.Contains(r.Body, `"updated"`) {
				s.Errorf("carried out again: %+v", r)
			}
		}
		if now := s.does(200, "GET", "partners?ref=A-1", ""); !strings.Contains(string(now.Data), `"balance":7`) {
			s.Errorf("now %s", now.Data)
		}
		s.replayGone(put["id"])
	})
}

// replayGone replays what is of a config that has changed since.
func (s *synced) replayGone(id any) {
	s.Helper()
	s.call(200, "PATCH", "/api/v1/sync/configs/partners", `{"methods":["GET"]}`)
	if r := s.replay(id, ``); r.Status != 405 || !strings.Contains(r.Body, "METHOD_NOT_ALLOWED") {
		s.Errorf("a method that is off: %+v", r)
	}
	s.call(200, "POST", "/api/v1/sync/configs/partners/deactivate", ``)
	if r := s.replay(id, ``); r.Status != 404 || !strings.Contains(r.Body, "ENDPOINT_NOT_FOUND") {
		s.Errorf("an endpoint that is off: %+v", r)
	}
	s.call(404, "POST", "/api/v1/sync/logs/01890000-0000-7000-8000-000000000000/replay", ``)
	s.does(404, "GET", "partners", "")
	if e := s.newest("outcome=error&method=GET"); e["replayable"] != false {
		s.Errorf("an entry of a stranger: %v", e)
	} else {
		s.call(409, "POST", fmt.Sprintf("/api/v1/sync/logs/%s/replay", e["id"]), ``)
	}
}

package server

import (
	"fmt"
	"strings"
	"testing"
)

// askedAgain makes a request twice: the second answer must be the first one, given again.
func (s *synced) askedAgain(status int, method, path, body string, headers ...string) {
	s.Helper()
	first := s.ask(method, path, body, headers...)
	again := s.ask(method, path, body, headers...)
	if first.Code != status || first.Header().Get("Idempotency-Replayed") != "" {
		s.Errorf("%s %s: %d %s, want %d", method, path, first.Code, first.Body, status)
	}
	if again.Code != status || again.Header().Get("Idempotency-Replayed") != "true" || again.Body.String() != first.Body.String() {
		s.Errorf("%s %s again: %d %v %s", method, path, again.Code, again.Header(), again.Body)
	}
}

// TestSyncOnceRefused: of refusals DUPLICATE_RECORD alone is kept.
func TestSyncOnceRefused(t *testing.T) {
	eachSynced(t, func(s *synced) {
		one := s.does(201, "POST", "partners", `{"name":"One","ref":"A"}`)
		two := s.does(201, "POST", "partners", `{"name":"Two","ref":"B"}`)
		s.askedAgain(409, "POST", "partners", `{"name":"x","ref":"A"}`, "Idempotency-Key", "d1")
		s.askedAgain(409, "POST", "partners", `{"name":"x","ref":"A"}`, "X-Request-ID", "d2")
		s.askedAgain(409, "PUT", fmt.Sprintf("partners/%d", two.ID), `{"ref":"A"}`, "Idempotency-Key", "d3")
		s.refused(422, "IDEMPOTENCY_KEY_REUSED", "POST", "partners", `{"name":"y","ref":"A"}`, "Idempotency-Key", "d1")
		s.does(200, "DELETE", fmt.Sprintf("partners/%d", one.ID), "")
		if w := s.ask("POST", "partners", `{"name":"x","ref":"A"}`, "Idempotency-Key", "d1"); w.Code != 409 {
			s.Errorf("the kept refusal when nothing is in the way any more: %d %s", w.Code, w.Body)
		}
		s.clock.ms.Add(25 * 3600 * 1000)
		s.does(201, "POST", "partners", `{"name":"x","ref":"A"}`, "Idempotency-Key", "d1")

		for i, c := range []struct {
			status             int
			method, path, body string
		}{
			{400, "POST", "partners", `{"name":"x","ref":"Z","balance":"much"}`},
			{400, "POST", "partners", `[{"name":"x","ref":"B"}]`},
			{404, "PUT", "partners/999", `{"name":"x"}`},
			{412, "PUT", fmt.Sprintf("partners/%d", two.ID), `{"name":"x"}`},
			{404, "DELETE", "partners?ref=none", ""},
		} {
			for range 2 {
				w := s.ask(c.method, c.path, c.body, "Idempotency-Key", fmt.Sprint("e", i), "If-Match", map[bool]string{true: `"1-1"`}[c.status == 412])
				if w.Code != c.status || w.Header().Get("Idempotency-Replayed") != "" {
					s.Errorf("%s %s %s: %d %v %s", c.method, c.path, c.body, w.Code, w.Header(), w.Body)
				}
			}
		}
		s.config(s.endpoint("dry", `,"allow_dry_run":true`), 200)
		s.refused(409, "DUPLICATE_RECORD", "POST", "dry?dry_run=true", `{"name":"x","ref":"B"}`, "Idempotency-Key", "f")
		if w := s.ask("POST", "dry?dry_run=true", `{"name":"x","ref":"B"}`, "Idempotency-Key", "f"); w.Header().Get("Idempotency-Replayed") != "" {
			s.Errorf("a dry run was kept: %s", w.Body)
		}
	})
}

// TestSyncOnceBegun: when the time is over after some items are written, these are
// answered, and the answer is kept.
func TestSyncOnceBegun(t *testing.T) {
	eachPython(t, func(s *synced) {
		s.scriptedEndpoint("slow", `,"request_timeout":1`,
			pyLine("python_plain", "x", "3", "execute", "import time\nif value == 'slow':\n    time.sleep(3)\nresult = 1", `,"direction":"in"`))
		body := `[{"ref":"A","name":"First","x":1},{"ref":"B","name":"Other"},{"ref":"A","name":"Second","x":"slow"}]`
		s.askedAgain(207, "PUT", "slow", body, "Idempotency-Key", "k")
		a := s.does(207, "PUT", "slow", body, "Idempotency-Key", "k")
		if a.Meta.Created != 2 || a.Meta.Failed != 1 || a.IDs[0] == nil || a.IDs[1] == nil || a.IDs[2] != nil || !strings.Contains(string(a.Data), "UPSTREAM_BUSY") {
			s.Errorf("answered: %+v %v %s", a.Meta, a.IDs, a.Data)
		}
		if got := s.valuesAt("slow", "name"); got != "First Other" {
			s.Errorf("written: %s", got)
		}
	})
}

package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// warnedOf tells whether an answer has a warning that contains a text.
func warnedOf(a syncAnswer, text string) bool {
	return slices.ContainsFunc(a.Meta.Warnings, func(w string) bool { return strings.Contains(w, text) })
}

// TestSyncAnswerScriptFails: what is written is answered with its id, and who looks learns
// that the response_script failed.
func TestSyncAnswerScriptFails(t *testing.T) {
	eachPython(t, func(s *synced) {
		s.scriptedEndpoint("late", attribute("response_script", "print('about to fail')\nenv['bj.api.log'].create({'name': 'answer', 'status': 'bad'})\n1/0"))
		made := s.does(201, "POST", "late", `{"name":"Oak","ref":"A-1"}`, "Idempotency-Key", "k")
		if made.ID == 0 || !warnedOf(made, "response_script failed") || made.Meta.Action != "created" {
			s.Errorf("after a commit: %+v", made)
		}
		e := s.newest("config=late&method=POST")
		if e["outcome"] != "success" || e["error_code"] != "SCRIPT_ERROR" || e["status_code"] != 201.0 || e["action"] != "created" {
			s.Errorf("the entry: %v", e)
		}
		for key, want := range map[string]string{"script_trace": "ZeroDivisionError", "error_message": "division by zero", "script_output": "about to fail"} {
			if text, _ := e[key].(string); !strings.Contains(text, want) {
				s.Errorf("the entry's %s is %v", key, e[key])
			}
		}
		if note := s.newest("direction=script"); note["name"] != "answer" {
			s.Errorf("the script's entry: %v", note)
		}
		again := s.does(201, "POST", "late", `{"name":"Oak","ref":"A-1"}`, "Idempotency-Key", "k")
		if again.ID != made.ID || !warnedOf(again, "response_script failed") || s.count(s.partners) != 1 {
			s.Errorf("the same again: %+v", again)
		}
		batch := s.does(207, "PUT", "late", `[{"name":"Ash","ref":"A-2"},{"ref":"A-3"}]`)
		if batch.Meta.Succeeded != 1 || !warnedOf(batch, "response_script failed") {
			s.Errorf("a batch: %+v", batch)
		}
		if gone := s.does(200, "DELETE", fmt.Sprintf("late/%d", made.ID), ""); !warnedOf(gone, "response_script failed") {
			s.Errorf("a removal: %+v", gone)
		}
		s.refused(500, "SCRIPT_ERROR", "GET", "late", "")
		if e := s.newest("config=late&method=GET"); !strings.Contains(fmt.Sprint(e["script_output"]), "about to fail") || e["outcome"] != "error" {
			s.Errorf("the entry of a refusal: %v", e)
		}
		s.scriptedEndpoint("plain", `,"response_format":"bare"`+attribute("response_script", "raise UserError('not like this')"))
		if w := s.ask("POST", "plain", `{"name":"Elm","ref":"B-1"}`); w.Code != 201 || !strings.Contains(w.Body.String(), `"name":"Elm"`) || strings.Contains(w.Body.String(), "not like this") {
			s.Errorf("bare: %d %s", w.Code, w.Body)
		}
		if e := s.newest("config=plain"); e["error_code"] != "USER_ERROR" || !strings.Contains(fmt.Sprint(e["error_message"]), "not like this") {
			s.Errorf("the entry of a bare answer: %v", e)
		}
		s.scriptedEndpoint("early", attribute("pre_script", "print('looked at', request_data['ref'])\nraise UserError('no')"))
		s.refused(400, "USER_ERROR", "POST", "early", `{"name":"Fir","ref":"C-1"}`)
		if e := s.newest("config=early"); !strings.Contains(fmt.Sprint(e["script_output"]), "looked at C-1") {
			s.Errorf("the entry of a refused item: %v", e)
		}
	})
}

// TestSyncBareBatch: without an envelope a batch of which nothing was written is refused as
// all else is.
func TestSyncBareBatch(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.config(s.endpoint("bare", `,"response_format":"bare"`), 200)
		for path, body := range map[string]string{"bare": `[{"ref":"7"},{"ref":"8"}]`, "bare?atomic=true": `[{"name":"d","ref":"7"},{"ref":"8"}]`} {
			w := s.ask("POST", path, body)
			var refused struct {
				Error, Message string
				Line           int64  `json:"line_id"`
				Code           string `json:"status_code"`
			}
			s.read(w.Body.String(), &refused)
			if w.Code != 400 || refused.Code != "BATCH_FAILED" || refused.Line != 1 || refused.Error == "" || refused.Error != refused.Message {
				s.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		w := s.ask("POST", "bare", `[{"name":"d","ref":"7"},{"ref":"8"}]`)
		var items []struct{ Success bool }
		s.read(w.Body.String(), &items)
		if w.Code != 207 || len(items) != 2 || !items[0].Success || items[1].Success {
			s.Errorf("one of two: %d %s", w.Code, w.Body)
		}
	})
}

// TestSyncAccountWaits: an account whose password was guessed waits at endpoints as it does
// elsewhere.
func TestSyncAccountWaits(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.call(200, "PATCH", "/api/v1/sync/configs/partners", `{"auth_types":["platform"]}`)
		s.hire("Bob", "bob@example.com")
		guess := func() *httptest.ResponseRecorder {
			return s.ask("GET", "partners", "", "Authorization", basicOf("bob@example.com", "a guess"))
		}
		w := guess()
		for n := 0; n < 5 && w.Code == 401; n++ {
			w = guess()
		}
		if w.Code != 429 || !strings.Contains(w.Body.String(), `"scope":"auth"`) || w.Header().Get("Retry-After") == "" {
			s.Errorf("after guesses: %d %s %v", w.Code, w.Body, w.Header())
		}
	})
}

// TestSyncSignatureDefaults: what is left out of hmac is as documented.
func TestSyncSignatureDefaults(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.call(200, "PATCH", "/api/v1/sync/configs/partners", `{"auth_types":["hmac"],"hmac":{"header":"X-Sign","timestamp_header":"X-At"},
			"credentials":[{"label":"pay","type":"hmac","secret":"what both know"}]}`)
		for late, want := range map[int64]int{0: 200, 299: 200, -299: 200, 301: 401, -301: 401} {
			at := fmt.Sprint(s.clock.Now().Unix() - late)
			m := hmac.New(sha256.New, []byte("what both know"))
			m.Write([]byte(at + "."))
			w := s.ask("GET", "partners", "", "Authorization", "", "X-At", at, "X-Sign", hex.EncodeToString(m.Sum(nil)))
			if w.Code != want {
				s.Errorf("%d seconds late: %d %s, want %d", late, w.Code, w.Body, want)
			}
		}
	})
}

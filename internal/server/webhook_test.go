package server

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/store/testdb"
)

// The message is what events.md §2.2 documents.
func TestWebhookMessages(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r := newReceiver(h)
		hook := h.subscribe(r.URL, `"record.created","record.updated","record.deleted"`, `,"$secret":"a secret"`)
		id := h.add(`{"1":"Order 118","2":4,"4":["1"]}`)
		c := r.next()
		want := fmt.Sprintf(`{"timestamp":"1800000000","hook":{"id":%q,"event":"record.created","sequenceId":1},`+
			`"payload":{"catalogId":%q,"recordId":%q,"values":{"1":"Order 118","2":4,"4":["1"]}},"user":{"id":"1"}}`, hook, h.catalog, id)
		if c.Raw != want {
			h.Errorf("created:\n%s\nwant\n%s", c.Raw, want)
		}
		if got := c.Header.Get("Content-Type") + " " + c.Header.Get("User-Agent"); got != "application/json; charset=utf-8 Kartoteka-webhook" {
			h.Errorf("headers %q", got)
		}
		mac := hmac.New(md5.New, []byte("a secret"))
		mac.Write([]byte(c.Raw))
		if got := c.Header.Get("X-Hook-Signature"); got != base64.StdEncoding.EncodeToString(mac.Sum(nil)) || len(got) != 24 {
			h.Errorf("signature %q", got)
		}
		h.pass(time.Hour)
		h.edit(id, `{"2":5,"3":"2026-01-02"}`)
		c = r.next()
		if c.Body.Hook.Event != "record.updated" || c.Body.Hook.SequenceID != 2 || c.Body.Timestamp != "1800003600" ||
			!reflect.DeepEqual(c.Body.Payload.Values, map[string]any{"2": 5.0, "3": "2026-01-02T00:00:00.000Z"}) ||
			!reflect.DeepEqual(c.Body.Payload.PrevValues, map[string]any{"1": "Order 118", "2": 4.0, "3": nil, "4": []any{"1"}, "5": ""}) {
			h.Errorf("updated: %s", c.Raw)
		}
		h.edit(id, `{"2":5}`) // no change
		h.call(200, "DELETE", h.records()+"/"+id, "")
		c = r.next()
		if want := fmt.Sprintf(`"payload":{"catalogId":%q,"recordId":%q},`, h.catalog, id); c.Body.Hook.Event != "record.deleted" ||
			c.Body.Hook.SequenceID != 3 || !strings.Contains(c.Raw, want) {
			h.Errorf("deleted: %s", c.Raw)
		}
		h.eventually("the counter in the record", func() bool { return h.hook(hook)["$sequenceId"] == 3.0 })
	})
}

// A subscription gets the events it asks for, and none of before it.
func TestWebhookSelection(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		old := h.add(`{"1":"before all"}`)
		all, sums, bobs, off := newReceiver(h), newReceiver(h), newReceiver(h), newReceiver(h)
		h.subscribe(all.URL, `"record.created","record.updated","record.deleted"`, "")
		h.subscribe(sums.URL, `"record.created","record.updated"`, `,"$fields":"2,\n 99"`)
		bob := h.hire("Bob", "bob@example.com")
		h.subscribe(bobs.URL, `"record.updated"`, `,"$initiator":[{"catalogId":"$users","recordId":"`+bob+`"}]`)
		h.subscribe(off.URL, `"record.updated"`, `,"$status":["$off"]`)
		h.edit(old, `{"1":"no sum"}`)
		if c := all.next(); c.Body.Hook.SequenceID != 1 || c.Body.Payload.RecordID != old {
			h.Errorf("the first event is %s", c.Raw)
		}
		h.edit(old, `{"2":7}`)
		if c := sums.next(); c.Body.Payload.Values["2"] != 7.0 || c.Body.Hook.SequenceID != 1 {
			h.Errorf("a watched field: %s", c.Raw)
		}
		h.add(`{"1":"new without a sum"}`)
		h.add(`{"2":1}`)
		if c := sums.next(); c.Body.Hook.Event != "record.created" || c.Body.Payload.Values["2"] != 1.0 {
			h.Errorf("a watched field of a new record: %s", c.Raw)
		}
		for range 3 {
			all.next()
		}
		// Neither structure nor rights, comments, messages or clearing fire events.
		h.call(200, "PATCH", "/api/v1/catalogs/"+h.catalog, `{"name":"Renamed"}`)
		h.call(200, "POST", "/api/v1/histories", `{"catalogId":"`+h.catalog+`","recordId":"`+old+`","type":"COMMENT","payload":{"message":"hello"}}`)
		h.call(200, "POST", "/api/v1/catalogs/"+h.catalog+"/records/"+old+"/messages", `{"text":"hello"}`)
		h.call(200, "POST", "/api/v1/catalogs/"+h.catalog+"/clear", `{"name":"Renamed"}`)
		all.none("no event")
		sums.none("a field that is not watched")
		bobs.none("somebody else's change")
		off.none("switched off")
	})
}

// Mirrors of what is no record fire nothing, subscriptions themselves do.
func TestWebhookOfSystemCatalogs(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r := newReceiver(h)
		for _, c := range []string{"13", "8", "24", "4"} { // $messages, $processes, $requests, $views
			h.catalog, c = c, h.catalog
			h.subscribe(r.URL, `"record.created","record.updated","record.deleted"`, "")
			h.catalog = c
		}
		id := h.add(`{"1":"a"}`)
		h.call(200, "POST", "/api/v1/catalogs/"+h.catalog+"/records/"+id+"/messages", `{"text":"hello"}`)
		h.made("POST", "/api/v1/catalogs/$processes/records", `{"values":{"$code":"a run"}}`)
		r.none("mirrors and notes")

		own := h.catalog
		h.catalog = "5"
		hook := h.subscribe(r.URL, `"record.created","record.updated"`, `,"$fields":"$url","$secret":"hidden"`)
		h.catalog = own
		h.call(200, "PATCH", "/api/v1/catalogs/$webhooks/records/"+hook, `{"values":{"$url":"`+r.URL+`/x","$secret":"other"}}`)
		c := r.next()
		if c.Body.Payload.CatalogID != "$webhooks" || c.Body.Payload.Values["$url"] != r.URL+"/x" || c.Body.Payload.Values["5"] != r.URL+"/x" ||
			strings.Contains(c.Raw, "hidden") || strings.Contains(c.Raw, "other") || c.Body.Payload.PrevValues["1"] == nil {
			h.Errorf("a change of a subscription: %s", c.Raw)
		}
		r.none("the counter of events")
	})
}

// What is told is what was when it happened.
func TestWebhookOrder(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r := newReceiver(h)
		h.subscribe(r.URL, `"record.updated"`, "")
		const records, edits = 4, 12
		var ids []string
		for range records {
			ids = append(ids, h.add(`{"2":0}`))
		}
		for i := range edits {
			for _, id := range ids {
				h.edit(id, `{"2":`+strconv.Itoa(i+1)+`}`)
			}
		}
		last, numbers := map[string]float64{}, map[int64]bool{}
		for range records * edits {
			c := r.next()
			id, sum := c.Body.Payload.RecordID, c.Body.Payload.Values["2"].(float64)
			if sum != last[id]+1 || c.Body.Payload.PrevValues["2"] != last[id] {
				h.Errorf("record %s: after %v came %s", id, last[id], c.Raw)
			}
			last[id] = sum
			numbers[c.Body.Hook.SequenceID] = true
		}
		if len(numbers) != records*edits || !numbers[1] || !numbers[records*edits] {
			h.Errorf("%d numbers", len(numbers))
		}
		r.none("everything came")
	})
}

func TestWebhookOnce(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r := newReceiver(h)
		h.subscribe(r.URL, `"record.created"`, "")
		r.answers(func(int, received) (int, string) { return 500, "no" })
		h.add(`{"1":"a"}`)
		r.next()
		h.pass(72 * time.Hour)
		r.none("a second attempt")
		r.answers(nil)
		h.add(`{"1":"b"}`)
		if c := r.next(); c.Body.Hook.SequenceID != 2 {
			h.Errorf("after a failure: %s", c.Raw)
		}
	})
}

// A delivery is tried again, with the same body and id, until it succeeds; later
// events of the record wait, those of others do not.
func TestWebhookRetries(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r := newReceiver(h)
		h.subscribe(r.URL, `"record.created","record.updated"`, `,"$retry":["$standard"],"$signing":"whsec_c2VjcmV0 plain"`)
		r.answers(func(n int, c received) (int, string) {
			if n <= 2 {
				return 503, "later"
			}
			return 204, ""
		})
		id := h.add(`{"1":"a"}`)
		first := r.next()
		h.edit(id, `{"1":"b"}`)
		r.none("before its time")
		h.pass(10 * time.Second)
		second := r.next()
		h.pass(10 * time.Minute)
		third := r.next()
		if first.Raw != second.Raw || second.Raw != third.Raw || first.Header.Get("Webhook-Id") != third.Header.Get("Webhook-Id") {
			h.Errorf("the attempts differ:\n%s\n%s\n%s", first.Raw, second.Raw, third.Raw)
		}
		if c := r.next(); c.Body.Hook.Event != "record.updated" {
			h.Errorf("after it came %s", c.Raw)
		}
		id, stamp := third.Header.Get("Webhook-Id"), third.Header.Get("Webhook-Timestamp")
		var want []string
		for _, key := range []string{"secret", "plain"} {
			mac := hmac.New(sha256.New, []byte(key))
			mac.Write([]byte(id + "." + stamp + "." + third.Raw))
			want = append(want, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		}
		if got := third.Header.Get("Webhook-Signature"); got != strings.Join(want, " ") || stamp == first.Header.Get("Webhook-Timestamp") {
			h.Errorf("signature %q at %s, want %q", got, stamp, want)
		}
	})
}

func TestWebhookGone(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r := newReceiver(h)
		hook := h.subscribe(r.URL, `"record.created"`, "")
		r.answers(func(int, received) (int, string) { return 410, "" })
		h.add(`{"1":"a"}`)
		r.next()
		h.eventually("the subscription goes", func() bool {
			return ask(h.http, "GET", "/api/v1/catalogs/$webhooks/records/"+hook, "", "Authorization", basic()).Code == 404
		})
		h.add(`{"1":"b"}`)
		r.none("a subscription that is gone")
	})
}

// Whoever has failed for five days is paused, and begins anew when he is switched on.
func TestWebhookPause(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r := newReceiver(h)
		hook := h.subscribe(r.URL, `"record.created"`, "")
		r.answers(func(int, received) (int, string) { return 500, "" })
		h.add(`{"1":"a"}`)
		r.next()
		h.pass(5*24*time.Hour - time.Minute)
		h.add(`{"1":"b"}`)
		r.next()
		if got := fmt.Sprint(h.hook(hook)["$state"]); got != "[$active]" {
			h.Errorf("the state is %s", got)
		}
		h.pass(2 * time.Minute)
		h.add(`{"1":"c"}`)
		r.next()
		h.eventually("the pause", func() bool { return fmt.Sprint(h.hook(hook)["$state"]) == "[$paused]" })
		h.add(`{"1":"d"}`)
		r.none("while it is paused")
		h.eventually("the administrator's message", func() bool {
			return strings.Contains(h.call(200, "GET", "/api/v1/catalogs/$webhooks/records/"+hook, ""), `"newMessages":true`)
		})
		h.call(200, "PATCH", "/api/v1/catalogs/$webhooks/records/"+hook, `{"values":{"$state":["$active"]}}`)
		h.add(`{"1":"e"}`)
		if c := r.next(); c.Body.Payload.Values["1"] != "e" || c.Body.Hook.SequenceID != 4 {
			h.Errorf("after the pause came %s", c.Raw)
		}
	})
}

// A receiver that says when it wants to be asked again is not asked before.
func TestWebhookRetryAfter(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r := newReceiver(h)
		r.after = "3600"
		h.subscribe(r.URL, `"record.created"`, `,"$retry":["$standard"]`)
		r.answers(func(int, received) (int, string) { return 429, "" })
		h.add(`{"1":"a"}`)
		r.next()
		h.pass(time.Hour - time.Minute)
		r.none("before the hour is over")
		h.pass(time.Minute)
		r.next()
	})
}

// Events of before an end of the program are delivered after it.
func TestWebhookAfterRestart(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r := newReceiver(h)
		hook := h.subscribe(r.URL, `"record.created"`, `,"$retry":["$standard"]`)
		r.answers(func(int, received) (int, string) { return 500, "" })
		h.add(`{"1":"a"}`)
		r.next()
		h.end()
		r.answers(nil)
		h.start()
		h.pass(time.Minute)
		if c := r.next(); c.Body.Payload.Values["1"] != "a" || c.Body.Hook.ID != hook {
			h.Errorf("after the restart came %s", c.Raw)
		}
		h.add(`{"1":"b"}`)
		if c := r.next(); c.Body.Hook.SequenceID != 2 {
			h.Errorf("then came %s", c.Raw)
		}
	})
}

func TestWebhookRefusedAddress(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		h.subscribe("http://169.254.169.254/latest", `"record.created"`, "")
		h.add(`{"1":"a"}`)
		h.eventually("the failure", func() bool {
			list, err := h.app.company.Jobs(h.Context(), "hook", 1, 0, 1)
			return err == nil && len(list) == 1 && list[0].State == "dead" && list[0].Status == 0 && list[0].Error != ""
		})
		for _, url := range []string{"ftp://example.com", "example.com", ""} {
			body, _ := json.Marshal(url)
			h.call(400, "POST", "/api/v1/catalogs/$webhooks/records", fmt.Sprintf(
				`{"values":{"$catalog":[{"catalogId":"$catalogs","recordId":%q}],"$events":["record.created"],"$url":%s}}`, h.catalog, body))
		}
	})
}

// A write is asked about before it is made; the first refusal decides.
func TestWebhookBefore(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r, after := newReceiver(h), newReceiver(h)
		hook := h.subscribe(r.URL, `"record.before.created","record.before.updated","record.before.deleted"`, `,"$secret":"s"`)
		h.subscribe(after.URL, `"record.created","record.updated","record.deleted"`, "")
		id := h.add(`{"1":"a","2":1}`)
		c := r.now()
		want := fmt.Sprintf(`{"timestamp":"1800000000","hook":{"id":%q,"event":"record.before.created","sequenceId":1},`+
			`"payload":{"catalogId":%q,"values":{"1":"a","2":1}},"user":{"id":"1"}}`, hook, h.catalog)
		if c.Raw != want || len(c.Header.Get("X-Hook-Signature")) != 24 {
			h.Errorf("before a creation:\n%s\nwant\n%s", c.Raw, want)
		}
		after.now()
		refused := func(what, method, path, body, message string) {
			h.Helper()
			w := ask(h.http, method, path, body, "Authorization", basic())
			var answer struct {
				Code    string
				Message json.RawMessage
			}
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 400 || answer.Code != "rejected" || string(answer.Message) != message {
				h.Errorf("%s: %d %s", what, w.Code, w.Body)
			}
			r.now()
		}
		path := h.records() + "/" + id
		r.json = true
		r.answers(func(int, received) (int, string) { return 422, `{"message":"Not on Sundays","values":{"1":"x"}}` })
		refused("a text", "PATCH", path, `{"values":{"2":9}}`, `"Not on Sundays"`)
		r.answers(func(int, received) (int, string) { return 500, `{"message":{"title":"No","text":"never","more":1}}` })
		refused("an object", "DELETE", path, "", `{"title":"No","text":"never"}`)
		r.answers(func(int, received) (int, string) { return 403, `<html>` })
		refused("no JSON", "POST", h.records(), `{"values":{"1":"b"}}`, `"A webhook refused the change"`)
		if got := h.call(200, "GET", h.records(), ""); strings.Count(got, `"catalogId"`) != 1 || !strings.Contains(got, `"2":1`) {
			h.Errorf("refused writes left %s", got)
		}
		after.none("refused writes")

		r.answers(func(int, received) (int, string) { return 302, "" })
		h.edit(id, `{"2":3}`)
		if c := r.now(); c.Body.Hook.SequenceID != 5 || c.Body.Payload.RecordID != id || c.Body.Payload.Values["2"] != 3.0 || c.Body.Payload.PrevValues["2"] != 1.0 {
			h.Errorf("before a change: %s", c.Raw)
		}
		if c := after.now(); c.Body.Hook.Event != "record.updated" || c.Body.Hook.SequenceID != 2 {
			h.Errorf("after it: %s", c.Raw)
		}
		r.Close()
		w := ask(h.http, "PATCH", path, `{"values":{"2":4}}`, "Authorization", basic())
		if w.Code != 400 || !strings.Contains(w.Body.String(), `"rejected"`) {
			h.Errorf("nobody answers: %d %s", w.Code, w.Body)
		}
	})
}

// A record that was changed while the answer came is asked about again, three times
// in all.
func TestWebhookBeforeMeetsOthers(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r := newReceiver(h)
		h.subscribe(r.URL, `"record.before.updated"`, `,"$fields":"2"`)
		id := h.add(`{"2":0,"5":"0"}`)
		others := 1
		meets := func(n int, _ received) (int, string) {
			if n <= others { // somebody changes another field, of which nobody is asked
				body := `{"values":{"5":"` + strconv.Itoa(n*others) + `"}}`
				if w := ask(h.http, "PATCH", h.records()+"/"+id, body, "Authorization", basic()); w.Code != 200 {
					h.Errorf("the other change: %d %s", w.Code, w.Body)
				}
			}
			return 200, ""
		}
		r.answers(meets)
		h.edit(id, `{"2":1}`)
		if a, b := r.now(), r.now(); a.Body.Payload.PrevValues["5"] != "0" || b.Body.Payload.PrevValues["5"] != "1" {
			h.Errorf("asked with\n%s\n%s", a.Raw, b.Raw)
		}
		others = 9
		r.answers(meets)
		if w := ask(h.http, "PATCH", h.records()+"/"+id, `{"values":{"2":2}}`, "Authorization", basic()); w.Code != 409 {
			h.Errorf("others keep changing it: %d %s", w.Code, w.Body)
		}
		for range 3 {
			r.now()
		}
		r.none("a fourth time")
		if got := h.call(200, "GET", h.records()+"/"+id, ""); !strings.Contains(got, `"2":1,`) {
			h.Errorf("the record is %s", got)
		}
	})
}

// A restored folder delivers nothing until somebody says so.
func TestWebhookAfterRestore(t *testing.T) {
	h := openHooked(t, testdb.SQLite(t))
	r := newReceiver(h)
	h.subscribe(r.URL, `"record.created"`, `,"$retry":["$standard"]`)
	r.answers(func(int, received) (int, string) { return 500, "" })
	h.add(`{"1":"a"}`)
	r.next()
	from, to := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "copy")
	progress := func(int64, int64) {}
	if _, err := h.app.backup(t.Context(), from, progress); err != nil {
		t.Fatal(err)
	}
	h.end()
	if _, err := Restore(t.Context(), from, folderSettings(t, to), progress); err != nil {
		t.Fatal(err)
	}
	h.target.Dir = to
	h.env = append(h.env, "DATA_DIR="+to)
	r.answers(nil)
	h.start()
	h.add(`{"1":"b"}`)
	h.pass(time.Hour)
	r.none("paused")
	if out := h.operate("jobs"); !strings.Contains(out, "paused") || !strings.Contains(out, "hook   1       2        0     0       1\n") {
		t.Errorf("jobs: %s", out)
	}
	if out := h.operate("sync", "resume"); out != "Deliveries go on\n" {
		t.Errorf("resume: %s", out)
	}
	if a, b := r.next(), r.next(); a.Body.Hook.SequenceID+b.Body.Hook.SequenceID != 3 {
		t.Errorf("came %s and %s", a.Raw, b.Raw)
	}
}

// operate runs an operators' command in the program.
func (h *hooked) operate(name string, args ...string) string {
	h.Helper()
	i := slices.IndexFunc(adminapi.Operations(), func(o adminapi.Operation) bool { return o.Name == name })
	task, err := adminapi.Operations()[i].Prepare(flag.NewFlagSet(name, flag.ContinueOnError), args)
	if err != nil {
		h.Fatal(err)
	}
	var out strings.Builder
	if err := task.Run(h.Context(), h.app.Tools(), adminapi.Call{Out: &out}); err != nil {
		h.Fatal(err)
	}
	return out.String()
}

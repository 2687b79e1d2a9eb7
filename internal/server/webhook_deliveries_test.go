package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// shownDelivery is a delivery as the API shows it.
type shownDelivery struct {
	ID, WebhookID, Event, CatalogID, RecordID, State, Created string
	Attempted, Error                                          *string
	SequenceID, Duration                                      int64
	Attempts                                                  int
	Status                                                    *int
	Request                                                   json.RawMessage
	Response                                                  string
}

func (h *hooked) deliveries(path string) (list []shownDelivery) {
	h.Helper()
	if err := json.Unmarshal([]byte(h.call(200, "GET", "/api/v1/webhooks/"+path, "")), &list); err != nil {
		h.Fatal(err)
	}
	return list
}

func TestWebhookDeliveries(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		r := newReceiver(h)
		hook := h.subscribe(r.URL, `"record.created"`, `,"$signing":"plain"`)
		r.answers(func(n int, _ received) (int, string) {
			if n == 2 {
				return 500, "out of\x00 order \xff"
			}
			return 200, "thanks"
		})
		var sent []received
		var ids []string
		for _, name := range []string{"a", "b", "c"} {
			ids = append(ids, h.add(`{"1":"`+name+`"}`))
			sent = append(sent, r.next())
		}
		list := h.deliveries(hook + "/deliveries")
		if len(list) != 3 || list[0].SequenceID != 3 || list[0].State != "delivered" || *list[0].Status != 200 || list[0].Error != nil ||
			list[1].State != "failed" || *list[1].Status != 500 || *list[1].Error != "answered with status 500" || list[1].Attempts != 1 ||
			list[1].CatalogID != h.catalog || list[1].RecordID != ids[1] || list[1].WebhookID != hook || list[1].Event != "record.created" ||
			list[1].Created != "2027-01-15T08:00:00.000Z" || *list[1].Attempted != list[1].Created || list[1].Request != nil {
			h.Fatalf("the deliveries are %+v", list)
		}
		if older := h.deliveries(hook + "/deliveries?limit=1&before=" + list[1].ID); len(older) != 1 || older[0].ID != list[2].ID {
			h.Errorf("before the second: %+v", older)
		}
		var one shownDelivery
		path := "/api/v1/webhooks/" + hook
		if err := json.Unmarshal([]byte(h.call(200, "GET", path+"/deliveries/"+list[1].ID, "")), &one); err != nil {
			h.Fatal(err)
		}
		if string(one.Request) != sent[1].Raw || one.Response != "out of order \uFFFD" {
			h.Errorf("one delivery is %+v with %s", one, one.Request)
		}
		h.resends(r, path, list[1].ID, sent)

		r.answers(func(int, received) (int, string) { return 202, "fine" })
		body := h.call(200, "POST", path+"/test", "")
		c := r.now()
		if !strings.Contains(body, `"status":202,"error":null`) || !strings.Contains(body, `"response":"fine"`) || c.Header.Get("Webhook-Signature") == "" ||
			!strings.Contains(c.Raw, `"event":"record.created","sequenceId":0,"test":true}`) {
			h.Errorf("a test: %s with %s", body, c.Raw)
		}
		h.call(200, "PATCH", "/api/v1/catalogs/$webhooks/records/"+hook, `{"values":{"$status":["$off"]}}`)
		h.call(400, "POST", path+"/test", "")
		h.onlyEditors(path, list[1].ID)
	})
}

// resends has the delivery that failed, and then all, sent once more.
func (h *hooked) resends(r *receiver, path, failed string, sent []received) {
	h.Helper()
	again := func(what string, want ...received) {
		h.Helper()
		var got, expected []string
		for range want {
			c := r.now()
			got = append(got, c.Raw+c.Header.Get("Webhook-Id"))
		}
		for _, c := range want {
			expected = append(expected, c.Raw+c.Header.Get("Webhook-Id"))
		}
		slices.Sort(got)
		slices.Sort(expected)
		if !slices.Equal(got, expected) {
			h.Errorf("%s: came\n%v\nwant\n%v", what, got, expected)
		}
		h.eventually("what came of it", func() bool {
			return !strings.Contains(h.call(200, "GET", path+"/deliveries", ""), `"pending"`)
		})
	}
	r.answers(nil)
	if got := h.call(200, "POST", path+"/deliveries/"+failed+"/resend", ""); got != `{"queued":1}` {
		h.Errorf("resend: %s", got)
	}
	again("the one that failed", sent[1])
	if got := h.call(200, "POST", path+"/resend", `{"from":2,"to":9}`); got != `{"queued":2}` {
		h.Errorf("resend: %s", got)
	}
	again("those from the second on", sent[1], sent[2])
	if got := fmt.Sprint(h.deliveries(strings.TrimPrefix(path, "/api/v1/webhooks/") + "/deliveries")[1].State); got != "delivered" {
		h.Errorf("sent again it is %s", got)
	}
	r.none("everything came")
}

// onlyEditors: who may not change the subscription learns nothing of it.
func (h *hooked) onlyEditors(path, id string) {
	h.Helper()
	h.made("POST", "/api/v1/catalogs/$users/records", `{"values":{"$name":"Bob","$email":"bob","$password":"bob's password"}}`)
	rule := func(privilege string) {
		h.call(200, "POST", "/api/v1/rights", fmt.Sprintf(`{"object":{"catalogId":"$webhooks"},"rules":[
			{"rightSubject":{"userAttr":"id","catalogId":"$users","recordId":"2"},"privilegeCode":%q}]}`, privilege))
	}
	requests := []string{
		"GET " + path + "/deliveries", "GET " + path + "/deliveries/" + id, "POST " + path + "/deliveries/" + id + "/resend",
		"POST " + path + "/resend", "POST " + path + "/test",
	}
	for privilege, want := range map[string][]int{"view": {403, 403, 403, 403, 403}, "edit": {200, 200, 200, 200, 400}} {
		rule(privilege)
		for i, request := range requests {
			method, target, _ := strings.Cut(request, " ")
			body := ""
			if target == path+"/resend" {
				body = `{"from":5,"to":6}`
			}
			if w := ask(h.http, method, target, body, "Authorization", basicOf("bob", "bob's password")); w.Code != want[i] {
				h.Errorf("with %s: %s gives %d %s", privilege, request, w.Code, w.Body)
			}
		}
	}
	h.pass(time.Second)
}

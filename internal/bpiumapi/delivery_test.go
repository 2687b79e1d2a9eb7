package bpiumapi_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"
)

// webhookOn is a body of a subscription to a catalog, at an address that nobody
// answers at.
func webhookOn(catalog string) string {
	return `{"values":{"$catalog":[{"catalogId":"$catalogs","recordId":"` + catalog + `"}],"$events":["record.updated"],"$url":"http://127.0.0.1:1/"}}`
}

// withDeliveries adds the routes of deliveries: webhook 1 is catalog 26's, and no
// event has been dispatched. Subscriptions are not of any user's catalog.
func withDeliveries(walk map[string]walked) map[string]walked {
	maps.Copy(walk, map[string]walked{
		"GET /webhooks/{webhook}/deliveries":                    {"/webhooks/1/deliveries", "", 403, 403, 403, 403},
		"GET /webhooks/{webhook}/deliveries/{delivery}":         {"/webhooks/1/deliveries/1", "", 403, 403, 403, 403},
		"POST /webhooks/{webhook}/deliveries/{delivery}/resend": {"/webhooks/1/deliveries/1/resend", "", 403, 403, 403, 403},
		"POST /webhooks/{webhook}/resend":                       {"/webhooks/1/resend", `{"from":1,"to":2}`, 403, 403, 403, 403},
		"POST /webhooks/{webhook}/test":                         {"/webhooks/1/test", "", 403, 403, 403, 403},
	})
	return walk
}

// withCards adds the routes of cards that are edited.
func withCards(walk map[string]walked) map[string]walked {
	maps.Copy(walk, map[string]walked{
		"POST /catalogs/{catalog}/records/{record}/changes": {"/catalogs/26/records/1/changes", `{"values":{"2":"x"}}`, 403, 200, 403, 403},
		"POST /catalogs/{catalog}/changes":                  {"/catalogs/26/changes", `{"values":{"2":"x"}}`, 403, 200, 403, 200},
		"POST /changes":                                     {"", `{"catalogId":"26","values":{"2":"x"}}`, 403, 200, 403, 200},
	})
	return walk
}

// badDeliveries are refused requests about webhook 1.
var badDeliveries = []badCase{
	{"no such webhook", "GET", "/webhooks/99/deliveries", "", 404, "not_found", nil},
	{"no id of a webhook", "POST", "/webhooks/x/test", "", 404, "not_found", nil},
	{"no such delivery", "GET", "/webhooks/1/deliveries/99", "", 404, "not_found", nil},
	{"no id of a delivery", "POST", "/webhooks/1/deliveries/x/resend", "", 404, "not_found", nil},
	{"a limit", "GET", "/webhooks/1/deliveries?limit=-1", "", 400, "invalid_parameter", []string{"limit"}},
	{"before nothing", "GET", "/webhooks/1/deliveries?before=x", "", 400, "invalid_parameter", []string{"before"}},
	{"no numbers", "POST", "/webhooks/1/resend", `{}`, 400, "validation_failed", []string{"from", "to"}},
	{"texts", "POST", "/webhooks/1/resend", `{"from":"a","to":1.5}`, 400, "validation_failed", []string{"from", "to"}},
	{"backwards", "POST", "/webhooks/1/resend", `{"from":2,"to":1}`, 400, "validation_failed", []string{"to"}},
	{"too many", "POST", "/webhooks/1/resend", `{"from":1,"to":10001}`, 400, "validation_failed", []string{"to"}},
	{"a list", "POST", "/webhooks/1/resend", `[]`, 400, "invalid_json", nil},
}

// deliverOne makes two subscriptions to catalog 25, and delivery 1 of the first,
// which fails.
func (s *site) deliverOne(t *testing.T) {
	t.Helper()
	s.must(t, "POST", "/catalogs/$webhooks/records", webhookOn("25"))
	s.must(t, "PATCH", "/catalogs/25/records/acme", `{"values":{"1":"Acme told"}}`)
	s.must(t, "POST", "/catalogs/$webhooks/records", webhookOn("25"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.hooks.Run(ctx) }()
	for range 400 {
		if strings.Contains(s.must(t, "GET", "/webhooks/1/deliveries", ""), `"failed"`) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	check(t, <-done)
	if got := s.must(t, "GET", "/webhooks/1/deliveries/1", ""); !strings.Contains(got, `"state":"failed","attempts":1`) {
		t.Fatalf("the delivery is %s", got)
	}
}

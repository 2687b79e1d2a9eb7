package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestLiveChanges: a program prices an order while somebody edits it, on the whole
// program. The published client has no call for it.
func TestLiveChanges(t *testing.T) {
	prices := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var call struct {
			Payload struct {
				Values, AllValues map[string]any
			}
		}
		if body, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(body, &call) != nil {
			t.Errorf("%s (%v)", body, err)
		}
		amount, _ := call.Payload.AllValues["2"].(float64)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(object{"message": "Priced", "values": object{"3": amount * 30}})
	}))
	defer prices.Close()
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db, "HOOKS_DENY_PRIVATE=false")
		admin := s.admin()
		k := admin.newCatalog(t, "Orders", object{"name": "Name", "type": "text"}, object{"name": "Amount", "type": "number"}, object{"name": "Price", "type": "number"})
		admin.call(t, 200, "POST", "/api/v1/catalogs/$webhooks/records", object{"values": object{
			"$catalog": []object{{"catalogId": "$catalogs", "recordId": k.id}}, "$events": []string{"record.updating"}, "$fields": k.fields["Amount"], "$url": prices.URL,
		}})
		id := decode[record](t, admin.call(t, 200, "POST", k.records(""), object{"values": object{k.fields["Amount"]: 2}})).ID
		const priced = `{"message":"Priced","messages":["Priced"],"values":{"3":360},"errors":[]}`
		values := object{"values": object{k.fields["Amount"]: 12}}
		for path, want := range map[string]string{k.records("/%s/changes", id): priced, "/api/v1/catalogs/" + k.id + "/changes": priced} {
			if a := admin.call(t, 200, "POST", path, values); string(a.body) != want {
				t.Errorf("%s: %s", path, a.body)
			}
		}
		if a := admin.call(t, 200, "POST", k.records("/%s/changes", id), object{"values": object{k.fields["Name"]: "x"}}); string(a.body) != `{"values":{}}` {
			t.Errorf("another field: %s", a.body)
		}
		if a := admin.call(t, 200, "GET", k.records("/%s", id), nil); decode[record](t, a).Values["2"] != 2.0 || decode[record](t, a).Values["3"] != nil {
			t.Errorf("the record is %s", a.body)
		}
		s.stop()
	})
}

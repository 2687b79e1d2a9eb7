package bpiumapi_test

import (
	"strings"
	"testing"
)

// TestConditionsOfLinkFields: config.filters of a link field, as sent, as
// answered, and as recordId makes them count.
func TestConditionsOfLinkFields(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		s.must(t, "PATCH", "/catalogs/25", `{"fields":[{"id":"1"},{"id":"2"},{"id":"3"},{"id":"parent","name":"Parent","type":"object","config":{"catalogs":[{"id":"25"}]}}]}`)
		s.must(t, "PATCH", "/catalogs/25/records/2", `{"values":{"parent":["acme"]}}`)
		s.must(t, "POST", "/catalogs/25/records", `{"values":{"1":"Gamma","3":9,"parent":["2"]}}`)
		s.must(t, "POST", "/catalogs/25/views", `{"id":"good","name":"Good","forRights":true,"filters":{"3":{"at":4}}}`)
		const head = `{"fields":[{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4"},{"id":"5"},{"id":"branch","name":"Branch","type":"object","config":`
		set := func(sources, filters string) answer {
			return s.do(t, "PATCH", "/catalogs/26", head+`{`+sources+`,"filters":`+filters+`}}]}`)
		}
		offered := func(query string) string {
			t.Helper()
			return strings.Join(idsOf(t, g.as(t, "bob", "GET", "/catalogs/26/fields/branch/availableRecords"+query, ""), "recordId"), " ")
		}
		const whole, byParent = `"catalogs":[{"id":"25"}]`, `{"fieldId":"parent","valueFieldId":"4"}`
		g.rules(t, "C bob edit")
		if a := set(whole, `[{"catalogId":25,"viewId":0,"filters":[`+byParent+`]}]`); a.status != 200 ||
			!strings.Contains(a.body, `"filters":[{"catalogId":"25","viewId":null,"filters":[`+byParent+`]}]`) {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for query, want := range map[string]string{"": "acme 2 3", "?recordId=1": "2", "?recordId=2": "3", "?recordId=3": "acme 2 3", "?recordId=": "acme 2 3", "?recordId=1&title=x": ""} {
			if got := offered(query); got != want {
				t.Errorf("%s: %s", query, got)
			}
		}
		for query, want := range map[string]string{"?recordId=99": "404 not_found", "?recordId[a]=1": "400 invalid_parameter"} {
			if got := g.as(t, "bob", "GET", "/catalogs/26/fields/branch/availableRecords"+query, "").outcome(t); got != want {
				t.Errorf("%s: %s", query, got)
			}
		}
		g.rules(t, "C bob edit; r1 bob deny")
		if got := g.as(t, "bob", "GET", "/catalogs/26/fields/branch/availableRecords?recordId=1", "").outcome(t); got != "403 forbidden" {
			t.Errorf("by a card that he may not view: %s", got)
		}
		// Of two sources, one a view, a condition may be about that alone.
		g.rules(t, "C bob edit")
		s.must(t, "POST", "/catalogs/25/views", `{"id":"beta","name":"Beta","forRights":true,"filters":{"1":"beta"}}`)
		if a := set(`"views":[{"id":"good","catalogId":"25"},{"id":"beta","catalogId":"25"}]`, `[{"catalogId":"25","viewId":"good","filters":[`+byParent+`]}]`); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for query, want := range map[string]string{"": "acme 2 3", "?recordId=1": "2", "?recordId=2": "2 3"} {
			if got := offered(query); got != want {
				t.Errorf("with views, %s: %s", query, got)
			}
		}
		// What is stored is not looked at again.
		if a := g.as(t, "bob", "PATCH", "/catalogs/26/records/1", `{"values":{"branch":["3"]}}`); a.status != 200 {
			t.Errorf("a link that is not offered: %d %s", a.status, a.body)
		}
		for filters, place := range map[string]string{
			`5`: "fields[5].config.filters", `[5]`: "fields[5].config.filters[0]", `[{"filters":[]}]`: "fields[5].config.filters[0]", `[{"catalogId":"99"}]`: "fields[5].config.filters[0].catalogId",
			`[{"catalogId":"25","viewId":"none"}]`: "fields[5].config.filters[0].viewId", `[{"catalogId":"25","filters":[{"fieldId":"parent"}]}]`: "fields[5].config.filters[0].filters[0]",
			`[{"catalogId":"25","filters":[{"fieldId":"99","valueFieldId":"4"}]}]`: "fields[5].config.filters[0].filters[0].fieldId",
		} {
			if a := set(whole, filters); a.outcome(t) != "400 validation_failed" || !strings.Contains(a.body, `"path":"`+place+`"`) {
				t.Errorf("%s: %d %s", filters, a.status, a.body)
			}
		}
	})
}

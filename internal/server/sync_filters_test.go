package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// endpointWith is an endpoint with one more line.
func (s *synced) endpointWith(name, line, more string) string {
	return strings.Replace(s.endpoint(name, more), `"mapping_config":"countries"}]`, `"mapping_config":"countries"},`+line+`]`, 1)
}

// The field by which children link their parent is named only where there are several.
func TestSyncChildren(t *testing.T) {
	eachSynced(t, func(s *synced) {
		partner := `{"id":"2","name":"Partner","type":"object","config":{"catalogs":[{"id":"` + s.partners + `"}]}}`
		items := s.made("POST", "/api/v1/catalogs", `{"name":"Items","sectionId":"3","icon":"a-1","fields":[{"id":"1","name":"Label","type":"text"},`+partner+`]}`)
		s.config(`{"code":"items","name":"Items","request_type":"mapping","model":"`+items+`","lines":[{"field":"1","external_key":"label","is_record_identifier":true}]}`, 200)
		line := `{"external_key":"items","value_type":"relational_mapping","mapping_config":"items"}`
		s.config(s.endpointWith("orders", line, ""), 200)
		a := s.does(201, "POST", "orders", `{"name":"One","ref":"R1","items":[{"label":"a"},{"label":"b"}]}`)
		shown, _ := json.Marshal(s.values(a)["items"])
		if string(shown) != `[{"label":"a"},{"label":"b"}]` {
			t.Errorf("children: %s", shown)
		}
		// A second field links partners.
		s.call(200, "PATCH", "/api/v1/catalogs/"+items, `{"fields":[{"id":"1","name":"Label","type":"text"},`+partner+`,`+
			strings.NewReplacer(`"id":"2"`, `"id":"3"`, "Partner", "Payer").Replace(partner)+`]}`)
		if text := s.config(s.endpointWith("more", line, ""), 400); !strings.Contains(text, `"path":"lines[8].options.child_field","code":"not_found"`) ||
			!strings.Contains(text, "child_field must name the field of items") {
			t.Errorf("which field is it? %s", text)
		}
		s.config(s.endpointWith("more", strings.Replace(line, `}`, `,"options":{"child_field":"3"}}`, 1), ""), 200)
		s.does(201, "POST", "more", `{"name":"Two","ref":"R2","items":[{"label":"c"}]}`)
		s.refused(500, "CONFIG_ERROR", "GET", "orders", "")
	})
}

// Documents name the options of fields alone that the endpoint's employee may read.
func TestSyncDocumentsByRights(t *testing.T) {
	eachSynced(t, func(s *synced) {
		reader := s.employee("Reader")
		s.call(200, "POST", "/api/v1/rights", `{"object":{"sectionId":"3"},"rules":[{"rightSubject":{"userAttr":"id","recordId":"1"},"privilegeCode":"admin"}]}`)
		s.allow(reader, "edit", `,"fields":{"6":"hide"}`)
		s.config(strings.Replace(s.endpoint("narrow", ""), `"run_as":1`, `"run_as":`+reader, 1), 200)
		s.config(strings.Replace(s.endpoint("nobody", ""), `"run_as":1`, `"run_as":`+s.employee("Nobody"), 1), 200)
		for path, want := range map[string]int{
			"/configs/partners/openapi.json": 1, "/configs/narrow/openapi.json": 0, "/configs/nobody/openapi.json": 0, "/openapi.json": 1,
			"/configs/partners/postman.json": 1, "/configs/narrow/postman.json": 0, "/configs/nobody/postman.json": 0, "/postman.json": 1,
		} {
			text := s.call(200, "GET", "/api/v1/sync"+path, "")
			if got := strings.Contains(text, "Customer"); got != (want > 0) {
				t.Errorf("%s names an option: %t", path, got)
			}
		}
		var doc struct {
			Components struct {
				Schemas map[string]struct {
					Properties map[string]map[string]any
				}
			}
		}
		s.read(s.call(200, "GET", "/api/v1/sync/openapi.json", ""), &doc)
		for name, enum := range map[string]bool{"partners.create": true, "narrow.create": false, "nobody.create": false, "partners.record": true, "narrow.record": false} {
			kind := doc.Components.Schemas[name].Properties["kind"]
			if _, has := kind["enum"]; kind == nil || has != enum {
				t.Errorf("%s: %v", name, kind)
			}
		}
		names := doc.Components.Schemas
		if names["mapping.countries.in"].Properties == nil == (names["mapping.countries.in.narrow"].Properties == nil) && names["mapping.countries.in.partners"].Properties == nil {
			t.Errorf("mappings are shared: %v", len(names))
		}
	})
}

// Removed records are listed whatever their order, and pages of filters with lists of
// every length are as exact as others.
func TestSyncLists(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.does(201, "POST", "partners", `[{"name":"B","ref":"1","balance":5},{"name":"A","ref":"2","balance":5},{"name":"C","ref":"3"}]`)
		for query, want := range map[string]string{
			"order=balance%20desc,name&fields=name":                                  `[{"id":2,"name":"A"},{"id":1,"name":"B"},{"id":3,"name":"C"}]`,
			"order=balance,id%20desc&fields=name&limit=2":                            `[{"id":2,"name":"A"},{"id":1,"name":"B"}]`,
			"balance[in]=" + strings.Repeat("7,", 999) + "5&fields=ref":              `[{"id":1,"ref":"1"},{"id":2,"ref":"2"}]`,
			"domain=[[%22country%22,%22in%22,[" + strings.Repeat("9,", 999) + "1]]]": `[]`,
		} {
			if a := s.does(200, "GET", "partners?"+query, ""); string(a.Data) != want {
				t.Errorf("%.60s: %s", query, a.Data)
			}
		}
		s.refused(400, "INVALID_FILTER", "GET", "partners?balance[in]="+strings.Repeat("7,", 1000)+"5", "")
	})
}

// A batch is as long with numbers as identifiers as with others.
func TestSyncNumberedBatch(t *testing.T) {
	eachSynced(t, func(s *synced) {
		body := strings.NewReplacer(`{"field":"2","external_key":"ref","is_record_identifier":true}`, `{"field":"2","external_key":"ref"}`,
			`{"field":"3","external_key":"balance"}`, `{"field":"3","external_key":"balance","is_record_identifier":true}`).Replace(s.endpoint("long", `,"batch_max":1000,"allow_dry_run":true`))
		s.config(body, 200)
		items := make([]string, 1000)
		for i := range items {
			items[i] = fmt.Sprintf(`{"name":"n","balance":%d.5}`, i)
		}
		list := "[" + strings.Join(items, ",") + "]"
		s.does(200, "PUT", "long?dry_run=true", list)
		s.does(201, "POST", "long", "["+strings.Join(items[:2], ",")+"]")
		if a := s.does(207, "POST", "long", "["+strings.Join(items[1:4], ",")+"]"); a.Meta.Succeeded != 2 || a.Meta.Failed != 1 {
			t.Errorf("%+v", a.Meta)
		}
	})
}

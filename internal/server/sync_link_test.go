package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// linkedEndpoint makes endpoints of which others' ids are links: "linked" and, with the same
// links, "second"; more are other attributes of the first.
func (s *synced) linkedEndpoint(more string) {
	s.Helper()
	s.config(linkIdentity(s.endpoint("linked", more)), 200)
	s.config(linkIdentity(s.endpoint("second", `,"link_group":"linked"`)), 200)
}

// linkIdentity gives an endpoint the identity link, by the key ext.
func linkIdentity(config string) string {
	config = strings.Replace(config, `{"field":"2","external_key":"ref","is_record_identifier":true}`,
		`{"field":"$external_id","external_key":"ext","is_record_identifier":true},{"field":"2","external_key":"ref"}`, 1)
	return strings.Replace(config, `"lines"`, `"identity":"link","lines"`, 1)
}

// valuesAt gives one key of all that a list has, sorted; null is "-".
func (s *synced) valuesAt(path, key string) string {
	s.Helper()
	a := s.does(200, "GET", path, "")
	var rows []map[string]any
	if err := json.Unmarshal(a.Data, &rows); err != nil {
		s.Fatal(err)
	}
	var list []string
	for _, r := range rows {
		if r[key] == nil {
			r[key] = "-"
		}
		list = append(list, fmt.Sprint(r[key]))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func TestSyncLinkIdentity(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.linkedEndpoint("")
		plain := s.does(201, "POST", "linked", `{"name":"No id"}`)
		oak := s.does(201, "PUT", "linked", `{"ext":"E 1","name":"Oak"}`)
		if v := s.values(oak); v["ext"] != "E 1" || oak.Meta.Action != "created" {
			s.Errorf("created: %s %+v", oak.Data, oak.Meta)
		}
		if a := s.does(200, "PUT", "second", `{"ext":"E 1","name":"Oak 2"}`); a.ID != oak.ID || a.Meta.Action != "updated" {
			s.Errorf("by another config of the group: %+v", a)
		}
		if a := s.does(200, "PUT", "linked", `{"ext":"E 1","name":"Oak 2"}`); a.ID != oak.ID || a.Meta.Action != "unchanged" {
			s.Errorf("the same again: %+v", a)
		}
		if a := s.refused(409, "DUPLICATE_RECORD", "POST", "linked", `{"ext":"E 1","name":"x"}`); a.Error.Details["id"] != float64(oak.ID) {
			s.Errorf("duplicate: %+v", a.Error)
		}
		s.does(201, "PUT", "linked", `{"ext":7,"name":"Number"}`)
		s.does(200, "PUT", "linked", `{"ext":"7","name":"Number"}`)
		s.refused(400, "IDENTIFIER_MISSING", "PUT", "linked", `{"name":"x"}`)
		s.refused(400, "VALIDATION_ERROR", "PUT", "linked", `{"ext":true,"name":"x"}`)
		s.refused(400, "VALIDATION_ERROR", "PUT", "linked", `{"ext":"`+strings.Repeat("x", 256)+`","name":"x"}`)
		if got := s.valuesAt("linked", "ext"); got != "- 7 E 1" {
			s.Errorf("shown: %s", got)
		}
		s.linkByPath(oak.ID, plain.ID)
		s.linkFilters()
	})
}

// linkByPath changes the ids of records that the path names.
func (s *synced) linkByPath(oak, plain int64) {
	s.Helper()
	path := fmt.Sprintf("linked/%d", plain)
	s.refused(409, "DUPLICATE_RECORD", "PUT", path, `{"ext":"E 1"}`)
	if a := s.does(200, "PUT", path, `{"ext":"E 2"}`); a.Meta.Action != "updated" || s.values(a)["ext"] != "E 2" {
		s.Errorf("given an id: %s %+v", a.Data, a.Meta)
	}
	if a := s.does(200, "PUT", path, `{"ext":"E 2"}`); a.Meta.Action != "unchanged" {
		s.Errorf("given the same id: %+v", a.Meta)
	}
	s.does(200, "PUT", path, `{"ext":"E 3"}`)
	s.does(200, "PUT", "linked", `{"ext":"E 3","name":"Third"}`)
	s.does(200, "PUT", path, `{"ext":null}`)
	s.does(200, "PUT", path, `{"ext":"E 2"}`)
	s.does(200, "PUT", fmt.Sprintf("linked/%d", oak), `{"name":"Oak"}`)
}

// linkFilters asks for records by their ids: E 1 is Oak, E 2 Third, 7 Number.
func (s *synced) linkFilters() {
	s.Helper()
	s.does(201, "POST", "linked", `{"name":"None"}`)
	for query, want := range map[string]string{
		"?ext=E%201":                    "Oak",
		"?ext=e%201":                    "",
		"?ext[in]=E%201,7,none":         "Number Oak",
		"?ext[nin]=E%201,7":             "None Third",
		"?ext[null]=true":               "None",
		"?ext[ne]=7":                    "None Oak Third",
		`?domain=[["ext","=","E%202"]]`: "Third",
		`?domain=[["$external_id","in",["E%202",7]]]`:      "Number Third",
		`?domain=["!",["ext","=",false]]`:                  "Number Oak Third",
		`?domain=[["ext","in",[false,"7"]]]`:               "None Number",
		"?ext=" + strings.Repeat("x", 256):                 "",
		`?domain=["|",["ext","=","7"],["name","=","Oak"]]`: "Number Oak",
	} {
		if got := s.valuesAt("linked"+query, "name"); got != want {
			s.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	s.refused(400, "INVALID_DOMAIN", "GET", `linked?domain=[["ext","ilike","E"]]`, "")
	s.refused(400, "INVALID_DOMAIN", "GET", `linked?domain=[["ext",">","E"]]`, "")
	s.refused(400, "INVALID_PARAMETER", "GET", "linked?order=ext", "")
	s.refused(400, "INVALID_DOMAIN", "GET", `partners?domain=[["$external_id","=","E"]]`, "")
}

// TestSyncLinkRemoved: the id of a removed record is free, that of a hidden one is not.
func TestSyncLinkRemoved(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.linkedEndpoint(`,"path_id":"identifier","filter_domain":[["name","!=","Hidden"]]`)
		first := s.does(201, "PUT", "linked", `{"ext":"A","name":"First"}`)
		if v := s.values(s.does(200, "GET", "linked/A", "")); v["name"] != "First" {
			s.Errorf("by its id in the path: %v", v)
		}
		s.does(200, "DELETE", "linked/A", "")
		s.refused(404, "RECORD_NOT_FOUND", "GET", "linked/A", "")
		s.refused(404, "RECORD_NOT_FOUND", "DELETE", "linked?ext=A", "")
		second := s.does(201, "POST", "linked", `{"ext":"A","name":"Second"}`)
		if first.ID == second.ID {
			s.Errorf("the removed record came back: %d", second.ID)
		}
		s.does(200, "DELETE", "linked", `{"ext":"A"}`)
		s.does(201, "PUT", "linked", `{"ext":"A","name":"Third"}`)

		hidden := s.does(201, "PUT", "second", `{"ext":"H","name":"Hidden"}`)
		s.refused(404, "RECORD_NOT_FOUND", "PUT", "linked", `{"ext":"H","name":"x"}`)
		s.refused(409, "DUPLICATE_RECORD", "POST", "linked", `{"ext":"H","name":"x"}`)
		s.refused(409, "DUPLICATE_RECORD", "PUT", "linked/A", `{"ext":"H"}`)
		if got := s.valuesAt("second?ext=H", "id"); got != fmt.Sprint(hidden.ID) {
			s.Errorf("the hidden record lost its id: %q", got)
		}
		code := s.made("POST", "/api/v1/catalogs", `{"name":"Other","sectionId":"3","icon":"a-1","fields":[{"name":"Name","type":"text"}]}`)
		s.config(`{"code":"other","name":"Other","request_type":"in","model":"`+code+`","endpoint":"other","run_as":1,"identity":"link","link_group":"linked",
			"methods":["GET","POST","PUT"],"auth_types":["bearer"],"credentials":[{"label":"shop","type":"bearer","secret":"`+shopKey+`"}],
			"lines":[{"field":"$external_id","external_key":"ext","is_record_identifier":true},{"field":"1","external_key":"name"}]}`, 200)
		s.refused(404, "RECORD_NOT_FOUND", "PUT", "other", `{"ext":"A","name":"x"}`)
		s.call(200, "DELETE", "/api/v1/catalogs/"+s.partners, "")
		s.does(201, "PUT", "other", `{"ext":"A","name":"x"}`)
	})
}

func TestSyncLinkBatch(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.linkedEndpoint("")
		a := s.does(207, "PUT", "linked", `[{"ext":"A","name":"One"},{"ext":"B"},{"ext":"A","name":"Two"},{"ext":"C","name":"Three"},{"ext":[],"name":"x"}]`)
		if a.Meta.Created != 2 || a.Meta.Updated != 1 || a.Meta.Failed != 2 || *a.IDs[0] != *a.IDs[2] {
			s.Errorf("batch: %+v %v", a.Meta, a.IDs)
		}
		if got := s.valuesAt("linked", "ext") + " " + s.valuesAt("linked", "name"); got != "A C Three Two" {
			s.Errorf("left: %s", got)
		}
		s.does(400, "PUT", "linked?atomic=true", `[{"ext":"D","name":"D"},{"ext":"E"}]`)
		if got := s.valuesAt("linked", "ext"); got != "A C" {
			s.Errorf("a failed atomic batch left %s", got)
		}
		s.does(200, "PUT", "linked?atomic=true", `[{"ext":"D","name":"D"},{"ext":"A","name":"Four"}]`)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { s.ask("PUT", "linked", `{"ext":"race","name":"race"}`) })
			all.Go(func() { s.ask("POST", "second", `{"ext":"race","name":"race"}`) })
		}
		all.Wait()
		if got := s.valuesAt("linked?name=race", "ext"); got != "race" {
			s.Errorf("40 writers of one id made %q", got)
		}
		s.does(200, "DELETE", "linked", `["A","race"]`)
		if got := s.valuesAt("linked", "ext"); got != "C D" {
			s.Errorf("left: %s", got)
		}
	})
}

// TestSyncLinkRelations: related records and children are found by links as well.
func TestSyncLinkRelations(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.config(`{"code":"lands","name":"Lands","request_type":"mapping","model":"`+s.countries+`","run_as":1,"identity":"link","lines":[
			{"field":"$external_id","external_key":"uid","is_record_identifier":true},{"field":"1","external_key":"name"}]}`, 200)
		line := `{"field":"8","external_key":"country","value_type":"relational_mapping","mapping_config":"lands","relation_policy":"upsert"}`
		config := strings.Replace(s.endpoint("traders", ""), `{"field":"8","external_key":"country","value_type":"relational_mapping","mapping_config":"countries"}`, line, 1)
		s.config(linkIdentity(config), 200)
		a := s.does(201, "PUT", "traders", `{"ext":"T1","name":"One","country":{"uid":"L1","name":"Georgia"}}`)
		if v := s.values(a); v["country"] != "L1" {
			s.Errorf("made: %s", a.Data)
		}
		a = s.does(200, "PUT", "traders", `[{"ext":"T2","name":"Two","country":{"uid":"L1","name":"Sakartvelo"}},{"ext":"T3","name":"Three","country":"L1"},
			{"ext":"T4","name":"Four","country":{"uid":"L4","name":"New"}},{"ext":"T5","name":"Five","country":{"uid":"L4","name":"New"}}]`)
		if a.Meta.Created != 4 {
			s.Errorf("batch: %+v", a.Meta)
		}
		if got := s.valuesAt("traders", "country"); got != "L1 L1 L1 L4 L4" {
			s.Errorf("countries: %s", got)
		}
		if got := s.valuesAt("traders?"+`domain=[["country.uid","=","L4"]]`, "ext"); got != "T4 T5" {
			s.Errorf("found through the link: %s", got)
		}
		s.config(`{"code":"folk","name":"Folk","request_type":"mapping","model":"`+s.partners+`","run_as":1,"identity":"link","link_group":"traders","lines":[
			{"field":"$external_id","external_key":"ext","is_record_identifier":true},{"field":"1","external_key":"name"}]}`, 200)
		s.config(`{"code":"places","name":"Places","request_type":"in","model":"`+s.countries+`","endpoint":"places","run_as":1,"identity":"link","link_group":"lands",
			"methods":["GET","POST","PUT"],"auth_types":["bearer"],"credentials":[{"label":"shop","type":"bearer","secret":"`+shopKey+`"}],
			"lines":[{"field":"$external_id","external_key":"uid","is_record_identifier":true},{"field":"1","external_key":"name"},
			{"external_key":"traders","value_type":"relational_mapping","mapping_config":"folk","options":{"child_field":"8"}}]}`, 200)
		s.linkedChildren()
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				s.does(201, "PUT", "traders", fmt.Sprintf(`{"ext":"race %d","name":"race","country":{"uid":"race"}}`, i))
			})
		}
		all.Wait()
		if got := s.valuesAt("places?uid=race", "uid"); got != "race" {
			s.Errorf("20 writers of one related id made %q", got)
		}
	})
}

func (s *synced) linkedChildren() {
	s.Helper()
	children := func(a syncAnswer) string {
		var v struct{ Traders []struct{ Ext, Name string } }
		if err := json.Unmarshal(a.Data, &v); err != nil {
			s.Fatal(err)
		}
		var list []string
		for _, t := range v.Traders {
			list = append(list, t.Ext+" "+t.Name)
		}
		slices.Sort(list)
		return strings.Join(list, ", ")
	}
	a := s.does(200, "PUT", "places", `{"uid":"L4","traders":[{"ext":"T4","name":"Fourth"},{"ext":"T6","name":"Six"}]}`)
	if got := children(a); got != "T4 Fourth, T5 Five, T6 Six" {
		s.Errorf("children: %s", got)
	}
	bad := s.does(207, "PUT", "places", `[{"uid":"L1","traders":[{"ext":"T4","name":"Stolen"}]},{"uid":"L9","name":"Nine","traders":[{"ext":"T9","name":"Nine"}]},
		{"uid":"L8","name":"x","traders":[{"ext":"T8","name":"a"},{"ext":"T8","name":"b"}]}]`)
	if bad.Meta.Failed != 2 || bad.Meta.Created != 1 || !strings.Contains(string(bad.Data), `"key":"traders[0].ext","code":"DUPLICATE_RECORD"`) {
		s.Errorf("a child of somebody else: %+v %s", bad.Meta, bad.Data)
	}
}

// TestSyncLinkAdopts: records that are there before the first link are found otherwise.
func TestSyncLinkAdopts(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.linkedEndpoint(`,"initial_match":["ref","contact.email"]`)
		one := s.does(201, "POST", "partners", `{"name":"One","ref":"r1","contact":{"email":"one@x.ua"}}`)
		two := s.does(201, "POST", "partners", `{"name":"Two","contact":{"email":"two@x.ua"}}`)
		s.does(201, "POST", "partners", `[{"name":"Twin","contact":{"email":"twin@x.ua"}},{"name":"Twin","contact":{"email":"twin@x.ua"}}]`)
		a := s.does(207, "POST", "linked", `[{"ext":"A","name":"One!","ref":"r1","contact":{"email":"two@x.ua"}},{"ext":"B","contact":{"email":"two@x.ua"}},
			{"ext":"C","name":"New","contact":{"email":"new@x.ua"}},{"ext":"D","name":"Twin","contact":{"email":"twin@x.ua"}}]`)
		if *a.IDs[0] != one.ID || *a.IDs[1] != two.ID || a.Meta.Updated != 2 || a.Meta.Created != 1 || !strings.Contains(string(a.Data), "IDENTIFIER_AMBIGUOUS") {
			s.Errorf("adopted: %v %+v %s", a.IDs, a.Meta, a.Data)
		}
		if b := s.does(201, "PUT", "linked", `{"ext":"E","name":"Another","ref":"r1"}`); b.ID == one.ID {
			s.Error("a record that has a link was given another id")
		}
	})
}

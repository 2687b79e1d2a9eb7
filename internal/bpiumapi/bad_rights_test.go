package bpiumapi_test

import "strings"

// rule is a body of POST /rights with one rule on a catalog.
func rule(name, rule string, path string) badCase {
	return badCase{name, "POST", "/rights", `{"object":{"catalogId":"26"},"rules":[` + rule + `]}`, 400, "validation_failed", []string{path}}
}

func view(name, body, code string, names ...string) badCase {
	return badCase{name, "POST", "/catalogs/26/views", body, 400, code, names}
}

func refused(name, path, code string, names ...string) badCase {
	return badCase{name, "GET", path, "", 400, code, names}
}

const candidates = "/catalogs/26/fields/15/availableRecords?"

var badRights = map[string][]badCase{
	"views": {
		view("no JSON", `{`, "invalid_json"), view("a list", `[]`, "invalid_json"),
		view("no name", `{}`, "validation_failed", "name"), view("an empty name", `{"name":" "}`, "validation_failed", "name"),
		view("a long name", `{"name":"`+long+`"}`, "validation_failed", "name"), view("a long second name", `{"name":"x","originName":"`+long+`"}`, "validation_failed", "originName"),
		view("a legal one without names", `{"forRights":true,"name":"","originName":""}`, "validation_failed", "name"),
		view("names of other kinds", `{"name":[],"forRights":"perhaps"}`, "validation_failed", "name", "forRights"),
		view("options that are no object", `{"name":"x","options":5}`, "validation_failed", "options"),
		view("options of 100 kB", `{"name":"x","options":{"x":"`+nested(10, long, "", "")+`"}}`, "validation_failed", "options"),
		view("a number as id", `{"name":"x","id":"77"}`, "invalid_id"), view("a system's id", `{"name":"x","id":"$mine"}`, "invalid_id"),
		view("filters of another kind", `{"name":"x","filters":5}`, "invalid_filter", "filters"),
		view("a filter of another kind", `{"name":"x","filters":[5]}`, "validation_failed", "filters[0]"),
		view("a filter without a field", `{"name":"x","filters":[{"value":5}]}`, "validation_failed", "filters[0]"),
		view("an unknown field", `{"name":"x","filters":[{"fieldId":"99","value":5}]}`, "unknown_field", "99"),
		view("a wrong value", `{"name":"x","filters":[{"fieldId":"3","value":"many"}]}`, "invalid_filter", "3"),
		view("a group of fields", `{"name":"x","filters":{"$or":[{"3":1}]}}`, "invalid_filter", "$or"),
		view("an unknown field of linked records", `{"name":"x","filters":{"15":[{"catalogId":"25","filters":{"99":1}}]}}`, "unknown_field", "99"),
		view("linked records five levels away", `{"name":"x","forRights":true,"filters":{"15":`+strings.Repeat(`[{"catalogId":"25","filters":{"3":`, 4)+`[{"catalogId":"25","filters":{"1":"x"}}]`+strings.Repeat(`}}]`, 4)+`}}`, "validation_failed", "filters"),
		view("101 filters", `{"name":"x","filters":[`+nested(100, `{"fieldId":"2","value":"x"},`, `{"fieldId":"2","value":"x"}`, "")+`]}`, "invalid_parameter", "filters"),
		{"no catalog", "GET", "/catalogs/99/views", "", 404, "not_found", nil},
		{"no view", "GET", "/catalogs/26/views/99", "", 404, "not_found", nil},
		{"no view to change", "PATCH", "/catalogs/26/views/99", `{`, 404, "not_found", nil},
		{"no view to delete", "DELETE", "/catalogs/26/views/99", "", 404, "not_found", nil},
		{"another method", "PUT", "/catalogs/26/views/99", "", 405, "method_not_allowed", nil},
		{"in a list", "GET", records + "?viewId=99", "", 404, "not_found", nil},
		{"in a history", "GET", "/histories?catalogId=26&viewId=99", "", 404, "not_found", nil},
		refused("two views", records+"?viewId=1&viewId=2", "invalid_parameter", "viewId"),
	},
	"rights": {
		{"no JSON", "POST", "/rights", `{`, 400, "invalid_json", nil}, {"a text", "POST", "/rights", `"x"`, 400, "invalid_json", nil},
		{"a list of texts", "POST", "/rights", `["x"]`, 400, "invalid_json", nil},
		{"nothing", "POST", "/rights", `{}`, 400, "validation_failed", []string{"object", "rules"}},
		{"an object of no kind", "POST", "/rights", `{"object":{"fieldId":"1"},"rules":[]}`, 400, "validation_failed", []string{"object"}},
		{"two objects in one", "POST", "/rights", `{"object":{"sectionId":"3","catalogId":"26"},"rules":[]}`, 400, "validation_failed", nil},
		{"a view and a record", "POST", "/rights", `{"object":{"catalogId":"26","viewId":"1","recordId":"1"},"rules":[]}`, 400, "validation_failed", []string{"object"}},
		{"an object twice", "POST", "/rights", `[{"object":{"catalogId":"26"},"rules":[]},{"object":{"catalogId":26},"rules":[]}]`, 400, "invalid_parameter", nil},
		{"no section", "POST", "/rights", `{"object":{"sectionId":"99"},"rules":[]}`, 404, "not_found", nil},
		{"no section, and no rules either", "POST", "/rights", `{"object":{"sectionId":"99"}}`, 404, "not_found", nil},
		{"no record", "POST", "/rights", `{"object":{"catalogId":"26","recordId":"99"},"rules":[]}`, 404, "not_found", nil},
		{"no view", "POST", "/rights", `{"object":{"catalogId":"26","viewId":"99"},"rules":[]}`, 404, "not_found", nil},
		rule("no subject", `{"privilegeCode":"view"}`, "rules[0].rightSubject"), rule("a subject of another kind", `{"rightSubject":5,"privilegeCode":"view"}`, "rules[0].rightSubject"),
		rule("a rule of another kind", `5`, "rules[0]"), rule("no privilege", `{"rightSubject":{"userAttr":"allUsers"}}`, "rules[0].privilegeCode"),
		rule("no record of a subject", `{"rightSubject":{"userAttr":"id"},"privilegeCode":"view"}`, "rules[0].rightSubject.recordId"),
		rule("no such employee", `{"rightSubject":{"userAttr":"id","catalogId":"$users","recordId":"99"},"privilegeCode":"view"}`, "rules[0].rightSubject"),
		rule("no such group", `{"rightSubject":{"userAttr":"8","catalogId":"25","recordId":"1"},"privilegeCode":"view"}`, "rules[0].rightSubject"),
		rule("a field that makes no groups", `{"rightSubject":{"userAttr":"$name","catalogId":"25","recordId":"1"},"privilegeCode":"view"}`, "rules[0].rightSubject"),
		rule("an unknown privilege", `{"rightSubject":{"userAttr":"allUsers"},"privilegeCode":"own"}`, "rules[0].privilegeCode"),
		rule("deny on a catalog", `{"rightSubject":{"userAttr":"allUsers"},"privilegeCode":"deny"}`, "rules[0].privilegeCode"),
		rule("fields of another kind", `{"rightSubject":{"userAttr":"allUsers"},"privilegeCode":"view","fields":5}`, "rules[0].fields"),
		rule("an unknown field", `{"rightSubject":{"userAttr":"allUsers"},"privilegeCode":"view","fields":{"99":"view"}}`, "rules[0].fields[99]"),
		rule("an unknown right", `{"rightSubject":{"userAttr":"allUsers"},"privilegeCode":"view","fields":{"2":"see"}}`, "rules[0].fields[2]"),
		rule("fields where there is no access", `{"rightSubject":{"userAttr":"allUsers"},"privilegeCode":"available","fields":{"2":"view"}}`, "rules[0].fields"),
		rule("a subject twice", `{"rightSubject":{"userAttr":"allUsers"},"privilegeCode":"view"},{"rightSubject":{"userAttr":"allUsers"},"privilegeCode":"edit"}`, "rules[1]"),
		{"the last administrator", "POST", "/rights", `{"object":{"sectionId":"$settings"},"rules":[]}`, 400, "last_admin", nil},
		refused("of nothing", "/rights", "invalid_parameter", "catalogId"), refused("of a record without a catalog", "/rights?recordId=1&sectionId=3", "invalid_parameter", "catalogId"),
		refused("withSearch", "/rights?catalogId=26&withSearch=perhaps", "invalid_parameter", "withSearch"),
		{"of no catalog", "GET", "/rights?catalogId=99", "", 404, "not_found", nil}, {"of no record", "GET", "/rights?catalogId=26&recordId=99", "", 404, "not_found", nil},
		{"another method", "DELETE", "/rights", "", 405, "method_not_allowed", nil},
		refused("why: no catalog", "/rights/explain?userId=1", "invalid_parameter", "catalogId"), refused("why: no field", "/rights/explain?catalogId=26&fieldId=99", "unknown_field", "99"),
		{"why: no record", "GET", "/rights/explain?catalogId=26&recordId=99", "", 404, "not_found", nil},
	},
	"relations and candidates": {
		refused("a field without its catalog", record+"/relations?fieldId=5", "invalid_parameter", "fieldId"), refused("relations: limit", record+"/relations?limit=-1", "invalid_parameter", "limit"),
		refused("relations: sort", record+"/relations?sortType=up", "invalid_parameter", "sortType"), refused("relations: hidden", record+"/relations?hiddenFields=x", "invalid_parameter", "hiddenFields"),
		{"relations of none", "GET", records + "/99/relations", "", 404, "not_found", nil},
		refused("of a text", "/catalogs/26/fields/2/availableRecords", "invalid_parameter", "2"), refused("of a group", "/catalogs/26/fields/1/availableFilterRecords", "invalid_parameter", "1"),
		{"of no field", "GET", "/catalogs/26/fields/99/availableRecords", "", 404, "not_found", nil}, {"of no catalog", "GET", "/catalogs/99/fields/1/availableRecords", "", 404, "not_found", nil},
		{"the field comes before the parameters", "GET", "/catalogs/26/fields/99/availableRecords?limit=x", "", 404, "not_found", nil},
		refused("limit", candidates+"limit=10001", "limit_too_large", "limit"), refused("offset", candidates+"offset=-1", "invalid_parameter", "offset"),
		refused("conditions", candidates+"recordsFilters=5", "invalid_parameter", "recordsFilters"), refused("conditions of no catalog", candidates+"recordsFilters="+esc(`[{"filters":[]}]`), "invalid_parameter", "catalogId"),
		refused("conditions on no field", candidates+"recordsFilters="+esc(`[{"catalogId":25,"filters":{"99":1}}]`), "unknown_field", "99"),
		{"conditions by no view", "GET", candidates + "recordsFilters=" + esc(`[{"catalogId":25,"viewId":"99"}]`), "", 404, "not_found", nil},
		refused("contacts: limit", "/contacts?limit=x", "invalid_parameter", "limit"), refused("contacts: sort", "/contacts?sortField=2&sortType=up", "invalid_parameter", "sortType"),
		{"contacts: another method", "POST", "/contacts", "{}", 405, "method_not_allowed", nil},
	},
}

package bpiumapi_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// badCase is a request that must be refused. names are what the answer must
// name: the parameter, the field or the place in the body.
type badCase struct {
	name, method, path, body string
	status                   int
	code                     string
	names                    []string
}

const (
	records = "/catalogs/26/records"
	record  = "/catalogs/26/records/1"
)

// get and post make cases that are answered with 400.
func get(name, query, code string, names ...string) badCase {
	return badCase{name, "GET", records + "?" + query, "", 400, code, names}
}

func filter(name, json, code string, names ...string) badCase {
	return get(name, "filters="+esc(json), code, names...)
}

func post(name, body, code string, names ...string) badCase {
	return badCase{name, "POST", records, body, 400, code, names}
}

// value writes one value to field id of a record; the field must be named.
func value(name, id, json string) badCase {
	return badCase{name, "PATCH", record, `{"values":{"` + id + `":` + json + `}}`, 400, "validation_failed", []string{id}}
}

func structure(name, body string, names ...string) badCase {
	return badCase{name, "POST", "/catalogs", body, 400, "validation_failed", names}
}

// fieldsOf is the body of a catalog with these fields.
func fieldsOf(fields string) string { return `{"name":"X","sectionId":"3","fields":[` + fields + `]}` }

func nested(n int, open, inner, end string) string {
	return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
}

var long = strings.Repeat("x", 10_000)

var badInput = map[string][]badCase{
	"cards": {
		{"a list", "POST", record + "/changes", `[]`, 400, "invalid_json", nil}, {"no JSON", "POST", "/catalogs/26/changes", `{`, 400, "invalid_json", nil},
		{"values of another kind", "POST", record + "/changes", `{"values":5}`, 400, "invalid_parameter", nil},
		{"all values of another kind", "POST", record + "/changes", `{"allValues":"x"}`, 400, "invalid_parameter", nil},
		{"an unknown field", "POST", record + "/changes", `{"values":{"99":1}}`, 400, "unknown_field", []string{"99"}},
		{"a parameter", "POST", record + "/changes?skipPrevId=perhaps", `{}`, 400, "invalid_parameter", []string{"skipPrevId"}},
		{"of no record", "POST", records + "/99/changes", `{"values":{"99":1}}`, 404, "not_found", nil},
		{"of no catalog", "POST", "/catalogs/99/changes", `[`, 404, "not_found", nil}, {"another method", "GET", "/changes", "", 405, "method_not_allowed", nil},
		{"by the body: no catalog", "POST", "/changes", `{"values":{}}`, 400, "validation_failed", []string{"catalogId"}},
		{"by the body: no id", "POST", "/changes", `{"catalogId":[],"recordId":{}}`, 400, "validation_failed", []string{"catalogId", "recordId"}},
		{"by the body: no record first", "POST", "/changes", `{"catalogId":"26","recordId":"99","values":5}`, 404, "not_found", nil},
	},
	"broken JSON": {
		post("an open object", `{`, "invalid_json"),
		post("an open text", `{"values":{"2":"x`, "invalid_json"),
		post("a trailing comma", `{"values":{},}`, "invalid_json"),
		post("text after the end", `{"values":{}} x`, "invalid_json"),
		post("two values", `{}{}`, "invalid_json"),
		post("single quotes", `{'values':{}}`, "invalid_json"),
		post("NaN", `{"values":{"3":NaN}}`, "invalid_json"),
		post("a form", `values=1`, "invalid_json"),
		post("a byte order mark", "\uFEFF{}", "invalid_json"),
		post("a list", `[{"values":{}}]`, "invalid_json", "object"),
		post("a text", `"values"`, "invalid_json", "object"),
		post("null", `null`, "invalid_json", "object"),
		{"record change", "PATCH", record, `{"values"`, 400, "invalid_json", nil},
		{"section", "POST", "/sections", `{"name":`, 400, "invalid_json", nil},
		{"section change", "PATCH", "/sections/3", `[`, 400, "invalid_json", nil},
		{"catalog", "POST", "/catalogs", `{"fields":[{]}`, 400, "invalid_json", nil},
		{"catalog change", "PATCH", "/catalogs/26", `tru`, 400, "invalid_json", nil},
		{"clear", "POST", "/catalogs/26/clear", `{"name"`, 400, "invalid_json", nil},
		{"comment", "POST", "/histories", `{"catalogId":26`, 400, "invalid_json", nil},
		get("filters", "filters=[{", "invalid_parameter", "filters"),
		get("fields", "fields=[1", "invalid_parameter", "fields"),
		get("ids", "id=[1", "invalid_parameter", "id"),
	},
	"wrong types": {
		post("values is a list", `{"values":[1]}`, "invalid_parameter", "values"),
		post("values is a text", `{"values":"x"}`, "invalid_parameter", "values"),
		{"id is an object", "POST", records, `{"id":{},"values":{"2":"x"}}`, 400, "validation_failed", []string{"id"}},
		value("text: object", "2", `{}`), value("text: list", "2", `["x"]`),
		value("number: text", "3", `"abc"`), value("number: boolean", "3", `true`), value("number: object", "3", `{"at":1}`),
		value("date: text", "4", `"tomorrow"`), value("date: boolean", "4", `false`), value("date: list", "5", `["2026-01-01"]`),
		value("dropdown: object", "state", `{"x":1}`), value("dropdown: unknown option", "state", `["77"]`), value("dropdown: two options", "state", `["1","2"]`),
		value("radiobutton: unknown option", "7", `"9"`), value("checkboxes: nested", "8", `[["1"]]`),
		value("switch: text", "9", `"perhaps"`), value("progress: above", "10", `101`), value("progress: text", "10", `"half"`),
		value("stars: above", "11", `6`), value("stars: fraction", "11", `2.5`),
		value("contact: list in a list", "12", `[[1]]`), value("contact: without contact", "12", `[{"comment":"x"}]`),
		value("address: number", "13", `5`), value("user: object", "14", `[{"name":"Anna"}]`), value("user: unknown", "14", `["99"]`),
		value("link: boolean", "15", `true`), value("link: no record", "15", `[{"catalogId":"25"}]`), value("link: unknown record", "15", `["99"]`),
		value("file: a script", "16", `[{"src":"javascript:alert(1)"}]`), value("file: unknown", "16", `[{"id":99}]`),
		value("required: blank", "2", `"  "`), value("number: below", "3", `-1`), value("number: above", "3", `1000001`),
		get("limit: text", "limit=abc", "invalid_parameter", "limit"), get("limit: list", "limit[]=1&limit[]=2", "invalid_parameter", "limit"),
		get("offset: fraction", "offset=1.5", "invalid_parameter", "offset"), get("withTotal", "withTotal=maybe", "invalid_parameter", "withTotal"),
		get("skipPrevId", "skipPrevId=2", "invalid_parameter", "skipPrevId"), get("newMessages", "newMessages=x", "invalid_parameter", "newMessages"),
		get("withFieldsAdditional", "withFieldsAdditional=x", "invalid_parameter", "withFieldsAdditional"),
		get("sortType", "sortType=up", "invalid_parameter", "sortType"), get("searchText: object", "searchText[a]=1", "invalid_parameter", "searchText"),
		get("fields: number", "fields=[true]", "invalid_parameter", "fields"), get("fields: nested in a text field", "fields="+esc(`[{"fieldId":2,"fields":{"25":[1]}}]`), "invalid_parameter", "fields"),
		get("id: object", "id="+esc(`[{"a":1}]`), "invalid_parameter", "id"), get("twice", "filters[0][fieldId]=2&filters=[]", "invalid_parameter", "filters"),
		get("timezoneOffset", "timezoneOffset=utc", "invalid_parameter", "timezoneOffset"),
		{"name: object", "POST", "/sections", `{"name":{}}`, 400, "validation_failed", []string{"name"}},
		{"priority: text", "POST", "/sections", `{"name":"x","priority":"high"}`, 400, "validation_failed", []string{"priority"}},
		{"catalogsPriorities: text", "PATCH", "/sections/3", `{"catalogsPriorities":"26"}`, 400, "validation_failed", []string{"catalogsPriorities"}},
		structure("history: text", `{"name":"x","sectionId":"3","history":"perhaps"}`, "history"),
		structure("fields: object", `{"name":"x","sectionId":"3","fields":{}}`, "fields"),
		structure("a field is a text", fieldsOf(`"text"`), "fields[0]"),
		structure("no type", fieldsOf(`{"name":"x"}`), "fields[0].type"), structure("an unknown type", fieldsOf(`{"name":"x","type":"money"}`), "fields[0].type"),
		structure("no name", fieldsOf(`{"type":"text"}`), "fields[0].name"), structure("config: list", fieldsOf(`{"type":"text","name":"x","config":[1]}`), "fields[0].config"),
		structure("items: text", fieldsOf(`{"type":"dropdown","name":"x","config":{"items":"a"}}`), "fields[0].config.items"),
		{"clear: number", "POST", "/catalogs/26/clear", `{"name":5}`, 400, "invalid_parameter", []string{"name"}},
		{"comment: no message", "POST", "/histories", `{"catalogId":26,"recordId":1,"type":"COMMENT","payload":{}}`, 400, "validation_failed", []string{"payload.message"}},
		{"comment: message is a list", "POST", "/histories", `{"catalogId":26,"recordId":1,"type":"COMMENT","payload":{"message":[]}}`, 400, "validation_failed", []string{"payload.message"}},
		{"histories: actionType", "GET", "/histories?catalogId=26&actionType=READ", "", 400, "invalid_parameter", []string{"actionType"}},
		{"histories: userId", "GET", "/histories?catalogId=26&userId=anna", "", 400, "invalid_parameter", []string{"userId"}},
		{"users: limit", "GET", "/users?limit=many", "", 400, "invalid_parameter", []string{"limit"}},
		{"catalogs: withHidden", "GET", "/catalogs?withHidden=x", "", 400, "invalid_parameter", []string{"withHidden"}},
	},
	"unknown fields": {
		post("in values", `{"values":{"2":"x","99":1}}`, "unknown_field", "99"),
		post("by name", `{"values":{"Name":"x"}}`, "unknown_field", "Name"),
		{"in a change", "PATCH", record, `{"values":{"nope":null}}`, 400, "unknown_field", []string{"nope"}},
		filter("in a filter", `{"99":[1]}`, "unknown_field", "99"), filter("in a list of filters", `[{"fieldId":"99","value":1}]`, "unknown_field", "99"),
		get("in brackets", "filters[0][fieldId]=zz&filters[0][value]=1", "unknown_field", "zz"),
		get("in the sort", "sortField=99", "unknown_field", "99"), get("a system key in the sort", "sortField=$nothing", "unknown_field", "$nothing"),
		{"in histories", "GET", `/histories?catalogId=26&fields=["99"]`, "", 400, "unknown_field", []string{"99"}},
	},
	"invalid filters": {
		filter("a scalar", `5`, "invalid_filter"), filter("a list of numbers", `[1,2]`, "invalid_filter"),
		filter("no field id", `[{"value":1}]`, "unknown_field", "value"), filter("an unknown operator", `{"3":{"$gt":5}}`, "invalid_filter", "3"),
		filter("$or without a list", `{"$or":{"3":1}}`, "invalid_filter", "filters"), filter("number: text", `{"3":"abc"}`, "invalid_filter", "3"),
		filter("number: boolean", `{"3":true}`, "invalid_filter", "3"), filter("date: text", `{"4":"soon"}`, "invalid_filter", "4"),
		filter("date: unknown period", `{"5":{"at":"$someday"}}`, "invalid_filter", "5"), filter("dropdown: unknown option", `{"state":["77"]}`, "invalid_filter", "state"),
		filter("dropdown: empty text", `{"state":""}`, "invalid_filter", "state"), filter("text: object", `{"2":{"a":1}}`, "invalid_filter", "2"),
		filter("switch: text", `{"9":"perhaps"}`, "invalid_filter", "9"), filter("stars: six", `{"11":[6.5]}`, "invalid_filter", "11"),
		filter("link: boolean", `{"15":[true]}`, "invalid_filter", "15"), filter("checkboxes: $empty among others", `{"8":["$empty","1"]}`, "invalid_filter", "8"),
		filter("a group", `{"1":"x"}`, "invalid_filter", "1"), filter("a button", `{"17":true}`, "invalid_filter", "17"),
		filter("a nested filter", `{"15":[{"catalogId":"25","filters":{"1":{"x":[]}}}]}`, "invalid_filter"),
		{"histories", "GET", "/histories?catalogId=26&filters=" + esc(`{"3":"abc"}`), "", 400, "invalid_filter", []string{"3"}},
	},
	"limits out of range": {
		get("limit: negative", "limit=-1", "invalid_parameter", "limit"), get("limit: above the maximum", "limit=10001", "limit_too_large", "limit", "10000"),
		get("limit: beyond integers", "limit=99999999999999999999", "limit_too_large", "limit", "10000"), get("limit: below integers", "limit=-99999999999999999999", "invalid_parameter", "limit"), get("offset: negative", "offset=-5", "invalid_parameter", "offset"),
		get("offset: beyond integers", "offset=99999999999999999999", "invalid_parameter", "offset"),
		get("timezoneOffset: west", "timezoneOffset=-721", "invalid_parameter", "timezoneOffset"), get("timezoneOffset: east", "timezoneOffset=841", "invalid_parameter", "timezoneOffset"),
		{"timezoneOffset of a write", "POST", records + "?timezoneOffset=9999", `{"values":{"2":"x"}}`, 400, "invalid_parameter", []string{"timezoneOffset"}},
		{"timezoneOffset of a deletion", "DELETE", record + "?timezoneOffset=9999", ``, 400, "invalid_parameter", []string{"timezoneOffset"}},
		{"timezoneOffset of the sections", "GET", "/sections?timezoneOffset=9999", ``, 400, "invalid_parameter", []string{"timezoneOffset"}},
		{"histories: from", "GET", "/histories?catalogId=26&from=-1", "", 400, "invalid_parameter", []string{"from"}},
		{"histories: limit", "GET", "/histories?catalogId=26&limit=-1", "", 400, "invalid_parameter", []string{"limit"}},
		{"users: limit", "GET", "/users?limit=-1", "", 400, "invalid_parameter", []string{"limit"}},
		{"users: limit beyond integers", "GET", "/users?limit=3000000000", "", 400, "limit_too_large", []string{"limit"}},
		{"users: limit above the maximum", "GET", "/users?limit=10001", "", 400, "limit_too_large", []string{"limit"}},
	},
	"depth bombs": {
		post("lists in the body", nested(100_000, `[`, ``, `]`), "invalid_json"),
		post("objects in a value", `{"values":{"2":`+nested(5000, `{"a":`, `1`, `}`)+`}}`, "invalid_json"),
		{"lists in a config", "POST", "/catalogs", fieldsOf(`{"type":"text","name":"x","config":{"a":` + nested(100, `[`, ``, `]`) + `}}`), 400, "invalid_json", nil},
		filter("groups", nested(500, `{"$and":[`, `{"3":1}`, `]}`), "invalid_parameter", "filters"),
		get("brackets", "filters"+strings.Repeat("[a]", 30)+"=1", "invalid_parameter", "filters"),
		get("many parameters", strings.Repeat("x=1&", 5001), "invalid_parameter"),
		{"nested fields", "GET", "/catalogs/25/records?fields=" + esc(nested(10, `[{"fieldId":3,"fields":{"25":`, `[1]`, `}}]`)), "", 400, "invalid_parameter", []string{"fields"}},
		{"more nested fields", "GET", "/catalogs/25/records?fields=" + esc(nested(100, `[{"fieldId":3,"fields":{"25":`, `[1]`, `}}]`)), "", 400, "invalid_parameter", []string{"fields"}},
		value("nested records", "15", nested(12, `[{"catalogId":"25","recordValues":{"3":`, `[]`, `}}]`)),
	},
	"10 MB bodies": {
		post("a large text", `{"values":{"2":"`+strings.Repeat("x", 10<<20)+`"}}`, "body_too_large", "10485760"),
		post("blanks", strings.Repeat(" ", 10<<20)+`{}`, "body_too_large"),
		value("a text that fits the body", "2", `"`+strings.Repeat("x", 9<<20)+`"`),
		{"a catalog", "POST", "/catalogs", fieldsOf(strings.Repeat(`{"type":"text","name":"x"},`, 500_000)), 400, "body_too_large", nil},
		{"a comment", "POST", "/histories", `{"catalogId":26,"recordId":1,"type":"COMMENT","payload":{"message":"` + strings.Repeat("x", 9<<20) + `"}}`, 400, "validation_failed", []string{"payload.message"}},
	},
	"NUL bytes": {
		post("in a value", `{"values":{"2":"a\u0000b"}}`, "invalid_json"), post("raw", "{\"values\":{\"2\":\"a\x00b\"}}", "invalid_json"),
		post("in a key", `{"values":{"2\u0000":"a"}}`, "invalid_json"), get("in the search", "searchText=a%00b", "invalid_parameter", "searchText"),
		get("in a filter", "filters[0][fieldId]=2&filters[0][value]=%00", "invalid_parameter", "filters"), filter("in a JSON filter", `{"2":"\u0000"}`, "invalid_parameter", "filters"),
		{"in a record id", "GET", records + "/a%00", "", 404, "not_found", nil}, {"in a catalog id", "GET", "/catalogs/%00/records", "", 404, "not_found", nil},
		{"in a section", "POST", "/sections", `{"name":"a\u0000"}`, 400, "invalid_json", nil},
	},
	"invalid UTF-8": {
		post("in a value", "{\"values\":{\"2\":\"\xff\"}}", "invalid_json"), post("cut off", "{\"values\":{\"2\":\"\xd0\"}}", "invalid_json"),
		post("overlong", "{\"values\":{\"2\":\"\xc0\xaf\"}}", "invalid_json"), post("a surrogate", "{\"values\":{\"2\":\"\xed\xa0\x80\"}}", "invalid_json"),
		get("in the search", "searchText=%ff", "invalid_parameter", "searchText"), get("in a name", "%ff=1", "invalid_parameter"),
		get("half an escape", "searchText=%4", "invalid_parameter", "searchText"),
		{"in a record id", "GET", records + "/%ff", "", 404, "not_found", nil},
	},
	"lone surrogates": {
		post("high", `{"values":{"2":"\ud800"}}`, "invalid_json"), post("low", `{"values":{"2":"a\udc00b"}}`, "invalid_json"),
		post("two high", `{"values":{"2":"\ud800\ud800"}}`, "invalid_json"), post("in a key", `{"\udfff":1}`, "invalid_json"),
		filter("in a filter", `{"2":"\ud800"}`, "invalid_parameter", "filters"),
		{"in a catalog", "PATCH", "/catalogs/26", `{"name":"\ud83d"}`, 400, "invalid_json", nil},
	},
	"huge numbers": {
		post("beyond a double", `{"values":{"3":1e999}}`, "invalid_json"), post("beyond a double below zero", `{"values":{"3":-1e400}}`, "invalid_json"),
		value("a text beyond a double", "3", `"1e999"`), value("infinity", "3", `"Infinity"`), value("not a number", "3", `"NaN"`), value("hexadecimal", "3", `"0x10"`),
		value("stars", "11", `1e300`), value("progress", "10", `1e300`), value("date", "5", `1e300`), value("option", "state", `[1e300]`),
		value("link", "15", `[99999999999999999999]`), value("link beyond record numbers", "15", `["1099511627776"]`),
		filter("in a filter", `{"3":{"at":1e999}}`, "invalid_parameter", "filters"),
		{"record id", "GET", records + "/99999999999999999999", "", 404, "not_found", nil},
		{"catalog id", "GET", "/catalogs/99999999999999999999", "", 404, "not_found", nil},
		{"priority", "POST", "/sections", `{"name":"x","priority":1e300}`, 400, "validation_failed", []string{"priority"}},
	},
	"dates out of range": {
		value("year 10000", "4", `"10000-01-01"`), value("year 0", "4", `"0000-01-01"`), value("before year 1", "5", `"-0001-01-01T00:00:00Z"`),
		value("30 February", "4", `"2026-02-30"`), value("month 13", "4", `"2026-13-01"`), value("hour 25", "5", `"2026-01-01T25:00:00Z"`),
		value("milliseconds", "5", `999999999999999`), value("milliseconds below", "5", `-99999999999999`),
		value("moved out by the zone", "5", `"9999-12-31T23:59:59-14:00"`), value("zone of 99 hours", "5", `"2026-01-01T00:00:00+99:00"`),
		filter("in a filter", `{"4":{"at":"2026-02-30"}}`, "invalid_filter", "4"), filter("milliseconds in a filter", `{"5":{"at":1e17}}`, "invalid_filter", "5"),
	},
	"ids of another catalog": {
		value("a link to a catalog that is no source", "15", `[{"catalogId":"26","recordId":"1"}]`), value("a link to employees", "15", `[{"catalogId":"$users","recordId":"1"}]`),
		value("a link to a catalog that is not there", "15", `[{"catalogId":"99","recordId":"1"}]`),
		value("an option of another field", "8", `["state"]`), value("an employee who is a vendor", "14", `["acme"]`),
		{"another catalog's field", "POST", "/catalogs/25/records", `{"values":{"state":["1"]}}`, 400, "unknown_field", []string{"state"}},
		{"another catalog's field in a filter", "GET", "/catalogs/25/records?filters=" + esc(`{"state":["1"]}`), "", 400, "unknown_field", []string{"state"}},
		{"another catalog's field in the sort", "GET", "/catalogs/25/records?sortField=state", "", 400, "unknown_field", []string{"state"}},
		{"another catalog's record", "GET", records + "/acme", "", 404, "not_found", nil},
		{"another catalog's record changed", "PATCH", records + "/acme", `{"values":{}}`, 404, "not_found", nil},
		{"another catalog's record removed", "DELETE", records + "/acme", ``, 404, "not_found", nil},
		{"another section's catalog", "PATCH", "/sections/3", `{"catalogsPriorities":["$users"]}`, 400, "invalid_parameter", []string{"catalogsPriorities"}},
		{"a taken catalog id", "PATCH", "/catalogs/26", `{"id":"$users"}`, 400, "invalid_id", nil},
		{"a number as a catalog id", "PATCH", "/catalogs/26", `{"id":"25"}`, 400, "invalid_id", nil},
		{"a number as a record id", "PATCH", record, `{"id":"5"}`, 400, "invalid_id", nil},
		{"a taken record id", "POST", "/catalogs/25/records", `{"id":"acme"}`, 400, "duplicate_id", nil},
	},
	"names of 10,000 characters": {
		{"section", "POST", "/sections", `{"name":"` + long + `"}`, 400, "validation_failed", []string{"name"}},
		{"section id", "POST", "/sections", `{"name":"x","id":"` + long + `"}`, 400, "invalid_id", []string{"id"}},
		{"section icon", "PATCH", "/sections/3", `{"icon":"` + long + `"}`, 400, "validation_failed", []string{"icon"}},
		structure("catalog", `{"sectionId":"3","name":"`+long+`"}`, "name"), structure("field", fieldsOf(`{"type":"text","name":"`+long+`"}`), "fields[0].name"),
		structure("option", fieldsOf(`{"type":"dropdown","name":"x","config":{"items":[{"name":"`+long+`"}]}}`), "fields[0].config.items[0]"),
		value("one-line text", "2", `"`+long+`"`), value("contact", "12", `"`+long+`"`),
		{"record id", "POST", records, `{"id":"` + long + `","values":{"2":"x"}}`, 400, "invalid_id", []string{"id"}},
		{"an unknown field", "POST", records, `{"values":{"` + long + `":1}}`, 400, "unknown_field", []string{"xxxx"}},
		get("an unknown sort", "sortField="+long, "unknown_field", "sortField"), get("an unknown parameter's brackets", long+"[=1", "invalid_parameter", "xxxx"),
		{"an employee's name", "POST", "/catalogs/$users/records", `{"values":{"$name":"` + long + `"}}`, 400, "validation_failed", []string{"$name"}},
		{"an employee's login", "PATCH", "/catalogs/$users/records/1", `{"values":{"$email":"` + long + `"}}`, 400, "validation_failed", []string{"$email"}},
	},
	"a catalog of 301 fields": {
		structure("new", fieldsOf(strings.TrimSuffix(strings.Repeat(`{"type":"text","name":"x"},`, 301), ",")), "fields"),
		{"changed", "PATCH", "/catalogs/26", `{"fields":[` + strings.TrimSuffix(strings.Repeat(`{"type":"text","name":"x"},`, 301), ",") + `]}`, 400, "validation_failed", []string{"fields"}},
	},
}

// evil are texts that would do harm where a text became SQL or a JSON path.
var evil = []string{
	`'; DROP TABLE r_26; --`, `" OR "1"="1`, `1) OR (1=1`, `$.values[0]`, `$[*]`, `{"$ne":null}`, `%' OR 1=1 --`, `\'; SELECT 1`, `{{7*7}}`, `$1`, `?1`, `:a`,
}

// evilCases put a text wherever a string may stand and is not stored.
func evilCases(s string) []badCase {
	j := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	return []badCase{
		{"a catalog's id", "GET", "/catalogs/" + esc(s) + "/records", "", 404, "not_found", nil},
		{"a record's id", "GET", records + "/" + esc(s), "", 404, "not_found", nil},
		{"a removed record's id", "DELETE", records + "/" + esc(s), "", 404, "not_found", nil},
		{"a section's id", "GET", "/sections/" + esc(s), "", 404, "not_found", nil},
		{"a view", "GET", records + "?viewId=" + esc(s), "", 404, "not_found", nil},
		get("the sort", "sortField="+esc(s), "unknown_field", "sortField"),
		get("the sort's direction", "sortType="+esc(s), "invalid_parameter", "sortType"),
		get("the limit", "limit="+esc(s), "invalid_parameter", "limit"),
		get("a number's bound", "filters[3][at]="+esc(s), "invalid_filter", "3"),
		get("a date's bound", "filters[4][at]="+esc(s), "invalid_filter", "4"),
		get("an option", "filters[state][0]="+esc(s), "invalid_filter", "state"),
		get("a field", "filters[0][fieldId]="+esc(s)+"&filters[0][value]=1", "unknown_field"),
		post("a value's field", `{"values":{`+j+`:1}}`, "unknown_field"),
		value("a number", "3", j), value("a date", "4", j), value("an option's id", "state", j), value("a link", "15", j), value("an employee", "14", j),
		{"a new record's id", "POST", records, `{"values":{"2":"x"},"id":` + j + `}`, 400, "invalid_id", nil},
		{"a new section's id", "POST", "/sections", `{"name":"x","id":` + j + `}`, 400, "invalid_id", nil},
		{"a new catalog's id", "POST", "/catalogs", `{"name":"x","sectionId":"3","id":` + j + `}`, 400, "invalid_id", nil},
		{"a catalog's section", "POST", "/catalogs", `{"name":"x","sectionId":` + j + `}`, 404, "not_found", nil},
		{"a new field's id", "POST", "/catalogs", fieldsOf(`{"type":"text","name":"x","id":` + j + `}`), 400, "invalid_id", []string{"fields[0].id"}},
		structure("a field's type", fieldsOf(`{"name":"x","type":`+j+`}`), "fields[0].type"),
		{"a new view's id", "POST", "/catalogs/26/views", `{"name":"x","id":` + j + `}`, 400, "invalid_id", nil},
		{"a view's field", "POST", "/catalogs/26/views", `{"name":"x","filters":{` + j + `:1}}`, 400, "unknown_field", nil},
		{"a view in a path", "PATCH", "/catalogs/26/views/" + esc(s), `{}`, 404, "not_found", nil},
		{"a rule's object", "POST", "/rights", `{"object":{"catalogId":` + j + `},"rules":[]}`, 404, "not_found", nil},
		{"a rule's subject", "POST", "/rights", `{"object":{"catalogId":"26"},"rules":[{"rightSubject":{"userAttr":` + j + `,"catalogId":"25","recordId":1},"privilegeCode":"view"}]}`, 400, "validation_failed", []string{"rules[0].rightSubject"}},
		{"a rule's record", "POST", "/rights", `{"object":{"catalogId":"26"},"rules":[{"rightSubject":{"userAttr":"id","recordId":` + j + `},"privilegeCode":"view"}]}`, 400, "validation_failed", []string{"rules[0].rightSubject"}},
		{"a candidate's title", "GET", "/catalogs/26/fields/15/availableRecords?title=" + esc(s) + "&limit=x", "", 400, "invalid_parameter", []string{"limit"}},
		{"whose rights", "GET", "/rights/explain?catalogId=26&userId=" + esc(s), "", 404, "not_found", nil},
		{"a history's catalog", "GET", "/histories?catalogId=" + esc(s), "", 404, "not_found", nil},
		{"a message's id", "PATCH", chatOf1 + "/" + esc(s), `{"text":"x"}`, 404, "not_found", nil},
		{"whom a message mentions", "POST", chatOf1, `{"text":"x","mentions":[` + j + `]}`, 400, "validation_failed", []string{"mentions"}},
		{"the name of a catalog to clear", "POST", "/catalogs/26/clear", `{"name":` + j + `}`, 400, "invalid_parameter", []string{"name"}},
	}
}

func TestBadInput(t *testing.T) {
	s := newSite(t, nil)
	furnish(t, s)
	s.must(t, "POST", "/catalogs/$webhooks/records", webhookOn("26"))
	before := s.everything(t)
	groups := map[string][]badCase{}
	maps.Copy(groups, badInput)
	maps.Copy(groups, badRights)
	groups["tokens"] = badTokens
	groups["messages"] = badMessages
	groups["deliveries"] = badDeliveries
	groups["boards"], groups["widgets"] = badBoards, badWidgets
	for _, text := range evil {
		groups["SQL and JSON paths in every string: "+text] = evilCases(text)
	}
	for group, cases := range groups {
		t.Run(group, func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) { c.run(t, s) })
			}
			if after := s.everything(t); after != before {
				t.Errorf("something changed: %s", difference([]byte(before), []byte(after)))
				before = after
			}
		})
	}
	if tokens := s.must(t, http.MethodGet, "/tokens", ""); tokens != "[]" {
		t.Errorf("tokens were made: %s", tokens)
	}
}

func (c badCase) run(t *testing.T, s *site) {
	a := s.do(t, c.method, c.path, c.body)
	if a.status != c.status {
		t.Fatalf("got %d %.500s, want %d", a.status, a.body, c.status)
	}
	f := a.failed(t)
	if f.Code != c.code {
		t.Errorf("got code %s, want %s: %.500s", f.Code, c.code, a.body)
	}
	for _, name := range c.names {
		if !f.mentions(name) {
			t.Errorf("%s is not named in %.500s", name, a.body)
		}
	}
	if len(a.body) > 4000 {
		t.Errorf("an answer of %d bytes: %.500s", len(a.body), a.body)
	}
}

// mentions tells whether the error names a parameter, field or place.
func (f failure) mentions(name string) bool {
	if strings.Contains(f.Message, name) {
		return true
	}
	for _, e := range f.Errors {
		if e.FieldID == name || strings.HasPrefix(e.Path, name) || strings.Contains(e.Message, name) {
			return true
		}
	}
	return false
}

// furnish makes the catalogs and records that the cases are about.
func furnish(t *testing.T, s *site) {
	t.Helper()
	s.must(t, "POST", "/catalogs", `{"name":"Vendors","sectionId":"3","fields":[{"name":"Name","type":"text"},{"name":"City","type":"text"}]}`)
	s.must(t, "POST", "/catalogs", everyField)
	s.must(t, "PATCH", "/catalogs/25", `{"fields":[{"id":"1"},{"id":"2"},{"name":"Parent","type":"object","config":{"catalogs":[{"id":"25"}]}}]}`)
	s.must(t, "POST", "/catalogs/25/records", `{"values":{"1":"Acme Ltd","2":"Kyiv"},"id":"acme"}`)
	s.must(t, "POST", records, fullRecord)
}

// everything reads all that a refused request could have changed.
func (s *site) everything(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, path := range []string{
		"/sections", "/catalogs?withHidden=true", "/catalogs/26/views", "/rights?sectionId=3&catalogId=26", "/rights?sectionId=$settings", "/catalogs/25/records", records, "/catalogs/$users/records",
		"/histories?catalogId=25", "/histories?catalogId=26", "/histories?catalogId=$users", chatOf1, "/boards", widgets,
	} {
		fmt.Fprintf(&b, "%s\n%s\n", path, s.must(t, http.MethodGet, path, ""))
	}
	return b.String()
}

package bpiumapi_test

import "maps"

var boardStory = story(
	step{"each catalog has one", "GET", "/boards", ""},
	step{"one", "GET", "/boards/2", ""},
	step{"a legal view", "POST", "/catalogs/26/views", `{"name":"Mine","forRights":true,"filters":[{"fieldId":"3","value":["CURRENT_USER"]}]}`},
	step{"a right on it", "POST", "/rights", rulesOn(`"catalogId":"26","viewId":1`, bobMay("view", `"2":"hide"`))},
	step{"bob: the view's board, and the catalog's", "GET", "/boards?catalogId=26", ""},
	step{"bob: not of the vendors", "GET", "/boards/1", ""},
	step{"of the view", "GET", "/boards?viewId=1", ""},
	step{"of no catalog", "GET", "/boards?catalogId=99", ""},
	step{"bob: a personal view", "POST", "/catalogs/26/views", `{"name":"Few","filters":{"1":"chairs"}}`},
	step{"bob: its board is his", "GET", "/boards?viewId=2", ""},
	step{"bob: renamed", "PATCH", "/boards/4", `{"name":" Few of mine "}`},
	step{"bob: another of his view", "POST", "/boards", `{"catalogId":"26","viewId":"2","name":"More"}`},
	step{"nobody else's", "GET", "/boards/4", ""},
	step{"nor in the list", "GET", "/boards?catalogId=26", ""},
	step{"bob: none of the catalog", "POST", "/boards", `{"catalogId":"26"}`},
	step{"bob: nor with a wrong body", "POST", "/boards", `{"catalogId":"26","name":5,"layouts":[]}`},
	step{"bob: none of the legal view", "PATCH", "/boards/3", `{"name":"x"}`},
	step{"bob: not even badly", "PATCH", "/boards/3", `{"layouts":5}`},
	step{"bob: none deleted", "DELETE", "/boards/2", ""},
	step{"another", "POST", "/boards", `{"catalogId":26,"viewId":"1","name":"Sums","priority":-1}`},
	step{"it comes first", "GET", "/boards?catalogId=26", ""},
	step{"without a name", "PATCH", "/boards/6", `{"name":null,"priority":1}`},
	step{"the mirror", "GET", "/catalogs/$boards/records?sortField=$id", ""},
	step{"deleted", "DELETE", "/boards/6", ""},
	step{"gone", "GET", "/boards/6", ""},
	step{"the view is deleted", "DELETE", "/catalogs/26/views/1", ""},
	step{"its board too", "GET", "/boards/3", ""},
	step{"the catalog is deleted", "DELETE", "/catalogs/26", ""},
	step{"no board of it", "GET", "/boards", ""},
	step{"bob: nor his", "GET", "/boards/4", ""},
)

func badBoard(name, body string, names ...string) badCase {
	return badCase{name, "PATCH", "/boards/2", body, 400, "validation_failed", names}
}

var badBoards = []badCase{
	{"no JSON", "POST", "/boards", `{`, 400, "invalid_json", nil}, {"a list", "PATCH", "/boards/2", `[]`, 400, "invalid_json", nil},
	{"no catalog", "POST", "/boards", `{"name":"x"}`, 400, "validation_failed", []string{"catalogId"}},
	{"a catalog of another kind", "POST", "/boards", `{"catalogId":[]}`, 400, "validation_failed", []string{"catalogId"}},
	{"no such catalog", "POST", "/boards", `{"catalogId":"99"}`, 404, "not_found", nil},
	{"no such view", "POST", "/boards", `{"catalogId":"26","viewId":"99"}`, 404, "not_found", nil},
	badBoard("a long name", `{"name":"`+long+`"}`, "name"), badBoard("a name of another kind", `{"name":[]}`, "name"),
	badBoard("a priority of another kind", `{"priority":"high"}`, "priority"), badBoard("half a priority", `{"priority":1.5}`, "priority"),
	badBoard("layouts of another kind", `{"layouts":[]}`, "layouts"), badBoard("a screen of another kind", `{"layouts":{"xs":[]}}`, "layouts.xs"),
	badBoard("a place of another kind", `{"layouts":{"xs":{"1":5}}}`, "layouts.xs.1"), badBoard("half a place", `{"layouts":{"xs":{"1":{"x":0,"y":0,"w":1}}}}`, "layouts.xs.1.h"),
	badBoard("no such screen", `{"layouts":{"wide":{}}}`, "layouts"), badBoard("no such widget", `{"layouts":{"xs":{"99":{"x":0,"y":0,"w":1,"h":1}}}}`, "layouts.xs.99"),
	badBoard("no widget's id", `{"layouts":{"xs":{"x":{"x":0,"y":0,"w":1,"h":1}}}}`, "layouts.xs.0"),
	{"no board", "GET", "/boards/99", "", 404, "not_found", nil}, {"no id", "GET", "/boards/x", "", 404, "not_found", nil},
	{"no board to change", "PATCH", "/boards/99", `{`, 404, "not_found", nil}, {"no board to delete", "DELETE", "/boards/99", "", 404, "not_found", nil},
	{"another method", "PUT", "/boards/1", "", 405, "method_not_allowed", nil},
	refused("two catalogs", "/boards?catalogId=1&catalogId=2", "invalid_parameter", "catalogId"),
}

// withBoards adds the routes of reports, boards and widgets to the walk.
func withBoards(walk map[string]walked) map[string]walked {
	maps.Copy(walk, map[string]walked{
		"GET /catalogs/{catalog}/values":        {"/catalogs/26/values", "", 403, 200, 200, 403},
		"GET /catalogs/{catalog}/values/{axis}": {"/catalogs/26/values/null", "", 403, 200, 200, 403},
		"GET /catalogs/{catalog}/totals":        {"/catalogs/26/totals", "", 403, 200, 200, 403},

		"GET /boards":            {"", "", 200, 200, 200, 200},
		"POST /boards":           {"", `{"catalogId":"26"}`, 403, 403, 403, 403},
		"GET /boards/{board}":    {"/boards/2", "", 403, 200, 200, 403},
		"PATCH /boards/{board}":  {"/boards/2", `{"name":"x"}`, 403, 403, 403, 403},
		"DELETE /boards/{board}": {"/boards/2", "", 403, 403, 403, 403},

		"GET /boards/{board}/widgets":                 {"/boards/2/widgets", "", 403, 200, 200, 403},
		"POST /boards/{board}/widgets":                {"/boards/2/widgets", `{"chartType":"pie"}`, 403, 403, 403, 403},
		"GET /boards/{board}/widgets/{widget}":        {"/boards/2/widgets/1", "", 403, 200, 200, 403},
		"PATCH /boards/{board}/widgets/{widget}":      {"/boards/2/widgets/1", `{"name":"x"}`, 403, 403, 403, 403},
		"DELETE /boards/{board}/widgets/{widget}":     {"/boards/2/widgets/1", "", 403, 403, 403, 403},
		"GET /boards/{board}/widgets/{widget}/values": {"/boards/2/widgets/1/values", "", 403, 200, 200, 403},
		"GET /boards/{board}/widgets/{widget}/totals": {"/boards/2/widgets/1/totals", "", 403, 200, 200, 403},

		"GET /boards/{board}/widgets/{widget}/image.svg": {"/boards/2/widgets/1/image.svg", "", 403, 200, 200, 403},
		"GET /boards/{board}/widgets/{widget}/image.png": {"/boards/2/widgets/1/image.png", "", 403, 200, 200, 403},
	})
	return walk
}

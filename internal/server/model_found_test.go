package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestFoundByModel keeps what the model test has found, on both databases.
func TestFoundByModel(t *testing.T) {
	w := newWorld(t, 0)
	for _, tt := range []struct {
		name string
		test func(t *testing.T, w *world)
	}{
		{"options follow the configuration", foundOptionOrder},
		{"links into a removed catalog are removed", foundRemovedCatalog},
		{"a link filter that names nothing is refused", foundEmptyLinkFilter},
		{"a change without values lacks none", foundNoValues},
		{"a title that is a custom id is found", foundCodeTitle},
		{"a removed option leaves lists where it was not the first", foundDroppedOption},
		{"links into a removed section keep its id", foundRemovedSection},
		{"links in an answer have the titles that the write gives", foundNewTitle},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			tt.test(t, w)
			w.check()
		})
	}
}

// made makes a catalog of such fields and gives its path.
func (w *world) made(fields ...map[string]any) string {
	w.t.Helper()
	for _, f := range fields {
		f["name"] = "Field"
	}
	a := w.do(http.MethodPost, "/catalogs", nil, map[string]any{"name": "Things", "sectionId": "3", "fields": fields})
	w.expect(a, true)
	return "/catalogs/" + parse[struct{ ID string }](w, a).ID
}

// write sends a body that must be accepted, and gives the answer.
func (w *world) write(method, path string, body map[string]any) string {
	w.t.Helper()
	a := w.do(method, path, nil, body)
	w.expect(a, true)
	return a.body
}

type object = map[string]any

func wantPart(t *testing.T, body, part string) {
	t.Helper()
	if !strings.Contains(body, part) {
		t.Errorf("%s is not in %s", part, body)
	}
}

func foundOptionOrder(t *testing.T, w *world) {
	one, two := object{"id": "1", "name": "One"}, object{"id": "2", "name": "Two"}
	status := func(items ...any) object {
		return object{"type": "dropdown", "config": object{"multiselect": true, "items": items}}
	}
	path := w.made(status(one, two))
	w.write(http.MethodPost, path+"/records", object{"values": object{"1": []any{"1", "2"}}})
	f := status(two, one)
	f["id"] = "1"
	w.write(http.MethodPatch, path, object{"fields": []any{f}})
	wantPart(t, w.get(path+"/records/1", nil).body, `"values":{"1":["2","1"]}`)
	wantPart(t, w.write(http.MethodPatch, path+"/records/1", object{"values": object{"1": []any{"1", "2"}}}), `"values":{}`)
}

func foundRemovedCatalog(t *testing.T, w *world) {
	target := w.made(object{"type": "text"})
	id := strings.TrimPrefix(target, "/catalogs/")
	path := w.made(object{"type": "object", "config": object{"catalogs": []any{object{"id": id}}}})
	w.write(http.MethodPost, target+"/records", object{"values": object{"1": "Acme"}})
	w.write(http.MethodPost, path+"/records", object{"values": object{"1": []any{object{"catalogId": id, "recordId": "1"}}}})
	wantPart(t, w.get(path+"/records", nil).body, `"isRemoved":false`)
	w.write(http.MethodDelete, target, nil)
	wantPart(t, w.get(path+"/records", nil).body, `"recordTitle":"Acme","isRemoved":true`)
}

func foundEmptyLinkFilter(_ *testing.T, w *world) {
	path := w.made(object{"type": "object", "config": object{"catalogs": []any{object{"id": "$users"}}}}, object{"type": "user"})
	for _, filter := range []string{`{"1":[{}]}`, `{"1":{"at":1}}`, `{"1":{"x":1}}`, `{"2":[{}]}`} {
		w.expect(w.get(path+"/records", url.Values{"filters": {filter}}), false)
	}
	w.expect(w.get(path+"/records", url.Values{"filters": {`{"1":[{"catalogId":"$users"}]}`}}), true)
}

func foundNoValues(_ *testing.T, w *world) {
	path := w.made(object{"type": "text"})
	w.write(http.MethodPost, path+"/records", object{})
	w.write(http.MethodPatch, path, object{"fields": []any{object{"id": "1", "required": true}, object{"type": "button", "name": "Go"}}})
	w.write(http.MethodPatch, path+"/records/1", object{"values": object{}})
	w.write(http.MethodPatch, path+"/records/1", object{"values": object{"2": true}})
	w.expect(w.do(http.MethodPatch, path+"/records/1", nil, object{"values": object{"1": ""}}), false)
}

func foundCodeTitle(t *testing.T, w *world) {
	path := w.made(object{"type": "text"})
	w.write(http.MethodPost, path+"/records", object{"id": "First-1"})
	w.write(http.MethodPost, path+"/records", object{"id": "first-2", "values": object{"1": "Acme"}})
	for _, text := range []string{"first", "#FIRST-1", "s", "t-1"} {
		body := w.get(path+"/records", url.Values{"searchText": {text}, "fields": {"[]"}}).body
		wantPart(t, body, `"title":"#First-1"`)
		if strings.Contains(body, "Acme") {
			t.Errorf("%q finds a record by an id that is not its title: %s", text, body)
		}
	}
}

func foundDroppedOption(t *testing.T, w *world) {
	items := []any{object{"id": "1", "name": "One"}, object{"id": "2", "name": "Two"}, object{"id": "3", "name": "Three"}}
	f := object{"type": "checkboxes", "config": object{"items": items}}
	path := w.made(f)
	for _, list := range [][]any{{"1", "2", "3"}, {"1", "2"}, {"2"}, {"2", "3"}, {"1"}} {
		w.write(http.MethodPost, path+"/records", object{"values": object{"1": list}})
	}
	f["id"], f["config"] = "1", object{"items": []any{items[0], items[2]}}
	w.write(http.MethodPatch, path, object{"fields": []any{f}})
	for id, list := range map[string]string{"1": `["1","3"]`, "2": `["1"]`, "3": `[]`, "4": `["3"]`, "5": `["1"]`} {
		wantPart(t, w.get(path+"/records/"+id, nil).body, `"values":{"1":`+list+`}`)
	}
}

func foundRemovedSection(t *testing.T, w *world) {
	w.write(http.MethodPost, "/sections", object{"id": "stock", "name": "Stock"})
	body := object{"name": "Things", "sectionId": "stock", "fields": []any{object{"name": "Name", "type": "text"}}}
	a := w.do(http.MethodPost, "/catalogs", nil, body)
	w.expect(a, true)
	id := parse[struct{ ID string }](w, a).ID
	w.write(http.MethodPost, "/catalogs/"+id+"/records", object{"values": object{"1": "Acme"}})
	path := w.made(object{"type": "object", "config": object{"catalogs": []any{object{"id": id}}}})
	w.write(http.MethodPost, path+"/records", object{"values": object{"1": []any{object{"catalogId": id, "recordId": "1"}}}})
	w.write(http.MethodDelete, "/sections/stock", nil)
	wantPart(t, w.get(path+"/records", nil).body, `"sectionId":"stock"`)
	wantPart(t, w.get(path+"/records", nil).body, `"isRemoved":true`)
}

func foundNewTitle(t *testing.T, w *world) {
	link := object{"type": "object", "config": object{}}
	path := w.made(object{"type": "text"}, link)
	id := strings.TrimPrefix(path, "/catalogs/")
	link["id"], link["config"] = "2", object{"catalogs": []any{object{"id": id}}}
	w.write(http.MethodPatch, path, object{"fields": []any{object{"id": "1"}, link}})
	w.write(http.MethodPost, path+"/records", object{"values": object{"1": "old"}})
	self := []any{object{"catalogId": id, "recordId": "1"}}
	body := w.write(http.MethodPatch, path+"/records/1", object{"id": "own", "values": object{"1": "new", "2": self}})
	wantPart(t, body, `"recordId":"own","recordTitle":"new"`)
	wantPart(t, w.get("/histories", url.Values{"catalogId": {id}, "limit": {"1"}}).body, `"recordId":"own","recordTitle":"new","isRemoved"`)
}

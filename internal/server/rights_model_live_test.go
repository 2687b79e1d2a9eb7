package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"

	"kartoteka/internal/catalog"
)

// watchCards subscribes a program to the cards of all catalogs that wants everything
// in the card that it is told.
func (w *rightsWorld) watchCards() {
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		var told struct {
			Payload struct{ AllValues json.RawMessage }
		}
		if err := json.NewDecoder(r.Body).Decode(&told); err != nil {
			w.t.Errorf("a webhook was told %v", err)
		}
		out.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(out).Encode(map[string]any{"values": told.Payload.AllValues})
	}))
	w.t.Cleanup(s.Close)
	for _, c := range w.catalogs {
		w.must(http.MethodPost, "/catalogs/$webhooks/records", map[string]any{"values": map[string]any{
			"$catalog": []any{map[string]any{"catalogId": "$catalogs", "recordId": c.key}}, "$events": []string{"record.updating"}, "$url": s.URL,
		}}, nil)
	}
}

// editCard lets somebody edit a card, into which all is put that the program knows:
// he gets what he may see of it.
func (w *rightsWorld) editCard() {
	a, c := w.reader()
	r := w.someRecord(c)
	if r == nil || w.chance(20) {
		w.editNewCard(a, c)
		return
	}
	got := w.write(a, http.MethodPost, "/catalogs/"+c.key+"/records/"+r.id()+"/changes", map[string]any{}, nil)
	edits := func(f *field) bool { return w.right(a, r, f) >= catalog.EditField }
	if !w.sees(a, c) || !a.may(c, "update") || w.privilege(a, r) < catalog.ViewPrivilege || !slices.ContainsFunc(c.fields, edits) {
		w.refused(got, "forbidden")
		return
	}
	w.expect(got, true)
	values := w.values(a, r, chosenFields{})
	if !a.may(c, "read") {
		values = map[string]any{}
	}
	type answered struct {
		Values map[string]any
		Errors []any
	}
	same(w, "an edited card", parse[answered](w.world, got), answered{values, []any{}})
}

func (w *rightsWorld) editNewCard(a asker, c *cat) {
	got := w.write(a, http.MethodPost, "/changes", map[string]any{"catalogId": c.key}, nil)
	if !w.sees(a, c) || !w.creates(a, c) {
		w.refused(got, "forbidden")
		return
	}
	w.expect(got, true)
	want := []string{}
	for _, f := range c.fields {
		if a.may(c, "read") && w.known(a, c, f) && w.settable(a, c, f) >= catalog.ViewField {
			want = append(want, f.key)
		}
	}
	values := parse[struct{ Values map[string]any }](w.world, got).Values
	keys := []string{}
	for _, f := range c.fields {
		if _, has := values[f.key]; has {
			keys = append(keys, f.key)
		}
	}
	same(w, "the fields of a new card", keys, want)
}

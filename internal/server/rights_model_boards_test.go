package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"kartoteka/internal/catalog"
)

// breakDownBoard asks a widget for records in groups: a new one, or one that the
// administrator has stored, on the board of a catalog or of a legal view.
func (w *rightsWorld) breakDownBoard() {
	a, c := w.reader()
	var v *lawView
	if w.chance(50) {
		v = pick(w.rng, w.views...)
		c = v.of
	}
	b := w.someBreakdown(a, c)
	board, widget, all := w.board(c, v), "new", false
	narrowed := len(b.selects) > 0 || len(b.refused) > 0
	if w.chance(60) {
		all = w.chance(50)
		if widget = w.storeWidget(board, b.params, all); widget == "" {
			return // the administrator may not see a field
		}
	}
	granted := all && !narrowed
	matching := slices.DeleteFunc(slices.Clone(c.records), func(r *record) bool {
		return r.removed || !granted && !w.readable(a, r) || v != nil && !w.holds(v.filter, a.person, nil, r) ||
			slices.ContainsFunc(b.selects, func(f func(*record) bool) bool { return !f(r) })
	})
	kind := pick(w.rng, "values", "totals")
	got := w.read(a, "/boards/"+board+"/widgets/"+widget+"/"+kind, b.params)
	if widget != "new" {
		w.must(http.MethodDelete, "/boards/"+board+"/widgets/"+widget, nil, nil)
	}
	if !w.opens(a, c, got) {
		return
	}
	some := slices.ContainsFunc(c.records, func(r *record) bool { return !r.removed && w.readable(a, r) })
	switch {
	case v != nil && (!w.seesView(a, v) || w.viewLevel(a, v) < catalog.ViewPrivilege):
		w.refused(got, "forbidden")
	case v == nil && !some && got.status == http.StatusForbidden:
		// Nothing that he could view is there: whether it could be is not modelled.
	case b.refused != nil:
		w.refused(got, b.refused...)
	case b.unsure, granted && (b.axis.f != nil || b.split.f != nil || b.measured != nil):
		w.expect(got, true) // fields of records that he may not view are not modelled
	case kind == "totals":
		same(w, "totals of a widget", parse[[]seenTotal](w.world, got), w.totalsOf(a, b, matching))
	default:
		same(w, "values of a widget", parse[[]seenGroup](w.world, got), w.groupsOf(a, b, matching))
	}
}

// board is the id of the board that a catalog, or a legal view, was made with.
func (w *rightsWorld) board(c *cat, v *lawView) (id string) {
	type seenBoard struct {
		ID     string
		ViewID *string
	}
	got := w.do(http.MethodGet, "/boards", url.Values{"catalogId": {c.key}}, nil)
	for _, b := range parse[[]seenBoard](w.world, got) {
		if id == "" && (v == nil && b.ViewID == nil || v != nil && b.ViewID != nil && *b.ViewID == v.key) {
			id = b.ID
		}
	}
	if id == "" {
		w.fail("%s has no board: %s", c.key, got.body)
	}
	return id
}

// storeWidget moves what a breakdown groups and measures into a widget and gives
// its id, "" if that was refused.
func (w *rightsWorld) storeWidget(board string, params url.Values, all bool) string {
	body := map[string]any{"chartType": "table", "recordsType": "available"}
	if all {
		body["recordsType"] = "all"
	}
	for name, values := range params {
		key, member, nested := strings.Cut(strings.TrimSuffix(name, "]"), "[")
		switch {
		case key == "recordsFilter" || key == "timezoneOffset":
			continue
		case !nested:
			body[key] = values[0]
		case body[key] == nil:
			body[key] = map[string]any{member: values[0]}
		default:
			body[key].(map[string]any)[member] = values[0]
		}
		params.Del(name)
	}
	got := w.do(http.MethodPost, "/boards/"+board+"/widgets", nil, body)
	if got.status == http.StatusForbidden {
		return ""
	}
	w.expect(got, true)
	return parse[struct{ ID string }](w.world, got).ID
}

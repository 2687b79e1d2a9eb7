package server

import (
	"cmp"
	"net/http"
	"slices"

	"kartoteka/internal/catalog"
)

// readViews reads the views of a catalog, and one of them.
func (w *rightsWorld) readViews() {
	a, c := w.asker(), w.anyCatalog()
	views := slices.Concat(w.views, w.personal)
	got := w.read(a, "/catalogs/"+c.key+"/views", nil)
	type shownView struct{ ID, Name, PrivilegeCode string }
	if !w.sees(a, c) {
		w.refused(got, "forbidden")
	} else {
		want := []shownView{}
		for _, v := range views {
			if v.of == c && w.seesView(a, v) {
				want = append(want, shownView{v.key, v.name, w.viewLevel(a, v).Code()})
			}
		}
		slices.SortFunc(want, func(x, y shownView) int { return cmp.Compare(x.Name, y.Name) })
		same(w, "views", parse[[]shownView](w.world, got), want)
	}
	w.readView(a, pick(w.rng, views...))
}

func (w *rightsWorld) readView(a asker, v *lawView) {
	got := w.read(a, "/catalogs/"+v.of.key+"/views/"+v.key, nil)
	if !w.sees(a, v.of) || !w.seesView(a, v) {
		w.refused(got, "forbidden")
		return
	}
	want := []string{}
	for _, f := range v.filter {
		manages := v.owner != nil || w.level(a, v.of) >= catalog.AccessPrivilege
		if manages || w.shown(a, v.of, f.f) {
			want = append(want, f.f.key)
		}
	}
	shown := []string{}
	for _, f := range parse[struct{ Filters []struct{ FieldID string } }](w.world, got).Filters {
		shown = append(shown, f.FieldID)
	}
	same(w, "filters of a view", shown, want)
}

// seesView: the own ones, legal ones that a rule allows something in, and all
// legal ones of who manages the catalog.
func (w *rightsWorld) seesView(a asker, v *lawView) bool {
	if v.owner != nil {
		return w.viewLevel(a, v) >= catalog.ViewPrivilege
	}
	return w.level(a, v.of) >= catalog.AccessPrivilege || slices.ContainsFunc(w.subjects(a.person), func(s subjectOf) bool {
		r := w.rule(s, thing{view: v})
		return r != nil && r.privilege != catalog.DenyPrivilege
	})
}

func viewBody(v *lawView) map[string]any {
	filters := []any{}
	for _, f := range v.filter {
		filters = append(filters, map[string]any{"fieldId": f.f.key, "value": f.json()})
	}
	return map[string]any{"name": v.name, "forRights": v.owner == nil, "filters": filters}
}

// newView makes a legal view, as the administrator.
func (w *rightsWorld) newView(c *cat) {
	v := &lawView{of: c, name: w.newKey("View "), filter: w.filterOf(c, 0, nil)}
	w.must(http.MethodPost, "/catalogs/"+c.key+"/views", viewBody(v), func(a answer) { v.key = parse[struct{ ID string }](w.world, a).ID })
	w.views = append(w.views, v)
}

// newPersonal lets somebody make a personal view, which must not look at what is
// hidden from him.
func (w *rightsWorld) newPersonal() {
	a, c := w.asker(), w.anyCatalog()
	v := &lawView{of: c, name: w.newKey("View "), owner: a.person, filter: w.filterOf(c, 0, nil)}
	got := w.write(a, http.MethodPost, "/catalogs/"+c.key+"/views", viewBody(v), func(got answer) {
		v.key = parse[struct{ ID string }](w.world, got).ID
		w.personal = append(w.personal, v)
	})
	switch {
	case !w.sees(a, c):
		w.refused(got, "forbidden")
	case !a.allows("admin"):
		w.refused(got, "forbidden", "field_hidden")
	case w.hides(a, v.filter):
		w.refused(got, "field_hidden")
	default:
		w.expect(got, true)
	}
}

// changeView gives a legal view other filters, as the administrator.
func (w *rightsWorld) changeView() {
	v := pick(w.rng, w.views...)
	v.filter = w.filterOf(v.of, 1, nil)
	w.must(http.MethodPatch, "/catalogs/"+v.of.key+"/views/"+v.key, viewBody(v), nil)
}

// regroup puts an employee into other role groups, as the administrator.
func (w *rightsWorld) regroup() {
	p := pick(w.rng, w.people...)
	body := map[string]any{"values": map[string]any{"team": w.newTeam(p)}}
	w.must(http.MethodPatch, "/catalogs/$users/records/"+p.card.id(), body, nil)
}

package server

import (
	"net/http"
	"net/url"
	"slices"

	"kartoteka/internal/catalog"
)

// seenCatalog is what depends on rights in a catalog of an answer.
type seenCatalog struct {
	ID                  string
	PrivilegeCode       string
	FieldPrivilegeCodes map[string]string
	Fields              []string
	NewChats            int
}

// readStructure reads sections and catalogs, or tries to change one.
func (w *rightsWorld) readStructure() {
	a := w.asker()
	switch w.rng.IntN(4) {
	case 0:
		w.readSections(a)
	case 1:
		w.readCatalogs(a)
	case 2:
		w.readCatalog(a, w.anyCatalog())
	default:
		w.changeStructure(a)
	}
}

func (w *rightsWorld) readSections(a asker) {
	type seenSection struct {
		ID            string
		PrivilegeCode string
		Privileges    []string
	}
	want := []seenSection{}
	for _, s := range append(slices.Clone(w.sections), w.users.section) {
		p := w.sectionLevel(a, s)
		if p >= catalog.SearchPrivilege {
			want = append(want, seenSection{s.key, p.Code(), p.Codes()})
		}
		one := w.read(a, "/sections/"+s.key, nil)
		if p < catalog.AvailablePrivilege {
			w.refused(one, "forbidden")
			continue
		}
		same(w, "a section", parse[seenSection](w.world, one), seenSection{s.key, p.Code(), p.Codes()})
	}
	same(w, "sections", parse[[]seenSection](w.world, w.read(a, "/sections", nil)), want)
}

func (w *rightsWorld) readCatalogs(a asker) {
	got := parse[[]gotCatalog](w.world, w.read(a, "/catalogs", nil))
	shown := map[string]seenCatalog{}
	for _, c := range got {
		if c.ID == w.users.key {
			continue // of which the model knows a few fields only
		}
		shown[c.ID] = c.seen()
	}
	want := map[string]seenCatalog{}
	for _, c := range w.catalogs {
		if w.level(a, c) >= catalog.SearchPrivilege {
			want[c.key] = w.wantCatalog(a, c)
		}
	}
	same(w, "catalogs", shown, want)
}

func (w *rightsWorld) readCatalog(a asker, c *cat) {
	got := w.read(a, "/catalogs/"+c.key, url.Values{})
	if !w.sees(a, c) {
		w.refused(got, "forbidden")
		return
	}
	w.expect(got, true)
	same(w, "a catalog", parse[gotCatalog](w.world, got).seen(), w.wantCatalog(a, c))
}

// gotCatalog is a catalog of an answer.
type gotCatalog struct {
	ID                  string
	PrivilegeCode       string
	FieldPrivilegeCodes map[string]string
	Fields              []struct{ ID string }
	Chat                struct{ NewChats int }
}

func (c gotCatalog) seen() seenCatalog {
	seen := seenCatalog{c.ID, c.PrivilegeCode, c.FieldPrivilegeCodes, []string{}, c.Chat.NewChats}
	for _, f := range c.Fields {
		seen.Fields = append(seen.Fields, f.ID)
	}
	return seen
}

func (w *rightsWorld) wantCatalog(a asker, c *cat) seenCatalog {
	want := seenCatalog{c.key, w.level(a, c).Code(), map[string]string{}, []string{}, w.newChats(a, c)}
	all := w.level(asker{person: a.person}, c) // what rights say is not about tokens
	for _, f := range c.fields {
		if w.known(a, c, f) {
			want.Fields = append(want.Fields, f.key)
		}
		if right := w.atCatalog(a.person, c, f); right != implied(all) && w.named(a.person, f) {
			want.FieldPrivilegeCodes[f.key] = right.Code()
		}
	}
	return want
}

// changeStructure sends a catalog or a section its own name: only whether that
// is allowed is of interest.
func (w *rightsWorld) changeStructure(a asker) {
	c := w.anyCatalog()
	path, name, level := "/catalogs/"+c.key, c.name, w.level(a, c)
	if w.chance(30) {
		s := pick(w.rng, w.sections...)
		path, name, level = "/sections/"+s.key, "A section", w.sectionLevel(a, s)
	}
	got := w.write(a, http.MethodPatch, path, map[string]any{"name": name}, nil)
	if level < catalog.AdminPrivilege {
		w.refused(got, "forbidden")
		return
	}
	w.expect(got, true)
}

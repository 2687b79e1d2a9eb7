package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

const filesOps = 160 // operations per seed

// TestFilesModel lets employees with random rights upload, attach, open and
// detach files. A file is for who uploaded it until it is attached, and from
// then on for whoever may read the field of the record, by whatever way he asks.
func TestFilesModel(t *testing.T) {
	eachSeed(t, filesOps, func(t *testing.T, seed uint64, ops int) {
		w := &filesWorld{rightsWorld: newRightsWorld(t, seed)}
		w.furnish()
		w.addCabinet()
		for range ops {
			w.clock.pass(w.rng)
			w.stepFiles()
		}
		t.Logf("%d requests compared, %d files", w.requests, len(w.papers))
	})
}

// filesWorld is a company with a catalog of files that no other step touches.
type filesWorld struct {
	*rightsWorld
	cabinet *cat
	files   *field
	papers  []*paper
	links   []fileLink
}

// paper is a confirmed file.
type paper struct {
	id       string
	title    string
	keys     [2]string // of its content, a side each
	uploader *person
	at       *record // nil while it is loose
}

// fileLink is an address that a record showed.
type fileLink struct {
	of    *paper
	paths [2]string
	until time.Time
}

func (w *filesWorld) addCabinet() {
	c := &cat{section: w.sections[0], name: "Papers", icon: "box-1"}
	w.must(http.MethodPost, "/catalogs", map[string]any{"name": c.name, "sectionId": c.section.key, "icon": c.icon, "fields": []any{
		map[string]any{"id": "name", "name": "NAME", "type": "text"},
		map[string]any{"id": "files", "name": "FILES", "type": "file", "config": map[string]any{"multiselect": true}},
	}}, func(a answer) { c.key = parse[struct{ ID string }](w.world, a).ID })
	c.num, _ = strconv.Atoi(c.key)
	w.files = &field{id: 2, key: "files", typ: "file", name: "FILES", history: true, multi: true}
	c.fields = []*field{{id: 1, key: "name", typ: "text", kind: "text", name: "NAME", history: true}, w.files}
	w.cabinet = c
	for range 4 {
		w.newRecord(c)
	}
	w.setRules(thing{cat: c})
}

func (w *filesWorld) stepFiles() {
	switch n := w.rng.IntN(30); {
	case n < 4:
		w.uploadPaper()
	case n < 12:
		w.attachByRights()
	case n < 17:
		w.openByRights()
	case n < 20:
		w.openContent()
	case n < 24:
		w.readPapers()
	case n < 25:
		w.followLink()
	case n < 26:
		w.listPapers()
	case n < 27:
		w.read(w.human(), "/histories", url.Values{"catalogId": {w.cabinet.key}, "limit": {"1000"}})
	case n < 28:
		w.regroup()
	case n < 29 && w.chance(50):
		w.dropRecord()
	default:
		o := thing{cat: w.cabinet}
		if r := w.someRecord(w.cabinet); r != nil && w.chance(40) {
			o = thing{record: r}
		}
		w.setRules(o)
	}
}

func (w *filesWorld) human() asker { return asker{person: pick(w.rng, w.people...)} }

func (w *filesWorld) uploadPaper() {
	p := &paper{uploader: pick(w.rng, w.people...)}
	var ids [2]string
	for i, s := range w.sides {
		ids[i], p.keys[i] = uploadBy(w.t, s.handler, "Cookie", p.uploader.cookies[i], "a.txt", "text/plain", []byte("a content"))
	}
	w.trace = append(w.trace, "upload of file "+ids[0]+" by employee "+p.uploader.card.id())
	if ids[0] != ids[1] {
		w.fail("the files have the numbers %v", ids)
	}
	p.id, p.title = ids[0], "a.txt"
	w.papers = append(w.papers, p)
	other := w.human()
	got := w.send(other, http.MethodPatch, "/files/"+p.id, nil, map[string]any{"name": "mine.txt"})
	if other.person != p.uploader {
		w.refused(got, "forbidden")
	}
}

// usable tells whether somebody may have a file.
func (w *filesWorld) usable(a asker, p *paper) bool {
	if p.at == nil {
		return p.uploader == a.person
	}
	return !p.at.removed && w.visible(a, p.at, w.files)
}

func (w *filesWorld) papersOf(r *record) []*paper {
	list, _ := r.values[w.files].([]*paper)
	return list
}

// attachByRights lets somebody replace the files of a record: some stay, some
// leave, others come.
func (w *filesWorld) attachByRights() {
	a, r := w.human(), w.someRecord(w.cabinet)
	if r == nil || len(w.papers) == 0 {
		return
	}
	var chosen []*paper
	for _, p := range w.papersOf(r) {
		if w.chance(60) {
			chosen = append(chosen, p)
		}
	}
	for range w.rng.IntN(3) {
		if p := pick(w.rng, w.papers...); !slices.Contains(chosen, p) {
			chosen = append(chosen, p)
		}
	}
	var titles []string
	list, unusable := []any{}, false
	for _, p := range chosen {
		w.marks++
		titles = append(titles, markText(w.marks%9000))
		list = append(list, map[string]any{"id": p.id, "title": titles[len(titles)-1]})
		unusable = unusable || p.at != r && !w.usable(a, p)
	}
	changed := len(chosen) > 0 || len(w.papersOf(r)) > 0
	right := w.right(a, r, w.files)
	path := "/catalogs/" + w.cabinet.key + "/records/" + r.id()
	got := w.write(a, http.MethodPatch, path, map[string]any{"values": map[string]any{"files": list}}, func(got answer) { w.adoptPapers(a, r, chosen, titles, got) })
	switch {
	case !w.sees(a, w.cabinet):
		w.refused(got, "forbidden")
	case w.privilege(a, r) < catalog.ViewPrivilege:
		w.refused(got, "forbidden", "field_hidden")
	case right == catalog.HideField:
		w.refused(got, "field_hidden")
	case right == catalog.ViewField && changed:
		w.refused(got, "field_readonly")
	case unusable:
		w.refused(got, "validation_failed")
	default:
		w.expect(got, true)
	}
	w.samePapers(r)
}

// adoptPapers makes what somebody attached the model's.
func (w *filesWorld) adoptPapers(a asker, r *record, chosen []*paper, titles []string, got answer) {
	shown := parse[struct {
		Values struct{ Files []struct{ ID int } }
	}](w.world, got).Values.Files
	var now []*paper
	for i, p := range chosen {
		if p.at != nil && p.at != r { // a new entry on the same content
			p = &paper{id: strconv.Itoa(shown[i].ID), keys: p.keys, uploader: a.person}
			w.papers = append(w.papers, p)
		}
		p.at, p.title = r, titles[i]
		w.owners[p.title] = mark{r, w.files}
		now = append(now, p)
	}
	for _, p := range w.papersOf(r) {
		if !slices.Contains(now, p) {
			p.at = nil
		}
	}
	r.values[w.files] = now
}

// samePapers compares the files that are stored of a record with the model.
func (w *filesWorld) samePapers(r *record) {
	w.t.Helper()
	var want []string
	for _, p := range w.papersOf(r) {
		want = append(want, p.id+" "+p.title)
	}
	for _, s := range w.sides {
		rows, err := s.app.Catalog.Record(w.t.Context(), system, query.Catalog(w.cabinet.num), query.Key{Record: query.Record(r.num)}, nil)
		if err != nil {
			w.fail("read record %d on %s: %v", r.num, s.name, err)
		}
		f := rows.Catalog.FieldByKey("files")
		files, _ := catalog.CellValue(f, rows.Page, rows.Page.Cell(0, rows.Page.Column(f.Num))).(catalog.Files)
		var got []string
		for _, file := range files {
			got = append(got, fmt.Sprint(file.ID)+" "+file.Title)
		}
		if !slices.Equal(got, want) {
			w.fail("on %s record %d has the files %v, the model expects %v", s.name, r.num, got, want)
		}
	}
}

// openByRights asks for a file by its number.
func (w *filesWorld) openByRights() {
	if len(w.papers) == 0 {
		return
	}
	a, p := w.human(), pick(w.rng, w.papers...)
	got := w.read(a, "/files/"+p.id, nil)
	switch {
	case p.at != nil && p.at.removed:
		w.refused(got, "not_found")
	case !w.usable(a, p):
		w.refused(got, "forbidden")
	case got.status != http.StatusFound:
		w.fail("status %d, the model expects the file", got.status)
	}
}

// openContent asks for a content by its address, without a link's token.
func (w *filesWorld) openContent() {
	if len(w.papers) == 0 {
		return
	}
	a, p := w.human(), pick(w.rng, w.papers...)
	ok := slices.ContainsFunc(w.papers, func(o *paper) bool { return o.keys == p.keys && w.usable(a, o) })
	for i, s := range w.sides {
		w.sameContent(s, ask(s.handler, "GET", "/storage/"+p.keys[i], "", "Cookie", a.cookies[i]), ok)
		if got := ask(s.handler, "GET", "/storage/"+p.keys[i], ""); got.Code != http.StatusUnauthorized {
			w.fail("on %s anybody gets file %s: %d", s.name, p.id, got.Code)
		}
	}
}

func (w *filesWorld) sameContent(s *side, got *httptest.ResponseRecorder, ok bool) {
	w.t.Helper()
	if refused := got.Code == http.StatusForbidden || got.Code == http.StatusNotFound; ok && got.Body.String() != "a content" || !ok && !refused {
		w.fail("on %s the content: %d %q; the model expects it: %v", s.name, got.Code, got.Body, ok)
	}
}

// readPapers reads a record, and notes the links it shows.
func (w *filesWorld) readPapers() {
	a, r := w.human(), w.someRecord(w.cabinet)
	if r == nil {
		return
	}
	path := "/catalogs/" + w.cabinet.key + "/records/" + r.id()
	got := w.read(a, path, nil)
	if !w.opens(a, w.cabinet, got) {
		return
	}
	if !w.readable(a, r) {
		w.refused(got, "forbidden")
		return
	}
	w.expect(got, true)
	type shownFile struct {
		ID    int
		Title string
		URL   string
	}
	type shownPapers struct{ Values struct{ Files *[]shownFile } }
	files := parse[shownPapers](w.world, got).Values.Files
	if visible := w.visible(a, r, w.files); visible != (files != nil) {
		w.fail("the files are shown: %v, the model expects %v", files != nil, visible)
	}
	if files == nil || len(*files) == 0 {
		return
	}
	i := w.rng.IntN(len(*files))
	link := fileLink{of: w.papersOf(r)[i], until: w.clock.Now().Add(24 * time.Hour)}
	for n, s := range w.sides {
		whole := parse[shownPapers](w.world, answer{body: ask(s.handler, "GET", "/api/v1"+path, "", "Cookie", a.cookies[n]).Body.String()})
		file := (*whole.Values.Files)[i]
		if fmt.Sprint(file.ID) != link.of.id || file.Title != link.of.title {
			w.fail("file %d is %+v, the model expects %+v", i, file, link.of)
		}
		u, err := url.Parse(file.URL)
		if err != nil {
			w.fail("the link %q: %v", file.URL, err)
		}
		link.paths[n] = u.RequestURI()
	}
	w.links = append(w.links, link)
}

// followLink opens an address that was shown earlier: while its time lasts, it is
// for everybody who has it, until the file is detached or its record removed.
func (w *filesWorld) followLink() {
	if len(w.links) == 0 {
		return
	}
	l := pick(w.rng, w.links...)
	ok := w.clock.Now().Before(l.until) && l.of.at != nil && !l.of.at.removed
	for i, s := range w.sides {
		w.sameContent(s, ask(s.handler, "GET", l.paths[i], ""), ok)
	}
}

// listPapers lists the records with files.
func (w *filesWorld) listPapers() {
	a := w.human()
	got := w.read(a, "/catalogs/"+w.cabinet.key+"/records", url.Values{"filters": {`{"files":true}`}, "sortType": {"1"}})
	if !w.opens(a, w.cabinet, got) {
		return
	}
	if !w.shown(a, w.cabinet, w.files) {
		w.refused(got, "field_hidden")
		return
	}
	w.expect(got, true)
	want := []string{}
	for _, r := range w.cabinet.records {
		if !r.removed && len(w.papersOf(r)) > 0 && w.visible(a, r, w.files) {
			want = append(want, r.id())
		}
	}
	list := []string{}
	for _, r := range parse[[]struct{ ID string }](w.world, got) {
		list = append(list, r.ID)
	}
	if !slices.Equal(list, want) {
		w.fail("records with files: %v, the model expects %v", list, want)
	}
}

// dropRecord removes a record and makes another, whatever the rules are.
func (w *filesWorld) dropRecord() {
	r := w.someRecord(w.cabinet)
	if r == nil {
		return
	}
	fresh := &record{of: w.cabinet, num: w.cabinet.last + 1, values: map[*field]any{}}
	w.trace = append(w.trace, "DELETE record "+r.id()+" of the files, POST record "+fresh.id())
	n := query.Catalog(w.cabinet.num)
	for _, s := range w.sides {
		made, err := s.app.Catalog.Apply(w.t.Context(), system,
			[]catalog.Op{catalog.Delete{Catalog: n, Record: query.Key{Record: query.Record(r.num)}}, catalog.Create{Catalog: n}}, nil)
		if err != nil || int(made[1].Record) != fresh.num {
			w.fail("on %s: %v, %v", s.name, made, err)
		}
	}
	r.remove()
	w.cabinet.add(fresh)
}

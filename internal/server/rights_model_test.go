package server

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const rightsOps = 220 // operations per seed

// TestRightsModel gives employees random rights and drives the program, on
// SQLite and on PostgreSQL, with their random requests. Both must answer alike,
// as a simple model of the rights expects, and nothing that a model hides may
// occur anywhere in an answer.
func TestRightsModel(t *testing.T) {
	eachSeed(t, rightsOps, func(t *testing.T, seed uint64, ops int) {
		w := newRightsWorld(t, seed)
		w.furnish()
		w.keepColumns()
		for range ops {
			w.clock.pass(w.rng)
			w.stepRights()
		}
		w.check()
		w.usedColumns()
		t.Logf("%d requests compared", w.requests)
	})
}

// rightsWorld is a company with employees whose rights are random, and the model
// of both.
type rightsWorld struct {
	*world
	boss     *person // the administrator, whose requests are not compared
	people   []*person
	tokens   []*bearer
	groups   *cat       // whose records are role groups
	team     *field     // of the card, which makes them
	views    []*lawView // legal ones
	personal []*lawView
	rules    []*rightRule
	past     []*pastEntry
	messages []*chatMessage
	chats    map[chatOf]*chatState
	owners   map[string]mark
	marks    int
	requests int
}

func newRightsWorld(t *testing.T, seed uint64) *rightsWorld {
	return &rightsWorld{world: newWorld(t, seed), owners: map[string]mark{}, chats: map[chatOf]*chatState{}}
}

// mark is what a value that occurs once tells of.
type mark struct {
	r *record
	f *field // nil for a comment
}

// rightsSteps are what a step may be, with how often they come.
var rightsSteps = []struct {
	weight int
	do     func(*rightsWorld)
}{
	{6, (*rightsWorld).readStructure},
	{26, (*rightsWorld).listVisible},
	{12, (*rightsWorld).readVisible},
	{8, (*rightsWorld).createByRights},
	{14, (*rightsWorld).changeByRights},
	{6, (*rightsWorld).changeLinkedByRights},
	{4, (*rightsWorld).deleteByRights},
	{8, (*rightsWorld).editCard},
	{3, (*rightsWorld).commentByRights},
	{9, (*rightsWorld).postByRights},
	{5, (*rightsWorld).editByRights},
	{8, (*rightsWorld).readChat},
	{5, (*rightsWorld).chatOptions},
	{4, (*rightsWorld).readAttachment},
	{8, (*rightsWorld).readRelations},
	{7, (*rightsWorld).readCandidates},
	{6, (*rightsWorld).readFilterCandidates},
	{5, (*rightsWorld).readContacts},
	{9, (*rightsWorld).readPast},
	{12, (*rightsWorld).breakDown},
	{8, (*rightsWorld).breakDownBoard},
	{3, (*rightsWorld).readUsers},
	{5, (*rightsWorld).readViews},
	{2, (*rightsWorld).newPersonal},
	{2, (*rightsWorld).changeView},
	{3, (*rightsWorld).regroup},
	{4, (*rightsWorld).readRules},
	{6, (*rightsWorld).setRulesByRights},
	{8, (*rightsWorld).setSomeRules},
	{6, (*rightsWorld).explain},
}

func (w *rightsWorld) stepRights() {
	total := 0
	for _, s := range rightsSteps {
		total += s.weight
	}
	n := w.rng.IntN(total)
	for _, s := range rightsSteps {
		if n -= s.weight; n < 0 {
			s.do(w)
			return
		}
	}
}

// asker is a random employee, sometimes with a token.
func (w *rightsWorld) asker() asker {
	if w.chance(20) {
		b := pick(w.rng, w.tokens...)
		return asker{b.of, b}
	}
	return asker{person: pick(w.rng, w.people...)}
}

// reader is a random employee and a catalog, most often one in which he may view
// something.
func (w *rightsWorld) reader() (a asker, c *cat) {
	for range 3 {
		a, c = w.asker(), w.anyCatalog()
		if w.chance(20) || w.sees(a, c) && slices.ContainsFunc(c.records, func(r *record) bool { return w.readable(a, r) }) {
			break
		}
	}
	return a, c
}

// send makes a request as the asker.
func (w *rightsWorld) send(a asker, method, path string, params url.Values, body any) answer {
	w.t.Helper()
	w.requests++
	who := " as employee " + a.card.id()
	by := func(side int) (header, value string) { return "Cookie", a.cookies[side] }
	if a.token != nil {
		who += fmt.Sprintf(" by a token %v for %d catalogs", a.token.verbs, len(a.token.cats))
		by = func(side int) (header, value string) { return "Authorization", "Bearer " + a.token.secrets[side] }
	}
	return w.exchange(who, by, method, path, params, body)
}

// read is send for a request that changes nothing: what it must not tell is
// looked for at once.
func (w *rightsWorld) read(a asker, path string, params url.Values) answer {
	w.t.Helper()
	got := w.send(a, http.MethodGet, path, params, nil)
	w.noLeak(a, got, nil)
	return got
}

// write is send for a change, which apply makes of the model if it was allowed.
// The answer may tell what was to be known before or after.
func (w *rightsWorld) write(a asker, method, path string, body any, apply func(answer)) answer {
	w.t.Helper()
	got := w.send(a, method, path, nil, body)
	before := map[string]bool{}
	for _, text := range marks.FindAllString(got.body, -1) {
		if m, ok := w.owners[text]; ok {
			before[text] = w.tells(a, m)
		}
	}
	if got.status == http.StatusOK && apply != nil {
		apply(got)
	}
	w.noLeak(a, got, before)
	return got
}

var marks = regexp.MustCompile(`kw[abc]\d{4}k|777\d{5}0|2[1-9]\d\d-\d\d-\d\dT`)

// noLeak looks for what the asker must not know anywhere in an answer. What he
// said himself is no secret.
func (w *rightsWorld) noLeak(a asker, got answer, before map[string]bool) {
	w.t.Helper()
	for _, text := range marks.FindAllString(got.body+got.header, -1) {
		m, ok := w.owners[text]
		if !ok || before[text] || w.tells(a, m) || strings.Contains(w.trace[len(w.trace)-1], strings.TrimSuffix(text, "T")) {
			continue
		}
		what := "a comment on"
		if m.f != nil {
			what = "the field " + m.f.key + " of"
		}
		w.fail("the answer tells %s, of %s record %s of catalog %s: %s", text, what, m.r.id(), m.r.of.key, got.body)
	}
}

// tells tells whether the asker may know what a mark says. A title is for
// everybody whom no rule hides it from: links show it.
func (w *rightsWorld) tells(a asker, m mark) bool {
	switch {
	case m.f == nil:
		return w.readable(a, m.r)
	case m.f == m.r.of.titleField() && w.titled(a.person, m.r):
		return true
	}
	return w.visible(a, m.r, m.f)
}

// refused fails the run unless the request was refused with one of the codes.
func (w *rightsWorld) refused(got answer, codes ...string) {
	w.t.Helper()
	want := http.StatusForbidden
	switch codes[0] {
	case "validation_failed":
		want = http.StatusBadRequest
	case "not_found":
		want = http.StatusNotFound
	}
	if got.status != want || !slices.Contains(codes, parse[struct{ Code string }](w.world, got).Code) {
		w.fail("status %d, the model expects %d with the code %v: %s", got.status, want, codes, got.body)
	}
}

// opens tells whether the asker gets into a catalog to read, and fails the run
// if he got in and must not. What he is not to see is not looked at further.
func (w *rightsWorld) opens(a asker, c *cat, got answer) bool {
	w.t.Helper()
	switch {
	case !w.sees(a, c):
		w.refused(got, "forbidden")
	case !a.may(c, "read"):
		w.refused(got, "forbidden", "field_hidden")
	default:
		return true
	}
	return false
}

// same fails the run unless the answer has what the model expects.
func same[T any](w *rightsWorld, what string, got, want T) {
	w.t.Helper()
	if !agree(plain(w, got), plain(w, want)) {
		w.fail("%s: the answer has %s, the model expects %s\nthe rules:\n%s", what, asJSON(got), asJSON(want), w.describe())
	}
}

// plain is a value as JSON has it.
func plain(w *rightsWorld, v any) any { return parse[any](w.world, answer{body: asJSON(v)}) }

// agree compares values of JSON. What the model does not know agrees with
// everything.
func agree(got, want any) bool {
	switch want := want.(type) {
	case []any:
		list, ok := got.([]any)
		return ok && slices.EqualFunc(list, want, agree)
	case map[string]any:
		object, ok := got.(map[string]any)
		return ok && maps.EqualFunc(object, want, agree)
	}
	return want == unknown || got == want
}

// unknown is a text that the model does not know.
const unknown = "?"

// describe lists the rules for a failure.
func (w *rightsWorld) describe() string {
	var lines []string
	for _, r := range w.rules {
		fields := map[string]string{}
		for f, right := range r.fields {
			fields[f.key] = right.Code()
		}
		lines = append(lines, fmt.Sprintf("  %s on %s: %s %v", asJSON(r.subjectOf.json()), asJSON(r.thing.json()), r.privilege.Code(), fields))
	}
	slices.Sort(lines)
	for _, v := range w.views {
		lines = append(lines, fmt.Sprintf("  view %s of catalog %s: %s", v.key, v.of.key, asJSON(form(v.filter))))
	}
	return strings.Join(lines, "\n")
}

// anyCatalog is a random catalog.
func (w *rightsWorld) anyCatalog() *cat { return pick(w.rng, w.catalogs...) }

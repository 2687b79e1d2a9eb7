package catalog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"kartoteka/internal/query"
)

// The model: rules.md of the contract, sentence by sentence, slow and with no
// thought of databases.

const (
	modelSection query.Section = 3
	modelCatalog query.Catalog = 25
	modelRecords               = 6
	modelViews                 = 3
	modelFields                = 2
)

// modelWorld is rules about one catalog, its section, views and records.
type modelWorld struct {
	rules   []*Rule
	in      [modelRecords + 1][modelViews + 1]bool // record, view, from 1
	broken  [modelViews + 1]bool
	actor   []Subject
	persons int
}

func (w *modelWorld) rule(s Subject, o Object) *Rule {
	for _, r := range w.rules {
		if r.Subject == s && r.Object == o {
			return r
		}
	}
	return nil
}

// contains tells whether a record is in a view as far as a rule of that
// privilege is concerned.
func (w *modelWorld) contains(n, view int, p Privilege) bool {
	if w.broken[view] {
		return p == DenyPrivilege
	}
	return w.in[n][view]
}

// bySubject is step 1: the deepest level that has a rule of the subject wins.
func (w *modelWorld) bySubject(s Subject, n int) Privilege {
	if r := w.rule(s, Object{Catalog: modelCatalog, Record: query.Record(n)}); r != nil {
		return r.Privilege
	}
	var of []Privilege
	for v := 1; v <= modelViews; v++ {
		r := w.rule(s, Object{Catalog: modelCatalog, View: query.View(v)})
		if r != nil && w.contains(n, v, r.Privilege) {
			of = append(of, r.Privilege)
		}
	}
	if slices.Contains(of, DenyPrivilege) {
		return DenyPrivilege
	}
	if len(of) > 0 {
		return min(slices.Max(of), AccessPrivilege)
	}
	r := w.rule(s, Object{Catalog: modelCatalog})
	if r == nil {
		r = w.rule(s, Object{Section: modelSection})
	}
	if r == nil || r.Privilege < ViewPrivilege {
		return NoPrivilege
	}
	return min(r.Privilege, AccessPrivilege)
}

// on is step 2: the highest privilege wins, unless somebody is denied.
func (w *modelWorld) on(n int) Privilege {
	best := NoPrivilege
	for _, s := range w.actor {
		p := w.bySubject(s, n)
		if p == DenyPrivilege {
			return NoPrivilege
		}
		best = max(best, p)
	}
	return best
}

// entry is the nearest rule of the subject that names the field.
func (w *modelWorld) entry(s Subject, n int, f query.Field) (FieldRight, bool) {
	if r, ok := w.rule(s, Object{Catalog: modelCatalog, Record: query.Record(n)}).right(f); ok {
		return r, true
	}
	right, found := HideField, false
	for v := 1; v <= modelViews; v++ {
		rule := w.rule(s, Object{Catalog: modelCatalog, View: query.View(v)})
		if r, ok := rule.right(f); ok && w.contains(n, v, ViewPrivilege) {
			right, found = max(right, r), true
		}
	}
	if found {
		return right, true
	}
	if r, ok := w.rule(s, Object{Catalog: modelCatalog}).right(f); ok {
		return r, true
	}
	return w.rule(s, Object{Section: modelSection}).right(f)
}

func (w *modelWorld) field(n int, f query.Field) FieldRight {
	best := HideField
	for _, s := range w.actor {
		p := w.bySubject(s, n)
		if p < ViewPrivilege {
			continue
		}
		right, ok := w.entry(s, n, f)
		if !ok {
			right = ViewField
			if p >= EditPrivilege {
				right = EditField
			}
		}
		best = max(best, right)
	}
	return best
}

// titleShown: by the records' rights if it may be viewed; else it is shown
// unless a rule hides its field and none shows it.
func (w *modelWorld) titleShown(n int, f query.Field) bool {
	if w.on(n) >= ViewPrivilege {
		return w.field(n, f) >= ViewField
	}
	hidden := false
	for _, s := range w.actor {
		if right, ok := w.entry(s, n, f); ok && right >= ViewField {
			return true
		} else if ok {
			hidden = true
		}
	}
	return !hidden
}

// level is the privilege on the catalog itself: a rule on it, else that of the
// section, be it only that something inside is allowed.
func (w *modelWorld) level() Privilege {
	best := NoPrivilege
	for _, s := range w.actor {
		if r := w.rule(s, Object{Catalog: modelCatalog}); r != nil {
			best = max(best, r.Privilege)
			continue
		}
		if r := w.rule(s, Object{Section: modelSection}); r != nil {
			best = max(best, r.Privilege)
		}
		for _, r := range w.rules {
			if r.Subject == s && (r.View != 0 || r.Record != 0) && r.Privilege != DenyPrivilege {
				best = max(best, SearchPrivilege)
			}
		}
	}
	return best
}

// sectionLevel is the same of the section.
func (w *modelWorld) sectionLevel() Privilege {
	best := NoPrivilege
	for _, s := range w.actor {
		if r := w.rule(s, Object{Section: modelSection}); r != nil {
			best = max(best, r.Privilege)
			continue
		}
		for _, r := range w.rules {
			if r.Subject == s && r.Catalog != 0 && r.Privilege != DenyPrivilege {
				best = max(best, SearchPrivilege)
			}
		}
	}
	return best
}

// creating lists the rules by which the actor may make records, with the
// subject's general rules.
func (w *modelWorld) creating() (rules []*Rule) {
	for _, s := range w.actor {
		base := w.rule(s, Object{Catalog: modelCatalog})
		if base == nil {
			base = w.rule(s, Object{Section: modelSection})
		}
		if base != nil && base.Privilege >= CreatePrivilege {
			rules = append(rules, base)
		}
		for v := 1; v <= modelViews; v++ {
			if r := w.rule(s, Object{Catalog: modelCatalog, View: query.View(v)}); r != nil && r.Privilege >= CreatePrivilege {
				rules = append(rules, r)
			}
		}
	}
	return rules
}

func (w *modelWorld) created(f query.Field) FieldRight {
	best := HideField
	for _, r := range w.creating() {
		right, ok := r.right(f)
		for _, o := range []Object{{Catalog: modelCatalog}, {Section: modelSection}} {
			if !ok {
				right, ok = w.rule(r.Subject, o).right(f)
			}
		}
		if !ok {
			right = EditField
		}
		best = max(best, right)
	}
	return best
}

func randomWorld(rnd *rand.Rand) *modelWorld {
	w := &modelWorld{persons: 2}
	subjects := []Subject{{}, EmployeeSubject(1), EmployeeSubject(2), {Field: 9, Ref: 77}, {Field: 9, Ref: 78}}
	w.actor = []Subject{subjects[0], subjects[1]}
	for _, s := range subjects[3:] {
		if rnd.IntN(2) == 0 {
			w.actor = append(w.actor, s)
		}
	}
	for n := range w.in {
		for v := range w.in[n] {
			w.in[n][v] = rnd.IntN(2) == 0
		}
	}
	w.broken[1+rnd.IntN(modelViews)] = rnd.IntN(4) == 0
	objects := []Object{{Section: modelSection}, {Catalog: modelCatalog}}
	for v := 1; v <= modelViews; v++ {
		objects = append(objects, Object{Catalog: modelCatalog, View: query.View(v)})
	}
	for n := 1; n <= modelRecords; n++ {
		objects = append(objects, Object{Catalog: modelCatalog, Record: query.Record(n)})
	}
	for _, s := range subjects {
		for _, o := range objects {
			if rnd.IntN(3) == 0 {
				w.rules = append(w.rules, randomRule(rnd, s, o))
			}
		}
	}
	return w
}

func randomRule(rnd *rand.Rand, s Subject, o Object) *Rule {
	list := []Privilege{DenyPrivilege, ViewPrivilege, EditPrivilege, ExportPrivilege, DeletePrivilege, AccessPrivilege}
	if o.View != 0 {
		list = append(list, CreatePrivilege)
	}
	if o.View == 0 && o.Record == 0 {
		list = []Privilege{AvailablePrivilege, SearchPrivilege, ViewPrivilege, EditPrivilege, CreatePrivilege, DeletePrivilege, AdminPrivilege}
	}
	r := &Rule{Object: o, Subject: s, Privilege: list[rnd.IntN(len(list))]}
	if r.Privilege == DenyPrivilege || r.Privilege == AvailablePrivilege || o.Section != 0 || rnd.IntN(2) == 0 {
		return r
	}
	r.Fields = map[query.Field]FieldRight{}
	for f := 1; f <= modelFields; f++ {
		if rnd.IntN(2) == 0 {
			r.Fields[query.Field(f)] = FieldRight(rnd.IntN(3))
		}
	}
	return r
}

// holds evaluates a condition on record n; a test of field v is view v's.
func holds(n int, w *modelWorld, node query.Node) bool {
	switch node := node.(type) {
	case query.And:
		return !slices.ContainsFunc(node, func(e query.Node) bool { return !holds(n, w, e) })
	case query.Or:
		return slices.ContainsFunc(node, func(e query.Node) bool { return holds(n, w, e) })
	case query.Not:
		return !holds(n, w, node.Node)
	case query.Among:
		return slices.Contains(node, query.Key{Record: query.Record(n)})
	case query.Cond:
		return w.in[n][node.Field]
	}
	panic(fmt.Sprintf("a condition of type %T", node))
}

// realConditions are the conditions of the world's views, and what they are of.
type realConditions struct {
	conditions
	st       *Structure
	subjects []*subjectRules
}

// real is what the program makes of the world.
func (w *modelWorld) real() (*catalogAccess, *realConditions) {
	st := &Structure{
		sections: map[query.Section]*Section{modelSection: {Num: modelSection}},
		catalogs: map[query.Catalog]*Catalog{modelCatalog: {Num: modelCatalog, Section: modelSection}},
	}
	var views []*View
	for v := 1; v <= modelViews; v++ {
		views = append(views, &View{Num: query.View(v), Key: fmt.Sprint(v), Catalog: modelCatalog, Legal: true})
	}
	rights := newRights(st, w.rules, views)
	var subjects []*subjectRules
	for _, s := range w.actor {
		if rules := rights.subjects[s]; rules != nil {
			subjects = append(subjects, rules)
		}
	}
	ca := newCatalogAccess(st.catalogs[modelCatalog], subjects, rights)
	c := &realConditions{st: st, subjects: subjects}
	for _, v := range ca.views {
		if w.broken[v.Num] {
			c.in, c.denies = append(c.in, none), append(c.denies, all)
		} else {
			n := query.Cond{Field: query.Field(v.Num)}
			c.in, c.denies = append(c.in, n), append(c.denies, n)
		}
	}
	return ca, c
}

func (w *modelWorld) bits(ca *catalogAccess, n int) []viewIn {
	in := make([]viewIn, len(ca.views))
	for i, v := range ca.views {
		in[i] = viewIn{w.contains(n, int(v.Num), ViewPrivilege), w.contains(n, int(v.Num), DenyPrivilege)}
	}
	return in
}

// TestGrantModel compares the decisions and the conditions with the model, in
// random worlds.
func TestGrantModel(t *testing.T) {
	seed := rand.Uint64()
	for i := range uint64(5000) {
		rnd := rand.New(rand.NewPCG(seed, i))
		w := randomWorld(rnd)
		if problem := w.compare(); problem != "" {
			t.Fatalf("seed %d, world %d: %s\nactor %v\nrules %s\nviews %v broken %v", seed, i, problem, w.actor, describe(w.rules), w.in, w.broken)
		}
	}
}

func describe(rules []*Rule) (s string) {
	for _, r := range rules {
		s += fmt.Sprintf("%+v %+v %s %v\n", r.Subject, r.Object, r.Privilege.Code(), r.Fields)
	}
	return s
}

func (w *modelWorld) compare() string {
	ca, c := w.real()
	e := &employeeRules{st: c.st, subjects: c.subjects}
	if got, want := ca.level, w.level(); got != want {
		return fmt.Sprintf("level %q, want %q", got.Code(), want.Code())
	}
	if got, want := e.section(modelSection), w.sectionLevel(); got != want {
		return fmt.Sprintf("level of the section %q, want %q", got.Code(), want.Code())
	}
	if got, want := ca.creates, len(w.creating()) > 0; got != want {
		return fmt.Sprintf("creates %t", got)
	}
	for f := query.Field(1); f <= modelFields; f++ {
		if got, want := ca.created(f), w.created(f); got != want {
			return fmt.Sprintf("field %d of a new record: %d, want %d", f, got, want)
		}
	}
	for n := 1; n <= modelRecords; n++ {
		in := w.bits(ca, n)
		want := w.on(n)
		if got := ca.on(query.Record(n), in); got != want {
			return fmt.Sprintf("privilege on %d: got %q, want %q", n, got.Code(), want.Code())
		}
		for _, p := range []Privilege{ViewPrivilege, EditPrivilege, ExportPrivilege, DeletePrivilege, AccessPrivilege} {
			if got := holds(n, w, ca.where(p, &c.conditions)); got != (want >= p) {
				return fmt.Sprintf("condition of %s on %d: %t", p.Code(), n, got)
			}
		}
		for f := query.Field(1); f <= modelFields; f++ {
			right := w.field(n, f)
			if got := ca.fieldOn(f, query.Record(n), in); want >= ViewPrivilege && got != right {
				return fmt.Sprintf("right on field %d of %d: got %d, want %d", f, n, got, right)
			}
			if got := holds(n, w, ca.visible(f, &c.conditions)); want >= ViewPrivilege && got != (right >= ViewField) {
				return fmt.Sprintf("condition of field %d on %d: %t", f, n, got)
			}
			shown := w.titleShown(n, f)
			if got := !ca.hidesTitle(f, query.Record(n), in); got != shown {
				return fmt.Sprintf("title by field %d of %d shown: %t", f, n, got)
			}
			if got := holds(n, w, ca.titled(f, &c.conditions)); got != shown {
				return fmt.Sprintf("condition of a title by field %d of %d: %t", f, n, got)
			}
			if ca.best(f) < right && want >= ViewPrivilege {
				return fmt.Sprintf("field %d of %d: right %d, at best %d", f, n, right, ca.best(f))
			}
		}
	}
	return ""
}

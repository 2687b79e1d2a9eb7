package server

import (
	"slices"

	"kartoteka/internal/catalog"
)

// The model of the rights: rights.md of the contract, sentence by sentence, one
// record at a time, with no thought of speed.

// subjectOf is who a rule is about: everybody, one employee, or those whose card
// links a record in its field "team".
type subjectOf struct {
	person *person
	group  *record
}

// thing is what a rule is about: one of them; a record's catalog goes without
// saying.
type thing struct {
	section *section
	cat     *cat
	view    *lawView
	record  *record
}

type rightRule struct {
	subjectOf
	thing
	privilege catalog.Privilege
	fields    map[*field]catalog.FieldRight
}

// lawView is a legal view, or the personal one of its owner.
type lawView struct {
	key    string
	name   string
	of     *cat
	owner  *person // nil for a legal one
	filter []rightsCond
}

// person is an employee with a login.
type person struct {
	card    *record
	groups  []*record
	cookies []string // one per side
}

// bearer is a token of a person's. No catalogs stand for all.
type bearer struct {
	of      *person
	verbs   []string
	cats    []*cat
	secrets []string // one per side
}

// asker is who makes a request: a person, perhaps with a token.
type asker struct {
	*person
	token *bearer
}

// in is the catalog that a rule's object is in or is; nil for a section.
func (o thing) in() *cat {
	switch {
	case o.view != nil:
		return o.view.of
	case o.record != nil:
		return o.record.of
	}
	return o.cat
}

func (r *rightRule) right(f *field) (right catalog.FieldRight, ok bool) {
	if r == nil {
		return catalog.HideField, false
	}
	right, ok = r.fields[f]
	return right, ok
}

func (w *rightsWorld) rule(s subjectOf, o thing) *rightRule {
	for _, r := range w.rules {
		if r.subjectOf == s && r.thing == o {
			return r
		}
	}
	return nil
}

// subjects are those that an employee is: a group whose record is gone has no
// members.
func (w *rightsWorld) subjects(p *person) []subjectOf {
	list := []subjectOf{{}, {person: p}}
	for _, g := range p.groups {
		if !g.removed {
			list = append(list, subjectOf{group: g})
		}
	}
	return list
}

// contains tells whether a record is in a view as the employee sees it, or was
// when it was removed: what was hidden then stays hidden.
func (w *rightsWorld) contains(v *lawView, p *person, r *record) bool {
	return v.of == r.of && w.holds(v.filter, p, nil, r)
}

// base is the subject's nearest rule on the catalog or else its section.
func (w *rightsWorld) base(s subjectOf, c *cat) catalog.Privilege {
	r := w.rule(s, thing{cat: c})
	if r == nil {
		r = w.rule(s, thing{section: c.section})
	}
	if r == nil {
		return catalog.NoPrivilege
	}
	return r.privilege
}

// granting is what is left of a privilege for records.
func granting(p catalog.Privilege) catalog.Privilege {
	if p < catalog.ViewPrivilege {
		return catalog.NoPrivilege
	}
	return min(p, catalog.AccessPrivilege)
}

// bySubject: the deepest level that has a direct rule of the subject wins.
func (w *rightsWorld) bySubject(p *person, s subjectOf, r *record) catalog.Privilege {
	if rule := w.rule(s, thing{record: r}); rule != nil {
		return rule.privilege
	}
	var found []catalog.Privilege
	for _, v := range w.views {
		if rule := w.rule(s, thing{view: v}); rule != nil && w.contains(v, p, r) {
			found = append(found, rule.privilege)
		}
	}
	switch {
	case slices.Contains(found, catalog.DenyPrivilege):
		return catalog.DenyPrivilege
	case len(found) > 0:
		return slices.Max(found)
	}
	return granting(w.base(s, r.of))
}

// on: the highest privilege of all subjects wins, unless one is denied.
func (w *rightsWorld) on(p *person, r *record) catalog.Privilege {
	best := catalog.NoPrivilege
	for _, s := range w.subjects(p) {
		got := w.bySubject(p, s, r)
		if got == catalog.DenyPrivilege {
			return catalog.NoPrivilege
		}
		best = max(best, got)
	}
	return best
}

// entry is what the subject's nearest rule that names the field says.
func (w *rightsWorld) entry(p *person, s subjectOf, r *record, f *field) (right catalog.FieldRight, ok bool) {
	if right, ok = w.rule(s, thing{record: r}).right(f); ok {
		return right, true
	}
	best, some := catalog.HideField, false
	for _, v := range w.views {
		if right, ok := w.rule(s, thing{view: v}).right(f); ok && w.contains(v, p, r) {
			best, some = max(best, right), true
		}
	}
	if some {
		return best, true
	}
	return w.rule(s, thing{cat: r.of}).right(f)
}

func implied(p catalog.Privilege) catalog.FieldRight {
	if p >= catalog.EditPrivilege {
		return catalog.EditField
	}
	return catalog.ViewField
}

// fieldOn is the right on a field of a record: the best of the subjects that may
// view it.
func (w *rightsWorld) fieldOn(p *person, r *record, f *field) catalog.FieldRight {
	best := catalog.HideField
	for _, s := range w.subjects(p) {
		got := w.bySubject(p, s, r)
		if got < catalog.ViewPrivilege {
			continue
		}
		right, ok := w.entry(p, s, r, f)
		if !ok {
			right = implied(got)
		}
		best = max(best, right)
	}
	return best
}

// titled tells whether a record is called by its title: as its field is shown if
// the record may be viewed; else unless a rule hides it and none shows it.
func (w *rightsWorld) titled(p *person, r *record) bool {
	f := r.of.titleField()
	if w.on(p, r) >= catalog.ViewPrivilege {
		return w.fieldOn(p, r, f) >= catalog.ViewField
	}
	hidden := false
	for _, s := range w.subjects(p) {
		if right, ok := w.entry(p, s, r, f); ok && right >= catalog.ViewField {
			return true
		} else if ok {
			hidden = true
		}
	}
	return !hidden
}

// doubtful tells whether the model does not know if something of a removed record
// is shown: a rule names the field, and the record is in no view any more.
func (w *rightsWorld) doubtful(p *person, r *record, f *field) bool {
	return r.removed && w.named(p, f)
}

// title is what an employee sees as the title.
func (w *rightsWorld) title(p *person, r *record) string {
	if w.doubtful(p, r, r.of.titleField()) {
		return unknown
	}
	if w.titled(p, r) {
		return r.shownTitle()
	}
	return "#" + r.id()
}

// inside tells whether some rule of the subject allows something in a catalog,
// or in a section, beyond the object itself.
func (w *rightsWorld) inside(s subjectOf, c *cat, t *section) bool {
	return slices.ContainsFunc(w.rules, func(r *rightRule) bool {
		at := r.in()
		switch {
		case r.subjectOf != s || at == nil || r.privilege == catalog.DenyPrivilege:
			return false
		case t != nil:
			return at.section == t
		}
		return at == c && r.cat == nil
	})
}

// may tells whether the asker's token allows such work in a catalog.
func (a asker) may(c *cat, verbs ...string) bool {
	if a.token != nil && c.system && !slices.Contains(verbs, "read") && !a.allows("admin") {
		return false // to write employees is administration
	}
	return a.token == nil || a.token.covers(c) && a.allows(verbs...)
}

func (a asker) allows(verbs ...string) bool {
	return a.token == nil || slices.ContainsFunc(verbs, func(v string) bool {
		return slices.Contains(a.token.verbs, v) && (v != "admin" || a.token.cats == nil)
	})
}

func (b *bearer) covers(c *cat) bool { return b.cats == nil || slices.Contains(b.cats, c) }

// most is the highest privilege that the token's verbs leave.
func (a asker) most() catalog.Privilege {
	switch {
	case a.allows("admin"):
		return catalog.AdminPrivilege
	case a.allows("delete"):
		return catalog.DeletePrivilege
	case a.allows("create"):
		return catalog.CreatePrivilege
	case a.allows("update"):
		return catalog.EditPrivilege
	}
	return catalog.ViewPrivilege
}

func (a asker) limit(c *cat) catalog.Privilege {
	if a.token != nil && !a.token.covers(c) {
		return catalog.NoPrivilege
	}
	if c.system && !a.allows("admin") {
		return catalog.ViewPrivilege
	}
	return a.most()
}

// level is the privilege on a catalog: by a rule on it, else on the section, but
// at least that something in it is allowed.
func (w *rightsWorld) level(a asker, c *cat) catalog.Privilege {
	best := catalog.NoPrivilege
	for _, s := range w.subjects(a.person) {
		best = max(best, w.base(s, c))
		if w.rule(s, thing{cat: c}) == nil && w.inside(s, c, nil) {
			best = max(best, catalog.SearchPrivilege)
		}
	}
	return min(best, a.limit(c))
}

func (w *rightsWorld) sectionLevel(a asker, t *section) catalog.Privilege {
	best := catalog.NoPrivilege
	for _, s := range w.subjects(a.person) {
		if r := w.rule(s, thing{section: t}); r != nil {
			best = max(best, r.privilege)
		} else if w.inside(s, nil, t) {
			best = max(best, catalog.SearchPrivilege)
		}
	}
	if a.token == nil || a.token.cats == nil {
		return min(best, a.most())
	}
	if slices.ContainsFunc(w.allCatalogs(), func(c *cat) bool { return c.section == t && w.sees(a, c) }) {
		return min(best, catalog.SearchPrivilege)
	}
	return catalog.NoPrivilege
}

// allCatalogs are the catalogs with that of the employees.
func (w *rightsWorld) allCatalogs() []*cat { return append(slices.Clone(w.catalogs), w.users) }

func (w *rightsWorld) sees(a asker, c *cat) bool { return w.level(a, c) >= catalog.AvailablePrivilege }

func (w *rightsWorld) viewLevel(a asker, v *lawView) catalog.Privilege {
	switch v.owner {
	case nil:
	case a.person:
		return min(catalog.AccessPrivilege, a.limit(v.of))
	default:
		return catalog.NoPrivilege
	}
	best := catalog.NoPrivilege
	for _, s := range w.subjects(a.person) {
		got := w.base(s, v.of)
		if r := w.rule(s, thing{view: v}); r != nil {
			got = r.privilege
		}
		best = max(best, min(got, catalog.AccessPrivilege))
	}
	return min(best, a.limit(v.of))
}

// privilege is the asker's on a record.
func (w *rightsWorld) privilege(a asker, r *record) catalog.Privilege {
	return min(w.on(a.person, r), a.limit(r.of))
}

// readable tells whether the asker may read a record.
func (w *rightsWorld) readable(a asker, r *record) bool {
	return a.may(r.of, "read") && w.privilege(a, r) >= catalog.ViewPrivilege
}

// right is the asker's on a field of a record.
func (w *rightsWorld) right(a asker, r *record, f *field) catalog.FieldRight {
	return min(w.fieldOn(a.person, r, f), a.fieldLimit(r.of, "update"))
}

func (a asker) fieldLimit(c *cat, verbs ...string) catalog.FieldRight {
	switch {
	case a.may(c, verbs...):
		return catalog.EditField
	case a.token.covers(c):
		return catalog.ViewField
	}
	return catalog.HideField
}

// visible tells whether a field of a record may be read.
func (w *rightsWorld) visible(a asker, r *record, f *field) bool {
	return w.readable(a, r) && w.right(a, r, f) >= catalog.ViewField
}

// granters are the rules of a subject that let it view some records of a
// catalog, or make some.
func (w *rightsWorld) granters(s subjectOf, c *cat, least catalog.Privilege) (list []*rightRule) {
	for _, r := range w.rules {
		if r.subjectOf != s || r.privilege < least {
			continue
		}
		switch {
		case r.section != nil && r.section == c.section && w.rule(s, thing{cat: c}) == nil,
			r.in() == c && r.cat != nil, r.in() == c && r.view != nil, r.in() == c && r.record != nil && least < catalog.CreatePrivilege:
			list = append(list, r)
		}
	}
	return list
}

// bestBy is the highest right on a field by some rules: what they say of it, else
// the catalog's rule of the same subject, else what their privilege implies.
func (w *rightsWorld) bestBy(rules []*rightRule, c *cat, f *field) catalog.FieldRight {
	best := catalog.HideField
	for _, r := range rules {
		right, ok := r.right(f)
		if !ok {
			right, ok = w.rule(r.subjectOf, thing{cat: c}).right(f)
		}
		if !ok {
			right = implied(r.privilege)
		}
		best = max(best, right)
	}
	return best
}

// named tells whether some rule of the employee's names a field.
func (w *rightsWorld) named(p *person, f *field) bool {
	subjects := w.subjects(p)
	return slices.ContainsFunc(w.rules, func(r *rightRule) bool {
		_, ok := r.right(f)
		return ok && slices.Contains(subjects, r.subjectOf)
	})
}

// shown tells whether a field is not hidden on every record: no rule hides it,
// or one may show it.
func (w *rightsWorld) shown(a asker, c *cat, f *field) bool {
	if a.limit(c) < catalog.AvailablePrivilege {
		return false
	}
	if !w.named(a.person, f) {
		return true
	}
	return slices.ContainsFunc(w.subjects(a.person), func(s subjectOf) bool {
		return w.bestBy(w.granters(s, c, catalog.ViewPrivilege), c, f) >= catalog.ViewField
	})
}

func (w *rightsWorld) creates(a asker, c *cat) bool {
	return a.may(c, "create") && slices.ContainsFunc(w.subjects(a.person), func(s subjectOf) bool {
		return len(w.granters(s, c, catalog.CreatePrivilege)) > 0
	})
}

// settable is the right on a field of a new record: the best of the rules that
// let the asker make one.
func (w *rightsWorld) settable(a asker, c *cat, f *field) catalog.FieldRight {
	best := catalog.HideField
	for _, s := range w.subjects(a.person) {
		best = max(best, w.bestBy(w.granters(s, c, catalog.CreatePrivilege), c, f))
	}
	return min(best, a.fieldLimit(c, "create"))
}

// known tells whether the catalog's list of fields has one: of some record it is
// shown, or it can be set.
func (w *rightsWorld) known(a asker, c *cat, f *field) bool {
	switch {
	case a.token != nil && !a.token.covers(c):
		return false
	case !w.named(a.person, f):
		return true
	}
	return w.shown(a, c, f) || w.settable(asker{person: a.person}, c, f) >= catalog.ViewField
}

// atCatalog is the right on a field by the rules on the catalog and its section:
// of the subjects that may view records by them, else of all. What is hidden on
// every record is hidden.
func (w *rightsWorld) atCatalog(p *person, c *cat, f *field) catalog.FieldRight {
	if !w.known(asker{person: p}, c, f) {
		return catalog.HideField
	}
	granted, other, some := catalog.HideField, catalog.HideField, false
	for _, s := range w.subjects(p) {
		base := w.base(s, c)
		right, ok := w.rule(s, thing{cat: c}).right(f)
		if !ok {
			right = implied(base)
		}
		switch {
		case base >= catalog.ViewPrivilege:
			granted, some = max(granted, right), true
		case slices.ContainsFunc(w.rules, func(r *rightRule) bool {
			return r.subjectOf == s && (r.in() == c || r.section == c.section)
		}):
			other = max(other, right)
		}
	}
	if some {
		return granted
	}
	return other
}

package catalog

import (
	"slices"
	"sync/atomic"

	"kartoteka/internal/query"
)

// This file is the rights of records: rules.md of the contract, "Effective
// privilege on a record" and "Field privileges". The same is written three
// times over: on decides for one record whose views are known, where and
// visible say it as conditions for the database. A model in the tests compares
// them.

// grantor is a subject of the actor with the rules that bear on one catalog.
type grantor struct {
	base   Privilege // of every record by the catalog's rule, or else the section's
	near   *Rule     // on the catalog, nil for none
	far    *Rule     // on the section
	views  []viewRule
	record map[query.Record]*Rule
}

// viewRule is a rule on the legal view that is the index of catalogAccess.views.
type viewRule struct {
	view int
	rule *Rule
}

// catalogAccess is what an actor may do in one catalog.
type catalogAccess struct {
	catalog *Catalog
	level   Privilege // on the catalog itself
	creates bool
	// grantors are the subjects of the actor that have a rule on the catalog, in
	// it, or on its section.
	grantors []grantor
	views    []*View // that the rules name
	// restricted are the fields that some rule has a right on; never those of
	// them that no rule shows on any record.
	restricted, never map[query.Field]bool
	timed             atomic.Pointer[timedConditions]
}

// viewIn is which of the views a record is in. A view that cannot be evaluated
// is in nothing for those who get by it and in everything for those whom it
// shuts out.
type viewIn struct{ in, denies bool }

func newCatalogAccess(c *Catalog, subjects []*subjectRules, r *rights) *catalogAccess {
	ca := &catalogAccess{catalog: c, restricted: map[query.Field]bool{}, never: map[query.Field]bool{}}
	at := map[query.View]int{}
	for _, s := range subjects {
		ca.level = max(ca.level, s.catalog(c))
		g := grantor{near: s.catalogs[c.Num], far: s.sections[c.Section]}
		switch {
		case g.near != nil:
			g.base = g.near.Privilege
		case g.far != nil:
			g.base = g.far.Privilege
		}
		ca.creates = ca.creates || g.base >= CreatePrivilege
		if g.base < ViewPrivilege {
			g.base = NoPrivilege
		}
		g.base = min(g.base, AccessPrivilege)
		if in := s.inside[c.Num]; in != nil {
			g.record = in.records
			for _, rule := range in.views {
				i, known := at[rule.View]
				if !known {
					i = len(ca.views)
					at[rule.View] = i
					ca.views = append(ca.views, r.views[rule.View])
				}
				g.views = append(g.views, viewRule{i, rule})
				ca.creates = ca.creates || rule.Privilege >= CreatePrivilege
			}
		}
		if g.near != nil || g.far != nil || len(g.views) > 0 || len(g.record) > 0 {
			ca.note(&g)
			ca.grantors = append(ca.grantors, g)
		}
	}
	for f := range ca.restricted {
		ca.never[f] = ca.bestOn(f) == HideField
	}
	return ca
}

// note keeps which fields the rules of a grantor name.
func (ca *catalogAccess) note(g *grantor) {
	add := func(r *Rule) {
		if r != nil {
			for f := range r.Fields {
				ca.restricted[f] = true
			}
		}
	}
	add(g.near)
	add(g.far)
	for _, v := range g.views {
		add(v.rule)
	}
	for _, r := range g.record {
		add(r)
	}
}

// on is the grantor's privilege on a record.
func (g *grantor) on(n query.Record, in []viewIn) Privilege {
	if rule := g.record[n]; rule != nil {
		return rule.Privilege
	}
	p, some := NoPrivilege, false
	for _, v := range g.views {
		switch {
		case v.rule.Privilege == DenyPrivilege && in[v.view].denies:
			return DenyPrivilege
		case in[v.view].in:
			p, some = max(p, v.rule.Privilege), true
		}
	}
	if some {
		return p
	}
	return g.base
}

// right is the grantor's right on a field of a record on which it has privilege
// p: the nearest rule that names the field decides.
func (g *grantor) right(f query.Field, n query.Record, p Privilege, in []viewIn) FieldRight {
	if r, ok := g.own(f, n, in); ok {
		return r
	}
	return implied(p)
}

// own is the right that the nearest rule of the grantor's that names the field
// gives on a record.
func (g *grantor) own(f query.Field, n query.Record, in []viewIn) (right FieldRight, some bool) {
	if r, ok := g.record[n].right(f); ok {
		return r, true
	}
	for _, v := range g.views {
		if r, ok := v.rule.right(f); ok && in[v.view].in {
			right, some = max(right, r), true
		}
	}
	if some {
		return right, true
	}
	if r, ok := g.near.right(f); ok {
		return r, true
	}
	return g.far.right(f)
}

// general is the right by the rules on the catalog and the section.
func (g *grantor) general(f query.Field, p Privilege) FieldRight {
	if r, ok := g.near.right(f); ok {
		return r
	}
	if r, ok := g.far.right(f); ok {
		return r
	}
	return implied(p)
}

// implied is the right on fields that no rule names.
func implied(p Privilege) FieldRight {
	if p >= EditPrivilege {
		return EditField
	}
	return ViewField
}

// right is the rule's own right on a field; a nil rule has none.
func (r *Rule) right(f query.Field) (FieldRight, bool) {
	if r == nil || r.Fields == nil {
		return HideField, false
	}
	right, ok := r.Fields[f]
	return right, ok
}

// on is the actor's privilege on a record: NoPrivilege where it is denied.
func (ca *catalogAccess) on(n query.Record, in []viewIn) Privilege {
	best := NoPrivilege
	for i := range ca.grantors {
		p := ca.grantors[i].on(n, in)
		if p == DenyPrivilege {
			return NoPrivilege
		}
		best = max(best, p)
	}
	return best
}

// fieldOn is the actor's right on a field of a record.
func (ca *catalogAccess) fieldOn(f query.Field, n query.Record, in []viewIn) FieldRight {
	best := HideField
	for i := range ca.grantors {
		g := &ca.grantors[i]
		if p := g.on(n, in); p >= ViewPrivilege {
			best = max(best, g.right(f, n, p, in))
		}
	}
	return best
}

// hidesTitle tells whether a record that the actor may see the title of, be it
// by a link, is shown under its number: a rule hides the title's field, and no
// rule that lets him view the record, or else no rule at all, shows it.
func (ca *catalogAccess) hidesTitle(f query.Field, n query.Record, in []viewIn) bool {
	if ca.on(n, in) >= ViewPrivilege {
		return ca.fieldOn(f, n, in) < ViewField
	}
	hidden := false
	for i := range ca.grantors {
		switch right, ok := ca.grantors[i].own(f, n, in); {
		case ok && right >= ViewField:
			return false
		case ok:
			hidden = true
		}
	}
	return hidden
}

// created is the right on a field of a record that is to be made: the best that
// the rules which allow creating give.
func (ca *catalogAccess) created(f query.Field) FieldRight {
	best := HideField
	for i := range ca.grantors {
		g := &ca.grantors[i]
		if g.base >= CreatePrivilege {
			best = max(best, g.general(f, g.base))
		}
		for _, v := range g.views {
			if v.rule.Privilege < CreatePrivilege {
				continue
			}
			best = max(best, g.ownOrGeneral(v.rule, f))
		}
	}
	return best
}

// best is the right on a field that the actor has at most, on any record.
func (ca *catalogAccess) best(f query.Field) FieldRight {
	if !ca.restricted[f] {
		return EditField // as far as the records' privileges go
	}
	return max(ca.created(f), ca.bestOn(f))
}

// bestOn is the best right on a restricted field that there is on any record.
func (ca *catalogAccess) bestOn(f query.Field) FieldRight {
	best := HideField
	for i := range ca.grantors {
		g := &ca.grantors[i]
		if g.base >= ViewPrivilege {
			best = max(best, g.general(f, g.base))
		}
		for _, v := range g.views {
			if v.rule.Privilege >= ViewPrivilege {
				best = max(best, g.ownOrGeneral(v.rule, f))
			}
		}
		for _, r := range g.record {
			if r.Privilege >= ViewPrivilege {
				best = max(best, g.ownOrGeneral(r, f))
			}
		}
	}
	return best
}

// atCatalog is the right on a field by the rules on the catalog and its section:
// the best of those who may view records by them, else of all. A field that no
// rule shows on any record is hidden.
func (ca *catalogAccess) atCatalog(f query.Field) FieldRight {
	if ca.best(f) == HideField {
		return HideField
	}
	granted, other, some := HideField, HideField, false
	for i := range ca.grantors {
		g := &ca.grantors[i]
		if g.base >= ViewPrivilege {
			granted, some = max(granted, g.general(f, g.base)), true
		} else {
			other = max(other, g.general(f, ViewPrivilege))
		}
	}
	if some {
		return granted
	}
	return other
}

func (g *grantor) ownOrGeneral(r *Rule, f query.Field) FieldRight {
	if right, ok := r.right(f); ok {
		return right
	}
	return g.general(f, r.Privilege)
}

// conditions are the views of a catalogAccess as conditions for one actor at
// one moment.
type conditions struct {
	in     []query.Node // of those who get by the view
	denies []query.Node // of those whom it shuts out
}

// granted is the condition that the grantor has the privilege on a record, its
// denials left out.
func (g *grantor) granted(p Privilege, c *conditions) query.Node {
	var named, given query.Among
	for n, rule := range g.record {
		key := query.Key{Record: n}
		named = append(named, key)
		if rule.Privilege >= p {
			given = append(given, key)
		}
	}
	high, low := none, none
	for _, v := range g.views {
		switch in := c.in[v.view]; {
		case v.rule.Privilege == DenyPrivilege:
		case v.rule.Privilege >= p:
			high = either(high, in)
		default:
			low = either(low, in)
		}
	}
	base := none
	if g.base >= p {
		base = not(low)
	}
	return either(among(given), both(not(among(named)), either(high, base)))
}

// denied is the condition that the grantor is denied a record.
func (g *grantor) denied(c *conditions) query.Node {
	var named, given query.Among
	for n, rule := range g.record {
		key := query.Key{Record: n}
		named = append(named, key)
		if rule.Privilege == DenyPrivilege {
			given = append(given, key)
		}
	}
	deny := none
	for _, v := range g.views {
		if v.rule.Privilege == DenyPrivilege {
			deny = either(deny, c.denies[v.view])
		}
	}
	return either(among(given), both(not(among(named)), deny))
}

// where is the condition that the actor has the privilege on a record.
func (ca *catalogAccess) where(p Privilege, c *conditions) query.Node {
	granted, denied := none, none
	for i := range ca.grantors {
		granted = either(granted, ca.grantors[i].granted(p, c))
		denied = either(denied, ca.grantors[i].denied(c))
	}
	return both(granted, not(denied))
}

// fieldRules are where a grantor's rules inside a catalog show a field, and
// where they hide it.
type fieldRules struct {
	shown, hidden query.Among // by rules on the records
	high, low     query.Node  // in views whose rules show it, and hide it
}

func (g *grantor) fieldRules(f query.Field, c *conditions) fieldRules {
	r := fieldRules{high: none, low: none}
	for n, rule := range g.record {
		switch right, ok := rule.right(f); {
		case ok && right == HideField:
			r.hidden = append(r.hidden, query.Key{Record: n})
		case ok:
			r.shown = append(r.shown, query.Key{Record: n})
		}
	}
	for _, v := range g.views {
		switch right, ok := v.rule.right(f); {
		case ok && right == HideField:
			r.low = either(r.low, c.in[v.view])
		case ok:
			r.high = either(r.high, c.in[v.view])
		}
	}
	return r
}

// shows is the condition that, by the grantor's rules, a record's field is not
// hidden.
func (g *grantor) shows(f query.Field, c *conditions) query.Node {
	r := g.fieldRules(f, c)
	base := none
	if g.general(f, ViewPrivilege) >= ViewField {
		base = not(r.low)
	}
	return either(among(r.shown), both(not(among(r.hidden)), either(r.high, base)))
}

// visible is the condition that the actor sees a field of a record that may be
// viewed at all; all where that is so of each such record.
func (ca *catalogAccess) visible(f query.Field, c *conditions) query.Node {
	switch {
	case !ca.restricted[f]:
		return all
	case ca.never[f]:
		return none
	}
	visible, everywhere := none, true
	for i := range ca.grantors {
		g := &ca.grantors[i]
		granted := g.granted(ViewPrivilege, c)
		if isNone(granted) {
			continue
		}
		shows := g.shows(f, c)
		everywhere = everywhere && isAll(shows)
		visible = either(visible, both(granted, shows))
	}
	if everywhere && !isNone(visible) {
		return all
	}
	return visible
}

// owns says where the nearest rule of the grantor's that names a field shows it,
// and where it hides it.
func (g *grantor) owns(f query.Field, c *conditions) (shown, hidden query.Node) {
	r := g.fieldRules(f, c)
	named := slices.Concat(r.shown, r.hidden)
	generalShown, generalHidden := none, none
	for _, rule := range []*Rule{g.near, g.far} {
		if right, ok := rule.right(f); ok {
			generalShown, generalHidden = all, none
			if right == HideField {
				generalShown, generalHidden = none, all
			}
			break
		}
	}
	elsewhere := not(either(r.high, r.low))
	shown = either(among(r.shown), both(not(among(named)), either(r.high, both(elsewhere, generalShown))))
	hidden = either(among(r.hidden), both(not(among(named)), either(both(not(r.high), r.low), both(elsewhere, generalHidden))))
	return shown, hidden
}

// titled is where a record's title is shown, see hidesTitle.
func (ca *catalogAccess) titled(f query.Field, c *conditions) query.Node {
	if !ca.restricted[f] {
		return all
	}
	viewed := ca.where(ViewPrivilege, c)
	visible := ca.visible(f, c)
	shown, hidden := none, none
	for i := range ca.grantors {
		s, h := ca.grantors[i].owns(f, c)
		shown, hidden = either(shown, s), either(hidden, h)
	}
	return either(both(viewed, visible), both(not(viewed), either(shown, not(hidden))))
}

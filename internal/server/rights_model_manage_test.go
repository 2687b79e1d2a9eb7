package server

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"kartoteka/internal/catalog"
)

func (s subjectOf) json() map[string]any {
	switch {
	case s.person != nil:
		return map[string]any{"userAttr": "id", "catalogId": "$users", "recordId": s.person.card.id()}
	case s.group != nil:
		return map[string]any{"userAttr": "team", "catalogId": s.group.of.key, "recordId": s.group.id()}
	}
	return map[string]any{"userAttr": "allUsers", "catalogId": nil, "recordId": nil}
}

func (o thing) json() map[string]any {
	switch {
	case o.section != nil:
		return map[string]any{"sectionId": o.section.key}
	case o.view != nil:
		return map[string]any{"catalogId": o.view.of.key, "viewId": o.view.key}
	case o.record != nil:
		return map[string]any{"catalogId": o.record.of.key, "recordId": o.record.id()}
	}
	return map[string]any{"catalogId": o.cat.key}
}

func (r *rightRule) fieldCodes() map[string]string {
	fields := map[string]string{}
	for f, right := range r.fields {
		fields[f.key] = right.Code()
	}
	return fields
}

func bodyOf(o thing, rules []*rightRule) map[string]any {
	list := []any{}
	for _, r := range rules {
		list = append(list, map[string]any{"rightSubject": r.subjectOf.json(), "privilegeCode": r.privilege.Code(), "fields": r.fieldCodes()})
	}
	return map[string]any{"object": o.json(), "rules": list}
}

// randomRules are rules of an object for some of the subjects. The administrator
// keeps the sections.
func (w *rightsWorld) randomRules(o thing) (rules []*rightRule) {
	if o.section != nil {
		rules = append(rules, &rightRule{subjectOf: subjectOf{person: w.boss}, thing: o, privilege: catalog.AdminPrivilege})
	}
	subjects := []subjectOf{{}}
	for _, p := range w.people {
		subjects = append(subjects, subjectOf{person: p})
	}
	for _, g := range w.groups.records {
		subjects = append(subjects, subjectOf{group: g})
	}
	for _, s := range subjects {
		if w.chance(25) {
			rules = append(rules, w.randomRule(s, o))
		}
	}
	return rules
}

func (w *rightsWorld) randomRule(s subjectOf, o thing) *rightRule {
	list := []string{"available", "search", "view", "view", "edit", "edit", "create", "export", "delete", "access", "admin"}
	switch {
	case o.view != nil:
		list = []string{"deny", "view", "view", "edit", "create", "delete", "access"}
	case o.record != nil:
		list = []string{"deny", "view", "edit", "export", "delete", "access"}
	}
	p, _ := catalog.PrivilegeByCode(pick(w.rng, list...))
	r := &rightRule{subjectOf: s, thing: o, privilege: p}
	if o.section != nil || p == catalog.DenyPrivilege || p == catalog.AvailablePrivilege || w.chance(15) {
		return r
	}
	r.fields = map[*field]catalog.FieldRight{}
	for _, f := range o.in().fields {
		if w.chance(30) {
			r.fields[f] = pick(w.rng, catalog.HideField, catalog.HideField, catalog.ViewField, catalog.EditField)
		}
	}
	return r
}

// replace gives an object new rules in the model.
func (w *rightsWorld) replace(o thing, rules []*rightRule) {
	w.rules = slices.DeleteFunc(w.rules, func(r *rightRule) bool { return r.thing == o })
	w.rules = append(w.rules, rules...)
}

// setRules gives an object random rules, as the administrator.
func (w *rightsWorld) setRules(o thing) {
	rules := w.randomRules(o)
	w.must(http.MethodPost, "/rights", bodyOf(o, rules), nil)
	w.replace(o, rules)
}

func (w *rightsWorld) setSomeRules() { w.setRules(w.anyThing()) }

func (w *rightsWorld) anyThing() thing {
	switch w.rng.IntN(6) {
	case 0:
		return thing{section: pick(w.rng, w.sections...)}
	case 1, 2:
		return thing{cat: pick(w.rng, w.allCatalogs()...)}
	case 3, 4:
		return thing{view: pick(w.rng, w.views...)}
	}
	if r := w.someRecord(w.anyCatalog()); r != nil {
		return thing{record: r}
	}
	return thing{cat: w.anyCatalog()}
}

// held is the asker's privilege on an object, and manages what lets him manage
// its rules: also that on what it is in.
func (w *rightsWorld) held(a asker, o thing) (held, manages catalog.Privilege) {
	if o.section != nil {
		held = w.sectionLevel(a, o.section)
		return held, held
	}
	c := o.in()
	held = w.level(a, c)
	manages = max(held, w.sectionLevel(a, c.section))
	switch {
	case o.view != nil:
		held = w.viewLevel(a, o.view)
	case o.record != nil:
		held = w.privilege(a, o.record)
	}
	return held, max(manages, held)
}

// looksInto tells whether the asker sees the catalog that an object is in.
func (w *rightsWorld) looksInto(a asker, o thing) bool { return o.section != nil || w.sees(a, o.in()) }

// setRulesByRights lets an employee set random rules.
func (w *rightsWorld) setRulesByRights() {
	a, o := w.asker(), w.anyThing()
	for range 4 { // rather where it is allowed
		if _, manages := w.held(a, o); manages >= catalog.AccessPrivilege {
			break
		}
		a, o = w.asker(), w.anyThing()
	}
	rules := w.randomRules(o)
	_, manages := w.held(a, o)
	kept, ok := w.keptAdmins(o, rules)
	switch {
	case !w.looksInto(a, o) || manages < catalog.AccessPrivilege:
		ok = false
	case manages >= catalog.AdminPrivilege:
		kept, ok = rules, true
	}
	got := w.write(a, http.MethodPost, "/rights", bodyOf(o, rules), func(answer) { w.replace(o, kept) })
	if !ok {
		w.refused(got, "forbidden")
		return
	}
	w.expect(got, true)
	w.sameRules(a, got, []thing{o}, false)
}

// keptAdmins is what becomes of new rules that somebody sets who may not touch
// those with the privilege admin; false if he tries.
func (w *rightsWorld) keptAdmins(o thing, rules []*rightRule) (kept []*rightRule, ok bool) {
	kept = slices.Clone(rules)
	for _, r := range rules {
		old := w.rule(r.subjectOf, o)
		wasAdmin := old != nil && old.privilege == catalog.AdminPrivilege
		isAdmin := r.privilege == catalog.AdminPrivilege
		if wasAdmin != isAdmin || wasAdmin && !maps.Equal(old.fields, r.fields) {
			return nil, false
		}
	}
	for _, old := range w.rules {
		named := slices.ContainsFunc(rules, func(r *rightRule) bool { return r.subjectOf == old.subjectOf })
		if old.thing == o && old.privilege == catalog.AdminPrivilege && !named {
			kept = append(kept, old)
		}
	}
	return kept, true
}

// readRules reads the rules of an object.
func (w *rightsWorld) readRules() {
	a, o := w.asker(), w.anyThing()
	params, auto := url.Values{}, w.chance(50)
	for name, id := range o.json() {
		params.Set(name, id.(string))
	}
	if auto {
		params.Set("withSearch", "true")
	}
	objects := []thing{o}
	if o.view != nil || o.record != nil {
		objects = []thing{{cat: o.in()}, o}
	}
	got := w.read(a, "/rights", params)
	for _, o := range objects {
		held, manages := w.held(a, o)
		least := catalog.AvailablePrivilege
		if o.view != nil || o.record != nil {
			least = catalog.ViewPrivilege
		}
		if !w.looksInto(a, o) || held < least && manages < catalog.AccessPrivilege {
			w.refused(got, "forbidden")
			return
		}
	}
	w.expect(got, true)
	w.sameRules(a, got, objects, auto)
}

// sameRules compares answered rules with the model's.
func (w *rightsWorld) sameRules(a asker, got answer, objects []thing, auto bool) {
	w.t.Helper()
	type element = map[string]any
	var want []element
	for _, o := range objects {
		var rules []string
		for _, r := range w.rules {
			if r.thing == o {
				rules = append(rules, w.ruleText(a, r.subjectOf, "direct", r.privilege.Code(), r.fieldCodes()))
			}
		}
		if auto {
			rules = append(rules, w.automatic(a, o)...)
		}
		if len(objects) > 1 && len(rules) == 0 {
			continue
		}
		slices.Sort(rules)
		held, _ := w.held(a, o)
		want = append(want, element{"object": o.json(), "rules": strings.Join(rules, "\n"), "privileges": held.Codes()})
	}
	var shown []element
	for _, e := range parse[[]struct {
		Object     map[string]any
		Privileges []string
		Rules      []struct {
			Type          string
			PrivilegeCode string
			Fields        map[string]string
			RightSubject  map[string]any
		}
	}](w.world, got) {
		var rules []string
		for _, r := range e.Rules {
			subject := map[string]any{}
			for _, name := range []string{"userAttr", "catalogId", "recordId", "recordTitle"} {
				subject[name] = r.RightSubject[name]
			}
			if id, ok := subject["recordId"].(string); subject["userAttr"] == "team" && ok && w.removedGroup(id) {
				subject["recordTitle"] = unknown
			}
			rules = append(rules, asJSON([]any{subject, r.Type, r.PrivilegeCode, r.Fields}))
		}
		slices.Sort(rules)
		shown = append(shown, element{"object": e.Object, "rules": strings.Join(rules, "\n"), "privileges": e.Privileges})
	}
	same(w, "rules", shown, want)
}

func (w *rightsWorld) ruleText(a asker, s subjectOf, kind, privilege string, fields map[string]string) string {
	subject := s.json()
	switch {
	case s.person != nil:
		subject["recordTitle"] = w.title(a.person, s.person.card)
	case s.group != nil && s.group.removed:
		subject["recordTitle"] = unknown
	case s.group != nil:
		subject["recordTitle"] = w.title(a.person, s.group)
	default:
		subject["recordTitle"] = "All employees"
	}
	return asJSON([]any{subject, kind, privilege, fields})
}

func (w *rightsWorld) removedGroup(id string) bool {
	return !slices.ContainsFunc(w.groups.records, func(r *record) bool { return r.id() == id })
}

// automatic are the rules that follow from those inside of an object.
func (w *rightsWorld) automatic(a asker, o thing) (list []string) {
	if o.cat == nil && o.section == nil {
		return nil
	}
	seen := map[subjectOf]bool{}
	for _, r := range w.rules {
		if s := r.subjectOf; !seen[s] && w.rule(s, o) == nil && w.inside(s, o.cat, o.section) {
			list = append(list, w.ruleText(a, s, "auto", "search", map[string]string{}))
		}
		seen[r.subjectOf] = true
	}
	return list
}

// explain asks what somebody may do.
func (w *rightsWorld) explain() {
	a, c := w.asker(), w.anyCatalog()
	about := a.person
	if w.chance(40) {
		about = pick(w.rng, w.people...)
	}
	params := url.Values{"catalogId": {c.key}, "userId": {about.card.id()}}
	r, f := w.someRecord(c), pick(w.rng, c.fields...)
	byField := w.chance(60)
	if r != nil && w.chance(75) {
		params.Set("recordId", r.id())
	} else {
		r = nil
	}
	if byField {
		params.Set("fieldId", f.key)
	}
	got := w.read(a, "/rights/explain", params)
	if !a.may(c, "read") || about != a.person && w.level(a, c) < catalog.AccessPrivilege {
		w.refused(got, "forbidden")
		return
	}
	w.expect(got, true)
	privilege, right := w.level(asker{person: about}, c), w.atCatalog(about, c, f)
	if r != nil {
		privilege, right = w.on(about, r), w.fieldOn(about, r, f)
	}
	want := struct{ PrivilegeCode, FieldPrivilegeCode string }{PrivilegeCode: privilege.Code()}
	if byField {
		want.FieldPrivilegeCode = right.Code()
	}
	same(w, "what is explained", parse[struct{ PrivilegeCode, FieldPrivilegeCode string }](w.world, got), want)
}

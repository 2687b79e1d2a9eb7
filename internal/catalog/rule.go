package catalog

import (
	"encoding/json"
	"maps"
	"slices"

	"kartoteka/internal/query"
)

// Subject is who a rule is about: every employee (the zero Subject), one
// employee (Ref in the employees' catalog, no Field), or a role group: the
// employees whose card links Ref in Field.
type Subject struct {
	Field query.Field
	Ref   query.Ref
}

// EmployeeSubject is one employee.
func EmployeeSubject(n query.Record) Subject { return Subject{Ref: query.MakeRef(Employees, n)} }

// Object is what a rule is about: a section, or a catalog, or a legal view or a
// record of a catalog. Parts that do not belong to it are 0.
type Object struct {
	Section query.Section
	Catalog query.Catalog
	View    query.View
	Record  query.Record
}

// Rule gives a subject a privilege on an object.
type Rule struct {
	ID int64
	Object
	Subject
	Privilege Privilege
	// Fields are rights on single fields, by their numbers; nil for none.
	Fields map[query.Field]FieldRight
	// Auto rules follow from rules on what is inside; they are not stored.
	Auto bool
}

// View is a view of a catalog: conditions under a name. A personal one is its
// owner's; a legal one may carry rules.
type View struct {
	Num     query.View
	Key     string // public id: a chosen one, or the number
	Catalog query.Catalog
	Owner   query.Record // who made it
	Legal   bool
	// Name is for employees, OriginName for those who manage the catalog. A
	// legal view without a Name is not listed for the former.
	Name, OriginName string
	Filters          []ViewFilter
	Options          json.RawMessage // the interface's; a JSON object or nil
}

// ViewFilter is one condition of a view. Value is kept as the caller gave it; a
// FilterReader understands it, for the employee who asks.
type ViewFilter struct {
	ID    int64           `json:"id"`
	Field query.Field     `json:"field"`
	Value json.RawMessage `json:"value"`
}

// FilterReader understands filter values of views: the language is that of the
// API they came by. A nil node says nothing.
type FilterReader interface {
	ReadFilter(sc *Scope, f *Field, value json.RawMessage, at Moment) (query.Node, error)
}

// rights are all rules and legal views of a structure, by what is asked of
// them. They are immutable.
type rights struct {
	subjects map[Subject]*subjectRules
	objects  map[Object][]*Rule // in the order of their numbers
	views    map[query.View]*View
	keys     map[query.Catalog]map[string]*View
	// groups are the fields of the employees' card that some rule's role groups
	// are made by.
	groups map[query.Field]bool
}

// subjectRules are the rules of one subject.
type subjectRules struct {
	subject  Subject
	sections map[query.Section]*Rule
	catalogs map[query.Catalog]*Rule
	inside   map[query.Catalog]*insideRules
	narrow   bool // some are on views, records or fields
}

// insideRules are a subject's rules on views and records of one catalog.
type insideRules struct {
	views   []*Rule // by view
	records map[query.Record]*Rule
	allows  bool // one of them is not a deny
}

// newRights indexes rules and views. Rules on what is gone are left out.
func newRights(st *Structure, rules []*Rule, views []*View) *rights {
	r := &rights{
		subjects: map[Subject]*subjectRules{}, objects: map[Object][]*Rule{},
		views: map[query.View]*View{}, keys: map[query.Catalog]map[string]*View{}, groups: map[query.Field]bool{},
	}
	for _, v := range views {
		if st.Catalog(v.Catalog) == nil {
			continue
		}
		r.views[v.Num] = v
		if r.keys[v.Catalog] == nil {
			r.keys[v.Catalog] = map[string]*View{}
		}
		r.keys[v.Catalog][v.Key] = v
	}
	for _, rule := range rules {
		if rule.Catalog != 0 && st.Catalog(rule.Catalog) == nil || rule.Section != 0 && st.Section(rule.Section) == nil ||
			rule.View != 0 && r.views[rule.View] == nil {
			continue
		}
		r.objects[rule.Object] = append(r.objects[rule.Object], rule)
		r.of(rule.Subject).add(rule)
		if rule.Field != 0 {
			r.groups[rule.Field] = true
		}
	}
	for _, s := range r.subjects {
		for _, in := range s.inside {
			slices.SortFunc(in.views, func(a, b *Rule) int { return int(a.View - b.View) })
		}
	}
	return r
}

func (r *rights) of(s Subject) *subjectRules {
	if r.subjects[s] == nil {
		r.subjects[s] = &subjectRules{subject: s, sections: map[query.Section]*Rule{},
			catalogs: map[query.Catalog]*Rule{}, inside: map[query.Catalog]*insideRules{}}
	}
	return r.subjects[s]
}

func (s *subjectRules) add(r *Rule) {
	s.narrow = s.narrow || r.View != 0 || r.Record != 0 || len(r.Fields) > 0
	switch {
	case r.Catalog == 0:
		s.sections[r.Section] = r
		return
	case r.View == 0 && r.Record == 0:
		s.catalogs[r.Catalog] = r
		return
	}
	in := s.inside[r.Catalog]
	if in == nil {
		in = &insideRules{records: map[query.Record]*Rule{}}
		s.inside[r.Catalog] = in
	}
	in.allows = in.allows || r.Privilege != DenyPrivilege
	if r.View != 0 {
		in.views = append(in.views, r)
	} else {
		in.records[r.Record] = r
	}
}

// section is the subject's privilege on a section, by its rule or by what is
// inside.
func (s *subjectRules) section(st *Structure, n query.Section) Privilege {
	if rule := s.sections[n]; rule != nil {
		return rule.Privilege
	}
	for c := range s.catalogs {
		if st.Catalog(c).Section == n {
			return SearchPrivilege
		}
	}
	for c, in := range s.inside {
		if in.allows && st.Catalog(c).Section == n {
			return SearchPrivilege
		}
	}
	return NoPrivilege
}

// catalog is the subject's privilege on a catalog. A rule that only follows
// from what is inside hides none of the section.
func (s *subjectRules) catalog(c *Catalog) Privilege {
	if rule := s.catalogs[c.Num]; rule != nil {
		return rule.Privilege
	}
	p := NoPrivilege
	if rule := s.sections[c.Section]; rule != nil {
		p = rule.Privilege
	}
	if in := s.inside[c.Num]; in != nil && in.allows {
		p = max(p, SearchPrivilege)
	}
	return p
}

// automatic lists the rules that follow from those inside of an object.
func (r *rights) automatic(st *Structure, o Object) (list []*Rule) {
	for _, s := range r.subjects {
		direct, follows := false, false
		switch {
		case o.View != 0 || o.Record != 0:
			continue
		case o.Catalog != 0:
			direct = s.catalogs[o.Catalog] != nil
			follows = s.inside[o.Catalog] != nil && s.inside[o.Catalog].allows
		default:
			direct = s.sections[o.Section] != nil
			follows = s.section(st, o.Section) == SearchPrivilege
		}
		if !direct && follows {
			list = append(list, &Rule{Object: o, Subject: s.subject, Privilege: SearchPrivilege, Auto: true})
		}
	}
	slices.SortFunc(list, func(a, b *Rule) int { return compareSubjects(a.Subject, b.Subject) })
	return list
}

func compareSubjects(a, b Subject) int {
	if a.Field != b.Field {
		return int(a.Field - b.Field)
	}
	return int(a.Ref - b.Ref)
}

// legal lists the legal views of a catalog, by number.
func (r *rights) legal(c query.Catalog) []*View {
	list := slices.Collect(maps.Values(r.keys[c]))
	slices.SortFunc(list, func(a, b *View) int { return int(a.Num - b.Num) })
	return list
}

package catalog

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/query"
)

// employeeRules is what one employee may do under one structure. It is kept
// with the structure, and worked out again when rules, legal views or role
// groups change, because that makes a new one.
type employeeRules struct {
	service  *Service
	st       *Structure
	employee query.Record
	groups   []Subject // the employee's role groups, by field and record
	subjects []*subjectRules
	catalogs sync.Map // of *catalogAccess by query.Catalog
	plain    bool     // no rule is on views, records or fields
	gone     bool     // there is no such employee
}

// rulesOf gives what an employee may do; r reads st's version, nil to begin a
// transaction of its own.
func (s *Service) rulesOf(ctx context.Context, st *Structure, r Reader, n query.Record) (*employeeRules, error) {
	if known, ok := st.employees.Load(n); ok {
		return known.(*employeeRules), nil
	}
	e := &employeeRules{service: s, st: st, employee: n}
	load := func(r Reader) (err error) {
		e.groups, e.gone, err = groupsOf(ctx, st, r, n)
		return err
	}
	err := error(nil)
	if r != nil {
		err = load(r)
	} else {
		err = s.store.View(ctx, st.Version, load)
	}
	if err != nil {
		return nil, fmt.Errorf("read the groups of an employee: %w", err)
	}
	for _, subject := range append([]Subject{{}, EmployeeSubject(n)}, e.groups...) {
		if rules := st.rights.subjects[subject]; rules != nil {
			e.subjects = append(e.subjects, rules)
		}
	}
	e.plain = !slices.ContainsFunc(e.subjects, func(s *subjectRules) bool { return s.narrow })
	st.employees.Store(n, e)
	return e, nil
}

// groupsOf are the role groups of an employee: what the link fields of his card
// link, as far as it is there.
func groupsOf(ctx context.Context, st *Structure, r Reader, n query.Record) (list []Subject, gone bool, err error) {
	c := st.Catalog(Employees)
	var fields []*Field
	for _, f := range c.Fields {
		if f.makesGroups() {
			fields = append(fields, f)
		}
	}
	page, err := r.Rows(ctx, c, fields, []query.Record{n})
	if err != nil || page.Len() == 0 {
		return nil, err == nil, err
	}
	if len(fields) == 0 {
		return nil, false, nil
	}
	var refs []query.Ref
	for j, f := range fields {
		of := page.Bytes(page.Cell(0, j))
		for k := range ListLen(of) {
			ref := query.Ref(ListAt(of, k))
			list, refs = append(list, Subject{f.Num, ref}), append(refs, ref)
		}
	}
	slices.Sort(refs)
	titles, err := r.Titles(ctx, slices.Compact(refs))
	return slices.DeleteFunc(list, func(s Subject) bool {
		title, ok := titles[s.Ref]
		return !ok || title.Removed || st.Catalog(s.Ref.Catalog()) == nil
	}), false, err
}

// makesGroups tells whether the field's links are the employee's role groups.
func (f *Field) makesGroups() bool {
	_, links := f.Type.(objectType)
	return f.Catalog == Employees && links
}

func (e *employeeRules) section(n query.Section) Privilege {
	p := NoPrivilege
	for _, s := range e.subjects {
		p = max(p, s.section(e.st, n))
	}
	return p
}

func (e *employeeRules) catalog(c *Catalog) *catalogAccess {
	if known, ok := e.catalogs.Load(c.Num); ok {
		return known.(*catalogAccess)
	}
	subjects := e.subjects
	if c.Mirror {
		subjects = auditors(c, subjects)
	}
	ca := newCatalogAccess(c, subjects, e.st.rights)
	e.catalogs.Store(c.Num, ca)
	return ca
}

// auditors are the subjects who administer the section of a mirror: it shows what
// nobody else may see all of, so no other rule opens it.
func auditors(c *Catalog, subjects []*subjectRules) (list []*subjectRules) {
	for _, s := range subjects {
		if rule := s.sections[c.Section]; rule != nil && rule.Privilege >= AdminPrivilege {
			list = append(list, &subjectRules{subject: s.subject, sections: map[query.Section]*Rule{c.Section: rule}})
		}
	}
	return list
}

// view is the privilege on a legal view: each subject's nearest rule, the
// highest of them.
func (e *employeeRules) view(v *View) Privilege {
	c := e.st.Catalog(v.Catalog)
	best := NoPrivilege
	for _, s := range e.subjects {
		p := NoPrivilege
		if rule := s.sections[c.Section]; rule != nil {
			p = rule.Privilege
		}
		if rule := s.catalogs[c.Num]; rule != nil {
			p = rule.Privilege
		}
		if in := s.inside[c.Num]; in != nil {
			if i := slices.IndexFunc(in.views, func(r *Rule) bool { return r.View == v.Num }); i >= 0 {
				p = in.views[i].Privilege
			}
		}
		best = max(best, min(p, AccessPrivilege))
	}
	return best
}

// timedConditions are conditions as they are within one minute: those on dates
// are about days, which begin with one.
type timedConditions struct {
	minute int64
	conditions
}

// conditions are those of the views that the employee's rules on a catalog name.
func (e *employeeRules) conditions(ca *catalogAccess) *conditions {
	if len(ca.views) == 0 {
		return &conditions{}
	}
	minute := e.service.options.Now().Unix() / 60
	if known := ca.timed.Load(); known != nil && known.minute == minute {
		return &known.conditions
	}
	t := &timedConditions{minute: minute}
	for _, v := range ca.views {
		n, ok := e.readView(v)
		if ok {
			t.in, t.denies = append(t.in, n), append(t.denies, n)
		} else {
			t.in, t.denies = append(t.in, none), append(t.denies, all)
		}
	}
	ca.timed.Store(t)
	return &t.conditions
}

// readView is a view's condition for the employee, now; false if it cannot be
// evaluated.
func (e *employeeRules) readView(v *View) (n query.Node, ok bool) {
	now := e.service.options.Now()
	_, offset := now.In(e.service.zone()).Zone()
	at := Moment{Now: now.UnixMilli(), Offset: offset / 60, Employee: e.employee}
	n, err := e.service.readFilters(e.st, v, at)
	return n, err == nil
}

// readFilters reads the filters of a view without regard to anybody's rights.
func (s *Service) readFilters(st *Structure, v *View, at Moment) (query.Node, error) {
	c := st.Catalog(v.Catalog)
	sc := &Scope{Structure: st, Catalog: c, Access: &Access{structure: st}}
	n := all
	for _, filter := range v.Filters {
		f := c.Field(filter.Field)
		if f == nil {
			return nil, fmt.Errorf("field %d is gone", filter.Field)
		}
		one, err := s.options.Filters.ReadFilter(sc, f, filter.Value, at)
		if err != nil {
			return nil, err
		}
		if one != nil {
			n = both(n, one)
		}
	}
	return n, nil
}

func (s *Service) zone() *time.Location {
	if s.options.Zone == nil {
		return time.UTC
	}
	return s.options.Zone
}

// recordRights are an actor's rights on some records of one catalog.
type recordRights struct {
	ca *catalogAccess // nil for everything
	in map[query.Record][]viewIn
	// limit and fields are the most that the actor's token leaves.
	limit  Privilege
	fields FieldRight
}

// rightsOn works out the rights on records; those that are not there have none.
func rightsOn(ctx context.Context, r Reader, a *Access, c *Catalog, records []query.Record) (*recordRights, error) {
	if a.rules == nil {
		return &recordRights{}, nil
	}
	on := &recordRights{ca: a.rules.catalog(c), limit: a.limit(c), fields: a.limitField(account.Updates, c)}
	if len(on.ca.views) == 0 || len(records) == 0 {
		return on, nil
	}
	conditions := a.rules.conditions(on.ca)
	bits, err := r.Members(ctx, a.structure, c, records, conditions.in)
	if err != nil {
		return nil, fmt.Errorf("read which views records are in: %w", err)
	}
	on.in = make(map[query.Record][]viewIn, len(bits))
	for n, of := range bits {
		in := make([]viewIn, len(of))
		for i, member := range of {
			in[i] = viewIn{member, member || isAll(conditions.denies[i])}
		}
		on.in[n] = in
	}
	return on, nil
}

// views are the views that a record is in; one that was not asked about is in
// none.
func (o *recordRights) views(n query.Record) []viewIn {
	if in := o.in[n]; in != nil {
		return in
	}
	return make([]viewIn, len(o.ca.views))
}

func (o *recordRights) privilege(n query.Record) Privilege {
	if o.ca == nil {
		return AccessPrivilege
	}
	return min(o.ca.on(n, o.views(n)), o.limit)
}

func (o *recordRights) field(f *Field, n query.Record) FieldRight {
	if o.ca == nil {
		return EditField
	}
	return min(o.ca.fieldOn(f.Num, n, o.views(n)), o.fields)
}

// hides tells whether the actor sees a record's title as its number only: a
// rule hides the title's field from him, and none shows it.
func (o *recordRights) hides(title *Field, n query.Record) bool {
	if o.ca == nil || title == nil || !o.ca.restricted[title.Num] {
		return false
	}
	return o.ca.hidesTitle(title.Num, n, o.views(n))
}

// rightsOfRecord is what the actor may do with one record, whose rights are
// known.
func (d *reading) rightsOfRecord(ctx context.Context, c *Catalog, n query.Record, on *recordRights) (*RecordRights, error) {
	of := &RecordRights{Privilege: on.privilege(n), Fields: map[*Field]FieldRight{}}
	if on.ca != nil {
		for _, f := range c.Fields {
			if right := on.field(f, n); on.ca.restricted[f.Num] && right != implied(of.Privilege) {
				of.Fields[f] = right
			}
		}
	}
	var seen []*View
	var nodes []query.Node
	for _, v := range d.st.rights.legal(c.Num) {
		if d.access.seesView(c, v) {
			seen, nodes = append(seen, v), append(nodes, d.access.inView(v))
		}
	}
	if len(seen) == 0 {
		return of, nil
	}
	bits, err := d.r.Members(ctx, d.st, c, []query.Record{n}, nodes)
	if err != nil {
		return nil, fmt.Errorf("read which views a record is in: %w", err)
	}
	for i, member := range bits[n] {
		if member {
			of.Views = append(of.Views, seen[i])
		}
	}
	return of, nil
}

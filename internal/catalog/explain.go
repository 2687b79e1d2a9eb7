package catalog

import (
	"context"
	"slices"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// ExplainAsk asks what an employee may do, and why.
type ExplainAsk struct {
	User    query.Key
	Catalog string     // public id
	Record  *query.Key // nil for the catalog itself
	Field   string     // public id; "" for none
}

// Explanation is what an employee may do with a catalog, or a record of it, and
// the rules that say so.
type Explanation struct {
	Structure *Structure
	Catalog   *Catalog
	User      query.Record
	Record    query.Record // 0 for the catalog
	Field     *Field       // nil for none
	Privilege Privilege
	Right     FieldRight // on Field
	Subjects  []SubjectVerdict
	Views     []*View // legal ones that the record is in
	Titles    Titles  // of the employee, the record and the subjects
}

// SubjectVerdict is what the rules of one subject of an employee say.
type SubjectVerdict struct {
	Subject   Subject
	Rules     []*Rule // the nearest, which decide the privilege
	Privilege Privilege
	Fields    []*Rule // the nearest that name the field
	Right     FieldRight
}

// Explain tells which rules decide what an employee may do. It is for those who
// manage the catalog and for the employee itself, who is not told which views a
// record is in that he may not view. It fails with NotFound, Forbidden and
// UnknownField.
func (s *Service) Explain(ctx context.Context, a Actor, ask ExplainAsk) (*Explanation, error) {
	var x *Explanation
	err := s.view(ctx, func(st *Structure, r Reader) error {
		access, err := s.access(ctx, st, r, a)
		if err != nil {
			return err
		}
		c := st.CatalogByKey(ask.Catalog)
		if c == nil {
			return fault.New(fault.NotFound, "There is no such catalog")
		}
		if err := access.allow(account.Reads, c); err != nil {
			return err
		}
		manages := access.Catalog(c) >= AccessPrivilege
		user, err := find(ctx, r, st.Catalog(Employees), ask.User)
		if err != nil {
			return err
		}
		if !manages && (user == 0 || user != a.Employee) {
			return forbidden()
		}
		if x, err = s.newExplanation(ctx, st, r, c, user, ask); err != nil {
			return err
		}
		e := explaining{service: s, r: r, x: x, open: manages}
		if err := e.run(ctx); err != nil {
			return err
		}
		x.Titles, err = titlesFor(ctx, r, access, x.refs())
		return err
	})
	if err != nil {
		return nil, err
	}
	return x, nil
}

func (s *Service) newExplanation(ctx context.Context, st *Structure, r Reader, c *Catalog, user query.Record, ask ExplainAsk) (*Explanation, error) {
	x := &Explanation{Structure: st, Catalog: c, User: user}
	page := &Page{}
	if user != 0 {
		var err error
		if page, err = r.Rows(ctx, st.Catalog(Employees), nil, []query.Record{user}); err != nil {
			return nil, err
		}
	}
	if page.Len() == 0 {
		return nil, fault.New(fault.NotFound, "There is no such employee")
	}
	if ask.Field != "" {
		if x.Field = c.FieldByKey(ask.Field); x.Field == nil {
			return nil, fault.New(fault.UnknownField, "There is no field %s in this catalog", text.Cut(ask.Field, 100))
		}
	}
	if ask.Record == nil {
		return x, nil
	}
	var err error
	x.Record, _, err = recordOf(ctx, r, &Access{structure: st}, c, *ask.Record)
	return x, err
}

// refs are the records that an explanation names.
func (x *Explanation) refs() []query.Ref {
	refs := []query.Ref{query.MakeRef(Employees, x.User)}
	if x.Record != 0 {
		refs = append(refs, query.MakeRef(x.Catalog.Num, x.Record))
	}
	for _, s := range x.Subjects {
		if s.Subject.Ref != 0 {
			refs = append(refs, s.Subject.Ref)
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// explaining works an explanation out.
type explaining struct {
	service *Service
	r       Reader
	x       *Explanation
	open    bool // whoever asks may know of every view
}

func (e *explaining) run(ctx context.Context) error {
	x, st := e.x, e.x.Structure
	rules, err := e.service.rulesOf(ctx, st, e.r, x.User)
	if err != nil {
		return err
	}
	access := &Access{structure: st, actor: Actor{Employee: x.User}, rules: rules}
	ca := rules.catalog(x.Catalog)
	if x.Record == 0 {
		x.Privilege = ca.level
		if x.Field != nil {
			x.Right = ca.atCatalog(x.Field.Num)
		}
	} else {
		on, err := rightsOn(ctx, e.r, access, x.Catalog, []query.Record{x.Record})
		if err != nil {
			return err
		}
		if x.Privilege = on.privilege(x.Record); x.Field != nil {
			x.Right = on.field(x.Field, x.Record)
		}
		e.open = e.open || x.Privilege >= ViewPrivilege
		if err := e.views(ctx, access); err != nil {
			return err
		}
	}
	subjects := append([]Subject{{}, EmployeeSubject(x.User)}, rules.groups...)
	for _, subject := range subjects {
		verdict, err := e.subject(ctx, rules, subject)
		if err != nil {
			return err
		}
		x.Subjects = append(x.Subjects, verdict)
	}
	return nil
}

// views finds the legal views that the record is in, as the employee's.
func (e *explaining) views(ctx context.Context, access *Access) error {
	legal := e.x.Structure.rights.legal(e.x.Catalog.Num)
	if !e.open || len(legal) == 0 {
		return nil
	}
	nodes := make([]query.Node, len(legal))
	for i, v := range legal {
		nodes[i] = access.inView(v)
	}
	bits, err := e.r.Members(ctx, e.x.Structure, e.x.Catalog, []query.Record{e.x.Record}, nodes)
	if err != nil {
		return err
	}
	for i, member := range bits[e.x.Record] {
		if member {
			e.x.Views = append(e.x.Views, legal[i])
		}
	}
	return nil
}

// subject tells what the rules of one subject say.
func (e *explaining) subject(ctx context.Context, all *employeeRules, subject Subject) (SubjectVerdict, error) {
	x := e.x
	v := SubjectVerdict{Subject: subject}
	rules := x.Structure.rights.subjects[subject]
	if rules == nil {
		return v, nil
	}
	if x.Record == 0 {
		e.atCatalog(&v, rules)
		return v, nil
	}
	alone := &employeeRules{service: all.service, st: all.st, employee: all.employee, subjects: []*subjectRules{rules}}
	on, err := rightsOn(ctx, e.r, &Access{structure: x.Structure, rules: alone}, x.Catalog, []query.Record{x.Record})
	if err != nil || len(on.ca.grantors) == 0 {
		return v, err
	}
	g, in := &on.ca.grantors[0], on.views(x.Record)
	v.Privilege, v.Rules = g.on(x.Record, in), e.known(g.deciding(x.Record, in))
	if x.Field != nil && v.Privilege >= ViewPrivilege {
		v.Right = g.right(x.Field.Num, x.Record, v.Privilege, in)
		v.Fields = e.known(g.naming(x.Field.Num, x.Record, in))
	}
	return v, nil
}

// known leaves out rules on views that whoever asks need not know of.
func (e *explaining) known(rules []*Rule) []*Rule {
	return slices.DeleteFunc(rules, func(r *Rule) bool { return r.View != 0 && !e.open })
}

// atCatalog tells what a subject may do with the catalog itself.
func (e *explaining) atCatalog(v *SubjectVerdict, rules *subjectRules) {
	c := e.x.Catalog
	near, far := rules.catalogs[c.Num], rules.sections[c.Section]
	v.Privilege = rules.catalog(c)
	in := rules.inside[c.Num]
	switch {
	case near != nil:
		v.Rules = []*Rule{near}
	case far != nil && far.Privilege >= v.Privilege:
		v.Rules = []*Rule{far}
	case in != nil && in.allows:
		v.Rules = []*Rule{{Object: Object{Catalog: c.Num}, Subject: v.Subject, Privilege: SearchPrivilege, Auto: true}}
	}
	if e.x.Field == nil || near == nil && far == nil {
		return
	}
	g := grantor{near: near, far: far}
	v.Right = g.general(e.x.Field.Num, v.Privilege)
	v.Fields = g.naming(e.x.Field.Num, 0, nil)
}

// deciding are the rules of the grantor's that decide on a record.
func (g *grantor) deciding(n query.Record, in []viewIn) (list []*Rule) {
	if rule := g.record[n]; rule != nil {
		return []*Rule{rule}
	}
	p := g.on(n, in)
	for _, v := range g.views {
		inside := in[v.view].in
		if v.rule.Privilege == DenyPrivilege {
			inside = in[v.view].denies
		}
		if inside && min(v.rule.Privilege, AccessPrivilege) == p {
			list = append(list, v.rule)
		}
	}
	switch {
	case len(list) > 0:
	case g.near != nil:
		list = []*Rule{g.near}
	case g.far != nil:
		list = []*Rule{g.far}
	}
	return list
}

// naming are the nearest rules of the grantor's that name a field.
func (g *grantor) naming(f query.Field, n query.Record, in []viewIn) (list []*Rule) {
	if _, ok := g.record[n].right(f); ok {
		return []*Rule{g.record[n]}
	}
	for _, v := range g.views {
		if _, ok := v.rule.right(f); ok && in[v.view].in {
			list = append(list, v.rule)
		}
	}
	if len(list) > 0 {
		return list
	}
	for _, r := range []*Rule{g.near, g.far} {
		if _, ok := r.right(f); ok {
			return []*Rule{r}
		}
	}
	return nil
}

package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// RightsInput are the rules that an object is to have.
type RightsInput struct {
	Object ObjectKey
	Rules  []RuleInput
}

// SetRights replaces the rules of objects, of all or of none, and gives the
// stored ones. Who does not administer an object may not touch rules with the
// privilege admin: they stay. It fails with NotFound, Forbidden,
// InvalidParameter, ValidationFailed and LastAdmin.
func (s *Service) SetRights(ctx context.Context, a Actor, in []RightsInput) (*RightsPage, error) {
	for _, one := range in {
		if len(one.Rules) > maxRules {
			return nil, fault.New(fault.InvalidParameter, "rules: at most %d", maxRules)
		}
	}
	var objects []ObjectRights
	var changes []rightsChange
	err := s.reshape(ctx, nil, func(st *Structure, w Writer) error {
		access, err := s.access(ctx, st, w, a)
		if err != nil {
			return err
		}
		objects, changes = nil, nil
		for _, one := range in {
			o, err := s.managed(ctx, w, access, one.Object, objects)
			if err != nil {
				return err
			}
			objects = append(objects, *o)
		}
		for i := range objects {
			c, err := setRules(ctx, st, w, &objects[i], in[i].Rules)
			if err != nil {
				return err
			}
			changes = append(changes, c)
		}
		if err := s.checkProbes(ctx, w, a, "rules", catalogsOf(objects)...); err != nil {
			return err
		}
		if err := w.BumpRights(ctx); err != nil {
			return err
		}
		return s.keepsAdmin(ctx, w)
	})
	if err != nil {
		return nil, err
	}
	for i, c := range changes {
		key := in[i].Object
		s.audit(ctx, a, "Api:Rights", "rights.changed", "section", key.Section, "catalog", key.Catalog, "view", key.View,
			"record", keyText(key.Record), "before", summary(c.before), "after", summary(c.after))
	}
	return s.storedRights(ctx, a, objects)
}

// catalogsOf are the catalogs that objects are in, each once.
func catalogsOf(objects []ObjectRights) (list []query.Catalog) {
	for _, o := range objects {
		if o.Catalog != nil && !slices.Contains(list, o.Catalog.Num) {
			list = append(list, o.Catalog.Num)
		}
	}
	return list
}

// rightsChange is what became of an object's rules.
type rightsChange struct{ before, after []*Rule }

// managed finds an object whose rules the actor may manage, and that is not
// among those found before.
func (s *Service) managed(ctx context.Context, r Reader, access *Access, key ObjectKey, before []ObjectRights) (*ObjectRights, error) {
	o, err := s.object(ctx, r, access, key)
	if err != nil {
		return nil, err
	}
	if err := need(o.managed, AccessPrivilege); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(before, func(b ObjectRights) bool { return b.object() == o.object() }) {
		return nil, fault.New(fault.InvalidParameter, "The same object is named twice")
	}
	return o, nil
}

func setRules(ctx context.Context, st *Structure, w Writer, o *ObjectRights, in []RuleInput) (c rightsChange, err error) {
	c.before = st.rights.objects[o.object()]
	r := ruling{st: st, r: w, object: o, before: c.before}
	if c.after, err = r.read(ctx, in); err != nil {
		return c, err
	}
	return c, w.SaveRules(ctx, o.object(), c.after)
}

// storedRights gives the rules of objects after a change, which may have taken
// the actor's right to see them.
func (s *Service) storedRights(ctx context.Context, a Actor, objects []ObjectRights) (*RightsPage, error) {
	var page *RightsPage
	err := s.view(ctx, func(st *Structure, r Reader) error {
		access, err := s.access(ctx, st, r, a)
		if err != nil {
			return err
		}
		page = &RightsPage{Structure: st, Access: access}
		for _, o := range objects {
			switch {
			case o.Section != nil:
				o.Privilege = access.Section(o.Section)
			case o.View != nil:
				o.Privilege = access.View(o.View)
			case o.Record != 0:
				on, err := rightsOn(ctx, r, access, o.Catalog, []query.Record{o.Record})
				if err != nil {
					return err
				}
				o.Privilege = on.privilege(o.Record)
			default:
				o.Privilege = access.Catalog(o.Catalog)
			}
			o.Rules = slices.Clone(st.rights.objects[o.object()])
			page.Objects = append(page.Objects, o)
		}
		return page.read(ctx, r)
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// summary is rules for the log: the field of a group, the catalog and record of
// the subject, the privilege.
func summary(rules []*Rule) []string {
	list := make([]string, len(rules))
	for i, r := range rules {
		list[i] = "all=" + r.Privilege.Code()
		if r.Ref != 0 {
			list[i] = fmt.Sprintf("%d:%d/%d=%s", r.Field, r.Ref.Catalog(), r.Ref.Record(), r.Privilege.Code())
		}
	}
	return list
}

// ruling makes rules of what a caller sets.
type ruling struct {
	st      *Structure
	r       Reader
	object  *ObjectRights
	before  []*Rule
	details []fault.Detail
}

func (r *ruling) read(ctx context.Context, in []RuleInput) ([]*Rule, error) {
	var rules []*Rule
	for _, one := range in {
		rule, err := r.rule(ctx, one)
		if err != nil {
			return nil, err
		}
		if rule == nil {
			continue
		}
		if slices.ContainsFunc(rules, func(o *Rule) bool { return o.Subject == rule.Subject }) {
			r.bad(one.Path, fault.Duplicate, "two rules for the same subject")
		}
		rules = append(rules, rule)
	}
	if err := fault.Invalid(r.details); err != nil {
		return nil, err
	}
	return r.keepAdmins(rules)
}

func (r *ruling) bad(path string, code fault.Code, format string, args ...any) {
	r.details = append(r.details, fault.At(path, code, format, args...))
}

// rule makes one rule; nil where a detail says why it cannot be.
func (r *ruling) rule(ctx context.Context, in RuleInput) (*Rule, error) {
	subject, ok, err := r.subject(ctx, in)
	if err != nil {
		return nil, err
	}
	p, known := PrivilegeByCode(in.Privilege)
	if !known || !r.allowed(p) {
		r.bad(in.Path+".privilegeCode", fault.InvalidParameter, "there is no such privilege on this object")
		return nil, nil
	}
	rule := &Rule{Object: r.object.object(), Subject: subject, Privilege: p}
	rule.Fields = r.fields(in, p)
	if i := slices.IndexFunc(r.before, func(o *Rule) bool { return o.Subject == subject }); i >= 0 {
		rule.ID = r.before[i].ID
	}
	if !ok {
		return nil, nil
	}
	return rule, nil
}

// allowed is the table of privileges by kind of object.
func (r *ruling) allowed(p Privilege) bool {
	inside := r.object.View != nil || r.object.Record != 0
	switch p {
	case DenyPrivilege:
		return inside
	case AvailablePrivilege, SearchPrivilege, AdminPrivilege:
		return !inside
	case CreatePrivilege:
		return r.object.Record == 0
	}
	return p >= ViewPrivilege
}

// subject finds who a rule is about. A subject that is gone may stay where it
// was.
func (r *ruling) subject(ctx context.Context, in RuleInput) (s Subject, ok bool, err error) {
	users := r.st.Catalog(Employees)
	path := in.Path + ".rightSubject"
	switch in.Attr {
	case EverybodyAttr:
		return s, true, nil
	case EmployeeAttr:
		s.Ref, err = r.record(ctx, users, in.Record)
	default:
		if gone, ok, err := r.gone(ctx, in); ok || err != nil {
			return gone, ok, err
		}
		f, c := users.FieldByKey(in.Attr), r.st.CatalogByKey(in.Catalog)
		if f == nil || !f.makesGroups() || c == nil {
			r.bad(path, fault.NotFound, "there is no such group of employees")
			return s, false, nil
		}
		s.Field = f.Num
		s.Ref, err = r.record(ctx, c, in.Record)
	}
	if err != nil {
		return s, false, err
	}
	known := slices.ContainsFunc(r.before, func(o *Rule) bool { return o.Subject == s })
	if s.Ref != 0 && !known {
		titles, err := r.r.Titles(ctx, []query.Ref{s.Ref})
		if err != nil {
			return s, false, fmt.Errorf("read title of a subject: %w", err)
		}
		if title, there := titles[s.Ref]; !there || title.Removed {
			s.Ref = 0
		}
	}
	if s.Ref == 0 {
		r.bad(path, fault.NotFound, "there is no such record")
		return s, false, nil
	}
	return s, true, nil
}

// gone finds a role group whose field or catalog is gone among those that had a
// rule before.
func (r *ruling) gone(ctx context.Context, in RuleInput) (s Subject, ok bool, err error) {
	for _, rule := range r.before {
		s := rule.Subject
		c := r.st.AnyCatalog(s.Ref.Catalog())
		if s.Field == 0 || c == nil || r.st.Catalog(c.Num) != nil && r.st.Field(s.Field) != nil {
			continue
		}
		if attr, _ := r.st.SubjectAttr(s); attr != in.Attr || c.Key != in.Catalog {
			continue
		}
		n, err := everKnown(ctx, r.r, c, in.Record)
		if err != nil || n == s.Ref.Record() {
			return s, err == nil, err
		}
	}
	return Subject{}, false, nil
}

func (r *ruling) record(ctx context.Context, c *Catalog, key query.Key) (query.Ref, error) {
	n, err := everKnown(ctx, r.r, c, key)
	if err != nil || n == 0 {
		return 0, err
	}
	return query.MakeRef(c.Num, n), nil
}

// fields reads the rights on fields.
func (r *ruling) fields(in RuleInput, p Privilege) map[query.Field]FieldRight {
	if len(in.Fields) == 0 {
		return nil
	}
	if p == DenyPrivilege || p == AvailablePrivilege || r.object.Section != nil {
		r.bad(in.Path+".fields", fault.InvalidParameter, "such a rule has no rights on fields")
		return nil
	}
	rights := make(map[query.Field]FieldRight, len(in.Fields))
	for _, key := range slices.Sorted(maps.Keys(in.Fields)) {
		f := r.object.Catalog.FieldByKey(key)
		right := slices.Index(fieldRightCodes, in.Fields[key])
		if f == nil || right < 0 {
			r.bad(in.Path+".fields["+key+"]", fault.InvalidParameter, "there is no such field or right")
			continue
		}
		rights[f.Num] = FieldRight(right)
	}
	return rights
}

// keepAdmins lets nobody but administrators give, change or take the privilege
// admin: such rules that are not named stay, those that are named must be as
// they were.
func (r *ruling) keepAdmins(rules []*Rule) ([]*Rule, error) {
	if r.object.managed >= AdminPrivilege {
		return rules, nil
	}
	was := map[Subject]*Rule{}
	for _, rule := range r.before {
		if rule.Privilege == AdminPrivilege {
			was[rule.Subject] = rule
		}
	}
	for _, rule := range rules {
		old := was[rule.Subject]
		unchanged := old != nil && rule.Privilege == AdminPrivilege && maps.Equal(old.Fields, rule.Fields)
		if (old != nil || rule.Privilege == AdminPrivilege) && !unchanged {
			return nil, forbidden()
		}
		delete(was, rule.Subject)
	}
	for _, rule := range r.before {
		if was[rule.Subject] == rule {
			rules = append(rules, rule)
		}
	}
	return rules, nil
}

// keepsAdmin fails with LastAdmin when the transaction leaves no employee with a
// login who administers the settings.
func (s *Service) keepsAdmin(ctx context.Context, w Writer) error {
	d, err := w.Definition(ctx)
	if err != nil {
		return err
	}
	st := newStructure(d)
	c := st.Catalog(Employees)
	page, err := w.Select(ctx, &Selected{Structure: st, Catalog: c, Limit: 1, Where: administrators(st)})
	if err != nil {
		return fmt.Errorf("look for an administrator: %w", err)
	}
	if page.Len() == 0 {
		return fault.New(fault.LastAdmin, "Somebody with a login must stay administrator of the management section")
	}
	return nil
}

// administrators is the condition that an employee has a login and administers the
// settings.
func administrators(st *Structure) query.Node {
	c, some := st.Catalog(Employees), none
	for _, rule := range st.rights.objects[Object{Section: st.SectionByKey(settingsKey).Num}] {
		if rule.Privilege == AdminPrivilege {
			some = either(some, employeesOf(c, rule.Subject))
		}
	}
	return both(query.Cond{Field: c.FieldByKey(emailKey).Num, Test: query.NotEmpty{}}, some)
}

// employeesOf is the condition that an employee is a subject, or in one.
func employeesOf(c *Catalog, s Subject) query.Node {
	switch {
	case s == Subject{}:
		return all
	case s.Field == 0:
		return query.Among{{Record: s.Ref.Record()}}
	case c.Field(s.Field) == nil || !c.Field(s.Field).makesGroups():
		return none
	}
	link := query.Link{Catalog: s.Ref.Catalog(), Key: query.Key{Record: s.Ref.Record()}}
	return query.Cond{Field: s.Field, Test: query.LinksAny{link}}
}

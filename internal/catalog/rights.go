package catalog

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// maxRules bounds the rules of one object.
const maxRules = 1_000

// ObjectKey names what rules are about by public ids: a section, or a catalog,
// or a view or a record of a catalog. Empty parts do not belong to it.
type ObjectKey struct {
	Section, Catalog, View string
	Record                 query.Key
}

// ObjectRights are the rules of one object as an actor sees them.
type ObjectRights struct {
	Section *Section // or
	Catalog *Catalog
	View    *View
	Record  query.Record
	Code    string // the record's custom id
	Rules   []*Rule
	// Privilege is the actor's own on the object.
	Privilege Privilege
	// managed is what lets him manage its rules: they may also be managed by
	// those who manage what the object is in.
	managed Privilege
}

// RightsPage is rules of objects with all that is needed to show them.
type RightsPage struct {
	Structure *Structure
	Access    *Access
	Objects   []ObjectRights
	Titles    Titles // of subjects that are records
}

// RuleInput is what a caller sets as a rule.
type RuleInput struct {
	Path string // where it stands in the request, for details
	// Attr is the public id of the employees' field that makes a role group;
	// EmployeeAttr for one employee, EverybodyAttr for all.
	Attr      string
	Catalog   string // the group's catalog
	Record    query.Key
	Privilege string
	Fields    map[string]string // rights by public ids of fields; nil for none
}

// Attributes of subjects that are no fields.
const (
	EverybodyAttr = "allUsers"
	EmployeeAttr  = "id"
)

// fieldRightCodes are the public names of field rights.
var fieldRightCodes = []string{"hide", "view", "edit"}

// Code is the right's public name.
func (r FieldRight) Code() string { return fieldRightCodes[r] }

// Rights lists the rules of objects, each of which the actor must see. With
// auto also those that follow from rules on what is inside. It fails with
// InvalidParameter, NotFound and Forbidden.
func (s *Service) Rights(ctx context.Context, a Actor, objects []ObjectKey, auto bool) (*RightsPage, error) {
	var page *RightsPage
	err := s.view(ctx, func(st *Structure, r Reader) error {
		access, err := s.access(ctx, st, r, a)
		if err != nil {
			return err
		}
		page = &RightsPage{Structure: st, Access: access}
		for _, key := range objects {
			o, err := s.object(ctx, r, access, key)
			if err != nil {
				return err
			}
			if err := need(o.Privilege, o.seenBy()); err != nil && o.managed < AccessPrivilege {
				return err
			}
			o.Rules = slices.Clone(st.rights.objects[o.object()])
			if auto {
				o.Rules = append(o.Rules, st.rights.automatic(st, o.object())...)
			}
			page.Objects = append(page.Objects, *o)
		}
		return page.read(ctx, r)
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// read reads the titles of the rules' subjects.
func (p *RightsPage) read(ctx context.Context, r Reader) (err error) {
	var refs []query.Ref
	for _, o := range p.Objects {
		for _, rule := range o.Rules {
			if rule.Ref != 0 {
				refs = append(refs, rule.Ref)
			}
		}
	}
	slices.Sort(refs)
	p.Titles, err = titlesFor(ctx, r, p.Access, slices.Compact(refs))
	if err != nil {
		return fmt.Errorf("read titles of subjects: %w", err)
	}
	return nil
}

func (o *ObjectRights) object() Object {
	switch {
	case o.Section != nil:
		return Object{Section: o.Section.Num}
	case o.View != nil:
		return Object{Catalog: o.Catalog.Num, View: o.View.Num}
	}
	return Object{Catalog: o.Catalog.Num, Record: o.Record}
}

// seenBy is the privilege that lets somebody see the object.
func (o *ObjectRights) seenBy() Privilege {
	if o.View != nil || o.Record != 0 {
		return ViewPrivilege
	}
	return AvailablePrivilege
}

// object finds an object and the actor's privilege on it. What is in a catalog
// or section that the actor does not see is forbidden without looking further.
func (s *Service) object(ctx context.Context, r Reader, access *Access, key ObjectKey) (*ObjectRights, error) {
	st := access.structure
	if key.Section != "" {
		section := st.SectionByKey(key.Section)
		if section == nil {
			return nil, fault.New(fault.NotFound, "There is no such section")
		}
		p := access.Section(section)
		return &ObjectRights{Section: section, Privilege: p, managed: p}, nil
	}
	c := st.CatalogByKey(key.Catalog)
	if c == nil {
		return nil, fault.New(fault.NotFound, "There is no such catalog")
	}
	o := &ObjectRights{Catalog: c, Privilege: access.Catalog(c)}
	o.managed = max(o.Privilege, access.Section(st.Section(c.Section)))
	if err := need(o.Privilege, AvailablePrivilege); err != nil {
		return nil, err
	}
	switch {
	case key.View != "":
		if o.View = st.rights.keys[c.Num][key.View]; o.View == nil {
			return nil, noView()
		}
		o.Privilege = access.View(o.View)
	case key.Record != query.Key{}:
		if err := o.findRecord(ctx, r, access, key.Record); err != nil {
			return nil, err
		}
	}
	o.managed = max(o.managed, o.Privilege)
	return o, nil
}

func (o *ObjectRights) findRecord(ctx context.Context, r Reader, access *Access, key query.Key) error {
	n, err := find(ctx, r, o.Catalog, key)
	if err != nil {
		return err
	}
	page := &Page{}
	if n != 0 {
		if page, err = r.Rows(ctx, o.Catalog, nil, []query.Record{n}); err != nil {
			return fmt.Errorf("read record: %w", err)
		}
	}
	if page.Len() == 0 {
		return noRecord()
	}
	on, err := rightsOn(ctx, r, access, o.Catalog, []query.Record{n})
	if err != nil {
		return err
	}
	o.Record, o.Code, o.Privilege = n, string(page.Code(0)), on.privilege(n)
	return nil
}

func noView() error { return fault.New(fault.NotFound, "There is no such view") }

// removedAttr begins the attribute of role groups whose field is gone; callers
// cannot choose such ids.
const removedAttr = "$removed"

// SubjectAttr is the public attribute of a subject with its title, "" for those
// that are no fields. Of a field that is gone it is a name that no other has.
func (s *Structure) SubjectAttr(of Subject) (attr, title string) {
	switch {
	case of == Subject{}:
		return EverybodyAttr, ""
	case of.Field == 0:
		return EmployeeAttr, ""
	}
	if f := s.Catalog(Employees).Field(of.Field); f != nil {
		return f.Key, f.Name
	}
	return removedAttr + strconv.FormatInt(int64(of.Field), 10), s.removedFields[of.Field]
}

package catalog

import (
	"context"
	"slices"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Privilege is how much somebody may do with a section, catalog or record. Each
// includes all lower ones. The zero Privilege is none.
type Privilege int

// The privileges, lowest first.
const (
	// DenyPrivilege takes access away that others give.
	DenyPrivilege Privilege = iota - 1
	NoPrivilege
	AvailablePrivilege
	SearchPrivilege
	ViewPrivilege
	EditPrivilege
	CreatePrivilege
	ExportPrivilege
	DeletePrivilege
	AccessPrivilege
	AdminPrivilege
)

var privilegeCodes = []string{"", "available", "search", "view", "edit", "create", "export", "delete", "access", "admin"}

// Code is the privilege's public name, "" for none.
func (p Privilege) Code() string {
	if p == DenyPrivilege {
		return "deny"
	}
	return privilegeCodes[p]
}

// PrivilegeByCode finds a privilege by its public name.
func PrivilegeByCode(code string) (p Privilege, ok bool) {
	if code == DenyPrivilege.Code() {
		return DenyPrivilege, true
	}
	i := slices.Index(privilegeCodes, code)
	return Privilege(i), i > 0
}

// Codes are the names of the privilege and of all it includes, highest first.
func (p Privilege) Codes() []string {
	codes := make([]string, 0, p)
	for ; p > NoPrivilege; p-- {
		codes = append(codes, p.Code())
	}
	return codes
}

// FieldRight is what somebody may do with one field.
type FieldRight int

// The field rights, lowest first.
const (
	HideField FieldRight = iota
	ViewField
	EditField
)

// Access is what one actor may do under one structure. Every method of Service
// asks it.
type Access struct {
	structure *Structure
	actor     Actor
	rules     *employeeRules // nil for automation, which may do everything
}

// access works out what the actor may do. r reads the structure's version; nil
// outside of a transaction.
func (s *Service) access(ctx context.Context, st *Structure, r Reader, a Actor) (*Access, error) {
	if a.System {
		return &Access{structure: st, actor: a}, nil
	}
	if a.Employee == 0 {
		return nil, fault.New(fault.Forbidden, "You have no rights in this company")
	}
	rules, err := s.rulesOf(ctx, st, r, a.Employee)
	if err != nil {
		return nil, err
	}
	return &Access{structure: st, actor: a, rules: rules}, nil
}

// plain tells whether the actor's rights on records are the same within each
// catalog, so that nothing has to be read to know them.
func (a *Access) plain() bool { return a.rules == nil || a.rules.plain }

// Section is the actor's privilege on a section.
func (a *Access) Section(s *Section) Privilege {
	if a.rules == nil {
		return AdminPrivilege
	}
	return min(a.rules.section(s.Num), a.limitSection(s))
}

// Catalog is the actor's privilege on a catalog; its records may give more.
func (a *Access) Catalog(c *Catalog) Privilege {
	if a.rules == nil {
		return AdminPrivilege
	}
	return min(a.rules.catalog(c).level, a.limit(c))
}

// Creates tells whether the actor may make records in a catalog.
func (a *Access) Creates(c *Catalog) bool {
	return a.rules == nil || a.rules.catalog(c).creates && a.may(account.Creates, c)
}

// View is the actor's privilege on a view: on a legal one by its rule, or the
// catalog's or section's; on a personal one that of its owner.
func (a *Access) View(v *View) Privilege {
	switch {
	case a.rules == nil:
		return AccessPrivilege
	case !v.Legal && v.Owner == a.actor.Employee:
		return min(AccessPrivilege, a.limit(a.structure.Catalog(v.Catalog)))
	case !v.Legal:
		return NoPrivilege
	}
	return min(a.rules.view(v), a.limit(a.structure.Catalog(v.Catalog)))
}

// Where is the condition under which the actor may view a catalog's record;
// nil for all records.
func (a *Access) Where(c *Catalog) query.Node { return a.whereAt(c, ViewPrivilege) }

func (a *Access) whereAt(c *Catalog, p Privilege) query.Node {
	if a.rules == nil {
		return nil
	}
	if !a.may(account.Reads, c) {
		return none
	}
	ca := a.rules.catalog(c)
	if n := ca.where(p, a.rules.conditions(ca)); !isAll(n) {
		return n
	}
	return nil
}

// inView is the condition of a legal view for the actor: none if it cannot be
// evaluated.
func (a *Access) inView(v *View) query.Node {
	if a.rules == nil {
		return none
	}
	n, ok := a.rules.readView(v)
	if !ok {
		return none
	}
	return n
}

// Field is what the actor may do with a field at most, on any record.
func (a *Access) Field(f *Field) FieldRight {
	if a.rules == nil {
		return EditField
	}
	c := a.structure.Catalog(f.Catalog)
	return min(a.rules.catalog(c).best(f.Num), a.limitField(account.Creates|account.Updates, c))
}

// Fields are the actor's rights on a catalog's fields that differ from what his
// privilege on it says; nil for none. Single records and views may give others.
func (a *Access) Fields(c *Catalog) map[*Field]FieldRight {
	if a.rules == nil {
		return nil
	}
	ca := a.rules.catalog(c)
	var rights map[*Field]FieldRight
	for _, f := range c.Fields {
		if !ca.restricted[f.Num] {
			continue
		}
		if right := ca.atCatalog(f.Num); right != implied(ca.level) {
			if rights == nil {
				rights = map[*Field]FieldRight{}
			}
			rights[f] = right
		}
	}
	return rights
}

// visible is where a field is not hidden from the actor, among the records that
// he may view: nil for everywhere.
func (a *Access) visible(f *Field) query.Node {
	if a.rules == nil {
		return nil
	}
	ca := a.rules.catalog(a.structure.Catalog(f.Catalog))
	if a.limit(ca.catalog) < AvailablePrivilege {
		return none
	}
	if !ca.restricted[f.Num] {
		return nil
	}
	if n := ca.visible(f.Num, a.rules.conditions(ca)); !isAll(n) {
		return n
	}
	return nil
}

// titles is where titles of a catalog's records are shown to the actor; nil for
// everywhere.
func (a *Access) titles(c *Catalog) query.Node {
	if a.rules == nil || c == nil || c.Title() == nil {
		return nil
	}
	ca := a.rules.catalog(c)
	if n := ca.titled(c.Title().Num, a.rules.conditions(ca)); !isAll(n) {
		return n
	}
	return nil
}

// Shown tells whether answers have the field, at least of some records, be they
// those of a view that nothing is in just now. Where it is not Readable as well,
// its values are shown as empty.
func (a *Access) Shown(f *Field) bool {
	if a.rules == nil {
		return true
	}
	ca := a.rules.catalog(a.structure.Catalog(f.Catalog))
	return a.limit(ca.catalog) >= AvailablePrivilege && !ca.never[f.Num]
}

// Readable tells whether the actor may see the field's values, at least of some
// records. Those of a secret are for administrators of its catalog, passwords
// for nobody.
func (a *Access) Readable(f *Field) bool {
	if !a.Shown(f) {
		return false
	}
	return !f.Secret || f.Key != passwordKey && a.Catalog(a.structure.Catalog(f.Catalog)) >= AdminPrivilege
}

// settable is what the actor may do with a field of a record that he makes.
func (a *Access) settable(f *Field) FieldRight {
	if a.rules == nil {
		return EditField
	}
	c := a.structure.Catalog(f.Catalog)
	return min(a.rules.catalog(c).created(f.Num), a.limitField(account.Creates, c))
}

// need fails with Forbidden unless the actor has the privilege.
func need(have, want Privilege) error {
	if have < want {
		return forbidden()
	}
	return nil
}

func forbidden() error { return fault.New(fault.Forbidden, "You have no right to do this") }

// Scope is a catalog as an actor sees it.
type Scope struct {
	Structure *Structure
	Catalog   *Catalog
	Access    *Access
	// NewChats is how many records have messages that are new to the actor, once
	// Service.CountChats has counted them.
	NewChats int64
}

// Gone tells that the employee whose rights these are is not there any more. What is for
// everybody is for him too until whoever acts for him looks here.
func (a *Access) Gone() bool { return a.rules != nil && a.rules.gone }

// scope opens a catalog to an actor: NotFound when there is none, Forbidden
// when the actor may not see it. A catalog whose section the actor cannot see
// is forbidden without looking further.
func (s *Service) scope(ctx context.Context, st *Structure, r Reader, a Actor, c *Catalog) (*Scope, error) {
	if c == nil {
		return nil, fault.New(fault.NotFound, "There is no such catalog")
	}
	access, err := s.access(ctx, st, r, a)
	if err != nil {
		return nil, err
	}
	if err := need(access.Catalog(c), AvailablePrivilege); err != nil {
		return nil, err
	}
	return &Scope{Structure: st, Catalog: c, Access: access}, nil
}

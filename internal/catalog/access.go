package catalog

import (
	"context"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Privilege is how much somebody may do with a section, catalog or record. Each
// includes all lower ones. The zero Privilege is none.
type Privilege int

// The privileges, lowest first.
const (
	NoPrivilege Privilege = iota
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
func (p Privilege) Code() string { return privilegeCodes[p] }

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
// asks it; in this version each employee is an administrator, so that only
// what nobody may do is refused.
type Access struct {
	structure *Structure
	actor     Actor
}

// access works out what the actor may do.
func (s *Service) access(_ context.Context, st *Structure, a Actor) (*Access, error) {
	if !a.System && a.Employee == 0 {
		return nil, fault.New(fault.Forbidden, "You have no rights in this company")
	}
	return &Access{structure: st, actor: a}, nil
}

// Section is the actor's privilege on a section.
func (a *Access) Section(*Section) Privilege { return AdminPrivilege }

// Catalog is the actor's privilege on a catalog.
func (a *Access) Catalog(*Catalog) Privilege { return AdminPrivilege }

// Where is the condition under which the actor may view a catalog's record;
// nil for all records.
func (a *Access) Where(*Catalog) query.Node { return nil }

// Field is what the actor may do with a field in general.
func (a *Access) Field(f *Field) FieldRight { return EditField }

// Shown tells whether answers have the field. Where it is not Readable as well,
// its values are shown as empty.
func (a *Access) Shown(f *Field) bool { return a.Field(f) >= ViewField }

// Readable tells whether the actor may see the field's values. Those of a
// secret are for administrators of its catalog, passwords for nobody.
func (a *Access) Readable(f *Field) bool {
	if !a.Shown(f) {
		return false
	}
	return !f.Secret || f.Key != passwordKey && a.Catalog(a.structure.Catalog(f.Catalog)) >= AdminPrivilege
}

// Writable tells whether the actor may change the field's values.
func (a *Access) Writable(f *Field) bool { return a.Field(f) >= EditField }

// need fails with Forbidden unless the actor has the privilege.
func need(have, want Privilege) error {
	if have < want {
		return fault.New(fault.Forbidden, "You have no right to do this")
	}
	return nil
}

// Scope is a catalog as an actor sees it.
type Scope struct {
	Structure *Structure
	Catalog   *Catalog
	Access    *Access
}

// scope opens a catalog to an actor: NotFound when there is none, Forbidden
// when the actor may not see it. A catalog whose section the actor cannot see
// is forbidden without looking further.
func (s *Service) scope(ctx context.Context, st *Structure, a Actor, c *Catalog) (*Scope, error) {
	if c == nil {
		return nil, fault.New(fault.NotFound, "There is no such catalog")
	}
	access, err := s.access(ctx, st, a)
	if err != nil {
		return nil, err
	}
	if err := need(access.Catalog(c), AvailablePrivilege); err != nil {
		return nil, err
	}
	return &Scope{Structure: st, Catalog: c, Access: access}, nil
}

package catalog

import (
	"slices"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
)

// This file is what a token narrows. A catalog outside of its scope is as one
// that the actor has no right on; inside, the verbs bound every privilege, so
// that whatever asks for a privilege is narrowed. What privileges, each of which
// includes all lower ones, cannot say (a token that deletes but does not change)
// is asked by verb, where records are read and where they are written.

// may tells whether the actor's token, if he came with one, is for such work in
// a catalog. Records of system catalogs steer the program (who may sign in, whom
// it sends what it knows): to write them is administration.
func (a *Access) may(v account.Verbs, c *Catalog) bool {
	s := a.actor.Scope
	if s == nil {
		return true
	}
	writes := v & (account.Creates | account.Updates | account.Deletes)
	if c.System && writes != 0 && !s.Allows(account.Administers) {
		return false
	}
	return s.Covers(int64(c.Num)) && s.Allows(v)
}

// allow fails with Forbidden unless the actor may do such work.
func (a *Access) allow(v account.Verbs, c *Catalog) error {
	if !a.may(v, c) {
		return outOfScope()
	}
	return nil
}

func outOfScope() error {
	return fault.New(fault.Forbidden, "The token does not allow this")
}

// readsEmployees tells whether the actor's token, if he came with one, is for
// reading the employees' catalog.
func (a Actor) readsEmployees() bool {
	return a.Scope.Allows(account.Reads) && a.Scope.Covers(int64(Employees))
}

// highest is the most that the verbs of the actor's token leave of a privilege.
func (a *Access) highest() Privilege {
	s := a.actor.Scope
	switch {
	case s.Allows(account.Administers):
		return AdminPrivilege
	case s.Allows(account.Deletes):
		return DeletePrivilege
	case s.Allows(account.Creates):
		return CreatePrivilege
	case s.Allows(account.Updates):
		return EditPrivilege
	}
	return ViewPrivilege
}

// limit is the highest privilege that the token leaves on a catalog and its
// views and records.
func (a *Access) limit(c *Catalog) Privilege {
	s := a.actor.Scope
	switch {
	case s == nil:
		return AdminPrivilege
	case !s.Covers(int64(c.Num)):
		return NoPrivilege
	case c.System && !s.Allows(account.Administers):
		return ViewPrivilege
	}
	return a.highest()
}

// limitSection is the highest privilege that the token leaves on a section. One
// of some catalogs sees the sections that they are in.
func (a *Access) limitSection(s *Section) Privilege {
	scope := a.actor.Scope
	if scope == nil || scope.Catalogs == nil {
		return a.highest()
	}
	inside := func(c *Catalog) bool { return c.Section == s.Num && a.Catalog(c) >= AvailablePrivilege }
	if slices.ContainsFunc(a.structure.Catalogs, inside) {
		return SearchPrivilege
	}
	return NoPrivilege
}

// limitField is the highest right that the token leaves on fields of a
// catalog's records, by the verb that would change them.
func (a *Access) limitField(v account.Verbs, c *Catalog) FieldRight {
	switch {
	case a.may(v, c):
		return EditField
	case a.actor.Scope.Covers(int64(c.Num)):
		return ViewField
	}
	return HideField
}

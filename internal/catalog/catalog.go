package catalog

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// maxInstruction bounds a catalog's instruction, in bytes.
const maxInstruction = 64 << 10

// CatalogInput is what a caller sets of a catalog; nil leaves a part as it is.
type CatalogInput struct {
	Key, Name, Icon *string
	Section         *string // public id
	Priority        *int
	History         *bool
	Instruction     *string
	// Fields, if not nil, replaces the structure: fields not in it are removed.
	Fields []FieldInput
}

// CatalogFilter narrows a list of catalogs.
type CatalogFilter struct {
	Sections []string // public ids; nil for all, unknown ones have no catalogs
	Hidden   bool     // also those that are hidden by default
}

// Catalogs lists the catalogs that the actor sees, in menu order.
func (s *Service) Catalogs(ctx context.Context, a Actor, filter CatalogFilter) ([]*Scope, error) {
	st, access, err := s.current(ctx, a)
	if err != nil {
		return nil, err
	}
	var scopes []*Scope
	for _, c := range st.Catalogs {
		wanted := filter.Sections == nil || slices.Contains(filter.Sections, st.Section(c.Section).Key)
		if wanted && (filter.Hidden || !c.Mirror) && access.Catalog(c) >= SearchPrivilege {
			scopes = append(scopes, &Scope{Structure: st, Catalog: c, Access: access})
		}
	}
	return scopes, nil
}

// Catalog gives one catalog by public id: NotFound, Forbidden.
func (s *Service) Catalog(ctx context.Context, a Actor, key string) (scope *Scope, err error) {
	err = s.now(ctx, func(st *Structure) (err error) {
		scope, err = s.scope(ctx, st, nil, a, st.CatalogByKey(key))
		return err
	})
	return scope, err
}

// CreateCatalog makes a catalog in a section, the last in the menu unless a
// priority is given.
func (s *Service) CreateCatalog(ctx context.Context, a Actor, in CatalogInput) (*Scope, error) {
	return s.createCatalog(ctx, a, in, nil)
}

// createCatalog is CreateCatalog with what joins its transaction; alongside may
// be nil and may run twice.
func (s *Service) createCatalog(ctx context.Context, a Actor, in CatalogInput, alongside func(Writer, *Catalog) error) (*Scope, error) {
	var number query.Catalog
	err := s.reshape(ctx, nil, func(st *Structure, w Writer) error {
		access, err := s.access(ctx, st, w, a)
		if err != nil {
			return err
		}
		if in.Section == nil {
			return fault.Invalid([]fault.Detail{fault.At("sectionId", fault.Required, "a catalog needs a section")})
		}
		if _, err := seenSection(st, access, *in.Section, AdminPrivilege); err != nil {
			return err
		}
		n, err := w.Next(ctx, CatalogCounter)
		if err != nil {
			return err
		}
		number = query.Catalog(n)
		c := &Catalog{Num: number, Key: strconv.FormatInt(n, 10), History: true, NextField: 1, Priority: lastPriority(st)}
		if in.Name == nil {
			in.Name = new(string)
		}
		r := restructure{service: s, st: st, w: w, access: access, before: &Catalog{}, after: c}
		if err := r.run(ctx, in); err != nil {
			return err
		}
		if err := defaultBoard(ctx, w, number, 0); err != nil || alongside == nil {
			return err
		}
		return alongside(w, c)
	})
	if err != nil {
		return nil, err
	}
	s.audit(ctx, a, "Api", "catalog.created", "catalog", int64(number), "changed", in.given())
	return s.reopen(ctx, a, number)
}

// UpdateCatalog changes a catalog, its fields included, in one transaction.
func (s *Service) UpdateCatalog(ctx context.Context, a Actor, key string, in CatalogInput) (*Scope, error) {
	scope, err := s.Catalog(ctx, a, key)
	if err != nil {
		return nil, err
	}
	number := scope.Catalog.Num
	err = s.reshape(ctx, []query.Catalog{number}, func(st *Structure, w Writer) error {
		scope, err := s.administered(ctx, st, w, a, number)
		if err != nil {
			return err
		}
		after := *scope.Catalog
		r := restructure{service: s, st: st, w: w, access: scope.Access, before: scope.Catalog, after: &after}
		return r.run(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	s.audit(ctx, a, "Api", "catalog.changed", "catalog", int64(number), "changed", in.given())
	return s.reopen(ctx, a, number)
}

// DeleteCatalog takes a catalog out of everybody's sight. The operator can
// bring it back.
func (s *Service) DeleteCatalog(ctx context.Context, a Actor, key string) error {
	scope, err := s.Catalog(ctx, a, key)
	if err != nil {
		return err
	}
	number := scope.Catalog.Num
	err = s.reshape(ctx, []query.Catalog{number}, func(st *Structure, w Writer) error {
		scope, err := s.administered(ctx, st, w, a, number)
		if err != nil {
			return err
		}
		if scope.Catalog.System {
			return fault.New(fault.InvalidParameter, "A system catalog cannot be deleted")
		}
		removed := *scope.Catalog
		removed.Removed = s.options.Now()
		return w.SaveCatalog(ctx, &removed)
	})
	if err == nil {
		s.audit(ctx, a, "Api", "catalog.deleted", "catalog", int64(number))
	}
	return err
}

// ClearCatalog removes all records of a catalog for good, with their links,
// histories and chats, and gives their number. The caller proves the intention by the
// catalog's exact name.
func (s *Service) ClearCatalog(ctx context.Context, a Actor, key, name string) (int64, error) {
	scope, err := s.Catalog(ctx, a, key)
	if err != nil {
		return 0, err
	}
	var cleared int64
	number := scope.Catalog.Num
	err = s.update(ctx, Reshape, []query.Catalog{number, messagesMirror}, func(st *Structure, w Writer) error {
		scope, err := s.administered(ctx, st, w, a, number)
		if err != nil {
			return err
		}
		switch {
		case scope.Catalog.Mirror || number == Employees || number == Accounts || number == companies:
			return fault.New(fault.InvalidParameter, "A system catalog cannot be cleared")
		case scope.Catalog.Name != name:
			return fault.New(fault.InvalidParameter, "name: it is not the name of the catalog")
		}
		if err := s.unmirrorAll(ctx, w, st, number); err != nil {
			return err
		}
		now := s.options.Now().UnixMilli()
		if cleared, err = w.Clear(ctx, scope.Catalog, now, ChangeRow{Actor: a.Employee, Origin: a.Origin}); err != nil {
			return err
		}
		if number == Webhooks { // everybody reads the subscriptions again
			if err := w.BumpRights(ctx); err != nil {
				return err
			}
		}
		return w.LooseFiles(ctx, number, 0, now)
	})
	if err == nil {
		s.audit(ctx, a, "Api", "catalog.cleared", "catalog", int64(number), "records", cleared)
	}
	return cleared, err
}

// administered opens a catalog to somebody who is going to change it.
func (s *Service) administered(ctx context.Context, st *Structure, r Reader, a Actor, n query.Catalog) (*Scope, error) {
	scope, err := s.scope(ctx, st, r, a, st.Catalog(n))
	if err != nil {
		return nil, err
	}
	return scope, need(scope.Access.Catalog(scope.Catalog), AdminPrivilege)
}

// reopen gives a catalog after a change.
func (s *Service) reopen(ctx context.Context, a Actor, n query.Catalog) (scope *Scope, err error) {
	err = s.retry(ctx, func(st *Structure) (err error) {
		scope, err = s.scope(ctx, st, nil, a, st.Catalog(n))
		return err
	})
	return scope, err
}

func lastPriority(st *Structure) int {
	last := 0
	for _, c := range st.Catalogs {
		if !c.System {
			last = max(last, c.Priority)
		}
	}
	return last + 1
}

// apply sets the given parts of a catalog but its fields.
func (in CatalogInput) apply(st *Structure, access *Access, c *Catalog) error {
	var details []fault.Detail
	if in.Name != nil {
		c.Name = strings.TrimSpace(*in.Name)
		details = append(details, checkName("name", c.Name)...)
	}
	if in.Icon != nil {
		c.Icon = *in.Icon
		details = append(details, checkIcon(c.Icon)...)
	}
	if in.Instruction != nil {
		c.Instruction = sanitise(*in.Instruction)
		if len(*in.Instruction) > maxInstruction {
			details = append(details, fault.At("instruction", fault.TooLong, "an instruction has at most %d bytes", maxInstruction))
		}
		if strings.IndexByte(*in.Instruction, 0) >= 0 {
			details = append(details, fault.At("instruction", fault.Type, "the text contains a NUL character"))
		}
	}
	if in.Priority != nil {
		c.Priority = *in.Priority
	}
	if in.History != nil {
		c.History = *in.History
	}
	if err := fault.Invalid(details); err != nil {
		return err
	}
	if in.Key != nil && *in.Key != c.Key {
		taken := st.CatalogByKey(*in.Key) != nil
		if err := checkKey(*in.Key, int64(c.Num), c.System, taken); err != nil {
			return err
		}
		c.Key = *in.Key
	}
	return in.move(st, access, c)
}

// move puts the catalog into the given section.
func (in CatalogInput) move(st *Structure, access *Access, c *Catalog) error {
	if in.Section == nil {
		return nil
	}
	info, err := seenSection(st, access, *in.Section, AdminPrivilege)
	if err != nil {
		return err
	}
	if c.System && info.Num != c.Section {
		return fault.New(fault.InvalidParameter, "The system catalog %s cannot be moved", text.Cut(c.Name, 100))
	}
	c.Section = info.Num
	return nil
}

package catalog

import (
	"context"
	"fmt"
	"time"

	"kartoteka/internal/fault"
)

// Kinds of what Undelete brings back.
const (
	SectionKind = "section"
	CatalogKind = "catalog"
	FieldKind   = "field"
)

// Undelete brings back a removed section, catalog or field by its public id; a
// field also needs its catalog's. Values of a field come back with it.
func (s *Service) Undelete(ctx context.Context, a Actor, kind, id, catalog string) error {
	d, err := s.store.Structure(ctx)
	if err != nil {
		return fmt.Errorf("load structure: %w", err)
	}
	err = s.reshape(ctx, nil, func(st *Structure, w Writer) error {
		access, err := s.access(ctx, st, w, a)
		if err != nil {
			return err
		}
		if err := need(access.Section(st.SectionByKey(settingsKey)), AdminPrivilege); err != nil {
			return err
		}
		if d.Version != st.Version {
			return fault.New(fault.Unavailable, "The structure keeps changing; try again")
		}
		switch kind {
		case SectionKind:
			return undeleteSection(ctx, w, d, id)
		case CatalogKind:
			return undeleteCatalog(ctx, w, d, id)
		case FieldKind:
			return undeleteField(ctx, w, st, d, id, catalog)
		}
		return fault.New(fault.InvalidParameter, "Only a section, a catalog or a field can be brought back")
	})
	if err == nil {
		s.audit(ctx, a, "Api", "structure.undeleted", "kind", kind, "object", id, "catalog", catalog)
	}
	return err
}

func undeleteSection(ctx context.Context, w Writer, d *Definition, id string) error {
	section := d.section(id)
	if section == nil || section.Removed.IsZero() {
		return fault.New(fault.NotFound, "There is no such removed section")
	}
	section.Removed = time.Time{}
	return w.SaveSection(ctx, section)
}

func undeleteCatalog(ctx context.Context, w Writer, d *Definition, id string) error {
	c := d.catalog(id)
	if c == nil || c.Removed.IsZero() {
		return fault.New(fault.NotFound, "There is no such removed catalog")
	}
	c.Removed = time.Time{}
	return w.SaveCatalog(ctx, c)
}

func undeleteField(ctx context.Context, w Writer, st *Structure, d *Definition, id, catalog string) error {
	c := st.CatalogByKey(catalog)
	if c == nil {
		return fault.New(fault.NotFound, "There is no such catalog")
	}
	if c.FieldByKey(id) != nil {
		return fault.New(fault.DuplicateID, "The id %s is taken", id)
	}
	var removed *Field
	for _, f := range d.Fields {
		if f.Catalog == c.Num && f.Key == id && !f.Removed.IsZero() {
			removed = f
		}
	}
	if removed == nil {
		return fault.New(fault.NotFound, "There is no such removed field")
	}
	removed.Removed = time.Time{}
	after := *c
	fields := append(c.Fields[:len(c.Fields):len(c.Fields)], removed)
	if err := w.SaveFields(ctx, &after, fields); err != nil {
		return err
	}
	after.setFields(fields)
	if sameField(after.title, c.title) || after.title == c.title {
		return nil
	}
	return w.Retitle(ctx, &after, after.title)
}

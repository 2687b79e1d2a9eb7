package apisync

import (
	"slices"
	"strings"

	"kartoteka/internal/catalog"
)

// systemFields are the fields of every record that are not its catalog's.
var systemFields = []string{"id", "display_name", "create_date", "write_date", "create_uid", "write_uid", "active"}

// forbiddenModels are system catalogs that no config may be about.
var forbiddenModels = []string{"$accounts", "$rights", "$rightFields", "$companies"}

// modelOf finds the catalog of a model: by public id, or by an alias of one. nil if
// there is none or it is forbidden.
func modelOf(st *catalog.Structure, s *Settings, model string) *catalog.Catalog {
	if alias, ok := s.ModelAliases[model]; ok {
		model = alias
	}
	if slices.Contains(forbiddenModels, model) {
		return nil
	}
	return st.CatalogByKey(model)
}

// fieldOf finds a field as configs name it: by public id, by its exact name, or as
// scripts do. nil if there is none, or two have that name.
func fieldOf(c *catalog.Catalog, name string) *catalog.Field {
	f := c.FieldByKey(name)
	if f == nil {
		f = c.ScriptNames()[name]
	}
	if f == nil || !f.Scripted() {
		return nil
	}
	return f
}

// fieldPath finds the fields of a dotted path, each but the last a link to one
// catalog. system is the last step if it is a field of every record; the path leads to
// the record then. false when there is no such path.
func fieldPath(st *catalog.Structure, c *catalog.Catalog, path string) (fields []*catalog.Field, system string, ok bool) {
	for c != nil {
		if f := fieldOf(c, path); f != nil { // a name may have dots
			return append(fields, f), "", true
		}
		if slices.Contains(systemFields, path) {
			return fields, path, true
		}
		name, rest, more := strings.Cut(path, ".")
		f := fieldOf(c, name)
		if !more || f == nil {
			return nil, "", false
		}
		fields, path, c = append(fields, f), rest, onlyLinked(st, f)
	}
	return nil, "", false
}

// onlyLinked is the catalog that a field links if it is one alone, else nil.
func onlyLinked(st *catalog.Structure, f *catalog.Field) *catalog.Catalog {
	if f.HoldsEmployees() {
		return st.Catalog(catalog.Employees)
	}
	if f.Storage() != catalog.LinksStorage || len(f.Config.Sources) != 1 {
		return nil
	}
	return st.Catalog(f.Config.Sources[0].Catalog)
}

// activeField is the switch that says which records of a catalog are active, nil for
// none: all are.
func (s *State) activeField(c *catalog.Catalog) *catalog.Field {
	return s.named(s.Settings.ActiveFields, c, catalog.BoolStorage)
}

// named is the field that settings name for a catalog, nil for none.
func (s *State) named(names map[string]string, c *catalog.Catalog, storage catalog.Storage) *catalog.Field {
	if c == nil {
		return nil
	}
	for model, name := range names {
		if modelOf(s.Structure, s.Settings, model) != c {
			continue
		}
		if f := fieldOf(c, name); f != nil && f.Storage() == storage {
			return f
		}
	}
	return nil
}

package scriptenv

import (
	"encoding/json"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
)

// Fields that every record has, for reading and sorting.
const (
	createDate = "create_date"
	writeDate  = "write_date"
)

// fieldInfo is what scripts are told of a field.
type fieldInfo struct {
	Type     string `json:"type"`
	Relation string `json:"relation,omitempty"`
	String   string `json:"string"`
	Required bool   `json:"required"`
	Readonly bool   `json:"readonly"`
}

// fieldList answers what fields there are.
type fieldList struct {
	Model  string               `json:"model"`  // the name that records of it have
	Fields map[string]fieldInfo `json:"fields"` // by id
	Names  map[string]string    `json:"names"`  // other names to ids
}

// Fields answers what fields a catalog has, whoever may see their values.
func (h *Host) Fields(sc *catalog.Scope) (json.RawMessage, error) { return json.Marshal(h.fields(sc)) }

func (h *Host) fields(sc *catalog.Scope) *fieldList {
	all := &fieldList{Model: h.model(sc.Catalog), Fields: map[string]fieldInfo{
		"id":       {Type: "integer", String: "id", Readonly: true},
		createDate: {Type: "datetime", String: "created", Readonly: true},
		writeDate:  {Type: "datetime", String: "updated", Readonly: true},
	}, Names: map[string]string{}}
	for _, f := range sc.Catalog.Fields {
		if f.Scripted() {
			kind, relation := h.kind(sc, f)
			all.Fields[f.Key] = fieldInfo{kind, relation, f.Name, f.Required, false}
		}
	}
	for name, f := range sc.Catalog.ScriptNames() {
		if _, taken := all.Fields[name]; !taken {
			all.Names[name] = f.Key
		}
	}
	return all
}

// askedFields are the fields that a script reads, by the names that it has for them; all
// for nil. Unknown names are left out.
func (h *Host) askedFields(c *catalog.Catalog, names []string) map[string]*catalog.Field {
	asked := map[string]*catalog.Field{}
	if names == nil {
		for _, f := range c.Fields {
			if f.Scripted() {
				asked[f.Key] = f
			}
		}
	}
	for _, name := range names {
		if f := h.fieldOf(c, name); f != nil && f.Scripted() {
			asked[name] = f
		}
	}
	return asked
}

// fieldOf finds a field as scripts name it: by its id, or else by another name of it.
func (h *Host) fieldOf(c *catalog.Catalog, name string) *catalog.Field {
	if f := bpium.FieldByID(c, name); f != nil {
		return f
	}
	names, ok := h.names[c]
	if !ok {
		if h.names == nil {
			h.names = map[*catalog.Catalog]map[string]*catalog.Field{}
		}
		names = c.ScriptNames()
		h.names[c] = names
	}
	return names[name]
}

// kind is the type of a field in scripts. Links to several catalogs, contacts,
// addresses and files are values as the API has them.
func (h *Host) kind(sc *catalog.Scope, f *catalog.Field) (kind, relation string) {
	switch f.Type.Name() {
	case "text":
		return "char", ""
	case "number", "progress":
		return "float", ""
	case "stars":
		return "integer", ""
	case "switch":
		return "boolean", ""
	case "radiobutton":
		return "selection", ""
	case "date":
		if f.Config.HasTime() {
			return "datetime", ""
		}
		return "date", ""
	case "dropdown":
		if !f.Config.Multi {
			return "selection", ""
		}
	case "object", "user":
		other := linkedCatalog(sc, f)
		switch {
		case other == nil:
		case f.Config.Multi:
			return "many2many", h.model(other)
		default:
			return "many2one", h.model(other)
		}
	}
	return "json", ""
}

// linkedCatalog is the only catalog that a field links, nil when there are several.
func linkedCatalog(sc *catalog.Scope, f *catalog.Field) (only *catalog.Catalog) {
	if f.Type.Name() == "user" {
		return sc.Structure.Catalog(catalog.Employees)
	}
	for _, s := range f.Config.Sources {
		c := sc.Structure.Catalog(s.Catalog)
		if c == nil || only != nil && only != c {
			return nil
		}
		only = c
	}
	return only
}

// model is what records of a catalog are records of.
func (h *Host) model(c *catalog.Catalog) string {
	if h.Name != nil {
		return h.Name(c)
	}
	return c.Key
}

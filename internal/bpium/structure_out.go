package bpium

import (
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query/tree"
)

// writer adds JSON objects and lists, putting the commas.
type writer struct {
	b     []byte
	comma bool
}

func (w *writer) open(c byte) {
	w.next()
	w.b = append(w.b, c)
	w.comma = false
}

func (w *writer) end(c byte) {
	w.b = append(w.b, c)
	w.comma = true
}

// next puts the comma before an element.
func (w *writer) next() {
	if w.comma {
		w.b = append(w.b, ',')
	}
	w.comma = true
}

func (w *writer) key(name string) {
	w.next()
	w.b = append(tree.AppendString(w.b, name), ':')
	w.comma = false
}

func (w *writer) text(s string) {
	w.next()
	w.b = tree.AppendString(w.b, s)
}

func (w *writer) raw(s string) {
	w.next()
	w.b = append(w.b, s...)
}

func (w *writer) str(name, s string) {
	w.key(name)
	w.text(s)
}

func (w *writer) yes(name string, b bool) {
	w.key(name)
	w.raw(strconv.FormatBool(b))
}

func (w *writer) number(name string, n int64) {
	w.key(name)
	w.raw(strconv.FormatInt(n, 10))
}

func (w *writer) json(name, json string) {
	w.key(name)
	w.raw(json)
}

// strOrNull writes the empty text as null.
func (w *writer) strOrNull(name, s string) {
	if s == "" {
		w.json(name, "null")
		return
	}
	w.str(name, s)
}

func (w *writer) texts(name string, list []string) {
	w.key(name)
	w.open('[')
	for _, s := range list {
		w.text(s)
	}
	w.end(']')
}

// EncodeSections adds a list of sections as JSON.
func EncodeSections(dst []byte, sections []catalog.SectionInfo) []byte {
	w := writer{b: dst}
	w.open('[')
	for _, s := range sections {
		w.section(s)
	}
	w.end(']')
	return w.b
}

// EncodeSection adds one section as JSON.
func EncodeSection(dst []byte, s catalog.SectionInfo) []byte {
	w := writer{b: dst}
	w.section(s)
	return w.b
}

func (w *writer) section(s catalog.SectionInfo) {
	w.open('{')
	w.str("id", s.Key)
	w.strOrNull("icon", s.Icon)
	w.str("name", s.Name)
	w.number("priority", int64(s.Priority))
	w.str("privilegeCode", s.Privilege.Code())
	w.texts("privileges", s.Privilege.Codes())
	w.end('}')
}

// CatalogOptions say how catalogs are written.
type CatalogOptions struct {
	// SkipPrevID leaves out the copies of system fields under their numbers.
	SkipPrevID bool
	// Fields limits the fields by id, as FieldIDs reads them; nil for all.
	Fields map[string]bool
}

// EncodeCatalogs adds a list of catalogs as JSON.
func EncodeCatalogs(dst []byte, scopes []*catalog.Scope, o CatalogOptions) []byte {
	w := writer{b: dst}
	w.open('[')
	for _, sc := range scopes {
		w.catalog(sc, o)
	}
	w.end(']')
	return w.b
}

// EncodeCatalog adds one catalog as JSON.
func EncodeCatalog(dst []byte, sc *catalog.Scope, o CatalogOptions) []byte {
	w := writer{b: dst}
	w.catalog(sc, o)
	return w.b
}

func (w *writer) catalog(sc *catalog.Scope, o CatalogOptions) {
	c, privilege := sc.Catalog, sc.Access.Catalog(sc.Catalog)
	w.open('{')
	w.str("id", c.Key)
	w.str("sectionId", sectionKey(sc.Structure, c))
	w.str("name", c.Name)
	w.strOrNull("icon", c.Icon)
	w.yes("history", c.History)
	w.key("chat")
	w.open('{')
	w.number("newChats", sc.NewChats)
	w.end('}')
	w.str("privilegeCode", privilege.Code())
	w.fieldRights(c, sc.Access.Fields(c))
	w.strOrNull("instruction", c.Instruction)
	w.key("fields")
	w.open('[')
	for _, f := range c.Fields {
		if sc.Access.Field(f) != catalog.HideField {
			w.fieldTwice(sc, f, o)
		}
	}
	w.end(']')
	w.end('}')
}

// fieldTwice writes a system field under its number and under its text id.
func (w *writer) fieldTwice(sc *catalog.Scope, f *catalog.Field, o CatalogOptions) {
	number := strconv.Itoa(f.ID)
	if o.Fields != nil && !o.Fields[f.Key] && !(f.System && o.Fields[number]) {
		return
	}
	if f.System && !o.SkipPrevID {
		w.field(sc, f, number, true)
	}
	w.field(sc, f, f.Key, false)
}

// field writes a field's definition.
func (w *writer) field(sc *catalog.Scope, f *catalog.Field, id string, copied bool) {
	w.open('{')
	w.fieldMembers(sc, f, id, copied, true)
	w.end('}')
}

// fieldMembers writes a definition; deep tells whether the fields of linked
// records are written with theirs, which is done once: catalogs may link each
// other.
func (w *writer) fieldMembers(sc *catalog.Scope, f *catalog.Field, id string, copied, deep bool) {
	w.str("id", id)
	w.str("prevId", strconv.Itoa(f.ID))
	w.yes("duplicateResultWithPrevId", f.System)
	if copied {
		w.yes("isDuplicated", true)
	}
	w.yes("isSystem", f.System)
	w.str("name", f.Name)
	w.str("type", f.Type.Name())
	w.str("hint", f.Hint)
	comment := f.Comment
	if sc.Access.Catalog(sc.Catalog) < catalog.AdminPrivilege {
		comment = ""
	}
	w.str("comment", comment)
	w.yes("required", f.Required)
	w.yes("apiOnly", f.APIOnly)
	w.yes("hidden", f.Hidden)
	w.yes("history", f.History)
	w.yes("filterable", f.Filterable)
	w.key("config")
	w.config(sc, f, deep)
	w.key("visible")
	if len(f.Visible) == 0 {
		w.raw("null")
		return
	}
	w.raw(string(f.Visible))
}

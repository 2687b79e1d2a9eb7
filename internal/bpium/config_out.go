package bpium

import (
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// config writes a field's configuration in the form of its type, and behind it
// the keys that the program does not know.
func (w *writer) config(sc *catalog.Scope, f *catalog.Field, deep bool) {
	c := &f.Config
	w.open('{')
	switch f.Type.Name() {
	case "group":
		w.yes("tab", c.Tab)
	case "text":
		w.textConfig(c)
	case "number":
		w.str("unit", c.Unit)
		w.bound("min", c.Min)
		w.bound("max", c.Max)
		if c.Digits != nil {
			w.number("digits", int64(*c.Digits))
		}
	case "date":
		w.yes("time", c.HasTime())
		w.str("mode", withDefault(c.Mode, catalog.ModeDate))
		w.yes("defaultValue", c.Default)
	case "dropdown":
		w.items(c.Items, true)
		w.yes("multiselect", c.Multi)
		w.yes("defaultValue", c.Default)
	case "radiobutton":
		w.items(c.Items, false)
		w.str("view", withDefault(c.Kind, "radio"))
		w.yes("defaultValue", c.Default)
	case "checkboxes":
		w.items(c.Items, false)
		w.yes("defaultValue", c.Default)
	case "switch":
		w.yes("defaultValue", c.Default)
	case "contact":
		w.str("type", withDefault(c.Kind, "phone"))
	case "user":
		w.yes("multiselect", c.Multi)
		w.yes("defaultValue", c.Default)
		w.yes("subscribe", c.Subscribe)
	case "file":
		w.yes("multiselect", c.Multi)
	case "object":
		w.linkConfig(sc, c, deep)
	}
	extra := extraOf(c.Extra)
	if _, ok := extra.Get("filters"); !ok && f.Type.Name() == "object" {
		w.linkFilters(sc, c.Conditions)
	}
	if f.Storage() != catalog.NoStorage {
		w.json("defaultEmptyValue", startValue(f))
	}
	for _, m := range extra.Fields() {
		w.key(m.Key)
		w.next()
		w.b = m.Value.AppendJSON(w.b)
	}
	w.end('}')
}

func withDefault(s, whenEmpty string) string {
	if s == "" {
		return whenEmpty
	}
	return s
}

func (w *writer) textConfig(c *catalog.Config) {
	w.str("type", withDefault(c.Kind, catalog.KindText))
	if c.Kind == catalog.KindMask {
		w.str("mask", c.Mask)
	}
}

func (w *writer) bound(name string, n *float64) {
	if n == nil {
		w.json(name, "null")
		return
	}
	w.json(name, string(appendNumber(nil, *n)))
}

// startValue is the value of a new record as a configuration reports it; a
// default that depends on the moment or the person is reported as empty.
func startValue(f *catalog.Field) string {
	c := &f.Config
	if !c.Default {
		return emptyValue(f)
	}
	switch f.Type.Name() {
	case "switch":
		return "true"
	case "dropdown", "checkboxes", "radiobutton":
		if len(c.Items) == 0 {
			return emptyValue(f)
		}
		id := string(tree.AppendString(nil, c.Items[0].Key))
		if f.Type.Name() == "radiobutton" {
			return id
		}
		return "[" + id + "]"
	}
	return emptyValue(f)
}

func (w *writer) items(items []catalog.Item, colours bool) {
	w.key("items")
	w.open('[')
	for _, item := range items {
		w.open('{')
		w.str("id", item.Key)
		w.number("dbId", int64(item.Num))
		w.str("name", item.Name)
		if colours {
			w.str("color", item.Color)
		}
		w.end('}')
	}
	w.end(']')
}

func (w *writer) linkConfig(sc *catalog.Scope, c *catalog.Config, deep bool) {
	w.sources(sc, c.Sources)
	w.viewSources(sc, c.Sources)
	w.shownFields(sc, c.Shown, deep)
	w.yes("multiselect", c.Multi)
	w.yes("accessOnly", c.AccessOnly)
	w.yes("enableSelect", !c.DisableSelect)
	w.yes("enableCreate", !c.DisableCreate)
	w.yes("enableUnsaved", c.EnableUnsaved)
	w.str("mode", withDefault(c.LinkMode, "list"))
	if c.Kind != "" {
		w.str("type", c.Kind)
	}
}

func (w *writer) sources(sc *catalog.Scope, sources []catalog.Source) {
	w.key("catalogs")
	w.open('[')
	for _, s := range sources {
		c := sc.Structure.AnyCatalog(s.Catalog)
		if c == nil || s.View != 0 {
			continue
		}
		w.open('{')
		w.str("id", c.Key)
		w.number("dbId", int64(c.Num))
		w.str("title", c.Name)
		w.strOrNull("icon", c.Icon)
		w.yes("removed", sc.Structure.Catalog(c.Num) == nil)
		w.end('}')
	}
	w.end(']')
}

// viewSources writes the legal views whose records a field may link. One that
// was deleted has its number for an id and no name.
func (w *writer) viewSources(sc *catalog.Scope, sources []catalog.Source) {
	w.key("views")
	w.open('[')
	for _, s := range sources {
		c := sc.Structure.AnyCatalog(s.Catalog)
		if c == nil || s.View == 0 {
			continue
		}
		v := sc.Structure.View(s.View)
		removed := v == nil || v.Catalog != c.Num
		if removed {
			v = &catalog.View{Key: strconv.FormatInt(int64(s.View), 10)}
		}
		w.open('{')
		w.str("id", v.Key)
		w.number("dbId", int64(s.View))
		w.str("name", v.Name)
		w.str("catalogId", c.Key)
		w.str("catalogTitle", c.Name)
		w.strOrNull("catalogIcon", c.Icon)
		w.yes("removed", removed)
		w.end('}')
	}
	w.end(']')
}

// shownFields writes, by catalog, the fields of linked records that the card
// shows: their definitions, or only their ids inside such a definition.
func (w *writer) shownFields(sc *catalog.Scope, shown []catalog.ShownField, deep bool) {
	w.key("fields")
	w.open('{')
	for i, s := range shown {
		c := shownIn(sc, s)
		if c == nil || shownBefore(sc, shown[:i], c.Num) {
			continue
		}
		w.key(c.Key)
		w.open('[')
		for _, s := range shown[i:] {
			if shownIn(sc, s) == c {
				w.shownField(sc, c, s, deep)
			}
		}
		w.end(']')
	}
	w.end('}')
}

// shownIn is the catalog of a shown field, nil when either is gone or the caller
// may not know the field.
func shownIn(sc *catalog.Scope, s catalog.ShownField) *catalog.Catalog {
	f := sc.Structure.Field(s.Field)
	if f == nil || sc.Access.Field(f) == catalog.HideField {
		return nil
	}
	return sc.Structure.Catalog(f.Catalog)
}

func shownBefore(sc *catalog.Scope, shown []catalog.ShownField, n query.Catalog) bool {
	for _, s := range shown {
		if c := shownIn(sc, s); c != nil && c.Num == n {
			return true
		}
	}
	return false
}

func (w *writer) shownField(sc *catalog.Scope, c *catalog.Catalog, s catalog.ShownField, deep bool) {
	f := c.Field(s.Field)
	w.open('{')
	if deep {
		source := &catalog.Scope{Structure: sc.Structure, Catalog: c, Access: sc.Access}
		w.fieldMembers(source, f, f.Key, false, false)
	} else {
		w.str("id", f.Key)
	}
	access := "view"
	if s.Edit {
		access = "edit"
	}
	w.str("access", access)
	w.end('}')
}

// extraOf reads the keys that the program does not know.
func extraOf(raw []byte) tree.Value {
	if len(raw) == 0 {
		return tree.Value{}
	}
	v, err := tree.ParseJSON(raw, tree.Limits{})
	if err != nil {
		return tree.Value{} // cannot be: it was written from a parsed body
	}
	return v
}

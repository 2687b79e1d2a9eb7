package bpium

import (
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// configKeys are the keys of a configuration that the program reads, by type.
// All others are kept as they came.
var configKeys = map[string]string{
	"group":       "tab",
	"text":        "type mask",
	"number":      "unit min max digits",
	"date":        "time mode defaultValue",
	"dropdown":    "items multiselect defaultValue",
	"radiobutton": "items view defaultValue",
	"checkboxes":  "items defaultValue",
	"switch":      "defaultValue",
	"contact":     "type",
	"user":        "multiselect defaultValue subscribe",
	"file":        "multiselect",
	"object": "catalogs views fields multiselect accessOnly enableSelect enableCreate enableUnsaved " +
		"mode type filters",
}

// config reads a configuration, which replaces the field's old one.
func (d structureDecoder) config(b body, typ catalog.Type, old *catalog.Field) *catalog.Config {
	c := &catalog.Config{}
	if !b.object() {
		return nil
	}
	switch typ.Name() {
	case "group":
		c.Tab = b.is("tab")
	case "text":
		c.Kind, c.Mask = b.word("type"), b.word("mask")
	case "number":
		c.Unit, c.Min, c.Max, c.Digits = b.word("unit"), b.number("min"), b.number("max"), b.whole("digits")
	case "date":
		c.Mode, c.Default = dateMode(b, old), b.is("defaultValue")
	case "dropdown", "radiobutton", "checkboxes":
		c.Items, c.Default = items(b), b.is("defaultValue")
		c.Multi = typ.Name() == "dropdown" && b.is("multiselect")
		if typ.Name() == "radiobutton" {
			c.Kind = b.word("view")
		}
	case "switch":
		c.Default = b.is("defaultValue")
	case "contact":
		c.Kind = b.word("type")
	case "user":
		c.Multi, c.Default, c.Subscribe = b.is("multiselect"), b.is("defaultValue"), b.is("subscribe")
	case "file":
		c.Multi = b.is("multiselect")
	case "object":
		d.linkConfig(b, c, old)
	}
	c.Extra = extraKeys(b.v, configKeys[typ.Name()])
	return c
}

// word is a text that is empty when absent or null.
func (b body) word(name string) string {
	if s := b.textOrNull(name); s != nil {
		return *s
	}
	return ""
}

// extraKeys keeps the members that are not among the known ones, as an object;
// nil when there are none.
func extraKeys(v tree.Value, known string) []byte {
	var fields []tree.Field
	names := strings.Fields(known + " defaultEmptyValue")
next:
	for _, m := range v.Fields() {
		for _, name := range names {
			if m.Key == name {
				continue next
			}
		}
		fields = append(fields, m)
	}
	if fields == nil {
		return nil
	}
	return tree.NewObject(fields).AppendJSON(nil)
}

// dateMode: time true says the same as mode datetime; either may be sent. When
// they contradict each other, the one that differs from the stored configuration
// was meant.
func dateMode(b body, old *catalog.Field) string {
	mode, timed := b.word("mode"), b.yes("time")
	byTime := catalog.ModeDate
	if timed != nil && *timed {
		byTime = catalog.ModeDateTime
	}
	switch {
	case mode == "":
		return byTime
	case timed == nil || *timed == (mode == catalog.ModeDateTime):
		return mode
	case old != nil && *timed == old.Config.HasTime():
		return mode
	case old != nil && mode == withDefault(old.Config.Mode, catalog.ModeDate):
		return byTime
	}
	b.refuse("time", fault.Type, "time and mode %s contradict each other", text.Cut(mode, 40))
	return mode
}

func items(b body) []catalog.Item {
	var list []catalog.Item
	for _, e := range b.list("items") {
		if !e.object() {
			continue
		}
		item := catalog.Item{Color: strings.TrimPrefix(e.word("color"), "#")}
		if id := e.id("id"); id != nil {
			item.Key = *id
		}
		if name := e.text("name"); name != nil {
			item.Name = *name
		}
		list = append(list, item)
	}
	return list
}

func (d structureDecoder) linkConfig(b body, c *catalog.Config, old *catalog.Field) {
	c.Kind, c.LinkMode = b.word("type"), b.word("mode")
	c.Multi, c.AccessOnly, c.EnableUnsaved = b.is("multiselect"), b.is("accessOnly"), b.is("enableUnsaved")
	if on := b.yes("enableSelect"); on != nil {
		c.DisableSelect = !*on
	}
	if on := b.yes("enableCreate"); on != nil {
		c.DisableCreate = !*on
	}
	for _, e := range b.list("catalogs") {
		d.source(e, c, old)
	}
	for _, e := range b.list("views") {
		d.viewSource(e, c, old)
	}
	for _, e := range b.list("filters") {
		d.linkConditions(e, c, old)
	}
	if v, ok := b.v.Get("fields"); ok && v.Len() > 0 {
		d.shown(b.in(v, "fields"), c, old)
	}
}

// idOf reads an id, or the id of an object.
func (b body) idOf() (string, bool) {
	v := b.v
	if id, ok := v.Get("id"); ok {
		v = id
	}
	id, ok := IDText(v)
	if !ok {
		b.refuse("", fault.Type, "expected an id or an object with an id")
	}
	return id, ok
}

// source reads a catalog that the field may link; a removed one may stay.
func (d structureDecoder) source(b body, c *catalog.Config, old *catalog.Field) {
	id, ok := b.idOf()
	if !ok {
		return
	}
	target := d.linked(id, old)
	if target == nil {
		b.refuse("", fault.NotFound, "there is no catalog %s", text.Cut(id, 100))
		return
	}
	addSource(c, catalog.Source{Catalog: target.Num})
}

// viewSource reads {id, catalogId}, a legal view whose records the field may
// link; one that is gone may stay.
func (d structureDecoder) viewSource(b body, c *catalog.Config, old *catalog.Field) {
	id, catalogID := b.id("id"), b.id("catalogId")
	if !b.object() || id == nil || catalogID == nil {
		b.refuse("", fault.Type, "expected an object with id and catalogId")
		return
	}
	target := d.linked(*catalogID, old)
	if target == nil {
		b.refuse("catalogId", fault.NotFound, "there is no catalog %s", text.Cut(*catalogID, 100))
		return
	}
	if v := d.structure.ViewByKey(target.Num, *id); v != nil {
		addSource(c, catalog.Source{Catalog: target.Num, View: v.Num})
		return
	}
	gone, err := strconv.ParseInt(*id, 10, 64)
	if source := (catalog.Source{Catalog: target.Num, View: query.View(gone)}); err == nil && gone > 0 &&
		old != nil && slices.Contains(old.Config.Sources, source) {
		addSource(c, source)
		return
	}
	b.refuse("", fault.NotFound, "there is no legal view %s", text.Cut(*id, 100))
}

func addSource(c *catalog.Config, s catalog.Source) {
	if !slices.Contains(c.Sources, s) {
		c.Sources = append(c.Sources, s)
	}
}

func (d structureDecoder) linked(id string, old *catalog.Field) *catalog.Catalog {
	if old == nil {
		return catalogByID(d.structure, id)
	}
	return linkedCatalog(d.structure, old, id)
}

// shown reads {"31": [id or {id, access}, …]}; what a removed catalog showed is
// dropped.
func (d structureDecoder) shown(b body, c *catalog.Config, old *catalog.Field) {
	if !b.object() {
		return
	}
	seen := map[query.Field]bool{}
	for _, m := range b.v.Fields() {
		source := d.linked(m.Key, old)
		if source == nil {
			b.refuse(text.Cut(m.Key, 100), fault.NotFound, "there is no catalog %s", text.Cut(m.Key, 100))
			continue
		}
		if m.Value.Kind != tree.List {
			b.refuse(m.Key, fault.Type, "expected a list")
			continue
		}
		for i, e := range m.Value.Items() {
			shown, ok := shownField(b.in(e, m.Key+"["+strconv.Itoa(i)+"]"), source)
			if ok && !seen[shown.Field] {
				seen[shown.Field] = true
				c.Shown = append(c.Shown, shown)
			}
		}
	}
}

func shownField(b body, source *catalog.Catalog) (catalog.ShownField, bool) {
	id, ok := b.idOf()
	if !ok {
		return catalog.ShownField{}, false
	}
	f := FieldByID(source, id)
	if f == nil {
		b.refuse("", fault.UnknownField, "catalog %s has no field %s", source.Key, text.Cut(id, 100))
		return catalog.ShownField{}, false
	}
	shown := catalog.ShownField{Field: f.Num}
	if b.v.Kind == tree.Object {
		switch access := b.word("access"); access {
		case "", "view":
		case "edit":
			shown.Edit = true
		default:
			b.refuse("access", fault.Type, "expected view or edit")
		}
	}
	return shown, true
}

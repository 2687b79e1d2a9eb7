package bpium

import (
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// EncodeViews adds a list of views as JSON, without their filters.
func EncodeViews(dst []byte, page *catalog.ViewsPage) []byte {
	w := viewWriter{writer{b: dst}, page}
	w.open('[')
	for i := range page.Views {
		w.view(&page.Views[i], false)
	}
	w.end(']')
	return w.b
}

// EncodeView adds the only view of a page as JSON, with its filters.
func EncodeView(dst []byte, page *catalog.ViewsPage) []byte {
	w := viewWriter{writer{b: dst}, page}
	w.view(&page.Views[0], true)
	return w.b
}

type viewWriter struct {
	writer
	page *catalog.ViewsPage
}

func (w *viewWriter) view(v *catalog.ViewInfo, whole bool) {
	w.open('{')
	w.str("id", v.Key)
	w.str("catalogId", w.page.Catalog.Key)
	w.str("catalogTitle", w.page.Catalog.Name)
	w.str("catalogIcon", w.page.Catalog.Icon)
	w.str("name", v.Name)
	origin := v.Name
	if v.Manages && v.Legal {
		origin = v.OriginName
	}
	w.str("originName", origin)
	w.yes("forRights", v.Legal)
	w.str("privilegeCode", v.Privilege.Code())
	w.key("privilegesApi")
	w.open('{')
	w.texts("value", v.Privilege.Codes())
	w.end('}')
	w.key("options")
	if len(v.Options) == 0 {
		w.raw("null")
	} else {
		w.raw(string(v.Options))
	}
	if v.Broken && v.Manages {
		w.yes("broken", true)
	}
	if whole {
		w.filters(v)
	}
	w.end('}')
}

func (w *viewWriter) filters(v *catalog.ViewInfo) {
	w.key("filters")
	w.open('[')
	for _, filter := range v.Filters {
		f := w.page.Catalog.Field(filter.Field)
		if f != nil && !v.Manages && !w.page.Access.Shown(f) {
			continue // whoever gets by the view need not know what it looks at
		}
		w.open('{')
		w.str("id", strconv.FormatInt(filter.ID, 10))
		for _, name := range []string{"fieldId", "attr"} {
			if f == nil {
				w.json(name, "null")
			} else {
				w.str(name, f.Key)
			}
		}
		w.key("value")
		w.filterValue(f, extraOf(filter.Value))
		w.end('}')
	}
	w.end(']')
}

// filterValue writes a stored filter value, with the titles of what it links.
func (w *viewWriter) filterValue(f *catalog.Field, v tree.Value) {
	if f == nil || f.Storage() != catalog.LinksStorage {
		w.copy(v)
		return
	}
	w.members(v, func(e tree.Value) { w.linkOf(f, e) })
}

func (w *viewWriter) copy(v tree.Value) {
	w.next()
	w.b = v.AppendJSON(w.b)
}

// members writes a list, or $or and $and with lists, whose elements one writes;
// anything else is one element.
func (w *viewWriter) members(v tree.Value, one func(tree.Value)) {
	_, or := v.Get("$or")
	_, and := v.Get("$and")
	switch {
	case v.Kind == tree.List:
		w.open('[')
		for _, e := range v.Items() {
			w.members(e, one)
		}
		w.end(']')
	case or || and:
		w.open('{')
		for _, m := range v.Fields() {
			w.key(m.Key)
			w.members(m.Value, one)
		}
		w.end('}')
	default:
		one(v)
	}
}

// linkOf writes an element of a link field's filter value: a linked record in
// the form of linked values, a linked catalog with its filters.
func (w *viewWriter) linkOf(f *catalog.Field, e tree.Value) {
	d := filterDecoder{structure: w.page.Structure, access: w.page.Access}
	if _, shared := e.Get("userAttr"); e.Kind != tree.Object || shared || !namesLinks(f, e) {
		w.copy(e)
		return
	}
	c, err := d.linkedCatalog(f, e)
	if err != nil {
		w.copy(e)
		return
	}
	if filters, ok := e.Get("filters"); ok {
		w.linkedFilters(c, e, filters)
		return
	}
	id, ok := e.Get("recordId")
	if !ok && f.HoldsEmployees() {
		id, ok = e.Get("id")
	}
	key, isID := IDText(id)
	if !ok || !isID {
		w.copy(e)
		return
	}
	link := query.Link{Catalog: c.Num, Key: RecordKey(key)}
	title, known := w.page.Linked[link]
	w.next()
	w.b = appendLinkHead(w.b, w.page.Structure, c.Num)
	w.b = tree.AppendString(w.b, key)
	if !known {
		title = catalog.Title{Text: "#" + key, Removed: true}
	}
	w.str("recordTitle", title.Text)
	w.yes("isRemoved", title.Removed || w.page.Structure.Catalog(c.Num) == nil)
	w.end('}')
}

// linkedFilters writes {catalogId, filters} with the titles inside the filters.
func (w *viewWriter) linkedFilters(c *catalog.Catalog, e, filters tree.Value) {
	w.open('{')
	w.str("catalogId", c.Key)
	w.str("catalogTitle", c.Name)
	w.str("catalogIcon", c.Icon)
	for _, m := range e.Fields() {
		switch m.Key {
		case "catalogId", "catalogTitle", "catalogIcon":
			continue
		case "filters":
			w.key(m.Key)
			w.nested(c, filters)
			continue
		}
		w.key(m.Key)
		w.copy(m.Value)
	}
	w.end('}')
}

// nested writes a filter of linked records, in either form.
func (w *viewWriter) nested(c *catalog.Catalog, v tree.Value) {
	if read, err := jsonText(v); err == nil {
		v = read
	}
	switch {
	case v.Kind == tree.List:
		w.open('[')
		for _, e := range v.Items() {
			w.nested(c, e)
		}
		w.end(']')
	case v.Kind == tree.Object:
		id, _, element := fieldIDOf(v)
		key, _ := IDText(id)
		w.open('{')
		for _, m := range v.Fields() {
			w.key(m.Key)
			switch {
			case element && m.Key == "value":
				w.filterValue(FieldByID(c, key), m.Value)
			case !element && (m.Key == "$or" || m.Key == "$and" || isElement(m.Value)):
				w.nested(c, m.Value)
			case !element:
				w.filterValue(FieldByID(c, m.Key), m.Value)
			default:
				w.copy(m.Value)
			}
		}
		w.end('}')
	default:
		w.copy(v)
	}
}

// isElement tells whether a value is an element of the array form.
func isElement(v tree.Value) bool {
	_, _, ok := fieldIDOf(v)
	return ok
}

package bpium

import (
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// currentUser stands for the acting employee.
const currentUser = "CURRENT_USER"

// linkFilter reads a filter of a link or employee field: it holds when any of
// the listed is linked.
func (d *filterDecoder) linkFilter(f *catalog.Field, v tree.Value) (query.Node, error) {
	items, err := d.elements(f, v)
	if err != nil {
		return nil, err
	}
	var or query.Or
	var links query.LinksAny
	for _, e := range items {
		if n, ok := emptiness(f, e); ok && !e.IsNull() {
			or = append(or, n)
			continue
		}
		test, err := d.linkElement(f, e)
		if err != nil {
			return nil, err
		}
		if one, ok := test.(query.LinksAny); ok {
			links = append(links, one...)
			continue
		}
		or = append(or, query.Cond{Field: f.Num, Test: test})
	}
	return withEmpty(f, or, links, len(links) > 0), nil
}

func (d *filterDecoder) linkElement(f *catalog.Field, e tree.Value) (query.Test, error) {
	toEmployees := f.HoldsEmployees() || hasSource(f, catalog.Employees)
	if e.Kind == tree.String && e.Str() == currentUser && toEmployees {
		return d.self(), nil
	}
	if e.Kind == tree.Object {
		return d.linkObject(f, e)
	}
	id, ok := IDText(e)
	if !ok || f.Type.Name() != "user" {
		return nil, badLinks(f)
	}
	return query.LinksAny{{Catalog: catalog.Employees, Key: RecordKey(id)}}, nil
}

// self is the link to the acting employee; nobody for automation.
func (d *filterDecoder) self() query.LinksAny {
	if d.at.Employee == 0 {
		return query.LinksAny{}
	}
	return query.LinksAny{{Catalog: catalog.Employees, Key: query.Key{Record: d.at.Employee}}}
}

func badLinks(f *catalog.Field) error {
	if f.HoldsEmployees() {
		return badValue(f, "expected employees: {id} or an id")
	}
	return badValue(f, "expected a list of {catalogId, recordId} or {catalogId, filters}")
}

func hasSource(f *catalog.Field, c query.Catalog) bool {
	for _, s := range f.Config.Sources {
		if s.Catalog == c {
			return true
		}
	}
	return false
}

// onlySource is the catalog of a field that has sources in one only; nil for
// others.
func onlySource(st *catalog.Structure, f *catalog.Field) *catalog.Catalog {
	if list := f.Config.SourceCatalogs(); len(list) == 1 {
		return st.AnyCatalog(list[0])
	}
	return nil
}

func (d *filterDecoder) linkObject(f *catalog.Field, e tree.Value) (query.Test, error) {
	if attr, ok := e.Get("userAttr"); ok {
		return d.sharedLink(f, attr)
	}
	if !namesLinks(f, e) {
		// Whatever it was meant to say, it must not select all that is linked.
		return nil, badLinks(f)
	}
	c, err := d.linkedCatalog(f, e)
	if err != nil {
		return nil, err
	}
	id, byRecord := e.Get("recordId")
	if f.HoldsEmployees() && !byRecord {
		id, byRecord = e.Get("id")
	}
	filters, byFilter := e.Get("filters")
	switch {
	case byRecord && byFilter:
		return nil, badValue(f, "recordId and filters exclude each other")
	case byRecord:
		key, ok := IDText(id)
		if !ok {
			return nil, badValue(f, "recordId is not an id")
		}
		return query.LinksAny{{Catalog: c.Num, Key: RecordKey(key)}}, nil
	}
	if d.structure.Catalog(c.Num) == nil {
		return nil, badValue(f, "catalog %s was removed", c.Key)
	}
	return d.linkedRecords(c, filters)
}

// namesLinks tells whether an element has a member that says what is linked.
func namesLinks(f *catalog.Field, e tree.Value) bool {
	for _, name := range []string{"catalogId", "recordId", "filters"} {
		if _, ok := e.Get(name); ok {
			return true
		}
	}
	_, ok := e.Get("id")
	return ok && f.HoldsEmployees()
}

// linkedCatalog is the catalog that an element names; the field's only source
// if it names none.
func (d *filterDecoder) linkedCatalog(f *catalog.Field, e tree.Value) (*catalog.Catalog, error) {
	v, ok := e.Get("catalogId")
	switch {
	case !ok && f.HoldsEmployees():
		return d.structure.Catalog(catalog.Employees), nil
	case !ok:
		if c := onlySource(d.structure, f); c != nil {
			return c, nil
		}
	}
	id, ok := IDText(v)
	if !ok {
		return nil, badValue(f, "catalogId is missing or not an id")
	}
	c := linkedCatalog(d.structure, f, id)
	if c == nil || f.HoldsEmployees() && c.Num != catalog.Employees {
		return nil, badValue(f, "there is no catalog %s", text.Cut(id, 100))
	}
	return c, nil
}

// linkedRecords: without filters any record of the catalog will do.
func (d *filterDecoder) linkedRecords(c *catalog.Catalog, filters tree.Value) (query.Test, error) {
	where, err := d.filter(c, filters)
	if err != nil {
		return nil, err
	}
	if where == nil {
		where = always
	}
	return query.LinksWhere{Catalog: c.Num, Where: where}, nil
}

// sharedLink holds when the record links something that the acting employee's
// card links in field attr.
func (d *filterDecoder) sharedLink(f *catalog.Field, attr tree.Value) (query.Test, error) {
	id, ok := IDText(attr)
	if !ok {
		return nil, badValue(f, "userAttr is not a field id")
	}
	users := d.structure.Catalog(catalog.Employees)
	if users == nil {
		return nil, badValue(f, "there is no catalog %s", "$users")
	}
	own, err := d.field(users, id)
	if err != nil {
		return nil, err
	}
	if own.Storage() != catalog.LinksStorage {
		return nil, badValue(f, "userAttr must name a link field of the employees")
	}
	if d.at.Employee == 0 {
		return query.LinksAny{}, nil
	}
	return query.LinksLike{Field: own.Num, Record: d.at.Employee}, nil
}

package catalog

import (
	"cmp"
	"slices"

	"kartoteka/internal/query"
)

// newStructure indexes a stored definition. It takes over its objects.
func newStructure(d *Definition) *Structure {
	st := &Structure{
		Version:       d.Version,
		sections:      map[query.Section]*Section{},
		sectionKeys:   map[string]*Section{},
		catalogs:      map[query.Catalog]*Catalog{},
		catalogKeys:   map[string]*Catalog{},
		fields:        map[query.Field]*Field{},
		referringTo:   map[query.Catalog][]*Field{},
		removedNames:  map[query.Catalog]*Catalog{},
		removedKeys:   map[query.Section]*Section{},
		removedFields: map[query.Field]string{},
	}
	for _, s := range d.Sections {
		if !s.Removed.IsZero() {
			st.removedKeys[s.Num] = s
			continue
		}
		st.Sections = append(st.Sections, s)
		st.sections[s.Num], st.sectionKeys[s.Key] = s, s
	}
	slices.SortFunc(st.Sections, func(a, b *Section) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Num, b.Num))
	})
	st.addCatalogs(d)
	for _, c := range st.Catalogs {
		for _, f := range c.Fields {
			st.fields[f.Num] = f
			st.addReferences(f)
		}
	}
	st.rights = newRights(st, d.Rules, d.Views)
	st.addBoards(d.Boards)
	return st
}

func (st *Structure) addCatalogs(d *Definition) {
	fields := map[query.Catalog][]*Field{}
	for _, f := range d.Fields {
		if !f.Removed.IsZero() && f.Catalog == Employees {
			st.removedFields[f.Num] = f.Name
		}
		if f.Removed.IsZero() {
			fields[f.Catalog] = append(fields[f.Catalog], f)
		}
	}
	for _, c := range d.Catalogs {
		c.setFields(fields[c.Num])
		if !c.Removed.IsZero() || st.sections[c.Section] == nil {
			st.removedNames[c.Num] = c
			continue
		}
		st.Catalogs = append(st.Catalogs, c)
		st.catalogs[c.Num], st.catalogKeys[c.Key] = c, c
	}
	slices.SortFunc(st.Catalogs, func(a, b *Catalog) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Num, b.Num))
	})
}

// setFields gives a new catalog its live fields in card order.
func (c *Catalog) setFields(fields []*Field) {
	c.Fields = fields
	c.byKey = make(map[string]*Field, len(fields))
	c.byNum = make(map[query.Field]*Field, len(fields))
	c.title = nil
	for _, f := range fields {
		c.byKey[f.Key], c.byNum[f.Num] = f, f
		if c.title == nil && f.canTitle() {
			c.title = f
		}
	}
}

// canTitle tells whether the field's value can be a record's title.
func (f *Field) canTitle() bool {
	_, isText := f.Type.(textType)
	return isText && f.Config.Kind != KindEditor && !f.Secret
}

func (st *Structure) addReferences(f *Field) {
	switch f.Type.(type) {
	case userType:
		st.referringTo[Employees] = append(st.referringTo[Employees], f)
	case objectType:
		for _, n := range f.Config.SourceCatalogs() {
			st.referringTo[n] = append(st.referringTo[n], f)
		}
	}
}

// section finds any section of the definition by public id, live ones first.
func (d *Definition) section(key string) *Section {
	return anyByKey(d.Sections, func(s *Section) (string, bool) { return s.Key, s.Removed.IsZero() }, key)
}

// catalog finds any catalog of the definition by public id, live ones first.
func (d *Definition) catalog(key string) *Catalog {
	return anyByKey(d.Catalogs, func(c *Catalog) (string, bool) { return c.Key, c.Removed.IsZero() }, key)
}

func anyByKey[T any](all []*T, of func(*T) (key string, live bool), key string) *T {
	var removed *T
	for _, x := range all {
		switch k, live := of(x); {
		case k != key:
		case live:
			return x
		default:
			removed = x
		}
	}
	return removed
}

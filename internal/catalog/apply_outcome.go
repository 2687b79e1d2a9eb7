package catalog

import "slices"

// outcomes says for each operation what it did. It is called after mutations.
func (p *planner) outcomes(ops int) []Outcome {
	list := make([]Outcome, ops)
	for _, s := range p.steps {
		if len(s.through) > 0 {
			continue
		}
		o := &list[s.op]
		*o = Outcome{Record: s.subject.record, Code: s.subject.code, Title: s.subject.titleText()}
		if s.kind == createStep || s.kind == updateStep {
			o.Row = p.row(s)
		}
	}
	return list
}

// row has the fields that a step set or changed, as the actor may see them.
func (p *planner) row(s *step) *Rows {
	columns := make([]*Field, 0, len(s.changes)+1)
	for _, c := range s.changes {
		if p.access.Shown(c.field) {
			columns = append(columns, c.field)
		}
	}
	if s.kind == updateStep && s.password != "" {
		columns = append(columns, s.subject.catalog.FieldByKey(passwordKey)) // set, and never a change of the record
	}
	rows := &Rows{Structure: p.st, Catalog: s.subject.catalog, Titles: p.titles, Title: -1, Total: -1}
	rows.Fields = columns[:len(columns):len(columns)]
	if title := s.subject.catalog.Title(); title != nil && p.access.Readable(title) {
		if rows.Title = slices.Index(columns, title); rows.Title < 0 {
			rows.Title = len(columns)
			columns = append(columns, title)
		}
	}
	rows.Page = s.subject.page1(columns)
	p.access.mask(rows)
	return rows
}

// page1 is a page with the subject's present values.
func (s *subject) page1(columns []*Field) *Page {
	page := &Page{
		Columns: columns, heads: make([]head, 0, 1), cells: make([]Cell, 0, len(columns)), arena: make([]byte, 0, 64),
	}
	page.AddRow(s.record, []byte(s.code), s.created, s.updated, s.version)
	for _, f := range columns {
		page.add(f, s.value(f))
	}
	return page
}

// add adds a cell with a value in its stored form.
func (p *Page) add(f *Field, v Value) {
	switch v := ColumnValue(f, v).(type) {
	case nil:
		p.AddEmpty()
	case string:
		from := len(p.arena)
		p.arena = append(p.arena, v...)
		p.cells = append(p.cells, Cell{true, uint64(from)<<32 | uint64(len(p.arena))})
	case []byte:
		p.AddBytes(v)
	case float64:
		p.AddFloat(v)
	case int64:
		p.AddInt(v)
	}
}

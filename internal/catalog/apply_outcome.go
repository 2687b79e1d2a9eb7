package catalog

import (
	"context"
	"slices"

	"kartoteka/internal/account"
	"kartoteka/internal/query"
)

// outcomes says for each operation what it did. It is called after mutations.
func (p *planner) outcomes(ops int) []Outcome {
	list := make([]Outcome, ops)
	titles := p.titles.without(p.hidden)
	for _, s := range p.steps {
		if len(s.through) > 0 {
			continue
		}
		o := &list[s.op]
		*o = Outcome{Record: s.subject.record, Code: s.subject.code, Title: s.subject.titleText()}
		if !p.access.may(account.Reads, s.subject.catalog) || p.hidesTitle(s) {
			o.Title = TitleText("", o.Record, o.Code)
		}
		if s.kind == createStep || s.kind == updateStep {
			o.Row = p.row(s, titles)
		}
	}
	return list
}

// hidesTitle tells whether the actor may not see the title of the step's record;
// for one that is being made maskMade tells.
func (p *planner) hidesTitle(s *step) bool {
	return !s.subject.fresh && p.rights[s.subject.catalog].hides(s.subject.catalog.Title(), s.subject.record)
}

// row has the fields that a step set or changed, as the actor may see them.
func (p *planner) row(s *step, titles Titles) *Rows {
	columns := make([]*Field, 0, len(s.changes)+1)
	for _, c := range s.changes {
		if p.right(s, c.field) >= ViewField && p.access.may(account.Reads, s.subject.catalog) {
			columns = append(columns, c.field)
		}
	}
	if s.kind == updateStep && s.password != "" {
		columns = append(columns, s.subject.catalog.FieldByKey(passwordKey)) // set, and never a change of the record
	}
	rows := &Rows{Structure: p.st, Catalog: s.subject.catalog, Titles: titles, Title: -1, Total: -1}
	rows.Fields = columns[:len(columns):len(columns)]
	if title := s.subject.catalog.Title(); title != nil && p.access.Readable(title) {
		if rows.Title = slices.Index(columns, title); rows.Title < 0 {
			rows.Title = len(columns)
			columns = append(columns, title)
		}
	}
	rows.Page = s.subject.page1(columns)
	p.access.mask(rows)
	if !s.subject.fresh {
		p.rights[s.subject.catalog].mask(rows)
	}
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
		p.cells = append(p.cells, Cell{set: true, bits: uint64(from)<<32 | uint64(len(p.arena))})
	case []byte:
		p.AddBytes(v)
	case float64:
		p.AddFloat(v)
	case int64:
		p.AddInt(v)
	}
}

// maskMade takes out of the answer what the actor may not see of the records
// that he made: which views they are in is known now that they are there.
func (w *writing) maskMade(ctx context.Context, tx Writer) error {
	if w.access.rules == nil || w.outcomes == nil { // a Prepared answers nothing
		return nil
	}
	for _, s := range w.steps {
		if s.kind != createStep || len(s.through) > 0 {
			continue
		}
		o := &w.outcomes[s.op]
		on, err := rightsOn(ctx, tx, w.access, s.subject.catalog, []query.Record{o.Record})
		if err != nil {
			return err
		}
		if on.privilege(o.Record) < ViewPrivilege {
			o.Row.Fields = nil
		}
		on.mask(o.Row)
		if on.hides(s.subject.catalog.Title(), o.Record) {
			o.Title = TitleText("", o.Record, o.Code)
		}
	}
	return nil
}

// looksBack tells whether maskMade reads anything.
func (w *writing) looksBack() bool {
	return w.access.rules != nil && slices.ContainsFunc(w.steps, func(s *step) bool {
		return s.kind == createStep && len(s.through) == 0 && len(w.access.rules.catalog(s.subject.catalog).views) > 0
	})
}

// bumpRights makes everybody look again at who is in which role group when
// that may have changed: employees' cards that link others, an employee gone, or a
// record gone that is a group. Subscriptions are read with the same version.
func (w *writing) bumpRights(ctx context.Context, tx Writer) error {
	regroups := w.regroups()
	if !regroups && !w.rewritesHooks() {
		return nil
	}
	if err := tx.BumpRights(ctx); err != nil || !regroups {
		return err
	}
	return w.s.keepsAdmin(ctx, tx)
}

func (w *writing) regroups() bool {
	return slices.ContainsFunc(w.mutations, func(m Mutation) bool { return w.st.changesGroups(&m) })
}

func (st *Structure) changesGroups(m *Mutation) bool {
	if m.Catalog.Num == Employees && slices.ContainsFunc(m.Cells, func(v StoredValue) bool { return v.Field.makesGroups() }) {
		return true
	}
	if m.Kind != RemoveRecord && m.Kind != RestoreRecord {
		return false
	}
	if m.Catalog.Num == Employees {
		return true
	}
	return slices.ContainsFunc(st.ReferringTo(m.Catalog.Num), func(f *Field) bool { return f.makesGroups() })
}

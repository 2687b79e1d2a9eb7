package catalog

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// find gives the number of the record that a key names, 0 if no live record
// has the custom id. A number is only checked for its range.
func find(ctx context.Context, r Reader, c *Catalog, key query.Key) (query.Record, error) {
	if key.Record != 0 {
		if key.Record < 0 || key.Record > query.MaxRecord {
			return 0, nil
		}
		return key.Record, nil
	}
	if !knownForm.MatchString(key.Code) {
		return 0, nil
	}
	record, err := r.Find(ctx, c, key.Code)
	if err != nil {
		return 0, fmt.Errorf("find record by id: %w", err)
	}
	return record, nil
}

// everKnown is the number of a record that lives or was removed, 0 if no record
// had the custom id.
func everKnown(ctx context.Context, r Reader, c *Catalog, key query.Key) (query.Record, error) {
	n, err := find(ctx, r, c, key)
	if err != nil || n != 0 || !knownForm.MatchString(key.Code) {
		return n, err
	}
	if n, err = r.FindRemoved(ctx, c, key.Code); err != nil {
		return 0, fmt.Errorf("find removed record by id: %w", err)
	}
	return n, nil
}

// fetch reads records by number as far as the actor may view them.
func fetch(ctx context.Context, r Reader, st *Structure, access *Access, c *Catalog, columns []*Field, records []query.Record) (*Page, error) {
	where := access.Where(c)
	if where == nil {
		return r.Rows(ctx, c, columns, records)
	}
	among := make(query.Among, len(records))
	for i, n := range records {
		among[i] = query.Key{Record: n}
	}
	return r.Select(ctx, &Selected{
		Structure: st, Catalog: c, Columns: columns,
		Where: query.And{among, where}, Limit: len(records),
	})
}

func noRecord() error { return fault.New(fault.NotFound, "There is no such record") }

func badCode(code string) error {
	return fault.New(fault.InvalidID,
		"The id %q is not valid: it begins with a letter and has at most 64 letters, digits, - and _", text.Cut(code, 70))
}

func keyText(k query.Key) string {
	if k.Code != "" {
		return text.Cut(k.Code, 70)
	}
	return strconv.FormatInt(int64(k.Record), 10)
}

// needed is what is to be read of a catalog, with the columns that every step
// wants: the title's, and those that decide an employee's login.
func (p *planner) needed(c *Catalog) *demand {
	for _, d := range p.needs {
		if d.catalog == c {
			return d
		}
	}
	d := &demand{catalog: c}
	d.want(c.Title())
	if c.Num == Employees {
		d.want(c.FieldByKey(nameKey))
		d.want(c.FieldByKey(emailKey))
	}
	p.needs = append(p.needs, d)
	return d
}

func (d *demand) want(f *Field) {
	if f != nil && !slices.Contains(d.columns, f) {
		d.columns = append(d.columns, f)
	}
}

func (d *demand) wantRequired() {
	for _, f := range d.catalog.Fields {
		if mustHave(f) {
			d.want(f)
		}
	}
}

func (d *demand) wantAll() {
	for _, f := range d.catalog.Fields {
		if f.Storage() != NoStorage {
			d.want(f)
		}
	}
}

// read reads the records that the steps write and the titles of what they link.
func (p *planner) read(ctx context.Context) error {
	if err := p.readFiles(ctx); err != nil {
		return fmt.Errorf("read files: %w", err)
	}
	for i, d := range p.needs {
		if len(d.records) == 0 {
			continue
		}
		if i == len(p.needs)-1 && !p.mentions() && p.access.plain() && !p.viewed {
			p.r.Last()
		}
		page, err := p.r.Rows(ctx, d.catalog, d.columns, d.records)
		if err != nil {
			return fmt.Errorf("read records to write: %w", err)
		}
		if p.rights[d.catalog], err = rightsOn(ctx, p.r, p.access, d.catalog, d.records); err != nil {
			return err
		}
		for i := range page.Len() {
			p.subjects[query.MakeRef(d.catalog.Num, page.Record(i))].load(page, i)
		}
	}
	refs := p.mentioned()
	if len(refs) == 0 {
		return nil
	}
	if p.access.plain() && !p.viewed {
		p.r.Last()
	}
	titles, err := p.r.Titles(ctx, refs)
	if err != nil {
		return fmt.Errorf("read titles of links: %w", err)
	}
	p.titles = titles
	if !p.access.plain() {
		p.hidden, err = hiddenTitles(ctx, p.r, p.access, titles)
	}
	return err
}

func (s *subject) load(page *Page, row int) {
	s.found, s.page, s.row = true, page, row
	s.code, s.version = string(page.Code(row)), page.Version(row)
	s.created, s.updated = page.Created(row), page.Updated(row)
	s.title = s.titleText()
}

// mentions tells whether mentioned may list anything: a step has links, before
// or after, or may have.
func (p *planner) mentions() bool {
	return slices.ContainsFunc(p.steps, func(s *step) bool {
		return s.kind != updateStep || s.whole || slices.ContainsFunc(s.given, func(g FieldValue) bool {
			f := s.subject.catalog.Field(g.Field)
			return f == nil || f.Storage() == LinksStorage
		})
	})
}

// mentioned lists the stored records that the steps' values link or linked.
func (p *planner) mentioned() []query.Ref {
	var refs []query.Ref
	add := func(v Value) {
		links, _ := v.(Links)
		for _, l := range links {
			if ref := l.Ref(); p.subjects[ref] == nil || !p.subjects[ref].fresh {
				refs = append(refs, ref)
			}
		}
	}
	for _, s := range p.steps {
		for _, g := range s.given {
			add(g.Value)
			if f := s.subject.catalog.Field(g.Field); s.kind == updateStep && f.Storage() == LinksStorage {
				add(s.subject.value(f))
			}
		}
		for _, f := range s.initialLinks(p.moment) {
			add(f)
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// initialLinks are links beyond the given values: the defaults of a new record
// and everything that a removed one has, or one
// whose old values are all told.
func (s *step) initialLinks(at Moment) []Value {
	if s.kind != createStep && s.kind != deleteStep && !s.whole {
		return nil
	}
	var values []Value
	for _, f := range s.subject.catalog.Fields {
		if f.Storage() != LinksStorage {
			continue
		}
		v := s.subject.value(f)
		if s.kind == createStep {
			v = f.Type.Initial(f, at)
		}
		if v != nil {
			values = append(values, v)
		}
	}
	return values
}

// value is what the record has in a field after the steps so far.
func (s *subject) value(f *Field) Value {
	for i := len(s.changed) - 1; i >= 0; i-- {
		if s.changed[i].Field == f.Num {
			return s.changed[i].Value
		}
	}
	if s.page == nil {
		return nil
	}
	j := s.page.Column(f.Num)
	if j < 0 {
		return nil
	}
	v := CellValue(f, s.page, s.page.Cell(s.row, j))
	if v == Bool(false) {
		return nil
	}
	return v
}

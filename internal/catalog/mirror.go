package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"kartoteka/internal/query"
)

// The mirrors: a record for each catalog, section, legal view, board and widget of
// these, rule and right on a field by a rule, so that other records can link it and administrators can
// look through them. All but the last have the numbers of what they show. That of
// messages is written with each of them; see messagesMirror.
const (
	catalogsMirror    query.Catalog = 1
	sectionsMirror    query.Catalog = 2
	viewsMirror       query.Catalog = 4
	boardsMirror      query.Catalog = 11
	widgetsMirror     query.Catalog = 12
	rightFieldsMirror query.Catalog = 14
	rightsMirror      query.Catalog = 15
)

// mirrorOrigin is the origin of changes that follow the structure.
const mirrorOrigin = "structure"

// mirrored is an object as its mirror shows it.
type mirrored struct {
	record query.Record // 0 for one that is known by its code alone
	code   string       // public id, "" when it is the number
	values map[string]Value
	// partly says that the values are only those that the system keeps: others
	// fill the other fields and choose the public id.
	partly bool
}

// mirror brings the mirrors in line with the structure and the rules as the
// transaction leaves them.
func (s *Service) mirror(ctx context.Context, w Writer) error {
	d, err := w.Definition(ctx)
	if err != nil {
		return err
	}
	st := newStructure(d)
	var catalogs, sections []mirrored
	for _, c := range d.Catalogs {
		if st.Catalog(c.Num) != nil {
			catalogs = append(catalogs, newMirrored(int64(c.Num), c.Key, c.Name))
		}
	}
	for _, section := range d.Sections {
		if section.Removed.IsZero() {
			sections = append(sections, newMirrored(int64(section.Num), section.Key, section.Name))
		}
	}
	rules := st.rights.rules()
	fields := st.mirroredFields(rules)
	for _, m := range []struct {
		catalog query.Catalog
		objects func() []mirrored
	}{
		{catalogsMirror, func() []mirrored { return catalogs }},
		{sectionsMirror, func() []mirrored { return sections }},
		{viewsMirror, st.mirroredViews},
		{boardsMirror, st.mirroredBoards},
		{widgetsMirror, st.mirroredWidgets},
		{rightFieldsMirror, func() []mirrored { return fields }},
		{rightsMirror, func() []mirrored { return st.mirroredRules(rules, fields) }},
	} {
		if err := s.mirrorAll(ctx, w, st, st.Catalog(m.catalog), m.objects()); err != nil {
			return err
		}
	}
	return nil
}

func newMirrored(number int64, key, name string) mirrored {
	m := mirrored{record: query.Record(number), code: key, values: map[string]Value{nameKey: Text(name)}}
	if key == strconv.FormatInt(number, 10) {
		m.code = ""
	}
	return m
}

// mirrorAll writes what differs between a mirror and its objects, and gives
// numbers to those without. Removals come first: they free their ids.
func (s *Service) mirrorAll(ctx context.Context, w Writer, st *Structure, c *Catalog, objects []mirrored) error {
	if c == nil {
		return nil // the database is being made, or is a test's without system catalogs
	}
	shown, err := readMirror(ctx, w, st, c)
	if err != nil {
		return err
	}
	var list []Mutation
	for i := range objects {
		o := &objects[i]
		row := shown.take(o)
		if o.record == 0 {
			n, err := w.Next(ctx, RightFieldCounter)
			if err != nil {
				return err
			}
			o.record = query.Record(n)
		}
		if m := o.mutation(shown, row); m != nil {
			list = append(list, *m)
		}
	}
	return s.writeMirror(ctx, w, c, append(list, shown.rest()...))
}

func (s *Service) writeMirror(ctx context.Context, w Writer, c *Catalog, list []Mutation) error {
	if len(list) == 0 {
		return nil
	}
	for i := range list {
		list[i].At = s.options.Now().UnixMilli()
	}
	slices.SortStableFunc(list, func(a, b Mutation) int { return cmp.Compare(mirrorTurn(a.Kind), mirrorTurn(b.Kind)) })
	if err := w.Write(ctx, list); err != nil {
		return fmt.Errorf("write the mirror %s: %w", c.Key, err)
	}
	return nil
}

func mirrorTurn(k MutationKind) int {
	if k == RemoveRecord {
		return 0
	}
	return 1
}

// mirrorRows are the records of a mirror as they are.
type mirrorRows struct {
	catalog  *Catalog
	page     *Page
	byRecord map[query.Record]int
	byCode   map[string]int
}

func readMirror(ctx context.Context, r Reader, st *Structure, c *Catalog) (*mirrorRows, error) {
	return readRows(ctx, r, st, c, nil)
}

// readRows reads the rows of a catalog that match, all of them for nil.
func readRows(ctx context.Context, r Reader, st *Structure, c *Catalog, where query.Node) (*mirrorRows, error) {
	page, err := r.Select(ctx, &Selected{Structure: st, Catalog: c, Columns: c.Fields, Where: where, Limit: math.MaxInt32})
	if err != nil {
		return nil, fmt.Errorf("read the catalog %s: %w", c.Key, err)
	}
	return newMirrorRows(c, page), nil
}

func newMirrorRows(c *Catalog, page *Page) *mirrorRows {
	shown := &mirrorRows{c, page, map[query.Record]int{}, map[string]int{}}
	for i := range page.Len() {
		shown.byRecord[page.Record(i)] = i
		if code := page.Code(i); len(code) > 0 {
			shown.byCode[string(code)] = i
		}
	}
	return shown
}

// take finds the row that shows an object, -1 for none, and keeps it from being
// removed. An object without a number gets the row's.
func (m *mirrorRows) take(o *mirrored) int {
	row, found := m.byRecord[o.record]
	if o.record == 0 {
		row, found = m.byCode[o.code]
	}
	if !found {
		return -1
	}
	o.record = m.page.Record(row)
	delete(m.byRecord, o.record)
	return row
}

// rest removes the rows that were not taken.
func (m *mirrorRows) rest() (list []Mutation) {
	for record, row := range m.byRecord {
		list = append(list, Mutation{
			Kind: RemoveRecord, Catalog: m.catalog, Record: record, Version: m.page.Version(row), Trash: json.RawMessage("{}"),
			Change: mirrorChange(m.catalog.Fields, m.values(row), make([]Value, len(m.catalog.Fields))),
		})
	}
	return list
}

// values are those of a row, nothing for row -1.
func (m *mirrorRows) values(row int) []Value {
	list := make([]Value, len(m.catalog.Fields))
	for j, f := range m.catalog.Fields {
		if row >= 0 {
			list[j] = CellValue(f, m.page, m.page.Cell(row, j))
		}
	}
	return list
}

// mutation is what the object's record needs, nil for nothing.
func (o *mirrored) mutation(shown *mirrorRows, row int) *Mutation {
	m := &Mutation{Kind: RestoreRecord, Catalog: shown.catalog, Record: o.record}
	if !o.partly {
		m.Code = &o.code
	}
	if row >= 0 {
		m.Kind, m.Version = UpdateRecord, shown.page.Version(row)
	}
	var fields []*Field
	var before, after []Value
	was := shown.values(row)
	for j, f := range shown.catalog.Fields {
		is, told := o.values[f.Key]
		if o.partly && !told || same(was[j], is) {
			continue
		}
		fields, before, after = append(fields, f), append(before, was[j]), append(after, is)
		m.Cells = append(m.Cells, StoredOf(f, is))
		m.Times = appendTimes(m.Times, f, was[j], is)
	}
	if row >= 0 && len(fields) == 0 && (o.partly || string(shown.page.Code(row)) == o.code) {
		return nil
	}
	m.Title = o.title(shown, row)
	m.Change = mirrorChange(fields, before, after)
	return m
}

// title is what the record is called: the name, unless somebody put another
// text field before it.
func (o *mirrored) title(shown *mirrorRows, row int) *TitleRow {
	sub := &subject{catalog: shown.catalog, record: o.record, code: o.code}
	if row >= 0 {
		sub.page, sub.row = shown.page, row
		if o.partly {
			sub.code = string(shown.page.Code(row))
		}
	}
	for _, f := range shown.catalog.Fields {
		if v, told := o.values[f.Key]; told {
			sub.changed = append(sub.changed, FieldValue{f.Num, v})
		}
	}
	title := NewTitleRow(sub.titleText())
	return &title
}

func mirrorChange(fields []*Field, before, after []Value) ChangeRow {
	values := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			values = append(values, ',')
		}
		values = strconv.AppendInt(append(values, '"'), int64(f.Num), 10)
		values = append(values, `":[`...)
		values = append(AppendHistoryJSON(values, f, before[i], nil), ',')
		values = append(AppendHistoryJSON(values, f, after[i], nil), ']')
	}
	return ChangeRow{Origin: mirrorOrigin, Values: append(values, '}')}
}

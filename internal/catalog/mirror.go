package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"kartoteka/internal/query"
)

// The mirrors of the structure: a record for each catalog and each section,
// with its number, its public id and its name, so that other records can link
// it.
const (
	catalogsMirror query.Catalog = 1
	sectionsMirror query.Catalog = 2
)

// mirrorOrigin is the origin of changes that follow the structure.
const mirrorOrigin = "structure"

// mirrored is an object as its mirror shows it.
type mirrored struct {
	record query.Record
	code   string // public id, "" when it is the number
	name   string
	live   bool
}

// mirror brings the mirrors in line with the structure as the transaction
// leaves it.
func (s *Service) mirror(ctx context.Context, w Writer) error {
	d, err := w.Definition(ctx)
	if err != nil {
		return err
	}
	st := newStructure(d)
	catalogs := make([]mirrored, len(d.Catalogs))
	for i, c := range d.Catalogs {
		catalogs[i] = newMirrored(int64(c.Num), c.Key, c.Name, st.Catalog(c.Num) != nil)
	}
	sections := make([]mirrored, len(d.Sections))
	for i, section := range d.Sections {
		sections[i] = newMirrored(int64(section.Num), section.Key, section.Name, section.Removed.IsZero())
	}
	if err := s.mirrorAll(ctx, w, st.Catalog(catalogsMirror), catalogs); err != nil {
		return err
	}
	return s.mirrorAll(ctx, w, st.Catalog(sectionsMirror), sections)
}

func newMirrored(number int64, key, name string, live bool) mirrored {
	m := mirrored{record: query.Record(number), code: key, name: name, live: live}
	if key == strconv.FormatInt(number, 10) {
		m.code = ""
	}
	return m
}

// mirrorAll writes what differs between a mirror and its objects. Removals come
// first: they free their ids.
func (s *Service) mirrorAll(ctx context.Context, w Writer, c *Catalog, objects []mirrored) error {
	if c == nil {
		return nil // the database is being made, or is a test's without system catalogs
	}
	name := c.FieldByKey(nameKey)
	records := make([]query.Record, len(objects))
	for i, o := range objects {
		records[i] = o.record
	}
	page, err := w.Rows(ctx, c, []*Field{name}, records)
	if err != nil {
		return fmt.Errorf("read the mirror %s: %w", c.Key, err)
	}
	rows := make(map[query.Record]int, page.Len())
	for i := range page.Len() {
		rows[page.Record(i)] = i
	}
	var list []Mutation
	for _, o := range objects {
		row, found := rows[o.record]
		if !found {
			row = -1
		}
		if m := o.mutation(c, name, page, row); m != nil {
			m.At = s.options.Now().UnixMilli()
			list = append(list, *m)
		}
	}
	if len(list) == 0 {
		return nil
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

// mutation is what the object's record needs, nil for nothing. Row is where it
// is in the page, -1 for nowhere.
func (o mirrored) mutation(c *Catalog, name *Field, page *Page, row int) *Mutation {
	m := &Mutation{Kind: RestoreRecord, Catalog: c, Record: o.record, Code: &o.code}
	var before Value
	if row >= 0 {
		before = CellValue(name, page, page.Cell(row, 0))
		m.Kind, m.Version = UpdateRecord, page.Version(row)
	}
	switch {
	case !o.live && row < 0, o.live && row >= 0 && before == Text(o.name) && string(page.Code(row)) == o.code:
		return nil
	case !o.live:
		m.Kind, m.Code, m.Trash = RemoveRecord, nil, json.RawMessage("{}")
		m.Change = mirrorChange(name, before, nil)
		return m
	}
	m.Cells = []StoredValue{StoredOf(name, Text(o.name))}
	m.Title = o.title(c, name)
	m.Change = mirrorChange(name, before, Text(o.name))
	return m
}

// title is what the record is called: the name, unless somebody put another
// text field before it, which nobody can fill.
func (o mirrored) title(c *Catalog, name *Field) *TitleRow {
	sub := &subject{catalog: c, record: o.record, code: o.code, changed: []FieldValue{{name.Num, Text(o.name)}}}
	row := NewTitleRow(sub.titleText())
	return &row
}

func mirrorChange(name *Field, before, after Value) ChangeRow {
	values := append([]byte(`{"`), strconv.FormatInt(int64(name.Num), 10)...)
	values = append(values, `":[`...)
	values = append(AppendHistoryJSON(values, name, before, nil), ',')
	values = append(AppendHistoryJSON(values, name, after, nil), `]}`...)
	return ChangeRow{Origin: mirrorOrigin, Values: values}
}

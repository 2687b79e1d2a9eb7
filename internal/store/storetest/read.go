package storetest

import (
	"reflect"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// stored is a record as the database has it.
type stored struct {
	version          int64
	created, updated int64
	code             string
	values           values
}

// record reads a live record, nil if there is none.
func (f *fixture) record(c query.Catalog, r query.Record) (out *stored) {
	f.Helper()
	columns := f.catalog(c).Fields
	f.read(func(reader catalog.Reader) error {
		p, err := reader.Rows(f.Context(), f.catalog(c), columns, []query.Record{r})
		if err != nil || p.Len() == 0 {
			out = nil
			return err
		}
		out = &stored{version: p.Version(0), created: p.Created(0), updated: p.Updated(0),
			code: string(p.Code(0)), values: values{}}
		for j, field := range columns {
			if v := catalog.CellValue(field, p, p.Cell(0, j)); v != nil {
				out.values[field.Num] = v
			}
		}
		return nil
	})
	return out
}

// want compares a record's values with the expected ones.
func (f *fixture) want(c query.Catalog, r query.Record, version int64, v values) {
	f.Helper()
	got := f.record(c, r)
	if got == nil {
		f.Fatalf("record %d is not there", r)
	}
	if got.version != version {
		f.Errorf("record %d has version %d, want %d", r, got.version, version)
	}
	if !reflect.DeepEqual(got.values, v) {
		f.Errorf("record %d has\n%v, want\n%v", r, got.values, v)
	}
}

func (f *fixture) title(c query.Catalog, r query.Record) (t catalog.Title, ok bool) {
	f.Helper()
	ref := query.MakeRef(c, r)
	f.read(func(reader catalog.Reader) error {
		titles, err := reader.Titles(f.Context(), []query.Ref{ref})
		t, ok = titles[ref]
		return err
	})
	return t, ok
}

func (f *fixture) find(c query.Catalog, code string) (r query.Record) {
	f.Helper()
	f.read(func(reader catalog.Reader) (err error) {
		r, err = reader.Find(f.Context(), f.catalog(c), code)
		return err
	})
	return r
}

// matching lists the records of goods that satisfy the condition.
func (f *fixture) matching(where query.Node) (list []query.Record) {
	f.Helper()
	return f.selected(&catalog.Selected{Where: where})
}

// searched lists the records of goods whose texts contain s.
func (f *fixture) searched(s string) []query.Record {
	f.Helper()
	digits, _ := text.PhoneQuery(s)
	return f.selected(&catalog.Selected{Search: query.Search{Fold: text.Fold(s), Digits: digits},
		SearchFields: []*catalog.Field{f.field(name), f.field(contact)}})
}

func (f *fixture) selected(s *catalog.Selected) (list []query.Record) {
	f.Helper()
	s.Structure, s.Catalog, s.Limit = f.st, f.catalog(goods), 1000
	f.read(func(reader catalog.Reader) error {
		p, err := reader.Select(f.Context(), s)
		list = nil
		for i := range p.Len() {
			list = append(list, p.Record(i))
		}
		return err
	})
	return list
}

// history reads the entries of a record of goods, oldest first; 0 for all.
func (f *fixture) history(r query.Record) (list []catalog.HistoryEntry) {
	f.Helper()
	f.read(func(reader catalog.Reader) (err error) {
		list, err = reader.History(f.Context(), &catalog.HistoryQuery{Structure: f.st, Catalog: f.catalog(goods),
			Record: r, WithRemoved: true, Asc: true, Limit: 1000})
		return err
	})
	return list
}

func links(records ...query.Record) catalog.Links {
	var list catalog.Links
	for _, r := range records {
		list = append(list, catalog.Link{Link: query.Link{Catalog: makers, Key: query.Key{Record: r}}})
	}
	return list
}

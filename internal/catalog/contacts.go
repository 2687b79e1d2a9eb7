package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// ContactsAsk selects records by their contacts.
type ContactsAsk struct {
	Search query.Search // zero for every contact
	Sort   *SortAsk     // nil for the newest first
	Limit  int
	Offset int
}

// ContactsPage is records with the contacts that were looked for.
type ContactsPage struct {
	Structure *Structure
	Titles    Titles
	Records   []ContactRecord
}

// ContactRecord is a record and, of each field that has one, the first contact
// that was looked for.
type ContactRecord struct {
	Ref   query.Ref
	Found []FoundContact
}

// FoundContact is a contact of a field.
type FoundContact struct {
	Field   *Field
	Contact string
}

// Contacts looks for contacts in all records that the actor may view. It fails
// with InvalidParameter.
func (s *Service) Contacts(ctx context.Context, a Actor, ask ContactsAsk) (*ContactsPage, error) {
	ask.Limit = min(ask.Limit, maxRelations)
	if err := s.checkPage(ask.Limit, ask.Offset); err != nil {
		return nil, err
	}
	if ask.Sort == nil {
		ask.Sort = &SortAsk{By: query.ByCreated, Desc: true}
	}
	var page *ContactsPage
	err := s.view(ctx, func(st *Structure, r Reader) error {
		access, err := s.access(ctx, st, r, a)
		if err != nil {
			return err
		}
		d := &reading{service: s, st: st, access: access, r: r, watch: s, more: true}
		page = &ContactsPage{Structure: st}
		var streams []*stream
		for _, c := range st.Catalogs {
			one, err := d.contactStream(ctx, c, ask)
			if err != nil {
				return err
			}
			if one != nil {
				streams = append(streams, one)
			}
		}
		if len(streams) == 0 || ask.Limit == 0 {
			return nil
		}
		refs, err := d.merge(ctx, streams, ask.Limit, ask.Offset)
		if err != nil {
			return err
		}
		return d.contacts(ctx, page, refs, ask.Search)
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// contactFields are the contact fields of a catalog that the actor may look at.
func (d *reading) contactFields(c *Catalog) (list []*Field) {
	if d.access.Catalog(c) < AvailablePrivilege {
		return nil
	}
	for _, f := range c.Fields {
		if _, ok := f.Type.(contactType); ok && !f.Secret && d.access.Readable(f) {
			list = append(list, f)
		}
	}
	return list
}

// contactStream is the records of a catalog with such contacts; nil for none.
func (d *reading) contactStream(ctx context.Context, c *Catalog, ask ContactsAsk) (*stream, error) {
	fields := d.contactFields(c)
	if len(fields) == 0 {
		return nil, nil
	}
	where := none
	for _, f := range fields {
		cond := query.Cond{Field: f.Num, Test: query.NotEmpty{}}
		if ask.Search != (query.Search{}) {
			cond.Test = query.Substring{Fold: ask.Search.Fold, Digits: ask.Search.Digits}
		}
		where = either(where, cond)
	}
	sort, ordered := ask.Sort.in(d.access, c)
	selected, err := d.selected(ctx, c, query.Query{Where: where, Sort: sort})
	if err != nil {
		return nil, err
	}
	selected.Columns = []*Field{}
	if sort.By == query.ByField {
		selected.Columns = []*Field{c.Field(sort.Field)}
	}
	return &stream{ordered: ordered, selected: selected}, nil
}

// contacts reads the titles and contacts of a page's records.
func (d *reading) contacts(ctx context.Context, page *ContactsPage, refs []query.Ref, search query.Search) (err error) {
	if page.Titles, err = d.readTitles(ctx, slices.Clone(refs)); err != nil {
		return fmt.Errorf("read titles of contacts: %w", err)
	}
	records := map[query.Catalog][]query.Record{}
	for _, ref := range refs {
		records[ref.Catalog()] = append(records[ref.Catalog()], ref.Record())
	}
	rows := map[query.Catalog]*Rows{}
	for n, list := range records {
		c := d.st.Catalog(n)
		if rows[n], err = d.recordsOf(ctx, c, list, &Selection{Fields: d.contactFields(c)}, false); err != nil {
			return err
		}
	}
	for _, ref := range refs {
		of := rows[ref.Catalog()]
		row := of.At(ref.Record())
		if row < 0 {
			continue
		}
		one := ContactRecord{Ref: ref}
		for j, f := range of.Fields {
			contacts, _ := CellValue(f, of.Page, of.Page.Cell(row, j)).(Contacts)
			if i := slices.IndexFunc(contacts, func(c Contact) bool { return finds(search, c) }); i >= 0 {
				one.Found = append(one.Found, FoundContact{f, contacts[i].Contact})
			}
		}
		page.Records = append(page.Records, one)
	}
	return nil
}

// finds tells whether a search finds a contact: as query.Substring does.
func finds(s query.Search, c Contact) bool {
	if s.Digits != "" {
		digits, _ := text.Digits(c.Contact)
		return strings.Contains(digits, s.Digits)
	}
	return strings.Contains(text.Fold(c.Contact), s.Fold)
}

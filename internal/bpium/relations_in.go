package bpium

import (
	"math"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// DecodeRelations reads the parameters of a record's relations. It fails with
// fault.InvalidParameter.
func DecodeRelations(p Params) (ask catalog.RelationsAsk, err error) {
	if ask.Catalogs, err = p.IDs("catalogId"); err != nil {
		return ask, err
	}
	for i, id := range ask.Catalogs {
		ask.Catalogs[i] = CatalogKey(id)
	}
	if ask.Fields, err = p.IDs("fieldId"); err != nil {
		return ask, err
	}
	if ask.Fields != nil && ask.Catalogs == nil {
		return ask, badParam("fieldId", "only together with catalogId")
	}
	if ask.Hidden, err = p.Bool("hiddenFields"); err != nil {
		return ask, err
	}
	if ask.Sort, err = sortAsk(p); err != nil {
		return ask, err
	}
	ask.Limit, ask.Offset, err = paging(p, defaultLimit)
	return ask, err
}

func paging(p Params, whenAbsent int) (limit, offset int, err error) {
	if limit, err = p.Int("limit", whenAbsent, 0, math.MaxInt32); err != nil {
		return 0, 0, err
	}
	offset, err = p.Int("offset", 0, 0, math.MaxInt32)
	return limit, offset, err
}

// sortAsk reads an order of records of several catalogs; nil for none. A
// direction alone says nothing.
func sortAsk(p Params) (*catalog.SortAsk, error) {
	id, err := p.Text("sortField")
	if err != nil {
		return nil, err
	}
	desc, err := sortDesc(p)
	if err != nil || id == "" {
		return nil, err
	}
	if by, ok := sortKeys[id]; ok && id[0] == '$' {
		return &catalog.SortAsk{By: by, Desc: desc}, nil
	}
	return &catalog.SortAsk{By: query.ByField, Field: id, Desc: desc}, nil
}

// candidatesLimit is how many candidates are given when no limit is: clients
// have no argument for one.
const candidatesLimit = 1000

// DecodeCandidates reads the parameters of a link field's candidates. It fails
// like DecodeQuery.
func DecodeCandidates(p Params, sc *catalog.Scope, f *catalog.Field, at catalog.Moment) (ask catalog.CandidatesAsk, err error) {
	if ask, err = DecodeFilterCandidates(p); err != nil {
		return ask, err
	}
	id, err := p.Text("recordId")
	if err != nil {
		return ask, err
	}
	if id != "" {
		ask.Record = RecordKey(id)
	}
	v, err := p.Value("recordsFilters")
	if err != nil || v.IsNull() {
		return ask, err
	}
	list, ok := listOf(v)
	if !ok {
		list = []tree.Value{v}
	}
	ask.Sources = map[query.Catalog]query.Query{}
	for _, e := range list {
		if err := sourceFilter(e, sc, f, at, ask.Sources); err != nil {
			return ask, err
		}
	}
	return ask, nil
}

// DecodeFilterCandidates reads the parameters of the values of a link field that
// can be filtered by.
func DecodeFilterCandidates(p Params) (ask catalog.CandidatesAsk, err error) {
	if ask.Title, err = p.Text("title"); err != nil {
		return ask, err
	}
	if ask.Catalog, err = p.Text("catalogId"); err != nil {
		return ask, err
	}
	ask.Catalog = CatalogKey(ask.Catalog)
	ask.Limit, ask.Offset, err = paging(p, candidatesLimit)
	return ask, err
}

// sourceFilter reads {catalogId, viewId, filters}. Several elements of one
// catalog must all hold.
func sourceFilter(e tree.Value, sc *catalog.Scope, f *catalog.Field, at catalog.Moment, to map[query.Catalog]query.Query) error {
	if e.Kind != tree.Object {
		return badParam("recordsFilters", "expected a list of {catalogId, filters}")
	}
	v, _ := e.Get("catalogId")
	id, ok := IDText(v)
	if !ok {
		return badParam("recordsFilters", "catalogId is missing or not an id")
	}
	c := linkedCatalog(sc.Structure, f, id)
	if c == nil || sc.Structure.Catalog(c.Num) == nil {
		return nil // a source that is gone has no candidates anyway
	}
	q, known := to[c.Num]
	if view, ok := e.Get("viewId"); ok && !blank(view) {
		id, ok := IDText(view)
		switch {
		case !ok:
			return badParam("recordsFilters", "viewId is not an id")
		case known && q.View != "" && q.View != id:
			return badParam("recordsFilters", "a catalog has one view at a time")
		case id != "0":
			q.View = id
		}
	}
	filters, _ := e.Get("filters")
	source := &catalog.Scope{Structure: sc.Structure, Catalog: c, Access: sc.Access}
	where, err := DecodeFilter(filters, source, at)
	if err != nil {
		return err
	}
	switch {
	case q.Where == nil:
		q.Where = where
	case where != nil:
		q.Where = query.And{q.Where, where}
	}
	if q.Where != nil || q.View != "" {
		to[c.Num] = q
	}
	return nil
}

// DecodeContacts reads the parameters of a search for contacts. It fails with
// fault.InvalidParameter.
func DecodeContacts(p Params) (ask catalog.ContactsAsk, err error) {
	s, err := p.Text("searchText")
	if err != nil {
		return ask, err
	}
	ask.Search = decodeSearch(s)
	if ask.Sort, err = sortAsk(p); err != nil {
		return ask, err
	}
	ask.Limit, ask.Offset, err = paging(p, defaultLimit)
	return ask, err
}

// LinkField finds the field of a path: NotFound.
func LinkField(sc *catalog.Scope, id string) (*catalog.Field, error) {
	if f := FieldByID(sc.Catalog, id); f != nil {
		return f, nil
	}
	return nil, fault.New(fault.NotFound, "There is no field %s in this catalog", text.Cut(id, 100))
}

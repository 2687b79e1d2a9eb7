package bpium

import (
	"math"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

const defaultLimit = 100

// RecordsAsk is what a list of records, or one record, was asked with.
type RecordsAsk struct {
	Query      query.Query
	Selection  *catalog.Selection
	SkipPrevID bool
}

// TimezoneOffset reads the caller's minutes east of UTC; 0 when not given.
func TimezoneOffset(p Params) (int, error) {
	return p.Int("timezoneOffset", 0, -720, 840)
}

// DecodeQuery reads the parameters of a list of records. Limits above the
// maximum are the service's to refuse.
//
// It fails with fault.InvalidParameter, InvalidFilter, UnknownField or
// FieldHidden.
func DecodeQuery(p Params, sc *catalog.Scope, at catalog.Moment) (RecordsAsk, error) {
	var ask RecordsAsk
	var err error
	if ask.Query, err = decodeMatches(p, sc, at); err != nil {
		return ask, err
	}
	if ask.Query.Sort, err = decodeSort(p, sc); err != nil {
		return ask, err
	}
	if ask.Query.Limit, err = p.Limit(defaultLimit); err != nil {
		return ask, err
	}
	if ask.Query.Offset, err = p.Int("offset", 0, 0, math.MaxInt32); err != nil {
		return ask, err
	}
	if ask.Query.WithTotal, err = p.Bool("withTotal"); err != nil {
		return ask, err
	}
	if ask.SkipPrevID, err = p.Bool("skipPrevId"); err != nil {
		return ask, err
	}
	ask.Selection, err = DecodeSelection(p, sc)
	return ask, err
}

// DecodeOne reads the parameters of one record: only the selection is set.
func DecodeOne(p Params, sc *catalog.Scope) (ask RecordsAsk, err error) {
	if ask.SkipPrevID, err = p.Bool("skipPrevId"); err != nil {
		return ask, err
	}
	ask.Selection, err = DecodeSelection(p, sc)
	return ask, err
}

// decodeMatches reads which records are meant: viewId, filters, id,
// searchText, newMessages.
func decodeMatches(p Params, sc *catalog.Scope, at catalog.Moment) (query.Query, error) {
	var q query.Query
	var err error
	if q.View, err = decodeView(p); err != nil {
		return q, err
	}
	v, err := p.Value("filters")
	if err != nil {
		return q, err
	}
	where, err := DecodeFilter(v, sc, at)
	if err != nil {
		return q, err
	}
	among, err := decodeAmong(p)
	if err != nil {
		return q, err
	}
	unread, err := p.Bool("newMessages")
	if err != nil {
		return q, err
	}
	s, err := p.Text("searchText")
	if err != nil {
		return q, err
	}
	var and query.And
	for _, n := range []query.Node{where, among} {
		if n != nil {
			and = append(and, n)
		}
	}
	if unread {
		and = append(and, query.Unread{})
	}
	q.Where = joined(and)
	q.Search = decodeSearch(s)
	return q, nil
}

func decodeSearch(s string) query.Search {
	search := query.Search{Fold: text.Fold(s)}
	if digits, ok := text.PhoneQuery(s); ok {
		search.Digits = digits
	}
	return search
}

// decodeView reads the id of a view; 0 or nothing is none.
func decodeView(p Params) (string, error) {
	id, err := p.Text("viewId")
	if id == "0" {
		id = ""
	}
	return id, err
}

// decodeAmong reads the list of record ids; an empty list means no record.
func decodeAmong(p Params) (query.Node, error) {
	ids, err := p.IDs("id")
	switch {
	case err != nil:
		return nil, err
	case ids == nil && p.Has("id"):
		return nil, badParam("id", "expected a list of record ids")
	case ids == nil:
		return nil, nil
	case len(ids) == 0:
		return never, nil
	case len(ids) > maxFilterValues:
		return nil, badParam("id", "more than %d values", maxFilterValues)
	}
	among := make(query.Among, len(ids))
	for i, id := range ids {
		among[i] = RecordKey(id)
	}
	return among, nil
}

// decodeSort: without any parameter the newest come first; a direction alone
// is that of the creation number.
func decodeSort(p Params, sc *catalog.Scope) (query.Sort, error) {
	id, err := p.Text("sortField")
	if err != nil {
		return query.Sort{}, err
	}
	desc, err := sortDesc(p)
	if err != nil {
		return query.Sort{}, err
	}
	direction, _ := p.Text("sortType")
	s := query.Sort{Desc: desc || id == "" && direction == ""}
	if id == "" {
		return s, nil
	}
	return sortBy(s, sc, id)
}

// sortDesc reads the direction of an order.
func sortDesc(p Params) (bool, error) {
	direction, err := p.Text("sortType")
	switch {
	case err != nil:
		return false, err
	case direction == "-1" || direction == "desc":
		return true, nil
	case direction == "" || direction == "1" || direction == "asc":
		return false, nil
	}
	return false, badParam("sortType", "expected 1, -1, asc or desc")
}

var sortKeys = map[string]query.SortBy{
	"$id": query.ByID, "$title": query.ByTitle, "$createdTime": query.ByCreated, "$updatedTime": query.ByUpdated,
	"id": query.ByID, "title": query.ByTitle,
}

func sortBy(s query.Sort, sc *catalog.Scope, id string) (query.Sort, error) {
	f := FieldByID(sc.Catalog, id)
	if f == nil {
		by, ok := sortKeys[id]
		if !ok {
			return s, fault.New(fault.UnknownField, "sortField: catalog %s has no field %s", sc.Catalog.Key, text.Cut(id, 100))
		}
		s.By = by
		return s, nil
	}
	if !sc.Access.Readable(f) {
		return s, hiddenField(f)
	}
	if f.Storage() == catalog.NoStorage {
		return s, badParam("sortField", "field %s has no value", f.Key)
	}
	s.By, s.Field = query.ByField, f.Num
	return s, nil
}

// DecodeCatalogs reads the parameters of the list of catalogs.
func DecodeCatalogs(p Params) (filter catalog.CatalogFilter, skipPrevID bool, err error) {
	ids, err := p.IDs("sectionId")
	if err != nil {
		return filter, false, err
	}
	if ids != nil {
		filter.Sections = []string{}
	}
	for _, id := range ids {
		filter.Sections = append(filter.Sections, SectionKey(id))
	}
	if filter.Hidden, err = p.Bool("withHidden"); err != nil {
		return filter, false, err
	}
	skipPrevID, err = p.Bool("skipPrevId")
	return filter, skipPrevID, err
}

// DecodeEmployees reads the parameters of the list of employees. All are given
// unless a limit is.
func DecodeEmployees(p Params) (ask catalog.EmployeesAsk, err error) {
	if ask.Search, err = p.Text("searchText"); err != nil {
		return ask, err
	}
	if ask.Search == "" {
		if ask.Search, err = p.Text("title"); err != nil {
			return ask, err
		}
	}
	ids, err := p.IDs("id")
	if err != nil {
		return ask, err
	}
	if ids != nil {
		ask.IDs = []query.Key{}
	}
	for _, id := range ids {
		ask.IDs = append(ask.IDs, RecordKey(id))
	}
	if ask.Limit, err = p.Limit(-1); err != nil {
		return ask, err
	}
	switch ask.Limit {
	case -1:
		ask.Limit = 0 // all
	case 0:
		ask.IDs = []query.Key{}
	}
	ask.Offset, err = p.Int("offset", 0, 0, math.MaxInt32)
	return ask, err
}

// FieldIDs reads the parameter fields of a catalog: nil when it is absent.
func FieldIDs(p Params) (map[string]bool, error) {
	list, err := p.List("fields")
	if err != nil || list == nil {
		return nil, err
	}
	ids := make(map[string]bool, len(list))
	for _, v := range list {
		id, ok := IDText(v)
		if !ok {
			return nil, badParam("fields", "expected a list of ids")
		}
		ids[id] = true
	}
	return ids, nil
}

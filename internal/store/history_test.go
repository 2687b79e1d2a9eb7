package store

import (
	"encoding/json"
	"slices"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// historyRows are written in this order, so the first has the number 1.
var historyRows = []catalog.HistoryRow{
	{Record: 1, Actor: 7, Kind: catalog.Created, Payload: json.RawMessage(`{"13":{"o":null,"n":"a"}}`)},
	{Record: 1, Actor: 7, Kind: catalog.Updated, Payload: json.RawMessage(`{"14":{"o":1,"n":13}}`)},
	{Record: 2, Actor: 0, Kind: catalog.Created, Payload: json.RawMessage(`{}`)},
	{Record: 2, Actor: 8, Kind: catalog.Updated, Payload: json.RawMessage(`{"13":{"o":"x","n":"y"},"14":{"o":1,"n":2}}`)},
	{Record: 3, Actor: 8, Kind: catalog.Commented, Payload: json.RawMessage(`{"message":"about 13"}`)},
	{Record: 3, Actor: 8, Kind: catalog.Removed},
	{Record: 1, Actor: 8, Kind: catalog.Commented, Payload: json.RawMessage(`{"message":"\"14\""}`)},
}

func TestHistory(t *testing.T) {
	live := &catalog.Selected{}
	cases := []struct {
		name string
		q    catalog.HistoryQuery
		want []int64
	}{
		{"all, newest first", catalog.HistoryQuery{}, []int64{7, 6, 5, 4, 3, 2, 1}},
		{"oldest first, a page", catalog.HistoryQuery{Asc: true, Offset: 2, Limit: 2}, []int64{3, 4}},
		{"of a record", catalog.HistoryQuery{Record: 1}, []int64{7, 2, 1}},
		{"of a removed record", catalog.HistoryQuery{Record: 3}, []int64{6, 5}},
		{"by an actor", catalog.HistoryQuery{Actor: 7}, []int64{2, 1}},
		{"kinds", catalog.HistoryQuery{Kinds: []catalog.HistoryKind{catalog.Created, catalog.Removed}}, []int64{6, 3, 1}},
		{"one kind", catalog.HistoryQuery{Kinds: []catalog.HistoryKind{catalog.Commented}}, []int64{7, 5}},
		{"touching a field", catalog.HistoryQuery{Fields: []query.Field{fName}}, []int64{4, 1}},
		{"touching one of two", catalog.HistoryQuery{Fields: []query.Field{fName, fAmount}}, []int64{4, 2, 1}},
		{"touching none", catalog.HistoryQuery{Fields: []query.Field{}}, nil},
		{"readable", catalog.HistoryQuery{Readable: []query.Field{fName}}, []int64{7, 6, 5, 4, 3, 1}},
		{"readable of some records", catalog.HistoryQuery{Readable: []query.Field{fName},
			Visible: map[query.Field]query.Node{fName: cond(fAmount, query.NumberRange{Min: ptr(2.0)})}}, []int64{7, 6, 5, 4, 3, 1}},
		{"readable of no record", catalog.HistoryQuery{Readable: []query.Field{fName},
			Visible: map[query.Field]query.Node{fName: cond(fAmount, query.NumberRange{Min: ptr(3.0)})}}, []int64{7, 6, 5, 3, 1}},
		{"touching a field of some records", catalog.HistoryQuery{Fields: []query.Field{fName},
			Visible: map[query.Field]query.Node{fName: cond(fAmount, query.NumberRange{Min: ptr(2.0)})}}, []int64{4}},
		{"nothing readable", catalog.HistoryQuery{Readable: []query.Field{}}, []int64{7, 6, 5, 3, 1}},
		{"of live records", catalog.HistoryQuery{Where: live}, []int64{7, 4, 3, 2, 1}},
		{"of live and removed records", catalog.HistoryQuery{Where: live, WithRemoved: true}, []int64{7, 6, 5, 4, 3, 2, 1}},
		{"of matching records", catalog.HistoryQuery{Where: &catalog.Selected{
			Where: cond(fAmount, query.NumberRange{Min: ptr(2.0)})}}, []int64{4, 3}},
		{"of matching and removed records", catalog.HistoryQuery{Where: &catalog.Selected{
			Where: query.Not{Node: cond(fAmount, query.NumberRange{Min: ptr(2.0)})}}, WithRemoved: true}, []int64{7, 6, 5, 2, 1}},
		{"of records found", catalog.HistoryQuery{Where: &catalog.Selected{
			Search: query.Search{Fold: "sec"}, SearchTitle: true}}, []int64{4, 3}},
	}
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		writeHistory(t, s, st)
		for _, c := range cases {
			got := historyNumbers(t, s, st, goldenHistory{c.name, c.q}.query(st))
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	})
}

func writeHistory(t *testing.T, s *Company, st *catalog.Structure) {
	t.Helper()
	c := st.Catalog(orders)
	write(t, s, st, []*testRecord{
		order(1, map[query.Field]catalog.Value{fAmount: catalog.Number(1), fName: catalog.Text("First")}),
		order(2, map[query.Field]catalog.Value{fAmount: catalog.Number(2), fName: catalog.Text("Second")}),
		order(3, nil),
		{catalog: clients, id: 1, created: 1, updated: 1},
	})
	mutate(t, s, st, catalog.Mutation{Kind: catalog.RemoveRecord, Catalog: c, Record: 3, Version: 1, At: 2000})
	err := s.Update(t.Context(), catalog.Plan{Version: st.Version}, func(w catalog.Writer) error {
		for i, h := range historyRows {
			h.Catalog, h.At = orders, int64(i)
			if _, err := w.AddHistory(t.Context(), &h); err != nil {
				return err
			}
		}
		_, err := w.AddHistory(t.Context(), &catalog.HistoryRow{Catalog: clients, Record: 1, Kind: catalog.Updated})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// historyNumbers are the numbers of the entries, which must be as written.
func historyNumbers(t *testing.T, s *Company, st *catalog.Structure, q *catalog.HistoryQuery) (numbers []int64) {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	read(t, s, st, func(r catalog.Reader) error {
		entries, err := r.History(t.Context(), q)
		for _, e := range entries {
			numbers = append(numbers, e.ID)
			want := historyRows[e.ID-1]
			if e.Catalog != orders || e.Record != want.Record || e.At != e.ID-1 || e.Actor != want.Actor ||
				e.Kind != want.Kind || string(e.Payload) != string(want.Payload) {
				t.Errorf("entry %d is %+v", e.ID, e)
			}
		}
		return err
	})
	return numbers
}

package storetest

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

var syncLinks = []promise{
	{name: "a record has one link of a group, an external id one record", test: linkPromises},
	{name: "the id of a removed record is free", test: freedLinks},
	{name: "a link and its record are written together", test: linkTogether},
	{name: "records are found by their links", test: foundByLinks},
	{name: "the last use of a credential is kept", test: syncUses},
}

// keepLink keeps a link; false when it is another's.
func (f *fixture) keepLink(group string, c query.Catalog, n query.Record, external string) (kept bool) {
	f.Helper()
	f.mustSync(func(w apisync.Writer) (err error) {
		kept, err = w.KeepSyncLink(f.Context(), apisync.Link{Group: group, Catalog: c, Record: n, External: external})
		return err
	})
	return kept
}

// wantLinks compares the links to goods with "record external" each, and that they are found
// by external id.
func (f *fixture) wantLinks(group string, want ...string) {
	f.Helper()
	to, err := f.store.SyncLinksTo(f.Context(), group, goods, []query.Record{1, 2, 3, 4, 5})
	if err != nil {
		f.Fatal(err)
	}
	got := []string{}
	for _, l := range to {
		if l.Group != group || l.Catalog != goods {
			f.Errorf("asked for links of %s to goods, got %+v", group, l)
		}
		got = append(got, string(rune('0'+l.Record))+" "+l.External)
	}
	if slices.Sort(got); !slices.Equal(got, want) && len(got)+len(want) > 0 {
		f.Errorf("links of %s: %q, want %q", group, got, want)
	}
}

func (f *fixture) linksOf(group string, external ...string) (records []query.Record) {
	f.Helper()
	list, err := f.store.SyncLinksOf(f.Context(), group, external)
	if err != nil {
		f.Fatal(err)
	}
	for _, l := range list {
		records = append(records, l.Record)
	}
	slices.Sort(records)
	return records
}

func linkPromises(f *fixture) {
	a, b := f.add(goods, "", nil), f.add(goods, "", nil)
	m := f.add(makers, "", nil)
	odd := strings.Repeat("Ї", 255)
	if !f.keepLink("g", goods, a, "A") || !f.keepLink("g", goods, b, odd) || !f.keepLink("h", goods, a, "A") {
		f.Error("new links are not kept")
	}
	if f.keepLink("g", goods, b, "A") || f.keepLink("g", makers, m, "A") {
		f.Error("an external id has two records")
	}
	f.wantLinks("g", "1 A", "2 "+odd)
	for range 2 {
		if !f.keepLink("g", goods, a, "a") {
			f.Error("a record cannot have another id")
		}
	}
	f.wantLinks("g", "1 a", "2 "+odd)
	f.wantLinks("h", "1 A")
	if got := f.linksOf("g", "a", "A", odd, `" ' \`); !slices.Equal(got, []query.Record{a, b}) {
		f.Errorf("found %v", got)
	}
	f.mustSync(func(w apisync.Writer) error { return w.DropSyncLink(f.Context(), "g", goods, b) })
	f.wantLinks("g", "1 a")
	f.clean()
}

func freedLinks(f *fixture) {
	a, b := f.add(goods, "", nil), f.add(goods, "", nil)
	f.keepLink("g", goods, a, "A")
	f.mustWrite(f.removal(goods, a, 1))
	if got := f.linksOf("g", "A"); got != nil {
		f.Errorf("the link of a removed record is found: %v", got)
	}
	f.wantLinks("g", "1 A")
	if !f.keepLink("g", goods, b, "A") {
		f.Error("the id of a removed record is not free")
	}
	f.wantLinks("g", "2 A")
}

func linkTogether(f *fixture) {
	failed := errors.New("no")
	n := f.reserve(goods, 1)
	m := f.mutation(catalog.InsertRecord, goods, n, nil)
	err := f.update(func(w catalog.Writer) error {
		if err := w.Write(f.Context(), []catalog.Mutation{m}); err != nil {
			return err
		}
		if _, err := w.(apisync.Writer).KeepSyncLink(f.Context(), apisync.Link{Group: "g", Catalog: goods, Record: n, External: "A"}); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) || f.record(goods, n) != nil {
		f.Fatalf("the transaction was not undone: %v", err)
	}
	f.wantLinks("g")
}

func foundByLinks(f *fixture) {
	a, b, c := f.add(goods, "", nil), f.add(goods, "", nil), f.add(goods, "", nil)
	m := f.add(makers, "", nil)
	f.keepLink("g", goods, a, "A")
	f.keepLink("g", goods, b, "B")
	f.keepLink("h", goods, c, "C")
	f.keepLink("g", makers, m, "M")
	for _, one := range []struct {
		where query.Node
		want  []query.Record
	}{
		{query.Synced{Group: "g"}, []query.Record{a, b}},
		{query.Synced{Group: "none"}, nil},
		{query.Not{Node: query.Synced{Group: "g"}}, []query.Record{c}},
		{query.Synced{Group: "g", External: []string{"A"}}, []query.Record{a}},
		{query.Synced{Group: "g", External: []string{"A", "B", "C", "M", "\x00"}}, []query.Record{a, b}},
		{query.Not{Node: query.Synced{Group: "g", External: []string{"A"}}}, []query.Record{b, c}},
		{query.Synced{Group: "g", External: []string{}}, nil},
		{query.Synced{Group: "g", External: []string{"\x00"}}, nil},
	} {
		got := f.matching(one.where)
		if slices.Sort(got); !slices.Equal(got, one.want) {
			f.Errorf("%#v: %v, want %v", one.where, got, one.want)
		}
	}
}

func syncUses(f *fixture) {
	first, second := apisync.Resource{Kind: apisync.ConfigKind, Code: "a", Body: []byte(`{}`)}, apisync.Resource{Kind: apisync.ScriptKind, Code: "a", Body: []byte(`{}`)}
	keep := func(list ...apisync.Use) {
		f.mustSync(func(w apisync.Writer) error { return w.KeepSyncUses(f.Context(), list) })
	}
	want := func(want ...apisync.Use) {
		f.Helper()
		got, err := f.store.SyncUses(f.Context())
		slices.SortFunc(got, func(a, b apisync.Use) int { return int(a.Credential - b.Credential) })
		if err != nil || len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
			f.Errorf("uses %v (%v), want %v", got, err, want)
		}
	}
	f.mustSync(func(w apisync.Writer) error {
		return errors.Join(w.SaveSyncResource(f.Context(), &first), w.SaveSyncResource(f.Context(), &second))
	})
	c := first.ID
	keep(apisync.Use{Config: c, Credential: 1, At: 5}, apisync.Use{Config: c, Credential: 2, At: 6},
		apisync.Use{Config: second.ID, Credential: 1, At: 7}, apisync.Use{Config: 99, Credential: 1, At: 7})
	want(apisync.Use{Config: c, Credential: 1, At: 5}, apisync.Use{Config: c, Credential: 2, At: 6})
	keep(apisync.Use{Config: c, Credential: 1, At: 4}, apisync.Use{Config: c, Credential: 2, At: 9})
	want(apisync.Use{Config: c, Credential: 1, At: 5}, apisync.Use{Config: c, Credential: 2, At: 9})
	f.mustSync(func(w apisync.Writer) error { return w.DeleteSyncResource(f.Context(), c) })
	want()
}

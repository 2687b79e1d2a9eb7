package storetest

import (
	"errors"
	"fmt"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

var loads = []promise{
	{name: "many new records at once have all that single ones have", test: testLoad},
	{name: "of many new records with one custom id none is there", test: testLoadTaken},
}

// testLoad writes so many records that they go in by several rows a statement,
// with a remainder, into two catalogs and with values of all kinds or none.
func testLoad(f *fixture) {
	first := f.add(makers, "", values{maker: catalog.Text("Acme")})
	const n = 333
	from := f.reserve(goods, n)
	wanted := make([]values, n)
	var list []catalog.Mutation
	for i := range n {
		v := values{}
		if i%5 > 0 {
			v[name] = catalog.Text(fmt.Sprintf("Number %d of many", i))
		}
		if i%3 == 0 {
			v[price], v[status], v[tags] = catalog.Number(i), catalog.Items{1}, catalog.Items{1, 3}
			v[contact] = catalog.Contacts{{ID: "1", Contact: fmt.Sprintf("+7 900 000-%04d", i)}}
			v[made] = links(first)
		}
		wanted[i] = v
		m := f.mutation(catalog.InsertRecord, goods, from+query.Record(i), v)
		if i%7 == 0 {
			code := fmt.Sprintf("code-%d", i)
			m.Code = &code
		}
		if i%11 > 0 {
			m.History = &catalog.HistoryRow{Kind: catalog.Created, Actor: 7, Payload: []byte(`{"101":{"o":null,"n":"x"}}`)}
		}
		if i%3 == 0 {
			m.Times = []catalog.ItemTime{{Field: status, Item: 1, Enter: true}, {Field: tags, Item: 1, Enter: true}, {Field: tags, Item: 3, Enter: true}}
		}
		list = append(list, m)
	}
	other := f.reserve(makers, 1)
	list = append(list, f.mutation(catalog.InsertRecord, makers, other, values{maker: catalog.Text("Another")}))
	f.mustWrite(list...)
	for i, v := range wanted {
		f.want(goods, from+query.Record(i), 1, v)
	}
	f.want(makers, other, 1, values{maker: catalog.Text("Another")})
	if r := f.find(goods, "code-14"); r != from+14 {
		f.Errorf("the id is of record %d, not %d", r, from+14)
	}
	if got := f.searched("mber 332 of"); len(got) != 1 || got[0] != from+332 {
		f.Errorf("a search finds %v", got)
	}
	if h := f.history(from + 1); len(h) != 1 || h[0].Kind != catalog.Created || h[0].Actor != 7 {
		f.Errorf("the history is %+v", h)
	}
}

func testLoadTaken(f *fixture) {
	const n = 250
	from := f.reserve(goods, n)
	var list []catalog.Mutation
	for i := range n {
		m := f.mutation(catalog.InsertRecord, goods, from+query.Record(i), values{name: catalog.Text("x")})
		if i == 3 || i == 200 {
			code := "same"
			m.Code = &code
		}
		list = append(list, m)
	}
	if err := f.write(list...); !errors.Is(err, catalog.ErrCodeTaken) {
		f.Errorf("error %v", err)
	}
	if got := f.searched("x"); len(got) > 0 {
		f.Errorf("there are %v", got)
	}
}

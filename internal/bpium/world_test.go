package bpium

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// definition is a store that has a structure and no records: what decoding and
// encoding need.
type definition struct {
	catalog.Store
	def    catalog.Definition
	reader catalog.Reader
}

func (d *definition) Structure(context.Context) (*catalog.Definition, error) {
	return &d.def, nil
}

func (d *definition) Version(context.Context) (catalog.Version, error) { return d.def.Version, nil }

func (d *definition) View(_ context.Context, _ catalog.Version, fn func(catalog.Reader) error) error {
	return fn(d.reader)
}

const (
	usersNum   query.Catalog = 3
	ordersNum  query.Catalog = 27
	vendorsNum query.Catalog = 31
	placesNum  query.Catalog = 44
	goneNum    query.Catalog = 50
)

// fields of the catalog 27 have the number 100 + id, of 31 200 + id, of 44 300
// + id, of $users id.
const (
	groupF query.Field = 101 + iota
	nameF
	memoF
	richF
	amountF
	progressF
	stateF
	choiceF
	vendorF
	ownerF
	tagsF
	starsF
	dayF
	momentF
	onF
	phonesF
	addressF
	filesF
	anyF
	buttonF
	monthF
	manyF
	goneF
)

func field(c query.Catalog, base query.Field, id int, typ, name string, config catalog.Config) *catalog.Field {
	return &catalog.Field{
		Num: base + query.Field(id), ID: id, Key: strconv.Itoa(id), Catalog: c,
		Type: catalog.TypeByName(typ), Name: name, History: true, Filterable: true, Config: config,
	}
}

func colours(names ...string) []catalog.Item {
	var items []catalog.Item
	for i, n := range names {
		items = append(items, catalog.Item{Num: query.Item(i + 1), Key: strconv.Itoa(i + 1), Name: n, Color: "C9FDE5"})
	}
	return items
}

func sources(list ...query.Catalog) []catalog.Source {
	var s []catalog.Source
	for _, n := range list {
		s = append(s, catalog.Source{Catalog: n})
	}
	return s
}

func worldDefinition() catalog.Definition {
	named := colours("New", "Done")
	named = append(named, catalog.Item{Num: 3, Key: "late", Name: "Late", Color: "FF0000"})
	order := func(id int, typ, name string, config catalog.Config) *catalog.Field {
		return field(ordersNum, 100, id, typ, name, config)
	}
	shown := []catalog.ShownField{{Field: 202}, {Field: 204, Edit: true}, {Field: 205}}
	users := []*catalog.Field{
		field(usersNum, 0, 1, "text", "Name", catalog.Config{}),
		field(usersNum, 0, 2, "text", "Login", catalog.Config{Kind: catalog.KindMail}),
		field(usersNum, 0, 3, "text", "Password", catalog.Config{}),
		field(usersNum, 0, 4, "dropdown", "Kind", catalog.Config{Items: []catalog.Item{{Num: 1, Key: "$user", Name: "Employee"}, {Num: 2, Key: "$extuser", Name: "External"}}}),
	}
	for i, key := range []string{"$name", "$email", "$password", "$type"} {
		users[i].Key, users[i].System = key, true
	}
	users[2].Secret = true
	users = append(users, field(usersNum, 0, 8, "object", "Branch", catalog.Config{Multi: true, Sources: sources(placesNum)}))
	fields := append(users,
		order(1, "group", "Main", catalog.Config{}),
		order(2, "text", "Name", catalog.Config{}),
		order(3, "text", "Memo", catalog.Config{Kind: catalog.KindMultiline}),
		order(4, "text", "Page", catalog.Config{Kind: catalog.KindEditor}),
		order(5, "number", "Amount", catalog.Config{Unit: "EUR"}),
		order(6, "progress", "Progress", catalog.Config{}),
		order(7, "dropdown", "State", catalog.Config{Items: named, Default: true}),
		order(8, "radiobutton", "Choice", catalog.Config{Items: colours("Yes", "No")}),
		order(9, "object", "Vendor", catalog.Config{Sources: sources(vendorsNum), Multi: true, Shown: shown}),
		order(10, "user", "Owner", catalog.Config{Multi: true}),
		order(11, "checkboxes", "Tags", catalog.Config{Items: colours("a", "b", "c")}),
		order(12, "stars", "Stars", catalog.Config{}),
		order(13, "date", "Day", catalog.Config{Mode: catalog.ModeDate}),
		order(14, "date", "Moment", catalog.Config{Mode: catalog.ModeDateTime}),
		order(15, "switch", "On", catalog.Config{}),
		order(16, "contact", "Phones", catalog.Config{Kind: "phone"}),
		order(17, "address", "Place", catalog.Config{}),
		order(18, "file", "Files", catalog.Config{Multi: true}),
		order(19, "object", "Any", catalog.Config{Sources: sources(vendorsNum, usersNum), Multi: true, EnableUnsaved: true}),
		order(20, "button", "Go", catalog.Config{}),
		order(21, "date", "Month", catalog.Config{Mode: catalog.ModeMonth}),
		order(22, "dropdown", "Many", catalog.Config{Items: colours("x", "y", "z"), Multi: true}),
		order(23, "object", "Old", catalog.Config{Sources: sources(goneNum), Multi: true}),
		field(vendorsNum, 200, 2, "text", "Title", catalog.Config{}),
		field(vendorsNum, 200, 4, "text", "Mail", catalog.Config{}),
		field(vendorsNum, 200, 5, "object", "Places", catalog.Config{Sources: sources(placesNum), Multi: true}),
		field(placesNum, 300, 1, "text", "Title", catalog.Config{}),
		field(placesNum, 300, 2, "number", "Floor", catalog.Config{}),
		field(placesNum, 300, 3, "object", "Parent", catalog.Config{Sources: sources(placesNum)}),
	)
	return catalog.Definition{
		Version:  catalog.Version{Structure: 1, Rights: 1},
		Sections: []*catalog.Section{{Num: 1, Key: "$settings", Name: "Management", System: true}, {Num: 3, Key: "3", Name: "Purchasing", Icon: "content-3", Priority: 14}},
		Catalogs: []*catalog.Catalog{
			{Num: usersNum, Key: "$users", Section: 1, Name: "Employees", Icon: "users-1", History: true, System: true, NextField: 9},
			{Num: ordersNum, Key: "27", Section: 3, Name: "Orders", Icon: "transfers-52", History: true, NextField: 24},
			{Num: vendorsNum, Key: "31", Section: 3, Name: "Vendors", Icon: "users-10", History: true, NextField: 6},
			{Num: placesNum, Key: "places", Section: 3, Name: "Places", History: true, NextField: 4},
			{Num: goneNum, Key: "50", Section: 3, Name: "Gone", Removed: time.Unix(1, 0)},
		},
		Fields: fields,
		Rules: []*catalog.Rule{
			{ID: 1, Object: catalog.Object{Section: 1}, Privilege: catalog.AdminPrivilege},
			{ID: 2, Object: catalog.Object{Section: 3}, Privilege: catalog.AdminPrivilege},
		},
	}
}

// scopeOf opens a catalog of the test world.
func scopeOf(t testing.TB, key string) *catalog.Scope {
	t.Helper()
	s := catalog.New(&definition{def: worldDefinition(), reader: &pages{}}, catalog.Options{Now: time.Now, Filters: ViewFilters{}})
	sc, err := s.Catalog(context.Background(), catalog.Actor{Employee: 7}, key)
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

// noon is Wednesday, 5 February 2031, 12:00 UTC.
var noon = time.Date(2031, 2, 5, 12, 0, 0, 0, time.UTC).UnixMilli()

var byOperator = catalog.Moment{Now: noon, Offset: 180, Employee: 7}

func parse(t testing.TB, s string) tree.Value {
	t.Helper()
	v, err := tree.ParseJSON([]byte(s), tree.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v
}

func ms(s string) int64 {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}

// valid tells whether the bytes are one JSON value.
func valid(t testing.TB, b []byte) {
	t.Helper()
	if !json.Valid(b) {
		t.Errorf("not JSON: %s", b)
	}
}

// card is a record of the test world.
type card struct {
	num    query.Record
	code   string
	values map[query.Field]catalog.Value
}

// pages answers from cards whatever is asked.
type pages struct {
	catalog.Reader
	cards   map[query.Catalog][]card
	titles  catalog.Titles
	history []catalog.HistoryEntry
}

func (p *pages) Select(_ context.Context, s *catalog.Selected) (*catalog.Page, error) {
	return p.page(s.Columns, s.Catalog.Num, func(query.Record) bool { return true }), nil
}

func (p *pages) Rows(_ context.Context, c *catalog.Catalog, columns []*catalog.Field, records []query.Record) (*catalog.Page, error) {
	return p.page(columns, c.Num, func(n query.Record) bool { return slices.Contains(records, n) }), nil
}

func (p *pages) Titles(context.Context, []query.Ref) (catalog.Titles, error) { return p.titles, nil }

func (p *pages) History(context.Context, *catalog.HistoryQuery) ([]catalog.HistoryEntry, error) {
	return p.history, nil
}

func (p *pages) page(columns []*catalog.Field, c query.Catalog, wanted func(query.Record) bool) *catalog.Page {
	page := &catalog.Page{}
	page.Reset(columns)
	for _, r := range p.cards[c] {
		if !wanted(r.num) {
			continue
		}
		page.AddRow(r.num, []byte(r.code), ms("2031-02-03T10:15:00Z"), ms("2031-02-04T08:00:00.007Z"), 1)
		for _, f := range columns {
			switch v := catalog.ColumnValue(f, r.values[f.Num]).(type) {
			case nil:
				page.AddEmpty()
			case string:
				page.AddBytes([]byte(v))
			case []byte:
				page.AddBytes(v)
			case int64:
				page.AddInt(v)
			case float64:
				page.AddFloat(v)
			}
		}
	}
	return page
}

// service is the test world with records.
func service(p *pages) *catalog.Service {
	return catalog.New(&definition{def: worldDefinition(), reader: p}, catalog.Options{Now: time.Now, RecordsMax: 10_000, Filters: ViewFilters{}})
}

func link(c query.Catalog, n query.Record) catalog.Link {
	return catalog.Link{Link: query.Link{Catalog: c, Key: query.Key{Record: n}}}
}

// frozen is the clock of tests that show times.
func frozen() time.Time { return time.UnixMilli(noon).UTC() }

package bpium

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

var operator = catalog.Actor{Employee: 7}

// fullOrder has a value in every field.
func fullOrder() card {
	mime := "image/png"
	provider := "dadata"
	return card{118, "", map[query.Field]catalog.Value{
		nameF: catalog.Text("Order \"118\"\n\u2028ж"), memoF: catalog.Text("a\tb"), richF: catalog.Text("<p>x</p>"),
		amountF: catalog.Number(1250.5), progressF: catalog.Number(33.3), stateF: catalog.Items{3}, choiceF: catalog.Items{2},
		vendorF: catalog.Links{link(vendorsNum, 12), link(vendorsNum, 13)}, ownerF: catalog.Links{link(usersNum, 7)},
		tagsF: catalog.Items{1, 3}, starsF: catalog.Whole(4), dayF: catalog.Time(ms("2031-02-03T00:00:00Z")),
		momentF: catalog.Time(ms("2031-02-03T10:15:00.5Z")), onF: catalog.Bool(true),
		phonesF:  catalog.Contacts{{ID: "1", Contact: "+1 555 0100", Comment: "desk"}},
		addressF: catalog.Address{Value: "12 Harbour St", Provider: &provider, Data: json.RawMessage(`{"a":[1]}`)},
		filesF: catalog.Files{
			{ID: 531, Title: `a}"{b`, URL: "https://x.example/a", Size: 20480, MimeType: &mime, Storage: "url"},
			{ID: 532, Title: "c", URL: "https://x.example/c", Storage: "url"},
		},
		anyF: catalog.Links{link(usersNum, 7), link(goneNum, 1)}, monthF: catalog.Time(ms("0001-02-01T00:00:00Z")), manyF: catalog.Items{2},
	}}
}

func world() *pages {
	return &pages{
		cards: map[query.Catalog][]card{
			ordersNum:  {fullOrder(), {119, "empty", nil}},
			vendorsNum: {{12, "acme", map[query.Field]catalog.Value{202: catalog.Text("Acme Ltd"), 204: catalog.Text("a@acme.example"), 205: catalog.Links{link(placesNum, 1)}}}},
			placesNum:  {{1, "", map[query.Field]catalog.Value{301: catalog.Text("North"), 302: catalog.Number(2)}}},
			usersNum: {{7, "", map[query.Field]catalog.Value{
				1: catalog.Text("Operator Seven"), 2: catalog.Text("op@acme.example"), 4: catalog.Items{2}, 8: catalog.Links{link(placesNum, 1)},
			}}},
		},
		titles: catalog.Titles{
			query.MakeRef(vendorsNum, 12): {Text: "Acme Ltd", Code: "acme"},
			query.MakeRef(vendorsNum, 13): {Text: "Old & Co", Removed: true},
			query.MakeRef(usersNum, 7):    {Text: "Operator Seven"},
			query.MakeRef(placesNum, 1):   {Text: "North"},
			query.MakeRef(ordersNum, 118): {Text: "Order 118"},
			query.MakeRef(ordersNum, 119): {Text: "#empty", Code: "empty", Removed: true},
		},
	}
}

func rowsOf(t testing.TB, s *catalog.Service, c query.Catalog, p string) (*catalog.Rows, RecordsAsk) {
	t.Helper()
	st, err := s.Structure(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	sc, err := s.Catalog(context.Background(), operator, st.Catalog(c).Key)
	if err != nil {
		t.Fatal(err)
	}
	ask, err := DecodeQuery(params(t, p), sc, byOperator)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Records(context.Background(), operator, c, ask.Query, ask.Selection)
	if err != nil {
		t.Fatal(err)
	}
	return rows, ask
}

func (a RecordsAsk) options() EncodeOptions {
	return EncodeOptions{SkipPrevID: a.SkipPrevID, Selection: a.Selection}
}

// golden compares an answer with the file; UPDATE_GOLDEN=1 writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	valid(t, got)
	path := filepath.Join("testdata", "golden", name+".json")
	text := strings.ReplaceAll(string(got), `,"`, ",\n\"") + "\n"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("differs from %s:\n%s", path, text)
	}
}

func TestEncodeRecordsGolden(t *testing.T) {
	s := service(world())
	cases := []struct {
		name    string
		catalog query.Catalog
		params  string
	}{
		{"records", ordersNum, ""},
		{"records_no_fields", ordersNum, "fields=[]"},
		{"records_nested", ordersNum, `fields=[2,{"fieldId":9,"fields":{"31":["4",{"fieldId":5,"fields":{"places":[2]}}]}}]`},
		{"records_additional", ordersNum, `withFieldsAdditional=true&fields=["9","19"]`},
		{"records_system", usersNum, ""},
		{"records_system_once", usersNum, "skipPrevId=true&fields[]=1&fields[]=8"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rows, ask := rowsOf(t, s, c.catalog, c.params)
			golden(t, c.name, EncodeRecords(nil, rows, ask.options()))
		})
	}
}

func TestEncodeOneGolden(t *testing.T) {
	s := service(world())
	rows, ask := rowsOf(t, s, placesNum, "")
	one, err := s.Record(context.Background(), operator, placesNum, query.Key{Record: rows.Page.Record(0)}, ask.Selection)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "record", EncodeRecord(nil, one, ask.options()))
	out := catalog.Outcome{Record: 1, Title: "North", Row: rows}
	golden(t, "outcome", EncodeOutcome(nil, rows.Catalog, out, EncodeOptions{}))
	golden(t, "outcome_unseen", EncodeOutcome(nil, rows.Catalog, catalog.Outcome{Record: 2, Code: "south", Title: "S"}, EncodeOptions{}))
	own, err := s.Employee(context.Background(), operator)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "profile", EncodeProfile(nil, own, Profile{CompanyID: "1", Language: "en"}))
	all, err := s.Employees(context.Background(), operator, catalog.EmployeesAsk{})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "employees", EncodeEmployees(nil, all))
}

func TestAppendNumber(t *testing.T) {
	for n, want := range map[float64]string{
		0: "0", math.Copysign(0, -1): "0", 1: "1", -17: "-17", 1250.5: "1250.5", 0.1 + 0.2: "0.3", 1.0 / 3: "0.333333333333333",
		1e15: "1000000000000000", 123456789012345678: "123456789012346000", 1e21: "1e+21", 1e-7: "1e-07", 0.00001234: "0.00001234",
		99999999999999.9: "99999999999999.9", -0.1: "-0.1", math.MaxFloat64: "1.7976931348623157e+308", 1.2345678901234567e300: "1.23456789012346e+300", math.Inf(1): "null",
		1.1 + 2.2: "3.3", 2.0000000000000004: "2",
	} {
		if got := string(appendNumber(nil, n)); got != want {
			t.Errorf("%v: got %s, want %s", n, got, want)
		}
		if got := string(catalog.AppendNumber(nil, n)); got != want {
			t.Errorf("%v: catalog writes %s, want %s", n, got, want)
		}
	}
}

func TestAppendTime(t *testing.T) {
	for _, s := range []string{
		"1970-01-01T00:00:00.000Z", "2031-02-03T10:15:00.007Z", "2000-02-29T23:59:59.999Z", "1969-12-31T23:59:59.999Z",
		"0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "1900-03-01T00:00:00.000Z",
	} {
		if got := string(appendTime(nil, ms(s))); got != `"`+s+`"` {
			t.Errorf("got %s, want %s", got, s)
		}
	}
	for day := int64(-400_000); day < 400_000; day += 97 {
		want := time.UnixMilli(day * dayMs).UTC().Format("2006-01-02T15:04:05.000Z")
		if got := string(appendTime(nil, day*dayMs)); got != `"`+want+`"` {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

// FuzzAppendString: what is written is JSON that reads as the same text, with
// U+FFFD for what was not one.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "quote\" back\\slash\n\x00\x1f", "ж€😀", "\xff\xc0\x80", "\u2028", "\xed\xa0\x80", "abc\xc2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := tree.AppendString(nil, s)
		if string(appendBytes(nil, []byte(s))) != string(b) {
			t.Fatal("bytes and text differ")
		}
		var got string
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		var want string
		std, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(std, &want); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%q became %q", s, got)
		}
	})
}

// BenchmarkEncodeRecords is a page as a list of an interface asks for it: 50
// records of 7 fields with one link.
func BenchmarkEncodeRecords(b *testing.B) {
	p := world()
	values := maps.Clone(fullOrder().values)
	values[nameF] = catalog.Text("Order 118 of Acme Ltd")
	values[memoF] = catalog.Text("Доставить до пятницы, позвонить заранее; the gate is on the left")
	values[vendorF] = catalog.Links{link(vendorsNum, 12)}
	p.cards[ordersNum] = nil
	for i := range query.Record(50) {
		p.cards[ordersNum] = append(p.cards[ordersNum], card{1000 + i, "", values})
	}
	rows, ask := rowsOf(b, service(p), ordersNum, `fields=[2,3,5,7,9,14,15]`)
	dst := EncodeRecords(nil, rows, ask.options())
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		dst = EncodeRecords(dst[:0], rows, ask.options())
	}
}

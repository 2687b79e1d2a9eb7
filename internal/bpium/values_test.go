package bpium

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

func decodeOne(t testing.TB, field, value string) catalog.Value {
	t.Helper()
	values, err := DecodeValues(parse(t, `{"`+field+`":`+value+`}`), scopeOf(t, "27"), byOperator)
	if err != nil {
		t.Fatal(err)
	}
	if len(values) != 1 {
		t.Fatalf("%d values", len(values))
	}
	return values[0].Value
}

func TestDecodeValue(t *testing.T) {
	mime := "image/png"
	provider := "dadata"
	to := func(c query.Catalog, k query.Key) catalog.Link {
		return catalog.Link{Link: query.Link{Catalog: c, Key: k}}
	}
	cases := []struct {
		name, field, value string
		want               catalog.Value
	}{
		{"text", "2", `"x"`, catalog.Text("x")},
		{"empty text", "2", `""`, nil},
		{"null for a text", "2", `null`, nil},
		{"number for a text", "2", `17`, catalog.Text("17")},
		{"boolean for a text", "2", `true`, catalog.Text("true")},
		{"number", "5", `17`, catalog.Number(17)},
		{"numeric text", "5", `"-1.5"`, catalog.Number(-1.5)},
		{"empty text for a number", "5", `""`, nil},
		{"stars", "12", `4`, catalog.Whole(4)},
		{"stars 1e300 are too many", "12", `1e300`, catalog.Whole(1000)},
		{"stars as a text", "12", `"5"`, catalog.Whole(5)},
		{"date as it is", "13", `"2031-02-03"`, catalog.Time(ms("2031-02-03T00:00:00Z"))},
		{"date of a UTC instant is the caller's", "13", `"2031-02-03T22:00:00.000Z"`, catalog.Time(ms("2031-02-04T00:00:00Z"))},
		{"date with an own zone as written", "13", `"2031-02-03T22:00:00-05:00"`, catalog.Time(ms("2031-02-03T00:00:00Z"))},
		{"date of milliseconds", "13", `1927958400000`, catalog.Time(ms("2031-02-04T00:00:00Z"))},
		{"instant of UTC", "14", `"2031-02-03T10:15:00.5Z"`, catalog.Time(ms("2031-02-03T10:15:00.5Z"))},
		{"instant with an own zone", "14", `"2026-03-04T05:06:07+04:00"`, catalog.Time(ms("2026-03-04T01:06:07Z"))},
		{"instant without zone is the caller's", "14", `"2031-02-03T10:15"`, catalog.Time(ms("2031-02-03T07:15:00Z"))},
		{"instant of a date", "14", `"2031-02-03"`, catalog.Time(ms("2031-02-02T21:00:00Z"))},
		{"instant of milliseconds before 1970", "14", `-1`, catalog.Time(-1)},
		{"no date", "14", `""`, nil},
		{"dropdown", "7", `["1"]`, catalog.Items{1}},
		{"dropdown of numbers", "22", `[1,2]`, catalog.Items{1, 2}},
		{"dropdown scalar", "7", `"late"`, catalog.Items{3}},
		{"empty dropdown", "7", `[]`, nil},
		{"empty text for a dropdown", "7", `""`, nil},
		{"radiobutton", "8", `"2"`, catalog.Items{2}},
		{"radiobutton number", "8", `2`, catalog.Items{2}},
		{"radiobutton list", "8", `["1"]`, catalog.Items{1}},
		{"radiobutton empty list", "8", `[]`, nil},
		{"radiobutton list of an empty text", "8", `[""]`, nil},
		{"checkboxes", "11", `["3",1]`, catalog.Items{3, 1}},
		{"switch", "15", `true`, catalog.Bool(true)},
		{"switch text", "15", `"false"`, catalog.Bool(false)},
		{"switch number", "15", `1`, catalog.Bool(true)},
		{"switch number with a fraction of nothing", "15", `1.0`, catalog.Bool(true)},
		{"switch null", "15", `null`, catalog.Bool(false)},
		{"contacts", "16", `[{"id":1,"contact":"+1 555","comment":"desk"},"x@y"]`, catalog.Contacts{{ID: "1", Contact: "+1 555", Comment: "desk"}, {Contact: "x@y"}}},
		{"one contact", "16", `{"contact":"a","comment":null}`, catalog.Contacts{{Contact: "a"}}},
		{"address", "17", `{"value":"a","provider":"dadata","data":{"b":[1]}}`, catalog.Address{Value: "a", Provider: &provider, Data: json.RawMessage(`{"b":[1]}`)}},
		{"address text", "17", `"a"`, catalog.Address{Value: "a"}},
		{"empty address", "17", `{"value":""}`, nil},
		{"users", "10", `[{"id":"7","title":"x","isRemoved":false},"8",9,"CURRENT_USER"]`, catalog.Links{to(3, query.Key{Record: 7}), to(3, query.Key{Record: 8}), to(3, query.Key{Record: 9}), {Self: true}}},
		{"one user", "10", `7`, catalog.Links{to(3, query.Key{Record: 7})}},
		{"link", "9", `[{"catalogId":"31","recordId":"12"}]`, catalog.Links{to(31, query.Key{Record: 12})}},
		{"link without its catalog", "9", `{"recordId":"acme"}`, catalog.Links{to(31, query.Key{Code: "acme"})}},
		{"link as an id", "9", `12`, catalog.Links{to(0, query.Key{Record: 12})}},
		{"link to employees by old number", "19", `[{"catalogId":3,"recordId":7}]`, catalog.Links{to(3, query.Key{Record: 7})}},
		{"link to a removed catalog", "23", `[{"catalogId":"50","recordId":"1","isRemoved":true}]`, catalog.Links{to(50, query.Key{Record: 1})}},
		{"only editable fields of a linked record", "9", `[{"catalogId":31,"recordId":12,"recordValues":{"2":"no","4":"yes","99":1}}]`,
			catalog.Links{{Link: query.Link{Catalog: 31, Key: query.Key{Record: 12}}, Values: []catalog.FieldValue{{Field: 204, Value: catalog.Text("yes")}}}}},
		{"a new linked record", "19", `[{"catalogId":31,"recordValues":{"2":"New"}}]`,
			catalog.Links{{Link: query.Link{Catalog: 31}, Create: true, Values: []catalog.FieldValue{{Field: 202, Value: catalog.Text("New")}}}}},
		{"no links", "9", `[]`, nil},
		{"file to keep", "18", `[{"id":531,"title":"t","url":"https://x/y"}]`, catalog.Files{{ID: 531, Title: "t"}}},
		{"external file", "18", `{"src":"https://x.example/a/plan%20b.png","size":"20","mimeType":"image/png"}`,
			catalog.Files{{URL: "https://x.example/a/plan%20b.png", Title: "plan b.png", Size: 20, MimeType: &mime, Storage: "url"}}},
		{"url is src", "18", `[{"url":"http://x.example"}]`, catalog.Files{{URL: "http://x.example", Title: "x.example", Storage: "url"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := decodeOne(t, c.field, c.value); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v\nwant %#v", got, c.want)
			}
		})
	}
}

func TestDecodeValueRefuses(t *testing.T) {
	cases := []struct {
		name, field, value string
		code               fault.Code
	}{
		{"list for a text", "2", `["a"]`, fault.Type},
		{"object for a text", "2", `{}`, fault.Type},
		{"boolean for a number", "5", `true`, fault.Type},
		{"text for a number", "5", `"ten"`, fault.Type},
		{"decimal comma", "5", `"1,5"`, fault.Type},
		{"infinite", "5", `"1e999"`, fault.Type},
		{"half a star", "12", `4.5`, fault.Type},
		{"not a date", "13", `"03.02.2031"`, fault.Date},
		{"31 February", "13", `"2031-02-31"`, fault.Date},
		{"hour 24", "14", `"2031-02-03T24:00"`, fault.Date},
		{"digits are no ISO date", "13", `"20310203"`, fault.Date},
		{"year 0", "13", `"0000-01-01"`, fault.Date},
		{"year 10000", "14", `253402300800000`, fault.Date},
		{"1e300 milliseconds", "14", `1e300`, fault.Date},
		{"a zone beyond the years", "14", `"0001-01-01T00:00:00+14:00"`, fault.Date},
		{"boolean for a date", "14", `true`, fault.Date},
		{"unknown option", "7", `["9"]`, fault.UnknownItem},
		{"option by name", "7", `"New"`, fault.UnknownItem},
		{"boolean for an option", "7", `true`, fault.Type},
		{"list in a list", "7", `[["1"]]`, fault.Type},
		{"not a switch", "15", `"maybe"`, fault.Type},
		{"list for a switch", "15", `[true]`, fault.Type},
		{"contact without contact", "16", `[{"comment":"x"}]`, fault.Type},
		{"contact of a list", "16", `[["x"]]`, fault.Type},
		{"number for an address", "17", `5`, fault.Type},
		{"list for an address", "17", `["a"]`, fault.Type},
		{"boolean for a user", "10", `true`, fault.Type},
		{"another catalog for a user", "10", `[{"catalogId":"31","recordId":"5"}]`, fault.NotFound},
		{"link without record", "9", `[{"catalogId":31}]`, fault.Type},
		{"link of an unknown catalog", "9", `[{"catalogId":99,"recordId":1}]`, fault.NotFound},
		{"a new record with an unknown field", "19", `[{"catalogId":31,"recordValues":{"99":1}}]`, fault.UnknownField},
		{"values of a linked record that are none", "9", `[{"recordId":1,"recordValues":[]}]`, fault.Type},
		{"file of another scheme", "18", `[{"src":"ftp://x/y"}]`, fault.Type},
		{"script as a file", "18", `[{"src":"javascript:alert(1)"}]`, fault.Type},
		{"file without address", "18", `[{"title":"x"}]`, fault.Type},
		{"negative size", "18", `[{"src":"https://x/y","size":-1}]`, fault.Type},
		{"unknown file", "18", `[{"id":"abc"}]`, fault.FileNotUploaded},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bad, ok := decodeOne(t, c.field, c.value).(catalog.Bad)
			if !ok || bad.Detail.Code != c.code || bad.Detail.Field != c.field {
				t.Fatalf("got %#v", bad)
			}
			name := scopeOf(t, "27").Catalog.FieldByKey(c.field).Name
			if msg := bad.Detail.Message.In("en"); !strings.HasPrefix(msg, name+": ") {
				t.Errorf("message %q", msg)
			}
		})
	}
}

func TestDecodeValues(t *testing.T) {
	cases := []struct{ name, catalog, body, want string }{
		{"absent", "27", `null`, ""},
		{"groups and buttons are ignored", "27", `{"1":"x","20":true,"2":"y"}`, "102=y"},
		{"all failures at once", "27", `{"5":"x","2":"ok","13":"y"}`, "105=bad type, 102=ok, 113=bad date"},
		{"system fields by number", "$users", `{"1":"n","2":"m"}`, "1=n, 2=m"},
		{"the text id wins", "$users", `{"$name":"text","1":"number"}`, "1=text"},
		{"the text id wins in any order", "$users", `{"1":"number","$name":"text"}`, "1=text"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			values, err := DecodeValues(parse(t, c.body), scopeOf(t, c.catalog), byOperator)
			if err != nil {
				t.Fatal(err)
			}
			var parts []string
			for _, v := range values {
				text := fmt.Sprint(v.Value)
				if b, ok := v.Value.(catalog.Bad); ok {
					text = "bad " + string(b.Detail.Code)
				}
				parts = append(parts, fmt.Sprintf("%d=%s", v.Field, text))
			}
			if got := strings.Join(parts, ", "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	for body, code := range map[string]fault.Code{`{"99":1}`: fault.UnknownField, `{"$name":1}`: fault.UnknownField, `[1]`: fault.InvalidParameter, `5`: fault.InvalidParameter} {
		if _, err := DecodeValues(parse(t, body), scopeOf(t, "27"), byOperator); !fault.Is(err, code) {
			t.Errorf("%s: %v", body, err)
		}
	}
	deep := `[{"catalogId":3,"recordValues":{"8":[{"catalogId":"places","recordValues":{}}]}}]`
	if _, ok := decodeOne(t, "19", deep).(catalog.Links); !ok {
		t.Error("nested new records are not read")
	}
}

func TestDecodeRecord(t *testing.T) {
	sc := scopeOf(t, "27")
	got, err := DecodeRecord(parse(t, `{"values":{"2":"x"},"id":"own"}`), sc, byOperator)
	if err != nil || *got.Code != "own" || len(got.Values) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := DecodeRecord(parse(t, `{}`), sc, byOperator); err != nil || got.Code != nil || got.Values != nil {
		t.Errorf("empty body: %+v, %v", got, err)
	}
	if _, err := DecodeRecord(parse(t, `[]`), sc, byOperator); !fault.Is(err, fault.InvalidJSON) {
		t.Errorf("list: %v", err)
	}
	if _, err := DecodeRecord(parse(t, `{"id":{}}`), sc, byOperator); !fault.Is(err, fault.ValidationFailed) {
		t.Errorf("wrong id: %v", err)
	}
}

// FuzzValues: whatever comes, each value is one that its field's type takes or
// refuses without failing, and a value that was accepted is accepted again in
// the form it is answered in.
func FuzzValues(f *testing.F) {
	sc := scopeOf(f, "27")
	for _, s := range []string{
		`{"2":"x","3":17,"4":"<p>","5":"1.5","6":50}`, `{"7":["1"],"8":"2","11":["1","3"],"22":[2,1,1]}`,
		`{"9":[{"catalogId":31,"recordId":12}],"10":["7"],"19":[{"catalogId":31,"recordValues":{"2":"x"}}]}`,
		`{"13":"2031-02-03","14":1927965600000,"21":"2031-02-03T10:00:00-05:00"}`, `{"15":1,"12":5,"16":["a",{"contact":"b"}],"17":{"value":"v","data":[1]}}`,
		`{"18":[{"src":"https://x/y"}]}`, `{"14":-62135596800000,"5":1e308}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := tree.ParseJSON([]byte(s), tree.Limits{Depth: 30})
		if err != nil {
			return
		}
		values, err := DecodeValues(v, sc, byOperator)
		if err != nil {
			if !fault.Is(err, fault.UnknownField) && !fault.Is(err, fault.InvalidParameter) {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, given := range values {
			field := sc.Catalog.Field(given.Field)
			accepted, detail := catalog.AcceptValue(field, given.Value, 256)
			if detail != nil || field.Storage() == catalog.LinksStorage || field.Type.Name() == "file" {
				continue // links and files are resolved by the service
			}
			again(t, sc, field, accepted)
		}
	})
}

// again writes a stored value and reads it back.
func again(t *testing.T, sc *catalog.Scope, f *catalog.Field, v catalog.Value) {
	t.Helper()
	p := &pages{cards: map[query.Catalog][]card{ordersNum: {{1, "", map[query.Field]catalog.Value{f.Num: v}}}}}
	rows := &catalog.Rows{Structure: sc.Structure, Catalog: sc.Catalog, Fields: []*catalog.Field{f}, Title: -1}
	rows.Page = p.page(rows.Fields, ordersNum, func(query.Record) bool { return true })
	out := newEncoder(rows, EncodeOptions{}, nil).values(nil, 0)
	values, err := DecodeValues(parse(t, string(out)), sc, catalog.Moment{})
	if err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	back, detail := catalog.AcceptValue(f, values[0].Value, 256)
	if detail != nil {
		t.Fatalf("%s: %s", out, detail.Message.In("en"))
	}
	if _, rounded := v.(catalog.Number); rounded {
		return // answers have 15 digits
	}
	if !reflect.DeepEqual(back, v) {
		t.Errorf("%s: %#v became %#v", out, v, back)
	}
}

package catalog

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// fieldOf makes a field of a type with a configuration, as a structure has it.
func fieldOf(t *testing.T, typ string, c Config) *Field {
	t.Helper()
	f := &Field{Num: 1, ID: 1, Key: "1", Name: "F", Type: TypeByName(typ), Config: c}
	if f.Type == nil {
		t.Fatalf("no type %q", typ)
	}
	if d := f.Type.Configure("config", &f.Config, nil); d != nil {
		t.Fatalf("configure: %v", fault.Invalid(d))
	}
	return f
}

func date(year int, month time.Month, day int) Time {
	return Time(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).UnixMilli())
}

func items(names ...string) []Item {
	list := make([]Item, len(names))
	for i, n := range names {
		list[i].Name = n
	}
	return list
}

func linkTo3(record query.Record) Link {
	return Link{Link: query.Link{Catalog: 3, Key: query.Key{Record: record}}}
}

func TestAccept(t *testing.T) {
	five, thirty, third := 5.0, 30.0, 1.0/3
	tests := []struct {
		name   string
		typ    string
		config Config
		in     Value
		want   Value
		code   fault.Code
	}{
		{"text keeps spaces", "text", Config{}, Text(" a "), Text(" a "), ""},
		{"empty text is no value", "text", Config{}, Text(""), nil, ""},
		{"line breaks of one line become spaces", "text", Config{}, Text("a\r\nb\nc"), Text("a b c"), ""},
		{"line breaks of many lines stay", "text", Config{Kind: KindMultiline}, Text("a\nb"), Text("a\nb"), ""},
		{"text too long", "text", Config{}, Text(strings.Repeat("я", 257)), nil, fault.TooLong},
		{"text of just the length", "text", Config{}, Text(strings.Repeat("я", 256)), Text(strings.Repeat("я", 256)), ""},
		{"long text of many lines", "text", Config{Kind: KindMultiline}, Text(strings.Repeat("x", 1<<20+1)), nil, fault.TooLong},
		{"NUL in text", "text", Config{}, Text("a\x00b"), nil, fault.Type},
		{"number for text", "text", Config{}, Number(1), nil, fault.Type},
		{"mask fits", "text", Config{Kind: KindMask, Mask: `A1-\1*#a`}, Text("Ж7-1я9ё"), Text("Ж7-1я9ё"), ""},
		{"mask too short", "text", Config{Kind: KindMask, Mask: "111"}, Text("12"), nil, fault.Mask},
		{"mask too long", "text", Config{Kind: KindMask, Mask: "111"}, Text("1234"), nil, fault.Mask},
		{"mask wants capitals", "text", Config{Kind: KindMask, Mask: "A"}, Text("a"), nil, fault.Mask},
		{"mask and empty", "text", Config{Kind: KindMask, Mask: "111"}, Text(""), nil, ""},
		{"rich text loses scripts", "text", Config{Kind: KindEditor}, Text(`<p onclick="x()">a<script>b</script></p>`), Text(`<p>a</p>`), ""},
		{"rich text loses javascript links", "text", Config{Kind: KindEditor}, Text(`<a href="javascript:x()">a</a>`), Text(`a`), ""},

		{"number", "number", Config{}, Number(-1.5), Number(-1.5), ""},
		{"number is kept as answers have it", "number", Config{}, Number(0.1 + 0.2), Number(0.3), ""},
		{"number beyond 15 digits", "number", Config{}, Number(9007199254740993), Number(9007199254740990), ""},
		{"largest number", "number", Config{}, Number(math.MaxFloat64), Number(math.MaxFloat64), ""},
		{"number at a maximum that is not exact", "number", Config{Max: &third}, Number(1.0 / 3), Number(0.333333333333333), ""},
		{"number below", "number", Config{Min: &five}, Number(4.9), nil, fault.Min},
		{"number above", "number", Config{Max: &thirty}, Number(31), nil, fault.Max},
		{"not a number", "number", Config{}, Number(math.NaN()), nil, fault.Type},
		{"infinite", "number", Config{}, Number(math.Inf(1)), nil, fault.Type},
		{"progress above", "progress", Config{}, Number(100.5), nil, fault.Max},
		{"progress zero is a value", "progress", Config{}, Number(0), Number(0), ""},
		{"stars", "stars", Config{}, Whole(5), Whole(5), ""},
		{"six stars", "stars", Config{}, Whole(6), nil, fault.Max},
		{"stars below", "stars", Config{}, Whole(-1), nil, fault.Min},
		{"switch off is no value", "switch", Config{}, Bool(false), nil, ""},
		{"switch on", "switch", Config{}, Bool(true), Bool(true), ""},

		{"date drops the time", "date", Config{}, date(2031, 2, 3) + 3600_000, date(2031, 2, 3), ""},
		{"instant keeps it", "date", Config{Mode: ModeDateTime}, date(2031, 2, 3) + 1, date(2031, 2, 3) + 1, ""},
		{"week begins on Monday", "date", Config{Mode: ModeWeek}, date(2026, 11, 22), date(2026, 11, 16), ""},
		{"Monday stays", "date", Config{Mode: ModeWeek}, date(2026, 11, 16), date(2026, 11, 16), ""},
		{"month", "date", Config{Mode: ModeMonth}, date(2026, 11, 22), date(2026, 11, 1), ""},
		{"quarter", "date", Config{Mode: ModeQuarter}, date(2026, 11, 22), date(2026, 10, 1), ""},
		{"year", "date", Config{Mode: ModeYear}, date(2026, 11, 22), date(2026, 1, 1), ""},
		{"before the year 1", "date", Config{}, date(0, 12, 31), nil, fault.Date},
		{"after the year 9999", "date", Config{}, date(10000, 1, 1), nil, fault.Date},

		{"options in the order of the config", "checkboxes", Config{Items: items("a", "b", "c")}, Items{3, 1, 3}, Items{1, 3}, ""},
		{"unknown option", "checkboxes", Config{Items: items("a")}, Items{2}, nil, fault.UnknownItem},
		{"no options", "checkboxes", Config{Items: items("a")}, Items{}, nil, ""},
		{"two of one", "dropdown", Config{Items: items("a", "b")}, Items{1, 2}, nil, fault.TooMany},
		{"two of several", "dropdown", Config{Items: items("a", "b"), Multi: true}, Items{2, 1}, Items{1, 2}, ""},
		{"two of a choice", "radiobutton", Config{Items: items("a", "b")}, Items{1, 2}, nil, fault.TooMany},

		{"contacts get ids", "contact", Config{}, Contacts{{Contact: "a"}, {Contact: " "}, {Contact: "b", ID: "x"}},
			Contacts{{ID: "1", Contact: "a"}, {ID: "2", Contact: "b"}}, ""},
		{"contacts keep ids", "contact", Config{}, Contacts{{Contact: "a", ID: "7"}, {Contact: "b", ID: "7"}},
			Contacts{{ID: "7", Contact: "a"}, {ID: "2", Contact: "b"}}, ""},
		{"contact too long", "contact", Config{}, Contacts{{Contact: strings.Repeat("x", 1001)}}, nil, fault.TooLong},
		{"blank address is no value", "address", Config{}, Address{Value: " "}, nil, ""},

		{"the same link once", "object", Config{Multi: true}, Links{linkTo3(1), linkTo3(2), linkTo3(1)}, Links{linkTo3(1), linkTo3(2)}, ""},
		{"two links of one", "object", Config{}, Links{linkTo3(1), linkTo3(2)}, nil, fault.TooMany},
		{"file of another scheme", "file", Config{}, Files{{URL: "ftp://a/b"}}, nil, fault.Type},
		{"file without a host", "file", Config{}, Files{{URL: "https:///b"}}, nil, fault.Type},
		{"two files of one", "file", Config{}, Files{{URL: "https://a/b"}, {URL: "https://a/c"}}, nil, fault.TooMany},
		{"what could not be read", "number", Config{}, Bad{fault.Field("1", fault.Date, "F: no")}, nil, fault.Date},
		{"a group has no value", "group", Config{}, Text("x"), nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := fieldOf(t, test.typ, test.config)
			got, detail := AcceptValue(f, test.in, 256)
			if test.code != "" {
				if detail == nil || detail.Code != test.code {
					t.Fatalf("got %v and detail %v, want code %s", got, detail, test.code)
				}
				if detail.Field != "1" && detail.Path == "" {
					t.Errorf("detail names the field %q", detail.Field)
				}
				return
			}
			if detail != nil {
				t.Fatalf("refused: %s", detail.Message.In("en"))
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %#v, want %#v", got, test.want)
			}
		})
	}
}

func TestConfigure(t *testing.T) {
	before := Config{Items: []Item{{Num: 1, Key: "1", Name: "a"}, {Num: 2, Key: "new", Name: "b"}}, NextItem: 5}
	tests := []struct {
		name  string
		typ   string
		items []Item
		want  []query.Item
		codes []fault.Code
	}{
		{"known ids keep their numbers", "dropdown", []Item{{Key: "new", Name: "B"}, {Key: "1", Name: "A"}}, []query.Item{2, 1}, nil},
		{"without an id the next number", "dropdown", []Item{{Name: "c"}, {Key: "1", Name: "a"}, {Name: "d"}}, []query.Item{5, 1, 6}, nil},
		{"the number it gets anyway", "dropdown", []Item{{Key: "5", Name: "c"}}, []query.Item{5}, nil},
		{"another number", "dropdown", []Item{{Key: "7", Name: "c"}}, nil, []fault.Code{fault.InvalidID}},
		{"a chosen id", "dropdown", []Item{{Key: "late", Name: "c"}}, []query.Item{5}, nil},
		{"a reserved id", "dropdown", []Item{{Key: "$late", Name: "c"}}, nil, []fault.Code{fault.InvalidID}},
		{"the same id twice", "dropdown", []Item{{Key: "x", Name: "c"}, {Key: "x", Name: "d"}}, nil, []fault.Code{fault.DuplicateID}},
		{"no name", "dropdown", []Item{{Name: " "}}, nil, []fault.Code{fault.Required}},
		{"a colour", "dropdown", []Item{{Name: "c", Color: "#C9FDE5"}}, nil, []fault.Code{fault.Type}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := Config{Items: test.items}
			details := TypeByName(test.typ).Configure("config", &c, &before)
			var codes []fault.Code
			for _, d := range details {
				codes = append(codes, d.Code)
			}
			if !reflect.DeepEqual(codes, test.codes) {
				t.Fatalf("codes %v, want %v", codes, test.codes)
			}
			for i, n := range test.want {
				if c.Items[i].Num != n {
					t.Errorf("option %d has number %d, want %d", i, c.Items[i].Num, n)
				}
			}
		})
	}
}

// What StoredOf makes of a value must come back from the column unchanged.
func TestStoredAndReadBack(t *testing.T) {
	comment := "desk"
	tests := []struct {
		typ    string
		config Config
		value  Value
	}{
		{"text", Config{}, Text("Привіт")},
		{"number", Config{}, Number(-12.75)},
		{"progress", Config{}, Number(50)},
		{"stars", Config{}, Whole(3)},
		{"date", Config{}, date(1969, 12, 31)},
		{"switch", Config{}, Bool(true)},
		{"radiobutton", Config{Items: items("a", "b")}, Items{2}},
		{"dropdown", Config{Items: items("a", "b"), Multi: true}, Items{1, 2}},
		{"object", Config{Multi: true}, Links{linkTo3(1), linkTo3(query.MaxRecord)}},
		{"contact", Config{}, Contacts{{ID: "1", Contact: "+1 555", Comment: comment}}},
		{"address", Config{}, Address{Value: "12 Harbour St", Data: []byte(`{"a":1}`)}},
		{"file", Config{}, Files{{ID: 5, URL: "https://a/b", Title: "b", Storage: "url"}}},
	}
	for _, test := range tests {
		t.Run(test.typ, func(t *testing.T) {
			f := fieldOf(t, test.typ, test.config)
			var p Page
			p.Reset([]*Field{f})
			p.AddRow(1, nil, 0, 0, 1)
			switch column := ColumnValue(f, test.value).(type) {
			case string:
				p.AddBytes([]byte(column))
			case []byte:
				p.AddBytes(column)
			case int64:
				p.AddInt(column)
			case float64:
				p.AddFloat(column)
			}
			if got := CellValue(f, &p, p.Cell(0, 0)); !reflect.DeepEqual(got, test.value) {
				t.Errorf("got %#v, want %#v", got, test.value)
			}
		})
	}
}

func TestSearchRows(t *testing.T) {
	contact := fieldOf(t, "contact", Config{Kind: "phone"})
	got := contact.Type.Search(contact, Contacts{{Contact: "8 (900) 111-22-33", Comment: "ДОМ"}, {Contact: "A@B.c"}})
	want := []SearchRow{{SearchText, "8 (900) 111-22-33\na@b.c"}, {SearchComment, "дом"}, {SearchDigits, "79001112233"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("contact: got %v, want %v", got, want)
	}
	editor := fieldOf(t, "text", Config{Kind: KindEditor})
	got = editor.Type.Search(editor, Text("<p>Straße</p>"))
	if want := []SearchRow{{SearchText, "strasse"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("rich text: got %v, want %v", got, want)
	}
}

func TestInitial(t *testing.T) {
	at := Moment{Now: int64(date(2026, 11, 21)) + 23*3600_000, Offset: 120, Employee: 7}
	tests := []struct {
		name   string
		typ    string
		config Config
		want   Value
	}{
		{"off", "date", Config{}, nil},
		{"today where the caller is", "date", Config{Default: true}, date(2026, 11, 22)},
		{"now", "date", Config{Mode: ModeDateTime, Default: true}, Time(at.Now)},
		{"first option", "dropdown", Config{Items: items("a", "b"), Default: true}, Items{1}},
		{"no options", "dropdown", Config{Default: true}, nil},
		{"switch", "switch", Config{Default: true}, Bool(true)},
		{"creator", "user", Config{Default: true}, Links{linkTo3(7)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := fieldOf(t, test.typ, test.config)
			if got := f.Type.Initial(f, at); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %#v, want %#v", got, test.want)
			}
		})
	}
}

func TestAppendNumber(t *testing.T) {
	tests := []struct {
		in   float64
		want string
	}{
		{0, "0"}, {math.Copysign(0, -1), "0"}, {17, "17"}, {-1.5, "-1.5"}, {0.1 + 0.2, "0.3"}, {1250.5, "1250.5"},
		{1e15, "1000000000000000"}, {123456789012345678, "123456789012346000"}, {1e300, "1e+300"}, {5e-324, "5e-324"},
		{math.MaxFloat64, "1.7976931348623157e+308"}, {math.NaN(), "null"}, {math.Inf(-1), "null"},
	}
	for _, test := range tests {
		if got := string(AppendNumber(nil, test.in)); got != test.want {
			t.Errorf("%v: got %s, want %s", test.in, got, test.want)
		}
	}
}

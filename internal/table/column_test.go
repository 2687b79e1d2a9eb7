package table

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/fault"
)

// survey proposes types for the one column of cells.
func survey(cells []Cell) Column {
	var s Survey
	for _, c := range cells {
		s.Add(Row{Cells: []Cell{c}})
	}
	return s.Columns([]string{"x"})[0]
}

func texts(list ...string) []Cell {
	var cells []Cell
	for _, s := range list {
		cells = append(cells, textCell(s))
	}
	return cells
}

func list(contacts ...string) []string { return contacts }

func numbers(list ...string) []Cell {
	var cells []Cell
	for _, s := range list {
		cells = append(cells, Cell{Number, s})
	}
	return cells
}

func day(y int, m time.Month, d int) Date {
	return Date{time.Date(y, m, d, 0, 0, 0, 0, time.UTC).UnixMilli(), true}
}

func at(y int, m time.Month, d, h, min, s int) Date {
	return Date{time.Date(y, m, d, h, min, s, 0, time.UTC).UnixMilli(), false}
}

func TestPropose(t *testing.T) {
	long := strings.Repeat("я", MaxLineChars)
	tests := []struct {
		name  string
		cells []Cell
		want  Type
		value []any // of all cells; nil: not compared
	}{
		{"nothing", texts("", " ", ""), TextType, []any{nil, nil, nil}},
		{"whole numbers", texts("1", "", "-20"), NumberType, []any{1.0, nil, -20.0}},
		{"fractions", texts("1.5", ".5", "2e3"), NumberType, []any{1.5, 0.5, 2000.0}},
		{"padded", texts(" 7 ", "8"), NumberType, []any{7.0, 8.0}},
		{"decimal commas", texts("1,5", "2", "1 234,25"), NumberType, []any{1.5, 2.0, 1234.25}},
		{"no-break spaces", texts("1\u00a0234,5", "12\u202f345"), NumberType, []any{1234.5, 12345.0}},
		{"groups and point", texts("1,234.5", "1,234,567"), NumberType, []any{1234.5, 1234567.0}},
		{"groups of spaces", texts("1 234.5", "2"), NumberType, []any{1234.5, 2.0}},
		{"comma of unknown meaning", texts("1,234", "5,678"), TextType, []any{"1,234", "5,678"}},
		{"mixed commas", texts("1,5", "1.5"), TextType, nil},
		{"leading zeros", texts("00501", "10001"), TextType, []any{"00501", "10001"}},
		{"phones", texts("+79001234567", "8 (900) 123-45-68", "+7 900 1234569; +44 20 7946 0958"), PhoneType,
			[]any{list("+79001234567"), list("8 (900) 123-45-68"), list("+7 900 1234569", "+44 20 7946 0958")}},
		{"book numbers", texts("978-3-16-148410-0", "978-0-306-40615-7"), TextType, nil},
		{"negative in brackets", texts("(1234567)", "1234567"), TextType, nil},
		{"e-mails", texts("ann@example.com", "", "Bob.B+x@mail.example.org, c@d.ee"), EmailType,
			[]any{list("ann@example.com"), nil, list("Bob.B+x@mail.example.org", "c@d.ee")}},
		{"few e-mails are no choice", texts("a@b.cc", "a@b.cc", "a@b.cc", "a@b.cc"), EmailType, nil},
		{"not e-mails", texts("ann@example.com", "@bob"), TextType, nil},
		{"links", texts("https://example.com/a,b;c?d=e", "www.example.com", "http://a.b\nHTTPS://c.d/"), LinkType,
			[]any{list("https://example.com/a,b;c?d=e"), list("www.example.com"), list("http://a.b", "HTTPS://c.d/")}},
		{"not links", texts("https://example.com", "example.com"), TextType, nil},
		{"words and links", texts("see https://example.com"), TextType, nil},
		{"long id", texts("12345678901234567890"), TextType, []any{"12345678901234567890"}},
		{"json numbers", numbers("1", "2.5", "1e3"), NumberType, []any{1.0, 2.5, 1000.0}},
		{"json long id", numbers("12345678901234567890"), TextType, []any{"12345678901234567890"}},
		{"json too great", numbers("1e999"), TextType, []any{"1e999"}},
		{"json titles with numbers", append(texts("Seven", "Up"), numbers("300", "1e1")...), TextType, []any{"Seven", "Up", "300", "1e1"}},
		{"json numbers as text", append(texts("1"), numbers("2")...), NumberType, []any{1.0, 2.0}},
		{"infinite", texts("Inf", "NaN", "0x1F", "1_000"), TextType, nil},
		{"booleans", []Cell{{Bool, "true"}, {Bool, "false"}, {Bool, "true"}, {}, {Bool, "true"}, {Bool, "true"}, {Bool, "false"}}, ChoiceType, []any{"true", "false", "true", nil, "true", "true", "false"}},
		{"iso days", texts("2026-03-04", "", "1999-12-31"), DateType, []any{day(2026, 3, 4), nil, day(1999, 12, 31)}},
		{"iso with slashes", texts("2026/03/04"), DateType, []any{day(2026, 3, 4)}},
		{"iso times", texts("2026-03-04T05:06:07Z", "2026-03-04 05:06:07.5", "2026-03-04T05:06:07+04:00", "2026-03-04"), DateType,
			[]any{at(2026, 3, 4, 5, 6, 7), Date{at(2026, 3, 4, 5, 6, 7).Millis + 500, false}, at(2026, 3, 4, 1, 6, 7), at(2026, 3, 4, 0, 0, 0)}},
		{"midnights are days", texts("2026-03-04T00:00:00.000Z", "2026-03-05 00:00"), DateType, []any{day(2026, 3, 4), day(2026, 3, 5)}},
		{"midnight elsewhere", texts("2026-03-04T00:00:00+04:00"), DateType, []any{at(2026, 3, 3, 20, 0, 0)}},
		{"dots", texts("04.03.2026", "4.3.2026 17:05"), DateType, []any{at(2026, 3, 4, 0, 0, 0), at(2026, 3, 4, 17, 5, 0)}},
		{"month first", texts("03/04/2026", "12/31/1999"), DateType, []any{day(2026, 3, 4), day(1999, 12, 31)}},
		{"day first", texts("04/03/2026", "31/12/1999"), DateType, []any{day(2026, 3, 4), day(1999, 12, 31)}},
		{"month or day first", texts("03/04/2026", "04/05/2026"), TextType, nil},
		{"month and day first", texts("12/31/2026", "31/12/2026"), TextType, nil},
		{"american time", texts("12/31/1999 3:04 PM"), DateType, []any{at(1999, 12, 31, 15, 4, 0)}},
		{"month names", texts("Jun 12 1998", "Aug 07 1998", "September 1, 2001"), DateType, []any{day(1998, 6, 12), day(1998, 8, 7), day(2001, 9, 1)}},
		{"day and month name", texts("12 Jun 1998", "1-Sep-2001"), DateType, []any{day(1998, 6, 12), day(2001, 9, 1)}},
		{"no such day", texts("2026-02-30"), TextType, nil},
		{"year 0", texts("0000-01-01"), TextType, nil},
		{"years of two digits", texts("01.02.99", "31.12.68", "01.01.69"), DateType, []any{day(1999, 2, 1), day(2068, 12, 31), day(1969, 1, 1)}},
		{"american years of two digits", texts("1/2/99", "12/31/05 23:15"), DateType, []any{at(1999, 1, 2, 0, 0, 0), at(2005, 12, 31, 23, 15, 0)}},
		{"versions are no dates", texts("1.2.10", "1.3.11"), TextType, nil},
		{"short codes are no dates", texts("01-02-99"), TextType, nil},
		{"offsets", texts("2026-03-04T05:06:07.25Z", "2026-03-04 05:06 +0200", "2026-03-04T05:06-03", "2026-03-04 12:00AM"), DateType,
			[]any{Date{at(2026, 3, 4, 5, 6, 7).Millis + 250, false}, at(2026, 3, 4, 3, 6, 0), at(2026, 3, 4, 8, 6, 0), at(2026, 3, 4, 0, 0, 0)}},
		{"headers of mail", texts("Wed, 04 Mar 2026 05:06:07 GMT", "Wed Mar 04 2026 05:06:07 GMT+0200 (Eastern European Time)"), DateType,
			[]any{at(2026, 3, 4, 5, 6, 7), at(2026, 3, 4, 3, 6, 7)}},
		{"no such time", texts("2026-03-04 24:01"), TextType, nil},
		{"moments among dates", []Cell{{Moment, "2026-03-04"}, textCell("05.03.2026"), {Moment, "2026-03-06T07:08:09"}}, DateType,
			[]any{at(2026, 3, 4, 0, 0, 0), at(2026, 3, 5, 0, 0, 0), at(2026, 3, 6, 7, 8, 9)}},
		{"moments among words", []Cell{{Moment, "2026-03-04"}, textCell("soon")}, TextType, []any{"2026-03-04", "soon"}},
		{"moments among numbers", []Cell{{Moment, "2026-03-04"}, {Number, "7"}}, TextType, []any{"2026-03-04", "7"}},
		{"failed cells decide nothing", []Cell{{Failed, "#N/A"}, {Number, "7"}}, NumberType, nil},
		{"compact dates are numbers", texts("20260304"), NumberType, nil},
		{"dates and text", texts("2026-03-04", "soon"), TextType, nil},
		{"choice", texts("new", "done", "new", "new", "", "done", "new"), ChoiceType, []any{"new", "done", "new", "new", nil, "done", "new"}},
		{"too seldom", texts("new", "done", "new", "done", "late"), TextType, nil},
		{"long line", texts(long), TextType, []any{long}},
		{"longer text", texts(long + "я"), MultilineType, []any{long + "я"}},
		{"lines", texts("a\nb"), MultilineType, []any{"a\nb"}},
		{"line end at the end", texts("a\n"), TextType, []any{"a "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := survey(tt.cells)
			if c.Type != tt.want {
				t.Fatalf("proposed %s, want %s", c.Type, tt.want)
			}
			for i, want := range tt.value {
				got, err := c.Convert(Row{Cells: tt.cells[i : i+1]})
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%q is %v (%T), want %v; error %v", tt.cells[i].Text, got, got, want, err)
				}
			}
		})
	}
}

// TestProposeByName: plain digits are phone numbers in a column of that name.
func TestProposeByName(t *testing.T) {
	for _, c := range []struct {
		name  string
		cells []Cell
		want  Type
	}{
		{"Телефон", numbers("79001234567", "79001234568"), PhoneType},
		{"Mobile phone", texts("0501234567"), PhoneType},
		{"Tel.", texts("555-0100"), PhoneType},
		{"Telephones", texts("12"), NumberType},
		{"Hotel", numbers("79001234567"), NumberType},
	} {
		var s Survey
		for _, cell := range c.cells {
			s.Add(Row{Cells: []Cell{cell}})
		}
		if got := s.Columns([]string{c.name})[0]; got.Type != c.want {
			t.Errorf("%s is %s, not %s", c.name, got.Type, c.want)
		}
	}
}

// TestUnsure: a column of dates whose order is not told is said to be one.
func TestUnsure(t *testing.T) {
	for _, c := range []struct {
		cells []Cell
		want  bool
	}{
		{texts("03/04/2026", "04/05/2026"), true}, {texts("03/04/26"), true}, {texts("31/04/2026"), false},
		{texts("13/04/2026", "04/05/2026"), false}, {texts("2026-01-01"), false}, {nil, false},
	} {
		if got := survey(append(c.cells, Cell{})); got.Unsure != c.want {
			t.Errorf("%v: %+v", c.cells, got)
		}
	}
}

func TestProposeOptions(t *testing.T) {
	many := func(n, each int) (cells []Cell) {
		for i := range n * each {
			cells = append(cells, textCell(fmt.Sprintf("option %d", i%n)))
		}
		return cells
	}
	if c := survey(many(MaxOptions, 3)); c.Type != ChoiceType || len(c.Options) != MaxOptions {
		t.Errorf("%d values: %s", MaxOptions, c.Type)
	}
	if c := survey(many(MaxOptions+1, 3)); c.Type != TextType || c.Options != nil || len(c.Known) != MaxOptions+1 {
		t.Errorf("%d values: %s", MaxOptions+1, c.Type)
	}
	if c := survey(many(MaxKnown+1, 3)); c.Known != nil {
		t.Errorf("%d values are known", len(c.Known))
	}
	c := survey(texts("яма", "Ёлка", "ель", " ель", "Ёлка", "Ёлка", "ель", "яма", "яма"))
	if want := []string{"Ёлка", "ель", "яма"}; !slices.Equal(c.Options, want) || c.Filled != 9 {
		t.Errorf("options %q, want %q; %d filled", c.Options, want, c.Filled)
	}
}

func TestConvertOtherType(t *testing.T) {
	tests := []struct {
		name string
		c    Column
		in   Cell
		want any
		code fault.Code
	}{
		{"number", Column{Type: NumberType}, textCell("1,5"), 1.5, ""},
		{"ambiguous number", Column{Type: NumberType}, textCell("1,234"), nil, fault.Type},
		{"word as number", Column{Type: NumberType}, textCell("x"), nil, fault.Type},
		{"boolean as number", Column{Type: NumberType}, Cell{Bool, "true"}, nil, fault.Type},
		{"date", Column{Type: DateType, DateOnly: true}, textCell("31/12/1999"), day(1999, 12, 31), ""},
		{"ambiguous date", Column{Type: DateType}, textCell("03/04/1999"), nil, fault.Date},
		{"number as date", Column{Type: DateType}, Cell{Number, "20260304"}, nil, fault.Date},
		{"time in a day", Column{Type: DateType, DateOnly: true}, textCell("2026-03-04T23:00:00-04:00"), day(2026, 3, 4), ""},
		{"zone", Column{Type: DateType, Zone: time.FixedZone("", 3*3600)}, textCell("04.03.2026 05:00"), at(2026, 3, 4, 2, 0, 0), ""},
		{"zone written", Column{Type: DateType, Zone: time.FixedZone("", 3*3600)}, textCell("2026-03-04T05:00Z"), at(2026, 3, 4, 5, 0, 0), ""},
		{"before the first year", Column{Type: DateType}, textCell("0001-01-01T00:00:00+04:00"), nil, fault.Date},
		{"option", Column{Type: ChoiceType, Options: []string{"a"}}, textCell(" a "), "a", ""},
		{"no option", Column{Type: ChoiceType, Options: []string{"a"}}, textCell("A"), nil, fault.UnknownItem},
		{"long text", Column{Type: TextType}, textCell(strings.Repeat("я", MaxLineChars+1)), nil, fault.TooLong},
		{"day first", Column{Type: DateType, DateOnly: true, Order: DayMonth}, textCell("03/04/1999"), day(1999, 4, 3), ""},
		{"month first", Column{Type: DateType, DateOnly: true, Order: MonthDay}, textCell("03/04/1999"), day(1999, 3, 4), ""},
		{"month first only", Column{Type: DateType, Order: MonthDay}, textCell("31/04/1999"), nil, fault.Date},
		{"other dates in an order", Column{Type: DateType, DateOnly: true, Order: MonthDay}, textCell("03.04.1999"), day(1999, 4, 3), ""},
		{"e-mail", Column{Type: EmailType}, textCell("ann at example.com"), nil, fault.Type},
		{"phone", Column{Type: PhoneType}, textCell("12"), nil, fault.Type},
		{"link", Column{Type: LinkType}, textCell("ftp://example.com"), nil, fault.Type},
		{"formula without a result", Column{Type: TextType}, Cell{Failed, ""}, nil, fault.Type},
		{"error of a spreadsheet", Column{Type: NumberType}, Cell{Failed, "#DIV/0!"}, nil, fault.Type},
		{"number as text", Column{Type: TextType}, Cell{Number, "1.50"}, "1.50", ""},
		{"missing cell", Column{Type: NumberType, Index: 3}, textCell("1"), nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.Name = "Col"
			got, err := tt.c.Convert(Row{Position: Position{Row: 5, Line: 7}, Cells: []Cell{tt.in}})
			var rowErr *RowError
			if errors.As(err, &rowErr) != (tt.code != "") || rowErr != nil && rowErr.Code != tt.code || got != tt.want {
				t.Fatalf("%v, %v; want %v, %q", got, err, tt.want, tt.code)
			}
			if err != nil && !strings.HasPrefix(err.Error(), `row 5 (line 7), column "Col": `) {
				t.Errorf("message %q", err)
			}
		})
	}
}

// TestFiles reads files as people have them, in two passes.
func TestFiles(t *testing.T) {
	tests := []struct {
		file  string
		types []Type
		rows  int
		bad   int
	}{
		{"orders.csv", []Type{NumberType, DateType, TextType, ChoiceType, NumberType, MultilineType}, 9, 1},
		{"films.json", []Type{TextType, NumberType, DateType, ChoiceType, NumberType, TextType}, 7, 1},
		{"log.ndjson", []Type{DateType, ChoiceType, NumberType}, 4, 0},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			columns, bad := surveyFile(t, tt.file)
			var types []Type
			for _, c := range columns {
				types = append(types, c.Type)
			}
			if !slices.Equal(types, tt.types) || bad != tt.bad {
				t.Fatalf("types %q, %d bad rows", types, bad)
			}
			if rows := convertFile(t, tt.file, columns); rows != tt.rows {
				t.Errorf("%d rows, want %d", rows, tt.rows)
			}
		})
	}
}

func eachInFile(t *testing.T, name string, row func(Row) error) (Reader, int) {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := Open(f, Options{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	bad := 0
	if err := Each(r, row, func(*RowError) { bad++ }); err != nil {
		t.Fatal(err)
	}
	return r, bad
}

func surveyFile(t *testing.T, name string) ([]Column, int) {
	t.Helper()
	var s Survey
	r, bad := eachInFile(t, name, func(row Row) error { s.Add(row); return nil })
	return s.Columns(r.Columns()), bad
}

func convertFile(t *testing.T, name string, columns []Column) int {
	t.Helper()
	rows := 0
	eachInFile(t, name, func(row Row) error {
		rows++
		for i := range columns {
			if _, err := columns[i].Convert(row); err != nil {
				return err
			}
		}
		return nil
	})
	return rows
}

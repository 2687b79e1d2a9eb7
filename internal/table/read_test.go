package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"kartoteka/internal/fault"
)

// contents is all that a reader gives, in a form easy to compare.
type contents struct {
	columns []string
	rows    []string // cells joined by "|", numbers as #1, booleans as ?true, nulls as _
	bad     []string
	err     error
}

func readAll(t *testing.T, r io.Reader, o Options) (c contents) {
	t.Helper()
	reader, err := Open(r, o)
	if err != nil {
		return contents{err: err}
	}
	c.err = Each(reader, func(row Row) error {
		c.rows = append(c.rows, show(row))
		return nil
	}, func(e *RowError) { c.bad = append(c.bad, e.Error()) })
	c.columns = reader.Columns()
	return c
}

func show(row Row) string {
	var cells []string
	for _, c := range row.Cells {
		cells = append(cells, [...]string{Null: "_", Text: "", Number: "#", Bool: "?", Moment: "@", Failed: "!"}[c.Kind]+c.Text)
	}
	return strings.Join(cells, "|")
}

type readCase struct {
	name    string
	in      string
	o       Options
	columns []string
	rows    []string
	bad     []string
}

func (tt readCase) run(t *testing.T) {
	for _, small := range []bool{false, true} {
		r := io.Reader(strings.NewReader(tt.in))
		if small && len(tt.in) < 1<<20 {
			r = iotest.OneByteReader(r)
		}
		got := readAll(t, r, tt.o)
		if got.err != nil {
			t.Fatalf("error %v", got.err)
		}
		for _, part := range []struct {
			name      string
			got, want []string
		}{{"columns", got.columns, tt.columns}, {"rows", got.rows, tt.rows}, {"bad rows", got.bad, tt.bad}} {
			if !slices.Equal(part.got, part.want) {
				t.Errorf("%s %q, want %q", part.name, part.got, part.want)
			}
		}
	}
}

func TestCSV(t *testing.T) {
	for _, tt := range []readCase{
		{name: "plain", in: "a,b\n1,2\n3,\n", columns: []string{"a", "b"}, rows: []string{"1|2", "3|_"}},
		{name: "no last line end", in: "a,b\n1,2", columns: []string{"a", "b"}, rows: []string{"1|2"}},
		{name: "windows line ends", in: "a;b\r\n1;2\r\n", columns: []string{"a", "b"}, rows: []string{"1|2"}},
		{name: "old mac line ends", in: "a;b\r1;2\r3;4", columns: []string{"a", "b"}, rows: []string{"1|2", "3|4"}},
		{name: "quotes", in: "a,b\n\"x, \"\"y\"\"\",\"two\nlines\"\n", columns: []string{"a", "b"}, rows: []string{"x, \"y\"|two\nlines"}},
		{name: "quote inside of a cell", in: "a,b\n5\" disk,x\n", columns: []string{"a", "b"}, rows: []string{"5\" disk|x"}},
		{name: "blank lines", in: "\na,b\n\n1,2\n\n", columns: []string{"a", "b"}, rows: []string{"1|2"}},
		{name: "short row", in: "a,b,c\n1\n", columns: []string{"a", "b", "c"}, rows: []string{"1|_|_"}},
		{name: "empty cells beyond the header", in: "a,b\n1,2,,\n", columns: []string{"a", "b"}, rows: []string{"1|2"}},
		{
			name: "long row", in: "a,b\n1,2,3\n4,5\n", columns: []string{"a", "b"}, rows: []string{"4|5"},
			bad: []string{"row 1 (line 2): the row has 3 cells, the header 2"},
		},
		{
			name: "text after a quote", in: "a,b\n1,\"x\"y\n4,5\n", columns: []string{"a", "b"}, rows: []string{"4|5"},
			bad: []string{`row 1 (line 2), column "b": text follows a closing quote`},
		},
		{
			name: "open quote", in: "a,b\n4,5\n1,\"x\n", columns: []string{"a", "b"}, rows: []string{"4|5"},
			bad: []string{`row 2 (line 3), column "b": the quote opened in line 3 is not closed`},
		},
		{
			name: "lines inside of quotes are counted", in: "a,b\n\"1\r\n2\r3\n4\",x\ny\x00,z\n", columns: []string{"a", "b"}, rows: []string{"1\r\n2\r3\n4|x"},
			bad: []string{`row 2 (line 6), column "a": the text contains a NUL character`},
		},
		{
			name: "bad encoding later", in: "a,b\nж" + strings.Repeat("ж", headSize) + ",1\n\xff,2\n3,4\n", columns: []string{"a", "b"},
			rows: []string{"ж" + strings.Repeat("ж", headSize) + "|1", "3|4"},
			bad:  []string{`row 2 (line 3), column "a": the text is not valid UTF-8`},
		},
		{name: "tab", in: "a\tb\n1,5\t2\n", columns: []string{"a", "b"}, rows: []string{"1,5|2"}},
		{name: "vertical bar", in: "a|b\n1,5|2\n", columns: []string{"a", "b"}, rows: []string{"1,5|2"}},
		{name: "semicolon with decimal commas", in: "a;b\n1,5;2,5\n3,5;4,5\n", columns: []string{"a", "b"}, rows: []string{"1,5|2,5", "3,5|4,5"}},
		{name: "commas inside of text", in: "a;b\nx, y, z;1\nx;2\n", columns: []string{"a", "b"}, rows: []string{"x, y, z|1", "x|2"}},
		{name: "one column", in: "a\n1\n2\n", columns: []string{"a"}, rows: []string{"1", "2"}},
		{name: "sep line", in: "sep=|\r\na,b|c\n1|2\n", columns: []string{"a,b", "c"}, rows: []string{"1|2"}},
		{name: "delimiter given", in: "a;b\n1;2\n", o: Options{Delimiter: ','}, columns: []string{"a;b"}, rows: []string{"1;2"}},
		{name: "names", in: "a, a ,,\"b\nc\"\n1,2,3,4\n", columns: []string{"a", "a 2", "Column 3", "b c"}, rows: []string{"1|2|3|4"}},
		{name: "header only", in: "a,b\n", columns: []string{"a", "b"}},
		{
			name: "large cell", in: "a,b\n" + strings.Repeat("x", MaxCell+1) + ",1\n2,3\n", columns: []string{"a", "b"}, rows: []string{"2|3"},
			bad: []string{`row 1 (line 2), column "a": the cell is larger than 1048576 bytes`},
		},
		{name: "json in a .csv", in: "[a,b\n1,2\n", o: Options{Name: `C:\data\x.CSV`}, columns: []string{"[a", "b"}, rows: []string{"1|2"}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestJSON(t *testing.T) {
	for _, tt := range []readCase{
		{
			name: "array", in: `[{"a":1,"b":"x"},{"b":null,"a":true}]`, columns: []string{"a", "b"},
			rows: []string{"#1|x", "?true|_"},
		},
		{name: "empty array", in: " [ ] "},
		{name: "empty object", in: `[{}, { } ,{"a":1}]`, columns: []string{"a"}, rows: []string{"", "", "#1"}},
		{name: "columns appear", in: `[{"a":1},{"b":2},{"a":3}]`, columns: []string{"a", "b"}, rows: []string{"#1", "_|#2", "#3|_"}},
		{name: "white space", in: "[\n { \"a\" : -1.5e3 , \"b\" : [ 1 , { \"c\" : \"]}\" } ] }\n]\n", columns: []string{"a", "b"}, rows: []string{`#-1.5e3|[1,{"c":"]}"}]`}},
		{name: "escapes", in: `[{"a\u0022":"x\"\\\n\u0436","b":"\ud800"}]`, columns: []string{`a"`, "b"}, rows: []string{"x\"\\\nж|\uFFFD"}},
		{name: "empty text", in: `[{"a":""}]`, columns: []string{"a"}, rows: []string{"_"}},
		{name: "the last of equal keys", in: `[{"a":1,"a":2}]`, columns: []string{"a"}, rows: []string{"#2"}},
		{
			name: "not objects", in: "[1,\n\"x\",[{}],null,{\"a\":1}]", columns: []string{"a"}, rows: []string{"#1"},
			bad: []string{
				"row 1 (line 1): the row is not an object", "row 2 (line 2): the row is not an object",
				"row 3 (line 2): the row is not an object", "row 4 (line 2): the row is not an object",
			},
		},
		{
			name: "invalid element", in: "[{\"a\":1},\n{\"a\" 1},{\"a\":tru},{\"a\":2}]", columns: []string{"a"}, rows: []string{"#1", "#2"},
			bad: []string{
				"row 2 (line 2): the row is not valid JSON", "row 3 (line 2): the row is not valid JSON",
			},
		},
		{
			name: "NUL", in: `[{"a":1,"b":"\u0000"},{"a":2}]`, columns: []string{"a", "b"}, rows: []string{"#2|_"},
			bad: []string{`row 1 (line 1), column "b": the text contains a NUL character`},
		},
		{
			name: "large row", in: `[{"a":"` + strings.Repeat("x", MaxRow) + `"},{"a":2}]`, columns: []string{"a"}, rows: []string{"#2"},
			bad: []string{"row 1 (line 1): the row is larger than 8388608 bytes"},
		},
		{
			name: "lines", in: "{\"a\":1}\r\n\n{\"b\":2}\n", columns: []string{"a", "b"}, rows: []string{"#1", "_|#2"},
		},
		{
			name: "bad line", in: "{\"a\":1}\n{\"a\":\n[1]\n{\"a\":2}", o: Options{Format: Lines}, columns: []string{"a"}, rows: []string{"#1", "#2"},
			bad: []string{"row 2 (line 2): the row is not valid JSON", "row 3 (line 3): the row is not an object"},
		},
		{
			name: "large line", in: "{\"a\":1}\n{\"a\":\"" + strings.Repeat("x", MaxRow) + "\"}\n{\"a\":2}", columns: []string{"a"}, rows: []string{"#1", "#2"},
			bad: []string{"row 2 (line 2): the row is larger than 8388608 bytes"},
		},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestUnreadable(t *testing.T) {
	wide := strings.Repeat("a,", MaxColumns) + "a\n"
	keys := make([]string, MaxColumns+1)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"k%d":1`, i)
	}
	tests := []struct {
		name, in string
		o        Options
		code     fault.Code
		message  string
	}{
		{"empty", "", Options{}, fault.InvalidParameter, "the file is empty"},
		{"blank", "\n\r\n", Options{}, fault.InvalidParameter, "the file is empty"},
		{"wide header", wide, Options{}, fault.InvalidParameter, "the table has more than 300 columns"},
		{"wide row", "a,b\n" + wide, Options{}, fault.InvalidParameter, "row 1 (line 2): the table has more than 300 columns"},
		{"many keys", "[{" + strings.Join(keys, ",") + "}]", Options{}, fault.InvalidParameter, "row 1 (line 1): the table has more than 300 columns"},
		{"quote that takes rows along", "a,b\n4,5\n1,\"x\ny,2\nz,3\n", Options{}, fault.InvalidParameter, `row 2 (line 3), column "b": the quote opened in line 3 is not closed`},
		{"quote that takes much along", "a,b\n1,\"" + strings.Repeat("x\n", MaxCell), Options{}, fault.InvalidParameter, `row 1 (line 2), column "b": the quote opened in line 2 is not closed`},
		{"header", "a,\"b", Options{}, fault.InvalidParameter, "the header cannot be read: the quote opened in line 1 is not closed"},
		{"spreadsheet", "PK", Options{Name: "x.xlsx"}, fault.InvalidParameter, "the file is no XLSX workbook"},
		{"format", "a", Options{Format: "xml"}, fault.InvalidParameter, `the format "xml" is not known; use csv, xlsx, json or ndjson`},
		{"delimiter", "a", Options{Delimiter: 'x'}, fault.InvalidParameter, `the delimiter "x" is not known; use a comma, semicolon, tab or vertical bar`},
		{"no array", "7", Options{Format: JSON}, fault.InvalidJSON, "the file is not an array of JSON objects"},
		{"no json", "hello", Options{Name: "x.json"}, fault.InvalidJSON, "the file is neither an array of JSON objects nor one object a line"},
		{"one object over lines", "{\n\"a\":1}", Options{}, fault.InvalidJSON, "the file is neither an array of JSON objects nor one object a line"},
		{"cut in a row", `[{"a":1},{"a"`, Options{}, fault.InvalidJSON, "the file ends before its array does, after row 2"},
		{"cut after a row", `[{"a":1}`, Options{}, fault.InvalidJSON, "the file ends before its array does, after row 1"},
		{"cut after a comma", `[{"a":1},`, Options{}, fault.InvalidJSON, "the file ends before its array does, after row 1"},
		{"cut at once", `[`, Options{}, fault.InvalidJSON, "the file ends before its array does, after row 0"},
		{"no comma", "[{}\n{}]", Options{}, fault.InvalidJSON, "line 2: a comma, a value or the end of the array is missing"},
		{"trailing comma", `[{},]`, Options{}, fault.InvalidJSON, "line 1: a comma, a value or the end of the array is missing"},
		{"brackets of another kind", `[{]},{"a":2}]`, Options{}, fault.InvalidJSON, "line 1: a comma, a value or the end of the array is missing"},
		{"text after", "[{}]\nx", Options{}, fault.InvalidJSON, "line 2: text follows the end of the array"},
		{"depth", `[{"a":` + strings.Repeat("[", MaxRow/2) + `}]`, Options{}, fault.InvalidJSON, "the file ends before its array does, after row 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := readAll(t, strings.NewReader(tt.in), tt.o).err
			var f *fault.Error
			if !errors.As(err, &f) || f.Code != tt.code || f.Message.In("") != tt.message {
				t.Errorf("error %v, want %s: %s", err, tt.code, tt.message)
			}
		})
	}
}

func TestInputError(t *testing.T) {
	broken := errors.New("broken pipe")
	for _, in := range []string{"", "a,b\n1", `[{"a":1},`, "{\"a\":1}\n{"} {
		t.Run(in, func(t *testing.T) {
			r := io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken))
			if err := readAll(t, r, Options{}).err; !errors.Is(err, broken) {
				t.Errorf("error %v, want %v", err, broken)
			}
		})
	}
}

func TestEncodings(t *testing.T) {
	const source = "Ім'я;Місто\nЁжик;Київ\n"
	want := []string{"Ёжик|Київ"}
	encode := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	long := strings.Repeat("x;y\n", headSize/4)
	tests := []struct {
		name string
		in   []byte
		want []string
	}{
		{"utf-8", []byte(source), want},
		{"utf-8 with mark", []byte("\uFEFF" + source), want},
		{"utf-16 little endian", encode(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(source))), want},
		{"utf-16 big endian", encode(unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(source))), want},
		{"windows-1251", encode(charmap.Windows1251.NewEncoder().Bytes([]byte(source))), want},
		{
			"windows-1251 after much ascii", encode(charmap.Windows1251.NewEncoder().Bytes([]byte("a;b\n" + long + "Ёжик;Київ\n"))),
			append(slices.Repeat([]string{"x|y"}, headSize/4), want...),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := readAll(t, bytes.NewReader(tt.in), Options{})
			if got.err != nil || !slices.Equal(got.rows, tt.want) || len(got.bad) > 0 {
				t.Errorf("columns %q, %d rows, bad %q, error %v", got.columns, len(got.rows), got.bad, got.err)
			}
		})
	}
}

func TestPosition(t *testing.T) {
	in := "a,b\n" + strings.Repeat("1,2\n", 100_000)
	r, err := Open(strings.NewReader(in), Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	err = Each(r, func(row Row) error {
		if rows++; row.Row != rows || row.Line != rows+1 || row.Offset > int64(len(in)) {
			return fmt.Errorf("row %d at %+v", rows, row.Position)
		}
		return nil
	}, func(e *RowError) { t.Error(e) })
	if err != nil || r.Position().Offset != int64(len(in)) {
		t.Errorf("%v; at the end %+v of %d", err, r.Position(), len(in))
	}
}

// TestOpenQuoteMemory reads 4 MiB inside one quote.
func TestOpenQuoteMemory(t *testing.T) {
	in := io.MultiReader(strings.NewReader("a,b\n\""), io.LimitReader(endless('x'), 4<<20))
	r, err := Open(in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var rowErr *RowError
	if _, err = r.Next(); !errors.As(err, &rowErr) {
		t.Fatalf("error %v", err)
	}
	if n := cap(r.(*csvReader).scanner.buf); n > 2*MaxCell {
		t.Errorf("%d bytes are kept", n)
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestSpool(t *testing.T) {
	dir := t.TempDir()
	f, done, err := Spool(strings.NewReader("a,b\n1,2\n"), dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if got := readAll(t, f, Options{}); !slices.Equal(got.rows, []string{"1|2"}) {
			t.Errorf("rows %q", got.rows)
		}
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	if _, _, err := Spool(iotest.ErrReader(os.ErrClosed), dir); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v", err)
	}
}

// allocated is how much memory was ever taken.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

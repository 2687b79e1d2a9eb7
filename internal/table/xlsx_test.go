package table

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/fault"
)

// book is a workbook to be written: what is "" has its usual content.
type book struct {
	sheet   string // the rows of the first sheet
	strings string // the <si> of the shared texts
	styles  string // the numFmts and cellXfs
	main    string // workbook.xml
	more    map[string]string
	stored  bool // not packed, which is much faster
}

const bookMain = `<workbook xmlns:r="r"><sheets><sheet name="First" sheetId="1" r:id="rId1"/></sheets></workbook>`

// bytes packs the workbook.
func (b book) bytes(t testing.TB) []byte {
	t.Helper()
	if b.main == "" {
		b.main = bookMain
	}
	const kinds = `http://schemas.openxmlformats.org/officeDocument/2006/relationships/`
	parts := map[string]string{
		"_rels/.rels": `<Relationships><Relationship Id="a" Type="` + kinds + `officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Type="` + kinds + `worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="rId2" Type="` + kinds + `worksheet" Target="/xl/worksheets/sheet2.xml"/>` +
			`<Relationship Id="rId3" Type="` + kinds + `styles" Target="styles.xml"/>` +
			`<Relationship Id="rId4" Type="` + kinds + `sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
		"xl/workbook.xml":          b.main,
		"xl/worksheets/sheet1.xml": `<?xml version="1.0"?><worksheet><sheetData>` + b.sheet + `</sheetData></worksheet>`,
		"xl/sharedStrings.xml":     `<sst>` + b.strings + `</sst>`,
		"xl/styles.xml":            `<styleSheet>` + b.styles + `</styleSheet>`,
	}
	maps.Copy(parts, b.more)
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	method := zip.Deflate
	if b.stored {
		method = zip.Store
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = io.WriteString(w, parts[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// cells reads a workbook whose header is row 1 and gives the cells of each row.
func (b book) cells(t testing.TB, o Options) (rows [][]Cell, columns []string, bad []string, err error) {
	t.Helper()
	r, err := Open(bytes.NewReader(b.bytes(t)), o)
	if err != nil {
		return nil, nil, nil, err
	}
	err = Each(r, func(row Row) error {
		rows = append(rows, slices.Clone(row.Cells))
		return nil
	}, func(e *RowError) { bad = append(bad, e.Error()) })
	return rows, r.Columns(), bad, err
}

// row writes a row of a sheet.
func row(n int, cells ...string) string {
	return fmt.Sprintf(`<row r="%d">%s</row>`, n, strings.Join(cells, ""))
}

// in writes a text inside its cell.
func in(ref, text string) string {
	return `<c r="` + ref + `" t="inlineStr"><is><t>` + text + `</t></is></c>`
}

func TestXLSXFiles(t *testing.T) {
	for _, c := range []struct {
		file  string
		types []Type
		rows  []string
	}{
		{"excelize.xlsx", []Type{TextType, NumberType, DateType, DateType}, []string{
			"Ann|#12.5|@2026-03-04|@2026-03-04T17:05:06", "Борис|#-0.1|@1999-12-31|@2026-12-31T23:59:59", "bold and not|!|_|_"}},
		{"exceljs.xlsx", []Type{TextType, NumberType, DateType, TextType}, []string{
			"Ann|#12.5|@2026-03-04|here", "Борис|#-0.1|@1999-12-31T12:30:00|_", "bold and not|#25|_|x"}},
		{"sheetjs.xlsx", []Type{TextType, NumberType, DateType}, []string{"Ann|#12.5|@2026-03-04", "Борис|#-0.1|@1999-12-31"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			columns, bad := surveyFile(t, c.file)
			var types []Type
			for _, column := range columns {
				types = append(types, column.Type)
			}
			data, err := os.ReadFile("testdata/" + c.file)
			if err != nil {
				t.Fatal(err)
			}
			got := readAll(t, bytes.NewReader(data), Options{})
			if !slices.Equal(types, c.types) || bad > 0 || !slices.Equal(got.rows, c.rows) {
				t.Errorf("types %q, %d bad rows, rows %q", types, bad, got.rows)
			}
		})
	}
}

// TestXLSXCells: what each kind of cell becomes.
func TestXLSXCells(t *testing.T) {
	const styles = `<numFmts><numFmt numFmtId="164" formatCode="dd\.mm\.yyyy"/><numFmt numFmtId="165" formatCode="[h]:mm"/>` +
		`<numFmt numFmtId="166" formatCode="[$-419]d mmm yyyy h:mm AM/PM"/><numFmt numFmtId="167" formatCode="0.00&quot;days&quot;"/>` +
		`<numFmt numFmtId="168" formatCode="h:mm:ss"/><numFmt numFmtId="169" formatCode="[Red]General"/><numFmt numFmtId="170" formatCode="mmm"/></numFmts>` +
		`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/>` +
		`<xf numFmtId="166"/><xf numFmtId="167"/><xf numFmtId="168"/><xf numFmtId="169"/><xf numFmtId="22"/><xf numFmtId="170"/></cellXfs>`
	const shared = `<si><t>plain</t></si><si><r><t>rich </t></r><r><t xml:space="preserve">text</t></r><rPh sb="0"><t>phonetic</t></rPh></si>` +
		`<si><t>line_x000D_&#10;&lt;&amp;&#x44F;_x005F_x0041_</t></si>`
	date1904 := strings.Replace(bookMain, "<sheets>", `<workbookPr date1904="1"/><sheets>`, 1)
	for _, c := range []struct {
		name, cell string
		want       Cell
		main       string
	}{
		{"number", `<c r="A2"><v>12.5</v></c>`, Cell{Number, "12.5"}, ""},
		{"number of 17 digits", `<c r="A2"><v>0.30000000000000004</v></c>`, Cell{Number, "0.3"}, ""},
		{"whole number", `<c r="A2"><v>79001234567</v></c>`, Cell{Number, "79001234567"}, ""},
		{"great number", `<c r="A2"><v>1.2345678901234567E+19</v></c>`, Cell{Number, "1.23456789012346e+19"}, ""},
		{"no number", `<c r="A2"><v>x</v></c>`, Cell{Text, "x"}, ""},
		{"infinite", `<c r="A2"><v>1e999</v></c>`, Cell{Text, "1e999"}, ""},
		{"shared", `<c r="A2" t="s"><v>0</v></c>`, Cell{Text, "plain"}, ""},
		{"rich", `<c r="A2" t="s"><v>1</v></c>`, Cell{Text, "rich text"}, ""},
		{"escaped", `<c r="A2" t="s"><v>2</v></c>`, Cell{Text, "line\r\n<&я_x0041_"}, ""},
		{"inline", in("A2", "a<![CDATA[<b>]]]>c"), Cell{Text, "a<b>]c"}, ""},
		{"looks like a formula", in("A2", "=1+1"), Cell{Text, "=1+1"}, ""},
		{"true", `<c r="A2" t="b"><v>1</v></c>`, Cell{Bool, "true"}, ""},
		{"error", `<c r="A2" t="e"><v>#N/A</v></c>`, Cell{Failed, "#N/A"}, ""},
		{"formula", `<c r="A2"><f>1+1</f><v>2</v></c>`, Cell{Number, "2"}, ""},
		{"formula with text", `<c r="A2" t="str"><f>"a"</f><v>a</v></c>`, Cell{Text, "a"}, ""},
		{"formula with empty text", `<c r="A2" t="str"><f>""</f><v></v></c>`, Cell{}, ""},
		{"formula that was not computed", `<c r="A2"><f>1+1</f></c>`, Cell{Kind: Failed}, ""},
		{"nor this one", `<c r="A2"><f>1+1</f><v/></c>`, Cell{Kind: Failed}, ""},
		{"styled and empty", `<c r="A2" s="1"/>`, Cell{}, ""},
		{"iso date", `<c r="A2" t="d"><v>2026-03-04T05:06:07</v></c>`, Cell{Moment, "2026-03-04T05:06:07"}, ""},
		{"date", `<c r="A2" s="1"><v>46085</v></c>`, Cell{Moment, "2026-03-04"}, ""},
		{"own format", `<c r="A2" s="2"><v>46085</v></c>`, Cell{Moment, "2026-03-04"}, ""},
		{"date and time", `<c r="A2" s="8"><v>46085.712569444448</v></c>`, Cell{Moment, "2026-03-04T17:06:06"}, ""},
		{"long format", `<c r="A2" s="4"><v>46085.5</v></c>`, Cell{Moment, "2026-03-04T12:00:00"}, ""},
		{"month", `<c r="A2" s="9"><v>46085</v></c>`, Cell{Moment, "2026-03-04"}, ""},
		{"rounded up to a day", `<c r="A2" s="8"><v>46084.99999999999</v></c>`, Cell{Moment, "2026-03-04"}, ""},
		{"duration", `<c r="A2" s="3"><v>1.5</v></c>`, Cell{Number, "1.5"}, ""},
		{"quoted letters", `<c r="A2" s="5"><v>1.5</v></c>`, Cell{Number, "1.5"}, ""},
		{"general", `<c r="A2" s="7"><v>1.5</v></c>`, Cell{Number, "1.5"}, ""},
		{"time", `<c r="A2" s="6"><v>0.39583333333333331</v></c>`, Cell{Text, "09:30:00"}, ""},
		{"midnight", `<c r="A2" s="6"><v>0</v></c>`, Cell{Text, "00:00:00"}, ""},
		{"first day", `<c r="A2" s="1"><v>1</v></c>`, Cell{Moment, "1900-01-01"}, ""},
		{"before the leap day", `<c r="A2" s="1"><v>59</v></c>`, Cell{Moment, "1900-02-28"}, ""},
		{"the leap day that never was", `<c r="A2" s="1"><v>60</v></c>`, Cell{Number, "60"}, ""},
		{"after it", `<c r="A2" s="1"><v>61</v></c>`, Cell{Moment, "1900-03-01"}, ""},
		{"last day", `<c r="A2" s="1"><v>2958465</v></c>`, Cell{Moment, "9999-12-31"}, ""},
		{"past it", `<c r="A2" s="1"><v>2958466</v></c>`, Cell{Number, "2958466"}, ""},
		{"before the first", `<c r="A2" s="1"><v>-1</v></c>`, Cell{Number, "-1"}, ""},
		{"1904", `<c r="A2" s="1"><v>44623</v></c>`, Cell{Moment, "2026-03-04"}, date1904},
		{"first day of 1904", `<c r="A2" s="1"><v>0</v></c>`, Cell{Moment, "1904-01-01"}, date1904},
		{"unknown style", `<c r="A2" s="99"><v>1</v></c>`, Cell{Number, "1"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := book{sheet: row(1, in("A1", "a"), in("B1", "b")) + row(2, c.cell, in("B2", "b")), strings: shared, styles: styles, main: c.main}
			rows, _, bad, err := b.cells(t, Options{})
			if err != nil || len(bad) > 0 || len(rows) != 1 || rows[0][0] != c.want {
				t.Errorf("rows %q, bad %q, error %v", rows, bad, err)
			}
		})
	}
}

// TestXLSXLayout: where the table is in the sheet.
func TestXLSXLayout(t *testing.T) {
	hidden := `<workbook xmlns:r="r"><sheets><sheet name="Hidden" state="hidden" r:id="rId1"/><sheet name="Второй" r:id="rId2"/></sheets></workbook>`
	second := map[string]string{"xl/worksheets/sheet2.xml": `<worksheet><sheetData>` + row(1, in("A1", "second")) + `</sheetData></worksheet>`}
	for _, c := range []struct {
		name    string
		b       book
		sheet   string
		columns []string
		rows    []string
	}{
		{"not in a corner", book{sheet: row(3, in("C3", "a"), in("E3", "b")) + row(5, `<c r="C5"><v>1</v></c><c r="D5"/><c r="E5"><v>2</v></c>`)}, "",
			[]string{"a", "Column 2", "b"}, []string{"#1|_|#2"}},
		{"without places", book{sheet: `<row><c><v>7</v></c><c t="str"><v>b</v></c></row><row/><row><c><v>1</v></c></row>`}, "", []string{"7", "b"}, []string{"#1|_"}},
		{"blank rows", book{sheet: row(1, in("A1", "a")) + row(2, in("A2", " ")) + row(3) + row(9, in("A9", "x"))}, "", []string{"a"}, []string{"x"}},
		{"a cell outside", book{sheet: row(1, in("A1", "a")) + row(2, in("A2", "1"), in("D2", "note")) + row(3, in("A3", "2"))}, "",
			[]string{"a", "Column 2"}, []string{"1|note", "2|_"}},
		{"the first that is shown", book{main: hidden, more: second}, "", []string{"second"}, nil},
		{"by name", book{main: hidden, more: second}, "второй", []string{"second"}, nil},
		{"other prefixes", book{more: map[string]string{"xl/worksheets/sheet1.xml": "\uFEFF<!-- c > --><x:worksheet xmlns:x='y'><x:sheetData><x:row><x:c t='inlineStr'><x:is><x:t>a</x:t></x:is></x:c></x:row></x:sheetData></x:worksheet>\n"}}, "",
			[]string{"a"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := readAll(t, bytes.NewReader(c.b.bytes(t)), Options{Sheet: c.sheet})
			if got.err != nil || !slices.Equal(got.columns, c.columns) || !slices.Equal(got.rows, c.rows) || len(got.bad) > 0 {
				t.Errorf("columns %q, rows %q, bad %q, error %v", got.columns, got.rows, got.bad, got.err)
			}
		})
	}
}

// TestXLSXBadRows: a row that cannot be read is told, and the others are read.
func TestXLSXBadRows(t *testing.T) {
	long := strings.Repeat("x", MaxCell+1)
	b := book{
		sheet: row(1, in("A1", "a"), in("B1", "b")) + row(2, in("A2", long)) + row(3, `<c r="B3" t="s"><v>0</v></c>`) +
			row(4, `<c r="B4" t="s"><v>7</v></c>`) + row(6, in("A6", "ok")) + row(7, in("C7", "\xff")),
		strings: `<si><t>` + long + `</t></si>`,
	}
	rows, columns, bad, err := b.cells(t, Options{})
	want := []string{
		`row 1 (line 2), column "a": the cell is larger than 1048576 bytes`, `row 2 (line 3), column "b": the cell is larger than 1048576 bytes`,
		`row 3 (line 4), column "b": the cell's text is missing in the workbook`, `row 5 (line 7), column "C": the text is not valid UTF-8`,
	}
	if err != nil || !slices.Equal(bad, want) || !reflect.DeepEqual(rows, [][]Cell{{{Text, "ok"}, {}}}) || len(columns) != 2 {
		t.Errorf("rows %q, columns %q, error %v, bad\n%s", rows, columns, err, strings.Join(bad, "\n"))
	}
}

// TestXLSXRefuses: what is no table, or a trap.
func TestXLSXRefuses(t *testing.T) {
	header := row(1, in("A1", "a"))
	pack := func(files ...string) []byte {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for _, name := range files {
			if _, err := z.Create(name); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	protected := book{sheet: header}.bytes(t)
	for i := 0; i+4 < len(protected); i++ { // the flag of encryption of every part
		if bytes.HasPrefix(protected[i:], []byte("PK\x01\x02")) {
			protected[i+8] |= 1
		}
	}
	whole := book{sheet: header}.bytes(t)
	wide := strings.Builder{}
	for n := range 10_000 {
		wide.WriteString(in(columnName(n)+"1", "c"))
	}
	for _, c := range []struct {
		name string
		in   []byte
		o    Options
		want string
	}{
		{"nothing", book{}.bytes(t), Options{}, "is empty"},
		{"10,000 columns", book{sheet: row(1, wide.String())}.bytes(t), Options{}, "more than 300 columns"},
		{"10,000 columns later", book{sheet: header + row(2, wide.String())}.bytes(t), Options{}, "more than 300 columns"},
		{"another sheet", book{sheet: header}.bytes(t), Options{Sheet: "Other"}, `no sheet "Other" but "First"`},
		{"cut off", whole[:len(whole)/2], Options{}, "damaged or cut off"},
		{"another archive", pack("readme.txt"), Options{}, "no XLSX workbook"},
		{"an empty archive", pack(), Options{}, "no XLSX workbook"},
		{"OpenDocument", pack("mimetype", "content.xml"), Options{}, "of this kind"},
		{"binary workbook", pack("xl/workbook.bin"), Options{}, "of this kind"},
		{"old workbook", []byte(oleMagic + "and more"), Options{}, "old kind or protected"},
		{"protected", protected, Options{}, "password"},
		{"no workbook", []byte("a,b\n1,2\n"), Options{Name: "x.xlsx"}, "no XLSX workbook"},
		{"no workbook by format", []byte("a,b\n1,2\n"), Options{Format: XLSX}, "no XLSX workbook"},
		{"said to be CSV", whole, Options{Format: CSV}, "not csv"},
		{"document type", book{more: map[string]string{"xl/worksheets/sheet1.xml": `<!DOCTYPE a [<!ENTITY x "xx">]><worksheet/>`}}.bytes(t), Options{}, "document type"},
		{"unknown entity", book{sheet: row(1, in("A1", "&x;"))}.bytes(t), Options{}, "not valid"},
		{"not closed", book{more: map[string]string{"xl/worksheets/sheet1.xml": `<worksheet><sheetData><row><c><v>1`}}.bytes(t), Options{}, "cut off"},
		{"no sheet", book{main: `<workbook/>`}.bytes(t), Options{}, "no sheet with a table"},
		{"missing sheet", book{main: strings.Replace(bookMain, "rId1", "rId2", 1)}.bytes(t), Options{}, `the sheet "First" is missing`},
		{"endless tag", book{sheet: "<row " + strings.Repeat("a", 2*maxTag)}.bytes(t), Options{}, "not valid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := readAll(t, bytes.NewReader(c.in), c.o).err
			if err == nil || !strings.Contains(err.Error(), c.want) || !fault.Is(err, fault.InvalidParameter) {
				t.Errorf("error %v, not %q", err, c.want)
			}
		})
	}
	if _, err := Open(io.MultiReader(bytes.NewReader(whole)), Options{}); err == nil || !strings.Contains(err.Error(), "from a file only") {
		t.Errorf("a stream: %v", err)
	}
	broken := errors.New("broken")
	if _, err := Open(failingAt{bytes.NewReader(whole), broken}, Options{}); !errors.Is(err, broken) {
		t.Errorf("a broken disk: %v", err)
	}
}

type failingAt struct {
	*bytes.Reader
	err error
}

func (f failingAt) ReadAt([]byte, int64) (int, error) { return 0, f.err }

// packed deflates before, n megabytes of fill and after. Flushed pieces can be
// put together, so that the many are one that is repeated.
func packed(t *testing.T, before string, fill byte, n int, after string) (data []byte, header zip.FileHeader) {
	t.Helper()
	piece := func(content []byte, last bool) []byte {
		var out bytes.Buffer
		w, err := flate.NewWriter(&out, flate.DefaultCompression)
		if err == nil {
			_, err = w.Write(content)
		}
		end := w.Flush
		if last {
			end = w.Close
		}
		if err = errors.Join(err, end()); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	middle := bytes.Repeat([]byte{fill}, 1<<20)
	sum := crc32.NewIEEE()
	sum.Write([]byte(before))
	for range n {
		sum.Write(middle)
	}
	sum.Write([]byte(after))
	data = append(piece([]byte(before), false), bytes.Repeat(piece(middle, false), n)...)
	data = append(data, piece([]byte(after), true)...)
	return data, zip.FileHeader{
		Method: zip.Deflate, CRC32: sum.Sum32(), CompressedSize64: uint64(len(data)),
		UncompressedSize64: uint64(len(before) + n<<20 + len(after)),
	}
}

// bomb is a workbook one part of which unpacks to n megabytes.
func bomb(t *testing.T, part, before, after string, fill byte, n int) []byte {
	t.Helper()
	data := book{sheet: row(1, in("A1", "a"))}.bytes(t)
	small, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range small.File {
		if f.Name == part {
			continue
		}
		if err := z.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	content, header := packed(t, before, fill, n, after)
	header.Name = part
	w, err := z.CreateRaw(&header)
	if err == nil {
		_, err = w.Write(content)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestXLSXMemory: bombs and cells of 100 MB are refused before they fill the
// memory.
func TestXLSXMemory(t *testing.T) {
	const huge = 60 // MB
	for _, c := range []struct {
		name, part, before, after string
		fill                      byte
		want                      string
	}{
		{"a cell", "xl/worksheets/sheet1.xml", `<worksheet><sheetData>` + row(1, in("A1", "a")) + `<row><c t="str"><v>`,
			`</v></c></row></sheetData></worksheet>`, 'x', `row 1 (line 2), column "a": the cell is larger`},
		{"rows without cells", "xl/worksheets/sheet1.xml", `<worksheet><sheetData>`, ``, ' ', "far more"},
		{"a shared text", "xl/sharedStrings.xml", `<sst><si><t>`, `</t></si></sst>`, 'x', ""},
		{"names", "xl/workbook.xml", `<workbook>`, `</workbook>`, ' ', "far more"},
		{"a comment", "xl/worksheets/sheet1.xml", `<worksheet><!--`, `--></worksheet>`, '-', "far more"},
		{"an attribute", "xl/worksheets/sheet1.xml", `<worksheet a="`, `"/>`, 'x', "not valid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			size := huge
			if c.want == "far more" {
				size = bigPart>>20 + 2
			}
			data := bomb(t, c.part, c.before, c.after, c.fill, size)
			before := allocated()
			got := readAll(t, bytes.NewReader(data), Options{})
			told := strings.Join(got.bad, "\n")
			if got.err != nil {
				told += got.err.Error()
			}
			if !strings.Contains(told, c.want) || c.want == "" && told != "" {
				t.Errorf("told %q, not %q", told, c.want)
			}
			if n := allocated() - before; n > 80<<20 {
				t.Errorf("%d MB were allocated", n>>20)
			}
		})
	}
}

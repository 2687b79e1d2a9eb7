package table

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"kartoteka/internal/fault"
)

// checkReader reads to the end and states what every reader promises.
func checkReader(t *testing.T, in string, o Options) (rows [][]Cell, columns []string, err error) {
	r, err := Open(strings.NewReader(in), o)
	if err != nil {
		return nil, nil, wantFault(t, err)
	}
	last := Position{}
	check := func(p Position) {
		if p.Row != last.Row+1 || p.Line < last.Line || p.Offset < last.Offset || p.Offset > int64(len(in)) {
			t.Fatalf("position %+v after %+v", p, last)
		}
		last = p
	}
	err = Each(r, func(row Row) error {
		check(row.Position)
		checkCells(t, row.Cells)
		rows = append(rows, slices.Clone(row.Cells))
		return nil
	}, func(e *RowError) { check(e.Position) })
	checkNames(t, r.Columns())
	return rows, r.Columns(), wantFault(t, err)
}

func wantFault(t *testing.T, err error) error {
	var f *fault.Error
	if err != nil && !errors.As(err, &f) {
		t.Fatalf("not a fault: %v", err)
	}
	return err
}

func checkCells(t *testing.T, cells []Cell) {
	for _, c := range cells {
		if _, ok := checkText(c.Text); !ok || c.Kind == Null && c.Text != "" {
			t.Fatalf("cell %+q of kind %d", c.Text, c.Kind)
		}
	}
}

func checkNames(t *testing.T, names []string) {
	seen := map[string]bool{}
	for _, n := range names {
		if n == "" || seen[n] || utf8.RuneCountInString(n) > MaxNameChars || !utf8.ValidString(n) {
			t.Fatalf("names %q", names)
		}
		seen[n] = true
	}
	if len(names) > MaxColumns {
		t.Fatalf("%d columns", len(names))
	}
}

// FuzzCSV compares the reader with encoding/csv where both accept the input.
func FuzzCSV(f *testing.F) {
	f.Add("a,b\n1,2\n")
	f.Add("a;b\r\n\"x\"\"y\";2\r\n")
	f.Fuzz(func(t *testing.T, in string) {
		checkReader(t, in, Options{Format: CSV})
		rows, columns, err := checkReader(t, in, Options{Format: CSV, Delimiter: ','})
		std := csv.NewReader(strings.NewReader(in))
		std.FieldsPerRecord = 0 // all as the first
		want, stdErr := std.ReadAll()
		plain := utf8.ValidString(in) && !strings.ContainsAny(in, "\r\x00\uFEFF") && !strings.Contains(in, "\n\"\"\n")
		if stdErr != nil || err != nil || !plain || len(want) == 0 || len(want[0]) < 2 {
			return
		}
		if len(rows) != len(want)-1 || len(columns) != len(want[0]) {
			t.Fatalf("%d rows of %d, want %d of %d", len(rows), len(columns), len(want)-1, len(want[0]))
		}
		for i, row := range rows {
			for j, c := range row {
				if c.Text != want[i+1][j] {
					t.Fatalf("row %d: %q, want %q", i+1, c.Text, want[i+1][j])
				}
			}
		}
	})
}

// FuzzJSONArray compares the reader with encoding/json.
func FuzzJSONArray(f *testing.F) {
	f.Add(`[{"a":1,"b":"x"},{"c":[null,{"d":"]}"}]}]`)
	f.Add("[{\"a\":tru},\n1]")
	f.Fuzz(func(t *testing.T, in string) {
		rows, _, err := checkReader(t, in, Options{Format: JSON})
		var want []map[string]any
		if !utf8.ValidString(in) || strings.HasPrefix(in, "\uFEFF") || json.Unmarshal([]byte(in), &want) != nil || want == nil {
			return
		}
		if slices.ContainsFunc(want, func(m map[string]any) bool { return m == nil || tooBig(m) }) {
			return // null instead of an object, and cells that are refused
		}
		if err != nil || len(rows) != len(want) {
			t.Fatalf("%d rows, want %d; %v", len(rows), len(want), err)
		}
		for i, row := range rows {
			if filled, want := countFilled(row), countValues(want[i]); filled != want {
				t.Fatalf("row %d: %d filled cells, want %d", i+1, filled, want)
			}
		}
	})
}

func tooBig(m map[string]any) bool {
	for _, v := range m {
		if s, ok := v.(string); ok && strings.Contains(s, "\x00") {
			return true
		}
	}
	return len(m) > MaxColumns
}

func countFilled(row []Cell) (n int) {
	for _, c := range row {
		if c.Kind != Null {
			n++
		}
	}
	return n
}

func countValues(m map[string]any) (n int) {
	for _, v := range m {
		if v != nil && v != "" {
			n++
		}
	}
	return n
}

func FuzzJSONLines(f *testing.F) {
	f.Add("{\"a\":1}\n{\"b\":null}\n")
	f.Add("{\"a\":1}\r\n\n[]\n{")
	f.Fuzz(func(t *testing.T, in string) {
		rows, _, err := checkReader(t, in, Options{Format: Lines})
		if lines := strings.Count(in, "\n") + 1; len(rows) > lines || err == nil && strings.TrimSpace(in) == "{}" && len(rows) != 1 {
			t.Fatalf("%d rows of %d lines", len(rows), lines)
		}
	})
}

// FuzzXLSX reads sheets, shared texts and styles of any content, twice with one
// result, and states that a text comes back from a workbook as it was.
func FuzzXLSX(f *testing.F) {
	f.Add(`<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2"><c r="A2" s="1"><v>46085.5</v></c></row>`,
		`<si><t>a</t></si>`, `<cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs>`, "text")
	f.Fuzz(func(t *testing.T, sheet, shared, styles, text string) {
		data := string(book{sheet: sheet, strings: shared, styles: styles, stored: true}.bytes(t))
		rows, columns, err := checkReader(t, data, Options{})
		again, names, failed := checkReader(t, data, Options{})
		if !reflect.DeepEqual(rows, again) || !slices.Equal(columns, names) || (err == nil) != (failed == nil) {
			t.Fatalf("%q and %q", rows, again)
		}
		if _, ok := checkText(text); !ok || strings.TrimSpace(text) == "" {
			return
		}
		escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", "_x", "_x005F_x").Replace(text)
		b := book{stored: true, strings: `<si><t>` + escaped + `</t></si>`,
			sheet: row(1, in1("A1"), in1("B1"), in1("C1")) + row(2, `<c t="s"><v>0</v></c>`, `<c t="str"><v>`+escaped+`</v></c>`, in("C2", escaped))}
		rows, _, err = checkReader(t, string(b.bytes(t)), Options{})
		if want := textCell(text); err != nil || len(rows) != 1 || rows[0][0] != want || rows[0][1] != want || rows[0][2] != want {
			t.Fatalf("%q comes back as %q, %v", text, rows, err)
		}
	})
}

func in1(ref string) string { return in(ref, ref) }

// FuzzOpen reads anything, whatever its encoding and format.
func FuzzOpen(f *testing.F) {
	f.Add("\xff\xfea\x00,\x00b\x00\n\x001\x00,\x002\x00", "")
	f.Add("\xc0,\xc1\n\xc2,\xc3\n", "x.csv")
	f.Add(string(book{sheet: row(1, in1("A1")) + row(2, `<c><v>1</v></c>`)}.bytes(f)), "x.xlsx")
	f.Fuzz(func(t *testing.T, in, name string) {
		r, err := Open(strings.NewReader(in), Options{Name: name})
		if err != nil {
			_ = wantFault(t, err)
			return
		}
		err = Each(r, func(row Row) error { checkCells(t, row.Cells); return nil }, func(*RowError) {})
		_ = wantFault(t, err)
	})
}

// FuzzConvert states that a proposed column converts every cell it was
// proposed from, and what the values are.
func FuzzConvert(f *testing.F) {
	f.Add("1,5", "1 234,5", "7", uint8(Text), "x")
	f.Add("12/31/1999", "01/02/2003 3:04 PM", "", uint8(Text), "2026-03-04")
	f.Fuzz(func(t *testing.T, a, b, c string, kind uint8, other string) {
		var cells []Cell
		for _, s := range []string{a, b, c} {
			if _, ok := checkText(s); ok && s != "" {
				cells = append(cells, Cell{Text: s, Kind: Text})
			}
		}
		column := survey(cells)
		for _, cell := range cells {
			v, err := column.Convert(Row{Cells: []Cell{cell}})
			if err != nil {
				t.Fatalf("%s of %q: %v", column.Type, cells, err)
			}
			checkValue(t, column, cell, v)
		}
		for _, typ := range []Type{column.Type, TextType, MultilineType, NumberType, DateType, ChoiceType, EmailType, PhoneType, LinkType} {
			column.Type = typ
			cell := Cell{Text: other, Kind: Kind(kind%5) + Text}
			if v, err := column.Convert(Row{Cells: []Cell{cell}}); err == nil {
				checkValue(t, column, cell, v)
			}
		}
	})
}

func checkValue(t *testing.T, c Column, cell Cell, v any) {
	ok := false
	switch v := v.(type) {
	case nil:
		ok = cell.Blank()
	case string:
		ok = c.Type == TextType && utf8.RuneCountInString(v) <= MaxLineChars && !strings.ContainsAny(v, "\r\n") ||
			c.Type == MultilineType && v == cell.Text || c.Type == ChoiceType && slices.Contains(c.Options, v)
	case []string:
		kind := contactTypes[c.Type]
		ok = kind != 0 && len(v) > 0 && !slices.ContainsFunc(v, func(s string) bool { return !kind.fits(s) })
	case float64:
		ok = c.Type == NumberType && !math.IsNaN(v) && !math.IsInf(v, 0)
	case Date:
		ok = c.Type == DateType && v.DateOnly == c.DateOnly && inRange(v.Millis)
	}
	if !ok {
		t.Fatalf("%s of %+q: %v (%T)", c.Type, cell.Text, v, v)
	}
}

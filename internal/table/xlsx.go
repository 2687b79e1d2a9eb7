package table

import (
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"kartoteka/internal/fault"
)

// xlsxReader reads the rows of one sheet as they are unpacked.
type xlsxReader struct {
	book  *workbook
	sheet sheetPart
	body  io.ReadCloser
	xml   *xmlScanner
	names names
	// index is the column of a sheet's column; the table need not begin in A.
	index      map[int]int
	cells      []Cell
	sheetCells []Cell // of the row, by the sheet's columns
	row        int
	line       int // number of the row in the sheet
	done       bool
	text       []byte // of the cell
	bytes      int    // of the row
}

// maxSheetColumns is how many columns spreadsheet programs have.
const maxSheetColumns = 16384

func openXLSX(r randomAccess, sheet string) (Reader, error) {
	a, err := openArchive(r)
	if err != nil {
		return nil, err
	}
	book, err := openWorkbook(a)
	if err != nil {
		return nil, err
	}
	x := &xlsxReader{book: book, index: map[int]int{}}
	if x.sheet, err = book.sheet(sheet); err != nil {
		return nil, err
	}
	if x.body, err = a.open(x.sheet.part, 0); err != nil {
		return nil, err
	}
	if x.body == nil {
		return nil, fault.New(fault.InvalidParameter, "the workbook is damaged: the sheet %q is missing", shorten(x.sheet.name))
	}
	x.xml = newXMLScanner(x.body)
	return x, x.header()
}

// SheetOf gives the name of the sheet that is read and the number of all; "" and
// 0 for what is no workbook.
func SheetOf(r Reader) (name string, all int) {
	if x, ok := r.(*xlsxReader); ok {
		return x.sheet.name, len(x.book.sheets)
	}
	return "", 0
}

func (x *xlsxReader) Columns() []string { return x.names.list }

func (x *xlsxReader) Position() Position {
	return Position{Row: x.row, Line: x.line, Offset: min(x.book.archive.in.n, x.book.archive.in.size)}
}

// header takes the first row that is not blank.
func (x *xlsxReader) header() error {
	cells, problem, err := x.filled()
	switch {
	case errors.Is(err, io.EOF):
		return fault.New(fault.InvalidParameter, "the sheet %q is empty", shorten(x.sheet.name))
	case err != nil:
		return err
	case problem != nil:
		return fault.New(fault.InvalidParameter, "the header cannot be read: %s", problem.message)
	}
	first, last := -1, -1
	for n, c := range cells {
		if !c.Blank() {
			last = n
			if first < 0 {
				first = n
			}
		}
	}
	for n := first; n <= last; n++ {
		if len(x.names.list) == MaxColumns {
			return tooManyColumns()
		}
		x.index[n] = len(x.names.list)
		x.names.add(cells[n].Text)
	}
	x.cells = make([]Cell, len(x.names.list))
	return nil
}

func (x *xlsxReader) Next() (Row, error) {
	cells, problem, err := x.filled()
	if errors.Is(err, io.EOF) {
		return Row{}, io.EOF
	}
	x.row++
	if err != nil {
		return Row{}, placed(err, x.Position())
	}
	if problem != nil {
		e := &RowError{Position: x.Position(), Code: fault.InvalidParameter, Message: problem.message}
		if i, ok := x.index[problem.cell]; ok {
			e.Column = x.names.list[i]
		} else {
			e.Column = columnName(problem.cell)
		}
		return Row{}, e
	}
	clear(x.cells)
	for n, c := range cells {
		if c.Kind == Null {
			continue
		}
		i, ok := x.index[n]
		if !ok {
			if c.Blank() {
				continue
			}
			if i = len(x.names.list); i == MaxColumns {
				return Row{}, placed(tooManyColumns(), x.Position())
			}
			x.index[n] = i
			x.names.add("")
			x.cells = append(x.cells, Cell{})
		}
		x.cells[i] = c
	}
	return Row{Position: x.Position(), Cells: x.cells}, nil
}

// filled reads the next row with something in it. Its error is io.EOF after the
// last one.
func (x *xlsxReader) filled() ([]Cell, *problem, error) {
	for {
		cells, problem, err := x.readRow()
		if err != nil {
			return nil, nil, err
		}
		if problem != nil {
			return nil, problem, nil
		}
		for _, c := range cells {
			if !c.Blank() {
				return cells, nil, nil
			}
		}
	}
}

// readRow reads a row; the cells are by their columns in the sheet.
func (x *xlsxReader) readRow() (cells []Cell, bad *problem, err error) {
	if err := x.findRow(); err != nil {
		return nil, nil, err
	}
	x.line++
	if n, err := strconv.Atoi(x.xml.attr("r")); err == nil && n >= x.line {
		x.line = n
	}
	x.bytes = 0
	next := 0
	cells = x.sheetCells[:0]
	defer func() { x.sheetCells = cells[:0] }()
	for {
		token, err := x.xml.next()
		switch {
		case err != nil:
			return nil, nil, partError(err)
		case token == xmlEnd:
			return cells, bad, nil
		case token != xmlStart:
			continue
		case x.xml.name != "c":
			if err := x.xml.skip(); err != nil {
				return nil, nil, err
			}
			continue
		}
		if n, ok := columnNumber(x.xml.attr("r")); ok {
			next = n
		}
		if next >= maxSheetColumns {
			return nil, nil, tooManyColumns()
		}
		c, message, err := x.readCell()
		if err != nil {
			return nil, nil, err
		}
		if x.bytes += len(c.Text); x.bytes > MaxRow && message == nil {
			m := rowTooLarge()
			message = &m
		}
		if message != nil && bad == nil {
			bad = &problem{next, *message}
		}
		if c.Kind != Null && bad == nil {
			for len(cells) <= next {
				cells = append(cells, Cell{})
			}
			cells[next] = c
		}
		next++
	}
}

// findRow reads up to the start of a row.
func (x *xlsxReader) findRow() error {
	for !x.done {
		token, err := x.xml.next()
		switch {
		case err != nil && !isEnd(err):
			return err
		case err != nil, token == xmlEnd && x.xml.name == "sheetData":
			x.done = true
			_ = x.body.Close() // it was only read
		case token == xmlStart && x.xml.name == "row":
			return nil
		}
	}
	return io.EOF
}

// readCell reads a cell after its start tag. message says what is wrong with it.
func (x *xlsxReader) readCell() (c Cell, message *fault.Message, err error) {
	kind, style := x.xml.attr("t"), x.xml.attr("s")
	x.text = x.text[:0]
	formula, value, large := false, false, false
	for {
		token, err := x.xml.next()
		if err != nil {
			return Cell{}, nil, partError(err)
		}
		if token == xmlEnd {
			break
		}
		if token != xmlStart {
			continue
		}
		var cut bool
		switch x.xml.name {
		case "v":
			x.text, cut, err = readPlain(x.xml, x.text)
			value = true
		case "is":
			x.text, cut, err = readRich(x.xml, x.text)
			value = true
		case "f":
			formula, err = true, x.xml.skip()
		default:
			err = x.xml.skip()
		}
		if err != nil {
			return Cell{}, nil, err
		}
		large = large || cut
	}
	switch {
	case large:
		m := cellTooLarge()
		return Cell{}, &m, nil
	case formula && len(x.text) == 0 && (kind != "str" || !value):
		return Cell{Kind: Failed}, nil, nil
	case !value || len(x.text) == 0:
		return Cell{}, nil, nil
	}
	return x.typed(kind, style)
}

// readPlain appends the text of an element without others in it.
func readPlain(x *xmlScanner, dst []byte) (_ []byte, large bool, err error) {
	from := len(dst)
	for inside := 1; inside > 0; {
		token, err := x.next()
		if err != nil {
			return dst, false, partError(err)
		}
		switch {
		case token == xmlStart:
			inside++
		case token == xmlEnd:
			inside--
		case len(dst)-from+len(x.text) > 8*MaxCell:
			large = true
		case !large:
			dst = append(dst, x.text...)
		}
	}
	text := unescapeCell(dst[from:])
	return dst[:from+len(text)], large || len(text) > MaxCell, nil
}

// typed makes a cell of what was read, by its type and style.
func (x *xlsxReader) typed(kind, style string) (Cell, *fault.Message, error) {
	s := string(x.text)
	switch kind {
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(s))
		text, large, ok := x.book.strings.get(n)
		if err != nil || !ok {
			m := fault.Msg("the cell's text is missing in the workbook")
			return Cell{}, &m, nil
		}
		if large {
			m := cellTooLarge()
			return Cell{}, &m, nil
		}
		return checkedText(text)
	case "str", "inlineStr":
		return checkedText(s)
	case "e":
		return Cell{Failed, shorten(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD"))}, nil, nil
	case "b":
		return Cell{Bool, strconv.FormatBool(s == "1" || s == "true")}, nil, nil
	case "d":
		if _, ok := parseDate(s, isoDate); ok {
			return Cell{Moment, s}, nil, nil
		}
		return checkedText(s)
	}
	return x.numeric(s, style)
}

func checkedText(s string) (Cell, *fault.Message, error) {
	if message, ok := checkText(s); !ok {
		return Cell{}, &message, nil
	}
	return textCell(s), nil, nil
}

// numeric makes a number, or a date if the style shows one. Spreadsheet programs
// show 15 digits of a number and write 17.
func (x *xlsxReader) numeric(s, style string) (Cell, *fault.Message, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return checkedText(s)
	}
	if n, err := strconv.Atoi(style); err == nil && n >= 0 && n < len(x.book.styles) && x.book.styles[n] != plainFormat {
		if c, ok := dateCell(f, x.book.styles[n], x.book.date1904); ok {
			return c, nil, nil
		}
	}
	return Cell{Number, strconv.FormatFloat(f, 'g', maxDigits, 64)}, nil, nil
}

// columnNumber reads the letters of "BC12", from 0.
func columnNumber(ref string) (n int, ok bool) {
	i := 0
	for ; i < len(ref) && i < 4 && 'A' <= ref[i]&^0x20 && ref[i]&^0x20 <= 'Z'; i++ {
		n = n*26 + int(ref[i]&^0x20-'A') + 1
	}
	return n - 1, i > 0 && i < 4
}

// columnName writes a column as letters.
func columnName(n int) string {
	var b []byte
	for n++; n > 0; n = (n - 1) / 26 {
		b = append([]byte{byte('A' + (n-1)%26)}, b...)
	}
	return string(b)
}

func isEnd(err error) bool { return errors.Is(err, io.EOF) }

package table

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
)

// Limits of what is read. They bound the memory of a reader to little more than
// MaxRow.
const (
	MaxColumns   = 300
	MaxCell      = 1 << 20 // bytes of one cell, as UTF-8
	MaxRow       = 8 << 20 // bytes of one row, as UTF-8
	MaxNameChars = 255     // longer column names are cut
)

// Kind is what a cell holds.
type Kind uint8

// The kinds of cells. CSV has only Null (an empty cell) and Text.
const (
	Null Kind = iota
	Text
	Number // Text is the literal as written
	Bool   // Text is "true" or "false"
	Moment // of a spreadsheet: Text is the date as 2006-01-02 or 2006-01-02T15:04:05
	Failed // of a spreadsheet: Text is the error, "" for a formula without a result
)

// Cell is one value. Text is valid UTF-8 without NUL, "" for Null. Objects and
// arrays inside JSON are the Text of their JSON.
type Cell struct {
	Kind Kind
	Text string
}

// Blank tells whether the cell has nothing but white space.
func (c Cell) Blank() bool {
	return c.Kind == Null || c.Kind != Failed && strings.TrimSpace(c.Text) == ""
}

// Position is a place in the input.
type Position struct {
	Row    int   // 1 for the first row after the header, bad rows counted; 0 before it
	Line   int   // where the row starts, from 1
	Offset int64 // bytes of the input that were fetched, for progress
}

// Row is one row. Cells is in the order of Reader.Columns and belongs to the
// reader: it is overwritten by the next call of Next. It may be shorter than
// the columns of later rows, which are Null then; see Cell.
type Row struct {
	Position
	Cells []Cell
}

// Cell gives a cell by the column's index, Null for those the row lacks.
func (r Row) Cell(i int) Cell {
	if i < 0 || i >= len(r.Cells) {
		return Cell{}
	}
	return r.Cells[i]
}

// Reader gives the rows of a table, once. It is not safe for concurrent use.
type Reader interface {
	// Columns gives the names of the columns: not empty, unique, at most
	// MaxNameChars. In JSON a row may add columns at the end; two passes over
	// the same bytes number them alike.
	Columns() []string
	// Next gives the next row. Its error is io.EOF at the end, a *RowError for
	// a bad row, after which Next may be called again, a *fault.Error for a
	// file that cannot be understood, or that of the input.
	Next() (Row, error)
	// Position tells how far the reader came.
	Position() Position
}

// RowError says why a row, or one cell of it, cannot be used. Column is the
// column's name, "" if the whole row is bad.
type RowError struct {
	Position
	Column  string
	Code    fault.Code
	Message fault.Message
}

func (e *RowError) Error() string { return e.In("") }

// In gives the whole message in a language of fault.Languages.
func (e *RowError) In(lang string) string { return e.Whole().In(lang) }

// Whole is the message with the place.
func (e *RowError) Whole() fault.Message {
	if e.Column == "" {
		return fault.Msg("row %d (line %d): %s", e.Row, e.Line, e.Message)
	}
	return fault.Msg("row %d (line %d), column %q: %s", e.Row, e.Line, e.Column, e.Message)
}

// Format is how a table is written.
type Format string

// The formats. Auto goes by the content of a workbook, else by the file's name,
// then by its first character.
const (
	Auto  Format = ""
	CSV   Format = "csv"
	XLSX  Format = "xlsx"
	JSON  Format = "json"   // an array of objects
	Lines Format = "ndjson" // one JSON object a line
)

// Options say what is known about the input; the zero value means nothing.
type Options struct {
	// Name is the file's name or path, used for its extension only.
	Name   string
	Format Format
	// Delimiter of CSV: ',', ';', '\t' or '|'; 0 to find out.
	Delimiter byte
	// Sheet of a workbook; "" is the first one.
	Sheet string
}

// Open starts reading a table. UTF-8 with or without a byte order mark, UTF-16
// with one and, when it is neither, Windows-1251 are understood. A workbook can
// be read only from what has ReadAt and Seek, such as a file. An error is a
// *fault.Error with code InvalidParameter if the input is no table.
func Open(r io.Reader, o Options) (Reader, error) {
	in := &counter{r: r}
	raw := bufio.NewReaderSize(in, headSize)
	head, err := raw.Peek(len(oleMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, inputError(err)
	}
	if packed, err := isWorkbook(head, o); err != nil {
		return nil, err
	} else if packed {
		file, ok := r.(randomAccess)
		if !ok {
			return nil, fault.New(fault.InvalidParameter, "a workbook can be read from a file only")
		}
		return openXLSX(file, o.Sheet)
	}
	br := bufio.NewReaderSize(newDecoder(raw), headSize)
	format := o.Format
	if format == Auto {
		if format, err = detect(br, o.Name); err != nil {
			return nil, err
		}
	}
	switch format {
	case CSV:
		return openCSV(br, in, o.Delimiter)
	case JSON:
		return openArray(br, in)
	case Lines:
		return &linesReader{jsonColumns: newJSONColumns(), r: br, in: in}, nil
	}
	return nil, fault.New(fault.InvalidParameter, "the format %q is not known; use csv, xlsx, json or ndjson", string(format))
}

// headSize is how much of the input is looked at before it is understood.
const headSize = 64 << 10

// What workbooks begin with: XLSX is a ZIP archive, older and protected ones
// are compound files.
const (
	zipMagic = "PK"
	oleMagic = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"
)

// isWorkbook tells by the first bytes whether the input is a workbook, and
// fails when it is one that cannot be read, or not what was said.
func isWorkbook(head []byte, o Options) (bool, error) {
	packed := bytes.HasPrefix(head, []byte(zipMagic)) && len(head) > 3 && (head[2] == 3 && head[3] == 4 || head[2] == 5 && head[3] == 6)
	switch {
	case bytes.HasPrefix(head, []byte(oleMagic)):
		return false, fault.New(fault.InvalidParameter, "the workbook is of the old kind or protected by a password; save it as XLSX without one")
	case packed && o.Format != Auto && o.Format != XLSX:
		return false, fault.New(fault.InvalidParameter, "the file is a workbook or a ZIP archive, not %s", string(o.Format))
	case !packed && (o.Format == XLSX || o.Format == Auto && extension(o.Name) == ".xlsx"):
		return false, fault.New(fault.InvalidParameter, "the file is no XLSX workbook")
	}
	return packed, nil
}

func extension(name string) string {
	return strings.ToLower(path.Ext(strings.ReplaceAll(name, `\`, "/")))
}

// detect goes by the extension, then by the first character: "[" starts an array
// of objects and "{" one object a line.
func detect(br *bufio.Reader, name string) (Format, error) {
	ext := extension(name)
	switch ext {
	case ".csv", ".tsv", ".txt":
		return CSV, nil
	case ".ndjson", ".jsonl":
		return Lines, nil
	case ".xls", ".ods":
		return "", fault.New(fault.InvalidParameter, "workbooks of this kind cannot be read; save the sheet as XLSX or CSV")
	}
	head, err := br.Peek(sniffSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", inputError(err)
	}
	switch head := bytes.TrimSpace(head); {
	case bytes.HasPrefix(head, []byte("[")):
		return JSON, nil
	case bytes.HasPrefix(head, []byte("{")), ext == ".json":
		return Lines, nil
	}
	return CSV, nil
}

// sniffSize is how far the first character of JSON is looked for.
const sniffSize = 4 << 10

// Each reads to the end. It gives every good row to row, whose error ends the
// reading, and every bad one to bad.
func Each(r Reader, row func(Row) error, bad func(*RowError)) error {
	for {
		next, err := r.Next()
		var rowErr *RowError
		switch {
		case err == nil:
			err = row(next)
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &rowErr):
			bad(rowErr)
			continue
		}
		if err != nil {
			return err
		}
	}
}

// counter counts the bytes read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func tooManyColumns() error {
	return fault.New(fault.InvalidParameter, "the table has more than %d columns", MaxColumns)
}

// placed tells in which row a file became one that cannot be understood.
func placed(err error, at Position) error {
	if f, ok := err.(*fault.Error); ok {
		return fault.New(f.Code, "%s", (&RowError{Position: at, Message: f.Message}).Whole())
	}
	return err
}

// names makes column names fit: trimmed, not empty, not too long, unique.
type names struct {
	list []string
	used map[string]bool
}

func (n *names) add(name string) {
	if n.used == nil {
		n.used = map[string]bool{}
	}
	name = strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), "\x00", "")
	name = strings.TrimSpace(text.Cut(text.OneLine(strings.TrimSpace(name)), MaxNameChars))
	if name == "" {
		name = fmt.Sprintf("Column %d", len(n.list)+1)
	}
	unique := name
	for i := 2; n.used[unique]; i++ {
		suffix := fmt.Sprintf(" %d", i)
		unique = text.Cut(name, MaxNameChars-len(suffix)) + suffix
	}
	n.used[unique] = true
	n.list = append(n.list, unique)
}

// checkText tells why s cannot be a cell's text.
func checkText(s string) (fault.Message, bool) {
	switch {
	case !utf8.ValidString(s):
		return fault.Msg("the text is not valid UTF-8"), false
	case strings.IndexByte(s, 0) >= 0:
		return fault.Msg("the text contains a NUL character"), false
	case len(s) > MaxCell:
		return cellTooLarge(), false
	}
	return fault.Message{}, true
}

func cellTooLarge() fault.Message {
	return fault.Msg("the cell is larger than %d bytes", MaxCell)
}

func rowTooLarge() fault.Message {
	return fault.Msg("the row is larger than %d bytes", MaxRow)
}

package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"kartoteka/internal/fault"
)

// jsonColumns gathers the keys of objects as columns.
type jsonColumns struct {
	names names
	index map[string]int // by key
	cells []Cell
}

func newJSONColumns() jsonColumns { return jsonColumns{index: map[string]int{}} }

func (c *jsonColumns) Columns() []string { return c.names.list }

func (c *jsonColumns) column(key string) (int, error) {
	if i, ok := c.index[key]; ok {
		return i, nil
	}
	i := len(c.names.list)
	if i == MaxColumns {
		return 0, tooManyColumns()
	}
	c.names.add(key)
	c.index[strings.Clone(key)] = i
	c.cells = append(c.cells, Cell{})
	return i, nil
}

// object reads one row from valid or invalid JSON.
func (c *jsonColumns) object(raw []byte, at Position) (Row, error) {
	bad := &RowError{Position: at, Code: fault.InvalidJSON}
	switch {
	case !json.Valid(raw):
		bad.Message = fault.Msg("the row is not valid JSON")
		return Row{}, bad
	case raw[0] != '{':
		bad.Message = fault.Msg("the row is not an object")
		return Row{}, bad
	}
	clear(c.cells)
	err := splitObject(raw, func(key, value []byte) error {
		i, err := c.column(jsonText(key))
		if err != nil {
			return err
		}
		c.cells[i] = jsonCell(value)
		if problem, ok := checkText(c.cells[i].Text); !ok {
			bad.Column, bad.Message = c.names.list[i], problem
			return bad
		}
		return nil
	})
	return Row{Position: at, Cells: c.cells}, placed(err, at)
}

// splitObject calls field for each member of an object in valid JSON that
// starts with "{".
func splitObject(raw []byte, field func(key, value []byte) error) error {
	i := skipSpace(raw, 1)
	for raw[i] != '}' {
		keyEnd := valueEnd(raw, i)
		start := skipSpace(raw, skipSpace(raw, keyEnd)+1) // the colon
		end := valueEnd(raw, start)
		if err := field(raw[i:keyEnd], raw[start:end]); err != nil {
			return err
		}
		if i = skipSpace(raw, end); raw[i] == ',' {
			i = skipSpace(raw, i+1)
		}
	}
	return nil
}

func skipSpace(raw []byte, i int) int {
	for isSpace(raw[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// valueEnd gives the end of the value that starts at i.
func valueEnd(raw []byte, i int) int {
	var n nesting
	for {
		n.add(raw[i])
		i++
		if n.closed() && (n.compound || strings.IndexByte(",}] \t\r\n:", raw[i]) >= 0) {
			return i
		}
	}
}

// nesting follows strings and brackets through JSON byte by byte.
type nesting struct {
	depth           int
	quoted, escaped bool
	compound        bool // the value is a string, object or array
}

func (n *nesting) add(c byte) {
	switch {
	case n.escaped:
		n.escaped = false
	case n.quoted:
		n.escaped = c == '\\'
		n.quoted = c != '"'
	case c == '"':
		n.quoted, n.compound = true, true
	case c == '{' || c == '[':
		n.depth++
		n.compound = true
	case c == '}' || c == ']':
		n.depth--
	}
}

// closed tells whether no string, object or array is open.
func (n *nesting) closed() bool { return n.depth <= 0 && !n.quoted }

func jsonCell(value []byte) Cell {
	switch value[0] {
	case 'n':
		return Cell{}
	case 't', 'f':
		return Cell{Kind: Bool, Text: string(value)}
	case '"':
		return textCell(jsonText(value))
	case '{', '[':
		var b bytes.Buffer
		_ = json.Compact(&b, value) // valid
		return Cell{Kind: Text, Text: b.String()}
	}
	return Cell{Kind: Number, Text: string(value)}
}

// jsonText decodes a string of valid JSON.
func jsonText(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // valid
	return s
}

// linesReader reads one object a line.
type linesReader struct {
	jsonColumns
	r         *bufio.Reader
	in        *counter
	row, line int
	buf       []byte
}

func (l *linesReader) Position() Position { return Position{l.row, l.line, l.in.n} }

func (l *linesReader) Next() (Row, error) {
	for {
		tooLarge, err := l.readLine()
		if err != nil {
			return Row{}, err
		}
		raw := bytes.TrimSpace(l.buf)
		if len(raw) == 0 && !tooLarge {
			continue
		}
		l.row++
		if tooLarge {
			return Row{}, &RowError{Position: l.Position(), Code: fault.InvalidJSON, Message: rowTooLarge()}
		}
		if l.row == 1 && !json.Valid(raw) {
			return Row{}, fault.New(fault.InvalidJSON, "the file is neither an array of JSON objects nor one object a line")
		}
		return l.object(raw, l.Position())
	}
}

// readLine reads a line of at most MaxRow bytes into buf, and drops the rest.
func (l *linesReader) readLine() (tooLarge bool, err error) {
	l.buf = l.buf[:0]
	l.line++
	for {
		part, err := l.r.ReadSlice('\n')
		if len(l.buf)+len(part) > MaxRow {
			tooLarge = true
		} else {
			l.buf = append(l.buf, part...)
		}
		switch {
		case err == nil:
			return tooLarge, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && (len(l.buf) > 0 || tooLarge):
			return tooLarge, nil
		default:
			return false, inputError(err)
		}
	}
}

package table

import (
	"bufio"
	"errors"
	"io"

	"kartoteka/internal/fault"
)

// arrayReader reads an array of objects. It cuts the array into its elements by
// brackets and quotes alone, so that an element that is not valid harms no
// other.
type arrayReader struct {
	jsonColumns
	r         *bufio.Reader
	in        *counter
	row, line int // line of the next byte
	start     int
	buf       []byte
	done      bool
}

func openArray(br *bufio.Reader, in *counter) (Reader, error) {
	a := &arrayReader{jsonColumns: newJSONColumns(), r: br, in: in, line: 1}
	c, err := a.skip()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if c != '[' || err != nil {
		return nil, fault.New(fault.InvalidJSON, "the file is not an array of JSON objects")
	}
	return a, nil
}

func (a *arrayReader) Position() Position { return Position{a.row, a.start, a.in.n} }

func (a *arrayReader) Next() (Row, error) {
	if a.done {
		return Row{}, io.EOF
	}
	c, err := a.skip()
	if err != nil {
		return Row{}, a.ended(err)
	}
	if c == ']' && a.row == 0 {
		return Row{}, a.finish()
	}
	if a.row++; c == ',' || c == ']' {
		return Row{}, a.broken()
	}
	tooLarge, err := a.element(c)
	if err != nil {
		return Row{}, err
	}
	row, rowErr := Row{}, error(&RowError{Position: a.Position(), Code: fault.InvalidJSON, Message: rowTooLarge()})
	if !tooLarge {
		row, rowErr = a.object(a.buf, a.Position())
	}
	// What follows the element is read now, so that a file that ends too early
	// is never taken for a whole one.
	if err := a.separator(); err != nil {
		return Row{}, err
	}
	return row, rowErr
}

// element reads the element that starts with c into buf, up to MaxRow.
func (a *arrayReader) element(c byte) (tooLarge bool, err error) {
	var n nesting
	a.buf, a.start = a.buf[:0], a.line
	for {
		n.add(c)
		if len(a.buf) < MaxRow {
			a.buf = append(a.buf, c)
		} else {
			tooLarge = true
		}
		if n.closed() && (n.compound || a.atEnd()) {
			return tooLarge, nil
		}
		if c, err = a.read(); err != nil {
			return false, a.ended(err)
		}
	}
}

// atEnd tells whether a number, true, false or null ends here.
func (a *arrayReader) atEnd() bool {
	next, err := a.r.Peek(1)
	return err != nil || isSpace(next[0]) || next[0] == ',' || next[0] == ']'
}

// separator reads the comma or the end of the array.
func (a *arrayReader) separator() error {
	c, err := a.skip()
	switch {
	case err != nil:
		return a.ended(err)
	case c == ',':
		return nil
	case c == ']':
		if err := a.finish(); !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	}
	return a.broken()
}

// finish checks that nothing follows the array; its error is io.EOF then.
func (a *arrayReader) finish() error {
	a.done = true
	if _, err := a.skip(); err != nil {
		return err
	}
	return fault.New(fault.InvalidJSON, "line %d: text follows the end of the array", a.line)
}

func (a *arrayReader) broken() error {
	return fault.New(fault.InvalidJSON, "line %d: a comma, a value or the end of the array is missing", a.line)
}

func (a *arrayReader) ended(err error) error {
	if errors.Is(err, io.EOF) {
		return fault.New(fault.InvalidJSON, "the file ends before its array does, after row %d", a.row)
	}
	return err
}

// skip reads the next byte that is not white space.
func (a *arrayReader) skip() (byte, error) {
	for {
		c, err := a.read()
		if err != nil || !isSpace(c) {
			return c, err
		}
	}
}

func (a *arrayReader) read() (byte, error) {
	c, err := a.r.ReadByte()
	if err != nil {
		return 0, inputError(err)
	}
	if c == '\n' {
		a.line++
	}
	return c, nil
}

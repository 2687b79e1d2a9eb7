package table

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"kartoteka/internal/fault"
)

type csvReader struct {
	names   names
	in      *counter
	scanner scanner
	row     int
	cells   []Cell
}

func openCSV(br *bufio.Reader, in *counter, delimiter byte) (Reader, error) {
	switch delimiter {
	case ',', ';', '\t', '|':
	case 0:
		var err error
		if delimiter, err = findDelimiter(br); err != nil {
			return nil, err
		}
	default:
		return nil, fault.New(fault.InvalidParameter, "the delimiter %q is not known; use a comma, semicolon, tab or vertical bar", string(rune(delimiter)))
	}
	c := &csvReader{in: in, scanner: scanner{r: br, delimiter: delimiter, line: 1}}
	return c, c.header()
}

func (c *csvReader) header() error {
	err := c.scanner.read()
	switch {
	case errors.Is(err, io.EOF):
		return fault.New(fault.InvalidParameter, "the file is empty")
	case err != nil:
		return err
	case c.scanner.problem != nil:
		return fault.New(fault.InvalidParameter, "the header cannot be read: %s", c.scanner.problem.message)
	}
	for i := range c.scanner.ends {
		c.names.add(c.scanner.cell(i))
	}
	return nil
}

func (c *csvReader) Columns() []string { return c.names.list }

func (c *csvReader) Position() Position {
	return Position{Row: c.row, Line: c.scanner.start, Offset: c.in.n}
}

func (c *csvReader) Next() (Row, error) {
	err := c.scanner.read()
	if errors.Is(err, io.EOF) {
		return Row{}, io.EOF
	}
	c.row++
	if err != nil {
		return Row{}, placed(err, c.Position())
	}
	if p := c.scanner.problem; p != nil {
		bad := c.bad(p.cell, p.message)
		if c.scanner.swallowed { // nobody knows how many rows that were
			return Row{}, fault.New(fault.InvalidParameter, "%s", bad.Whole())
		}
		return Row{}, bad
	}
	c.cells = c.cells[:0]
	for i := range c.scanner.ends {
		s := c.scanner.cell(i)
		if i >= len(c.names.list) {
			if s != "" {
				return Row{}, c.bad(-1, fault.Msg("the row has %d cells, the header %d", len(c.scanner.ends), len(c.names.list)))
			}
			continue
		}
		if problem, ok := checkText(s); !ok {
			return Row{}, c.bad(i, problem)
		}
		c.cells = append(c.cells, textCell(s))
	}
	for len(c.cells) < len(c.names.list) {
		c.cells = append(c.cells, Cell{})
	}
	return Row{Position: c.Position(), Cells: c.cells}, nil
}

func textCell(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{Kind: Text, Text: s}
}

func (c *csvReader) bad(cell int, m fault.Message) *RowError {
	e := &RowError{Position: c.Position(), Code: fault.InvalidParameter, Message: m}
	if cell >= 0 && cell < len(c.names.list) {
		e.Column = c.names.list[cell]
	}
	return e
}

// scanner splits CSV into records by RFC 4180, with these liberties: any line
// end, quotes inside an unquoted cell are text, blank lines are skipped.
type scanner struct {
	r         *bufio.Reader
	delimiter byte
	line      int // of the next byte
	start     int // line of the record
	buf       []byte
	ends      []int // where cell i ends in buf
	problem   *problem
	// swallowed says that a quote was not closed and took more lines along.
	swallowed bool
}

// problem is why a record is bad: the first thing that was wrong with it.
type problem struct {
	cell    int
	message fault.Message
}

// cell gives a copy of cell i.
func (s *scanner) cell(i int) string {
	from := 0
	if i > 0 {
		from = s.ends[i-1]
	}
	return string(s.buf[from:s.ends[i]])
}

// read reads the next record that is not a blank line. Its error is io.EOF, a
// *fault.Error or that of the input. A record that cannot be used is read to
// its end and leaves a problem.
func (s *scanner) read() error {
	for {
		s.buf, s.ends, s.problem, s.start = s.buf[:0], s.ends[:0], nil, s.line
		if _, err := s.r.Peek(1); err != nil {
			return inputError(err)
		}
		if err := s.record(); err != nil {
			return err
		}
		if len(s.buf) > 0 || len(s.ends) > 1 || s.problem != nil {
			return nil
		}
	}
}

func inputError(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("read table: %w", err)
}

func (s *scanner) record() error {
	for {
		last, err := s.readCell()
		if err != nil {
			return err
		}
		s.ends = append(s.ends, len(s.buf))
		if last {
			return nil
		}
		if len(s.ends) == MaxColumns {
			return tooManyColumns()
		}
	}
}

// readCell reads a cell and the delimiter or line end after it; last is true
// for the last cell of the record.
func (s *scanner) readCell() (last bool, err error) {
	c, last, done, err := s.next()
	if done || err != nil {
		return last, err
	}
	if c == '"' {
		return s.readQuoted()
	}
	for !done && err == nil {
		s.add(c)
		c, last, done, err = s.next()
	}
	return last, err
}

// readQuoted reads a cell after its opening quote.
func (s *scanner) readQuoted() (last bool, err error) {
	opened, more := s.line, false
	for {
		c, err := s.r.ReadByte()
		if errors.Is(err, io.EOF) {
			if s.swallowed = more; more {
				s.problem = nil // it is what matters
			}
			s.fail(fault.Msg("the quote opened in line %d is not closed", opened))
			return true, nil
		}
		if err != nil {
			return false, inputError(err)
		}
		if c != '"' {
			more = more || s.line > opened
			s.add(c)
			s.countLine(c)
			continue
		}
		if next, err := s.r.Peek(1); err == nil && next[0] == '"' {
			_, _ = s.r.Discard(1) // peeked
			s.add('"')
			continue
		}
		return s.readAfterQuote()
	}
}

// readAfterQuote reads what is between a closing quote and the delimiter, which
// should be nothing but spaces.
func (s *scanner) readAfterQuote() (last bool, err error) {
	for {
		c, last, done, err := s.next()
		if done || err != nil {
			return last, err
		}
		if c != ' ' {
			s.fail(fault.Msg("text follows a closing quote"))
		}
	}
}

// next reads a byte outside of quotes. done is true for a delimiter, a line end
// and the end of the input; last for the latter two.
func (s *scanner) next() (c byte, last, done bool, err error) {
	c, err = s.r.ReadByte()
	switch {
	case errors.Is(err, io.EOF):
		return 0, true, true, nil
	case err != nil:
		return 0, false, false, inputError(err)
	case c == s.delimiter:
		return c, false, true, nil
	case c == '\n' || c == '\r':
		if following, err := s.r.Peek(1); c == '\r' && err == nil && following[0] == '\n' {
			_, _ = s.r.Discard(1) // peeked
		}
		s.line++
		return c, true, true, nil
	}
	return c, false, false, nil
}

// countLine counts "\n", and "\r" unless "\n" follows.
func (s *scanner) countLine(c byte) {
	if c == '\r' {
		following, err := s.r.Peek(1)
		if err != nil || following[0] != '\n' {
			s.line++
		}
	}
	if c == '\n' {
		s.line++
	}
}

// add adds a byte to the cell. After a problem nothing is kept.
func (s *scanner) add(c byte) {
	if s.problem != nil {
		return
	}
	from := 0
	if n := len(s.ends); n > 0 {
		from = s.ends[n-1]
	}
	switch {
	case len(s.buf)-from >= MaxCell:
		s.fail(cellTooLarge())
	case len(s.buf) >= MaxRow:
		s.fail(rowTooLarge())
	default:
		s.buf = append(s.buf, c)
	}
}

func (s *scanner) fail(m fault.Message) {
	if s.problem == nil {
		s.problem = &problem{len(s.ends), m}
	}
}

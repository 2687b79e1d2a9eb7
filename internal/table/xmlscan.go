package table

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"kartoteka/internal/fault"
)

// xmlScanner reads XML in pieces of bounded size: encoding/xml keeps a text or
// a tag whole, however long it is. It knows what workbooks are written in:
// UTF-8, no document type, the five entities and character references. Names
// come without their prefixes.
type xmlScanner struct {
	r     *bufio.Reader
	depth int
	cdata bool
	// closing is set after a start tag that is its own end.
	closing bool

	name  string
	attrs []xmlAttr
	text  []byte
	tag   []byte
	names map[string]string // so that a name is one string
}

type xmlAttr struct{ name, value string }

// xmlToken is what next found.
type xmlToken uint8

const (
	xmlStart xmlToken = iota // name and attrs
	xmlEnd                   // name
	xmlText                  // text: a piece of it
)

const (
	// maxTag bounds a tag with its attributes, in bytes.
	maxTag = 64 << 10
	// xmlPiece bounds a piece of text.
	xmlPiece = 32 << 10
)

func newXMLScanner(r io.Reader) *xmlScanner {
	s := &xmlScanner{r: bufio.NewReaderSize(r, 64<<10), names: map[string]string{}}
	if mark, _ := s.r.Peek(3); bytes.Equal(mark, []byte("\xEF\xBB\xBF")) {
		_, _ = s.r.Discard(3) // peeked
	}
	return s
}

func badXML() error {
	return fault.New(fault.InvalidParameter, "the workbook is damaged: its XML is not valid")
}

// next reads a token; its error is io.EOF after the root element.
func (s *xmlScanner) next() (xmlToken, error) {
	if s.closing {
		s.closing = false
		s.depth--
		return xmlEnd, nil
	}
	for {
		c, err := s.r.Peek(1)
		switch {
		case errors.Is(err, io.EOF) && s.depth == 0 && !s.cdata:
			return 0, io.EOF
		case err != nil:
			return 0, partError(err)
		case s.cdata || c[0] != '<':
			if token, ok, err := s.readText(); ok || err != nil {
				return token, err
			}
			continue
		}
		token, ok, err := s.markup()
		if ok || err != nil {
			return token, err
		}
	}
}

// attr gives an attribute of the last start tag.
func (s *xmlScanner) attr(name string) string {
	for _, a := range s.attrs {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

// readText reads a piece of text; none outside of the root element.
func (s *xmlScanner) readText() (xmlToken, bool, error) {
	s.text = s.text[:0]
	for len(s.text) < xmlPiece {
		if _, err := s.r.Peek(1); err != nil {
			if errors.Is(err, io.EOF) && !s.cdata {
				break
			}
			return 0, false, partError(err)
		}
		buffered, _ := s.r.Peek(min(s.r.Buffered(), xmlPiece)) // cannot fail
		if s.cdata {
			done, err := s.readCDATA(buffered)
			if err != nil {
				return 0, false, err
			}
			if done {
				break
			}
			continue
		}
		n := bytes.IndexAny(buffered, "<&")
		if n < 0 {
			n = len(buffered)
		}
		s.text = append(s.text, buffered[:n]...)
		_, _ = s.r.Discard(n) // peeked
		if n == len(buffered) {
			continue
		}
		if buffered[n] == '<' {
			break
		}
		if err := s.entity(); err != nil {
			return 0, false, err
		}
	}
	return xmlText, s.depth > 0 && len(s.text) > 0, nil
}

// readCDATA takes what is buffered of a section, and its end.
func (s *xmlScanner) readCDATA(buffered []byte) (done bool, err error) {
	if n := bytes.IndexByte(buffered, ']'); n != 0 {
		if n < 0 {
			n = len(buffered)
		}
		s.text = append(s.text, buffered[:n]...)
		_, _ = s.r.Discard(n) // peeked
		return false, nil
	}
	end, err := s.r.Peek(3)
	if err != nil {
		return false, partError(err)
	}
	if string(end) == "]]>" {
		_, _ = s.r.Discard(3) // peeked
		s.cdata = false
		return true, nil
	}
	s.text = append(s.text, ']')
	_, _ = s.r.Discard(1) // peeked
	return false, nil
}

// entity reads one that stands next.
func (s *xmlScanner) entity() error {
	head, err := s.r.Peek(12)
	if err != nil && !errors.Is(err, io.EOF) {
		return partError(err)
	}
	end := bytes.IndexByte(head, ';')
	if end < 0 {
		return badXML()
	}
	s.text, err = appendEntity(s.text, string(head[1:end]))
	_, _ = s.r.Discard(end + 1) // peeked
	return err
}

var xmlEntities = map[string]byte{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\''}

func appendEntity(dst []byte, name string) ([]byte, error) {
	if c, ok := xmlEntities[name]; ok {
		return append(dst, c), nil
	}
	digits, isNumber := strings.CutPrefix(name, "#")
	base := 10
	if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 31)
	if !isNumber || err != nil || !utf8.ValidRune(rune(n)) {
		return dst, badXML()
	}
	return utf8.AppendRune(dst, rune(n)), nil
}

// markup reads what begins with "<"; ok is false for what is skipped.
func (s *xmlScanner) markup() (token xmlToken, ok bool, err error) {
	head, err := s.r.Peek(9)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, false, partError(err)
	}
	switch {
	case bytes.HasPrefix(head, []byte("<?")):
		return 0, false, s.skipPast("?>")
	case bytes.HasPrefix(head, []byte("<!--")):
		return 0, false, s.skipPast("-->")
	case bytes.HasPrefix(head, []byte("<![CDATA[")):
		_, _ = s.r.Discard(9) // peeked
		s.cdata = true
		return 0, false, nil
	case bytes.HasPrefix(head, []byte("<!")):
		return 0, false, fault.New(fault.InvalidParameter, "the workbook's XML has a document type, which is refused")
	}
	if err := s.readTag(); err != nil {
		return 0, false, err
	}
	return s.parseTag()
}

func (s *xmlScanner) skipPast(end string) error {
	last := end[len(end)-1]
	tail := make([]byte, 0, len(end))
	for {
		part, err := s.r.ReadSlice(last)
		tail = append(tail, part[max(0, len(part)-len(end)):]...)
		tail = tail[max(0, len(tail)-len(end)):]
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return partError(err)
		case string(tail) == end:
			return nil
		}
	}
}

// readTag reads up to the ">" that is not in quotes.
func (s *xmlScanner) readTag() error {
	s.tag = s.tag[:0]
	quote := byte(0)
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			return partError(err)
		}
		switch {
		case quote == 0 && c == '>':
			s.tag = s.tag[1:] // "<"
			return nil
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		}
		if s.tag = append(s.tag, c); len(s.tag) > maxTag {
			return badXML()
		}
	}
}

func (s *xmlScanner) parseTag() (token xmlToken, ok bool, err error) {
	tag := s.tag
	if len(tag) > 0 && tag[0] == '/' {
		s.name = s.known(bytes.TrimRight(tag[1:], " \t\r\n"))
		if s.depth--; s.depth < 0 || s.name == "" {
			return 0, false, badXML()
		}
		return xmlEnd, true, nil
	}
	if n := len(tag); n > 0 && tag[n-1] == '/' {
		tag, s.closing = tag[:n-1], true
	}
	end := bytes.IndexAny(tag, " \t\r\n")
	if end < 0 {
		end = len(tag)
	}
	if s.name = s.known(tag[:end]); s.name == "" {
		return 0, false, badXML()
	}
	s.depth++
	return xmlStart, true, s.parseAttrs(tag[end:])
}

func (s *xmlScanner) parseAttrs(rest []byte) error {
	s.attrs = s.attrs[:0]
	for {
		if rest = bytes.TrimLeft(rest, " \t\r\n"); len(rest) == 0 {
			return nil
		}
		name, after, found := bytes.Cut(rest, []byte("="))
		after = bytes.TrimLeft(after, " \t\r\n")
		if !found || len(after) < 2 || after[0] != '"' && after[0] != '\'' {
			return badXML()
		}
		end := bytes.IndexByte(after[1:], after[0])
		if end < 0 {
			return badXML()
		}
		value, err := unescape(after[1 : 1+end])
		if err != nil {
			return err
		}
		s.attrs = append(s.attrs, xmlAttr{s.known(bytes.TrimRight(name, " \t\r\n")), value})
		rest = after[end+2:]
	}
}

func unescape(value []byte) (string, error) {
	if bytes.IndexByte(value, '&') < 0 {
		return string(value), nil
	}
	var out []byte
	for {
		before, rest, found := bytes.Cut(value, []byte("&"))
		out = append(out, before...)
		if !found {
			return string(out), nil
		}
		name, after, found := bytes.Cut(rest, []byte(";"))
		if !found {
			return "", badXML()
		}
		var err error
		if out, err = appendEntity(out, string(name)); err != nil {
			return "", err
		}
		value = after
	}
}

// maxNames bounds the names that are kept.
const maxNames = 1000

// known gives a name without its prefix.
func (s *xmlScanner) known(name []byte) string {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	if n, ok := s.names[string(name)]; ok {
		return n
	}
	if len(s.names) >= maxNames {
		clear(s.names)
	}
	n := string(name)
	s.names[n] = n
	return n
}

// skip reads to the end of the element whose start was read last.
func (s *xmlScanner) skip() error {
	for inside := 1; inside > 0; {
		token, err := s.next()
		if err != nil {
			return partError(err)
		}
		switch token {
		case xmlStart:
			inside++
		case xmlEnd:
			inside--
		}
	}
	return nil
}

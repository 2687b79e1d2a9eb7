package tree

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"kartoteka/internal/fault"
)

// Limits bound what ParseJSON accepts. A zero member means its default.
type Limits struct {
	Depth  int // nested lists and objects; default 64
	Values int // values in all; default 1,000,000
}

const (
	defaultDepth  = 64
	defaultValues = 1_000_000
	// indexFrom is the number of members from which finding a duplicate key
	// goes by a map instead of by comparing all.
	indexFrom = 16
)

// ParseJSON reads one JSON text. Blanks around it are allowed; an empty text
// is not. Every failure is a fault.InvalidJSON that names the byte where it
// was found.
func ParseJSON(data []byte, limits Limits) (Value, error) {
	if limits.Depth == 0 {
		limits.Depth = defaultDepth
	}
	if limits.Values == 0 {
		limits.Values = defaultValues
	}
	if i := invalidUTF8(data); i >= 0 {
		return Value{}, bad(i, fault.Msg("the text is not UTF-8"))
	}
	p := parser{src: string(data), limits: limits}
	v, err := p.document()
	if err != nil {
		return Value{}, err
	}
	return v, nil
}

func bad(at int, why fault.Message) error {
	return fault.New(fault.InvalidJSON, "not valid JSON: %s (byte %d)", why, at)
}

// Offset gives the byte where ParseJSON found that a text is not JSON; false for other
// errors.
func Offset(err error) (int, bool) {
	var e *fault.Error
	if !errors.As(err, &e) || e.Code != fault.InvalidJSON || len(e.Message.Args) != 2 {
		return 0, false
	}
	at, ok := e.Message.Args[1].(int)
	return at, ok
}

func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
	return -1
}

type parser struct {
	src    string
	pos    int
	depth  int
	values int
	limits Limits
}

func (p *parser) document() (Value, error) {
	p.blanks()
	v, err := p.value()
	if err != nil {
		return Value{}, err
	}
	p.blanks()
	if p.pos < len(p.src) {
		return Value{}, bad(p.pos, fault.Msg("text after the end of the value"))
	}
	return v, nil
}

func (p *parser) blanks() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// peek gives the next byte, 0 at the end: U+0000 is valid nowhere in JSON.
func (p *parser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

func (p *parser) unexpected() error {
	if p.pos >= len(p.src) {
		return bad(p.pos, fault.Msg("the text ends too early"))
	}
	return bad(p.pos, fault.Msg("unexpected character"))
}

func (p *parser) value() (Value, error) {
	p.values++
	if p.values > p.limits.Values {
		return Value{}, bad(p.pos, fault.Msg("more than %d values", p.limits.Values))
	}
	switch c := p.peek(); c {
	case '{':
		return p.nested(p.object)
	case '[':
		return p.nested(p.list)
	case '"':
		s, err := p.str()
		return Value{Kind: String, text: s}, err
	case 't':
		return Value{Kind: Bool, yes: true}, p.word("true")
	case 'f':
		return Value{Kind: Bool}, p.word("false")
	case 'n':
		return Value{}, p.word("null")
	default:
		return p.number()
	}
}

func (p *parser) word(w string) error {
	if !strings.HasPrefix(p.src[p.pos:], w) {
		return p.unexpected()
	}
	p.pos += len(w)
	return nil
}

func (p *parser) nested(read func() (Value, error)) (Value, error) {
	p.depth++
	if p.depth > p.limits.Depth {
		return Value{}, bad(p.pos, fault.Msg("nested deeper than %d levels", p.limits.Depth))
	}
	p.pos++
	v, err := read()
	p.depth--
	return v, err
}

func (p *parser) list() (Value, error) {
	p.blanks()
	if p.peek() == ']' {
		p.pos++
		return NewList(nil), nil
	}
	var items []Value
	for {
		p.blanks()
		item, err := p.value()
		if err != nil {
			return Value{}, err
		}
		items = append(items, item)
		more, err := p.next(']')
		if err != nil {
			return Value{}, err
		}
		if !more {
			return NewList(items), nil
		}
	}
}

// next passes the comma or the end of a list or object.
func (p *parser) next(end byte) (more bool, err error) {
	p.blanks()
	switch p.peek() {
	case ',':
		p.pos++
		return true, nil
	case end:
		p.pos++
		return false, nil
	}
	return false, p.unexpected()
}

func (p *parser) object() (Value, error) {
	p.blanks()
	if p.peek() == '}' {
		p.pos++
		return NewObject(nil), nil
	}
	var m members
	for {
		if err := p.member(&m); err != nil {
			return Value{}, err
		}
		more, err := p.next('}')
		if err != nil {
			return Value{}, err
		}
		if !more {
			v := NewObject(m.fields)
			v.duplicates = v.duplicates || m.duplicates
			return v, nil
		}
	}
}

func (p *parser) member(m *members) error {
	p.blanks()
	if p.peek() != '"' {
		return p.unexpected()
	}
	key, err := p.str()
	if err != nil {
		return err
	}
	p.blanks()
	if p.peek() != ':' {
		return p.unexpected()
	}
	p.pos++
	p.blanks()
	v, err := p.value()
	if err != nil {
		return err
	}
	m.set(key, v)
	return nil
}

// members collects an object; a repeated key keeps its first place and takes
// its last value, as JavaScript does.
type members struct {
	fields     []Field
	index      map[string]int
	duplicates bool
}

func (m *members) set(key string, v Value) {
	if i := m.find(key); i >= 0 {
		m.fields[i].Value = v
		m.duplicates = true
		return
	}
	if m.index != nil {
		m.index[key] = len(m.fields)
	}
	m.fields = append(m.fields, Field{key, v})
}

func (m *members) find(key string) int {
	if m.index == nil && len(m.fields) >= indexFrom {
		m.index = make(map[string]int, 2*indexFrom)
		for i := range m.fields {
			m.index[m.fields[i].Key] = i
		}
	}
	if m.index != nil {
		if i, ok := m.index[key]; ok {
			return i
		}
		return -1
	}
	for i := range m.fields {
		if m.fields[i].Key == key {
			return i
		}
	}
	return -1
}

func (p *parser) number() (Value, error) {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	if p.peek() == '0' {
		p.pos++
	} else if err := p.digits(); err != nil {
		return Value{}, err
	}
	plain := true
	if p.peek() == '.' {
		p.pos++
		if err := p.digits(); err != nil {
			return Value{}, err
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		plain = false
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if err := p.digits(); err != nil {
			return Value{}, err
		}
	}
	literal := p.src[start:p.pos]
	if plain && len(literal) < 300 { // cannot reach 1.8e308
		return Value{Kind: Number, text: literal}, nil
	}
	if _, err := strconv.ParseFloat(literal, 64); err != nil {
		return Value{}, bad(start, fault.Msg("the number is too large"))
	}
	return Value{Kind: Number, text: literal}, nil
}

func (p *parser) digits() error {
	start := p.pos
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	if p.pos == start {
		return p.unexpected()
	}
	return nil
}

// str reads a string; one without escapes shares the source's memory.
func (p *parser) str() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '"':
			p.pos++
			return p.src[start : p.pos-1], nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", p.control()
		}
		p.pos++
	}
	return "", p.unexpected()
}

func (p *parser) control() error {
	if p.src[p.pos] == 0 {
		return bad(p.pos, errNUL)
	}
	return bad(p.pos, fault.Msg("a control character inside a string"))
}

var (
	errNUL       = fault.Msg("the character U+0000 is not allowed")
	errSurrogate = fault.Msg("half of a surrogate pair")
)

// escaped goes on with a string that started at start and has an escape at
// the present place.
func (p *parser) escaped(start int) (string, error) {
	buf := make([]byte, 0, p.pos-start+32)
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '"':
			buf = append(buf, p.src[start:p.pos]...)
			p.pos++
			return string(buf), nil
		case c == '\\':
			buf = append(buf, p.src[start:p.pos]...)
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			buf = utf8.AppendRune(buf, r)
			start = p.pos
		case c < ' ':
			return "", p.control()
		default:
			p.pos++
		}
	}
	return "", p.unexpected()
}

func (p *parser) escape() (rune, error) {
	p.pos++
	c := p.peek()
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 && c != 0 {
		p.pos++
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, p.unexpected()
	}
	return p.unicode()
}

// unicode reads uXXXX, and the second half of a surrogate pair.
func (p *parser) unicode() (rune, error) {
	at := p.pos - 1
	r, err := p.hex4()
	if err != nil {
		return 0, err
	}
	switch {
	case r == 0:
		return 0, bad(at, errNUL)
	case !utf16.IsSurrogate(r):
		return r, nil
	case !strings.HasPrefix(p.src[p.pos:], `\u`):
		return 0, bad(at, errSurrogate)
	}
	p.pos++
	low, err := p.hex4()
	if err != nil {
		return 0, err
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, bad(at, errSurrogate)
	}
	return r, nil
}

func (p *parser) hex4() (rune, error) {
	p.pos++
	var r rune
	for range 4 {
		d := strings.IndexByte("0123456789abcdef", p.peek()|0x20)
		if d < 0 || p.peek() < '0' {
			return 0, p.unexpected()
		}
		r = r<<4 | rune(d)
		p.pos++
	}
	return r, nil
}

package domain

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"kartoteka/internal/query/tree"
)

// literal is a value with the byte where it was written.
type literal struct {
	value tree.Value
	items []literal // of a list or tuple
	at    int
}

// literals reads JSON and what Python writes alike: lists and tuples, texts in either
// quotes, numbers, true, false, null, True, False and None.
type literals struct {
	src   string
	pos   int
	depth int
	most  int // levels of the domain
}

// parseLiteral reads the literal of a domain of that many levels.
func parseLiteral(s string, depth int) (literal, error) {
	if !utf8.ValidString(s) {
		return literal{}, bad(0, "the text is not UTF-8")
	}
	p := &literals{src: s, most: depth}
	l, err := p.value()
	if err != nil {
		return l, err
	}
	if p.blanks(); p.pos < len(s) {
		return l, bad(p.pos, "there is text after its end")
	}
	return l, nil
}

func (p *literals) blanks() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// peek gives the next byte, 0 at the end.
func (p *literals) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

func (p *literals) unexpected() error {
	if p.pos >= len(p.src) {
		e := bad(p.pos, "it ends too early; in a query string an & within the domain is written %s", "%26")
		e.Hint = "%26"
		return e
	}
	return bad(p.pos, "unexpected character")
}

func (p *literals) value() (l literal, err error) {
	p.blanks()
	l.at = p.pos
	switch c := p.peek(); {
	case c == '[':
		return p.list(']')
	case c == '(':
		return p.list(')')
	case c == '"' || c == '\'':
		l.value, err = p.str()
	case (c == 'u' || c == 'U') && p.pos+1 < len(p.src) && strings.IndexByte(`"'`, p.src[p.pos+1]) >= 0:
		p.pos++ // Python 2 wrote texts so
		l.value, err = p.str()
	case c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.':
		l.value, err = p.number()
	default:
		l.value, err = p.word()
	}
	return l, err
}

// list reads a list or a tuple. What parentheses hold alone, without a comma, is no
// tuple to Python.
func (p *literals) list(end byte) (literal, error) {
	l := literal{at: p.pos}
	if p.depth++; p.depth > 2*p.most+4 { // a level of a domain takes two
		return l, bad(p.pos, "it nests deeper than %d levels", p.most)
	}
	p.pos++
	var values []tree.Value
	comma := false
	for {
		if p.blanks(); p.peek() == end {
			break
		}
		if len(l.items) > 0 && !comma {
			return l, p.unexpected()
		}
		item, err := p.value()
		if err != nil {
			return l, err
		}
		l.items, values = append(l.items, item), append(values, item.value)
		p.blanks()
		if comma = p.peek() == ','; comma {
			p.pos++
		}
	}
	p.pos++
	p.depth--
	if end == ')' && len(l.items) == 1 && !comma {
		return l.items[0], nil
	}
	l.value = tree.NewList(values)
	return l, nil
}

// words are the values that have names.
var words = map[string]string{"true": "true", "True": "true", "false": "false", "False": "false", "null": "null", "None": "null"}

func (p *literals) word() (tree.Value, error) {
	end := p.pos
	for end < len(p.src) && (p.src[end]|0x20 >= 'a' && p.src[end]|0x20 <= 'z' || p.src[end] == '_') {
		end++
	}
	word, ok := words[p.src[p.pos:end]]
	if !ok {
		if end > p.pos {
			return tree.Value{}, bad(p.pos, "only texts, numbers, lists, true, false and null are values, not names")
		}
		return tree.Value{}, p.unexpected()
	}
	p.pos = end
	return scalar(word), nil
}

// scalar is a JSON scalar that is known to be one.
func scalar(s string) tree.Value {
	v, err := tree.ParseJSON([]byte(s), tree.Limits{})
	if err != nil {
		panic(err) // it is one of words, or a number
	}
	return v
}

// number reads a decimal number as JSON or Python have it and gives it as JSON does.
func (p *literals) number() (tree.Value, error) {
	at := p.pos
	sign := ""
	switch p.peek() {
	case '-':
		sign = "-"
		p.pos++
	case '+':
		p.pos++
	}
	whole, fraction := p.digits(), ""
	if p.peek() == '.' {
		p.pos++
		fraction = p.digits()
	}
	if whole+fraction == "" {
		return tree.Value{}, bad(at, "this is no number")
	}
	exponent := ""
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if exponent = "e"; p.peek() == '-' || p.peek() == '+' {
			exponent += string(p.peek())
			p.pos++
		}
		digits := p.digits()
		if exponent += digits; digits == "" {
			return tree.Value{}, bad(at, "this is no number")
		}
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	v, err := tree.ParseJSON([]byte(sign+whole+fraction+exponent), tree.Limits{})
	if err != nil {
		return v, bad(at, "the number is too large")
	}
	return v, nil
}

func (p *literals) digits() string {
	start := p.pos
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	return p.src[start:p.pos]
}

// str reads a text in the quotes that it begins with.
func (p *literals) str() (tree.Value, error) {
	quote := p.src[p.pos]
	p.pos++
	var b strings.Builder
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; c {
		case quote:
			p.pos++
			return tree.NewString(b.String()), nil
		case 0:
			return tree.Value{}, bad(p.pos, "the character U+0000 is not allowed")
		case '\\':
			if err := p.escape(&b); err != nil {
				return tree.Value{}, err
			}
		default:
			b.WriteByte(c)
			p.pos++
		}
	}
	return tree.Value{}, p.unexpected()
}

// escape reads an escape of JSON or Python; before any other character a backslash is
// itself, as in Python: patterns have it.
func (p *literals) escape(b *strings.Builder) error {
	at := p.pos
	p.pos++
	c := p.peek()
	p.pos++
	if i := strings.IndexByte(`"'\/bfnrtav`, c); i >= 0 && c != 0 {
		b.WriteByte("\"'\\/\b\f\n\r\t\a\v"[i])
		return nil
	}
	switch c {
	case 'x':
		return p.code(b, at, 2)
	case 'u':
		return p.code(b, at, 4)
	case 'U':
		return p.code(b, at, 8)
	}
	p.pos--
	b.WriteByte('\\')
	return nil
}

// code reads an escape of so many hexadecimal digits, and the second half of a pair.
func (p *literals) code(b *strings.Builder, at, digits int) error {
	r, ok := p.hex(digits)
	if ok && digits == 4 && utf16.IsSurrogate(r) {
		ok = strings.HasPrefix(p.src[p.pos:], `\u`)
		if ok {
			var low rune
			p.pos += 2
			low, ok = p.hex(4)
			r = utf16.DecodeRune(r, low)
			ok = ok && r != utf8.RuneError
		}
	}
	if !ok || r == 0 || !utf8.ValidRune(r) {
		return bad(at, "this escape is no character")
	}
	b.WriteRune(r)
	return nil
}

func (p *literals) hex(digits int) (rune, bool) {
	if len(p.src)-p.pos < digits {
		return 0, false
	}
	n, err := strconv.ParseUint(p.src[p.pos:p.pos+digits], 16, 32)
	p.pos += digits
	return rune(n), err == nil && n <= utf8.MaxRune
}

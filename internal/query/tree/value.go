package tree

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// Kind tells what a Value is.
type Kind uint8

// The kinds of JSON. The zero Value is Null.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Object
)

var kindNames = [...]string{"null", "boolean", "number", "string", "list", "object"}

// String names the kind as a message for callers would.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Value is one JSON value. It is small (32 bytes), is passed by value, and is
// not changed after it was made. Its strings share the memory of the parsed
// text: clone a string that outlives the request.
type Value struct {
	Kind       Kind
	yes        bool
	duplicates bool
	text       string // String: its content; Number: its literal
	kids       *kids  // List, Object; nil when empty
}

type kids struct {
	items  []Value
	fields []Field
}

// Field is one member of an object.
type Field struct {
	Key   string
	Value Value
}

// NewString makes a string.
func NewString(s string) Value { return Value{Kind: String, text: s} }

// NewBool makes a boolean.
func NewBool(yes bool) Value { return Value{Kind: Bool, yes: yes} }

// NewNumber makes a number of its literal, which must be one of JSON.
func NewNumber(literal string) Value { return Value{Kind: Number, text: literal} }

// NewList makes a list, which keeps the slice.
func NewList(items []Value) Value {
	v := Value{Kind: List}
	if len(items) > 0 {
		v.kids = &kids{items: items}
	}
	for i := range items {
		v.duplicates = v.duplicates || items[i].duplicates
	}
	return v
}

// NewObject makes an object, which keeps the slice; keys must differ.
func NewObject(fields []Field) Value {
	v := Value{Kind: Object}
	if len(fields) > 0 {
		v.kids = &kids{fields: fields}
	}
	for i := range fields {
		v.duplicates = v.duplicates || fields[i].Value.duplicates
	}
	return v
}

// IsNull tells whether v is null.
func (v Value) IsNull() bool { return v.Kind == Null }

// True tells whether v is the boolean true.
func (v Value) True() bool { return v.Kind == Bool && v.yes }

// Str gives the content of a string, "" for any other kind.
func (v Value) Str() string {
	if v.Kind != String {
		return ""
	}
	return v.text
}

// Text gives the content of a string or the literal of a number: ids may come
// as either. It is "" for any other kind.
func (v Value) Text() string { return v.text }

// Float gives a number as a double; false for any other kind.
func (v Value) Float() (float64, bool) {
	if v.Kind != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.text, 64)
	return f, err == nil
}

// Int gives a number that is whole, also written as 1.0 or 1e3; false for a
// fraction, for one beyond 2^53 not written as plain digits, and for any other
// kind.
func (v Value) Int() (int64, bool) {
	if v.Kind != Number {
		return 0, false
	}
	if n, err := strconv.ParseInt(v.text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(v.text, 64)
	const exact = 1 << 53
	if err != nil || f < -exact || f > exact || f != float64(int64(f)) {
		return 0, false
	}
	return int64(f), true
}

// Len gives the number of items or fields, 0 for a scalar.
func (v Value) Len() int {
	if v.kids == nil {
		return 0
	}
	return len(v.kids.items) + len(v.kids.fields)
}

// Items gives the elements of a list, nil for any other kind. The caller must
// not change them.
func (v Value) Items() []Value {
	if v.kids == nil {
		return nil
	}
	return v.kids.items
}

// Fields gives the members of an object in their order, nil for any other
// kind. The caller must not change them.
func (v Value) Fields() []Field {
	if v.kids == nil {
		return nil
	}
	return v.kids.fields
}

// Get gives the member of that key; false when there is none or v is not an
// object. It takes time linear in the number of members.
func (v Value) Get(key string) (Value, bool) {
	fields := v.Fields()
	for i := range fields {
		if fields[i].Key == key {
			return fields[i].Value, true
		}
	}
	return Value{}, false
}

// Duplicates tells whether v, or an object anywhere inside it, named one key
// twice when it was parsed. The last value won.
func (v Value) Duplicates() bool { return v.duplicates }

// Any gives v in Go's terms: nil, bool, json.Number, string, []any or
// map[string]any.
func (v Value) Any() any {
	switch v.Kind {
	case Bool:
		return v.yes
	case Number:
		return json.Number(v.text)
	case String:
		return v.text
	case List:
		list := make([]any, 0, v.Len())
		for _, item := range v.Items() {
			list = append(list, item.Any())
		}
		return list
	case Object:
		object := make(map[string]any, v.Len())
		for _, f := range v.Fields() {
			object[f.Key] = f.Value.Any()
		}
		return object
	}
	return nil
}

// AppendJSON appends v as JSON.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.Kind {
	case Bool:
		return strconv.AppendBool(dst, v.yes)
	case Number:
		return append(dst, v.text...)
	case String:
		return AppendString(dst, v.text)
	case List:
		return appendList(dst, v.Items())
	case Object:
		return appendObject(dst, v.Fields())
	}
	return append(dst, "null"...)
}

func appendList(dst []byte, items []Value) []byte {
	dst = append(dst, '[')
	for i := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = items[i].AppendJSON(dst)
	}
	return append(dst, ']')
}

func appendObject(dst []byte, fields []Field) []byte {
	dst = append(dst, '{')
	for i := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, fields[i].Key)
		dst = append(dst, ':')
		dst = fields[i].Value.AppendJSON(dst)
	}
	return append(dst, '}')
}

const hex = "0123456789abcdef"

// unsafeASCII are the ASCII bytes that a JSON string must escape.
var unsafeASCII = func() (t [utf8.RuneSelf]bool) {
	for c := range ' ' {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

// AppendString appends s as a JSON string; invalid UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c < utf8.RuneSelf && !unsafeASCII[c]:
			i++
		case c < utf8.RuneSelf:
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
			i++
			start = i
		case c >= 0xC2 && c <= 0xDF && i+1 < len(s) && s[i+1]&0xC0 == 0x80: // Cyrillic, Greek
			i += 2
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\uFFFD"...)
				start = i + 1
			}
			i += size
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}

package apisync

import (
	"bytes"
	"strings"
)

// keys are names whose values are hidden, in lower case.
type keys struct {
	names   map[string]bool
	longest int
}

func (k *keys) add(name string) {
	name = strings.ToLower(name)
	if name == "" || k.names[name] {
		return
	}
	if k.names == nil {
		k.names = map[string]bool{}
	}
	k.names[name] = true
	k.longest = max(k.longest, len(name))
}

// has tells whether a name, as it stands in JSON or in quotes of Python, is one of them.
func (k *keys) has(name []byte) bool {
	if len(name) == 0 || len(name) > 12*k.longest {
		return false
	}
	for { // \uXXXX in JSON within JSON is \\uXXXX
		v := (view{data: name}).unescaped()
		if v == nil {
			break
		}
		name = v.data
	}
	return k.names[strings.ToLower(string(name))]
}

// find appends the spans of values whose keys are hidden, in a text that is JSON or has
// some in it, also as a string in JSON, also cut off, also as Python prints it. A
// criterion of a domain (["key","=",value]) counts too. It gives the values to each.
func (k *keys) find(spans []hole, text []byte, each func(value []byte)) []hole {
	if len(k.names) == 0 {
		return spans
	}
	for i := 0; i < len(text); i++ {
		q := text[i]
		if q != '"' && q != '\'' {
			continue
		}
		level := slashes(text, i)
		end := i + 1
		for end < len(text) && end-i <= 12*k.longest+2 && (text[end] != q || !closes(text, end, level)) {
			end++
		}
		if end >= len(text) || text[end] != q || !k.has(text[i+1:end-min(level, end-i-1)]) {
			continue
		}
		from, ok := valueAfter(text, i, end+1, level)
		if !ok {
			continue
		}
		s, inner := valueAt(text, from)
		if s.from >= s.to {
			continue
		}
		spans = append(spans, s)
		each(inner)
		i = max(i, s.to-1)
	}
	return spans
}

// maxOperator is within how many bytes an operator of a domain and its quotes are.
const maxOperator = 40

// slashes counts the backslashes before i.
func slashes(text []byte, i int) (n int) {
	for n < i && text[i-n-1] == '\\' {
		n++
	}
	return n
}

// closes tells whether the quote at i ends a string that began with one after level
// backslashes: 0 in JSON, 1 in a string of JSON, 3 in a string of that.
func closes(text []byte, i, level int) bool { return slashes(text, i)%(2*level+2) == level }

// valueAfter is where the value of a key begins that stood at start and ended before at.
func valueAfter(text []byte, start, at, level int) (int, bool) {
	at = blank(text, at)
	if at >= len(text) {
		return 0, false
	}
	if text[at] == ':' {
		return blank(text, at+1), true
	}
	// A criterion: an operator comes between.
	before := start - level
	for before > 0 && isJSONSpace(text[before-1]) {
		before--
	}
	if text[at] != ',' || before == 0 || text[before-1] != '[' && text[before-1] != '(' {
		return 0, false
	}
	operator := text[at+1 : min(at+1+maxOperator, len(text))]
	comma := bytes.IndexByte(operator, ',')
	if comma < 0 {
		return 0, false
	}
	return blank(text, at+1+comma+1), true
}

func blank(text []byte, i int) int {
	for i < len(text) && isJSONSpace(text[i]) {
		i++
	}
	return i
}

func isJSONSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// valueAt is the span of a value: of a string what is within its quotes, else all of it.
// inner is what was there. A value that is cut off goes to the end.
func valueAt(text []byte, from int) (s hole, inner []byte) {
	q := from
	for q < len(text) && text[q] == '\\' {
		q++
	}
	if q >= len(text) {
		return hole{from, len(text), hidden}, nil
	}
	switch c := text[q]; c {
	case '"', '\'':
		to := stringEnd(text, q)
		return hole{q + 1, to, hidden}, text[q+1 : to]
	case '[', '{', '(':
		to := boxEnd(text, q)
		return hole{q, to, `"` + hidden + `"`}, text[q:to]
	}
	to := q
	for to < len(text) && !isJSONSpace(text[to]) && bytes.IndexByte([]byte(`,]})"'\&`), text[to]) < 0 {
		to++
	}
	if string(text[q:to]) == "null" || string(text[q:to]) == "None" {
		return hole{q, q, ""}, nil
	}
	return hole{q, to, `"` + hidden + `"`}, text[q:to]
}

// stringEnd is where the content of a string ends whose quote is at i: before the
// closing quote and its backslashes, or at the end of a text that is cut off.
func stringEnd(text []byte, i int) int {
	level := slashes(text, i)
	for j := i + 1; j < len(text); j++ {
		if text[j] == text[i] && closes(text, j, level) {
			return max(j-level, i+1)
		}
	}
	return len(text)
}

// boxEnd is where an array or object ends that begins at i.
func boxEnd(text []byte, i int) int {
	depth := 0
	for j := i; j < len(text); j++ {
		switch text[j] {
		case '[', '{', '(':
			depth++
		case ']', '}', ')':
			if depth--; depth == 0 {
				return j + 1
			}
		case '"', '\'':
			j = stringEnd(text, j)
			j += min(slashesAfter(text, j), len(text)-j)
		}
	}
	return len(text)
}

// slashesAfter counts the backslashes from i on.
func slashesAfter(text []byte, i int) (n int) {
	for i+n < len(text) && text[i+n] == '\\' {
		n++
	}
	return n
}

// eachText gives the strings and numbers in a value, as their encoding has them.
func eachText(value []byte, each func([]byte)) {
	if len(value) == 0 {
		return
	}
	if c := value[0]; c != '[' && c != '{' && c != '(' {
		each(value)
		return
	}
	for i := 1; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"' || c == '\'':
			to := stringEnd(value, i)
			text := value[i+1 : to]
			i = to + slashesAfter(value, to)
			if next := blank(value, i+1); next >= len(value) || value[next] != ':' {
				each(text)
			}
		case c == '-' || '0' <= c && c <= '9':
			from := i
			for i < len(value) && !isJSONSpace(value[i]) && bytes.IndexByte([]byte(",]})"), value[i]) < 0 {
				i++
			}
			each(value[from:i])
		}
	}
}

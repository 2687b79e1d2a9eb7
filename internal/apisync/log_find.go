package apisync

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// minSecret is the length of the shortest stored secret that is looked for in texts.
	minSecret = 8
	// minNeedle is the length of the shortest text that can be looked for.
	minNeedle = 4
)

// hole is a part of a text that is replaced.
type hole struct {
	from, to int
	by       string
}

// needles finds secrets in texts, however they are encoded: raw, in base64 (of both
// alphabets, at any offset), percent-encoded, escaped as in JSON, or two of the latter.
// They belong to one goroutine.
type needles struct {
	scratch []byte
	first   [1 << 10]uint64 // a filter of the first four bytes' hashes
	byHead  map[uint32][]needle
}

type needle struct {
	text   []byte // with plain letters, see plainLetters
	base64 bool
}

// plainLetters makes equal what encodings do not keep apart: + - and space, _ and /. Base64 has
// two alphabets, and forms write + for a space.
var plainLetters = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
	}
	t['+'], t['-'], t['_'] = ' ', ' ', '/'
	return t
}()

func flatten(s []byte) []byte {
	for i, c := range s {
		s[i] = plainLetters[c]
	}
	return s
}

// newNeedles looks for texts; those that are too short are left out. nil if none is left.
func newNeedles(texts []string) *needles {
	n := &needles{byHead: map[uint32][]needle{}}
	for _, s := range texts {
		if len(s) < minNeedle {
			continue
		}
		n.add(needle{flatten([]byte(s)), false})
		for _, form := range forms(s) {
			n.add(needle{flatten([]byte(form)), false})
		}
		if len(s) < minSecret {
			continue
		}
		for offset := range 3 {
			n.add(needle{flatten(inBase64(s, offset)), true})
		}
	}
	if len(n.byHead) == 0 {
		return nil
	}
	return n
}

// forms are the usual encodings of a text, and those of these. They are found by decoding
// too, but not where what stands before them changes how they are decoded.
func forms(s string) (all []string) {
	for _, form := range encoded(s) {
		all = append(all, form)
		all = append(all, encoded(form)...)
	}
	return slices.DeleteFunc(all, func(form string) bool { return form == s || len(form) < minNeedle })
}

// encoded are the encodings that differ from a text.
func encoded(s string) []string {
	plain, _ := json.Marshal(s) // of a text it never fails
	var html bytes.Buffer
	e := json.NewEncoder(&html)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // nor does this
	inJSON := html.String()[1 : html.Len()-2]
	list := []string{
		url.QueryEscape(s), url.PathEscape(s), string(plain[1 : len(plain)-1]), inJSON, strings.ReplaceAll(inJSON, "/", `\/`),
	}
	return slices.DeleteFunc(list, func(form string) bool { return form == s })
}

// inBase64 are the letters that a text has in base64 at an offset of its first byte,
// whatever stands around it.
func inBase64(s string, offset int) []byte {
	padded := append(make([]byte, offset, offset+len(s)), s...)
	code := base64.RawStdEncoding.AppendEncode(nil, padded)
	from := (offset*8 + 5) / 6
	to := (offset + len(s)) * 8 / 6
	return code[from:to]
}

func (n *needles) add(one needle) {
	head := binary.LittleEndian.Uint32(one.text)
	if slices.ContainsFunc(n.byHead[head], func(o needle) bool { return string(o.text) == string(one.text) && o.base64 == one.base64 }) {
		return
	}
	n.byHead[head] = append(n.byHead[head], one)
	h := hashHead(head)
	n.first[h>>6] |= 1 << (h & 63)
}

func hashHead(head uint32) uint32 { return head * 2654435769 >> 16 }

// find appends the spans of a text that are to be hidden.
func (n *needles) find(spans []hole, text []byte) []hole {
	if n == nil || len(text) < minNeedle {
		return spans
	}
	v := view{data: text}
	spans = n.look(spans, v)
	percent, escaped := v.percent(), v.unescaped()
	for _, w := range []*view{percent, escaped} {
		if w == nil {
			continue
		}
		spans = n.look(spans, *w)
		for _, x := range []*view{w.percent(), w.unescaped()} {
			if x != nil {
				spans = n.look(spans, *x)
			}
		}
	}
	return spans
}

// look finds needles in a view.
func (n *needles) look(spans []hole, v view) []hole {
	n.scratch = append(n.scratch[:0], v.data...)
	d := flatten(n.scratch)
	coded := 0 // the end of the last code
	for i := 0; i+minNeedle <= len(d); i++ {
		head := binary.LittleEndian.Uint32(d[i:])
		if h := hashHead(head); n.first[h>>6]&(1<<(h&63)) == 0 {
			continue
		}
		for _, one := range n.byHead[head] {
			if len(d)-i < len(one.text) || string(d[i:i+len(one.text)]) != string(one.text) {
				continue
			}
			from, to := i, i+len(one.text)
			if one.base64 && to <= coded {
				continue
			}
			if one.base64 { // all of the code, of which the letters at the ends tell a part
				for from > 0 && d[from-1] != '=' && isCode(d[from-1]) {
					from--
				}
				for to < len(d) && isCode(d[to]) {
					to++
				}
				coded = to
			}
			spans = append(spans, hole{v.origin(from), v.origin(to), hidden})
		}
	}
	return spans
}

func isCode(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '='
}

// view is a text that was decoded, and where each of its bytes was before.
type view struct {
	data []byte
	at   []int32 // one more than data; nil when nothing was decoded
}

func (v view) origin(i int) int {
	if v.at == nil {
		return i
	}
	return int(v.at[i])
}

// decode makes a view in which step replaces what it reads. step gives the number of
// bytes that it read at the start of a text, 0 for none.
func (v view) decode(mark byte, step func(text []byte, into []byte) (out []byte, read int)) *view {
	first := slices.Index(v.data, mark)
	if first < 0 {
		return nil
	}
	w := &view{data: make([]byte, 0, len(v.data)), at: make([]int32, 0, len(v.data)+1)}
	changed := false
	for i := 0; i < len(v.data); {
		read := 0
		out := w.data
		if v.data[i] == mark {
			out, read = step(v.data[i:], w.data)
		}
		if read == 0 {
			out, read = append(w.data, v.data[i]), 1
		} else {
			changed = true
		}
		for range len(out) - len(w.data) {
			w.at = append(w.at, int32(v.origin(i)))
		}
		w.data = out
		i += read
	}
	w.at = append(w.at, int32(v.origin(len(v.data))))
	if !changed {
		return nil
	}
	return w
}

// percent undoes percent-encoding.
func (v view) percent() *view {
	return v.decode('%', func(text, into []byte) ([]byte, int) {
		if len(text) < 3 {
			return into, 0
		}
		n, err := strconv.ParseUint(string(text[1:3]), 16, 8)
		if err != nil {
			return into, 0
		}
		return append(into, byte(n)), 3
	})
}

// unescaped undoes the escapes of JSON strings.
func (v view) unescaped() *view {
	return v.decode('\\', func(text, into []byte) ([]byte, int) {
		if len(text) < 2 {
			return into, 0
		}
		switch text[1] {
		case '"', '\\', '/', '\'':
			return append(into, text[1]), 2
		case 'b':
			return append(into, '\b'), 2
		case 'f':
			return append(into, '\f'), 2
		case 'n':
			return append(into, '\n'), 2
		case 'r':
			return append(into, '\r'), 2
		case 't':
			return append(into, '\t'), 2
		case 'u':
			return appendUnicode(into, text)
		case 'x': // of Python
			if len(text) >= 4 {
				if n, err := strconv.ParseUint(string(text[2:4]), 16, 8); err == nil {
					return utf8.AppendRune(into, rune(n)), 4
				}
			}
		}
		return into, 0
	})
}

// appendUnicode reads \uXXXX, or two of them that are one character.
func appendUnicode(into, text []byte) ([]byte, int) {
	first := hex4(text)
	if first < 0 {
		return into, 0
	}
	if utf16.IsSurrogate(first) {
		if second := hex4(text[6:]); second >= 0 {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return utf8.AppendRune(into, r), 12
			}
		}
	}
	return utf8.AppendRune(into, first), 6
}

// hex4 reads \uXXXX, -1 if there is none.
func hex4(text []byte) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

// hidden stands for what is masked.
const hidden = "***"

// replaced gives a text with its spans replaced; those that overlap are one.
func replaced(text []byte, spans []hole) string {
	if len(spans) == 0 {
		return string(text)
	}
	slices.SortFunc(spans, func(a, b hole) int { return a.from - b.from })
	out := make([]byte, 0, len(text))
	done := 0
	for i := 0; i < len(spans); {
		s := spans[i]
		for i++; i < len(spans) && spans[i].from < s.to; i++ {
			s.to = max(s.to, spans[i].to)
		}
		out = append(out, text[done:s.from]...)
		out = append(out, s.by...)
		done = s.to
	}
	return string(append(out, text[done:]...))
}

package text

import (
	"html"
	"strings"
	"unicode"
)

// PlainText gives the readable text of an HTML fragment: tags and comments are
// dropped, the contents of script and style too, character references are
// decoded, ends of blocks, line breaks and table cells become a space. White
// space is collapsed to single spaces and cut at both ends.
//
// It reads what sanitised rich text contains. The result is plain text and must
// be escaped like any other where HTML is expected.
func PlainText(markup string) string {
	var b strings.Builder
	b.Grow(len(markup))
	for markup != "" {
		i := strings.IndexByte(markup, '<')
		if i < 0 {
			b.WriteString(html.UnescapeString(markup))
			break
		}
		b.WriteString(html.UnescapeString(markup[:i]))
		markup = skipMarkup(&b, markup[i:])
	}
	return collapse(b.String())
}

// skipMarkup drops the tag or comment that s starts with, and gives the rest.
// A "<" that starts neither is text.
func skipMarkup(b *strings.Builder, s string) string {
	switch {
	case strings.HasPrefix(s, "<!--"):
		return after(s[4:], "-->")
	case len(s) > 1 && (s[1] == '!' || s[1] == '?'):
		return after(s, ">")
	}
	name, rest, ok := cutTag(s)
	if !ok {
		b.WriteByte('<')
		return s[1:]
	}
	if !inline[name] {
		b.WriteByte(' ')
	}
	if (name == "script" || name == "style") && s[1] != '/' {
		return skipRaw(rest, name)
	}
	return rest
}

// inline are the elements that do not part words.
var inline = map[string]bool{
	"a": true, "abbr": true, "b": true, "bdi": true, "bdo": true, "cite": true, "code": true,
	"del": true, "dfn": true, "em": true, "font": true, "i": true, "ins": true, "kbd": true,
	"mark": true, "q": true, "s": true, "samp": true, "small": true, "span": true, "strike": true,
	"strong": true, "sub": true, "sup": true, "tt": true, "u": true, "var": true, "wbr": true,
}

// cutTag splits a tag from s, which starts with "<". Quoted attributes may
// contain ">". A tag that does not end is dropped to the end.
func cutTag(s string) (name, rest string, ok bool) {
	i := 1
	if i < len(s) && s[i] == '/' {
		i++
	}
	start := i
	if i == len(s) || !isLetter(s[i]) {
		return "", "", false
	}
	for i < len(s) && (isLetter(s[i]) || isDigit(s[i]) || s[i] == '-') {
		i++
	}
	return strings.ToLower(s[start:i]), afterTag(s[i:]), true
}

// afterTag gives what follows the attributes in s. Quotes count only after an
// equals sign: <p it's> is a tag.
func afterTag(s string) string {
	value := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '>':
			return s[i+1:]
		case c == '=':
			value = true
		case value && (c == '"' || c == '\''):
			end := strings.IndexByte(s[i+1:], c)
			if end < 0 {
				return ""
			}
			i += end + 1
			value = false
		case c != ' ' && c != '\t' && c != '\n' && c != '\r':
			value = false
		}
	}
	return ""
}

// skipRaw gives what follows the end tag of an element without markup inside.
func skipRaw(s, name string) string {
	for {
		i := strings.Index(s, "</")
		if i < 0 {
			return ""
		}
		s = s[i+2:]
		if len(s) > len(name) && strings.EqualFold(s[:len(name)], name) && !isLetter(s[len(name)]) {
			return after(s, ">")
		}
	}
}

func after(s, sep string) string {
	_, rest, _ := strings.Cut(s, sep)
	return rest
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func collapse(s string) string { return strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " ") }

package store

import (
	"strconv"
	"strings"
	"sync"
)

// rewriteMost bounds the remembered statements; past it all are forgotten,
// which costs one scan of each anew.
const rewriteMost = 4_096

// rewriter turns ? into $1, $2, ... and remembers the results. The zero value
// is ready.
type rewriter struct {
	mu   sync.RWMutex
	done map[string]string
}

func (w *rewriter) rewrite(sql string) string {
	w.mu.RLock()
	out, ok := w.done[sql]
	w.mu.RUnlock()
	if ok {
		return out
	}
	out = numberPlaceholders(sql)
	if len(sql) > cachedSQL {
		return out
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done == nil || len(w.done) >= rewriteMost {
		w.done = make(map[string]string, 64)
	}
	w.done[sql] = out
	return out
}

// numberPlaceholders numbers the placeholders of sql and copies quoted strings, quoted
// identifiers, dollar quotes and comments as they are.
func numberPlaceholders(sql string) string {
	if !strings.Contains(sql, "?") {
		return sql
	}
	var b strings.Builder
	b.Grow(len(sql) + 16)
	n := 0
	for i := 0; i < len(sql); {
		if skip := quoted(sql, i); skip > 0 {
			b.WriteString(sql[i : i+skip])
			i += skip
			continue
		}
		if sql[i] == '?' {
			n++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
		} else {
			b.WriteByte(sql[i])
		}
		i++
	}
	return b.String()
}

// quoted gives the length of the quoted part that starts at i, 0 for none.
func quoted(sql string, i int) int {
	rest := sql[i:]
	switch {
	case rest[0] == '\'':
		return quotedBy(rest, '\'', escapes(sql, i))
	case rest[0] == '"':
		return quotedBy(rest, '"', false)
	case strings.HasPrefix(rest, "--"):
		return upTo(rest, "\n", 2)
	case strings.HasPrefix(rest, "/*"):
		return blockComment(rest)
	case rest[0] == '$' && !wordEnd(sql[:i]):
		if tag := dollarTag(rest); tag != "" {
			return upTo(rest, tag, len(tag))
		}
	}
	return 0
}

// quotedBy measures a string that ends with quote; a doubled quote is two
// strings side by side, which is the same here.
func quotedBy(s string, quote byte, backslash bool) int {
	for i := 1; i < len(s); i++ {
		if backslash && s[i] == '\\' {
			i++
		} else if s[i] == quote {
			return i + 1
		}
	}
	return len(s)
}

// escapes tells whether the quote at i opens an E'...' string.
func escapes(sql string, i int) bool {
	return i > 0 && (sql[i-1] == 'E' || sql[i-1] == 'e') && !wordEnd(sql[:i-1])
}

// upTo measures up to and with the first end after from.
func upTo(s, end string, from int) int {
	if at := strings.Index(s[from:], end); at >= 0 {
		return from + at + len(end)
	}
	return len(s)
}

// blockComment measures a comment; PostgreSQL nests them.
func blockComment(s string) int {
	depth := 0
	for i := 0; i < len(s)-1; i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// dollarTag gives "$$" or "$tag$" when s starts with one.
func dollarTag(s string) string {
	for i := 1; i < len(s); i++ {
		if s[i] == '$' {
			return s[:i+1]
		}
		if !wordByte(s[i]) || (i == 1 && s[i] >= '0' && s[i] <= '9') {
			return ""
		}
	}
	return ""
}

func wordEnd(s string) bool { return s != "" && (wordByte(s[len(s)-1]) || s[len(s)-1] == '$') }

func wordByte(c byte) bool {
	return c == '_' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

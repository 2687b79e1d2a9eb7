package table

import (
	"bufio"
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// newDecoder gives the text of r as UTF-8 without a byte order mark. Invalid
// UTF-8 after a place that looked like UTF-8 is passed on as it is.
func newDecoder(br *bufio.Reader) io.Reader {
	head, _ := br.Peek(3) // an error comes again with the next read
	switch {
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		_, _ = br.Discard(3) // peeked
		return br
	case bytes.HasPrefix(head, []byte("\xFF\xFE")), bytes.HasPrefix(head, []byte("\xFE\xFF")):
		return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Reader(br)
	}
	return &undecided{br: br}
}

// undecided passes ASCII on, which is the same in both encodings, and decides
// at the first other byte by what follows it.
type undecided struct {
	br      *bufio.Reader
	decided io.Reader
}

func (u *undecided) Read(p []byte) (int, error) {
	if u.decided != nil {
		return u.decided.Read(p)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if _, err := u.br.Peek(1); err != nil {
		return 0, err
	}
	buffered, _ := u.br.Peek(u.br.Buffered()) // cannot fail
	n := asciiPrefix(buffered[:min(len(buffered), len(p))])
	if n > 0 {
		return u.br.Read(p[:n])
	}
	u.decided = u.br
	if head, err := u.br.Peek(headSize); !looksLikeUTF8(head, err != nil) {
		u.decided = charmap.Windows1251.NewDecoder().Reader(u.br)
	}
	return u.decided.Read(p)
}

func asciiPrefix(b []byte) int {
	for i, c := range b {
		if c >= utf8.RuneSelf {
			return i
		}
	}
	return len(b)
}

// looksLikeUTF8 tells whether b is valid UTF-8; unless it is the whole rest, its
// last character may be cut.
func looksLikeUTF8(b []byte, whole bool) bool {
	if whole {
		return utf8.Valid(b)
	}
	for cut := 0; cut < utf8.UTFMax && cut < len(b); cut++ {
		if utf8.Valid(b[:len(b)-cut]) {
			return true
		}
	}
	return false
}

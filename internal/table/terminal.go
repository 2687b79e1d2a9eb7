package table

import (
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
	"golang.org/x/text/width"

	"kartoteka/internal/query/text"
)

// TerminalWidth is how many columns the terminal has that w is; 0 when it is none,
// or does not tell.
func TerminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// Clean makes a text of one line that commands nothing to a terminal: control
// characters become U+FFFD, and what is not seen but turns the direction of
// writing is left out.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.Is(unicode.Cc, r):
			return utf8.RuneError
		case unicode.Is(unicode.Cf, r) && r != zeroNonJoiner && r != zeroJoiner:
			return -1
		}
		return r
	}, text.OneLine(s))
}

// They join and part letters and signs.
const (
	zeroNonJoiner = '\u200c'
	zeroJoiner    = '\u200d'
)

// Columns is how many columns of a terminal a text takes that Clean gave. Where
// that depends on the terminal's settings, a character is one.
func Columns(s string) (n int) {
	for _, r := range s {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	if r < utf8.RuneSelf {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) || '\u1160' <= r && r <= '\u11ff' { // these end a Korean syllable
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Shorten cuts a text to so many columns, at least one; an ellipsis stands for
// the rest.
func Shorten(s string, most int) string {
	if Columns(s) <= most {
		return s
	}
	taken := 0
	for i, r := range s {
		if taken += columnsOf(r); taken > most-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// pad fills a text up to a width, on the left side when it stands right.
func pad(s string, columns int, right bool) string {
	blanks := strings.Repeat(" ", max(0, columns-Columns(s)))
	if right {
		return blanks + s
	}
	return s + blanks
}

// InertCell is a text as a cell of a CSV file: a spreadsheet takes what begins with
// =, +, -, @ or a control character for a formula, so an apostrophe goes before it.
func InertCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

package text

import (
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold gives the form in which texts are compared: NFC, full Unicode case
// folding, the combining dot above (U+0307) dropped and the dotless i turned
// into i. So "İ", "I", "ı" and "i" are one letter, "ß" is "ss" and a final
// sigma is a sigma. Letters that NFC composes with a dot ("ż") keep it.
//
// Fold(Fold(s)) == Fold(s). The result is valid UTF-8: each run of invalid
// bytes becomes U+FFFD. A text that is folded already is returned without an
// allocation.
//
// Fold(a+b) contains Fold(a) and Fold(b) unless b starts with a character that
// joins the end of a: a combining mark or a Hangul vowel or final consonant. A
// search for "e" does not find "e" + U+0301, because that is the letter "é".
func Fold(s string) string {
	if isFoldedASCII(s) {
		return s
	}
	var stack [128]byte
	b := AppendFold(stack[:0], s)
	if string(b) == s {
		return s
	}
	return string(b)
}

// AppendFold appends Fold(s) to dst.
func AppendFold(dst []byte, s string) []byte {
	start, t := len(dst), table()
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			dst = append(dst, lower[c])
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		next, ok := t.appendRune(dst, r)
		if !ok {
			// A mark may join what precedes it, so start again.
			return append(dst[:start], foldSlow(s)...)
		}
		dst, i = next, i+n
	}
	return dst
}

func isFoldedASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || lower[c] != c {
			return false
		}
	}
	return true
}

// lower maps ASCII letters to their lower case.
var lower = func() (t [utf8.RuneSelf]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return t
}()

var caseFold = cases.Fold()

// foldSlow folds any text. NFC comes first because case folding turns the iota
// subscript into a letter, which must follow the other marks, and last because
// case folding takes composed letters apart.
func foldSlow(s string) string {
	s = norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD"))
	s = caseFold.String(s)
	s = strings.Map(foldRest, s)
	return norm.NFC.String(s)
}

// foldRest drops dots, and folds Cherokee as CaseFolding.txt says, to its
// capitals: cases.Fold exchanges small and capital letters there.
func foldRest(r rune) rune {
	switch {
	case r == '\u0307':
		return -1
	case r == 'ı':
		return 'i'
	case 0xAB70 <= r && r <= 0xABBF:
		return r - 0xAB70 + 0x13A0
	case 0x13F8 <= r && r <= 0x13FD:
		return r - 8
	}
	return r
}

// tableSize covers the alphabets in use, punctuation, currency signs and kana.
const tableSize = 0x3400

// foldTable says how to fold single characters below tableSize.
type foldTable struct {
	one  [tableSize]uint16 // the folded character; 0: see many
	many map[rune]string   // characters that fold to several
}

// table holds only characters that cannot join a preceding one, neither as
// they are nor folded; a text of such characters alone may be folded character
// by character. Made on first use, which takes some milliseconds.
var table = sync.OnceValue(newTable)

func newTable() *foldTable {
	t := &foldTable{many: map[rune]string{}}
	for r := rune(1); r < tableSize; r++ {
		s := string(r)
		folded := foldSlow(s)
		if !standsAlone(s) || !standsAlone(folded) {
			continue
		}
		if one, n := utf8.DecodeRuneInString(folded); n == len(folded) && one <= 0xFFFF {
			t.one[r] = uint16(one)
		} else {
			t.many[r] = folded
		}
	}
	return t
}

// standsAlone tells whether no character of s joins what precedes it.
func standsAlone(s string) bool {
	for i := range s {
		if !norm.NFC.PropertiesString(s[i:]).BoundaryBefore() {
			return false
		}
	}
	return s != ""
}

// appendRune folds r by the table; false when that takes its neighbours.
func (t *foldTable) appendRune(dst []byte, r rune) ([]byte, bool) {
	if r >= tableSize {
		if !foldsToItself(r) {
			return dst, false
		}
		return utf8.AppendRune(dst, r), true
	}
	if one := t.one[r]; one != 0 {
		return utf8.AppendRune(dst, rune(one)), true
	}
	many, ok := t.many[r]
	return append(dst, many...), ok
}

// foldsToItself knows the large ranges beyond the table that have no case and
// do not compose with a predecessor.
func foldsToItself(r rune) bool {
	return r <= 0x9FFF || // CJK ideographs, from tableSize
		0xAC00 <= r && r <= 0xD7A3 || // Hangul syllables
		0x1F300 <= r && r <= 0x1FAFF || // emoji
		0x20000 <= r && r <= 0x2A6DF // CJK extension B
}

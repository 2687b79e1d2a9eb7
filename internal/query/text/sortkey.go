package text

import (
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// Limits of a sort key.
const (
	// KeyChars is how many characters of a text decide its order.
	KeyChars = 64
	// MaxKey is the greatest length of a key in bytes. Ordinary text stays
	// below 200; an index row of PostgreSQL may have 2,704.
	MaxKey = 512
)

// secondary is the weight of a character without a mark, the least there is.
const secondary = 0x20

// SortKey gives the bytes by which texts are sorted: bytes.Compare of two keys,
// which is also how both databases compare stored bytes, is the order of the
// Unicode root collation without case, letters first and marks second, of the
// first KeyChars characters. Digits are compared one by one: "10" sorts before
// "9". Texts that differ only in case or in characters without weight (control
// characters) have the same key. The key of "" is nil.
func SortKey(s string) []byte {
	if s == "" {
		return nil
	}
	if key, ok := weights().key(s); ok {
		return key
	}
	s = Cut(s, KeyChars*4) // room for decomposed letters of four characters
	if !norm.NFC.IsNormalString(s) {
		s = norm.NFC.String(s)
	}
	return collatorKey(Cut(s, KeyChars))
}

func collatorKey(s string) []byte {
	k := keyers.Get().(*keyer)
	defer keyers.Put(k)
	k.buf.Reset()
	return ownKey(k.collator.KeyFromString(&k.buf, s))
}

// ownKey gives an exact copy of a key, trimmed and bounded.
func ownKey(key []byte) []byte {
	key = trimKey(key)
	if len(key) > MaxKey {
		key = key[:MaxKey]
	}
	return append([]byte(nil), key...)
}

type keyer struct {
	collator *collate.Collator // not safe for concurrent use
	buf      collate.Buffer
}

var keyers = sync.Pool{New: func() any {
	return &keyer{collator: collate.New(language.Und, collate.IgnoreCase)}
}}

// trimKey drops trailing secondary weights of unmarked characters, and the
// separator when none is left, which halves the keys of most texts. The order
// stays: no secondary weight is less, and no first byte pair of a primary
// weight is 0.
func trimKey(key []byte) []byte {
	sep := separator(key)
	end := len(key)
	for end >= sep+4 && key[end-2] == 0 && key[end-1] == secondary {
		end -= 2
	}
	if end == sep+2 {
		end = sep
	}
	return key[:end]
}

// separator gives the place of the two zero bytes between primary and secondary
// weights.
func separator(key []byte) int {
	sep := 0
	for sep+1 < len(key) && (key[sep] != 0 || key[sep+1] != 0) {
		if key[sep]&0x80 != 0 {
			sep++ // a weight of three bytes
		}
		sep += 2
	}
	return sep
}

// weightTable holds the weights of the Latin, Greek, Cyrillic and Armenian
// letters, the digits and the usual signs. The collator needs microseconds for
// a text, the table a tenth of it.
type weightTable [0x590]struct {
	known              bool
	primary, secondary []byte
}

var weights = sync.OnceValue(func() *weightTable {
	t := new(weightTable)
	k := keyers.Get().(*keyer)
	defer keyers.Put(k)
	for r := range t {
		// U+00B7 has a weight of its own after an l.
		if s := string(rune(r)); standsAlone(s) && r != 0xB7 && r != 0x387 {
			k.buf.Reset()
			key := append([]byte(nil), k.collator.KeyFromString(&k.buf, s)...)
			sep := separator(key)
			t[r].known, t[r].primary, t[r].secondary = true, key[:sep], key[sep+2:]
		}
	}
	return t
})

// key joins the weights of the characters of s; false if one is not in the
// table, or may change the weight of another.
func (t *weightTable) key(s string) ([]byte, bool) {
	var first [8 * KeyChars]byte
	var second [4 * KeyChars]byte
	key, marks, n := first[:0], second[:0], 0
	for _, r := range s {
		if r >= rune(len(t)) || !t[r].known {
			return nil, false
		}
		if n == KeyChars { // its only part was not to join the last one
			break
		}
		key = append(key, t[r].primary...)
		marks = append(marks, t[r].secondary...)
		n++
	}
	key = append(key, 0, 0)
	return ownKey(append(key, marks...)), true
}

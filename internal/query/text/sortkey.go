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
	s = Cut(s, KeyChars*4) // room for decomposed letters of four characters
	if !norm.NFC.IsNormalString(s) {
		s = norm.NFC.String(s)
	}
	s = Cut(s, KeyChars)
	if s == "" {
		return nil
	}
	k := keyers.Get().(*keyer)
	defer keyers.Put(k)
	k.buf.Reset()
	key := trimKey(k.collator.KeyFromString(&k.buf, s))
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
	sep := 0
	for sep+1 < len(key) && (key[sep] != 0 || key[sep+1] != 0) {
		if key[sep]&0x80 != 0 {
			sep++ // a weight of three bytes
		}
		sep += 2
	}
	end := len(key)
	for end >= sep+4 && key[end-2] == 0 && key[end-1] == secondary {
		end -= 2
	}
	if end == sep+2 {
		end = sep
	}
	return key[:end]
}

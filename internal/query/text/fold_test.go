package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestFold(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"ascii folded", "abc-12 z", "abc-12 z"},
		{"ascii", "ABC Xyz[@`{", "abc xyz[@`{"},
		{"NUL stays", "A\x00B", "a\x00b"},
		{"russian", "ПРИВЕТ Ёж", "привет ёж"},
		{"ukrainian", "Їжак ҐАНОК Єдність", "їжак ґанок єдність"},
		{"short i composed", "\u0419", "й"},
		{"short i decomposed", "\u0418\u0306", "й"},
		{"stress mark", "За\u0301мок", "за\u0301мок"},
		{"greek final sigma", "ΟΔΥΣΣΕΥΣ ὈΔΥΣΣΕΎΣ", "οδυσσευσ ὀδυσσεύσ"},
		{"greek sigma ς", "Οδυσσεύς", "οδυσσεύσ"},
		{"greek iota subscript", "ᾼ", "αι"},
		{"greek dialytika tonos", "ΐ", "ΐ"},
		{"turkish capital dotted", "İSTANBUL", "istanbul"},
		{"turkish capital dotted decomposed", "I\u0307STANBUL", "istanbul"},
		{"turkish capital dotless", "ISPARTA", "isparta"},
		{"turkish small dotless", "ısparta", "isparta"},
		{"turkish mixed", "DIYARBAKIR diyarbakır", "diyarbakir diyarbakir"},
		{"dotless with acute", "ı\u0301", "í"},
		{"capital dotted with acute", "İ\u0301", "í"},
		{"german sharp s", "Straße STRASSE", "strasse strasse"},
		{"german capital sharp s", "STRAẞE", "strasse"},
		{"german umlauts", "ÄÖÜ A\u0308", "äöü ä"},
		{"polish dot stays", "Ż z\u0307", "ż ż"},
		{"dot alone", "q\u0307", "q"},
		{"long s with dot", "ẛ", "ṡ"},
		{"ligature", "ﬁx ﬃ", "fix ffi"},
		{"armenian ligature", "և", "եւ"},
		{"georgian", "ᲗᲑᲘᲚᲘ", "თბილი"},
		{"caron j", "ǰ J\u030C", "ǰ ǰ"},
		{"angstrom", "\u212B", "å"},
		{"chinese", "北京Abc", "北京abc"},
		{"hangul jamo", "\u1112\u1161\u11AB", "한"},
		{"hangul syllable and final", "\uD558\u11AB", "한"},
		{"kana voiced", "か\u3099", "が"},
		{"emoji", "OK 👍🏽", "ok 👍🏽"},
		{"deseret beyond the table", "𐐀", "𐐨"},
		{"cherokee", "ꭰᎠᏸᏰ", "ᎠᎠᏰᏰ"},
		{"invalid bytes", "A\xff\xfeБ", "a\uFFFDб"},
		{"replacement character", "\uFFFD", "\uFFFD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Fold(tt.in)
			if got != tt.want {
				t.Errorf("Fold(%+q) = %+q, want %+q", tt.in, got, tt.want)
			}
			if again := Fold(got); again != got {
				t.Errorf("Fold is not idempotent: %+q, then %+q", got, again)
			}
			if app := string(AppendFold([]byte("x"), tt.in)); app != "x"+tt.want {
				t.Errorf("AppendFold = %+q", app)
			}
		})
	}
}

// TestFoldEveryCharacter compares the table with the definition, alone and
// between other characters, and checks idempotence. Large ranges without case
// are sampled.
func TestFoldEveryCharacter(t *testing.T) {
	around := []string{"", "a", "й", "z\u0307", "\u0301", "\u0345", "\u1161"}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		sampled := r >= tableSize && (foldsToItself(r) || r > 0x1FFFF)
		if !utf8.ValidRune(r) || sampled && r%31 != 0 {
			continue
		}
		for i, other := range around {
			if i > 2 && r >= 0x3400 && r%61 != 0 {
				continue
			}
			s := other + string(r) + other
			got, want := Fold(s), foldSlow(s)
			if got != want || Fold(got) != got {
				t.Fatalf("Fold(%+q) = %+q, want %+q; again %+q", s, got, want, Fold(got))
			}
		}
	}
}

func TestFoldAllocations(t *testing.T) {
	Fold("ж")
	for _, tt := range []struct {
		name, in string
		want     float64
	}{
		{"folded ascii", "all lower case 123", 0},
		{"folded cyrillic", "уже свернуто", 0},
		{"upper ascii", "Upper", 1},
		{"upper cyrillic", "Верх", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := testing.AllocsPerRun(100, func() { Fold(tt.in) }); got != tt.want {
				t.Errorf("%v allocations, want %v", got, tt.want)
			}
		})
	}
}

// FuzzFold states what search relies on.
func FuzzFold(f *testing.F) {
	f.Add("Straße", "İ", "x")
	f.Add("a", "\u0301", "b")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		all := Fold(a + b + c)
		if !utf8.ValidString(all) || !norm.NFC.IsNormalString(all) {
			t.Fatalf("Fold(%+q) = %+q: invalid or not NFC", a+b+c, all)
		}
		if again := Fold(all); again != all {
			t.Fatalf("not idempotent: %+q, then %+q", all, again)
		}
		if !utf8.ValidString(b) || !joinsNothing(b) || !joinsNothing(c) {
			return
		}
		if !strings.Contains(all, Fold(b)) {
			t.Fatalf("Fold(%+q) = %+q does not contain %+q", a+b+c, all, Fold(b))
		}
	})
}

// joinsNothing tells whether s starts with a character that does not join what
// precedes it, neither as it is nor folded.
func joinsNothing(s string) bool {
	if s == "" {
		return true
	}
	_, n := utf8.DecodeRuneInString(s)
	first := foldSlow(s[:n])
	return norm.NFC.PropertiesString(s).BoundaryBefore() &&
		(first == "" || norm.NFC.PropertiesString(first).BoundaryBefore())
}

func BenchmarkFold(b *testing.B) {
	for _, bb := range []struct{ name, in string }{
		{"ascii folded", "the quick brown fox jumps over the lazy dog"},
		{"ascii", "The Quick Brown Fox Jumps Over The Lazy Dog"},
		{"russian", "Съешь ещё этих мягких французских булок"},
		{"german", "Falsches Üben von Xylophonmusik quält, Straße"},
		{"decomposed", "За\u0301мок на горе и замо\u0301к на двери"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(bb.in)))
			b.ReportAllocs()
			for b.Loop() {
				Fold(bb.in)
			}
		})
	}
}

func BenchmarkTable(b *testing.B) {
	for b.Loop() {
		newTable()
	}
}

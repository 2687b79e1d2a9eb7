package text

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

func TestSortKeyOrder(t *testing.T) {
	tests := []struct {
		name string
		want []string
	}{
		{"empty first", []string{"", " ", "a"}},
		{"prefix first", []string{"a", "a b", "aa", "ab"}},
		{"case does not part words", []string{"apple", "Banana", "cherry"}},
		{"marks after letters", []string{"cote", "coté", "côte", "côté", "coter"}},
		{"german", []string{"Apfel", "Äpfel", "Apfelbaum", "Zebra"}},
		{"sharp s", []string{"Strasa", "Straße", "Strassf"}},
		{"russian", []string{"Ежи", "Ёлка", "Ель", "Жук", "Яма"}},
		{"ukrainian", []string{"гора", "ґора", "дім", "їжак", "яма"}},
		{"greek", []string{"άλφα", "βήτα", "Ωμέγα"}},
		{"digits one by one", []string{"10", "2", "9", "a"}},
		{"scripts", []string{"-", "1", "z", "ω", "а", "北"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := slices.Clone(tt.want)
			slices.Reverse(got)
			slices.SortStableFunc(got, func(a, b string) int { return bytes.Compare(SortKey(a), SortKey(b)) })
			if !slices.Equal(got, tt.want) {
				t.Errorf("order %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSortKeyEqual(t *testing.T) {
	tests := []struct{ name, a, b string }{
		{"case", "Абв GHI", "аБВ ghi"},
		{"composed", "\u00e9t\u00e9", "e\u0301te\u0301"},
		{"beyond the limit", strings.Repeat("ж", KeyChars) + "а", strings.Repeat("ж", KeyChars) + "б"},
		{"decomposed at the limit", strings.Repeat("é", KeyChars) + "a", strings.Repeat("e\u0301", KeyChars) + "b"},
		{"control characters", "a\x00b", "ab"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if a, b := SortKey(tt.a), SortKey(tt.b); !bytes.Equal(a, b) {
				t.Errorf("%x and %x", a, b)
			}
		})
	}
}

func TestSortKeyLength(t *testing.T) {
	tests := []struct {
		name, in string
		max      int
	}{
		{"empty", "", 0},
		{"latin", strings.Repeat("a", 1000), 2 * KeyChars},
		{"cyrillic", strings.Repeat("ж", 1000), 2 * KeyChars},
		{"chinese", strings.Repeat("龍", 1000), MaxKey},
		{"expanding", strings.Repeat("\uFDFA", 1000), MaxKey},
		{"marks", strings.Repeat("ẫ", 1000), MaxKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := len(SortKey(tt.in)); got > tt.max {
				t.Errorf("%d bytes, want at most %d", got, tt.max)
			}
		})
	}
	if SortKey("") != nil {
		t.Error("the key of an empty text is not nil")
	}
}

func TestSortKeyConcurrent(t *testing.T) {
	words := []string{"Straße", "ёлка", "été", "北京", "plain"}
	want := make([][]byte, len(words))
	for i, w := range words {
		want[i] = SortKey(w)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 500 {
				if n := i % len(words); !bytes.Equal(SortKey(words[n]), want[n]) {
					t.Errorf("another key for %q", words[n])
				}
			}
		})
	}
	wg.Wait()
}

// TestWeightTable compares the table with the collator for pairs of its
// characters, which shows that none changes the weight of another: all pairs of
// Latin-1, one in 32 of the others.
func TestWeightTable(t *testing.T) {
	w := weights()
	for a := range w {
		for b := range w {
			if (a+b)%32 != 0 && (a >= 0x100 || b >= 0x100) {
				continue // bounds the run time
			}
			s := string(rune(a)) + string(rune(b))
			if got, ok := w.key(s); ok && !bytes.Equal(got, collatorKey(s)) {
				t.Fatalf("%+q: %x, want %x", s, got, collatorKey(s))
			}
		}
	}
}

// FuzzSortKey compares the shortened keys with the collator's own comparison.
func FuzzSortKey(f *testing.F) {
	f.Add("cote", "coté")
	f.Add("a\u0323\u0301", "ä")
	c := collate.New(language.Und, collate.IgnoreCase)
	var x, y collate.Buffer
	f.Fuzz(func(t *testing.T, a, b string) {
		ka, kb := SortKey(a), SortKey(b)
		if len(ka) > MaxKey || len(kb) > MaxKey {
			t.Fatalf("keys of %d and %d bytes", len(ka), len(kb))
		}
		if Len(a) > KeyChars || Len(b) > KeyChars || len(ka) == MaxKey || len(kb) == MaxKey {
			return
		}
		x.Reset()
		y.Reset()
		a, b = strings.ToValidUTF8(a, "\uFFFD"), strings.ToValidUTF8(b, "\uFFFD")
		want := bytes.Compare(c.KeyFromString(&x, a), c.KeyFromString(&y, b))
		if got := cmp.Compare(bytes.Compare(SortKey(a), SortKey(b)), 0); got != want {
			t.Fatalf("%+q %+q: order %d, want %d (%x, %x)", a, b, got, want, ka, kb)
		}
	})
}

func BenchmarkSortKey(b *testing.B) {
	for _, bb := range []struct{ name, in string }{
		{"short", "Order 17"},
		{"latin", "The Quick Brown Fox Jumps Over The Lazy Dog"},
		{"russian", "Съешь ещё этих мягких французских булок"},
		{"long", strings.Repeat("Съешь ещё этих ", 1000)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				SortKey(bb.in)
			}
		})
	}
}

// TestSortKeyOfMadeTitles: what begins with "#" is in a row.
func TestSortKeyOfMadeTitles(t *testing.T) {
	first := SortKey("#")
	if len(first) == 0 || first[len(first)-1] == 0xff {
		t.Fatalf("key %x", first)
	}
	for _, s := range []string{"#1", "#999999999999", "#abc", "#z-_9", "#$users", "#ZZZ", "# 7", "#" + strings.Repeat("9", 64)} {
		if key := SortKey(s); !bytes.HasPrefix(key, first) {
			t.Errorf("%q has %x, without %x", s, key, first)
		}
	}
}

package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDigits(t *testing.T) {
	tests := []struct {
		name, in, want string
		ok             bool
	}{
		{"international", "+7 (900) 123-45-67", "79001234567", true},
		{"national", "8 900 123 45 67", "79001234567", true},
		{"bare", "79001234567", "79001234567", true},
		{"eight in a short number", "8 800", "8800", true},
		{"eight in a long number", "812345678901", "812345678901", true},
		{"ukrainian", "+380 44 123-45-67", "380441234567", true},
		{"no digits", "none", "", false},
		{"empty", "", "", false},
		{"with letters", "+1 555 0100 ext. 2", "155501002", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Digits(tt.in)
			if got != tt.want || ok != tt.ok {
				t.Errorf("Digits(%q) = %q, %v; want %q, %v", tt.in, got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestPhoneQuery(t *testing.T) {
	tests := []struct {
		name, in, want string
		phone          bool
	}{
		{"part", "900) 123-4", "9001234", true},
		{"whole", "8(900)123-45-67", "79001234567", true},
		{"no-break spaces", "+7\u00a0900\u202f12", "790012", true},
		{"dots and slashes", "044/123.45", "04412345", true},
		{"letters", "8a", "", false},
		{"cyrillic letter", "8 доб", "", false},
		{"signs only", "+ ()", "", false},
		{"empty", "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, phone := PhoneQuery(tt.in)
			if got != tt.want || phone != tt.phone {
				t.Errorf("PhoneQuery(%q) = %q, %v", tt.in, got, phone)
			}
		})
	}
}

func TestOneLine(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"none", "a b", "a b"},
		{"unix", "a\nb\n", "a b "},
		{"windows", "a\r\nb", "a b"},
		{"old mac", "a\rb", "a b"},
		{"two breaks", "a\n\nb", "a  b"},
		{"unicode", "a\u2028b\u2029c\u0085d\ve\ff", "a b c d e f"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := OneLine(tt.in); got != tt.want {
				t.Errorf("OneLine(%q) = %q", tt.in, got)
			}
		})
	}
}

func TestCut(t *testing.T) {
	tests := []struct {
		name, in string
		n        int
		want     string
	}{
		{"shorter", "abc", 5, "abc"},
		{"exact", "абв", 3, "абв"},
		{"longer", "абвг", 3, "абв"},
		{"zero", "abc", 0, ""},
		{"negative", "abc", -1, ""},
		{"emoji", "👍👍👍", 2, "👍👍"},
		{"invalid bytes", "\xff\xff\xff", 2, "\xff\xff"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Cut(tt.in, tt.n)
			if got != tt.want || Len(got) > max(tt.n, 0) {
				t.Errorf("Cut(%q, %d) = %q", tt.in, tt.n, got)
			}
		})
	}
}

func TestPlainText(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", "just text", "just text"},
		{"inline", "<b>bo</b>ld <i class='x'>text</i>", "bold text"},
		{"blocks", "<h1>Title</h1><p>One</p><p>Two<br>Three</p>", "Title One Two Three"},
		{"list", "<ul><li>a</li><li>b</li></ul>", "a b"},
		{"table", "<table><tr><td>1</td><td>2</td></tr></table>", "1 2"},
		{"entities", "a &amp; b &lt;c&gt; &nbsp;&#1078;&#x436;", "a & b <c> жж"},
		{"entity is no tag", "&lt;b&gt;x", "<b>x"},
		{"comment", "a<!-- <p>no</p> -->b", "ab"},
		{"open comment", "a<!-- no", "a"},
		{"script", "a<script>if (1<2) x()</script>b", "a b"},
		{"style in capitals", "a<STYLE>p{}</STYLE>b", "a b"},
		{"open script", "a<script>no", "a"},
		{"script with another end", "<script>'</scripted>' </p></script>x", "x"},
		{"attribute with angle", `<a title="a > b">x</a>`, "x"},
		{"quote outside of a value", "<p it's>x</p>", "x"},
		{"less than", "1 < 2 and 3<4", "1 < 2 and 3<4"},
		{"open tag", "a<b", "a"},
		{"open quote", `a<b c="`, "a"},
		{"doctype", "<!doctype html><p>x", "x"},
		{"white space", " a\n\t b&nbsp;&nbsp;c ", "a b c"},
		{"lone angle", "<", "<"},
		{"image", `<img src="x" alt="y">z`, "z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := PlainText(tt.in); got != tt.want {
				t.Errorf("PlainText(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

// TestPlainTextLinear fails by its run time if hostile markup costs more than
// linear work.
func TestPlainTextLinear(t *testing.T) {
	for _, part := range []string{"<", "<a", "<a '", "<script></", "<!--", "</s", "&", "<a=\""} {
		PlainText(strings.Repeat(part, 1<<20/len(part)))
		PlainText("<script>" + strings.Repeat(part, 1<<20/len(part)))
	}
}

func FuzzPlainText(f *testing.F) {
	f.Add("<p>a &amp; b</p>")
	f.Add("<script>x</script><!-- y -->z<a b='c>d'>")
	f.Fuzz(func(t *testing.T, s string) {
		got := PlainText(s)
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Fatalf("invalid UTF-8: %+q", got)
		}
		if strings.Contains(got, "  ") || got != strings.TrimSpace(got) {
			t.Fatalf("white space in %q", got)
		}
		if !strings.ContainsAny(s, "<&") && got != strings.Join(strings.Fields(s), " ") {
			t.Fatalf("plain %q became %q", s, got)
		}
	})
}

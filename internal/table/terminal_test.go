package table

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain, Ünïcode, 王":  "plain, Ünïcode, 王",
		"\x1b[31mred\x1b[0m": "\ufffd[31mred\ufffd[0m",
		"bell\a\x7f\u009b2J": "bell\ufffd\ufffd\ufffd2J",
		"two\r\nlines\tmore": "two lines more",
		"a\u202eb\u2066c":    "abc", // they turn what follows around
		"soft\u00adhyphen":   "softhyphen",
		"می\u200cخواهم":      "می\u200cخواهم",
		"bad \xff byte":      "bad \ufffd byte",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q becomes %q, not %q", in, got, want)
		}
	}
}

func TestColumns(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "Київ": 4, "王小明": 6, "ｱ": 1, "Ａ": 2, "e\u0301": 1, "한국": 4, "й": 1, "…": 1, "█": 1} {
		if got := Columns(s); got != want {
			t.Errorf("%q takes %d columns, not %d", s, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		s    string
		most int
		want string
	}{
		{"fits", 4, "fits"}, {"longer", 4, "lon…"}, {"Довгий", 3, "До…"}, {"王小明", 6, "王小明"}, {"王小明", 5, "王小…"}, {"王小明", 4, "王…"},
		{"王", 1, "…"}, {"cafe\u0301s", 5, "cafe\u0301s"}, {"cafe\u0301s!", 5, "cafe\u0301…"},
	} {
		if got := Shorten(c.s, c.most); got != c.want {
			t.Errorf("%q in %d columns is %q, not %q", c.s, c.most, got, c.want)
		}
	}
}

// FuzzClean: whatever a name is, it commands nothing, and fits.
func FuzzClean(f *testing.F) {
	f.Add("a\x1b[2J\u202e王\xff\r\n", 3)
	f.Fuzz(func(t *testing.T, s string, most int) {
		most = 1 + int(uint(most)%50)
		clean := Clean(s)
		if i := strings.IndexFunc(clean, func(r rune) bool { return unicode.Is(unicode.Cc, r) || r == '\u202e' }); i >= 0 {
			t.Errorf("%q has a command at %d", clean, i)
		}
		if short := Shorten(clean, most); Columns(short) > most {
			t.Errorf("%q takes more than %d columns", short, most)
		}
		if Clean(clean) != clean {
			t.Errorf("%q is cleaned further", clean)
		}
	})
}

func TestInertCell(t *testing.T) {
	for in, want := range map[string]string{"": "", "plain": "plain", "a=b": "a=b", "=1+1": "'=1+1", "+1": "'+1", "-x": "'-x", "@SUM": "'@SUM", "\t=1": "'\t=1"} {
		if got := InertCell(in); got != want {
			t.Errorf("%q becomes %q, not %q", in, got, want)
		}
	}
}

// written is what a table or a chart prints, between line breaks.
func written(t *testing.T, write func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return "\n" + b.String()
}

func TestGrid(t *testing.T) {
	for _, c := range []struct {
		name string
		grid Grid
		want string
	}{
		{"widths", Grid{Heads: []string{"Name", "N", "Sum"}, Labels: 1, Rows: [][]string{{"Анна", "1", "1,200.50"}, {"王小明", "20", "-3.00"}, {"\x1b[2Jx", "-", "0.00"}}}, `
Name     N       Sum
Анна     1  1,200.50
王小明  20     -3.00
�[2Jx    -      0.00
`},
		{"long labels", Grid{Heads: []string{"Name", strings.Repeat("Heading ", 5)}, Labels: 1, Width: 40,
			Rows: [][]string{{"A name that is longer than a third", "1"}}}, `
Name           Heading Heading Heading…
A name that …                         1
`},
		{"too many columns", Grid{Heads: []string{"Month", "new", "paid", "sent", "lost"}, Labels: 1, Width: 20,
			Rows: [][]string{{"2026-01", "1,000", "2", "3", "4"}, {"2026-02", "5", "-", "-", "6,000"}}}, `
Month      new  paid
2026-01  1,000     2
2026-02      5     -

Month    sent   lost
2026-01     3      4
2026-02     -  6,000
`},
		{"a column wider than all", Grid{Heads: []string{"Month", "a"}, Labels: 1, Width: 20, Rows: [][]string{{"2026-01", strings.Repeat("9", 30)}}}, `
Month                                 a
2026-01  999999999999999999999999999999
`},
		{"no rows", Grid{Heads: []string{"Name", "N"}, Labels: 1}, "\nName  N\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := written(t, func(b *bytes.Buffer) error { return c.grid.Write(b) }); got != c.want {
				t.Errorf("written\n%s\nwanted\n%s", got, c.want)
			}
		})
	}
}

func TestBars(t *testing.T) {
	bar := func(n float64, text string, labels ...string) Bar { return Bar{Labels: labels, Text: text, Number: n} }
	none := Bar{Labels: []string{"none"}, Text: "-", None: true}
	for _, c := range []struct {
		name string
		bars Bars
		want string
	}{
		{"of one dimension", Bars{Heads: []string{"Status", "Sum"}, Width: 30, Rows: []Bar{bar(40, "40", "new"), bar(20, "20", "paid"), bar(1, "1", "Надіслано"), bar(0, "0", "lost"), none}}, `
Status     Sum
new         40  ██████████████
paid        20  ███████
Надіслано    1  ▍
lost         0
none         -
`},
		{"what is not zero is seen", Bars{Heads: []string{"S", "N"}, Width: 20, Rows: []Bar{bar(1e6, "1M", "a"), bar(1, "1", "b")}}, `
S   N
a  1M  █████████████
b   1  ▏
`},
		{"below zero", Bars{Heads: []string{"S", "N"}, Width: 28, Rows: []Bar{bar(30, "30", "a"), bar(-15, "-15", "b"), bar(-7, "-7", "c"), bar(0, "0", "d")}}, `
S    N
a   30        │█████████████
b  -15  ██████│
c   -7     ███│
d    0        │
`},
		{"all below zero", Bars{Heads: []string{"S", "N"}, Width: 20, Rows: []Bar{bar(-2, "-2", "a"), bar(-1, "-1", "b")}}, `
S   N
a  -2  ████████████│
b  -1        ██████│
`},
		{"of two dimensions", Bars{Heads: []string{"Month", "S", "N"}, Width: 40, Rows: []Bar{bar(2, "2", "01", "new"), bar(1, "1", "01", "paid"), bar(2, "2", "02", "paid")}}, `
Month  S     N
01     new   2  ████████████████████████
       paid  1  ████████████
02     paid  2  ████████████████████████
`},
		{"nothing but zeros", Bars{Heads: []string{"S", "N"}, Rows: []Bar{bar(0, "0", "a")}}, "\nS  N\na  0\n"},
		{"a terminal that is too narrow", Bars{Heads: []string{"A long heading", "N"}, Width: 10, Rows: []Bar{bar(5, "5", "\x1blabel of a row")}}, `
A long …  N
�label …  5  ████████
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := written(t, func(b *bytes.Buffer) error { return c.bars.Write(b) }); got != c.want {
				t.Errorf("written\n%s\nwanted\n%s", got, c.want)
			}
		})
	}
}

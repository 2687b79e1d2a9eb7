package picture_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/report/picture"
)

func TestNumbers(t *testing.T) {
	const nb = "\u00a0"
	for _, c := range []struct {
		lang   string
		format picture.Format
		n      float64
		want   string
	}{
		{"en", picture.Format{}, 1234.5, "1,234.5"}, {"uk", picture.Format{}, 1234.5, "1" + nb + "234,5"}, {"ru", picture.Format{}, -1234567.891, "−1" + nb + "234" + nb + "567,89"},
		{"en", picture.Format{}, 0, "0"}, {"en", picture.Format{}, math.Copysign(0, -1), "0"}, {"en", picture.Format{}, 100, "100"}, {"en", picture.Format{}, 999999, "999,999"},
		{"uk", picture.Format{Unit: "₴", Digits: digits(2)}, 5, "5,00" + nb + "₴"}, {"en", picture.Format{Digits: digits(0)}, 2.5, "2"},
		{"en", picture.Format{Digits: digits(1)}, -0.04, "0.0"}, {"en", picture.Format{}, 0.00012345, "0.000123"}, {"en", picture.Format{}, 1.5e-9, "1.5E−9"},
		{"uk", picture.Format{}, 1.5e20, "1,5E20"}, {"en", picture.Format{}, math.NaN(), "—"}, {"xx", picture.Format{}, 1000, "1,000"},
	} {
		if got := c.format.Text(c.n, c.lang); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.lang, c.n, got, c.want)
		}
	}
}

// texts are those of a chart's SVG.
func texts(t *testing.T, c picture.Chart, l picture.Look) []string {
	t.Helper()
	return readSVG(t, c.SVG(l))
}

func values(n int) (list []float64) {
	for i := range n {
		list = append(list, float64(i+1))
	}
	return list
}

func numbered(n int) (list []picture.Category) {
	for i := range n {
		list = append(list, picture.Category{Name: fmt.Sprint("n", i)})
	}
	return list
}

func TestHostileTexts(t *testing.T) {
	const hostile = `</text><script>alert(1)</script>&"']]>`
	for kind := picture.Columns; kind <= picture.Table; kind++ {
		c := picture.Chart{
			Kind: kind, Title: hostile, Axis: hostile, Categories: named(hostile, "\x00\x1b\u202egnp.exe\u2066\ufffe"), Format: picture.Format{Unit: `<i>`},
			Series: []picture.Series{{Name: hostile, Color: `red" onload="`, Values: []float64{1, 2}}, {Name: hostile, Values: []float64{3, 4}}},
		}
		svg := c.SVG(picture.Look{Width: 1600, Height: 900})
		if bytes.Contains(svg, []byte("<script")) || bytes.Contains(svg, []byte("onload=")) {
			t.Errorf("kind %d: not escaped", kind)
		}
		got := readSVG(t, svg)
		if !slices.Contains(got, hostile) {
			t.Errorf("kind %d: it is not shown as it is: %q", kind, got)
		}
		if kind != picture.Number && !slices.Contains(got, "gnp.exe") {
			t.Errorf("kind %d: what reorders, or is no text, is not left out: %q", kind, got)
		}
	}
}

// TestNotes: what is left out is said.
func TestNotes(t *testing.T) {
	one := []picture.Series{{Values: values(300)}}
	many := make([]picture.Series, 25)
	for i := range many {
		many[i] = picture.Series{Name: fmt.Sprint("series ", i), Values: values(3)}
	}
	wide := picture.Look{Width: 1500, Height: 400}
	for _, c := range []struct {
		name string
		picture.Chart
		picture.Look
		want string
	}{
		{"all of them", picture.Chart{Categories: numbered(10), Series: one}, picture.Look{}, ""},
		{"too many", picture.Chart{Categories: numbered(300), Series: one}, wide, "and 100 more"},
		{"those that were not asked for, too", picture.Chart{Categories: numbered(201), Series: one, More: 36}, wide, "and 37 more"},
		{"in another language", picture.Chart{Categories: numbered(3), Series: one, More: 2}, picture.Look{Language: "uk"}, "і ще 2"},
		{"no room for bars", picture.Chart{Kind: picture.Bars, Categories: numbered(20), Series: one}, picture.Look{Height: 220}, "and 13 more"},
		{"no room for rows", picture.Chart{Kind: picture.Table, Categories: numbered(20), Series: one}, picture.Look{Height: 220}, "and 15 more"},
		{"too many series", picture.Chart{Categories: numbered(3), Series: many}, picture.Look{Width: 2000}, "series left out: 5"},
		{"no room for columns", picture.Chart{Kind: picture.Table, Categories: numbered(3), Series: many}, picture.Look{Width: 400}, "series left out: 22"},
		{"no room for the legend", picture.Chart{Categories: numbered(3), Series: many[:9]}, picture.Look{Width: 200, Height: 200}, "not in the legend: 5"},
		{"corners", picture.Chart{Kind: picture.Radar, Categories: numbered(30), Series: one}, picture.Look{}, "and 6 more"},
	} {
		got := texts(t, c.Chart, c.Look)
		last := got[len(got)-1]
		if c.want != "" && last != c.want || c.want == "" && strings.HasPrefix(last, "and ") {
			t.Errorf("%s: %q, want %q", c.name, last, c.want)
		}
		var left int
		if _, err := fmt.Sscanf(last, "and %d more", &left); err == nil && c.Kind != picture.Columns && names(got)+left != len(c.Categories) {
			t.Errorf("%s: %d of %d are there, %s", c.name, names(got), len(c.Categories), last)
		}
	}
	pie := texts(t, picture.Chart{Kind: picture.Pie, Categories: numbered(30), Series: one, Format: picture.Format{Unit: "€"}}, picture.Look{})
	if i := slices.Index(pie, "others: 18"); i < 0 || pie[i+1] != "387\u00a0€" || pie[i+2] != "83.2\u00a0%" {
		t.Errorf("the rest of a pie: %q", pie)
	}
}

// names is how many categories of numbered are named.
func names(texts []string) (n int) {
	for _, s := range texts {
		if strings.HasPrefix(s, "n") && !strings.HasPrefix(s, "not") {
			n++
		}
	}
	return n
}

func TestNothingToDraw(t *testing.T) {
	for _, c := range []struct {
		name string
		picture.Chart
		want string
	}{
		{"no groups", picture.Chart{}, "No data"}, {"no groups of a pie", picture.Chart{Kind: picture.Pie}, "No data"},
		{"no series", picture.Chart{Categories: numbered(1)}, "No data"}, {"no number", picture.Chart{Kind: picture.Number}, "—"},
		{"no parts", picture.Chart{Kind: picture.Pie, Categories: numbered(2), Series: []picture.Series{{Values: []float64{0, -1}}}}, "No values above zero"},
		{"an empty cell", picture.Chart{Kind: picture.Table, Categories: numbered(1), Series: []picture.Series{{}}}, "—"},
	} {
		if got := texts(t, c.Chart, picture.Look{}); !slices.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestBackward: times that come newest first go to the right, the newest are kept,
// and no line leads to what has no time.
func TestBackward(t *testing.T) {
	c := picture.Chart{Kind: picture.Lines, Categories: numbered(4), Backward: true, Series: []picture.Series{{Values: []float64{4, 3, 2, 9}}}}
	c.Categories[3].Apart = true
	svg := c.SVG(picture.Look{})
	if got := readSVG(t, svg); !strings.Contains(strings.Join(got, " "), "n2 n1 n0 n3") {
		t.Errorf("the order is %q", got)
	}
	line := svg[bytes.Index(svg, []byte("<polyline")):]
	line = line[:bytes.Index(line, []byte("/>"))]
	if n := bytes.Count(line, []byte(",")); n != 3 || bytes.Count(svg, []byte("<polyline")) != 1 {
		t.Errorf("a line of %d points: %s", n, line)
	}
	c = picture.Chart{Kind: picture.Lines, Categories: numbered(250), Backward: true, Series: []picture.Series{{Values: values(250)}}}
	if got := texts(t, c, picture.Look{Width: 2000}); !slices.Contains(got, "n199") || slices.Contains(got, "n200") || got[len(got)-1] != "and 50 more" {
		t.Errorf("not the first 200 are kept: %q", got)
	}
}

// TestTextsStayInside: nothing is wider than the picture, by the font's measure.
func TestTextsStayInside(t *testing.T) {
	long := strings.Repeat("Дуже довга назва ", 20)
	for kind := picture.Columns; kind <= picture.Table; kind++ {
		c := picture.Chart{
			Kind: kind, Title: long, Axis: long, Categories: named(long, long, strings.Repeat("Щ", 300)), Format: picture.Format{Unit: long},
			Series: []picture.Series{{Name: long, Values: []float64{1e14, -5, 0.001}}, {Name: long, Values: []float64{1, 2, 3}}},
		}
		for _, width := range []int{picture.MinSide, 300, 800} {
			for _, l := range labels(t, c.SVG(picture.Look{Width: width, Height: 300, Language: "uk"})) {
				if l.left < -1 || l.right > float64(width)+1 {
					t.Errorf("kind %d, %d wide: %q from %.0f to %.0f", kind, width, l.text, l.left, l.right)
				}
			}
		}
	}
}

// BenchmarkPNG is the dearest picture: all that may be on the largest.
// BenchmarkUsualPNG is a picture of the usual size.
func BenchmarkUsualPNG(b *testing.B) {
	for b.Loop() {
		if _, err := pictures[0].PNG(picture.Look{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPNG(b *testing.B) {
	c := picture.Chart{Title: "x", Categories: numbered(200)}
	for i := range 20 {
		c.Series = append(c.Series, picture.Series{Name: fmt.Sprint("series ", i), Values: values(200)})
	}
	for b.Loop() {
		if _, err := c.PNG(picture.Look{Width: picture.MaxSide, Height: picture.MaxSide}); err != nil {
			b.Fatal(err)
		}
	}
}

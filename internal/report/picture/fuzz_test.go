package picture_test

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"kartoteka/internal/report/picture"
)

// elements are those that an SVG of ours consists of.
var elements = map[string]bool{
	"svg": true, "title": true, "rect": true, "polygon": true, "polyline": true, "circle": true, "path": true, "text": true,
}

// readSVG checks that a document is well-formed and has nothing that runs, loads
// or styles, and gives its texts.
func readSVG(t *testing.T, data []byte) (texts []string) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(data))
	inside := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, data)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if !elements[e.Name.Local] {
				t.Fatalf("an element %s", e.Name.Local)
			}
			inside = e.Name.Local == "text"
			for _, a := range e.Attr {
				if n := strings.ToLower(a.Name.Local); strings.HasPrefix(n, "on") || strings.Contains(n, "href") || n == "style" {
					t.Fatalf("an attribute %s", a.Name.Local)
				}
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Fatalf("%s=%q", a.Name.Local, a.Value)
				}
			}
		case xml.EndElement:
			inside = false
		case xml.CharData:
			if inside {
				texts = append(texts, string(e))
			}
		case xml.Comment, xml.ProcInst, xml.Directive:
			t.Fatalf("%T", e)
		}
	}
}

// placed is a text that is not turned, and from where to where it goes.
type placed struct {
	text        string
	left, right float64
}

// labels reads the texts of an SVG that say how long they are.
func labels(t *testing.T, data []byte) (list []placed) {
	t.Helper()
	var doc struct {
		Text []struct {
			X         float64 `xml:"x,attr"`
			Length    float64 `xml:"textLength,attr"`
			Anchor    string  `xml:"text-anchor,attr"`
			Transform string  `xml:"transform,attr"`
			Text      string  `xml:",chardata"`
		} `xml:"text"`
	}
	check(t, xml.Unmarshal(data, &doc))
	for _, one := range doc.Text {
		if one.Transform != "" {
			continue
		}
		left := one.X - map[string]float64{"middle": one.Length / 2, "end": one.Length}[one.Anchor]
		list = append(list, placed{one.Text, left, left + one.Length})
	}
	return list
}

// FuzzPicture: every chart is drawn, as XML that is well-formed and as a PNG of
// the size that was asked for; twice the same.
func FuzzPicture(f *testing.F) {
	numbers := func(list ...float64) (data []byte) {
		for _, n := range list {
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(n))
		}
		return data
	}
	f.Add(byte(0), "</text><script>alert(1)</script>", "a\x00b\xff\u202e]]>", "₴", byte(3), byte(2), uint16(640), uint16(360), numbers(1, -2, 3.5, 0, math.NaN(), math.Inf(1)))
	f.Add(byte(1), "", "שלום 😀 e\u0301", "", byte(1), byte(1), uint16(120), uint16(120), numbers(math.MaxFloat64, -math.MaxFloat64))
	f.Add(byte(18), strings.Repeat("Щ", 500), "Назва з пробілами", "%", byte(200), byte(3), uint16(0), uint16(2000), numbers(5e-324, 1e300, -1e300))
	f.Add(byte(3), "pie", "x", "", byte(30), byte(1), uint16(300), uint16(200), numbers(1, 1, 1, -1, 1e300, 1e300))
	f.Add(byte(4), "radar", "x", "", byte(2), byte(25), uint16(200), uint16(130), numbers(0))
	f.Add(byte(5), "number", "x", "км", byte(0), byte(1), uint16(800), uint16(130), numbers(-1e15))
	f.Add(byte(46), "table", "x", "", byte(0), byte(0), uint16(130), uint16(130), []byte{})
	f.Fuzz(func(t *testing.T, kind byte, title, name, unit string, categories, series byte, width, height uint16, data []byte) {
		c := picture.Chart{
			Kind: picture.Kind(kind % 8), Title: title, Axis: name, Stacked: kind&8 != 0, Multicolor: kind&16 != 0, Backward: kind&32 != 0,
			Format: picture.Format{Unit: unit, Duration: kind&64 != 0}, More: int(kind) - 100,
		}
		for i := range int(categories) {
			c.Categories = append(c.Categories, picture.Category{Name: name[min(i, len(name)):], Color: unit, Apart: i > 3 && kind&128 != 0})
		}
		for range int(series % 30) {
			var s picture.Series
			for i := 0; i+8 <= len(data); i += 8 {
				s.Values = append(s.Values, math.Float64frombits(binary.LittleEndian.Uint64(data[i:])))
			}
			s.Name, s.Color = name, title
			c.Series = append(c.Series, s)
		}
		look := picture.Look{Width: int(width % 500), Height: int(height % 500), Dark: kind&1 != 0, Language: []string{"en", "uk", "ru", "xx"}[kind%4]}
		svg := c.SVG(look)
		readSVG(t, svg)
		if !bytes.Equal(svg, c.SVG(look)) {
			t.Error("another picture the second time")
		}
		img, err := c.PNG(look)
		check(t, err)
		size, err := png.DecodeConfig(bytes.NewReader(img))
		check(t, err)
		within := func(got, asked, usual int) bool {
			return got == asked || asked == 0 && got == usual || got == picture.MinSide
		}
		if !within(size.Width, look.Width, picture.DefaultWidth) || !within(size.Height, look.Height, picture.DefaultHeight) {
			t.Errorf("%d x %d for %d x %d", size.Width, size.Height, look.Width, look.Height)
		}
	})
}

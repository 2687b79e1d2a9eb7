package picture

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// family is what a viewer takes for the embedded font, or has in its place.
const family = "Roboto,Arial,&apos;Liberation Sans&apos;,&apos;DejaVu Sans&apos;,sans-serif"

// svgWriter writes elements without styles, which a policy could forbid.
type svgWriter struct {
	bytes.Buffer
	pen *pen
}

func (s *scene) svg() []byte {
	w := &svgWriter{pen: s.pen}
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" role="img" font-family="%[3]s">`+"\n",
		s.width, s.height, family)
	if s.title != "" {
		w.WriteString("<title>" + escape(s.title) + "</title>\n")
	}
	box{0, 0, float64(s.width), float64(s.height), s.back}.svg(w)
	for _, shape := range s.shapes {
		shape.svg(w)
	}
	w.WriteString("</svg>\n")
	return w.Bytes()
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

func escape(s string) string { return escaper.Replace(s) }

// number writes a length with at most one digit after the point.
func number(v float64) string {
	return strconv.FormatFloat(whole(v*10)/10+0, 'f', -1, 64)
}

func (p paint) hex() string { return fmt.Sprintf("#%02x%02x%02x", p.r, p.g, p.b) }

// painted is a colour as an attribute, fill or stroke.
func (p paint) painted(attribute string) string {
	s := attribute + `="` + p.hex() + `"`
	if p.alpha < 255 {
		s += " " + attribute + `-opacity="` + strconv.FormatFloat(math.Round(float64(p.alpha)/2.55)/100, 'f', -1, 64) + `"`
	}
	return s
}

func (b box) svg(w *svgWriter) {
	fmt.Fprintf(w, `<rect x="%s" y="%s" width="%s" height="%s" %s/>`+"\n", number(b.x), number(b.y), number(b.w), number(b.h), b.fill.painted("fill"))
}

func writePoints(w *svgWriter, points []point) {
	for i, p := range points {
		if i > 0 {
			w.WriteByte(' ')
		}
		w.WriteString(number(p.x) + "," + number(p.y))
	}
}

func (a area) svg(w *svgWriter) {
	w.WriteString(`<polygon points="`)
	writePoints(w, a.points)
	w.WriteString(`" ` + a.fill.painted("fill") + "/>\n")
}

func (s stroke) svg(w *svgWriter) {
	name := "polyline"
	if s.closed {
		name = "polygon"
	}
	w.WriteString("<" + name + ` points="`)
	writePoints(w, s.points)
	fmt.Fprintf(w, `" fill="none" %s stroke-width="%s" stroke-linejoin="round" stroke-linecap="round"/>`+"\n", s.color.painted("stroke"), number(s.width))
}

func (d dot) svg(w *svgWriter) {
	fmt.Fprintf(w, `<circle cx="%s" cy="%s" r="%s" %s/>`+"\n", number(d.at.x), number(d.at.y), number(d.radius), d.fill.painted("fill"))
}

func (g wedge) svg(w *svgWriter) {
	if g.to-g.from >= 0.999 {
		dot{g.at, g.radius, g.fill}.svg(w)
		return
	}
	from, to := g.edge(g.from), g.edge(g.to)
	large := 0
	if g.to-g.from > 0.5 {
		large = 1
	}
	fmt.Fprintf(w, `<path d="M%s %sL%s %sA%s %s 0 %d 1 %s %sZ" %s/>`+"\n", number(g.at.x), number(g.at.y), number(from.x), number(from.y),
		number(g.radius), number(g.radius), large, number(to.x), number(to.y), g.fill.painted("fill"))
}

var anchors = [...]string{start: "", middle: ` text-anchor="middle"`, end: ` text-anchor="end"`}

func (l label) svg(w *svgWriter) {
	if l.text == "" {
		return
	}
	fmt.Fprintf(w, `<text x="%s" y="%s" font-size="%s"`, number(l.at.x), number(l.at.y), number(l.size))
	if l.bold {
		w.WriteString(` font-weight="500"`)
	}
	w.WriteString(anchors[l.anchor])
	if l.turned != 0 {
		fmt.Fprintf(w, ` transform="rotate(%s %s %s)"`, number(l.turned), number(l.at.x), number(l.at.y))
	}
	// Of a text with letters that the font lacks the length is a guess.
	if len([]rune(l.text)) > 1 && w.pen.known(l.text, l.bold) {
		fmt.Fprintf(w, ` textLength="%s" lengthAdjust="spacingAndGlyphs"`, number(w.pen.width(l.text, l.size, l.bold)))
	}
	w.WriteString(" " + l.color.painted("fill") + ">" + escape(l.text) + "</text>\n")
}

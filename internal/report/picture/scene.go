package picture

import "math"

// point is a place in pixels from the upper left corner.
type point struct{ x, y float64 }

// scene is a picture as a list of shapes, each over those before it.
type scene struct {
	width, height int
	title         string
	back          paint
	pen           *pen
	shapes        []shape
}

// shape is what both kinds of pictures can show.
type shape interface {
	svg(w *svgWriter)
	paint(p *painter)
}

// box is a filled rectangle on whole pixels.
type box struct {
	x, y, w, h float64
	fill       paint
}

// area is a filled polygon.
type area struct {
	points []point
	fill   paint
}

// stroke is a line through points, closed or not, with round ends.
type stroke struct {
	points []point
	width  float64
	color  paint
	closed bool
}

// dot is a filled circle.
type dot struct {
	at     point
	radius float64
	fill   paint
}

// wedge is a slice of a circle, or all of it. Angles are turns, clockwise from
// the top.
type wedge struct {
	at       point
	radius   float64
	from, to float64
	fill     paint
}

// anchor is which point of a label is at its place.
type anchor int

const (
	start anchor = iota
	middle
	end
)

// label is a text on its base line, turned by so many degrees around its place.
type label struct {
	at     point
	text   string
	size   float64
	bold   bool
	anchor anchor
	turned float64
	color  paint
}

func (s *scene) add(list ...shape) { s.shapes = append(s.shapes, list...) }

// whole is the nearest whole number. Halves, which sums reach more or less exactly,
// are raised alike on every processor.
func whole(v float64) float64 { return math.Floor(v + 0.5 + 1e-6) }

// box adds a rectangle; its edges are moved to whole pixels, where it is sharp.
// A part of a pixel becomes one, so that a small value is seen.
func (s *scene) box(x, y, w, h float64, fill paint) {
	x1, y1 := whole(x), whole(y)
	x2, y2 := max(whole(x+w), x1), max(whole(y+h), y1)
	if x2 == x1 && w > 0 {
		x2++
	}
	if y2 == y1 && h > 0 {
		y2++
	}
	if x2 > x1 && y2 > y1 {
		s.add(box{x1, y1, x2 - x1, y2 - y1, fill})
	}
}

// edge is a point on the circle of a wedge.
func (w wedge) edge(turn float64) point {
	sin, cos := math.Sincos(turn * 2 * math.Pi)
	return point{w.at.x + w.radius*sin, w.at.y - w.radius*cos}
}

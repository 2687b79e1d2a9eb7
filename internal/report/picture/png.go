package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// painter fills outlines on an image.
type painter struct {
	img    *image.RGBA
	pen    *pen
	raster vector.Rasterizer
}

// outline is a list of closed curves, to be filled by the non-zero rule. Those
// that overlap turn in the same direction.
type outline []curve

// curve goes on to the last of its n points; it begins a closed line if n is 0,
// at the first.
type curve struct {
	n int
	p [3]point
}

func (s *scene) png() ([]byte, error) {
	p := &painter{img: image.NewRGBA(image.Rect(0, 0, s.width, s.height)), pen: s.pen}
	draw.Draw(p.img, p.img.Bounds(), image.NewUniform(s.back.rgba()), image.Point{}, draw.Src)
	for _, shape := range s.shapes {
		shape.paint(p)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, p.img); err != nil {
		return nil, fmt.Errorf("encode PNG: %w", err)
	}
	return b.Bytes(), nil
}

func (p paint) rgba() color.NRGBA { return color.NRGBA{p.r, p.g, p.b, p.alpha} }

func move(a point) curve        { return curve{0, [3]point{a}} }
func line(a point) curve        { return curve{1, [3]point{a}} }
func quad(a, b point) curve     { return curve{2, [3]point{a, b}} }
func cube(a, b, c point) curve  { return curve{3, [3]point{a, b, c}} }
func (c curve) points() []point { return c.p[:max(c.n, 1)] }

// fill paints what is inside of the outline.
func (p *painter) fill(o outline, with paint) {
	box := image.Rectangle{Min: image.Point{math.MaxInt32, math.MaxInt32}, Max: image.Point{math.MinInt32, math.MinInt32}}
	for _, c := range o {
		for _, a := range c.points() {
			x, y := math.Floor(min(max(a.x, -1), MaxSide+1)), math.Floor(min(max(a.y, -1), MaxSide+1))
			box.Min = image.Point{min(box.Min.X, int(x)), min(box.Min.Y, int(y))}
			box.Max = image.Point{max(box.Max.X, int(x)+1), max(box.Max.Y, int(y)+1)}
		}
	}
	box = box.Intersect(p.img.Bounds())
	if box.Empty() {
		return
	}
	p.raster.Reset(box.Dx(), box.Dy())
	at := func(a point) (x, y float32) {
		return float32(a.x - float64(box.Min.X)), float32(a.y - float64(box.Min.Y))
	}
	for i, c := range o {
		ax, ay := at(c.p[0])
		bx, by := at(c.p[1])
		cx, cy := at(c.p[2])
		switch c.n {
		case 0:
			if i > 0 {
				p.raster.ClosePath()
			}
			p.raster.MoveTo(ax, ay)
		case 1:
			p.raster.LineTo(ax, ay)
		case 2:
			p.raster.QuadTo(ax, ay, bx, by)
		case 3:
			p.raster.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	p.raster.ClosePath()
	p.raster.Draw(p.img, box, image.NewUniform(with.rgba()), image.Point{})
}

func (b box) paint(p *painter) {
	r := image.Rect(int(b.x), int(b.y), int(b.x+b.w), int(b.y+b.h))
	draw.Draw(p.img, r, image.NewUniform(b.fill.rgba()), image.Point{}, draw.Over)
}

func polygon(points ...point) outline {
	o := make(outline, len(points))
	for i, a := range points {
		o[i] = line(a)
	}
	if len(o) > 0 {
		o[0].n = 0
	}
	return o
}

func (a area) paint(p *painter) { p.fill(polygon(a.points...), a.fill) }

func (s stroke) paint(p *painter) {
	points := s.points
	if s.closed && len(points) > 0 {
		points = append(points[:len(points):len(points)], points[0])
	}
	var o outline
	for i, b := range points {
		o = append(o, circle(b, s.width/2)...)
		if i == 0 {
			continue
		}
		a := points[i-1]
		length := math.Hypot(b.x-a.x, b.y-a.y)
		if length == 0 {
			continue
		}
		dx, dy := (b.x-a.x)/length*s.width/2, (b.y-a.y)/length*s.width/2
		o = append(o, polygon(point{a.x + dy, a.y - dx}, point{b.x + dy, b.y - dx}, point{b.x - dy, b.y + dx}, point{a.x - dy, a.y + dx})...)
	}
	p.fill(o, s.color)
}

// arc adds a part of a circle to a line that has come to its beginning.
func (w wedge) arc() (o outline) {
	n := max(int(math.Ceil((w.to-w.from)*16)), 1)
	step := (w.to - w.from) / float64(n)
	// The distance of the control points of a cubic that is nearest to the arc.
	k := 4.0 / 3 * math.Tan(step*math.Pi/2) * w.radius
	for i := range n {
		a, b := w.from+step*float64(i), w.from+step*float64(i+1)
		from, to := w.edge(a), w.edge(b)
		sa, ca := math.Sincos(a * 2 * math.Pi)
		sb, cb := math.Sincos(b * 2 * math.Pi)
		o = append(o, cube(point{from.x + k*ca, from.y + k*sa}, point{to.x - k*cb, to.y - k*sb}, to))
	}
	return o
}

// circle turns as the sides of strokes do.
func circle(at point, radius float64) outline {
	w := wedge{at: at, radius: radius, to: 1}
	return append(outline{move(w.edge(0))}, w.arc()...)
}

func (d dot) paint(p *painter) { p.fill(circle(d.at, d.radius), d.fill) }

func (w wedge) paint(p *painter) {
	if w.to-w.from >= 0.999 {
		dot{w.at, w.radius, w.fill}.paint(p)
		return
	}
	p.fill(append(outline{move(w.at), line(w.edge(w.from))}, w.arc()...), w.fill)
}

func (l label) paint(p *painter) {
	width := p.pen.width(l.text, l.size, l.bold)
	x := [...]float64{start: 0, middle: -width / 2, end: -width}[l.anchor]
	sin, cos := math.Sincos(l.turned * math.Pi / 180)
	scale := l.size / float64(fontOf(l.bold).UnitsPerEm()) / 64
	for _, r := range l.text {
		g := p.pen.glyph(r, l.bold)
		place := func(a fixed.Point26_6) point {
			dx, dy := x+float64(a.X)*scale, float64(a.Y)*scale
			return point{l.at.x + dx*cos - dy*sin, l.at.y + dx*sin + dy*cos}
		}
		p.fill(letter(g, place), l.color)
		x += g.advance * l.size
	}
}

// letter is the outline of a glyph.
func letter(g *glyph, place func(fixed.Point26_6) point) outline {
	o := make(outline, 0, len(g.outline))
	for _, s := range g.outline {
		switch a := s.Args; s.Op {
		case sfnt.SegmentOpMoveTo:
			o = append(o, move(place(a[0])))
		case sfnt.SegmentOpLineTo:
			o = append(o, line(place(a[0])))
		case sfnt.SegmentOpQuadTo:
			o = append(o, quad(place(a[0]), place(a[1])))
		case sfnt.SegmentOpCubeTo:
			o = append(o, cube(place(a[0]), place(a[1]), place(a[2])))
		}
	}
	return o
}

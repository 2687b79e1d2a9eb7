package picture

import (
	"math"

	"kartoteka/internal/fault"
)

// Kind is how a chart looks.
type Kind int

// The kinds. Columns stand, bars lie; a number is the first value, large.
const (
	Columns Kind = iota
	Lines
	Bars
	Pie
	Radar
	Number
	Table
)

// Sizes of a picture, in pixels; a Look beyond them is drawn with the nearest.
const (
	MinSide       = 120
	MaxSide       = 2000
	DefaultWidth  = 800
	DefaultHeight = 450
)

// Most that is drawn, however large the picture; less where there is no room.
// A note says what was left out.
const (
	maxCategories = 200
	maxSeries     = 20
	maxSlices     = 12
	maxCorners    = 24
)

// Chart is what to draw. Texts may be any: they are cleaned, and cut where there
// is no room for them.
type Chart struct {
	Kind       Kind
	Title      string
	Axis       string // what the categories are
	Categories []Category
	Series     []Series
	Format     Format
	Stacked    bool
	Multicolor bool // a colour for each category where there is one series
	// Backward tells that columns and lines go from the last category to the
	// first: times that come newest first.
	Backward bool
	More     int // categories that exist and are not in Categories
}

// Category is a group of the axis.
type Category struct {
	Name  string
	Color string // six hexadecimal digits; "" for one of the palette
	// Apart tells that it does not go on where those before it end, as records
	// without a date: it stays last, and no line leads to it.
	Apart bool
}

// Series are the values of the categories in their order. What is not a finite
// number, or is missing at the end, is no value. A pie adds the series up.
type Series struct {
	Name   string
	Color  string // as of a Category
	Values []float64
}

// Look is how the picture is wanted.
type Look struct {
	Width, Height int // pixels; 0 means the default
	Dark          bool
	Language      string // of fault.Languages; any other means English
}

// SVG draws the chart as a document without scripts, styles and references.
func (c *Chart) SVG(l Look) []byte { return c.scene(l).svg() }

// PNG draws the chart as an image. It fails only if the image cannot be encoded.
func (c *Chart) PNG(l Look) ([]byte, error) { return c.scene(l).png() }

// scene lays the chart out.
func (c *Chart) scene(l Look) *scene {
	d := newDrawing(c, l)
	d.frame()
	switch {
	case d.chart.Kind == Number:
		d.figure()
	case d.chart.Kind == Pie:
		d.pie()
	case len(d.chart.Categories) == 0 || len(d.chart.Series) == 0:
		d.nothing(fault.Msg("No data"))
	default:
		draw := map[Kind]func(){Lines: d.lines, Bars: d.bars, Radar: d.radar, Table: d.table}[d.chart.Kind]
		if draw == nil {
			draw = d.columns
		}
		draw()
	}
	d.notes()
	return d.scene
}

// cleaned is the chart with its texts cleaned, its numbers in the unit that they
// are shown in, and one value for each category.
func (c *Chart) cleaned(l Look) Chart {
	out := *c
	out.Title, out.Axis = clean(c.Title), clean(c.Axis)
	out.More = max(c.More, 0)
	n := min(len(c.Categories), maxCategories)
	out.More += len(c.Categories) - n
	out.Categories = make([]Category, n)
	for i := range out.Categories {
		out.Categories[i] = c.Categories[i]
		out.Categories[i].Name = clean(c.Categories[i].Name)
	}
	if c.Kind == Number {
		n = 1
	}
	out.Series = make([]Series, min(len(c.Series), maxSeries))
	largest := 0.0
	for i := range out.Series {
		s := &c.Series[i]
		values := make([]float64, n)
		for j := range values {
			values[j] = math.NaN()
			if j < len(s.Values) && usable(s.Values[j]) {
				values[j] = s.Values[j]
				largest = max(largest, math.Abs(values[j]))
			}
		}
		out.Series[i] = Series{clean(s.Name), s.Color, values}
	}
	out.Format.Unit = clean(c.Format.Unit)
	if c.Format.Duration {
		divisor := 1.0
		divisor, out.Format.Unit = durationUnit(largest, l.Language)
		for i := range out.Series {
			for j := range out.Series[i].Values {
				out.Series[i].Values[j] /= divisor
			}
		}
	}
	return out
}

// usable tells whether a number can be drawn: the largest ones would overflow
// when they are added up.
func usable(n float64) bool { return !math.IsNaN(n) && math.Abs(n) <= 1e300 }

func none(n float64) bool { return math.IsNaN(n) }

// or0 is the number, 0 for none.
func or0(n float64) float64 {
	if none(n) {
		return 0
	}
	return n
}

package picture

import (
	"strings"

	"kartoteka/internal/fault"
)

// Sizes of texts, in pixels.
const (
	titleSize = 17
	textSize  = 13
	smallSize = 12
)

// drawing is the work on one picture. The room that is left shrinks as things
// are placed.
type drawing struct {
	*scene
	chart    Chart
	theme    *theme
	language string

	left, top, right, bottom float64 // of the room that is left
	unnamed, lost            int     // series without a place in the legend, or anywhere
	noted                    bool    // there is room for the note
}

func newDrawing(c *Chart, l Look) *drawing {
	width, height := side(l.Width, DefaultWidth), side(l.Height, DefaultHeight)
	d := &drawing{
		scene: &scene{width: width, height: height, pen: &pen{glyphs: map[glyphKey]*glyph{}}},
		chart: c.cleaned(l), theme: light, language: l.Language,
	}
	if l.Dark {
		d.theme = dark
	}
	d.back, d.title = d.theme.back, d.chart.Title
	margin := min(16, float64(min(width, height))/16)
	d.left, d.top, d.right, d.bottom = margin, margin, float64(width)-margin, float64(height)-margin
	if n := len(c.Series) - len(d.chart.Series); n > 0 && c.Kind != Pie && c.Kind != Number {
		d.lose(n)
	}
	return d
}

func side(n, usual int) int {
	if n == 0 {
		return usual
	}
	return min(max(n, MinSide), MaxSide)
}

func (d *drawing) w() float64 { return d.right - d.left }
func (d *drawing) h() float64 { return d.bottom - d.top }

// frame draws the title, and keeps room for the notes.
func (d *drawing) frame() {
	if d.chart.Title != "" {
		size := min(titleSize, d.h()/8)
		d.add(label{at: point{d.left, d.top + size}, text: d.pen.fit(d.chart.Title, size, true, d.w()), size: size, bold: true, color: d.theme.text})
		d.top += size + min(14, d.h()/12)
	}
}

// keep leaves only the first categories, as many as there is room for, and notes
// how many there are beyond.
func (d *drawing) keep(most int) {
	c := &d.chart
	if n := max(most, 1); n < len(c.Categories) {
		c.More += len(c.Categories) - n
		c.Categories = c.Categories[:n]
		for i := range c.Series {
			c.Series[i].Values = c.Series[i].Values[:n]
		}
	}
	if c.More > 0 {
		d.note()
	}
}

// lose tells of series that are not drawn.
func (d *drawing) lose(n int) {
	d.lost += n
	d.note()
}

// note keeps room for the note.
func (d *drawing) note() {
	if !d.noted {
		d.bottom -= min(14, d.h()/12)
	}
	d.noted = true
}

// notes writes what was left out into the lower right corner.
func (d *drawing) notes() {
	var list []string
	for _, part := range []struct {
		n    int
		what fault.Message
	}{
		{d.chart.More, fault.Msg("and %d more", d.chart.More)},
		{d.lost, fault.Msg("series left out: %d", d.lost)},
		{d.unnamed, fault.Msg("not in the legend: %d", d.unnamed)},
	} {
		if part.n > 0 && d.noted {
			list = append(list, part.what.In(d.language))
		}
	}
	if list != nil {
		y := float64(d.height) - min(8, float64(d.height)/30)
		text := d.pen.fit(strings.Join(list, "; "), smallSize, false, d.w())
		d.add(label{at: point{d.right, y}, text: text, size: smallSize, anchor: end, color: d.theme.muted})
	}
}

// nothing says why there is no chart.
func (d *drawing) nothing(why fault.Message) {
	text := d.pen.fit(why.In(d.language), textSize, false, d.w())
	d.add(label{at: point{(d.left + d.right) / 2, (d.top+d.bottom)/2 + textSize/3}, text: text, size: textSize, anchor: middle, color: d.theme.muted})
}

// seriesColor is the colour of a series.
func (d *drawing) seriesColor(i int) paint { return d.theme.color(d.chart.Series[i].Color, i) }

// categoryColor is the colour of a category of the only series.
func (d *drawing) categoryColor(i int) paint {
	if d.chart.Multicolor {
		return d.theme.color(d.chart.Categories[i].Color, i)
	}
	return d.seriesColor(0)
}

// legend names the series in rows below the title, if there are several.
func (d *drawing) legend() {
	if len(d.chart.Series) < 2 {
		return
	}
	const mark, gap, row = 10, 18, 20
	rows := max(int(d.h()/4/row), 1)
	x, y := d.left, d.top
	for i, s := range d.chart.Series {
		room := min(180, d.w()-mark-6)
		name := d.pen.fit(s.Name, smallSize, false, room)
		width := mark + 6 + d.pen.width(name, smallSize, false)
		if x > d.left && x+width > d.right {
			x = d.left
			y += row
			if rows--; rows == 0 {
				d.unnamed = len(d.chart.Series) - i
				d.note()
				break
			}
		}
		d.box(x, y+2, mark, mark, d.seriesColor(i))
		d.add(label{at: point{x + mark + 6, y + mark + 1}, text: name, size: smallSize, color: d.theme.text})
		x += width + gap
		d.top = y + row + 4
	}
}

package picture

import (
	"math"
	"strings"
	"unicode/utf8"
)

// plot is where columns and lines are: a band for each category.
type plot struct {
	scale
	left, top, width, height, band float64
}

func (p *plot) y(v float64) float64       { return p.top + p.height*(1-p.part(v)) }
func (p *plot) center(i int) float64      { return p.left + p.band*(float64(i)+0.5) }
func (p *plot) bottom() float64           { return p.top + p.height }
func (p *plot) at(i int, v float64) point { return point{p.center(i), p.y(v)} }

// plot draws the axes of columns and lines; narrowest is how narrow a band may be.
func (d *drawing) plot(narrowest float64, stacked bool) *plot {
	d.keep(int((d.w() - 50) / narrowest))
	d.backward()
	d.legend()
	p := &plot{scale: d.spread(int(d.h()/55), stacked)}
	words := d.words(p.scale)
	axis := 0.0
	for _, word := range words {
		axis = max(axis, d.pen.width(word, smallSize, false))
	}
	p.left, p.top = d.left+axis+8, d.top+6
	p.width = d.right - p.left
	p.band = p.width / float64(len(d.chart.Categories))
	p.height = max(d.bottom-p.top-d.names(p, false), 10)
	for i, v := range p.ticks() {
		y, color := whole(p.y(v)), d.theme.grid
		if v == 0 {
			color = d.theme.muted
		}
		d.box(p.left, y, p.width, 1, color)
		d.add(label{at: point{p.left - 8, y + 4}, text: words[i], size: smallSize, anchor: end, color: d.theme.muted})
	}
	d.names(p, true)
	return p
}

const lineHeight = 15

// names writes the categories below a plot: in one line, in two or three, or
// slanted, some left out where they would touch. It gives the height that takes,
// drawn or not.
func (d *drawing) names(p *plot, drawn bool) float64 {
	lines, most := d.wrapped(p.band - 8)
	if lines == nil {
		return d.slanted(p, drawn)
	}
	for i, list := range lines {
		for j, text := range list {
			if drawn {
				d.add(label{at: point{p.center(i), p.bottom() + float64(j+1)*lineHeight + 2}, text: text, size: smallSize, anchor: middle, color: d.theme.text})
			}
		}
	}
	return float64(most)*lineHeight + 6
}

// wrapped breaks all names so that they fit into the room, alike where that takes
// no more lines; nil if they do not fit.
func (d *drawing) wrapped(room float64) (lines [][]string, most int) {
	lines, most = d.wrappedTo(room)
	if most < 2 {
		return lines, most
	}
	word := 0.0
	for _, c := range d.chart.Categories {
		for w := range strings.SplitSeq(c.Name, " ") {
			word = max(word, d.pen.width(w, smallSize, false))
		}
	}
	if narrow, n := d.wrappedTo(word); n == most {
		return narrow, n
	}
	return lines, most
}

func (d *drawing) wrappedTo(room float64) (lines [][]string, most int) {
	allowed := 2
	if d.h() > 300 {
		allowed = 3
	}
	for _, c := range d.chart.Categories {
		list := d.pen.wrap(c.Name, smallSize, room, allowed)
		if list == nil {
			return nil, 0
		}
		lines = append(lines, list)
		most = max(most, len(list))
	}
	return lines, most
}

// slanted writes the names upwards to their bands.
func (d *drawing) slanted(p *plot, drawn bool) float64 {
	const turn, sin = -40.0, 0.6428
	cos := math.Sqrt(1 - sin*sin)
	every := max(int(math.Ceil(17/p.band)), 1)
	longest := 0.0
	for i := 0; i < len(d.chart.Categories); i += every {
		x := p.center(i) + 5
		room := min(140, d.h()/3/sin)
		text := d.pen.fit(d.chart.Categories[i].Name, smallSize, false, min(room, (x-d.left)/cos))
		if every > 1 && x < d.left+room*cos && strings.HasSuffix(text, "…") && utf8.RuneCountInString(text) < 12 {
			continue // the edge leaves too little of it
		}
		longest = max(longest, d.pen.width(text, smallSize, false))
		if drawn {
			d.add(label{at: point{x, p.bottom() + 14}, text: text, size: smallSize, anchor: end, turned: turn, color: d.theme.text})
		}
	}
	return longest*sin + 20
}

// columns draws standing columns, beside each other or stacked.
func (d *drawing) columns() {
	p := d.plot(3, d.chart.Stacked)
	thick := min(p.band*0.72, 90*float64(max(len(d.chart.Series), 1)))
	for i := range d.chart.Categories {
		list, beside := d.segments(i)
		one := thick / float64(beside)
		gap := 0.0
		if beside > 1 && one > 6 {
			gap = 2
		}
		for _, s := range list {
			x := p.center(i) - thick/2 + one*float64(s.place)
			from, to := p.y(s.from), p.y(s.to)
			d.box(x+gap/2, min(from, to), one-gap, math.Abs(from-to), d.segmentColor(s, i))
		}
	}
	d.columnValues(p)
}

// columnValues writes the values of a single series, if all of them fit.
func (d *drawing) columnValues(p *plot) {
	if len(d.chart.Series) != 1 {
		return
	}
	texts := make([]string, len(d.chart.Categories))
	for i, v := range d.chart.Series[0].Values {
		if !none(v) {
			texts[i] = d.chart.Format.plain(v, d.language)
		}
		if d.pen.width(texts[i], smallSize, false) > p.band-4 {
			return
		}
	}
	for i, v := range d.chart.Series[0].Values {
		y := p.y(or0(v)) - 5
		if v < 0 {
			y = p.y(v) + 14
		}
		if y-10 < d.top-8 || y > p.bottom() && v < 0 {
			y = p.y(or0(v)) + 14 // inside
			if v < 0 {
				y = p.y(v) - 5
			}
		}
		if texts[i] != "" {
			d.add(label{at: point{p.center(i), y}, text: texts[i], size: smallSize, anchor: middle, color: d.theme.text})
		}
	}
}

// lines draws a line for each series, broken where there is no value.
func (d *drawing) lines() {
	p := d.plot(3, false)
	dots := p.band >= 12
	for i, s := range d.chart.Series {
		color := d.seriesColor(i)
		var run []point
		finish := func() {
			if len(run) > 1 {
				d.add(stroke{points: run, width: 2.5, color: color})
			}
			if dots || len(run) == 1 {
				for _, at := range run {
					d.add(dot{at, 3.5, color})
				}
			}
			run = nil
		}
		for j, v := range s.Values {
			if none(v) || d.chart.Categories[j].Apart {
				finish()
			}
			if none(v) {
				continue
			}
			run = append(run, p.at(j, v))
		}
		finish()
	}
}

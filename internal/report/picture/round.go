package picture

import (
	"math"
	"slices"

	"kartoteka/internal/fault"
)

// slice is a part of a pie.
type slice struct {
	name  string
	value float64
	color paint
}

// slices are the categories as parts of a pie, the rest of many as one. What is
// not above zero has no part.
func (d *drawing) slices() (list []slice, sum float64) {
	for i, c := range d.chart.Categories {
		v := 0.0
		for _, s := range d.chart.Series {
			v += or0(s.Values[i])
		}
		if v > 0 {
			list = append(list, slice{c.Name, v, d.theme.color(c.Color, i)})
			sum += v
		}
	}
	most := min(max(int(d.h()/16)-1, 1), maxSlices)
	if len(list) <= most+1 {
		return list, sum
	}
	rest := slice{name: fault.Msg("others: %d", len(list)-most).In(d.language), color: d.theme.muted}
	for _, s := range list[most:] {
		rest.value += s.value
	}
	return append(list[:most], rest), sum
}

// pie draws a pie, with a legend of names, values and parts.
func (d *drawing) pie() {
	list, sum := d.slices()
	d.keep(len(d.chart.Categories))
	switch {
	case len(d.chart.Categories) == 0 || len(d.chart.Series) == 0:
		d.nothing(fault.Msg("No data"))
		return
	case len(list) == 0 || !usable(sum):
		d.nothing(fault.Msg("No values above zero"))
		return
	}
	radius := max(min(d.h()/2-4, d.w()*0.22), 5)
	at := point{d.left + radius, (d.top + d.bottom) / 2}
	if d.w() > 4*radius+80 {
		at.x = d.left + d.w()/4
	}
	turn := 0.0
	var edges []shape
	for _, s := range list {
		g := wedge{at, radius, turn, turn + s.value/sum, s.color}
		turn = g.to
		d.add(g)
		if len(list) > 1 {
			edges = append(edges, stroke{points: []point{at, g.edge(g.from)}, width: 1.5, color: d.theme.back})
		}
	}
	d.add(edges...)
	d.pieLegend(list, sum, at.x+radius+24)
}

// pieLegend lists the slices from x on: names, then parts and values where there
// is room for them.
func (d *drawing) pieLegend(list []slice, sum, x float64) {
	row := min(22, d.h()/float64(len(list)))
	size := min(textSize, row*0.8)
	rows := make([][3]string, len(list))
	var widths [3]float64
	for i, s := range list {
		rows[i] = [3]string{s.name, d.chart.Format.Text(s.value, d.language), decimal(math.Round(s.value/sum*1000)/10, 1, false, d.language) + noBreak + "%"}
		for j, text := range rows[i] {
			widths[j] = max(widths[j], d.pen.width(text, size, false))
		}
	}
	room := d.right - x - 16
	for _, j := range []int{1, 2} {
		if min(widths[0], 60)+widths[1]+widths[2]+30 > room {
			widths[j] = -15 // left out
		}
	}
	widths[0] = min(widths[0], room-widths[1]-widths[2]-30)
	y := (d.top+d.bottom)/2 - row*float64(len(list))/2
	for i, s := range list {
		base := y + row*(float64(i)+0.5) + size*0.36
		d.box(x, base-size*0.36-5, 10, 10, s.color)
		right := x + 1
		d.add(label{at: point{x + 16, base}, text: d.pen.fit(rows[i][0], size, false, widths[0]), size: size, color: d.theme.text})
		for j, color := range []paint{1: d.theme.text, 2: d.theme.muted} {
			if right += 15 + widths[j]; j > 0 && widths[j] > 0 {
				d.add(label{at: point{right, base}, text: rows[i][j], size: size, anchor: end, color: color})
			}
		}
	}
}

// radar draws a ring of axes, one for each category, and a closed line for each
// series.
func (d *drawing) radar() {
	d.keep(maxCorners)
	d.legend()
	s := d.spread(5, false)
	n := len(d.chart.Categories)
	side := min(160, d.w()/4)
	web := wedge{at: point{(d.left + d.right) / 2, (d.top + d.bottom) / 2}, radius: max(min(d.h()/2-22, d.w()/2-side), 10)}
	corner := func(i int, v float64) point {
		w := web
		w.radius *= s.part(v)
		return w.edge(float64(i) / float64(n))
	}
	ring := func(v float64) (points []point) {
		for i := range n {
			points = append(points, corner(i, v))
		}
		return points
	}
	ticks := s.ticks()
	for _, v := range ticks {
		color := d.theme.grid
		if v == 0 {
			color = d.theme.muted
		}
		d.add(stroke{points: ring(v), width: 1, color: color, closed: true})
	}
	for i := range n {
		d.add(stroke{points: []point{web.at, corner(i, s.high)}, width: 1, color: d.theme.grid})
	}
	d.cornerNames(web, side)
	for i, one := range d.chart.Series {
		var points []point
		for j, v := range one.Values {
			if !none(v) {
				points = append(points, corner(j, v))
			}
		}
		color := d.seriesColor(i)
		d.add(area{points, color.faint(40)}, stroke{points: points, width: 2, color: color, closed: true})
		for _, p := range points {
			d.add(dot{p, 3, color})
		}
	}
	for i, word := range d.words(s) {
		if i == len(ticks)-1 || web.radius < 50 {
			break // the name of the first axis is there, or there is no room
		}
		d.add(label{at: point{web.at.x + 5, corner(0, ticks[i]).y - 3}, text: word, size: smallSize - 1, color: d.theme.muted})
	}
}

// cornerNames writes the names of the axes outside of the ring, but for those that
// would touch another.
func (d *drawing) cornerNames(web wedge, room float64) {
	web.radius += 8
	var taken []box
	for i, c := range d.chart.Categories {
		turn := float64(i) / float64(len(d.chart.Categories))
		l := label{at: web.edge(turn), size: smallSize, anchor: start, color: d.theme.text}
		sin, cos := math.Sincos(turn * 2 * math.Pi)
		wide := room
		switch {
		case math.Abs(sin) < 0.1:
			l.anchor = middle
			wide *= 2
		case sin < 0:
			l.anchor = end
		}
		l.at.y += 4 - cos*6
		l.text = d.pen.fit(c.Name, smallSize, false, wide-10)
		w := d.pen.width(l.text, smallSize, false)
		b := box{x: l.at.x - [...]float64{start: 0, middle: w / 2, end: w}[l.anchor], y: l.at.y - smallSize, w: w, h: smallSize + 2}
		if !slices.ContainsFunc(taken, b.touches) {
			taken = append(taken, b)
			d.add(l)
		}
	}
}

func (b box) touches(o box) bool {
	return b.x < o.x+o.w && o.x < b.x+b.w && b.y < o.y+o.h && o.y < b.y+b.h
}

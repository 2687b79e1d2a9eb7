package picture

import "math"

// bars draws lying bars, beside each other or stacked, with the names on the left.
func (d *drawing) bars() {
	row := 20.0
	if !d.chart.Stacked {
		row = max(row, 7*float64(len(d.chart.Series)))
	}
	d.legend()
	if d.chart.More > 0 || float64(len(d.chart.Categories))*row > d.h()-20 {
		d.keep(int((d.h() - 34) / row))
	}
	left := d.barNames()
	p := &plot{scale: d.spread(int((d.right-left)/110), d.chart.Stacked), left: left, top: d.top}
	right := d.right
	if len(d.chart.Series) == 1 {
		right -= d.barRoom()
	}
	p.width, p.height = max(right-left, 10), max(d.bottom-20-d.top, 10)
	p.band = p.height / float64(len(d.chart.Categories))
	words := d.words(p.scale)
	for i, v := range p.ticks() {
		x, color := whole(p.left+p.width*p.part(v)), d.theme.grid
		if v == 0 {
			color = d.theme.muted
		}
		d.box(x, p.top, 1, p.height, color)
		at := label{at: point{x, p.bottom() + 15}, text: words[i], size: smallSize, anchor: middle, color: d.theme.muted}
		if half := d.pen.width(words[i], smallSize, false) / 2; x+half > d.right {
			at.at.x, at.anchor = d.right, end
		}
		d.add(at)
	}
	for i := range d.chart.Categories {
		d.bar(p, i)
	}
}

// barNames writes the names, and gives where the bars begin.
func (d *drawing) barNames() float64 {
	height := (d.bottom - 20 - d.top) / float64(len(d.chart.Categories))
	widest := 0.0
	for _, c := range d.chart.Categories {
		widest = max(widest, d.pen.width(c.Name, smallSize, false))
	}
	widest = min(widest, d.w()*0.35)
	for i, c := range d.chart.Categories {
		y := d.top + height*(float64(i)+0.5) + 4
		d.add(label{at: point{d.left + widest, y}, text: d.pen.fit(c.Name, smallSize, false, widest), size: smallSize, anchor: end, color: d.theme.text})
	}
	return d.left + widest + 10
}

// barRoom is the room for the longest value behind a bar.
func (d *drawing) barRoom() float64 {
	widest := 0.0
	for _, v := range d.chart.Series[0].Values {
		if !none(v) {
			widest = max(widest, d.pen.width(d.chart.Format.plain(v, d.language), smallSize, false))
		}
	}
	return min(widest+8, d.w()/4)
}

func (d *drawing) bar(p *plot, category int) {
	list, beside := d.segments(category)
	thick := min(p.band*0.72, 60*float64(beside))
	one := thick / float64(beside)
	middle := p.top + p.band*(float64(category)+0.5)
	for _, s := range list {
		y := middle - thick/2 + one*float64(s.place)
		from, to := p.left+p.width*p.part(s.from), p.left+p.width*p.part(s.to)
		gap := 0.0
		if beside > 1 && one > 6 {
			gap = 1
		}
		d.box(min(from, to), y+gap/2, math.Abs(from-to), one-gap, d.segmentColor(s, category))
		if len(d.chart.Series) == 1 {
			text := d.pen.fit(d.chart.Format.plain(s.to, d.language), smallSize, false, d.w()/4)
			d.add(label{at: point{max(from, to) + 6, middle + 4}, text: text, size: smallSize, color: d.theme.text})
		}
	}
}

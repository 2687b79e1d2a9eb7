package picture

import "math"

// figure writes one number as large as there is room for.
func (d *drawing) figure() {
	v := math.NaN()
	if len(d.chart.Series) > 0 && len(d.chart.Series[0].Values) > 0 {
		v = d.chart.Series[0].Values[0]
	}
	text := d.chart.Format.Text(v, d.language)
	size := min(d.h()*0.5, 96)
	if w := d.pen.width(text, 1, true); w*size > d.w()*0.85 {
		size = d.w() * 0.85 / w // a viewer without the font may need more room
	}
	size = max(math.Floor(size), 8)
	text = d.pen.fit(text, size, true, d.w())
	d.add(label{at: point{(d.left + d.right) / 2, (d.top+d.bottom)/2 + size*0.35}, text: text, size: size, bold: true, anchor: middle, color: d.theme.palette[0]})
}

// table draws rows of the categories and columns of the series.
func (d *drawing) table() {
	const narrowest, row = 70, 26
	if most := max(int(d.w()*0.7/narrowest), 1); len(d.chart.Series) > most {
		d.lose(len(d.chart.Series) - most)
		d.chart.Series = d.chart.Series[:most]
	}
	if rows := int(d.h()/row) - 1; d.chart.More > 0 || len(d.chart.Categories) > rows {
		if !d.noted {
			rows = int((d.h()-14)/row) - 1
		}
		d.keep(rows)
	}
	widths := d.columnWidths(narrowest)
	first := d.w()
	for _, w := range widths {
		first -= w
	}
	d.box(d.left, d.top, d.w(), row, d.theme.grid)
	line := func(y float64, name string, bold bool, values func(i int) string) {
		d.add(label{at: point{d.left + 8, y + 17}, text: d.pen.fit(name, textSize, bold, first-16), size: textSize, bold: bold, color: d.theme.text})
		x := d.left + first
		for i, w := range widths {
			x += w
			d.add(label{at: point{x - 8, y + 17}, text: d.pen.fit(values(i), textSize, bold, w-12), size: textSize, bold: bold, anchor: end, color: d.theme.text})
		}
	}
	line(d.top, d.chart.Axis, true, func(i int) string { return d.chart.Series[i].Name })
	for j, c := range d.chart.Categories {
		y := d.top + row*float64(j+1)
		if j%2 == 1 {
			d.box(d.left, y, d.w(), row, d.theme.stripe)
		}
		line(y, c.Name, false, func(i int) string { return d.chart.Format.Text(d.chart.Series[i].Values[j], d.language) })
	}
	d.box(d.left, d.top+row*float64(len(d.chart.Categories)+1), d.w(), 1, d.theme.grid)
}

// columnWidths is what the columns of numbers need, within their share.
func (d *drawing) columnWidths(narrowest float64) []float64 {
	widths := make([]float64, len(d.chart.Series))
	share := max(d.w()*0.7/float64(len(widths)), 10)
	for i, s := range d.chart.Series {
		need := d.pen.width(s.Name, textSize, true)
		for _, v := range s.Values {
			need = max(need, d.pen.width(d.chart.Format.Text(v, d.language), textSize, false))
		}
		widths[i] = min(max(need+20, narrowest), share)
	}
	return widths
}

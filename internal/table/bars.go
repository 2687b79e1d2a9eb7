package table

import (
	"bufio"
	"io"
	"math"
	"strings"
)

// Bars is a chart of bars that lie, one a row, beside labels and the value. Bars
// of values below zero reach to the left.
type Bars struct {
	Heads []string // of the labels and of the value
	Rows  []Bar
	// Width is how many columns of a terminal there are; 80 for 0.
	Width int
}

// Bar is one row. A label that is the one above it is left out, if all before it
// are, too.
type Bar struct {
	Labels []string
	Text   string // the value as it is written
	Number float64
	None   bool // there is no value
}

// Write writes the chart, its labels cleaned.
func (b *Bars) Write(w io.Writer) error {
	g := Grid{Heads: b.Heads, Labels: len(b.Heads) - 1}
	if g.Width = b.Width; g.Width == 0 {
		g.Width = usualWidth
	}
	g.Rows = b.cells(labelWidth(g.Width))
	widths := make([]int, len(b.Heads))
	heads := cleaned(b.Heads)
	for n := range heads {
		if n < g.Labels {
			heads[n] = Shorten(heads[n], labelWidth(g.Width))
		} else {
			heads[n] = Shorten(heads[n], mostHeading)
		}
		widths[n] = Columns(heads[n])
		for _, row := range g.Rows {
			widths[n] = max(widths[n], Columns(row[n]))
		}
	}
	taken := 0
	for _, n := range widths {
		taken += n + gap
	}
	s := b.scale(max(fewestOfBars, g.Width-taken))
	out := bufio.NewWriter(w)
	g.writeRow(out, heads, widths, []int{g.Labels})
	widths = append(widths, 0)
	for i, row := range g.Rows {
		bar := ""
		if !b.Rows[i].None {
			bar = s.bar(b.Rows[i].Number)
		}
		g.writeRow(out, append(row, bar), widths, []int{g.Labels, g.Labels + 1})
	}
	return out.Flush()
}

// cells are the labels and the value of each row.
func (b *Bars) cells(label int) [][]string {
	rows := make([][]string, len(b.Rows))
	var above []string
	for i, one := range b.Rows {
		same := i > 0
		row := make([]string, 0, len(one.Labels)+2)
		for n, s := range one.Labels {
			if same = same && s == above[n]; same && n < len(one.Labels)-1 {
				s = ""
			}
			row = append(row, Shorten(Clean(s), label))
		}
		above = one.Labels
		rows[i] = append(row, Clean(one.Text))
	}
	return rows
}

// scale maps numbers to bars. Eighths and halves are of a column.
type scale struct {
	least, most float64 // 0 or below, 0 or above
	below       int     // columns for what is below zero
	above       int
}

func (b *Bars) scale(columns int) (s scale) {
	for i := range b.Rows {
		if !b.Rows[i].None {
			s.least, s.most = min(s.least, b.Rows[i].Number), max(s.most, b.Rows[i].Number)
		}
	}
	if s.least == 0 {
		s.above = columns
		return s
	}
	columns-- // the line of zero
	s.below = int(math.Round(float64(columns) * (s.least / 2) / (s.least/2 - s.most/2)))
	s.below = max(1, s.below)
	if s.most > 0 {
		s.below = min(s.below, columns-1)
	}
	s.above = columns - s.below
	return s
}

// eighths are the parts of a column that are filled from the left.
var eighths = []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}

// bar draws a number. What is not zero is seen.
func (s *scale) bar(n float64) string {
	if n < 0 {
		halves := max(1, int(math.Round(n/s.least*float64(2*s.below))))
		bar := strings.Repeat("▐", halves%2) + strings.Repeat("█", halves/2)
		return pad(bar, s.below, true) + "│"
	}
	bar := ""
	if s.below > 0 {
		bar = strings.Repeat(" ", s.below) + "│"
	}
	if n == 0 {
		return bar
	}
	parts := max(1, int(math.Round(n/s.most*float64(8*s.above))))
	return bar + strings.Repeat("█", parts/8) + eighths[parts%8]
}

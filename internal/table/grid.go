package table

import (
	"bufio"
	"io"
	"strings"
)

// Bounds of what people read, in columns of a terminal.
const (
	gap          = 2  // between columns
	mostLabel    = 48 // of a label
	mostHeading  = 24 // of the heading of a column
	fewestLabel  = 8  // however narrow the terminal is
	usualWidth   = 80 // of charts where no width is known
	fewestOfBars = 8
)

// Grid is a table for people: columns of equal width, headings above them.
type Grid struct {
	Heads []string
	Rows  [][]string // of as many cells as there are headings
	// Labels is how many columns name the row: they stand left, are repeated where
	// the others do not fit beside one another, and are cut where they are long.
	// The others stand right.
	Labels int
	// Width is how many columns of a terminal there are; 0 for any number.
	Width int
}

// Write writes the table, its cells cleaned.
func (g *Grid) Write(w io.Writer) error {
	heads, rows := cleaned(g.Heads), make([][]string, len(g.Rows))
	for i, row := range g.Rows {
		rows[i] = cleaned(row)
	}
	label, widths := labelWidth(g.Width), make([]int, len(heads))
	for n := range heads {
		most := mostHeading
		if n < g.Labels {
			most = label
		}
		heads[n] = Shorten(heads[n], most)
		widths[n] = Columns(heads[n])
		for _, row := range rows {
			if n < g.Labels {
				row[n] = Shorten(row[n], most)
			}
			widths[n] = max(widths[n], Columns(row[n]))
		}
	}
	out := bufio.NewWriter(w)
	for i, block := range g.blocks(widths) {
		if i > 0 {
			_ = out.WriteByte('\n') // Flush tells
		}
		g.writeRow(out, heads, widths, block)
		for _, row := range rows {
			g.writeRow(out, row, widths, block)
		}
	}
	return out.Flush()
}

// blocks parts the columns beside the labels so that each part fits the width.
func (g *Grid) blocks(widths []int) (blocks [][]int) {
	labels := 0
	for n := range g.Labels {
		labels += widths[n] + gap
	}
	var block []int
	taken := labels
	for n := g.Labels; n < len(widths); n++ {
		if g.Width > 0 && taken+widths[n] > g.Width && block != nil {
			blocks, block, taken = append(blocks, block), nil, labels
		}
		block = append(block, n)
		taken += widths[n] + gap
	}
	return append(blocks, block)
}

func (g *Grid) writeRow(out *bufio.Writer, row []string, widths []int, block []int) {
	var line strings.Builder
	cell := func(n int) {
		if line.Len() > 0 {
			line.WriteString(strings.Repeat(" ", gap))
		}
		line.WriteString(pad(row[n], widths[n], n >= g.Labels))
	}
	for n := range g.Labels {
		cell(n)
	}
	for _, n := range block {
		cell(n)
	}
	_, _ = out.WriteString(strings.TrimRight(line.String(), " ") + "\n") // Flush tells
}

func cleaned(list []string) []string {
	clean := make([]string, len(list))
	for i, s := range list {
		clean[i] = Clean(s)
	}
	return clean
}

// labelWidth is the most that a label takes of a width.
func labelWidth(width int) int {
	if width == 0 {
		return mostLabel
	}
	return min(mostLabel, max(fewestLabel, width/3))
}

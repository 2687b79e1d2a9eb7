package adminapi

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/report"
	"kartoteka/internal/table"
)

// sheet is a report as it is printed.
type sheet struct {
	values  *report.Values
	title   string
	measure string // what the numbers are
	dims    []dimension
	split   bool // the last dimension is the split
	numbers numbers
}

func newSheet(v *report.Values, c *catalog.Catalog, offset int) *sheet {
	s := &sheet{values: v, measure: measureName(v.Ask.Measure, c)}
	for _, d := range []dimension{{values: v, field: v.Axis, grouping: v.Ask.Axis}, {values: v, field: v.Split, grouping: v.Ask.Split}} {
		if d.grouping.By == query.NoGroups {
			continue
		}
		if d.field == nil || d.field.Config.HasTime() {
			d.offset = int64(offset) * minuteMs
		}
		s.dims = append(s.dims, d)
	}
	s.split = v.Ask.Split.By != query.NoGroups
	s.title = c.Name + ": " + s.measure
	for i, d := range s.dims {
		s.title += []string{" by ", " and "}[i] + d.heading()
	}
	var all []float64
	for i := range v.Groups {
		for _, value := range v.Groups[i].Values {
			if !value.None {
				all = append(all, value.Number)
			}
		}
	}
	s.numbers = newNumbers(v.Ask.Measure, all)
	return s
}

// write prints the report in a format; "" is the one that suits.
func (s *sheet) write(c Call, format string) error {
	if format == "" {
		format = tableFormat
		if c.Terminal && len(s.dims) == 1 {
			format = barsFormat
		}
	}
	switch format {
	case jsonFormat:
		_, err := fmt.Fprintf(c.Out, "%s\n", quiet(bpium.EncodeValues(nil, s.values)))
		return err
	case csvFormat:
		return s.writeCSV(c.Out)
	}
	if _, err := fmt.Fprintln(c.Out, table.Clean(s.title)); err != nil {
		return err
	}
	if len(s.values.Groups) == 0 {
		if s.values.All > 0 {
			return s.writeMore(c.Out)
		}
		_, err := fmt.Fprintln(c.Out, "There are no such records")
		return err
	}
	if err := s.writePlain(c, format); err != nil {
		return err
	}
	return s.writeMore(c.Out)
}

// writePlain prints what people read, below the title.
func (s *sheet) writePlain(c Call, format string) error {
	switch {
	case len(s.dims) == 0:
		_, err := fmt.Fprintln(c.Out, s.numbers.text(s.values.Groups[0].Values[0]))
		return err
	case format == barsFormat:
		bars := table.Bars{Heads: append(s.headings(), s.measure), Width: c.Width}
		s.each(func(keys []catalog.GroupKey, v report.Value) {
			bars.Rows = append(bars.Rows, table.Bar{Labels: s.labels(keys), Text: s.numbers.text(v), Number: v.Number, None: v.None})
		})
		return bars.Write(c.Out)
	case len(s.dims) == 2:
		return s.crossed(c.Width).Write(c.Out)
	}
	g := table.Grid{Heads: append(s.headings(), s.measure), Labels: 1, Width: c.Width}
	s.each(func(keys []catalog.GroupKey, v report.Value) {
		g.Rows = append(g.Rows, append(s.labels(keys), s.numbers.text(v)))
	})
	return g.Write(c.Out)
}

// crossed has a row for each group of the axis and a column for each of the split.
func (s *sheet) crossed(width int) *table.Grid {
	splits := s.values.Splits()
	at := make(map[catalog.GroupKey]int, len(splits))
	g := &table.Grid{Heads: []string{s.dims[0].heading()}, Labels: 1, Width: width}
	for i, k := range splits {
		at[k] = i + 1
		g.Heads = append(g.Heads, s.dims[1].label(k))
	}
	for i := range s.values.Groups {
		group := &s.values.Groups[i]
		row := make([]string, 1+len(splits))
		row[0] = s.dims[0].label(group.Axis)
		for n := range splits {
			row[n+1] = noValue
		}
		for _, v := range group.Values {
			row[at[v.Split]] = s.numbers.text(v)
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}

// each gives every value with its keys, one for each dimension.
func (s *sheet) each(fn func(keys []catalog.GroupKey, v report.Value)) {
	for i := range s.values.Groups {
		g := &s.values.Groups[i]
		for _, v := range g.Values {
			keys := []catalog.GroupKey{g.Axis, v.Split}
			switch {
			case !s.split:
				keys = keys[:len(s.dims)]
			case len(s.dims) == 1:
				keys = keys[1:]
			}
			fn(keys, v)
		}
	}
}

func (s *sheet) headings() (list []string) {
	for _, d := range s.dims {
		list = append(list, d.heading())
	}
	return list
}

func (s *sheet) labels(keys []catalog.GroupKey) (list []string) {
	for i, d := range s.dims {
		list = append(list, d.label(keys[i]))
	}
	return list
}

// writeMore tells of what is not shown.
func (s *sheet) writeMore(w io.Writer) error {
	var more []string
	if shown := len(s.values.Groups); shown < s.values.All {
		more = append(more, fmt.Sprintf("%d of %d groups; --limit and --offset show others", shown, s.values.All))
	}
	if n := s.values.Dropped; n > 0 {
		more = append(more, fmt.Sprintf("Less frequent groups of %s left out: %d; --split-limit shows more", table.Clean(s.dims[len(s.dims)-1].heading()), n))
	}
	for _, line := range more {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// writeCSV prints a line for each value, numbers as they are.
func (s *sheet) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	line := func(cells []string) { _ = out.Write(cells) } // Error tells
	var heads []string
	for _, h := range append(s.headings(), s.measure) {
		heads = append(heads, table.InertCell(table.Clean(h)))
	}
	line(heads)
	s.each(func(keys []catalog.GroupKey, v report.Value) {
		var cells []string
		for i, d := range s.dims {
			cells = append(cells, d.cell(keys[i]))
		}
		line(append(cells, rawNumber(v)))
	})
	out.Flush()
	return out.Error()
}

// quiet escapes what JSON allows in a text and a terminal obeys.
func quiet(data []byte) string {
	var b strings.Builder
	for _, r := range string(data) {
		if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) && r <= '\uffff' {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

package report

import (
	"strings"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// TestFilled: intervals without records are between those with some, in either
// order, on the caller's clock, and not for ever.
func TestFilled(t *testing.T) {
	const layout = "2006-01-02T15"
	for _, c := range []struct {
		name      string
		step      query.Step
		direction Direction
		shift     time.Duration
		have      string // - is the group without a time
		want      string
	}{
		{"months, newest first", query.Month, Usual, 0, "2026-03-01T00 2025-12-01T00 -", "2026-03-01T00 2026-02-01T00* 2026-01-01T00* 2025-12-01T00 -"},
		{"months, oldest first", query.Month, Ascending, 0, "2025-12-01T00 2026-02-01T00", "2025-12-01T00 2026-01-01T00* 2026-02-01T00"},
		{"months east of UTC", query.Month, Ascending, 3 * time.Hour, "2026-01-31T21 2026-03-31T21 -", "2026-01-31T21 2026-02-28T21* 2026-03-31T21 -"},
		{"hours", query.Hour, Ascending, 0, "2026-01-31T22 2026-02-01T01", "2026-01-31T22 2026-01-31T23* 2026-02-01T00* 2026-02-01T01"},
		{"days", query.Day, Ascending, -5 * time.Hour, "2024-02-28T05 2024-03-01T05", "2024-02-28T05 2024-02-29T05* 2024-03-01T05"},
		{"weeks", query.Week, Usual, 0, "2026-01-12T00 2025-12-29T00", "2026-01-12T00 2026-01-05T00* 2025-12-29T00"},
		{"quarters", query.Quarter, Usual, 0, "2026-04-01T00 2025-10-01T00", "2026-04-01T00 2026-01-01T00* 2025-10-01T00"},
		{"years", query.Year, Ascending, 0, "1969-01-01T00 1971-01-01T00", "1969-01-01T00 1970-01-01T00* 1971-01-01T00"},
		{"too far apart", query.Day, Ascending, 0, "2025-01-01T00 2026-01-01T00 -", "2025-01-01T00 2026-01-01T00 -"},
		{"one", query.Day, Usual, 0, "2025-01-01T00 -", "2025-01-01T00 -"},
		{"none", query.Day, Usual, 0, "-", "-"},
	} {
		ask := &Ask{Direction: c.direction}
		ask.Axis = query.Grouping{By: query.GroupsOfCreated, Step: c.step}
		v := &Values{Ask: ask}
		for _, word := range strings.Fields(c.have) {
			g := Group{Axis: catalog.NoGroup, Values: []Value{{Number: 1}}}
			if word != "-" {
				at, err := time.Parse(layout, word)
				if err != nil {
					t.Fatal(err)
				}
				g.Axis = catalog.GroupKey{Whole: at.UnixMilli()}
			}
			v.Groups = append(v.Groups, g)
		}
		var got []string
		for _, g := range v.filled(c.shift.Milliseconds()) {
			word := "-"
			if g.Axis.Kind != catalog.NoKey {
				word = time.UnixMilli(g.Axis.Whole).UTC().Format(layout)
			}
			if len(g.Values) == 0 {
				word += "*"
			}
			got = append(got, word)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", c.name, s, c.want)
		}
	}
	byValue := &Values{Ask: &Ask{Order: ByValue}, Groups: []Group{{Axis: catalog.GroupKey{Whole: 0}}, {Axis: catalog.GroupKey{Whole: 1e9}}}}
	byValue.Ask.Axis = query.Grouping{By: query.GroupsOfCreated, Step: query.Day}
	if n := len(byValue.filled(0)); n != 2 {
		t.Errorf("by value: %d groups", n)
	}
}

package adminapi

import (
	"math"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/report"
)

func TestTimeText(t *testing.T) {
	for ms, want := range map[float64]string{
		0: "0s", 250: "0.25s", 59_999: "59.999s", 60_000: "1:00", 307_400: "5:07", 3_723_000: "1:02:03", 86_400_000: "1d 00:00:00",
		3*86_400_000 + 14_706_000: "3d 04:05:06", 1234 * 86_400_000: "1,234d 00:00:00",
	} {
		if got := timeText(ms); got != want {
			t.Errorf("%v ms are %q, not %q", ms, got, want)
		}
	}
}

func TestGrouped(t *testing.T) {
	for _, c := range []struct {
		n        float64
		decimals int
		want     string
	}{
		{0, 0, "0"}, {999, 0, "999"}, {1000, 0, "1,000"}, {-1000, 0, "-1,000"}, {-999, 0, "-999"}, {1234567.5, 2, "1,234,567.50"},
		{0.1, -1, "0.1"}, {1200.5, -1, "1,200.5"}, {1e15, 0, "1e+15"}, {-1e300, 2, "-1e+300"}, {0.00001, 4, "1e-05"}, {0.00001, -1, "0.00001"},
		{math.Copysign(0, -1), 0, "0"},
	} {
		if got := grouped(c.n, c.decimals); got != c.want {
			t.Errorf("%v with %d decimals is %q, not %q", c.n, c.decimals, got, c.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	count, in := query.Measure{}, query.Measure{Of: query.TimeIn, Fn: query.Max}
	for _, c := range []struct {
		measure query.Measure
		all     []float64
		value   report.Value
		want    string
	}{
		{count, []float64{1, 2}, report.Value{Number: 2}, "2"},
		{count, []float64{1, 2.5, 0.125}, report.Value{Number: 2.5}, "2.500"},
		{count, []float64{1.0 / 3}, report.Value{Number: 1.0 / 3}, "0.3333"},
		{count, nil, report.Value{None: true}, "-"},
		{in, []float64{60_000.5}, report.Value{Number: 60_000}, "1:00"},
		{query.Measure{Of: query.TimeIn, Fn: query.Count}, []float64{3}, report.Value{Number: 3}, "3"},
	} {
		if got := newNumbers(c.measure, c.all).text(c.value); got != c.want {
			t.Errorf("%v among %v is %q, not %q", c.value, c.all, got, c.want)
		}
	}
}

func TestTimeLabel(t *testing.T) {
	at := time.Date(2031, time.March, 31, 22, 0, 0, 0, time.UTC).UnixMilli() // April 1 in Kyiv
	for step, want := range map[query.Step]string{
		query.Hour: "2031-04-01 01:00", query.Day: "2031-04-01", query.Week: "2031-04-01", query.Month: "2031-04", query.Quarter: "2031-Q2", query.Year: "2031",
	} {
		d := dimension{grouping: query.Grouping{By: query.GroupsOfCreated, Step: step}, offset: 180 * minuteMs}
		if got := d.label(catalog.GroupKey{Whole: at}); got != want || d.cell(catalog.GroupKey{Whole: at}) != want {
			t.Errorf("step %d is %q, not %q", step, got, want)
		}
	}
	for _, c := range []struct {
		step        query.Step
		n           int64
		label, cell string
	}{
		{query.HourOfDay, 7, "07:00", "7"}, {query.DayOfWeek, 1, "Mon", "1"}, {query.DayOfWeek, 7, "Sun", "7"}, {query.DayOfMonth, 31, "31", "31"},
		{query.WeekOfYear, 53, "53", "53"}, {query.MonthOfYear, 12, "Dec", "12"}, {query.QuarterOfYear, 4, "Q4", "4"},
	} {
		d := dimension{grouping: query.Grouping{By: query.GroupsOfCreated, Step: c.step}, offset: 180 * minuteMs}
		k := catalog.GroupKey{Whole: c.n}
		if d.label(k) != c.label || d.cell(k) != c.cell {
			t.Errorf("step %d: %d is %q and %q, not %q and %q", c.step, c.n, d.label(k), d.cell(k), c.label, c.cell)
		}
	}
}

package adminapi

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/report"
	"kartoteka/internal/table"
)

const (
	noKey   = "(none)" // records without a value
	noValue = "-"      // nothing was measured

	minuteMs = int64(time.Minute / time.Millisecond)
	dayMs    = int64(24 * time.Hour / time.Millisecond)
)

// dimension names the groups of the axis or of the split.
type dimension struct {
	values   *report.Values
	field    *catalog.Field // nil for the time of creation
	grouping query.Grouping
	offset   int64 // from UTC to the clock of the groups, ms
}

// stepNames tell people how times are cut.
var stepNames = map[query.Step]string{
	query.Hour: "hour", query.Day: "day", query.Week: "week", query.Month: "month", query.Quarter: "quarter", query.Year: "year",
	query.HourOfDay: "hour of day", query.DayOfWeek: "day of week", query.DayOfMonth: "day of month", query.WeekOfYear: "week of year",
	query.MonthOfYear: "month of year", query.QuarterOfYear: "quarter of year",
}

func (d *dimension) heading() string {
	name := "Created"
	if d.field != nil {
		name = d.field.Name
	}
	if d.grouping.Timed() {
		name += " (" + stepNames[d.grouping.Step] + ")"
	}
	return name
}

// label names a group for people.
func (d *dimension) label(k catalog.GroupKey) string {
	switch {
	case k.Kind == catalog.NoKey:
		return noKey
	case d.grouping.Timed():
		return d.timeLabel(k.Whole)
	case d.field.Storage() == catalog.BoolStorage:
		return map[bool]string{true: "yes", false: "no"}[k.Whole != 0]
	case d.field.Storage() == catalog.FloatStorage:
		return grouped(k.Number+float64(k.Whole), -1)
	case d.field.Type.Name() == "progress" && k.Whole < 100:
		return fmt.Sprintf("%d-%d%%", k.Whole, k.Whole+9)
	case d.field.Type.Name() == "progress":
		return fmt.Sprintf("%d%%", k.Whole)
	}
	return d.text(k)
}

// cell names a group as a cell of a CSV file: numbers as they are, nothing for
// records without a value.
func (d *dimension) cell(k catalog.GroupKey) string {
	switch {
	case k.Kind == catalog.NoKey:
		return ""
	case d.grouping.Timed() && d.grouping.Step.Cyclic():
		return strconv.FormatInt(k.Whole, 10)
	case d.grouping.Timed():
		return d.timeLabel(k.Whole)
	case d.field.Storage() == catalog.BoolStorage:
		return strconv.FormatBool(k.Whole != 0)
	case d.field.Storage() == catalog.FloatStorage:
		return string(catalog.AppendNumber(nil, k.Number+float64(k.Whole)))
	case d.field.Storage() == catalog.WholeStorage:
		return strconv.FormatInt(k.Whole, 10)
	}
	return table.InertCell(table.Clean(d.text(k)))
}

// text names a group of texts, options, links or whole numbers.
func (d *dimension) text(k catalog.GroupKey) string {
	switch d.field.Storage() {
	case catalog.TextStorage:
		return k.Text
	case catalog.ItemStorage, catalog.ItemsStorage:
		return d.field.Config.Item(query.Item(k.Whole)).Name
	case catalog.LinksStorage:
		ref := query.Ref(k.Whole)
		if t, ok := d.values.Titles[ref]; ok {
			return t.Text
		}
		return fmt.Sprintf("#%d", ref.Record())
	}
	return strconv.FormatInt(k.Whole, 10)
}

// timeLabel names an interval by its beginning on the clock of the groups, and a
// part of a cycle by its name.
func (d *dimension) timeLabel(n int64) string {
	at := time.UnixMilli(n + d.offset).UTC()
	switch d.grouping.Step {
	case query.Hour:
		return at.Format("2006-01-02 15:04")
	case query.Month:
		return at.Format("2006-01")
	case query.Quarter:
		return fmt.Sprintf("%s-Q%d", at.Format("2006"), (at.Month()-1)/3+1)
	case query.Year:
		return at.Format("2006")
	case query.HourOfDay:
		return fmt.Sprintf("%02d:00", n)
	case query.DayOfWeek:
		return time.Weekday(n % 7).String()[:3]
	case query.MonthOfYear:
		return time.Month(n).String()[:3]
	case query.QuarterOfYear:
		return fmt.Sprintf("Q%d", n)
	case query.DayOfMonth, query.WeekOfYear:
		return strconv.FormatInt(n, 10)
	}
	return at.Format(time.DateOnly) // of a week its Monday
}

// measureName tells people what is measured.
func measureName(m query.Measure, c *catalog.Catalog) string {
	if m.Of == query.Records {
		return "Records"
	}
	of := c.Field(m.Field).Name
	time := "time"
	if m.Fn == query.Count {
		time = "times"
	}
	switch m.Of {
	case query.Distinct:
		return "Different " + of
	case query.TimeIn:
		of = time + " in " + of
	case query.TimeTo:
		of = time + " to " + of
	}
	return map[query.Function]string{query.Sum: "Sum of ", query.Count: "Number of ", query.Max: "Greatest ", query.Min: "Least ",
		query.Average: "Average ", query.AverageAll: "Average (none is 0) of "}[m.Fn] + of
}

// numbers writes the values of one report for people.
type numbers struct {
	times    bool // the values are milliseconds
	decimals int  // all have so many
}

// mostDecimals bounds how exact numbers are written for people.
const mostDecimals = 4

func newNumbers(m query.Measure, all []float64) (n numbers) {
	n.times = m.Of.Times() && m.Fn != query.Count
	for _, v := range all {
		s := strconv.FormatFloat(v, 'f', -1, 64)
		if i := strings.IndexByte(s, '.'); i >= 0 {
			n.decimals = max(n.decimals, min(mostDecimals, len(s)-i-1))
		}
	}
	return n
}

func (n numbers) text(v report.Value) string {
	switch {
	case v.None:
		return noValue
	case n.times:
		return timeText(v.Number)
	}
	return grouped(v.Number, n.decimals)
}

// grouped writes 1234567.5 as 1,234,567.50 with two decimals; -1 is as many as
// there are. What is too large or too small for that has an exponent.
func grouped(n float64, decimals int) string {
	if n == 0 {
		n = 0 // not -0
	}
	if size := math.Abs(n); size >= 1e15 || size > 0 && decimals >= 0 && size < math.Pow10(-decimals)/2 {
		return strconv.FormatFloat(n, 'g', mostDecimals+1, 64)
	}
	s := strconv.FormatFloat(n, 'f', decimals, 64)
	whole, fraction, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return whole
}

// timeText writes milliseconds as 0.25s, 5:07, 1:02:03 or 3d 04:05:06.
func timeText(ms float64) string {
	whole := int64(math.Round(ms))
	seconds := whole / 1000 % 60
	minutes, hours, days := whole/minuteMs%60, whole/(60*minuteMs)%24, whole/dayMs
	switch {
	case whole < minuteMs:
		return strconv.FormatFloat(float64(whole)/1000, 'f', -1, 64) + "s"
	case days > 0:
		return fmt.Sprintf("%sd %02d:%02d:%02d", grouped(float64(days), 0), hours, minutes, seconds)
	case hours > 0:
		return fmt.Sprintf("%d:%02d:%02d", hours, minutes, seconds)
	}
	return fmt.Sprintf("%d:%02d", minutes, seconds)
}

// rawNumber writes a value as it is; nothing where there is none.
func rawNumber(v report.Value) string {
	if v.None {
		return ""
	}
	return string(catalog.AppendNumber(nil, v.Number))
}

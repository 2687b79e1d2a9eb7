package bpium

import (
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// nullDate is the old code for "no date".
const nullDate = "NULL_DATE"

// maxRelative bounds relative days: it spans all years that a date may have.
const maxRelative = 4_000_000

func (d *filterDecoder) dateFilter(f *catalog.Field, v tree.Value) (query.Node, error) {
	if v.Kind == tree.String && v.Str() == nullDate {
		return emptyTest(f, true), nil
	}
	v, err := jsonObject(f, v)
	if err != nil {
		return nil, err
	}
	if v.Kind != tree.Object {
		return d.equalDate(f, v)
	}
	if relative, ok := v.Get("relative"); ok && v.Len() == 1 {
		return d.relativeDays(f, relative)
	}
	if period, ok := v.Get("period"); ok && v.Len() == 1 {
		return d.period(f, period)
	}
	return d.dateRange(f, v)
}

// dateOf reads a date of a filter: text, or milliseconds since 1970.
func dateOf(v tree.Value) (stamp, bool) {
	if v.Kind != tree.String && v.Kind != tree.Number {
		return stamp{}, false
	}
	return anyStamp(v.Text())
}

// equalDate: an instant, or the day when none was given or the field has none.
func (d *filterDecoder) equalDate(f *catalog.Field, v tree.Value) (query.Node, error) {
	st, ok := dateOf(v)
	if !ok {
		return nil, badValue(f, "expected a date, a range {at, to}, relative days or a period")
	}
	low, ok1 := d.lower(f, st)
	high, ok2 := d.upper(f, st)
	if !ok1 || !ok2 {
		return nil, badValue(f, "the year must be between 1 and 9999")
	}
	if !f.Config.HasTime() {
		low = firstDay(low, f.Config.Mode)
		high = low
	}
	return timeCond(f, &low, &high), nil
}

func (d *filterDecoder) dateRange(f *catalog.Field, v tree.Value) (query.Node, error) {
	at, to, err := boundsOf(f, v)
	if err != nil {
		return nil, err
	}
	low, err := d.bound(f, at, d.lower)
	if err != nil {
		return nil, err
	}
	high, err := d.bound(f, to, d.upper)
	if err != nil || low == nil && high == nil {
		return nil, err
	}
	return timeCond(f, low, high), nil
}

func (d *filterDecoder) bound(f *catalog.Field, v tree.Value, of func(*catalog.Field, stamp) (int64, bool)) (*int64, error) {
	if noBound(v) {
		return nil, nil
	}
	st, ok := dateOf(v)
	if !ok {
		return nil, badValue(f, "a bound is not a date")
	}
	ms, ok := of(f, st)
	if !ok {
		return nil, badValue(f, "the year must be between 1 and 9999")
	}
	return &ms, nil
}

// lower is the first stored value that a lower bound includes.
func (d *filterDecoder) lower(f *catalog.Field, st stamp) (int64, bool) {
	return st.stored(f, d.at.Offset)
}

// upper is the last one that an upper bound includes: a bound without a time
// means the whole day.
func (d *filterDecoder) upper(f *catalog.Field, st stamp) (int64, bool) {
	ms, ok := st.stored(f, d.at.Offset)
	if ok && f.Config.HasTime() && !st.timed {
		ms += dayMs - 1
	}
	return ms, ok
}

func timeCond(f *catalog.Field, low, high *int64) query.Node {
	return query.Cond{Field: f.Num, Test: query.TimeRange{Min: low, Max: high}}
}

// today is midnight of the caller's calendar date, as a date field stores it.
func (d *filterDecoder) today() int64 {
	return midnight(d.at.Now + int64(d.at.Offset)*minuteMs)
}

// days is the condition for the calendar days from first to last, both
// included; nil is open.
func (d *filterDecoder) days(f *catalog.Field, first, last *int64) query.Node {
	if f.Config.HasTime() {
		shift := int64(d.at.Offset) * minuteMs
		if first != nil {
			ms := *first - shift
			first = &ms
		}
		if last != nil {
			ms := *last - shift + dayMs - 1
			last = &ms
		}
	}
	return timeCond(f, first, last)
}

// relativeDays reads {at: -7, to: 0}: days around the caller's today.
func (d *filterDecoder) relativeDays(f *catalog.Field, v tree.Value) (query.Node, error) {
	at, to, err := boundsOf(f, v)
	if err != nil || v.Kind != tree.Object {
		return nil, badValue(f, "relative needs {at, to} in days")
	}
	var bounds [2]*int64
	for i, b := range []tree.Value{at, to} {
		if noBound(b) {
			continue
		}
		n, ok := numberOf(b)
		if ok && (n < -maxRelative || n > maxRelative) {
			return nil, badValue(f, "expected a number from %d to %d", -maxRelative, maxRelative)
		}
		if !ok || n != float64(int64(n)) {
			return nil, badValue(f, "relative needs whole numbers of days")
		}
		ms := d.today() + int64(n)*dayMs
		bounds[i] = &ms
	}
	if bounds[0] == nil && bounds[1] == nil {
		return nil, nil
	}
	return d.days(f, bounds[0], bounds[1]), nil
}

// period reads a named period around the caller's today.
func (d *filterDecoder) period(f *catalog.Field, v tree.Value) (query.Node, error) {
	today := time.UnixMilli(d.today()).UTC()
	if v.Str() == "birthday" {
		test := query.Birthday{Month: int(today.Month()), Day: today.Day()}
		if f.Config.HasTime() {
			test.Offset = d.at.Offset
		}
		return query.Cond{Field: f.Num, Test: test}, nil
	}
	if v.Str() == "todayAndBefore" {
		last := today.UnixMilli()
		return d.days(f, nil, &last), nil
	}
	first, next, ok := namedPeriod(v.Str(), today)
	if !ok {
		return nil, badValue(f, "unknown period %s", text.Cut(shown(v), 100))
	}
	low, high := first.UnixMilli(), next.UnixMilli()-dayMs
	return d.days(f, &low, &high), nil
}

// namedPeriod gives the first day of a period and the first one after it.
func namedPeriod(name string, today time.Time) (first, next time.Time, ok bool) {
	year, month, day := today.Date()
	monday := day - (int(today.Weekday())+6)%7
	quarter := (month-1)/3*3 + 1
	date := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	days := func(from, to int) (time.Time, time.Time, bool) {
		return date(year, month, day+from), date(year, month, day+to+1), true
	}
	weeks := func(n int) (time.Time, time.Time, bool) {
		return date(year, month, monday+7*n), date(year, month, monday+7*n+7), true
	}
	months := func(from time.Month, n int) (time.Time, time.Time, bool) {
		return date(year, from, 1), date(year, from+time.Month(n), 1), true
	}
	switch name {
	case "today":
		return days(0, 0)
	case "yesterday":
		return days(-1, -1)
	case "tomorrow":
		return days(1, 1)
	case "thisWeek":
		return weeks(0)
	case "lastWeek":
		return weeks(-1)
	case "nextWeek":
		return weeks(1)
	case "thisMonth":
		return months(month, 1)
	case "lastMonth":
		return months(month-1, 1)
	case "nextMonth":
		return months(month+1, 1)
	case "last30days":
		return days(-29, 0)
	case "thisQuarter":
		return months(quarter, 3)
	case "lastQuarter":
		return months(quarter-3, 3)
	case "nextQuarter":
		return months(quarter+3, 3)
	case "thisYear":
		return months(1, 12)
	case "lastYear":
		return months(-11, 12)
	case "nextYear":
		return months(13, 12)
	case "last365days":
		return days(-364, 0)
	}
	return time.Time{}, time.Time{}, false
}

// firstDay is the day that a field of that mode stores for a date.
func firstDay(ms int64, mode string) int64 {
	today := time.UnixMilli(ms).UTC()
	period := map[string]string{
		catalog.ModeWeek: "thisWeek", catalog.ModeMonth: "thisMonth",
		catalog.ModeQuarter: "thisQuarter", catalog.ModeYear: "thisYear",
	}[mode]
	first, _, ok := namedPeriod(period, today)
	if !ok {
		return ms
	}
	return max(first.UnixMilli(), minTime)
}

package catalog

import (
	"time"

	"kartoteka/internal/query"
)

const (
	minuteMs = int64(time.Minute / time.Millisecond)
	hourMs   = 60 * minuteMs
	dayMs    = 24 * hourMs
)

// RawStep is the interval that a store groups times by for a step: an hour or a
// day. The other steps are made of these.
func RawStep(s query.Step) (ms int64) {
	if s == query.Hour || s == query.HourOfDay {
		return hourMs
	}
	return dayMs
}

// foldTime turns the number of an hour or a day since 1970, in local time, into
// the key of the step that it belongs to. shift is how far that is before UTC, ms.
func foldTime(n int64, s query.Step, shift int64) int64 {
	unit := RawStep(s)
	at := time.UnixMilli(n * unit).UTC()
	year, month, day := at.Date()
	quarter := (month-1)/3 + 1
	switch s {
	case query.HourOfDay:
		return int64(at.Hour())
	case query.DayOfWeek:
		return int64(weekday(at))
	case query.DayOfMonth:
		return int64(day)
	case query.WeekOfYear:
		_, week := at.ISOWeek()
		return int64(week)
	case query.MonthOfYear:
		return int64(month)
	case query.QuarterOfYear:
		return int64(quarter)
	case query.Week:
		day -= weekday(at) - 1
	case query.Month:
		day = 1
	case query.Quarter:
		month, day = quarter*3-2, 1
	case query.Year:
		month, day = 1, 1
	}
	if s != query.Hour {
		at = time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	return at.UnixMilli() - shift
}

// weekday counts from Monday, 1.
func weekday(at time.Time) int { return (int(at.Weekday())+6)%7 + 1 }

// partOf is a part of a local time, ms; -1 for one that there is not.
func partOf(ms int64, part query.Part) int64 {
	at := time.UnixMilli(ms).UTC()
	year, month, day := at.Date()
	switch part {
	case query.YearPart:
		return int64(year)
	case query.QuarterPart:
		return int64((month-1)/3 + 1)
	case query.MonthPart:
		return int64(month)
	case query.WeekPart:
		_, week := at.ISOWeek()
		return int64(week)
	case query.WeekdayPart:
		return int64(weekday(at))
	case query.DayOfMonthPart:
		return int64(day)
	case query.DayOfYearPart:
		return int64(at.YearDay())
	case query.HourPart:
		return int64(at.Hour())
	case query.MinutePart:
		return int64(at.Minute())
	case query.SecondPart:
		return int64(at.Second())
	}
	return -1
}

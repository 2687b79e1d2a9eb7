package catalog

import (
	"time"

	"kartoteka/internal/fault"
)

// Modes of date fields (Config.Mode); "" is ModeDate.
const (
	ModeDate     = "date"
	ModeDateTime = "datetime"
	ModeWeek     = "week"
	ModeMonth    = "month"
	ModeQuarter  = "quarter"
	ModeYear     = "year"
)

// The first and last millisecond of the years 0001 to 9999.
var (
	minTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	maxTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
)

// dateType is an instant, or a calendar date without a zone.
type dateType struct{ plain }

func (dateType) Name() string            { return "date" }
func (dateType) Storage(*Config) Storage { return TimeStorage }

func (dateType) Configure(path string, c *Config, _ *Config) []fault.Detail {
	switch c.Mode {
	case "", ModeDate, ModeDateTime, ModeWeek, ModeMonth, ModeQuarter, ModeYear:
		return nil
	}
	return []fault.Detail{fault.At(path+".mode", fault.Type, "unknown kind of date")}
}

// HasTime tells whether the values of a date field are instants.
func (c *Config) HasTime() bool { return c.Mode == ModeDateTime }

func (dateType) Accept(f *Field, v Value) (Value, *fault.Detail) {
	if v == nil {
		return nil, nil
	}
	t, ok := v.(Time)
	if !ok {
		return nil, mistyped(f)
	}
	if int64(t) < minTime || int64(t) > maxTime {
		return nil, failed(f, fault.Date, "%s: the year must be between 1 and 9999", f.Name)
	}
	return snap(t, f.Config.Mode), nil
}

// snap moves a time to the first instant of what the mode counts.
func snap(t Time, mode string) Time {
	if mode == ModeDateTime {
		return t
	}
	at := time.UnixMilli(int64(t)).UTC()
	year, month, day := at.Date()
	switch mode {
	case ModeWeek:
		day -= (int(at.Weekday()) + 6) % 7
	case ModeMonth:
		day = 1
	case ModeQuarter:
		month, day = (month-1)/3*3+1, 1
	case ModeYear:
		month, day = 1, 1
	}
	return Time(max(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).UnixMilli(), minTime))
}

func (dateType) Initial(f *Field, at Moment) Value {
	switch {
	case !f.Config.Default:
		return nil
	case f.Config.HasTime():
		return Time(at.Now)
	}
	return snap(Time(at.Now+int64(at.Offset)*time.Minute.Milliseconds()), f.Config.Mode)
}

package report

import (
	"fmt"
	"strconv"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/report/picture"
)

// namer says what groups are in a language.
type namer struct {
	language string
	offset   int64 // minutes east of UTC
}

func (n namer) say(m fault.Message) string { return m.In(n.language) }

// dimension names an axis or a split; "" for none.
func (n namer) dimension(f *catalog.Field, g query.Grouping) string {
	switch {
	case g.By == query.NoGroups:
		return ""
	case f == nil:
		return n.say(fault.Msg("Time of creation"))
	}
	return f.Name
}

// group names a group; options keep their colour.
func (n namer) group(v *Values, f *catalog.Field, g query.Grouping, k catalog.GroupKey) picture.Category {
	switch {
	case g.By == query.NoGroups:
		return picture.Category{Name: n.say(fault.Msg("All records"))}
	case k.Kind == catalog.NoKey:
		return picture.Category{Name: n.say(fault.Msg("no value"))}
	case g.Timed():
		return picture.Category{Name: n.time(f, g.Step, k.Whole)}
	case k.Kind == catalog.TextKey:
		return picture.Category{Name: k.Text}
	}
	switch f.Storage() {
	case catalog.ItemStorage, catalog.ItemsStorage:
		item := f.Config.Item(query.Item(k.Whole))
		return picture.Category{Name: item.Name, Color: item.Color}
	case catalog.LinksStorage:
		return picture.Category{Name: v.title(query.Ref(k.Whole))}
	case catalog.BoolStorage:
		if k.Whole != 0 {
			return picture.Category{Name: n.say(fault.Msg("Yes"))}
		}
		return picture.Category{Name: n.say(fault.Msg("No"))}
	}
	number := k.Number + float64(k.Whole)
	if f.Type.Name() == "progress" && number < 100 {
		return picture.Category{Name: fmt.Sprintf("%d–%d\u00a0%%", int(number), int(number)+9)}
	}
	return picture.Category{Name: numbersOf(f).Text(number, n.language)}
}

// title is that of a linked record or an employee.
func (v *Values) title(ref query.Ref) string {
	if t, ok := v.Titles[ref]; ok {
		return t.Text
	}
	return "#" + strconv.FormatInt(int64(ref.Record()), 10)
}

// calendar are the words of times in a language.
type calendar struct {
	months  [12]string // beside a day
	alone   [12]string // without one
	days    [7]string  // from Monday
	quarter string     // a format
	week    string     // a format
}

var calendars = map[string]*calendar{
	"en": {
		months:  [12]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
		alone:   [12]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
		days:    [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"},
		quarter: "Q%d", week: "week %d",
	},
	"uk": {
		months:  [12]string{"січ.", "лют.", "бер.", "квіт.", "трав.", "черв.", "лип.", "серп.", "вер.", "жовт.", "лист.", "груд."},
		alone:   [12]string{"січ.", "лют.", "бер.", "квіт.", "трав.", "черв.", "лип.", "серп.", "вер.", "жовт.", "лист.", "груд."},
		days:    [7]string{"пн", "вт", "ср", "чт", "пт", "сб", "нд"},
		quarter: "%d\u00a0кв.", week: "%d\u00a0тиж.",
	},
	"ru": {
		months:  [12]string{"янв.", "февр.", "мар.", "апр.", "мая", "июн.", "июл.", "авг.", "сент.", "окт.", "нояб.", "дек."},
		alone:   [12]string{"янв.", "февр.", "март", "апр.", "май", "июнь", "июль", "авг.", "сент.", "окт.", "нояб.", "дек."},
		days:    [7]string{"пн", "вт", "ср", "чт", "пт", "сб", "вс"},
		quarter: "%d\u00a0кв.", week: "%d\u00a0нед.",
	},
}

// shift is what moves times of a field, or of the creation for nil, to the caller's
// clock, ms. A date without a time is nobody's clock's.
func (n namer) shift(f *catalog.Field) int64 {
	if f != nil && !f.Config.HasTime() {
		return 0
	}
	return n.offset * time.Minute.Milliseconds()
}

// time names an interval by its start in UTC milliseconds, or what comes again by
// its number.
func (n namer) time(f *catalog.Field, step query.Step, key int64) string {
	c := calendars[n.language]
	if c == nil {
		c = calendars["en"]
	}
	if step.Cyclic() {
		return c.cyclic(step, int(key))
	}
	at := time.UnixMilli(key + n.shift(f)).UTC()
	year := at.Format("2006")
	switch step {
	case query.Year:
		return year
	case query.Quarter:
		return fmt.Sprintf(c.quarter, (int(at.Month())+2)/3) + " " + year
	case query.Month:
		return c.alone[at.Month()-1] + " " + year
	case query.Week:
		last := at.AddDate(0, 0, 6)
		switch {
		case last.Year() != at.Year():
			return c.day(at) + " " + year + " – " + c.day(last) + " " + last.Format("2006")
		case last.Month() != at.Month():
			return c.day(at) + " – " + c.day(last) + " " + year
		}
		return strconv.Itoa(at.Day()) + "–" + c.day(last) + " " + year
	case query.Hour:
		return c.day(at) + " " + year + ", " + at.Format("15:04")
	}
	return c.day(at) + " " + year
}

func (c *calendar) day(at time.Time) string {
	return strconv.Itoa(at.Day()) + "\u00a0" + c.months[at.Month()-1]
}

// cyclic names what comes again; numbers that cannot be are left as they are.
func (c *calendar) cyclic(step query.Step, n int) string {
	switch {
	case step == query.HourOfDay:
		return fmt.Sprintf("%d:00", n)
	case step == query.DayOfWeek && n >= 1 && n <= len(c.days):
		return c.days[n-1]
	case step == query.MonthOfYear && n >= 1 && n <= len(c.alone):
		return c.alone[n-1]
	case step == query.WeekOfYear:
		return fmt.Sprintf(c.week, n)
	case step == query.QuarterOfYear:
		return fmt.Sprintf(c.quarter, n)
	}
	return strconv.Itoa(n)
}

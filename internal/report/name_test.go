package report

import (
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// TestTimes: times are named in the caller's clock, dates in nobody's.
func TestTimes(t *testing.T) {
	const nb = "\u00a0"
	moment := func(text string) int64 {
		at, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return at.UnixMilli()
	}
	date := &catalog.Field{Config: catalog.Config{Mode: "date"}}
	clock := &catalog.Field{Config: catalog.Config{Mode: "datetime"}}
	for _, c := range []struct {
		field      *catalog.Field
		step       query.Step
		key        int64
		en, uk, ru string
	}{
		{nil, query.Hour, moment("2026-03-04 12:00"), "4" + nb + "Mar 2026, 15:00", "4" + nb + "бер. 2026, 15:00", "4" + nb + "мар. 2026, 15:00"},
		{clock, query.Day, moment("2026-05-31 21:00"), "1" + nb + "Jun 2026", "1" + nb + "черв. 2026", "1" + nb + "июн. 2026"},
		{date, query.Day, moment("2026-05-31 00:00"), "31" + nb + "May 2026", "31" + nb + "трав. 2026", "31" + nb + "мая 2026"},
		{date, query.Day, moment("1965-02-03 00:00"), "3" + nb + "Feb 1965", "3" + nb + "лют. 1965", "3" + nb + "февр. 1965"},
		{date, query.Week, moment("2026-03-02 00:00"), "2–8" + nb + "Mar 2026", "2–8" + nb + "бер. 2026", "2–8" + nb + "мар. 2026"},
		{date, query.Week, moment("2026-03-30 00:00"), "30" + nb + "Mar – 5" + nb + "Apr 2026", "30" + nb + "бер. – 5" + nb + "квіт. 2026", "30" + nb + "мар. – 5" + nb + "апр. 2026"},
		{date, query.Week, moment("2025-12-29 00:00"), "29" + nb + "Dec 2025 – 4" + nb + "Jan 2026", "29" + nb + "груд. 2025 – 4" + nb + "січ. 2026", "29" + nb + "дек. 2025 – 4" + nb + "янв. 2026"},
		{clock, query.Month, moment("2026-04-30 21:00"), "May 2026", "трав. 2026", "май 2026"},
		{date, query.Quarter, moment("2026-10-01 00:00"), "Q4 2026", "4" + nb + "кв. 2026", "4" + nb + "кв. 2026"},
		{date, query.Year, moment("2026-01-01 00:00"), "2026", "2026", "2026"},
		{clock, query.HourOfDay, 9, "9:00", "9:00", "9:00"},
		{clock, query.DayOfWeek, 7, "Sun", "нд", "вс"},
		{clock, query.DayOfMonth, 31, "31", "31", "31"},
		{clock, query.WeekOfYear, 53, "week 53", "53" + nb + "тиж.", "53" + nb + "нед."},
		{clock, query.MonthOfYear, 12, "Dec", "груд.", "дек."},
		{clock, query.MonthOfYear, 13, "13", "13", "13"},
		{clock, query.QuarterOfYear, 2, "Q2", "2" + nb + "кв.", "2" + nb + "кв."},
	} {
		for lang, want := range map[string]string{"en": c.en, "uk": c.uk, "ru": c.ru, "xx": c.en} {
			if got := (namer{lang, 180}).time(c.field, c.step, c.key); got != want {
				t.Errorf("%s, step %d of %d: %q, want %q", lang, c.step, c.key, got, want)
			}
		}
	}
}

package job

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // a bare machine may have none

	"kartoteka/internal/fault"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// due lists when an expression is due from a moment on, on the clocks of the zone.
func due(t *testing.T, expression, in, from string, n int) string {
	t.Helper()
	z := zone(t, in)
	at, err := time.ParseInLocation("2006-01-02 15:04:05", from, z)
	if err != nil {
		t.Fatal(err)
	}
	spec, list := Spec{Cron: expression, Zone: in, Missed: Skip}, []string(nil)
	for range n {
		if at, err = spec.Next(at); err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		list = append(list, at.In(z).Format("01-02 15:04 -07"))
	}
	return strings.Join(list, ", ")
}

func TestCronTimes(t *testing.T) {
	for _, c := range []struct{ name, cron, zone, from, want string }{
		{"each minute", "* * * * *", "UTC", "2026-01-31 23:58:30", "01-31 23:59 +00, 02-01 00:00 +00, 02-01 00:01 +00"},
		{"a time that is now is over", "0 12 * * *", "UTC", "2026-01-31 12:00:00", "02-01 12:00 +00, 02-02 12:00 +00, 02-03 12:00 +00"},
		{"lists, ranges, steps", "5,10-20/5 */12 * * *", "UTC", "2026-01-31 00:05:00", "01-31 00:10 +00, 01-31 00:15 +00, 01-31 00:20 +00"},
		{"a step from a value", "50/5 8 * * *", "UTC", "2026-01-31 08:50:00", "01-31 08:55 +00, 02-01 08:50 +00, 02-01 08:55 +00"},
		{"names", "0 0 * FEB Mon", "UTC", "2026-01-31 00:00:00", "02-02 00:00 +00, 02-09 00:00 +00, 02-16 00:00 +00"},
		{"Sunday as 7", "0 0 * * 7", "UTC", "2026-01-31 00:00:00", "02-01 00:00 +00, 02-08 00:00 +00, 02-15 00:00 +00"},
		{"a day or a weekday", "0 0 13 * 5", "UTC", "2026-02-01 00:00:00", "02-06 00:00 +00, 02-13 00:00 +00, 02-20 00:00 +00"},
		{"the 31st", "0 0 31 * *", "UTC", "2026-01-31 00:00:00", "03-31 00:00 +00, 05-31 00:00 +00, 07-31 00:00 +00"},
		{"February 29", "0 0 29 2 *", "UTC", "2096-03-01 00:00:00", "02-29 00:00 +00, 02-29 00:00 +00, 02-29 00:00 +00"},
		{"a zone with half an hour", "30 9 * * *", "Asia/Kolkata", "2026-01-01 09:30:00", "01-02 09:30 +05, 01-03 09:30 +05, 01-04 09:30 +05"},
		// Kyiv: 03:00 +02 is 04:00 +03 on March 29, 2026; 04:00 +03 is 03:00 +02 on October 25.
		{"a skipped time", "30 3 * * *", "Europe/Kyiv", "2026-03-28 12:00:00", "03-29 04:00 +03, 03-30 03:30 +03, 03-31 03:30 +03"},
		{"skipped times and that after them are one", "0,30 3,4 * * *", "Europe/Kyiv", "2026-03-28 12:00:00", "03-29 04:00 +03, 03-29 04:30 +03, 03-30 03:00 +03"},
		{"over the gap", "*/20 * * * *", "Europe/Kyiv", "2026-03-29 02:30:00", "03-29 02:40 +02, 03-29 04:00 +03, 03-29 04:20 +03"},
		{"a repeated time", "30 3 * * *", "Europe/Kyiv", "2026-10-24 12:00:00", "10-25 03:30 +03, 10-26 03:30 +02, 10-27 03:30 +02"},
		{"repeated times", "*/30 * * * *", "Europe/Kyiv", "2026-10-25 02:40:00", "10-25 03:00 +03, 10-25 03:30 +03, 10-25 04:00 +02"},
		{"half an hour is repeated", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04 12:00:00", "04-05 01:45 +11, 04-06 01:45 +10, 04-07 01:45 +10"},
		{"midnight is skipped", "0 0 * * *", "America/Sao_Paulo", "2018-11-03 00:00:00", "11-04 01:00 -02, 11-05 00:00 -02, 11-06 00:00 -02"},
		{"a whole day is skipped", "0 12 * * *", "Pacific/Apia", "2011-12-29 11:00:00", "12-29 12:00 -10, 12-31 00:00 +14, 12-31 12:00 +14"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := due(t, c.cron, c.zone, c.from, 3); got != c.want {
				t.Errorf("%s: %s, want %s", c.cron, got, c.want)
			}
		})
	}
}

func TestBadSchedules(t *testing.T) {
	for _, text := range []string{
		"* * * *", "* * * * * *", "@daily", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "-1 * * * *", "1- * * * *",
		"5-1 * * * *", "*/0 * * * *", "*/ * * * *", "1,,2 * * * *", "a * * * *", "* * * sept *", "* * * anf *", "*/1/2 * * * *", "1-2-3 * * * *",
		"+1 * * * *", "0001 * * * *", "*-5 * * * *", "1\x00 * * * *", "0 0 30 2 *", "0 0 31 4,6 *", strings.Repeat("1,", 100) + "1 * * * *",
	} {
		if next, err := (Spec{Cron: text, Missed: Skip}).Next(time.Now()); !fault.Is(err, fault.InvalidParameter) {
			t.Errorf("%q is due at %v (%v)", text, next, err)
		}
	}
	for _, s := range []Spec{
		{Missed: Skip}, {Cron: "* * * * *", Every: time.Hour, Missed: Skip}, {Cron: "* * * * *"}, {Cron: "* * * * *", Missed: "twice"},
		{Every: time.Second, Missed: Skip}, {Every: -time.Hour, Missed: Skip}, {Every: 400 * 24 * time.Hour, Missed: Skip},
		{Every: time.Hour + time.Nanosecond, Missed: Skip}, {Cron: "* * * * *", Zone: "Local", Missed: Skip},
		{Cron: "* * * * *", Zone: "Europe/Nowhere", Missed: Skip}, {Cron: "* * * * *", Zone: "../etc/passwd", Missed: Skip},
	} {
		if next, err := s.Next(time.Now()); !fault.Is(err, fault.InvalidParameter) {
			t.Errorf("%+v is due at %v (%v)", s, next, err)
		}
	}
}

// naive evaluates an expression minute by minute of real time.
type naive struct {
	fields [5][]string
	zone   *time.Location
	seen   map[string]bool // what clocks have shown
}

func (n *naive) matches(w time.Time) bool {
	values := []int{w.Minute(), w.Hour(), w.Day(), int(w.Month()), int(w.Weekday())}
	var ok [5]bool
	for i, terms := range n.fields {
		for _, term := range terms {
			ok[i] = ok[i] || n.in(term, values[i], cronFields[i].least, cronFields[i].most)
		}
	}
	day := ok[2] && ok[4]
	if n.fields[2][0][0] != '*' && n.fields[4][0][0] != '*' {
		day = ok[2] || ok[4]
	}
	return ok[0] && ok[1] && ok[3] && day
}

func (n *naive) in(term string, value, least, most int) bool {
	span, step, stepped := strings.Cut(term, "/")
	from, to := least, most
	if span != "*" {
		a, b, ranged := strings.Cut(span, "-")
		from, _ = strconv.Atoi(a)
		to = from
		if ranged {
			to, _ = strconv.Atoi(b)
		}
	}
	every := 1
	if stepped {
		every, _ = strconv.Atoi(step)
	}
	return value >= from && value <= to && (value-from)%every == 0
}

// at tells whether the expression is due in the minute t, after which those that
// follow are asked about.
func (n *naive) at(t time.Time) bool {
	now, before := wall(t.In(n.zone)), wall(t.Add(-time.Minute).In(n.zone))
	is := false
	for w := before.Add(time.Minute); !w.After(now); w = w.Add(time.Minute) { // one, or those of a gap
		shown := w.Format(time.RFC3339)
		is = is || !n.seen[shown] && n.matches(w)
		n.seen[shown] = true
	}
	n.seen[now.Format(time.RFC3339)] = true
	return is
}

// changes are moments around which clocks are moved.
var changes = []struct{ zone, from string }{
	{"Europe/Kyiv", "2026-03-28"}, {"Europe/Kyiv", "2026-10-24"}, {"America/New_York", "2026-03-07"}, {"America/New_York", "2026-10-31"},
	{"Australia/Lord_Howe", "2026-04-04"}, {"Australia/Lord_Howe", "2026-10-03"}, {"America/Sao_Paulo", "2018-11-03"}, {"America/Sao_Paulo", "2019-02-16"},
	{"Pacific/Apia", "2011-12-29"}, {"Africa/Casablanca", "2026-02-14"}, {"Africa/Casablanca", "2026-03-21"}, {"America/Havana", "2026-03-07"},
	{"Europe/Dublin", "2026-10-24"}, {"Antarctica/Troll", "2026-03-28"}, {"Antarctica/Troll", "2026-10-24"}, {"UTC", "2028-02-28"},
}

// randomField is a random field of an expression.
func randomField(rng *rand.Rand, i int) string {
	f := cronFields[i]
	value := func() int { return f.least + rng.IntN(f.most-f.least+1) }
	term := func() string {
		a, b := value(), value()
		switch rng.IntN(4) {
		case 0:
			return fmt.Sprintf("%d-%d", min(a, b), max(a, b))
		case 1:
			return fmt.Sprintf("%d-%d/%d", min(a, b), max(a, b), 1+rng.IntN(7))
		}
		return strconv.Itoa(a)
	}
	switch {
	case i == 3, i != 0 && rng.IntN(2) == 0: // months would leave most windows empty
		return "*"
	case rng.IntN(3) == 0:
		return fmt.Sprintf("*/%d", 1+rng.IntN(20))
	case rng.IntN(2) == 0:
		return term() + "," + term()
	}
	return term()
}

// Random expressions are due exactly when a clock that is looked at each minute says
// so, over changes of clocks.
func TestCronByTheMinute(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	times := 0
	for n := range 200 {
		change := changes[n%len(changes)]
		z := zone(t, change.zone)
		from, err := time.ParseInLocation(time.DateOnly, change.from, z)
		if err != nil {
			t.Fatal(err)
		}
		to := from.Add(72 * time.Hour)
		looked := &naive{zone: z, seen: map[string]bool{}}
		parts := make([]string, 5)
		for i := range parts {
			parts[i] = randomField(rng, i)
			for _, term := range strings.Split(parts[i], ",") {
				if i == 4 && term == "7" { // the naive one knows no other name of Sunday
					term = "0"
				}
				looked.fields[i] = append(looked.fields[i], term)
			}
		}
		if strings.Contains(parts[4], "-7") {
			parts[4], looked.fields[4] = "*", []string{"*"}
		}
		spec := Spec{Cron: strings.Join(parts, " "), Zone: change.zone, Missed: Skip}
		next, err := spec.Next(from)
		if err != nil {
			t.Fatalf("%+v: %v", spec, err)
		}
		looked.at(from)
		for at := from.Add(time.Minute); at.Before(to); at = at.Add(time.Minute) {
			due := looked.at(at)
			if due != next.Equal(at) {
				t.Fatalf("seed %d: %q in %s at %s: due is %v, the next one is %s", seed, spec.Cron, change.zone, at.In(z), due, next.In(z))
			}
			if due {
				times++
				if next, err = spec.Next(at); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	t.Logf("seed %d: %d times", seed, times)
	if times < 1000 {
		t.Errorf("only %d times were compared", times)
	}
}

func FuzzCron(f *testing.F) {
	f.Add("*/5 1-3,7 * jan-mar 1-5")
	f.Fuzz(func(t *testing.T, text string) {
		now := time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC)
		next, err := Spec{Cron: text, Zone: "Europe/Kyiv", Missed: RunOnce}.Next(now)
		if err == nil && !next.After(now) {
			t.Errorf("%q is due at %v", text, next)
		}
	})
}

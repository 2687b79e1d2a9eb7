package apisync_test

import (
	"testing"
	"time"

	"kartoteka/internal/apisync"
)

func TestStrptime(t *testing.T) {
	tests := []struct{ pattern, text, want string }{
		{"%Y-%m-%dT%H:%M:%S", "2026-03-09T08:15:00", "2026-03-09T08:15:00Z"},
		{"%F %T", "2026-03-09 08:15:00", "2026-03-09T08:15:00Z"},
		{"%d/%m/%y", "9/3/68", "2068-03-09T00:00:00Z"},
		{"%d/%m/%y", "9/3/69", "1969-03-09T00:00:00Z"},
		{"%d %B %Y", "9 march 2026", "2026-03-09T00:00:00Z"},
		{"%a, %d %b %Y", "Mon, 09 Mar 2026", "2026-03-09T00:00:00Z"},
		{"%I:%M %p %Y", "12:05 AM 2026", "2026-01-01T00:05:00Z"},
		{"%I:%M %p %Y", "12:05 PM 2026", "2026-01-01T12:05:00Z"},
		{"%Y-%j", "2026-068", "2026-03-09T00:00:00Z"},
		{"%G-W%V", "2026-W11", "2026-03-09T00:00:00Z"},
		{"%G-W%V-%u", "2026-W11-7", "2026-03-15T00:00:00Z"},
		{"%Y%m%d%H%M%S%z", "20260309101500+0200", "2026-03-09T08:15:00Z"},
		{"%Y%z", "2026-03:30", "2026-01-01T03:30:00Z"},
		{"%S.%f %Y", "5.25 2026", "2026-01-01T00:00:05.25Z"},
		{"100%% %Y", "100% 2026", "2026-01-01T00:00:00Z"},
		{"%Y-%m-%d", "2026-02-30", ""}, {"%Y", "26", ""}, {"%Y", "2026x", ""}, {"%m %Y", "13 2026", ""}, {"%d", "9", ""},
		{"%Y-%j", "2026-366", ""}, {"%G-W%V", "2026-W54", ""}, {"%Y%z", "2026+2", ""}, {"%p", "xm", ""}, {"%Y", "", ""},
	}
	for _, test := range tests {
		got, ok := apisync.Strptime(test.text, test.pattern)
		if s := got.UTC().Format(time.RFC3339Nano); ok != (test.want != "") || ok && s != test.want {
			t.Errorf("%s by %s: got %s, %v, want %s", test.text, test.pattern, s, ok, test.want)
		}
	}
}

// What is read of a written time is written and read as the same again: a pattern may
// leave parts out, and names of days say nothing.
func FuzzStrftime(f *testing.F) {
	f.Add(int64(0), "%Y-%m-%d %H:%M:%S.%f")
	f.Add(int64(1772928000123), "%A %d %B %Y %I:%M:%S.%f %p %z")
	f.Add(int64(1772928000123), "%G/%V/%u %T.%f")
	f.Add(int64(-62135596800000), "%j %Y%%")
	f.Fuzz(func(t *testing.T, ms int64, pattern string) {
		at := time.UnixMilli(ms % 253402300800000).UTC()
		if at.Year() < 1 || len(pattern) > 100 {
			return
		}
		read, ok := apisync.Strptime(apisync.Strftime(at, pattern), pattern)
		if !ok {
			return
		}
		again, ok := apisync.Strptime(apisync.Strftime(read.UTC(), pattern), pattern)
		if !ok || !again.Equal(read) {
			t.Errorf("%v by %q becomes %v, then %v", at, pattern, read, again)
		}
	})
}

package table

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// run drives a Progress with a clock that moves a second before every step.
func run(terminal bool, total int64, steps ...int64) string {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	p := NewProgress(&out, terminal, func() time.Time { return now }, "Importing", "rows", total)
	for _, done := range steps {
		now = now.Add(time.Second)
		p.Set(done)
	}
	p.Finish()
	return out.String()
}

func TestProgress(t *testing.T) {
	tests := []struct {
		name     string
		terminal bool
		total    int64
		steps    []int64
		want     string
	}{
		{
			"terminal", true, 3201, []int64{800, 3201},
			"\rImporting [#####...................]  25%  800 of 3,201 rows  800/s  ETA 0:03\x1b[K" +
				"\rImporting [########################] 100%  3,201 of 3,201 rows  1,600/s  ETA 0:00\x1b[K" +
				"\rImporting [########################] 100%  3,201 of 3,201 rows  1,600/s  in 0:02\x1b[K\n",
		},
		{
			"log", false, 100_000, []int64{1000, 2000, 3000, 4000, 5000, 6000},
			"Importing   5%  5,000 of 100,000 rows  1,000/s  ETA 1:35\n" +
				"Importing   6%  6,000 of 100,000 rows  1,000/s  in 0:06\n",
		},
		{"unknown total", true, 0, []int64{1234567}, "\rImporting 1,234,567 rows  1,234,567/s  0:01\x1b[K" +
			"\rImporting 1,234,567 rows  1,234,567/s  in 0:01\x1b[K\n"},
		{"nothing done", false, 10, nil, "Importing   0%  0 of 10 rows  0/s  in 0:00\n"},
		{"more than the total", false, 10, []int64{20}, "Importing 100%  20 of 10 rows  20/s  in 0:01\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := run(tt.terminal, tt.total, tt.steps...); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestProgressSparing(t *testing.T) {
	now := time.Unix(0, 0)
	var out bytes.Buffer
	p := NewProgress(&out, true, func() time.Time { return now }, "Importing", "rows", 10_000)
	for i := range int64(10_000) {
		now = now.Add(time.Millisecond)
		p.Set(i)
	}
	if n := strings.Count(out.String(), "\r"); n != 100 {
		t.Errorf("shown %d times in 10 s, want 100", n)
	}
}

func TestClock(t *testing.T) {
	for _, tt := range []struct {
		name string
		d    time.Duration
		want string
	}{
		{"zero", 0, "0:00"},
		{"seconds", 7400 * time.Millisecond, "0:07"},
		{"minutes", 754 * time.Second, "12:34"},
		{"hours", 3723 * time.Second, "1:02:03"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := clock(tt.d); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
	if IsTerminal(&bytes.Buffer{}) {
		t.Error("a buffer is no terminal")
	}
}

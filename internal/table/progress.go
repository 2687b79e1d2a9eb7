package table

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"
)

// How often progress is written.
const (
	terminalEvery = 100 * time.Millisecond
	plainEvery    = 5 * time.Second
)

// barWidth is the width of the bar in characters.
const barWidth = 24

// Progress shows how far a job is, how fast it goes and when it will end. On a
// terminal it rewrites one line, elsewhere it writes a line every few seconds.
// It is not safe for concurrent use. Errors of writing are ignored: a job does
// not fail for its display.
type Progress struct {
	w        io.Writer
	now      func() time.Time
	terminal bool
	label    string
	unit     string
	total    int64
	done     int64
	from     int64 // done before the start
	start    time.Time
	shown    time.Time
}

// NewProgress starts the display of a job: label is what is done ("Importing"),
// unit what is counted ("rows"), total how many there are, 0 if that is not
// known. now is the clock. terminal says whether w can rewrite a line; see
// IsTerminal.
func NewProgress(w io.Writer, terminal bool, now func() time.Time, label, unit string, total int64) *Progress {
	start := now()
	return &Progress{w: w, now: now, terminal: terminal, label: label, unit: unit, total: total, start: start, shown: start}
}

// From tells how many units were done before this job began: they do not count
// for how fast it is.
func (p *Progress) From(done int64) { p.done, p.from = done, done }

// IsTerminal tells whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Set tells how many units are done, and shows it when it is time to.
func (p *Progress) Set(done int64) {
	p.done = done
	every := plainEvery
	if p.terminal {
		every = terminalEvery
	}
	if now := p.now(); now.Sub(p.shown) >= every {
		p.show(now, p.ending(now))
	}
}

// Finish shows the last state with the time it took, and ends the line.
func (p *Progress) Finish() {
	now := p.now()
	p.show(now, "in "+clock(now.Sub(p.start)))
	if p.terminal {
		fmt.Fprintln(p.w)
	}
}

func (p *Progress) show(now time.Time, tail string) {
	p.shown = now
	line := p.label + " " + p.state() + "  " + group(int64(p.rate(now))) + "/s  " + tail
	if p.terminal {
		fmt.Fprintf(p.w, "\r%s\x1b[K", line) // erase what a longer line left
		return
	}
	fmt.Fprintln(p.w, line)
}

func (p *Progress) state() string {
	if p.total <= 0 {
		return group(p.done) + " " + p.unit
	}
	share := min(float64(p.done)/float64(p.total), 1)
	counts := fmt.Sprintf("%3.0f%%  %s of %s %s", share*100, group(p.done), group(p.total), p.unit)
	if !p.terminal {
		return counts
	}
	filled := int(share * barWidth)
	return "[" + strings.Repeat("#", filled) + strings.Repeat(".", barWidth-filled) + "] " + counts
}

// rate is units per second since the start.
func (p *Progress) rate(now time.Time) float64 {
	seconds := now.Sub(p.start).Seconds()
	if seconds <= 0 {
		return 0
	}
	return float64(p.done-p.from) / seconds
}

func (p *Progress) ending(now time.Time) string {
	rate := p.rate(now)
	if p.total <= 0 || rate <= 0 {
		return clock(now.Sub(p.start))
	}
	left := max(float64(p.total-p.done), 0) / rate
	return "ETA " + clock(time.Duration(left*float64(time.Second)))
}

// clock writes a duration as 0:07, 12:34 or 1:02:03.
func clock(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// group writes 1234567 as 1,234,567.
func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// summarize works out the lines and whether the memory was flat.
func (s *soak) summarize() {
	perLine := int(s.period() / memorySample)
	for p := range int(s.duration / s.period()) {
		var lat []int64
		for i := range s.workers {
			lat = append(lat, s.workers[i].lat[p]...)
		}
		slices.Sort(lat)
		at := func(part float64) float64 {
			if len(lat) == 0 {
				return 0
			}
			return float64(lat[min(len(lat)-1, int(part*float64(len(lat))))]) / 1e6
		}
		line := soakLine{n: len(lat), p50: at(.5), p99: at(.99)}
		from, to := min(p*perLine, len(s.watch.samples)), min((p+1)*perLine, len(s.watch.samples))
		if samples := s.watch.samples[from:to]; len(samples) > 0 {
			line.memory, line.top = med(samples), slices.Max(samples)
		}
		s.lines = append(s.lines, line)
	}
	s.judgeMemory()
}

// judgeMemory compares the halves of the run, without the first tenth, in which
// caches fill.
func (s *soak) judgeMemory() {
	all := s.watch.samples[len(s.watch.samples)/10:]
	if len(all) < 4 {
		s.fail("the memory was not sampled")
		return
	}
	first, second := med(all[:len(all)/2]), med(all[len(all)/2:])
	s.flat = fmt.Sprintf("%.1f MB in the first half, %.1f in the second, %+.1f MB an hour", first, second, slope(all)*float64(time.Hour/memorySample))
	if second > first*tolerance+toleranceMB {
		s.fail("the memory grows: %s", s.flat)
	}
}

// slope is the growth per sample of the line that fits best.
func slope(v []float64) float64 {
	var x, y, xx, xy float64
	for i, f := range v {
		x, y, xx, xy = x+float64(i), y+f, xx+float64(i)*float64(i), xy+float64(i)*f
	}
	n := float64(len(v))
	return (n*xy - x*y) / (n*xx - x*x)
}

func (s *soak) report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; %d rows, %s, seed %d\n\n", machine(), s.soakOptions.rows, s.duration, s.seed)
	fmt.Fprintf(&b, "| from | requests/s | p50 ms | p99 ms | RssAnon, MB | at most | indexes added | imports | back-ups |\n|---|---|---|---|---|---|---|---|---|\n")
	requests, created, patched := 0, 0, 0
	var events [3]int
	for p, l := range s.lines {
		e := s.events[p]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %d | %d | %d |\n", time.Duration(p)*s.period(),
			num(float64(l.n)/s.period().Seconds()), num(l.p50), num(l.p99), num(l.memory), num(l.top), e[0], e[1], e[2])
		requests += l.n
	}
	for _, e := range s.events {
		for i := range events {
			events[i] += e[i]
		}
	}
	for i := range s.workers {
		created += len(s.workers[i].created)
		patched += len(s.workers[i].patched)
	}
	fmt.Fprintf(&b, "\n%d requests at %d connections; %d records created and %d changed, each acknowledged and found again after a restart.\n", requests, soakConns, created, patched)
	fmt.Fprintf(&b, "%d imports of %d rows, %d indexes by command, %d by use, %d back-ups, of which %d restored and looked at.\n",
		events[1], importRows, events[0], s.shapes, events[2], s.restored)
	fmt.Fprintf(&b, "Memory: %s; peak %.1f MB. SIGTERM took %s.\n", s.flat, s.watch.peak, s.stop.Round(time.Millisecond))
	if s.failed == 0 {
		fmt.Fprintln(&b, "No error; check is clean.")
	}
	for _, f := range s.failures {
		fmt.Fprintln(&b, "FAILED:", f)
	}
	return b.String()
}

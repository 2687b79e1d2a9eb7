package job

import (
	"math/rand/v2"
	"time"
)

// Backoff is how long a failed job waits for its next attempt: First after the
// first failure, then twice as long each time, at most Most. Each wait is between
// a half and the whole of that, so that jobs that failed together do not come back
// together.
type Backoff struct{ First, Most time.Duration }

// After is the wait after so many failures, from 1.
func (b Backoff) After(failures int) time.Duration {
	wait := b.Most
	if n := max(failures-1, 0); n < 40 && b.First<<n>>n == b.First {
		wait = min(b.First<<n, b.Most)
	}
	half := wait / 2
	return wait - half + rand.N(half+1)
}

// Circuit says when a target that keeps failing is left alone. After Failures in a
// row it rests, by Rest, and then gets one job at a time until one succeeds.
type Circuit struct {
	Failures int
	Rest     Backoff
}

// judge is a target's health after an attempt.
func (c Circuit) judge(h Health, failed bool, now int64) Health {
	if !failed {
		return Health{}
	}
	h.Failures++
	if h.Since == 0 {
		h.Since = now
	}
	if h.Failures >= c.Failures {
		h.Resume = now + c.Rest.After(h.Failures-c.Failures+1).Milliseconds()
	}
	return h
}

// places is how many jobs of a target may be tried at once.
func (c Circuit) places(h Health, most int) int {
	if h.Failures >= c.Failures {
		return 1
	}
	return most
}

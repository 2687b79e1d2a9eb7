package crashtest

import (
	"sync/atomic"
	"time"
)

// Clock is moved by hand. It is safe for concurrent use.
type Clock struct{ ms atomic.Int64 }

// Now is the time on the clock.
func (c *Clock) Now() time.Time { return time.UnixMilli(c.ms.Load()) }

// Add moves the clock on.
func (c *Clock) Add(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// Reach moves the clock to a time (Unix ms) unless it is past it.
func (c *Clock) Reach(ms int64) {
	for now := c.ms.Load(); now < ms && !c.ms.CompareAndSwap(now, ms); now = c.ms.Load() {
	}
}

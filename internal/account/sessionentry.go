package account

import (
	"sync/atomic"
	"time"
)

// useGrain is how exactly uses are noted, in ms: fewer writes to memory that
// all cores share.
const useGrain = 1000

// sessionEntry is a session in memory. Times are UTC milliseconds.
type sessionEntry struct {
	key       SessionKey
	principal *Principal
	created   int64
	from      int64 // the account's SessionsFrom, 0 for none
	checked   int64 // when it was read
	used      atomic.Int64
	saved     atomic.Int64
}

func (e *sessionEntry) name() string { return e.principal.Cookie }

func (e *sessionEntry) owner() ID { return e.principal.Account }

func (e *sessionEntry) alive(now int64, ttl time.Duration) bool {
	if e.from != 0 && e.created < e.from && e.from <= now {
		return false
	}
	return now-e.used.Load() < ttl.Milliseconds()
}

func (e *sessionEntry) use(now int64) {
	if now-e.used.Load() >= useGrain {
		e.used.Store(now)
	}
}

func (e *sessionEntry) unsaved() (Touch, bool) {
	used := e.used.Load()
	if e.saved.Swap(used) >= used {
		return Touch{}, false
	}
	return Touch{e.key, time.UnixMilli(used)}, true
}

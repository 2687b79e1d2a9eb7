package account

import (
	"sync"
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

func (e *sessionEntry) touch() Touch { return Touch{e.key, time.UnixMilli(e.used.Load())} }

// sessionCache holds sessions by cookie. The generation rises with every
// drop: what was read from the database before a drop must not be put in
// after it, or a revoked session would live on.
type sessionCache struct {
	mu         sync.RWMutex
	max        int
	byCookie   map[string]*sessionEntry
	generation uint64
	unsaved    []Touch // of entries that left before they were saved
}

func newSessionCache(max int) *sessionCache {
	return &sessionCache{max: max, byCookie: map[string]*sessionEntry{}}
}

func (c *sessionCache) get(cookie string) *sessionEntry {
	c.mu.RLock()
	e := c.byCookie[cookie]
	c.mu.RUnlock()
	return e
}

func (c *sessionCache) current() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.generation
}

func (c *sessionCache) put(e *sessionEntry, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation != generation {
		return
	}
	if len(c.byCookie) >= c.max {
		c.evict()
	}
	c.byCookie[e.principal.Cookie] = e
}

// evict removes any entry: which one hardly matters, it is read again.
func (c *sessionCache) evict() {
	for _, e := range c.byCookie {
		c.remove(e)
		return
	}
}

func (c *sessionCache) remove(e *sessionEntry) {
	delete(c.byCookie, e.principal.Cookie)
	if e.used.Load() > e.saved.Load() && len(c.unsaved) < c.max {
		c.unsaved = append(c.unsaved, e.touch())
	}
}

// drop removes one entry that turned out to be dead, unless it was replaced.
func (c *sessionCache) drop(e *sessionEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byCookie[e.principal.Cookie] == e {
		delete(c.byCookie, e.principal.Cookie)
	}
}

func (c *sessionCache) dropKey(key SessionKey) {
	c.dropFunc(func(e *sessionEntry) bool { return e.key == key })
}

func (c *sessionCache) dropAccount(id ID) {
	c.dropFunc(func(e *sessionEntry) bool { return e.principal.Account == id })
}

func (c *sessionCache) clear() {
	c.dropFunc(func(*sessionEntry) bool { return true })
}

// dropFunc walks all entries; ends of sessions are rare beside their uses.
func (c *sessionCache) dropFunc(dead func(*sessionEntry) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	for _, e := range c.byCookie {
		if dead(e) {
			c.remove(e)
		}
	}
}

// touches takes the uses that were not saved yet.
func (c *sessionCache) touches() []Touch {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.unsaved
	c.unsaved = nil
	for _, e := range c.byCookie {
		if used := e.used.Load(); used > e.saved.Load() {
			e.saved.Store(used)
			list = append(list, e.touch())
		}
	}
	return list
}

// giveBack keeps touches that could not be saved for the next time.
func (c *sessionCache) giveBack(touches []Touch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.unsaved)+len(touches) <= c.max {
		c.unsaved = append(c.unsaved, touches...)
	}
}

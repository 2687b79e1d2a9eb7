package account

import "sync"

// cached is an entry of a cache. Its newest use is a T, to be saved later.
type cached[T any] interface {
	comparable
	name() string // by which it is found
	owner() ID
	// unsaved gives the newest use, once; false when it was given before.
	unsaved() (use T, ok bool)
}

// cache holds what requests prove themselves by: sessions and tokens. The
// generation rises with every drop: what was read from the database before a
// drop must not be put in after it, or what was revoked would live on.
type cache[E cached[T], T any] struct {
	mu         sync.RWMutex
	max        int
	entries    map[string]E
	generation uint64
	waiting    []T // uses of entries that left before they were saved
}

func newCache[E cached[T], T any](max int) *cache[E, T] {
	return &cache[E, T]{max: max, entries: map[string]E{}}
}

// get gives the entry of that name, the zero E if there is none.
func (c *cache[E, T]) get(name string) E {
	c.mu.RLock()
	e := c.entries[name]
	c.mu.RUnlock()
	return e
}

func (c *cache[E, T]) current() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.generation
}

func (c *cache[E, T]) put(e E, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation != generation {
		return
	}
	if len(c.entries) >= c.max {
		c.evict()
	}
	c.entries[e.name()] = e
}

// evict removes any entry: which one hardly matters, it is read again.
func (c *cache[E, T]) evict() {
	for _, e := range c.entries {
		c.remove(e)
		return
	}
}

func (c *cache[E, T]) remove(e E) {
	delete(c.entries, e.name())
	if use, ok := e.unsaved(); ok && len(c.waiting) < c.max {
		c.waiting = append(c.waiting, use)
	}
}

// drop removes one entry that turned out to be dead, unless it was replaced.
func (c *cache[E, T]) drop(e E) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[e.name()] == e {
		delete(c.entries, e.name())
	}
}

func (c *cache[E, T]) dropOwner(id ID) { c.dropFunc(func(e E) bool { return e.owner() == id }) }

func (c *cache[E, T]) clear() { c.dropFunc(func(E) bool { return true }) }

// dropFunc walks all entries; ends of sessions are rare beside their uses.
func (c *cache[E, T]) dropFunc(dead func(E) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	for _, e := range c.entries {
		if dead(e) {
			c.remove(e)
		}
	}
}

// uses takes those that were not saved yet.
func (c *cache[E, T]) uses() []T {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.waiting
	c.waiting = nil
	for _, e := range c.entries {
		if use, ok := e.unsaved(); ok {
			list = append(list, use)
		}
	}
	return list
}

// giveBack keeps uses that could not be saved for the next time.
func (c *cache[E, T]) giveBack(uses []T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting)+len(uses) <= c.max {
		c.waiting = append(c.waiting, uses...)
	}
}

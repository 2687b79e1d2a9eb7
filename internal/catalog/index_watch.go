package catalog

import (
	"sync"
	"sync/atomic"
	"time"

	"kartoteka/internal/query"
)

// When a shape deserves an index.
const (
	// slowRead is how long a request takes that counts.
	slowRead = 20 * time.Millisecond
	// slowMany requests within slowWithin make a shape due.
	slowMany   = 20
	slowWithin = time.Hour
	// slowShapes bounds the shapes that are watched at once.
	slowShapes = 256
)

// indexer watches requests: which shapes are slow without an index, and which
// indexes are used. It lives in memory; what it counts of slow requests is lost
// with the process. It is safe for concurrent use.
type indexer struct {
	// known are the indexes there are, as of the last look at the store.
	known atomic.Pointer[map[query.Catalog][]*watchedIndex]
	// wake is signalled when a shape becomes due.
	wake chan struct{}

	mu   sync.Mutex
	slow map[Shape]*slowness
}

func newIndexer() *indexer {
	return &indexer{wake: make(chan struct{}, 1), slow: map[Shape]*slowness{}}
}

// watchedIndex is an index with its uses since they were last stored.
type watchedIndex struct {
	name   string
	fields []query.Field
	uses   atomic.Int64
	last   atomic.Int64 // Unix ms
}

// slowness is when the last slow requests of a shape were, in a ring.
type slowness struct {
	times [slowMany]time.Time
	next  int
}

func (s *slowness) add(at time.Time) {
	s.times[s.next] = at
	s.next = (s.next + 1) % slowMany
}

// due tells whether the ring is full of requests within the time.
func (s *slowness) due(now time.Time) bool {
	oldest := s.times[s.next]
	return !oldest.IsZero() && now.Sub(oldest) <= slowWithin
}

func (s *slowness) last() time.Time { return s.times[(s.next+slowMany-1)%slowMany] }

// note takes down one request that ended now. It costs nothing where there are
// neither slow requests nor indexes.
func (x *indexer) note(s *Selected, now time.Time, took time.Duration) {
	indexes := x.indexes(s.Catalog.Num)
	if took < slowRead && len(indexes) == 0 {
		return
	}
	d := DemandOf(s)
	if d.Best.count == 0 {
		return
	}
	best, other := used(indexes, &d.Best), used(indexes, &d.Other)
	use := best
	if use == nil {
		use = other
	}
	if use == nil {
		use = helping(indexes, &d.Best)
	}
	if use != nil {
		use.uses.Add(1)
		use.last.Store(now.UnixMilli())
	}
	switch {
	case took < slowRead:
	case best == nil:
		x.slowed(d.Best, now)
	case d.Other.count > 0 && other == nil:
		// The order alone did not help: few records are in the range.
		x.slowed(d.Other, now)
	}
}

func (x *indexer) indexes(c query.Catalog) []*watchedIndex {
	if known := x.known.Load(); known != nil {
		return (*known)[c]
	}
	return nil
}

func used(indexes []*watchedIndex, s *Shape) *watchedIndex {
	for _, i := range indexes {
		if s.count > 0 && s.Fits(i.fields) {
			return i
		}
	}
	return nil
}

// helping is what the database probably makes do with.
func helping(indexes []*watchedIndex, s *Shape) *watchedIndex {
	for _, i := range indexes {
		if s.helps(i.fields) {
			return i
		}
	}
	return nil
}

func (x *indexer) slowed(s Shape, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	ring := x.slow[s]
	if ring == nil {
		if len(x.slow) >= slowShapes {
			x.forgetOldest()
		}
		ring = &slowness{}
		x.slow[s] = ring
	}
	ring.add(now)
	if ring.due(now) {
		select {
		case x.wake <- struct{}{}:
		default:
		}
	}
}

func (x *indexer) forgetOldest() {
	var oldest Shape
	var at time.Time
	for s, ring := range x.slow {
		if last := ring.last(); at.IsZero() || last.Before(at) {
			oldest, at = s, last
		}
	}
	delete(x.slow, oldest)
}

// due lists the shapes that deserve an index.
func (x *indexer) due(now time.Time) (list []Shape) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for s, ring := range x.slow {
		if ring.due(now) {
			list = append(list, s)
		}
	}
	return list
}

// forget begins a shape's count anew.
func (x *indexer) forget(s Shape) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.slow, s)
}

// learn takes over the indexes that there are. Uses not stored yet stay counted.
func (x *indexer) learn(all []Index) {
	before := map[string]*watchedIndex{}
	if known := x.known.Load(); known != nil {
		for _, list := range *known {
			for _, i := range list {
				before[i.name] = i
			}
		}
	}
	known := map[query.Catalog][]*watchedIndex{}
	for _, i := range all {
		w := before[i.Name]
		if w == nil {
			w = &watchedIndex{name: i.Name, fields: i.Fields}
		}
		known[i.Catalog] = append(known[i.Catalog], w)
	}
	x.known.Store(&known)
}

// takeUses gives the uses since the last call.
func (x *indexer) takeUses() (list []IndexUse) {
	known := x.known.Load()
	if known == nil {
		return nil
	}
	for _, indexes := range *known {
		for _, i := range indexes {
			if n := i.uses.Swap(0); n > 0 {
				list = append(list, IndexUse{Name: i.name, Uses: n, Last: i.last.Load()})
			}
		}
	}
	return list
}

// giveBack counts uses again that could not be stored.
func (x *indexer) giveBack(list []IndexUse) {
	known := x.known.Load()
	for _, u := range list {
		for _, indexes := range *known {
			for _, i := range indexes {
				if i.name == u.Name {
					i.uses.Add(u.Uses)
				}
			}
		}
	}
}

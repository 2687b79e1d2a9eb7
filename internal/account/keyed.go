package account

import (
	"context"
	"sync"
)

// keyedLock is a lock per key whose waiters give up with their context. The
// zero value is ready.
type keyedLock[K comparable] struct {
	mu   sync.Mutex
	held map[K]*turn
}

type turn struct {
	free  chan struct{} // holds one token while nobody has the lock
	users int
}

// lock waits for the key's turn; the caller must call unlock when err is nil.
func (l *keyedLock[K]) lock(ctx context.Context, key K) (unlock func(), err error) {
	t := l.enter(key)
	select {
	case <-t.free:
		return func() { t.free <- struct{}{}; l.leave(key, t) }, nil
	case <-ctx.Done():
		l.leave(key, t)
		return nil, context.Cause(ctx)
	}
}

func (l *keyedLock[K]) enter(key K) *turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, ok := l.held[key]
	if !ok {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		if l.held == nil {
			l.held = map[K]*turn{}
		}
		l.held[key] = t
	}
	t.users++
	return t
}

func (l *keyedLock[K]) leave(key K, t *turn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(l.held, key)
	}
}

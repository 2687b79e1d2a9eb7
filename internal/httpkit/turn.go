package httpkit

import (
	"context"
	"fmt"
	"runtime"
)

// largeBody is the size from which a body is worked on by turns: what is made
// of it takes so much memory that only a few may be in work at a time.
const largeBody = 64 << 10

// newTurns gives two turns per core: more would not be faster.
func newTurns() chan struct{} { return make(chan struct{}, 2*runtime.GOMAXPROCS(0)) }

// takeTurn waits until a body of that size may be worked on. It is called when
// the body is there, so that slow senders keep nobody waiting. Observe gives
// the turn back when the request ends.
func (q *request) takeTurn(ctx context.Context, size int) error {
	if size < largeBody || q.turns == nil || q.turn {
		return nil
	}
	select {
	case q.turns <- struct{}{}:
		q.turn = true
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for other large bodies: %w", context.Cause(ctx))
	}
}

// Turn is takeTurn for whoever reads bodies by himself.
func Turn(ctx context.Context, size int) error { return of(ctx).takeTurn(ctx, size) }

func (q *request) endTurn() {
	if q.turn {
		q.turn = false
		<-q.turns
	}
}

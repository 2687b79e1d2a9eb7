//go:build unix

package script

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	runsMax = 500              // of a child
	runsMin = 450              // that every child may have; see lifetime
	idleMax = 60 * time.Second // of a child
)

// lifetime is how many runs a child has: not all the same, so that children that
// began together do not end together and leave everybody waiting for forks.
func lifetime() int { return runsMin + rand.IntN(runsMax-runsMin+1) }

// pool keeps children that are idle and bounds how many there are. Who wants a child
// enters first: places are as many as children may be, so whoever is inside finds an
// idle child to end when there are too many.
type pool struct {
	places chan struct{}

	mutex  sync.Mutex
	idle   []*child // longest idle first
	gone   []*child // gave up their places and are still to be ended
	all    int      // idle and running
	most   int
	rest   time.Duration // of a child, then it ends
	closed bool
}

func (p *pool) init(most int) {
	p.places = make(chan struct{}, most)
	p.most, p.rest = most, idleMax
}

// enter waits for a place.
func (p *pool) enter(ctx context.Context) error {
	select {
	case p.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pool) leave() { <-p.places }

// take gives an idle child of the group, nil when one must be made; then there is
// room for it.
func (p *pool) take(g group) *child {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for i := len(p.idle) - 1; i >= 0; i-- { // the one that rested least is warm
		c := p.idle[i]
		if c.group != g {
			continue
		}
		p.remove(i)
		if c.parent.alive() {
			return c
		}
		p.all--
		c.end()
	}
	for p.all >= p.most && len(p.idle) > 0 {
		p.gone = append(p.gone, p.idle[0])
		p.remove(0)
		p.all--
	}
	return nil
}

// bury ends the children that gave up their places, after the work of who took them:
// the end of a process takes longer than most runs.
func (p *pool) bury() {
	p.mutex.Lock()
	gone := p.gone
	p.gone = nil
	p.mutex.Unlock()
	for _, c := range gone {
		c.end()
	}
}

// remove takes a child out of the idle ones.
func (p *pool) remove(i int) {
	p.idle[i].idle.Stop()
	p.idle = slices.Delete(p.idle, i, i+1)
}

// add counts a child that was made.
func (p *pool) add() {
	p.mutex.Lock()
	p.all++
	p.mutex.Unlock()
}

// put gives a child back after a run.
func (p *pool) put(c *child) {
	c.left--
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if c.left <= 0 || p.closed {
		p.all--
		c.end()
		return
	}
	c.rested = time.Now()
	c.idle = time.AfterFunc(p.rest, func() { p.expire(c) })
	p.idle = append(p.idle, c)
}

// drop ends a child that ran.
func (p *pool) drop(c *child) {
	p.mutex.Lock()
	p.all--
	p.mutex.Unlock()
	c.end()
}

// expire ends a child that is still idle.
func (p *pool) expire(c *child) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if i := slices.Index(p.idle, c); i >= 0 && time.Since(c.rested) >= p.rest {
		p.remove(i)
		p.all--
		c.end()
	}
}

// close ends idle children now and others when they come back.
func (p *pool) close() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.closed = true
	for len(p.idle) > 0 {
		c := p.idle[0]
		p.remove(0)
		p.all--
		c.end()
	}
}

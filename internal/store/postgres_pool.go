package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// poolMost is how many connections an engine has when nobody says.
	poolMost = 16
	// poolFresh is how long an idle connection is trusted without asking.
	poolFresh = time.Second
	// poolIdle is how long one is kept that is not needed.
	poolIdle = 5 * time.Minute
	// poolAge makes connections follow a server that has moved.
	poolAge = time.Hour
	// pingTimeout bounds the question whether a connection still works.
	pingTimeout = 5 * time.Second
)

// postgresPool bounds and reuses connections. The last one given back is the
// next one out, so that as few as possible are in use and the rest ages. (pgx's
// own pool would bring in one more module for what these lines do.)
type postgresPool struct {
	config *pgx.ConnConfig
	slots  chan struct{}

	mu     sync.Mutex
	idle   []*pooledConn // the longest idle first
	closed bool
}

type pooledConn struct {
	*pgx.Conn
	born, used time.Time
}

func newPostgresPool(config *pgx.ConnConfig, most int) *postgresPool {
	return &postgresPool{config: config, slots: make(chan struct{}, most)}
}

// acquire waits for a connection until ctx ends.
func (p *postgresPool) acquire(ctx context.Context) (*pooledConn, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a connection: %w", ctx.Err())
	}
	c, err := p.ready(ctx)
	if err != nil {
		<-p.slots
	}
	return c, err
}

// ready gives an idle connection that works, or a new one.
func (p *postgresPool) ready(ctx context.Context) (*pooledConn, error) {
	for {
		c, err := p.pop()
		if err != nil {
			return nil, err
		}
		if c == nil {
			break
		}
		if time.Since(c.used) < poolFresh || alive(ctx, c) {
			return c, nil
		}
		discard(c)
	}
	raw, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return &pooledConn{Conn: raw, born: time.Now()}, nil
}

func alive(ctx context.Context, c *pooledConn) bool {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return c.Ping(ctx) == nil
}

func (p *postgresPool) pop() (*pooledConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	n := len(p.idle)
	if n == 0 {
		return nil, nil
	}
	c := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return c, nil
}

// release takes a connection back. One that is broken, old or still inside a
// transaction is closed, which rolls that back.
func (p *postgresPool) release(c *pooledConn) {
	now := time.Now()
	c.used = now
	broken := c.IsClosed() || c.PgConn().TxStatus() != 'I' || now.Sub(c.born) > poolAge
	var unwanted []*pooledConn
	p.mu.Lock()
	if broken || p.closed {
		unwanted = append(unwanted, c)
	} else {
		p.idle = append(p.idle, c)
	}
	if len(p.idle) > 0 && now.Sub(p.idle[0].used) > poolIdle {
		unwanted = append(unwanted, p.idle[0])
		p.idle = append(p.idle[:0], p.idle[1:]...)
	}
	p.mu.Unlock()
	for _, c := range unwanted {
		discard(c)
	}
	<-p.slots
}

func discard(c *pooledConn) {
	ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
	defer cancel()
	_ = c.Close(ctx) // nobody waits for it any more
}

// flush closes the idle connections.
func (p *postgresPool) flush() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, c := range idle {
		discard(c)
	}
}

// close waits for the connections in use and closes all.
func (p *postgresPool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.flush()
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	for range cap(p.slots) {
		<-p.slots
	}
}

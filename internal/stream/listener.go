package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"kartoteka/internal/catalog"
)

// queueMost bounds the bytes that wait for a listener, besides what he missed. Whoever
// reads more slowly is cut off and comes back with the number of his last event.
const queueMost = 256 << 10

// frames are events in the order of their changes.
type frames struct {
	list []frame
	size int
}

type frame struct {
	seq  int64
	text []byte
}

func (f *frames) add(seq int64, text []byte) {
	f.list = append(f.list, frame{seq, text})
	f.size += len(text)
}

func (f *frames) sort() {
	slices.SortStableFunc(f.list, func(a, b frame) int { return cmp.Compare(a.seq, b.seq) })
}

// Listener is one stream.
type Listener struct {
	service    *Service
	person     int64
	credential any
	valid      func(context.Context) error
	told       func([]byte, string, *catalog.Told) []byte
	anew       func([]byte, string, int64, int64) []byte
	subjects   []*subject // guarded by the service

	mu      sync.Mutex // guards what follows
	conn    net.Conn   // nil for one that is served by its own goroutine, or has none yet
	wake    chan struct{}
	joining bool // what he missed is still looked for
	waiting []frame
	pos     int64 // what has a lower number was told
	queue   [][]byte
	size    int
	room    int
	writing bool
	ended   bool
	last    time.Time // when something was put into the queue
}

// errLeft tells that the listener is gone.
var errLeft = errors.New("the listener is gone")

// join puts what the listener missed before what he was told meanwhile.
func (l *Listener) join(missed frames) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.joining, l.room = false, queueMost+missed.size
	for _, f := range missed.list {
		l.put(f.text)
	}
	waiting := l.waiting
	l.waiting = nil
	for _, f := range waiting {
		if f.seq > l.pos {
			l.put(f.text)
		}
	}
}

// tell adds events; fresh ones only, unless they begin anew.
func (l *Listener) tell(list []frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range list {
		l.hold(f)
	}
}

// waitingMost bounds the events that wait until it is known what the listener missed.
const waitingMost = 10_000

// hold adds an event unless it was told, after what he missed. The caller holds mu.
func (l *Listener) hold(f frame) {
	switch {
	case l.joining && len(l.waiting) == waitingMost:
		l.cut()
	case l.joining:
		l.waiting = append(l.waiting, f)
	case f.seq > l.pos:
		l.put(f.text)
	}
}

// put adds bytes to the queue and sees to it that they are written. The caller holds
// mu.
func (l *Listener) put(text []byte) {
	if l.ended {
		return
	}
	l.queue = append(l.queue, text)
	l.size += len(text)
	l.last = l.service.options.Now()
	if l.room > 0 && l.size > l.room {
		l.cut()
		return
	}
	l.stir()
}

// stir makes somebody write what is in the queue. The caller holds mu.
func (l *Listener) stir() {
	switch {
	case l.wake != nil:
		select {
		case l.wake <- struct{}{}:
		default:
		}
	case l.conn != nil && !l.writing && len(l.queue) > 0:
		l.writing = true
		go l.write()
	}
}

// take gives all that is in the queue.
func (l *Listener) take() (text []byte, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch len(l.queue) {
	case 0:
		l.writing = false
	case 1:
		text = l.queue[0]
	default:
		text = slices.Concat(l.queue...)
	}
	l.queue, l.size, l.room = nil, 0, queueMost
	return text, l.ended
}

// Take gives the listener a connection of his own, which he closes. It returns at
// once.
func (l *Listener) Take(conn net.Conn) {
	l.mu.Lock()
	ended := l.ended
	l.conn = conn
	if !ended {
		l.stir()
	}
	l.mu.Unlock()
	if ended {
		l.Close()
		_ = conn.Close()
	}
}

// write writes to the connection until the queue is empty.
func (l *Listener) write() {
	for {
		text, ended := l.take()
		if len(text) == 0 && !ended {
			return
		}
		err := errLeft
		if len(text) > 0 {
			if err = l.conn.SetWriteDeadline(time.Now().Add(l.service.options.Write)); err == nil {
				_, err = l.conn.Write(text)
			}
		}
		if err != nil || ended {
			l.Close()
			_ = l.conn.Close()
			return
		}
	}
}

// Serve writes to a listener on the caller's goroutine until he leaves or the stream
// ends.
func (l *Listener) Serve(ctx context.Context, write func([]byte) error) {
	l.mu.Lock()
	l.wake = make(chan struct{}, 1)
	wake := l.wake
	l.stir()
	l.mu.Unlock()
	defer l.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		}
		text, ended := l.take()
		if len(text) > 0 && write(text) != nil || ended {
			return
		}
	}
}

// Close ends the stream at once.
func (l *Listener) Close() {
	l.service.mu.Lock()
	l.service.remove(l)
	l.service.mu.Unlock()
	l.end()
}

// end drops what waits and closes the connection.
func (l *Listener) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue, l.size = nil, 0
	l.cut()
}

// cut ends the stream; a write that is on its way fails. The caller holds mu.
func (l *Listener) cut() {
	if l.ended {
		return
	}
	l.ended = true
	if l.wake != nil {
		l.stir()
	}
	if l.conn != nil {
		_ = l.conn.Close()
	}
}

// finish ends the stream after what is in the queue.
func (l *Listener) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	if l.conn == nil || !l.writing && len(l.queue) == 0 {
		l.cut()
		return
	}
	l.ended = true // the writer ends with it
}

// left tells whether the other side has closed the connection.
func (l *Listener) left() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return true
	}
	return l.conn != nil && l.service.options.Left != nil && l.service.options.Left(l.conn)
}

// beat tells a stream that was silent for long up to where it was told; so nobody who
// comes back has to look far back.
func (l *Listener) beat(now time.Time, seq int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.joining && !l.ended && now.Sub(l.last) >= beatEvery {
		l.put(fmt.Appendf(nil, "id: %d\n\n", max(l.pos, seq)))
	}
}

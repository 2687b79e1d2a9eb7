package stream

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// newListener is one whose service does not follow anything.
func newListener() *Listener {
	s := New(Options{Now: time.Now, Log: slog.New(slog.DiscardHandler), Write: time.Second})
	return &Listener{service: s, joining: true, pos: 5}
}

func event(seq int64) frame { return frame{seq, fmt.Appendf(nil, "id: %d\n\n", seq)} }

// TestJoin: what was missed comes first, what was told meanwhile comes once.
func TestJoin(t *testing.T) {
	l := newListener()
	l.tell([]frame{event(6), event(8)}) // while it is looked for
	var missed frames
	missed.add(6, event(6).text)
	missed.add(7, event(7).text)
	l.pos = 7
	l.join(missed)
	l.tell([]frame{event(7), event(9)})
	text, ended := l.take()
	if got := strings.ReplaceAll(string(text), "\n\n", " "); got != "id: 6 id: 7 id: 8 id: 9 " || ended {
		t.Errorf("%q, ended %t", got, ended)
	}
}

// TestSlowListener: who does not read is cut off when too much waits for him.
func TestSlowListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener()
		l.join(frames{})
		ours, theirs := net.Pipe()
		defer theirs.Close()
		l.Take(ours)
		for seq := int64(6); !l.left(); seq++ {
			if seq > 10*queueMost {
				t.Fatal("everything is kept")
			}
			l.tell([]frame{event(seq)})
		}
		synctest.Wait()
	})
}

// TestServeEnds: a stream that is served by its own goroutine writes what waits, and
// ends.
func TestServeEnds(t *testing.T) {
	l := newListener()
	l.join(frames{})
	l.tell([]frame{event(6)})
	l.finish()
	var got string
	l.Serve(context.Background(), func(b []byte) error { got += string(b); return nil })
	if got != "id: 6\n\n" {
		t.Errorf("wrote %q", got)
	}
}

// TestBeat: silent streams get their number.
func TestBeat(t *testing.T) {
	l := newListener()
	l.join(frames{})
	now := time.Now()
	l.tell([]frame{event(6)})
	l.beat(now.Add(beatEvery/2), 9)
	l.beat(now.Add(2*beatEvery), 9)
	if text, _ := l.take(); string(text) != "id: 6\n\nid: 9\n\n" {
		t.Errorf("wrote %q", text)
	}
}

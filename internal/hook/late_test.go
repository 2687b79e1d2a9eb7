package hook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// written is what notes were written, group by group; it waits before the first until it
// may go on.
type written struct {
	*testing.T
	late  *lateNotes
	began chan struct{} // a group is being written
	goOn  chan struct{}

	mutex  sync.Mutex
	groups [][]string
	noted  []string
}

func newWritten(t *testing.T) *written {
	w := &written{T: t, began: make(chan struct{}, 1), goOn: make(chan struct{})}
	w.late = newLateNotes(func(_ context.Context, list []catalog.EndedProcess) ([]query.Record, error) {
		select {
		case w.began <- struct{}{}:
		default:
			w.Error("two write at once")
		}
		<-w.goOn
		<-w.began
		w.mutex.Lock()
		defer w.mutex.Unlock()
		var group []string
		var numbers []query.Record
		for i := range list {
			group = append(group, list[i].Process.Code)
			numbers = append(numbers, query.Record(100+len(group)))
		}
		w.groups = append(w.groups, group)
		if group[0] == "bad" {
			return nil, errors.New("no room on the disk")
		}
		return numbers, nil
	})
	return w
}

func (w *written) add(ctx context.Context, code string, bytes int) {
	p := catalog.EndedProcess{Process: catalog.Process{Code: code, Params: strings.Repeat("x", bytes)}}
	w.late.add(ctx, p, func(n query.Record, err error) {
		w.mutex.Lock()
		defer w.mutex.Unlock()
		w.noted = append(w.noted, fmt.Sprint(code, " ", n, " ", err))
	})
}

// Notes are written in their order, some at once, and all that wait are before drain
// returns.
func TestLateNotes(t *testing.T) {
	w := newWritten(t)
	var want []string
	for n := range lateAtOnce + 10 {
		want = append(want, fmt.Sprint("run", n))
		w.add(t.Context(), want[n], 10)
		for n == 0 && len(w.began) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	time.Sleep(3 * lateFor) // for somebody else who would write the others
	close(w.goOn)
	if err := w.late.drain(); err != nil {
		t.Fatal(err)
	}
	if all := slices.Concat(w.groups...); !slices.Equal(all, want) {
		t.Errorf("written are %q", all)
	}
	if len(w.groups) == len(want) || len(w.noted) != len(want) || w.noted[0] != "run0 101 <nil>" {
		t.Errorf("%d groups, noted are %q", len(w.groups), w.noted)
	}
	for _, group := range w.groups {
		if len(group) > lateAtOnce {
			t.Errorf("%d at once", len(group))
		}
	}
	w.add(t.Context(), "bad", 0)
	if err := w.late.drain(); err != nil {
		t.Fatal(err)
	}
	if last := w.noted[len(w.noted)-1]; last != "bad 0 no room on the disk" {
		t.Error(last)
	}
}

// Who finds no room for a note waits, however large it is, and for no longer than it wants.
func TestLateNotesAreBounded(t *testing.T) {
	w := newWritten(t)
	w.add(t.Context(), "large", 3*lateBytes)
	given, cancel := context.WithCancel(t.Context())
	cancel()
	w.add(given, "impatient", 0)
	if !slices.Equal(w.noted, []string{"impatient 0 context canceled"}) {
		t.Fatalf("noted are %q", w.noted)
	}
	added := make(chan struct{})
	go func() { w.add(t.Context(), "patient", 0); close(added) }()
	close(w.goOn)
	<-added
	if err := w.late.drain(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.noted[1:], []string{"large 101 <nil>", "patient 101 <nil>"}) {
		t.Errorf("noted are %q", w.noted)
	}
}

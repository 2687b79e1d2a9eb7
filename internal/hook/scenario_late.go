package hook

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

const (
	// lateBytes bounds the notes that wait; a run that ends while there is no room waits.
	lateBytes = 4 << 20
	// lateWeight is what one takes of that beside its texts.
	lateWeight = 32 << 10
	// lateAtOnce bounds the notes of one transaction.
	lateAtOnce = 50
	// lateFor is how long notes wait for others while they are few: a transaction for each
	// would slow down the writes that the runs were asked about.
	lateFor = 100 * time.Millisecond
)

// lateNotes writes the notes of runs beside what waited for these runs: in the order in
// which they ended, several in one transaction.
type lateNotes struct {
	write func(context.Context, []catalog.EndedProcess) ([]query.Record, error)
	room  *semaphore.Weighted // bytes

	mutex   sync.Mutex
	waiting []lateNote
	working bool // somebody will write them
}

// lateNote is the note of a run that is over.
type lateNote struct {
	catalog.EndedProcess
	room  int64
	noted func(query.Record, error)
}

func newLateNotes(write func(context.Context, []catalog.EndedProcess) ([]query.Record, error)) *lateNotes {
	return &lateNotes{write: write, room: semaphore.NewWeighted(lateBytes)}
}

// add lets a note be written and calls noted then. It waits for room until ctx ends.
func (l *lateNotes) add(ctx context.Context, p catalog.EndedProcess, noted func(query.Record, error)) {
	n := lateNote{p, min(lateWeight+int64(len(p.Process.Params)+len(p.End.Result)), lateBytes), noted}
	if err := l.room.Acquire(ctx, n.room); err != nil {
		noted(0, err)
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.waiting = append(l.waiting, n)
	if !l.working {
		l.working = true
		go l.work()
	}
}

// work writes notes until there are none.
func (l *lateNotes) work() {
	for few := true; ; {
		if few {
			time.Sleep(lateFor)
		}
		var some []lateNote
		if some, few = l.take(); len(some) == 0 {
			return
		}
		l.note(some)
	}
}

// take takes the notes of the next transaction, and tells whether fewer are left than
// those of another.
func (l *lateNotes) take() (some []lateNote, few bool) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	some = l.waiting[:min(len(l.waiting), lateAtOnce)]
	l.waiting = l.waiting[len(some):]
	l.working = len(some) > 0
	return some, len(l.waiting) < lateAtOnce
}

func (l *lateNotes) note(some []lateNote) {
	ctx, cancel := context.WithTimeout(context.Background(), noteTime)
	defer cancel()
	list := make([]catalog.EndedProcess, len(some))
	for i := range some {
		list[i] = some[i].EndedProcess
	}
	numbers, err := l.write(ctx, list)
	for i := range some {
		var number query.Record
		if err == nil {
			number = numbers[i]
		}
		some[i].noted(number, err)
		l.room.Release(some[i].room)
	}
}

// drain waits until all notes are written that were added before, at most for noteTime.
func (l *lateNotes) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), noteTime)
	defer cancel()
	if err := l.room.Acquire(ctx, lateBytes); err != nil {
		return err
	}
	l.room.Release(lateBytes)
	return nil
}

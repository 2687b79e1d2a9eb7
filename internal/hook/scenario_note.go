package hook

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

const (
	// noteTime is how long it may take to note a run.
	noteTime = 10 * time.Second
	// noteAfter is after what time a run that somebody waits for is noted as one that
	// is going on. Most are over by then, and are noted once.
	noteAfter = time.Second
)

// note is what $processes has of a run.
type note struct {
	catalog *catalog.Service
	late    *lateNotes
	process catalog.Process
	timer   *time.Timer

	mutex  sync.Mutex
	number query.Record // 0 before it is noted
	ended  bool
}

// note begins to note a run: at once if nobody waits for it, so that a run that the end
// of the program interrupts is seen.
func (s *Service) note(ctx context.Context, r *run) (*note, error) {
	n := &note{catalog: s.options.Catalog, late: s.notes, process: catalog.Process{
		Started: s.options.Now().UnixMilli(), Script: r.script, Async: r.async, Code: rand.Text(), Event: r.event,
		Params: s.cut(r.inputs, s.options.Scenarios.Data), Initiator: r.initiator,
	}}
	if r.async {
		return n, n.begin(ctx)
	}
	n.timer = time.AfterFunc(noteAfter, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
		defer cancel()
		_ = n.begin(ctx) // it is noted at its end then
	})
	return n, nil
}

func (n *note) begin(ctx context.Context) (err error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if !n.ended {
		n.number, err = n.catalog.NoteProcess(ctx, n.process, nil)
	}
	return err
}

// end notes what became of the run, also when whoever waited is gone, and calls noted with
// the note's record then. The note of a run that has none yet is written beside what
// waited for the run.
func (n *note) end(ctx context.Context, e catalog.ProcessEnd, noted func(query.Record, error)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	if n.timer != nil {
		n.timer.Stop()
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.ended = true
	if n.number != 0 {
		noted(n.number, n.catalog.EndProcess(ctx, n.number, e))
		return
	}
	n.late.add(ctx, catalog.EndedProcess{Process: n.process, End: e}, noted)
}

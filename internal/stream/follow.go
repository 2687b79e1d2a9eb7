package stream

import (
	"context"
	"math"
	"time"

	"golang.org/x/sync/errgroup"

	"kartoteka/internal/catalog"
)

// Run tells listeners of changes until ctx ends; then all streams end.
func (s *Service) Run(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { s.follow(ctx); return nil })
	all.Go(func() error { s.tend(ctx); return nil })
	err := all.Wait()
	s.stop()
	return err
}

// stop ends all streams, and lets nobody in any more.
func (s *Service) stop() {
	s.mu.Lock()
	s.closed = true
	list := make([]*Listener, 0, len(s.listeners))
	for l := range s.listeners {
		list = append(list, l)
	}
	s.mu.Unlock()
	for _, l := range list {
		l.Close()
	}
}

// follow looks for changes while somebody listens.
func (s *Service) follow(ctx context.Context) {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.options.Catalog.Changed():
		case <-s.woken:
		case <-poll.C:
		}
		rest := lookEvery
		if err := s.look(ctx); err != nil && ctx.Err() == nil {
			s.options.Log.ErrorContext(ctx, "stream.look", "module", "Stream", "error", err)
			rest = failedRest
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(rest):
		}
	}
}

// look tells all listeners what was changed since the last look.
func (s *Service) look(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	after := s.seq
	of := make(map[*catalog.Watch]*subject, len(s.subjects))
	watches := make([]*catalog.Watch, 0, len(s.subjects))
	for _, one := range s.subjects {
		of[one.watch] = one
		watches = append(watches, one.watch)
	}
	s.mu.Unlock()
	if len(watches) == 0 {
		return nil
	}
	looked, err := s.options.Catalog.Look(ctx, after, watches)
	if err != nil {
		return err
	}
	s.tell(after, looked, of)
	return nil
}

// tell gives the listeners of each subject what concerns it. Those who see the same
// get the same bytes. What is to be read anew is told first, under the number before:
// who is cut off then comes back from there.
func (s *Service) tell(after int64, looked *catalog.Looked, of map[*catalog.Watch]*subject) {
	s.mu.Lock()
	s.seq = looked.Seq
	written := map[catalog.SightKey][]frame{}
	events := map[*Listener]*frames{}
	first := map[*Listener][][]byte{}
	var over []*Listener
	now := s.options.Now().UnixMilli()
	for w, one := range of {
		failed := looked.Failed[w] != nil
		if looked.Lost || failed || looked.Anew[w] {
			for _, l := range one.listeners {
				first[l] = append(first[l], l.anew(nil, one.key.catalog, after, now))
				if failed {
					over = append(over, l)
				}
			}
			continue
		}
		told := looked.Told[w.Key()]
		if len(told) == 0 {
			continue
		}
		for _, l := range one.listeners {
			list, ok := written[w.Key()]
			if !ok {
				for i := range told {
					list = append(list, frame{told[i].Seq, l.told(nil, one.key.catalog, &told[i])})
				}
				written[w.Key()] = list
			}
			if events[l] == nil {
				events[l] = &frames{}
			}
			events[l].list = append(events[l].list, list...)
		}
	}
	s.mu.Unlock()
	for l, list := range first {
		l.restart(list)
	}
	for l, list := range events {
		list.sort()
		l.tell(list.list)
	}
	for _, l := range over {
		l.finish()
	}
}

// restart tells the listener what to read anew.
func (l *Listener) restart(list [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, text := range list {
		l.hold(frame{math.MaxInt64, text})
	}
}

// tend keeps streams alive, and ends those whose listeners are gone or may not listen
// any more.
func (s *Service) tend(ctx context.Context) {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	var checked time.Time
	for {
		ended := false
		select {
		case <-ctx.Done():
			return
		case <-s.options.Ended:
			ended = true
		case <-tick.C:
		}
		s.mu.Lock()
		seq := s.seq
		list := make([]*Listener, 0, len(s.listeners))
		for l := range s.listeners {
			list = append(list, l)
		}
		s.mu.Unlock()
		now := s.options.Now()
		if ended || now.Sub(checked) >= checkEvery {
			checked = now
			s.check(ctx, list)
		}
		for _, l := range list {
			l.beat(now, seq)
		}
	}
}

// check ends the streams that have no listener any more, or one who may not listen.
func (s *Service) check(ctx context.Context, list []*Listener) {
	known := map[any]error{}
	for _, l := range list {
		err, ok := known[l.credential]
		if !ok {
			err = l.valid(ctx)
			known[l.credential] = err
		}
		if ctx.Err() != nil {
			return
		}
		switch {
		case catalog.Refused(err):
			l.Close()
		case err != nil:
			s.options.Log.ErrorContext(ctx, "stream.check", "module", "Stream", "error", err)
		case l.left():
			l.Close()
		}
	}
}

package stream

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
)

const (
	// perPerson and mostListeners bound the streams of this process.
	perPerson     = 6
	mostListeners = 20_000
	// lookEvery is how long changes are gathered; pollEvery is how often those of
	// other nodes are looked for.
	lookEvery = 100 * time.Millisecond
	pollEvery = time.Second
	// failedRest is how long following rests after a failure.
	failedRest = time.Second
	// beatEvery is how long a stream may be silent, checkEvery how often it is found
	// out whether its listener is still there and may still listen.
	beatEvery  = 25 * time.Second
	checkEvery = 5 * time.Second
	tendEvery  = time.Second
	// joinsAtOnce bounds how many listeners look back at a time.
	joinsAtOnce = 4
)

// Options are what a Service needs.
type Options struct {
	Catalog *catalog.Service
	Now     func() time.Time
	Log     *slog.Logger
	// Ended gives a value when sessions or tokens have ended in this process.
	Ended <-chan struct{}
	// Write bounds one write to a listener.
	Write time.Duration
	// Left tells whether the other side has closed a connection; nil for never.
	Left func(net.Conn) bool
}

// Service is all streams of one process.
type Service struct {
	options Options
	joins   chan struct{}
	woken   chan struct{} // the first listener came

	// turn is held while changes are looked for: whoever begins to listen does so
	// between two looks.
	turn sync.Mutex

	mu        sync.Mutex // guards what follows
	seq       int64      // up to which all listeners were told
	subjects  map[subjectKey]*subject
	listeners map[*Listener]bool
	persons   map[int64]int
	closed    bool
}

// subjectKey is who listens to what; those with the same are told the same.
type subjectKey struct {
	actor         string
	catalog, view string
}

// subject is what some listeners listen to.
type subject struct {
	key       subjectKey
	watch     *catalog.Watch // of whoever has the turn
	listeners []*Listener
}

// New makes a Service; Run makes it work.
func New(o Options) *Service {
	return &Service{
		options: o, joins: make(chan struct{}, joinsAtOnce), woken: make(chan struct{}, 1),
		subjects: map[subjectKey]*subject{}, listeners: map[*Listener]bool{}, persons: map[int64]int{},
	}
}

// Request is a wish to listen.
type Request struct {
	Actor    catalog.Actor
	Person   int64 // whose streams are counted together
	Catalogs []string
	Views    []string // of each catalog, "" for all of its records
	After    int64    // the last change that was told, -1 for none
	// Valid fails when the listener may listen no longer. Who has the same
	// Credential shares the answer.
	Credential any
	Valid      func(context.Context) error
	// Told and Anew write events.
	Told func(dst []byte, catalog string, t *catalog.Told) []byte
	Anew func(dst []byte, catalog string, seq, at int64) []byte
}

// Open begins to listen. The listener is to be given a connection by Take, or to be
// served by Serve, or closed. Open fails as catalog.Watch does, with RateLimited when
// the person has too many streams, and with Unavailable.
func (s *Service) Open(ctx context.Context, q Request) (*Listener, error) {
	l := &Listener{service: s, person: q.Person, credential: q.Credential, valid: q.Valid, told: q.Told, anew: q.Anew, joining: true}
	if err := s.admit(l); err != nil {
		return nil, err
	}
	if err := s.begin(ctx, l, q); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// admit counts the listener.
func (s *Service) admit(l *Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return fault.New(fault.Unavailable, "The server is stopping; try again")
	case len(s.listeners) >= mostListeners:
		return fault.New(fault.Unavailable, "The server has too many open streams; try again later")
	case s.persons[l.person] >= perPerson && !s.dropLeft(l.person):
		e := fault.New(fault.RateLimited, "You have %d open streams, which is the most; close one first", perPerson)
		e.RetryAfter = checkEvery
		return e
	}
	s.listeners[l] = true
	s.persons[l.person]++
	return nil
}

// dropLeft drops the person's streams whose other side is gone, and tells whether
// there were any. The caller holds mu.
func (s *Service) dropLeft(person int64) (some bool) {
	for l := range s.listeners {
		if l.person == person && l.left() {
			s.remove(l)
			l.end()
			some = true
		}
	}
	return some
}

// begin makes the listener one of the subjects that he asks for, and tells him what
// he missed.
func (s *Service) begin(ctx context.Context, l *Listener, q Request) error {
	watches := make([]*catalog.Watch, len(q.Catalogs))
	for i, c := range q.Catalogs {
		var err error
		if watches[i], err = s.options.Catalog.Watch(ctx, q.Actor, c, q.Views[i]); err != nil {
			return err
		}
	}
	if err := s.register(ctx, l, q, watches); err != nil {
		return err
	}
	missed, err := s.missed(ctx, l, q.After, watches)
	if err != nil {
		return err
	}
	l.join(missed)
	return nil
}

// register puts the listener among those who are told of the changes from now on.
func (s *Service) register(ctx context.Context, l *Listener, q Request, watches []*catalog.Watch) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	idle := len(s.subjects) == 0
	s.mu.Unlock()
	var seq int64
	if idle { // nobody has followed
		var err error
		if seq, err = s.options.Catalog.LookFrom(ctx); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.listeners[l] {
		return fault.New(fault.Unavailable, "The server is stopping; try again")
	}
	if idle {
		s.seq = seq
	}
	l.pos = s.seq
	for i, w := range watches {
		key := subjectKey{actorText(q.Actor), q.Catalogs[i], q.Views[i]}
		of := s.subjects[key]
		if of == nil {
			of = &subject{key: key, watch: w.Clone()}
			s.subjects[key] = of
		}
		of.listeners = append(of.listeners, l)
		l.subjects = append(l.subjects, of)
	}
	select {
	case s.woken <- struct{}{}:
	default:
	}
	return nil
}

// actorText is equal for actors who may see the same.
func actorText(a catalog.Actor) string {
	text := fmt.Sprintf("%d %d", a.Employee, a.Offset)
	if a.Scope != nil {
		text += fmt.Sprintf(" %d %v %t", a.Scope.Verbs, a.Scope.Catalogs, a.Scope.Catalogs != nil)
	}
	return text
}

// missed are the events since the one that the listener had last, and the line that
// tells from where on he listens.
func (s *Service) missed(ctx context.Context, l *Listener, after int64, watches []*catalog.Watch) (missed frames, err error) {
	if after >= 0 {
		select {
		case s.joins <- struct{}{}:
			defer func() { <-s.joins }()
		case <-ctx.Done():
			return frames{}, ctx.Err()
		}
		looked, err := s.options.Catalog.LookBack(ctx, after, watches)
		if err != nil {
			return frames{}, err
		}
		for _, err := range looked.Failed {
			return frames{}, err
		}
		l.pos = looked.Seq
		now := s.options.Now().UnixMilli()
		for _, w := range watches {
			if looked.Lost || looked.Anew[w] {
				missed.add(after, l.anew(nil, w.Catalog(), after, now))
			}
		}
		for _, w := range watches {
			if looked.Lost || looked.Anew[w] {
				continue
			}
			for i := range looked.Told[w.Key()] {
				t := &looked.Told[w.Key()][i]
				missed.add(t.Seq, l.told(nil, w.Catalog(), t))
			}
		}
		missed.sort()
	}
	// Streams that ended together come back one after another.
	missed.add(l.pos, fmt.Appendf(nil, "retry: %d\nid: %d\n\n", 1000+rand.IntN(3000), l.pos))
	return missed, nil
}

// remove takes a listener out. The caller holds mu.
func (s *Service) remove(l *Listener) {
	if !s.listeners[l] {
		return
	}
	delete(s.listeners, l)
	if s.persons[l.person]--; s.persons[l.person] == 0 {
		delete(s.persons, l.person)
	}
	for _, of := range l.subjects {
		if i := slices.Index(of.listeners, l); i >= 0 {
			last := len(of.listeners) - 1
			of.listeners[i], of.listeners[last] = of.listeners[last], nil
			of.listeners = of.listeners[:last]
		}
		if len(of.listeners) == 0 && s.subjects[of.key] == of {
			delete(s.subjects, of.key)
		}
	}
	l.subjects = nil
}

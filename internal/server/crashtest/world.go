package crashtest

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/hook"
	"kartoteka/internal/outbound"
)

// begin is when the clock of a world starts: 2027-01-15.
const begin = 1_800_000_000_000

// callTimeout bounds a call in real time: a receiver that does not answer costs that
// much of the test.
const callTimeout = time.Second

// Answer is how a receiver takes a call.
type Answer struct {
	Status int
	Header http.Header
	// Cut ends the connection before anything was answered, Half within the answer,
	// and Silent never answers.
	Cut, Half, Silent bool
}

// World is a database, a clock and a receiver of calls. One process at a time lives
// in it.
type World struct {
	Clock Clock
	// Receive takes a call's path, header and body; it may be called at once.
	Receive func(path string, h http.Header, body []byte) Answer

	t       testing.TB
	steps   *Steps
	disk    disk
	shared  bool
	look    time.Duration // between looks at a process
	server  *httptest.Server
	current atomic.Pointer[life]
}

// NewWorld makes a world with a copy of the template.
func NewWorld(t testing.TB, template *Template, steps *Steps) *World {
	t.Helper()
	w := &World{t: t, steps: steps, disk: template.copied(t)}
	w.look = 2 * time.Millisecond
	if _, w.shared = w.disk.(*schema); w.shared {
		w.look = 10 * time.Millisecond // a look is two round trips
	}
	w.Clock.ms.Store(begin)
	w.server = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.server.Close)
	return w
}

// URL is the address of a receiver.
func (w *World) URL(path string) string { return w.server.URL + path }

// serve has the process die with a call that arrived, or right after its answer.
func (w *World) serve(res http.ResponseWriter, req *http.Request) {
	caller := w.current.Load()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	a := w.Receive(req.URL.Path, req.Header, body)
	if caller.at("message received") != nil || a.Cut {
		panic(http.ErrAbortHandler)
	}
	if a.Silent {
		select {
		case <-req.Context().Done():
		case <-caller.died:
		}
		panic(http.ErrAbortHandler)
	}
	for name, values := range a.Header {
		res.Header()[name] = values
	}
	if a.Half {
		res.Header().Set("Content-Length", "1000")
	}
	res.WriteHeader(a.Status)
	if a.Half {
		panic(http.ErrAbortHandler)
	}
	_ = http.NewResponseController(res).Flush()
	_ = caller.at("message answered")
}

// Process is a running program over the world's database.
type Process struct {
	Catalog *catalog.Service
	Hooks   *hook.Service
	Store   *Store

	w      *World
	life   *life
	cancel context.CancelFunc
	ended  chan error
	client *outbound.Client
}

// Start starts a process, which dies as its fate says. The one before has died or
// was stopped.
func (w *World) Start(fate Fate) *Process {
	w.t.Helper()
	company, err := w.disk.open(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	p := &Process{w: w, life: newLife(w.steps, fate, func() {
		if err := w.disk.keep(); err != nil {
			w.t.Error(err)
		}
	})}
	p.Store = &Store{Company: company, life: p.life, claimed: map[int64]int64{}}
	if p.client, err = outbound.New(outbound.Config{Policy: outbound.Policy{Private: true}, Timeout: callTimeout}); err != nil {
		w.t.Fatal(err)
	}
	w.current.Store(p.life)
	log := slog.New(slog.DiscardHandler)
	p.Catalog = w.catalog(p.Store)
	p.Hooks = hook.New(hook.Options{
		Catalog: p.Catalog, Jobs: p.Store, Client: p.client, Now: w.Clock.Now, Log: log, Owner: rand.Text(), Shared: w.shared, Timeout: callTimeout,
	})
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(context.Background())
	p.ended = make(chan error, 1)
	go func() {
		run, ctx := errgroup.WithContext(ctx)
		run.Go(func() error { return p.Hooks.Run(ctx) })
		p.ended <- run.Wait()
	}()
	return p
}

// Between does something to the company while no process lives. Nobody is told.
func (w *World) Between(fn func(*catalog.Service)) {
	w.t.Helper()
	company, err := w.disk.open(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	fn(w.catalog(company))
	if err := company.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *World) catalog(s catalog.Store) *catalog.Service {
	return catalog.New(s, catalog.Options{
		Now: w.Clock.Now, Log: slog.New(slog.DiscardHandler), Filters: bpium.ViewFilters{}, FieldsMax: 300, TextMax: 1000, RecordsMax: 10_000, Zone: time.UTC,
	})
}

// Died tells that the process is dead.
func (p *Process) Died() bool { return p.life.alive() != nil }

// Fate is what is left of the process's fate, and whether it came true.
func (p *Process) Fate() (f Fate, came bool) {
	select {
	case <-p.life.died:
		return f, true
	default:
		p.life.mu.Lock()
		defer p.life.mu.Unlock()
		return p.life.fate, false
	}
}

// Kill ends the process wherever it is.
func (p *Process) Kill() { p.life.die() }

// Stop ends the process, at its end if it is not dead: what it holds is released.
func (p *Process) Stop() {
	p.w.t.Helper()
	p.cancel()
	if p.Died() {
		p.w.server.CloseClientConnections()
	}
	err := <-p.ended
	died := p.Died() // perhaps at its end
	p.life.stop()
	p.client.Close()
	if err = errors.Join(err, p.Store.Close()); err != nil && !died {
		p.w.t.Errorf("the process ended with %v", err)
	}
}

// Idle tells that the process has nothing to do until a time (Unix ms), 0 for ever.
func (p *Process) Idle(ctx context.Context) (idle bool, until int64, err error) {
	some, err := p.Catalog.Unfollowed(ctx, p.Store.followed.Load())
	if err != nil || some {
		return false, 0, err
	}
	if until, some, err = p.Store.Next(ctx, "hook", ""); err != nil {
		return false, 0, err
	}
	now := p.w.Clock.Now().UnixMilli()
	return !p.Store.busy(now) && (!some || until > now), until, nil
}

// stuckMost is how long no attempt may end, in looks of Settle.
const stuckMost = 3_000

// Settle lets the process work off everything there is, moving the clock to what is
// due next. It gives false when the process dies, and an error when the process is
// stuck.
func (p *Process) Settle(ctx context.Context) (bool, error) {
	p.Hooks.Wake()
	ended := p.Store.ended.Load()
	for looks := 1; looks < stuckMost; looks++ {
		if now := p.Store.ended.Load(); now != ended {
			looks, ended = 1, now
		}
		idle, until, err := p.Idle(ctx)
		switch {
		case p.Died():
			return false, nil
		case err != nil:
			return false, err
		case idle && until == 0:
			return true, nil
		case idle:
			p.w.Clock.Reach(until)
			p.Hooks.Wake()
		case looks%5 == 0 && !p.Store.busy(p.w.Clock.Now().UnixMilli()):
			p.w.Clock.Add(10 * time.Second) // somebody who is dead holds a lease
			p.Hooks.Wake()
		}
		time.Sleep(p.w.look)
	}
	return false, errors.New("the process is stuck")
}

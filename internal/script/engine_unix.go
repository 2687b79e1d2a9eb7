//go:build unix

package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"time"

	"kartoteka/internal/fault"
)

// Engine runs scripts. It is safe for concurrent use.
type Engine struct {
	config Config
	pool   pool

	starting sync.Mutex // held while a parent starts
	mutex    sync.Mutex
	parent   *parent // nil until the first script
	closed   bool
	// spare is a child that served nobody yet, so that the next group need not wait
	// for a fork; making tells that one is being made.
	spare  *child
	making bool
	makers sync.WaitGroup
}

// New makes an engine. Nothing is unpacked or started until the first script.
func New(c Config) *Engine {
	c.complete()
	e := &Engine{config: c}
	e.pool.init(c.Workers)
	return e
}

// Close ends all processes; scripts that run fail.
func (e *Engine) Close() error {
	e.mutex.Lock()
	e.closed = true
	p, spare := e.parent, e.spare
	e.parent, e.spare = nil, nil
	e.mutex.Unlock()
	e.pool.close()
	e.pool.bury()
	if spare != nil {
		spare.end()
	}
	if p != nil {
		p.end()
	}
	e.starting.Lock() // one that is just starting is ended by its starter
	defer e.starting.Unlock()
	e.makers.Wait()
	return nil
}

// errClosed is the error of runs after Close.
var errClosed = errors.New("the script engine is closed")

// Run runs a script for each item of the request; results are in their order. It
// fails as a whole with fault.ScriptsUnavailable, with what is wrong with the
// request, with the error of host, or with that of ctx.
func (e *Engine) Run(ctx context.Context, host Host, req *Request) ([]Result, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	g := group{key: req.Key, memory: req.Limits.Memory}
	results := make([]Result, 0, len(req.Items))
	most := len(req.Items) // of one message
	kept := 0              // bytes of the results
	for len(results) < len(req.Items) {
		first := len(results)
		if kept > resultsMax {
			full := limited(req, "the results of all items are larger than %d bytes", resultsMax)
			return append(results, slices.Repeat([]Result{{Value: json.RawMessage("null"), Err: full}}, len(req.Items)-first)...), nil
		}
		p := &part{req: req, host: host, first: first, items: req.Items[first:min(first+most, len(req.Items))]}
		err := e.onChild(ctx, g, func(c *child) (bool, error) {
			err := c.run(ctx, p)
			return len(p.results) == 0 && (p.calls == nil || p.calls.made == 0), err
		})
		results = append(results, p.results...)
		kept += p.kept
		reached, err := p.reached(err)
		if err != nil {
			return nil, err
		}
		switch {
		case reached == nil || len(results) == len(req.Items):
		case p.known():
			results = append(results, Result{Value: json.RawMessage("null"), Err: reached})
		default:
			most = 1 // which item it was is seen when each runs alone
		}
	}
	return results, nil
}

// reached tells a limit, which is one item's matter, from what ends the request.
func (p *part) reached(err error) (*Error, error) {
	var limit *Error
	switch {
	case errors.As(err, &limit):
		return limit, nil
	case errors.Is(err, errDied):
		return limited(p.req, "its process ended: it used too much memory or crashed"), nil
	}
	return nil, err
}

// known tells whether the first item without a result is the one that ended the
// child: results leave a child late, but before each call.
func (p *part) known() bool {
	return len(p.items)-len(p.results) == 1 || p.calls != nil && p.calls.made > 0
}

// Check looks at a source without running it.
func (e *Engine) Check(ctx context.Context, company, name, source string, mode Mode) (*Checked, error) {
	req := &Request{Key: Key{company, "check"}, Name: name, Source: source, Mode: mode, Limits: LineLimits}
	if err := req.check(); err != nil {
		return nil, err
	}
	checked := &Checked{}
	err := e.onChild(ctx, group{req.Key, req.Limits.Memory, true}, func(c *child) (bool, error) {
		return true, c.check(ctx, req, checked)
	})
	var limit *Error
	if errors.As(err, &limit) || errors.Is(err, errDied) {
		return &Checked{Errors: []Problem{{1, 1, "the source cannot be read: it is too deep or takes too long"}}}, nil
	}
	return checked, err
}

func (c *child) check(ctx context.Context, req *Request, into *Checked) error {
	content, err := json.Marshal(map[string]any{"check": map[string]any{"name": req.Name, "source": req.Source, "mode": req.Mode}})
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	w := c.startWatch(req.Limits)
	if err := c.send(content, w.began.Add(w.limits.Wall)); err != nil {
		return err
	}
	content, err = c.next(ctx, req, &w)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return limited(req, "its answer is not one")
	}
	return nil
}

// onChild does work on a child of the group. A child that was idle may have died
// since, as all do with the parent: work that tells that nothing came of it yet is done
// once more on a new one.
func (e *Engine) onChild(ctx context.Context, g group, work func(*child) (again bool, err error)) error {
	if err := e.pool.enter(ctx); err != nil {
		return err
	}
	defer e.pool.leave()
	defer e.pool.bury()
	for tried := false; ; tried = true {
		c, used, err := e.child(ctx, g, tried)
		if err != nil {
			return err
		}
		again, err := work(c)
		e.makeSpare(c.parent, g.memory) // afterwards: it takes longer than most runs
		if err == nil && !c.broken {
			e.pool.put(c)
			return nil
		}
		e.pool.drop(c)
		if tried || !used || !again || !errors.Is(err, errDied) {
			return err
		}
	}
}

// child gives an idle child of the group or makes one, as it does for who wants a fresh
// one in the place of another; used tells of the former.
func (e *Engine) child(ctx context.Context, g group, fresh bool) (c *child, used bool, err error) {
	if !fresh {
		if c := e.pool.take(g); c != nil {
			return c, true, nil
		}
		if c := e.unused(g); c != nil {
			e.pool.add()
			return c, true, nil
		}
	}
	for range 2 {
		var p *parent
		if p, err = e.running(ctx); err != nil {
			return nil, false, err
		}
		if c, err = p.fork(g); err == nil {
			e.pool.add()
			return c, false, nil
		}
		if errors.Is(err, errWall) {
			return nil, false, unavailable(err, fault.Msg("the kernel does not let them be locked in (seccomp)"))
		}
		e.replace(p, err)
	}
	return nil, false, err
}

// unused gives the spare child if it suits the group.
func (e *Engine) unused(g group) *child {
	e.mutex.Lock()
	c := e.spare
	if c == nil || c.group.memory != g.memory || e.parent != c.parent {
		e.mutex.Unlock()
		return nil
	}
	e.spare = nil
	e.mutex.Unlock()
	c.group = g
	return c
}

// makeSpare makes a child for the next group, beside whatever runs.
func (e *Engine) makeSpare(p *parent, memory int64) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.making || e.closed || e.spare != nil && e.spare.parent == p {
		return
	}
	e.making = true
	e.makers.Go(func() {
		c, err := p.fork(group{memory: memory})
		e.mutex.Lock()
		old := e.spare
		e.making, e.spare = false, c
		if err == nil && (e.closed || e.parent != p) {
			e.spare, old = nil, c
		}
		e.mutex.Unlock()
		if old != nil {
			old.end()
		}
	})
}

// replace gives up a parent that makes no children.
func (e *Engine) replace(p *parent, why error) {
	e.config.Log.Error("script.parent", "module", "Script", "error", why, "said", p.said.String())
	e.mutex.Lock()
	if e.parent == p {
		e.parent = nil
	}
	e.mutex.Unlock()
	p.end()
}

// running gives the parent, started if there is none.
func (e *Engine) running(ctx context.Context) (*parent, error) {
	if p, err := e.current(); p != nil || err != nil {
		return p, err
	}
	e.starting.Lock()
	defer e.starting.Unlock()
	if p, err := e.current(); p != nil || err != nil {
		return p, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := e.start()
	if err != nil {
		return nil, err
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.closed {
		p.end()
		return nil, errClosed
	}
	e.parent = p
	return p, nil
}

func (e *Engine) current() (*parent, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	switch {
	case e.closed:
		return nil, errClosed
	case e.parent != nil && e.parent.alive():
		return e.parent, nil
	}
	e.parent = nil
	return nil, nil
}

func (e *Engine) start() (*parent, error) {
	if !e.config.Unsafe && len(allowed.allowed) == 0 {
		return nil, unavailable(nil, fault.Msg("they need Linux on amd64 or arm64"))
	}
	python := e.config.Python
	if python == "" {
		var err error
		if python, err = unpacked(e.config.Dir); err != nil {
			return nil, err
		}
	}
	boot, err := bootMessage(e.config.Unsafe)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	p, err := startParent(python, boot, e.config.Unsafe, !e.config.noNamespaces)
	if err != nil {
		e.config.Log.Error("script.start", "module", "Script", "python", python, "error", err)
		return nil, unavailable(err, notStarted(err))
	}
	e.config.Log.Info("script.start", "module", "Script", "took", time.Since(began), "namespaces", !p.reduced && !e.config.Unsafe,
		"landlock", p.landlock, "unsafe", e.config.Unsafe)
	return p, nil
}

func notStarted(err error) fault.Message {
	var path *exec.Error
	if errors.As(err, &path) || errors.Is(err, errNotFound) {
		return fault.Msg("the interpreter is not there, or the machine has no glibc")
	}
	return fault.Msg("the interpreter does not start; the log says why")
}

// Walls tells how scripts are locked in, for people; "" before the first script.
func (e *Engine) Walls() string {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	switch {
	case e.parent == nil:
		return ""
	case e.config.Unsafe:
		return "none"
	case e.parent.reduced:
		return fmt.Sprintf("seccomp, limits, Landlock %d", e.parent.landlock)
	}
	return fmt.Sprintf("seccomp, limits, Landlock %d, namespaces", e.parent.landlock)
}

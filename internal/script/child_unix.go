//go:build unix

package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// errDied is in the error of a child that is gone without an answer.
var errDied = errors.New("the process of the script ended")

// child is a process that runs scripts of one group, one request at a time.
type child struct {
	group  group
	parent *parent
	conn   *net.UnixConn
	frames frames
	proc   process
	left   int         // runs until it ends
	idle   *time.Timer // ends it when it rested too long
	rested time.Time   // since when it is idle
	broken bool        // it must not run again
}

// group is who shares a child.
type group struct {
	key    Key
	memory int64
	check  bool // it runs nothing
}

// end kills the child. It may be called again.
func (c *child) end() {
	c.proc.kill()
	_ = c.conn.Close()
}

// watch are the clocks of the item that a child is running.
type watch struct {
	limits    Limits
	began     time.Time
	cpu       time.Duration // used when it began
	nextCheck time.Time     // of the processor time
}

func (c *child) startWatch(l Limits) watch {
	now := time.Now()
	return watch{limits: l, began: now, cpu: c.proc.cpu(), nextCheck: now.Add(l.CPU)}
}

// deadline is when somebody must look.
func (w *watch) deadline() time.Time {
	end := w.began.Add(w.limits.Wall)
	if w.nextCheck.Before(end) {
		return w.nextCheck
	}
	return end
}

// late says which limit is reached, "" for none.
func (w *watch) late(c *child) string {
	now := time.Now()
	if !now.Before(w.began.Add(w.limits.Wall)) {
		return fmt.Sprintf("it ran longer than %v", w.limits.Wall)
	}
	used := c.proc.cpu() - w.cpu
	if used >= w.limits.CPU {
		return fmt.Sprintf("it used more than %v of processor time", w.limits.CPU)
	}
	w.nextCheck = now.Add(max(w.limits.CPU-used, time.Millisecond))
	return ""
}

// next gives the next frame of the child within the limits of the running item.
func (c *child) next(ctx context.Context, req *Request, w *watch) ([]byte, error) {
	for {
		_ = c.conn.SetReadDeadline(w.deadline())
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		content, err := c.frames.read()
		switch {
		case err == nil:
			if err := fits(content); err != nil {
				return nil, limited(req, "its answer %v", err)
			}
			return content, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, os.ErrDeadlineExceeded):
			if why := w.late(c); why != "" {
				return nil, limited(req, "%s", why)
			}
		case errors.Is(err, errFrame):
			return nil, limited(req, "its answer is larger than %d bytes", frameMax)
		default:
			return nil, fmt.Errorf("%w: %w", errDied, err)
		}
	}
}

func (c *child) send(content []byte, until time.Time) error {
	_ = c.conn.SetWriteDeadline(until)
	if _, err := c.conn.Write(frame(content)); err != nil {
		return fmt.Errorf("%w: %w", errDied, err)
	}
	return nil
}

// answer is a frame of a child.
type answer struct {
	ID   uint64          `json:"id"`
	Call string          `json:"call"`
	Args json.RawMessage `json:"args"`
	Done []outcome       `json:"done"`
	End  bool            `json:"end"`
}

// outcome is what a child says of an item.
type outcome struct {
	Has     bool                       `json:"has"`
	Value   json.RawMessage            `json:"value"`
	Type    string                     `json:"type"`
	Outputs map[string]json.RawMessage `json:"outputs"`
	Types   map[string]string          `json:"types"`
	Log     string                     `json:"log"`
	Error   *struct {
		Kind      Kind   `json:"kind"`
		Type      string `json:"type"`
		Message   string `json:"message"`
		Line      int    `json:"line"`
		Column    int    `json:"column"`
		Traceback string `json:"traceback"`
	} `json:"error"`
}

// result is what an outcome says, within bounds.
func (o *outcome) result(req *Request) Result {
	r := Result{HasValue: o.Has, Value: o.Value, Type: cut(o.Type, typeMax), Outputs: only(req.Outputs, o.Outputs),
		Types: only(req.Outputs, o.Types), Log: cut(o.Log, req.Limits.Output+64)}
	for name, of := range r.Types {
		r.Types[name] = cut(of, typeMax)
	}
	if r.Value == nil {
		r.Value = json.RawMessage("null")
	}
	e := o.Error
	if e == nil {
		return r
	}
	r.Err = &Error{Kind: e.Kind, Type: cut(e.Type, typeMax), Message: cut(e.Message, 4096), Script: req.Name,
		Line: max(e.Line, 0), Column: max(e.Column, 0), Traceback: cut(e.Traceback, 4096)}
	switch e.Kind {
	case KindUser, KindAccess, KindMissing, KindSource:
	case KindLimit: // only memory is noticed over there
		r.Err.Type, r.Err.Message = LimitError, fmt.Sprintf("it used more than %d MiB of memory", req.Limits.Memory>>20)
	default:
		r.Err.Kind = KindBug
	}
	return r
}

// typeMax is the longest name of a type in bytes.
const typeMax = 200

// only keeps the values of some names.
func only[V any](names []string, all map[string]V) map[string]V {
	maps.DeleteFunc(all, func(name string, _ V) bool { return !slices.Contains(names, name) })
	return all
}

// cut gives the first bytes of a text, whole characters.
func cut(s string, most int) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// part is some items of a request in one message to a child, and what came of them.
type part struct {
	req   *Request
	host  Host
	id    uint64 // of the message; no script can know that of the next one
	first int    // index of its first item in the request
	items []Item

	results []Result
	calls   *calls // of the item that runs
	size    int    // bytes of what the child sent
	kept    int    // and of them those of the results
}

// resultsMax bounds what a child may send for one message, and what is kept of a request.
const resultsMax = 64 << 20

// run sends a part to the child and collects the results. Its error is *Error when
// the item after the last result reached a limit, errDied, or a reason to give up
// the request.
func (c *child) run(ctx context.Context, p *part) error {
	p.id = rand.Uint64() >> 11 // a number in JSON
	content, err := json.Marshal(p.message())
	if err != nil {
		return fmt.Errorf("send script %s: %w", p.req.Name, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	defer c.frames.shrink()
	w := c.startWatch(p.req.Limits)
	if err := c.send(content, w.began.Add(w.limits.Wall)); err != nil {
		return err
	}
	p.calls = newCalls(p.host, p.req, p.first)
	for {
		content, err := c.next(ctx, p.req, &w)
		if err != nil {
			return err
		}
		var a answer
		if err := json.Unmarshal(content, &a); err != nil {
			return limited(p.req, "its answer is not one")
		}
		if a.ID != p.id { // of a run that said that it ended
			return fmt.Errorf("%w: it answers another message", errDied)
		}
		if p.size += len(content); p.size > resultsMax {
			return limited(p.req, "its results are larger than %d bytes", resultsMax)
		}
		switch {
		case a.Call != "" && (a.End || len(a.Done) > 0): // an end without results would never be one
			err = limited(p.req, "its answer is two")
		case a.Call != "":
			err = c.call(ctx, p, &w, a)
		case len(a.Done) > 0 || a.End:
			p.kept += len(content)
			err = c.take(p, &w, a)
		default:
			err = limited(p.req, "its answer says nothing")
		}
		if err != nil || a.End {
			return err
		}
	}
}

func (c *child) call(ctx context.Context, p *part, w *watch, a answer) error {
	if len(p.results) >= len(p.items) {
		return limited(p.req, "it calls after its end")
	}
	if len(a.Args) == 0 {
		a.Args = json.RawMessage("{}")
	}
	until := w.began.Add(w.limits.Wall)
	bounded, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	content, err := p.calls.answer(bounded, a.Call, a.Args)
	if err != nil {
		var reached *Error
		if ctx.Err() == nil && bounded.Err() != nil && !errors.As(err, &reached) {
			return limited(p.req, "it ran longer than %v", w.limits.Wall)
		}
		return err
	}
	return c.send(content, until)
}

// take keeps results and starts the clocks of the next item.
func (c *child) take(p *part, w *watch, a answer) error {
	if len(p.results)+len(a.Done) > len(p.items) || a.End && len(p.results)+len(a.Done) < len(p.items) {
		return limited(p.req, "its answer has a wrong number of results")
	}
	for i := range a.Done {
		r := a.Done[i].result(p.req)
		c.broken = c.broken || r.Err != nil && r.Err.Kind == KindLimit
		p.results = append(p.results, r)
	}
	p.calls = newCalls(p.host, p.req, p.first+len(p.results))
	*w = c.startWatch(p.req.Limits)
	return nil
}

// message is what a child gets to run.
type message struct {
	ID      uint64                     `json:"id"`
	Name    string                     `json:"name"`
	Source  string                     `json:"source"`
	Mode    Mode                       `json:"mode"`
	Output  int                        `json:"output"`
	HTTP    bool                       `json:"http"`
	Outputs []string                   `json:"outputs,omitempty"`
	Library []Library                  `json:"libraries,omitempty"`
	Context map[string]json.RawMessage `json:"context,omitempty"`
	User    *Ref                       `json:"user,omitempty"`
	Shared  Item                       `json:"shared"`
	Items   []Item                     `json:"items"`
}

func (p *part) message() message {
	r := p.req
	return message{p.id, r.Name, r.Source, r.Mode, r.Limits.Output, r.AllowHTTP, r.Outputs, r.Libraries, r.Context, r.User, r.Shared, p.items}
}

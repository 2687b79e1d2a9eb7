package apisync

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
)

// Step is one thing that a test looked at.
type Step struct {
	Name     string
	OK       bool
	Duration time.Duration
	// Message says what was found, Hint what to do about it; without a format for nothing.
	Message, Hint fault.Message
}

// trial collects steps.
type trial struct {
	service *Service
	steps   []Step
}

// step runs a step, which says what it found.
func (t *trial) step(name string, run func() (ok bool, message, hint fault.Message)) bool {
	began := t.service.options.Now()
	ok, message, hint := run()
	t.steps = append(t.steps, Step{name, ok, t.service.options.Now().Sub(began), message, hint})
	return ok
}

// TestLocal tries the built-in connection. Who may look at the configuration may try.
func (s *Service) TestLocal(ctx context.Context, a catalog.Actor) ([]Step, error) {
	if err := s.Need(ctx, a, Operator); err != nil {
		return nil, err
	}
	t := &trial{service: s}
	t.step("database", func() (bool, fault.Message, fault.Message) {
		st, err := s.Current(ctx)
		if err != nil {
			return false, reasonOf(err), fault.Message{}
		}
		_, models := st.Models("", 0)
		return true, fault.Msg("%d models, %d active endpoints", models, len(st.endpoints)), fault.Message{}
	})
	return t.steps, ctx.Err()
}

// TestConfig tries a config without writing anything: its rules, its model, the rights of
// its employee, and a list of one record. Who may look at the configuration may try.
func (s *Service) TestConfig(ctx context.Context, a catalog.Actor, code string) ([]Step, error) {
	st, err := s.View(ctx, a)
	if err != nil {
		return nil, err
	}
	c := st.Compiled(code)
	if c == nil {
		return nil, noResource()
	}
	t := &trial{service: s}
	t.step("validation", func() (bool, fault.Message, fault.Message) { return t.validation(ctx, a, st, code) })
	if !t.step("model", func() (bool, fault.Message, fault.Message) { return t.model(c) }) || c.RequestType != Inbound {
		return t.steps, ctx.Err()
	}
	if t.rights(ctx, c) && c.allows(http.MethodGet) {
		t.step("request", func() (bool, fault.Message, fault.Message) { return t.request(ctx, c) })
	}
	return t.steps, ctx.Err()
}

func (c *Compiled) allows(method string) bool { return slices.Contains(c.Methods, method) }

// reasonOf is what is told of an error: nothing of what only the log may tell.
func reasonOf(err error) fault.Message {
	if e := AsError(err); e != nil {
		return e.Message
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Message
	}
	return fault.Msg("internal error")
}

package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Gate is asked before records are written, outside of any transaction. It fails
// with fault.Rejected when one of the subscriptions refuses, and gives for each of
// them the values that it wants to be written as well; nil when nobody wants any.
type Gate func(ctx context.Context, asks []Asked) ([][]FieldValue, error)

// Asked is one write that a subscription is asked about.
type Asked struct {
	Structure *Structure
	Hook      *Hook
	Depth     int // of the writer
	Event     HookEvent
	Number    int64 // of the subscription's event
	At        int64 // Unix ms
	Catalog   *Catalog
	Record    query.Record // 0 for one that is not there yet
	Code      string
	Actor     query.Record
	// Changed has the values as ChangeRow.Values, Before as Fires.Before.
	Changed, Before json.RawMessage

	step int // which of the planner's
}

// askedMost is how often a write is asked about whose records were changed while
// the answers came.
const askedMost = 3

var beforeEvents = map[stepKind]HookEvent{createStep: BeforeCreate, updateStep: BeforeUpdate, deleteStep: BeforeDelete}

// asks lists whom the steps are to be asked about, and of what. It is called after
// mutations.
func (p *planner) asks(changes []Mutation) (list []Asked) {
	if p.s.options.Gate == nil || !p.st.HasHooks() || p.actor.Asked {
		return nil
	}
	i := 0 // of the step's mutation
	for n, s := range p.steps {
		if !s.writes() {
			continue
		}
		m := &changes[i]
		i++
		if p.quiet(s.subject.catalog) {
			continue
		}
		for _, h := range p.st.hooksOf(m.Catalog.Num, beforeEvents[s.kind]) {
			if !h.matches(p.actor, s) {
				continue
			}
			a := Asked{step: n, Structure: p.st, Hook: h, Depth: p.actor.Depth, Event: beforeEvents[s.kind], At: m.At, Catalog: m.Catalog, Actor: p.actor.Employee, Changed: m.Change.Values}
			if s.kind != createStep {
				a.Record, a.Code = m.Record, s.subject.code
			}
			if s.kind == updateStep {
				a.Before = p.beforeJSON(s)
			}
			list = append(list, a)
		}
	}
	return list
}

// ask asks the subscriptions about the writing, and gives what they want to be
// written as well; nil for nothing.
func (w *writing) ask(ctx context.Context) (*filling, error) {
	asks := w.asks(w.mutations)
	if len(asks) == 0 {
		return nil, nil
	}
	w.asked = true
	by := map[query.Record]int{}
	for _, a := range asks {
		if a.Hook.Script == 0 {
			by[a.Hook.Record]++
		}
	}
	last, err := w.s.countEvents(ctx, by)
	if err != nil {
		return nil, err
	}
	kept := asks[:0]
	for _, a := range asks {
		if a.Hook.Script == 0 {
			if _, on := last[a.Hook.Record]; !on {
				continue
			}
			last[a.Hook.Record]++
			a.Number = last[a.Hook.Record]
		}
		kept = append(kept, a)
	}
	sets, err := w.s.options.Gate(ctx, kept)
	if err != nil || sets == nil {
		return nil, err
	}
	f := &filling{of: w.planner, values: map[int][]FieldValue{}}
	for i, set := range sets {
		f.values[kept[i].step] = append(f.values[kept[i].step], set...)
	}
	return f, nil
}

// countEvents raises the event counters of subscriptions, and gives their values
// before.
func (s *Service) countEvents(ctx context.Context, by map[query.Record]int) (last map[query.Record]int64, err error) {
	if len(by) == 0 {
		return nil, nil
	}
	for range maxAttempts {
		err = s.update(ctx, Interactive, []query.Catalog{Webhooks}, func(st *Structure, w Writer) error {
			last, err = s.RaiseHooks(ctx, st, w, by)
			return err
		})
		if !errors.Is(err, ErrMoved) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("count events: %w", err)
	}
	return last, nil
}

// changedMeanwhile is the failure of a write whose records do not stay as they were
// when the subscriptions answered.
func changedMeanwhile() error {
	return fault.New(fault.KeepsChanging, "The record keeps changing while webhooks are asked; try again")
}

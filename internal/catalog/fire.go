package catalog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"kartoteka/internal/query"
)

// This file works out which events a change fires for which subscriptions. That is
// decided before the change is written, with the subscriptions of the structure
// that the transaction is bound to, and is stored with the change: a subscription
// gets exactly the events of its time, however late they are delivered.

// Fires is what a change sets off.
type Fires struct {
	// Hooks are the subscriptions to call after it, by record.
	Hooks []query.Record `json:"h"`
	// Scenarios are the scenarios' subscriptions, Depth is the writer's.
	Scenarios []query.Record `json:"s,omitempty"`
	Depth     int            `json:"d,omitempty"`
	// Code is the record's custom id, "" for none.
	Code string `json:"k,omitempty"`
	// Before has all values that an updated record had, as AppendHistoryJSON puts
	// them, by field number; only when somebody is told.
	Before json.RawMessage `json:"b,omitempty"`
}

// Read reads what the change sets off.
func (c *FiredChange) Read() (f Fires, err error) {
	if err = json.Unmarshal(c.Fires, &f); err != nil {
		err = fmt.Errorf("read what change %d sets off: %w", c.Seq, err)
	}
	return f, err
}

var afterEvents = map[stepKind]HookEvent{createStep: AfterCreate, updateStep: AfterUpdate, deleteStep: AfterDelete}

// Event is the kind of event that tells of the change.
func (c *FiredChange) Event() HookEvent {
	switch c.Kind {
	case UpdateRecord:
		return AfterUpdate
	case RemoveRecord:
		return AfterDelete
	}
	return AfterCreate
}

// quiet tells that no write of the catalog by the actor fires anything: the server
// notes there what happened, or follows itself.
func (p *planner) quiet(c *Catalog) bool {
	return c.Num == processes || c.Num == requests || p.actor.Origin == serverOrigin || p.actor.Origin == hookOrigin
}

// keepsWhole tells whether an update of the catalog's records must know all values.
func (p *planner) keepsWhole(c *Catalog) bool {
	return p.st.HasHooks() && !p.quiet(c) && len(p.st.hooksOf(c.Num, AfterUpdate))+len(p.st.hooksOf(c.Num, BeforeUpdate)) > 0
}

// remember keeps the values of a record that is updated, before the step is
// applied.
func (s *step) remember() {
	if s.kind != updateStep || !s.whole {
		return
	}
	for _, f := range s.subject.catalog.Fields {
		if f.Storage() == NoStorage || f.Secret {
			continue
		}
		if v := s.subject.value(f); v != nil {
			s.had = append(s.had, change{field: f, old: v})
		}
	}
}

// matches tells whether the subscription asks for a step.
func (h *Hook) matches(a Actor, s *step) bool {
	if len(h.initiators) > 0 && !slices.Contains(h.initiators, a.Employee) {
		return false
	}
	if !h.watches || s.kind == deleteStep {
		return true
	}
	return slices.ContainsFunc(s.changes, func(c change) bool {
		return (c.old != nil || c.new != nil) && slices.Contains(h.fields, c.field.Num)
	})
}

// fires is what the change of a step sets off, nil for nothing.
func (p *planner) fires(s *step) json.RawMessage {
	c := s.subject.catalog
	if !p.st.HasHooks() || p.quiet(c) {
		return nil
	}
	f := Fires{Depth: p.actor.Depth}
	for _, h := range p.st.hooksOf(c.Num, afterEvents[s.kind]) {
		switch {
		case !h.matches(p.actor, s):
		case h.Script == 0:
			f.Hooks = append(f.Hooks, h.Record)
		default:
			f.Scenarios = append(f.Scenarios, h.Record)
		}
	}
	if len(f.Hooks)+len(f.Scenarios) == 0 {
		return nil
	}
	if p.actor.Depth > p.s.options.ChainMost {
		p.s.options.Log.Warn("events.chain", "module", "Events", "catalog", c.Key, "record", int64(s.subject.record), "depth", p.actor.Depth)
		return nil
	}
	f.Code = s.subject.code
	if s.kind == updateStep {
		f.Before = p.beforeJSON(s)
	}
	data, err := json.Marshal(f)
	if err != nil {
		return nil // numbers, texts and JSON of our own
	}
	return data
}

// beforeJSON is {"12":value} of all values that an updated record had.
func (p *planner) beforeJSON(s *step) json.RawMessage {
	dst := []byte{'{'}
	for _, c := range s.had {
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(append(dst, '"'), int64(c.field.Num), 10)
		dst = AppendHistoryJSON(append(dst, `":`...), c.field, c.old, p.titles)
	}
	return append(dst, '}')
}

// fired tells whether one of the mutations sets something off.
func fired(list []Mutation) bool {
	return slices.ContainsFunc(list, func(m Mutation) bool { return m.Change.Fires != nil })
}

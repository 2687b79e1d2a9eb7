package bpium

import (
	"fmt"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// Event is what a webhook tells.
type Event struct {
	Structure *catalog.Structure
	Catalog   *catalog.Catalog
	Hook      query.Record
	Kind      catalog.HookEvent
	Number    int64 // of the subscription's event
	Test      bool  // there was no event
	At        int64 // Unix ms
	// Record and its custom id; 0 for one that is not stored yet.
	Record query.Record
	Code   string
	// Actor is the employee, 0 for automation, with the custom id of his record.
	Actor     query.Record
	ActorCode string
	// Changed has the changed values as the change log has them, {"12":[old,new]},
	// Before all values before by field number, All those of a card that is edited.
	Changed, Before, All []byte
	Files                *catalog.FileLinks
}

// AppendEvent adds the body of a webhook. Values are not cut down to what somebody
// may see. It fails when stored values cannot be read.
func AppendEvent(dst []byte, ev *Event) ([]byte, error) {
	e := eventEncoder{pastEncoder{writer: writer{b: dst}, structure: ev.Structure, whole: true, links: ev.Files}}
	e.open('{')
	e.str("timestamp", strconv.FormatInt(ev.At/1000, 10))
	e.key("hook")
	e.open('{')
	e.str("id", strconv.FormatInt(int64(ev.Hook), 10))
	e.str("event", string(ev.Kind))
	e.number("sequenceId", ev.Number)
	if ev.Test {
		e.yes("test", true)
	}
	e.end('}')
	e.key("payload")
	if err := e.payload(ev); err != nil {
		return nil, err
	}
	e.user(ev)
	e.end('}')
	return e.b, nil
}

// AppendInputs adds the variables of a scenario: what a webhook is told, as one
// object, and with the values of a record that is removed.
func AppendInputs(dst []byte, ev *Event, script query.Record, async bool) ([]byte, error) {
	e := eventEncoder{pastEncoder{writer: writer{b: dst}, structure: ev.Structure, whole: true, links: ev.Files}}
	e.open('{')
	e.key("event")
	e.open('{')
	e.str("id", strconv.FormatInt(int64(ev.Hook), 10))
	e.str("type", catalog.ScenarioKind(ev.Kind))
	e.key("async")
	e.raw(strconv.FormatBool(async))
	e.end('}')
	e.key("script")
	e.open('{')
	e.str("id", strconv.FormatInt(int64(script), 10))
	e.end('}')
	e.user(ev)
	if err := e.members(ev, true); err != nil {
		return nil, err
	}
	e.end('}')
	return e.b, nil
}

type eventEncoder struct{ pastEncoder }

func (e *eventEncoder) user(ev *Event) {
	e.key("user")
	e.open('{')
	e.key("id")
	if ev.Actor == 0 {
		e.raw("null")
	} else {
		e.b = appendRecordID(e.b, ev.ActorCode, ev.Actor)
		e.comma = true
	}
	e.end('}')
}

func (e *eventEncoder) payload(ev *Event) error {
	e.open('{')
	err := e.members(ev, false)
	e.end('}')
	return err
}

// members writes what the event is about; removed adds the values of a record that
// is removed.
func (e *eventEncoder) members(ev *Event, removed bool) error {
	e.str("catalogId", ev.Catalog.Key)
	if ev.Record != 0 {
		e.key("recordId")
		e.b = appendRecordID(e.b, ev.Code, ev.Record)
		e.comma = true
	}
	switch ev.Kind {
	case catalog.AfterDelete, catalog.BeforeDelete:
		if removed {
			return e.removed(ev)
		}
		return nil
	}
	changed, err := stored(ev.Changed)
	if err != nil {
		return err
	}
	e.key("values")
	e.open('{')
	created := ev.Kind == catalog.AfterCreate || ev.Kind == catalog.BeforeCreate
	for _, f := range ev.Catalog.Fields {
		change, ok := changed.Get(strconv.FormatInt(int64(f.Num), 10))
		if !ok || change.Len() != 2 || created && change.Items()[1].IsNull() {
			continue
		}
		e.field(f, change.Items()[1])
	}
	e.end('}')
	switch {
	case ev.Kind == catalog.WhileEditing:
		err = e.allFields(ev, "allValues", ev.All)
	case !created:
		err = e.allFields(ev, "prevValues", ev.Before)
	}
	return err
}

// removed writes all values of a record that is removed.
func (e *eventEncoder) removed(ev *Event) error {
	changed, err := stored(ev.Changed)
	if err != nil {
		return err
	}
	e.key("values")
	e.open('{')
	for _, f := range ev.Catalog.Fields {
		if f.Storage() == catalog.NoStorage || f.Secret {
			continue
		}
		var v tree.Value
		if change, ok := changed.Get(strconv.FormatInt(int64(f.Num), 10)); ok && change.Len() == 2 {
			v = change.Items()[0]
		}
		e.field(f, v)
	}
	e.end('}')
	return nil
}

// allFields writes all fields of a record.
func (e *eventEncoder) allFields(ev *Event, name string, data []byte) error {
	values, err := stored(data)
	if err != nil {
		return err
	}
	e.key(name)
	e.open('{')
	for _, f := range ev.Catalog.Fields {
		if f.Storage() == catalog.NoStorage || f.Secret {
			continue
		}
		v, _ := values.Get(strconv.FormatInt(int64(f.Num), 10))
		e.field(f, v)
	}
	e.end('}')
	return nil
}

// field writes a value under the field's id, those of the system under their
// number as well.
func (e *eventEncoder) field(f *catalog.Field, v tree.Value) {
	if f.System {
		e.key(strconv.Itoa(f.ID))
		e.past(f, v)
	}
	e.key(f.Key)
	e.past(f, v)
}

func stored(data []byte) (tree.Value, error) {
	if len(data) == 0 {
		return tree.Value{}, nil
	}
	v, err := tree.ParseJSON(data, tree.Limits{})
	if err != nil {
		return v, fmt.Errorf("read stored values: %w", err)
	}
	return v, nil
}

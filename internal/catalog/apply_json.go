package catalog

import (
	"encoding/json"
	"strconv"

	"kartoteka/internal/query/tree"
)

// jsonOf puts the old and new values of a step's changes into the planner's
// arena, from which change log, history and trash are put together.
func (p *planner) jsonOf(s *step) {
	for i := range s.changes {
		c := &s.changes[i]
		if c.field.Secret {
			continue
		}
		c.oldJSON = p.valueJSON(c.field, c.old)
		c.newJSON = p.valueJSON(c.field, c.new)
	}
}

func (p *planner) valueJSON(f *Field, v Value) span {
	from := len(p.json)
	p.json = AppendHistoryJSON(p.json, f, v, p.titles)
	return span{uint32(from), uint32(len(p.json))}
}

func (p *planner) bytesOf(s span) []byte { return p.json[s.from:s.to] }

// members makes an object with a member per change, named by field number.
// Secrets and fields that had and have no value are left out.
func (p *planner) members(s *step, wanted func(*Field) bool, value func(dst []byte, c *change) []byte) json.RawMessage {
	size := 2
	for i := range s.changes {
		c := &s.changes[i]
		size += int(c.oldJSON.to-c.oldJSON.from) + int(c.newJSON.to-c.newJSON.from) + 24
	}
	dst := append(make([]byte, 0, size), '{')
	for i := range s.changes {
		c := &s.changes[i]
		if c.field.Secret || c.old == nil && c.new == nil || !wanted(c.field) {
			continue
		}
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = strconv.AppendInt(dst, int64(c.field.Num), 10)
		dst = append(dst, `":`...)
		dst = value(dst, c)
	}
	return append(dst, '}')
}

func everyField(*Field) bool { return true }

func keepsHistory(f *Field) bool { return f.History }

// changeJSON is {"12":[old,new]} of all changes.
func (p *planner) changeJSON(s *step) json.RawMessage {
	return p.members(s, everyField, func(dst []byte, c *change) []byte {
		dst = append(dst, '[')
		dst = append(dst, p.bytesOf(c.oldJSON)...)
		dst = append(dst, ',')
		dst = append(dst, p.bytesOf(c.newJSON)...)
		return append(dst, ']')
	})
}

// trashJSON is {"12":value} of all values that a removed record had.
func (p *planner) trashJSON(s *step) json.RawMessage {
	return p.members(s, everyField, func(dst []byte, c *change) []byte {
		return append(dst, p.bytesOf(c.oldJSON)...)
	})
}

// history is the history entry of a step, nil when none is to be kept.
func (p *planner) history(s *step) *HistoryRow {
	if !s.subject.catalog.History {
		return nil
	}
	row := &HistoryRow{
		Catalog: s.subject.catalog.Num, Record: s.subject.record, At: p.moment.Now,
		Actor: p.actor.Employee, Kind: Created,
	}
	switch s.kind {
	case deleteStep:
		row.Kind, row.Payload = Removed, json.RawMessage("{}")
		return row
	case updateStep:
		row.Kind = Updated
	}
	row.Payload = p.members(s, keepsHistory, func(dst []byte, c *change) []byte {
		dst = append(dst, `{"o":`...)
		dst = append(dst, p.bytesOf(c.oldJSON)...)
		dst = append(dst, `,"n":`...)
		dst = append(dst, p.bytesOf(c.newJSON)...)
		return append(dst, '}')
	})
	if s.kind == updateStep && len(row.Payload) == len("{}") {
		return nil
	}
	return row
}

func commentJSON(message string) json.RawMessage {
	return append(tree.AppendString([]byte(`{"message":`), message), '}')
}

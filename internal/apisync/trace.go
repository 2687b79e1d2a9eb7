package apisync

import (
	"encoding/json"
	"strconv"

	"kartoteka/internal/query/tree"
)

// LineTrace takes what the lines of a call read and what they made of it, for the log of
// a config that is debugged. The zero value is empty.
type LineTrace struct {
	items []tree.Value
	size  int
}

// maxTraced bounds a trace, in bytes of JSON; items beyond are left out.
const maxTraced = 48 << 10

// Details is the trace as the log has it: {"lines": [{"index", "raw", "converted"}]} with
// values by external key; nil when there is nothing.
func (t *LineTrace) Details() json.RawMessage {
	if t == nil || len(t.items) == 0 {
		return nil
	}
	return tree.NewObject([]tree.Field{{Key: "lines", Value: tree.NewList(t.items)}}).AppendJSON(nil)
}

func (t *LineTrace) add(index int, raw, converted tree.Value) {
	item := tree.NewObject([]tree.Field{
		{Key: "index", Value: tree.NewNumber(strconv.Itoa(index))}, {Key: "raw", Value: raw}, {Key: "converted", Value: converted},
	})
	if size := len(item.AppendJSON(nil)); t.size+size <= maxTraced {
		t.items, t.size = append(t.items, item), t.size+size
	}
}

// trace notes what the lines read of an item, and what they change by it; m is nil for an
// item that is refused.
func (b *batching) trace(it *item, m *Mapped) {
	if b.call.Lines == nil {
		return
	}
	var raw, made growing
	for _, l := range b.x.plan.lines {
		if !l.In() || l.ExternalKey == "" || l.why.Format != "" {
			continue
		}
		v, there := l.path.read(it.body)
		converted, some := b.convertedBy(l, m)
		if l.Sensitive {
			v, converted = tree.NewString(hidden), tree.NewString(hidden)
		}
		if there {
			raw.set(l.path, v)
		}
		if some {
			made.set(l.path, converted)
		}
	}
	b.call.Lines.add(it.index, raw.value(), made.value())
}

// convertedBy is what a line gives its field; false for nothing.
func (b *batching) convertedBy(l *mapLine, m *Mapped) (tree.Value, bool) {
	if m == nil || len(l.Path) != 1 || l.System != "" {
		return tree.Value{}, false
	}
	for i := range m.Values {
		if m.Values[i].Field == l.Field().Num {
			return b.converted(&Mapped{Values: m.Values[i : i+1]}), true
		}
	}
	return tree.Value{}, false
}

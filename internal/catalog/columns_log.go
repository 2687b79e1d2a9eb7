package catalog

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"kartoteka/internal/catalog/column"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// This file follows the log of changes. What an update says of a record goes into
// its row as it is; all other records that were changed are read again.

// follow takes down what was changed up to the snapshot; false if there are more
// than most changes, of which it has taken as many. The caller has the gate.
func (t *columnTurn) follow(ctx context.Context, st *Structure, r Reader, most int) (bool, error) {
	x := t.columns
	x.restructure(st)
	if !x.known {
		return false, x.begin(ctx, r)
	}
	log := changeLog{last: x.seq, st: st, edits: map[query.Catalog][]columnEdit{}}
	if !x.past {
		log.tables = x.tables
	}
	if err := r.Changes(ctx, x.seq, most, slices.Sorted(maps.Keys(log.tables)), log.add); err != nil {
		return false, err
	}
	t.pending = log.pending > 0
	x.note(&log)
	done := log.numbered < most && log.pending < most
	if done && log.pending == 0 {
		x.past = false
	}
	return done, nil
}

// begin starts to follow with what is changed from now on.
func (x *columns) begin(ctx context.Context, r Reader) error {
	seq, err := r.LastChange(ctx)
	if err == nil {
		x.state.Lock()
		defer x.state.Unlock()
		clear(x.tables)
		x.seq, x.known, x.past = seq, true, true
	}
	return err
}

// changeLog gathers changes.
type changeLog struct {
	last              int64
	numbered, pending int
	gap               bool // changes are missing
	edits             map[query.Catalog][]columnEdit

	// tables are those into which values of the log may go, as st has their fields;
	// nil where all records are to be read again.
	tables map[query.Catalog]*columnTable
	st     *Structure
}

// columnEdit is a change of a record.
type columnEdit struct {
	record query.Record
	told   bool // values are all that it changed of the table
	values []FieldValue
}

func (l *changeLog) add(c LoggedChange) error {
	e := columnEdit{record: c.Record}
	if c.Seq == 0 {
		l.pending++ // and comes again
	} else {
		l.numbered++
		l.gap = l.gap || c.Seq != l.last+1
		l.last = c.Seq
		if table := l.tables[c.Catalog]; table != nil {
			e.values, e.told = table.toldBy(l.st.Catalog(c.Catalog), c.Updated)
		}
	}
	l.edits[c.Catalog] = append(l.edits[c.Catalog], e)
	return nil
}

// toldBy are the new values that the log has of the table's fields; false if it may
// not have all.
func (t *columnTable) toldBy(c *Catalog, updated []byte) (values []FieldValue, told bool) {
	fields, err := tree.ParseJSON(updated, tree.Limits{})
	if err != nil || fields.Kind != tree.Object {
		return nil, false
	}
	for _, member := range fields.Fields() {
		num, err := strconv.ParseInt(member.Key, 10, 64)
		pair := member.Value.Items()
		if err != nil || len(pair) != 2 {
			return nil, false
		}
		f := query.Field(num)
		if t.fields[f] == nil {
			continue
		}
		value, ok := toldValue(c.Field(f), pair[1])
		if !ok {
			return nil, false
		}
		values = append(values, FieldValue{f, value})
	}
	return values, true
}

// toldValue reads a value of the log; false for what is not of the field as it is.
func toldValue(f *Field, v tree.Value) (Value, bool) {
	value := loggedValue(f, v)
	switch value := value.(type) {
	case nil:
		return nil, v.IsNull()
	case Items:
		return value, len(value) == v.Len()
	case Links:
		return value, len(value) == v.Len()
	}
	return value, true
}

// note takes changes down in the tables. What the log no longer tells is read anew.
func (x *columns) note(log *changeLog) {
	if log.numbered+log.pending == 0 {
		return
	}
	x.state.Lock()
	defer x.state.Unlock()
	x.seq = log.last
	if log.gap {
		clear(x.tables)
	}
	for num, edits := range log.edits {
		if table := x.tables[num]; table != nil && !table.note(edits) {
			delete(x.tables, num)
		}
	}
}

// note takes down changes of the table's records; false if it is not worth it.
func (t *columnTable) note(edits []columnEdit) bool {
	if slices.ContainsFunc(edits, func(e columnEdit) bool { return e.record == 0 }) {
		return false
	}
	for i := range edits {
		e := &edits[i]
		if t.stale[e.record] {
			continue
		}
		row, live := t.Live(e.record)
		if !e.told || !live {
			t.stale[e.record] = true
			continue
		}
		for _, v := range e.values {
			setValue(t.Change(row, v.Field), row, v.Value)
		}
		t.told++
	}
	return len(t.stale) <= max(followMost, t.Len()/2)
}

// setValue puts a value into a row.
func setValue(c *column.Column, row uint32, v Value) {
	switch v := v.(type) {
	case nil:
		c.Clear(row)
	case Number:
		c.SetFloat(row, float64(v))
	case Text:
		c.SetText(row, []byte(v), textSort)
	case Whole:
		c.SetInt(row, int64(v))
	case Time:
		c.SetInt(row, int64(v))
	case Bool:
		c.SetInt(row, 1) // false is no value
	default: // Items and Links
		if targets := Targets(v); c.Kind() == column.Lists {
			c.SetList(row, targets)
		} else {
			c.SetInt(row, targets[0])
		}
	}
}

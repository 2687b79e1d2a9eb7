package apisync

import (
	"context"
	"reflect"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// Mapped is what an item asks for.
type Mapped struct {
	// Values are those of the record; of a change only the ones that differ.
	Values []catalog.FieldValue
	// Linked are operations on records that Values link: they go before the record's.
	Linked []catalog.Op
	// Keys counts the keys of the item that lines read.
	Keys int
	// Changed is false when nothing differs from the record before.
	Changed bool

	children []childItem
	places   []origin // of Linked
	// external is the link that the record is to have, without the record; nil for no
	// change. links are those of records that Linked is about.
	external *Link
	links    []Link
}

// origin is where in an item an operation comes from.
type origin struct {
	plan *plan
	at   string
}

// maxOps bounds the operations that one item asks for.
const maxOps = 1000

// reader maps one item, or an object in it.
type reader struct {
	x   *Exchange
	ctx context.Context
	// item is the whole object; at is its place in the item that was sent.
	plan *plan
	item tree.Value
	at   string
	// rows and row are the record before; rows is nil for a new one.
	rows  *catalog.Rows
	row   int
	depth int
	out   *Mapped
	// fields are what is wrong, in the whole of the item that was sent; ops counts its
	// operations.
	fields *[]FieldError
	ops    *int
}

// Map reads an item. before is the record that it changes, read with Before; nil for a
// new one. It fails with an *Error of all that is wrong with the item.
func (x *Exchange) Map(ctx context.Context, item tree.Value, before *catalog.Rows, row int) (*Mapped, error) {
	var fields []FieldError
	r := &reader{
		x: x, ctx: ctx, plan: x.plan, item: item, rows: before, row: row, out: &Mapped{}, fields: &fields, ops: new(int),
	}
	if err := r.read(); err != nil {
		return nil, err
	}
	if err := invalid(fields); err != nil {
		return nil, err
	}
	return r.out, nil
}

// invalid is the refusal of an item with wrong fields, nil for none. Relations that
// lead nowhere have a code of their own when nothing else is wrong.
func invalid(fields []FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	code := fields[0].Code
	for _, f := range fields {
		if f.Code != notFoundCode && f.Code != ambiguousCode || f.Code != code {
			code = "VALIDATION_ERROR"
		}
	}
	e := Refuse(400, code, "%d fields are not valid", len(fields))
	if len(fields) == 1 {
		e = Refuse(400, code, "1 field is not valid")
	}
	if code != "VALIDATION_ERROR" {
		e.Message = fields[0].Message
	}
	e.Fields = fields
	return e
}

// complain notes what is wrong with a key.
func (r *reader) complain(l *mapLine, key string, w *wrong) {
	e := FieldError{Key: joined(r.at, key), Code: w.code, Message: w.message}
	if l != nil {
		e.Line = l.ID
	}
	*r.fields = append(*r.fields, e)
}

// read maps all lines.
func (r *reader) read() error {
	if r.plan.UnknownKeys == "error" && r.item.Kind == tree.Object {
		r.plan.known.unknown("", r.item, r.unknown)
	}
	for _, l := range r.plan.lines {
		if !l.In() {
			continue
		}
		if err := r.line(l); err != nil {
			return err
		}
	}
	r.out.Changed = r.rows == nil || len(r.out.Values)+len(r.out.Linked)+len(r.out.children) > 0 || r.out.external != nil
	return nil
}

// unknown notes a key that no line is about, but for the id that was shown.
func (r *reader) unknown(key string) {
	if key == "id" && r.rows != nil {
		if id, _ := r.item.Get("id"); same(id, recordID(r.rows, r.row)) {
			return
		}
	}
	r.complain(nil, key, wrongly(unknownKeyCode, "there is no such key"))
}

// line maps one line.
func (r *reader) line(l *mapLine) error {
	v, present := tree.Value{}, false
	if l.ExternalKey != "" {
		if v, present = l.path.read(r.item); present {
			r.out.Keys++
		}
	}
	if l.scripted() {
		var err error
		if present, err = r.script(l, &v, present); err != nil {
			return err
		}
	}
	if !present && r.rows == nil && l.defaults {
		var err error
		if v, err = r.initial(l); err != nil {
			return err
		}
		present = true
	}
	if !present {
		if r.rows == nil && l.Required {
			r.complain(l, l.ExternalKey, wrongly(requiredCode, "a value is required"))
		}
		return l.neededBad()
	}
	if err := l.bad(); err != nil {
		return err
	}
	return r.value(l, v)
}

// neededBad refuses also without its key a line that cannot be used and that each item
// needs.
func (l *mapLine) neededBad() error {
	if l.Required || l.IsRecordIdentifier || l.scripted() {
		return l.bad()
	}
	return nil
}

// script runs the script of a line where it is to run: always on a create, on a change
// when its key is empty or there.
func (r *reader) script(l *mapLine, v *tree.Value, present bool) (set bool, err error) {
	if r.rows != nil && l.ExternalKey != "" && !present {
		return false, nil
	}
	if r.x.script == nil {
		return false, needsPython(l)
	}
	run := &lineRun{Line: l.CompiledLine, Item: r.item, Value: *v, Rows: r.rows, Row: r.row, of: l, plan: r.plan, depth: r.depth}
	*v, set, err = r.x.script(r.ctx, run)
	return set, err
}

// initial is the default of a line.
func (r *reader) initial(l *mapLine) (tree.Value, error) {
	if l.formula == "" {
		return l.initial, nil
	}
	if r.x.eval == nil {
		return tree.Value{}, needsPython(l)
	}
	return r.x.eval(r.ctx, l.formula, r.item)
}

// value maps a value that is there.
func (r *reader) value(l *mapLine, raw tree.Value) error {
	v := raw
	if l.Trim {
		v = trimmed(v)
	}
	if v.IsNull() && !l.Required && l.NullPolicy == "skip" {
		return nil
	}
	if l.Required && isBlank(v) || v.IsNull() && l.NullPolicy == "error" {
		r.complain(l, l.ExternalKey, wrongly(requiredCode, "a value is required"))
		return nil
	}
	if l.group != "" {
		if err := r.externalID(l, v); err != nil || l.System == ExternalID {
			return err
		}
	}
	shown, err := r.shown(l, raw, v)
	if shown || err != nil {
		return err
	}
	if !l.scripted() {
		var bad *wrong
		if v, bad = l.values.in(v); bad != nil {
			r.complain(l, l.ExternalKey, bad)
			return nil
		}
	}
	switch {
	case l.child != nil:
		return r.childList(l, v)
	case l.System != "":
		r.system(l, v)
		return nil
	case len(l.Path) == 0: // a script for its own sake
		return nil
	case len(l.Path) > 1:
		return Refuse(500, "CONFIG_ERROR", "The line %s cannot be used: %s", l.name(),
			fault.Msg("fields of linked records are written by a mapping config")).With("line_id", l.ID)
	case l.Field().HoldsLinks():
		return r.links(l, v)
	case l.Field().Storage() == catalog.FilesStorage:
		return r.files(l, v)
	}
	r.plain(l, v)
	return nil
}

// shown tells whether a value, trimmed or not, is what the record before shows at the
// key: then the item asks for no change of it.
func (r *reader) shown(l *mapLine, raw, v tree.Value) (bool, error) {
	if r.rows == nil || !l.Out() || l.scripted() || l.why.Format != "" {
		return false, nil
	}
	w := &shower{x: r.x, ctx: r.ctx, light: true}
	now, err := w.line(r.plan, l, r.rows, r.row, r.depth)
	return err == nil && (same(now, raw) || same(now, v)), err
}

// system reads a field that every record has: only active can be written.
func (r *reader) system(l *mapLine, v tree.Value) {
	f := r.plan.active
	switch {
	case l.System == "id" && l.IsRecordIdentifier:
		return
	case l.System != "active":
		r.complain(l, l.ExternalKey, wrongly(readOnlyCode, "the field cannot be written"))
		return
	}
	on, bad := switchIn(v)
	switch {
	case bad != nil:
		r.complain(l, l.ExternalKey, bad)
	case f != nil:
		r.set(f, on)
	case on != catalog.Bool(true):
		r.complain(l, l.ExternalKey, wrongly(readOnlyCode, "records of this model cannot be archived"))
	}
}

// plain reads a value that is neither a link nor a file.
func (r *reader) plain(l *mapLine, v tree.Value) {
	f := l.Field()
	value, bad := l.plainIn(f, v, r.had(f))
	if bad == nil {
		_, bad = accepted(f, value)
	}
	if bad != nil {
		r.complain(l, l.ExternalKey, bad)
		return
	}
	r.set(f, value)
}

// had is the value of a field before, nil for none and for one that the actor may not
// see.
func (r *reader) had(f *catalog.Field) catalog.Value {
	if r.rows == nil {
		return nil
	}
	j := r.rows.Page.Column(f.Num)
	if j < 0 {
		return nil
	}
	return catalog.CellValue(f, r.rows.Page, r.rows.Page.Cell(r.row, j))
}

// known tells whether the value of a field before is known.
func (r *reader) known(f *catalog.Field) bool {
	if r.rows == nil {
		return false
	}
	j := r.rows.Page.Column(f.Num)
	return j >= 0 && !r.rows.Page.Cell(r.row, j).Hidden()
}

// set gives a field a value, unless it has it already.
func (r *reader) set(f *catalog.Field, v catalog.Value) {
	if r.known(f) {
		if now, bad := accepted(f, v); bad == nil && sameValue(f, r.had(f), now) {
			return
		}
	}
	r.out.Values = append(r.out.Values, catalog.FieldValue{Field: f.Num, Value: v})
}

// sameValue tells whether two stored values of a field are one. Times that differ below
// the second are: seconds are what is shown.
func sameValue(f *catalog.Field, a, b catalog.Value) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if x, ok := a.(catalog.Time); ok && f.Config.HasTime() {
		y, ok := b.(catalog.Time)
		second := time.Second.Milliseconds()
		return ok && (x == y || int64(y)%second == 0 && int64(x)-int64(y) > 0 && int64(x)-int64(y) < second)
	}
	if x, ok := a.(catalog.Address); ok {
		y, ok := b.(catalog.Address)
		return ok && x.Value == y.Value && reflect.DeepEqual(x.Provider, y.Provider) && sameJSON(x.Data, y.Data)
	}
	return reflect.DeepEqual(a, b)
}

func sameJSON(a, b []byte) bool {
	x, err1 := tree.ParseJSON(a, tree.Limits{})
	y, err2 := tree.ParseJSON(b, tree.Limits{})
	return err1 == nil && err2 == nil && same(x, y)
}

// grow counts operations of the item; false when there are too many.
func (r *reader) grow(l *mapLine) bool {
	if *r.ops++; *r.ops == maxOps+1 {
		r.complain(l, l.ExternalKey, wrongly(tooManyCode, "an item writes at most %d records", maxOps))
	}
	return *r.ops <= maxOps
}

// Ops are the operations of an item: its own among those that go before and after it.
func (m *Mapped) Ops(own catalog.Op, record query.Record) []catalog.Op {
	ops := append(make([]catalog.Op, 0, len(m.Linked)+1), m.Linked...)
	return append(append(ops, own), m.Children(record)...)
}

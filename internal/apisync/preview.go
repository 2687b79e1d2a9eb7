package apisync

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// PreviewAsk is a mapping that is to be shown.
type PreviewAsk struct {
	Code string
	// Sample is the body of a request; it is mapped as one that comes in.
	Sample tree.Value
	// Record is mapped as one that goes out, when it is not "".
	Record string
	// Base is the scheme and host that addresses of files begin with.
	Base string
}

// Preview is what a config makes of a sample or of a record. Nothing is written.
type Preview struct {
	Lines []LinePreview
	// Action is what a request would do with the sample (Created, ...), and ID the record
	// that it would change; Err is why it would be refused.
	Action string
	ID     tree.Value
	Err    *Error
	// Data is the record as it is answered; null for a sample.
	Data tree.Value
}

// LinePreview is what one line makes of its value.
type LinePreview struct {
	Line       *CompiledLine
	Present    bool // the sample has the key
	Raw, Value tree.Value
	Err        *Error
}

// Preview shows a mapping as the config's employee would have it. Administrators only:
// what the employee reads is shown.
func (s *Service) Preview(ctx context.Context, a catalog.Actor, ask PreviewAsk) (*Preview, error) {
	if err := s.Need(ctx, a, Administrator); err != nil {
		return nil, err
	}
	var out *Preview
	var err error
	for range changeTries {
		out, err = s.preview(ctx, a, ask)
		if !errors.Is(err, ErrChanged) {
			break
		}
	}
	return out, err
}

func (s *Service) preview(ctx context.Context, a catalog.Actor, ask PreviewAsk) (*Preview, error) {
	st, err := s.Current(ctx)
	if err != nil {
		return nil, err
	}
	c := st.Compiled(ask.Code)
	if c == nil {
		return nil, noResource()
	}
	call := &Call{Config: c, Actor: a, Method: http.MethodPost, Body: ask.Sample, HasBody: true, DryRun: true, Base: ask.Base}
	if c.RunAs != 0 { // a mapping may have none
		call.Actor = catalog.Actor{Employee: c.RunAs, Origin: "sync"}
	}
	if c.allows(http.MethodPut) && c.PutUpsert && c.Identifier != nil {
		call.Method = http.MethodPut
	}
	out := &Preview{}
	if ask.Record != "" || c.RequestType != Inbound {
		call.look = func(ctx context.Context, w *work) error {
			out.Lines = nil
			if ask.Record != "" {
				return w.previewRecord(ctx, ask.Record, out)
			}
			return w.previewMapping(ctx, out)
		}
		_, err := s.Do(ctx, call)
		return out, err
	}
	call.each = func(ctx context.Context, w *work, it *item, before *catalog.Rows) error {
		return w.previewItem(ctx, it, before, out)
	}
	reply, err := s.Do(ctx, call)
	switch {
	case AsError(err) != nil:
		out.Err = AsError(err)
	case err != nil:
		return nil, err
	default:
		first := reply.Items[0]
		out.Action, out.Err = first.Action, first.Err
		if len(reply.Plan) > 0 {
			out.ID = reply.Plan[0].Record
		}
	}
	return out, nil
}

// previewRecord shows a record line by line.
func (w *work) previewRecord(ctx context.Context, id string, out *Preview) error {
	rows, err := w.read(ctx, []query.Key{bpium.RecordKey(id)}, false)
	if err != nil {
		return err
	}
	if rows.Page.Len() == 0 {
		return noRecord()
	}
	out.ID = recordID(rows, 0)
	show := &shower{x: w.x, ctx: ctx}
	for _, l := range w.x.plan.lines {
		if !l.Out() || l.ExternalKey == "" {
			continue
		}
		p := LinePreview{Line: l.CompiledLine, Present: true}
		if l.child == nil && l.why.Format == "" {
			plain := *l
			plain.patterns, plain.digits = nil, -1
			if p.Raw, err = show.reach(&plain, l.Path, rows, 0, 0); err != nil {
				return err
			}
		}
		if err = l.bad(); err == nil {
			p.Value, err = show.line(w.x.plan, l, rows, 0, 0)
		}
		if p.Err = AsError(err); err != nil && p.Err == nil {
			return err
		}
		if l.child != nil {
			p.Raw = p.Value
		}
		out.Lines = append(out.Lines, p)
	}
	out.Data, err = show.record(w.x.plan, rows, 0, 0)
	if out.Err = AsError(err); out.Err != nil {
		return nil
	}
	return err
}

// previewMapping maps the body by a config that no request is made to.
func (w *work) previewMapping(ctx context.Context, out *Preview) error {
	items, _, err := w.items()
	if err != nil {
		return err
	}
	if e := items[0].result.Err; e != nil {
		return e
	}
	return w.previewItem(ctx, items[0], nil, out)
}

// previewItem maps an item line by line, with what its scripts gave. There is nothing to
// be mapped when pre_script refuses it.
func (w *work) previewItem(ctx context.Context, it *item, before *catalog.Rows, out *Preview) error {
	out.Lines = nil
	if it.script != nil && it.script.refused {
		return nil
	}
	row := rowOf(before, it.record)
	if row < 0 {
		before = nil
	}
	w.scripts.at(it.script)
	defer w.scripts.at(nil)
	for _, l := range w.x.plan.lines {
		if !l.In() {
			continue
		}
		p := LinePreview{Line: l.CompiledLine}
		if l.ExternalKey != "" {
			p.Raw, p.Present = l.path.read(it.body)
		}
		m, err := w.mapLine(ctx, l, it, before, row)
		if err == nil && len(m.Values) == 0 && (p.Present || l.scripted()) { // it does not change the record
			m, err = w.mapLine(ctx, l, it, nil, 0)
		}
		if p.Err = AsError(err); err != nil && p.Err == nil {
			return err
		}
		if p.Err == nil {
			p.Value = w.converted(m)
		}
		out.Lines = append(out.Lines, p)
	}
	return nil
}

// mapLine maps one line of an item alone.
func (w *work) mapLine(ctx context.Context, l *mapLine, it *item, before *catalog.Rows, row int) (*Mapped, error) {
	var fields []FieldError
	r := &reader{x: w.x, ctx: ctx, plan: w.x.plan, item: it.body, rows: before, row: row, out: &Mapped{}, fields: &fields, ops: new(int)}
	if err := r.line(l); err != nil {
		return nil, err
	}
	return r.out, invalid(fields)
}

// converted is what a line gives its field, null for nothing.
func (w *work) converted(m *Mapped) tree.Value {
	if len(m.Values) == 0 {
		return tree.Value{}
	}
	v := m.Values[0]
	f := w.scope.Catalog.Field(v.Field)
	switch value := v.Value.(type) {
	case nil:
		return tree.Value{}
	case catalog.Time:
		if f.Config.HasTime() {
			return tree.NewString(timeText(int64(value)))
		}
		return tree.NewString(time.UnixMilli(int64(value)).UTC().Format(time.DateOnly))
	case catalog.Items:
		var list []tree.Value
		for _, n := range value {
			if item := f.Config.Item(n); item != nil {
				list = append(list, tree.NewString(item.Name))
			}
		}
		return tree.NewList(list)
	case catalog.Links:
		return w.convertedLinks(value)
	}
	data := catalog.AppendHistoryJSON(nil, f, v.Value, nil)
	out, err := tree.ParseJSON(data, tree.Limits{})
	if err != nil {
		return tree.Value{}
	}
	return out
}

// convertedLinks are the records that are linked: {"catalog", "id"}; the id of one that
// would be made is null.
func (w *work) convertedLinks(links catalog.Links) tree.Value {
	list := make([]tree.Value, len(links))
	for i, l := range links {
		id := tree.Value{}
		if l.Record != 0 && !l.Create {
			id = tree.NewNumber(strconv.FormatInt(int64(l.Record), 10))
		}
		list[i] = tree.NewObject([]tree.Field{{Key: "catalog", Value: tree.NewString(catalogKey(w.scope.Structure, l.Catalog))}, {Key: "id", Value: id}})
	}
	return tree.NewList(list)
}

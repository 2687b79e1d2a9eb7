package apisync

import (
	"context"
	"slices"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// Show gives a row in external form. The rows were read with Selection, or with Before.
func (x *Exchange) Show(ctx context.Context, rows *catalog.Rows, row int) (tree.Value, error) {
	w := shower{x: x, ctx: ctx}
	return w.record(x.plan, rows, row, 0)
}

// shower shows one record and what it links.
type shower struct {
	x   *Exchange
	ctx context.Context
	// light leaves contents of files out.
	light bool
}

// record shows a row by the lines of a plan.
func (w *shower) record(p *plan, rows *catalog.Rows, row, depth int) (tree.Value, error) {
	d := growing{flat: p.flat}
	if d.flat {
		d.fields = make([]tree.Field, 0, len(p.lines)+1)
	}
	if depth == 0 && p.IncludeID && p.Line("id") == nil {
		d.set(idPath, recordID(rows, row))
	}
	for _, l := range p.lines {
		if !l.Out() || l.ExternalKey == "" || depth == 0 && w.x.Only != nil && !slices.Contains(w.x.Only, l.ExternalKey) {
			continue
		}
		if err := l.bad(); err != nil {
			return tree.Value{}, err
		}
		v, err := w.line(p, l, rows, row, depth)
		if err != nil {
			return tree.Value{}, err
		}
		if !d.set(l.path, v) {
			return tree.Value{}, Refuse(500, "CONFIG_ERROR", "The lines make records of more than %d values", maxDraft).With("line_id", l.ID)
		}
	}
	return d.value(), nil
}

// idPath is the key that records have their id at.
var idPath = Path{steps: []pathStep{{kind: keyStep, key: "id"}}}

// line is what a line shows of a row.
func (w *shower) line(p *plan, l *mapLine, rows *catalog.Rows, row, depth int) (v tree.Value, err error) {
	if l.child != nil {
		return w.childList(l, rows, row, depth)
	}
	if v, err = w.reach(l, l.Path, rows, row, depth); err != nil {
		return v, err
	}
	if l.scripted() {
		if w.x.script == nil {
			return v, needsPython(l)
		}
		v, _, err = w.x.script(w.ctx, &lineRun{Line: l.CompiledLine, Out: true, Value: v, Rows: rows, Row: row, of: l, plan: p, depth: depth})
		return v, err
	}
	return l.values.out(v), nil
}

func needsPython(l *mapLine) error {
	return Refuse(500, "CONFIG_ERROR", "The line %s needs Python, which does not run here", l.name()).With("line_id", l.ID)
}

// reach follows links to the record whose field or system field is shown; a gap on the
// way gives null. Through a field of several links it gives a list.
func (w *shower) reach(l *mapLine, path []*catalog.Field, rows *catalog.Rows, row, depth int) (tree.Value, error) {
	switch {
	case len(path) == 0 && l.System == ExternalID:
		return w.external(l, rows, row)
	case len(path) == 0:
		return w.system(l, rows, row), nil
	case len(path) == 1 && l.System == "":
		return w.field(l, path[0], rows, row, depth)
	}
	f := path[0]
	refs := linkedRefs(rows, row, f)
	target := onlyLinked(rows.Structure, f)
	if target == nil {
		return tree.Value{}, nil
	}
	linked := rows.Linked[f.Num][target.Num]
	var list []tree.Value
	for _, ref := range refs {
		v, i := tree.Value{}, -1
		if linked != nil {
			i = linked.At(ref.Record())
		}
		if i >= 0 {
			var err error
			if v, err = w.reach(l, path[1:], linked, i, depth); err != nil {
				return v, err
			}
		}
		if !f.Config.Multi {
			return v, nil
		}
		list = append(list, v)
	}
	if !f.Config.Multi {
		return tree.Value{}, nil
	}
	return tree.NewList(list), nil
}

// linkedRefs are the records that a row's field links.
func linkedRefs(rows *catalog.Rows, row int, f *catalog.Field) []query.Ref {
	j := rows.Page.Column(f.Num)
	if j < 0 {
		return nil
	}
	b := rows.Page.Bytes(rows.Page.Cell(row, j))
	refs := make([]query.Ref, catalog.ListLen(b))
	for i := range refs {
		refs[i] = query.Ref(catalog.ListAt(b, i))
	}
	return refs
}

// recordID is the public id of a row: a number, or the id that somebody chose.
func recordID(rows *catalog.Rows, row int) tree.Value {
	return idValue(rows.Page.Record(row), string(rows.Page.Code(row)))
}

func idValue(n query.Record, code string) tree.Value {
	if code != "" {
		return tree.NewString(code)
	}
	return tree.NewNumber(strconv.FormatInt(int64(n), 10))
}

// system is a field that every record has.
func (w *shower) system(l *mapLine, rows *catalog.Rows, row int) tree.Value {
	switch l.System {
	case "id":
		return recordID(rows, row)
	case "display_name":
		return tree.NewString(titleOf(rows, row))
	case "create_date":
		return stampOut(l, rows.Page.Created(row))
	case "write_date":
		return stampOut(l, rows.Page.Updated(row))
	case "active":
		f := w.x.plan.State.activeField(rows.Catalog)
		if f == nil {
			return tree.NewBool(true)
		}
		j := rows.Page.Column(f.Num)
		if j < 0 || rows.Page.Cell(row, j).Hidden() {
			return tree.Value{}
		}
		return tree.NewBool(rows.Page.Cell(row, j).Int() != 0)
	}
	return tree.Value{}
}

func stampOut(l *mapLine, ms int64) tree.Value {
	if len(l.patterns) > 0 {
		return dateOut(nil, ms, l.patterns)
	}
	return tree.NewString(timeText(ms))
}

// titleOf is the title of a row, as far as the actor may see it.
func titleOf(rows *catalog.Rows, row int) string {
	value := ""
	if rows.Title >= 0 {
		value = string(rows.Page.Bytes(rows.Page.Cell(row, rows.Title)))
	}
	return catalog.TitleText(value, rows.Page.Record(row), string(rows.Page.Code(row)))
}

// field is the value of a row's field.
func (w *shower) field(l *mapLine, f *catalog.Field, rows *catalog.Rows, row, depth int) (tree.Value, error) {
	j := rows.Page.Column(f.Num)
	if j < 0 {
		return tree.Value{}, nil
	}
	c := rows.Page.Cell(row, j)
	switch {
	case c.Hidden():
		return tree.Value{}, nil
	case f.Storage() == catalog.BoolStorage:
		return tree.NewBool(c.Int() != 0), nil
	case f.Storage() == catalog.LinksStorage:
		return w.links(l, f, rows, row, depth)
	case c.Empty():
		return tree.Value{}, nil
	case f.Storage() == catalog.FilesStorage:
		return w.files(l, f, rows.Page, c)
	}
	return l.plainOut(f, rows.Page, c), nil
}

// links are the records that a field links, as the line shows them.
func (w *shower) links(l *mapLine, f *catalog.Field, rows *catalog.Rows, row, depth int) (tree.Value, error) {
	refs := linkedRefs(rows, row, f)
	if len(refs) == 0 {
		if f.Config.Multi && l.related() {
			return tree.NewList(nil), nil
		}
		return tree.Value{}, nil
	}
	list := make([]tree.Value, len(refs))
	for i, ref := range refs {
		var err error
		if list[i], err = w.link(l, f, rows, ref, depth); err != nil || !f.Config.Multi {
			return list[i], err
		}
	}
	return tree.NewList(list), nil
}

// link is one linked record. One that the actor may not view shows what links always
// tell: its id and title.
func (w *shower) link(l *mapLine, f *catalog.Field, rows *catalog.Rows, ref query.Ref, depth int) (tree.Value, error) {
	title := rows.Titles[ref]
	if l.related() && ref.Catalog() != l.Mapping.Catalog.Num {
		return tree.Value{}, nil // of another source, which the mapping is not about
	}
	linked, i := rows.Linked[f.Num][ref.Catalog()], -1
	if linked != nil {
		i = linked.At(ref.Record())
	}
	switch output := l.output(); {
	case output == nameOutput:
		return tree.NewString(title.Text), nil
	case output == identifierOutput || output == objectOutput:
		if i < 0 || depth >= maxMappings {
			return tree.Value{}, nil
		}
		m := l.Mapping.mapping()
		if output == objectOutput {
			return w.record(m, linked, i, depth+1)
		}
		return w.line(m, m.identifier, linked, i, depth+1)
	case f.HoldsEmployees() && i >= 0 && l.RelationOutput == "" && !l.related():
		if mail := w.x.mailField(); mail != nil {
			if v := textOf(linked, i, mail); v != "" {
				return tree.NewString(v), nil
			}
		}
	}
	id := idValue(ref.Record(), title.Code)
	if !f.HoldsEmployees() && len(f.Config.Sources) > 1 && !l.related() {
		return tree.NewObject([]tree.Field{{Key: "catalog", Value: tree.NewString(catalogKey(rows.Structure, ref.Catalog()))}, {Key: "id", Value: id}}), nil
	}
	return id, nil
}

// textOf is a row's value of a text field, "" for none.
func textOf(rows *catalog.Rows, row int, f *catalog.Field) string {
	j := rows.Page.Column(f.Num)
	if j < 0 {
		return ""
	}
	return string(rows.Page.Bytes(rows.Page.Cell(row, j)))
}

func catalogKey(st *catalog.Structure, n query.Catalog) string {
	if c := st.AnyCatalog(n); c != nil {
		return c.Key
	}
	return strconv.FormatInt(int64(n), 10)
}

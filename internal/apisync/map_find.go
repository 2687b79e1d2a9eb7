package apisync

import (
	"context"
	"strconv"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// Ident is the identifier of a record, as its field keeps it.
type Ident struct {
	Value tree.Value // as it was sent
	line  *mapLine
	value catalog.Value // nil for an id or a title
	key   string
}

// Key is a text that is the same for the same identifier.
func (id *Ident) Key() string { return id.key }

// Where is the condition that the record has the identifier.
func (id *Ident) Where() query.Node { return identifiedBy(id.line, []*Ident{id}) }

// Identifier reads the record identifier of an item; nil when it is absent, null or "".
func (x *Exchange) Identifier(ctx context.Context, item tree.Value) (*Ident, error) {
	if item.Kind != tree.Object {
		return x.IdentifierOf(ctx, item)
	}
	return x.identifier(ctx, item)
}

// IdentifierOf reads a record identifier that stands alone, as in a path.
func (x *Exchange) IdentifierOf(ctx context.Context, scalar tree.Value) (*Ident, error) {
	if scalar.Kind == tree.Object {
		scalar = tree.NewList([]tree.Value{scalar}) // is no identifier
	}
	return x.identifier(ctx, scalar)
}

func (x *Exchange) identifier(ctx context.Context, v tree.Value) (*Ident, error) {
	id, bad, err := x.identify(ctx, x.plan, v)
	if bad != nil {
		l := x.plan.identifier
		return nil, invalid([]FieldError{{Key: l.ExternalKey, Code: bad.code, Message: bad.message, Line: l.ID}})
	}
	return id, err
}

// identify reads the identifier of an object, or a scalar that is one, by the
// identifier's line of a plan; nil when there is none.
func (x *Exchange) identify(ctx context.Context, p *plan, v tree.Value) (*Ident, *wrong, error) {
	l := p.identifier
	if l == nil {
		return nil, nil, nil
	}
	if err := l.bad(); err != nil {
		return nil, nil, err
	}
	item := v
	if v.Kind == tree.Object {
		v, _ = l.path.read(v)
	}
	if l.scripted() {
		if x.script == nil {
			return nil, nil, needsPython(l)
		}
		var err error
		if v, _, err = x.script(ctx, &lineRun{Line: l.CompiledLine, Item: item, Value: v, of: l, plan: p}); err != nil {
			return nil, nil, err
		}
	} else {
		if l.Trim {
			v = trimmed(v)
		}
		var bad *wrong
		if v, bad = l.values.in(v); bad != nil {
			return nil, bad, nil
		}
	}
	if isBlank(v) {
		return nil, nil, nil
	}
	id := &Ident{Value: v, line: l}
	if p.linked() {
		var bad *wrong
		id.key, bad = externalID(v)
		return id, bad, nil
	}
	return id.read(x)
}

// read works out what the field keeps of the identifier.
func (id *Ident) read(x *Exchange) (*Ident, *wrong, error) {
	l, v := id.line, id.Value
	if l.System != "" {
		s, ok := bpium.IDText(v)
		if !ok {
			return nil, mistyped(fault.Msg("the id of a record"), v), nil
		}
		id.key = s
		return id, nil, nil
	}
	f := l.Field()
	if f == nil {
		return nil, nil, Refuse(500, "CONFIG_ERROR", "The line %s cannot be used: %s", l.name(), fault.Msg("it has no field")).With("line_id", l.ID)
	}
	var bad *wrong
	if f.HoldsLinks() {
		var link *catalog.Link
		if link, bad = recordLink(x.scope.Structure, f, v); bad == nil {
			id.value = catalog.Links{*link}
		}
	} else if id.value, bad = l.plainIn(f, v, nil); bad == nil {
		id.value, bad = accepted(f, id.value)
	}
	if bad != nil || id.value == nil {
		return nil, bad, nil
	}
	keys := keysOf(id.value)
	if len(keys) != 1 {
		return nil, mistyped(fault.Msg("one value"), v), nil
	}
	id.key = keys[0]
	return id, nil, nil
}

// keysOf are the keys of what identifies by a stored value: each contact does alone.
func keysOf(v catalog.Value) []string {
	switch v := v.(type) {
	case catalog.Text:
		return []string{string(v)}
	case catalog.Number:
		return []string{strconv.FormatFloat(float64(v), 'g', -1, 64)}
	case catalog.Whole:
		return []string{strconv.FormatInt(int64(v), 10)}
	case catalog.Time:
		return []string{strconv.FormatInt(int64(v), 10)}
	case catalog.Bool:
		return []string{strconv.FormatBool(bool(v))}
	case catalog.Address:
		return []string{v.Value}
	case catalog.Contacts:
		var keys []string
		for _, c := range v {
			keys = append(keys, c.Contact)
		}
		return keys
	case catalog.Items:
		var keys []string
		for _, item := range v {
			keys = append(keys, strconv.FormatInt(int64(item), 10))
		}
		return keys
	case catalog.Links:
		var keys []string
		for _, l := range v {
			keys = append(keys, strconv.FormatInt(int64(l.Catalog), 10)+"/"+literalText(idValue(l.Record, l.Code)))
		}
		return keys
	}
	return nil
}

// identifiedBy is the condition that a record has one of the identifiers of a line.
func identifiedBy(l *mapLine, ids []*Ident) query.Node {
	switch {
	case l.System == "id":
		var keys query.Among
		for _, id := range ids {
			keys = append(keys, bpium.RecordKey(id.key))
		}
		return keys
	case l.System == "display_name":
		return query.Titled{Test: query.TextIs(keysIn(ids))}
	case l.Field() == nil:
		return query.Or{}
	}
	f := l.Field()
	cond := func(t query.Test) query.Node { return query.Cond{Field: f.Num, Test: t} }
	var ints query.AnyOf
	var numbers query.NumberIs
	var times query.TimeSpans
	var links query.LinksAny
	for _, id := range ids {
		switch v := id.value.(type) {
		case catalog.Text, catalog.Contacts, catalog.Address:
			return cond(query.TextIs(keysIn(ids)))
		case catalog.Number:
			numbers = append(numbers, float64(v))
		case catalog.Time:
			times = append(times, query.Span{First: int64(v), Last: int64(v)})
		case catalog.Whole:
			ints = append(ints, int64(v))
		case catalog.Bool:
			ints = append(ints, 1)
		case catalog.Items:
			ints = append(ints, int64(v[0]))
		case catalog.Links:
			links = append(links, v[0].Link)
		}
	}
	switch {
	case ints != nil:
		return cond(ints)
	case numbers != nil:
		return cond(numbers)
	case times != nil:
		return cond(times)
	case links != nil:
		return cond(links)
	}
	return query.Or{}
}

func keysIn(ids []*Ident) []string {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = id.key
	}
	return keys
}

// rowKeys are the keys of what a row is identified by.
func rowKeys(l *mapLine, rows *catalog.Rows, row int) []string {
	switch l.System {
	case "id":
		keys := []string{strconv.FormatInt(int64(rows.Page.Record(row)), 10)}
		if code := string(rows.Page.Code(row)); code != "" {
			keys = append(keys, code)
		}
		return keys
	case "display_name":
		return []string{titleOf(rows, row)}
	}
	f := l.Field()
	if f == nil {
		return nil
	}
	j := rows.Page.Column(f.Num)
	if j < 0 {
		return nil
	}
	v := catalog.CellValue(f, rows.Page, rows.Page.Cell(row, j))
	if links, ok := v.(catalog.Links); ok {
		var keys []string
		for _, link := range links {
			keys = append(keys, keysOf(catalog.Links{link})...)
			if code := rows.Titles[link.Ref()].Code; code != "" {
				keys = append(keys, keysOf(catalog.Links{{Link: query.Link{Catalog: link.Catalog, Key: query.Key{Code: code}}}})...)
			}
		}
		return keys
	}
	return keysOf(v)
}

// Found is what an identifier leads to.
type Found struct {
	Record  query.Record // 0 for nothing
	Code    string       // the id that somebody chose for it, "" for none
	Several bool         // Record is one of several
	// Hidden is the record that a link with the identifier leads to and that cannot be
	// seen here; 0 for none.
	Hidden query.Ref
}

// maxFind bounds the identifiers of one query.
const maxFind = 1000

// Find looks records up by identifiers, many in one query. What was found before within
// the request is not asked again.
func (x *Exchange) Find(ctx context.Context, ids []*Ident) ([]Found, error) {
	if err := x.find(ctx, x.plan, ids, false); err != nil {
		return nil, err
	}
	list := make([]Found, len(ids))
	for i, id := range ids {
		if at := x.found[foundKey{x.plan, id.key, false}]; at != nil {
			if list[i] = (Found{at.record, at.code, at.several, 0}); at.record == 0 {
				list[i].Hidden = at.holder
			}
		}
	}
	return list, nil
}

// Forget drops what is known of an identifier's record: it was made, changed or removed.
func (x *Exchange) Forget(id *Ident) {
	for _, full := range []bool{false, true} {
		delete(x.found, foundKey{id.line.planOf(x), id.key, full})
	}
}

func (l *mapLine) planOf(x *Exchange) *plan {
	if x.plan.identifier == l {
		return x.plan
	}
	return nil
}

func cut(s string) string { return text.Cut(s, 100) }

package scriptenv

import (
	"context"
	"encoding/json"
	"slices"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
)

// create makes the records of a list of values, all or none.
func (h *Host) create(ctx context.Context, sc *catalog.Scope, values json.RawMessage) ([]json.RawMessage, error) {
	list, err := tree.ParseJSON(values, tree.Limits{Depth: 32})
	if err != nil || list.Kind != tree.List || list.Len() > batchMost {
		return nil, script.Raise(valueError, "create takes a dict or a list of at most 500")
	}
	w := &writes{}
	for _, v := range list.Items() {
		given, err := h.decode(ctx, sc, v, nil, w)
		if err != nil {
			return nil, err
		}
		w.main(catalog.Create{Catalog: sc.Catalog.Num, Values: given})
	}
	return h.apply(ctx, w)
}

// writes are operations that are carried out together: those that a script asks for
// and, before each, those on linked records that belong to it.
type writes struct {
	ops []catalog.Op
	own []int // indexes of the script's in ops
}

// writeMost bounds the operations that are carried out together.
const writeMost = 2 * batchMost

var tooMany = script.Raise(valueError, "more than 1000 records are changed at once")

func (w *writes) main(op catalog.Op) {
	w.own = append(w.own, len(w.ops))
	w.ops = append(w.ops, op)
}

// apply carries operations out, all or none, and gives the ids of the records of the
// script's.
func (h *Host) apply(ctx context.Context, w *writes) ([]json.RawMessage, error) {
	ids := []json.RawMessage{}
	if len(w.ops) == 0 {
		return ids, nil
	}
	if len(w.ops) > writeMost {
		return nil, tooMany
	}
	switch {
	case h.kept != nil:
		return h.keep(ctx, w)
	case h.Kept != nil:
		return nil, script.Raise(runtimeError, "this script cannot write")
	}
	made, err := h.Catalog.Apply(ctx, h.Actor, w.ops, nil)
	if err != nil {
		return nil, err
	}
	for _, i := range w.own {
		ids = append(ids, scriptID(made[i].Record, made[i].Code))
	}
	return ids, nil
}

// change writes, removes or comments the records of the arguments, all or none.
func (h *Host) change(ctx context.Context, sc *catalog.Scope, method string, a *Args) error {
	keys, err := writtenKeys(a.IDs)
	if err != nil {
		return err
	}
	var values tree.Value
	if method == "write" {
		if values, err = tree.ParseJSON(a.Values, tree.Limits{Depth: 32}); err != nil || values.Kind != tree.Object {
			return script.Raise(valueError, "write takes a dict")
		}
	}
	w := &writes{}
	for _, k := range keys {
		switch method {
		case "write":
			given, err := h.decode(ctx, sc, values, &k, w)
			if err != nil {
				return err
			}
			w.main(catalog.Update{Catalog: sc.Catalog.Num, Record: k, Values: given})
		case "unlink":
			w.main(catalog.Delete{Catalog: sc.Catalog.Num, Record: k})
		default:
			w.main(catalog.Comment{Catalog: sc.Catalog.Num, Record: k, Text: a.Body})
		}
	}
	_, err = h.apply(ctx, w)
	return err
}

// decode reads the values that a script gives for a record, nil for a new one. What
// Command asks of linked records is added to w.
func (h *Host) decode(ctx context.Context, sc *catalog.Scope, v tree.Value, of *query.Key, w *writes) ([]catalog.FieldValue, error) {
	if v.Kind != tree.Object {
		return nil, script.Raise(valueError, "the values of a record are a dict")
	}
	fields := make([]tree.Field, 0, v.Len())
	for _, m := range v.Fields() {
		f := h.fieldOf(sc.Catalog, m.Key)
		if f == nil {
			return nil, script.Raise(valueError, "the catalog "+sc.Catalog.Key+" has no field "+m.Key)
		}
		given := m.Value
		if hasCommands(given) && linkedCatalog(sc, f) != nil {
			var err error
			if given, err = h.commanded(ctx, sc, f, given, of, w); err != nil {
				return nil, err
			}
		}
		fields = append(fields, tree.Field{Key: f.Key, Value: h.inValue(sc, f, given)})
	}
	return bpium.DecodeValues(tree.NewObject(fields), sc, catalog.Moment{Now: h.Now()})
}

// copied makes copies of records, with some values of their own. Files stay with the
// first ones; links to removed records and what nobody may read are left out.
func (h *Host) copied(ctx context.Context, sc *catalog.Scope, a *Args) ([]json.RawMessage, error) {
	keys, err := writtenKeys(a.IDs)
	if err != nil {
		return nil, err
	}
	own, err := tree.ParseJSON(a.Values, tree.Limits{Depth: 32})
	if err != nil {
		return nil, script.Raise(valueError, "copy takes a dict")
	}
	sel := &catalog.Selection{Fields: []*catalog.Field{}}
	for _, f := range sc.Catalog.Fields {
		if f.Scripted() && f.Type.Name() != "file" {
			sel.Fields = append(sel.Fields, f)
		}
	}
	var rows []tree.Value
	if err := h.rows(ctx, sc, keys, sel, func(_ int, record tree.Value) { rows = append(rows, record) }); err != nil {
		return nil, err
	}
	if len(rows) < len(keys) {
		return nil, script.Raise(missingError, "Record does not exist or has been deleted")
	}
	w := &writes{}
	for _, row := range rows {
		given, err := h.decode(ctx, sc, own, nil, w)
		if err != nil {
			return nil, err
		}
		rest, err := copiedValues(sc, row, given, catalog.Moment{Now: h.Now()})
		if err != nil {
			return nil, err
		}
		w.main(catalog.Create{Catalog: sc.Catalog.Num, Values: append(given, rest...)})
	}
	return h.apply(ctx, w)
}

// copiedValues are those of a record but for the fields that are given.
func copiedValues(sc *catalog.Scope, record tree.Value, given []catalog.FieldValue, at catalog.Moment) ([]catalog.FieldValue, error) {
	values, _ := record.Get("values")
	var kept []tree.Field
	for _, m := range values.Fields() {
		f := bpium.FieldByID(sc.Catalog, m.Key)
		if f == nil || slices.ContainsFunc(given, func(v catalog.FieldValue) bool { return v.Field == f.Num }) {
			continue
		}
		if f.Storage() == catalog.LinksStorage {
			m.Value = tree.NewList(slices.DeleteFunc(slices.Clone(m.Value.Items()), func(l tree.Value) bool {
				removed, _ := l.Get("isRemoved")
				return removed.True()
			}))
		}
		kept = append(kept, m)
	}
	return bpium.DecodeValues(tree.NewObject(kept), sc, at)
}

// inValue is a value of a script as the API takes it: ids of links become links, and
// False is no value but of a switch.
func (h *Host) inValue(sc *catalog.Scope, f *catalog.Field, v tree.Value) tree.Value {
	kind, _ := h.kind(sc, f)
	if v.Kind == tree.Bool && !v.True() && kind != "boolean" {
		return tree.Value{}
	}
	switch kind {
	case "many2one", "many2many":
		if v.IsNull() {
			return tree.NewList(nil)
		}
		return links(linkedCatalog(sc, f).Key, v)
	case "selection":
		if f.Type.Name() == "dropdown" && (v.Kind == tree.String || v.Kind == tree.Number) {
			return tree.NewList([]tree.Value{tree.NewString(v.Text())})
		}
	}
	return v
}

// links are the links to records of a catalog that a script gives: an id, ids, or links.
func links(catalogKey string, v tree.Value) tree.Value {
	var list []tree.Value
	for _, item := range valuesOf(v) {
		if item.Kind != tree.Object {
			item = link(catalogKey, item)
		}
		list = append(list, item)
	}
	return tree.NewList(list)
}

func link(catalogKey string, id tree.Value) tree.Value {
	return tree.NewObject([]tree.Field{
		{Key: "catalogId", Value: tree.NewString(catalogKey)}, {Key: "recordId", Value: tree.NewString(id.Text())},
	})
}

// among gives the records that a term on the id means.
func among(value tree.Value) query.Node {
	var keys query.Among
	for _, v := range valuesOf(value) {
		keys = append(keys, bpium.RecordKey(v.Text()))
	}
	return keys
}

// valuesOf are the elements of a list, or the value itself.
func valuesOf(v tree.Value) []tree.Value {
	if v.Kind == tree.List {
		return v.Items()
	}
	return []tree.Value{v}
}

// Given are the values that a script answers, as the API takes them: it may name fields
// and give links and "no value" as it does when it writes. Unknown names are left out.
func Given(sc *catalog.Scope, values tree.Value) tree.Value {
	h := &Host{}
	var fields []tree.Field
	for _, m := range values.Fields() {
		if f := h.fieldOf(sc.Catalog, m.Key); f != nil {
			fields = append(fields, tree.Field{Key: f.Key, Value: h.inValue(sc, f, m.Value)})
		}
	}
	return tree.NewObject(fields)
}

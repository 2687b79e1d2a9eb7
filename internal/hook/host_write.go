package hook

import (
	"context"
	"encoding/json"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
)

// create makes the records of a list of values, all or none.
func (h *host) create(ctx context.Context, sc *catalog.Scope, values json.RawMessage) ([]json.RawMessage, error) {
	list, err := tree.ParseJSON(values, tree.Limits{Depth: 32})
	if err != nil || list.Kind != tree.List || list.Len() > hostBatch {
		return nil, script.Raise(valueError, "create takes a dict or a list of at most 500")
	}
	ops := make([]catalog.Op, list.Len())
	for i, v := range list.Items() {
		given, err := h.decode(sc, v)
		if err != nil {
			return nil, err
		}
		ops[i] = catalog.Create{Catalog: sc.Catalog.Num, Values: given}
	}
	made, err := h.catalog.Apply(ctx, h.actor, ops, nil)
	if err != nil {
		return nil, err
	}
	ids := make([]json.RawMessage, len(made))
	for i, o := range made {
		if ids[i], err = json.Marshal(o.Record); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// change writes, removes or comments the records of the arguments, all or none.
func (h *host) change(ctx context.Context, sc *catalog.Scope, method string, a *hostArgs) error {
	keys, err := keysOf(a.IDs)
	if err != nil {
		return err
	}
	if len(keys) > hostBatch {
		return script.Raise(valueError, "more than 500 records are changed at once")
	}
	var given []catalog.FieldValue
	if method == "write" {
		v, err := tree.ParseJSON(a.Values, tree.Limits{Depth: 32})
		if err != nil {
			return script.Raise(valueError, "write takes a dict")
		}
		if given, err = h.decode(sc, v); err != nil {
			return err
		}
	}
	ops := make([]catalog.Op, len(keys))
	for i, k := range keys {
		switch method {
		case "write":
			ops[i] = catalog.Update{Catalog: sc.Catalog.Num, Record: k, Values: given}
		case "unlink":
			ops[i] = catalog.Delete{Catalog: sc.Catalog.Num, Record: k}
		default:
			ops[i] = catalog.Comment{Catalog: sc.Catalog.Num, Record: k, Text: a.Body}
		}
	}
	if len(ops) == 0 {
		return nil
	}
	_, err = h.catalog.Apply(ctx, h.actor, ops, nil)
	return err
}

// decode reads the values that a script gives.
func (h *host) decode(sc *catalog.Scope, v tree.Value) ([]catalog.FieldValue, error) {
	fields := make([]tree.Field, 0, v.Len())
	for _, m := range v.Fields() {
		f := bpium.FieldByID(sc.Catalog, m.Key)
		if f == nil {
			return nil, script.Raise(valueError, "the catalog "+sc.Catalog.Key+" has no field "+m.Key)
		}
		fields = append(fields, tree.Field{Key: m.Key, Value: h.inValue(sc, f, m.Value)})
	}
	return bpium.DecodeValues(tree.NewObject(fields), sc, catalog.Moment{Now: h.now()})
}

// inValue is a value of a script as the API takes it: ids of links become links, and
// False is no value but of a switch.
func (h *host) inValue(sc *catalog.Scope, f *catalog.Field, v tree.Value) tree.Value {
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

// setCommand and linkCommand begin the tuples of Command.set and Command.link.
const (
	linkCommand = "4"
	setCommand  = "6"
)

// links are the links to records of a catalog that a script gives: an id, ids, links,
// or tuples of Command.set, link and clear.
func links(catalogKey string, v tree.Value) tree.Value {
	items := []tree.Value{v}
	if v.Kind == tree.List {
		items = v.Items()
	}
	var list []tree.Value
	for _, item := range items {
		parts := item.Items()
		switch {
		case item.Kind == tree.Object:
			list = append(list, item)
		case len(parts) == 3 && parts[0].Text() == setCommand:
			list = append(list, links(catalogKey, parts[2]).Items()...)
		case len(parts) >= 2 && parts[0].Text() == linkCommand:
			list = append(list, link(catalogKey, parts[1]))
		case item.Kind != tree.List:
			list = append(list, link(catalogKey, item))
		}
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

package scriptenv

import (
	"context"
	"slices"
	"strconv"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
)

// The tuples that Command makes begin with one of these.
const (
	createCommand = "0" // (0, 0, values)
	updateCommand = "1" // (1, id, values)
	deleteCommand = "2" // (2, id, 0)
	unlinkCommand = "3" // (3, id, 0)
	linkCommand   = "4" // (4, id, 0)
	clearCommand  = "5" // (5, 0, 0)
	setCommand    = "6" // (6, 0, ids)
)

// hasCommands tells whether a value is tuples of Command.
func hasCommands(v tree.Value) bool {
	return v.Kind == tree.List && slices.ContainsFunc(v.Items(), func(e tree.Value) bool { return e.Kind == tree.List })
}

// commanded gives the ids that a field links after commands: those that it links now,
// changed one command after the other. Records that are made, changed or removed on the
// way become operations of w.
func (h *Host) commanded(ctx context.Context, sc *catalog.Scope, f *catalog.Field, commands tree.Value, of *query.Key, w *writes) (tree.Value, error) {
	if commands.Len() > writeMost {
		return tree.Value{}, tooMany
	}
	other, err := h.Catalog.Catalog(ctx, h.Actor, linkedCatalog(sc, f).Key)
	if err != nil {
		return tree.Value{}, err
	}
	ids, err := h.linked(ctx, sc, f, of)
	if err != nil {
		return tree.Value{}, err
	}
	next, err := h.numbers(ctx, other.Catalog, commands)
	if err != nil {
		return tree.Value{}, err
	}
	for _, c := range commands.Items() {
		parts := append(slices.Clone(c.Items()), tree.Value{}, tree.Value{}, tree.Value{})
		kind, id, values := parts[0].Text(), parts[1].Text(), parts[2]
		if len(w.ops) > writeMost || len(ids) > searchMost || values.Len() > searchMost {
			return tree.Value{}, tooMany
		}
		switch kind {
		case createCommand, updateCommand:
			if kind == createCommand {
				id = strconv.FormatInt(int64(next), 10)
			}
			if err := h.writeLinked(ctx, other, kind, id, values, w); err != nil {
				return tree.Value{}, err
			}
			if kind == createCommand {
				next, ids = next+1, append(ids, id)
			}
		case deleteCommand:
			w.ops = append(w.ops, catalog.Delete{Catalog: other.Catalog.Num, Record: bpium.RecordKey(id)})
			ids = without(ids, id)
		case unlinkCommand:
			ids = without(ids, id)
		case linkCommand:
			ids = append(without(ids, id), id)
		case clearCommand:
			ids = nil
		case setCommand:
			ids = nil
			for _, v := range valuesOf(values) {
				ids = append(ids, v.Text())
			}
		default:
			return tree.Value{}, script.Raise(valueError, "links are ids, or tuples that Command makes")
		}
	}
	return idList(ids), nil
}

// numbers reserves those of the records that commands make, and gives the first.
func (h *Host) numbers(ctx context.Context, c *catalog.Catalog, commands tree.Value) (query.Record, error) {
	made := 0
	for _, c := range commands.Items() {
		if parts := c.Items(); len(parts) > 0 && parts[0].Text() == createCommand {
			made++
		}
	}
	if made == 0 {
		return 0, nil
	}
	if made > batchMost {
		return 0, script.Raise(valueError, "more than 500 records are made at once")
	}
	return h.Catalog.Reserve(ctx, h.Actor, c.Num, made)
}

// writeLinked adds the creation or change of a linked record to w, after what belongs
// to it.
func (h *Host) writeLinked(ctx context.Context, other *catalog.Scope, kind, id string, values tree.Value, w *writes) error {
	key := bpium.RecordKey(id)
	of := &key
	if kind == createCommand {
		of = nil
	}
	given, err := h.decode(ctx, other, values, of, w)
	if err != nil {
		return err
	}
	if kind == createCommand {
		w.ops = append(w.ops, catalog.Create{Catalog: other.Catalog.Num, Reserved: key.Record, Values: given})
	} else {
		w.ops = append(w.ops, catalog.Update{Catalog: other.Catalog.Num, Record: key, Values: given})
	}
	return nil
}

// linked gives the ids that a field of a record links; none for a new record.
func (h *Host) linked(ctx context.Context, sc *catalog.Scope, f *catalog.Field, of *query.Key) (ids []string, err error) {
	if of == nil {
		return nil, nil
	}
	err = h.rows(ctx, sc, []query.Key{*of}, &catalog.Selection{Fields: []*catalog.Field{f}}, func(_ int, record tree.Value) {
		values, _ := record.Get("values")
		links, _ := values.Get(f.Key)
		for _, l := range links.Items() {
			ids = append(ids, linkKey(l).Text())
		}
	})
	return ids, err
}

func without(ids []string, id string) []string {
	return slices.DeleteFunc(ids, func(other string) bool { return other == id })
}

func idList(ids []string) tree.Value {
	list := make([]tree.Value, len(ids))
	for i, id := range ids {
		list[i] = tree.NewString(id)
	}
	return tree.NewList(list)
}

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

// keptMost bounds the operations that are kept together.
const keptMost = 1000

// Kept are writes that a script asks for and its caller carries out later, together with
// operations of his own. Who reads a record by id sees what will be stored, searches do
// not. Not for concurrent use.
type Kept struct {
	// Ops are all of them, in order.
	Ops     []catalog.Op
	records map[query.Ref]*keptRecord
}

// keptRecord is a record as the operations leave it.
type keptRecord struct {
	made, gone bool
	// record is of the form of the API; its values are those that change, all of one
	// that is made.
	record tree.Value
}

// Add puts operations behind those that are there, once they are known to be valid. It
// fails as catalog.Service.Rehearse does, and changes nothing then.
func (k *Kept) Add(ctx context.Context, s *catalog.Service, a catalog.Actor, ops []catalog.Op) ([]catalog.Outcome, error) {
	if len(ops) == 0 {
		return nil, nil
	}
	all := slices.Concat(k.Ops, ops)
	if len(all) > keptMost {
		return nil, tooMany
	}
	outcomes, err := s.Rehearse(ctx, a, all)
	if err != nil {
		return nil, err
	}
	records := map[query.Ref]*keptRecord{}
	for i, op := range all {
		if err := keep(records, op, outcomes[i]); err != nil {
			return nil, err
		}
	}
	k.Ops, k.records = all, records
	return outcomes[len(all)-len(ops):], nil
}

// keep notes what an operation leaves.
func keep(records map[query.Ref]*keptRecord, op catalog.Op, o catalog.Outcome) error {
	var c query.Catalog
	made, gone := false, false
	switch op := op.(type) {
	case catalog.Create:
		c, made = op.Catalog, true
	case catalog.Update:
		c = op.Catalog
	case catalog.Delete:
		c, gone = op.Catalog, true
	default:
		return nil
	}
	ref := query.MakeRef(c, o.Record)
	k := records[ref]
	if k == nil {
		k = &keptRecord{made: made}
		records[ref] = k
	}
	k.gone = gone
	if gone || o.Row == nil {
		return nil
	}
	list, err := tree.ParseJSON(bpium.EncodeRecords(nil, o.Row, bpium.EncodeOptions{SkipPrevID: true}), tree.Limits{})
	if err != nil {
		return err
	}
	k.record = over(k.record, list.Items()[0])
	return nil
}

// over is a record with what a later form of it has.
func over(record, later tree.Value) tree.Value {
	if record.IsNull() {
		return later
	}
	fields := slices.Clone(later.Fields())
	was, _ := record.Get("values")
	for i := range fields {
		if fields[i].Key == "values" {
			fields[i].Value = merged(was, fields[i].Value)
		}
	}
	return tree.NewObject(fields)
}

// merged is an object with the members of another, which win.
func merged(was, now tree.Value) tree.Value {
	fields := slices.DeleteFunc(slices.Clone(was.Fields()), func(f tree.Field) bool {
		_, again := now.Get(f.Key)
		return again
	})
	return tree.NewObject(append(fields, now.Fields()...))
}

// seen is a record as the operations leave it; record is what is stored, null for
// nothing.
func (k *Kept) seen(ref query.Ref, record tree.Value) tree.Value {
	if k == nil || k.records[ref] == nil {
		return record
	}
	r := k.records[ref]
	switch {
	case r.gone:
		return tree.Value{}
	case record.IsNull() && !r.made: // not to be seen
		return record
	case r.record.IsNull():
		return record
	}
	return over(record, r.record)
}

// keep keeps the operations of a script, and gives the ids of its records.
func (h *Host) keep(ctx context.Context, w *writes) ([]json.RawMessage, error) {
	ops := slices.Clone(w.ops)
	for i, op := range ops {
		if c, ok := op.(catalog.Create); ok && c.Reserved == 0 {
			var err error
			if c.Reserved, err = h.Catalog.Reserve(ctx, h.Actor, c.Catalog, 1); err != nil {
				return nil, err
			}
			ops[i] = c
		}
	}
	made, err := h.kept.Add(ctx, h.Catalog, h.Actor, ops)
	if err != nil {
		return nil, err
	}
	ids := []json.RawMessage{}
	for _, i := range w.own {
		ids = append(ids, scriptID(made[i].Record, made[i].Code))
	}
	return ids, nil
}

// Links reads the links that a script gives a field of a record, nil for a new one: ids,
// or tuples of Command, whose other effects are kept. It gives ids; what is no tuples
// stays as it is.
func (h *Host) Links(ctx context.Context, k *Kept, sc *catalog.Scope, f *catalog.Field, v tree.Value, of *query.Key) (tree.Value, error) {
	if !hasCommands(v) || linkedCatalog(sc, f) == nil {
		return v, nil
	}
	h.kept = k
	w := &writes{}
	ids, err := h.commanded(ctx, sc, f, v, of, w)
	if err == nil {
		_, err = h.keep(ctx, w)
	}
	return ids, err
}

// Set keeps a value that a script gives a field of a record.
func (h *Host) Set(ctx context.Context, k *Kept, c *catalog.Catalog, n query.Record, f *catalog.Field, v tree.Value) error {
	values := tree.NewObject([]tree.Field{{Key: f.Key, Value: v}}).AppendJSON(nil)
	sc, err := h.Catalog.Catalog(ctx, h.Actor, c.Key)
	if err != nil {
		return err
	}
	h.kept = k
	return h.change(ctx, sc, "write", &Args{IDs: []json.RawMessage{scriptID(n, "")}, Values: values})
}

var _ script.Host = (*Host)(nil)

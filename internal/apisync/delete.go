package apisync

import (
	"context"
	"net/http"
	"strings"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// delete removes records: that of the path, those that the body or the query names by id
// or identifier, or, where the configuration allows it, those of a filter.
func (w *work) delete(ctx context.Context) (*Reply, error) {
	items, batch, err := w.doomed(ctx)
	if err != nil {
		return nil, err
	}
	b := &batching{work: w, all: items, batch: batch, final: true}
	if err := b.find(ctx); err != nil {
		return nil, err
	}
	if !(b.call.Atomic && batch && b.failed()) {
		if err := b.apply(ctx, items); err != nil {
			return nil, err
		}
	}
	return b.reply(ctx)
}

// doomed are the records that are to be removed, by identifier, or by number already.
func (w *work) doomed(ctx context.Context) (items []*item, batch bool, err error) {
	switch {
	case w.call.ID != "":
		key, err := w.target(ctx)
		if err != nil {
			return nil, false, err
		}
		return []*item{{key: key}}, false, nil
	case w.call.HasBody:
		return w.doomedByBody(ctx)
	}
	return w.doomedByQuery(ctx)
}

func (w *work) doomedByBody(ctx context.Context) (items []*item, batch bool, err error) {
	body := w.call.Body
	objects := []tree.Value{body}
	if batch = body.Kind == tree.List; batch {
		objects = body.Items()
	}
	if len(objects) == 0 {
		return nil, false, Refuse(http.StatusBadRequest, "INVALID_BODY", "the list is empty")
	}
	if len(objects) > w.config.BatchMax {
		return nil, false, tooMany(w.config.BatchMax)
	}
	for i, o := range objects {
		it := &item{index: i}
		items = append(items, it)
		if err := w.doom(ctx, it, o); err != nil {
			e := itemError(err, i)
			if e == nil || !batch {
				return nil, false, err
			}
			it.fail(e)
		}
	}
	return items, batch, nil
}

func tooMany(limit int) *Error {
	return Refuse(http.StatusRequestEntityTooLarge, "BATCH_TOO_LARGE", "a request has at most %d items", limit).With("limit", limit)
}

// doom reads which record one item of the body means: an object with the identifier's
// key or an id, or the identifier alone.
func (w *work) doom(ctx context.Context, it *item, v tree.Value) (err error) {
	if v.Kind != tree.Object {
		if w.config.Identifier == nil || v.Kind == tree.List || v.IsNull() {
			return noIdentifier()
		}
		it.ident, err = w.x.IdentifierOf(ctx, v)
		if err == nil && it.ident == nil {
			return noIdentifier()
		}
		return err
	}
	if w.config.Identifier != nil {
		if it.ident, err = w.x.Identifier(ctx, v); err != nil || it.ident != nil {
			return err
		}
	}
	id, ok := v.Get("id")
	if text := id.Text(); ok && text != "" {
		it.key = bpium.RecordKey(text)
		return nil
	}
	return noIdentifier()
}

func (w *work) doomedByQuery(ctx context.Context) (items []*item, batch bool, err error) {
	var rest []Pair
	for _, p := range w.call.Query {
		switch {
		case p.Key == "dry_run" || p.Key == "atomic" || strings.HasPrefix(p.Key, "_") && w.config.Line(p.Key) == nil:
		case p.Key == "id" && w.config.Line("id") == nil:
			for id := range strings.SplitSeq(p.Value, ",") {
				items = append(items, &item{index: len(items), key: bpium.RecordKey(strings.TrimSpace(id))})
			}
		case w.config.Identifier != nil && p.Key == w.config.Identifier.ExternalKey:
			ident, err := w.x.IdentifierOf(ctx, tree.NewString(p.Value))
			if err != nil {
				return nil, false, err
			}
			if ident == nil {
				return nil, false, noIdentifier()
			}
			items = append(items, &item{index: len(items), ident: ident})
		default:
			rest = append(rest, p)
		}
	}
	switch {
	case len(items) > w.config.BatchMax:
		return nil, false, tooMany(w.config.BatchMax)
	case len(rest) == 0 && len(items) > 0:
		return items, len(items) > 1, nil
	case len(rest) == 0 || len(items) > 0 || !w.config.AllowBulkDelete:
		return nil, false, noIdentifier()
	}
	return w.doomedByFilter(ctx)
}

// doomedByFilter are all that match the query's conditions.
func (w *work) doomedByFilter(ctx context.Context) (items []*item, batch bool, err error) {
	q, err := w.service.ReadList(ctx, w.config, w.actor, w.scope, w.call.Query)
	if err != nil {
		return nil, false, err
	}
	if !q.Asked {
		return nil, false, noIdentifier()
	}
	ask := query.Query{Where: q.Query.Where, Search: q.Query.Search, Limit: w.config.BatchMax + 1}
	rows, err := w.records(ctx, ask, &catalog.Selection{Fields: []*catalog.Field{}})
	if err != nil {
		return nil, false, err
	}
	if rows.Page.Len() > w.config.BatchMax {
		return nil, false, tooMany(w.config.BatchMax)
	}
	for i := range rows.Page.Len() {
		items = append(items, &item{index: i, key: query.Key{Record: rows.Page.Record(i)}})
	}
	return items, true, nil
}

// find reads the records that are to be removed and makes the operations. A record that
// is named twice is removed once.
func (b *batching) find(ctx context.Context) error {
	if err := b.identified(ctx); err != nil {
		return err
	}
	var keys []query.Key
	for _, it := range b.all {
		if it.result.Err == nil {
			keys = append(keys, it.key)
		}
	}
	if keys == nil {
		return nil
	}
	rows, err := b.readAs(ctx, keys, true, &catalog.Selection{Fields: []*catalog.Field{}})
	if err != nil {
		return err
	}
	seen := map[query.Record]bool{}
	for _, it := range b.all {
		if it.result.Err != nil {
			continue
		}
		row := rowOfKey(rows, it.key)
		if row < 0 || seen[rows.Page.Record(row)] {
			it.fail(noRecord())
			continue
		}
		it.record = rows.Page.Record(row)
		seen[it.record] = true
		if m := b.call.IfMatch; m != "" && m != "*" && m != etag(rows, row) {
			it.fail(Refuse(http.StatusPreconditionFailed, "PRECONDITION_FAILED", "the record has changed since"))
			continue
		}
		if err := b.remove(it, recordID(rows, row)); err != nil {
			return err
		}
	}
	return nil
}

// identified finds the records of identifiers.
func (b *batching) identified(ctx context.Context) error {
	if err := b.locateAll(ctx, b.all); err != nil {
		return err
	}
	for _, it := range b.all {
		switch {
		case it.result.Err != nil || it.key != (query.Key{}):
		case it.found.Record == 0:
			it.fail(noRecord())
		case it.found.Several:
			it.fail(ambiguous())
		default:
			it.key = query.Key{Record: it.found.Record}
		}
	}
	return nil
}

func rowOfKey(rows *catalog.Rows, k query.Key) int {
	if k.Record != 0 {
		return rowOf(rows, k.Record)
	}
	for i := range rows.Page.Len() {
		if string(rows.Page.Code(i)) == k.Code {
			return i
		}
	}
	return -1
}

// remove makes the operation that removes or archives a record.
func (b *batching) remove(it *item, id tree.Value) error {
	n, key := b.scope.Catalog.Num, query.Key{Record: it.record}
	it.result.ID, it.result.Action = id, Deleted
	mark := "deleted"
	it.ops = []catalog.Op{catalog.Delete{Catalog: n, Record: key}}
	if b.config.DeleteMode == "archive" {
		f := b.config.State.activeField(b.scope.Catalog)
		if f == nil {
			return Refuse(http.StatusBadRequest, "VALIDATION_ERROR", "this model has no field that archives records")
		}
		it.ops = []catalog.Op{catalog.Update{Catalog: n, Record: key, Values: []catalog.FieldValue{{Field: f.Num, Value: catalog.Bool(false)}}}}
		it.result.Action, mark = Archived, "archived"
	}
	it.result.Data = tree.NewObject([]tree.Field{{Key: "id", Value: id}, {Key: mark, Value: tree.NewBool(true)}})
	it.gone = true
	return nil
}

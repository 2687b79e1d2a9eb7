package apisync

import (
	"context"
	"errors"
	"net/http"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// item is one object of a body on its way.
type item struct {
	index  int
	body   tree.Value
	ident  *Ident    // nil for none
	key    query.Key // the record as it was named; zero if by identifier
	record query.Record
	found  Found
	mapped *Mapped
	ops    []catalog.Op
	create bool
	gone   bool // there is nothing to read of it afterwards
	result Item
	script *scriptItem // what its scripts have
}

func (i *item) fail(e *Error) { i.result = Item{Err: e} }

// post creates, put changes by path or creates or changes by identifier.
func (w *work) post(ctx context.Context) (*Reply, error) {
	if w.call.ID != "" {
		return nil, Refuse(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "the method %s is not enabled here", http.MethodPost)
	}
	return w.write(ctx)
}

func (w *work) put(ctx context.Context) (*Reply, error) { return w.write(ctx) }

// items are the objects of the body; batch tells that it is a list.
func (w *work) items() (list []*item, batch bool, err error) {
	if !w.call.HasBody {
		return nil, false, Refuse(http.StatusBadRequest, "EMPTY_BODY", "the body is empty")
	}
	body, err := w.inner()
	if err != nil {
		return nil, false, err
	}
	objects := []tree.Value{body}
	if batch = body.Kind == tree.List; batch {
		objects = body.Items()
	}
	switch {
	case batch && w.call.ID != "":
		return nil, false, Refuse(http.StatusBadRequest, "INVALID_BODY", "the body must be an object")
	case len(objects) == 0:
		return nil, false, Refuse(http.StatusBadRequest, "INVALID_BODY", "the list is empty")
	case batch && len(objects) > w.config.BatchMax:
		return nil, false, tooMany(w.config.BatchMax)
	}
	for i, o := range objects {
		it := &item{index: i, body: o}
		if o.Kind != tree.Object {
			it.fail(Refuse(http.StatusBadRequest, "INVALID_BODY", "an item must be an object"))
		}
		list = append(list, it)
	}
	if !batch && list[0].result.Err != nil {
		return nil, false, list[0].result.Err
	}
	return list, batch, nil
}

// inner is the record, or the list of them, inside the body.
func (w *work) inner() (tree.Value, error) {
	if w.config.BodyPath == "" {
		return w.call.Body, nil
	}
	p, ok := ParsePath(w.config.BodyPath)
	if !ok {
		return tree.Value{}, badConfig(nil, "body_path of the configuration cannot be read")
	}
	v, ok := p.read(w.call.Body)
	if !ok || v.Kind != tree.Object && v.Kind != tree.List {
		return v, Refuse(http.StatusBadRequest, "INVALID_BODY", "the body has no object or list at %s", w.config.BodyPath)
	}
	return v, nil
}

// write carries out a POST or a PUT.
func (w *work) write(ctx context.Context) (*Reply, error) {
	items, batch, err := w.items()
	if err != nil {
		return nil, err
	}
	if err := w.prepare(ctx, items); err != nil {
		return nil, err
	}
	if err := w.identify(ctx, items); err != nil {
		return nil, err
	}
	// Whoever wants the same identifiers waits until these are there.
	release := w.service.identifiers.hold(w.config, items)
	defer release()
	b := &batching{work: w, all: items, batch: batch}
	parts := runs(items)
	if w.call.Atomic && len(parts) > 1 {
		return nil, Refuse(http.StatusBadRequest, "VALIDATION_ERROR", "in an atomic batch an identifier may come once only")
	}
	for i, run := range parts {
		b.final = i == len(parts)-1
		err := b.run(ctx, run)
		if err != nil && (!b.wrote || errors.Is(err, catalog.ErrStale)) {
			return nil, err
		}
		if err != nil {
			b.abandon(ctx, parts[i:], err)
			break
		}
	}
	return b.reply(ctx)
}

// abandon fails the items of runs that an error of ours keeps from being written when
// others are written already: those are answered for.
func (b *batching) abandon(ctx context.Context, runs [][]*item, err error) {
	e := AsError(FaultError(err, b.config))
	switch {
	case e != nil:
	case errors.Is(err, context.DeadlineExceeded):
		e = Refuse(http.StatusServiceUnavailable, "UPSTREAM_BUSY", "the request took too long; try again")
	default:
		b.service.options.Log.ErrorContext(ctx, "sync.batch", "module", "Sync", "error", err)
		e = Refuse(http.StatusInternalServerError, "INTERNAL_ERROR", "internal error")
	}
	for _, items := range runs {
		for _, it := range items {
			if it.result.Err == nil {
				it.fail(e)
			}
		}
	}
}

// identify reads the identifiers of all items.
func (w *work) identify(ctx context.Context, items []*item) error {
	for _, it := range items {
		if it.result.Err != nil || w.config.Identifier == nil {
			continue
		}
		w.scripts.at(it.script)
		id, err := w.x.Identifier(ctx, it.body)
		w.scripts.at(nil)
		if err != nil {
			e := itemError(err, it.index)
			if e == nil {
				return err
			}
			it.fail(e)
			continue
		}
		it.ident = id
	}
	return nil
}

// runs parts items so that no identifier comes twice in one part: what follows has to
// see what was there before.
func runs(items []*item) [][]*item {
	var parts [][]*item
	seen := map[string]bool{}
	from := 0
	for i, it := range items {
		if it.ident == nil {
			continue
		}
		key := it.ident.Key()
		if seen[key] {
			parts = append(parts, items[from:i])
			from = i
			clear(seen)
		}
		seen[key] = true
	}
	return append(parts, items[from:])
}

// locate finds the records that the items are about.
func (w *work) locate(ctx context.Context, items []*item) error {
	if w.call.ID != "" {
		return w.locatePath(ctx, items[0])
	}
	return w.locateAll(ctx, items)
}

// locateAll finds the records that have the items' identifiers.
func (w *work) locateAll(ctx context.Context, items []*item) error {
	var asked []*item
	var ids []*Ident
	for _, it := range items {
		if it.result.Err == nil && it.ident != nil {
			asked, ids = append(asked, it), append(ids, it.ident)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	found, err := w.x.Find(ctx, ids)
	if err != nil {
		return err
	}
	for i, it := range asked {
		it.found = found[i]
	}
	return nil
}

// locatePath finds how the record of the path is called; whether it is there shows when it
// is read.
func (w *work) locatePath(ctx context.Context, it *item) (err error) {
	it.key, err = w.target(ctx)
	it.record = it.key.Record
	return err
}

// ownIdentifier makes sure that the body's identifier is nobody else's than the record's
// that the path names.
func (w *work) ownIdentifier(ctx context.Context, it *item) error {
	if w.call.ID == "" || it.ident == nil {
		return nil
	}
	found, err := w.x.Find(ctx, []*Ident{it.ident})
	if err != nil {
		return err
	}
	f, own := found[0], query.MakeRef(w.scope.Catalog.Num, it.record)
	if f.Hidden != 0 && f.Hidden != own || f.Record != 0 && f.Record != it.record {
		return duplicate(f)
	}
	return nil
}

func duplicate(f Found) *Error {
	e := Refuse(http.StatusConflict, "DUPLICATE_RECORD", "another record has this identifier")
	switch {
	case f.Record == 0:
		return e
	case f.Code != "":
		return e.With("id", f.Code)
	}
	return e.With("id", int64(f.Record))
}

// decide says of an item what is to be done: create, change, or nothing.
func (w *work) decide(it *item) {
	if it.result.Err != nil || it.record != 0 || w.call.ID != "" {
		return
	}
	post := w.call.Method == http.MethodPost
	switch {
	case post && it.found.Hidden != 0:
		it.fail(duplicate(it.found))
	case it.found.Hidden != 0:
		it.fail(noRecord())
	case post && it.found.Record == 0:
		it.create = true
	case post && w.config.OnDuplicate == "error":
		it.fail(duplicate(it.found))
	case !post && it.ident == nil:
		it.fail(noIdentifier())
	case it.found.Several:
		it.fail(ambiguous())
	case it.found.Record != 0:
		it.record = it.found.Record
		if post && w.config.OnDuplicate == "skip" {
			it.result.Action = Existing
		}
	case w.config.PutUpsert:
		it.create = true
	default:
		it.fail(noRecord())
	}
}

func noIdentifier() *Error {
	return Refuse(http.StatusBadRequest, "IDENTIFIER_MISSING", "the record identifier is missing")
}

// itemError gives what is wrong with one item, nil for what is nobody's mistake.
func itemError(err error, index int) *Error {
	e := AsError(err)
	if e == nil || e.Status >= http.StatusInternalServerError {
		return nil
	}
	for i := range e.Fields {
		e.Fields[i].Index = index
	}
	return e
}

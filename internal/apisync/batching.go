package apisync

import (
	"context"
	"errors"
	"net/http"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// batching carries out the items of a call, run by run.
type batching struct {
	*work
	all   []*item
	batch bool
	plan  []Plan
	final bool // this is the last run, with which the answer is kept
	wrote bool // something is in the database
	// written is the record of a single item as its transaction left it; nil when it has
	// to be read.
	written *catalog.Rows
}

// run carries out items none of which is about the same record as another. It is begun
// again when another node has taken an identifier meanwhile.
func (b *batching) run(ctx context.Context, items []*item) error {
	begun := make([]item, len(items))
	for i, it := range items {
		begun[i] = *it
	}
	for n := 0; ; n++ {
		err := b.attempt(ctx, items)
		switch {
		case !errors.Is(err, errTaken):
			return err
		case n == 3:
			return duplicate(Found{})
		}
		b.x.forget()
		for i, it := range items {
			*it = begun[i]
		}
	}
}

func (b *batching) attempt(ctx context.Context, items []*item) error {
	for _, it := range items { // what was found before is of before
		if it.ident != nil {
			b.x.Forget(it.ident)
		}
	}
	if err := b.locate(ctx, items); err != nil {
		return err
	}
	if err := b.adopt(ctx, items); err != nil {
		return err
	}
	for _, it := range items {
		b.decide(it)
	}
	if err := b.mapAll(ctx, items); err != nil {
		return err
	}
	if b.call.Atomic && b.batch && b.failed() {
		return nil
	}
	return b.apply(ctx, items)
}

func (b *batching) failed() bool {
	for _, it := range b.all {
		if it.result.Err != nil {
			return true
		}
	}
	return false
}

// mapAll turns the items into operations.
func (b *batching) mapAll(ctx context.Context, items []*item) error {
	before, err := b.before(ctx, items)
	if err != nil {
		return err
	}
	if err := b.runLines(ctx, items, before); err != nil {
		return err
	}
	if each := b.call.each; each != nil {
		for _, it := range items {
			if err := each(ctx, b.work, it, before); err != nil {
				return err
			}
		}
	}
	var bodies []tree.Value
	for _, it := range items {
		if it.result.Err == nil {
			bodies = append(bodies, it.body)
		}
	}
	if err := b.x.Prefetch(ctx, bodies); err != nil {
		return err
	}
	for _, it := range items {
		if it.result.Err != nil || it.result.Action == Existing {
			continue
		}
		if err := b.mapOne(ctx, it, before); err != nil {
			e := itemError(err, it.index)
			if e == nil {
				return err
			}
			it.fail(e)
		}
	}
	return b.runAfter(ctx, items)
}

// before reads the records that are to be changed, those outside of the configuration's
// filter excepted.
func (b *batching) before(ctx context.Context, items []*item) (*catalog.Rows, error) {
	var keys []query.Key
	for _, it := range items {
		switch {
		case it.result.Err != nil:
		case it.record != 0:
			keys = append(keys, query.Key{Record: it.record})
		case it.key.Code != "":
			keys = append(keys, it.key)
		}
	}
	if keys == nil {
		return nil, nil
	}
	rows, err := b.readAs(ctx, keys, true, b.x.Before())
	if err != nil || b.call.ID == "" {
		return rows, err
	}
	it := items[0]
	row := rowOfKey(rows, it.key)
	if row < 0 {
		return nil, noRecord()
	}
	it.record = rows.Page.Record(row)
	return rows, b.ownIdentifier(ctx, it)
}

// mapOne makes the operations of an item.
func (b *batching) mapOne(ctx context.Context, it *item, before *catalog.Rows) error {
	row := -1
	if !it.create {
		if row = rowOf(before, it.record); row < 0 {
			return noRecord()
		}
		if m := b.call.IfMatch; m != "" && m != "*" && m != etag(before, row) {
			return Refuse(http.StatusPreconditionFailed, "PRECONDITION_FAILED", "the record has changed since")
		}
	}
	var rows *catalog.Rows
	if row >= 0 {
		rows = before
	}
	b.scripts.at(it.script)
	m, err := b.x.Map(ctx, it.body, rows, row)
	b.scripts.at(nil)
	b.trace(it, m)
	if err != nil {
		return err
	}
	it.mapped = m
	return b.operate(ctx, it, m)
}

// operate makes the operations of a mapped item.
func (b *batching) operate(ctx context.Context, it *item, m *Mapped) (err error) {
	n := b.scope.Catalog.Num
	switch {
	case it.create:
		if m.Keys == 0 && len(m.Values) == 0 {
			e := Refuse(http.StatusBadRequest, "VALIDATION_ERROR", "the item has none of the keys that are mapped")
			e.Fields = []FieldError{{Code: "NO_MAPPED_KEYS", Message: e.Message, Index: it.index}}
			return e
		}
		if it.record, err = b.x.reserve(ctx, n); err != nil {
			return err
		}
		it.ops = m.Ops(catalog.Create{Catalog: n, Values: m.Values, Reserved: it.record}, it.record)
		it.result.Action = Created
	case m.Changed:
		it.ops = m.Ops(catalog.Update{Catalog: n, Record: query.Key{Record: it.record}, Values: m.Values}, it.record)
		it.result.Action = Updated
	default:
		it.result.Action = Unchanged
	}
	return nil
}

// tries bounds how often a batch is begun again because a subscription refused an item:
// those that are left are carried out one by one then.
const tries = 20

// apply writes what the items want, in one transaction. An item that is refused is taken
// out, unless all are to be written or none.
func (b *batching) apply(ctx context.Context, items []*item) error {
	if b.call.DryRun {
		return b.rehearse(ctx, items)
	}
	for n := 0; ; n++ {
		err := b.commit(ctx, items)
		if err == nil {
			return nil
		}
		if err := b.takeOut(ctx, items, err, n < tries); err != nil {
			return err
		}
		if b.call.Atomic && b.batch {
			return nil // nothing is written
		}
	}
}

// takeOut finds the items that are to blame for an error. The first time each is looked at
// by itself, so that many bad ones do not cost a try each.
func (b *batching) takeOut(ctx context.Context, items []*item, err error, more bool) error {
	if itemError(FaultError(err, b.config), 0) == nil || !more {
		return err
	}
	some := false
	for _, it := range items {
		if len(it.ops) == 0 || it.result.Err != nil {
			continue
		}
		_, bad := b.service.options.Catalog.Rehearse(ctx, b.actor, it.ops)
		if bad == nil {
			continue
		}
		e := itemError(it.mapped.FaultError(bad, b.config, it.lead()), it.index)
		if e == nil {
			return bad
		}
		it.fail(e)
		some = true
	}
	if some {
		return nil
	}
	return b.blame(items, err)
}

// blame takes out the item whose operation an error names.
func (b *batching) blame(items []*item, err error) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	op, named := f.Data["operation"].(int)
	for _, it := range items {
		if len(it.ops) == 0 || it.result.Err != nil {
			continue
		}
		if !named || op < len(it.ops) {
			it.fail(itemError(FaultError(err, b.config), it.index))
			return nil
		}
		op -= len(it.ops)
	}
	return err
}

// commit writes the items that are good, and keeps what is needed to answer the same
// request again.
func (b *batching) commit(ctx context.Context, items []*item) error {
	var ops []catalog.Op
	for _, it := range items {
		if it.result.Err == nil {
			ops = append(ops, it.ops...)
		}
	}
	b.written = nil // of a transaction that failed
	links := newLinks(items)
	if len(ops)+len(links) == 0 {
		return nil
	}
	defer b.x.backend(time.Now())
	_, err := b.service.options.Catalog.Apply(ctx, b.actor, ops, func(cw catalog.Writer, _ []catalog.Outcome) error {
		w := writer(cw)
		if err := b.stillFree(ctx, w, cw, items); err != nil {
			return err
		}
		if err := keepLinks(ctx, w, links); err != nil {
			return err
		}
		if err := b.readWritten(ctx, cw); err != nil || !b.final {
			return err
		}
		return b.keep(ctx, w)
	})
	b.wrote = b.wrote || err == nil
	return err
}

// readWritten reads a single record that is written while its pages are at hand. What
// refuses that is told of when it is read afterwards.
func (b *batching) readWritten(ctx context.Context, tx catalog.Writer) error {
	it := b.all[0]
	if b.batch || it.record == 0 || !b.shown(it) {
		return nil
	}
	q := query.Query{Where: query.Among{{Record: it.record}}, Limit: 1}
	var err error
	b.written, err = b.service.options.Catalog.RecordsWithin(ctx, tx, b.actor, b.scope.Catalog.Num, q, b.x.Selection())
	if refused := (*fault.Error)(nil); errors.As(err, &refused) {
		return nil
	}
	return err
}

// planned are the operations of a dry run by what they would have done.
var planned = map[string]string{
	Created: "create", Updated: "update", Unchanged: "none", Existing: "none", Deleted: "delete", Archived: "archive",
}

// rehearse does all of it but the writing.
func (b *batching) rehearse(ctx context.Context, items []*item) error {
	for _, it := range items {
		if it.result.Err != nil {
			continue
		}
		if _, err := b.service.options.Catalog.Rehearse(ctx, b.actor, it.ops); err != nil {
			e := itemError(it.mapped.FaultError(err, b.config, 0), it.index)
			if e == nil {
				return err
			}
			it.fail(e)
			continue
		}
		p := Plan{Op: planned[it.result.Action], Model: b.scope.Catalog.Key, Values: it.body}
		if !it.create {
			p.Record = idValue(it.record, "")
		}
		b.plan = append(b.plan, p)
	}
	return nil
}

// reply tells what became of the items.
func (b *batching) reply(ctx context.Context) (*Reply, error) {
	r := &Reply{Status: http.StatusOK, Batch: b.batch, Plan: b.plan}
	if b.batch && b.call.Atomic && b.failed() {
		b.undone()
	}
	if err := b.results(ctx); err != nil {
		if b.call.DryRun || !b.wrote {
			return nil, err
		}
		b.onlyIDs()
		r.Warnings = append(r.Warnings, "the records are written, but could not be read again")
	}
	failed := 0
	for _, it := range b.all {
		if it.ident != nil {
			it.result.External = it.ident.Value.Text()
		}
		if e := it.result.Err; e != nil {
			failed++
			e.External = it.result.External
		}
		r.Items = append(r.Items, it.result)
	}
	switch {
	case !b.batch && failed > 0:
		return nil, b.all[0].result.Err
	case failed > 0 && (failed == len(b.all) || b.call.Atomic):
		r.Status = http.StatusBadRequest
	case failed > 0:
		r.Status = http.StatusMultiStatus
	case b.call.DryRun:
	case b.batch && b.call.Method == http.MethodPost, !b.batch && b.all[0].result.Action == Created:
		r.Status = b.config.CreatedStatus
	}
	if b.call.DryRun {
		r.Warnings = append(r.Warnings, "subscriptions before changes were not asked")
	}
	return r, nil
}

// onlyIDs answers with ids alone.
func (b *batching) onlyIDs() {
	for _, it := range b.all {
		if it.result.Err == nil {
			it.result.ID = idValue(it.record, "")
			it.result.Data = tree.NewObject([]tree.Field{{Key: "id", Value: it.result.ID}})
		}
	}
}

// undone marks the good items of an atomic batch that failed: nothing was written.
func (b *batching) undone() {
	for _, it := range b.all {
		if it.result.Err == nil {
			it.fail(Refuse(http.StatusBadRequest, "BATCH_FAILED", "nothing was written because other items are not valid"))
		}
	}
}

// rowOf finds a record among rows, -1 if it is not there.
func rowOf(rows *catalog.Rows, n query.Record) int {
	if rows == nil {
		return -1
	}
	for i := range rows.Page.Len() {
		if rows.Page.Record(i) == n {
			return i
		}
	}
	return -1
}

// results gives each item its record as it is now.
func (b *batching) results(ctx context.Context) error {
	var keys []query.Key
	for _, it := range b.all {
		if it.result.Err == nil && it.record != 0 && b.shown(it) {
			keys = append(keys, query.Key{Record: it.record})
		}
	}
	rows := b.written
	if len(keys) > 0 && rows == nil {
		var err error
		if rows, err = b.read(ctx, keys, false); err != nil {
			return err
		}
	}
	for _, it := range b.all {
		if it.result.Err == nil && it.create && b.call.DryRun {
			it.result.Data = tree.NewObject([]tree.Field{{Key: "id"}}) // there is none
		}
		if it.result.Err != nil || it.record == 0 || !b.shown(it) {
			continue
		}
		if err := b.result(ctx, it, rows); err != nil {
			return err
		}
	}
	return nil
}

// shown tells whether there is a record to show.
func (b *batching) shown(it *item) bool { return !it.gone && !(b.call.DryRun && it.create) }

// result shows a record that was written; one that its writer may not read is its id.
func (b *batching) result(ctx context.Context, it *item, rows *catalog.Rows) error {
	it.result.ID = idValue(it.record, "")
	row := rowOf(rows, it.record)
	if row >= 0 {
		shown, err := b.show(ctx, rows, row)
		if err != nil {
			return err
		}
		it.result.ID, it.result.Data, it.result.ETag = shown.ID, shown.Data, shown.ETag
	}
	it.result.Path = it.result.ID.Text()
	if b.config.PathID == "identifier" && it.ident != nil {
		it.result.Path = it.ident.Value.Text()
	}
	if row < 0 || !b.config.ReturnRecord {
		it.result.Data = tree.NewObject([]tree.Field{{Key: "id", Value: it.result.ID}})
	}
	return nil
}

package apisync

import (
	"context"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// This file runs the scripts of a batch's items where its steps need them.

// prepare runs what changes the items before anything is known of their records, and
// works out identifiers that scripts give.
func (w *work) prepare(ctx context.Context, items []*item) error {
	for _, it := range items {
		it.script = newScriptItem(it.body)
	}
	run := scriptsOf(items)
	if err := w.scripts.pre(ctx, run); err != nil {
		return err
	}
	if err := w.scripts.identifiers(ctx, run); err != nil {
		return err
	}
	for _, it := range items {
		it.body = it.script.data
		it.failed()
	}
	return nil
}

// scriptsOf are the items that are good so far, to their scripts.
func scriptsOf(items []*item) (list []*scriptItem) {
	for _, it := range items {
		if it.result.Err == nil && it.result.Action != Existing {
			list = append(list, it.script)
		}
	}
	return list
}

// failed fails an item with a script that failed.
func (i *item) failed() {
	if e := i.script.err; e != nil && i.result.Err == nil {
		for n := range e.Fields {
			e.Fields[n].Index = i.index
		}
		i.fail(e)
	}
}

// lead is how many of an item's operations are those of scripts before its own.
func (i *item) lead() int {
	if i.script == nil {
		return 0
	}
	return i.script.lead
}

// runLines runs the scripts of lines for all items.
func (b *batching) runLines(ctx context.Context, items []*item, before *catalog.Rows) error {
	for _, it := range items {
		s := it.script
		s.restart(b.x.plan.identifier)
		if s.create, s.record = it.create, it.record; it.create || it.result.Err != nil || it.result.Action == Existing {
			continue
		}
		row := rowOf(before, it.record)
		if row < 0 {
			it.fail(noRecord())
			continue
		}
		s.code = string(before.Page.Code(row))
	}
	err := b.scripts.lines(ctx, scriptsOf(items))
	for _, it := range items {
		it.failed()
	}
	return err
}

// runAfter runs the scripts that see the records as they will be stored. The items'
// operations are then those of their scripts, too.
func (b *batching) runAfter(ctx context.Context, items []*item) error {
	var run []*item
	for _, it := range items {
		if it.result.Err == nil && it.result.Action != Existing {
			it.script.record = it.record
			run = append(run, it)
		}
	}
	if err := b.scripts.after(ctx, scriptsOf(run), func(i int) []catalog.Op { return run[i].ops }); err != nil {
		return err
	}
	for _, it := range run {
		if it.failed(); it.result.Err != nil {
			continue
		}
		it.ops = it.script.kept.Ops
		if it.result.Action == Unchanged && b.changes(it) {
			it.result.Action = Updated
		}
	}
	return nil
}

// changes tells whether an operation is on the item's record.
func (b *batching) changes(it *item) bool {
	for _, op := range it.ops {
		if u, ok := op.(catalog.Update); ok && u.Catalog == b.scope.Catalog.Num && u.Record == (query.Key{Record: it.record}) {
			return true
		}
	}
	return false
}

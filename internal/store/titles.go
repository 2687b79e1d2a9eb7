package store

import (
	"context"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// Titles reads the titles of records, removed ones included.
func (t *tx) Titles(ctx context.Context, refs []query.Ref) (catalog.Titles, error) {
	titles := make(titleReader, len(refs))
	if len(refs) == 0 {
		return catalog.Titles(titles), nil
	}
	numbers := make([]int64, len(refs))
	for i, r := range refs {
		numbers[i] = int64(r)
	}
	slices.Sort(numbers) // neighbours share pages of the index
	numbers = slices.Compact(numbers)
	b := newBuilder(t.conn.Dialect(), nil)
	b.add("SELECT ref, title, code, removed FROM titles WHERE ")
	b.among("ref", numbers)
	t.ending()
	err := t.conn.Query(ctx, string(b.sql), b.args, titles.add)
	return catalog.Titles(titles), err
}

// titleReader gathers titles from rows of ref, title, code and removed.
type titleReader catalog.Titles

func (t titleReader) add(r row) error {
	t[query.Ref(r.Int(0))] = catalog.Title{Text: r.Str(1), Code: r.Str(2), Removed: r.Int(3) != 0}
	return nil
}

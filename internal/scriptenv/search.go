package scriptenv

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// asked reads what a search is for.
func (h *Host) asked(ctx context.Context, sc *catalog.Scope, a *Args) (query.Query, error) {
	q := query.Query{Limit: batchMost}
	terms, err := tree.ParseJSON(a.Domain, tree.Limits{Depth: 2*domainBounds.Depth + 4})
	if err != nil {
		return q, badDomain("it is no list")
	}
	d := &reader{host: h, scope: sc}
	if q.Where, err = d.domain(ctx, terms); err != nil {
		return q, err
	}
	sorts, err := d.sort(a.Order)
	if err == nil {
		q.Sort, q.Then = sorts[0], sorts[1:]
	}
	return q, err
}

// found calls each with the records that a search is for, in their order, until it
// gives false.
func (h *Host) found(ctx context.Context, sc *catalog.Scope, q query.Query, each func(n query.Record, code string) bool) error {
	sel := &catalog.Selection{Fields: []*catalog.Field{}}
	for {
		rows, err := h.Catalog.Records(ctx, h.Actor, sc.Catalog.Num, q, sel)
		if err != nil {
			return err
		}
		for i := range rows.Page.Len() {
			if !each(rows.Page.Record(i), string(rows.Page.Code(i))) {
				return nil
			}
		}
		if rows.Page.Len() < batchMost {
			return nil
		}
		q.Offset += batchMost
	}
}

// search gives the ids of the records that a domain means.
func (h *Host) search(ctx context.Context, sc *catalog.Scope, a *Args) ([]json.RawMessage, error) {
	q, err := h.asked(ctx, sc, a)
	if err != nil {
		return nil, err
	}
	limit, skip := searchMost, max(a.Offset, 0)
	if a.Limit != nil {
		limit = min(*a.Limit, searchMost)
	}
	found := []json.RawMessage{}
	if limit <= 0 {
		return found, nil
	}
	err = h.found(ctx, sc, q, func(n query.Record, code string) bool {
		if skip--; skip < 0 {
			found = append(found, scriptID(n, code))
		}
		return len(found) < limit
	})
	return found, err
}

// count gives how many records a domain means, at most the limit.
func (h *Host) count(ctx context.Context, sc *catalog.Scope, a *Args) (n int64, err error) {
	q, err := h.asked(ctx, sc, a)
	if err != nil {
		return 0, err
	}
	q.Limit, q.WithTotal = 1, true
	rows, err := h.Catalog.Records(ctx, h.Actor, sc.Catalog.Num, q, &catalog.Selection{Fields: []*catalog.Field{}})
	if err != nil {
		return 0, err
	}
	n = rows.Total
	if a.Limit != nil && *a.Limit > 0 {
		n = min(n, int64(*a.Limit))
	}
	return n, err
}

// nameSearch gives the ids and titles of records of a domain by their titles.
func (h *Host) nameSearch(ctx context.Context, sc *catalog.Scope, a *Args) ([][2]json.RawMessage, error) {
	terms, err := tree.ParseJSON(a.Domain, tree.Limits{Depth: 32})
	if err != nil {
		return nil, badDomain("it is no list")
	}
	if a.Name != "" {
		term := []tree.Value{tree.NewString("id"), tree.NewString("="), tree.NewString(strings.TrimPrefix(a.Name, "#"))}
		if title := sc.Catalog.Title(); title != nil {
			term = []tree.Value{tree.NewString(title.Key), tree.NewString(a.Operator), tree.NewString(a.Name)}
		}
		a.Domain = tree.NewList(append(slices.Clone(terms.Items()), tree.NewList(term))).AppendJSON(nil)
	}
	ids, err := h.search(ctx, sc, a)
	if err != nil {
		return nil, err
	}
	keys, err := keysOf(ids)
	if err != nil {
		return nil, err
	}
	pairs := [][2]json.RawMessage{}
	err = h.rows(ctx, sc, keys, &catalog.Selection{Fields: []*catalog.Field{}}, func(i int, record tree.Value) {
		pairs = append(pairs, [2]json.RawMessage{ids[i], linkTitle(record)})
	})
	return pairs, err
}

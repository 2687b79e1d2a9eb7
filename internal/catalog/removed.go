package catalog

import (
	"context"
	"fmt"
	"strconv"

	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// removedMost bounds the removed records that are looked at for one answer.
const removedMost = 10_000

// Gone is a removed record.
type Gone struct {
	Record query.Record
	Code   string // the custom id that it had, "" for none
	At     int64  // when it was removed, Unix ms
}

// RemovedRow is one that the store has in the trash.
type RemovedRow struct {
	Gone
	Values []byte // by field number, as AppendHistoryJSON puts them; nil if not asked for
}

// RemovedAsk asks for removed records from Since on, Unix ms: of those that were
// removed just then, for those with numbers greater than After. Oldest first.
type RemovedAsk struct {
	Since int64
	After query.Record
	Limit int
}

// RemovedPage are removed records. More says that there may be others: they come
// with Next.
type RemovedPage struct {
	Records []Gone
	More    bool
	Next    RemovedAsk
}

// RemovedSince lists the records of a catalog that were removed since a time and that
// the actor might view with the values that they had then; what views ask of linked
// records is asked of them as they are now. Records of a catalog that was emptied are
// in no trash and not listed. It fails like Records.
func (s *Service) RemovedSince(ctx context.Context, a Actor, c query.Catalog, ask RemovedAsk) (*RemovedPage, error) {
	if err := s.checkPage(ask.Limit, 0); err != nil {
		return nil, err
	}
	var page *RemovedPage
	err := s.viewAs(ctx, a, func(st *Structure, r Reader) error {
		d, catalog, err := s.open(ctx, st, r, a, c)
		if err != nil {
			return err
		}
		page, err = d.removed(ctx, catalog, ask)
		return err
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

func (d *reading) removed(ctx context.Context, c *Catalog, ask RemovedAsk) (*RemovedPage, error) {
	page := &RemovedPage{Next: ask}
	judge := d.removedJudge(c)
	for looked := 0; len(page.Records) < ask.Limit; {
		chunk := page.Next
		chunk.Limit = min(ask.Limit, membersAtOnce)
		rows, err := d.r.Removed(ctx, c, chunk, judge.reads())
		if err != nil {
			return nil, fmt.Errorf("read removed records: %w", err)
		}
		for i := range rows {
			row := &rows[i]
			if len(page.Records) == ask.Limit {
				break
			}
			page.Next.Since, page.Next.After = row.At, row.Record
			seen, err := judge.sees(ctx, row)
			if err != nil {
				return nil, err
			}
			if seen {
				page.Records = append(page.Records, row.Gone)
			}
		}
		if last := len(rows) - 1; len(rows) < chunk.Limit {
			page.More = last >= 0 && page.Next.After != rows[last].Record // it was filled before
			return page, nil
		}
		if looked += len(rows); looked >= removedMost {
			break
		}
	}
	page.More = true
	return page, nil
}

// removedJudge tells which removed records an actor might view.
type removedJudge struct {
	past
	on         *recordRights
	conditions *conditions
}

func (d *reading) removedJudge(c *Catalog) *removedJudge {
	j := &removedJudge{past: past{scene: &scene{catalog: c}, st: d.st, r: d.r, linked: map[string]map[query.Ref]bool{}}, on: &recordRights{}}
	if d.access.rules != nil {
		j.on.ca, j.on.limit = d.access.rules.catalog(c), d.access.limit(c)
		j.conditions = d.access.rules.conditions(j.on.ca)
	}
	return j
}

// reads tells whether the rights depend on values.
func (j *removedJudge) reads() bool { return j.on.ca != nil && len(j.on.ca.views) > 0 }

func (j *removedJudge) sees(ctx context.Context, row *RemovedRow) (bool, error) {
	if j.reads() {
		values, err := j.removedValues(row)
		if err != nil {
			return false, err
		}
		in := make([]viewIn, len(j.conditions.in))
		for i, n := range j.conditions.in {
			member, err := j.holds(ctx, row.Record, values, n)
			if err != nil {
				return false, err
			}
			in[i] = viewIn{member, member || isAll(j.conditions.denies[i])}
		}
		j.on.in = map[query.Record][]viewIn{row.Record: in}
	}
	return j.on.privilege(row.Record) >= ViewPrivilege, nil
}

// removedValues are the values that a record had when it was removed.
func (j *removedJudge) removedValues(row *RemovedRow) (map[query.Field]Value, error) {
	had, err := tree.ParseJSON(row.Values, tree.Limits{})
	if err != nil && len(row.Values) > 0 {
		return nil, fmt.Errorf("read the values of the removed record %d: %w", row.Record, err)
	}
	values := map[query.Field]Value{}
	for _, member := range had.Fields() {
		n, err := strconv.ParseInt(member.Key, 10, 64)
		if f := j.catalog.Field(query.Field(n)); err == nil && f != nil {
			values[f.Num] = loggedValue(f, member.Value)
		}
	}
	return values, nil
}

package store

import (
	"context"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// Members implements catalog.Reader. It looks each record up, whatever else
// satisfies the conditions.
func (t *tx) Members(ctx context.Context, st *catalog.Structure, c *catalog.Catalog, records []query.Record,
	conditions []query.Node,
) (map[query.Record]catalog.Bits, error) {
	members := make(map[query.Record]catalog.Bits, len(records))
	if len(records) == 0 {
		return members, nil
	}
	for done := 0; ; {
		b, n, err := compileMembers(t.conn.Dialect(), st, c, records, conditions[done:])
		if err != nil {
			return nil, err
		}
		err = t.conn.Query(ctx, string(b.sql), b.args, func(r row) error {
			record := query.Record(r.Int(0))
			bits := members[record]
			if bits == nil {
				bits = make(catalog.Bits, len(conditions))
				members[record] = bits
			}
			for i := range n {
				bits[done+i] = r.Int(1+i) != 0
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if done += n; done == len(conditions) {
			return members, nil
		}
	}
}

// compileMembers writes the statement for the first conditions, as many as one
// may have, and gives their number.
func compileMembers(d dialect, st *catalog.Structure, c *catalog.Catalog, records []query.Record, conditions []query.Node,
) (b *builder, n int, err error) {
	b = newProbe(d, st)
	src := source{c, recordAlias}
	b.add("SELECT ", src.id())
	for _, condition := range conditions {
		sql, args := len(b.sql), len(b.args)
		b.add(", (")
		if err := b.node(src, condition); err != nil {
			if n == 0 {
				return nil, 0, err
			}
			b.sql, b.args = b.sql[:sql], b.args[:args]
			break // a statement of its own has more room
		}
		b.add(") IS TRUE")
		n++
	}
	b.add(" FROM ", recordTable(c.Num), " ", src.alias, " WHERE ")
	numbers := make([]int64, len(records))
	for i, r := range records {
		numbers[i] = int64(r)
	}
	b.among(src.id(), numbers)
	return b, n, nil
}

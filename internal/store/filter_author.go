package store

import (
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// authored adds the condition that who made the record, or changed it last, is an
// employee for whom another condition holds. The entry is looked up for each record:
// an index tells which are a record's, none which are somebody's.
func (b *builder) authored(src source, n query.Authored) error {
	b.add("(SELECT h.actor FROM history h WHERE h.catalog = ")
	b.int(int64(src.catalog.Num))
	b.add(" AND h.record = ", src.id())
	order := sorting{}
	switch n.By {
	case query.ByCreated:
		b.add(" AND h.kind = 'CREATE'")
	case query.ByUpdated:
		b.add(" AND h.kind IN ('CREATE', 'UPDATE')")
		order.desc = true
		if err := b.historyKinds(&catalog.HistoryQuery{Catalog: src.catalog, Readable: n.Fields, Visible: n.Seen}); err != nil {
			return err
		}
	default:
		return unknownKind()
	}
	b.orderBy("", "h.id", order)
	b.limit(1, 0)
	b.add(")")
	return b.author(n)
}

// author adds what is asked of an employee's number.
func (b *builder) author(n query.Authored) error {
	if n.Who == nil {
		b.add(" > 0")
		return nil
	}
	if keys, ok := n.Who.(query.Among); ok {
		if numbers, codes := splitKeys(keys); len(numbers) > 0 && len(codes) == 0 {
			b.among("", numbers)
			return nil
		}
	}
	employees := b.st.Catalog(n.Employees)
	if employees == nil {
		b.add(" < 0")
		return nil
	}
	if b.links++; b.links > b.maxLinks {
		return fault.New(fault.InvalidFilter, "The filter is nested too deeply")
	}
	defer func() { b.links-- }()
	inner := b.alias(employees)
	b.add(" IN (SELECT ", inner.id(), " FROM ", recordTable(employees.Num), " ", inner.alias, " WHERE ")
	err := b.node(inner, n.Who)
	b.add(")")
	return err
}

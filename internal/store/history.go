package store

import (
	"context"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// History reads history entries by number, the newest first unless Asc.
func (t *tx) History(ctx context.Context, q *catalog.HistoryQuery) ([]catalog.HistoryEntry, error) {
	if q.Limit <= 0 {
		return nil, nil
	}
	b, err := compileHistory(t.conn.Dialect(), q)
	if err != nil {
		return nil, err
	}
	var entries []catalog.HistoryEntry
	err = t.conn.Query(ctx, string(b.sql), b.args, func(r row) error {
		entries = append(entries, catalog.HistoryEntry{ID: r.Int(0), HistoryRow: catalog.HistoryRow{
			Catalog: q.Catalog.Num,
			Record:  query.Record(r.Int(1)),
			At:      r.Int(2),
			Actor:   query.Record(r.Int(3)),
			Kind:    catalog.HistoryKind(r.Str(4)),
			Payload: append([]byte(nil), r.Bytes(5)...),
		}})
		return nil
	})
	return entries, err
}

func compileHistory(d dialect, q *catalog.HistoryQuery) (*builder, error) {
	b := newBuilder(d, q.Structure)
	b.add("SELECT h.id, h.record, h.at, h.actor, h.kind, h.payload FROM history h WHERE h.catalog = ")
	b.int(int64(q.Catalog.Num))
	if q.Record != 0 {
		b.add(" AND h.record = ?")
		b.bind(int64(q.Record))
	}
	if q.Actor != 0 {
		b.add(" AND h.actor = ?")
		b.bind(int64(q.Actor))
	}
	err := b.historyKinds(q)
	if err == nil {
		err = b.historyRecords(q)
	}
	if err != nil {
		return nil, err
	}
	b.orderBy("", "h.id", sorting{desc: !q.Asc})
	b.limit(q.Limit, q.Offset)
	return b, nil
}

// historyKinds adds what the entries may be and which fields they must touch.
func (b *builder) historyKinds(q *catalog.HistoryQuery) error {
	if len(q.Kinds) > 0 {
		kinds := make([]string, len(q.Kinds))
		for i, k := range q.Kinds {
			kinds[i] = string(k)
		}
		b.add(" AND ")
		b.amongTexts("h.kind", kinds)
	}
	if q.Fields != nil {
		b.add(" AND h.kind IN ('CREATE', 'UPDATE') AND ")
		if err := b.touchesSeen(q, q.Fields); err != nil {
			return err
		}
	}
	if q.Readable != nil {
		b.add(" AND (h.kind <> 'UPDATE' OR ")
		if err := b.touchesSeen(q, q.Readable); err != nil {
			return err
		}
		b.add(")")
	}
	return nil
}

// touchesSeen is touches for fields of which some are hidden on some records.
func (b *builder) touchesSeen(q *catalog.HistoryQuery, fields []query.Field) error {
	var always []query.Field
	for _, f := range fields {
		if q.Visible[f] == nil {
			always = append(always, f)
		}
	}
	if len(always) == len(fields) {
		b.touches(fields)
		return nil
	}
	g := sightGroups{builder: b, catalog: q.Catalog, visible: q.Visible}
	for _, n := range fields {
		if f := q.Catalog.Field(n); f != nil {
			g.put(f, int(n))
		}
	}
	if g.err != nil {
		return g.err
	}
	b.add("(")
	b.touches(always)
	for _, seen := range g.list {
		b.add(" OR ")
		b.touches(fieldNumbers(seen.numbers))
		b.add(" AND EXISTS (SELECT 1 FROM ", recordTable(q.Catalog.Num), " ", visibleAlias, " WHERE ",
			visibleAlias, ".id = h.record AND ", seen.sql, ")")
		b.bind(seen.args...)
	}
	b.add(")")
	return nil
}

func fieldNumbers(list []int) []query.Field {
	fields := make([]query.Field, len(list))
	for i, n := range list {
		fields[i] = query.Field(n)
	}
	return fields
}

// touches adds the condition that the entry has a value of one of the fields.
func (b *builder) touches(fields []query.Field) {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = strconv.FormatInt(int64(f), 10)
	}
	b.add(b.dialect.AnyKey("h.payload"))
	b.bind(jsonTexts(keys))
}

// historyRecords adds whose entries are wanted. The record is looked up for
// each entry: entries are read in their order until the page is full, which
// comes sooner than a list of all records that match.
func (b *builder) historyRecords(q *catalog.HistoryQuery) error {
	if q.Where == nil {
		return nil
	}
	table := recordTable(q.Catalog.Num)
	b.add(" AND (")
	if q.WithRemoved {
		b.add("NOT EXISTS (SELECT 1 FROM ", table, " g WHERE g.id = h.record) OR ")
	}
	src := b.alias(q.Catalog)
	b.add("EXISTS (SELECT 1 FROM ", table, " ", src.alias, " WHERE ", src.id(), " = h.record AND ")
	if err := b.matches(src, q.Where, sorting{}); err != nil {
		return err
	}
	b.add("))")
	return nil
}

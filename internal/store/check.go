package store

import (
	"context"
	"fmt"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// Problem is one thing that Check found.
type Problem struct {
	// Part is what is damaged: "database", "structure", "links", "titles",
	// "search", "values", "options", "history", "messages", "changes" or "indexes".
	Part string
	Text string // for an operator
}

func (p Problem) String() string { return p.Part + ": " + p.Text }

// problemsMost bounds what one question of a check reports.
const problemsMost = 20

// Check looks for what the program's promises exclude, in one snapshot: pages
// and indexes of the database, and everything that is stored twice. It changes
// nothing. The company may be in use meanwhile.
func (s *Company) Check(ctx context.Context) ([]Problem, error) {
	broken, err := s.engine.Integrity(ctx, false)
	if err != nil {
		return nil, fmt.Errorf("check the database: %w", err)
	}
	var k *checker
	err = s.engine.View(ctx, nil, func(c conn) error {
		k = &checker{conn: c, company: s}
		for _, text := range broken {
			k.add("database", "%s", text)
		}
		return k.run(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	return k.problems, nil
}

// checker is one check in one snapshot.
type checker struct {
	conn     conn
	company  *Company
	problems []Problem
	// hurt notes the records whose problems can be repaired; nil when nobody
	// wants to know.
	hurt map[query.Record]hurt
}

func (k *checker) add(part, format string, args ...any) {
	k.problems = append(k.problems, Problem{part, fmt.Sprintf(format, args...)})
}

// addOf is add for what follows from a record's values, and can be repaired
// unless h is 0.
func (k *checker) addOf(record query.Record, h hurt, part, format string, args ...any) {
	if k.hurt != nil && h != 0 {
		k.hurt[record] |= h
	}
	k.add(part, format, args...)
}

// ask reports every row of a query for what must not be there. The format gets
// the row's two integers.
func (k *checker) ask(ctx context.Context, part, format, sql string, args ...any) error {
	return k.conn.Query(ctx, sql+fmt.Sprintf(` LIMIT %d`, problemsMost), args, func(r row) error {
		k.add(part, format, r.Int(0), r.Int(1))
		return nil
	})
}

func (k *checker) run(ctx context.Context) error {
	if err := k.conn.Script(ctx, k.company.tables.Patience()); err != nil {
		return err
	}
	d, err := k.company.readStructure(ctx, k.conn)
	if err != nil {
		return err
	}
	for _, check := range []func(context.Context) error{k.structure, k.changes, k.history, k.chats, k.indexes} {
		if err := check(ctx); err != nil {
			return err
		}
	}
	fields := map[query.Catalog][]*catalog.Field{}
	for _, f := range d.Fields {
		fields[f.Catalog] = append(fields[f.Catalog], f)
	}
	for _, c := range d.Catalogs {
		if err := k.catalog(ctx, c, fields[c.Num]); err != nil {
			return fmt.Errorf("catalog %d: %w", c.Num, err)
		}
	}
	return nil
}

func (k *checker) structure(ctx context.Context) error {
	err := k.ask(ctx, "structure", "catalog %d is in section %d, which there is not",
		`SELECT num, section FROM catalogs WHERE section NOT IN (SELECT num FROM sections)`)
	if err == nil {
		err = k.ask(ctx, "structure", "field %d is in catalog %d, which there is not",
			`SELECT num, catalog FROM fields WHERE catalog NOT IN (SELECT num FROM catalogs)`)
	}
	if err == nil {
		err = k.ask(ctx, "structure", "view %d is of catalog %d, which there is not",
			`SELECT num, catalog FROM views WHERE catalog NOT IN (SELECT num FROM catalogs)`)
	}
	if err == nil {
		err = k.ask(ctx, "structure", "board %d is of view %d, which its catalog has not",
			`SELECT num, view FROM boards b WHERE catalog NOT IN (SELECT num FROM catalogs) OR view <> 0 AND NOT EXISTS
				(SELECT 1 FROM views v WHERE v.num = b.view AND v.catalog = b.catalog)`)
	}
	if err == nil {
		err = k.ask(ctx, "structure", "widget %d is on board %d, which there is not",
			`SELECT num, board`+strayWidgets)
	}
	if err == nil {
		err = k.ask(ctx, "structure", "rule %d is about view %d, which is no legal view of its catalog",
			`SELECT id, view FROM rules r WHERE view <> 0 AND NOT EXISTS
				(SELECT 1 FROM views v WHERE v.num = r.view AND v.catalog = r.catalog AND v.legal IS TRUE)`)
	}
	if err == nil {
		err = k.ask(ctx, "links", "field %d, which there is not, has values in record %d",
			`SELECT field, min(record) FROM refs WHERE field NOT IN (SELECT num FROM fields) GROUP BY field`)
	}
	return err
}

func (k *checker) changes(ctx context.Context) error {
	err := k.ask(ctx, "changes", "the numbers of %d changes leave out %d",
		`SELECT count(*), max(seq) - min(seq) + 1 - count(*) FROM changes WHERE seq IS NOT NULL
			HAVING max(seq) - min(seq) + 1 <> count(*)`)
	if err == nil {
		err = k.ask(ctx, "changes", "change %d is of catalog %d, which there is not",
			`SELECT min(seq), catalog FROM changes WHERE catalog <> 0 AND catalog NOT IN (SELECT num FROM catalogs) GROUP BY catalog`)
	}
	return err
}

func (k *checker) history(ctx context.Context) error {
	err := k.ask(ctx, "history", "entry %d is of catalog %d, which there is not",
		`SELECT min(id), catalog FROM history WHERE catalog NOT IN (SELECT num FROM catalogs) GROUP BY catalog`)
	if err == nil {
		err = k.ask(ctx, "history", "entry %d is of record %d, which there never was",
			`SELECT id, record FROM history h WHERE NOT EXISTS
				(SELECT 1 FROM titles t WHERE t.ref = h.catalog * `+refFactor+` + h.record)`)
	}
	return err
}

// refFactor makes a query.Ref in SQL: catalog * refFactor + record.
var refFactor = numbered("", int64(query.MakeRef(1, 0)))

func (k *checker) indexes(ctx context.Context) error {
	missing, err := k.missingIndexes(ctx)
	for _, i := range missing {
		k.add("indexes", "the index %s is missing", i.Name)
	}
	return err
}

// missingIndexes lists those that are noted but not there.
func (k *checker) missingIndexes(ctx context.Context) (missing []catalog.Index, err error) {
	t := &tx{conn: k.conn, company: k.company}
	list, err := t.Indexes(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		found, err := t.hasIndex(ctx, i.Name)
		if err != nil {
			return nil, err
		}
		if !found {
			missing = append(missing, i)
		}
	}
	return missing, nil
}

// catalog checks the records of one catalog with all its fields, removed ones
// too, whose values are still kept.
func (k *checker) catalog(ctx context.Context, c *catalog.Catalog, fields []*catalog.Field) error {
	whole, err := k.whole(ctx, c, fields)
	if err != nil {
		return err
	}
	if !whole {
		k.add("structure", "the table of catalog %d or a column of it is missing", c.Num)
		return nil
	}
	for _, f := range fields {
		if err := k.field(ctx, c, f); err != nil {
			return fmt.Errorf("field %d: %w", f.Num, err)
		}
	}
	if err := k.titles(ctx, c); err != nil {
		return err
	}
	return k.records(ctx, c, fields)
}

// whole tells whether the catalog's table has the columns of all fields.
func (k *checker) whole(ctx context.Context, c *catalog.Catalog, fields []*catalog.Field) (bool, error) {
	t := &tx{conn: k.conn, company: k.company}
	have, err := t.columns(ctx, recordTable(c.Num))
	whole := have["id"]
	for _, f := range fields {
		for _, column := range columnsOf(f) {
			whole = whole && have[column.name]
		}
	}
	return whole, err
}

// titles finds titles of records that are not there; records finds the rest.
func (k *checker) titles(ctx context.Context, c *catalog.Catalog) error {
	first := int64(query.MakeRef(c.Num, 0))
	return k.ask(ctx, "titles", "the title of record %d of catalog %d belongs to no record",
		`SELECT ref - ?, catalog FROM titles t WHERE catalog = ? AND removed IS FALSE
			AND NOT EXISTS (SELECT 1 FROM `+recordTable(c.Num)+` r WHERE r.id = t.ref - ?)`,
		first, int64(c.Num), first)
}

package store

import (
	"context"
	"fmt"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// Structure implements catalog.Store.
func (s *Company) Structure(ctx context.Context) (*catalog.Definition, error) {
	var d *catalog.Definition
	err := s.engine.View(ctx, nil, func(c conn) (err error) {
		d, err = s.readStructure(ctx, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the structure: %w", err)
	}
	return d, nil
}

// Definition implements catalog.Writer.
func (t *tx) Definition(ctx context.Context) (*catalog.Definition, error) {
	d, err := t.company.readStructure(ctx, t.conn)
	if err != nil {
		return nil, fmt.Errorf("read the structure: %w", err)
	}
	return d, nil
}

func (s *Company) readStructure(ctx context.Context, c conn) (*catalog.Definition, error) {
	d := new(catalog.Definition)
	version := statement{SQL: selectVersion, Each: func(r row) error {
		d.Version = Version{Structure: r.Int(0), Rights: r.Int(1)}
		return nil
	}}
	sections := statement{SQL: selectSections, Each: func(r row) error {
		d.Sections = append(d.Sections, readSection(r))
		return nil
	}}
	catalogs := statement{SQL: selectCatalogs, Each: func(r row) error {
		d.Catalogs = append(d.Catalogs, readCatalog(r))
		return nil
	}}
	fields := statement{SQL: selectFields + ` ORDER BY catalog, position, num`, Each: func(r row) error {
		f, err := readField(r)
		d.Fields = append(d.Fields, f)
		return err
	}}
	views := statement{SQL: legalViews, Each: func(r row) error {
		v, err := readView(r)
		d.Views = append(d.Views, v)
		return err
	}}
	rules := statement{SQL: selectRules + ` ORDER BY id`, Each: func(r row) error {
		rule, err := readRule(r)
		d.Rules = append(d.Rules, rule)
		return err
	}}
	boards := boardList{where: sharedBoards}
	err := c.ExecBatch(ctx, append([]statement{version, sections, catalogs, fields, views, rules}, boards.statements()...))
	d.Boards = boards.list
	return d, err
}

const (
	selectSections = `SELECT num, key, name, icon, priority, system, removed FROM sections ORDER BY num`
	insertSection  = `INSERT INTO sections (num, key, name, icon, priority, system, removed)
		VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (num) DO UPDATE SET key = excluded.key, name = excluded.name, icon = excluded.icon,
			priority = excluded.priority, system = excluded.system, removed = excluded.removed`
	sectionTwice = `SELECT key FROM sections WHERE removed IS NULL GROUP BY key HAVING count(*) > 1`

	selectCatalogs = `SELECT num, key, section, name, icon, priority, history, instruction, system, mirror,
		next_field, removed, chat FROM catalogs ORDER BY num`
	insertCatalog = `INSERT INTO catalogs (num, key, section, name, icon, priority, history, instruction,
			system, mirror, next_field, removed, chat)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (num) DO UPDATE SET key = excluded.key, section = excluded.section, name = excluded.name,
			icon = excluded.icon, priority = excluded.priority, history = excluded.history,
			instruction = excluded.instruction, system = excluded.system, mirror = excluded.mirror,
			next_field = excluded.next_field, removed = excluded.removed, chat = excluded.chat`
	catalogTwice = `SELECT key FROM catalogs WHERE removed IS NULL GROUP BY key HAVING count(*) > 1`
)

func readSection(r row) *catalog.Section {
	return &catalog.Section{Num: query.Section(r.Int(0)), Key: r.Str(1), Name: r.Str(2), Icon: r.Str(3),
		Priority: int(r.Int(4)), System: r.Int(5) != 0, Removed: readTime(r, 6)}
}

func readCatalog(r row) *catalog.Catalog {
	return &catalog.Catalog{Num: query.Catalog(r.Int(0)), Key: r.Str(1), Section: query.Section(r.Int(2)),
		Name: r.Str(3), Icon: r.Str(4), Priority: int(r.Int(5)), History: r.Int(6) != 0, Instruction: r.Str(7),
		System: r.Int(8) != 0, Mirror: r.Int(9) != 0, NextField: int(r.Int(10)), Removed: readTime(r, 11), Chat: r.Int(12) != 0}
}

// readTime reads milliseconds; NULL is the zero time.
func readTime(r row, i int) time.Time {
	if r.Null(i) {
		return time.Time{}
	}
	return time.UnixMilli(r.Int(i)).UTC()
}

func writtenTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// SaveSection implements catalog.Writer. It fails with catalog.ErrCodeTaken
// when another live section has that public id.
func (t *tx) SaveSection(ctx context.Context, s *catalog.Section) error {
	_, err := t.conn.Exec(ctx, insertSection, int64(s.Num), s.Key, s.Name, s.Icon, s.Priority, s.System,
		writtenTime(s.Removed))
	if err == nil {
		err = t.unique(ctx, sectionTwice)
	}
	if err != nil {
		return fmt.Errorf("save section %d: %w", s.Num, err)
	}
	return nil
}

// SaveCatalog implements catalog.Writer. It fails with catalog.ErrCodeTaken
// when another live catalog has that public id.
func (t *tx) SaveCatalog(ctx context.Context, c *catalog.Catalog) error {
	err := t.saveCatalog(ctx, c)
	if err != nil {
		return fmt.Errorf("save catalog %d: %w", c.Num, err)
	}
	return nil
}

func (t *tx) saveCatalog(ctx context.Context, c *catalog.Catalog) error {
	columns, err := t.columns(ctx, recordTable(c.Num))
	if err != nil {
		return err
	}
	if len(columns) == 0 {
		if err := t.conn.Script(ctx, t.company.tables.Create(c.Num)); err != nil {
			return err
		}
	}
	_, err = t.conn.Exec(ctx, insertCatalog, int64(c.Num), c.Key, int64(c.Section), c.Name, c.Icon, c.Priority,
		c.History, c.Instruction, c.System, c.Mirror, c.NextField, writtenTime(c.Removed), c.Chat)
	if err != nil {
		return err
	}
	return t.unique(ctx, catalogTwice)
}

// columns lists the columns of a table; none if it does not exist.
func (t *tx) columns(ctx context.Context, table string) (map[string]bool, error) {
	names := map[string]bool{}
	err := t.conn.Query(ctx, t.company.tables.Columns(), []any{table}, func(r row) error {
		names[r.Str(0)] = true
		return nil
	})
	return names, err
}

// unique fails when a query for doubled ids finds one. There is no constraint,
// because ids may be exchanged in several steps; structureLock keeps other
// writers of them away.
func (t *tx) unique(ctx context.Context, doubled string, args ...any) error {
	taken := false
	err := t.conn.Query(ctx, doubled, args, func(row) error {
		taken = true
		return errStop
	})
	if err == nil && taken {
		err = catalog.ErrCodeTaken
	}
	return err
}

// BumpStructure implements catalog.Writer.
func (t *tx) BumpStructure(ctx context.Context) (int64, error) {
	if err := t.bump(ctx, partStructure); err != nil {
		return 0, fmt.Errorf("raise the structure's version: %w", err)
	}
	v, err := readVersion(ctx, t.conn)
	return v.Structure, err
}

package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

const (
	selectViews = `SELECT num, key, catalog, owner, legal, name, origin_name, filters, options FROM views`
	legalViews  = selectViews + ` WHERE legal IS TRUE ORDER BY num`
	insertView  = `INSERT INTO views (num, key, catalog, owner, legal, name, origin_name, filters, options)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (num) DO UPDATE SET key = excluded.key, catalog = excluded.catalog, owner = excluded.owner,
			legal = excluded.legal, name = excluded.name, origin_name = excluded.origin_name,
			filters = excluded.filters, options = excluded.options`
)

func readView(r row) (*catalog.View, error) {
	v := &catalog.View{Num: query.View(r.Int(0)), Key: r.Str(1), Catalog: query.Catalog(r.Int(2)),
		Owner: query.Record(r.Int(3)), Legal: r.Int(4) != 0, Name: r.Str(5), OriginName: r.Str(6)}
	if err := json.Unmarshal(r.Bytes(7), &v.Filters); err != nil {
		return nil, fmt.Errorf("read the filters of view %d: %w", v.Num, err)
	}
	if !r.Null(8) {
		v.Options = bytes.Clone(r.Bytes(8))
	}
	return v, nil
}

// SaveView implements catalog.Writer. The numbers of filters are given as those
// of rules are; see SaveRules.
func (t *tx) SaveView(ctx context.Context, v *catalog.View) error {
	if err := t.saveView(ctx, v); err != nil {
		return fmt.Errorf("save view %d: %w", v.Num, err)
	}
	return nil
}

func (t *tx) saveView(ctx context.Context, v *catalog.View) error {
	before, err := t.viewList(ctx, ` WHERE num = ?`, int64(v.Num))
	if err != nil {
		return err
	}
	var known []int64
	for _, stored := range before {
		for _, f := range stored.Filters {
			known = append(known, f.ID)
		}
	}
	ids := make([]*int64, len(v.Filters))
	for i := range v.Filters {
		ids[i] = &v.Filters[i].ID
	}
	if err := t.number(ctx, viewFilterCounter, known, ids); err != nil {
		return err
	}
	filters, err := written(v.Filters)
	if err != nil {
		return err
	}
	var options any
	if v.Options != nil {
		options = string(v.Options)
	}
	_, err = t.conn.Exec(ctx, insertView, int64(v.Num), v.Key, int64(v.Catalog), int64(v.Owner), v.Legal,
		v.Name, v.OriginName, filters, options)
	if classify(err) == classUnique {
		err = catalog.ErrCodeTaken
	}
	return err
}

// written is JSON as it is stored. Nothing is escaped for HTML.
func written(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return string(bytes.TrimSpace(b.Bytes())), err
}

// DeleteView implements catalog.Writer.
func (t *tx) DeleteView(ctx context.Context, n query.View) error {
	err := execAll(ctx, t.conn, []statement{
		{SQL: `DELETE FROM rules WHERE catalog IN (SELECT catalog FROM views WHERE num = ?) AND view = ?`,
			Args: []any{int64(n), int64(n)}},
		{SQL: `DELETE FROM widgets WHERE board IN (SELECT num FROM boards WHERE view = ?)`, Args: []any{int64(n)}},
		{SQL: `DELETE FROM boards WHERE view = ?`, Args: []any{int64(n)}},
		{SQL: `DELETE FROM views WHERE num = ?`, Args: []any{int64(n)}},
	})
	if err != nil {
		return fmt.Errorf("delete view %d: %w", n, err)
	}
	return nil
}

// PersonalViews implements catalog.Reader.
func (t *tx) PersonalViews(ctx context.Context, c query.Catalog, owner query.Record) ([]*catalog.View, error) {
	where, args := ` WHERE legal IS FALSE AND owner = ?`, []any{int64(owner)}
	if c != 0 {
		where, args = where+` AND catalog = ?`, append(args, int64(c))
	}
	list, err := t.viewList(ctx, where+` ORDER BY num`, args...)
	if err != nil {
		return nil, fmt.Errorf("list personal views: %w", err)
	}
	return list, nil
}

// ViewByKey implements catalog.Reader.
func (t *tx) ViewByKey(ctx context.Context, c query.Catalog, key string) (*catalog.View, error) {
	if !storable(key) {
		return nil, nil
	}
	list, err := t.viewList(ctx, ` WHERE catalog = ? AND key = ?`, int64(c), key)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

func (t *tx) viewList(ctx context.Context, where string, args ...any) (list []*catalog.View, err error) {
	err = t.conn.Query(ctx, selectViews+where, args, func(r row) error {
		v, err := readView(r)
		list = append(list, v)
		return err
	})
	return list, err
}

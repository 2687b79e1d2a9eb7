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
	selectFields = `SELECT num, catalog, id, key, type, name, removed, def FROM fields`
	insertField  = `INSERT INTO fields (num, catalog, id, key, type, name, position, removed, def)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (num) DO UPDATE SET key = excluded.key, type = excluded.type, name = excluded.name,
			position = CASE WHEN excluded.removed IS NULL THEN excluded.position ELSE fields.position END,
			removed = excluded.removed, def = excluded.def`
	fieldTwice = `SELECT key FROM fields WHERE catalog = ? AND removed IS NULL GROUP BY key HAVING count(*) > 1`
)

// fieldDef is the part of a field that is stored as JSON in fields.def.
type fieldDef struct {
	Hint       string          `json:"hint,omitempty"`
	Comment    string          `json:"comment,omitempty"`
	Required   bool            `json:"required,omitempty"`
	APIOnly    bool            `json:"apiOnly,omitempty"`
	Hidden     bool            `json:"hidden,omitempty"`
	Secret     bool            `json:"secret,omitempty"`
	History    bool            `json:"history,omitempty"`
	Filterable bool            `json:"filterable,omitempty"`
	System     bool            `json:"system,omitempty"`
	Visible    json.RawMessage `json:"visible,omitempty"`
	Config     catalog.Config  `json:"config"`
}

func readField(r row) (*catalog.Field, error) {
	f := &catalog.Field{Num: query.Field(r.Int(0)), Catalog: query.Catalog(r.Int(1)), ID: int(r.Int(2)),
		Key: r.Str(3), Type: catalog.TypeByName(r.Str(4)), Name: r.Str(5), Removed: readTime(r, 6)}
	if f.Type == nil {
		return nil, fmt.Errorf("field %d has the unknown type %q", f.Num, r.Str(4))
	}
	var d fieldDef
	if err := json.Unmarshal(r.Bytes(7), &d); err != nil {
		return nil, fmt.Errorf("read field %d: %w", f.Num, err)
	}
	f.Hint, f.Comment, f.Required, f.APIOnly, f.Hidden = d.Hint, d.Comment, d.Required, d.APIOnly, d.Hidden
	f.Secret, f.History, f.Filterable, f.System = d.Secret, d.History, d.Filterable, d.System
	f.Visible, f.Config = d.Visible, d.Config
	return f, nil
}

// definition is the inverse of readField for fields.def. What callers gave as
// JSON keeps its characters: nothing is escaped for HTML.
func definition(f *catalog.Field) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(fieldDef{Hint: f.Hint, Comment: f.Comment, Required: f.Required, APIOnly: f.APIOnly,
		Hidden: f.Hidden, Secret: f.Secret, History: f.History, Filterable: f.Filterable, System: f.System,
		Visible: f.Visible, Config: f.Config})
	return string(bytes.TrimSpace(b.Bytes())), err
}

// SaveFields implements catalog.Writer. A field's position is its index in the
// list; removed ones keep theirs. It fails with catalog.ErrCodeTaken when two
// live fields of the catalog have one public id.
func (t *tx) SaveFields(ctx context.Context, c *catalog.Catalog, fields []*catalog.Field) error {
	if err := t.saveFields(ctx, c, fields); err != nil {
		return fmt.Errorf("save fields of catalog %d: %w", c.Num, err)
	}
	return nil
}

func (t *tx) saveFields(ctx context.Context, c *catalog.Catalog, fields []*catalog.Field) error {
	batch := make([]statement, len(fields))
	for i, f := range fields {
		def, err := definition(f)
		if err != nil {
			return fmt.Errorf("field %d: %w", f.Num, err)
		}
		batch[i] = statement{SQL: insertField, Args: []any{int64(f.Num), int64(f.Catalog), f.ID, f.Key,
			f.Type.Name(), f.Name, i, writtenTime(f.Removed), def}}
	}
	if err := t.addColumns(ctx, c, fields); err != nil {
		return err
	}
	if err := execAll(ctx, t.conn, batch); err != nil {
		return err
	}
	return t.unique(ctx, fieldTwice, int64(c.Num))
}

// addColumns adds the columns that fields need and the table does not have.
func (t *tx) addColumns(ctx context.Context, c *catalog.Catalog, fields []*catalog.Field) error {
	table := recordTable(c.Num)
	have, err := t.columns(ctx, table)
	if err != nil {
		return err
	}
	for _, f := range fields {
		for _, column := range columnsOf(f) {
			if have[column.name] {
				continue
			}
			ddl := `ALTER TABLE ` + table + ` ADD COLUMN ` + column.name + ` ` + t.company.tables.Type(column)
			if err := t.conn.Script(ctx, ddl); err != nil {
				return err
			}
		}
	}
	return nil
}

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

const (
	selectRules = `SELECT id, section, catalog, view, record, field, ref, privilege, fields FROM rules`
	insertRule  = `INSERT INTO rules (id, section, catalog, view, record, field, ref, privilege, fields)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	ofObject = ` WHERE catalog = ? AND view = ? AND record = ? AND section = ?`

	// ruleCounter and viewFilterCounter number what has numbers in this room only.
	ruleCounter       catalog.Counter = "rule"
	viewFilterCounter catalog.Counter = "viewFilter"
)

// fieldRights are the stored names of catalog.FieldRight.
var fieldRights = []string{catalog.HideField: "hide", catalog.ViewField: "view", catalog.EditField: "edit"}

func objectArgs(o catalog.Object) []any {
	return []any{int64(o.Catalog), int64(o.View), int64(o.Record), int64(o.Section)}
}

func readRule(r row) (*catalog.Rule, error) {
	rule := &catalog.Rule{
		ID: r.Int(0),
		Object: catalog.Object{Section: query.Section(r.Int(1)), Catalog: query.Catalog(r.Int(2)),
			View: query.View(r.Int(3)), Record: query.Record(r.Int(4))},
		Subject: catalog.Subject{Field: query.Field(r.Int(5)), Ref: query.Ref(r.Int(6))},
	}
	var ok bool
	if rule.Privilege, ok = catalog.PrivilegeByCode(r.Str(7)); !ok {
		return nil, fmt.Errorf("rule %d has the unknown privilege %q", rule.ID, r.Str(7))
	}
	if r.Null(8) {
		return rule, nil
	}
	var names map[query.Field]string
	if err := json.Unmarshal(r.Bytes(8), &names); err != nil {
		return nil, fmt.Errorf("read rule %d: %w", rule.ID, err)
	}
	rule.Fields = make(map[query.Field]catalog.FieldRight, len(names))
	for f, name := range names {
		right := slices.Index(fieldRights, name)
		if right < 0 {
			return nil, fmt.Errorf("rule %d has the unknown right %q", rule.ID, name)
		}
		rule.Fields[f] = catalog.FieldRight(right)
	}
	return rule, nil
}

// writtenRights is the inverse of readRule for rules.fields.
func writtenRights(fields map[query.Field]catalog.FieldRight) (any, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	names := make(map[query.Field]string, len(fields))
	for f, right := range fields {
		names[f] = fieldRights[right]
	}
	data, err := json.Marshal(names)
	return string(data), err
}

// SaveRules implements catalog.Writer. Numbers that no stored rule of the object
// has are given anew: a transaction that runs for the second time finds those
// that its first run set.
func (t *tx) SaveRules(ctx context.Context, o catalog.Object, rules []*catalog.Rule) error {
	if err := t.saveRules(ctx, o, rules); err != nil {
		return fmt.Errorf("save rules of %+v: %w", o, err)
	}
	return nil
}

func (t *tx) saveRules(ctx context.Context, o catalog.Object, rules []*catalog.Rule) error {
	known, err := t.numbersOf(ctx, `SELECT id FROM rules`+ofObject, objectArgs(o)...)
	if err != nil {
		return err
	}
	ids := make([]*int64, len(rules))
	for i, rule := range rules {
		ids[i] = &rule.ID
	}
	if err := t.number(ctx, ruleCounter, known, ids); err != nil {
		return err
	}
	batch := []statement{{SQL: `DELETE FROM rules` + ofObject, Args: objectArgs(o)}}
	for _, rule := range rules {
		fields, err := writtenRights(rule.Fields)
		if err != nil {
			return err
		}
		batch = append(batch, statement{SQL: insertRule, Args: []any{rule.ID, int64(o.Section), int64(o.Catalog),
			int64(o.View), int64(o.Record), int64(rule.Field), int64(rule.Ref), rule.Privilege.Code(), fields}})
	}
	return execAll(ctx, t.conn, batch)
}

// numbersOf gives the integers of a query.
func (t *tx) numbersOf(ctx context.Context, sql string, args ...any) (list []int64, err error) {
	err = t.conn.Query(ctx, sql, args, func(r row) error {
		list = append(list, r.Int(0))
		return nil
	})
	return list, err
}

// number gives new numbers to what has none of the known ones.
func (t *tx) number(ctx context.Context, c catalog.Counter, known []int64, ids []*int64) error {
	var unnumbered []*int64
	for _, id := range ids {
		if !slices.Contains(known, *id) {
			unnumbered = append(unnumbered, id)
		}
	}
	if len(unnumbered) == 0 {
		return nil
	}
	last, err := t.raise(ctx, c, len(unnumbered))
	for i, id := range unnumbered {
		*id = last - int64(len(unnumbered)-1-i)
	}
	return err
}

// BumpRights implements catalog.Writer.
func (t *tx) BumpRights(ctx context.Context) error {
	if err := t.bump(ctx, partRights); err != nil {
		return fmt.Errorf("raise the rights' version: %w", err)
	}
	return nil
}

// bump raises a version, and notes in the log of changes where: a change of no
// catalog. Who follows from before it does not know what was shown then.
func (t *tx) bump(ctx context.Context, what part) error {
	if err := t.conn.Bump(ctx, what); err != nil {
		return err
	}
	_, err := t.conn.Exec(ctx, noteBump)
	return err
}

// noteBump is of the time of the last change: the store has no clock.
const noteBump = insertChange + ` SELECT 0, 0, 0, coalesce((SELECT at FROM changes WHERE seq = (SELECT max(seq) FROM changes)), 0), 0, '',
	'structure', NULL, NULL`

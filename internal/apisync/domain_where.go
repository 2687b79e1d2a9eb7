package apisync

import (
	"context"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/domain"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// The conditions that hold always and never.
var (
	always query.Node = query.And{}
	never  query.Node = query.Or{}
)

// Where turns a domain into a condition on a config's records, as their reader a sees
// them: sc is his scope of the config's catalog. open allows every field, not only those
// that lines have.
//
// It fails with INVALID_DOMAIN (INVALID_FILTER for criteria without a position) for
// names, operators and values that do not fit, and with FORBIDDEN for fields that a may
// not read.
func (s *Service) Where(ctx context.Context, c *Compiled, a catalog.Actor, sc *catalog.Scope, d domain.Domain, open bool) (query.Node, error) {
	return s.asker(c, a, sc).domain(ctx, level{c, sc.Catalog, open}, d)
}

// asker turns what one request asks into conditions.
type asker struct {
	service *Service
	state   *State
	actor   catalog.Actor
	scope   *catalog.Scope
	// dry tells that only the form counts: no records are looked up.
	dry bool
	// active notes that the config's records were asked for being active or not.
	active bool
}

func (s *Service) asker(c *Compiled, a catalog.Actor, sc *catalog.Scope) *asker {
	return &asker{service: s, state: c.State, actor: a, scope: sc}
}

// bad refuses a criterion.
func (c *criterion) bad(format string, args ...any) *Error {
	e := Refuse(400, "INVALID_FILTER", format, args...)
	if c.Position >= 0 {
		e.Code = "INVALID_DOMAIN"
		e = e.With("position", c.Position)
	}
	return e.With("name", c.Field)
}

func (c *criterion) name() string { return text.Cut(c.Field, 100) }

func (k *asker) domain(ctx context.Context, l level, d domain.Domain) (query.Node, error) {
	switch d := d.(type) {
	case domain.And:
		nodes, err := k.all(ctx, l, d)
		return query.And(nodes), err
	case domain.Or:
		nodes, err := k.all(ctx, l, d)
		return eitherOf(nodes), err
	case domain.Not:
		n, err := k.domain(ctx, l, d.Domain)
		return query.Not{Node: n}, err
	case domain.Criterion:
		return k.criterion(ctx, l, &criterion{Criterion: d})
	}
	return always, nil
}

func (k *asker) all(ctx context.Context, l level, list []domain.Domain) ([]query.Node, error) {
	nodes := make([]query.Node, 0, len(list))
	for _, d := range list {
		n, err := k.domain(ctx, l, d)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// eitherOf holds when one of the nodes does.
func eitherOf(nodes []query.Node) query.Node {
	if len(nodes) == 1 {
		return nodes[0]
	}
	return query.Or(nodes)
}

// criterion turns one criterion into a condition on the records of its level.
func (k *asker) criterion(ctx context.Context, l level, c *criterion) (query.Node, error) {
	t, err := l.find(k.state, c.Field)
	if err != nil {
		return nil, c.placed(err)
	}
	switch {
	case t == nil:
		return nil, c.bad("there is no field %s to filter by", c.name())
	case c.Operator == "=?":
		return nil, c.bad("there is no operator %s", c.Operator)
	}
	if err := k.readable(t, c); err != nil {
		return nil, err
	}
	if t.system == "active" && !k.activate(t) {
		t.field = nil
	}
	c.line = t.line
	k.active = k.active || len(t.path) == 0 && t.at == k.scope.Catalog && k.isActive(t)
	n, err := k.leaf(ctx, l, t, c)
	if err != nil {
		return nil, err
	}
	for i := len(t.path) - 1; i >= 0; i-- {
		f := t.path[i]
		n = query.Cond{Field: f.Num, Test: query.LinksWhere{Catalog: onlyLinked(k.state.Structure, f).Num, Where: n}}
	}
	return n, nil
}

// placed adds to an error of a name where it stands.
func (c *criterion) placed(err error) error {
	e, ok := err.(*Error)
	if !ok || e.Status != 400 {
		return err
	}
	if c.Position >= 0 {
		e.Code = "INVALID_DOMAIN"
		e = e.With("position", c.Position)
	}
	return e
}

// readable makes sure that the actor may read all that a name leads through. The service
// asks again; it does not know names.
func (k *asker) readable(t *target, c *criterion) error {
	for _, f := range append(t.path[:len(t.path):len(t.path)], t.field) {
		if f != nil && !k.scope.Access.Readable(f) {
			return Refuse(403, "FORBIDDEN", "the field %s cannot be read", c.name()).With("name", c.Field)
		}
	}
	return nil
}

// activeField is the switch that says which records of a catalog are active, nil for
// none: all are.
func (k *asker) activeField(c *catalog.Catalog) *catalog.Field { return k.state.activeField(c) }

// activate makes "active" the switch that stands for it; false when there is none, or
// the actor may not read it.
func (k *asker) activate(t *target) bool {
	t.field = k.activeField(t.at)
	return t.field != nil && k.scope.Access.Readable(t.field)
}

func (k *asker) isActive(t *target) bool {
	return t.system == "active" || t.field != nil && t.field == k.activeField(t.at)
}

// leaf is the condition on the field that a name leads to.
func (k *asker) leaf(ctx context.Context, l level, t *target, c *criterion) (query.Node, error) {
	op, negative := strings.CutPrefix(c.Operator, "not ")
	if op == "!=" {
		op, negative = "=", true
	}
	n, err := k.positive(ctx, l, t, c, op)
	if err != nil || !negative {
		return n, err
	}
	return query.Not{Node: n}, nil
}

// positive is the condition of an operator that does not deny.
func (k *asker) positive(ctx context.Context, l level, t *target, c *criterion, op string) (query.Node, error) {
	switch op {
	case "any":
		inner := t.level(k.state, l)
		if t.part != nil || inner.catalog == nil {
			return nil, c.bad("%s links no records of one catalog, so %s cannot be asked of it", c.name(), c.Operator)
		}
		n, err := k.domain(ctx, inner, c.Sub)
		return query.Cond{Field: t.field.Num, Test: query.LinksWhere{Catalog: inner.catalog.Num, Where: n}}, err
	case "child_of", "parent_of":
		return k.kin(ctx, t, c, op == "parent_of")
	case "like", "ilike", "=like", "=ilike":
		return k.like(t, c, op)
	case "=", "in":
		values, err := k.valuesOf(t, c)
		if err != nil {
			return nil, err
		}
		if op == "=" && c.Value.Kind == tree.List && len(values) == 0 {
			values = []tree.Value{{}} // unset
		}
		return k.equals(t, c, values)
	}
	v, err := k.valueOf(t, c, c.Value)
	if err != nil {
		return nil, err
	}
	return k.compares(t, c, op, v)
}

// valuesOf are the values of a criterion as the field has them.
func (k *asker) valuesOf(t *target, c *criterion) ([]tree.Value, error) {
	given := c.Value.Items()
	if c.Value.Kind != tree.List {
		given = []tree.Value{c.Value}
	}
	values := make([]tree.Value, 0, len(given))
	for _, v := range given {
		v, err := k.valueOf(t, c, v)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// valueOf turns one external value into an internal one, which is to be cast yet.
func (k *asker) valueOf(t *target, c *criterion, v tree.Value) (tree.Value, error) {
	if v.Kind == tree.Object {
		return v, c.bad("%s: the value is neither a text, a number, a boolean nor a list of these", c.name())
	}
	if c.Typed && v.Kind == tree.String && v.Str() == "null" && !holdsText(t) {
		v = tree.Value{}
	}
	if t.line == nil || t.part != nil {
		return v, nil
	}
	mapped, bad := t.line.filterValue(v)
	if typed, some := c.typed(v); bad != nil && some {
		mapped, bad = t.line.filterValue(typed)
	}
	switch {
	case bad == nil:
		return mapped, nil
	case isUnset(v):
		return v, nil
	}
	return v, c.bad("%s: %s is no value of this field", c.name(), shown(v))
}

// typed is the number or boolean that a text of a query string may stand for.
func (c *criterion) typed(v tree.Value) (typed tree.Value, some bool) {
	if !c.Typed || v.Kind != tree.String {
		return v, false
	}
	typed, err := tree.ParseJSON([]byte(v.Str()), tree.Limits{Depth: 1})
	return typed, err == nil && (typed.Kind == tree.Number || typed.Kind == tree.Bool)
}

// isUnset tells whether a value means that there is none.
func isUnset(v tree.Value) bool { return v.IsNull() || v.Kind == tree.Bool && !v.True() }

// holdsText tells whether the target's values are texts.
func holdsText(t *target) bool {
	if t.field == nil {
		return t.system == "display_name" || t.system == ExternalID
	}
	return t.field.Storage() == catalog.TextStorage || t.field.Storage() == catalog.JSONStorage
}

// shown is a value as a message repeats it.
func shown(v tree.Value) string {
	if s := v.Text(); s != "" {
		return text.Cut(s, 100)
	}
	return text.Cut(string(v.AppendJSON(nil)), 100)
}

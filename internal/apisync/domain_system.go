package apisync

import (
	"math"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// equalSystem is equals for the fields that every record has. All but active and those
// of employees always have a value.
func (k *asker) equalSystem(t *target, c *criterion, values []tree.Value) (query.Node, error) {
	if authored(t) {
		return k.madeBy(t, c, values)
	}
	var nodes []query.Node
	var keys query.Among
	var titles query.TextIs
	var times []tree.Value
	for _, v := range values {
		switch {
		case t.system == "active":
			on, err := c.boolean(v)
			if err != nil {
				return nil, err
			}
			if on {
				nodes = append(nodes, always)
			}
		case isUnset(v) || v.Kind == tree.String && v.Str() == "":
		case t.system == "id":
			key, err := c.key(v)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		case t.system == "display_name":
			titles = append(titles, textual(v))
		default:
			times = append(times, v)
		}
	}
	spans, err := c.spans(times, catalog.ModeDateTime)
	switch {
	case err != nil:
		return nil, err
	case keys != nil:
		nodes = append(nodes, keys)
	case titles != nil:
		nodes = append(nodes, query.Titled{Test: titles})
	case len(spans) == 1:
		nodes = append(nodes, query.Stamped{By: stampOf(t.system), Min: &spans[0].First, Max: &spans[0].Last})
	case len(spans) > 1:
		nodes = append(nodes, query.Stamped{By: stampOf(t.system), In: spans})
	}
	return eitherOf(nodes), nil
}

func stampOf(system string) query.SortBy {
	switch system {
	case "create_date", "create_uid":
		return query.ByCreated
	}
	return query.ByUpdated
}

// authored tells of the fields that are employees.
func authored(t *target) bool {
	return t.part == nil && t.field == nil && (t.system == "create_uid" || t.system == "write_uid")
}

// authoredBy is the condition that an employee, as the history has him, is one of some;
// nil for anybody.
func authoredBy(t *target, who query.Node) query.Node {
	return query.Authored{By: stampOf(t.system), Employees: catalog.Employees, Who: who}
}

// madeBy is the condition that an employee is one of those that values name. Without an
// employee are records that automation made, or of which there is no history.
func (k *asker) madeBy(t *target, c *criterion, values []tree.Value) (query.Node, error) {
	var nodes []query.Node
	var some []tree.Value
	for _, v := range values {
		if isUnset(v) || v.Kind == tree.String && v.Str() == "" {
			nodes = []query.Node{query.Not{Node: authoredBy(t, nil)}}
			continue
		}
		some = append(some, v)
	}
	ids, names, err := c.idsAndNames(some)
	if err != nil {
		return nil, err
	}
	if len(ids) > 0 {
		nodes = append(nodes, authoredBy(t, query.Among(ids)))
	}
	if len(names) > 0 {
		codes := query.Among{}
		for _, name := range names {
			codes = append(codes, query.Key{Code: name})
		}
		nodes = append(nodes, authoredBy(t, eitherOf(append(k.called(catalog.Employees, names), codes))))
	}
	return eitherOf(nodes), nil
}

// authorLike is the condition that an employee's name matches a pattern, whose text as it
// was given is s.
func authorLike(t *target, test query.TextLike, s string, whole bool) query.Node {
	switch {
	case s == "" && whole:
		return query.Not{Node: authoredBy(t, nil)}
	case s == "":
		return always
	}
	return authoredBy(t, query.Titled{Test: test})
}

func compareSystem(t *target, c *criterion, op string, v tree.Value) (query.Node, error) {
	switch t.system {
	case "id":
		return c.numbered(op, v)
	case "create_date", "write_date":
		s, err := c.span(v, catalog.ModeDateTime)
		if err != nil {
			return nil, err
		}
		low, high := s.beyond(op)
		return query.Stamped{By: stampOf(t.system), Min: low, Max: high}, nil
	}
	return nil, c.bad("%s cannot be compared by %s", c.name(), op)
}

// numbered compares the numbers of records.
func (c *criterion) numbered(op string, v tree.Value) (query.Node, error) {
	n, err := c.number(v)
	if err != nil {
		return nil, err
	}
	if n != math.Trunc(n) || math.Abs(n) > float64(query.MaxRecord) {
		return nil, c.bad("%s: %s is no id", c.name(), shown(v))
	}
	low, high := span{int64(n), int64(n)}.beyond(op)
	return query.Numbered{Min: (*query.Record)(low), Max: (*query.Record)(high)}, nil
}

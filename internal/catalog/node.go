package catalog

import "kartoteka/internal/query"

// The conditions that always and never hold. either, both and not fold them
// away, so that rights that do not matter cost the database nothing.
var (
	all  query.Node = query.And{}
	none query.Node = query.Or{}
)

func isAll(n query.Node) bool {
	list, ok := n.(query.And)
	return ok && len(list) == 0
}

func isNone(n query.Node) bool {
	list, ok := n.(query.Or)
	return ok && len(list) == 0
}

// either holds when one of two conditions does.
func either(a, b query.Node) query.Node {
	switch {
	case isNone(a) || isAll(b):
		return b
	case isNone(b) || isAll(a):
		return a
	}
	if list, ok := a.(query.Or); ok {
		return append(list[:len(list):len(list)], b)
	}
	return query.Or{a, b}
}

// both holds when two conditions do.
func both(a, b query.Node) query.Node {
	switch {
	case isAll(a) || isNone(b):
		return b
	case isAll(b) || isNone(a):
		return a
	}
	if list, ok := a.(query.And); ok {
		return append(list[:len(list):len(list)], b)
	}
	return query.And{a, b}
}

// not holds when a condition does not.
func not(n query.Node) query.Node {
	switch {
	case isAll(n):
		return none
	case isNone(n):
		return all
	}
	return query.Not{Node: n}
}

// among is the condition of the listed records; none for an empty list.
func among(list query.Among) query.Node {
	if len(list) == 0 {
		return none
	}
	return list
}

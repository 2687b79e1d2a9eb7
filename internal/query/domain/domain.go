// Package domain reads conditions in the prefix notation of Odoo, as callers of the
// synchronisation module and scripts write them. It knows no fields: whoever reads a
// domain gives its names a meaning.
package domain

import (
	"slices"
	"strings"

	"kartoteka/internal/query/tree"
)

// Domain is a condition whose operators are checked, its names not: And, Or, Not or
// Criterion.
type Domain interface {
	// depth is how deep it nests, 1 for a criterion.
	depth() int
}

type (
	// And holds when every element holds; the empty one always.
	And []Domain
	// Or holds when one element does; the empty one never.
	Or []Domain
	// Not holds when its element does not.
	Not struct{ Domain Domain }
	// Criterion compares a field with a value.
	Criterion struct {
		// Field is the name as written.
		Field    string
		Operator string // one of Operators
		Value    tree.Value
		// Sub is the domain of "any" and "not any", which have no Value.
		Sub Domain
		// Position is the byte of the domain's text where the criterion begins; -1 for
		// one that was no domain.
		Position int
		// Typed tells that the value came as a text whatever it is, as in query strings.
		Typed bool
	}
)

// Operators are the operators of criteria.
var Operators = []string{
	"=", "!=", ">", ">=", "<", "<=", "=?", "like", "ilike", "not like", "not ilike", "=like", "=ilike", "not =like", "not =ilike",
	"in", "not in", "child_of", "parent_of", "any", "not any",
}

// Bounds of what is read: bytes of the text, criteria in all, how deep they nest, and
// values of one list.
type Bounds struct{ Bytes, Criteria, Depth, Values int }

func deepest(list []Domain) (n int) {
	for _, d := range list {
		n = max(n, d.depth())
	}
	return n
}

func (d And) depth() int { return 1 + deepest(d) }
func (d Or) depth() int  { return 1 + deepest(d) }
func (d Not) depth() int { return 1 + d.Domain.depth() }
func (c Criterion) depth() int {
	if c.Sub == nil {
		return 1
	}
	return 1 + c.Sub.depth()
}

// AllOf joins domains, flat: chains of "&" do not nest.
func AllOf(list ...Domain) Domain { return joined[And](list) }

// AnyOf is AllOf for alternatives.
func AnyOf(list ...Domain) Domain { return joined[Or](list) }

func joined[L interface {
	~[]Domain
	Domain
}](list []Domain) Domain {
	var all L
	for _, d := range list {
		if inner, ok := d.(L); ok {
			all = append(all, inner...)
			continue
		}
		all = append(all, d)
	}
	if len(all) == 1 {
		return all[0]
	}
	return all
}

// OperatorOf reads an operator; "" for what is none.
func OperatorOf(s string) string {
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	switch s {
	case "==":
		return "="
	case "<>":
		return "!="
	}
	if slices.Contains(Operators, s) {
		return s
	}
	return ""
}

package apisync

import (
	"slices"
	"strings"

	"kartoteka/internal/query/tree"
)

// Domain is a condition as callers write it (sync-api.md §2.16), its operators checked,
// its names not yet: DomainAnd, DomainOr, DomainNot or Criterion.
type Domain interface {
	// depth is how deep it nests, 1 for a criterion.
	depth() int
}

type (
	// DomainAnd holds when every element holds; the empty one always.
	DomainAnd []Domain
	// DomainOr holds when one element does; the empty one never.
	DomainOr []Domain
	// DomainNot holds when its element does not.
	DomainNot struct{ Domain Domain }
	// Criterion compares a field with a value.
	Criterion struct {
		// Field is the name as written: an external key, a field of the model, or a
		// path of them with dots.
		Field    string
		Operator string // one of operators
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

// operators are the operators of criteria.
var operators = []string{
	"=", "!=", ">", ">=", "<", "<=", "like", "ilike", "not like", "not ilike", "=like", "=ilike", "not =like", "not =ilike",
	"in", "not in", "child_of", "parent_of", "any", "not any",
}

// Bounds of domains.
const (
	maxDomainBytes  = 16 << 10
	maxCriteria     = 200
	maxDomainDepth  = 20
	maxDomainValues = 1000 // in one list
)

func deepest(list []Domain) (n int) {
	for _, d := range list {
		n = max(n, d.depth())
	}
	return n
}

func (d DomainAnd) depth() int { return 1 + deepest(d) }
func (d DomainOr) depth() int  { return 1 + deepest(d) }
func (d DomainNot) depth() int { return 1 + d.Domain.depth() }
func (c Criterion) depth() int {
	if c.Sub == nil {
		return 1
	}
	return 1 + c.Sub.depth()
}

// allOf and anyOf join domains, flat: chains of "&" and "|" do not nest.
func allOf(list ...Domain) Domain {
	var and DomainAnd
	for _, d := range list {
		if inner, ok := d.(DomainAnd); ok {
			and = append(and, inner...)
			continue
		}
		and = append(and, d)
	}
	if len(and) == 1 {
		return and[0]
	}
	return and
}

func anyOf(list ...Domain) Domain {
	var or DomainOr
	for _, d := range list {
		if inner, ok := d.(DomainOr); ok {
			or = append(or, inner...)
			continue
		}
		or = append(or, d)
	}
	if len(or) == 1 {
		return or[0]
	}
	return or
}

// operatorOf reads an operator; "" for what is none.
func operatorOf(s string) string {
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	switch s {
	case "==":
		return "="
	case "<>":
		return "!="
	}
	if slices.Contains(operators, s) {
		return s
	}
	return ""
}

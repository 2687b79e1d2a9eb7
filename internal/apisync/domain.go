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
	// appendTo appends the domain's terms in prefix notation, each with a comma.
	appendTo(dst []byte) []byte
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

// operator is a prefix operator with its operands.
func operator(dst []byte, name, empty string, list []Domain) []byte {
	if len(list) == 0 {
		return append(dst, empty...)
	}
	for range len(list) - 1 {
		dst = append(dst, name...)
	}
	for _, d := range list {
		dst = d.appendTo(dst)
	}
	return dst
}

func (d DomainAnd) appendTo(dst []byte) []byte { return operator(dst, `"&",`, `[1,"=",1],`, d) }
func (d DomainOr) appendTo(dst []byte) []byte  { return operator(dst, `"|",`, `[0,"=",1],`, d) }
func (d DomainNot) appendTo(dst []byte) []byte { return d.Domain.appendTo(append(dst, `"!",`...)) }

func (c Criterion) appendTo(dst []byte) []byte {
	dst = tree.AppendString(append(dst, '['), c.Field)
	dst = tree.AppendString(append(dst, ','), c.Operator)
	dst = append(dst, ',')
	if c.Sub != nil {
		dst = appendDomain(dst, c.Sub)
	} else {
		dst = c.Value.AppendJSON(dst)
	}
	return append(dst, ']', ',')
}

func appendDomain(dst []byte, d Domain) []byte {
	dst = d.appendTo(append(dst, '['))
	return append(dst[:len(dst)-1], ']') // the last comma
}

// printDomain writes a domain as JSON that ParseDomain reads as the same.
func printDomain(d Domain) string { return string(appendDomain(nil, d)) }

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

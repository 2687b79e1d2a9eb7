package apisync

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// badDomain refuses a domain for what is at a byte of its text.
func badDomain(at int, format string, args ...any) *Error {
	why := fault.Msg(format, args...)
	return refuse(400, "INVALID_DOMAIN", "the domain cannot be read: %s (position %d)", why, at).With("position", at)
}

// ParseDomain reads a domain in the prefix notation of Odoo, written in JSON or in
// literals of Python. The empty text holds always. It fails with INVALID_DOMAIN.
func ParseDomain(s string) (Domain, error) {
	if len(s) > maxDomainBytes {
		return nil, badDomain(maxDomainBytes, "it has more than %d bytes", maxDomainBytes)
	}
	if strings.TrimSpace(s) == "" {
		return DomainAnd{}, nil
	}
	l, err := parseLiteral(s)
	if err != nil {
		return nil, err
	}
	b := &domainBuilder{}
	d, err := b.domain(l)
	if err != nil {
		return nil, err
	}
	if d.depth() > maxDomainDepth {
		return nil, badDomain(l.at, "it nests deeper than %d levels", maxDomainDepth)
	}
	return d, nil
}

// ReadDomain reads the domain of a config: a list, a text that is one, or nothing. It
// fails with INVALID_DOMAIN, also for a text that has to be evaluated.
func ReadDomain(raw json.RawMessage) (Domain, error) {
	raw = bytes.TrimSpace(raw)
	var s string
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return DomainAnd{}, nil
	case json.Unmarshal(raw, &s) == nil:
		return ParseDomain(s)
	}
	return ParseDomain(string(raw))
}

// domainBuilder makes a domain of literals.
type domainBuilder struct{ criteria, depth int }

// domain reads terms from the right: criteria are pushed, operators take theirs off.
func (b *domainBuilder) domain(l literal) (Domain, error) {
	if l.value.Kind != tree.List {
		return nil, badDomain(l.at, "a domain is a list of criteria")
	}
	if b.depth++; b.depth > maxDomainDepth {
		return nil, badDomain(l.at, "it nests deeper than %d levels", maxDomainDepth)
	}
	var stack []Domain // the first term is the last
	for _, item := range slices.Backward(l.items) {
		d, operands, err := b.term(item)
		if err != nil {
			return nil, err
		}
		if len(stack) < operands {
			return nil, badDomain(item.at, "the operator %s lacks an operand", item.value.Str())
		}
		rest := stack[:len(stack)-operands]
		switch item.value.Str() {
		case "!":
			d = DomainNot{stack[len(stack)-1]}
		case "&":
			d = allOf(stack[len(stack)-1], stack[len(stack)-2])
		case "|":
			d = anyOf(stack[len(stack)-1], stack[len(stack)-2])
		}
		stack = append(rest, d)
	}
	b.depth--
	slices.Reverse(stack)
	return allOf(stack...), nil
}

// term reads a criterion, or says how many operands an operator has.
func (b *domainBuilder) term(l literal) (d Domain, operands int, err error) {
	switch {
	case l.value.Kind == tree.List:
		d, err = b.criterion(l)
		return d, 0, err
	case l.value.Kind != tree.String:
		return nil, 0, badDomain(l.at, "a criterion is a list of a field, an operator and a value")
	}
	switch l.value.Str() {
	case "!":
		return nil, 1, nil
	case "&", "|":
		return nil, 2, nil
	}
	return nil, 0, badDomain(l.at, "there is no operator %s; criteria are lists within the list", text.Cut(l.value.Str(), 40))
}

func (b *domainBuilder) criterion(l literal) (Domain, error) {
	if b.criteria++; b.criteria > maxCriteria {
		return nil, badDomain(l.at, "it has more than %d criteria", maxCriteria)
	}
	if len(l.items) != 3 || l.items[1].value.Kind != tree.String {
		return nil, badDomain(l.at, "a criterion is a list of a field, an operator and a value")
	}
	field, name, value := l.items[0], l.items[1], l.items[2]
	if d := constant(field.value, name.value.Str(), value.value); d != nil {
		return d, nil
	}
	if field.value.Kind != tree.String || field.value.Str() == "" {
		return nil, badDomain(field.at, "a field is named by a text")
	}
	c := Criterion{Field: field.value.Str(), Operator: operatorOf(name.value.Str()), Position: l.at}
	switch {
	case strings.HasSuffix(name.value.Str(), "any!"):
		return nil, badDomain(name.at, "%s is not allowed: it would bypass rights", name.value.Str())
	case c.Operator == "":
		return nil, badDomain(name.at, "there is no operator %s", text.Cut(name.value.Str(), 40))
	case strings.HasSuffix(c.Operator, "any"):
		var err error
		c.Sub, err = b.domain(value)
		return c, err
	}
	if len(value.items) > maxDomainValues {
		return nil, badDomain(value.at, "a list has more than %d values", maxDomainValues)
	}
	for _, item := range value.items {
		if item.value.Kind == tree.List {
			return nil, badDomain(item.at, "a value is no list of lists")
		}
	}
	c.Value = value.value
	return c, nil
}

// constant reads [1,"=",1], which holds always, and [0,"=",1], which holds never.
func constant(field tree.Value, operator string, value tree.Value) Domain {
	n, number := field.Int()
	if one, ok := value.Int(); !number || !ok || one != 1 || operatorOf(operator) != "=" {
		return nil
	}
	switch n {
	case 1:
		return DomainAnd{}
	case 0:
		return DomainOr{}
	}
	return nil
}

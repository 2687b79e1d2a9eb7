package domain

import (
	"slices"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// Error is why a text is no domain, at a byte of it.
type Error struct {
	At   int
	Why  fault.Message
	Hint string // what should be written, "" for nothing
}

func (e *Error) Error() string { return e.Why.In("") }

func bad(at int, format string, args ...any) *Error {
	return &Error{At: at, Why: fault.Msg(format, args...)}
}

// Parse reads a domain, written in JSON or in literals of Python. The empty text holds
// always. It fails with *Error.
func Parse(s string, within Bounds) (Domain, error) {
	if len(s) > within.Bytes {
		return nil, bad(within.Bytes, "it has more than %d bytes", within.Bytes)
	}
	if strings.TrimSpace(s) == "" {
		return And{}, nil
	}
	l, err := parseLiteral(s, within.Depth)
	if err != nil {
		return nil, err
	}
	return build(l, within)
}

// Of reads a domain that is a value already; its positions are 0. It fails with *Error.
func Of(v tree.Value, within Bounds) (Domain, error) { return build(literalOf(v), within) }

func literalOf(v tree.Value) literal {
	l := literal{value: v}
	for _, item := range v.Items() {
		l.items = append(l.items, literalOf(item))
	}
	return l
}

func build(l literal, within Bounds) (Domain, error) {
	b := &builder{within: within}
	d, err := b.domain(l)
	if err != nil {
		return nil, err
	}
	if d.depth() > within.Depth {
		return nil, bad(l.at, "it nests deeper than %d levels", within.Depth)
	}
	return d, nil
}

// builder makes a domain of literals.
type builder struct {
	within          Bounds
	criteria, depth int
}

// domain reads terms from the right: criteria are pushed, operators take theirs off.
func (b *builder) domain(l literal) (Domain, error) {
	if l.value.Kind != tree.List {
		return nil, bad(l.at, "a domain is a list of criteria")
	}
	if b.depth++; b.depth > b.within.Depth {
		return nil, bad(l.at, "it nests deeper than %d levels", b.within.Depth)
	}
	var stack []Domain // the first term is the last
	for _, item := range slices.Backward(l.items) {
		d, operands, err := b.term(item)
		if err != nil {
			return nil, err
		}
		if len(stack) < operands {
			return nil, bad(item.at, "the operator %s lacks an operand", item.value.Str())
		}
		rest := stack[:len(stack)-operands]
		switch item.value.Str() {
		case "!":
			d = Not{stack[len(stack)-1]}
		case "&":
			d = AllOf(stack[len(stack)-1], stack[len(stack)-2])
		case "|":
			d = AnyOf(stack[len(stack)-1], stack[len(stack)-2])
		}
		stack = append(rest, d)
	}
	b.depth--
	slices.Reverse(stack)
	return AllOf(stack...), nil
}

// term reads a criterion, or says how many operands an operator has.
func (b *builder) term(l literal) (d Domain, operands int, err error) {
	switch {
	case l.value.Kind == tree.List:
		d, err = b.criterion(l)
		return d, 0, err
	case l.value.Kind != tree.String:
		return nil, 0, bad(l.at, "a criterion is a list of a field, an operator and a value")
	}
	switch l.value.Str() {
	case "!":
		return nil, 1, nil
	case "&", "|":
		return nil, 2, nil
	}
	return nil, 0, bad(l.at, "there is no operator %s; criteria are lists within the list", text.Cut(l.value.Str(), 40))
}

func (b *builder) criterion(l literal) (Domain, error) {
	if b.criteria++; b.criteria > b.within.Criteria {
		return nil, bad(l.at, "it has more than %d criteria", b.within.Criteria)
	}
	if len(l.items) != 3 || l.items[1].value.Kind != tree.String {
		return nil, bad(l.at, "a criterion is a list of a field, an operator and a value")
	}
	field, name, value := l.items[0], l.items[1], l.items[2]
	if d := constant(field.value, name.value.Str(), value.value); d != nil {
		return d, nil
	}
	if field.value.Kind != tree.String || field.value.Str() == "" {
		return nil, bad(field.at, "a field is named by a text")
	}
	c := Criterion{Field: field.value.Str(), Operator: OperatorOf(name.value.Str()), Position: l.at}
	switch {
	case strings.HasSuffix(name.value.Str(), "any!"):
		return nil, bad(name.at, "%s is not allowed: it would bypass rights", name.value.Str())
	case c.Operator == "":
		return nil, bad(name.at, "there is no operator %s", text.Cut(name.value.Str(), 40))
	case strings.HasSuffix(c.Operator, "any"):
		var err error
		c.Sub, err = b.domain(value)
		return c, err
	}
	if len(value.items) > b.within.Values {
		return nil, bad(value.at, "a list has more than %d values", b.within.Values)
	}
	for _, item := range value.items {
		if item.value.Kind == tree.List {
			return nil, bad(item.at, "a value is no list of lists")
		}
	}
	c.Value = value.value
	return c, nil
}

// constant reads [1,"=",1], which holds always, and [0,"=",1], which holds never.
func constant(field tree.Value, operator string, value tree.Value) Domain {
	n, number := field.Int()
	if one, ok := value.Int(); !number || !ok || one != 1 || OperatorOf(operator) != "=" {
		return nil
	}
	switch n {
	case 1:
		return And{}
	case 0:
		return Or{}
	}
	return nil
}

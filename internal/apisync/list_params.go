package apisync

import (
	"slices"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/domain"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// reserved are the names of parameters that are not fields; those that say why are not
// there.
var reserved = map[string]fault.Message{
	"limit": {}, "offset": {}, "domain": {}, "order": {}, "fields": {}, "search": {}, "count": {}, "updated_since": {},
	"include_deleted": {}, "include_archived": {}, "atomic": {}, "dry_run": {},
	"page": fault.Msg("use limit and offset"), "page_size": fault.Msg("use limit"), "cursor": fault.Msg("use offset"),
	"sort": fault.Msg("use order"), "lang": fault.Msg("answers have one form for all languages"), "tz": fault.Msg("times are in UTC"),
	"by": fault.Msg("the configuration says what a path names"),
}

// withParams adds the config's parameters: defaults of what is missing, and criteria
// that always hold.
func (c *Compiled) withParams(pairs []Pair) ([]Pair, domain.Domain, error) {
	fixed := domain.And{}
	for i := range c.Params {
		p := &c.Params[i]
		if !p.Enabled {
			continue
		}
		v, err := tree.ParseJSON(p.Value, tree.Limits{})
		if err != nil && len(p.Value) > 0 {
			return nil, nil, badConfig(err, "the parameter %s has no value", p.Field)
		}
		if p.Kind == "filter" || p.Kind == "" && p.Operator != "" && p.Operator != "=" {
			d, err := p.criterion(v)
			if err != nil {
				return nil, nil, badConfig(err, "the parameter %s is no criterion", p.Field)
			}
			fixed = append(fixed, d)
			continue
		}
		given := func(q Pair) bool { return q.Key == p.Field || strings.HasPrefix(q.Key, p.Field+"[") }
		if !slices.ContainsFunc(pairs, given) {
			pairs = append(slices.Clip(pairs), Pair{p.Field, plainText(v)})
		}
	}
	return pairs, fixed, nil
}

// badConfig is what a request is told that a config cannot answer.
func badConfig(cause error, format string, args ...any) *Error {
	e := Refuse(500, "CONFIG_ERROR", format, args...)
	e.cause = cause
	return e
}

// plainText is a value as a query string has it.
func plainText(v tree.Value) string {
	if v.Kind == tree.String {
		return v.Str()
	}
	return string(v.AppendJSON(nil))
}

// criterion is the fixed criterion of a parameter.
func (p *Param) criterion(v tree.Value) (domain.Domain, error) {
	op := p.Operator
	if op == "" {
		op = "="
	}
	if v.Kind == tree.String && strings.HasSuffix(op, "any") {
		d, err := ParseDomain(v.Str())
		return domain.Criterion{Field: p.Field, Operator: domain.OperatorOf(op), Sub: d, Position: -1}, err
	}
	one := tree.NewList([]tree.Value{tree.NewString(p.Field), tree.NewString(op), v})
	return ParseDomain(string(tree.NewList([]tree.Value{one}).AppendJSON(nil)))
}

// reserve takes the reserved parameters; the rest are filters.
func (l *listReader) reserve(pairs []Pair) (rest []Pair, err error) {
	for _, p := range pairs {
		why, ok := reserved[p.Key]
		_, twice := l.reserved[p.Key]
		switch {
		case !ok:
			rest = append(rest, p)
		case why.Format != "":
			return nil, badParameter(p.Key, "%s is not supported: %s", p.Key, why)
		case twice:
			return nil, badParameter(p.Key, "%s is given twice", p.Key)
		default:
			l.reserved[p.Key] = p.Value
		}
	}
	return rest, nil
}

// filters reads the parameters that compare fields. Names that begin with _ and are no
// keys are passed over: they keep answers out of caches.
func (l *listReader) filters(pairs []Pair) (domain.And, error) {
	and := domain.And{}
	plain := map[string]int{} // places of equalities by key: repeated ones are alternatives
	for _, p := range pairs {
		if p.Key == "" || p.Key[0] == '_' && l.config.Line(p.Key) == nil {
			continue
		}
		list, err := l.filter(p)
		if err != nil {
			return nil, err
		}
		first := list[0]
		if first.Operator == "=" && first.Typed {
			if i, ok := plain[first.Field]; ok {
				before := and[i].(domain.Criterion)
				before.Value = tree.NewList(append(listOf(before.Value), first.Value))
				and[i] = before
				continue
			}
			plain[first.Field] = len(and)
		}
		for _, c := range list {
			and = append(and, c.Criterion)
		}
		if len(and) > domainBounds.Criteria {
			return nil, badParameter(p.Key, "there are more than %d filters", domainBounds.Criteria)
		}
	}
	return and, nil
}

func listOf(v tree.Value) []tree.Value {
	if v.Kind == tree.List {
		return slices.Clone(v.Items())
	}
	return []tree.Value{v}
}

func badParameter(name, format string, args ...any) *Error {
	return Refuse(400, "INVALID_PARAMETER", format, args...).With("name", name)
}

// bracketed are the operators in brackets that take one value as it is.
var bracketed = map[string]string{
	"eq": "=", "ne": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=",
	"like": "like", "ilike": "ilike", "nlike": "not like", "nilike": "not ilike",
}

// filter reads "key=value" or "key[operator]=value".
func (l *listReader) filter(p Pair) ([]criterion, error) {
	c := criterion{Criterion: domain.Criterion{Field: p.Key, Operator: "=", Value: tree.NewString(p.Value), Position: -1, Typed: true}}
	i := strings.LastIndexByte(p.Key, '[')
	if i <= 0 || !strings.HasSuffix(p.Key, "]") || l.config.Line(p.Key) != nil {
		return []criterion{c}, nil
	}
	op := p.Key[i+1 : len(p.Key)-1]
	c.Field = p.Key[:i]
	if plain, ok := bracketed[op]; ok {
		c.Operator = plain
		return []criterion{c}, nil
	}
	switch op {
	case "in", "nin":
		c.Operator = map[string]string{"in": "in", "nin": "not in"}[op]
		c.Value = tree.NewList(splitList(p.Value))
		if c.Value.Len() > domainBounds.Values {
			return nil, c.bad("%s: a list has more than %d values", c.name(), domainBounds.Values)
		}
		return []criterion{c}, nil
	case "starts", "ends":
		c.Operator = "=ilike"
		c.Value = tree.NewString(map[string]string{"starts": "", "ends": "%"}[op] + literally(p.Value) + map[string]string{"starts": "%", "ends": ""}[op])
		return []criterion{c}, nil
	case "null":
		unset, err := c.boolean(tree.NewString(p.Value))
		c.Value, c.Typed = tree.Value{}, false
		if !unset {
			c.Operator = "!="
		}
		return []criterion{c}, err
	case "between":
		ends := splitList(p.Value)
		if len(ends) != 2 {
			return nil, c.bad("%s: between takes two values with a comma", c.name())
		}
		low, high := c, c
		low.Operator, low.Value = ">=", ends[0]
		high.Operator, high.Value = "<=", ends[1]
		return []criterion{low, high}, nil
	}
	return nil, c.bad("%s: there is no operator %s", c.name(), text.Cut(op, 40))
}

// splitList splits at commas; "\," is one that does not. The empty text is no value.
func splitList(s string) (list []tree.Value) {
	if s == "" {
		return nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == ',':
			b.WriteByte(',')
			i++
		case s[i] == ',':
			list = append(list, tree.NewString(b.String()))
			b.Reset()
		default:
			b.WriteByte(s[i])
		}
	}
	return append(list, tree.NewString(b.String()))
}

package scriptenv

import (
	"context"
	"math"
	"strings"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/domain"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
)

// reader gives the names of a domain a meaning: the fields of a catalog as scripts name
// them.
type reader struct {
	host  *Host
	scope *catalog.Scope
}

// domainBounds are those of domains of scripts, and of paths.
var domainBounds = domain.Bounds{Criteria: 1000, Depth: 50, Values: searchMost}

func badDomain(why string) error { return script.Raise(valueError, "the domain cannot be read: "+why) }

// domain reads the domain of a search, nil for all records.
func (d *reader) domain(ctx context.Context, terms tree.Value) (query.Node, error) {
	of, err := domain.Of(terms, domainBounds)
	if err != nil {
		return nil, badDomain(err.Error())
	}
	if all, ok := of.(domain.And); ok && len(all) == 0 {
		return nil, nil
	}
	return d.node(ctx, of)
}

func (d *reader) node(ctx context.Context, of domain.Domain) (query.Node, error) {
	switch of := of.(type) {
	case domain.And:
		nodes, err := d.nodes(ctx, of)
		return query.And(nodes), err
	case domain.Or:
		nodes, err := d.nodes(ctx, of)
		return query.Or(nodes), err
	case domain.Not:
		n, err := d.node(ctx, of.Domain)
		return query.Not{Node: n}, err
	case domain.Criterion:
		return d.term(ctx, of)
	}
	return nil, badDomain("it is no list")
}

func (d *reader) nodes(ctx context.Context, list []domain.Domain) ([]query.Node, error) {
	nodes := make([]query.Node, len(list))
	for i, of := range list {
		var err error
		if nodes[i], err = d.node(ctx, of); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

func (d *reader) term(ctx context.Context, c domain.Criterion) (n query.Node, err error) {
	if strings.Count(c.Field, ".") > domainBounds.Depth {
		return nil, badDomain("the path is too long")
	}
	if field, rest, path := d.path(c.Field, c.Operator); path {
		c.Field = rest
		return d.linked(ctx, field, c)
	}
	switch c.Operator {
	case "=?":
		if c.Value.IsNull() || c.Value.Kind == tree.Bool && !c.Value.True() {
			return query.And{}, nil
		}
		return d.test(c.Field, "=", c.Value)
	case "=", "in", "ilike", "like":
		return d.test(c.Field, c.Operator, c.Value)
	case "!=", "not in", "not ilike", "not like":
		n, err = d.test(c.Field, strings.TrimPrefix(strings.TrimPrefix(c.Operator, "not "), "!"), c.Value)
		return query.Not{Node: n}, err
	case ">", ">=", "<", "<=":
		return d.compare(c.Field, c.Operator, c.Value)
	case "any", "not any":
		f, err := d.field(c.Field)
		if err != nil {
			return nil, err
		}
		if n, err = d.linked(ctx, f, c.Sub); err == nil && c.Operator == "not any" {
			n = query.Not{Node: n}
		}
		return n, err
	}
	return nil, badDomain("there is no operator " + c.Operator)
}

// path tells whether a term is about records that a field links, and about what of
// theirs: "partner.name", or a part of their titles.
func (d *reader) path(name, operator string) (f *catalog.Field, rest string, ok bool) {
	first, rest, dotted := strings.Cut(name, ".")
	if f = d.host.fieldOf(d.scope.Catalog, first); f == nil {
		return nil, "", false
	}
	other := linkedCatalog(d.scope, f)
	if other == nil || dotted {
		return f, rest, dotted && other != nil
	}
	if !strings.HasSuffix(operator, "like") || other.Title() == nil {
		return nil, "", false
	}
	return f, other.Title().Key, true
}

// linked holds for records that link one for which a domain holds.
func (d *reader) linked(ctx context.Context, f *catalog.Field, of domain.Domain) (query.Node, error) {
	other := linkedCatalog(d.scope, f)
	if other == nil {
		return nil, badDomain(f.Key + " links no records of one catalog")
	}
	scope, err := d.host.Catalog.Catalog(ctx, d.host.Actor, other.Key)
	if err != nil {
		return nil, err
	}
	n, err := (&reader{d.host, scope}).node(ctx, of)
	return query.Cond{Field: f.Num, Test: query.LinksWhere{Catalog: scope.Catalog.Num, Where: n}}, err
}

func (d *reader) field(name string) (*catalog.Field, error) {
	if f := d.host.fieldOf(d.scope.Catalog, name); f != nil {
		return f, nil
	}
	return nil, badDomain("there is no field " + name)
}

// test reads a term of equality, or of a part of a text.
func (d *reader) test(name, operator string, value tree.Value) (query.Node, error) {
	if name == "id" {
		return among(value), nil
	}
	f, err := d.field(name)
	if err != nil {
		return nil, err
	}
	kind, _ := d.host.kind(d.scope, f)
	var any query.Or
	var texts query.TextIs
	var numbers query.NumberIs
	var links []tree.Value
	equal := operator == "=" || operator == "in"
	for _, v := range valuesOf(value) {
		number, isNumber := v.Float()
		switch {
		case kind == "char" && equal && isEmpty(v):
			v = tree.Value{}
		case kind == "char" && equal && v.Text() != "":
			texts = append(texts, v.Text())
			continue
		case (kind == "float" || kind == "integer") && isNumber:
			numbers = append(numbers, catalog.RoundNumber(number))
			continue
		case (kind == "many2one" || kind == "many2many") && !isEmpty(v):
			links = append(links, v)
			continue
		}
		n, err := d.filter(f, v)
		if err != nil {
			return nil, err
		}
		any = append(any, n)
	}
	if texts != nil {
		any = append(any, query.Cond{Field: f.Num, Test: texts})
	}
	if numbers != nil {
		any = append(any, query.Cond{Field: f.Num, Test: numbers})
	}
	if links != nil {
		n, err := d.filter(f, tree.NewList(links))
		if err != nil {
			return nil, err
		}
		any = append(any, n)
	}
	return any, nil
}

// isEmpty tells of what stands for no value: None, False and "".
func isEmpty(v tree.Value) bool {
	return v.IsNull() || v.Kind == tree.Bool && !v.True() || v.Kind == tree.String && v.Str() == ""
}

// filter is what a filter of the API by a value asks.
func (d *reader) filter(f *catalog.Field, v tree.Value) (query.Node, error) {
	v = d.host.inValue(d.scope, f, v)
	if v.Kind == tree.List && v.Len() == 0 {
		v = tree.Value{}
	}
	n, err := bpium.DecodeFilter(tree.NewObject([]tree.Field{{Key: f.Key, Value: v}}), d.scope, catalog.Moment{Now: d.host.Now()})
	if n == nil {
		n = query.And{}
	}
	return n, err
}

// compare reads a term of order, of numbers and dates.
func (d *reader) compare(name, operator string, value tree.Value) (query.Node, error) {
	f, err := d.field(name)
	if err != nil {
		return nil, err
	}
	bound := "at"
	if operator[0] == '<' {
		bound = "to"
	}
	if number, ok := value.Float(); ok && value.Kind == tree.Number && f.Type.Name() == "number" {
		var r query.NumberRange
		switch operator {
		case ">":
			number = math.Nextafter(number, math.Inf(1))
		case "<":
			number = math.Nextafter(number, math.Inf(-1))
		}
		if bound == "at" {
			r.Min = &number
		} else {
			r.Max = &number
		}
		return query.Cond{Field: f.Num, Test: r}, nil
	}
	if len(operator) == 1 {
		return nil, badDomain(operator + " is for numbers; use " + operator + "=")
	}
	of := tree.NewObject([]tree.Field{{Key: bound, Value: value}})
	return bpium.DecodeFilter(tree.NewObject([]tree.Field{{Key: f.Key, Value: of}}), d.scope, catalog.Moment{Now: d.host.Now()})
}

// ordersMost bounds the fields of an order.
const ordersMost = 10

// sort reads "field desc, other"; the order of creation without.
func (d *reader) sort(order *string) (sorts []query.Sort, err error) {
	if order == nil || strings.TrimSpace(*order) == "" {
		return []query.Sort{{}}, nil
	}
	terms := strings.Split(*order, ",")
	if len(terms) > ordersMost {
		return nil, script.Raise(valueError, "an order has at most 10 fields")
	}
	for _, term := range terms {
		words := strings.Fields(term)
		if len(words) == 0 {
			return nil, script.Raise(valueError, "the order lacks a field")
		}
		s := query.Sort{Desc: len(words) > 1 && strings.EqualFold(words[1], "desc")}
		switch words[0] {
		case "id":
		case createDate:
			s.By = query.ByCreated
		case writeDate:
			s.By = query.ByUpdated
		default:
			f, err := d.field(words[0])
			if err != nil {
				return nil, err
			}
			s.By, s.Field = query.ByField, f.Num
		}
		sorts = append(sorts, s)
	}
	return sorts, nil
}

package hook

import (
	"context"
	"math"
	"strings"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
)

// domain reads the prefix notation of search: terms joined by and unless "&", "|" or
// "!" stand before them.
type domain struct {
	host  *host
	scope *catalog.Scope
	terms []tree.Value
	// exact are texts that must be equal: the store finds those that contain them.
	exact []exactText
	loose bool // an operator stands before what is read
}

type exactText struct {
	field *catalog.Field
	text  string
}

func badDomain(why string) error { return script.Raise(valueError, "the domain cannot be read: "+why) }

func (d *domain) all() (query.Node, error) {
	var nodes query.And
	for len(d.terms) > 0 {
		d.loose = false
		n, err := d.next(0)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	if len(nodes) == 0 {
		return nil, nil
	}
	return nodes, nil
}

// domainDepth bounds how deep operators nest.
const domainDepth = 50

func (d *domain) next(depth int) (query.Node, error) {
	if len(d.terms) == 0 || depth > domainDepth {
		return nil, badDomain("an operator lacks its terms, or there are too many")
	}
	t := d.terms[0]
	d.terms = d.terms[1:]
	if t.Kind != tree.String {
		return d.term(t.Items())
	}
	d.loose = d.loose || t.Str() != "&"
	a, err := d.next(depth + 1)
	if err != nil || t.Str() == "!" {
		return query.Not{Node: a}, err
	}
	b, err := d.next(depth + 1)
	switch {
	case err != nil:
		return nil, err
	case t.Str() == "&":
		return query.And{a, b}, nil
	case t.Str() == "|":
		return query.Or{a, b}, nil
	}
	return nil, badDomain("there is no operator " + t.Str())
}

func (d *domain) term(parts []tree.Value) (query.Node, error) {
	if len(parts) != 3 {
		return nil, badDomain("a term has a field, an operator and a value")
	}
	name, operator, value := parts[0].Text(), parts[1].Text(), parts[2]
	var n query.Node
	var err error
	switch operator {
	case "=", "in", "ilike", "like", "=?":
		n, err = d.test(name, operator, value)
	case "!=", "not in", "not ilike":
		loose := d.loose
		d.loose = true
		n, err = d.test(name, strings.TrimPrefix(strings.TrimPrefix(operator, "not "), "!"), value)
		d.loose, n = loose, query.Not{Node: n}
	case ">", ">=", "<", "<=":
		n, err = d.compare(name, operator, value)
	default:
		err = badDomain("there is no operator " + operator)
	}
	return n, err
}

func (d *domain) field(name string) (*catalog.Field, error) {
	if f := bpium.FieldByID(d.scope.Catalog, name); f != nil {
		return f, nil
	}
	return nil, badDomain("there is no field " + name)
}

// test reads a term of equality, or of a part of a text.
func (d *domain) test(name, operator string, value tree.Value) (query.Node, error) {
	if name == "id" {
		return among(value), nil
	}
	f, err := d.field(name)
	if err != nil {
		return nil, err
	}
	kind, _ := d.host.kind(d.scope, f)
	var any query.Or
	for _, v := range valuesOf(value) {
		v = d.host.inValue(d.scope, f, v)
		if kind == "char" && (operator == "=" || operator == "in") && !v.IsNull() && v.Text() != "" {
			if d.loose || len(valuesOf(value)) > 1 {
				return nil, badDomain("= of a text must stand alone; use ilike under other operators")
			}
			d.exact = append(d.exact, exactText{f, v.Text()})
		}
		if v.Kind == tree.List && v.Len() == 0 {
			v = tree.Value{}
		}
		n, err := bpium.DecodeFilter(tree.NewObject([]tree.Field{{Key: f.Key, Value: v}}), d.scope, catalog.Moment{Now: d.host.now()})
		if err != nil {
			return nil, err
		}
		if n == nil {
			n = query.And{}
		}
		any = append(any, n)
	}
	return any, nil
}

// compare reads a term of order, of numbers and dates.
func (d *domain) compare(name, operator string, value tree.Value) (query.Node, error) {
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
	return bpium.DecodeFilter(tree.NewObject([]tree.Field{{Key: f.Key, Value: of}}), d.scope, catalog.Moment{Now: d.host.now()})
}

// search gives the ids of the records that a domain means.
func (h *host) search(ctx context.Context, sc *catalog.Scope, a *hostArgs) ([]query.Record, error) {
	terms, err := tree.ParseJSON(a.Domain, tree.Limits{Depth: 32})
	if err != nil || terms.Kind != tree.List {
		return nil, badDomain("it is no list")
	}
	d := &domain{host: h, scope: sc, terms: terms.Items()}
	q := query.Query{Limit: hostBatch}
	if q.Where, err = d.all(); err != nil {
		return nil, err
	}
	if q.Sort, err = d.sort(a.Order); err != nil {
		return nil, err
	}
	limit, skip := searchMost, max(a.Offset, 0)
	if a.Limit != nil {
		limit = min(*a.Limit, searchMost)
	}
	found := []query.Record{}
	sel := &catalog.Selection{Fields: []*catalog.Field{}}
	for _, e := range d.exact {
		sel.Fields = append(sel.Fields, e.field)
	}
	for len(found) < limit {
		rows, err := h.catalog.Records(ctx, h.actor, sc.Catalog.Num, q, sel)
		if err != nil {
			return nil, err
		}
		for i := range rows.Page.Len() {
			if !d.equal(rows, i) {
				continue
			}
			if skip--; skip < 0 && len(found) < limit {
				found = append(found, rows.Page.Record(i))
			}
		}
		if rows.Page.Len() < hostBatch {
			break
		}
		q.Offset += hostBatch
	}
	return found, nil
}

// equal tells whether the texts of a row are those that were asked for.
func (d *domain) equal(rows *catalog.Rows, row int) bool {
	for _, e := range d.exact {
		j := rows.Page.Column(e.field.Num)
		if v, _ := catalog.CellValue(e.field, rows.Page, rows.Page.Cell(row, j)).(catalog.Text); string(v) != e.text {
			return false
		}
	}
	return true
}

// sort reads "field desc"; the order of creation without.
func (d *domain) sort(order *string) (s query.Sort, err error) {
	if order == nil || strings.TrimSpace(*order) == "" {
		return s, nil
	}
	words := strings.Fields(strings.SplitN(*order, ",", 2)[0])
	s.Desc = len(words) > 1 && strings.EqualFold(words[1], "desc")
	if words[0] == "id" {
		return s, nil
	}
	f, err := d.field(words[0])
	if err != nil {
		return s, err
	}
	s.By, s.Field = query.ByField, f.Num
	return s, nil
}

var _ script.Host = (*host)(nil)

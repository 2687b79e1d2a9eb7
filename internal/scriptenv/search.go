package scriptenv

import (
	"context"
	"encoding/json"
	"math"
	"slices"
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
	host  *Host
	scope *catalog.Scope
	terms []tree.Value
	// exact are texts that must be equal: the store finds those that contain them.
	exact []exactText
	loose bool // an operator stands before what is read
	// looked counts the texts that were looked up, in all parts of the domain.
	looked *int
}

type exactText struct {
	field *catalog.Field
	text  string
}

func badDomain(why string) error { return script.Raise(valueError, "the domain cannot be read: "+why) }

func (d *domain) all(ctx context.Context) (query.Node, error) {
	var nodes query.And
	for len(d.terms) > 0 {
		d.loose = false
		n, err := d.next(ctx, 0)
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

const (
	// domainDepth bounds how deep operators nest, and paths.
	domainDepth = 50
	// lookedMost bounds the texts that are looked up for one search.
	lookedMost = 500
)

func (d *domain) next(ctx context.Context, depth int) (query.Node, error) {
	if len(d.terms) == 0 || depth > domainDepth {
		return nil, badDomain("an operator lacks its terms, or there are too many")
	}
	t := d.terms[0]
	d.terms = d.terms[1:]
	if t.Kind != tree.String {
		return d.term(ctx, t.Items())
	}
	d.loose = d.loose || t.Str() != "&"
	a, err := d.next(ctx, depth+1)
	if err != nil || t.Str() == "!" {
		return query.Not{Node: a}, err
	}
	b, err := d.next(ctx, depth+1)
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

func (d *domain) term(ctx context.Context, parts []tree.Value) (n query.Node, err error) {
	if len(parts) != 3 {
		return nil, badDomain("a term has a field, an operator and a value")
	}
	name, operator, value := parts[0].Text(), parts[1].Text(), parts[2]
	if strings.Count(name, ".") > domainDepth {
		return nil, badDomain("the path is too long")
	}
	if field, rest, path := d.path(name, operator); path {
		return d.linked(ctx, field, []tree.Value{tree.NewString(rest), parts[1], value})
	}
	switch operator {
	case "=?":
		if value.IsNull() || value.Kind == tree.Bool && !value.True() {
			return query.And{}, nil
		}
		n, err = d.test(ctx, name, "=", value)
	case "=", "in", "ilike", "like":
		n, err = d.test(ctx, name, operator, value)
	case "!=", "not in", "not ilike", "not like":
		loose := d.loose
		d.loose = true
		operator = strings.TrimPrefix(strings.TrimPrefix(operator, "not "), "!")
		n, err = d.test(ctx, name, operator, value)
		d.loose, n = loose, query.Not{Node: n}
	case ">", ">=", "<", "<=":
		n, err = d.compare(name, operator, value)
	default:
		err = badDomain("there is no operator " + operator)
	}
	return n, err
}

// path tells whether a term is about records that a field links, and about what of
// theirs: "partner.name", or a part of their titles.
func (d *domain) path(name, operator string) (f *catalog.Field, rest string, ok bool) {
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

// linked holds for records that link one for which a term holds.
func (d *domain) linked(ctx context.Context, f *catalog.Field, term []tree.Value) (query.Node, error) {
	scope, err := d.host.Catalog.Catalog(ctx, d.host.Actor, linkedCatalog(d.scope, f).Key)
	if err != nil {
		return nil, err
	}
	of := &domain{host: d.host, scope: scope, loose: true, looked: d.looked}
	n, err := of.term(ctx, term)
	return query.Cond{Field: f.Num, Test: query.LinksWhere{Catalog: scope.Catalog.Num, Where: n}}, err
}

func (d *domain) field(name string) (*catalog.Field, error) {
	if f := d.host.fieldOf(d.scope.Catalog, name); f != nil {
		return f, nil
	}
	return nil, badDomain("there is no field " + name)
}

// test reads a term of equality, or of a part of a text.
func (d *domain) test(ctx context.Context, name, operator string, value tree.Value) (query.Node, error) {
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
		if v.Kind == tree.List && v.Len() == 0 {
			v = tree.Value{}
		}
		n, err := bpium.DecodeFilter(tree.NewObject([]tree.Field{{Key: f.Key, Value: v}}), d.scope, catalog.Moment{Now: d.host.Now()})
		if err != nil {
			return nil, err
		}
		if n == nil {
			n = query.And{}
		}
		if kind == "char" && (operator == "=" || operator == "in") && !v.IsNull() && v.Text() != "" {
			if n, err = d.equals(ctx, n, exactText{f, v.Text()}, d.loose || len(valuesOf(value)) > 1); err != nil {
				return nil, err
			}
		}
		any = append(any, n)
	}
	return any, nil
}

// equals is a condition that a text contains another, as one that it is equal: rows
// are compared where the condition stands alone, else it becomes the records for which
// it holds now.
func (d *domain) equals(ctx context.Context, contains query.Node, e exactText, loose bool) (query.Node, error) {
	if !loose {
		d.exact = append(d.exact, e)
		return contains, nil
	}
	if *d.looked++; *d.looked > lookedMost {
		return nil, badDomain("more than 500 texts are compared")
	}
	of := &domain{host: d.host, scope: d.scope, exact: []exactText{e}}
	var keys query.Among
	err := of.found(ctx, query.Query{Where: contains, Limit: batchMost}, func(n query.Record, _ string) bool {
		keys = append(keys, query.Key{Record: n})
		return len(keys) <= batchMost
	})
	if err != nil {
		return nil, err
	}
	if len(keys) > batchMost {
		return nil, badDomain("more than 500 records have this text; let the term stand alone")
	}
	return keys, nil
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
	return bpium.DecodeFilter(tree.NewObject([]tree.Field{{Key: f.Key, Value: of}}), d.scope, catalog.Moment{Now: d.host.Now()})
}

// asked reads what a search is for.
func (h *Host) asked(ctx context.Context, sc *catalog.Scope, a *Args) (*domain, query.Query, error) {
	q := query.Query{Limit: batchMost}
	terms, err := tree.ParseJSON(a.Domain, tree.Limits{Depth: 32})
	if err != nil || terms.Kind != tree.List {
		return nil, q, badDomain("it is no list")
	}
	d := &domain{host: h, scope: sc, terms: terms.Items(), looked: new(int)}
	if q.Where, err = d.all(ctx); err != nil {
		return nil, q, err
	}
	q.Sort, err = d.sort(a.Order)
	return d, q, err
}

// found calls each with the records that a search is for, in their order, until it
// gives false.
func (d *domain) found(ctx context.Context, q query.Query, each func(n query.Record, code string) bool) error {
	sel := &catalog.Selection{Fields: []*catalog.Field{}}
	for _, e := range d.exact {
		sel.Fields = append(sel.Fields, e.field)
	}
	for {
		rows, err := d.host.Catalog.Records(ctx, d.host.Actor, d.scope.Catalog.Num, q, sel)
		if err != nil {
			return err
		}
		for i := range rows.Page.Len() {
			if d.equal(rows, i) && !each(rows.Page.Record(i), string(rows.Page.Code(i))) {
				return nil
			}
		}
		if rows.Page.Len() < batchMost {
			return nil
		}
		q.Offset += batchMost
	}
}

// search gives the ids of the records that a domain means.
func (h *Host) search(ctx context.Context, sc *catalog.Scope, a *Args) ([]json.RawMessage, error) {
	d, q, err := h.asked(ctx, sc, a)
	if err != nil {
		return nil, err
	}
	limit, skip := searchMost, max(a.Offset, 0)
	if a.Limit != nil {
		limit = min(*a.Limit, searchMost)
	}
	found := []json.RawMessage{}
	if limit <= 0 {
		return found, nil
	}
	err = d.found(ctx, q, func(n query.Record, code string) bool {
		if skip--; skip < 0 {
			found = append(found, scriptID(n, code))
		}
		return len(found) < limit
	})
	return found, err
}

// count gives how many records a domain means, at most the limit.
func (h *Host) count(ctx context.Context, sc *catalog.Scope, a *Args) (n int64, err error) {
	d, q, err := h.asked(ctx, sc, a)
	if err != nil {
		return 0, err
	}
	if len(d.exact) > 0 {
		err = d.found(ctx, q, func(query.Record, string) bool { n++; return true })
	} else {
		var rows *catalog.Rows
		q.Limit, q.WithTotal = 1, true
		if rows, err = h.Catalog.Records(ctx, h.Actor, sc.Catalog.Num, q, &catalog.Selection{Fields: []*catalog.Field{}}); err == nil {
			n = rows.Total
		}
	}
	if a.Limit != nil && *a.Limit > 0 {
		n = min(n, int64(*a.Limit))
	}
	return n, err
}

// nameSearch gives the ids and titles of records of a domain by their titles.
func (h *Host) nameSearch(ctx context.Context, sc *catalog.Scope, a *Args) ([][2]json.RawMessage, error) {
	terms, err := tree.ParseJSON(a.Domain, tree.Limits{Depth: 32})
	if err != nil {
		return nil, badDomain("it is no list")
	}
	if a.Name != "" {
		term := []tree.Value{tree.NewString("id"), tree.NewString("="), tree.NewString(strings.TrimPrefix(a.Name, "#"))}
		if title := sc.Catalog.Title(); title != nil {
			term = []tree.Value{tree.NewString(title.Key), tree.NewString(a.Operator), tree.NewString(a.Name)}
		}
		a.Domain = tree.NewList(append(slices.Clone(terms.Items()), tree.NewList(term))).AppendJSON(nil)
	}
	ids, err := h.search(ctx, sc, a)
	if err != nil {
		return nil, err
	}
	keys, err := keysOf(ids)
	if err != nil {
		return nil, err
	}
	pairs := [][2]json.RawMessage{}
	err = h.rows(ctx, sc, keys, &catalog.Selection{Fields: []*catalog.Field{}}, func(i int, record tree.Value) {
		pairs = append(pairs, [2]json.RawMessage{ids[i], linkTitle(record)})
	})
	return pairs, err
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
	switch words[0] {
	case "id":
		return s, nil
	case createDate:
		s.By = query.ByCreated
		return s, nil
	case writeDate:
		s.By = query.ByUpdated
		return s, nil
	}
	f, err := d.field(words[0])
	if err != nil {
		return s, err
	}
	s.By, s.Field = query.ByField, f.Num
	return s, nil
}

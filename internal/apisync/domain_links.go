package apisync

import (
	"slices"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// linked holds for records that link one of those with an id or a title; employees may
// also be named by e-mail.
func (k *asker) linked(f *catalog.Field, c *criterion, values []tree.Value) (query.Node, error) {
	ids, names, err := c.idsAndNames(values)
	if err != nil {
		return nil, err
	}
	var nodes []query.Node
	var links query.LinksAny
	for _, n := range linkedCatalogs(f) {
		for _, id := range ids {
			links = append(links, query.Link{Catalog: n, Key: id})
		}
		for _, name := range names { // ids may be texts as well
			links = append(links, query.Link{Catalog: n, Key: query.Key{Code: name}})
		}
		if len(names) > 0 {
			where := query.LinksWhere{Catalog: n, Where: eitherOf(k.called(n, names))}
			nodes = append(nodes, query.Cond{Field: f.Num, Test: where})
		}
	}
	if links != nil {
		nodes = append(nodes, query.Cond{Field: f.Num, Test: links})
	}
	return eitherOf(nodes), nil
}

// idsAndNames parts values that name records into ids and texts.
func (c *criterion) idsAndNames(values []tree.Value) (ids []query.Key, names []string, err error) {
	for _, v := range values {
		id, ok := c.id(v)
		switch {
		case ok:
			ids = append(ids, id)
		case v.Kind == tree.String:
			names = append(names, v.Str())
		default:
			return nil, nil, c.bad("%s: expected the id or the name of a record, not %s", c.name(), shown(v))
		}
	}
	return ids, names, nil
}

// called are the alternatives of how a record of a catalog has one of some names.
func (k *asker) called(n query.Catalog, names []string) []query.Node {
	is := []query.Node{query.Titled{Test: query.TextIs(names)}}
	if n != catalog.Employees {
		return is
	}
	if mail := k.state.Structure.Catalog(n).FieldByKey("$email"); mail != nil && k.scope.Access.Readable(mail) {
		addresses := slices.Clone(names)
		for _, name := range names {
			addresses = append(addresses, strings.ToLower(name))
		}
		is = append(is, query.Cond{Field: mail.Num, Test: query.TextIs(addresses)})
	}
	return is
}

// linkedCatalogs are the catalogs whose records a field links.
func linkedCatalogs(f *catalog.Field) []query.Catalog {
	if f.HoldsEmployees() {
		return []query.Catalog{catalog.Employees}
	}
	return f.Config.SourceCatalogs()
}

// compareLinks compares the ids of linked records.
func compareLinks(f *catalog.Field, c *criterion, op string, v tree.Value) (query.Node, error) {
	n, err := c.numbered(op, v)
	if err != nil {
		return nil, err
	}
	var nodes []query.Node
	for _, of := range linkedCatalogs(f) {
		nodes = append(nodes, query.Cond{Field: f.Num, Test: query.LinksWhere{Catalog: of, Where: n}})
	}
	return eitherOf(nodes), nil
}

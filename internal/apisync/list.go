package apisync

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/domain"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// ListQuery is what a GET of many records asks (sync-api.md §2.6).
type ListQuery struct {
	Query query.Query
	// Limit and Offset are what the answer says of the page; Limit 0 only counts.
	Limit, Offset int
	// Keys are the external keys to show, "id" maybe among them; nil for all.
	Keys []string
	// UpdatedSince is the first change of interest, UTC milliseconds; nil for all.
	UpdatedSince *int64
	// Asked tells that the caller narrows the list down by a condition or a search.
	Asked bool
	// Deleted asks for removed records as well, Archived for those not active.
	Deleted, Archived bool
}

// ReadList reads the parameters of a GET of many records, with what the config adds to
// them, as a's request: sc is his scope of the config's catalog.
//
// It fails with INVALID_PARAMETER, INVALID_FILTER, INVALID_DOMAIN and FORBIDDEN.
func (s *Service) ReadList(ctx context.Context, c *Compiled, a catalog.Actor, sc *catalog.Scope, pairs []Pair) (*ListQuery, error) {
	l := &listReader{asker: s.asker(c, a, sc), config: c, reserved: map[string]string{}}
	if err := l.read(ctx, pairs); err != nil {
		return nil, err
	}
	return &l.out, nil
}

// listReader reads the parameters of one request.
type listReader struct {
	*asker
	config   *Compiled
	reserved map[string]string // given ones by name
	out      ListQuery
}

// read reads them all.
func (l *listReader) read(ctx context.Context, pairs []Pair) error {
	pairs, fixed, err := l.config.withParams(pairs)
	if err != nil {
		return err
	}
	rest, err := l.reserve(pairs)
	if err != nil {
		return err
	}
	// What an & in it cut off looks like filters: the domain is complained about first.
	asked, err := ParseDomain(l.reserved["domain"])
	if err != nil {
		return err
	}
	filters, err := l.filters(rest)
	if err != nil {
		return err
	}
	if err := l.page(); err != nil {
		return err
	}
	own := level{l.config, l.scope.Catalog, l.config.DomainFields == "any"}
	if err := l.criteria(ctx, fixed, domain.AllOf(asked, filters), own); err != nil {
		return err
	}
	if err := l.changes(); err != nil {
		return err
	}
	if err := l.order(own); err != nil {
		return err
	}
	return l.keys()
}

// page reads limit, offset and count.
func (l *listReader) page() (err error) {
	limit, err := l.whole("limit", l.config.DefaultLimit)
	if err != nil {
		return err
	}
	l.out.Limit = min(limit, l.config.MaxLimit)
	if l.out.Offset, err = l.whole("offset", 0); err != nil {
		return err
	}
	l.out.Query.Limit, l.out.Query.Offset = l.out.Limit, l.out.Offset
	l.out.Query.WithTotal, err = l.flag("count", true)
	return err
}

// whole reads a parameter that is a whole number, not below 0.
func (l *listReader) whole(name string, without int) (int, error) {
	s, ok := l.reserved[name]
	if !ok {
		return without, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 {
		return 0, badParameter(name, "%s: expected a whole number, 0 or more", name)
	}
	return n, nil
}

func (l *listReader) flag(name string, without bool) (bool, error) {
	s, ok := l.reserved[name]
	if !ok {
		return without, nil
	}
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, badParameter(name, "%s: expected true or false", name)
}

// criteria joins what the config always asks, what the caller asks (by the names of own)
// and the search.
func (l *listReader) criteria(ctx context.Context, fixed, asked domain.Domain, own level) error {
	filter, err := configDomain(l.config.FilterDomain)
	if err != nil {
		return err
	}
	configured := level{own.config, own.catalog, true}
	var and query.And
	for i, part := range []struct {
		level  level
		domain domain.Domain
	}{{configured, domain.AllOf(filter, fixed)}, {own, asked}} {
		n, err := l.domain(ctx, part.level, part.domain)
		if err != nil {
			return err
		}
		if !isAlways(n) {
			and = append(and, n)
			l.out.Asked = l.out.Asked || i == 1
		}
	}
	if n, err := l.search(ctx, configured); err != nil {
		return err
	} else if n != nil {
		and = append(and, n)
		l.out.Asked = true
	}
	if l.out.Archived, err = l.flag("include_archived", false); err != nil {
		return err
	}
	if f := l.activeField(l.scope.Catalog); f != nil && !l.active && !l.out.Archived && l.scope.Access.Readable(f) {
		and = append(and, query.Cond{Field: f.Num, Test: query.AnyOf{1}})
	}
	if len(and) > 0 {
		l.out.Query.Where = and
	}
	return nil
}

// configDomain is the domain that a config narrows its records by.
func configDomain(raw json.RawMessage) (domain.Domain, error) {
	d, err := ReadDomain(raw)
	if err != nil {
		return nil, badConfig(err, "the domain of the configuration cannot be read")
	}
	return d, nil
}

func isAlways(n query.Node) bool {
	list, ok := n.(query.And)
	return ok && len(list) == 0
}

// search is the condition of the text search: in the fields that the config names, or in
// titles. nil when nothing is asked.
func (l *listReader) search(ctx context.Context, at level) (query.Node, error) {
	s := strings.TrimSpace(l.reserved["search"])
	if s == "" {
		return nil, nil
	}
	names := l.config.SearchFields
	if len(names) == 0 {
		names = []string{"display_name"}
	}
	var nodes []query.Node
	for _, name := range names {
		c := criterion{Criterion: domain.Criterion{Field: name, Operator: "ilike", Value: tree.NewString(literally(s)), Position: -1, Typed: true}}
		t, err := at.find(l.state, name)
		if err != nil || t == nil || l.readable(t, &c) != nil || t.system != "display_name" && (t.field == nil || !l.hasTexts(t.field)) {
			continue // what cannot be searched has nothing that is found
		}
		n, err := l.criterion(ctx, at, &c)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return eitherOf(nodes), nil
}

// changes reads updated_since and include_deleted.
func (l *listReader) changes() (err error) {
	if l.out.Deleted, err = l.flag("include_deleted", false); err != nil {
		return err
	}
	s, ok := l.reserved["updated_since"]
	if !ok {
		if l.out.Deleted {
			return badParameter("include_deleted", "include_deleted needs updated_since")
		}
		return nil
	}
	c := named("updated_since")
	since, err := c.span(tree.NewString(s), catalog.ModeDateTime)
	if err != nil {
		return badParameter("updated_since", "updated_since: expected a time like %s", "2026-03-09T08:15:00Z")
	}
	if l.reserved["order"] != "" {
		return badParameter("order", "order and updated_since exclude each other: changes come in the order of write_date")
	}
	l.out.UpdatedSince = &since.first
	stamped := query.Stamped{By: query.ByUpdated, Min: &since.first}
	if and, ok := l.out.Query.Where.(query.And); ok {
		l.out.Query.Where = append(and, stamped)
	} else {
		l.out.Query.Where = stamped
	}
	l.out.Query.Sort = query.Sort{By: query.ByUpdated}
	return nil
}

// ordersMost bounds the names of an order.
const ordersMost = 10

// order reads "name desc, id". Records that are alike by all names come by number, in
// the direction of the first name.
func (l *listReader) order(own level) error {
	s := strings.TrimSpace(l.reserved["order"])
	if s == "" {
		return nil
	}
	terms := strings.Split(s, ",")
	if len(terms) > ordersMost {
		return badParameter("order", "order: more than %d names", ordersMost)
	}
	var sorts, alikes []query.Sort
	for _, term := range terms {
		name, desc, err := orderTerm(term)
		if err != nil {
			return err
		}
		by, alike, err := l.sortBy(own, name)
		if err != nil {
			return err
		}
		if by.Desc = desc; alike {
			alikes = append(alikes, by)
		} else {
			sorts = append(sorts, by)
		}
	}
	sorts = append(sorts, alikes...)
	l.out.Query.Sort, l.out.Query.Then = sorts[0], sorts[1:]
	last := query.Sort{By: query.ByID, Desc: sorts[0].Desc}
	if n := len(sorts) - 1; n > 0 && sorts[n] == last { // comes last anyway, and needs no sorting
		l.out.Query.Then = sorts[1:n]
	}
	return nil
}

// orderTerm reads "name", "name asc" or "name desc".
func orderTerm(s string) (name string, desc bool, err error) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return "", false, badParameter("order", "order: a name is missing")
	}
	if len(words) > 1 { // names may have blanks
		switch last := strings.ToLower(words[len(words)-1]); last {
		case "asc", "desc":
			desc, words = last == "desc", words[:len(words)-1]
		}
	}
	return strings.Join(words, " "), desc, nil
}

// sortBy is the order by a field; alike tells that all records are so by it, and that it
// is the one by number.
func (l *listReader) sortBy(own level, name string) (by query.Sort, alike bool, err error) {
	c := named(name)
	refused := badParameter("order", "order: records cannot be sorted by %s", c.name())
	t, err := own.find(l.state, name)
	switch {
	case err != nil && !isRefusal(err):
		return by, false, err
	case t == nil || t.part != nil || len(t.path) > 0:
		return by, false, refused
	}
	if err := l.readable(t, c); err != nil {
		return by, false, err
	}
	switch t.system {
	case "id":
		return query.Sort{By: query.ByID}, false, nil
	case "create_date":
		return query.Sort{By: query.ByCreated}, false, nil
	case "write_date":
		return query.Sort{By: query.ByUpdated}, false, nil
	case "display_name":
		return query.Sort{By: query.ByTitle}, false, nil
	case "active":
		if !l.activate(t) {
			return query.Sort{By: query.ByID}, true, nil
		}
	}
	if t.field == nil {
		return by, false, refused
	}
	return query.Sort{By: query.ByField, Field: t.field.Num}, false, nil
}

// isRefusal tells a refusal of what the caller sent from a failure.
func isRefusal(err error) bool {
	e, ok := err.(*Error)
	return ok && e.Status < 500
}

// keys reads fields: the external keys to show.
func (l *listReader) keys() error {
	s := strings.TrimSpace(l.reserved["fields"])
	if s == "" {
		return nil
	}
	l.out.Keys = []string{}
	for _, v := range splitList(s) {
		key := strings.TrimSpace(v.Str())
		shows := func(line *CompiledLine) bool { return line.ExternalKey == key && line.Out() }
		if key != "id" && !slices.ContainsFunc(l.config.Lines, shows) {
			return badParameter("fields", "fields: there is no key %s", text.Cut(key, 100))
		}
		if !slices.Contains(l.out.Keys, key) {
			l.out.Keys = append(l.out.Keys, key)
		}
	}
	return nil
}

package apisync

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// Link pairs a record with the id that another system has for it (sync-api.md §3.8).
// Within a group a record has one and an id belongs to one record.
type Link struct {
	Group    string
	Catalog  query.Catalog
	Record   query.Record
	External string // as keys compare: letter by letter
}

// The values of identity.
const (
	ByField = "field"
	ByLink  = "link"
)

// maxExternalID bounds an external id, in characters.
const maxExternalID = 255

// group is the name under which a config keeps its links.
func (c *Config) group() string {
	if c.LinkGroup == "" {
		return c.Code
	}
	return c.LinkGroup
}

// linked tells whether the record identifier is looked up among links.
func (c *Config) linked() bool { return c.Identity == ByLink }

// externalID reads the id of another system.
func externalID(v tree.Value) (string, *wrong) {
	if v.Kind != tree.String && v.Kind != tree.Number {
		return "", mistyped(fault.Msg("a text or a number"), v)
	}
	s := literalText(v)
	if utf8.RuneCountInString(s) > maxExternalID {
		return "", wrongly(tooLongCode, "at most %d characters", maxExternalID)
	}
	return s, nil
}

// askLinks is ask for a config whose identifiers are links.
func (x *Exchange) askLinks(ctx context.Context, p *plan, ids []*Ident, full bool) error {
	wanted := make(map[query.Record]*found, len(ids))
	keys := keysIn(ids)
	for _, key := range keys {
		x.found[foundKey{p, key, full}] = &found{}
	}
	links, err := x.s.options.Store.SyncLinksOf(ctx, p.group(), keys)
	if err != nil {
		return err
	}
	var records query.Among
	for _, l := range links {
		at := x.found[foundKey{p, l.External, full}]
		if at.holder = query.MakeRef(l.Catalog, l.Record); l.Catalog == p.Catalog.Num {
			wanted[l.Record] = at
			records = append(records, query.Key{Record: l.Record})
		}
	}
	if records == nil {
		return nil
	}
	where, err := x.whereWithin(ctx, p, records)
	if err != nil {
		return err
	}
	sel := &catalog.Selection{Fields: []*catalog.Field{}}
	if full {
		sel = x.before(p)
	}
	return x.eachPage(ctx, p.Compiled, where, sel, func(rows *catalog.Rows) bool {
		for i := range rows.Page.Len() {
			wanted[rows.Page.Record(i)].meet(rows, i, full)
		}
		return true
	})
}

// externalsKey is what the external ids of some rows are known under.
type externalsKey struct {
	group string
	rows  *catalog.Rows
}

// externals are the external ids of rows, by record.
func (x *Exchange) externals(ctx context.Context, group string, rows *catalog.Rows) (map[query.Record]string, error) {
	key := externalsKey{group, rows}
	if known := x.external[key]; known != nil {
		return known, nil
	}
	records := make([]query.Record, rows.Page.Len())
	for i := range records {
		records[i] = rows.Page.Record(i)
	}
	links, err := x.s.options.Store.SyncLinksTo(ctx, group, rows.Catalog.Num, records)
	if err != nil {
		return nil, err
	}
	all := make(map[query.Record]string, len(links))
	for _, l := range links {
		all[l.Record] = l.External
	}
	x.external[key] = all
	return all, nil
}

// identifiersOf are the keys of what a row is identified by.
func (x *Exchange) identifiersOf(ctx context.Context, p *plan, rows *catalog.Rows, row int) ([]string, error) {
	if !p.linked() {
		return rowKeys(p.identifier, rows, row), nil
	}
	all, err := x.externals(ctx, p.group(), rows)
	if id, ok := all[rows.Page.Record(row)]; ok {
		return []string{id}, err
	}
	return nil, err
}

// external shows the external id of a row, null for none.
func (w *shower) external(l *mapLine, rows *catalog.Rows, row int) (tree.Value, error) {
	all, err := w.x.externals(w.ctx, l.group, rows)
	if id, ok := all[rows.Page.Record(row)]; ok {
		return tree.NewString(id), err
	}
	return tree.Value{}, err
}

// externalID reads the id that the record is to have: that of a line which stands
// for the link, or the identifier of a config whose identity is the link.
func (r *reader) externalID(l *mapLine, v tree.Value) error {
	var bad *wrong
	if !l.scripted() {
		v, bad = l.values.in(v)
	}
	var id string
	if bad == nil && !isBlank(v) {
		id, bad = externalID(v)
	}
	if bad != nil {
		r.complain(l, l.ExternalKey, bad)
		return nil
	}
	now := ""
	if r.rows != nil {
		all, err := r.x.externals(r.ctx, l.group, r.rows)
		if err != nil {
			return err
		}
		now = all[r.rows.Page.Record(r.row)]
	}
	if id == now || id == "" && l.System != ExternalID {
		return nil
	}
	if taken, err := r.taken(l, id); err != nil || taken {
		return err
	}
	r.out.external = &Link{Group: l.group, Catalog: r.plan.Catalog.Num, External: id}
	return nil
}

// taken complains of an external id that another record has, or that is given to another
// one in the same request. The items' own identifiers were looked up with their records.
func (r *reader) taken(l *mapLine, id string) (bool, error) {
	own := l == r.plan.identifier && r.plan.linked()
	if id == "" || own && r.depth == 0 {
		return false, nil
	}
	key := Link{Group: l.group, External: id}
	taken := r.x.claimed[key]
	if own {
		if err := r.x.find(r.ctx, r.plan, []*Ident{{line: l, key: id}}, false); err != nil {
			return false, err
		}
		at := r.x.found[foundKey{r.plan, id, false}]
		taken = taken || at.holder != 0 || at.record != 0
	} else if !taken {
		links, err := r.x.s.options.Store.SyncLinksOf(r.ctx, l.group, []string{id})
		if err != nil {
			return false, err
		}
		taken = len(links) > 0
	}
	if taken {
		r.complain(l, l.ExternalKey, wrongly(duplicateCode, "another record has this identifier"))
	}
	r.x.claimed[key] = true
	return taken, nil
}

// Links are those that an item gives to its record and to those that it writes besides;
// one without an External takes away what is there.
func (m *Mapped) Links(record query.Record) []Link {
	list := slices.Clone(m.links)
	if m.external != nil {
		own := *m.external
		own.Record = record
		list = append(list, own)
	}
	for _, c := range m.children {
		if c.kind != removeChild {
			list = append(list, c.out.Links(c.record)...)
		}
	}
	return list
}

// newLinks are the links of items that are good so far, in one order for all who keep
// some.
func newLinks(items []*item) (links []Link) {
	for _, it := range items {
		if it.result.Err == nil && it.mapped != nil {
			links = append(links, it.mapped.Links(it.record)...)
		}
	}
	slices.SortStableFunc(links, func(a, b Link) int {
		return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.External, b.External))
	})
	return links
}

// keepLinks keeps links in the transaction that writes their records.
func keepLinks(ctx context.Context, w Writer, links []Link) error {
	for _, l := range links {
		if l.External == "" {
			continue
		}
		if err := w.ReserveSyncIdentifier(ctx, 0, l.name()); err != nil {
			return err
		}
	}
	for _, l := range links {
		if l.External == "" {
			if err := w.DropSyncLink(ctx, l.Group, l.Catalog, l.Record); err != nil {
				return err
			}
			continue
		}
		kept, err := w.KeepSyncLink(ctx, l)
		if err != nil {
			return err
		}
		if !kept {
			return errTaken
		}
	}
	return nil
}

// name names an external id among all of the company's.
func (l Link) name() string { return "link\x1f" + l.Group + "\x1f" + l.External }

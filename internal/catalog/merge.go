package catalog

import (
	"bytes"
	"cmp"
	"context"
	"fmt"

	"kartoteka/internal/query"
)

// SortAsk is an order across several catalogs: by what every record has, or by
// each catalog's own field with a public id.
type SortAsk struct {
	By    query.SortBy
	Field string // for query.ByField
	Desc  bool
}

// in is the order within a catalog. Where it has no such field, or none that the
// actor may sort by, the newest come first.
func (o SortAsk) in(a *Access, c *Catalog) (s query.Sort, ok bool) {
	if o.By != query.ByField {
		return query.Sort{By: o.By, Desc: o.Desc}, true
	}
	f := c.FieldByKey(o.Field)
	if f == nil || f.Storage() == NoStorage || !a.Readable(f) {
		return query.Sort{Desc: true}, false
	}
	return query.Sort{By: query.ByField, Field: f.Num, Desc: o.Desc}, true
}

// mergePage is how many records of a catalog are read at a time.
const mergePage = 1000

// stream gives the records that a selection has, in its order.
type stream struct {
	selected *Selected
	ordered  bool // else all its records come after those of others
	page     *Page
	keys     []mergeKey
	at       int
	ended    bool
}

// mergeKey is where a record stands among those of other catalogs.
type mergeKey struct {
	missing bool // last, in both directions
	class   int  // numbers before texts
	number  float64
	text    []byte
}

func (k mergeKey) compare(o mergeKey, desc bool) int {
	if k.missing || o.missing {
		return cmp.Compare(b2i(k.missing), b2i(o.missing))
	}
	n := cmp.Or(cmp.Compare(k.class, o.class), cmp.Compare(k.number, o.number), bytes.Compare(k.text, o.text))
	if desc {
		return -n
	}
	return n
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// merge gives a page of the records of several selections in one order. Each
// stays in the order that it has for itself.
func (d *reading) merge(ctx context.Context, streams []*stream, limit, offset int) ([]query.Ref, error) {
	if len(streams) == 1 {
		s := streams[0].selected
		s.Limit, s.Offset = limit, offset
		page, err := d.r.Select(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("select records: %w", err)
		}
		return pageRefs(s.Catalog, page), nil
	}
	var refs []query.Ref
	for len(refs) < limit {
		next, err := d.first(ctx, streams, offset+limit)
		if err != nil || next == nil {
			return refs, err
		}
		if offset > 0 {
			offset--
		} else {
			refs = append(refs, query.MakeRef(next.selected.Catalog.Num, next.page.Record(next.at)))
		}
		next.at++
	}
	return refs, nil
}

func pageRefs(c *Catalog, page *Page) []query.Ref {
	refs := make([]query.Ref, page.Len())
	for i := range refs {
		refs[i] = query.MakeRef(c.Num, page.Record(i))
	}
	return refs
}

// first finds the stream whose next record comes first; nil when all ended.
func (d *reading) first(ctx context.Context, streams []*stream, wanted int) (best *stream, err error) {
	for _, s := range streams {
		if err := d.fill(ctx, s, min(wanted, mergePage)); err != nil {
			return nil, err
		}
		if s.ended {
			continue
		}
		if best == nil || s.before(best) {
			best = s
		}
	}
	return best, nil
}

func (s *stream) before(o *stream) bool {
	return cmp.Or(cmp.Compare(b2i(!s.ordered), b2i(!o.ordered)), s.keys[s.at].compare(o.keys[o.at], s.selected.Sort.Desc)) < 0
}

// fill reads the next page of a stream that has come to the end of one.
func (d *reading) fill(ctx context.Context, s *stream, size int) (err error) {
	if s.ended || s.page != nil && s.at < s.page.Len() {
		return nil
	}
	if s.page != nil {
		s.selected.Offset += s.page.Len()
		if s.ended = s.page.Len() < s.selected.Limit; s.ended {
			return nil
		}
	}
	s.at, s.selected.Limit = 0, size
	if s.page, err = d.r.Select(ctx, s.selected); err != nil {
		return fmt.Errorf("select records: %w", err)
	}
	s.ended = s.page.Len() == 0
	s.keys, err = d.mergeKeys(ctx, s)
	return err
}

// mergeKeys works out where the records of a page stand. The sorted field, if
// any, is the page's first column.
func (d *reading) mergeKeys(ctx context.Context, s *stream) ([]mergeKey, error) {
	keys := make([]mergeKey, s.page.Len())
	sort, c := s.selected.Sort, s.selected.Catalog
	switch {
	case sort.By == query.ByTitle:
		return keys, d.titleKeys(ctx, keys, pageRefs(c, s.page))
	case sort.By == query.ByField:
		return keys, d.fieldKeys(ctx, keys, s)
	}
	for i := range keys {
		keys[i].number = float64(s.page.Created(i))
		switch {
		case sort.By == query.ByUpdated:
			keys[i].number = float64(s.page.Updated(i))
		case sort.By == query.ByID && s.ordered:
			keys[i].number = float64(s.page.Record(i))
		}
	}
	return keys, nil
}

// titleKeys are places by title; hidden ones are last. A zero Ref has none.
func (d *reading) titleKeys(ctx context.Context, keys []mergeKey, refs []query.Ref) error {
	titles, hidden, err := knownTitles(ctx, d.r, d.access, refs)
	if err != nil {
		return fmt.Errorf("read titles: %w", err)
	}
	for i, ref := range refs {
		title, ok := titles[ref]
		keys[i] = mergeKey{missing: !ok || hidden[ref], class: 1, text: NewTitleRow(title.Text).Key}
	}
	return nil
}

func (d *reading) fieldKeys(ctx context.Context, keys []mergeKey, s *stream) error {
	f, p := s.page.Columns[0], s.page
	on, err := rightsOn(ctx, d.r, d.access, s.selected.Catalog, recordsOn(p))
	if err != nil {
		return err
	}
	links := make([]query.Ref, len(keys))
	for i := range keys {
		cell := p.Cell(i, 0)
		if cell.Empty() || on.field(f, p.Record(i)) < ViewField {
			keys[i].missing = f.Storage() != BoolStorage
			continue
		}
		switch storage := f.Storage(); {
		case storage.HasKey():
			keys[i] = mergeKey{class: 1, text: StoredOf(f, CellValue(f, p, cell)).Key}
		case storage == FloatStorage:
			keys[i].number = cell.Float()
		case storage == ItemStorage:
			keys[i].number = float64(f.Config.Place(query.Item(cell.Int())))
		case storage == ItemsStorage:
			keys[i].number = f.Config.firstPlace(p.Bytes(cell))
		case storage == LinksStorage:
			links[i] = query.Ref(ListAt(p.Bytes(cell), 0))
		default:
			keys[i].number = float64(cell.Int())
		}
	}
	if f.Storage() != LinksStorage {
		return nil
	}
	return d.titleKeys(ctx, keys, links)
}

// Place is where an option stands in the config, after all others if it was
// removed.
func (c *Config) Place(n query.Item) int {
	for i := range c.Items {
		if c.Items[i].Num == n {
			return i
		}
	}
	return len(c.Items)
}

func (c *Config) firstPlace(list []byte) float64 {
	first := float64(len(c.Items))
	for i := range ListLen(list) {
		first = min(first, float64(c.Place(query.Item(ListAt(list, i)))))
	}
	return first
}

package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// reading answers one request from one snapshot.
type reading struct {
	service *Service
	st      *Structure
	access  *Access
	r       Reader
	linked  int // linked values so far, bounded by MaxLinkedValues
	// more reads follow those of the records that are being read.
	more bool
	// chatty answers tell what the chats of records are to the actor.
	chatty bool
	// watch is told how long selections take; nil for nobody.
	watch *Service
	// turn is the use of columns in memory by what groups records; engines tell how
	// it was done.
	turn    *columnTurn
	engines []Engine
}

// last lets the store end the snapshot with the next call, if no other follows:
// rights that differ between records are read after them.
func (d *reading) last() {
	if !d.more && d.access.plain() {
		d.r.Last()
	}
}

// rows prepares the answer for a catalog: which fields of the selection the
// actor may see, and the title's column.
func (d *reading) rows(c *Catalog, sel *Selection) *Rows {
	rows := &Rows{Structure: d.st, Catalog: c, Title: -1, Total: -1}
	columns := d.fields(c, sel)
	rows.Fields = columns[:len(columns):len(columns)]
	if title := c.Title(); title != nil && d.access.Readable(title) {
		if rows.Title = slices.Index(columns, title); rows.Title < 0 {
			rows.Title = len(columns)
			columns = append(columns, title)
		}
	}
	rows.Page = &Page{Columns: columns}
	return rows
}

// mask empties the values that the actor may not see of fields that are shown,
// and hides those of fields that he may not see of single records.
func (d *reading) mask(ctx context.Context, rows *Rows) error {
	d.access.mask(rows)
	if !slices.ContainsFunc(rows.columns(), func(f *Field) bool { return d.access.visible(f) != nil }) {
		return nil
	}
	on, err := rightsOn(ctx, d.r, d.access, rows.Catalog, recordsOn(rows.Page))
	if err != nil {
		return err
	}
	on.mask(rows)
	return nil
}

func (a *Access) mask(rows *Rows) {
	for j, f := range rows.Fields {
		if !a.Readable(f) {
			rows.Page.clear(j)
		}
	}
}

// mask hides what the actor may not see of single records.
func (o *recordRights) mask(rows *Rows) {
	if o.ca == nil {
		return
	}
	for j, f := range rows.columns() {
		if !o.ca.restricted[f.Num] {
			continue
		}
		for i := range rows.Page.Len() {
			if o.field(f, rows.Page.Record(i)) < ViewField {
				rows.Page.hide(i, j)
			}
		}
	}
}

// recordsOn are the numbers of a page's records.
func recordsOn(p *Page) []query.Record {
	list := make([]query.Record, p.Len())
	for i := range list {
		list[i] = p.Record(i)
	}
	return list
}

// columns are the fields to read, the title's among them.
func (r *Rows) columns() []*Field { return r.Page.Columns }

// fields are those of the selection that keep values and are shown, in the
// order asked and each once. The selection may have been made with an older
// structure: fields go by number, those that are gone are left out.
func (d *reading) fields(c *Catalog, sel *Selection) []*Field {
	list := make([]*Field, 0, len(c.Fields)+1)
	if sel == nil || sel.All || sel.Fields == nil {
		for _, f := range c.Fields {
			if f.Storage() != NoStorage && d.access.Shown(f) {
				list = append(list, f)
			}
		}
		return list
	}
	for _, f := range sel.Fields {
		f = c.Field(f.Num)
		if f != nil && f.Storage() != NoStorage && d.access.Shown(f) && !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list
}

// asked are the selections of linked records wanted through a link field.
func (d *reading) asked(f *Field, sel *Selection) map[query.Catalog]*Selection {
	if sel == nil {
		return nil
	}
	if wanted, ok := sel.Linked[f.Num]; ok {
		return wanted
	}
	if !sel.LinkedShown || len(f.Config.Shown) == 0 {
		return nil
	}
	wanted := map[query.Catalog]*Selection{}
	for _, shown := range f.Config.Shown {
		field := d.st.Field(shown.Field)
		if field == nil {
			continue
		}
		if wanted[field.Catalog] == nil {
			wanted[field.Catalog] = &Selection{}
		}
		of := wanted[field.Catalog]
		of.Fields = append(of.Fields, field)
	}
	return wanted
}

// branch is rows with the selection that they answer.
type branch struct {
	rows *Rows
	sel  *Selection
	// shown is how often the answer shows each row; nil for once.
	shown []int
}

func (b *branch) times(row int) int {
	if b.shown == nil {
		return 1
	}
	return b.shown[row]
}

// follow reads the titles of linked records and, as far as the selection asks,
// the linked records themselves, level by level.
func (d *reading) follow(ctx context.Context, root *Rows, sel *Selection) error {
	level := []branch{{rows: root, sel: sel}}
	for depth := 0; len(level) > 0; depth++ {
		if depth > MaxNesting {
			return fault.New(fault.InvalidParameter, "Fields of linked records nest deeper than %d levels", MaxNesting)
		}
		if err := d.titles(ctx, level); err != nil {
			return err
		}
		var next []branch
		last := d.asks(level) == 1
		for _, b := range level {
			children, err := d.children(ctx, b, last)
			if err != nil {
				return err
			}
			next = append(next, children...)
		}
		level = next
	}
	return nil
}

// titles reads the titles of all records that one level links.
func (d *reading) titles(ctx context.Context, level []branch) error {
	var refs []query.Ref
	for i := range level {
		b := &level[i]
		for j, f := range b.rows.Fields {
			if f.Storage() != LinksStorage {
				continue
			}
			if d.linked += b.links(j); d.linked > MaxLinkedValues {
				return fault.New(fault.LimitTooLarge,
					"The answer has more than %d linked values; ask for fewer records or fields", MaxLinkedValues)
			}
			refs = appendRefs(refs, b.rows.Page, j)
		}
	}
	if len(refs) == 0 || level[0].rows.Titles != nil { // read with the record
		return nil
	}
	slices.Sort(refs)
	if d.asks(level) == 0 {
		d.last()
	}
	titles, err := d.readTitles(ctx, slices.Compact(refs))
	if err != nil {
		return fmt.Errorf("read titles of links: %w", err)
	}
	for _, b := range level {
		b.rows.Titles = titles
	}
	return nil
}

// readTitles reads the titles of records as the actor may see them.
func (d *reading) readTitles(ctx context.Context, refs []query.Ref) (Titles, error) {
	return titlesFor(ctx, d.r, d.access, refs)
}

func titlesFor(ctx context.Context, r Reader, a *Access, refs []query.Ref) (Titles, error) {
	titles, _, err := knownTitles(ctx, r, a, refs)
	return titles, err
}

// knownTitles reads titles as an actor may see them, and tells which of them are
// hidden from him.
func knownTitles(ctx context.Context, r Reader, a *Access, refs []query.Ref) (titles Titles, hidden map[query.Ref]bool, err error) {
	if titles, err = r.Titles(ctx, refs); err != nil {
		return nil, nil, err
	}
	if hidden, err = hiddenTitles(ctx, r, a, titles); err != nil {
		return nil, nil, err
	}
	return titles.without(hidden), hidden, nil
}

// hiddenTitles tells which titles the actor may not see. A removed record is in
// no view any more: where titles are hidden on some records, its own is too.
func hiddenTitles(ctx context.Context, r Reader, a *Access, titles Titles) (map[query.Ref]bool, error) {
	if a.rules == nil {
		return nil, nil
	}
	secret := map[*Catalog][]query.Record{}
	for _, ref := range slices.Sorted(maps.Keys(titles)) {
		c := a.structure.Catalog(ref.Catalog())
		if c != nil && c.Title() != nil && a.rules.catalog(c).restricted[c.Title().Num] {
			secret[c] = append(secret[c], ref.Record())
		}
	}
	var hidden map[query.Ref]bool
	for c, records := range secret {
		on, err := rightsOn(ctx, r, a, c, records)
		if err != nil {
			return nil, err
		}
		everywhere := a.titles(c) == nil
		for _, n := range records {
			ref := query.MakeRef(c.Num, n)
			if on.hides(c.Title(), n) || titles[ref].Removed && !everywhere {
				if hidden == nil {
					hidden = map[query.Ref]bool{}
				}
				hidden[ref] = true
			}
		}
	}
	return hidden, nil
}

// without gives the titles with the hidden ones replaced: those records are
// called by their ids.
func (t Titles) without(hidden map[query.Ref]bool) Titles {
	if len(hidden) == 0 {
		return t
	}
	seen := maps.Clone(t)
	for ref := range hidden {
		if title, ok := seen[ref]; ok {
			title.Text = TitleText("", ref.Record(), title.Code)
			seen[ref] = title
		}
	}
	return seen
}

// asks counts how often the answer goes on with linked records of a catalog.
func (d *reading) asks(level []branch) (n int) {
	for i := range level {
		for _, f := range level[i].rows.Fields {
			if f.Storage() == LinksStorage {
				n += len(d.asked(f, level[i].sel))
			}
		}
	}
	return n
}

// links is the number of linked values that the answer shows of a column.
func (b *branch) links(j int) (n int) {
	page := b.rows.Page
	for i := range page.Len() {
		n += b.times(i) * ListLen(page.Bytes(page.Cell(i, j)))
	}
	return n
}

func appendRefs(refs []query.Ref, page *Page, j int) []query.Ref {
	for i := range page.Len() {
		list := page.Bytes(page.Cell(i, j))
		for k := range ListLen(list) {
			refs = append(refs, query.Ref(ListAt(list, k)))
		}
	}
	return refs
}

// children reads the linked records that a branch asks for; last tells that they
// are those of one catalog, the only ones of their level.
func (d *reading) children(ctx context.Context, b branch, last bool) ([]branch, error) {
	var list []branch
	for j, f := range b.rows.Fields {
		if f.Storage() != LinksStorage {
			continue
		}
		for n, sel := range d.asked(f, b.sel) {
			rows, err := d.child(ctx, b.rows.Page, j, n, sel, last)
			if err != nil {
				return nil, err
			}
			if rows == nil {
				continue
			}
			b.rows.link(f.Num, rows)
			list = append(list, branch{rows, sel, b.shows(j, rows)})
		}
	}
	return list, nil
}

// shows counts how often linked rows are shown through a column.
func (b *branch) shows(j int, linked *Rows) []int {
	shown := make([]int, linked.Page.Len())
	page := b.rows.Page
	for i := range page.Len() {
		list := page.Bytes(page.Cell(i, j))
		for k := range ListLen(list) {
			ref := query.Ref(ListAt(list, k))
			if row := linked.At(ref.Record()); row >= 0 && ref.Catalog() == linked.Catalog.Num {
				shown[row] += b.times(i)
			}
		}
	}
	return shown
}

// child reads the records of catalog n that a column links; nil when there are
// none that the actor may view.
func (d *reading) child(ctx context.Context, page *Page, j int, n query.Catalog, sel *Selection, last bool) (*Rows, error) {
	c := d.st.Catalog(n)
	if c == nil || d.access.Catalog(c) < AvailablePrivilege {
		return nil, nil
	}
	var records []query.Record
	for _, ref := range appendRefs(nil, page, j) {
		if ref.Catalog() == n {
			records = append(records, ref.Record())
		}
	}
	if len(records) == 0 {
		return nil, nil
	}
	slices.Sort(records)
	return d.recordsOf(ctx, c, slices.Compact(records), sel, last)
}

// recordsOf reads records of a catalog by number, each once, as far as the actor
// may view them; At finds them.
func (d *reading) recordsOf(ctx context.Context, c *Catalog, records []query.Record, sel *Selection, last bool) (*Rows, error) {
	rows := d.rows(c, sel)
	if last && !rows.follows() {
		d.last()
	}
	var err error
	rows.Page, err = fetch(ctx, d.r, d.st, d.access, c, rows.columns(), records)
	if err != nil {
		return nil, fmt.Errorf("read linked records: %w", err)
	}
	if err := d.mask(ctx, rows); err != nil {
		return nil, err
	}
	rows.at = make(map[query.Record]int, rows.Page.Len())
	for i := range rows.Page.Len() {
		rows.at[rows.Page.Record(i)] = i
	}
	return rows, nil
}

func (r *Rows) link(f query.Field, linked *Rows) {
	if r.Linked == nil {
		r.Linked = map[query.Field]map[query.Catalog]*Rows{}
	}
	if r.Linked[f] == nil {
		r.Linked[f] = map[query.Catalog]*Rows{}
	}
	r.Linked[f][linked.Catalog.Num] = linked
}

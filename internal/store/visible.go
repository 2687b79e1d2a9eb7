package store

import (
	"maps"
	"reflect"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// A field that is hidden on some records (catalog.Selected.Visible) is searched
// and sorted by on the others only. The condition is looked up for each record
// in question (see builder.probe), after its text: whoever may see little pays
// for what is found, not for everything a view contains.

// visibleAlias is the name of the record that such a condition is about.
const visibleAlias = "v"

// sight is a condition on the record visibleAlias of a catalog, compiled.
type sight struct {
	catalog *catalog.Catalog
	sql     string
	args    []any
	numbers []int // of what is seen then
}

// sightOf compiles a condition. It has bounds of its own: what somebody may see
// is not what somebody asks for.
func (b *builder) sightOf(c *catalog.Catalog, n query.Node) (sight, error) {
	p := newProbe(b.dialect, b.st)
	err := p.node(source{c, visibleAlias}, n)
	return sight{catalog: c, sql: string(p.sql), args: p.args}, err
}

// sightGroups groups what is seen by where. The first error stays.
type sightGroups struct {
	*builder
	catalog *catalog.Catalog
	visible map[query.Field]query.Node
	list    []sight
	err     error
}

// put adds what belongs to a field, if it is hidden anywhere.
func (g *sightGroups) put(f *catalog.Field, numbers ...int) {
	n, limited := g.visible[f.Num]
	if !limited || g.err != nil {
		return
	}
	s, err := g.sightOf(g.catalog, n)
	if err != nil {
		g.err = err
		return
	}
	i := slices.IndexFunc(g.list, func(o sight) bool { return o.sql == s.sql && reflect.DeepEqual(o.args, s.args) })
	if i < 0 {
		i = len(g.list)
		g.list = append(g.list, s)
	}
	g.list[i].numbers = append(g.list[i].numbers, numbers...)
}

// titleSights are where titles are seen that are not everywhere, by catalog.
func (b *builder) titleSights(visible map[query.Field]query.Node) ([]sight, error) {
	var list []sight
	for _, n := range slices.Sorted(maps.Keys(visible)) {
		f := b.st.Field(n)
		if f == nil {
			continue
		}
		c := b.st.Catalog(f.Catalog)
		if c.Title() != f {
			continue
		}
		s, err := b.sightOf(c, visible[n])
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// titlesIn parts the sights of titles of some catalogs from those of others.
func titlesIn(list []sight, catalogs ...query.Catalog) (in, other []sight) {
	for _, s := range list {
		if slices.Contains(catalogs, s.catalog.Num) {
			in = append(in, s)
		} else {
			other = append(other, s)
		}
	}
	return in, other
}

// seesTitle adds the condition that the title with that ref is seen, where not
// all of them are.
func (b *builder) seesTitle(ref string, list []sight) {
	b.add("CASE")
	for i := range list {
		c := list[i].catalog.Num
		b.add(" WHEN ")
		b.inCatalog(ref, c)
		b.add(" THEN ")
		b.add("EXISTS (SELECT 1 FROM ", recordTable(c), " ", visibleAlias, " WHERE ", visibleAlias, ".id = ", ref, " - ")
		b.int(int64(query.MakeRef(c, 0)))
		b.add(" AND ", list[i].sql, ")")
		b.bind(list[i].args...)
	}
	b.add(" ELSE TRUE END")
}

// inTitle adds the condition that a title, a row t of titles, has the text in
// it. One that is not seen is "#" and the record's public id.
func (b *builder) inTitle(fold string, list []sight) {
	if len(list) == 0 {
		b.contains("t.fold", fold)
		return
	}
	if !inPublicID(fold) {
		b.contains("t.fold", fold)
		b.add(" AND ")
		b.seesTitle("t.ref", list)
		return
	}
	b.add("(")
	b.contains("t.fold", fold)
	b.add(" OR ")
	b.contains(publicID, fold)
	b.add(") AND CASE WHEN ")
	b.seesTitle("t.ref", list)
	b.add(" THEN ")
	b.contains("t.fold", fold)
	b.add(" ELSE ")
	b.contains(publicID, fold)
	b.add(" END")
}

// rawPublicID is the title of the record of a row t of titles when it has no other;
// publicID is that folded.
var (
	rawPublicID = "'#' || " + ownID
	publicID    = "'#' || lower(" + ownID + ")"
	ownID       = "coalesce(t.code, CAST(t.ref & " + numbered("", int64(query.MaxRecord)) + " AS text))"
)

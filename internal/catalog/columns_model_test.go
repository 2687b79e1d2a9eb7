package catalog_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// columnsModel makes random changes on one node and random groups on two.
type columnsModel struct {
	*world
	*rand.Rand
	node    *catalog.Service
	actors  []catalog.Actor
	records []query.Record
	vendor  []query.Record
	fields  []*catalog.Field
	asked   []columnsAsk
}

// columnsAsk is what somebody asks, and may ask again.
type columnsAsk struct {
	catalog.AggregateAsk
	actor catalog.Actor
}

func newColumnsModel(w *world, target testdb.Target, seed uint64) *columnsModel {
	m := &columnsModel{world: w, Rand: rand.New(rand.NewPCG(seed, 1)), node: w.columnsNode(target)}
	w.make("Deals",
		field("name", "text", nil), field("city", "text", nil), field("price", "number", nil), field("stars", "stars", nil),
		field("done", "progress", nil), field("state", "dropdown", &catalog.Config{Items: items(4)}),
		field("tags", "checkboxes", &catalog.Config{Items: items(3)}), field("paid", "switch", nil), field("due", "date", nil),
		field("at", "date", &catalog.Config{Mode: "datetime"}),
		field("vendor", "object", &catalog.Config{Sources: []catalog.Source{{Catalog: w.vendors.Num}}, Multi: true}),
		field("owner", "user", &catalog.Config{Multi: true}))
	m.reread()
	for i := range 4 {
		m.vendor = append(m.vendor, w.vendor("vendor "+strconv.Itoa(i)))
	}
	bo := w.employed("Bo")
	legal := w.legal(m.orders, "cheap", "price", `{"at":0,"to":50}`)
	mine := w.legal(m.orders, "mine", "owner", `["CURRENT_USER"]`)
	w.private()
	w.rules(legal, only(bo.Employee, "view", "state=hide"))
	w.rules(mine, only(bo.Employee, "view", "city=hide", "due=hide"))
	// the same records, with a number hidden on some of them from one
	dee, eve := w.employed("Dee"), w.employed("Eve")
	low, high := w.legal(m.orders, "low", "price", `{"to":10}`), w.legal(m.orders, "high", "stars", `{"at":3}`)
	w.rules(low, only(dee.Employee, "view", "price=hide", "tags=hide"), only(eve.Employee, "view"))
	w.rules(high, only(dee.Employee, "view"), only(eve.Employee, "view"))
	m.actors = []catalog.Actor{bo, dee, eve, boss, {System: true, Origin: "cli"}}
	return m
}

func items(n int) (list []catalog.Item) {
	for i := range n {
		list = append(list, catalog.Item{Name: "item " + strconv.Itoa(i)})
	}
	return list
}

func (m *columnsModel) reread() {
	m.Helper()
	st, err := m.s.Structure(m.Context())
	if err != nil {
		m.Fatal(err)
	}
	m.orders = st.CatalogByKey("deals") // what the helpers of a world write to
	m.fields = m.orders.Fields
}

// some is a value for a field, often none.
func (m *columnsModel) some(f *catalog.Field) catalog.Value {
	if m.IntN(4) == 0 {
		return nil
	}
	switch f.Type.Name() {
	case "text":
		return catalog.Text([]string{"Київ", "київ", "Lviv", "Одеса", "a", "B"}[m.IntN(6)])
	case "number":
		return catalog.Number([]float64{0, -1.5, 3.25, 49.99, 50.01, 1e6 + 0.1, float64(m.IntN(100)) / 10}[m.IntN(7)])
	case "stars":
		return catalog.Whole(1 + m.IntN(5))
	case "progress":
		return catalog.Number(float64(m.IntN(101)))
	case "switch":
		return catalog.Bool(m.IntN(2) == 0)
	case "date":
		at := m.now.Add(time.Duration(m.IntN(3*365*24)-12_000) * time.Hour)
		if f.Config.HasTime() {
			return catalog.Time(at.UnixMilli())
		}
		return catalog.Time(at.Truncate(24 * time.Hour).UnixMilli())
	case "dropdown":
		return catalog.Items{f.Config.Items[m.IntN(len(f.Config.Items))].Num}
	case "checkboxes":
		return catalog.Items(subset(m.Rand, f.Config.Items, func(i catalog.Item) query.Item { return i.Num }))
	case "object":
		return catalog.Links(subset(m.Rand, m.vendor, func(r query.Record) catalog.Link { return link(m.vendors, r) }))
	case "user":
		return catalog.Links(subset(m.Rand, m.people(), func(r query.Record) catalog.Link {
			return catalog.Link{Link: query.Link{Catalog: catalog.Employees, Key: query.Key{Record: r}}}
		}))
	}
	return nil
}

func (m *columnsModel) people() []query.Record {
	return []query.Record{boss.Employee, m.actors[0].Employee}
}

// subset takes each with a chance of one in two.
func subset[F, T any](r *rand.Rand, from []F, of func(F) T) (list []T) {
	for _, v := range from {
		if r.IntN(2) == 0 {
			list = append(list, of(v))
		}
	}
	return list
}

func (m *columnsModel) values(all bool) (list []catalog.FieldValue) {
	for _, f := range m.fields {
		if all || m.IntN(3) == 0 {
			list = append(list, catalog.FieldValue{Field: f.Num, Value: m.some(f)})
		}
	}
	return list
}

// change does something to some records, or seldom to the catalog.
func (m *columnsModel) change() {
	m.Helper()
	m.now = m.now.Add(time.Duration(m.IntN(40)) * time.Hour)
	switch n := m.IntN(30); {
	case n == 0:
		if _, err := m.s.ClearCatalog(m.Context(), boss, "deals", "Deals"); err != nil {
			m.Fatal(err)
		}
		m.records = nil
	case n == 1:
		m.dropItem("state")
	case n == 2:
		m.orders = m.rebuild(m.orders, append(same(m.orders), field("extra"+strconv.Itoa(len(m.fields)), "number", nil)))
		m.fields = m.orders.Fields
	default:
		m.edit()
	}
}

// edit does something to some records.
func (m *columnsModel) edit() {
	m.Helper()
	switch n := m.IntN(27); {
	case n < 5 && len(m.records) > 0:
		i := m.IntN(len(m.records))
		m.apply(catalog.Delete{Catalog: m.orders.Num, Record: query.Key{Record: m.records[i]}})
		m.records = slices.Delete(m.records, i, i+1)
	case n < 15 && len(m.records) > 0:
		r := m.records[m.IntN(len(m.records))]
		m.apply(catalog.Update{Catalog: m.orders.Num, Record: query.Key{Record: r}, Values: m.values(false)})
	default:
		for range m.IntN(5) {
			m.records = append(m.records, m.apply(catalog.Create{Catalog: m.orders.Num, Values: m.values(true)})[0].Record)
		}
	}
}

// dropItem takes an option away, and sometimes adds another.
func (m *columnsModel) dropItem(key string) {
	m.Helper()
	inputs := same(m.orders)
	f := m.orders.FieldByKey(key)
	config := f.Config
	config.Items = append(slices.Clone(config.Items[1:]), items(1)...)
	inputs[at(m.orders, key)].Config = &config
	m.orders = m.rebuild(m.orders, inputs)
	m.fields = m.orders.Fields
}

func (m *columnsModel) grouping() query.Grouping {
	step := query.Step(1 + m.IntN(int(query.QuarterOfYear)))
	switch m.IntN(4) {
	case 0:
		return query.Grouping{}
	case 1:
		return query.Grouping{By: query.GroupsOfCreated, Step: step}
	}
	return query.Grouping{By: query.GroupsOfField, Field: m.field("").Num, Step: step}
}

// field is some field, or one of a type.
func (m *columnsModel) field(typ string) *catalog.Field {
	for {
		if f := m.fields[m.IntN(len(m.fields))]; typ == "" || f.Type.Name() == typ {
			return f
		}
	}
}

func (m *columnsModel) measure() query.Measure {
	fn := query.Function(m.IntN(int(query.AverageAll) + 1))
	switch m.IntN(6) {
	case 0, 1:
		return query.Measure{}
	case 2:
		return query.Measure{Of: query.Distinct, Field: m.field([]string{"text", "object", "user"}[m.IntN(3)]).Num}
	case 3:
		return query.Measure{Of: query.TimeIn, Field: m.field("dropdown").Num, Fn: fn}
	}
	return query.Measure{Of: query.Numbers, Field: m.field([]string{"number", "stars", "progress"}[m.IntN(3)]).Num, Fn: fn}
}

// where is a condition, of those that the store must test as well.
func (m *columnsModel) where(depth int) query.Node {
	switch n := m.IntN(8); {
	case depth > 0 && n == 0:
		return query.Or{m.where(depth - 1), m.where(depth - 1)}
	case depth > 0 && n == 1:
		return query.Not{Node: m.where(depth - 1)}
	case depth > 0 && n < 4:
		return query.And{m.where(depth - 1), m.where(depth - 1)}
	case n == 4 && len(m.records) > 0:
		return query.Among{{Record: m.records[m.IntN(len(m.records))]}, {Record: 1_000_000}}
	}
	f := m.field("")
	low, high := float64(m.IntN(60)), float64(m.IntN(100))
	from := m.now.Add(-time.Duration(m.IntN(20_000)) * time.Hour).UnixMilli()
	tests := map[string][]query.Test{
		"text":       {query.Substring{Fold: "ки"}, query.Empty{}},
		"number":     {query.NumberRange{Min: &low}, query.NumberRange{Min: &low, Max: &high}, query.Empty{}, query.NotEmpty{}},
		"stars":      {query.NumberRange{Max: &low}, query.AnyOf{1, 3, 77}, query.Empty{}},
		"progress":   {query.NumberRange{Max: &high}},
		"switch":     {query.AnyOf{0}, query.AnyOf{1}, query.AnyOf{}},
		"date":       {query.TimeRange{Min: &from}, query.TimeRange{Max: &from}, query.Birthday{Month: 2, Day: 1 + m.IntN(28), Offset: 120}, query.Empty{}},
		"dropdown":   {query.AnyOf{1, 2}, query.AllOf{2}, query.AllOf{}, query.NotEmpty{}},
		"checkboxes": {query.AnyOf{1, 2}, query.AllOf{1, 2}, query.Empty{}},
		"object": {query.LinksAny{link(m.vendors, m.vendor[0]).Link}, query.NotEmpty{},
			query.LinksWhere{Catalog: m.vendors.Num, Where: query.Cond{Field: m.fieldOf(m.vendors, "title"), Test: query.Substring{Fold: "r 1"}}}},
		"user": {query.LinksAny{{Catalog: catalog.Employees, Key: query.Key{Record: m.people()[m.IntN(2)]}}}, query.Empty{}},
	}[f.Type.Name()]
	return query.Cond{Field: f.Num, Test: tests[m.IntN(len(tests))]}
}

// ask is something new, or what was asked before.
func (m *columnsModel) ask() columnsAsk {
	if n := len(m.asked); n > 0 && m.IntN(2) == 0 {
		ask := m.asked[max(0, n-1-m.IntN(6))]
		if m.IntN(2) == 0 {
			m.by(&ask)
		}
		return ask
	}
	ask := columnsAsk{}
	m.by(&ask)
	ask.Catalog, ask.Whole = m.orders.Num, m.IntN(3) == 0
	ask.Axis, ask.Split, ask.Measure = m.grouping(), m.grouping(), m.measure()
	if m.IntN(2) == 0 {
		ask.Query.Where = m.where(2)
	}
	m.asked = append(m.asked, ask)
	return ask
}

// by lets somebody ask, from somewhere.
func (m *columnsModel) by(ask *columnsAsk) {
	ask.actor = m.actors[m.IntN(len(m.actors))]
	ask.actor.Offset = []int{0, 120, -570, 345}[m.IntN(4)]
}

// TestColumnsModel: whatever is asked after whatever was changed by another node,
// columns in memory give what the store gives.
func TestColumnsModel(t *testing.T) {
	seeds, steps := 2, 80
	if n, err := strconv.Atoi(os.Getenv("MODEL_SEEDS")); err == nil {
		seeds = n
	}
	for seed := range seeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			testdb.Each(t, func(t *testing.T, target testdb.Target) {
				newColumnsModel(newWorld(t, target), target, uint64(seed)).run(steps)
			})
		})
	}
}

func (m *columnsModel) run(steps int) {
	m.Helper()
	fromColumns, asked := 0, 0
	u := columnsUse{of: m.node}
	for range steps {
		m.change()
		for range 3 {
			ask := m.ask()
			for range 1 + m.IntN(2) { // the same again between changes
				m.patch()
				asked++
				if m.compareAsk(ask) {
					fromColumns++
				}
				u.note()
			}
		}
		if m.IntN(2) == 0 { // else the last changes have no number yet
			m.sequence()
		}
		if err := m.node.TendColumns(m.Context()); err != nil {
			m.Fatal(err)
		}
		u.note()
	}
	if fromColumns < asked/5 || u.told < steps/2 || u.reused < steps/4 {
		m.Errorf("%d of %d answers came from columns, %d of kept groups; %d changes came from the log", fromColumns, asked, u.reused, u.told)
	}
}

// columnsUse counts what a node made of its columns, which now and then are others.
type columnsUse struct {
	of                     *catalog.Service
	told, reused           int
	toldBefore, keptBefore int
}

func (u *columnsUse) note() {
	told, reused := u.of.ColumnsUsed()
	u.told += max(0, told-u.toldBefore)
	u.reused += max(0, reused-u.keptBefore)
	u.toldBefore, u.keptBefore = told, reused
}

func (m *columnsModel) sequence() {
	m.Helper()
	if err := m.db.Sequence(m.Context()); err != nil {
		m.Fatal(err)
	}
}

// patch changes a few fields of a record, mostly with its number in the log.
func (m *columnsModel) patch() {
	m.Helper()
	if len(m.records) == 0 {
		return
	}
	r := m.records[m.IntN(len(m.records))]
	m.apply(catalog.Update{Catalog: m.orders.Num, Record: query.Key{Record: r}, Values: m.values(false)})
	if m.IntN(3) > 0 {
		m.sequence()
	}
}

// compareAsk asks both nodes something, and tells whether columns answered.
func (m *columnsModel) compareAsk(ask columnsAsk) bool {
	m.Helper()
	ask.Explain = ask.actor.System || ask.actor.Employee == boss.Employee // who administer the catalog
	want, _ := groupsOf(m.T, m.s, ask.actor, ask.AggregateAsk)
	got, engines := groupsOf(m.T, m.node, ask.actor, ask.AggregateAsk)
	if !slices.Equal(got, want) {
		m.Fatalf("employee %d asks %+v\nengines %+v\ngot\n\t%s\nwant\n\t%s", ask.actor.Employee, ask.AggregateAsk, engines,
			strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	return slices.ContainsFunc(engines, func(e catalog.Engine) bool { return e.Columns })
}

// TestColumnsKept: groups that are kept of one asker, in one place, are not another's.
func TestColumnsKept(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		m := newColumnsModel(newWorld(t, target), target, 5)
		of := func(key string, step query.Step) query.Grouping {
			return query.Grouping{By: query.GroupsOfField, Field: m.fieldOf(m.orders, key), Step: step}
		}
		created := query.Grouping{By: query.GroupsOfCreated, Step: query.Day}
		price := query.Measure{Of: query.Numbers, Field: m.fieldOf(m.orders, "price")}
		asks := []query.Aggregation{
			{Axis: of("state", 0), Measure: price},
			{Axis: of("state", 0), Split: of("paid", 0)},
			{Axis: of("tags", 0), Measure: price},
			{Axis: created, Measure: price},
			{Axis: of("at", query.DayOfWeek), Split: created},
			{Axis: of("paid", 0), Measure: query.Measure{Of: query.Distinct, Field: m.fieldOf(m.orders, "city")}},
		}
		for range 40 {
			m.now = m.now.Add(5 * time.Hour)
			m.records = append(m.records, m.apply(catalog.Create{Catalog: m.orders.Num, Values: m.values(true)})[0].Record)
		}
		fromColumns := 0
		for _, a := range asks {
			for range 5 {
				m.edit()
				for _, actor := range m.actors[1:4] {
					for _, offset := range []int{0, -570} {
						ask := columnsAsk{AggregateAsk: catalog.AggregateAsk{Catalog: m.orders.Num, Aggregation: a}, actor: actor}
						ask.actor.Offset = offset
						if m.compareAsk(ask) {
							fromColumns++
						}
					}
				}
				m.sequence()
				if err := m.node.TendColumns(m.Context()); err != nil {
					m.Fatal(err)
				}
			}
		}
		if fromColumns < 50 {
			t.Errorf("%d answers came from columns", fromColumns)
		}
	})
}

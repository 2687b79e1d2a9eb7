package catalog_test

import (
	"fmt"
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

// watchModel changes records and rights at random on one node, while several people
// watch on two. What each may see is read after every change, the plainest way there
// is: what he was told must be exactly what differed.
type watchModel struct {
	*world
	*rand.Rand
	nodes   []*catalog.Service
	records []query.Record
	vendor  []query.Record
	people  []*watcher
	seen    []moment // by what happened
	resets  int
	events  int
}

// moment is what everybody sees after something happened.
type moment struct {
	seq     int64 // of the change, the one before for what is no record's change
	record  query.Record
	rights  bool // rights or structure were changed
	cleared bool
	sights  []map[query.Record]map[string]string // by person
	before  []map[query.Record]map[string]string
}

// watcher is somebody who watches the orders or a view of them.
type watcher struct {
	actor catalog.Actor
	view  string
	node  int
	watch *catalog.Watch
	at    int64
	seen  int // moments that he knows
}

func newWatchModel(w *world, target testdb.Target, seed uint64) *watchModel {
	m := &watchModel{world: w, Rand: rand.New(rand.NewPCG(seed, 2)), nodes: []*catalog.Service{w.s, w.columnsNode(target)}}
	for i := range 3 {
		m.vendor = append(m.vendor, w.vendor("vendor "+strconv.Itoa(i)))
	}
	bo, cy, di := w.employed("Bo"), w.employed("Cy"), w.employed("Di")
	w.private()
	due := w.now.Add(48 * time.Hour).Format("2006-01-02")
	for key, filters := range map[string][]string{
		"cheap": {"price", `{"at":0,"to":50}`}, "mine": {"owner", `["CURRENT_USER"]`}, "open": {"state", `["1"]`},
		"tagged": {"tags", `["1","2"]`}, "named": {"name", `"ки"`, "paid", `true`}, "sold": {"vendor", fmt.Sprintf(`[{"catalogId":"vendors","recordId":"%d"}]`, m.vendor[0])},
		"due": {"due", fmt.Sprintf(`{"at":"2031-01-01","to":%q}`, due)},
	} {
		w.legal(w.orders, key, filters...)
	}
	m.rights()
	key := "own"
	in := catalog.ViewInput{Key: &key, Name: &key, Filters: viewFilters([]string{"paid", `true`})}
	if _, err := w.s.CreateView(w.Context(), di, w.orders.Key, in); err != nil {
		w.Fatal(err)
	}
	for i, who := range []struct {
		actor catalog.Actor
		view  string
	}{{boss, ""}, {boss, "cheap"}, {bo, ""}, {cy, ""}, {di, ""}, {di, "own"}, {cy, "open"}, {boss, "named"}, {boss, "sold"}, {boss, "due"}} {
		p := &watcher{actor: who.actor, view: who.view, node: i % 2}
		m.people = append(m.people, p)
	}
	m.note(moment{}, m.look())
	for _, p := range m.people {
		m.begin(p)
	}
	return m
}

// rights sets some rules at random.
func (m *watchModel) rights() {
	m.Helper()
	view := func(key string) catalog.ObjectKey { return catalog.ObjectKey{Catalog: m.orders.Key, View: key} }
	hide := func() []string {
		return [][]string{nil, {"price=hide"}, {"note=hide", "state=hide"}, {"tags=hide"}}[m.IntN(4)]
	}
	bo, cy, di := m.person(0), m.person(1), m.person(2)
	m.rules(view("cheap"), only(bo, "view", hide()...))
	m.rules(view("mine"), only(bo, "edit", hide()...), only(cy, "view", hide()...))
	m.rules(view("open"), only(cy, "view", hide()...))
	m.rules(view("tagged"), only(di, "deny"))
	m.rules(of(m.orders), only(di, "view", hide()...), only(boss.Employee, "admin"))
	if len(m.records) > 0 {
		record := catalog.ObjectKey{Catalog: m.orders.Key, Record: query.Key{Record: m.records[m.IntN(len(m.records))]}}
		m.rules(record, only(cy, "view", hide()...), only(di, "deny"))
	}
}

func (m *watchModel) person(i int) query.Record { return query.Record(i + 2) }

// look reads what everybody sees.
func (m *watchModel) look() []map[query.Record]map[string]string {
	m.Helper()
	list := make([]map[query.Record]map[string]string, len(m.people))
	for i, p := range m.people {
		list[i] = map[query.Record]map[string]string{}
		rows, err := m.s.Records(m.Context(), p.actor, m.orders.Num, query.Query{Limit: 1000, View: p.view}, nil)
		if err != nil {
			m.Fatal(err)
		}
		for row := range rows.Page.Len() {
			values := map[string]string{}
			for j, f := range rows.Fields {
				if cell := rows.Page.Cell(row, j); !cell.Hidden() {
					values[f.Key] = string(catalog.AppendHistoryJSON(nil, f, catalog.CellValue(f, rows.Page, cell), nil))
				}
			}
			list[i][rows.Page.Record(row)] = values
		}
	}
	return list
}

func (m *watchModel) note(now moment, sights []map[query.Record]map[string]string) {
	m.Helper()
	seq, err := m.s.LookFrom(m.Context())
	if err != nil {
		m.Fatal(err)
	}
	now.seq, now.sights, now.before = seq, sights, sights
	if len(m.seen) > 0 {
		now.before = m.seen[len(m.seen)-1].sights
	}
	m.seen = append(m.seen, now)
}

func (m *watchModel) some() []catalog.FieldValue {
	pairs := []any{}
	add := func(key string, v catalog.Value) {
		if m.IntN(3) == 0 {
			pairs = append(pairs, key, v)
		}
	}
	or := func(v catalog.Value) catalog.Value {
		if m.IntN(4) == 0 {
			return nil
		}
		return v
	}
	add("name", catalog.Text([]string{"Київ", "a", "b", "КИ"}[m.IntN(4)]))
	add("note", or(catalog.Text(strconv.Itoa(m.IntN(5)))))
	add("price", or(catalog.Number(m.IntN(100))))
	add("state", or(catalog.Items{query.Item(1 + m.IntN(2))}))
	add("tags", or(catalog.Items(subset(m.Rand, m.orders.FieldByKey("tags").Config.Items, func(i catalog.Item) query.Item { return i.Num }))))
	add("paid", catalog.Bool(m.IntN(2) == 0))
	add("due", or(catalog.Time(m.now.Truncate(24*time.Hour).Add(time.Duration(m.IntN(6)-2)*24*time.Hour).UnixMilli())))
	add("vendor", or(catalog.Links(subset(m.Rand, m.vendor, func(r query.Record) catalog.Link { return link(m.vendors, r) }))))
	add("owner", or(catalog.Links(subset(m.Rand, []query.Record{1, 2, 3, 4}, func(r query.Record) catalog.Link {
		return catalog.Link{Link: query.Link{Catalog: catalog.Employees, Key: query.Key{Record: r}}}
	}))))
	add("quiet", or(catalog.Text(strconv.Itoa(m.IntN(5)))))
	return values(m.orders, pairs...)
}

// change does something, and notes what everybody sees then.
func (m *watchModel) change() {
	m.Helper()
	m.now = m.now.Add(time.Second)
	now := moment{}
	switch n := m.IntN(60); {
	case n == 0:
		if _, err := m.s.ClearCatalog(m.Context(), boss, m.orders.Key, "Orders"); err != nil {
			m.Fatal(err)
		}
		m.records, now.cleared = nil, true
	case n < 4:
		m.rights()
		now.rights = true
	case n < 12 && len(m.records) > 0:
		i := m.IntN(len(m.records))
		now.record = m.records[i]
		m.apply(catalog.Delete{Catalog: m.orders.Num, Record: query.Key{Record: m.records[i]}})
		m.records = slices.Delete(m.records, i, i+1)
	case n < 45 && len(m.records) > 0:
		now.record = m.records[m.IntN(len(m.records))]
		m.apply(catalog.Update{Catalog: m.orders.Num, Record: query.Key{Record: now.record}, Values: m.some()})
	default:
		list := append(m.some(), values(m.orders, "name", catalog.Text("ки"))...)
		list = slices.DeleteFunc(list, func(v catalog.FieldValue) bool { // the first name is another
			return v.Field == m.num("name") && v.Value != catalog.Text("ки")
		})
		now.record = m.apply(catalog.Create{Catalog: m.orders.Num, Values: list})[0].Record
		m.records = append(m.records, now.record)
	}
	m.note(now, m.look())
}

// begin makes somebody watch from now on.
func (m *watchModel) begin(p *watcher) {
	m.Helper()
	var err error
	if p.watch, err = m.nodes[p.node].Watch(m.Context(), p.actor, m.orders.Key, p.view); err != nil {
		m.Fatal(err)
	}
	p.at, p.seen = m.seen[len(m.seen)-1].seq, len(m.seen)
}

// watches lets everybody on a node look, some of whom come back from another place.
func (m *watchModel) watches(node int) {
	m.Helper()
	var all []*catalog.Watch
	var people []*watcher
	for _, p := range m.people {
		if p.node == node {
			all, people = append(all, p.watch), append(people, p)
		}
	}
	if len(people) == 0 {
		return
	}
	from := slices.MinFunc(people, func(a, b *watcher) int { return int(a.at - b.at) }).at
	looked, err := m.nodes[node].Look(m.Context(), from, all)
	if err != nil {
		m.Fatal(err)
	}
	for _, p := range people {
		m.compare(p, looked, from, false)
	}
}

// comesBack lets somebody go, and later look back on some node.
func (m *watchModel) comesBack(p *watcher) {
	m.Helper()
	p.node = m.IntN(2)
	at, seen := p.at, p.seen
	m.begin(p)
	looked, err := m.nodes[p.node].LookBack(m.Context(), at, []*catalog.Watch{p.watch})
	if err != nil {
		m.Fatal(err)
	}
	p.at, p.seen = at, seen
	m.compare(p, looked, at, true)
}

// compare compares a look from a number on with what somebody missed.
func (m *watchModel) compare(p *watcher, looked *catalog.Looked, after int64, back bool) {
	m.Helper()
	who := slices.Index(m.people, p)
	missed := m.seen[p.seen:]
	rights := slices.ContainsFunc(missed, func(s moment) bool { return s.rights })
	cleared := slices.ContainsFunc(missed, func(s moment) bool { return s.cleared })
	differs := slices.ContainsFunc(missed, func(s moment) bool {
		return s.rights && fmt.Sprint(s.before[who]) != fmt.Sprint(s.sights[who])
	})
	name := fmt.Sprintf("employee %d in view %q back %t from %d to %d", p.actor.Employee, p.view, back, p.at, looked.Seq)
	anew := looked.Lost || looked.Anew[p.watch]
	from := p.at
	p.at, p.seen = m.seen[len(m.seen)-1].seq, len(m.seen)
	switch {
	case looked.Seq != p.at:
		m.Fatalf("%s: the last change is %d", name, p.at)
	case looked.Lost && !back, looked.Lost != (back && rights):
		m.Fatalf("%s: lost %t", name, looked.Lost)
	case (differs || cleared) && !anew:
		m.Fatalf("%s: must read anew", name)
	case anew && !rights && !slices.ContainsFunc(m.seen, func(s moment) bool { return s.cleared && s.seq > after }):
		m.Fatalf("%s: reads anew for nothing", name)
	case anew:
		m.resets++
		return
	}
	var told []catalog.Told
	for _, t := range looked.Told[p.watch.Key()] {
		if t.Seq > from { // others were further behind
			told = append(told, t)
		}
	}
	for _, now := range missed {
		if now.record == 0 {
			continue
		}
		var t *catalog.Told
		if len(told) > 0 && told[0].Seq == now.seq {
			t, told = &told[0], told[1:]
		}
		m.check(name, who, &now, t)
	}
	if len(told) > 0 {
		m.Fatalf("%s: told of %+v for nothing", name, told[0])
	}
}

// check compares what somebody was told of one change with what he saw before and
// after it.
func (m *watchModel) check(name string, who int, now *moment, t *catalog.Told) {
	m.Helper()
	was, before := now.before[who][now.record]
	is, after := now.sights[who][now.record]
	differ := map[string]bool{}
	hidden := false
	for key, v := range is {
		if old, ok := was[key]; !ok || old != v {
			differ[key] = true
		}
	}
	for key := range was {
		_, ok := is[key]
		hidden = hidden || !ok
	}
	want, some := catalog.ToldUpdated, before && after && (len(differ) > 0 || hidden)
	switch {
	case after && !before:
		want, some = catalog.ToldCreated, true
	case before && !after:
		want, some = catalog.ToldGone, true
	}
	problem := ""
	switch {
	case t == nil && some:
		problem = "was not told"
	case t != nil && !some:
		problem = "was told for nothing"
	case t != nil && (t.Kind != want || t.Record != now.record):
		problem = "was told otherwise"
	case t != nil:
		m.events++
		for _, f := range t.Changed {
			if _, ok := is[f.Key]; !ok {
				problem = "was told of the hidden field " + f.Key
			}
			delete(differ, f.Key)
		}
		if before && len(differ) > 0 {
			problem = fmt.Sprintf("was not told of the fields %v", differ)
		}
	}
	if problem != "" {
		m.Fatalf("%s %s: change %d of record %d\nwas %v\nis  %v\ntold %s", name, problem, now.seq, now.record, was, is, strings.TrimPrefix(fmt.Sprintf("%+v", t), "&"))
	}
}

// TestWatchModel: whatever is changed, and whoever comes back to whichever node,
// everybody is told of exactly what he could see.
func TestWatchModel(t *testing.T) {
	seeds, steps := 2, 60
	if n, err := strconv.Atoi(os.Getenv("MODEL_SEEDS")); err == nil {
		seeds = n
	}
	for seed := range seeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			testdb.Each(t, func(t *testing.T, target testdb.Target) {
				m := newWatchModel(newWorld(t, target), target, uint64(seed))
				for range steps {
					for range 1 + m.IntN(4) {
						m.change()
					}
					p := m.people[m.IntN(len(m.people))]
					if m.IntN(2) == 0 {
						m.comesBack(p)
						continue
					}
					m.watches(m.IntN(2))
				}
				if m.events < steps*2 || m.resets == 0 {
					t.Errorf("%d events and %d resets: too few to tell anything", m.events, m.resets)
				}
			})
		})
	}
}

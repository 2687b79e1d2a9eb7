package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

var rights = []promise{
	{name: "rules are read as they were saved", test: testRules},
	{name: "saving replaces the rules of one object", test: testRulesReplaced},
	{name: "rules get numbers that no rule has had", test: testRuleNumbers},
	{name: "views are read as they were saved", test: testViews},
	{name: "a personal view is its owner's", test: testPersonalViews},
	{name: "public ids of views are unique in a catalog", test: testViewKeys},
	{name: "filters of a view keep their numbers", test: testFilterNumbers},
	{name: "a view goes with its rules", test: testDeletedView},
	{name: "a change of rights is one for everybody", test: testBumpedRights},
	{name: "a failed change of rights leaves no trace", test: testFailedRights},
	{name: "members are told by condition", test: testMembers},
	{name: "members are told by many conditions", test: testManyMembers},
}

// The objects and subjects of these tests.
const secret query.View = 61

var (
	shop     = catalog.Object{Section: 1}
	ofGoods  = catalog.Object{Catalog: goods}
	ofSecret = catalog.Object{Catalog: goods, View: secret}
	ofRecord = catalog.Object{Catalog: goods, Record: 5}

	everybody catalog.Subject
	boss      = catalog.EmployeeSubject(7)
	group     = catalog.Subject{Field: made, Ref: query.MakeRef(makers, 3)}
)

func ruleOf(o catalog.Object, s catalog.Subject, p catalog.Privilege) *catalog.Rule {
	return &catalog.Rule{Object: o, Subject: s, Privilege: p}
}

func secretView() *catalog.View {
	return &catalog.View{Num: secret, Key: "secret", Catalog: goods, Owner: 7, Legal: true, Name: "Secret <b>",
		OriginName: "Секрет", Options: json.RawMessage(`{"columns":[1, 2]}`), Filters: []catalog.ViewFilter{
			{Field: price, Value: json.RawMessage(`{"from":1,"to":"<2>"}`)}, {Field: status, Value: json.RawMessage(`["1"]`)}}}
}

// changeRights runs fn as a change of rights and loads what it leaves.
func (f *fixture) changeRights(fn func(w catalog.Writer) error) {
	f.Helper()
	err := f.update(func(w catalog.Writer) error { return errors.Join(fn(w), w.BumpRights(f.Context())) })
	if err != nil {
		f.Fatalf("change the rights: %v", err)
	}
	f.load()
}

func (f *fixture) saveRules(o catalog.Object, rules ...*catalog.Rule) {
	f.Helper()
	f.changeRights(func(w catalog.Writer) error { return w.SaveRules(f.Context(), o, rules) })
}

func (f *fixture) saveView(v *catalog.View) {
	f.Helper()
	f.changeRights(func(w catalog.Writer) error { return w.SaveView(f.Context(), v) })
}

func (f *fixture) wantRules(want ...*catalog.Rule) {
	f.Helper()
	got := f.definition().Rules
	if len(got) == len(want) && (len(got) == 0 || reflect.DeepEqual(got, want)) {
		return
	}
	for _, r := range got {
		f.Errorf("there is the rule %+v", r)
	}
	for _, r := range want {
		f.Errorf("wanted the rule %+v", r)
	}
}

func testRules(f *fixture) {
	f.saveView(secretView())
	of := []*catalog.Rule{
		ruleOf(shop, everybody, catalog.AvailablePrivilege), ruleOf(ofGoods, group, catalog.ViewPrivilege),
		ruleOf(ofSecret, boss, catalog.DenyPrivilege), ruleOf(ofRecord, boss, catalog.AdminPrivilege),
	}
	of[1].Fields = map[query.Field]catalog.FieldRight{name: catalog.HideField, price: catalog.ViewField, tags: catalog.EditField}
	of[3].Fields = map[query.Field]catalog.FieldRight{}
	for i, r := range of {
		f.saveRules(r.Object, r)
		if r.ID != int64(i+1) {
			f.Errorf("rule %d got number %d", i, r.ID)
		}
	}
	of[3].Fields = nil
	f.wantRules(of...)
	f.reopen()
	f.wantRules(of...)
	every := make([]*catalog.Rule, 0, catalog.AdminPrivilege)
	for p := catalog.AvailablePrivilege; p <= catalog.AdminPrivilege; p++ {
		every = append(every, ruleOf(ofGoods, catalog.EmployeeSubject(query.Record(p)), p))
	}
	f.saveRules(ofGoods, every...)
	f.wantRules(append([]*catalog.Rule{of[0], of[2], of[3]}, every...)...)
}

func testRulesReplaced(f *fixture) {
	a, b, other := ruleOf(ofGoods, everybody, catalog.ViewPrivilege), ruleOf(ofGoods, boss, catalog.EditPrivilege),
		ruleOf(catalog.Object{Catalog: makers}, boss, catalog.EditPrivilege)
	f.saveRules(ofGoods, a, b)
	f.saveRules(other.Object, other)
	f.saveRules(ofRecord, ruleOf(ofRecord, boss, catalog.EditPrivilege))
	b.Privilege = catalog.AccessPrivilege
	c := ruleOf(ofGoods, group, catalog.ViewPrivilege)
	f.saveRules(ofGoods, b, c)
	f.saveRules(ofRecord)
	f.wantRules(b, other, c)
	if b.ID != 2 || c.ID != 5 {
		f.Errorf("the kept rule has number %d, the new one %d", b.ID, c.ID)
	}
	f.saveRules(ofGoods)
	f.wantRules(other)
}

// A transaction may run for a second time, with the numbers that the first run
// set and lost.
func testRuleNumbers(f *fixture) {
	again := errors.New("again")
	r, v := ruleOf(shop, boss, catalog.ViewPrivilege), secretView()
	save := func(w catalog.Writer) error {
		return errors.Join(w.SaveRules(f.Context(), shop, []*catalog.Rule{r}), w.SaveView(f.Context(), v))
	}
	if err := f.update(func(w catalog.Writer) error { return errors.Join(save(w), again) }); !errors.Is(err, again) {
		f.Fatal(err)
	}
	other, otherView := ruleOf(ofGoods, boss, catalog.ViewPrivilege), secretView()
	otherView.Num, otherView.Key = 62, "other"
	f.saveRules(ofGoods, other)
	f.saveView(otherView)
	f.changeRights(save)
	if other.ID != 1 || r.ID != 2 || v.Filters[0].ID != 3 || v.Filters[1].ID != 4 {
		f.Errorf("the rules have the numbers %d and %d, the filters %+v", other.ID, r.ID, v.Filters)
	}
	f.wantRules(other, r)
}

func (f *fixture) viewByKey(c query.Catalog, key string) (v *catalog.View) {
	f.Helper()
	f.read(func(r catalog.Reader) (err error) {
		v, err = r.ViewByKey(f.Context(), c, key)
		return err
	})
	return v
}

func (f *fixture) personalViews(c query.Catalog, owner query.Record) (numbers []query.View) {
	f.Helper()
	f.read(func(r catalog.Reader) error {
		list, err := r.PersonalViews(f.Context(), c, owner)
		numbers = nil
		for _, v := range list {
			numbers = append(numbers, v.Num)
		}
		return err
	})
	return numbers
}

func testViews(f *fixture) {
	legal, own := secretView(), &catalog.View{Num: 63, Key: "63", Catalog: goods, Owner: 8, Name: "Mine"}
	f.saveView(legal)
	f.saveView(own)
	if legal.Filters[0].ID != 1 || legal.Filters[1].ID != 2 {
		f.Errorf("the filters have the numbers %+v", legal.Filters)
	}
	check := func() {
		f.Helper()
		if d := f.definition(); !reflect.DeepEqual(d.Views, []*catalog.View{legal}) {
			f.Errorf("the structure has the views %+v", d.Views)
		}
		for key, want := range map[string]*catalog.View{"secret": legal, "63": own, "no": nil, "": nil, "a\x00b": nil} {
			if got := f.viewByKey(goods, key); !reflect.DeepEqual(got, want) {
				f.Errorf("%q is %+v, want %+v", key, got, want)
			}
		}
	}
	check()
	f.reopen()
	check()
	if v := f.viewByKey(makers, "secret"); v != nil {
		f.Errorf("another catalog has the view %+v", v)
	}
	legal.Key, legal.Name, legal.Options, legal.Filters = "secret", "", nil, nil
	own.Legal = true
	f.saveView(legal)
	f.saveView(own)
	if d := f.definition(); !reflect.DeepEqual(d.Views, []*catalog.View{legal, own}) {
		f.Errorf("changed, the structure has the views %+v", d.Views)
	}
}

func testPersonalViews(f *fixture) {
	for _, v := range []*catalog.View{
		{Num: 73, Key: "73", Catalog: goods, Owner: 7}, {Num: 71, Key: "71", Catalog: goods, Owner: 7},
		{Num: 72, Key: "72", Catalog: makers, Owner: 7}, {Num: 74, Key: "74", Catalog: goods, Owner: 8}, secretView(),
	} {
		f.saveView(v)
	}
	for _, c := range []struct {
		catalog query.Catalog
		owner   query.Record
		want    []query.View
	}{
		{goods, 7, []query.View{71, 73}}, {makers, 7, []query.View{72}}, {0, 7, []query.View{71, 72, 73}},
		{0, 8, []query.View{74}}, {makers, 8, nil}, {0, 9, nil},
	} {
		if got := f.personalViews(c.catalog, c.owner); !reflect.DeepEqual(got, c.want) {
			f.Errorf("catalog %d, employee %d: %v, want %v", c.catalog, c.owner, got, c.want)
		}
	}
}

func testViewKeys(f *fixture) {
	f.saveView(secretView())
	f.saveView(&catalog.View{Num: 64, Key: "64", Catalog: goods, Owner: 8})
	for _, v := range []*catalog.View{
		{Num: 65, Key: "secret", Catalog: goods, Owner: 8}, {Num: 64, Key: "secret", Catalog: goods, Owner: 8},
		{Num: 65, Key: "64", Catalog: goods, Owner: 9, Legal: true},
	} {
		err := f.update(func(w catalog.Writer) error { return w.SaveView(f.Context(), v) })
		if !errors.Is(err, catalog.ErrCodeTaken) {
			f.Errorf("view %d with the id %s: %v, want ErrCodeTaken", v.Num, v.Key, err)
		}
	}
	f.saveView(&catalog.View{Num: 65, Key: "secret", Catalog: makers, Owner: 8})
}

func testFilterNumbers(f *fixture) {
	v := secretView()
	f.saveView(v)
	v.Filters = append(v.Filters[1:], catalog.ViewFilter{Field: name, Value: json.RawMessage(`"x"`)})
	f.saveView(v)
	if v.Filters[0].ID != 2 || v.Filters[1].ID != 3 {
		f.Errorf("the filters have the numbers %+v", v.Filters)
	}
	if got := f.viewByKey(goods, "secret"); !reflect.DeepEqual(got, v) {
		f.Errorf("stored is %+v, want %+v", got, v)
	}
}

func testDeletedView(f *fixture) {
	f.saveView(secretView())
	own := &catalog.View{Num: 64, Key: "64", Catalog: goods, Owner: 8}
	f.saveView(own)
	kept := ruleOf(ofGoods, boss, catalog.ViewPrivilege)
	f.saveRules(ofSecret, ruleOf(ofSecret, boss, catalog.ViewPrivilege), ruleOf(ofSecret, everybody, catalog.DenyPrivilege))
	f.saveRules(ofGoods, kept)
	f.changeRights(func(w catalog.Writer) error {
		return errors.Join(w.DeleteView(f.Context(), secret), w.DeleteView(f.Context(), 64), w.DeleteView(f.Context(), 99))
	})
	f.wantRules(kept)
	if d := f.definition(); len(d.Views) != 0 || f.viewByKey(goods, "64") != nil {
		f.Errorf("there is still a view: %+v", d.Views)
	}
	f.saveView(secretView())
	f.wantRules(kept)
}

func testBumpedRights(f *fixture) {
	before := f.st.Version
	f.mustWrite(f.mutation(catalog.InsertRecord, goods, f.reserve(goods, 1), nil))
	check := func(want catalog.Version) {
		f.Helper()
		if v, err := f.store.Version(f.Context()); err != nil || v != want {
			f.Errorf("version %+v, %v, want %+v", v, err, want)
		}
	}
	if err := f.update(func(w catalog.Writer) error { return w.SaveView(f.Context(), secretView()) }); err != nil {
		f.Fatal(err)
	}
	check(before) // what raises it is for the caller to know
	f.changeRights(func(catalog.Writer) error { return nil })
	check(catalog.Version{Structure: before.Structure, Rights: before.Rights + 1})
	read := func(catalog.Reader) error { return nil }
	if err := f.store.View(f.Context(), before, read); !errors.Is(err, catalog.ErrStale) {
		f.Errorf("a view of the old rights gives %v, want ErrStale", err)
	}
	plan := catalog.Plan{Version: before, Catalogs: []query.Catalog{goods}}
	if err := f.store.Update(f.Context(), plan, func(catalog.Writer) error { return nil }); !errors.Is(err, catalog.ErrStale) {
		f.Errorf("an update with the old rights gives %v, want ErrStale", err)
	}
	f.reopen()
	if f.st.Version != (catalog.Version{Structure: before.Structure, Rights: before.Rights + 1}) {
		f.Errorf("the structure has version %+v", f.st.Version)
	}
}

func testFailedRights(f *fixture) {
	before, failure := f.st.Version, errors.New("no")
	err := f.update(func(w catalog.Writer) error {
		return errors.Join(w.SaveView(f.Context(), secretView()), w.SaveRules(f.Context(), ofSecret,
			[]*catalog.Rule{ruleOf(ofSecret, boss, catalog.ViewPrivilege)}), w.BumpRights(f.Context()), failure)
	})
	d := f.definition()
	if !errors.Is(err, failure) || d.Version != before || len(d.Views) != 0 || len(d.Rules) != 0 {
		f.Errorf("%v; version %+v, views %v, rules %v", err, d.Version, d.Views, d.Rules)
	}
}

func (f *fixture) members(records []query.Record, conditions ...query.Node) (m map[query.Record]catalog.Bits) {
	f.Helper()
	f.read(func(r catalog.Reader) (err error) {
		m, err = r.Members(f.Context(), f.st, f.catalog(goods), records, conditions)
		return err
	})
	return m
}

func atLeast(v float64) query.Node {
	return query.Cond{Field: price, Test: query.NumberRange{Min: &v}}
}

func testMembers(f *fixture) {
	m := f.add(makers, "acme", values{maker: catalog.Text("Acme")})
	a := f.add(goods, "", values{name: catalog.Text("Blue Chair"), price: catalog.Number(5), tags: catalog.Items{1, 2}, made: links(m)})
	b := f.add(goods, "b", nil)
	gone := f.add(goods, "", values{price: catalog.Number(5)})
	f.mustWrite(f.removal(goods, gone, 1))
	conditions := []query.Node{
		atLeast(5), query.Not{Node: atLeast(5)}, atLeast(6), nil, query.Or{},
		query.Cond{Field: name, Test: query.Substring{Fold: "e ch"}}, query.Cond{Field: name, Test: query.Empty{}},
		query.Cond{Field: tags, Test: query.AllOf{1, 2}}, query.Among{{Code: "b"}},
		query.Cond{Field: made, Test: query.LinksAny{{Catalog: makers, Key: query.Key{Record: m}}}},
		query.Cond{Field: made, Test: query.LinksWhere{Catalog: makers, Where: query.Cond{Field: maker, Test: query.Substring{Fold: "acme"}}}},
	}
	want := map[query.Record]catalog.Bits{
		a: {true, false, false, true, false, true, false, true, false, true, true},
		b: {false, true, false, true, false, false, true, false, true, false, false},
	}
	for name, records := range map[string][]query.Record{"all": {b, a, gone, 999}, "some twice": {a, b, a}} {
		if got := f.members(records, conditions...); !reflect.DeepEqual(got, want) {
			f.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	delete(want, b)
	if got := f.members([]query.Record{a}, conditions...); !reflect.DeepEqual(got, want) {
		f.Errorf("one: %v, want %v", got, want)
	}
	if got := f.members([]query.Record{gone}, conditions...); len(got) != 0 {
		f.Errorf("a removed record has %v", got)
	}
	if got := f.members(nil, conditions...); len(got) != 0 {
		f.Errorf("no record has %v", got)
	}
	if got := f.members([]query.Record{a, b}); fmt.Sprint(got) != fmt.Sprintf("map[%d:[] %d:[]]", a, b) {
		f.Errorf("with no conditions: %v", got)
	}
	f.read(func(r catalog.Reader) error {
		if _, err := r.Members(f.Context(), f.st, f.catalog(goods), []query.Record{a},
			[]query.Node{atLeast(1), query.Cond{Field: maker, Test: query.Empty{}}}); err == nil {
			f.Error("a condition on another catalog's field was taken")
		}
		return nil
	})
}

// testManyMembers asks more than one statement can have.
func testManyMembers(f *fixture) {
	a, b := f.add(goods, "", values{price: catalog.Number(250)}), f.add(goods, "", values{price: catalog.Number(750)})
	conditions := make([]query.Node, catalog.MaxMembers)
	for i := range conditions {
		conditions[i] = query.And{atLeast(float64(i)), query.Or{query.Not{Node: atLeast(float64(i + 200))}, query.Or{}}}
	}
	got := f.members([]query.Record{a, b}, conditions...)
	for i := range conditions {
		for r, v := range map[query.Record]int{a: 250, b: 750} {
			if want := i <= v && v < i+200; len(got[r]) != len(conditions) || got[r][i] != want {
				f.Fatalf("record %d, condition %d of %d: want %t", r, i, len(got[r]), want)
			}
		}
	}
}

package catalog

import (
	"fmt"
	"testing"
	"time"

	"kartoteka/internal/query"
)

// BenchmarkDecide works out what an employee of 200 role groups may do under
// 500 rules: anew, as after a change of rights, and as each request does.
func BenchmarkDecide(b *testing.B) {
	st := &Structure{sections: map[query.Section]*Section{3: {Num: 3}}, catalogs: map[query.Catalog]*Catalog{}}
	for n := query.Catalog(25); n < 45; n++ {
		st.catalogs[n] = &Catalog{Num: n, Section: 3}
	}
	var views []*View
	for n := query.View(1); n <= 100; n++ {
		views = append(views, &View{Num: n, Key: fmt.Sprint(n), Catalog: query.Catalog(25 + n%20), Legal: true})
	}
	var rules []*Rule
	for i := range 500 {
		c := query.Catalog(25 + i%20)
		r := &Rule{ID: int64(i), Object: Object{Catalog: c}, Subject: Subject{Field: 9, Ref: query.Ref(i % 250)},
			Privilege: EditPrivilege, Fields: map[query.Field]FieldRight{query.Field(i % 7): ViewField}}
		if i%2 == 0 {
			r.View = views[i/5%100].Num
			r.Catalog = views[i/5%100].Catalog
		}
		rules = append(rules, r)
	}
	st.rights = newRights(st, rules, views)
	e := &employeeRules{service: &Service{options: Options{Now: time.Now}}, st: st, employee: 1}
	for i := range 200 {
		if s := st.rights.subjects[Subject{Field: 9, Ref: query.Ref(i)}]; s != nil {
			e.subjects = append(e.subjects, s)
		}
	}
	a := &Access{structure: st, actor: Actor{Employee: 1}, rules: e}
	c := st.catalogs[26]
	decide := func(a *Access) {
		a.Catalog(c)
		a.Creates(c)
		a.Where(c)
		for f := query.Field(1); f <= 7; f++ {
			a.Shown(&Field{Num: f, Catalog: c.Num})
		}
	}
	b.Run("anew", func(b *testing.B) {
		for b.Loop() {
			fresh := &employeeRules{service: e.service, st: st, employee: 1, subjects: e.subjects}
			decide(&Access{structure: st, actor: a.actor, rules: fresh})
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			decide(a)
		}
	})
}

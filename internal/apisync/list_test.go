package apisync_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

func TestReadList(t *testing.T) {
	eachAsked(t, func(t *testing.T, w *asked) {
		w.fill()
		for _, test := range []struct {
			raw  string
			want []query.Record
			code string
		}{
			{"", ids(1, 2, 3, 4, 5), ""},
			{`domain=[["title","=","Alpha"]]`, ids(1), ""}, {`domain=[(%27title%27,%27ilike%27,%27alp%25%27)]`, ids(1, 2), ""},
			{`domain=["&",["title","=","Alpha"]]`, nil, "400 INVALID_DOMAIN"}, {`domain=["%26",["cost",">",0],["cost","<",10.2]]`, ids(1), ""},
			{`domain=[["title","=","Їжак 100%"]]`, ids(3), ""}, {`domain=[["title","=","Їжак 100%25"]]`, ids(3), ""},
			// equality, as people type it
			{"title=Alpha", ids(1), ""}, {"title=Alpha&title=a_b", ids(1, 5), ""}, {"title=Alpha&cost=10.5", ids(), ""}, {"title=їжак", ids(), ""},
			{"title=", ids(4), ""}, {"title[null]=true", ids(4), ""}, {"title[null]=0", ids(1, 2, 3, 5), ""}, {"cost=null", ids(4), ""}, {"title=null", ids(), ""},
			{"cost=", nil, "400 INVALID_FILTER"}, {"cost=abc", nil, "400 INVALID_FILTER"}, {"status=1", ids(1), ""}, {"status=ok&status=1", ids(1, 2), ""},
			{"status=New", nil, "400 INVALID_FILTER"}, {"is_paid=yes!", ids(1), ""}, {"is_paid=null", ids(2, 3, 4, 5), ""}, {"tags=red", ids(1, 2), ""},
			{"place=1", ids(1), ""}, {"place=Podil", ids(2), ""}, {"place.label=Kyiv", ids(1), ""}, {"place_name=Kyiv", ids(1), ""}, {"contact.phone=%2B380+2", ids(3), ""},
			{"at=2026-03-09", ids(1, 2), ""}, {"at=2026-03-09T10:15:00+02:00", ids(1), ""}, {"_due=2026-03-09", ids(1), ""}, {"_=123&_x=y", ids(1, 2, 3, 4, 5), ""},
			// operators in brackets
			{"title[eq]=Alpha", ids(1), ""}, {"title[ne]=Alpha", ids(2, 3, 4, 5), ""}, {"cost[gt]=0&cost[lte]=10", ids(1), ""}, {"cost[gte]=10", ids(1, 2), ""},
			{"cost[lt]=0", ids(3), ""}, {"title[in]=Alpha,a_b", ids(1, 5), ""}, {"title[in]=a\\,b", ids(), ""}, {"title[in]=", ids(), ""}, {"title[nin]=Alpha,a_b", ids(2, 3, 4), ""},
			{"cost[in]=10,null", ids(1, 4), ""}, {"title[like]=lph", ids(1, 2), ""}, {"title[ilike]=AL", ids(1, 2), ""}, {"title[nlike]=lph", ids(3, 4, 5), ""},
			{"title[nilike]=AL", ids(3, 4, 5), ""}, {"title[starts]=a", ids(1, 2, 5), ""}, {"title[ends]=%", ids(3), ""}, {"title[starts]=%25", ids(), ""}, {"title[ends]=_b", ids(5), ""},
			{"cost[between]=0,10", ids(1, 5), ""}, {"at[between]=2026-03-09,2026-03-10", ids(1, 2, 3), ""}, {"cost[between]=1", nil, "400 INVALID_FILTER"},
			{"cost[about]=1", nil, "400 INVALID_FILTER"}, {"cost[]=1", nil, "400 INVALID_FILTER"}, {"title[null]=maybe", nil, "400 INVALID_FILTER"},
			// names
			{"name=Alpha", ids(1), ""}, {"progress=0", nil, "400 INVALID_FILTER"}, {"titel=Alpha", nil, "400 INVALID_FILTER"}, {"secret=1", nil, "400 INVALID_FILTER"},
			{"id=2", ids(2), ""}, {"display_name=alpha", ids(2), ""}, {"create_date[lt]=2031-01-01", ids(), ""}, {"write_uid=1", nil, "400 INVALID_FILTER"},
			// pages and order
			{"limit=2", ids(1, 2), ""}, {"limit=2&offset=3", ids(4, 5), ""}, {"limit=-1", nil, "400 INVALID_PARAMETER"}, {"limit=x", nil, "400 INVALID_PARAMETER"},
			{"limit=1.5", nil, "400 INVALID_PARAMETER"}, {"offset=-1", nil, "400 INVALID_PARAMETER"}, {"limit=1&limit=2", nil, "400 INVALID_PARAMETER"},
			{"limit=99999999999999999999", nil, "400 INVALID_PARAMETER"}, {"order=cost", ids(3, 5, 1, 2, 4), ""}, {"order=cost desc, id desc", ids(2, 1, 5, 3, 4), ""},
			{"order=cost+DESC", ids(2, 1, 5, 3, 4), ""}, {"order=id desc", ids(5, 4, 3, 2, 1), ""}, {"order=title asc,id", ids(5, 1, 2, 3, 4), ""}, {"order=price", ids(3, 5, 1, 2, 4), ""},
			{"order=display_name", ids(4, 5, 1, 2, 3), ""}, {"order=create_date,id", ids(1, 2, 3, 4, 5), ""}, {"order=", ids(1, 2, 3, 4, 5), ""},
			{"order=cost,title", ids(3, 5, 1, 2, 4), ""}, {"order=cost,id desc", ids(3, 5, 1, 2, 4), ""}, {"order=nothing", nil, "400 INVALID_PARAMETER"},
			{"order=rank", nil, "400 INVALID_PARAMETER"}, {"order=secret", nil, "400 INVALID_PARAMETER"}, {"order=place_name", nil, "400 INVALID_PARAMETER"}, {"order=progress", nil, "400 INVALID_PARAMETER"},
			{"order=,", nil, "400 INVALID_PARAMETER"}, {"order=write_uid", nil, "400 INVALID_PARAMETER"}, {"order=cost;drop", nil, "400 INVALID_PARAMETER"},
			// search
			{"search=AL", ids(1, 2), ""}, {"search=%25", ids(3), ""}, {"search=+", ids(1, 2, 3, 4, 5), ""}, {"search=none", ids(), ""},
			// the rest
			{"fields=title,id,cost", ids(1, 2, 3, 4, 5), ""}, {"fields=price", nil, "400 INVALID_PARAMETER"}, {"count=maybe", nil, "400 INVALID_PARAMETER"},
			{"updated_since=2031-02-03T04:05:06Z", ids(1, 2, 3, 4, 5), ""}, {"updated_since=2031-02-04", ids(), ""}, {"updated_since=2031-02-03&title=a_b", ids(5), ""},
			{"updated_since=yesterday", nil, "400 INVALID_PARAMETER"}, {"updated_since=2031-02-03&order=id", nil, "400 INVALID_PARAMETER"},
			{"include_deleted=1", nil, "400 INVALID_PARAMETER"}, {"page=2", nil, "400 INVALID_PARAMETER"}, {"sort=-title", nil, "400 INVALID_PARAMETER"},
			{"cursor=x", nil, "400 INVALID_PARAMETER"}, {"dry_run=1&atomic=0", ids(1, 2, 3, 4, 5), ""}, {"title[eq]=Alpha;DROP&x", nil, "400 INVALID_FILTER"},
			{"f.title=Alpha", nil, "400 INVALID_FILTER"}, {"title__ne=Alpha", nil, "400 INVALID_FILTER"},
		} {
			_, got, err := w.list(boss, test.raw)
			if codeOf(err) != test.code || !sameRecords(got, test.want...) {
				t.Errorf("%s: got %v (%v), want %v %s", test.raw, got, err, test.want, test.code)
			}
		}
	})
}

func TestReadListSays(t *testing.T) {
	w := newAsked(t, testdb.SQLite(t))
	for raw, good := range map[string]func(l *apisync.ListQuery) bool{
		"": func(l *apisync.ListQuery) bool {
			return l.Limit == 80 && l.Offset == 0 && l.Query.Limit == 80 && l.Query.WithTotal && l.Keys == nil && l.Query.Where == nil
		},
		"limit=201":                func(l *apisync.ListQuery) bool { return l.Limit == 200 && l.Query.Limit == 200 },
		"limit=0":                  func(l *apisync.ListQuery) bool { return l.Limit == 0 && l.Query.Limit == 0 && l.Query.WithTotal },
		"count=false&offset=7":     func(l *apisync.ListQuery) bool { return !l.Query.WithTotal && l.Offset == 7 && l.Query.Offset == 7 },
		"fields=title, cost,title": func(l *apisync.ListQuery) bool { return slices.Equal(l.Keys, []string{"title", "cost"}) },
		"include_archived=true":    func(l *apisync.ListQuery) bool { return l.Archived },
		"updated_since=2031-02-03": func(l *apisync.ListQuery) bool {
			return *l.UpdatedSince == int64(at("2031-02-03T00:00:00Z")) && !l.Deleted
		},
		"updated_since=2031-02-03T04:05:06.9Z&include_deleted=1": func(l *apisync.ListQuery) bool {
			return *l.UpdatedSince == int64(at("2031-02-03T04:05:06Z")) && l.Deleted && l.Query.Sort.By == query.ByUpdated && !l.Query.Sort.Desc
		},
	} {
		if l, _, err := w.list(boss, raw); err != nil || !good(l) {
			t.Errorf("%s: %+v, %v", raw, l, err)
		}
	}
}

// What the config asks always and by default, and what is active.
func TestReadListConfigured(t *testing.T) {
	eachAsked(t, func(t *testing.T, w *asked) {
		w.fill()
		active := `{"active_fields":{"deals":"paid"}}`
		for _, test := range []struct {
			settings, change, raw string
			want                  []query.Record
			code                  string
		}{
			{`{}`, `{"filter_domain":[["progress","=",false]]}`, "", ids(2, 3, 4), ""},
			{`{}`, `{"filter_domain":"[('progress','=',None)]"}`, "cost[gt]=0", ids(2), ""},
			{`{}`, `{"filter_domain":"[('progress','=',uid)]"}`, "", nil, "500 CONFIG_ERROR"},
			{`{}`, `{"params":[{"field":"stars","operator":">","value":1,"kind":"filter","enabled":true}]}`, "", ids(2, 5), ""},
			{`{}`, `{"params":[{"field":"stars","operator":">","value":1,"enabled":true}]}`, "title=a_b", ids(5), ""},
			{`{}`, `{"params":[{"field":"stars","operator":">","value":1,"kind":"filter","enabled":false}]}`, "", ids(1, 2, 3, 4, 5), ""},
			{`{}`, `{"params":[{"field":"order","operator":"","value":"id desc","kind":"query","enabled":true}]}`, "", ids(5, 4, 3, 2, 1), ""},
			{`{}`, `{"params":[{"field":"order","operator":"","value":"id desc","kind":"query","enabled":true}]}`, "order=id", ids(1, 2, 3, 4, 5), ""},
			{`{}`, `{"params":[{"field":"limit","operator":"=","value":2,"enabled":true}]}`, "", ids(1, 2), ""},
			{`{}`, `{"params":[{"field":"cost","operator":"=","value":10,"enabled":true}]}`, "", ids(1), ""},
			{`{}`, `{"params":[{"field":"cost","operator":"=","value":10,"enabled":true}]}`, "cost[ne]=10", ids(2, 3, 4, 5), ""},
			{`{}`, `{"search_fields":["note","title","price"]}`, "search=BACK", ids(5), ""},
			{`{}`, `{"domain_fields":"any"}`, `domain=[["progress","=",100]]&owner[null]=true`, ids(5), ""},
			{`{}`, `{"default_limit":3,"max_limit":4}`, "", ids(1, 2, 3), ""},
			{`{}`, `{"default_limit":3,"max_limit":4}`, "limit=100", ids(1, 2, 3, 4), ""},
			{active, `{}`, "", ids(1), ""}, {active, `{}`, "include_archived=1", ids(1, 2, 3, 4, 5), ""}, {active, `{}`, "active=false", ids(2, 3, 4, 5), ""},
			{active, `{}`, `domain=[["is_paid","=","no!"]]`, ids(2, 3, 4, 5), ""}, {active, `{}`, `domain=["|",["active","=",true],["cost","<",0]]`, ids(1, 3), ""},
			{active, `{}`, `order=active desc`, ids(1), ""},
		} {
			w.compile(test.settings, test.change)
			_, got, err := w.list(boss, test.raw)
			if codeOf(err) != test.code || !sameRecords(got, test.want...) {
				t.Errorf("%s %s: got %v (%v), want %v %s", test.change, test.raw, got, err, test.want, test.code)
			}
		}
	})
}

// A change of the same second as updated_since is found: times are told in seconds.
func TestUpdatedSinceOrder(t *testing.T) {
	eachAsked(t, func(t *testing.T, w *asked) {
		w.fill()
		w.now = w.now.Add(100 * time.Millisecond)
		name := catalog.FieldValue{Field: w.deals.FieldByKey("name").Num, Value: catalog.Text("later")}
		_, err := w.s.Apply(t.Context(), boss, []catalog.Op{catalog.Update{Catalog: w.deals.Num, Record: query.Key{Record: 2}, Values: []catalog.FieldValue{name}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, got, err := w.list(boss, "updated_since=2031-02-03T04:05:06Z"); err != nil || !sameRecords(got, 1, 3, 4, 5, 2) {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

// What an employee may not read answers nothing, whatever name or way it is asked by.
func TestDomainHidden(t *testing.T) {
	eachAsked(t, func(t *testing.T, w *asked) {
		w.fill()
		clerk := w.clerk()
		w.compile(`{"active_fields":{"deals":"paid"},"parent_fields":{"places":"parent"}}`, `{"domain_fields":"any"}`)
		for _, raw := range []string{
			`domain=[["price",">",0]]`, `domain=["!",["cost",">",0]]`, `cost=10`, `cost[null]=1`, `order=cost`, `order=price`,
			`domain=[["place.parent","=",1]]`, `domain=[["place","any",[["up","!=",1]]]]`, `domain=[["place","child_of",1]]`, `domain=[["place.up.label","like","K"]]`,
		} {
			_, got, err := w.list(clerk, raw)
			var e *apisync.Error
			if !errors.As(err, &e) || codeOf(err) != "403 FORBIDDEN" || got != nil {
				t.Errorf("%s: got %v (%v)", raw, got, err)
			}
		}
		// The switch is hidden: every record is active.
		if _, got, err := w.list(clerk, ""); err != nil || !sameRecords(got, 1, 2, 3, 4, 5) {
			t.Errorf("all: got %v (%v)", got, err)
		}
		if _, got, err := w.list(clerk, "active=false"); err != nil || len(got) > 0 {
			t.Errorf("active: got %v (%v)", got, err)
		}
	})
}

package apisync_test

import (
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// fill makes places 1 Kyiv > 2 Podil > 3 Kontraktova and 4 Lviv, and five deals, the
// fourth without values.
func (w *asked) fill() {
	w.Helper()
	for _, p := range []struct {
		title  string
		floor  float64
		parent query.Record
	}{{"Kyiv", 1, 0}, {"Podil", 2, 1}, {"Kontraktova", 3, 2}, {"Lviv", 1, 0}} {
		pairs := []any{"title", catalog.Text(p.title), "floor", catalog.Number(p.floor)}
		if p.parent != 0 {
			pairs = append(pairs, "parent", to(w.places, p.parent))
		}
		w.add(w.places, pairs...)
	}
	people := w.scope(boss, "$users").Catalog
	bob := w.add(people, "$name", catalog.Text("Боб"))
	w.add(w.deals, "name", catalog.Text("Alpha"), "note", catalog.Text("50% off"), "price", catalog.Number(10), "progress", catalog.Number(0),
		"stars", catalog.Whole(1), "state", catalog.Items{1}, "tags", catalog.Items{1}, "paid", catalog.Bool(true), "due", at("2026-03-09T00:00:00Z"),
		"at", at("2026-03-09T08:15:00.5Z"), "month", at("2026-03-01T00:00:00Z"),
		"phone", catalog.Contacts{{Contact: "+380 1"}, {Contact: "x@y.z", Comment: "home"}}, "address", catalog.Address{Value: "Lviv, 1"},
		"place", to(w.places, 1), "seen", to(w.places, 1, 2), "owner", to(people, 1))
	w.add(w.deals, "name", catalog.Text("alpha"), "price", catalog.Number(10.5), "stars", catalog.Whole(3), "state", catalog.Items{2},
		"tags", catalog.Items{1, 3}, "paid", catalog.Bool(false), "due", at("2026-03-10T00:00:00Z"), "at", at("2026-03-09T23:59:59.999Z"),
		"month", at("2026-04-01T00:00:00Z"), "place", to(w.places, 2), "seen", to(w.places, 3))
	w.add(w.deals, "name", catalog.Text("Їжак 100%"), "price", catalog.Number(-1), "state", catalog.Items{3}, "due", at("2025-12-31T00:00:00Z"),
		"at", at("2026-03-10T00:00:00Z"), "phone", catalog.Contacts{{Contact: "+380 2"}}, "place", to(w.places, 3), "owner", to(people, bob))
	w.add(w.deals)
	w.add(w.deals, "name", catalog.Text("a_b"), "note", catalog.Text(`back\slash`), "price", catalog.Number(0), "progress", catalog.Number(100),
		"stars", catalog.Whole(5), "tags", catalog.Items{2}, "at", at("2024-02-29T12:30:45Z"), "place", to(w.places, 4), "seen", to(w.places, 4))
}

// askedCases have for every operator and kind of field what is found of fill's deals;
// "~" stands for all but.
var askedCases = []struct {
	domain string
	want   []query.Record
}{
	{`[]`, ids(1, 2, 3, 4, 5)}, {`[[1,"=",1]]`, ids(1, 2, 3, 4, 5)}, {`[[0,"=",1]]`, ids()},
	// texts
	{`[["name","=","Alpha"]]`, ids(1)}, {`[["name","==","alpha"]]`, ids(2)}, {`[["name","!=","Alpha"]]`, ids(2, 3, 4, 5)},
	{`[["name","<>","Alpha"]]`, ids(2, 3, 4, 5)}, {`[["name","=",false]]`, ids(4)}, {`[["name","=",null]]`, ids(4)}, {`[["name","=",""]]`, ids(4)},
	{`[["name","!=",false]]`, ids(1, 2, 3, 5)}, {`[["name","=",["Alpha","a_b"]]]`, ids(1, 5)}, {`[["name","=",[]]]`, ids(4)},
	{`[["name","!=",[]]]`, ids(1, 2, 3, 5)}, {`[["name","in",["Alpha","none"]]]`, ids(1)}, {`[["name","in",["Alpha",false]]]`, ids(1, 4)},
	{`[["name","in",[]]]`, ids()}, {`[["name","not in",[]]]`, ids(1, 2, 3, 4, 5)}, {`[["name","not in",["Alpha"]]]`, ids(2, 3, 4, 5)},
	{`[["name","not in",["Alpha",false]]]`, ids(2, 3, 5)}, {`[["name","in","Alpha"]]`, ids(1)},
	{`[["name","like","lph"]]`, ids(1, 2)}, {`[["name","like","Al"]]`, ids(1)}, {`[["name","ilike","AL"]]`, ids(1, 2)},
	{`[["name","ilike","їЖАК"]]`, ids(3)}, {`[["name","like","їЖАК"]]`, ids()}, {`[["name","not like","Al"]]`, ids(2, 3, 4, 5)},
	{`[["name","not ilike","AL"]]`, ids(3, 4, 5)}, {`[["name","like","A%a"]]`, ids(1)}, {`[["name","like","a_b"]]`, ids(5)},
	{`[["name","like","l_h"]]`, ids(1, 2)}, {`[["name","like","a\\_b"]]`, ids(5)}, {`[["name","like","l\\_h"]]`, ids()},
	{`[["name","like","100\\%"]]`, ids(3)}, {`[["note","like","50\\%"]]`, ids(1)}, {`[["note","like","\\"]]`, ids(5)},
	{`[["note","like","k\\\\s"]]`, ids(5)}, {`[["name","like",""]]`, ids(1, 2, 3, 4, 5)}, {`[["name","not like",""]]`, ids()},
	{`[["name","like",false]]`, ids(1, 2, 3, 4, 5)}, {`[["name","=like","A%"]]`, ids(1)}, {`[["name","=like","lph"]]`, ids()},
	{`[["name","=ilike","a%A"]]`, ids(1, 2)}, {`[["name","not =like","A%"]]`, ids(2, 3, 4, 5)}, {`[["name","not =ilike","ALPHA"]]`, ids(3, 4, 5)},
	{`[["name","=like",""]]`, ids(4)}, {`[["name","not =ilike",""]]`, ids(1, 2, 3, 5)},
	{`[["name",">","a_b"]]`, ids(1, 2, 3)}, {`[["name",">=","a_b"]]`, ids(1, 2, 3, 5)}, {`[["name","<","alpha"]]`, ids(5)},
	{`["!",["name",">","a_b"]]`, ids(4, 5)},
	// numbers
	{`[["price","=",10]]`, ids(1)}, {`[["price","=","10.50"]]`, ids(2)}, {`[["price","=",0]]`, ids(5)}, {`[["price","=",false]]`, ids(4)},
	{`[["price","!=",0]]`, ids(1, 2, 3, 4)}, {`[["price",">",10]]`, ids(2)}, {`[["price",">=",10]]`, ids(1, 2)}, {`[["price","<",0]]`, ids(3)},
	{`[["price","<=",0]]`, ids(3, 5)}, {`["!",["price","<",10]]`, ids(1, 2, 4)}, {`[["price","in",[10,-1,7]]]`, ids(1, 3)},
	{`[["price","not in",[10,false]]]`, ids(2, 3, 5)}, {`[["progress","=",0]]`, ids(1)}, {`[["progress","<=",99.5]]`, ids(1)},
	{`[["stars",">",1]]`, ids(2, 5)}, {`[["stars","in",[1,5]]]`, ids(1, 5)}, {`[["stars","=",1.5]]`, ids()}, {`[["stars","=",null]]`, ids(3, 4)},
	// options
	{`[["state","=","New"]]`, ids(1)}, {`[["state","=",2]]`, ids(2)}, {`[["state","=","late"]]`, ids(3)}, {`[["state","=","Too late"]]`, ids(3)},
	{`[["state","!=","New"]]`, ids(2, 3, 4, 5)}, {`[["state","in",["New","late",false]]]`, ids(1, 3, 4, 5)}, {`[["state","not in",["New"]]]`, ids(2, 3, 4, 5)},
	{`[["state","=",false]]`, ids(4, 5)}, {`[["state","ilike","ГОТ"]]`, ids(2)}, {`[["state","=like","T%e"]]`, ids(3)}, {`[["state","not ilike","e"]]`, ids(2, 4, 5)},
	{`[["tags","=","red"]]`, ids(1, 2)}, {`[["tags","!=","red"]]`, ids(3, 4, 5)}, {`[["tags","in",["blue","green"]]]`, ids(2, 5)},
	{`[["tags","not in",["blue","green"]]]`, ids(1, 3, 4)}, {`[["tags","=",false]]`, ids(3, 4)}, {`[["tags","like","re"]]`, ids(1, 2, 5)},
	// switches
	{`[["paid","=",true]]`, ids(1)}, {`[["paid","=",false]]`, ids(2, 3, 4, 5)}, {`[["paid","=",null]]`, ids(2, 3, 4, 5)}, {`[["paid","!=",true]]`, ids(2, 3, 4, 5)},
	{`[["paid","!=",false]]`, ids(1)}, {`[["paid","=","yes"]]`, ids(1)}, {`[["paid","in",[true,false]]]`, ids(1, 2, 3, 4, 5)}, {`[["paid","in",[]]]`, ids()},
	// dates
	{`[["due","=","2026-03-09"]]`, ids(1)}, {`[["due","=","2026-03-09T23:00:00Z"]]`, ids(1)}, {`[["due","=","2026-03-09T23:30:00-01:00"]]`, ids(2)},
	{`[["due",">","2026-03-09"]]`, ids(2)}, {`[["due",">=","2026-03-09"]]`, ids(1, 2)}, {`[["due","<","2026-03-09"]]`, ids(3)},
	{`[["due","<=","2026-03-09"]]`, ids(1, 3)}, {`[["due","!=","2026-03-09"]]`, ids(2, 3, 4, 5)}, {`[["due","=",false]]`, ids(4, 5)},
	{`[["at","=","2026-03-09"]]`, ids(1, 2)}, {`[["at",">","2026-03-09"]]`, ids(3)}, {`[["at",">=","2026-03-09"]]`, ids(1, 2, 3)},
	{`[["at","<","2026-03-09"]]`, ids(5)}, {`[["at","<=","2026-03-09"]]`, ids(1, 2, 5)}, {`[["at","=","2026-03-09T08:15:00Z"]]`, ids(1)},
	{`[["at","=","2026-03-09 08:15:00"]]`, ids(1)}, {`[["at","=","2026-03-09T10:15:00+02:00"]]`, ids(1)}, {`[["at",">","2026-03-09T08:15:00Z"]]`, ids(2, 3)},
	{`[["at","<=","2026-03-09T08:15:00Z"]]`, ids(1, 5)}, {`[["at","<","2026-03-09T08:15:00Z"]]`, ids(5)}, {`[["at","in",["2026-03-10","2024-02-29"]]]`, ids(3, 5)},
	{`[["month","=","2026-03"]]`, ids(1)}, {`[["month","=","2026-03-31"]]`, ids(1)}, {`[["month",">","2026-03"]]`, ids(2)},
	// contacts and addresses
	{`[["phone","=","x@y.z"]]`, ids(1)}, {`[["phone","!=","x@y.z"]]`, ids(2, 3, 4, 5)}, {`[["phone","like","+380"]]`, ids(1, 3)}, {`[["phone","ilike","home"]]`, ids()},
	{`[["phone","not like","+380"]]`, ids(2, 4, 5)}, {`[["phone","=","+380 1\nx@y.z"]]`, ids()}, {`[["phone","=like","+380__"]]`, ids(1, 3)},
	{`[["phone","=",false]]`, ids(2, 4, 5)}, {`[["address","=","Lviv, 1"]]`, ids(1)}, {`[["address","ilike","LVIV"]]`, ids(1)},
	// links
	{`[["place","=",1]]`, ids(1)}, {`[["place","!=",1]]`, ids(2, 3, 4, 5)}, {`[["place","=","Podil"]]`, ids(2)}, {`[["place","!=","Podil"]]`, ids(1, 3, 4, 5)},
	{`[["place","=","1"]]`, ids()}, {`[["place","in",[1,"Podil",false]]]`, ids(1, 2, 4)}, {`[["place","=",false]]`, ids(4)}, {`[["place","ilike","KYI"]]`, ids(1)},
	{`[["place","not ilike","KYI"]]`, ids(2, 3, 4, 5)}, {`[["place","=like","K%"]]`, ids(1, 3)}, {`[["place",">",2]]`, ids(3, 5)}, {`[["seen","=",2]]`, ids(1)},
	{`[["seen","!=",2]]`, ids(2, 3, 4, 5)}, {`[["seen","in",[1,3]]]`, ids(1, 2)}, {`[["seen","not in",[1,3]]]`, ids(3, 4, 5)},
	{`[["owner","=","Боб"]]`, ids(3)}, {`[["owner","=","ADA@example.com"]]`, ids(1)}, {`[["owner","=",1]]`, ids(1)}, {`[["owner","like","А"]]`, ids()},
	{`[["files","=",false]]`, ids(1, 2, 3, 4, 5)}, {`[["files","!=",false]]`, ids()},
	// paths
	{`[["place.title","=","Kyiv"]]`, ids(1)}, {`[["place.title","!=","Kyiv"]]`, ids(2, 3, 5)}, {`["!",["place.title","=","Kyiv"]]`, ids(2, 3, 4, 5)},
	{`[["place.floor",">",1]]`, ids(2, 3)}, {`[["place.parent.title","=","Kyiv"]]`, ids(2)}, {`[["place.parent","=",false]]`, ids(1, 5)},
	{`[["place.parent.parent.floor","=",1]]`, ids(3)}, {`[["seen.floor","=",2]]`, ids(1)}, {`[["seen.floor","!=",2]]`, ids(1, 2, 5)},
	{`[["place.id","in",[1,4]]]`, ids(1, 5)}, {`[["place.display_name","=like","L%"]]`, ids(5)}, {`[["place.active","=",true]]`, ids(1, 2, 3, 5)},
	{`[["place","any",[["floor","=",1]]]]`, ids(1, 5)}, {`[["place","not any",[["floor","=",1]]]]`, ids(2, 3, 4)}, {`[["place","any",[]]]`, ids(1, 2, 3, 5)},
	{`[["seen","any",["|",["title","=","Podil"],["parent","any",[["title","=","Podil"]]]]]]`, ids(1, 2)},
	{`[["seen","any",["!",["title","=","Podil"]]]]`, ids(1, 2, 5)}, {`[["seen","not any",["!",["title","=","Podil"]]]]`, ids(3, 4)},
	// families
	{`[["place","child_of",1]]`, ids(1, 2, 3)}, {`[["place","child_of","Podil"]]`, ids(2, 3)}, {`[["place","child_of",[2,4]]]`, ids(2, 3, 5)},
	{`[["place","parent_of",3]]`, ids(1, 2, 3)}, {`[["place","parent_of","Podil"]]`, ids(1, 2)}, {`["!",["place","child_of",1]]`, ids(4, 5)},
	{`[["place","child_of",false]]`, ids()}, {`[["place","child_of",[]]]`, ids()}, {`[["place","child_of",99]]`, ids()}, {`[["place.id","child_of",2]]`, ids(2, 3)},
	// parts of dates
	{`[["at.year_number","=",2026]]`, ids(1, 2, 3)}, {`[["at.year_number","<",2026]]`, ids(5)}, {`[["at.year_number",">=",2025]]`, ids(1, 2, 3)},
	{`[["at.year_number","!=",2026]]`, ids(4, 5)}, {`[["at.quarter_number","=",1]]`, ids(1, 2, 3, 5)}, {`[["at.month_number","in",[2,12]]]`, ids(5)},
	{`[["due.month_number",">",3]]`, ids(3)}, {`[["due.iso_week_number","=",1]]`, ids(3)}, {`[["at.day_of_week","=",1]]`, ids(1, 2)}, {`[["at.day_of_week",">",1]]`, ids(3, 5)},
	{`[["due.day_of_week","=",0]]`, ids()}, {`[["at.day_of_month","=",29]]`, ids(5)}, {`[["due.day_of_year","=",365]]`, ids(3)}, {`[["at.hour_number","=",8]]`, ids(1)},
	{`[["at.hour_number","<",9]]`, ids(1, 3)}, {`[["at.minute_number","=",30]]`, ids(5)}, {`[["at.second_number",">=",45]]`, ids(2, 5)},
	{`[["at.month_number","=",false]]`, ids(4)}, {`[["at.month_number",">",12]]`, ids()},
	// what every record has
	{`[["id","=",2]]`, ids(2)}, {`[["id","in",[1,"5",99]]]`, ids(1, 5)}, {`[["id","not in",[1,5]]]`, ids(2, 3, 4)}, {`[["id",">",3]]`, ids(4, 5)}, {`[["id","<=",2]]`, ids(1, 2)},
	{`[["id","=",false]]`, ids()}, {`[["id","!=",false]]`, ids(1, 2, 3, 4, 5)}, {`[["display_name","=","Alpha"]]`, ids(1)}, {`[["display_name","ilike","alp"]]`, ids(1, 2)},
	{`[["display_name","=","#4"]]`, ids(4)}, {`[["display_name","=",false]]`, ids()}, {`[["display_name","not ilike","a"]]`, ids(3, 4)},
	{`[["active","=",true]]`, ids(1, 2, 3, 4, 5)}, {`[["active","!=",true]]`, ids()}, {`[["active","in",[true,false]]]`, ids(1, 2, 3, 4, 5)},
	{`[["create_date","=","2031-02-03"]]`, ids(1, 2, 3, 4, 5)}, {`[["create_date",">=","2031-02-03T04:05:06Z"]]`, ids(1, 2, 3, 4, 5)},
	{`[["create_date",">","2031-02-03T04:05:06Z"]]`, ids()}, {`[["write_date","<","2031-02-03"]]`, ids()}, {`[["write_date","=",false]]`, ids()},
	{`[["write_date","<=","2031-02-03T04:05:06Z"]]`, ids(1, 2, 3, 4, 5)},
	// operators
	{`["|",["price","=",10],["state","=","late"]]`, ids(1, 3)}, {`["!","&",["price",">",0],["stars",">",1]]`, ids(1, 3, 4, 5)},
	{`["&","!",["price","=",10],"|",["price",">",0],["price","=",false]]`, ids(2, 4)}, {`[["price",">",0],["price","<",10.5]]`, ids(1)},
	{`["!","!",["price","=",10]]`, ids(1)}, {`["|","!",[1,"=",1],["id","=",1]]`, ids(1)},
	{`[["price","in",[` + strings.Repeat("0.5,", 900) + `10]]]`, ids(1)}, {`[` + strings.Repeat(`"|",`, 199) + strings.Repeat(`["price","=",10],`, 200) + `]`, ids(1)},
}

func ids(list ...query.Record) []query.Record { return list }

func TestDomainOperators(t *testing.T) {
	eachAsked(t, func(t *testing.T, w *asked) {
		w.fill()
		w.compile(`{"parent_fields":{"places":"parent"}}`)
		for _, test := range askedCases {
			got, err := w.where(boss, "deals", test.domain, true)
			if err != nil || !sameRecords(got, test.want...) {
				t.Errorf("%.150s: got %v (%v), want %v", test.domain, got, err, test.want)
			}
		}
	})
}

func TestDomainNames(t *testing.T) {
	eachAsked(t, func(t *testing.T, w *asked) {
		w.fill()
		for _, test := range []struct {
			domain string
			want   []query.Record
			code   string
		}{
			{`[["title","=","Alpha"]]`, ids(1), ""}, {`[["title","="," Alpha "]]`, ids(1), ""}, {`[["name","=","Alpha"]]`, ids(1), ""},
			{`[["cost",">",0]]`, ids(1, 2), ""}, {`[["due","=",false]]`, ids(4, 5), ""}, {`[["_due","=",false]]`, ids(4, 5), ""},
			{`[["contact.phone","=","x@y.z"]]`, ids(1), ""}, {`[["progress","=",0]]`, nil, "400 INVALID_DOMAIN"}, {`[["nothing","=",0]]`, nil, "400 INVALID_DOMAIN"},
			// value maps, by key only
			{`[["status","=",1]]`, ids(1), ""}, {`[["status","=","ok"]]`, ids(2), ""}, {`[["status","in",[1,"ok",false]]]`, ids(1, 2, 4, 5), ""},
			{`[["status","=","New"]]`, nil, "400 INVALID_DOMAIN"}, {`[["status","=","1"]]`, nil, "400 INVALID_DOMAIN"}, {`[["state","=","New"]]`, ids(1), ""},
			{`[["is_paid","=","yes!"]]`, ids(1), ""}, {`[["is_paid","=","no!"]]`, ids(2, 3, 4, 5), ""},
			// paths through mapped links
			{`[["place.label","=","Kyiv"]]`, ids(1), ""}, {`[["place.title","=","Kyiv"]]`, ids(1), ""}, {`[["place.up.label","=","Kyiv"]]`, ids(2), ""},
			{`[["place.up.up.up.label","=","Kyiv"]]`, ids(), ""}, {`[["place","any",[["label","like","K"]]]]`, ids(1, 3), ""}, {`[["place_name","like","K"]]`, ids(1, 3), ""},
			{`[["place.floor","=",1]]`, nil, "400 INVALID_DOMAIN"}, {`[["place","any",[["floor","=",1]]]]`, nil, "400 INVALID_DOMAIN"},
			{`[["seen.id","=",1]]`, ids(1), ""}, {`[["seen.title","=","Kyiv"]]`, nil, "400 INVALID_DOMAIN"}, {`[["seen.display_name","=","Kyiv"]]`, ids(1), ""},
			{`[["at.hour_number","=",8]]`, ids(1), ""}, {`[["created",">=","2031-01-01"]]`, ids(1, 2, 3, 4, 5), ""}, {`[["id","=",1]]`, ids(1), ""},
			// what may not be asked
			{`[["secret","=","x"]]`, nil, "400 INVALID_DOMAIN"}, {`[["note","=","x"]]`, nil, "400 INVALID_DOMAIN"}, {`[["rank","=",1]]`, nil, "400 INVALID_DOMAIN"},
			{`[["stars","=",1]]`, nil, "400 INVALID_DOMAIN"}, {`[["create_uid","=",1]]`, nil, "400 INVALID_DOMAIN"}, {`[["owner","=",1]]`, nil, "400 INVALID_DOMAIN"},
			{`[["place","child_of",1]]`, nil, "400 INVALID_DOMAIN"}, {`[["title.id","=",1]]`, nil, "400 INVALID_DOMAIN"}, {`[["title","any",[]]]`, nil, "400 INVALID_DOMAIN"},
			{`[["cost","=","many"]]`, nil, "400 INVALID_DOMAIN"}, {`[["cost","like","1"]]`, nil, "400 INVALID_DOMAIN"}, {`[["cost",">",false]]`, nil, "400 INVALID_DOMAIN"},
			{`[["cost",">",[1]]]`, nil, "400 INVALID_DOMAIN"}, {`[["at","=","soon"]]`, nil, "400 INVALID_DOMAIN"}, {`[["_due.hour_number","=",1]]`, nil, "400 INVALID_DOMAIN"},
			{`[["at","=","0000-01-01"]]`, nil, "400 INVALID_DOMAIN"}, {`[["tags","=","violet"]]`, nil, "400 INVALID_DOMAIN"}, {`[["tags",">","red"]]`, nil, "400 INVALID_DOMAIN"},
			{`[["is_paid","=",5]]`, nil, "400 INVALID_DOMAIN"}, {`[["created.year_number","=",2031]]`, nil, "400 INVALID_DOMAIN"}, {`[["place","=",1.5]]`, nil, "400 INVALID_DOMAIN"},
			{`[["place` + strings.Repeat(".up", 30) + `","=",1]]`, nil, "400 INVALID_DOMAIN"},
		} {
			got, err := w.where(boss, "deals", test.domain, false)
			if codeOf(err) != test.code || !sameRecords(got, test.want...) {
				t.Errorf("%s: got %v (%v), want %v %s", test.domain, got, err, test.want, test.code)
			}
		}
	})
}

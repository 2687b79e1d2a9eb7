package bpium

import (
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

func TestDecodeQuery(t *testing.T) {
	cases := []struct {
		name, query string
		want        query.Query
	}{
		{"nothing: newest first, 100", "", query.Query{Sort: query.Sort{Desc: true}, Limit: 100}},
		{"page", "limit=500&offset=1000&withTotal=true", query.Query{Sort: query.Sort{Desc: true}, Limit: 500, Offset: 1000, WithTotal: true}},
		{"limit 0", "limit=0", query.Query{Sort: query.Sort{Desc: true}}},
		{"direction alone", "sortType=1", query.Query{Limit: 100}},
		{"direction alone, down", "sortType=-1", query.Query{Sort: query.Sort{Desc: true}, Limit: 100}},
		{"sort by field", "sortField=5&sortType=desc", query.Query{Sort: query.Sort{By: query.ByField, Field: 105, Desc: true}, Limit: 100}},
		{"sort by field, up", "sortField=5", query.Query{Sort: query.Sort{By: query.ByField, Field: 105}, Limit: 100}},
		{"sort by $title", "sortField=$title&sortType=asc", query.Query{Sort: query.Sort{By: query.ByTitle}, Limit: 100}},
		{"sort by title", "sortField=title", query.Query{Sort: query.Sort{By: query.ByTitle}, Limit: 100}},
		{"sort by $createdTime", "sortField=$createdTime", query.Query{Sort: query.Sort{By: query.ByCreated}, Limit: 100}},
		{"sort by $updatedTime", "sortField=%24updatedTime", query.Query{Sort: query.Sort{By: query.ByUpdated}, Limit: 100}},
		{"sort by id", "sortField=id", query.Query{Limit: 100}},
		{"no view", "viewId=0", query.Query{Sort: query.Sort{Desc: true}, Limit: 100}},
		{"view", "viewId=mine", query.Query{View: "mine", Sort: query.Sort{Desc: true}, Limit: 100}},
		{"search", "searchText=ACME", query.Query{Search: query.Search{Fold: "acme"}, Sort: query.Sort{Desc: true}, Limit: 100}},
		{"search of a phone", "searchText=8+(900)+123-45-67", query.Query{Search: query.Search{Fold: "8 (900) 123-45-67", Digits: "79001234567"}, Sort: query.Sort{Desc: true}, Limit: 100}},
		{"ids", "id[0]=1&id[1]=own", query.Query{Where: query.Among{{Record: 1}, {Code: "own"}}, Sort: query.Sort{Desc: true}, Limit: 100}},
		{"no ids", "id=[]", query.Query{Where: query.Or{}, Sort: query.Sort{Desc: true}, Limit: 100}},
		{"ids and filters", `id=5&filters={"15":true}`, query.Query{Where: query.And{query.Cond{Field: 115, Test: query.AnyOf{1}}, query.Among{{Record: 5}}}, Sort: query.Sort{Desc: true}, Limit: 100}},
		{"unread", "newMessages=true", query.Query{Where: query.Unread{}, Sort: query.Sort{Desc: true}, Limit: 100}},
		{"unknown parameters are ignored", "_=1234&cache[x]=1", query.Query{Sort: query.Sort{Desc: true}, Limit: 100}},
		{"a limit of any size is the service's to refuse", "limit=2147483647", query.Query{Sort: query.Sort{Desc: true}, Limit: math.MaxInt32}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ask, err := DecodeQuery(params(t, c.query), scopeOf(t, "27"), byOperator)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprintf("%+v", ask.Query), fmt.Sprintf("%+v", c.want); got != want {
				t.Errorf("got %s\nwant %s", got, want)
			}
		})
	}
}

func TestDecodeQueryRefuses(t *testing.T) {
	cases := []struct {
		name, query string
		code        fault.Code
		names       string
	}{
		{"negative limit", "limit=-1", fault.InvalidParameter, "limit"},
		{"fraction", "limit=1.5", fault.InvalidParameter, "limit"},
		{"negative offset", "offset=-5", fault.InvalidParameter, "offset"},
		{"offset of a thousand digits", "offset=" + strings.Repeat("9", 1000), fault.InvalidParameter, "offset"},
		{"unknown direction", "sortType=up", fault.InvalidParameter, "sortType"},
		{"unknown sort field", "sortField=99", fault.UnknownField, "sortField"},
		{"sort by a group", "sortField=1", fault.InvalidParameter, "sortField"},
		{"two views", "viewId=5&viewId=6", fault.InvalidParameter, "viewId"},
		{"ids of an object", "id[a]=1", fault.InvalidParameter, "id"},
		{"ids empty", "id=", fault.InvalidParameter, "id"},
		{"ids null", "id=null", fault.InvalidParameter, "id"},
		{"list of lists", "id=[[1]]", fault.InvalidParameter, "id"},
		{"search twice", "searchText=a&searchText=b", fault.InvalidParameter, "searchText"},
		{"total maybe", "withTotal=perhaps", fault.InvalidParameter, "withTotal"},
		{"filters", "filters[99]=1", fault.UnknownField, "99"},
		{"fields", `fields={"a":1}`, fault.InvalidParameter, "fields"},
		{"fields of no ids", `fields=[true]`, fault.InvalidParameter, "fields"},
		{"fields nested in a text", `fields=[{"fieldId":2,"fields":{"31":[1]}}]`, fault.InvalidParameter, "fields"},
		{"fields nested in an employee", `fields=[{"fieldId":10,"fields":{"3":[1]}}]`, fault.InvalidParameter, "fields"},
		{"nested fields as a list", `fields=[{"fieldId":9,"fields":[1]}]`, fault.InvalidParameter, "fields"},
		{"nested fields of a scalar", `fields=[{"fieldId":9,"fields":{"31":1}}]`, fault.InvalidParameter, "31"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodeQuery(params(t, c.query), scopeOf(t, "27"), byOperator)
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.names) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := DecodeQuery(params(t, "sortField=3"), scopeOf(t, "$users"), byOperator); !fault.Is(err, fault.FieldHidden) {
		t.Errorf("sort by a secret: %v", err)
	}
	for offset, good := range map[string]bool{"-720": true, "840": true, "": true, "-721": false, "841": false, "x": false} {
		if _, err := TimezoneOffset(params(t, "timezoneOffset="+offset)); (err == nil) != good {
			t.Errorf("offset %s: %v", offset, err)
		}
	}
}

func showSelection(s *catalog.Selection) string {
	if s.All {
		return "all"
	}
	var parts []string
	for _, f := range s.Fields {
		part := fmt.Sprint(f.Num)
		for _, c := range []query.Catalog{vendorsNum, placesNum, usersNum} {
			if nested := s.Linked[f.Num][c]; nested != nil {
				part += fmt.Sprintf("(%d: %s)", c, showSelection(nested))
			}
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

func TestDecodeSelection(t *testing.T) {
	nine := `{"fieldId":9,"fields":{"31":["4",{"fieldId":5,"fields":{"places":[2]}}]}}`
	cases := []struct{ name, query, want string }{
		{"absent", "", "all"},
		{"empty parameter", "fields=", "all"},
		{"none", "fields=[]", ""},
		{"ids of both kinds", `fields=[5,"2"]`, "105 102"},
		{"brackets", "fields[0]=5&fields[1]=2", "105 102"},
		{"single", "fields=5", "105"},
		{"encoded twice", `fields="[5]"`, "105"},
		{"encoded three times", `fields="\"[5]\""`, "105"},
		{"unknown, hidden and valueless ones are left out", `fields=[1,20,99,5]`, "105"},
		{"twice", `fields=[5,5]`, "105"},
		{"nested", `fields=[` + nine + `]`, "109(31: 204 205(44: 302))"},
		{"nested in brackets", "fields[0][fieldId]=9&fields[0][fields][31][0]=4", "109(31: 204)"},
		{"nested JSON in brackets", `fields[0]={"fieldId":9,"fields":{"31":[2]}}`, "109(31: 202)"},
		{"nested in an unknown field", `fields=[{"fieldId":99,"fields":{"31":[1]}}]`, ""},
		{"nested of an unknown catalog", `fields=[{"fieldId":9,"fields":{"999":[1]}}]`, "109"},
		{"old number of a catalog", `fields=[{"fieldId":19,"fields":{"3":[1,3]}}]`, "119(3: 1 3)"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := DecodeSelection(params(t, c.query), scopeOf(t, "27"))
			if err != nil {
				t.Fatal(err)
			}
			if got := showSelection(s); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	deep := func(levels int) string {
		return "fields=" + url.QueryEscape("["+strings.Repeat(`{"fieldId":3,"fields":{"places":[`, levels)+"2"+strings.Repeat(`]}}`, levels)+"]")
	}
	for levels, good := range map[int]bool{9: true, 10: false, 5000: false} {
		if _, err := DecodeSelection(params(t, deep(levels)), scopeOf(t, "places")); good != (err == nil) || !good && !fault.Is(err, fault.InvalidParameter) {
			t.Errorf("%d nested selections: %v", levels, err)
		}
	}
	if _, err := DecodeSelection(params(t, deep(12)), scopeOf(t, "27")); !fault.Is(err, fault.InvalidParameter) {
		t.Errorf("too deep below a field that does not exist: %v", err)
	}
	s, err := DecodeSelection(params(t, "withFieldsAdditional=true"), scopeOf(t, "27"))
	if err != nil || !s.LinkedShown || !s.All {
		t.Errorf("withFieldsAdditional: %+v, %v", s, err)
	}
}

func TestIDs(t *testing.T) {
	for in, want := range map[string]string{"3": "$users", "24": "$requests", "25": "25", "0": "0", "03": "03", "+3": "+3", "$users": "$users", "%24users": "$users", "own": "own", "": ""} {
		if got := CatalogKey(in); got != want {
			t.Errorf("catalog %q: %q", in, got)
		}
	}
	for in, want := range map[string]string{"1": "1", "%24settings": "$settings", "3": "3"} {
		if got := SectionKey(in); got != want {
			t.Errorf("section %q: %q", in, got)
		}
	}
	for in, want := range map[string]query.Key{
		"12": {Record: 12}, "0": {Code: "0"}, "012": {Code: "012"}, "+1": {Code: "+1"}, "-1": {Code: "-1"}, "own": {Code: "own"},
		"1099511627775": {Record: query.MaxRecord}, "1099511627776": {Code: "1099511627776"}, "99999999999999999999": {Code: "99999999999999999999"},
	} {
		if got := RecordKey(in); got != want {
			t.Errorf("record %q: %+v", in, got)
		}
	}
	users, orders := scopeOf(t, "$users").Catalog, scopeOf(t, "27").Catalog
	if f := FieldByID(users, "1"); f == nil || f.Key != "$name" {
		t.Errorf("alias 1: %v", f)
	}
	for _, id := range []string{"01", "9", "", "$nope"} {
		if f := FieldByID(users, id); f != nil {
			t.Errorf("field %q: %v", id, f)
		}
	}
	if FieldByID(orders, "5").Num != amountF {
		t.Error("field 5")
	}
}

func TestDecodeLists(t *testing.T) {
	f, skip, err := DecodeCatalogs(params(t, "sectionId[]=3&sectionId[]=%2524settings&withHidden=1&skipPrevId=true"))
	if err != nil || !skip || !f.Hidden || strings.Join(f.Sections, " ") != "3 $settings" {
		t.Errorf("%+v %v %v", f, skip, err)
	}
	if f, _, err := DecodeCatalogs(params(t, "")); err != nil || f.Sections != nil {
		t.Errorf("%+v %v", f, err)
	}
	if f, _, err := DecodeCatalogs(params(t, "sectionId=[]")); err != nil || f.Sections == nil {
		t.Errorf("no sections: %+v %v", f, err)
	}
	ask, err := DecodeEmployees(params(t, "title=op&id=7&limit=5&offset=2"))
	if err != nil || ask.Search != "op" || len(ask.IDs) != 1 || ask.Limit != 5 || ask.Offset != 2 {
		t.Errorf("%+v %v", ask, err)
	}
	if ask, err := DecodeEmployees(params(t, "")); err != nil || ask.Limit != 0 || ask.IDs != nil {
		t.Errorf("%+v %v", ask, err)
	}
	if ask, err := DecodeEmployees(params(t, "limit=0")); err != nil || ask.IDs == nil || len(ask.IDs) != 0 {
		t.Errorf("limit 0: %+v %v", ask, err)
	}
}

package bpium

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// show writes a condition for people: what is tested of which field.
func show(n query.Node) string {
	switch n := n.(type) {
	case nil:
		return "nothing"
	case query.And:
		return "and(" + showAll(n) + ")"
	case query.Or:
		return "or(" + showAll(n) + ")"
	case query.Cond:
		return fmt.Sprintf("%d %s", n.Field, showTest(n.Test))
	case query.Among:
		return fmt.Sprintf("among%v", n)
	}
	return fmt.Sprintf("%T", n)
}

func showAll(nodes []query.Node) string {
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		parts[i] = show(n)
	}
	return strings.Join(parts, ", ")
}

func showTest(t query.Test) string {
	switch t := t.(type) {
	case query.Empty:
		return "empty"
	case query.NotEmpty:
		return "not empty"
	case query.Substring:
		return strings.TrimSpace(fmt.Sprintf("has %q %s", t.Fold, t.Digits))
	case query.NumberRange:
		return showBound(t.Min, func(n float64) string { return fmt.Sprint(n) }) + ".." +
			showBound(t.Max, func(n float64) string { return fmt.Sprint(n) })
	case query.TimeRange:
		return showBound(t.Min, showTime) + ".." + showBound(t.Max, showTime)
	case query.Birthday:
		return fmt.Sprintf("birthday %d-%d %+d", t.Month, t.Day, t.Offset)
	case query.AnyOf:
		return fmt.Sprintf("any%v", []int64(t))
	case query.AllOf:
		return fmt.Sprintf("all%v", []int64(t))
	case query.LinksAny:
		var parts []string
		for _, l := range t {
			parts = append(parts, fmt.Sprintf("%d:%d%s", l.Catalog, l.Record, l.Code))
		}
		return "links[" + strings.Join(parts, " ") + "]"
	case query.LinksWhere:
		return fmt.Sprintf("links %d where (%s)", t.Catalog, show(t.Where))
	case query.LinksLike:
		return fmt.Sprintf("links like %d of %d", t.Field, t.Record)
	}
	return fmt.Sprintf("%T", t)
}

func showTime(ms int64) string {
	return strings.TrimSuffix(time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999"), "T00:00:00")
}

func showBound[T any](v *T, text func(T) string) string {
	if v == nil {
		return ""
	}
	return text(*v)
}

// brackets as the npm client sends them, or JSON beginning with [ or {.
func filterOf(t testing.TB, s string) (query.Node, error) {
	t.Helper()
	if s != "" && (s[0] == '[' || s[0] == '{') {
		s = "filters=" + url.QueryEscape(s)
	}
	v, err := params(t, s).Value("filters")
	if err != nil {
		return nil, err
	}
	return DecodeFilter(v, scopeOf(t, "27"), byOperator)
}

func TestFilterForms(t *testing.T) {
	cases := []struct{ name, filter, want string }{
		{"absent", "", "nothing"},
		{"null as the query string writes it", "filters=", "nothing"},
		{"array, brackets", "filters[0][fieldId]=5&filters[0][value][at]=1&filters[1][fieldId]=2&filters[1][value]=acme", `and(105 1.., 102 has "acme")`},
		{"array, brackets, the old name of the field", "filters[0][attr]=2&filters[0][value]=acme", `102 has "acme"`},
		{"fieldId wins over attr", `[{"attr":3,"fieldId":2,"value":"x"}]`, `102 has "x"`},
		{"array, JSON", `[{"fieldId":7,"value":[1]}]`, "107 any[1]"},
		{"object, JSON", `{"7":[1],"2":"acme"}`, `and(107 any[1], 102 has "acme")`},
		{"object, brackets", "filters[7][0]=1", "107 any[1]"},
		{"a field by number 4 is no fifth element", "filters[9][0][catalogId]=31&filters[9][0][recordId]=5", "109 links[31:5]"},
		{"object of elements", `{"0":{"fieldId":2,"value":"x"}}`, `102 has "x"`},
		{"options of one field", `{"7":{"$or":[[1,2],["late"]]},"22":{"$and":[[3],[2]]}}`, "and(or(107 any[1 2], 107 any[3]), and(122 any[3], 122 any[2]))"},
		{"options of check boxes", `{"11":{"$or":[["1","2"],["3"]]}}`, "or(111 all[1 2], 111 all[3])"},
		{"options in brackets", "filters[7][$or][0][0]=1&filters[7][$or][1][0]=2", "or(107 any[1], 107 any[2])"},
		{"groups", `{"$or":[{"7":[1]},{"$and":[{"2":"x"},{"5":{"at":3}}]}]}`, `or(107 any[1], and(102 has "x", 105 3..))`},
		{"groups beside keys", `{"$or":[{"7":[1]},{"7":[2]}],"2":"x"}`, `and(or(107 any[1], 107 any[2]), 102 has "x")`},
		{"the client's example", `{"$and":[{"2":"1"},{"7":{"$or":[[1,2],[2]]}}]}`, `and(102 has "1", or(107 any[1 2], 107 any[2]))`},
		{"a group inside the array form", `[{"$or":[{"2":"a"},{"2":"b"}]},{"fieldId":5,"value":1}]`, `and(or(102 has "a", 102 has "b"), 105 1..1)`},
		{"element without value", `[{"fieldId":2},{"fieldId":3,"value":"x"}]`, `103 has "x"`},
		{"element with an empty list", `[{"fieldId":7,"value":[]}]`, "nothing"},
		{"empty list in the object form", `{"7":[]}`, "nothing"},
		{"an empty alternative cannot be sent in brackets either", `{"$or":[{"7":[]},{"2":"x"}]}`, `102 has "x"`},
		{"null is $empty", `{"2":null}`, "102 empty"},
		{"JSON text encoded twice", `"{\"2\":\"x\"}"`, `102 has "x"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantFilter(t, c.filter, c.want) })
	}
}

func wantFilter(t *testing.T, filter, want string) {
	t.Helper()
	if strings.HasPrefix(filter, `"`) {
		filter = "filters=" + url.QueryEscape(filter)
	}
	n, err := filterOf(t, filter)
	if err != nil {
		t.Fatal(err)
	}
	if got := show(n); got != want {
		t.Errorf("%s\n got %s\nwant %s", filter, got, want)
	}
}

func TestFilterValues(t *testing.T) {
	cases := []struct{ name, filter, want string }{
		{"text folds", `{"2":"ACME Łódź"}`, `102 has "acme łódź"`},
		{"text of a number", `{"2":17}`, `102 has "17"`},
		{"empty text matches all", `{"2":""}`, "and()"},
		{"$empty", `{"2":"$empty"}`, "102 empty"},
		{"$notEmpty of a list", `{"18":["$notEmpty"]}`, "118 not empty"},
		{"contact", `{"16":"desk"}`, `116 has "desk"`},
		{"contact by digits", `{"16":"+7 (900) 1"}`, `116 has "+7 (900) 1" 79001`},
		{"address", `{"17":"harbour"}`, `117 has "harbour"`},
		{"number range", `{"5":{"at":1,"to":2.5}}`, "105 1..2.5"},
		{"number range of texts", `filters[5][at]=-1.5&filters[5][to]=1e3`, "105 -1.5..1000"},
		{"an empty bound is none", `filters[5][at]=&filters[5][to]=7`, "105 ..7"},
		{"a range without bounds says nothing", `filters[5][at]=&filters[5][to]=`, "nothing"},
		{"number scalar", `{"5":10}`, "105 10..10"},
		{"number scalar in brackets", `filters[5]=10`, "105 10..10"},
		{"numbers have the 15 digits they are stored with", `{"5":{"at":0.30000000000000004,"to":9007199254740993}}`, "105 0.3..9.00719925474099e+15"},
		{"number scalar of 17 digits", `{"5":0.30000000000000004}`, "105 0.3..0.3"},
		{"range as JSON in brackets", `filters[5]={"at":4}`, "105 4.."},
		{"progress", `{"6":{"at":10}}`, "106 10.."},
		{"stars", `{"12":[4,"5"]}`, "112 any[4 5]"},
		{"star", `{"12":4}`, "112 any[4]"},
		{"choice", `{"8":["1","2"]}`, "108 any[1 2]"},
		{"choice scalar", `{"8":2}`, "108 any[2]"},
		{"choice as JSON in brackets", `filters[0][fieldId]=8&filters[0][value]=[1,2]`, "108 any[1 2]"},
		{"option with a custom id", `{"7":["late"]}`, "107 any[3]"},
		{"option or nothing", `{"7":["1","$empty"]}`, "or(107 empty, 107 any[1])"},
		{"check boxes have all", `{"11":["1","2"]}`, "111 all[1 2]"},
		{"check boxes empty", `{"11":["$empty"]}`, "111 empty"},
		{"switch", `{"15":true}`, "115 any[1]"},
		{"switch in brackets", `filters[15]=false`, "115 any[0]"},
		{"switch as in conditions", `{"15":[true]}`, "115 any[1]"},
		{"a switch is never empty", `{"15":"$empty"}`, "or()"},
		{"users", `{"10":["7","CURRENT_USER",{"id":9}]}`, "110 links[3:7 3:7 3:9]"},
		{"user or nobody", `{"10":["$empty",7]}`, "or(110 empty, 110 links[3:7])"},
		{"links", `{"9":[{"catalogId":31,"recordId":"12"},{"recordId":"acme"}]}`, "109 links[31:12 31:0acme]"},
		{"one link, object form", `{"9":{"catalogId":"31","recordId":12}}`, "109 links[31:12]"},
		{"linked filters, array form", `{"9":[{"catalogId":31,"filters":[{"fieldId":2,"value":"x"}]}]}`, `109 links 31 where (202 has "x")`},
		{"linked filters, object form", `{"9":[{"catalogId":31,"filters":{"4":"x"}}]}`, `109 links 31 where (204 has "x")`},
		{"linked filters nest", `{"9":[{"catalogId":31,"filters":{"5":[{"catalogId":"places","filters":{"2":{"at":3}}}]}}]}`, "109 links 31 where (205 links 44 where (302 3..))"},
		{"linked filters in brackets", "filters[9][0][catalogId]=31&filters[9][0][filters][0][fieldId]=2&filters[9][0][filters][0][value]=x", `109 links 31 where (202 has "x")`},
		{"linked without filters", `{"9":[{"catalogId":31,"filters":[]}]}`, "109 links 31 where (and())"},
		{"linked or nothing", `{"9":["$empty",{"catalogId":31,"filters":{"2":"x"}},{"recordId":1}]}`, `or(109 empty, 109 links 31 where (202 has "x"), 109 links[31:1])`},
		{"links of the own card", `{"9":[{"userAttr":"8"}]}`, "109 links like 8 of 7"},
		{"own record in a link to employees", `{"19":["CURRENT_USER"]}`, "119 links[3:7]"},
		{"employees by old number", `{"19":[{"catalogId":3,"recordId":5}]}`, "119 links[3:5]"},
		{"links of a removed catalog", `{"23":[{"catalogId":"50","recordId":5}]}`, "123 links[50:5]"},
		{"files", `{"18":true}`, "118 not empty"},
		{"no files", `filters[18]=false`, "118 empty"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantFilter(t, c.filter, c.want) })
	}
}

// The caller is three hours east of UTC; his today is Wednesday 2031-02-05.
func TestFilterDates(t *testing.T) {
	cases := []struct{ name, filter, want string }{
		{"no date", `{"13":"NULL_DATE"}`, "113 empty"},
		{"day", `{"13":"2031-02-03"}`, "113 2031-02-03..2031-02-03"},
		{"day range", `{"13":{"at":"2031-02-03","to":"2031-02-04"}}`, "113 2031-02-03..2031-02-04"},
		{"day by an instant of UTC is the caller's", `{"13":"2031-02-03T22:00:00Z"}`, "113 2031-02-04..2031-02-04"},
		{"day with an own zone as written", `{"13":"2031-02-03T22:00:00-05:00"}`, "113 2031-02-03..2031-02-03"},
		{"day of a month field", `{"21":"2031-02-03"}`, "121 2031-02-01..2031-02-01"},
		{"instant", `{"14":"2031-02-03T10:15:00Z"}`, "114 2031-02-03T10:15:00..2031-02-03T10:15:00"},
		{"bounds without zone are the caller's", `{"14":{"at":"2031-02-03T10:00","to":"2031-02-03T11:00:00.5"}}`, "114 2031-02-03T07:00:00..2031-02-03T08:00:00.5"},
		{"a to without time is the whole day", `{"14":{"to":"2031-02-03"}}`, "114 ..2031-02-03T20:59:59.999"},
		{"an at without time is its start", `{"14":{"at":"2031-02-03"}}`, "114 2031-02-02T21:00:00.."},
		{"own zone is taken as it is", `{"14":{"at":"2031-02-03T10:00:00+05:30"}}`, "114 2031-02-03T04:30:00.."},
		{"the plus became a blank", "filters[14][at]=2031-01-01T00:00:00 03:00", "114 2030-12-31T21:00:00.."},
		{"the plus became a blank, unescaped", "filters[14][at]=2031-01-01T00:00:00+03:00", "114 2030-12-31T21:00:00.."},
		{"milliseconds", `{"14":1927968000000}`, "114 2031-02-04T10:40:00..2031-02-04T10:40:00"},
		{"relative days", `{"13":{"relative":{"at":-7,"to":0}}}`, "113 2031-01-29..2031-02-05"},
		{"relative days of instants", `filters[14][relative][at]=-1&filters[14][relative][to]=`, "114 2031-02-03T21:00:00.."},
		{"relative days without bounds", `{"13":{"relative":{"at":null}}}`, "nothing"},
		{"today", `{"14":{"period":"today"}}`, "114 2031-02-04T21:00:00..2031-02-05T20:59:59.999"},
		{"todayAndBefore", `{"14":{"period":"todayAndBefore"}}`, "114 ..2031-02-05T20:59:59.999"},
		{"yesterday", `{"13":{"period":"yesterday"}}`, "113 2031-02-04..2031-02-04"},
		{"tomorrow", `{"13":{"period":"tomorrow"}}`, "113 2031-02-06..2031-02-06"},
		{"thisWeek begins on Monday", `{"13":{"period":"thisWeek"}}`, "113 2031-02-03..2031-02-09"},
		{"lastWeek", `{"13":{"period":"lastWeek"}}`, "113 2031-01-27..2031-02-02"},
		{"nextWeek", `{"13":{"period":"nextWeek"}}`, "113 2031-02-10..2031-02-16"},
		{"thisMonth", `{"13":{"period":"thisMonth"}}`, "113 2031-02-01..2031-02-28"},
		{"lastMonth", `{"13":{"period":"lastMonth"}}`, "113 2031-01-01..2031-01-31"},
		{"nextMonth", `{"13":{"period":"nextMonth"}}`, "113 2031-03-01..2031-03-31"},
		{"last30days", `{"13":{"period":"last30days"}}`, "113 2031-01-07..2031-02-05"},
		{"thisQuarter", `{"13":{"period":"thisQuarter"}}`, "113 2031-01-01..2031-03-31"},
		{"lastQuarter", `{"13":{"period":"lastQuarter"}}`, "113 2030-10-01..2030-12-31"},
		{"nextQuarter", `{"13":{"period":"nextQuarter"}}`, "113 2031-04-01..2031-06-30"},
		{"thisYear", `{"13":{"period":"thisYear"}}`, "113 2031-01-01..2031-12-31"},
		{"lastYear", `{"13":{"period":"lastYear"}}`, "113 2030-01-01..2030-12-31"},
		{"nextYear", `{"13":{"period":"nextYear"}}`, "113 2032-01-01..2032-12-31"},
		{"last365days", `{"13":{"period":"last365days"}}`, "113 2030-02-06..2031-02-05"},
		{"birthday", `{"13":{"period":"birthday"}}`, "113 birthday 2-5 +0"},
		{"birthday of instants", `{"14":{"period":"birthday"}}`, "114 birthday 2-5 +180"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantFilter(t, c.filter, c.want) })
	}
}

func TestFilterRefuses(t *testing.T) {
	cases := []struct {
		name, filter string
		code         fault.Code
		names        string
	}{
		{"unknown field", `{"99":"x"}`, fault.UnknownField, "99"},
		{"unknown field in the array form", `[{"fieldId":"nope","value":1}]`, fault.UnknownField, "nope"},
		{"element without a field", `[{"value":1}]`, fault.UnknownField, "value"},
		{"hidden field", `{"19":[{"catalogId":3,"filters":{"$password":"x"}}]}`, fault.FieldHidden, "$password"},
		{"hidden field by number", `{"19":[{"catalogId":3,"filters":{"3":"x"}}]}`, fault.FieldHidden, "$password"},
		{"scalar", "filters=5", fault.InvalidFilter, "filters"},
		{"broken JSON", `{"2":`, fault.InvalidParameter, "filters"},
		{"list of scalars", `[1]`, fault.InvalidFilter, "filters"},
		{"group", `{"1":"x"}`, fault.InvalidFilter, "1"},
		{"button", `{"20":"x"}`, fault.InvalidFilter, "20"},
		{"list for a text", `{"2":["a","b"]}`, fault.InvalidFilter, "2"},
		{"object for a text", `{"2":{"at":1}}`, fault.InvalidFilter, "2"},
		{"text for a number", `{"5":"ten"}`, fault.InvalidFilter, "5"},
		{"empty text for a number", `filters[5]=`, fault.InvalidFilter, "5"},
		{"empty text for a choice", `filters[7]=`, fault.InvalidFilter, "7"},
		{"empty text for a date", `filters[13]=`, fault.InvalidFilter, "13"},
		{"empty text for a link", `filters[9]=`, fault.InvalidFilter, "9"},
		{"not a number in a range", `{"5":{"at":"x"}}`, fault.InvalidFilter, "5"},
		{"infinite", `{"5":"1e999"}`, fault.InvalidFilter, "5"},
		{"hexadecimal", `{"5":"0x10"}`, fault.InvalidFilter, "5"},
		{"unknown bound", `{"5":{"from":1}}`, fault.InvalidFilter, "5"},
		{"half a star", `{"12":[4.5]}`, fault.InvalidFilter, "12"},
		{"unknown option", `{"7":["77"]}`, fault.InvalidFilter, "7"},
		{"$empty among check boxes", `{"11":["1","$empty"]}`, fault.InvalidFilter, "11"},
		{"not a switch", `{"15":"maybe"}`, fault.InvalidFilter, "15"},
		{"not a date", `{"13":"yesterday"}`, fault.InvalidFilter, "13"},
		{"31 February", `{"13":"2031-02-31"}`, fault.InvalidFilter, "13"},
		{"year 0", `{"13":"0000-12-31"}`, fault.InvalidFilter, "13"},
		{"year 10000 by zone", `{"14":"9999-12-31T23:00:00-05:00"}`, fault.InvalidFilter, "14"},
		{"unknown period", `{"13":{"period":"someday"}}`, fault.InvalidFilter, "13"},
		{"period beside bounds", `{"13":{"period":"today","at":"2031-01-01"}}`, fault.InvalidFilter, "13"},
		{"period of no name", `{"13":{"period":["today"]}}`, fault.InvalidFilter, `["today"]`},
		{"days beyond all years", `{"13":{"relative":{"to":1e9}}}`, fault.InvalidFilter, "4000000"},
		{"object for an employee", `{"10":{"a":1}}`, fault.InvalidFilter, "employees"},
		{"half days", `{"13":{"relative":{"at":0.5}}}`, fault.InvalidFilter, "13"},
		{"scalar for a link", `{"9":[12]}`, fault.InvalidFilter, "9"},
		{"CURRENT_USER in a link to others", `{"9":["CURRENT_USER"]}`, fault.InvalidFilter, "9"},
		{"unknown catalog", `{"9":[{"catalogId":999,"recordId":1}]}`, fault.InvalidFilter, "9"},
		{"another catalog for an employee", `{"10":[{"catalogId":31,"recordId":1}]}`, fault.InvalidFilter, "10"},
		{"filters of a removed catalog", `{"23":[{"catalogId":50,"filters":{}}]}`, fault.InvalidFilter, "23"},
		{"catalog missing of several", `{"19":[{"recordId":1}]}`, fault.InvalidFilter, "19"},
		{"record and filters", `{"9":[{"catalogId":31,"recordId":1,"filters":{}}]}`, fault.InvalidFilter, "9"},
		{"userAttr of no link field", `{"9":[{"userAttr":"$name"}]}`, fault.InvalidFilter, "9"},
		{"not a file test", `{"18":"some"}`, fault.InvalidFilter, "18"},
		{"$or of no list", `{"$or":"x"}`, fault.InvalidFilter, "$or"},
		{"$or beside bounds", `{"5":{"$or":[1],"at":1}}`, fault.InvalidFilter, "5"},
		{"nested too deep", strings.Repeat(`{"$or":[`, 20) + `{"2":"x"}` + strings.Repeat(`]}`, 20), fault.InvalidFilter, "20"},
		{"options nested too deep", `{"2":` + strings.Repeat(`{"$or":[`, 20) + `"x"` + strings.Repeat(`]}`, 20) + `}`, fault.InvalidFilter, "20"},
		{"depth bomb", strings.Repeat(`{"$or":[`, 5000) + `{"2":"x"}` + strings.Repeat(`]}`, 5000), fault.InvalidParameter, "filters"},
		{"depth bomb in brackets", "filters" + strings.Repeat("[$or][0]", 10) + "=x", fault.InvalidFilter, "filters"},
		{"too many conditions", `[` + strings.Repeat(`{"fieldId":2,"value":"x"},`, 500) + `{"fieldId":2,"value":"x"}]`, fault.InvalidFilter, "500"},
		{"too many values", `{"10":[` + strings.Repeat("7,", 10_000) + `7]}`, fault.InvalidFilter, "10000"},
		{"SQL in an id", `{"2' OR 1=1--":"x"}`, fault.UnknownField, "2' OR"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			n, err := filterOf(t, c.filter)
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.names) {
				t.Errorf("got %v, %s", err, show(n))
			}
		})
	}
}

// FuzzFilter: whatever comes, the answer is a condition on fields of the
// catalog or a fault of the caller, and the JSON form of what came in brackets
// means the same.
func FuzzFilter(f *testing.F) {
	sc := scopeOf(f, "27")
	for _, s := range []string{
		`{"2":"acme"}`, `[{"fieldId":5,"value":{"at":1,"to":""}}]`, `{"$or":[{"7":[1]},{"13":{"period":"today"}}]}`,
		`{"9":[{"catalogId":31,"filters":{"2":"x"}},"$empty"]}`, `{"14":{"relative":{"at":-7}}}`, `{"19":["CURRENT_USER",{"userAttr":8}]}`,
		`{"11":{"$or":[["1"],["2","3"]]}}`, `{"14":"2031-02-03T10:00:00 03:00"}`, `{"5":"1e400"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := tree.ParseJSON([]byte(s), tree.Limits{Depth: 30})
		if err != nil {
			return
		}
		n, err := DecodeFilter(v, sc, byOperator)
		if err != nil {
			switch fault.CodeOf(err) {
			case fault.InvalidFilter, fault.InvalidParameter, fault.UnknownField, fault.FieldHidden:
				return
			}
			t.Fatalf("%v", err)
		}
		query.Walk(sc.Catalog.Num, n, func(c query.Catalog, n query.Node) {
			if cond, ok := n.(query.Cond); ok && sc.Structure.Catalog(c).Field(cond.Field) == nil {
				t.Errorf("a condition on field %d of catalog %d", cond.Field, c)
			}
		})
		again, err := DecodeFilter(parse(t, string(v.AppendJSON(nil))), sc, byOperator)
		if err != nil || show(again) != show(n) {
			t.Errorf("written again: %v, %s; first %s", err, show(again), show(n))
		}
	})
}
